//! Revocation: a key that one device has revoked is trusted by none again.
//!
//! # Why it is a record of its own
//! What a device is called is a register that the last writer wins; whether its key is revoked must not
//! be, or the revoked device readmits itself. So a revocation is a record whose id is made of the key,
//! and what counts is only that there is one: alive, deleted, purged, erased or set aside. No edit, undo,
//! import or exchange leaves less than one of these, so whichever messages arrive in whichever order, the
//! set of revoked keys of a book only grows. Its fields say who revoked the key and when, one path for
//! each device that did; they are for people, and nothing follows from them.

use serde_json::json;

use super::peers::{device_id, name_of};
use super::rows;
use crate::content::words;
use crate::error::{LogbookError, Result};
use crate::ids::RecordId;
use crate::logbook::Logbook;
#[cfg(feature = "lan")]
use crate::logbook::identity;
use crate::record::{self, Change, Created, NewRecord, Tx};
use crate::store::{self, Connection};
use crate::sync::Fingerprint;
use crate::time::Moment;

/// The kind of the records by which keys are revoked.
pub const REVOCATION: &str = store::REVOCATION_KIND;
const KEY: &str = "key";
const BY: &str = "by";
/// How many of those who revoked a key are listed, the earliest first.
const MOST_NAMED: usize = 16;

/// A device that revoked a key.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RevokedBy {
    /// Its key, in hexadecimal digits.
    pub fingerprint: String,
    /// What it calls itself; empty where that is not known.
    pub name: String,
    /// It is this device.
    pub is_this_device: bool,
    /// When, by its clock.
    pub at: Option<Moment>,
}

/// A key that is trusted no more.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Revocation {
    /// The key, in hexadecimal digits.
    pub fingerprint: String,
    /// What its device called itself; empty where that is not known.
    pub name: String,
    /// It is this device's own.
    pub is_this_device: bool,
    /// Its device stands among the peers, too: this book was paired with it.
    pub is_peer: bool,
    /// Who revoked it, the earliest first.
    pub by: Vec<RevokedBy>,
}

quiet_debug!(RevokedBy, Revocation);

impl RevokedBy {
    /// Who and when, for a list.
    pub fn told(&self) -> String {
        let by = match (self.is_this_device, self.name.is_empty()) {
            (true, _) => words("badge.this_device", &[]),
            (false, true) => words("badge.unknown_device", &[]),
            (false, false) => format!("“{}”", self.name),
        };
        let Some(at) = &self.at else { return words("badge.revoked_by", &[("by", &by)]) };
        let time = format!("{} {}", at.day().iso(), at.clock_time());
        words("badge.revoked_by_at", &[("by", &by), ("time", &time)])
    }
}

/// The record that revokes a key.
pub(super) fn revocation_id(key: Fingerprint) -> RecordId {
    RecordId::from_content(&[b"revocation ".as_slice(), &key.0].concat())
}

/// Whether a key is revoked: there is, or was, or was set aside a record that says so.
pub(in crate::logbook) fn is_revoked(conn: &Connection, key: Fingerprint) -> Result<bool> {
    rows::was_ever(conn, revocation_id(key))
}

/// Who revoked a key.
pub(super) fn revoked_by(
    conn: &Connection,
    key: Fingerprint,
    own: Option<Fingerprint>,
) -> Vec<RevokedBy> {
    let Ok(record) = record::load(conn, revocation_id(key)) else { return Vec::new() };
    let by = record.fields.get(BY).and_then(serde_json::Value::as_object);
    let claims = by.into_iter().flatten().filter_map(|(device, at)| {
        let at = at.as_str().and_then(|at| Moment::parse(at).ok());
        Some((device.parse::<Fingerprint>().ok()?, at))
    });
    let mut claims: Vec<(Fingerprint, Option<Moment>)> = claims.collect();
    claims.sort_by_key(|(device, at)| (at.is_none(), at.map(|at| at.utc), device.0));
    // The record may name any number of devices; each costs a look into the book.
    claims.truncate(MOST_NAMED);
    let named = claims.into_iter().map(|(device, at)| RevokedBy {
        fingerprint: device.to_string(),
        name: name_of(conn, device),
        is_this_device: own == Some(device),
        at,
    });
    named.collect()
}

impl Logbook {
    /// Ends the exchange with a device, here and on every other device that hears of it, for good: its
    /// key is never trusted again. `name` is what the user typed to confirm that this device is meant.
    ///
    /// # Errors
    /// `OtherName` where the device is called something else.
    pub fn revoke(&self, peer: Fingerprint, name: &str) -> Result<Option<Change>> {
        let called = self.read(|conn| Ok(name_of(conn, peer)))?;
        if !is_its_name(name, &called, peer) {
            return Err(LogbookError::OtherName);
        }
        let at = self.now();
        let own = self.own_fingerprint()?;
        // Without keys of its own a device is paired with nobody; its id says as much.
        let own = own.map_or_else(|| self.device().0.to_string(), |own| own.to_string());
        let id = revocation_id(peer);
        let said = json!(at.rfc3339());
        let mut fields = record::Fields::new();
        fields.insert(KEY.to_owned(), json!(peer.to_string()));
        fields.insert(BY.to_owned(), json!({ own.as_str(): said }));
        let revoked = self.transact(|tx| {
            let new = NewRecord { id, kind: REVOCATION.to_owned(), at, fields };
            if tx.create(new)? == Created::Known {
                let known = record::load(tx.conn(), id)?;
                let path = format!("{BY}.{own}");
                // Who did so first keeps its time.
                if record::get(&known.fields, &path).is_none() {
                    tx.edit(id, vec![(path, Some(said))], None)?;
                }
            }
            Ok(())
        })?;
        Ok(revoked.changes.into_iter().next())
    }

