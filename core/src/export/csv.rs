//! CSV for spreadsheets: one record a row. It reads well and loses types and nesting; what must come
//! back is exported as JSON lines.
//!
//! # Shape
//! RFC 4180 with a header, separated by commas and with decimal points unless another program is named
//! that it is for ([`CsvFor`]), in UTF-8 with a byte order mark: without one the most common spreadsheet
//! program shows every µ and accent wrong, and a script that minds it has the JSON lines. A list is
//! joined by `; `; a list that holds more than words and numbers stays JSON. Columns of a case come in
//! a fixed order; then what is readable beside ids and stored times, of the record's own wall clock; then
//! every further path that some record has, sorted. Values stand as they were written, also those that
//! mean no certain number; only numbers take the decimal sign of the program.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;

use crate::content::reading;
use crate::error::{LogbookError, Result};
use crate::record::{Fields, NewRecord, join, when};

/// For which program a table is written: what stands between two cells, and before decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum CsvFor {
    /// Comma and decimal point: scripts, and spreadsheets set to English.
    #[default]
    ExcelEn,
    /// Semicolon and decimal comma: spreadsheets set to German, French, Spanish, Italian and many others.
    ExcelDe,
    /// Semicolon and decimal point: spreadsheets set to Switzerland.
    ExcelCh,
    /// Tab and decimal point: what is pasted into a spreadsheet.
    Tab,
}

impl CsvFor {
    /// Every choice with its name for URLs and scripts.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::ExcelEn, "excel-en"),
        (Self::ExcelDe, "excel-de"),
        (Self::ExcelCh, "excel-ch"),
        (Self::Tab, "tab"),
    ];

    /// The choice called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(program, _)| program)
    }

    fn separator(self) -> u8 {
        match self {
            Self::ExcelEn => b',',
            Self::ExcelDe | Self::ExcelCh => b';',
            Self::Tab => b'\t',
        }
    }

    fn number(self, number: &serde_json::Number) -> String {
        let text = number.to_string();
        if self == Self::ExcelDe { text.replace('.', ",") } else { text }
    }
}

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
    readable: Vec<&'static str>,
    further: BTreeSet<String>,
}

impl Columns {
    /// The columns that a table of `kind` always has.
    pub(crate) fn of(kind: &str) -> Self {
        let fixed = if kind == "case" { CASE_COLUMNS.to_vec() } else { Vec::new() };
        let of_kind: &[&str] = if kind == "case" { &READABLE_OF_CASE } else { &[] };
        let readable = [&READABLE, of_kind].concat();
        Self { fixed, readable, further: BTreeSet::new() }
    }

    /// Adds the paths of a record that have no column yet.
    pub(crate) fn add(&mut self, fields: &Fields) {
        for (path, _) in cells(fields) {
            if path != PERFORMED && !self.fixed.contains(&path.as_str()) {
                self.further.insert(path);
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let fixed = self.fixed.iter().chain(&self.readable).copied();
        fixed.chain(self.further.iter().map(String::as_str))
    }
}

const PERFORMED: &str = "performed_at";

/// What is readable of every record, beside its ids and stored times.
const READABLE: [&str; 2] = ["performed_day", "performed_clock"];
/// The same of a case.
const READABLE_OF_CASE: [&str; 2] = ["procedure_name", "role_name"];

/// Writes rows under their columns.
pub(crate) struct Table<W: Write> {
    out: ::csv::Writer<W>,
    columns: Columns,
    program: CsvFor,
}

impl<W: Write> Table<W> {
    /// Begins with the byte order mark and the header.
    pub(crate) fn new(mut out: W, columns: Columns, program: CsvFor) -> Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let mut out = ::csv::WriterBuilder::new()
            .delimiter(program.separator())
            .terminator(::csv::Terminator::CRLF)
            .from_writer(out);
        let names = ["id", "kind", "at", PERFORMED].into_iter().chain(columns.names());
        out.write_record(names.map(|name| harmless(name.to_owned()))).map_err(failed)?;
        Ok(Self { out, columns, program })
    }

    /// One record as a row.
    pub(crate) fn row(&mut self, record: &NewRecord) -> Result<()> {
        let mut cells = cells(&record.fields);
        cells.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let cell = |path: &str| {
            let at = cells.binary_search_by(|(other, _)| other.as_str().cmp(path));
            at.map_or_else(|_| String::new(), |at| cell(cells[at].1, self.program))
        };
        let performed = when(&record.kind, record.at, &record.fields);
        let name = |path| {
            let stored = reading::word(&record.kind, &record.fields, path)?;
            reading::label(&record.kind, path, &stored)
        };
        let readable = |name_of: &&str| match *name_of {
            "performed_day" => performed.day().iso(),
            "performed_clock" => performed.clock_time(),
            "procedure_name" => name("procedure").map(harmless).unwrap_or_default(),
            _ => name("role").map(harmless).unwrap_or_default(),
        };
        let about = [
            record.id.to_string(),
            harmless(record.kind.clone()),
            record.at.rfc3339(),
            performed.rfc3339(),
        ];
        let Columns { fixed, readable: of_readable, further } = &self.columns;
        let row = about.into_iter().chain(fixed.iter().map(|path| cell(path)));
        let row = row.chain(of_readable.iter().map(readable));
        let row = row.chain(further.iter().map(|path| cell(path)));
        self.out.write_record(row).map_err(failed)
    }

    /// Sends on what is written.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
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

/// Every path of a record with the value that stands in its cell.
fn cells(fields: &Fields) -> Vec<(String, &Value)> {
    let mut cells = Vec::new();
    put(&mut cells, "", fields);
    cells
}

fn put<'a>(cells: &mut Vec<(String, &'a Value)>, prefix: &str, fields: &'a Fields) {
    for (name, value) in fields {
        let path = join(prefix, name);
        match value {
            Value::Object(object) if !object.is_empty() => put(cells, &path, object),
            value => cells.push((path, value)),
        }
    }
}

