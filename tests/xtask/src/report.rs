//! The table at the end.

use std::time::Duration;

use crate::steps::{Counts, Runner, Step};

/// One line of it.
#[derive(Debug)]
pub struct Row {
    title: [String; 2],
    /// Whether the step went well.
    pub ok: bool,
    counts: Option<Counts>,
    elapsed: Option<Duration>,
    note: Option<String>,
}

impl Row {
    /// A step that ran.
    pub fn ran(
        runner: Runner,
        step: &Step<'_>,
        ok: bool,
        counts: Counts,
        elapsed: Duration,
        note: Option<String>,
    ) -> Self {
        let title = [runner.name().to_owned(), step.name.to_owned()];
        let counts = step.counts.then_some(counts);
        Self { title, ok, counts, elapsed: Some(elapsed), note }
    }

    /// A step that could not run; that is a failure too.
    pub fn not_run(runner: Runner, step: &Step<'_>, why: &str) -> Self {
        let title = [runner.name().to_owned(), step.name.to_owned()];
        Self { title, ok: false, counts: None, elapsed: None, note: Some(why.to_owned()) }
    }

    fn cells(&self) -> [String; 5] {
        let [runner, step] = self.title.clone();
        let result = match (self.ok, self.elapsed) {
            (true, _) => "ok",
            (false, Some(_)) => "FAILED",
            (false, None) => "NOT RUN",
        };
        let tests = self.counts.map_or_else(String::new, |counts| {
            let mut text = format!("{} passed", counts.passed);
            for (number, word) in [(counts.failed, "failed"), (counts.ignored, "ignored")] {
                if number > 0 {
                    text = format!("{text}, {number} {word}");
                }
            }
            text
        });
        let time = self.elapsed.map_or_else(String::new, |time| {
            let seconds = time.as_secs();
            format!("{}:{:02}", seconds / 60, seconds % 60)
        });
        [runner, step, result.to_owned(), tests, time]
    }
}

/// All lines.
#[derive(Debug, Default)]
pub struct Report(Vec<Row>);

impl Report {
    /// Adds a line.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Whether every step went well; a run without steps did not.
    pub fn all_well(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|row| row.ok)
    }

    /// Prints each runner's own closing line, then the table.
    pub fn print(&self) {
        println!();
        for row in &self.0 {
            if let Some(note) = &row.note {
                println!("{} {}: {}", row.title[0], row.title[1], note.trim());
            }
        }
        println!("\n{}", self.table());
    }

    fn table(&self) -> String {
        let head = ["", "", "result", "tests", "time"].map(str::to_owned);
        let mut lines = vec![head];
        lines.extend(self.0.iter().map(Row::cells));
        let width = |column: usize| {
            lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default()
        };
        let widths = [0, 1, 2, 3, 4].map(width);
        let mut text = String::new();
        for cells in &lines {
            let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        let time: Duration = self.0.iter().filter_map(|row| row.elapsed).sum();
        let end = if self.all_well() { "All is well" } else { "Something failed" };
        format!("{text}{end}; {} seconds.", time.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_is_a_failure() {
        let tests = Runner::Rust.steps().iter().find(|step| step.name == "tests").unwrap();
        let ran = |ok: bool| {
            let counts = Counts { passed: 4, failed: u32::from(!ok), ignored: 0 };
            Row::ran(Runner::Rust, tests, ok, counts, Duration::from_secs(61), None)
        };
        let mut report = Report::default();
        assert!(!report.all_well());
        report.add(ran(true));
        assert!(report.all_well());
        report.add(Row::not_run(Runner::Swift, tests, "Swift 6 is missing."));
        assert!(!report.all_well());
        report.add(ran(false));
        let table = report.table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[1], "rust   tests  ok       4 passed            1:01");
        assert_eq!(lines[2], "swift  tests  NOT RUN");
        assert_eq!(lines[3], "rust   tests  FAILED   4 passed, 1 failed  1:01");
    }
}
