//! Moments, days and weeks, the clock, and the hybrid logical clock that orders writes.
//!
//! Only this room knows the calendar library, and the one for time zones.

mod zone;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Offset, Timelike, Utc};

pub use zone::{ClockChange, Zone};

use crate::ids::DeviceId;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtcMillis(pub i64);

#[cfg(feature = "ffi")]
uniffi::custom_type!(UtcMillis, i64, {
    lower: |ms| ms.0,
    try_lift: |ms| Ok(UtcMillis(ms)),
});

/// One minute.
pub const MINUTE_MS: i64 = 60_000;
/// One day.
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// A point in time as somebody's wall clock showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Moment {
    /// The instant.
    pub utc: UtcMillis,
    /// Minutes east of UTC; `None` where the text said `Z`, which names no place.
    pub offset_min: Option<i16>,
}

/// The text is not a time with a date and an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time such as 2026-10-05T07:05:00-05:00")]
pub struct NotAMoment;

/// A week by ISO 8601: begins on Monday, belongs to the year of its Thursday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct IsoWeek {
    /// ISO week-numbering year.
    pub year: i32,
    /// 1 to 53.
    pub week: u32,
}

/// A day on the wall calendar, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

#[cfg(feature = "ffi")]
uniffi::custom_type!(Day, String, {
    lower: |day| day.iso(),
    try_lift: |text| Ok(Day::parse(&text).ok_or(crate::error::LogbookError::NotADay)?),
});

impl Moment {
    /// Reads RFC 3339, for example `2026-10-05T07:05:00-05:00`.
    pub fn parse(text: &str) -> Result<Self, NotAMoment> {
        let text = text.trim();
        let read = DateTime::parse_from_rfc3339(text).map_err(|_| NotAMoment)?;
        let offset_min =
            i16::try_from(read.offset().local_minus_utc() / 60).map_err(|_| NotAMoment)?;
        Ok(Self {
            utc: UtcMillis(read.timestamp_millis()),
            offset_min: if text.ends_with(['Z', 'z']) { None } else { Some(offset_min) },
        })
    }

    /// RFC 3339 with the record's own offset; parts of a second only where there are some.
    pub fn rfc3339(&self) -> String {
        let form = if self.utc.0.rem_euclid(1000) == 0 {
            "%Y-%m-%dT%H:%M:%S"
        } else {
            "%Y-%m-%dT%H:%M:%S%.3f"
        };
        let local = self.local();
        match self.offset_min {
            None => format!("{}Z", local.format(form)),
            Some(_) => format!("{}{}", local.format(form), local.format("%:z")),
        }
    }

    /// The wall calendar's day.
    pub fn day(&self) -> Day {
        let local_ms = self.utc.0 + i64::from(self.offset_min.unwrap_or(0)) * MINUTE_MS;
        Day(i32::try_from(local_ms.div_euclid(DAY_MS)).unwrap_or(0))
    }

