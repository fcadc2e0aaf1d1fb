//! Cases by week, stacked by role with the deepest at the base.

use askama::Template;
use seldinger_core::case_log::tally::{RoleCount, WeekTally};

use super::{Label, Mark, Px, length, role_in_sentence};

const WIDTH: f64 = 304.0;
/// Room above the tallest bar for its figure, and below the base for the week.
const ABOVE: f64 = 22.0;
const BELOW: f64 = 24.0;
const BARS: f64 = 150.0;
/// A case is never taller than this, so that two cases do not look like twenty.
const TALLEST_CASE: f64 = 25.0;
const WIDEST_BAR: f64 = 52.0;
const WIDEST_PITCH: f64 = 84.0;
/// Between two bars, as a share of a bar.
const GAP: f64 = 0.6;
/// The narrowest pitch at which a figure, and the word for a week, has room.
const FIGURE_PITCH: f64 = 18.0;
const WORD_PITCH: f64 = 52.0;
/// More than a year of bars would be a hedge; the latest are drawn, the table has all.
const MOST_WEEKS: usize = 52;

/// The chart.
#[derive(Debug, Clone, Template)]
#[template(path = "charts/weeks.svg")]
pub struct WeeksChart {
    width: Px,
    height: Px,
    base: Px,
    sentence: String,
    marks: Vec<Mark>,
    figures: Vec<Label>,
    labels: Vec<Label>,
}

impl WeeksChart {
    /// Draws weeks; none for no weeks.
    pub fn new(weeks: &[WeekTally]) -> Option<Self> {
        let weeks = &weeks[Self::left_out(weeks)..];
        let most = weeks.iter().map(|week| week.cases).max().filter(|most| *most > 0)?;
        let count = length(u32::try_from(weeks.len()).ok()?);
        let bar = (WIDTH / (count + (count - 1.0) * GAP)).min(WIDEST_BAR);
        let pitch = ((WIDTH - bar) / (count - 1.0).max(1.0)).min(WIDEST_PITCH);
        let case = (BARS / length(most)).min(TALLEST_CASE);
        let base = ABOVE + case * length(most);
        let mut chart = Self {
            width: Px(WIDTH),
            height: Px(base + BELOW),
            base: Px(base),
            sentence: sentence(weeks),
            marks: Vec::new(),
            figures: Vec::new(),
            labels: Vec::new(),
        };
        let named = every_so_often(pitch, weeks.last().map_or(1, |week| week.number));
        for (place, week) in (0_u32..).zip(weeks) {
            let x = length(place) * pitch;
            let top = chart.stack(&week.roles, x, bar, case);
            let middle = Px(x + bar / 2.0);
            let label = |y, text| Label { x: middle, y: Px(y), anchor: "middle", text };
            if pitch >= FIGURE_PITCH {
                chart.figures.push(label(top - 8.0, week.cases.to_string()));
            }
            let text = if pitch >= WORD_PITCH || (place == 0 && named == 1 && pitch > 40.0) {
                format!("Week {}", week.number)
            } else {
                week.number.to_string()
            };
            if place.is_multiple_of(named) {
                chart.labels.push(label(base + 19.0, text));
            }
        }
        Some(chart)
    }

    /// How many of all weeks are not drawn.
    pub fn left_out(weeks: &[WeekTally]) -> usize {
        weeks.len().saturating_sub(MOST_WEEKS)
    }

    /// Stacks the roles of a week; where the stack ends.
    fn stack(&mut self, roles: &[RoleCount], x: f64, bar: f64, case: f64) -> f64 {
        let gap = if case < 4.0 { 0.5 } else { 1.5 };
        let mut y = self.base.0;
        for count in roles {
            let height = length(count.cases) * case;
            y -= height;
            self.marks.push(Mark::new(count.role, x, y, bar, height - gap));
        }
        y
    }
}

/// Every how many weeks one is named: a number of so many digits needs room.
fn every_so_often(pitch: f64, highest: u32) -> u32 {
    let room = 10.0 + 8.0 * length(highest.to_string().len().try_into().unwrap_or(1));
    (1..53).find(|every| length(*every) * pitch >= room).unwrap_or(53)
}

fn sentence(weeks: &[WeekTally]) -> String {
    let role = |count: &RoleCount| format!("{} {}", count.cases, role_in_sentence(count.role));
    let week = |week: &WeekTally| {
        let roles: Vec<_> = week.roles.iter().map(role).collect();
        let roles =
            if roles.is_empty() { String::new() } else { format!(" ({})", roles.join(", ")) };
        format!("week {}, {}{roles}", week.number, week.cases)
    };
    let weeks: Vec<_> = weeks.iter().map(week).collect();
    format!("Cases by week and role: {}.", weeks.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::charts::golden;
    use seldinger_core::case_log::values::Role;
    use seldinger_core::time::Day;

    fn week(number: u32, roles: &[(Option<Role>, u32)]) -> WeekTally {
        let monday = Day(20_731 + 7 * i32::try_from(number).unwrap());
        WeekTally {
            week: monday.week(),
            number,
            monday,
            cases: roles.iter().map(|(_, cases)| cases).sum(),
            roles: roles
                .iter()
                .map(|(role, cases)| RoleCount { role: *role, cases: *cases })
                .collect(),
        }
    }

    #[test]
    fn the_deepest_role_is_at_the_base() {
        let weeks = [
            week(
                1,
                &[(Some(Role::Assisted), 1), (Some(Role::Scrubbed), 2), (Some(Role::Observed), 9)],
            ),
            week(2, &[]),
            week(3, &[(Some(Role::PerformedSupervised), 2), (Some(Role::DidPart), 3), (None, 1)]),
        ];
        golden::check("weeks", &WeeksChart::new(&weeks).unwrap().to_string());
    }

    #[test]
    fn many_weeks_stay_on_the_canvas_and_none_draw_nothing() {
        assert!(WeeksChart::new(&[]).is_none());
        for count in [1, 2, 5, 12, 30, 52, 80] {
            let weeks: Vec<_> =
                (1..=count).map(|n| week(n, &[(Some(Role::Observed), 1 + n % 20)])).collect();
            let chart = WeeksChart::new(&weeks).unwrap();
            assert_eq!(chart.marks.len(), weeks.len().min(MOST_WEEKS));
            for mark in &chart.marks {
                assert!(mark.x.0 >= 0.0 && mark.x.0 + mark.width.0 <= WIDTH + 0.01, "{mark:?}");
                assert!(mark.y.0 >= ABOVE - 0.01 && mark.height.0 > 0.0, "{mark:?}");
            }
            let gaps = chart.labels.windows(2).map(|two| two[1].x.0 - two[0].x.0);
            assert!(gaps.into_iter().all(|gap| gap >= 18.0), "labels of {count} weeks collide");
        }
    }
}
