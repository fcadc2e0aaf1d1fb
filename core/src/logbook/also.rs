//! Written twice: values of one field that did not know of each other. Another device wrote one, or a
//! form could not save it because the field had changed since it was opened. All are kept until the user
//! has chosen.

use std::borrow::Cow;

use serde_json::Value;

use super::authors::WrittenBy;
use super::difference::{TextPiece, lines_of_both, pieces};
use super::sheet::{label_of, part_text};
use super::{Draft, Logbook, RecordName, rows as draft};
use crate::content::words;
use crate::error::{LogbookError, Result};
use crate::form::{self, EntryContext, FieldKind, FormDefinition, FormField, TypedField};
use crate::ids::{DeviceId, DraftId, Ids, RecordId};
use crate::record::{self, Change, Choice, Record, StaleField, Tx, is_within};
use crate::store::{Connection, is_own_writing};
use crate::time::{Hlc, Stamp, UtcMillis};

/// The form of the draft that holds what was typed.
pub(super) const ALSO: &str = "also";

/// What was written in a field that shows something else.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct AlsoWritten {
    /// The field, or the part of it.
    pub path: String,
    /// What it is called.
    pub label: String,
    /// Which of those on the path; for `settle`.
    pub which: String,
    /// As a person reads it; empty where the field was emptied.
    pub text: String,
    /// The same, with where it was written.
    pub told: String,
    /// Who wrote it.
    pub by: WrittenBy,
    /// What is shown, as a person reads it; empty for nothing.
    pub shown: String,
    /// Who wrote that.
    pub shown_by: WrittenBy,
    /// Of texts the words in which this one and the one that is shown differ; else empty.
    pub pieces: Vec<TextPiece>,
    /// All that was written in the field in one, to be edited before it is kept: the lines of all in order,
    /// common ones once. `None` where one has to be chosen, as of numbers.
    pub both: Option<String>,
    /// What there was to choose from when this was read. Pass it to `settle`, which refuses where that has
    /// changed since.
    pub seen: String,
}

/// What to keep of what was written twice. The rest stays readable in the field's history, but for what
/// was only typed into a form and is not taken.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum Keep {
    /// What is shown.
    Shown,
    /// One that stands beside it.
    Other {
        /// Which.
        which: String,
    },
    /// This instead, as it was made of all of them: it is a write of its own.
    Both {
        /// What was typed.
        text: String,
    },
}

quiet_debug!(AlsoWritten, Keep);

/// One of them.
struct Candidate {
    path: String,
    origin: Origin,
    value: Option<Value>,
    author: Stamp,
}

/// Where it comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// This write, which stands in the record.
    Write(Stamp),
    /// It was typed into a form here that could not save it.
    Draft(DraftId),
}

impl Candidate {
    fn which(&self) -> String {
        match self.origin {
            Origin::Write(stamp) => which(stamp),
            Origin::Draft(draft) => format!("{TYPED}-{draft}"),
        }
    }
}

/// How what was typed into a form here is told from writes.
const TYPED: &str = "typed";

fn which(stamp: Stamp) -> String {
    format!("{:x}-{:x}", stamp.hlc.0, stamp.device.0)
}

/// Puts aside what was typed in fields that were left alone, beside what was put aside before.
pub(super) fn keep(
    tx: &Tx<'_>,
    record: RecordId,
    typed: &[TypedField],
    stale: &[StaleField],
    (now, ids): (UtcMillis, &dyn Ids),
) -> Result<()> {
    let kept = draft::of_record(tx.conn(), ALSO, record)?;
    let is_stale = |field: &TypedField| stale.iter().any(|s| is_within(&s.path, &field.path));
    let is_kept = |field: &TypedField| kept.iter().any(|draft| draft.typed.contains(field));
    let aside: Vec<TypedField> =
        typed.iter().filter(|field| is_stale(field) && !is_kept(field)).cloned().collect();
    if aside.is_empty() {
        return Ok(());
    }
    let (id, form, record) = (DraftId::new(now, ids), ALSO.to_owned(), Some(record));
    let (begun, updated) = (now, now);
    draft::put(tx.conn(), &Draft { id, form, record, opened: 0, typed: aside, begun, updated })
}

