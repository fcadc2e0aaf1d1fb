//! CSV for spreadsheets: one record a row. It reads well and loses types and nesting; what must come
//! back is exported as JSON lines.
//!
//! # Shape
//! RFC 4180 with a header, in UTF-8 with a byte order mark: without one the most common spreadsheet
//! program shows every µ and accent wrong, and a script that minds it has the JSON lines. A list is
//! joined by `; `; a list that holds more than words and numbers stays JSON. Columns of a case come in
//! a fixed order, then every further path that some record has, sorted.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;

use crate::error::{LogbookError, Result};
use crate::record::{Fields, NewRecord, join, when};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The columns that every export of cases has, in this order.
const CASE_COLUMNS: [&str; 38] = [
    "procedure",
    "role",
    "attending",
    "setting",
    "side",
    "indication",
    "imaging_reviewed",
    "comorbidities",
    "labs.inr",
    "labs.platelets",
    "labs.hgb",
    "labs.creatinine",
    "labs.bilirubin",
    "access.site",
    "access.side",
    "access.guidance",
    "access.rationale",
    "devices",
    "french",
    "gauge",
    "embolic",
    "sedation",
    "specimens",
    "complications",
    "adverse_event.scheme",
    "adverse_event.edition",
    "adverse_event.grade",
    "fluoro_min",
    "air_kerma_mgy",
    "dap_gycm2",
    "contrast_ml",
    "volume_ml",
    "decision_points",
    "lesson",
    "interesting",
    "tags",
    "note",
    "jot",
];

/// Every column of a table: gathered over all records before the first row is written.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    fixed: Vec<&'static str>,
    further: BTreeSet<String>,
}

impl Columns {
    /// The columns that a table of `kind` always has.
    pub(crate) fn of(kind: &str) -> Self {
        let fixed = if kind == "case" { CASE_COLUMNS.to_vec() } else { Vec::new() };
        Self { fixed, further: BTreeSet::new() }
    }

    /// Adds the paths of a record that have no column yet.
    pub(crate) fn add(&mut self, fields: &Fields) {
        for (path, _) in cells(fields) {
            if path != PERFORMED && !self.fixed.contains(&path.as_str()) {
                self.further.insert(path);
            }
        }
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.fixed.iter().copied().chain(self.further.iter().map(String::as_str))
    }
}

const PERFORMED: &str = "performed_at";

/// Writes rows under their columns.
pub(crate) struct Table<W: Write> {
    out: ::csv::Writer<W>,
    columns: Columns,
}

impl<W: Write> Table<W> {
    /// Begins with the byte order mark and the header.
    pub(crate) fn new(mut out: W, columns: Columns) -> Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let mut out =
            ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
        let names = ["id", "kind", "at", PERFORMED].into_iter().chain(columns.paths());
        out.write_record(names.map(|name| harmless(name.to_owned()))).map_err(failed)?;
        Ok(Self { out, columns })
    }

    /// One record as a row.
    pub(crate) fn row(&mut self, record: &NewRecord) -> Result<()> {
        let mut cells = cells(&record.fields);
        cells.sort_unstable();
        let cell = |path: &str| {
            let at = cells.binary_search_by(|(other, _)| other.as_str().cmp(path));
            at.map_or_else(|_| String::new(), |at| cells[at].1.clone())
        };
        let about = [
            record.id.to_string(),
            harmless(record.kind.clone()),
            record.at.rfc3339(),
            when(&record.kind, record.at, &record.fields).rfc3339(),
        ];
        let row = about.into_iter().chain(self.columns.paths().map(cell));
        self.out.write_record(row).map_err(failed)
    }

    /// Gives the output back with everything written to it.
    pub(crate) fn finish(self) -> Result<W> {
        self.out.into_inner().map_err(|error| error.into_error().into())
    }
}

fn failed(error: ::csv::Error) -> LogbookError {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error.into(),
        _ => LogbookError::Io,
    }
}

/// Every path of a record with the text that stands in its cell.
fn cells(fields: &Fields) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    put(&mut cells, "", fields);
    cells
}

