//! Quantities: the unit that a number is stored in, units that are converted at entry, and the
//! range outside which a number is most likely a slip of the fingers.

use super::error::ContentError;
use super::source::{SourceFile, Table, Unique};

/// A unit that is accepted at entry and converted.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct OtherUnit {
    /// As written.
    pub unit: String,
    /// The number in the stored unit = the number written × `times` ÷ `per`.
    pub times: f64,
    /// Not zero.
    pub per: f64,
}

/// A measured field: how it is stored and read.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Quantity {
    /// The stored name, `fluoro_min` or `labs.inr`.
    pub field: String,
    /// As it is shown; empty for a bare ratio.
    pub unit: String,
    /// Other spellings of the same unit.
    pub spellings: Vec<String>,
    /// Units that are converted.
    pub others: Vec<OtherUnit>,
    /// Also read as clock time: `7:30`, `7m30s`.
    pub clock: bool,
    /// Decimal places kept when a number was converted.
    pub decimals: u32,
    /// Below this it is most likely a slip.
    pub low: Option<f64>,
    /// Above this it is most likely a slip.
    pub high: Option<f64>,
    /// Key in `SOURCES.md`.
    pub source: Option<String>,
}

/// Reads one file of `limits/`.
pub(crate) fn quantities(
    file: SourceFile<'_>,
    unique: &mut Unique,
) -> Result<Vec<Quantity>, ContentError> {
    file.read(|root| {
        root.tables("quantity", |table| {
            let field = table.text("field")?;
            unique.add(&field, || table.place("field"))?;
            quantity(table, field)
        })
    })
}

/// Reads the fields that describe a quantity, in a file of limits or in a form's field.
pub(crate) fn quantity(table: &Table<'_>, field: String) -> Result<Quantity, ContentError> {
    let (low, high) = (table.opt_number("low")?, table.opt_number("high")?);
    if let (Some(low), Some(high)) = (low, high)
        && low >= high
    {
        let allowed = format!("more than {low}");
        return Err(ContentError::NotAllowed {
            place: table.place("high"),
            found: high.to_string(),
            allowed,
        });
    }
    Ok(Quantity {
        field,
        unit: table.opt_text("unit")?.unwrap_or_default(),
        spellings: table.texts("spellings")?.into_iter().map(|text| text.value).collect(),
        others: table.tables("others", other_unit)?,
        clock: table.flag("clock")?,
        decimals: table.opt_whole("decimals")?.unwrap_or(3),
        low,
        high,
        source: table.opt_text("source")?,
    })
}

fn other_unit(table: &Table<'_>) -> Result<OtherUnit, ContentError> {
    let positive = |key: &str| match table.opt_number(key)? {
        Some(number) if number <= 0.0 => Err(ContentError::NotAllowed {
            place: table.place(key),
            found: number.to_string(),
            allowed: "more than 0".to_owned(),
        }),
        other => Ok(other.unwrap_or(1.0)),
    };
    Ok(OtherUnit { unit: table.text("unit")?, times: positive("times")?, per: positive("per")? })
}
