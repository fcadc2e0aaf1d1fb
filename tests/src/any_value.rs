//! Records in which any field holds any JSON value: nothing that an import or a peer brings may keep a
//! page, a list or a call from working. Core and laptop app take this file in as it is, because neither
//! can depend on this crate; it knows nothing but JSON and the names in `core/content/`.

#![allow(clippy::unwrap_used, reason = "content that cannot be read ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// A word that every record has, to be searched for.
pub const MARKER: &str = "zanzibar";

/// A group of records: a kind, what they all have, and the paths that take any value.
pub struct Group {
    /// What all of them are.
    pub kind: String,
    fixed: Vec<(&'static str, Value)>,
    paths: BTreeSet<String>,
}

/// Fields that no form shows and that rooms read all the same.
const BESIDE_FORMS: [(&str, &[&str]); 14] = [
    ("case", &["consult", "stages", "labs", "access", "specimens"]),
    ("of next year", &["note"]),
    ("consult", &["template", "labs"]),
    ("follow_up", &["note", "overnight", "new_imaging", "consultant_notes", "assessment", "plan"]),
    ("feedback", &["note", "went_well", "to_work_on", "action", "change_seen"]),
    ("letter", &["note", "answer"]),
    (
        "checklist_run",
        &[
            "checklist",
            "ticks",
            "skipped",
            "skip_reasons",
            "stages",
            "case",
            "tense_since",
            "calm_since",
        ],
    ),
    ("person", &["surname", "role", "note"]),
    ("consult_template", &["title", "based_on", "definition"]),
    ("presentation_template", &["title", "definition"]),
    ("question", &["note", "text", "answer", "status"]),
    ("talk", &["note", "title", "status"]),
    ("device", &["name", "key", "seal_key", "paired_at", "revoked_at"]),
    ("revocation", &["key", "by"]),
];

fn content() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|folder| folder.join("core/content")).find(|f| f.is_dir()).unwrap()
}

/// What stands between the first two quotes of a line that begins with `key`.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.trim_start().strip_prefix('=')?.split('"').nth(1)
}

/// Every kind with every field that the content names.
fn shapes() -> BTreeMap<String, BTreeSet<String>> {
    let mut shapes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let kinds = std::fs::read_to_string(content().join("kinds.toml")).unwrap();
    let mut kind = String::new();
    for line in kinds.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            kind = if name == "other" { "of next year".to_owned() } else { name.to_owned() };
        }
        let names = line.split('"').skip(1).step_by(2).map(str::to_owned);
        shapes.entry(kind.clone()).or_default().extend(names);
    }
    for form in std::fs::read_dir(content().join("forms")).unwrap() {
        let text = std::fs::read_to_string(form.unwrap().path()).unwrap();
        let kind = text.lines().find_map(|line| quoted(line, "kind")).unwrap();
        let paths = text.lines().filter_map(|line| quoted(line, "path")).map(str::to_owned);
        shapes.entry(kind.to_owned()).or_default().extend(paths);
    }
    for (kind, names) in BESIDE_FORMS {
        let names = names.iter().map(|name| (*name).to_owned());
        shapes.entry(kind.to_owned()).or_default().extend(names);
    }
    shapes.remove("");
    assert!(
        shapes.len() > 14 && shapes["case"].len() > 40,
        "the content is read: {:?}",
        shapes.keys()
    );
    shapes
}

/// The lines of an import, one a group and value: every field of the record holds the value. Where a path
/// has two names there is a second line, with the value in the place of the object.
///
/// Each value meets some of the groups, each group some of the values; with `RUNS_TIMES` all of them meet.
pub fn lines() -> Vec<String> {
    lines_of(&values())
}

/// The same with values that an import takes and that are more than a peer may send.
pub fn lines_of_imports() -> Vec<String> {
    let mut values = values();
    values.extend([
        nested(55, |value| json!([value])),
        nested(55, |value| json!({"in": value})),
        json!((0..300).collect::<Vec<u32>>()),
    ]);
    lines_of(&values)
}

fn lines_of(values: &[Value]) -> Vec<String> {
    let every = if std::env::var_os("RUNS_TIMES").is_some() { 1 } else { 12 };
    let mut lines = Vec::new();
    for (number, group) in groups().into_iter().enumerate() {
        let has_objects = group.paths().any(|path| path.contains('.'));
        for (place, value) in values.iter().enumerate() {
            for tops in [false, true] {
                let meets = (number + place + usize::from(tops)).is_multiple_of(every);
                if meets && (!tops || has_objects) {
                    lines.push(line(
                        lines.len(),
                        &group.kind,
                        &group.fields(value, tops, |_| true),
                    ));
                }
            }
        }
    }
    lines
}

/// A line of an import; the number makes it one of its own.
pub fn line(number: usize, kind: &str, fields: &Value) -> String {
    let (hour, rest) = (number / 3_600 % 24, number % 3_600);
    let (minute, second) = (rest / 60, rest % 60);
    let at = format!("2026-10-05T{hour:02}:{minute:02}:{second:02}-05:00");
    json!({ "kind": kind, "at": at, "fields": fields }).to_string()
}

/// Whether a line is of a kind that no export gives out: it is about devices.
pub fn is_kept_back(line: &str) -> bool {
    ["device", "revocation"].iter().any(|kind| line.contains(&format!("\"kind\":\"{kind}\"")))
}