fn put(cells: &mut Vec<(String, String)>, prefix: &str, fields: &Fields) {
    for (name, value) in fields {
        let path = join(prefix, name);
        match value {
            Value::Object(object) if !object.is_empty() => put(cells, &path, object),
            value => cells.push((path, cell(value))),
        }
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text.clone()),
        Value::Array(items) if items.iter().all(|i| !i.is_array() && !i.is_object()) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            harmless(texts.join("; "))
        }
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        nested => harmless(nested.to_string()),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A spreadsheet takes a cell that begins like this for a formula, and runs it. A leading apostrophe
/// says that it is text. The wide forms count too: some programs fold them.
fn harmless(text: String) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if risky && !is_negative_number(&text) { format!("'{text}") } else { text }
}

fn is_negative_number(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('-') else { return false };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::jsonl;
    use serde_json::json;

    fn record(fields: &Value) -> NewRecord {
        let line = json!({"id": "019a0000-0000-7000-8000-000000000001", "kind": "case",
            "at": "2026-10-05T07:05:00-05:00", "fields": fields});
        jsonl::parse_line(line.to_string().as_bytes()).unwrap()
    }

    fn table(records: &[Value]) -> Vec<Vec<String>> {
        let records: Vec<NewRecord> = records.iter().map(record).collect();
        let mut columns = Columns::of("case");
        for record in &records {
            columns.add(&record.fields);
        }
        let mut table = Table::new(Vec::new(), columns).unwrap();
        for record in &records {
            table.row(record).unwrap();
        }
        let bytes = table.finish().unwrap();
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap();
        assert!(text.ends_with(b"\r\n"));
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn value_of<'a>(table: &'a [Vec<String>], row: usize, column: &str) -> &'a str {
        let at = table[0].iter().position(|name| name == column).unwrap();
        &table[row][at]
    }

    #[test]
    fn columns_are_fixed_then_whatever_else_there_is() {
        let table = table(&[
            json!({"procedure": "picc", "labs": {"inr": 1.0, "crp": 4}, "tags": ["a", "b c"],
                   "performed_at": "2026-10-04T23:00:00-05:00", "new": {"x": [{"y": 1}]}}),
            json!({"note": "two\nlines, \"quoted\"", "interesting": true, "fluoro_min": null, "zoo": {}}),
        ]);
        assert_eq!(table.len(), 3);
        assert_eq!(table[0][..5], ["id", "kind", "at", "performed_at", "procedure"]);
        assert_eq!(table[0][42..], ["labs.crp", "new.x", "zoo"]);
        assert_eq!(value_of(&table, 1, "labs.inr"), "1.0");
        assert_eq!(value_of(&table, 1, "tags"), "a; b c");
        assert_eq!(value_of(&table, 1, "performed_at"), "2026-10-04T23:00:00-05:00");
        assert_eq!(value_of(&table, 1, "new.x"), "[{\"y\":1}]");
        assert_eq!(value_of(&table, 2, "note"), "two\nlines, \"quoted\"");
        assert_eq!(value_of(&table, 2, "performed_at"), "2026-10-05T07:05:00-05:00");
        assert_eq!(value_of(&table, 2, "fluoro_min"), "");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in
            ["=1+1", "+1", "-1+2", "@sum", "\t=1", "\r=1", "\n=1", "＝1", "-", "--5", "-1e5"]
        {
            assert_eq!(harmless(text.to_owned()), format!("'{text}"));
        }
        for text in ["-5", "-0.25", "5", "a=b", "", "'=1"] {
            assert_eq!(harmless(text.to_owned()), text);
        }
        let table = table(&[
            json!({"=cmd": "x", "devices": ["=cmd", 1], "volume_ml": -5, "embolic": ["-1"]}),
        ]);
        assert!(table[0].contains(&"'=cmd".to_owned()));
        assert_eq!(value_of(&table, 1, "devices"), "'=cmd; 1");
        assert_eq!(value_of(&table, 1, "volume_ml"), "-5");
    }
}
