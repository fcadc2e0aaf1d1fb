//! Reads TOML so that each mistake is told with file, line and field.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::{ContentError, ContentPlace};

/// A file's name and text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl<'a> SourceFile<'a> {
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text }
    }

    /// The place of a byte of the text.
    pub fn place(&self, byte: usize, field: &str) -> ContentPlace {
        let before = self.text.as_bytes().get(..byte).unwrap_or(self.text.as_bytes());
        let lines = before.split(|b| *b == b'\n').count();
        ContentPlace {
            file: self.name.to_owned(),
            line: u32::try_from(lines).unwrap_or(u32::MAX),
            field: field.to_owned(),
        }
    }

    /// Parses the text as TOML and hands its root table to `read`; what `read` leaves unread is an
    /// error.
    pub fn read<T>(
        self,
        read: impl FnOnce(&Table<'_>) -> Result<T, ContentError>,
    ) -> Result<T, ContentError> {
        let root = DeTable::parse(self.text).map_err(|error| ContentError::Unreadable {
            place: self.place(error.span().map_or(0, |span| span.start), ""),
            // The parser's word ends up in a sentence of ours, so it must be one line.
            reason: error.message().lines().collect::<Vec<_>>().join(", "),
        })?;
        let table = Table {
            file: self,
            path: String::new(),
            byte: 0,
            entries: root.get_ref(),
            seen: RefCell::default(),
        };
        let value = read(&table)?;
        table.finish()?;
        Ok(value)
    }
}

/// One table of a file; remembers which keys were asked for.
pub(crate) struct Table<'a> {
    file: SourceFile<'a>,
    path: String,
    byte: usize,
    entries: &'a DeTable<'a>,
    seen: RefCell<BTreeSet<&'a str>>,
}

/// Something within a table, with its path and where it stands.
struct Entry<'a> {
    value: &'a DeValue<'a>,
    path: String,
    byte: usize,
}

/// A value and where it stands.
pub(crate) struct Placed<T> {
    pub value: T,
    pub place: ContentPlace,
}

impl<'a> Table<'a> {
    /// The place of one of its fields, or of the table where that is not written.
    pub fn place(&self, key: &str) -> ContentPlace {
        let byte = self.entries.get_key_value(key).map_or(self.byte, |(key, _)| key.span().start);
        self.file.place(byte, &self.path_of(key))
    }

    pub fn text(&self, key: &str) -> Result<String, ContentError> {
        self.opt_text(key)?.ok_or_else(|| ContentError::Missing { place: self.place(key) })
    }

