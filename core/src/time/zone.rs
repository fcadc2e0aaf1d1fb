//! Time zones: which offset a wall clock has on which day.
//!
//! The rules are built in (the IANA database as of the library's release), because phones and small
//! machines have none, or old ones.

use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil};

use super::{Day, MINUTE_MS, Moment, UtcMillis};

/// The rules of a wall clock, or that nobody knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(Option<TimeZone>);

/// What is special about a wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// The clock was put forward past it, so no clock ever showed it: it is moved forward as much.
    Skipped,
    /// The clock was put back, so it was shown twice: the first is meant.
    Twice,
}

impl Zone {
    /// The zone with this name in the IANA database, such as `America/New_York`; unknown where there is
    /// none of that name.
    pub fn named(name: &str) -> Self {
        Self(TimeZone::get(name.trim()).ok().filter(|zone| !zone.is_unknown()))
    }

    /// The zone that this device is set to.
    pub fn system() -> Self {
        Self(Some(TimeZone::system()).filter(|zone| !zone.is_unknown()))
    }

    /// Whether there are rules to go by.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Minutes east of UTC at an instant.
    pub fn offset_min(&self, utc: UtcMillis) -> Option<i16> {
        let instant = Timestamp::from_millisecond(utc.0).ok()?;
        Some(minutes(self.0.as_ref()?.to_offset(instant).seconds()))
    }

    /// The moment at which the wall clock showed `hour` and `minute` on `day`.
    pub fn at(&self, day: Day, hour: u32, minute: u32) -> Option<(Moment, Option<ClockChange>)> {
        let date = day.iso().parse::<civil::Date>().ok()?;
        let time = civil::Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
        let typed = civil::DateTime::from_parts(date, time.ok()?);
        let (offset, change) = match self.0.as_ref()?.to_ambiguous_timestamp(typed).offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset, None),
            AmbiguousOffset::Fold { before, .. } => (before, Some(ClockChange::Twice)),
            // By the clock as it was before: as far behind the change as the typed time is in the gap.
            AmbiguousOffset::Gap { before, .. } => (before, Some(ClockChange::Skipped)),
        };
        let found = day.at(hour, minute, minutes(offset.seconds()));
        // Behind a gap the clock shows another offset than the one that it was reckoned by.
        let offset_min = match change {
            Some(ClockChange::Skipped) => self.offset_min(found.utc),
            _ => found.offset_min,
        };
        Some((Moment { offset_min, ..found }, change))
    }
}

