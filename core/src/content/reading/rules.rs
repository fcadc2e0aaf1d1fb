//! How the fields of each kind are read: taken from the forms and from the words of jots, so that each
//! word stands in the content once.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::content::{Content, Quantity};
use crate::fold;

/// How the values of a field are read.
pub(super) enum Rule {
    Number(Quantity),
    Choice(Spellings),
    Choices(Spellings),
    Flag,
    Time,
    Procedure,
}

/// The words of a choice.
#[derive(Default)]
pub(super) struct Spellings {
    /// Stored words by what people write for them.
    pub(super) stored: HashMap<String, String>,
    /// Labels by stored words.
    pub(super) labels: HashMap<String, String>,
}

pub(super) const FORMS: [&str; 10] = [
    include_str!("../../../content/forms/case.toml"),
    include_str!("../../../content/forms/debrief.toml"),
    include_str!("../../../content/forms/checklist_run.toml"),
    include_str!("../../../content/forms/consult-bleeding.toml"),
    include_str!("../../../content/forms/consult-drain.toml"),
    include_str!("../../../content/forms/consult-general.toml"),
    include_str!("../../../content/forms/consult-paracentesis.toml"),
    include_str!("../../../content/forms/consult-vascular_access.toml"),
    include_str!("../../../content/forms/daily_read.toml"),
    include_str!("../../../content/forms/imaging_finding.toml"),
];
const KINDS: &str = include_str!("../../../content/kinds.toml");
pub(super) const ROLES: &str = include_str!("../../../content/jot/roles.toml");
pub(super) const RULES_OF_PROCEDURES: &str = include_str!("../../../content/jot/procedures.toml");
/// Where the words for things stand that name a procedure by themselves.
pub(super) const THINGS: [&str; 4] = [
    include_str!("../../../content/jot/vascular.toml"),
    include_str!("../../../content/jot/venous_spine.toml"),
    include_str!("../../../content/jot/drainage.toml"),
    include_str!("../../../content/jot/oncology.toml"),
];

/// Raised where what is here reads something else of the same content.
const RULES_REVISION: i64 = 2;

pub(super) const REVISION: i64 = {
    let mut sum = hash(RULES_OF_PROCEDURES, hash(ROLES, 0xcbf2_9ce4_8422_2325));
    sum = hash(include_str!("../../../content/procedures.csv"), sum);
    sum = hash(include_str!("../../../content/limits/dose.toml"), sum);
    sum = hash(FORMS[0], sum);
    let mut file = 0;
    while file < THINGS.len() {
        sum = hash(THINGS[file], sum);
        file += 1;
    }
    // Of a size that SQLite and JSON both keep exactly.
    (sum >> 16).cast_signed() + RULES_REVISION
};

/// FNV-1a: told apart, not protected.
const fn hash(text: &str, mut sum: u64) -> u64 {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        sum = (sum ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    sum
}

/// As much of a form as says how its fields are read; the form itself is checked where it is drawn.
#[derive(Deserialize)]
pub(super) struct Form {
    kind: String,
    #[serde(default)]
    section: Vec<Section>,
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    field: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    path: String,
    /// Nothing for a set, and for the field with the time: `content/kinds.toml` names those.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    options: Vec<Word>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    spellings: Vec<String>,
}

/// As much of a kind as says which of its fields is the time that it happened.
#[derive(Deserialize)]
struct Kind {
    when: Option<String>,
}

#[derive(Deserialize)]
struct Word {
    value: String,
    label: Option<String>,
}

pub(super) type Rules = BTreeMap<String, Rule>;

/// How the fields of a kind are read; nothing for a kind without a form.
pub(super) fn rules(kind: &str) -> &'static Rules {
    static ALL: OnceLock<HashMap<String, Rules>> = OnceLock::new();
    static NONE: Rules = Rules::new();
    let all = ALL.get_or_init(|| {
        let mut all: HashMap<String, Rules> = HashMap::new();
        let kinds: HashMap<String, Kind> = toml::from_str(KINDS).unwrap_or_default();
        for form in FORMS {
            // A test reads the files; a build in which one fails to parse does not ship.
            let Ok(Form { kind, section }) = toml::from_str::<Form>(form) else { continue };
            let when = kinds.get(&kind).and_then(|kind| kind.when.clone());
            let rules = all.entry(kind).or_default();
            rules.extend(when.map(|path| (path, Rule::Time)));
            for field in section.into_iter().flat_map(|section| section.field) {
                if let Some(rule) = rule(&field) {
                    rules.entry(field.path).or_insert(rule);
                }
            }
        }
        if let Some(Rule::Choice(words)) = all.get_mut("case").and_then(|case| case.get_mut("role"))
        {
            roles(&mut words.stored);
        }
        all
    });
    all.get(kind).unwrap_or(&NONE)
}

