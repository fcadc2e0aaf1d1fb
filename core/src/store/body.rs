//! The texts of a record as the search index takes them in: what the view `words` says, without SQL.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The texts in `fields`, a JSON object, one a line; `None` where there are none.
///
/// # Errors
/// Where `fields` is no JSON.
pub(super) fn body(fields: &str) -> serde_json::Result<Option<String>> {
    let mut texts = Texts { found: String::with_capacity(fields.len()), any: false };
    let mut json = serde_json::Deserializer::from_str(fields);
    Part { texts: &mut texts, depth: 0, is_left_out: false }.deserialize(&mut json)?;
    json.end()?;
    Ok(texts.any.then_some(texts.found))
}

struct Texts {
    found: String,
    any: bool,
}

/// A value within the fields.
struct Part<'t> {
    texts: &'t mut Texts,
    depth: usize,
    /// The procedure, which has a column of its own.
    is_left_out: bool,
}

impl Part<'_> {
    fn within(&mut self, is_left_out: bool) -> Part<'_> {
        Part { texts: self.texts, depth: self.depth + 1, is_left_out }
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.is_left_out || begins_with_time(text) {
            return Ok(());
        }
        if self.texts.any {
            self.texts.found.push('\n');
        }
        self.texts.any = true;
        self.texts.found.push_str(text);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_procedure) = map.next_key_seed(IsProcedure)? {
            let is_left_out = is_procedure && self.depth == 0;
            map.next_value_seed(self.within(is_left_out))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self.within(false))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Whether a key says `procedure`.
struct IsProcedure;

impl<'de> DeserializeSeed<'de> for IsProcedure {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsProcedure {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == "procedure")
    }
}

/// Whether a text begins as `2026-10-22T` does.
fn begins_with_time(text: &str) -> bool {
    let fits = |(place, byte): (usize, &u8)| match place {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        _ => byte.is_ascii_digit(),
    };
    text.len() > 10 && text.as_bytes().iter().take(11).enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;
    use serde_json::Value;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "2026-1[0-9]-0[0-9a][T ](10:00Z)?".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let key = prop_oneof![Just("procedure".to_owned()), ".{0,4}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_says_what_the_view_says(procedure in value(), note in value()) {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch(include_str!("../../migrations/001_init.sql")).unwrap();
            conn.execute_batch(include_str!("../../migrations/002_exchange.sql")).unwrap();
            let fields = serde_json::json!({ "note": note, "procedure": procedure }).to_string();
            conn.execute(
                "INSERT INTO record (id, kind, at_ms, when_ms, day, alive, hlc, lseq, meta, fields)
                 VALUES (x'00', 'case', 0, 0, 0, 1, 1, 1, x'', ?1)",
                [&fields],
            ).unwrap();
            let view: Option<String> =
                conn.query_row("SELECT body FROM words", [], |row| row.get(0)).unwrap();
            prop_assert_eq!(body(&fields).unwrap(), view);
        }

        #[test]
        fn what_is_no_json_is_told(text in ".{0,20}") {
            let is_json = serde_json::from_str::<Value>(&text).is_ok();
            prop_assert_eq!(body(&text).is_ok(), is_json);
        }
    }
}
