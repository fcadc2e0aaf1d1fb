//! What was done so far: by procedure, category, role, attending and week, with dose and goals.

use std::collections::BTreeMap;

use super::values::Role;
use crate::content::{Content, GoalScheme, Wording};
use crate::ids::RecordId;
use crate::time::{Day, IsoWeek};

/// A quantity of one case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Amount {
    /// Not written.
    Nothing,
    /// A number, or what certainly means one.
    Number(f64),
    /// Written, and nobody can be certain which number it is.
    Unread,
}

/// What the tally needs of one case.
pub(crate) struct TallyRow {
    pub(crate) id: RecordId,
    pub(crate) day: Day,
    pub(crate) procedure: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) attending: Option<String>,
    pub(crate) air_kerma_mgy: Amount,
    pub(crate) fluoro_min: Amount,
    pub(crate) dap_gycm2: Amount,
}

/// Cases with one role, or with none written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct RoleCount {
    /// `None`: not written.
    pub role: Option<Role>,
    /// How many.
    pub cases: u32,
}

/// One week, of the records' own calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct WeekTally {
    /// ISO year and week.
    pub week: IsoWeek,
    /// 1 for the first week with a case.
    pub number: u32,
    /// Its Monday.
    pub monday: Day,
    /// Cases in all; weeks without any are there too, with 0.
    pub cases: u32,
    /// By role, most involved first, only roles that occur.
    pub roles: Vec<RoleCount>,
}

/// One procedure.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ProcedureTally {
    /// Its id, or what was written; empty: not written.
    pub procedure: String,
    /// The short name.
    pub name: String,
    /// One entry a case, least involved first, unwritten last.
    pub roles: Vec<Option<Role>>,
}

quiet_debug!(ProcedureTally);

/// One category.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CategoryTally {
    /// Its id; empty for what has none.
    pub category: String,
    /// Its name; empty for what has none.
    pub name: String,
    /// Cases in all.
    pub cases: u32,
    /// Most often done first, then by name.
    pub procedures: Vec<ProcedureTally>,
}

/// One attending.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct AttendingTally {
    /// Surname.
    pub attending: String,
    /// Cases.
    pub cases: u32,
}

/// One quantity of one case.
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DosePoint {
    /// Which case.
    pub id: RecordId,
    /// Short name of the procedure; empty: not written.
    pub name: String,
    /// The student's part.
    pub role: Option<Role>,
    /// In the quantity's stored unit.
    pub amount: f64,
}

/// One quantity over the cases in which it is written.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DoseQuantity {
    /// Highest first, at most 2,000.
    pub points: Vec<DosePoint>,
    /// Cases in which it is written.
    pub cases: u32,
    /// Sum over them.
    pub sum: f64,
    /// Cases in which something is written that means no certain number: the sum leaves them out.
    pub left_out: u32,
}

quiet_debug!(AttendingTally, DosePoint, Tally);

/// Dose over all cases; a case in which a quantity is not written does not count towards it.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DoseTally {
    /// In mGy.
    pub air_kerma_mgy: DoseQuantity,
    /// In minutes.
    pub fluoro_min: DoseQuantity,
    /// In Gy·cm².
    pub dap_gycm2: DoseQuantity,
}

impl DoseTally {
    /// The quantities with their stored names.
    pub fn quantities(&self) -> [(&'static str, &DoseQuantity); 3] {
        [
            ("air_kerma_mgy", &self.air_kerma_mgy),
            ("fluoro_min", &self.fluoro_min),
            ("dap_gycm2", &self.dap_gycm2),
        ]
    }
}

impl DoseQuantity {
    fn add(&mut self, row: &TallyRow, name: &str, amount: Amount) {
        let amount = match amount {
            Amount::Nothing => return,
            Amount::Unread => {
                self.left_out += 1;
                return;
            }
            Amount::Number(amount) => amount,
        };
        self.cases += 1;
        // Two slips of the largest kind add up to more than a number can be.
        self.sum = (self.sum + amount).clamp(f64::MIN, f64::MAX);
        self.points.push(DosePoint { id: row.id, name: name.to_owned(), role: row.role, amount });
        // Now and then, so that neither memory nor the last step grows with the book.
        if self.points.len() == 2 * MOST_POINTS {
            self.sort();
        }
    }

