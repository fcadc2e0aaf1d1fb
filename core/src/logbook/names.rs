//! What a record is called where several kinds are listed side by side.

use crate::case_log::list;
use crate::checklist::{CHECKLIST_RUN, checklist};
use crate::ids::RecordId;
use crate::record::{Fields, Record, text};
use crate::time::Moment;

use super::CASE;

/// A record as a line of a list.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RecordName {
    /// Which record.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// What it is called; empty where nothing that names it is written.
    pub name: String,
    /// When it happened, or was typed.
    pub when: Moment,
    /// That day, `22 October 2026`.
    pub day: String,
    /// That time of day, `13:40`.
    pub clock_time: String,
}

quiet_debug!(RecordName);

impl RecordName {
    /// The name of a record.
    pub fn of(record: &Record) -> Self {
        let when = record.when();
        Self {
            id: record.id,
            kind: record.kind.clone(),
            name: name(&record.kind, &record.fields),
            when,
            day: when.day().with_year(),
            clock_time: when.clock_time(),
        }
    }
}

/// The fields that name a record, the first that is written.
const NAMING: [&str; 7] = ["title", "question", "finding", "surname", "text", "writer", "patient"];
/// Letters that a line of a list has room for.
const MOST: usize = 80;

/// What a record with these fields is called; empty where nothing that names it is written.
pub(super) fn name(kind: &str, fields: &Fields) -> String {
    let procedure = list::procedure(fields).1;
    if kind == CASE {
        return procedure;
    }
    let text = |field: &&str| text(fields, field).filter(|text| !text.trim().is_empty());
    if kind == CHECKLIST_RUN {
        let list = text(&"checklist").and_then(checklist).map(|list| list.title.as_str());
        let parts = [list.unwrap_or_default(), &procedure];
        return parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    }
    let written = NAMING.iter().find_map(text).map(first_line);
    written.unwrap_or(procedure)
}

fn first_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= MOST {
        return line.to_owned();
    }
    let kept: String = line.chars().take(MOST - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_called_by_what_names_it() {
        for (kind, fields, wanted) in [
            (CASE, json!({"procedure": "picc", "title": "x"}), "PICC placement"),
            (CASE, json!({}), ""),
            ("consult", json!({"question": " Drain?\nToday?", "template": "drain"}), "Drain?"),
            (
                "checklist_run",
                json!({"procedure": "picc", "checklist": "before"}),
                "Before the case: PICC placement",
            ),
            ("checklist_run", json!({"checklist": "daily"}), "Every day"),
            ("person", json!({"surname": "  ", "role": "nurse"}), ""),
        ] {
            let fields: Fields = serde_json::from_value(fields).unwrap();
            assert_eq!(name(kind, &fields), wanted);
        }
        let long = first_line(&"é".repeat(200));
        assert_eq!((long.chars().count(), long.ends_with('…')), (80, true));
    }
}
