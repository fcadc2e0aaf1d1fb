//! JSON lines: one record a line, `{"id","kind","at","fields"}`. What is exported reads back equal,
//! field by field; a line that never had an id gets one from its content.
//!
//! # Shape
//! At most 4 MiB a line and 64 levels of nesting, so that a hostile file exhausts neither memory nor
//! stack. Blank lines and a byte order mark are passed over. Names beside the four are ignored; of a
//! name that stands twice in one object the last counts.

use std::io::BufRead;

use serde::Serialize;
use serde_json::Value;

use crate::error::{LineProblem, LogbookError, Result};
use crate::ids::RecordId;
use crate::record::{Fields, NewRecord, bounds};
use crate::time::Moment;

/// The longest line that is read: the largest fields, and what stands around them.
pub const LINE_BYTES_MAX: usize = bounds::FIELDS_BYTES_MAX + 1024;
/// A longer line is passed over where bad lines are left out; one longer than this has no end, as of a
/// file that is no text.
pub const LINE_BYTES_SKIPPED_MAX: usize = 64 << 20;
/// The deepest nesting that is read, the line's own object included.
pub const DEPTH_MAX: usize = bounds::DEPTH_MAX + 1;

/// A line that was read.
pub(crate) struct Parsed {
    pub(crate) record: NewRecord,
    /// The line names the record's id; else it is that of its content.
    pub(crate) has_id: bool,
}

/// Reads one line as a record.
pub fn parse_line(line: &[u8]) -> Result<NewRecord, LineProblem> {
    parse(line).map(|parsed| parsed.record)
}

/// The same, and whether the line says which record it is.
pub(crate) fn parse(line: &[u8]) -> Result<Parsed, LineProblem> {
    if line.len() > LINE_BYTES_MAX || bounds::depth(line) > DEPTH_MAX {
        return Err(LineProblem::TooLarge);
    }
    let text = std::str::from_utf8(line).map_err(|_| LineProblem::NotText)?;
    let Ok(Value::Object(mut line)) = serde_json::from_str(text) else {
        return Err(LineProblem::NotAnObject);
    };
    let kind = line.get("kind").and_then(Value::as_str).ok_or(LineProblem::Kind)?.to_owned();
    if !bounds::is_kind(&kind) {
        return Err(LineProblem::Kind);
    }
    let at = line.get("at").and_then(Value::as_str).ok_or(LineProblem::At)?;
    let at = Moment::parse(at).map_err(|_| LineProblem::At)?;
    let Some(Value::Object(fields)) = line.remove("fields") else {
        return Err(LineProblem::Fields);
    };
    let given = line.get("id").filter(|id| !id.is_null());
    let id = match given {
        None => RecordId::from_content(&canonical(&kind, at, &fields)),
        Some(id) => id.as_str().and_then(|id| id.parse().ok()).ok_or(LineProblem::Id)?,
    };
    let has_id = given.is_some();
    Ok(Parsed { record: NewRecord { id, kind, at, fields }, has_id })
}

/// The id of a line that is the `number`th of its equals in one file, from 2. Frozen as well.
pub(crate) fn repeated_id(record: &NewRecord, number: u64) -> RecordId {
    let mut bytes = canonical(&record.kind, record.at, &record.fields);
    put(&mut bytes, &Value::from(number));
    RecordId::from_content(&bytes)
}

/// A record as its line, without the line break.
pub fn line_of(record: &NewRecord) -> Result<String> {
    #[derive(Serialize)]
    struct Line<'a> {
        id: String,
        kind: &'a str,
        at: String,
        fields: &'a Fields,
    }
    let line = Line {
        id: record.id.to_string(),
        kind: &record.kind,
        at: record.at.rfc3339(),
        fields: &record.fields,
    };
    serde_json::to_string(&line).map_err(crate::record::json_error)
}

/// The bytes that a record's content id is made from. Frozen: other bytes would import an old file
/// twice. Names are sorted here, whatever order the JSON library keeps.
fn canonical(kind: &str, at: Moment, fields: &Fields) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    put(&mut out, &Value::from(kind));
    put(&mut out, &Value::from(at.utc.0));
    put(&mut out, &at.offset_min.map_or(Value::Null, Value::from));
    put_object(&mut out, fields);
    out
}

fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(object) => put_object(out, object),
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                put(out, item);
                out.push(b',');
            }
            out.push(b']');
        }
        plain => out.extend(plain.to_string().as_bytes()),
    }
}

fn put_object(out: &mut Vec<u8>, object: &Fields) {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (name, value) in entries {
        put(out, &Value::from(name.as_str()));
        out.push(b':');
        put(out, value);
        out.push(b',');
    }
    out.push(b'}');
}

/// One line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Its bytes, without the line break; blank lines never appear.
    Text(Vec<u8>),
    /// It is longer than a line may be; it was passed over without being kept.
    TooLong,
}

/// Reads line by line, never more than one line's worth into memory.
pub(crate) struct Lines {
    input: Box<dyn BufRead + Send>,
    /// The number of the line that was read last, from 1.
    pub(crate) number: u64,
    /// Bytes read so far.
    pub(crate) bytes: u64,
}

impl Lines {
    pub(crate) fn new(input: Box<dyn BufRead + Send>) -> Self {
        Self { input, number: 0, bytes: 0 }
    }