    fn sort(&mut self) {
        self.points.sort_by(|a, b| b.amount.total_cmp(&a.amount));
        self.points.truncate(MOST_POINTS);
    }
}

/// How far a scheme's goals are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct GoalTally {
    /// The scheme's name.
    pub scheme: String,
    /// Goals in all.
    pub goals: u32,
    /// Goals reached.
    pub reached: u32,
    /// Goals not reached yet, in the scheme's order.
    pub open: Vec<OpenGoal>,
}

/// A goal that is not reached yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct OpenGoal {
    /// Its number in the scheme.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Cases so far.
    pub cases: u32,
    /// Cases wanted.
    pub minimum: u32,
}

/// Everything counted.
#[derive(Clone, PartialEq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Tally {
    /// Cases in all.
    pub cases: u32,
    /// First and last day; `None` without cases.
    pub first_day: Option<Day>,
    /// Last day.
    pub last_day: Option<Day>,
    /// Different procedures.
    pub procedures: u32,
    /// Procedures with more than one case.
    pub repeated: u32,
    /// All five roles, most involved first, then unwritten.
    pub roles: Vec<RoleCount>,
    /// From the first week with a case to the last, without gaps.
    pub weeks: Vec<WeekTally>,
    /// In the content's order; what has no category last.
    pub categories: Vec<CategoryTally>,
    /// Most cases first.
    pub attendings: Vec<AttendingTally>,
    /// Dose.
    pub dose: DoseTally,
    /// Goals.
    pub goals: GoalTally,
    /// What is to be said of names in the filter that mean nothing here.
    pub told: Vec<Wording>,
}

/// Dose points of a tally: more than a chart can tell apart, and few enough to hand over in one call.
const MOST_POINTS: usize = 2_000;

/// A gap of more weeks than this is not drawn out week by week.
const MOST_WEEKS: i32 = 520;

/// Counts rows as they come.
#[derive(Default)]
pub(crate) struct Counter {
    rows: u32,
    days: Option<(Day, Day)>,
    roles: BTreeMap<Option<Role>, u32>,
    weeks: BTreeMap<IsoWeek, BTreeMap<Option<Role>, u32>>,
    procedures: BTreeMap<String, Vec<Option<Role>>>,
    attendings: BTreeMap<String, u32>,
    dose: DoseTally,
}

impl Counter {
    pub(crate) fn cases(&self) -> u64 {
        u64::from(self.rows)
    }

    pub(crate) fn add(&mut self, row: TallyRow) {
        self.rows += 1;
        let (first, last) = self.days.unwrap_or((row.day, row.day));
        self.days = Some((first.min(row.day), last.max(row.day)));
        *self.roles.entry(row.role).or_default() += 1;
        *self.weeks.entry(row.day.week()).or_default().entry(row.role).or_default() += 1;
        if let Some(attending) = &row.attending {
            *self.attendings.entry(attending.clone()).or_default() += 1;
        }
        let name = Content::shipped().short_name(row.procedure.as_deref().unwrap_or_default());
        self.dose.air_kerma_mgy.add(&row, name, row.air_kerma_mgy);
        self.dose.fluoro_min.add(&row, name, row.fluoro_min);
        self.dose.dap_gycm2.add(&row, name, row.dap_gycm2);
        let procedure = row.procedure.unwrap_or_default();
        self.procedures.entry(procedure).or_default().push(row.role);
    }

