//! How each kind's fields merge: `content/kinds.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// How concurrent values of a field come together. Kept with the stamps, so that a device that does
/// not know the field merges it the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldType {
    /// One value as a whole.
    Register,
    /// A list of distinct words; each is there or not.
    Set,
    /// A list of objects, told apart by the named field of theirs.
    Keyed(String),
}

impl FieldType {
    /// Whether the value is a list whose entries are told apart.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::Set | Self::Keyed(_))
    }
}

/// The shape of one kind.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    #[serde(default)]
    sets: Vec<String>,
    #[serde(default)]
    keyed: BTreeMap<String, String>,
    /// The field with the time that it happened.
    #[serde(default)]
    pub(crate) when: Option<String>,
}

impl Shape {
    /// The shape of `kind`; an unknown kind has the general one.
    pub(crate) fn of(kind: &str) -> &'static Self {
        static SHAPES: OnceLock<BTreeMap<String, Shape>> = OnceLock::new();
        static PLAIN: OnceLock<Shape> = OnceLock::new();
        // A test reads the file; a build in which it fails to parse does not ship.
        let shapes = SHAPES.get_or_init(|| toml::from_str(KINDS).unwrap_or_default());
        shapes
            .get(kind)
            .or_else(|| shapes.get("other"))
            .unwrap_or_else(|| PLAIN.get_or_init(Shape::default))
    }

    /// The type of the field at `path`.
    pub(crate) fn field_type(&self, path: &str) -> FieldType {
        if let Some(key) = self.keyed.get(path) {
            FieldType::Keyed(key.clone())
        } else if self.sets.iter().any(|p| p == path) {
            FieldType::Set
        } else {
            FieldType::Register
        }
    }
}

/// Whether the field at `path` of such records is a set of words.
pub(crate) fn is_set(kind: &str, path: &str) -> bool {
    Shape::of(kind).field_type(path) == FieldType::Set
}

/// Whether the field at `path` says when such a record happened.
pub(crate) fn is_when(kind: &str, path: &str) -> bool {
    Shape::of(kind).when.as_deref() == Some(path)
}

const KINDS: &str = include_str!("../../content/kinds.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_shapes_parse() {
        let shapes: BTreeMap<String, Shape> = toml::from_str(KINDS).unwrap();
        assert_eq!(shapes.len(), 4);
        assert_eq!(Shape::of("case").when.as_deref(), Some("performed_at"));
        assert_eq!(Shape::of("checklist_run").field_type("ticks"), FieldType::Keyed("item".into()));
        assert_eq!(Shape::of("a kind of next year").field_type("tags"), FieldType::Set);
        assert_eq!(Shape::of("case").field_type("labs.inr"), FieldType::Register);
    }
}
