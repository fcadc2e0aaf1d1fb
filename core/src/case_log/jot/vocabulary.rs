//! Reads the vocabulary files: TOML in, checked entries and rules out.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::tags::Tag;
use super::token::{self, Token};

/// A mistake in a vocabulary file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {field}: {what}")]
pub struct VocabularyError {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The field that is wrong.
    pub field: String,
    /// What is wrong with it.
    pub what: String,
}

/// One file of the vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct VocabularyFile<'a> {
    /// Its name, as errors show it.
    pub name: &'a str,
    /// Its TOML text.
    pub text: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    entry: Vec<RawEntry>,
    #[serde(default)]
    rule: Vec<RawRule>,
    #[serde(default)]
    group: Vec<RawGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: Spanned<String>,
    means: Spanned<String>,
    terms: Vec<Spanned<String>>,
    #[serde(default)]
    unless: Vec<Spanned<String>>,
    #[serde(default)]
    strong_for: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    procedure: Spanned<String>,
    all: Vec<Spanned<String>>,
    #[serde(default)]
    not: Vec<Spanned<String>>,
    rank: u16,
    #[serde(default)]
    near: Option<u16>,
    #[serde(default = "yes")]
    certain: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    id: Spanned<String>,
    procedures: Vec<Spanned<String>>,
}

fn yes() -> bool {
    true
}

/// One checked entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub id: String,
    pub tag: Tag,
    /// Longer matches hide shorter ones of the same domain.
    pub domain: u8,
    /// Index of the thing that a `thing` entry names.
    pub thing: u16,
    /// Procedures in which a complication word is the reason for the case.
    pub unless: Vec<String>,
    /// Procedures in which a weak complication word needs nothing beside it.
    pub strong_for: Vec<String>,
}

/// A way to name a procedure: all these things, none of those.
#[derive(Debug)]
pub(super) struct Rule {
    pub procedure: String,
    pub id: String,
    /// For each needed thing its alternatives.
    pub all: Vec<Vec<u16>>,
    pub not: Vec<u16>,
    pub rank: u16,
    pub near: Option<u16>,
    pub certain: bool,
}

/// Everything that the files say, checked.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    pub entries: Vec<Entry>,
    pub terms: Vec<(Vec<Token>, u16)>,
    pub rules: Vec<Rule>,
    pub groups: HashMap<String, Vec<String>>,
    things: HashMap<String, u16>,
    actions: Vec<bool>,
    domains: Vec<&'static str>,
}

/// How the names of actions begin.
const ACTION: &str = "do-";

/// A rule with this procedure keeps weaker readings away and names none.
pub(super) const NO_PROCEDURE: &str = "none";