fn rule(field: &Field) -> Option<Rule> {
    let words = || {
        let mut words = Spellings::default();
        for Word { value, label } in &field.options {
            let label = label.as_deref().unwrap_or(value);
            for spelling in [folded(value), folded(label)] {
                words.stored.insert(spelling, value.clone());
            }
            words.labels.insert(value.clone(), label.to_owned());
        }
        words
    };
    Some(match field.kind.as_str() {
        "number" => {
            Rule::Number(Content::shipped().quantity(&field.path).cloned().unwrap_or_else(|| {
                Quantity {
                    field: field.path.clone(),
                    unit: field.unit.clone(),
                    spellings: field.spellings.clone(),
                    ..Quantity::default()
                }
            }))
        }
        "choice" => Rule::Choice(words()),
        "choices" => Rule::Choices(words()),
        "flag" => Rule::Flag,
        "time" => Rule::Time,
        "procedure" => Rule::Procedure,
        _ => return None,
    })
}

/// As much of a list of words as is needed here.
#[derive(Deserialize)]
pub(super) struct Words {
    #[serde(default)]
    entry: Vec<Entry>,
    #[serde(default)]
    rule: Vec<Naming>,
}

#[derive(Deserialize)]
struct Entry {
    means: String,
    terms: Vec<String>,
}

#[derive(Deserialize)]
struct Naming {
    procedure: String,
    all: Vec<String>,
    rank: i64,
}

/// Terms with the thing that they mean, of those that mean a `what`.
fn terms(file: &str, what: &str) -> Vec<(String, String)> {
    let words: Words =
        toml::from_str(file).unwrap_or(Words { entry: Vec::new(), rule: Vec::new() });
    let mut all = Vec::new();
    for entry in words.entry {
        let thing = entry.means.strip_prefix(what).and_then(|rest| rest.strip_prefix(' '));
        let Some(thing) = thing else { continue };
        let whole = entry.terms.iter().filter(|term| !term.contains('_'));
        all.extend(whole.map(|term| (folded(term), thing.to_owned())));
    }
    all
}

/// What stands in a role's field and nothing else says what it says in a jot.
fn roles(words: &mut HashMap<String, String>) {
    for (term, role) in terms(ROLES, "role") {
        let stored = match role.as_str() {
            "part" => "did_part",
            "whole" => "performed_supervised",
            role @ ("observed" | "scrubbed" | "assisted") => role,
            _ => continue,
        };
        words.entry(term).or_insert_with(|| stored.to_owned());
    }
}

/// Procedures by their names and synonyms; `None` where a name is that of several.
pub(super) fn procedures() -> &'static HashMap<String, Option<String>> {
    static NAMES: OnceLock<HashMap<String, Option<String>>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = synonyms();
        for known in Content::shipped().procedures() {
            for name in [&known.short_name, &known.name, &known.id] {
                names.insert(folded(name), Some(known.id.clone()));
            }
        }
        names
    })
}

/// Words that name a thing which names a procedure by itself.
fn synonyms() -> HashMap<String, Option<String>> {
    let rules: Words = toml::from_str(RULES_OF_PROCEDURES)
        .unwrap_or(Words { entry: Vec::new(), rule: Vec::new() });
    let mut alone: HashMap<String, (i64, String)> = HashMap::new();
    for rule in rules.rule {
        let [thing] = rule.all.as_slice() else { continue };
        for thing in thing.split('|') {
            let best = alone.entry(thing.to_owned()).or_insert((i64::MIN, String::new()));
            if rule.rank > best.0 {
                *best = (rule.rank, rule.procedure.clone());
            }
        }
    }
    let mut names: HashMap<String, Option<String>> = HashMap::new();
    for (term, thing) in THINGS.iter().flat_map(|file| terms(file, "thing")) {
        let procedure = alone.get(&thing).map(|(_, procedure)| procedure);
        let known = procedure.filter(|id| Content::shipped().procedure(id).is_some());
        let Some(known) = known else { continue };
        match names.get_mut(&term) {
            Some(other) if other.as_deref() != Some(known.as_str()) => *other = None,
            Some(_) => {}
            None => drop(names.insert(term, Some(known.clone()))),
        }
    }
    names
}

/// A text without what people write differently: case, accents, and whatever is no letter or digit.
pub(super) fn folded(text: &str) -> String {
    // Accents first: one that stands for itself is no letter, and would cut its word in two.
    let text = fold::fold(text);
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