    /// Hour and minute on the wall clock, `07:05`.
    pub fn clock_time(&self) -> String {
        let local = self.local();
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    /// Another instant on the same wall clock.
    #[must_use]
    pub fn at(&self, utc: UtcMillis) -> Self {
        Self { utc, offset_min: self.offset_min }
    }

    fn local(&self) -> DateTime<FixedOffset> {
        let seconds = i32::from(self.offset_min.unwrap_or(0)) * 60;
        let zone = FixedOffset::east_opt(seconds).unwrap_or_else(|| Utc.fix());
        let utc = DateTime::from_timestamp_millis(self.utc.0).unwrap_or_default();
        utc.with_timezone(&zone)
    }
}

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Day {
    /// Reads `2026-10-05`.
    pub fn parse(text: &str) -> Option<Self> {
        let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
        Some(Self(date.num_days_from_ce() - EPOCH_DAYS_FROM_CE))
    }

    /// `2026-10-05`.
    pub fn iso(self) -> String {
        self.date().format("%Y-%m-%d").to_string()
    }

    /// `Thu`.
    pub fn weekday_short(self) -> String {
        self.date().weekday().to_string()
    }

    /// `Thursday 22 October`.
    pub fn long(self) -> String {
        // Asked for by each row of a list; the calendar library would parse its format every time.
        let date = self.date();
        let weekday = WEEKDAYS[date.weekday().num_days_from_monday() as usize];
        format!("{weekday} {} {}", date.day(), MONTHS[date.month0() as usize])
    }

    /// `22 Oct`.
    pub fn short(self) -> String {
        self.date().format("%-d %b").to_string()
    }

    /// `5 October 2026`.
    pub fn with_year(self) -> String {
        self.date().format("%-d %B %Y").to_string()
    }

    /// `2026`.
    pub fn year(self) -> i32 {
        self.date().year()
    }

    /// `Oct 2026`.
    pub fn month(self) -> String {
        self.date().format("%b %Y").to_string()
    }

    /// From this day to `last`, as a person would say it: `5 to 30 October 2026`.
    pub fn until(self, last: Self) -> String {
        let (first, end) = (self.date(), last.date());
        let start = match (first.year() == end.year(), first.month() == end.month()) {
            _ if self == last => return self.with_year(),
            (true, true) => first.day().to_string(),
            (true, false) => first.format("%-d %B").to_string(),
            (false, _) => self.with_year(),
        };
        format!("{start} to {}", last.with_year())
    }

    /// 1 to 31.
    pub fn day_of_month(self) -> u32 {
        self.date().day()
    }

    /// The ISO week that the day is in.
    pub fn week(self) -> IsoWeek {
        let week = self.date().iso_week();
        IsoWeek { year: week.year(), week: week.week() }
    }

    /// The moment at which a wall clock at `offset_min` shows `hour` and `minute` on this day.
    pub fn at(self, hour: u32, minute: u32, offset_min: i16) -> Moment {
        let local =
            i64::from(self.0) * DAY_MS + (i64::from(hour) * 60 + i64::from(minute)) * MINUTE_MS;
        Moment {
            utc: UtcMillis(local - i64::from(offset_min) * MINUTE_MS),
            offset_min: Some(offset_min),
        }
    }

    fn date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_DAYS_FROM_CE))
            .unwrap_or_default()
    }
}

const EPOCH_DAYS_FROM_CE: i32 = 719_163;

impl IsoWeek {
    /// Reads `2026-W41`; a week that the year does not have is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, week) = text.split_once("-W")?;
        let week = Self { year: year.parse().ok()?, week: week.parse().ok()? };
        (week.monday().week() == week).then_some(week)
    }

    /// `2026-W41`.
    pub fn iso(self) -> String {
        format!("{}-W{:02}", self.year, self.week)
    }

    /// Its last day.
    pub fn sunday(self) -> Day {
        Day(self.monday().0 + 6)
    }

    /// The week's Monday.
    pub fn monday(self) -> Day {
        let date = NaiveDate::from_isoywd_opt(self.year, self.week, chrono::Weekday::Mon)
            .unwrap_or_default();
        Day(date.num_days_from_ce() - EPOCH_DAYS_FROM_CE)
    }
}

/// What time it is, where the device is.
pub trait Clock: Send + Sync {
    /// Now, with the offset of the wall clock.
    fn now(&self) -> Moment;

    /// The zone of the wall clock, which knows the offset of any other day; `None`: the offset is the
    /// same on all of them.
    fn zone(&self) -> Option<Zone> {
        None
    }
}

/// The device's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Moment {
        let utc = UtcMillis(jiff::Timestamp::now().as_millisecond());
        Moment { utc, offset_min: Some(Zone::system().offset_min(utc).unwrap_or(0)) }
    }

    fn zone(&self) -> Option<Zone> {
        Some(Zone::system())
    }
}

/// A reading of the hybrid logical clock: 48 bits of milliseconds, 16 bits of counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The first reading of a millisecond.
    pub fn from_ms(ms: UtcMillis) -> Self {
        Self(u64::try_from(ms.0).unwrap_or(0).min(MAX_MS) << 16)
    }

    /// The wall-clock part.
    pub fn ms(self) -> UtcMillis {
        UtcMillis(i64::try_from(self.0 >> 16).unwrap_or(0))
    }

    /// The next reading after everything in `seen`, not before `wall`.
    #[must_use]
    pub fn tick(wall: UtcMillis, seen: Self) -> Self {
        Self::from_ms(wall).max(Self(seen.0.saturating_add(1)))
    }
}

