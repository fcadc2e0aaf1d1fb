//! A definition as the TOML that it is read from.

use std::fmt::Write as _;

use super::definition::{FieldKind, FormDefinition, FormField, KINDS};
use crate::content::Content;

impl FormDefinition {
    /// The definition as TOML; reading it gives the same definition.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "id = {}", quoted(&self.id));
        let _ = writeln!(out, "revision = {}", self.revision);
        let _ = writeln!(out, "title = {}", quoted(&self.title));
        let _ = writeln!(out, "kind = {}", quoted(&self.kind));
        for section in &self.sections {
            let _ = writeln!(out, "\n[[section]]\nid = {}", quoted(&section.id));
            let _ = writeln!(out, "title = {}", quoted(&section.title));
            text(&mut out, "help", &section.help);
            let _ = writeln!(out, "columns = {}", section.columns);
            flag(&mut out, "folded", section.folded);
            for one in &section.fields {
                field(&mut out, one);
            }
        }
        out
    }
}

fn field(out: &mut String, field: &FormField) {
    let kind = KINDS.iter().find(|(_, kind)| *kind == field.kind).map_or("text", |(word, _)| word);
    let _ = writeln!(out, "\n[[section.field]]\npath = {}", quoted(&field.path));
    let _ = writeln!(out, "label = {}", quoted(&field.label));
    let _ = writeln!(out, "kind = {}", quoted(kind));
    flag(out, "asked", field.asked);
    flag(out, "fixed", field.fixed);
    flag(out, "recent_first", field.recent_first);
    if field.width > 1 {
        let _ = writeln!(out, "width = {}", field.width);
    }
    text(out, "help", &field.help);
    text(out, "placeholder", &field.placeholder);
    text(out, "source", &field.source);
    if field.kind == FieldKind::Person {
        text(out, "role", &field.role);
    }
    if !field.options.is_empty() {
        let option = |option: &super::FormChoice| {
            let mut one = format!(
                "  {{ value = {}, label = {}",
                quoted(&option.value),
                quoted(&option.label)
            );
            if !option.group.is_empty() {
                let _ = write!(one, ", group = {}", quoted(&option.group));
            }
            one + " },\n"
        };
        let options: String = field.options.iter().map(option).collect();
        let _ = writeln!(out, "options = [\n{options}]");
    }
    quantity(out, field);
}

/// What is not known of the stored name already.
fn quantity(out: &mut String, field: &FormField) {
    let Some(quantity) = &field.quantity else { return };
    let known = Content::shipped().quantity(&field.path);
    let mut bound = |key: &str, own: Option<f64>, known: Option<f64>| {
        if let Some(bound) = own.filter(|_| own != known) {
            let _ = writeln!(out, "{key} = {bound:?}");
        }
    };
    bound("low", quantity.low, known.and_then(|known| known.low));
    bound("high", quantity.high, known.and_then(|known| known.high));
    if known.is_some() {
        return;
    }
    text(out, "unit", &quantity.unit);
    if !quantity.spellings.is_empty() {
        let all: Vec<String> = quantity.spellings.iter().map(|unit| quoted(unit)).collect();
        let _ = writeln!(out, "spellings = [{}]", all.join(", "));
    }
    if !quantity.others.is_empty() {
        let other = |other: &crate::content::OtherUnit| {
            let (unit, times, per) = (quoted(&other.unit), other.times, other.per);
            format!("{{ unit = {unit}, times = {times:?}, per = {per:?} }}")
        };
        let all: Vec<String> = quantity.others.iter().map(other).collect();
        let _ = writeln!(out, "others = [{}]", all.join(", "));
    }
    flag(out, "clock", quantity.clock);
    let _ = writeln!(out, "decimals = {}", quantity.decimals);
}

fn text(out: &mut String, key: &str, text: &str) {
    if !text.is_empty() {
        let _ = writeln!(out, "{key} = {}", quoted(text));
    }
}

fn flag(out: &mut String, key: &str, flag: bool) {
    if flag {
        let _ = writeln!(out, "{key} = true");
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let own = "id = 'own'\ntitle = 'A \"b\"\\'\nkind = 'consult'\n[[section]]\nid = 'a'\ntitle = 'A'\nfolded = true\n\
            [[section.field]]\npath = 'x_cm'\nlabel = 'X'\nkind = 'number'\nunit = 'cm'\nlow = 0.5\n\
            others = [{ unit = 'mm', per = 10 }]\n[[section.field]]\npath = 'seen_by'\nlabel = 'Seen'\nkind = 'person'\nrole = 'fellow'\n";
        let own = FormDefinition::parse(own, "own.toml").unwrap();
        let shipped =
            ["case", "debrief", "consult-drain", "consult-paracentesis", "consult-general"];
        for form in shipped.iter().filter_map(|id| FormDefinition::shipped(id)).chain([&own]) {
            let again = FormDefinition::parse(&form.to_toml(), "again.toml");
            assert_eq!(again.as_ref(), Ok(form), "{}", form.to_toml());
        }
    }
}