fn cell(value: &Value, program: CsvFor) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text.clone()),
        Value::Array(items) if items.iter().all(|i| !i.is_array() && !i.is_object()) => {
            let texts: Vec<String> = items.iter().map(|item| plain(item, program)).collect();
            harmless(texts.join("; "))
        }
        Value::Number(number) => program.number(number),
        Value::Bool(_) => value.to_string(),
        nested => harmless(nested.to_string()),
    }
}

fn plain(value: &Value, program: CsvFor) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => program.number(number),
        other => other.to_string(),
    }
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
        table_for(records, CsvFor::default())
    }

    fn table_for(records: &[Value], program: CsvFor) -> Vec<Vec<String>> {
        let records: Vec<NewRecord> = records.iter().map(record).collect();
        let mut columns = Columns::of("case");
        for record in &records {
            columns.add(&record.fields);
        }
        let mut table = Table::new(Vec::new(), columns, program).unwrap();
        for record in &records {
            table.row(record).unwrap();
        }
        let bytes = table.finish().unwrap();
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap();
        assert!(text.ends_with(b"\r\n"));
        let mut reader = ::csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).delimiter(program.separator()).from_reader(text);
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
        let readable = ["performed_day", "performed_clock", "procedure_name", "role_name"];
        assert_eq!(table[0][42..46], readable);
        assert_eq!(table[0][46..], ["labs.crp", "new.x", "zoo"]);
        assert_eq!(value_of(&table, 1, "labs.inr"), "1.0");
        assert_eq!(value_of(&table, 1, "tags"), "a; b c");
        assert_eq!(value_of(&table, 1, "performed_at"), "2026-10-04T23:00:00-05:00");
        assert_eq!(value_of(&table, 1, "new.x"), "[{\"y\":1}]");
        assert_eq!(value_of(&table, 2, "note"), "two\nlines, \"quoted\"");
        assert_eq!(value_of(&table, 2, "performed_at"), "2026-10-05T07:05:00-05:00");
        assert_eq!(value_of(&table, 2, "fluoro_min"), "");
    }

    #[test]
    fn dates_and_names_are_readable_beside_what_is_stored() {
        let table = table(&[
            json!({"procedure": "picc", "role": "did_part", "performed_at": "2026-10-04T23:00:00-05:00"}),
            json!({"procedure": "PICC", "role": "watched"}),
            json!({"procedure": "=own", "role": "S-TS"}),
        ]);
        let of = |row, name| value_of(&table, row, name);
        assert_eq!((of(1, "performed_day"), of(1, "performed_clock")), ("2026-10-04", "23:00"));
        assert_eq!((of(1, "procedure_name"), of(1, "role_name")), ("PICC placement", "Did part"));
        assert_eq!((of(2, "procedure"), of(2, "procedure_name")), ("PICC", "PICC placement"));
        assert_eq!((of(2, "role"), of(2, "role_name")), ("watched", "Observed"));
        assert_eq!((of(3, "procedure_name"), of(3, "role_name")), ("", ""));
    }

    #[test]
    fn each_program_gets_its_separator_and_decimal_sign() {
        let records = [json!({"fluoro_min": 3.5, "contrast_ml": 40, "volume_ml": -0.5,
            "air_kerma_mgy": "1.240", "devices": ["a; b", 0.035], "note": "x,y;\tz"})];
        for (program, name) in CsvFor::ALL {
            assert_eq!(CsvFor::parse(name), Some(program));
            let table = table_for(&records, program);
            let of = |name| value_of(&table, 1, name);
            let comma = program == CsvFor::ExcelDe;
            assert_eq!(of("fluoro_min"), if comma { "3,5" } else { "3.5" });
            assert_eq!(of("volume_ml"), if comma { "-0,5" } else { "-0.5" });
            assert_eq!(of("devices"), if comma { "a; b; 0,035" } else { "a; b; 0.035" });
            assert_eq!((of("contrast_ml"), of("air_kerma_mgy")), ("40", "1.240"));
            assert_eq!(of("note"), "x,y;\tz");
        }
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
