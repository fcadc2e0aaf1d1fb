//! Long texts that two devices edit at once: a yrs document, made only when a shared text is edited.
//!
//! # Decisions
//! - Two devices that make the document from the same text make the same document: its first insert is
//!   written by a client id that is a hash of record, stamp and text.
//! - Every edit writes under a client id of its own (a hash of device and stamp): a device whose copy is
//!   older than it remembers, after a restore or a purge, can never write one clock twice.
//! - Garbage collection stays on: what was erased from a text is gone from its document.

use std::panic::{AssertUnwindSafe, catch_unwind};

use similar::{ChangeTag, TextDiff};
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

/// The document that every device makes from a text that was written at `genesis`.
pub(crate) fn genesis(record: RecordId, path: &str, genesis: Stamp, text: &str) -> Vec<u8> {
    let doc = open(client(&[&record.bytes(), path.as_bytes(), &bytes(genesis), text.as_bytes()]));
    let root = doc.get_or_insert_text(ROOT);
    root.insert(&mut doc.transact_mut(), 0, text);
    encode(&doc)
}

/// The document with its text changed to `text` by the write at `stamp`; `None` where it is unreadable.
pub(crate) fn edit(document: &[u8], stamp: Stamp, text: &str) -> Option<Vec<u8>> {
    guarded(|| {
        let doc = open(client(&[&bytes(stamp)]));
        load(&doc, document)?;
        let root = doc.get_or_insert_text(ROOT);
        let before = root.get_string(&doc.transact());
        let mut txn = doc.transact_mut();
        let mut at = 0;
        for change in TextDiff::from_chars(before.as_str(), text).iter_all_changes() {
            let length = utf16_length(change.value());
            match change.tag() {
                ChangeTag::Equal => at += length,
                ChangeTag::Delete => root.remove_range(&mut txn, at, length),
                ChangeTag::Insert => {
                    root.insert(&mut txn, at, change.value());
                    at += length;
                }
            }
        }
        drop(txn);
        Some(encode(&doc))
    })
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

fn bytes(stamp: Stamp) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&stamp.hlc.0.to_be_bytes());
    bytes[8..].copy_from_slice(&stamp.device.0.to_be_bytes());
    bytes
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