impl Vocabulary {
    /// Reads and checks all files together.
    pub fn parse(files: &[VocabularyFile<'_>]) -> Result<Self, VocabularyError> {
        let mut vocabulary = Self::default();
        let mut raws = Vec::new();
        for file in files {
            let raw: RawFile = toml::from_str(file.text).map_err(|error| {
                let at = error.span().map_or(0, |span| span.start);
                fault(file, at, "toml", error.message())
            })?;
            raws.push((file, raw));
        }
        let mut seen = HashMap::new();
        for (file, raw) in &raws {
            for entry in &raw.entry {
                vocabulary.add_entry(file, entry, &mut seen)?;
            }
        }
        for (file, raw) in &raws {
            for rule in &raw.rule {
                vocabulary.add_rule(file, rule)?;
            }
            for group in &raw.group {
                let ids = group.procedures.iter().map(|id| id.get_ref().clone()).collect();
                vocabulary.groups.insert(group.id.get_ref().clone(), ids);
            }
        }
        Ok(vocabulary)
    }

    /// Whether `procedure` is in the named group.
    pub fn in_group(&self, group: &str, procedure: Option<&str>) -> bool {
        procedure
            .is_some_and(|id| self.groups.get(group).is_some_and(|ids| ids.iter().any(|i| i == id)))
    }

    fn add_entry(
        &mut self,
        file: &VocabularyFile<'_>,
        raw: &RawEntry,
        seen: &mut HashMap<(String, String), String>,
    ) -> Result<(), VocabularyError> {
        let means = raw.means.get_ref();
        let (tag, thing) = match means.strip_prefix("thing ") {
            Some(name) => (Tag::Thing, self.thing(name)),
            None => match Tag::parse(means) {
                Some(tag) if tag != Tag::Thing => (tag, 0),
                _ => {
                    return Err(fault(
                        file,
                        raw.means.span().start,
                        "means",
                        &format!("no meaning is called \"{means}\""),
                    ));
                }
            },
        };
        let index = u16::try_from(self.entries.len())
            .map_err(|_| fault(file, raw.id.span().start, "id", "too many entries"))?;
        let domain = self.domain(if self.is_action(thing) && tag == Tag::Thing {
            ACTION
        } else {
            tag.domain()
        });
        let ids = |list: &[Spanned<String>]| list.iter().map(|id| id.get_ref().clone()).collect();
        let (unless, strong_for) = (ids(&raw.unless), ids(&raw.strong_for));
        let id = raw.id.get_ref().clone();
        self.entries.push(Entry { id, tag, domain, thing, unless, strong_for });
        for term in &raw.terms {
            let tokens = token::cut(term.get_ref());
            if tokens.is_empty() {
                return Err(fault(file, term.span().start, "terms", "an empty term"));
            }
            let key: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
            let key = (means.clone(), key.join(" "));
            if let Some(other) = seen.insert(key, raw.id.get_ref().clone()) {
                let what = format!("\"{}\" is already in entry {other}", term.get_ref());
                return Err(fault(file, term.span().start, "terms", &what));
            }
            self.terms.push((tokens, index));
        }
        Ok(())
    }

    fn domain(&mut self, name: &'static str) -> u8 {
        let at = self.domains.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.domains.push(name);
            self.domains.len() - 1
        });
        u8::try_from(at).unwrap_or(u8::MAX)
    }

    fn thing(&mut self, name: &str) -> u16 {
        if let Some(known) = self.things.get(name) {
            return *known;
        }
        let next = u16::try_from(self.things.len()).unwrap_or(u16::MAX);
        self.things.insert(name.to_owned(), next);
        self.actions.push(name.starts_with(ACTION));
        next
    }

    /// Whether the thing is something done ("exchange") rather than something treated or placed.
    pub fn is_action(&self, thing: u16) -> bool {
        self.actions.get(usize::from(thing)).copied().unwrap_or(false)
    }

    /// The number of things.
    pub fn thing_count(&self) -> usize {
        self.things.len()
    }

    fn add_rule(
        &mut self,
        file: &VocabularyFile<'_>,
        raw: &RawRule,
    ) -> Result<(), VocabularyError> {
        let known = |name: &str, span: usize, field: &str| {
            self.things
                .get(name)
                .copied()
                .ok_or_else(|| fault(file, span, field, &format!("no thing is called \"{name}\"")))
        };
        let mut all = Vec::new();
        for alternatives in &raw.all {
            let span = alternatives.span().start;
            all.push(
                alternatives
                    .get_ref()
                    .split('|')
                    .map(|n| known(n, span, "all"))
                    .collect::<Result<_, _>>()?,
            );
        }
        if all.is_empty() {
            return Err(fault(
                file,
                raw.procedure.span().start,
                "all",
                "a rule needs at least one thing",
            ));
        }
        let not = raw
            .not
            .iter()
            .map(|n| known(n.get_ref(), n.span().start, "not"))
            .collect::<Result<_, _>>()?;
        let needs: Vec<&str> = raw.all.iter().map(|n| n.get_ref().as_str()).collect();
        let procedure = raw.procedure.get_ref().clone();
        let id = format!("{procedure}: {}", needs.join(" + "));
        self.rules.push(Rule {
            procedure,
            id,
            all,
            not,
            rank: raw.rank,
            near: raw.near,
            certain: raw.certain,
        });
        Ok(())
    }
}

fn fault(file: &VocabularyFile<'_>, at: usize, field: &str, what: &str) -> VocabularyError {
    let before = file.text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    VocabularyError {
        file: file.name.to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        field: field.to_owned(),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> VocabularyError {
        Vocabulary::parse(&[VocabularyFile { name: "words.toml", text }]).unwrap_err()
    }

    #[test]
    fn a_wrong_meaning_is_named_with_its_line() {
        let error = error("[[entry]]\nid = \"a\"\nmeans = \"side up\"\nterms = [\"up\"]\n");
        assert_eq!((error.line, error.field.as_str()), (3, "means"));
        assert_eq!(error.to_string(), "words.toml:3: means: no meaning is called \"side up\"");
    }

    #[test]
    fn a_term_of_two_entries_is_refused() {
        let error = error(
            "[[entry]]\nid = \"a\"\nmeans = \"side left\"\nterms = [\"lt\"]\n\
             [[entry]]\nid = \"b\"\nmeans = \"side left\"\nterms = [\n\"rt\",\n\"LT\"]\n",
        );
        assert_eq!((error.line, error.field.as_str()), (10, "terms"));
    }

    #[test]
    fn a_rule_over_an_unknown_thing_is_refused() {
        let error = error("[[rule]]\nprocedure = \"picc\"\nall = [\"pick\"]\nrank = 1\n");
        assert_eq!((error.line, error.field.as_str()), (3, "all"));
    }

    #[test]
    fn a_misspelled_field_is_refused() {
        let error = error("[[entry]]\nid = \"a\"\nmeans = \"side left\"\nterm = [\"lt\"]\n");
        assert_eq!((error.line, error.field.as_str()), (4, "toml"));
    }
}
