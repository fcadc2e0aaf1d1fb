//! What a record may be at most for an import. Sync takes less: `budget.rs` counts size, depth and kind
//! more narrowly, so that whatever a peer sent can be exported and imported again; what cannot be counted,
//! a kind that cannot be shown and a moment that cannot be written down, is refused alike by both.

use crate::time::Moment;

/// Bytes of the fields, as JSON.
pub(crate) const FIELDS_BYTES_MAX: usize = 4 << 20;
/// Objects and lists within each other, the fields themselves counted.
pub(crate) const DEPTH_MAX: usize = 63;
const KIND_BYTES_MAX: usize = 64;

/// Whether a kind is a word that can be shown, and no longer than one.
pub(crate) fn is_kind(kind: &str) -> bool {
    kind.len() <= KIND_BYTES_MAX && is_word(kind)
}

/// Whether a kind is a word that can be shown.
pub(crate) fn is_word(kind: &str) -> bool {
    !kind.trim().is_empty() && !kind.chars().any(char::is_control)
}

/// Whether a moment can be written down and read again: a year of four digits, where it was.
pub(crate) fn is_moment(at: Moment) -> bool {
    Moment::parse(&at.rfc3339()) == Ok(at)
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
    use super::*;

    #[test]
    fn brackets_within_a_text_do_not_nest() {
        assert_eq!(depth(serde_json::json!([[[1]], "[[[[\"["]).to_string().as_bytes()), 3);
    }
}
