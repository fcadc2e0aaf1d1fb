//! Jots: one typed line becomes a case.

use serde_json::{Value, json};

use super::cases::CASE;
use super::{Logbook, rows as draft};
use crate::case_log::jot::{JotField, JotReader, JotReading, JotValues, StaffMember};
use crate::case_log::rows;
use crate::case_log::values::{Guidance, StaffRole};
use crate::error::{LogbookError, Result};
use crate::form::FormWarning;
use crate::ids::{DraftId, RecordId};
use crate::privacy::{FieldHit, scan_fields};
use crate::record::{Change, Created, Fields, NewRecord};
use crate::time::Moment;

/// What there is to know beside the line that a jot is saved from.
#[derive(Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct JotOptions {
    /// The guesses that the user took.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub confirmed: Vec<JotField>,
    /// For a case that is typed later; `performed_typed` counts before it, where anything is typed there.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub performed: Option<Moment>,
    /// The same as it was typed, where it was; what is no time is kept as it is written.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub performed_typed: Option<String>,
    /// The draft that the line was typed into; it is dropped.
    #[cfg_attr(feature = "ffi", uniffi(default))]
    pub draft: Option<DraftId>,
}

quiet_debug!(JotOptions);

/// A case that was just saved from a jot.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SavedJot {
    /// The case.
    pub id: RecordId,
    /// The write, for undoing it.
    pub change: Change,
    /// What looks like a patient identifier; it is saved all the same.
    pub identifiers: Vec<FieldHit>,
    /// What is odd about the time that was typed; it is saved all the same.
    pub warnings: Vec<FormWarning>,
}

impl Logbook {
    /// What a jot says, with the people on record in mind; nothing is saved.
    pub fn read_jot(&self, text: &str) -> Result<JotReading> {
        Ok(JotReader::shipped().read(text, &self.people()?))
    }

    /// Saves a jot as a case: what it says as fields, the words that say nothing as the note, and the
    /// line itself as `jot`.
    pub fn save_jot(&self, text: &str, options: &JotOptions) -> Result<SavedJot> {
        let reading = self.read_jot(text)?;
        let mut fields = fields(&reading, &options.confirmed);
        if let Some(performed) = options.performed {
            fields.insert("performed_at".to_owned(), performed.rfc3339().into());
        }
        let typed = options.performed_typed.as_deref().unwrap_or_default();
        let read = self.read_time(typed);
        if let Some(read) = &read {
            let stored = read.moment.map_or_else(|| typed.trim().to_owned(), |at| at.rfc3339());
            fields.insert("performed_at".to_owned(), stored.into());
        }
        let identifiers = scan_fields(&fields);
        let at = self.now();
        let id = RecordId::new(at.utc, &*self.ids);
        let changed = self.transact(|tx| {
            if let Some(draft) = options.draft {
                draft::remove(tx.conn(), draft)?;
            }
            tx.create(NewRecord { id, kind: CASE.to_owned(), at, fields })
        })?;
        match (changed.value, changed.changes.into_iter().next()) {
            (Created::New, Some(change)) => {
                let warnings = read.and_then(|read| read.warning).into_iter().collect();
                Ok(SavedJot { id, change, identifiers, warnings })
            }
            _ => Err(LogbookError::Io),
        }
    }

    /// The people on record, first met first; someone met twice counts as what they were last.
    pub fn people(&self) -> Result<Vec<StaffMember>> {
        let mut people: Vec<StaffMember> = Vec::new();
        for (surname, role) in self.read(rows::people)? {
            let role = StaffRole::parse(&role).unwrap_or(StaffRole::Other);
            match people.iter_mut().find(|person| person.surname == surname) {
                Some(person) => person.role = role,
                None => people.push(StaffMember { surname, role }),
            }
        }
        Ok(people)
    }
}

/// The fields of a case with what a jot says.
fn fields(reading: &JotReading, confirmed: &[JotField]) -> Fields {
    let mut fields = Fields::new();
    let mut guidance: Vec<Guidance> = reading.values.guidance.clone();
    for (name, value) in stated(&reading.values) {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    for mark in reading.marks.iter().filter(|mark| !mark.certain && confirmed.contains(&mark.field))
    {
        match mark.field {
            JotField::Guidance => guidance.extend(Guidance::parse(&mark.value)),
            JotField::Complication => {
                drop(fields.insert("complications".to_owned(), mark.value.clone().into()));
            }
            other => {
                // Read as JSON, so that 12 stays a whole number.
                let value = mark.value.parse().ok().map(Value::Number);
                let value = value.unwrap_or_else(|| mark.value.clone().into());
                fields.insert(other.as_str().to_owned(), value);
            }
        }
    }
    if !guidance.is_empty() {
        fields.insert("access".to_owned(), json!({ "guidance": guidance }));
    }
    if !reading.note.is_empty() {
        fields.insert("note".to_owned(), reading.note.clone().into());
    }
    fields.insert("jot".to_owned(), reading.text.clone().into());
    fields
}

fn stated(values: &JotValues) -> Vec<(&'static str, Value)> {
    let mut stated = values.to_json();
    let names = [
        ("procedure", "procedure"),
        ("role", "role"),
        ("side", "side"),
        ("french", "french"),
        ("gauge", "gauge"),
        ("volume_ml", "volume_ml"),
        ("fluoro_min", "fluoro_min"),
        ("air_kerma_mgy", "air_kerma_mgy"),
        ("attending", "attending"),
        ("complication", "complications"),
        ("setting", "setting"),
    ];
    names.into_iter().map(|(read, stored)| (stored, stated[read].take())).collect()
}