impl Logbook {
    /// What was written in fields of a record that show something else; all are kept until `settle`.
    pub fn also_written(&self, id: RecordId) -> Result<Vec<AlsoWritten>> {
        let (record, form) = self.with_form(id)?;
        let form = form.as_deref();
        let candidates = self.candidates(&record, form)?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let authors = self.authors()?;
        let also = |candidate: &Candidate| {
            let path = candidate.path.clone();
            let on_path: Vec<&Candidate> = candidates.iter().filter(|c| c.path == path).collect();
            let shown = record.shown(&path);
            let field = field_of(form, &path, shown.as_ref().or(candidate.value.as_ref()));
            let told = |value: Option<&Value>| {
                value.map(|value| part_text(&field, &path, value)).unwrap_or_default()
            };
            let (text, by) = (told(candidate.value.as_ref()), authors.by(candidate.author));
            let nothing = words("badge.nothing", &[]);
            let said = if text.is_empty() { &nothing } else { &text };
            let all = std::iter::once(&shown).chain(on_path.iter().map(|other| &other.value));
            let as_text = |value: Option<&Value>| as_text(field.kind, value?);
            let texts = as_text(shown.as_ref()).zip(as_text(candidate.value.as_ref()));
            let pieces = texts.map(|(shown, other)| pieces(&shown, &other));
            AlsoWritten {
                label: label_of(&field, &path),
                which: candidate.which(),
                told: words("sync.also", &[("place", &by.place), ("text", said)]),
                shown: told(shown.as_ref()),
                shown_by: authors.by(record.author(&path)),
                pieces: pieces.unwrap_or_default(),
                both: in_one(field.kind, all.map(Option::as_ref)),
                seen: seen(&record, &path, &on_path),
                path,
                text,
                by,
            }
        };
        Ok(candidates.iter().map(also).collect())
    }

    /// Ends it for one field; undoing that brings back what was written. `seen_then` is the `seen` of what the
    /// user chose from.
    ///
    /// # Errors
    /// `NothingToChoose` where it was settled already, or where both cannot be kept in one; `ChoiceChanged`
    /// where something else has been written since.
    pub fn settle(
        &self,
        id: RecordId,
        path: &str,
        keep: &Keep,
        seen_then: &str,
    ) -> Result<Option<Change>> {
        let here = self.device();
        let (_, form) = self.with_form(id)?;
        let form = form.as_deref();
        let settled = self.transact(|tx| {
            let record = record::load(tx.conn(), id)?;
            let context = self.entry().edits(record.when());
            let candidates = candidates(tx.conn(), &record, form, (here, &context))?;
            let on_path: Vec<_> = candidates.iter().filter(|c| c.path == path).collect();
            if on_path.is_empty() {
                return Err(LogbookError::NothingToChoose);
            }
            if seen(&record, path, &on_path) != seen_then {
                return Err(LogbookError::ChoiceChanged);
            }
            let choice = match keep {
                Keep::Shown => Choice::Shown,
                Keep::Other { which } => {
                    let chosen = on_path.iter().find(|candidate| candidate.which() == *which);
                    let chosen = chosen.ok_or(LogbookError::NothingToChoose)?;
                    match chosen.origin {
                        Origin::Write(stamp) => Choice::Other(stamp),
                        Origin::Draft(_) => Choice::Written(chosen.value.clone()),
                    }
                }
                Keep::Both { text } if text.trim().is_empty() => {
                    return Err(LogbookError::NothingTyped);
                }
                Keep::Both { text } => {
                    let shown = record.shown(path);
                    let field = field_of(form, path, shown.as_ref().or(on_path[0].value.as_ref()));
                    let others = on_path.iter().map(|candidate| candidate.value.as_ref());
                    let all = std::iter::once(shown.as_ref()).chain(others);
                    in_one(field.kind, all).ok_or(LogbookError::NotInOne)?;
                    Choice::Written(form::read(&field, std::slice::from_ref(text), &context).value)
                }
            };
            for mut kept in draft::of_record(tx.conn(), ALSO, id)? {
                kept.typed.retain(|typed| typed.path != path);
                if kept.typed.is_empty() {
                    draft::remove(tx.conn(), kept.id)?;
                } else {
                    draft::put(tx.conn(), &kept)?;
                }
            }
            tx.settle(id, path, choice)
        })?;
        Ok(settled.value)
    }

    /// Records in which something was written twice, the latest first.
    pub fn written_twice(&self) -> Result<Vec<RecordName>> {
        let mut names = Vec::new();
        let mut ids = self.read(record::contested)?;
        let aside = self.read(draft::all)?.into_iter().filter(|draft| draft.form == ALSO);
        ids.extend(aside.filter_map(|draft| draft.record));
        ids.sort();
        ids.dedup();
        for id in ids {
            let (record, form) = self.with_form(id)?;
            if !self.candidates(&record, form.as_deref())?.is_empty() {
                names.push(RecordName::of(&record));
            }
        }
        names.sort_by_key(|name| std::cmp::Reverse(name.when.utc));
        Ok(names)
    }

