//! The wall clock of whoever types: it makes moments of typed times, and days of moments.

use std::sync::PoisonError;

use super::Logbook;
use crate::form::{self, EntryContext, FormProblem, FormWarning};
use crate::time::{Moment, UtcMillis, Zone};

/// What a typed time was read as.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ReadTime {
    /// When; `None` where it is no time.
    pub moment: Option<Moment>,
    /// What is odd about it.
    pub warning: Option<FormWarning>,
}

impl Logbook {
    /// Says in which zone the wall clock is, by its IANA name; for shells whose system tells them of a
    /// change. Until then the device is asked. Whether there is a zone of that name: where there is none,
    /// typed times get today's offset, and say so.
    pub fn set_zone(&self, name: &str) -> bool {
        let zone = Zone::named(name);
        let is_known = zone.is_known();
        *self.zone.lock().unwrap_or_else(PoisonError::into_inner) = Some(zone);
        is_known
    }

    fn zone(&self) -> Option<Zone> {
        let said = self.zone.lock().unwrap_or_else(PoisonError::into_inner).clone();
        said.or_else(|| self.clock.zone())
    }

    /// Now, by the book's clock.
    pub fn now(&self) -> Moment {
        let now = self.clock.now();
        let offset_min = self.zone().and_then(|zone| zone.offset_min(now.utc));
        Moment { offset_min: offset_min.or(now.offset_min), ..now }
    }

    /// Another instant as the wall clock here showed it then.
    pub fn wall_clock(&self, utc: UtcMillis) -> Moment {
        let offset_min = self.zone().and_then(|zone| zone.offset_min(utc));
        Moment { utc, offset_min: offset_min.or(self.clock.now().offset_min) }
    }

    /// What times leave unsaid that are typed now.
    pub(super) fn entry(&self) -> EntryContext {
        EntryContext::new(self.now(), self.zone())
    }

    /// The same for other times near `when`: in this device's zone, or with the offset of `when` where
    /// that was written in another zone.
    pub(super) fn entry_near(&self, when: Moment) -> EntryContext {
        let here = self.entry();
        let is_here = |zone: &Zone| zone.offset_min(when.utc) == when.offset_min;
        let zone = here.zone.filter(|zone| when.offset_min.is_none() || is_here(zone));
        let offset_min = when.offset_min.or(here.offset_min);
        EntryContext { day: Some(when.day()), offset_min, zone, edited: None }
    }

