//! Which device is writing. A restored or copied book must not stamp under its old name.

use crate::error::Result;
use crate::ids::{DeviceId, Ids, random};
use crate::store::{Connection, Store, is_about_writing, local};
#[cfg(feature = "lan")]
use crate::sync::Fingerprint;
use crate::sync::frame::ReceiptKey;

#[cfg(feature = "lan")]
use super::lan::SyncError;
use super::{Setup, sync};
#[cfg(feature = "lan")]
use crate::link::DeviceIdentity;

const DEVICE: &str = "device";
const IDENTITY: &str = "identity";
const INSTALLATION: &str = "installation";
const KEYS: &str = "keys";
const RECEIPT_KEY: &str = "receipt_key";
/// The fingerprint of our own that a paired device has called revoked.
#[cfg(feature = "lan")]
const TOLD_REVOKED: &str = "told_revoked";

/// The device id of this incarnation: the stored one while installation and file are those of last
/// time, else a new one.
pub(super) fn device_of(store: &Store, setup: &Setup) -> Result<DeviceId> {
    let identity =
        blake3::hash(format!("{}\n{}", setup.installation, store.file_identity()?).as_bytes());
    let identity = identity.to_hex().to_string();
    let known = |conn: &Connection| {
        let same = local::text(conn, IDENTITY)?.as_deref() == Some(identity.as_str())
            && local::number(conn, local::RENEW_IDENTITY)?.is_none();
        let device = if same { local::number(conn, DEVICE)? } else { None };
        Ok(device.and_then(|number| u64::try_from(number).ok()).map(DeviceId))
    };
    if let Some(device) = store.read(known)? {
        return Ok(device);
    }
    let installation = blake3::hash(setup.installation.as_bytes()).to_hex().to_string();
    let renewed = store.write(|conn| {
        // Another program may have opened the book for the first time just now.
        if let Some(device) = known(conn)? {
            return Ok(device);
        }
        let former = local::text(conn, INSTALLATION)?;
        let is_elsewhere = former.is_some_and(|former| former != installation);
        if is_elsewhere || local::number(conn, local::RENEW_IDENTITY)?.is_some() {
            // Keys belong to one device: what was copied to another, or restored, pairs anew.
            forget_keys(conn)?;
        }
        local::set(conn, INSTALLATION, &installation)?;
        local::set(conn, IDENTITY, &identity)?;
        new_device(conn, &*setup.ids)
    });
    match renewed {
        // Under an id that may be another one's nothing must be written; reading needs none.
        Err(error) if is_about_writing(&error) => {
            store.read_only(error);
            let last = store.read(|conn| local::number(conn, DEVICE))?;
            Ok(DeviceId(last.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)))
        }
        device => device,
    }
}

/// The device's keys for the exchange, made when they are first asked for.
#[cfg(feature = "lan")]
pub(super) fn keys(store: &Store, ids: &dyn Ids) -> Result<DeviceIdentity, SyncError> {
    if let Some(bytes) = store.read(|conn| local::blob(conn, KEYS))? {
        return Ok(DeviceIdentity::from_bytes(&bytes)?);
    }
    let keys = DeviceIdentity::generate(ids)?;
    let other = store.write(|conn| {
        // Another program may have made them just now.
        let other = local::blob(conn, KEYS)?;
        if other.is_none() {
            local::set(conn, KEYS, &keys.to_bytes().as_slice())?;
        }
        Ok(other)
    })?;
    Ok(other.map_or(Ok(keys), |bytes| DeviceIdentity::from_bytes(&bytes))?)
}

/// Who this device is, once it has keys.
#[cfg(feature = "lan")]
pub(super) fn fingerprint(store: &Store) -> Result<Option<Fingerprint>> {
    let bytes = store.read(|conn| local::blob(conn, KEYS))?;
    let keys = bytes.and_then(|bytes| DeviceIdentity::from_bytes(&bytes).ok());
    Ok(keys.map(|keys| keys.fingerprint()))
}

/// The device's own keys and every pairing; new keys are made when they are next asked for.
pub(super) fn forget_keys(conn: &Connection) -> Result<()> {
    for name in [KEYS, local::RENEW_IDENTITY] {
        local::remove(conn, name)?;
    }
    #[cfg(feature = "lan")]
    local::remove(conn, TOLD_REVOKED)?;
    sync::forget_peers(conn)
}

/// What receipts for our own pages are made with, made when it is first asked for. It stays with the book
/// and all its copies: an older copy recognizes what a later one has given out.
pub(super) fn receipt_key(store: &Store, ids: &dyn Ids) -> Result<ReceiptKey> {
    let known = store.read(|conn| local::blob(conn, RECEIPT_KEY))?;
    if let Some(key) = known.and_then(|key| key.try_into().ok()) {
        return Ok(ReceiptKey(key));
    }
    let key: [u8; 32] = random(ids);
    store.write(|conn| local::set(conn, RECEIPT_KEY, &key.as_slice()))?;
    Ok(ReceiptKey(key))
}

/// A paired device has said that our key is revoked.
#[cfg(feature = "lan")]
pub(super) fn note_told_revoked(store: &Store, own: &Fingerprint) -> Result<()> {
    store.write(|conn| local::set(conn, TOLD_REVOKED, &own.to_string()))
}

/// Whether one has said so of this key.
#[cfg(feature = "lan")]
pub(super) fn was_told_revoked(conn: &Connection, own: &Fingerprint) -> Result<bool> {
    Ok(local::text(conn, TOLD_REVOKED)?.as_deref() == Some(own.to_string().as_str()))
}

/// A new device id.
pub(super) fn renew(store: &Store, ids: &dyn Ids) -> Result<DeviceId> {
    store.write(|conn| new_device(conn, ids))
}

pub(super) fn new_device(conn: &Connection, ids: &dyn Ids) -> Result<DeviceId> {
    let device = DeviceId::new(ids);
    sync::forget_sent(conn)?;
    local::set(conn, DEVICE, &i64::try_from(device.0).unwrap_or(i64::MAX))?;
    Ok(device)
}
