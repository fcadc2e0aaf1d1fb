//! A filled form as text, to print or to share.

use serde_json::Value;

use super::definition::{FieldKind, FormDefinition};
use super::show;
use crate::record::{Fields, get};

/// How the text is marked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum TextStyle {
    /// Nothing but text.
    Plain,
    /// Markdown, with what was written protected from being read as markup.
    Markdown,
}

/// Everything that is written, with its label and unit; sections without anything are left out.
pub fn render(definition: &FormDefinition, fields: &Fields, style: TextStyle) -> String {
    let mut out = heading(style, "#", &definition.title);
    for section in &definition.sections {
        let mut lines = String::new();
        for field in &section.fields {
            let Some(value) = get(fields, &field.path) else { continue };
            let shown = show::display(field, value);
            if shown.is_empty() {
                continue;
            }
            let label = match style {
                TextStyle::Plain => format!("{}:", field.label),
                TextStyle::Markdown => format!("**{}:**", field.label),
            };
            let entries = match (field.kind, value) {
                (FieldKind::Lines, Value::Array(_)) => show::texts(field, value),
                _ => Vec::new(),
            };
            lines.push_str(&entry(style, &label, &shown, &entries));
        }
        if !lines.is_empty() {
            out.push('\n');
            out.push_str(&heading(style, "##", &section.title));
            out.push_str(&lines);
        }
    }
    out
}

fn heading(style: TextStyle, mark: &str, title: &str) -> String {
    match style {
        TextStyle::Plain => format!("{title}\n"),
        TextStyle::Markdown => format!("{mark} {}\n\n", escaped(title)),
    }
}

fn entry(style: TextStyle, label: &str, shown: &str, entries: &[String]) -> String {
    let text = |text: &str, indent: &str| {
        let text = if style == TextStyle::Markdown { escaped(text) } else { text.to_owned() };
        text.replace('\n', &format!("\n{indent}"))
    };
    // Markdown runs lines together unless each is an entry of a list.
    let (bullet, inner) = if style == TextStyle::Markdown { ("- ", "  ") } else { ("", "") };
    if entries.is_empty() {
        return format!("{bullet}{label} {}\n", text(shown, "  "));
    }
    let first = format!("{bullet}{label}\n");
    let line = |entry: &String| format!("{inner}- {}\n", text(entry, &format!("{inner}  ")));
    std::iter::once(first).chain(entries.iter().map(line)).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&')
        {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn example() -> Fields {
        serde_json::from_value(json!({
            "procedure": "biliary-drain", "role": "scrubbed", "attending": "Lindqvist",
            "labs": {"inr": 1.6, "bilirubin": 14.2}, "access": {"guidance": ["us", "fluoro"]},
            "devices": ["21G needle", "8 then 10 Fr drain"], "fluoro_min": 17.9,
            "adverse_event": {"scheme": "CIRSE", "edition": "2017", "grade": 3},
            "note": "two\nlines, *not* bold", "unknown": "not shown", "lesson": ""
        }))
        .unwrap()
    }

    #[test]
    fn plain_text_has_labels_values_and_units() {
        let wanted = "Case\n\nCase\nProcedure: Biliary drain placement\nRole: Scrubbed\nAttending: Lindqvist\n\n\
            Labs\nINR: 1.6\nBilirubin: 14.2 mg/dL\n\nAccess\nGuidance: US, Fluoro\n\n\
            Done\nDevices:\n- 21G needle\n- 8 then 10 Fr drain\n\n\
            Complication\nAdverse event, graded: CIRSE 2017, grade 3\n\nDose\nFluoro: 17.9 min\n\n\
            Learned\nNote: two\n  lines, *not* bold\n";
        let form = FormDefinition::shipped("case").unwrap();
        assert_eq!(render(form, &example(), TextStyle::Plain), wanted);
    }

    #[test]
    fn markdown_protects_what_was_written() {
        let form = FormDefinition::shipped("case").unwrap();
        let text = render(form, &example(), TextStyle::Markdown);
        assert!(text.starts_with("# Case\n\n"));
        assert!(text.contains("- **Devices:**\n  - 21G needle\n"));
        assert!(text.contains("- **Note:** two\n  lines, \\*not\\* bold\n"));
    }
}