    pub(crate) fn tally(mut self, scheme: &GoalScheme) -> Tally {
        self.dose.air_kerma_mgy.sort();
        self.dose.fluoro_min.sort();
        self.dose.dap_gycm2.sort();
        let seen = |id: &String| !id.is_empty();
        let mut attendings: Vec<_> = self
            .attendings
            .iter()
            .map(|(name, cases)| AttendingTally { attending: name.clone(), cases: *cases })
            .collect();
        attendings.sort_by_key(|tally| std::cmp::Reverse(tally.cases));
        Tally {
            cases: self.rows,
            first_day: self.days.map(|days| days.0),
            last_day: self.days.map(|days| days.1),
            procedures: count(self.procedures.keys().filter(|id| seen(id))),
            repeated: count(
                self.procedures.iter().filter(|(id, cases)| seen(id) && cases.len() > 1),
            ),
            roles: every_role()
                .map(|role| RoleCount { role, cases: self.roles.get(&role).copied().unwrap_or(0) })
                .collect(),
            weeks: self.weeks(),
            goals: self.goals(scheme),
            categories: self.categories(),
            attendings,
            dose: self.dose,
            told: Vec::new(),
        }
    }

    fn weeks(&self) -> Vec<WeekTally> {
        let Some((first, last)) = self.days else { return Vec::new() };
        let (first, last) = (first.week().monday().0, last.week().monday().0);
        let drawn_out = (last - first) / 7 <= MOST_WEEKS;
        let mondays = (first..=last)
            .step_by(7)
            .map(Day)
            .filter(|day| drawn_out || self.weeks.contains_key(&day.week()));
        let week = |(place, monday): (usize, Day)| {
            let roles = self.weeks.get(&monday.week());
            let of = |role| RoleCount {
                role,
                cases: roles.and_then(|r| r.get(&role)).copied().unwrap_or(0),
            };
            let roles: Vec<_> = every_role().map(of).filter(|r| r.cases > 0).collect();
            let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
            WeekTally {
                week: monday.week(),
                number,
                monday,
                cases: roles.iter().map(|r| r.cases).sum(),
                roles,
            }
        };
        mondays.enumerate().map(week).collect()
    }

    fn categories(&self) -> Vec<CategoryTally> {
        let content = Content::shipped();
        let mut by_category: BTreeMap<&str, Vec<ProcedureTally>> = BTreeMap::new();
        for (id, roles) in &self.procedures {
            let category = content.procedure(id).map_or("", |procedure| &procedure.category);
            let mut roles = roles.clone();
            roles.sort_by_key(|role| (role.is_none(), *role));
            let name = content.short_name(id).to_owned();
            by_category.entry(category).or_default().push(ProcedureTally {
                procedure: id.clone(),
                name,
                roles,
            });
        }
        let named = content.categories().iter().map(|c| (c.id.as_str(), c.name.clone()));
        let tally = |(id, name): (&str, String)| {
            let mut procedures = by_category.get(id)?.clone();
            procedures.sort_by(|a, b| {
                b.roles.len().cmp(&a.roles.len()).then_with(|| a.name.cmp(&b.name))
            });
            let cases = count(procedures.iter().flat_map(|p| &p.roles));
            Some(CategoryTally { category: id.to_owned(), name, cases, procedures })
        };
        named.chain([("", String::new())]).filter_map(tally).collect()
    }

    fn goals(&self, scheme: &GoalScheme) -> GoalTally {
        let mut open = Vec::new();
        for goal in &scheme.goals {
            let cases =
                count(goal.any_of.iter().filter_map(|id| self.procedures.get(id)).flatten());
            if cases < goal.minimum {
                open.push(OpenGoal {
                    id: goal.id.clone(),
                    label: goal.label.clone(),
                    cases,
                    minimum: goal.minimum,
                });
            }
        }
        let goals = count(scheme.goals.iter());
        GoalTally { scheme: scheme.name.clone(), goals, reached: goals - count(open.iter()), open }
    }
}