/// Whole minutes: offsets had seconds until 1972.
fn minutes(seconds: i32) -> i16 {
    i16::try_from(i64::from(seconds).div_euclid(MINUTE_MS / 1000)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zone, a day, what was typed, what is meant, and what is special about it.
    type Row = (&'static str, &'static str, (u32, u32), &'static str, Option<ClockChange>);

    const SKIPPED: Option<ClockChange> = Some(ClockChange::Skipped);
    const TWICE: Option<ClockChange> = Some(ClockChange::Twice);

    /// Both sides of both changes of 2026, the hours that were skipped and shown twice, and days in
    /// summer and winter.
    const ROWS: [Row; 36] = [
        ("America/New_York", "2026-07-04", (8, 0), "2026-07-04T08:00:00-04:00", None),
        ("America/New_York", "2026-11-30", (8, 0), "2026-11-30T08:00:00-05:00", None),
        ("America/New_York", "2026-03-07", (23, 59), "2026-03-07T23:59:00-05:00", None),
        ("America/New_York", "2026-03-08", (1, 59), "2026-03-08T01:59:00-05:00", None),
        ("America/New_York", "2026-03-08", (2, 0), "2026-03-08T03:00:00-04:00", SKIPPED),
        ("America/New_York", "2026-03-08", (2, 30), "2026-03-08T03:30:00-04:00", SKIPPED),
        ("America/New_York", "2026-03-08", (2, 59), "2026-03-08T03:59:00-04:00", SKIPPED),
        ("America/New_York", "2026-03-08", (3, 0), "2026-03-08T03:00:00-04:00", None),
        ("America/New_York", "2026-03-09", (2, 30), "2026-03-09T02:30:00-04:00", None),
        ("America/New_York", "2026-11-01", (0, 59), "2026-11-01T00:59:00-04:00", None),
        ("America/New_York", "2026-11-01", (1, 0), "2026-11-01T01:00:00-04:00", TWICE),
        ("America/New_York", "2026-11-01", (1, 59), "2026-11-01T01:59:00-04:00", TWICE),
        ("America/New_York", "2026-11-01", (2, 0), "2026-11-01T02:00:00-05:00", None),
        ("America/New_York", "2026-11-02", (1, 30), "2026-11-02T01:30:00-05:00", None),
        ("Europe/Berlin", "2026-07-04", (8, 0), "2026-07-04T08:00:00+02:00", None),
        ("Europe/Berlin", "2026-11-30", (8, 0), "2026-11-30T08:00:00+01:00", None),
        ("Europe/Berlin", "2026-03-29", (1, 59), "2026-03-29T01:59:00+01:00", None),
        ("Europe/Berlin", "2026-03-29", (2, 0), "2026-03-29T03:00:00+02:00", SKIPPED),
        ("Europe/Berlin", "2026-03-29", (2, 59), "2026-03-29T03:59:00+02:00", SKIPPED),
        ("Europe/Berlin", "2026-03-29", (3, 0), "2026-03-29T03:00:00+02:00", None),
        ("Europe/Berlin", "2026-03-30", (2, 30), "2026-03-30T02:30:00+02:00", None),
        ("Europe/Berlin", "2026-10-24", (2, 30), "2026-10-24T02:30:00+02:00", None),
        ("Europe/Berlin", "2026-10-25", (1, 59), "2026-10-25T01:59:00+02:00", None),
        ("Europe/Berlin", "2026-10-25", (2, 0), "2026-10-25T02:00:00+02:00", TWICE),
        ("Europe/Berlin", "2026-10-25", (2, 59), "2026-10-25T02:59:00+02:00", TWICE),
        ("Europe/Berlin", "2026-10-25", (3, 0), "2026-10-25T03:00:00+01:00", None),
        // Half an hour, on the other half of the globe.
        ("Australia/Lord_Howe", "2026-04-05", (1, 29), "2026-04-05T01:29:00+11:00", None),
        ("Australia/Lord_Howe", "2026-04-05", (1, 30), "2026-04-05T01:30:00+11:00", TWICE),
        ("Australia/Lord_Howe", "2026-04-05", (1, 59), "2026-04-05T01:59:00+11:00", TWICE),
        ("Australia/Lord_Howe", "2026-04-05", (2, 0), "2026-04-05T02:00:00+10:30", None),
        ("Australia/Lord_Howe", "2026-10-04", (1, 59), "2026-10-04T01:59:00+10:30", None),
        ("Australia/Lord_Howe", "2026-10-04", (2, 0), "2026-10-04T02:30:00+11:00", SKIPPED),
        ("Australia/Lord_Howe", "2026-10-04", (2, 29), "2026-10-04T02:59:00+11:00", SKIPPED),
        ("Australia/Lord_Howe", "2026-10-04", (2, 30), "2026-10-04T02:30:00+11:00", None),
        // A place without changes, and one whose clock once had seconds.
        ("Asia/Kolkata", "2026-03-29", (2, 30), "2026-03-29T02:30:00+05:30", None),
        ("Africa/Monrovia", "1971-07-01", (8, 0), "1971-07-01T08:00:00-00:45", None),
    ];

    #[test]
    fn a_wall_clock_time_has_the_offset_of_its_own_day() {
        for (name, day, (hour, minute), meant, change) in ROWS {
            let found = Zone::named(name).at(Day::parse(day).unwrap(), hour, minute).unwrap();
            assert_eq!((found.0.rfc3339().as_str(), found.1), (meant, change), "{name}");
        }
    }

    #[test]
    fn every_time_of_the_days_of_a_change_is_shown_as_it_was_typed_unless_it_was_skipped() {
        for (name, day, _, _, _) in ROWS {
            let (zone, day) = (Zone::named(name), Day::parse(day).unwrap());
            for minute in 0..24 * 60 {
                let (found, change) = zone.at(day, minute / 60, minute % 60).unwrap();
                let typed = format!("{:02}:{:02}", minute / 60, minute % 60);
                assert_eq!(found.clock_time() == typed, change != SKIPPED, "{name} {typed}");
                // Before 1972 there were seconds, which are left out.
                if day.year() > 1971 {
                    assert_eq!(found.offset_min, zone.offset_min(found.utc), "{name} {typed}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_zone_is_unknown() {
        for name in ["", " ", "Mars/Olympus", "EST5EDT,oops", "../etc/passwd", "Etc/Unknown"] {
            let zone = Zone::named(name);
            assert!(!zone.is_known(), "{name}");
            assert_eq!(zone.offset_min(UtcMillis(0)), None);
            assert_eq!(zone.at(Day(20_000), 8, 0), None);
        }
        assert!(Zone::named(" america/new_york ").is_known());
    }

    #[test]
    fn days_far_off_are_none_rather_than_wrong() {
        let zone = Zone::named("Europe/Berlin");
        for day in [i32::MIN, -4_000_000, 4_000_000, i32::MAX] {
            let _ = zone.at(Day(day), 8, 0);
        }
        assert_eq!(zone.offset_min(UtcMillis(i64::MAX)), None);
        assert_eq!(zone.at(Day(20_000), 24, 0), None);
    }
}
