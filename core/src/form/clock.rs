//! Times as they are typed: `13:40`, `1:30 pm`, `0130`, `13.30`; with or without a day and an offset.

use super::warning::FormProblem;
use crate::time::{ClockChange, Day, Moment, UtcMillis, Zone};

/// What a typed time leaves unsaid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryContext {
    /// The day of a time without a date.
    pub day: Option<Day>,
    /// Minutes east of UTC, for every day where there is no zone to ask.
    pub offset_min: Option<i16>,
    /// Where the wall clock is: a time has the offset that is due there on its own day.
    pub zone: Option<Zone>,
    /// The moment that is edited. A time on its day keeps its offset, wherever it is typed.
    pub edited: Option<Moment>,
}

impl EntryContext {
    /// For something new, written `now` on the wall clock of `zone`.
    pub fn new(now: Moment, zone: Option<Zone>) -> Self {
        Self { day: Some(now.day()), offset_min: now.offset_min, zone, edited: None }
    }

    /// The same for what belongs to `when`, which stands in a record.
    #[must_use]
    pub fn edits(self, when: Moment) -> Self {
        let offset_min = when.offset_min.or(self.offset_min);
        Self { day: Some(when.day()), offset_min, edited: Some(when), ..self }
    }

    /// The moment of a wall-clock time, and what is odd about it.
    fn moment(&self, day: Day, (hour, minute, second): Clock) -> Option<TypedTime> {
        let kept = self.edited.filter(|edited| edited.day() == day);
        let (start, problem) = if let Some(offset_min) = kept.and_then(|kept| kept.offset_min) {
            (day.at(hour, minute, offset_min), None)
        } else if let Some((found, change)) =
            self.zone.as_ref().and_then(|z| z.at(day, hour, minute))
        {
            let odd = |change| match change {
                ClockChange::Skipped => FormProblem::ClockSkipped,
                ClockChange::Twice => FormProblem::ClockTwice,
            };
            (found, change.map(odd))
        } else {
            let elsewhen = self.zone.is_some() && self.day != Some(day);
            let problem = elsewhen.then_some(FormProblem::ZoneUnknown);
            (day.at(hour, minute, self.offset_min?), problem)
        };
        let utc = UtcMillis(start.utc.0 + i64::from(second) * 1000);
        Some(TypedTime { moment: Moment { utc, ..start }, problem })
    }
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypedTime {
    /// When.
    pub moment: Moment,
    /// What is odd about it.
    pub problem: Option<FormProblem>,
}

/// Hour, minute, second.
type Clock = (u32, u32, u32);

/// Reads a time as it is typed into a form or sent by one: with or without day and offset.
pub fn moment(text: &str, context: &EntryContext) -> Option<TypedTime> {
    if let Ok(moment) = Moment::parse(text) {
        return Some(TypedTime { moment, problem: None });
    }
    let text = text.trim();
    let (day, rest) = match text.split_once(['T', ' ']) {
        Some((day, rest)) if day.len() == 10 => (Day::parse(day)?, rest.trim()),
        _ => (context.day?, text),
    };
    if let Some(time) = rest.strip_suffix('Z') {
        let start = of_offset(day, clock(time)?, 0);
        let moment = Moment { offset_min: None, ..start };
        return Some(TypedTime { moment, problem: None });
    }
    if let Some(sign) = rest.rfind(['+', '-']) {
        let (time, offset) = rest.split_at(sign);
        let moment = of_offset(day, clock(time)?, offset_minutes(offset)?);
        return Some(TypedTime { moment, problem: None });
    }
    context.moment(day, clock(rest)?)
}

fn of_offset(day: Day, (hour, minute, second): Clock, offset_min: i16) -> Moment {
    let start = day.at(hour, minute, offset_min);
    Moment { utc: UtcMillis(start.utc.0 + i64::from(second) * 1000), ..start }
}

/// `13:40`, `13:40:07`, `13.40`, `13h40`, `1340`, `1:40 pm`, `1 p.m.`.
fn clock(text: &str) -> Option<Clock> {
    let text = text.trim().to_lowercase();
    let halves = [("p.m.", 12), ("pm", 12), ("a.m.", 0), ("am", 0)];
    let half = halves.iter().find_map(|(word, hours)| Some((text.strip_suffix(word)?, *hours)));
    let (figures, half) = half.map_or((text.as_str(), None), |(rest, half)| (rest, Some(half)));
    let figures = figures.trim_end();
    let between = figures.find([':', '.', 'h']).and_then(|at| figures[at..].chars().next());
    let parts: Option<Vec<u32>> = match between {
        Some(between) => figures.trim_end_matches('h').split(between).map(two_digits).collect(),
        None if figures.len() >= 3 && figures.is_ascii() => {
            let (hour, minute) = figures.split_at(figures.len() - 2);
            [hour, minute].into_iter().map(two_digits).collect()
        }
        // One number alone is no time, unless a word makes it one.
        None => half.and(two_digits(figures)).map(|hour| vec![hour]),
    };
    let (hour, minute, second) = match *parts?.as_slice() {
        [hour] => (hour, 0, 0),
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let hour = match half {
        None => hour,
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        // `13:40 pm` says the same thing twice; `13:40 am` says two.
        Some(12) if hour > 12 => hour,
        Some(_) => return None,
    };
    (hour <= 23 && minute <= 59 && second <= 59).then_some((hour, minute, second))
}

fn two_digits(text: &str) -> Option<u32> {
    let digits =
        (1..=2).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// `-05:00`, in minutes.
fn offset_minutes(text: &str) -> Option<i16> {
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = i16::try_from(hours * 60 + minutes).ok().filter(|_| minutes < 60)?;
    // From the last to the first place of the globe; more is no offset, such as in `13:40-14:10`.
    match text.chars().next()? {
        '+' => Some(total).filter(|total| *total <= 14 * 60),
        '-' => Some(-total).filter(|total| *total >= -12 * 60),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_zone(name: &str, now: &str) -> EntryContext {
        let (now, zone) = (Moment::parse(now).unwrap(), Zone::named(name));
        EntryContext::new(now, Some(zone))
    }

    fn read(text: &str, context: &EntryContext) -> (String, Option<FormProblem>) {
        let typed = moment(text, context).unwrap();
        (typed.moment.rfc3339(), typed.problem)
    }

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, wanted) in [
            ("13:40", Some((13, 40, 0))),
            ("9:05", Some((9, 5, 0))),
            ("13:40:07", Some((13, 40, 7))),
            ("0130", Some((1, 30, 0))),
            ("1330", Some((13, 30, 0))),
            ("930", Some((9, 30, 0))),
            ("13.30", Some((13, 30, 0))),
            ("13h30", Some((13, 30, 0))),
            ("1:30 pm", Some((13, 30, 0))),
            ("1:30PM", Some((13, 30, 0))),
            ("1.30 p.m.", Some((13, 30, 0))),
            ("1:30 a.m.", Some((1, 30, 0))),
            ("12:15 am", Some((0, 15, 0))),
            ("12:15 pm", Some((12, 15, 0))),
            ("1 pm", Some((13, 0, 0))),
            ("1\u{202f}PM", Some((13, 0, 0))),
            ("13:40 pm", Some((13, 40, 0))),
            ("13:40 am", None),
            ("0:40 pm", None),
            ("13", None),
            ("h", None),
            ("pm", None),
            ("24:00", None),
            ("2460", None),
            ("12345", None),
            ("1:3:4:5", None),
            ("13:4x", None),
            ("１３:４０", None),
            ("about one", None),
            ("", None),
        ] {
            assert_eq!(clock(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_time_has_the_offset_of_the_day_that_was_typed() {
        let new_york = in_zone("America/New_York", "2026-11-30T09:00:00-05:00");
        for (text, meant) in [
            ("2026-07-04 08:00", "2026-07-04T08:00:00-04:00"),
            ("2026-11-30 08:00", "2026-11-30T08:00:00-05:00"),
            ("0800", "2026-11-30T08:00:00-05:00"),
            ("2026-07-04 8:00:30 pm", "2026-07-04T20:00:30-04:00"),
            // What says its own offset is taken at its word.
            ("2026-07-04 08:00 +02:00", "2026-07-04T08:00:00+02:00"),
            ("2026-07-04 08:00Z", "2026-07-04T08:00:00Z"),
        ] {
            assert_eq!(read(text, &new_york), (meant.to_owned(), None), "{text}");
        }
        let skipped = read("2026-03-08 02:30", &new_york);
        assert_eq!(skipped, ("2026-03-08T03:30:00-04:00".into(), Some(FormProblem::ClockSkipped)));
        let twice = read("2026-11-01 01:30:05", &new_york);
        assert_eq!(twice, ("2026-11-01T01:30:05-04:00".into(), Some(FormProblem::ClockTwice)));
    }

    #[test]
    fn today_may_be_the_day_of_a_change() {
        let after = in_zone("America/New_York", "2026-11-01T08:00:00-05:00");
        assert_eq!(read("00:30", &after), ("2026-11-01T00:30:00-04:00".into(), None));
        let berlin = in_zone("Europe/Berlin", "2026-03-29T01:00:00+01:00");
        assert_eq!(read("18:00", &berlin), ("2026-03-29T18:00:00+02:00".into(), None));
    }

    #[test]
    fn an_edit_keeps_the_offset_unless_the_date_changes() {
        let stands = Moment::parse("2026-07-04T08:00:00+09:00").unwrap();
        let edit = in_zone("Europe/Berlin", "2026-11-30T09:00:00+01:00").edits(stands);
        assert_eq!(read("10:15", &edit), ("2026-07-04T10:15:00+09:00".into(), None));
        assert_eq!(read("2026-07-04 10:15", &edit).0, "2026-07-04T10:15:00+09:00");
        assert_eq!(read("2026-07-05 10:15", &edit).0, "2026-07-05T10:15:00+02:00");
        assert_eq!(read("2026-01-05 10:15", &edit).0, "2026-01-05T10:15:00+01:00");
        // The second of two hours stays the second.
        let second = Moment::parse("2026-10-25T02:30:00+01:00").unwrap();
        let edit = edit.edits(second);
        assert_eq!(read("02:45", &edit), ("2026-10-25T02:45:00+01:00".into(), None));
    }

    #[test]
    fn an_unknown_zone_leaves_the_offset_of_now_and_says_so() {
        let lost = in_zone("Mars/Olympus", "2026-11-30T09:00:00-05:00");
        let told = ("2026-07-04T08:00:00-05:00".into(), Some(FormProblem::ZoneUnknown));
        assert_eq!(read("2026-07-04 08:00", &lost), told);
        assert_eq!(read("08:00", &lost), ("2026-11-30T08:00:00-05:00".into(), None));
        let nowhere = EntryContext { day: Some(Day(20_000)), ..EntryContext::default() };
        assert_eq!(moment("08:00", &nowhere), None);
        assert_eq!(moment("08:00", &EntryContext::default()), None);
    }
}