fn every_role() -> impl Iterator<Item = Option<Role>> {
    Role::ALL.iter().rev().copied().map(Some).chain([None])
}

fn count(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn row(day: &str, procedure: &str, role: Option<Role>, air_kerma_mgy: Option<f64>) -> TallyRow {
        TallyRow {
            id: RecordId(Uuid::nil()),
            day: Day::parse(day).unwrap(),
            procedure: Some(procedure.to_owned()).filter(|p| !p.is_empty()),
            role,
            attending: Some("Okafor".to_owned()),
            air_kerma_mgy: air_kerma_mgy.map_or(Amount::Nothing, Amount::Number),
            fluoro_min: air_kerma_mgy.map_or(Amount::Unread, |_| Amount::Number(1.5)),
            dap_gycm2: Amount::Nothing,
        }
    }

    #[test]
    fn counts_what_is_written_and_says_what_is_not() {
        let mut counter = Counter::default();
        counter.add(row("2026-10-05", "picc", Some(Role::Observed), Some(3.0)));
        counter.add(row("2026-10-06", "picc", None, Some(10.0)));
        counter.add(row("2026-10-20", "tips", Some(Role::PerformedSupervised), None));
        counter.add(row("2026-10-20", "", Some(Role::Scrubbed), None));
        counter.add(row("2026-10-20", "a procedure of next year", Some(Role::Scrubbed), None));
        let tally = counter.tally(Content::shipped().goals());
        assert_eq!((tally.cases, tally.procedures, tally.repeated), (5, 3, 1));
        assert_eq!(tally.weeks.iter().map(|w| w.cases).collect::<Vec<_>>(), [2, 0, 3]);
        assert_eq!(
            tally.weeks[2].roles[0],
            RoleCount { role: Some(Role::PerformedSupervised), cases: 1 }
        );
        assert_eq!(tally.roles.iter().map(|r| r.cases).collect::<Vec<_>>(), [1, 0, 0, 2, 1, 1]);
        assert_eq!((tally.goals.reached, tally.goals.goals), (1, 27));
        assert_eq!(tally.categories.last().map(|c| c.cases), Some(2));
        assert_eq!(tally.categories.iter().map(|c| c.cases).sum::<u32>(), 5);
        let picc =
            &tally.categories.iter().find(|c| c.category == "vascular").unwrap().procedures[0];
        assert_eq!(picc.roles, [Some(Role::Observed), None]);
        let [(_, kerma), (_, fluoro), (_, dap)] = tally.dose.quantities();
        assert!((kerma.sum - 13.0).abs() < 1e-9);
        assert_eq!(kerma.points.iter().map(|p| p.amount).collect::<Vec<_>>(), [10.0, 3.0]);
        assert_eq!(kerma.points[1].name, Content::shipped().short_name("picc"));
        assert_eq!((fluoro.points.len(), dap.points.len()), (2, 0));
        assert_eq!((kerma.left_out, fluoro.left_out, dap.left_out), (0, 3, 0));
    }

    #[test]
    fn of_many_doses_the_highest_are_given() {
        let mut counter = Counter::default();
        for amount in 1..=5_000 {
            // Neither rising nor falling.
            let amount = f64::from(amount * 7_919 % 5_000);
            counter.add(row("2026-10-05", "picc", None, Some(amount)));
        }
        let kerma = counter.tally(Content::shipped().goals()).dose.air_kerma_mgy;
        assert_eq!((kerma.cases, kerma.points.len()), (5_000, MOST_POINTS));
        assert!((kerma.sum - 12_497_500.0).abs() < 1e-9);
        let amounts = kerma.points.iter().map(|point| point.amount);
        assert!(amounts.eq((3_000..5_000).rev().map(f64::from)));
    }

    #[test]
    fn no_cases_are_no_trouble() {
        let tally = Counter::default().tally(Content::shipped().goals());
        assert_eq!((tally.cases, tally.weeks.len(), tally.goals.open.len()), (0, 0, 27));
    }
}