    fn candidates(&self, record: &Record, form: Option<&FormDefinition>) -> Result<Vec<Candidate>> {
        let (here, context) = (self.device(), self.entry().edits(record.when()));
        self.read(|conn| candidates(conn, record, form, (here, &context)))
    }

    /// A record and the form that shows its fields, where there is one.
    fn with_form(&self, id: RecordId) -> Result<(Record, Option<Cow<'static, FormDefinition>>)> {
        let record = self.record(id)?;
        let form = match self.form_of(&record) {
            Err(LogbookError::UnknownDefinition) => None,
            form => Some(form?),
        };
        Ok((record, form))
    }
}

/// Everything that stands beside what a record shows. What devices say of each other is nobody's to choose
/// here.
fn candidates(
    conn: &Connection,
    record: &Record,
    form: Option<&FormDefinition>,
    (here, context): (DeviceId, &EntryContext),
) -> Result<Vec<Candidate>> {
    if !is_own_writing(&record.kind) {
        return Ok(Vec::new());
    }
    let others = record::others_of(conn, record.id)?.into_iter();
    let mut candidates: Vec<Candidate> = others
        .map(|other| Candidate {
            path: other.path,
            origin: Origin::Write(other.stamp),
            value: other.dot.value,
            author: other.dot.author,
        })
        .collect();
    for kept in draft::of_record(conn, ALSO, record.id)? {
        let origin = Origin::Draft(kept.id);
        let author = Stamp { hlc: Hlc::from_ms(kept.updated), device: here };
        candidates.extend(kept.typed.iter().filter_map(|typed| {
            let value = form::read(form?.field(&typed.path)?, &typed.texts, context).value;
            Some(Candidate { path: typed.path.clone(), origin, value, author })
        }));
    }
    Ok(candidates)
}

/// What a choice on a path is made between.
fn seen(record: &Record, path: &str, on_path: &[&Candidate]) -> String {
    let others = on_path.iter().map(|candidate| candidate.which());
    std::iter::once(which(record.stamp(path))).chain(others).collect::<Vec<_>>().join(" ")
}

/// The field that a path is, or is a part of; what no form asks for is shown as it is stored.
fn field_of<'a>(
    form: Option<&'a FormDefinition>,
    path: &str,
    value: Option<&Value>,
) -> Cow<'a, FormField> {
    let known = form.and_then(|form| form.fields().find(|field| is_within(path, &field.path)));
    known.map_or_else(|| Cow::Owned(FormField::unasked(path, value)), Cow::Borrowed)
}

/// What can be compared word by word.
fn as_text(kind: FieldKind, value: &Value) -> Option<String> {
    match kind {
        FieldKind::Text | FieldKind::LongText => value.as_str().map(str::to_owned),
        FieldKind::Lines => {
            let entries: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
            Some(entries?.join("\n"))
        }
        _ => None,
    }
}