    pub fn opt_text(&self, key: &str) -> Result<Option<String>, ContentError> {
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::String(text)) => Ok(Some(text.to_string())),
            Some(_) => Err(self.wrong(key, "text")),
        }
    }

    pub fn flag(&self, key: &str) -> Result<bool, ContentError> {
        match self.get(key) {
            None => Ok(false),
            Some(DeValue::Boolean(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    pub fn opt_number(&self, key: &str) -> Result<Option<f64>, ContentError> {
        let read = match self.get(key) {
            None => return Ok(None),
            Some(DeValue::Integer(whole)) if whole.radix() == 10 => {
                whole.as_str().parse::<f64>().ok()
            }
            Some(DeValue::Float(number)) => number.as_str().parse::<f64>().ok(),
            Some(_) => None,
        };
        match read.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(key, "a number")),
        }
    }

    pub fn number(&self, key: &str) -> Result<f64, ContentError> {
        self.opt_number(key)?.ok_or_else(|| ContentError::Missing { place: self.place(key) })
    }

    pub fn opt_whole(&self, key: &str) -> Result<Option<u32>, ContentError> {
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::Integer(whole)) => {
                let read = u32::from_str_radix(whole.as_str(), whole.radix()).ok();
                read.map(Some).ok_or_else(|| self.wrong(key, "a whole number"))
            }
            Some(_) => Err(self.wrong(key, "a whole number")),
        }
    }

    /// A list of texts; empty where it is not written.
    pub fn texts(&self, key: &str) -> Result<Vec<Placed<String>>, ContentError> {
        let read = |entry: Entry<'a>| {
            let place = self.file.place(entry.byte, &entry.path);
            match entry.value {
                DeValue::String(text) => Ok(Placed { value: text.to_string(), place }),
                _ => Err(ContentError::WrongKind { place, wanted: "text".to_owned() }),
            }
        };
        self.entries_of(key)?.into_iter().map(read).collect()
    }

    /// Reads a list in which each entry is a text or a table; empty where it is not written.
    pub fn texts_or_tables<T>(
        &self,
        key: &str,
        mut text: impl FnMut(String) -> T,
        mut table: impl FnMut(&Table<'_>) -> Result<T, ContentError>,
    ) -> Result<Vec<T>, ContentError> {
        let read = |entry: Entry<'a>| match entry.value {
            DeValue::String(words) => Ok(text(words.to_string())),
            _ => self.within(entry, "text", &mut table),
        };
        self.entries_of(key)?.into_iter().map(read).collect()
    }

    /// Reads each table of a list with `read`; empty where it is not written.
    pub fn tables<T>(
        &self,
        key: &str,
        mut read: impl FnMut(&Table<'_>) -> Result<T, ContentError>,
    ) -> Result<Vec<T>, ContentError> {
        let entries = self.entries_of(key)?.into_iter();
        entries.map(|entry| self.within(entry, "a table", &mut read)).collect()
    }

    /// Reads the table under a key; nothing where it is not written.
    pub fn table<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Table<'_>) -> Result<T, ContentError>,
    ) -> Result<Option<T>, ContentError> {
        let value = match self.get(key) {
            None => return Ok(None),
            Some(value @ DeValue::Table(_)) => value,
            Some(_) => return Err(self.wrong(key, "a table")),
        };
        let byte =
            self.entries.get_key_value(key).map_or(self.byte, |(_, value)| value.span().start);
        self.within(Entry { value, path: self.path_of(key), byte }, "a table", read).map(Some)
    }

    /// Reads a table within this one; what `read` leaves unread is an error.
    fn within<T>(
        &self,
        entry: Entry<'a>,
        wanted: &str,
        read: impl FnOnce(&Table<'_>) -> Result<T, ContentError>,
    ) -> Result<T, ContentError> {
        let Entry { value, path, byte } = entry;
        let DeValue::Table(entries) = value else {
            let (place, wanted) = (self.file.place(byte, &path), wanted.to_owned());
            return Err(ContentError::WrongKind { place, wanted });
        };
        let table = Table { file: self.file, path, byte, entries, seen: RefCell::default() };
        let value = read(&table)?;
        table.finish()?;
        Ok(value)
    }

    /// The entries of a list, with where each stands.
    fn entries_of(&self, key: &str) -> Result<Vec<Entry<'a>>, ContentError> {
        let path = self.path_of(key);
        let entry = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| Entry {
            value: value.get_ref(),
            path: format!("{path}[{}]", index + 1),
            byte: value.span().start,
        };
        Ok(self.list(key)?.into_iter().flatten().enumerate().map(entry).collect())
    }

    /// The names of its fields, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(|key| key.get_ref().as_ref())
    }

    /// Reads each table under a key (or, with `None`, each table of this one) with its name.
    pub fn named<T>(
        &self,
        key: Option<&str>,
        mut read: impl FnMut(&str, &Table<'_>) -> Result<T, ContentError>,
    ) -> Result<Vec<T>, ContentError> {
        let (path, parent) = match key {
            None => (self.path.clone(), self.entries),
            Some(key) => match self.get(key) {
                None => return Ok(Vec::new()),
                Some(DeValue::Table(table)) => (self.path_of(key), table),
                Some(_) => return Err(self.wrong(key, "a table")),
            },
        };
        let mut values = Vec::new();
        for (name, value) in parent {
            if key.is_none() {
                self.seen.borrow_mut().insert(name.get_ref().as_ref());
            }
            let (path, byte) = (join(&path, name.get_ref()), name.span().start);
            let entry = Entry { value: value.get_ref(), path, byte };
            values.push(self.within(entry, "a table", |table| read(name.get_ref(), table))?);
        }
        Ok(values)
    }

    /// The text as one of the allowed words.
    pub fn word<T: Copy>(
        &self,
        key: &str,
        allowed: &[(&str, T)],
    ) -> Result<Option<T>, ContentError> {
        let Some(text) = self.opt_text(key)? else { return Ok(None) };
        match allowed.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(ContentError::NotAllowed {
                place: self.place(key),
                found: text,
                allowed: allowed.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    fn list(&self, key: &str) -> Result<Option<&'a DeArray<'a>>, ContentError> {
        match self.get(key) {
            None => Ok(None),
            Some(DeValue::Array(array)) => Ok(Some(array)),
            Some(_) => Err(self.wrong(key, "a list")),
        }
    }

    fn get(&self, key: &str) -> Option<&'a DeValue<'a>> {
        let (name, value) = self.entries.get_key_value(key)?;
        self.seen.borrow_mut().insert(name.get_ref().as_ref());
        Some(value.get_ref())
    }

    fn wrong(&self, key: &str, wanted: &str) -> ContentError {
        ContentError::WrongKind { place: self.place(key), wanted: wanted.to_owned() }
    }

    fn finish(&self) -> Result<(), ContentError> {
        let seen = self.seen.borrow();
        match self.entries.keys().find(|key| !seen.contains(key.get_ref().as_ref())) {
            Some(key) => Err(ContentError::UnknownField { place: self.place(key.get_ref()) }),
            None => Ok(()),
        }
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Fails with `Duplicate` where an id comes a second time.
#[derive(Default)]
pub(crate) struct Unique(BTreeSet<String>);

impl Unique {
    pub fn add(
        &mut self,
        id: &str,
        place: impl FnOnce() -> ContentPlace,
    ) -> Result<(), ContentError> {
        if self.0.insert(id.to_owned()) {
            Ok(())
        } else {
            Err(ContentError::Duplicate { place: place(), found: id.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<String, ContentError> {
        SourceFile::new("own.toml", text).read(|root| {
            let ids = root.tables("item", |item| {
                item.opt_number("low")?;
                item.flag("on")?;
                item.word("size", &[("small", 1), ("large", 2)])?;
                item.texts("of")?;
                item.table("size_cm", |size| {
                    size.keys().map(|key| size.number(key)).collect::<Result<Vec<_>, _>>()
                })?;
                item.text("id")
            })?;
            Ok(ids.concat())
        })
    }

    fn place_of(text: &str) -> (u32, String) {
        let error = one(text).unwrap_err();
        (error.place().line, error.place().field.clone())
    }

    #[test]
    fn each_mistake_has_its_line_and_field() {
        assert_eq!(one("[[item]]\nid = 'a'\n[[item]]\nid = 'b'\nlow = -1.5\n").unwrap(), "ab");
        assert_eq!(
            place_of("[[item]]\nid = 'a'\n\n[[item]]\non = true\n"),
            (4, "item[2].id".into())
        );
        assert_eq!(place_of("[[item]]\nid = 7\n"), (2, "item[1].id".into()));
        assert_eq!(place_of("[[item]]\nid = 'a'\nidd = 'b'\n"), (3, "item[1].idd".into()));
        assert_eq!(place_of("[[item]]\nid = 'a'\nlow = 'x'\n"), (3, "item[1].low".into()));
        assert_eq!(place_of("[[item]]\nid = 'a'\nlow = nan\n"), (3, "item[1].low".into()));
        assert_eq!(place_of("[[item]]\nid = 'a'\nof = ['x',\n 3]\n"), (4, "item[1].of[2]".into()));
        assert_eq!(place_of("item = 3\n"), (1, "item".into()));
        let size = "[[item]]\nid = 'a'\n[item.size_cm]\nlong = 3\nwide = 'x'\n";
        assert_eq!(place_of(size), (5, "item[1].size_cm.wide".into()));
        assert_eq!(place_of("[[item]]\nid = 'a'\nsize_cm = 3\n"), (3, "item[1].size_cm".into()));
        assert_eq!(place_of("[[item]]\nid = 'a'\n[other]\n"), (3, "other".into()));
    }

    #[test]
    fn a_word_that_is_not_allowed_names_those_that_are() {
        let error = one("[[item]]\nid = 'a'\nsize = 'big'\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "own.toml:3 item[1].size: \"big\" is not one of small, large"
        );
    }

    #[test]
    fn a_file_that_is_no_toml_says_where_reading_stopped() {
        let error = one("[[item]]\nid = \n").unwrap_err();
        assert!(matches!(error, ContentError::Unreadable { .. }));
        assert_eq!(error.place().line, 2);
    }
}
