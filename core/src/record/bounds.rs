//! What a record may be at most, wherever it comes from: what a peer may send, an import takes, so that
//! every export can be imported.

use serde_json::Value;

use super::Fields;
use crate::time::Moment;

/// Bytes of the fields, as JSON.
pub(crate) const FIELDS_BYTES_MAX: usize = 4 << 20;
/// Objects and lists within each other, the fields themselves counted.
pub(crate) const DEPTH_MAX: usize = 63;
const KIND_BYTES_MAX: usize = 64;
/// A number takes at most so many times the room that it took when somebody else wrote it: `1e15`.
const NUMBERS_GROW: usize = 5;

/// Whether a kind is a word that can be shown, and no longer than one.
pub(crate) fn is_kind(kind: &str) -> bool {
    kind.len() <= KIND_BYTES_MAX && !kind.trim().is_empty() && !kind.chars().any(char::is_control)
}

/// Whether a moment can be written down and read again: a year of four digits, where it was.
pub(crate) fn is_moment(at: Moment) -> bool {
    Moment::parse(&at.rfc3339()) == Ok(at)
}

/// Whether fields, and the JSON that they were read from, are neither too deep nor too long.
pub(crate) fn fits(fields: &Fields, json: &str) -> bool {
    let is_short = json.len() <= FIELDS_BYTES_MAX / NUMBERS_GROW
        || serde_json::to_string(fields).is_ok_and(|text| text.len() <= FIELDS_BYTES_MAX);
    is_short && depth(json.as_bytes()) <= DEPTH_MAX
}

/// Whether a value can stand at a path without making its record too deep.
pub(crate) fn fits_at(path: &str, value: Option<&Value>) -> bool {
    let above = super::path::split(path).len();
    above + value.map_or(0, |value| depth(value.to_string().as_bytes())) <= DEPTH_MAX
}

/// How deep brackets nest, without reading the values: a parser that recurses comes after this.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn depth_counts_the_path_above() {
        let deep = json!([[[1]], "[[[["]);
        assert_eq!(depth(deep.to_string().as_bytes()), 3);
        let path = vec!["a"; DEPTH_MAX - 3].join(".");
        assert!(fits_at(&path, Some(&deep)) && fits_at("note", None));
        assert!(!fits_at(&format!("{path}.b"), Some(&deep)));
    }

    #[test]
    fn numbers_count_as_they_are_written_here() {
        let json = format!("{{\"n\":[{}1]}}", "1e15,".repeat(FIELDS_BYTES_MAX / 8));
        let fields: Fields = serde_json::from_str(&json).unwrap();
        assert!(json.len() < FIELDS_BYTES_MAX && !fits(&fields, &json));
    }
}
