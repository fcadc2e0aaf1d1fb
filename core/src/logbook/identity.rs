//! Which device is writing. A restored or copied book must not stamp under its old name.

use zeroize::Zeroizing;

use crate::error::{LogbookError, Result};
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
/// The ids under which this device wrote before, as JSON.
const FORMER: &str = "former_devices";
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
        if is_elsewhere {
            // What was written under that id is no longer what was written here.
            local::remove(conn, DEVICE)?;
            local::remove(conn, FORMER)?;
        }
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
    let make = || Ok::<_, SyncError>(DeviceIdentity::generate(ids)?.to_bytes());
    Ok(DeviceIdentity::from_bytes(&made_once(store, KEYS, |_| true, make)?)?)
}

fn former_numbers(conn: &Connection) -> Result<Vec<i64>> {
    let former = local::text(conn, FORMER)?;
    // Where they cannot be read, what was written under them is another device's.
    Ok(former.and_then(|former| serde_json::from_str(&former).ok()).unwrap_or_default())
}

/// The ids under which this device wrote before: it was restored since, or revoked.
pub(super) fn former(conn: &Connection) -> Result<Vec<DeviceId>> {
    let numbers = former_numbers(conn)?.into_iter();
    Ok(numbers.filter_map(|number| u64::try_from(number).ok().map(DeviceId)).collect())
}

/// What is kept under a name, made when it is first asked for, or where it does not fit. Of two programs that
/// make it at once one does, and both have that.
fn made_once<E: From<LogbookError>>(
    store: &Store,
    name: &str,
    fits: impl Fn(&[u8]) -> bool,
    make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<Zeroizing<Vec<u8>>, E> {
    let known = |conn: &Connection| {
        Ok(local::blob(conn, name)?.map(Zeroizing::new).filter(|bytes| fits(bytes)))
    };
    if let Some(known) = store.read(known)? {
        return Ok(known);
    }
    let new = make()?;
    let kept = store.write(|conn| {
        if let Some(known) = known(conn)? {
            return Ok(known);
        }
        local::set(conn, name, &new.as_slice())?;
        Ok(new)
    });
    Ok(kept?)
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
    let fits = |bytes: &[u8]| bytes.len() == 32;
    let make = || Ok::<_, LogbookError>(Zeroizing::new(random::<32>(ids).to_vec()));
    let key = made_once(store, RECEIPT_KEY, fits, make)?;
    key.as_slice().try_into().map(ReceiptKey).map_err(|_| LogbookError::Io)
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

/// A new device id, under which this book writes from now on.
pub(super) fn new_device(conn: &Connection, ids: &dyn Ids) -> Result<DeviceId> {
    let device = DeviceId::new(ids);
    sync::forget_sent(conn)?;
    if let Some(before) = local::number(conn, DEVICE)? {
        let mut former = former_numbers(conn)?;
        former.push(before);
        local::set(conn, FORMER, &serde_json::json!(former).to_string())?;
    }
    local::set(conn, DEVICE, &i64::try_from(device.0).unwrap_or(i64::MAX))?;
    Ok(device)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::ids::SystemIds;
    use crate::logbook::tests::book;

    /// Another program that asks for the same in the very moment, and what it is given.
    struct Meanwhile<'a>(&'a Store, Mutex<Vec<[u8; 32]>>);

    impl Ids for Meanwhile<'_> {
        fn fill(&self, bytes: &mut [u8]) {
            self.1.lock().unwrap().push(receipt_key(self.0, &SystemIds).unwrap().0);
            SystemIds.fill(bytes);
        }
    }

    #[test]
    fn of_two_programs_that_make_the_key_of_receipts_both_have_the_same() {
        let (_folder, book) = book();
        let other = Meanwhile(&book.store, Mutex::default());
        let first = receipt_key(&book.store, &other).unwrap();
        assert_eq!(*other.1.lock().unwrap(), [first.0]);
    }
}
