//! The procedures that a case can be, and the groups that they are shown in.

use super::error::{ContentError, ContentPlace};
use super::source::{SourceFile, Unique};

/// A group of procedures.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Category {
    /// Stored nowhere, but stable: filters are saved with it.
    pub id: String,
    /// As lists show it.
    pub name: String,
}

/// How a procedure stands in the bleeding-risk table of SIR 2019.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum BleedingRisk {
    /// Listed as low.
    Low,
    /// Listed as high.
    High,
    /// Not listed, or listed twice: ask.
    Ask,
}

/// A procedure that a case can be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Procedure {
    /// Stored in records; never reused.
    pub id: String,
    /// In full.
    pub name: String,
    /// For narrow places.
    pub short_name: String,
    /// Id of its `Category`.
    pub category: String,
    /// Bleeding risk.
    pub bleeding_risk: BleedingRisk,
    /// The guide's point, `S-14`, where it has one.
    pub guide: Option<String>,
}

/// Reads `categories.toml`.
pub(crate) fn categories(file: SourceFile<'_>) -> Result<Vec<Category>, ContentError> {
    let mut unique = Unique::default();
    file.read(|root| {
        root.tables("category", |table| {
            let id = table.text("id")?;
            unique.add(&id, || table.place("id"))?;
            Ok(Category { id, name: table.text("name")? })
        })
    })
}

const COLUMNS: [&str; 6] =
    ["id", "name", "short_name", "category", "bleeding_risk_sir2019", "guide"];

/// Reads `procedures.csv`.
pub(crate) fn procedures(
    file: SourceFile<'_>,
    categories: &[Category],
) -> Result<Vec<Procedure>, ContentError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(file.text.as_bytes());
    let mut unique = Unique::default();
    let mut procedures = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let row = row.map_err(|error| ContentError::Unreadable {
            place: place(file, error.position().map_or(1, csv::Position::line), ""),
            reason: "a row has another number of columns than the first".to_owned(),
        })?;
        let line = row.position().map_or(1, csv::Position::line);
        if index == 0 {
            header(file, &row)?;
        } else {
            procedures.push(procedure(file, line, &row, categories, &mut unique)?);
        }
    }
    Ok(procedures)
}

fn header(file: SourceFile<'_>, row: &csv::StringRecord) -> Result<(), ContentError> {
    for (index, column) in COLUMNS.iter().enumerate() {
        if row.get(index) != Some(column) {
            return Err(ContentError::Missing { place: place(file, 1, column) });
        }
    }
    match row.get(COLUMNS.len()) {
        Some(extra) => Err(ContentError::UnknownField { place: place(file, 1, extra) }),
        None => Ok(()),
    }
}

fn procedure(
    file: SourceFile<'_>,
    line: u64,
    row: &csv::StringRecord,
    categories: &[Category],
    unique: &mut Unique,
) -> Result<Procedure, ContentError> {
    let at = |column: usize| place(file, line, COLUMNS[column]);
    let text = |column: usize| match row.get(column).map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(ContentError::Missing { place: at(column) }),
    };
    let id = text(0)?;
    unique.add(&id, || at(0))?;
    let category = text(3)?;
    if !categories.iter().any(|known| known.id == category) {
        return Err(ContentError::NoSuchId { place: at(3), found: category });
    }
    let bleeding_risk = match text(4)?.as_str() {
        "low" => BleedingRisk::Low,
        "high" => BleedingRisk::High,
        "ask" => BleedingRisk::Ask,
        other => {
            let allowed = "low, high, ask".to_owned();
            return Err(ContentError::NotAllowed {
                place: at(4),
                found: other.to_owned(),
                allowed,
            });
        }
    };
    Ok(Procedure {
        id,
        name: text(1)?,
        short_name: text(2)?,
        category,
        bleeding_risk,
        guide: text(5).ok(),
    })
}

fn place(file: SourceFile<'_>, line: u64, field: &str) -> ContentPlace {
    ContentPlace {
        file: file.name.to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        field: field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id,name,short_name,category,bleeding_risk_sir2019,guide\n";

    fn read(rows: &str) -> Result<Vec<Procedure>, ContentError> {
        let categories = [Category { id: "venous".into(), name: "Venous".into() }];
        procedures(SourceFile::new("procedures.csv", rows), &categories)
    }

    #[test]
    fn a_row_becomes_a_procedure() {
        let found =
            read(&format!("{HEAD}ivc-filter,IVC filter placement,IVC filter,venous,low,S-37\n"))
                .unwrap();
        assert_eq!(found[0].id, "ivc-filter");
        assert_eq!(found[0].bleeding_risk, BleedingRisk::Low);
        assert_eq!(found[0].guide.as_deref(), Some("S-37"));
    }

    #[test]
    fn a_mistake_is_told_with_line_and_column() {
        let cases = [
            ("a,A,A,venous,low,\nb,B,B,venous,medium,\n", "procedures.csv:3 bleeding_risk_sir2019"),
            ("a,A,A,arterial,low,\n", "procedures.csv:2 category"),
            ("a,A,A,venous,low,\na,B,B,venous,low,\n", "procedures.csv:3 id"),
            ("a,,A,venous,low,\n", "procedures.csv:2 name"),
            ("a,A,A,venous,low\n", "procedures.csv:2"),
        ];
        for (rows, wanted) in cases {
            let error = read(&format!("{HEAD}{rows}")).unwrap_err();
            assert_eq!(error.place().to_string(), wanted);
        }
        let error = read("id,name,category,bleeding_risk_sir2019,guide\n").unwrap_err();
        assert_eq!(error.place().to_string(), "procedures.csv:1 short_name");
    }
}
