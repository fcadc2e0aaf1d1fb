//! The tally as long work.

use super::Logbook;
use crate::case_log::list::CaseFilter;
use crate::case_log::named::Meant;
use crate::case_log::rows;
use crate::case_log::tally::{Counter, Tally};
use crate::content::{Content, GoalScheme};
use crate::error::Result;
use crate::job::{Job, JobProgress, Work};
use crate::record;
use crate::store::OwnConnection;

impl Logbook {
    /// Counts the cases that `filter` lets through, against the goals of `scheme`, or the guide's. The
    /// book may be written to meanwhile; the tally shows it as it was. The progress counts cases.
    pub fn tally_job(&self, filter: &CaseFilter, scheme: Option<GoalScheme>) -> Result<Job<Tally>> {
        let lags = filter.text.is_some() && self.index_lags()?;
        let conn = self.store.connect()?;
        conn.freeze()?;
        if lags {
            conn.read(record::index_beside)?;
        }
        let counter = Counter::default();
        let filter = conn.read(|conn| rows::meant(conn, filter))?;
        Ok(Job::new(Count { conn, filter, scheme, counter, total: None, after: (i64::MIN, 0) }))
    }

    /// The same at once, for who can wait: half a second for 100,000 cases.
    pub fn tally(&self, filter: &CaseFilter, scheme: Option<&GoalScheme>) -> Result<Tally> {
        self.tally_job(filter, scheme.cloned())?.run(|_| ())
    }
}

struct Count {
    conn: OwnConnection,
    filter: Meant,
    scheme: Option<GoalScheme>,
    counter: Counter,
    total: Option<u64>,
    /// Time and row number of the last case counted.
    after: (i64, i64),
}

impl Work for Count {
    type Output = Tally;

    fn step(&mut self) -> Result<JobProgress> {
        let Some(total) = self.total else {
            let total = self.conn.read(|conn| rows::count(conn, &self.filter))?;
            self.total = Some(total);
            return Ok(JobProgress { done: 0, total, finished: false });
        };
        let (filter, after, counter) = (&self.filter, self.after, &mut self.counter);
        let end =
            self.conn.read(|conn| rows::tally_rows(conn, filter, after, |row| counter.add(row)))?;
        self.after = end.unwrap_or(after);
        Ok(JobProgress { done: self.counter.cases(), total, finished: end.is_none() })
    }

    fn finish(self: Box<Self>) -> Result<Tally> {
        let scheme = self.scheme.as_ref().unwrap_or(Content::shipped().goals());
        Ok(Tally { told: self.filter.told, ..self.counter.tally(scheme) })
    }
}
