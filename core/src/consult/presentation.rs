//! From a consult to what is said.

use minijinja::value::Value as Said;
use serde_json::Value;

use super::labs::{LabStanding, LabsRead};
use super::prose;
use super::template::{OTHER, PartTemplate, Person, PresentationTemplate};
use crate::content::{ContentError, Wording};
use crate::record::{Fields, get};

/// What is said about a consult.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Presentation {
    /// In the order in which they are said; without those that have nothing to say.
    pub parts: Vec<PresentationPart>,
    /// What is worth asking for and not written, by label.
    pub missing: Vec<String>,
    /// How many words it has.
    pub words: u32,
    /// About how long it takes to say, in seconds.
    pub speaking_time_s: u32,
    /// All of it, a part a line.
    pub text: String,
    /// Why the user's own wording could not be used; then the shipped one is shown.
    pub problem: Option<Wording>,
}

/// A part of a presentation.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct PresentationPart {
    /// Stable: `one_liner`, `why`, `pertinent`, `imaging`, `suggest`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What is said.
    pub text: String,
    /// The same in pieces, figures that stand out apart.
    pub pieces: Vec<PresentationPiece>,
}

/// A piece of what is said.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct PresentationPiece {
    /// The text.
    pub text: String,
    /// How the figure stands that it is, where that deserves a look; else nothing.
    pub flag: Option<LabStanding>,
}

quiet_debug!(Presentation, PresentationPart, PresentationPiece);

/// Around a flagged figure while it goes through a template. Not to be typed: private use.
const MARKS: [(char, LabStanding); 3] = [
    ('\u{e0f1}', LabStanding::Borderline),
    ('\u{e0f2}', LabStanding::NotMet),
    ('\u{e0f3}', LabStanding::Ask),
];
const UNMARK: char = '\u{e0f0}';

/// The most letters that a field brings into a presentation.
const FIELD_MAX: usize = 4_000;
/// Speaking time is told in steps.
const STEP_S: u32 = 5;

/// What a consult says. `own` is the user's wording, where there is one, or why it cannot be used.
pub fn present(
    fields: &Fields,
    labs: &LabsRead,
    own: Option<Result<PresentationTemplate, ContentError>>,
    missing: Vec<String>,
) -> Presentation {
    let shipped = PresentationTemplate::shipped();
    let (own, mut problem) = match own {
        Some(Ok(own)) => (Some(own), None),
        Some(Err(error)) => (None, Some(error.wording())),
        None => (None, None),
    };
    let mut used = own.as_ref().unwrap_or(shipped);
    let parts = parts(used, fields, labs).or_else(|trouble| {
        problem = Some(trouble);
        used = shipped;
        self::parts(shipped, fields, labs)
    });
    let parts = parts.unwrap_or_default();
    let text = parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
    let words = u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX);
    let seconds = u64::from(words) * 60 / u64::from(used.words_per_minute.max(1));
    let speaking_time_s =
        u32::try_from(seconds).unwrap_or(u32::MAX).div_ceil(STEP_S).saturating_mul(STEP_S);
    Presentation { parts, missing, words, speaking_time_s, text, problem }
}

fn parts(
    template: &PresentationTemplate,
    fields: &Fields,
    labs: &LabsRead,
) -> Result<Vec<PresentationPart>, Wording> {
    let known = context(template, fields, labs);
    let mut parts = Vec::new();
    for part in &template.parts {
        let said = prose::fill(&part.text, known.clone()).map_err(|trouble| {
            let line = trouble.line.to_string();
            let values =
                [("part", part.title.as_str()), ("line", &line), ("reason", &trouble.reason)];
            crate::content::wording("consult.broken_wording", &values)
        })?;
        parts.extend(spoken(part, &said));
    }
    Ok(parts)
}

fn spoken(part: &PartTemplate, said: &str) -> Option<PresentationPart> {
    let mut pieces: Vec<PresentationPiece> = Vec::new();
    let mut flag = None;
    for letter in said.chars() {
        let marked = MARKS.iter().find(|(mark, _)| *mark == letter);
        if marked.is_some() || letter == UNMARK {
            flag = marked.map(|(_, standing)| *standing);
            continue;
        }
        match pieces.last_mut().filter(|piece| piece.flag == flag) {
            Some(piece) => piece.text.push(letter),
            None => pieces.push(PresentationPiece { text: letter.to_string(), flag }),
        }
    }
    let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    if !text.contains(char::is_alphanumeric) {
        return None;
    }
    Some(PresentationPart { id: part.id.clone(), title: part.title.clone(), text, pieces })
}

/// What templates see.
fn context(template: &PresentationTemplate, fields: &Fields, labs: &LabsRead) -> Said {
    let mut known: Vec<(String, Said)> = Vec::new();
    for (name, value) in fields {
        known.extend(said(value).map(|value| (name.clone(), value)));
    }
    let text = |path: &str| get(fields, path).and_then(plain).unwrap_or_default();
    let person = of(&template.people, &text("sex"));
    let Person { noun, subject, possessive, verb } = person.cloned().unwrap_or_default();
    let band = text("age_band");
    let age = of(&template.ages, &band).filter(|_| !band.is_empty()).cloned().unwrap_or_default();
    let age = age.replace('#', &possessive).replace('@', &band);
    let figures: Vec<String> =
        template.labs.iter().filter_map(|lab| figure(lab, fields, labs)).collect();
    let drugs: Vec<String> = labs.drugs.iter().map(|drug| drug.name.to_lowercase()).collect();
    for (name, value) in [
        ("person", Said::from(noun)),
        ("subject", Said::from(subject)),
        ("possessive", Said::from(possessive)),
        ("verb", Said::from(verb)),
        ("age", Said::from(age)),
        ("labs", Said::from(figures)),
        ("drugs", Said::from(drugs)),
    ] {
        known.retain(|(other, _)| other != name);
        known.push((name.to_owned(), value));
    }
    Said::from_pairs(known)
}

fn of<'a, T>(all: &'a [(String, T)], key: &str) -> Option<&'a T> {
    let found = all.iter().find(|(known, _)| known == key);
    found.or_else(|| all.iter().find(|(known, _)| known == OTHER)).map(|(_, value)| value)
}

/// `platelets 90`, marked where it deserves a look.
fn figure((name, said): &(String, String), fields: &Fields, labs: &LabsRead) -> Option<String> {
    let path = format!("labs.{name}");
    let value = get(fields, &path).and_then(plain)?;
    let standing = labs.flags.iter().find(|flag| flag.path == path).map(|flag| flag.standing);
    let text = format!("{said} {value}");
    let mark = MARKS.iter().find(|(_, known)| Some(*known) == standing);
    Some(mark.map_or(text.clone(), |(mark, _)| format!("{mark}{text}{UNMARK}")))
}

/// A field as templates see it: a text, or a list of texts.
fn said(value: &Value) -> Option<Said> {
    if let Value::Array(entries) = value {
        let entries: Vec<String> = entries.iter().filter_map(plain).collect();
        return (!entries.is_empty()).then(|| Said::from(entries));
    }
    plain(value).map(Said::from)
}

/// A text or a number; nothing of what has another shape.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let ours = |c: &char| *c != UNMARK && MARKS.iter().all(|(mark, _)| mark != c);
    let visible = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let text: String = text.chars().filter(ours).map(visible).take(FIELD_MAX).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
