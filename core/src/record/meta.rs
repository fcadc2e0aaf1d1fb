//! The stamps of a record's fields, packed.
//!
//! # Shape
//! Version byte; devices; the base stamp, which every path has that is not listed; the types of paths
//! that are not plain registers; the exceptions, one stamp a path; the context: for each device the
//! highest of its stamps that this record has taken in, where that stands on no path any more; the
//! authors, where there are any: for each path whose value a choice or an undo brought back, the stamp of
//! who wrote it.
//! Numbers are LEB128, texts are counted. A new record costs 12 bytes and its types.

use std::collections::BTreeMap;

use super::shape::FieldType;
use crate::ids::DeviceId;
use crate::time::{Hlc, Stamp};

/// The register of being alive; no field name reads like it.
pub(crate) const ALIVE: &str = "@alive";

/// Who wrote what, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) base: Stamp,
    pub(crate) types: BTreeMap<String, FieldType>,
    pub(crate) exceptions: BTreeMap<String, Stamp>,
    pub(crate) context: BTreeMap<DeviceId, Hlc>,
    pub(crate) authors: BTreeMap<String, Stamp>,
}

impl Meta {
    /// A record that was written whole at `base`.
    pub(crate) fn new(base: Stamp, types: BTreeMap<String, FieldType>) -> Self {
        let (exceptions, context, authors) = Default::default();
        Self { base, types, exceptions, context, authors }
    }

    /// The stamp of the value at `path`, or of its removal.
    pub(crate) fn stamp(&self, path: &str) -> Stamp {
        self.exceptions.get(path).copied().unwrap_or(self.base)
    }

    /// Who wrote the value at `path`, and when: its stamp, unless a choice or an undo brought it back.
    pub(crate) fn author(&self, path: &str) -> Stamp {
        self.authors.get(path).copied().unwrap_or_else(|| self.stamp(path))
    }

    /// The highest stamp in the record; the next write must lie above it, whichever field it is for.
    pub(crate) fn highest(&self) -> Hlc {
        self.seen().into_values().max().unwrap_or(self.base.hlc)
    }

    /// For each device the highest of its stamps taken in.
    pub(crate) fn seen(&self) -> BTreeMap<DeviceId, Hlc> {
        let mut seen = self.context.clone();
        for stamp in std::iter::once(&self.base).chain(self.exceptions.values()) {
            let highest = seen.entry(stamp.device).or_default();
            *highest = stamp.hlc.max(*highest);
        }
        seen
    }

    /// Writes `paths` at `stamp`, remembering in the context what they covered.
    pub(crate) fn write(&mut self, paths: impl Iterator<Item = String>, stamp: Stamp) {
        let before = self.seen();
        for path in paths {
            self.authors.remove(&path);
            self.exceptions.insert(path, stamp);
        }
        self.note_seen(&before);
    }

    /// Remembers in the context what was taken in and stands on no path.
    pub(crate) fn note_seen(&mut self, seen: &BTreeMap<DeviceId, Hlc>) {
        self.context.clear();
        let visible = self.seen();
        let hidden = seen.iter().filter(|(device, hlc)| visible.get(device) < Some(hlc));
        self.context = hidden.map(|(device, hlc)| (*device, *hlc)).collect();
    }

    /// Keeps the types of the paths that need one.
    pub(crate) fn note_types(&mut self, top: impl Iterator<Item = (String, FieldType)>) {
        self.types.extend(top.filter(|(_, field_type)| *field_type != FieldType::Register));
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut devices: Vec<DeviceId> = vec![self.base.device];
        let written = self.exceptions.values().chain(self.authors.values()).map(|s| s.device);
        for device in written.chain(self.context.keys().copied()) {
            if !devices.contains(&device) {
                devices.push(device);
            }
        }
        let index = |device| devices.iter().position(|d| *d == device).unwrap_or(0) as u64;
        let mut out = vec![1];
        put_number(&mut out, devices.len() as u64);
        for device in &devices {
            out.extend(device.0.to_be_bytes());
        }
        put_number(&mut out, self.base.hlc.0);
        put_number(&mut out, self.types.len() as u64);
        for (path, field_type) in &self.types {
            put_text(&mut out, path);
            match field_type {
                FieldType::Register => out.push(0),
                FieldType::Set => out.push(1),
                FieldType::Keyed(key) => {
                    out.push(3);
                    put_text(&mut out, key);
                }
            }
        }
        let put_stamps = |out: &mut Vec<u8>, stamps: &BTreeMap<String, Stamp>| {
            put_number(out, stamps.len() as u64);
            for (path, stamp) in stamps {
                put_text(out, path);
                put_number(out, stamp.hlc.0);
                put_number(out, index(stamp.device));
            }
        };
        put_stamps(&mut out, &self.exceptions);
        put_number(&mut out, self.context.len() as u64);
        for (device, hlc) in &self.context {
            put_number(&mut out, index(*device));
            put_number(&mut out, hlc.0);
        }
        if !self.authors.is_empty() {
            put_stamps(&mut out, &self.authors);
        }
        out
    }

