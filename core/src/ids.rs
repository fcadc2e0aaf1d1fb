//! Typed ids and the source of randomness.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::time::UtcMillis;

/// Where randomness comes from: the system in the product, a seed in tests.
pub trait Ids: Send + Sync {
    /// Fills `bytes` with randomness fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    // An operating system without randomness cannot keep a secret: there is nothing to go on with.
    #[allow(clippy::disallowed_methods, clippy::expect_used)]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}

/// Bytes from `ids`, as an array.
pub(crate) fn random<const N: usize>(ids: &dyn Ids) -> [u8; N] {
    let mut bytes = [0; N];
    ids.fill(&mut bytes);
    bytes
}

/// What was given is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts by `now`.
            pub fn new(now: UtcMillis, ids: &dyn Ids) -> Self {
                let ms = u64::try_from(now.0).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(ms, &random::<10>(ids)).into_uuid())
            }

            /// The 16 bytes that are stored.
            pub fn bytes(&self) -> [u8; 16] {
                *self.0.as_bytes()
            }

            /// From the 16 bytes that were stored.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Uuid::try_parse(text).map(Self).map_err(|_| NotAnId)
            }
        }

        #[cfg(feature = "ffi")]
        uniffi::custom_type!($name, String, {
            lower: |id| id.to_string(),
            // The error of the functions that take ids, so that a shell can catch it.
            try_lift: |text| Ok(text.parse::<$name>().map_err(crate::error::LogbookError::from)?),
        });
    )+};
}

typed_id!(
    /// One record of any kind.
    RecordId,
    /// One entry that is still being typed.
    DraftId,
);

impl RecordId {
    /// The id of a line that came without one: equal content gives an equal id, so that importing
    /// it again changes nothing.
    pub fn from_content(canonical: &[u8]) -> Self {
        let hash = blake3::hash(canonical);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// One incarnation of one device: a restored or copied book gets a new one, so that two books never
/// stamp in the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u64);

impl DeviceId {
    /// A random device id; 63 bits, so that SQLite stores it as a positive number.
    pub fn new(ids: &dyn Ids) -> Self {
        Self(u64::from_be_bytes(random(ids)) >> 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Ids for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = RecordId::new(UtcMillis(1_000), &Counting);
        let late = RecordId::new(UtcMillis(2_000), &Counting);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(RecordId::from_bytes(late.bytes()), late);
        assert_eq!("P1".parse::<RecordId>(), Err(NotAnId));
    }

    #[test]
    fn content_ids_are_version_8_and_repeat() {
        let id = RecordId::from_content(b"same");
        assert_eq!(id, RecordId::from_content(b"same"));
        assert_ne!(id, RecordId::from_content(b"other"));
        assert_eq!(id.0.get_version_num(), 8);
    }
}
