//! What a reading of a jot holds.

use serde_json::{Value, json};

use crate::case_log::values::{Guidance, Role, Setting, Side};

/// A piece of the jot.
/// # Units
/// Unicode scalar values (not bytes, not UTF-16 units) from the start of the text; `end` is the
/// first one after the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct TextSpan {
    /// The first character.
    pub start: u32,
    /// The first character after it.
    pub end: u32,
}

/// A field that a jot can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum JotField {
    /// The procedure's id.
    Procedure,
    /// The student's own role.
    Role,
    /// The treated side.
    Side,
    /// What guided the needle.
    Guidance,
    /// French size.
    French,
    /// Needle gauge.
    Gauge,
    /// Fluid taken off.
    VolumeMl,
    /// Fluoroscopy time.
    FluoroMin,
    /// Air kerma.
    AirKermaMgy,
    /// The attending's surname.
    Attending,
    /// What went wrong.
    Complication,
    /// Where the patient came from.
    Setting,
}

impl JotField {
    /// The stored field name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Procedure => "procedure",
            Self::Role => "role",
            Self::Side => "side",
            Self::Guidance => "guidance",
            Self::French => "french",
            Self::Gauge => "gauge",
            Self::VolumeMl => "volume_ml",
            Self::FluoroMin => "fluoro_min",
            Self::AirKermaMgy => "air_kerma_mgy",
            Self::Attending => "attending",
            Self::Complication => "complication",
            Self::Setting => "setting",
        }
    }
}

/// One thing that was recognized, with the text and the rule behind it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct JotMark {
    /// The field it belongs to.
    pub field: JotField,
    /// The value as it would be stored, as text.
    pub value: String,
    /// The pieces of text that say it, in order.
    pub spans: Vec<TextSpan>,
    /// The vocabulary entry or rule that read it.
    pub rule: String,
    /// False: a guess to confirm, which is not among the values.
    pub certain: bool,
}

/// The values that a jot states.
#[derive(Clone, PartialEq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct JotValues {
    /// Procedure id.
    pub procedure: Option<String>,
    /// The student's own role.
    pub role: Option<Role>,
    /// Treated side, else access side.
    pub side: Option<Side>,
    /// What guided the needle, in the order of the text; empty when not said.
    pub guidance: Vec<Guidance>,
    /// French size of the device finally in, else of the sheath.
    pub french: Option<f64>,
    /// Gauge of the biopsy or puncture needle.
    pub gauge: Option<f64>,
    /// Fluid taken off, in mL.
    pub volume_ml: Option<f64>,
    /// Fluoroscopy time in minutes.
    pub fluoro_min: Option<f64>,
    /// Air kerma in mGy.
    pub air_kerma_mgy: Option<f64>,
    /// The attending's surname.
    pub attending: Option<String>,
    /// A verbatim piece of the text, or "none" for a general denial.
    pub complication: Option<String>,
    /// Where the patient came from.
    pub setting: Option<Setting>,
}

/// What was understood of one jot.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct JotReading {
    /// The jot as typed.
    pub text: String,
    /// What it states.
    pub values: JotValues,
    /// The words and rules behind the values, and the guesses.
    pub marks: Vec<JotMark>,
    /// Words that say nothing to the reader: they stay in the note.
    pub unread: Vec<TextSpan>,
    /// Those words, as the note that they become; empty for none.
    pub note: String,
}

/// The pieces of `text`, one after the other.
pub(super) fn note(text: &str, pieces: &[TextSpan]) -> String {
    let letters: Vec<char> = text.chars().collect();
    let piece = |span: &TextSpan| -> String {
        letters.get(span.start as usize..span.end as usize).unwrap_or_default().iter().collect()
    };
    pieces.iter().map(piece).collect::<Vec<_>>().join(", ")
}

impl JotValues {
    /// The twelve stored fields as JSON; null, or an empty list, when the text does not say.
    pub fn to_json(&self) -> Value {
        json!({
            "procedure": self.procedure,
            "role": self.role.map(Role::as_str),
            "side": self.side.map(Side::as_str),
            "guidance": self.guidance.iter().map(|g| g.as_str()).collect::<Vec<_>>(),
            "french": self.french.map(number),
            "gauge": self.gauge.map(number),
            "volume_ml": self.volume_ml.map(number),
            "fluoro_min": self.fluoro_min.map(number),
            "air_kerma_mgy": self.air_kerma_mgy.map(number),
            "attending": self.attending,
            "complication": self.complication,
            "setting": self.setting.map(Setting::as_str),
        })
    }
}

/// A whole number without a fraction, as people write it.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        return Value::from(value as i64);
    }
    Value::from(value)
}

// A jot may name a person or a patient's story: Debug tells what was found, never the words.
impl std::fmt::Debug for JotMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JotMark")
            .field("field", &self.field)
            .field("spans", &self.spans)
            .field("rule", &self.rule)
            .field("certain", &self.certain)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for JotValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JotValues").field("procedure", &self.procedure).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for JotReading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JotReading")
            .field("marks", &self.marks)
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}
