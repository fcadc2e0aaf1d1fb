//! The table.

use serde::Serialize;

use crate::measure::Pair;

/// One line of it.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What was measured.
    #[serde(rename = "row")]
    pub name: String,
    /// Ours, with its unit in `unit`.
    pub ours: f64,
    /// What it is measured against.
    pub baseline: f64,
    /// `us`, `B`, …
    pub unit: &'static str,
    /// Ours over the baseline.
    pub ratio: f64,
    /// The highest ratio that is good enough; none where the figure is only told.
    pub goal: Option<f64>,
    /// Whatever helps to read the line.
    pub remark: String,
}

impl Row {
    /// A line of times.
    pub fn times(name: &str, pair: Pair, goal: Option<f64>) -> Self {
        Self {
            name: name.to_owned(),
            ours: pair.ours_us,
            baseline: pair.baseline_us,
            unit: "us",
            ratio: pair.ratio,
            goal,
            remark: String::new(),
        }
    }

    /// With a remark.
    #[must_use]
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }

    /// Whether the goal is met; none where there is no goal.
    pub fn ok(&self) -> Option<bool> {
        self.goal.map(|goal| self.ratio <= goal)
    }

    fn markdown(&self) -> String {
        let goal = self.goal.map_or(String::new(), |goal| format!("≤ {}×", rounded(goal)));
        let ok = self.ok().map_or("", |ok| if ok { "yes" } else { "NO" });
        format!(
            "| {} | {} | {} | {:.2}× | {goal} | {ok} | {} |",
            self.name,
            amount(self.ours, self.unit),
            amount(self.baseline, self.unit),
            self.ratio,
            self.remark
        )
    }
}

/// At most two places, as 1.5 or 1.13.
fn rounded(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

/// A number with as many places as it deserves.
fn amount(value: f64, unit: &str) -> String {
    match unit {
        "us" if value >= 10_000.0 => format!("{:.1} ms", value / 1000.0),
        "us" if value >= 100.0 => format!("{value:.0} µs"),
        "us" => format!("{value:.1} µs"),
        "B" => format!("{value:.0} B"),
        _ => format!("{value:.2} {unit}"),
    }
}

/// The table as Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| row | ours | baseline | ratio | goal | ok | remark |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        text.push_str(&row.markdown());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_shows() {
        let pair = Pair { ours_us: 150.0, baseline_us: 99.96, ratio: 1.5006, ..Pair::default() };
        let row = Row::times("save", pair, Some(1.5)).remark("r");
        assert_eq!(row.markdown(), "| save | 150 µs | 100.0 µs | 1.50× | ≤ 1.5× | NO | r |");
        assert_eq!(Row::times("save", pair, None).ok(), None);
        assert_eq!(markdown(&[row]).lines().count(), 3);
    }
}