    /// The next line that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<Line>> {
        loop {
            match self.any()? {
                Some(Line::Text(mut line)) => {
                    if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
                        line.drain(..3);
                    }
                    if !line.trim_ascii().is_empty() {
                        return Ok(Some(Line::Text(line)));
                    }
                }
                other => return Ok(other),
            }
        }
    }

    fn any(&mut self) -> Result<Option<Line>> {
        let (mut line, mut too_long, mut begun) = (Vec::new(), false, false);
        let start = self.bytes;
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let ended = available.is_empty();
            let end = available.iter().position(|byte| *byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            begun |= !ended;
            too_long |= line.len() + piece.len() > LINE_BYTES_MAX + 1;
            if too_long {
                line = Vec::new();
            } else {
                line.extend_from_slice(piece);
            }
            let read = piece.len() + usize::from(end.is_some());
            self.input.consume(read);
            self.bytes += read as u64;
            if ended && !begun {
                return Ok(None);
            }
            if self.bytes - start > LINE_BYTES_SKIPPED_MAX as u64 {
                let reason = LineProblem::TooLarge;
                return Err(LogbookError::BadLine { line: self.number + 1, reason });
            }
            if ended || end.is_some() {
                self.number += 1;
                return Ok(Some(if too_long { Line::TooLong } else { Line::Text(line) }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Result<NewRecord, LineProblem> {
        parse_line(line.as_bytes())
    }

    const PLAIN: &str = r#"{"kind":"case","at":"2026-10-05T07:05:00-05:00","fields":{"b":1,"a":[null,{"z":2.0,"y":"é"}]}}"#;

    #[test]
    fn a_line_without_an_id_gets_the_same_one_each_time() {
        let id = parsed(PLAIN).unwrap().id;
        assert_eq!(id.to_string(), "9b887d1e-4f44-8d4e-baa4-8326c051fa9f", "frozen");
        let reordered = r#" {"fields":{"a":[null,{"y":"\u00e9","z":2.0}],"b":1}, "at":"2026-10-05T07:05:00.000-05:00", "kind":"case"}"#;
        assert_eq!(parsed(reordered).unwrap().id, id);
        for other in [
            PLAIN.replace("2.0", "2"),
            PLAIN.replace("-05:00", "-04:00"),
            PLAIN.replace("null", "false"),
            PLAIN.replace("07:05:00-05:00", "12:05:00Z"),
            PLAIN.replace("\"case\"", "\"talk\""),
        ] {
            assert_ne!(parsed(&other).unwrap().id, id, "{other}");
        }
    }

    #[test]
    fn each_fault_has_its_reason() {
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        for (line, reason) in [
            ("[1]".to_owned(), LineProblem::NotAnObject),
            ("{\"kind\":\"case\"".to_owned(), LineProblem::NotAnObject),
            (PLAIN.replace("\"kind\"", "\"Kind\""), LineProblem::Kind),
            (PLAIN.replace("\"case\"", "\" \""), LineProblem::Kind),
            (PLAIN.replace("\"case\"", "7"), LineProblem::Kind),
            (PLAIN.replace("-05:00", ""), LineProblem::At),
            (PLAIN.replace("\"fields\"", "\"field\""), LineProblem::Fields),
            (PLAIN.replace("{\"kind\"", "{\"id\":\"P1\",\"kind\""), LineProblem::Id),
            (PLAIN.replace("{\"kind\"", "{\"id\":7,\"kind\""), LineProblem::Id),
            (PLAIN.replace("null", &deep), LineProblem::TooLarge),
            (PLAIN.replace('é', &"é".repeat(LINE_BYTES_MAX / 2)), LineProblem::TooLarge),
        ] {
            assert_eq!(parsed(&line).map(|record| record.id), Err(reason));
        }
        assert_eq!(
            parse_line(b"{\"kind\":\"\xff\"}").map(|record| record.id),
            Err(LineProblem::NotText)
        );
        let brackets = PLAIN.replace('é', &"[{\\\"".repeat(100));
        assert!(parsed(&brackets).is_ok(), "brackets within a text do not nest");
    }

    fn lines(bytes: &[u8]) -> Vec<(u64, Option<usize>)> {
        let small = std::io::BufReader::with_capacity(7, std::io::Cursor::new(bytes.to_vec()));
        let mut lines = Lines::new(Box::new(small));
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push((
                lines.number,
                match line {
                    Line::Text(text) => Some(text.len()),
                    Line::TooLong => None,
                },
            ));
        }
        assert_eq!(lines.bytes, bytes.len() as u64);
        seen
    }

    #[test]
    fn lines_are_counted_and_a_long_one_is_not_kept() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\xef\xbb\xbfab\n\r\n  \nabc"), [(1, Some(2)), (4, Some(3))]);
        let mut long = vec![b'x'; 3 * LINE_BYTES_MAX];
        long.extend(b"\nok\n");
        assert_eq!(lines(&long), [(1, None), (2, Some(2))]);
    }

    #[test]
    fn a_line_without_an_end_is_an_error() {
        let endless = std::io::BufReader::new(std::io::repeat(0));
        let refused = Lines::new(Box::new(endless)).next();
        let reason = LineProblem::TooLarge;
        assert_eq!(refused, Err(LogbookError::BadLine { line: 1, reason }));
    }

    #[test]
    fn equal_lines_are_told_apart_by_their_number() {
        let record = parsed(PLAIN).unwrap();
        let ids = [2, 3, 4].map(|number| repeated_id(&record, number));
        assert_eq!(ids[0].to_string(), "30abdbf3-14bd-8a4e-843f-9e07219e2320", "frozen");
        assert!(!ids.contains(&record.id) && ids[0] != ids[1] && ids[1] != ids[2]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            let _ = (parse_line(&bytes), parse_line(text.as_bytes()), lines(&bytes));
        }

        #[test]
        fn broken_lines_do_no_harm(at in 0usize..110, with: char) {
            let mut line = PLAIN.to_owned();
            if let Some((at, _)) = line.char_indices().nth(at) {
                line.insert(at, with);
            }
            let _ = parsed(&line);
        }
    }
}
