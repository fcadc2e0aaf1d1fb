//! The devices of this book. What a device is called and whether it is revoked is a record, so that all
//! of them know; how far it has taken us in is known here only.

use serde_json::json;

use super::revocation::{self, RevokedBy, is_revoked};
use super::rows;
use crate::error::{LogbookError, Result};
use crate::ids::{DeviceId, RecordId};
use crate::logbook::Logbook;
use crate::record::{self, Created, Fields, NewRecord, Record};
use crate::store::{self, Connection, local};
use crate::sync::Fingerprint;
use crate::sync::frame::WhyRefused;
use crate::sync::pairing::{DeviceName, Party, SealKey};
use crate::time::{Hlc, Moment};

/// The kind of the records that name devices.
pub const DEVICE: &str = store::DEVICE_KIND;
const NAME: &str = "name";
const KEY: &str = "key";
const SEAL_KEY: &str = "seal_key";
const PAIRED_AT: &str = "paired_at";

/// A device that this one is paired with.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Peer {
    /// Its key, in hexadecimal digits.
    pub fingerprint: String,
    /// What it calls itself.
    pub name: String,
    /// When it was paired.
    pub paired: Option<Moment>,
    /// When both sides last had everything.
    pub synced: Option<Moment>,
    /// How many records it lacks.
    pub waiting: u64,
    /// When the oldest of these was written.
    pub oldest_waiting: Option<Moment>,
    /// How many records one of both sides has set aside.
    pub refused: u64,
    /// Its key is revoked: it is not talked to any more, and never will be.
    pub is_revoked: bool,
    /// Who revoked it, the earliest first; empty where nobody did or that is not known.
    pub revoked_by: Vec<RevokedBy>,
}

quiet_debug!(Peer);

/// What is known of one record's way to the other devices.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RecordSync {
    /// How many devices have it as it stands, this one counted.
    pub safe_on: u32,
    /// How many devices there are, this one counted.
    pub devices: u32,
    /// Why a device has set it aside.
    pub refused: Option<WhyRefused>,
}

/// Over all devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SyncCounts {
    /// Devices, this one counted.
    pub devices: u32,
    /// Records that some device lacks.
    pub waiting: u64,
    /// When the oldest of these was written.
    pub oldest_waiting: Option<Moment>,
    /// When all devices last had everything; `None` where one never had.
    pub synced: Option<Moment>,
}

/// What each paired device is called, by the id under which it writes.
pub(in crate::logbook) fn names(conn: &Connection) -> Result<Vec<(DeviceId, String)>> {
    let mut names = Vec::new();
    for (fingerprint, row) in rows::peers(conn)? {
        let name = Some(name_of(conn, fingerprint)).filter(|name| !name.is_empty());
        names.extend(row.replica.zip(name));
    }
    Ok(names)
}

/// What a device calls itself; empty where that is not known.
pub(super) fn name_of(conn: &Connection, device: Fingerprint) -> String {
    name_in(record::load(conn, device_id(device)).ok().as_ref())
}

fn name_in(device: Option<&Record>) -> String {
    let name = device.and_then(|device| record::text(&device.fields, NAME));
    // The record may say anything; a name that was shown at pairing is of this form.
    DeviceName::new(name.unwrap_or_default()).as_str().to_owned()
}

impl Logbook {
    /// Every device that this one was paired with, by name.
    pub fn peers(&self) -> Result<Vec<Peer>> {
        let own = self.own_fingerprint()?;
        let moment = |utc| self.wall_clock(utc);
        self.read(|conn| {
            let mut peers = Vec::new();
            for (fingerprint, row) in rows::peers(conn)? {
                let (waiting, oldest) = rows::waiting(conn, fingerprint, row.sent)?;
                let device = record::load(conn, device_id(fingerprint)).ok();
                let device = device.as_ref();
                let paired = device.and_then(|device| record::text(&device.fields, PAIRED_AT));
                let is_revoked = is_revoked(conn, fingerprint)?;
                let revoked_by = if is_revoked {
                    revocation::revoked_by(conn, fingerprint, own)
                } else {
                    Vec::new()
                };
                peers.push(Peer {
                    fingerprint: fingerprint.to_string(),
                    name: name_in(device),
                    paired: paired.and_then(|text| Moment::parse(text).ok()),
                    synced: row.synced.map(moment),
                    waiting,
                    oldest_waiting: oldest.map(|hlc| moment(Hlc(hlc).ms())),
                    refused: rows::count_refused(conn, fingerprint)?,
                    is_revoked,
                    revoked_by,
                });
            }
            peers.sort_by(|one, other| {
                (&one.name, &one.fingerprint).cmp(&(&other.name, &other.fingerprint))
            });
            Ok(peers)
        })
    }

    /// Every device that is paired and not revoked.
    #[cfg(feature = "lan")]
    pub(in crate::logbook) fn trusted(&self) -> Result<Vec<Fingerprint>> {
        self.read(|conn| {
            let mut trusted = Vec::new();
            for (peer, _) in rows::peers(conn)? {
                if !is_revoked(conn, peer)? {
                    trusted.push(peer);
                }
            }
            Ok(trusted)
        })
    }