    /// Whether a key is revoked.
    pub fn is_revoked(&self, key: Fingerprint) -> Result<bool> {
        self.read(|conn| is_revoked(conn, key))
    }

    /// Every revoked key that this book knows of by name, also of devices that it was never paired with.
    pub fn revocations(&self) -> Result<Vec<Revocation>> {
        let own = self.own_fingerprint()?;
        self.read(|conn| {
            let mut found = Vec::new();
            record::for_each_alive(conn, Some(REVOCATION), |record| {
                let key = record.fields.get(KEY).and_then(serde_json::Value::as_str);
                let key = key.and_then(|key| key.parse::<Fingerprint>().ok());
                let Some(key) = key.filter(|key| revocation_id(*key) == record.id) else {
                    return Ok(());
                };
                found.push(Revocation {
                    fingerprint: key.to_string(),
                    name: name_of(conn, key),
                    is_this_device: own == Some(key),
                    is_peer: rows::is_peer(conn, key)?,
                    by: revoked_by(conn, key, own),
                });
                Ok(())
            })?;
            found.sort_by(|one: &Revocation, other| {
                (&one.name, &one.fingerprint).cmp(&(&other.name, &other.fingerprint))
            });
            Ok(found)
        })
    }

    /// Whether this device's own key is revoked, as far as this book or a paired device says. It then
    /// makes new keys before it is paired again.
    #[cfg(feature = "lan")]
    pub fn own_key_is_revoked(&self) -> Result<bool> {
        let Some(own) = self.own_fingerprint()? else { return Ok(false) };
        self.read(|conn| Ok(is_revoked(conn, own)? || identity::was_told_revoked(conn, &own)?))
    }

    /// A paired device has said, over a connection that proved who it is, that the key is revoked which
    /// it saw of us. The book may have another one by now.
    #[cfg(feature = "lan")]
    pub(in crate::logbook) fn note_own_key_revoked(&self, own: Fingerprint) -> Result<()> {
        identity::note_told_revoked(&self.store, &own)
    }

    /// Makes new keys and forgets all pairings, where the own key is revoked; whether it did.
    #[cfg(feature = "lan")]
    pub(in crate::logbook) fn renew_if_revoked(&self) -> Result<bool> {
        let is_revoked = self.own_key_is_revoked()?;
        if is_revoked {
            self.renew_identity()?;
        }
        Ok(is_revoked)
    }

    #[cfg(feature = "lan")]
    pub(super) fn own_fingerprint(&self) -> Result<Option<Fingerprint>> {
        identity::fingerprint(&self.store)
    }

    #[cfg(not(feature = "lan"))]
    #[expect(clippy::unnecessary_wraps, reason = "keys need TLS")]
    pub(super) fn own_fingerprint(&self) -> Result<Option<Fingerprint>> {
        Ok(None)
    }
}

/// Whether what was typed names the device. One without a name is confirmed by the first eight digits of
/// its key.
fn is_its_name(typed: &str, name: &str, key: Fingerprint) -> bool {
    let typed = typed.trim().to_lowercase();
    if name.is_empty() {
        return typed.len() >= 8 && key.to_string().starts_with(&typed);
    }
    typed == name.trim().to_lowercase()
}

/// Whether a write to a record of this kind may have ended the trust in a device.
#[cfg(feature = "lan")]
pub(in crate::logbook) fn may_revoke(kind: &str) -> bool {
    // A revocation that was never here and is gone elsewhere came as an id without a kind.
    kind == REVOCATION || kind.is_empty()
}

/// Records were set aside: where one revokes a device that is paired here, its key is revoked all the same.
pub(super) fn heed(tx: &mut Tx<'_>, set_aside: &[RecordId]) -> Result<()> {
    if set_aside.is_empty() {
        return Ok(());
    }
    for (key, _) in rows::peers(tx.conn())? {
        let id = revocation_id(key);
        if set_aside.contains(&id) {
            let fields = [(KEY.to_owned(), json!(key.to_string()))].into_iter().collect();
            let at = Moment { utc: tx.now(), offset_min: None };
            tx.create(NewRecord { id, kind: REVOCATION.to_owned(), at, fields })?;
        }
    }
    Ok(())
}

/// Refuses what concerns a key that is revoked.
pub(super) fn refuse_revoked(conn: &Connection, key: Fingerprint) -> Result<()> {
    if is_revoked(conn, key)? {
        return Err(LogbookError::KeyRevoked { id: device_id(key) });
    }
    Ok(())
}
