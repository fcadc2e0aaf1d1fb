//! Long texts that two devices edit at once: a yrs document, made only when a shared text is edited.
//!
//! # Decisions
//! - Two devices that make the document from the same text make the same document: its first insert is
//!   written by a client id that is a hash of record, stamp and text.
//! - Every edit writes under a client id of its own (a hash of device and stamp): a device whose copy is
//!   older than it remembers, after a restore or a purge, can never write one clock twice.
//! - Garbage collection stays on: what was erased from a text is gone from its document.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use similar::ChangeTag;
use similar::algorithms::{DiffHook, myers};
use yrs::updates::decoder::Decode as _;
use yrs::{
    ClientID, Doc, GetString as _, OffsetKind, Options, ReadTxn as _, StateVector, Text as _,
    Transact as _, Update,
};

use crate::ids::RecordId;
use crate::time::Stamp;

/// The one root of a document.
const ROOT: &str = "t";
/// Client ids have 53 bits, as in JavaScript.
const CLIENT_BITS: u64 = (1 << 53) - 1;
/// Bytes of both texts that are compared letter by letter,
const MOST_LETTERS: usize = 6_000;
/// and words of both that are compared one by one.
const MOST_WORDS: usize = 12_000;

/// The document that every device makes from a text that was written at `genesis`.
pub(crate) fn genesis(record: RecordId, path: &str, genesis: Stamp, text: &str) -> Vec<u8> {
    let doc = open(client(&[&record.bytes(), path.as_bytes(), &genesis.bytes(), text.as_bytes()]));
    let root = doc.get_or_insert_text(ROOT);
    root.insert(&mut doc.transact_mut(), 0, text);
    encode(&doc)
}

/// The document with its text changed to `text` by the write at `stamp`; `None` where it is unreadable.
pub(crate) fn edit(document: &[u8], stamp: Stamp, text: &str) -> Option<Vec<u8>> {
    guarded(|| {
        let doc = open(client(&[&stamp.bytes()]));
        load(&doc, document)?;
        let root = doc.get_or_insert_text(ROOT);
        let before = root.get_string(&doc.transact());
        let mut txn = doc.transact_mut();
        let mut at = 0;
        for (tag, part) in differences(&before, text) {
            let length = utf16_length(part);
            match tag {
                ChangeTag::Equal => at += length,
                ChangeTag::Delete => root.remove_range(&mut txn, at, length),
                ChangeTag::Insert => {
                    root.insert(&mut txn, at, part);
                    at += length;
                }
            }
        }
        drop(txn);
        Some(encode(&doc))
    })
}

/// From one text to the other. The time that it takes grows with the square of what differs: where that
/// is long it is compared by words, and where it is very long replaced as a whole.
fn differences<'a>(before: &'a str, after: &'a str) -> Vec<(ChangeTag, &'a str)> {
    let head = common(before.chars(), after.chars());
    let (head, old) = before.split_at(head);
    let new = &after[head.len()..];
    let tail = common(old.chars().rev(), new.chars().rev());
    let (old, tail) = old.split_at(old.len() - tail);
    let new = &new[..new.len() - tail.len()];
    let words = |text: &str| text.split_whitespace().count();
    let middle = if old.len() + new.len() <= MOST_LETTERS {
        script(&Pieces::letters(old), &Pieces::letters(new))
    } else if words(old) + words(new) <= MOST_WORDS {
        script(&Pieces::words(old), &Pieces::words(new))
    } else {
        vec![(ChangeTag::Delete, old), (ChangeTag::Insert, new)]
    };
    let around = |text: &'a str| (!text.is_empty()).then_some((ChangeTag::Equal, text));
    around(head).into_iter().chain(middle).chain(around(tail)).collect()
}

/// A text in pieces.
struct Pieces<'a> {
    text: &'a str,
    /// Where each piece begins, and where the last one ends.
    bounds: Vec<usize>,
}

impl<'a> Pieces<'a> {
    fn letters(text: &'a str) -> Self {
        let begins = text.char_indices().map(|(at, _)| at);
        Self { text, bounds: begins.chain([text.len()]).collect() }
    }

    /// Words, and what is between them.
    fn words(text: &'a str) -> Self {
        let mut bounds = vec![0];
        let mut gap = None;
        for (at, letter) in text.char_indices() {
            if gap.replace(letter.is_whitespace()).is_some_and(|was| was != letter.is_whitespace())
            {
                bounds.push(at);
            }
        }
        bounds.push(text.len());
        // No text is no piece.
        bounds.dedup();
        Self { text, bounds }
    }

    fn count(&self) -> usize {
        self.bounds.len() - 1
    }

    fn run(&self, first: usize, count: usize) -> &'a str {
        &self.text[self.bounds[first]..self.bounds[first + count]]
    }
}

/// How to come from one text to the other. Pieces are compared as numbers: the algorithm is then in the
/// program once, and not once for each kind of piece.
fn script<'a>(old: &Pieces<'a>, new: &Pieces<'a>) -> Vec<(ChangeTag, &'a str)> {
    let mut numbers = HashMap::new();
    let mut numbered = |pieces: &Pieces<'a>| -> Vec<usize> {
        let number = |at| {
            let next = numbers.len();
            *numbers.entry(pieces.run(at, 1)).or_insert(next)
        };
        (0..pieces.count()).map(number).collect()
    };
    let (olds, news) = (numbered(old), numbered(new));
    let mut script = Script { old, new, steps: Vec::new() };
    let Ok(()) = myers::diff(&mut script, &olds, 0..olds.len(), &news, 0..news.len());
    script.steps
}

