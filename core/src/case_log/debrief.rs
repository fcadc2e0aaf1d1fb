//! The debrief after a case: one to two minutes for what is worth keeping.

use crate::time::UtcMillis;

/// Where the one to two minutes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum DebriefPhase {
    /// The first minute.
    Writing,
    /// The second: time to close.
    Closing,
    /// Beyond two minutes; nothing stops, the clock only says so.
    Over,
}

/// The timer as a shell shows it. It is a function of the time that the debrief began, so it goes on
/// through a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DebriefTimer {
    /// When it began.
    pub started: UtcMillis,
    /// Whole seconds since.
    pub elapsed_s: u32,
    /// Whole seconds to the end of the second minute; 0 when that is past.
    pub left_s: u32,
    /// Which part of it.
    pub phase: DebriefPhase,
}

const MINUTE_S: u32 = 60;

impl DebriefTimer {
    /// The timer at `now`; a clock that was set back shows the beginning.
    pub fn at(started: UtcMillis, now: UtcMillis) -> Self {
        let elapsed_s = u32::try_from((now.0 - started.0).max(0) / 1000).unwrap_or(u32::MAX);
        let phase = match elapsed_s {
            0..MINUTE_S => DebriefPhase::Writing,
            _ if elapsed_s < 2 * MINUTE_S => DebriefPhase::Closing,
            _ => DebriefPhase::Over,
        };
        Self { started, elapsed_s, left_s: (2 * MINUTE_S).saturating_sub(elapsed_s), phase }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_through_its_two_minutes() {
        let at =
            |seconds: i64| DebriefTimer::at(UtcMillis(5_000), UtcMillis(5_000 + seconds * 1000));
        assert_eq!((at(0).left_s, at(0).phase), (120, DebriefPhase::Writing));
        assert_eq!(at(59).phase, DebriefPhase::Writing);
        assert_eq!((at(60).left_s, at(60).phase), (60, DebriefPhase::Closing));
        assert_eq!(
            (at(125).left_s, at(125).elapsed_s, at(125).phase),
            (0, 125, DebriefPhase::Over)
        );
        assert_eq!(at(-30).elapsed_s, 0);
    }
}
