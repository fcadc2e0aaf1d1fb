//! Which device is writing. A restored or copied book must not stamp under its old name.

use crate::error::Result;
use crate::ids::{DeviceId, Ids};
use crate::store::{Store, local};

use super::Setup;

const DEVICE: &str = "device";
const IDENTITY: &str = "identity";

/// The device id of this incarnation: the stored one while installation and file are those of last
/// time, else a new one.
pub(super) fn device_of(store: &Store, setup: &Setup) -> Result<DeviceId> {
    let identity =
        blake3::hash(format!("{}\n{}", setup.installation, store.file_identity()?).as_bytes());
    let identity = identity.to_hex().to_string();
    let known = store.read(|conn| {
        let same = local::text(conn, IDENTITY)?.as_deref() == Some(identity.as_str());
        Ok(if same { local::number(conn, DEVICE)? } else { None })
    })?;
    if let Some(device) = known.and_then(|number| u64::try_from(number).ok()) {
        return Ok(DeviceId(device));
    }
    store.write(|conn| local::set(conn, IDENTITY, &identity))?;
    renew(store, &*setup.ids)
}

/// A new device id.
pub(super) fn renew(store: &Store, ids: &dyn Ids) -> Result<DeviceId> {
    let device = DeviceId::new(ids);
    store.write(|conn| local::set(conn, DEVICE, &i64::try_from(device.0).unwrap_or(i64::MAX)))?;
    Ok(device)
}