    /// A time as it is typed beside a jot, such as `13:40`, `1:30 pm` or `2026-10-21 13:40`; `None` where
    /// nothing is typed.
    pub fn read_time(&self, typed: &str) -> Option<ReadTime> {
        let typed = Some(typed.trim()).filter(|typed| !typed.is_empty())?;
        let read = form::moment(typed, &self.entry());
        let problem = read.map_or(Some(FormProblem::NotATime), |read| read.problem);
        let warning = problem.map(|problem| FormWarning::new("performed_at", problem, &[]));
        Some(ReadTime { moment: read.map(|read| read.moment), warning })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::form::TypedField;
    use crate::ids::RecordId;
    use crate::logbook::{CASE, JotOptions, Setup, tests};
    use crate::time::Clock;

    /// A clock that stands still at a place.
    struct At(&'static str, &'static str);

    impl Clock for At {
        fn now(&self) -> Moment {
            Moment::parse(self.0).unwrap()
        }

        fn zone(&self) -> Option<Zone> {
            Some(Zone::named(self.1))
        }
    }

    fn book(now: &'static str, zone: &'static str) -> (tempfile::TempDir, Logbook) {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup { clock: Arc::new(At(now, zone)), ..tests::setup(folder.path()) };
        let book = Logbook::create(setup).unwrap().0;
        (folder, book)
    }

    fn typed(path: &str, text: &str) -> [TypedField; 1] {
        [TypedField { path: path.to_owned(), texts: vec![text.to_owned()] }]
    }

    fn performed(book: &Logbook, id: RecordId) -> Value {
        book.record(id).unwrap().fields["performed_at"].clone()
    }

    /// A case typed at `text`, by a jot and by a form; both must say the same.
    fn case(book: &Logbook, text: &str) -> (RecordId, Value, Option<FormProblem>) {
        let options =
            JotOptions { performed_typed: Some(text.to_owned()), ..JotOptions::default() };
        let jot = book.save_jot("picc", &options).unwrap();
        let form = book.save_form(CASE, None, 0, &typed("performed_at", text), None).unwrap();
        let problem = |warnings: &[FormWarning]| warnings.first().map(|warning| warning.problem);
        let told = problem(&form.warnings);
        assert_eq!(problem(&jot.warnings), told, "{text}");
        assert_eq!(book.read_time(text).unwrap().warning.map(|w| w.problem), told, "{text}");
        assert_eq!(performed(book, jot.id), performed(book, form.id), "{text}");
        (form.id, performed(book, form.id), told)
    }

    #[test]
    fn a_time_of_another_season_is_kept_as_the_clock_showed_it() {
        let (_folder, book) = book("2026-11-30T09:00:00-05:00", "America/New_York");
        let (id, stored, told) = case(&book, "2026-07-04 08:00");
        assert_eq!((stored, told), (json!("2026-07-04T08:00:00-04:00"), None));
        assert_eq!(book.case(id).unwrap().row.clock_time, "08:00");
        let (_, stored, told) = case(&book, "2026-03-08 02:30");
        let skipped = Some(FormProblem::ClockSkipped);
        assert_eq!((stored, told), (json!("2026-03-08T03:30:00-04:00"), skipped));
        let (_, stored, told) = case(&book, "2026-11-01 01:30");
        let twice = Some(FormProblem::ClockTwice);
        assert_eq!((stored, told), (json!("2026-11-01T01:30:00-04:00"), twice));
        let (id, stored, told) = case(&book, "yesterday");
        assert_eq!((stored, told), (json!("yesterday"), Some(FormProblem::NotATime)));
        assert_eq!(book.record(id).unwrap().when(), book.now());
        assert_eq!(book.read_time("  "), None);
    }

    #[test]
    fn an_edit_keeps_the_offset_until_the_date_changes() {
        let (_folder, book) = book("2026-11-30T09:00:00+01:00", "Europe/Berlin");
        let (id, ..) = case(&book, "2026-07-04 08:00");
        let edit = |text: &str| {
            let opened = book.record(id).unwrap().lseq;
            book.save_form(CASE, Some(id), opened, &typed("performed_at", text), None).unwrap();
            performed(&book, id)
        };
        assert_eq!(edit("2026-07-04 08:15"), json!("2026-07-04T08:15:00+02:00"));
        assert_eq!(edit("9:15"), json!("2026-07-04T09:15:00+02:00"));
        assert_eq!(edit("2026-11-29 09:15"), json!("2026-11-29T09:15:00+01:00"));
        assert_eq!(edit("2026-11-29 09:15 -05:00"), json!("2026-11-29T09:15:00-05:00"));
        assert_eq!(edit("2026-11-29 10:15"), json!("2026-11-29T10:15:00-05:00"));
    }

    #[test]
    fn stages_of_a_night_in_which_clocks_change_follow_the_clock() {
        let (_folder, book) = book("2026-11-02T09:00:00-05:00", "America/New_York");
        let (id, ..) = case(&book, "2026-10-31 23:30");
        let sent = [("access", "0130"), ("navigation", "2.30 am"), ("timeout", "11:40 pm")];
        let sent = sent.map(|(stage, text)| typed(stage, text)[0].clone());
        let written = book.write_stages(id, &sent).unwrap();
        let told = written.warnings.iter().map(|w| (w.path.as_str(), w.problem));
        assert!(told.eq([("access", FormProblem::ClockTwice)]));
        let stages = book.case_timeline(id).unwrap().stages;
        let at = |name: &str| {
            let stage = stages.iter().find(|stage| stage.id == name).unwrap();
            stage.at.unwrap().rfc3339()
        };
        assert_eq!(at("timeout"), "2026-10-31T23:40:00-04:00");
        assert_eq!(at("access"), "2026-11-01T01:30:00-04:00");
        assert_eq!(at("navigation"), "2026-11-01T02:30:00-05:00");
        let run = book.begin_run("during", None, None).unwrap().run.row.id;
        let odd = book.stamp_stage(run, "access", Some("about one")).unwrap().warnings;
        assert_eq!((odd[0].path.as_str(), odd[0].problem), ("access", FormProblem::NotATime));
        for text in ["0130", "1:30 pm", "13.30", "13:30"] {
            let stamped = book.stamp_stage(run, "access", Some(text)).unwrap();
            assert!(stamped.warnings.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_shell_says_where_the_clock_is_and_an_unknown_zone_is_told() {
        let (_folder, book) = book("2026-11-30T09:00:00-05:00", "America/New_York");
        assert!(book.set_zone("Europe/Berlin"));
        assert_eq!(book.now().rfc3339(), "2026-11-30T15:00:00+01:00");
        assert_eq!(case(&book, "2026-07-04 08:00").1, json!("2026-07-04T08:00:00+02:00"));
        assert!(!book.set_zone("Mars/Olympus"));
        assert_eq!(book.now().rfc3339(), "2026-11-30T09:00:00-05:00");
        let (_, stored, told) = case(&book, "2026-07-04 08:00");
        let unknown = Some(FormProblem::ZoneUnknown);
        assert_eq!((stored, told), (json!("2026-07-04T08:00:00-05:00"), unknown));
        assert_eq!(case(&book, "08:00").2, None);
        let july = Moment::parse("2026-07-04T12:00:00+00:00").unwrap().utc;
        assert_eq!(book.wall_clock(july).clock_time(), "07:00");
        book.set_zone("America/New_York");
        assert_eq!(book.wall_clock(july).clock_time(), "08:00");
    }
}