/// Texts and lists in one; of numbers and choices one has to be chosen.
fn in_one<'a>(kind: FieldKind, values: impl Iterator<Item = Option<&'a Value>>) -> Option<String> {
    let texts: Option<Vec<String>> = values.map(|value| as_text(kind, value?)).collect();
    let texts = texts?;
    Some(match kind {
        FieldKind::Text => texts.join("; "),
        _ => texts.into_iter().reduce(|all, text| lines_of_both(&all, &text))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::logbook::CASE;
    use crate::logbook::tests::book;

    fn typed(path: &str, text: &str) -> TypedField {
        TypedField { path: path.to_owned(), texts: vec![text.to_owned()] }
    }

    #[test]
    fn what_a_form_could_not_save_is_kept_until_one_is_chosen() {
        let (_folder, book) = book();
        let fields = json!({"fluoro_min": 1.5, "lesson": "a", "role": "observed", "note": "first"});
        let id = book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id;
        let first = book.open_form(CASE, Some(id)).unwrap();
        let save = |opened: u64, typed: &[TypedField]| {
            book.save_form(CASE, Some(id), opened, typed, None).unwrap()
        };
        let typed_first =
            [typed("fluoro_min", "17.9"), typed("role", "scrubbed"), typed("note", "one")];
        save(first.opened, &typed_first);
        let second = [
            typed("fluoro_min", "19.7"),
            typed("role", ""),
            typed("lesson", "b"),
            typed("note", "two"),
        ];
        assert_eq!(save(first.opened, &second).stale.len(), 3);

        let also = book.also_written(id).unwrap();
        let told: Vec<_> = also.iter().map(|a| (a.path.as_str(), a.told.as_str())).collect();
        let expected = [
            ("fluoro_min", "Also written here: 19.7 min"),
            ("role", "Also written here: nothing"),
            ("note", "Also written here: two"),
        ];
        assert_eq!(told, expected);
        let both: Vec<_> = also.iter().map(|a| a.both.as_deref()).collect();
        assert_eq!(both, [None, None, Some("one\ntwo")]);
        assert_eq!(
            book.written_twice().unwrap().iter().map(|row| row.id).collect::<Vec<_>>(),
            [id]
        );
        let field = |name: &str| book.record(id).unwrap().fields[name].clone();
        assert_eq!((field("fluoro_min"), field("lesson")), (json!(17.9), json!("b")));

        let gone = Err(LogbookError::NothingToChoose);
        let settle = |at: usize, keep: &Keep| book.settle(id, &also[at].path, keep, &also[at].seen);
        assert!(settle(0, &Keep::Other { which: also[0].which.clone() }).unwrap().is_some());
        assert_eq!(field("fluoro_min"), json!(19.7));
        assert_eq!(settle(1, &Keep::Shown).unwrap(), None);
        assert_eq!(field("role"), json!("scrubbed"));
        let changed = Err(LogbookError::ChoiceChanged);
        assert_eq!(book.settle(id, "note", &Keep::Shown, "something else"), changed);
        let both = Keep::Both { text: "one\nand two".to_owned() };
        assert!(settle(2, &both).unwrap().is_some());
        assert_eq!(field("note"), json!("one\nand two"));
        assert!(book.also_written(id).unwrap().is_empty());
        assert!(book.written_twice().unwrap().is_empty());
        assert_eq!(settle(1, &Keep::Shown), gone);
        assert!(book.drafts().unwrap().is_empty());
    }

    #[test]
    fn what_is_typed_late_again_stands_beside_what_was_typed_late_before() {
        let (_folder, book) = book();
        let fields = json!({"fluoro_min": 1, "note": "a"});
        let id = book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id;
        let opened = book.open_form(CASE, Some(id)).unwrap().opened;
        let save = |text: &str| {
            let fields = [typed("fluoro_min", text), typed("note", &format!("note {text}"))];
            book.save_form(CASE, Some(id), opened, &fields, None).unwrap()
        };
        assert!(save("2").stale.is_empty());
        for text in ["3", "4", "4", "3"] {
            assert_eq!(save(text).stale.len(), 2);
        }
        let of = |path: &str| {
            let mut also = book.also_written(id).unwrap();
            also.retain(|also| also.path == path);
            also
        };
        let numbers = of("fluoro_min");
        let texts: Vec<_> = numbers.iter().map(|also| also.text.as_str()).collect();
        assert_eq!(texts, ["3 min", "4 min"]);
        // The second is a later one, and is told from the first.
        assert!(numbers[0].which != numbers[1].which);
        assert_eq!(of("note")[0].both.as_deref(), Some("note 2\nnote 3\nnote 4"));
        let first = Keep::Other { which: numbers[0].which.clone() };
        book.settle(id, "fluoro_min", &first, &numbers[0].seen).unwrap();
        assert_eq!(book.record(id).unwrap().fields["fluoro_min"], json!(3));
        assert!(of("fluoro_min").is_empty());
        assert_eq!(of("note").len(), 2);
    }

    #[test]
    fn each_of_what_was_typed_late_has_its_own_time() {
        let (_folder, book) = book();
        let fields = json!({"fluoro_min": 1, "note": "a"});
        let id = book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id;
        let opened = book.open_form(CASE, Some(id)).unwrap().opened;
        let save = |path: &str, text: &str| {
            book.save_form(CASE, Some(id), opened, &[typed(path, text)], None).unwrap()
        };
        let at = |path: &str| {
            let also = book.also_written(id).unwrap();
            also.iter().find(|also| also.path == path).unwrap().by.at
        };
        save("fluoro_min", "2");
        save("note", "b");
        save("fluoro_min", "3");
        let first = at("fluoro_min");
        save("note", "c");
        assert_eq!(at("fluoro_min"), first);
        assert!(at("note") > first);
    }

    #[test]
    fn lists_are_kept_in_one_without_repeats() {
        let (one, other) = (json!(["a", "b"]), json!(["b", "c"]));
        let both = [Some(&one), Some(&other)];
        assert_eq!(in_one(FieldKind::Lines, both.into_iter()).as_deref(), Some("a\nb\nc"));
        assert_eq!(in_one(FieldKind::Number, [Some(&json!(1)), None].into_iter()), None);
    }
}