/// The groups: each kind once with nothing fixed, and with what leads into the rooms' deeper parts.
pub fn groups() -> Vec<Group> {
    let mut groups = Vec::new();
    for (kind, paths) in shapes() {
        let group = |fixed: Vec<(&'static str, Value)>| Group {
            kind: kind.clone(),
            fixed,
            paths: paths.clone(),
        };
        groups.push(group(Vec::new()));
        match kind.as_str() {
            "consult" => {
                for template in ["drain", "vascular_access", "bleeding", "paracentesis"] {
                    let fixed =
                        [("template", json!(template)), ("procedure", json!("nephrostomy"))];
                    groups.push(group(fixed.to_vec()));
                }
            }
            "checklist_run" => {
                for (list, ticks) in [("before", json!([])), ("during", json!([{"item": "S-48"}]))]
                {
                    let fixed = [("checklist", json!(list)), ("ticks", ticks)];
                    groups.push(group(fixed.to_vec()));
                }
            }
            "case" => groups.push(group(vec![("procedure", json!("tips"))])),
            _ => {}
        }
    }
    groups
}

impl Group {
    /// A record of the group in which the paths that `chosen` picks hold `value`; or, with `tops`, the
    /// fields that those paths begin with.
    pub fn fields(&self, value: &Value, tops: bool, chosen: impl Fn(&str) -> bool) -> Value {
        let mut fields = Map::new();
        for path in self.paths.iter().filter(|path| chosen(path)) {
            let (top, name) = path.split_once('.').unwrap_or((path, ""));
            if tops || name.is_empty() {
                fields.entry(top).or_insert_with(|| value.clone());
                continue;
            }
            let inner = fields.entry(top).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            inner[name] = value.clone();
        }
        for (name, value) in &self.fixed {
            fields.insert((*name).to_owned(), value.clone());
        }
        fields.insert("unknown of next year".to_owned(), json!([MARKER, value]));
        Value::Object(fields)
    }

    /// The paths that take any value.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

fn nested(depth: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..depth).fold(json!("deep"), |value, _| wrap(value))
}

/// Values of every JSON type and of the shapes that some field takes for its own.
pub fn values() -> Vec<Value> {
    let mut values = numbers();
    values.extend(texts().into_iter().map(Value::from));
    values.extend([Value::Null, json!(true), json!(false)]);
    values.extend(lists());
    values
}

fn numbers() -> Vec<Value> {
    vec![
        json!(0),
        json!(-1),
        json!(3.5),
        json!(-0.0),
        json!(5e-324),
        json!(1e-9),
        json!(1e308),
        json!(-1e308),
        json!(u64::MAX),
        json!(i64::MIN),
    ]
}

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "  ",
        "x",
        "3,5",
        "1e400",
        "null",
        "[\"a\"]",
        "{\"a\":[1]}",
        "[",
        "2026-10-05T07:05:00-05:00",
        "0000-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999-23:59",
        "own/019a0000-0000-7000-8000-000000000001",
        "019a0000-0000-7000-8000-000000000001",
        "tips",
        "during",
        "id = 'x'\ntitle = 3\n[[section]]",
        "{{ self() }}{% for a in range(9) %}",
        "\u{0}\u{1}\u{2}\u{3}\u{8}\u{b}\u{1b}[2J\u{7f}\u{85}\u{9b}31m\r\n\t",
        "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{200f} \u{627}\u{644}\u{639}\u{200d}",
        "\u{e0f0}\u{e0f1}\u{fffd}\u{ffff}\u{10ffff}\u{feff}",
        "e\u{301}\u{1f469}\u{200d}\u{2695}\u{fe0f} \u{7d4c}\u{76ae}\u{7684}",
        "<script>alert(1)</script>'\"&lt;/title>",
        "'; DROP TABLE record; -- %_*\\",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("a long text ".repeat(400));
    texts.push("\u{fc}".repeat(2_000));
    texts
}

fn lists() -> Vec<Value> {
    vec![
        json!([]),
        json!({}),
        json!([null]),
        json!([1, 2.5, -3]),
        json!(["a", "a"]),
        json!(["a", 1, null, true, {"x": []}, [["y"]]]),
        json!([{"item": "S-48", "at": 1}, {"item": "S-48", "at": "2026-10-05T07:05:00Z"}]),
        json!([{"item": "S-48", "at": {"item": []}}, {"item": ""}]),
        json!([{"item": 1}, {"stage": null}, "x"]),
        json!([{"stage": "access", "at": ["x"]}, {"stage": "closure", "at": "25:99"}]),
        json!([{"stage": "a.b\\@", "at": null, "stages": [{"stage": "x"}]}]),
        json!({"scheme": 1, "edition": [], "grade": {}}),
        json!({"scheme": "CIRSE", "edition": "2017", "grade": 99}),
        json!({"inr": [1], "platelets": {"x": "y"}, "a.b": 1, "@alive": false, "\\": 2}),
        json!({"": 1, " ": {"": []}, "\u{0}": "\u{0}", "procedure": "tips"}),
        nested(28, |value| json!([value])),
        nested(28, |value| json!({"in": value})),
        json!((0..30).collect::<Vec<u32>>()),
    ]
}