    /// `None` where the bytes are not whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        if input.byte()? != 1 {
            return None;
        }
        let count = input.count()?;
        let devices: Vec<DeviceId> = (0..count).map(|_| input.device()).collect::<Option<_>>()?;
        let base = Stamp { hlc: Hlc(input.number()?), device: *devices.first()? };
        let mut meta = Self::new(base, BTreeMap::new());
        for _ in 0..input.count()? {
            let path = input.text()?;
            let field_type = match input.byte()? {
                // Early books had a type of its own for long texts, 2; they are registers.
                0 | 2 => FieldType::Register,
                1 => FieldType::Set,
                3 => FieldType::Keyed(input.text()?),
                _ => return None,
            };
            if field_type != FieldType::Register {
                meta.types.insert(path, field_type);
            }
        }
        meta.exceptions = input.stamps(&devices)?;
        for _ in 0..input.count()? {
            let device = *devices.get(usize::try_from(input.number()?).ok()?)?;
            meta.context.insert(device, Hlc(input.number()?));
        }
        if !input.0.is_empty() {
            meta.authors = input.stamps(&devices)?;
        }
        input.0.is_empty().then_some(meta)
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend(text.as_bytes());
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }

    fn device(&mut self) -> Option<DeviceId> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(DeviceId(u64::from_be_bytes(*first)))
    }

    fn stamps(&mut self, devices: &[DeviceId]) -> Option<BTreeMap<String, Stamp>> {
        let mut stamps = BTreeMap::new();
        for _ in 0..self.count()? {
            let path = self.text()?;
            let hlc = Hlc(self.number()?);
            let device = *devices.get(usize::try_from(self.number()?).ok()?)?;
            stamps.insert(path, Stamp { hlc, device });
        }
        Some(stamps)
    }

    fn text(&mut self) -> Option<String> {
        let count = self.count()?;
        let (text, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(hlc: u64, device: u64) -> Stamp {
        Stamp { hlc: Hlc(hlc), device: DeviceId(device) }
    }

    #[test]
    fn a_new_record_costs_little() {
        let meta = Meta::new(stamp(u64::MAX >> 1, 7), BTreeMap::new());
        assert!(meta.encode().len() <= 23, "{}", meta.encode().len());
    }

    #[test]
    fn overwriting_keeps_what_was_seen() {
        let mut meta = Meta::new(stamp(10, 1), BTreeMap::new());
        meta.exceptions.insert("note".into(), stamp(20, 2));
        meta.write(["note".to_owned()].into_iter(), stamp(30, 1));
        assert_eq!(meta.seen(), BTreeMap::from([(DeviceId(1), Hlc(30)), (DeviceId(2), Hlc(20))]));
        assert_eq!(meta.context, BTreeMap::from([(DeviceId(2), Hlc(20))]));
        assert_eq!(meta.highest(), Hlc(30));
        assert_eq!(meta.stamp("note"), stamp(30, 1));
        assert_eq!(meta.stamp("labs.inr"), stamp(10, 1));
    }

    #[test]
    fn who_wrote_a_value_is_who_put_it_there_unless_it_was_brought_back() {
        let mut meta = Meta::new(stamp(10, 1), BTreeMap::new());
        assert_eq!(meta.author("note"), stamp(10, 1));
        meta.write(["note".to_owned()].into_iter(), stamp(30, 1));
        meta.authors.insert("note".to_owned(), stamp(20, 2));
        assert_eq!((meta.stamp("note"), meta.author("note")), (stamp(30, 1), stamp(20, 2)));
        meta.write(["note".to_owned()].into_iter(), stamp(40, 1));
        assert_eq!(meta.author("note"), stamp(40, 1));
    }

    fn field_type() -> impl Strategy<Value = FieldType> {
        prop_oneof![Just(FieldType::Set), ".{0,5}".prop_map(FieldType::Keyed)]
    }

    proptest! {
        #[test]
        fn packed_stamps_read_back(
            base in (any::<u64>(), any::<u64>()),
            types in prop::collection::btree_map(".{0,9}", field_type(), 0..4),
            exceptions in prop::collection::btree_map(".{0,9}", (any::<u64>(), 0u64..3), 0..6),
            context in prop::collection::btree_map(0u64..4, any::<u64>(), 0..4),
            authors in prop::collection::btree_map(".{0,9}", (any::<u64>(), 0u64..5), 0..3),
        ) {
            let mut meta = Meta::new(stamp(base.0, base.1), types);
            meta.exceptions = exceptions.into_iter().map(|(p, (h, d))| (p, stamp(h, d))).collect();
            meta.authors = authors.into_iter().map(|(p, (h, d))| (p, stamp(h, d))).collect();
            meta.context = context.into_iter().map(|(d, h)| (DeviceId(d), Hlc(h))).collect();
            prop_assert_eq!(Meta::decode(&meta.encode()), Some(meta.clone()));
            let bytes = meta.encode();
            prop_assert_eq!(Meta::decode(&bytes[..bytes.len() - 1]), None);
        }

        #[test]
        fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Meta::decode(&bytes);
        }
    }
}