    /// Whether a device is paired and not revoked.
    pub fn trusts(&self, peer: Fingerprint) -> Result<bool> {
        self.read(|conn| Ok(rows::is_peer(conn, peer)? && !is_revoked(conn, peer)?))
    }

    /// Remembers a device after pairing.
    ///
    /// # Errors
    /// `KeyRevoked`: a device that was revoked comes back under new keys, or not at all.
    pub fn add_peer(&self, party: &Party) -> Result<()> {
        self.add_peer_by(party, None).map(drop)
    }

    /// The same by the code of a first bundle, which stands in `local` under that name: a code pairs one
    /// device. Whether it did not pair another before.
    pub(super) fn add_peer_by(&self, party: &Party, code: Option<&str>) -> Result<bool> {
        let at = self.now();
        let id = device_id(party.fingerprint);
        let fields: Fields = [
            (NAME.to_owned(), json!(party.name.as_str())),
            (KEY.to_owned(), json!(party.fingerprint.to_string())),
            (SEAL_KEY.to_owned(), json!(hex(&party.seal_key))),
            (PAIRED_AT.to_owned(), json!(at.rfc3339())),
        ]
        .into_iter()
        .collect();
        let added = self.transact(|tx| {
            revocation::refuse_revoked(tx.conn(), party.fingerprint)?;
            if let Some(code) = code {
                let paired = party.fingerprint.to_string();
                if local::text(tx.conn(), code)?.is_some_and(|before| before != paired) {
                    return Ok(false);
                }
                local::set(tx.conn(), code, &paired)?;
            }
            rows::add_peer(tx.conn(), party.fingerprint)?;
            let new = NewRecord { id, kind: DEVICE.to_owned(), at, fields: fields.clone() };
            if tx.create(new)? == Created::Known {
                let patch = fields.into_iter().map(|(name, value)| (name, Some(value)));
                tx.edit(id, patch.collect(), None)?;
            }
            Ok(true)
        })?;
        Ok(added.value)
    }

    /// What bundles for a device are sealed to.
    pub fn seal_key(&self, peer: Fingerprint) -> Result<SealKey> {
        let device = self.record(device_id(peer))?;
        let text = device.fields.get(SEAL_KEY).and_then(serde_json::Value::as_str);
        let key = text.and_then(|text| text.parse::<Fingerprint>().ok());
        key.map(|key| SealKey(key.0)).ok_or(LogbookError::NotFound { id: device_id(peer) })
    }

    /// Where a device was reached last.
    pub fn addresses(&self, peer: Fingerprint) -> Result<Vec<String>> {
        Ok(self.read(|conn| rows::peer(conn, peer))?.addresses)
    }

    /// Remembers where a device was reached; the last place comes first.
    pub fn note_address(&self, peer: Fingerprint, address: &str) -> Result<()> {
        const KEPT: usize = 4;
        self.store.write(|conn| {
            let mut addresses = rows::peer(conn, peer)?.addresses;
            addresses.retain(|known| known != address);
            addresses.insert(0, address.to_owned());
            addresses.truncate(KEPT);
            rows::keep_addresses(conn, peer, &addresses)
        })
    }

    /// How safe a record is.
    pub fn record_sync(&self, id: RecordId) -> Result<RecordSync> {
        self.read(|conn| {
            let lseq = record::load(conn, id)?.lseq;
            let mut sync = RecordSync { safe_on: 1, devices: 1, refused: None };
            for (peer, _) in rows::peers(conn)? {
                if is_revoked(conn, peer)? {
                    continue;
                }
                sync.devices += 1;
                let refused = rows::why_refused(conn, peer, id)?;
                if refused.is_none() && rows::has(conn, peer, lseq)? {
                    sync.safe_on += 1;
                }
                sync.refused = sync.refused.or(refused);
            }
            Ok(sync)
        })
    }

    /// Over all devices that are not revoked.
    pub fn sync_counts(&self) -> Result<SyncCounts> {
        Ok(SyncCounts::of(&self.peers()?))
    }
}

impl SyncCounts {
    /// Over those of `peers` that are not revoked.
    pub(in crate::logbook) fn of(peers: &[Peer]) -> Self {
        let peers: Vec<&Peer> = peers.iter().filter(|peer| !peer.is_revoked).collect();
        let earliest = |one: Option<Moment>, other: Option<Moment>| match (one, other) {
            (Some(one), Some(other)) => Some(if one.utc <= other.utc { one } else { other }),
            (one, other) => one.or(other),
        };
        let all_synced = peers.iter().all(|peer| peer.synced.is_some());
        Self {
            devices: u32::try_from(peers.len() + 1).unwrap_or(u32::MAX),
            waiting: peers.iter().map(|peer| peer.waiting).max().unwrap_or(0),
            oldest_waiting: peers.iter().map(|peer| peer.oldest_waiting).fold(None, earliest),
            synced: peers
                .iter()
                .map(|peer| peer.synced)
                .fold(None, earliest)
                .filter(|_| all_synced),
        }
    }
}

/// The record that names a device.
pub(super) fn device_id(peer: Fingerprint) -> RecordId {
    RecordId::from_content(&[b"device ".as_slice(), &peer.0].concat())
}

fn hex(key: &SealKey) -> String {
    Fingerprint(key.0).to_string()
}
