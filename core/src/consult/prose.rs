//! The template language of presentations: Jinja with filters that make sentences, and nothing that
//! reaches outside.

use std::sync::OnceLock;

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, UndefinedBehavior};

use super::line::upper;
use super::shorthand::Shorthand;

/// Steps that a template may take: a presentation needs some hundreds.
const FUEL: u64 = 20_000;
/// Templates within templates are none of ours.
const DEPTH: usize = 40;

/// Why a template cannot be used.
pub(super) struct TemplateTrouble {
    /// Counted from 1, within the template.
    pub line: u32,
    /// In the engine's words.
    pub reason: String,
}

quiet_debug!(TemplateTrouble);

/// Whether a template can be read, and says something of nothing without failing.
pub(super) fn check(text: &str) -> Result<(), TemplateTrouble> {
    fill(text, Value::from_pairs(Vec::<(String, Value)>::new())).map(drop)
}

/// Fills a template.
pub(super) fn fill(text: &str, fields: Value) -> Result<String, TemplateTrouble> {
    let template = environment().template_from_str(text).map_err(|error| trouble(&error))?;
    let said = template.render(fields).map_err(|error| trouble(&error))?;
    Ok(tidy(&said))
}

fn trouble(error: &Error) -> TemplateTrouble {
    let line = error.line().and_then(|line| u32::try_from(line).ok()).unwrap_or(1);
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    TemplateTrouble { line, reason: format!("{}{detail}", error.kind()) }
}

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut env = Environment::empty();
        env.set_fuel(Some(FUEL));
        env.set_recursion_limit(DEPTH);
        env.set_undefined_behavior(UndefinedBehavior::Chainable);
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let list = Shorthand::shipped();
        env.add_filter("say", move |value: &Value| each(value, |text| list.say(text, false)));
        env.add_filter("told", move |value: &Value| each(value, |text| list.say(text, true)));
        env.add_filter("inside", move |value: &Value| each(value, |text| list.inside(text)));
        env.add_filter("suggested", move |value: &Value| {
            text(value, |text| list.without_suggesting(text.trim_end_matches('.')))
        });
        env.add_filter("denied", move |value: &Value| list.denies(&plain(value)));
        env.add_filter("chained", move |value: &Value| text(value, |text| list.chained(text)));
        env.add_filter("capital", |value: &Value| text(value, upper));
        env.add_filter("joined", move |value: &Value| {
            text(value, |text| {
                let joint = if list.follows_comma(text) { ", " } else { " with " };
                format!("{joint}{}", list.inside(text).trim_end_matches('.'))
            })
        });
        env.add_filter("article", move |value: &Value| {
            text(value, |text| format!("{} {text}", list.article(text)).trim().to_owned())
        });
        env.add_filter("about", move |value: &Value, heading: String, none: String| {
            text(value, |text| {
                if list.denies(text) { none } else { format!("{heading}: {}", list.inside(text)) }
            })
        });
        env.add_filter("headed", |value: &Value, heading: String| {
            text(value, |text| {
                let has = text.to_lowercase().starts_with(&heading.to_lowercase());
                if has { text.to_owned() } else { format!("{heading}: {text}") }
            })
        });
        env.add_filter("sentence", |value: &Value| text(value, |text| ended(&upper(text))));
        env.add_filter("ended", |value: &Value| text(value, ended));
        env.add_filter("listed", |value: &Value| listed(&entries(value)));
        env.add_filter("commas", |value: &Value| entries(value).join(", "));
        env.add_filter("begin", |value: &Value| text(value, |text| split(text).0.to_owned()));
        env.add_filter("rest", |value: &Value| text(value, |text| split(text).1.to_owned()));
        env.add_filter("lower", |value: &Value| plain(value).to_lowercase());
        env.add_filter("upper", |value: &Value| plain(value).to_uppercase());
        env
    })
}

/// A value as a text; nothing of what is no text and no number.
fn plain(value: &Value) -> String {
    match value.kind() {
        ValueKind::String | ValueKind::Number => value.to_string().trim().to_owned(),
        _ => String::new(),
    }
}

/// What `change` makes of a text; nothing of nothing.
fn text(value: &Value, change: impl FnOnce(&str) -> String) -> String {
    let text = plain(value);
    if text.is_empty() { text } else { change(&text) }
}

/// The same for each entry of a list.
fn each(value: &Value, change: impl Fn(&str) -> String) -> Value {
    match value.kind() {
        ValueKind::Seq => {
            Value::from(entries(value).iter().map(|entry| change(entry)).collect::<Vec<_>>())
        }
        _ => Value::from(text(value, &change)),
    }
}

/// The texts of a list, or the one.
fn entries(value: &Value) -> Vec<String> {
    let all = match value.kind() {
        ValueKind::Seq => {
            value.try_iter().map(|all| all.map(|one| plain(&one)).collect()).unwrap_or_default()
        }
        _ => vec![plain(value)],
    };
    let bare = |text: String| text.trim().trim_end_matches(['.', ',', ';']).to_owned();
    all.into_iter().map(bare).filter(|text| !text.is_empty()).collect()
}

/// `a`, `a and b`, `a, b, and c`.
fn listed(entries: &[String]) -> String {
    match entries {
        [] => String::new(),
        [one] => one.clone(),
        // Pieces that have commas or an "and" of their own are kept apart.
        all if all.iter().any(|one| one.contains(", ")) => all.join("; "),
        [one, other] if !one.contains(" and ") => format!("{one} and {other}"),
        [all @ .., last] => format!("{}, and {last}", all.join(", ")),
    }
}

/// With a full stop, where nothing else ends it.
fn ended(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', ';', ':']);
    if text.is_empty() || text.ends_with(['.', '!', '?', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The first sentence without its full stop, and the rest.
fn split(text: &str) -> (&str, &str) {
    let ends = text.match_indices(". ").map(|(at, _)| at).next();
    match ends {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text.trim_end_matches('.'), ""),
    }
}

/// One space between words, none before a comma, no mark twice: what templates leave behind.
fn tidy(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    for word in said.split_whitespace() {
        let is_mark = word.chars().all(|c| matches!(c, '.' | ',' | ';' | ':'));
        if is_mark && (out.is_empty() || out.ends_with(['.', ',', ';', ':', '!', '?'])) {
            continue;
        }
        if !out.is_empty() && !word.starts_with(['.', ',', ';', ':', '!', '?', ')']) {
            out.push(' ');
        }
        out.push_str(word);
    }
    for (twice, once) in
        [("..", "."), (",,", ","), (",.", "."), ("?.", "?"), ("!.", "!"), (";.", "."), (":.", ".")]
    {
        while out.contains(twice) {
            out = out.replace(twice, once);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_template_that_doubles_its_text_ends_before_the_memory_does() {
        let doubled = "{% set a = a ~ a %}".repeat(40);
        let block = "{% set a %}{{ a }}{{ a }}{% endset %}".repeat(40);
        let nested = "{% for a in [a ~ a] %}".repeat(30) + &"{% endfor %}".repeat(30);
        let told = "{% set a = a|article ~ a|ended %}".repeat(40);
        for growing in [doubled, block, nested, told] {
            let text = format!("{{% set a = 'word ' %}}{growing}{{{{ a }}}}");
            let why = check(&text).map_err(|trouble| trouble.reason);
            assert!(why.as_ref().is_err_and(|why| why.contains("fuel")), "{why:?}: {growing}");
        }
    }
}