/// 48 bits, less one: a stored stamp stays a positive 64-bit number.
const MAX_MS: u64 = (1 << 47) - 1;

/// When and by which device a value was written. Ordered by clock, ties by device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The logical time of the write.
    pub hlc: Hlc,
    /// Who wrote.
    pub device: DeviceId,
}

impl Stamp {
    /// As it is hashed: both numbers, big-endian.
    pub(crate) fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.hlc.0.to_be_bytes());
        bytes[8..].copy_from_slice(&self.device.0.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_read_as_they_are_written() {
        let week = Day::parse("2026-10-22").unwrap().week();
        assert_eq!((week.iso().as_str(), IsoWeek::parse("2026-W43")), ("2026-W43", Some(week)));
        assert_eq!(
            (week.monday().iso(), week.sunday().iso()),
            ("2026-10-19".into(), "2026-10-25".into())
        );
        for odd in ["", "2026", "2026-W00", "2025-W53", "2026-43"] {
            assert_eq!(IsoWeek::parse(odd), None, "{odd}");
        }
    }
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_the_offset_it_was_given() {
        for text in [
            "2026-10-05T07:05:00-05:00",
            "2026-10-05T07:05:00+00:00",
            "2026-10-05T07:05:00Z",
            "2026-10-05T07:05:00.250+05:30",
            "1969-12-31T23:59:59.999+00:00",
        ] {
            assert_eq!(Moment::parse(text).unwrap().rfc3339(), text);
        }
        assert!(Moment::parse("2026-10-05").is_err());
        assert!(Moment::parse("2026-13-05T07:05:00Z").is_err());
    }

    #[test]
    fn day_and_week_are_those_of_the_wall_clock() {
        let late = Moment::parse("2026-10-05T23:30:00-05:00").unwrap();
        assert_eq!(late.day().iso(), "2026-10-05");
        assert_eq!(late.clock_time(), "23:30");
        assert_eq!(late.day().week(), IsoWeek { year: 2026, week: 41 });
        assert_eq!(late.day().week().monday().iso(), "2026-10-05");
        assert_eq!(Day::parse("2027-01-01").unwrap().week(), IsoWeek { year: 2026, week: 53 });
        assert_eq!(late.day().long(), "Monday 5 October");
    }

    #[test]
    fn the_logical_clock_never_goes_back() {
        let wall = UtcMillis(1_000);
        let ahead = Hlc::from_ms(UtcMillis(5_000));
        assert!(Hlc::tick(wall, ahead) > ahead);
        assert_eq!(Hlc::tick(wall, Hlc(0)).ms(), wall);
    }

    proptest! {
        #[test]
        fn moments_survive_a_round_trip(ms in -4_000_000_000_000i64..8_000_000_000_000, offset in -1_080i16..1_080) {
            let moment = Moment { utc: UtcMillis(ms), offset_min: Some(offset) };
            prop_assert_eq!(Moment::parse(&moment.rfc3339()), Ok(moment));
        }

        #[test]
        fn days_survive_a_round_trip(day in -200_000i32..200_000) {
            prop_assert_eq!(Day::parse(&Day(day).iso()), Some(Day(day)));
        }
    }

    #[test]
    fn a_stretch_of_days_says_nothing_twice() {
        let until =
            |first: &str, last: &str| Day::parse(first).unwrap().until(Day::parse(last).unwrap());
        assert_eq!(until("2026-10-05", "2026-10-30"), "5 to 30 October 2026");
        assert_eq!(until("2026-09-28", "2026-10-30"), "28 September to 30 October 2026");
        assert_eq!(until("2026-10-05", "2027-10-30"), "5 October 2026 to 30 October 2027");
        assert_eq!(until("2026-10-05", "2026-10-05"), "5 October 2026");
    }
}
