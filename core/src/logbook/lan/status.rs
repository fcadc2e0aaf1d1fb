//! What people see of sync: four states, and what to do when it failed.

use crate::content::{Wording, wording, words};
use crate::logbook::Peer;
use crate::sync::frame::Why;
use crate::time::Moment;

/// Why sync failed. Nothing is lost by any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum SyncTrouble {
    /// The other device has an older version.
    TheirsTooOld,
    /// This device has an older version.
    OursTooOld,
    /// The other device does not know this one, or not any more.
    NotTrusted,
    /// The other device has revoked this one.
    OwnKeyRevoked,
    /// What came made no sense.
    Nonsense,
    /// Both say different things although all was sent again.
    Differs,
    /// The book could not be read or written.
    Book,
}

impl SyncTrouble {
    pub(super) fn of(why: Why) -> Option<Self> {
        match why {
            Why::TheirsTooOld => Some(Self::TheirsTooOld),
            Why::OursTooOld => Some(Self::OursTooOld),
            Why::Nonsense => Some(Self::Nonsense),
            Why::Failed => Some(Self::Book),
            Why::Stopped | Why::Silent | Why::Renewed => None,
        }
    }

    /// What people are told.
    pub fn wording(self) -> Wording {
        let key = match self {
            Self::TheirsTooOld => "sync.theirs_too_old",
            Self::OursTooOld => "sync.ours_too_old",
            Self::NotTrusted => "sync.not_trusted",
            Self::OwnKeyRevoked => "sync.own_key_revoked",
            Self::Nonsense => "sync.nonsense",
            Self::Differs => "sync.differs",
            Self::Book => "sync.book",
        };
        wording(key, &[])
    }
}

/// The one state that a badge shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum SyncState {
    /// No device is paired: nothing is shown.
    Alone,
    /// Nobody is reached. Gray, and no reason to worry.
    Offline,
    /// Records go to and fro.
    Syncing {
        /// So far.
        done: u64,
        /// In all, as far as known.
        total: u64,
    },
    /// Something is to be done.
    Failed {
        /// What.
        trouble: SyncTrouble,
    },
    /// All devices have everything.
    UpToDate {
        /// Since when.
        at: Moment,
        /// How many devices, this one counted.
        devices: u32,
    },
}

impl SyncState {
    /// For the badge; nothing where nothing is shown.
    pub fn text(&self) -> String {
        match self {
            Self::Alone => String::new(),
            Self::Offline => words("badge.offline", &[]),
            Self::Syncing { total: 0, .. } => words("badge.syncing_begun", &[]),
            Self::Syncing { done, total } => words(
                "badge.syncing",
                &[("done", &done.to_string()), ("total", &total.to_string())],
            ),
            Self::Failed { .. } => words("badge.failed", &[]),
            Self::UpToDate { at, devices: 2 } => {
                words("badge.up_to_date_on_both", &[("time", &at.clock_time())])
            }
            Self::UpToDate { at, devices } => words(
                "badge.up_to_date",
                &[("time", &at.clock_time()), ("devices", &devices.to_string())],
            ),
        }
    }
}

/// One device.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DeviceStatus {
    /// Which, and what it lacks.
    pub peer: Peer,
    /// It is connected now.
    pub is_connected: bool,
    /// Its own state.
    pub state: SyncState,
    /// Minutes that its clock is ahead of ours (behind, where negative), if that is more than five.
    pub clock_ahead_min: Option<i32>,
}

quiet_debug!(DeviceStatus);

/// Everything that is shown of sync.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct SyncStatus {
    /// For the badge.
    pub state: SyncState,
    /// The badge's text.
    pub text: String,
    /// What happened, was kept and is to do, where it failed.
    pub told: Option<Wording>,
    /// Records that some device lacks.
    pub waiting: u64,
    /// When the oldest of them was written.
    pub oldest_waiting: Option<Moment>,
    /// Each device.
    pub devices: Vec<DeviceStatus>,
}

quiet_debug!(SyncStatus);