struct Script<'p, 'a> {
    old: &'p Pieces<'a>,
    new: &'p Pieces<'a>,
    steps: Vec<(ChangeTag, &'a str)>,
}

impl DiffHook for Script<'_, '_> {
    type Error = Infallible;

    fn equal(&mut self, old: usize, _: usize, count: usize) -> Result<(), Infallible> {
        self.steps.push((ChangeTag::Equal, self.old.run(old, count)));
        Ok(())
    }

    fn delete(&mut self, old: usize, count: usize, _: usize) -> Result<(), Infallible> {
        self.steps.push((ChangeTag::Delete, self.old.run(old, count)));
        Ok(())
    }

    fn insert(&mut self, _: usize, new: usize, count: usize) -> Result<(), Infallible> {
        self.steps.push((ChangeTag::Insert, self.new.run(new, count)));
        Ok(())
    }
}

/// Bytes that both begin with.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

/// Both documents in one; `None` where one of them is unreadable.
pub(crate) fn join(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    if one == other {
        return Some(one.to_vec());
    }
    guarded(|| {
        let doc = open(1);
        load(&doc, one)?;
        load(&doc, other)?;
        Some(encode(&doc))
    })
}

/// What the document says; `None` where it is unreadable.
pub(crate) fn read(document: &[u8]) -> Option<String> {
    guarded(|| {
        let doc = open(1);
        load(&doc, document)?;
        let root = doc.get_or_insert_text(ROOT);
        let text = root.get_string(&doc.transact());
        Some(text)
    })
}

fn open(client_id: u64) -> Doc {
    Doc::with_options(Options {
        client_id: ClientID::new(client_id),
        offset_kind: OffsetKind::Utf16,
        skip_gc: false,
        ..Options::default()
    })
}

fn load(doc: &Doc, document: &[u8]) -> Option<()> {
    let update = Update::decode_v2(document).ok()?;
    let mut txn = doc.transact_mut();
    txn.apply_update(update).ok()?;
    // An update that builds on what is not here would be kept aside and lost with the next save.
    let whole = txn.store().pending_update().is_none();
    whole.then_some(())
}

fn encode(doc: &Doc) -> Vec<u8> {
    doc.transact().encode_state_as_update_v2(&StateVector::default())
}

/// A document from a peer must not bring the program down, whatever the library makes of it.
fn guarded<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}

fn client(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("seldinger 2026 text client");
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    // 0 and 1 are kept for those who only read.
    (u64::from_be_bytes(first) & CLIENT_BITS).max(2)
}

fn utf16_length(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

/// Whether both documents know the same edits and say the same. Bytes may differ all the same.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one == other || (known(one) == known(other) && read(one) == read(other))
}

/// How far the document knows each writer, in an order of its own.
pub(super) fn known(document: &[u8]) -> Vec<(u64, u32)> {
    let known = guarded(|| {
        let doc = open(2);
        load(&doc, document)?;
        let vector = doc.transact().state_vector();
        let mut known: Vec<(u64, u32)> =
            vector.iter().map(|(client, clock)| (client.get(), *clock)).collect();
        known.sort_unstable();
        Some(known)
    });
    known.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DeviceId;
    use crate::time::Hlc;
    use proptest::prelude::*;

    fn stamp(hlc: u64) -> Stamp {
        Stamp { hlc: Hlc(hlc), device: DeviceId(1) }
    }

    fn document(text: &str) -> Vec<u8> {
        genesis(RecordId::from_bytes([1; 16]), "note", stamp(1), text)
    }

    #[test]
    fn long_texts_are_compared_by_words_and_very_long_ones_not_at_all() {
        let words = |seed: usize, count: usize| {
            (0..count)
                .map(|n| ["word", &(n * seed % 997).to_string(), " "].concat())
                .collect::<String>()
        };
        for count in [100, 2_000, 20_000] {
            let (before, after) = (words(7, count), words(11, count));
            let edited = edit(&document(&before), stamp(2), &after).unwrap();
            assert_eq!(read(&edited), Some(after));
        }
        // What two people write at both ends of a long text does not touch what is between.
        let text = words(7, 5_000);
        let mine = edit(&document(&text), stamp(2), &format!("First. {text}Last.")).unwrap();
        let changed = text.replacen("word973 ", "another ", 1);
        let theirs = edit(&document(&text), stamp(3), &changed).unwrap();
        let joined = join(&mine, &theirs).unwrap();
        assert_eq!(read(&joined), Some(format!("First. {changed}Last.")));
    }

    #[test]
    fn a_text_falls_into_pieces() {
        let pieces = |pieces: Pieces<'_>| {
            (0..pieces.count()).map(|at| pieces.run(at, 1).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(pieces(Pieces::words(" a  bé c\n")), [" ", "a", "  ", "bé", " ", "c", "\n"]);
        assert_eq!(pieces(Pieces::letters("aé😀")), ["a", "é", "😀"]);
        assert_eq!(pieces(Pieces::letters("")).len() + pieces(Pieces::words("")).len(), 0);
    }

    proptest! {
        #[test]
        fn an_edited_text_reads_as_it_was_typed(before in "[ab é😀]{0,20}", after in "[ab é😀]{0,20}") {
            let edited = edit(&document(&before), stamp(2), &after).unwrap();
            prop_assert_eq!(read(&edited), Some(after));
        }
    }
}
