//! What a jot was read as, in words that a shell shows while the user types.

use serde_json::Value;

use super::CASE;
use crate::case_log::jot::{JotField, JotReading};
use crate::form::{self, FormDefinition};

/// One thing that a jot was read as.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct JotChip {
    /// The field.
    pub field: JotField,
    /// What the value is of, where it does not say so itself; else empty.
    pub label: String,
    /// The value with its unit.
    pub text: String,
    /// False: a guess, saved only where the user confirms it.
    pub certain: bool,
}

/// Without the text, which the user wrote.
impl std::fmt::Debug for JotChip {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("JotChip").field("field", &self.field).finish_non_exhaustive()
    }
}

impl JotField {
    /// Where the case keeps it.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Guidance => "access.guidance",
            Self::Complication => "complications",
            other => other.as_str(),
        }
    }

    /// Every field, in the order in which chips stand.
    pub const ALL: [Self; 12] = [
        Self::Procedure,
        Self::Role,
        Self::Side,
        Self::French,
        Self::Gauge,
        Self::Guidance,
        Self::Attending,
        Self::Setting,
        Self::VolumeMl,
        Self::FluoroMin,
        Self::AirKermaMgy,
        Self::Complication,
    ];
}

impl JotReading {
    /// What it was read as, then the guesses, field by field.
    pub fn chips(&self) -> Vec<JotChip> {
        let stated = self.values.to_json();
        let mut chips = Vec::new();
        for field in JotField::ALL {
            let value = &stated[field.as_str()];
            if !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()) {
                chips.push(chip(field, value, true));
            }
            for guess in self.marks.iter().filter(|mark| mark.field == field && !mark.certain) {
                let number = guess.value.parse().ok().map(Value::Number);
                let value = number.unwrap_or_else(|| guess.value.clone().into());
                chips.push(chip(field, &value, false));
            }
        }
        chips
    }
}

fn chip(field: JotField, value: &Value, certain: bool) -> JotChip {
    let known = FormDefinition::shipped(CASE).and_then(|form| form.field(field.path()));
    let text = known.map_or_else(|| value.to_string(), |known| form::display(known, value));
    // A size says what it is by its unit, a minute does not.
    let speaks = !matches!(
        field,
        JotField::VolumeMl | JotField::FluoroMin | JotField::AirKermaMgy | JotField::Complication
    );
    let label = known.filter(|_| !speaks).map(|known| known.label.clone()).unwrap_or_default();
    JotChip { field, label, text, certain }
}

#[cfg(test)]
mod tests {
    use crate::case_log::jot::{JotReader, StaffMember};
    use crate::case_log::values::StaffRole;

    #[test]
    fn chips_say_what_was_read() {
        let people = [StaffMember { surname: "Moreau".to_owned(), role: StaffRole::Attending }];
        let jot = "PA thrombectomy R CFV 24F us, moreau, on call, obs, FT 19.3 AK 238, EBL 250";
        let chips = JotReader::shipped().read(jot, &people).chips();
        let told: Vec<_> = chips
            .iter()
            .filter(|chip| chip.certain)
            .map(|chip| format!("{} {}", chip.label, chip.text).trim().to_owned())
            .collect();
        let wanted = [
            "Pulmonary artery thrombectomy",
            "Observed",
            "Right",
            "24 Fr",
            "US",
            "Moreau",
            "Fluoro 19.3 min",
            "Air kerma 238 mGy",
        ];
        assert_eq!(told, wanted);
        assert!(JotReader::shipped().read("", &people).chips().is_empty());
    }
}
