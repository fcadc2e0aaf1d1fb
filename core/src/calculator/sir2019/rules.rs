//! The thresholds of labs.

use std::sync::OnceLock;

use super::super::definition::CalculatorChoice;
use super::drugs::{self, Drug};
use super::{ArterialAccess, Risk, ThresholdInputs};
use crate::content::ContentError;
use crate::content::source::{SourceFile, Table, Unique};

/// A lab with thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lab {
    /// INR.
    Inr,
    /// Platelets.
    Platelets,
    /// Fibrinogen.
    Fibrinogen,
}

impl Lab {
    /// In the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Inr, Self::Platelets, Self::Fibrinogen];

    /// As scripts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inr => "inr",
            Self::Platelets => "platelets",
            Self::Fibrinogen => "fibrinogen",
        }
    }
}

/// How a lab stands against its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabStatus {
    /// No threshold applies.
    NotApplicable,
    /// Within the threshold.
    Met,
    /// Within the range that the table leaves open.
    Borderline,
    /// Not given.
    Missing,
    /// Beyond the threshold.
    NotMet,
}

impl LabStatus {
    /// As scripts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not_applicable",
            Self::Met => "met",
            Self::Borderline => "borderline",
            Self::Missing => "missing",
            Self::NotMet => "not_met",
        }
    }

    /// Which of several decides over all: what is beyond a threshold before what is not known.
    pub(super) fn rank(self) -> u8 {
        self as u8
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    None,
    AtMost { met: f64, borderline: Option<f64> },
    Below(f64),
    AtLeast(f64),
    Above(f64),
}

impl Limit {
    fn status(self, value: Option<f64>) -> LabStatus {
        let Some(value) = value else {
            return if self == Self::None { LabStatus::NotApplicable } else { LabStatus::Missing };
        };
        let met = match self {
            Self::None => return LabStatus::NotApplicable,
            Self::AtMost { met, .. } => value <= met,
            Self::Below(bound) => value < bound,
            Self::AtLeast(bound) => value >= bound,
            Self::Above(bound) => value > bound,
        };
        match self {
            _ if met => LabStatus::Met,
            Self::AtMost { borderline: Some(end), .. } if value <= end => LabStatus::Borderline,
            _ => LabStatus::NotMet,
        }
    }

    fn shown(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::AtMost { met, borderline: Some(end) } => {
                Some(format!("≤ {met}, borderline to {end}"))
            }
            Self::AtMost { met, .. } => Some(format!("≤ {met}")),
            Self::Below(bound) => Some(format!("< {bound}")),
            Self::AtLeast(bound) => Some(format!("≥ {bound}")),
            Self::Above(bound) => Some(format!("> {bound}")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Liver,
    Femoral,
    Radial,
}

impl When {
    fn holds(self, known: &ThresholdInputs) -> bool {
        match self {
            Self::Always => true,
            Self::Liver => known.chronic_liver_disease,
            Self::Femoral => known.arterial_access == Some(ArterialAccess::Femoral),
            Self::Radial => known.arterial_access == Some(ArterialAccess::Radial),
        }
    }
}

#[derive(Debug, Clone)]
struct Rule {
    risk: Risk,
    lab: Lab,
    when: When,
    limit: Limit,
}

/// A table of thresholds and hold times.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    rules: Vec<Rule>,
    notes: Vec<(String, String)>,
    pub(super) drugs: Vec<Drug>,
    /// Creatinine clearance in mL/min below which nothing is said of drugs that the kidneys clear.
    pub(super) not_covered_below: f64,
}

impl Thresholds {
    /// The one that ships with the core.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<Thresholds> = OnceLock::new();
        // A test proves that it is whole.
        SHIPPED.get_or_init(|| Self::parse(TEXT, "thresholds/sir2019.toml").unwrap_or_default())
    }

    /// Reads a table from TOML.
    ///
    /// # Errors
    /// `ContentError` with line and field.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ContentError> {
        let mut unique = Unique::default();
        SourceFile::new(file_name, text).read(|root| {
            let rules = root.tables("rule", |table| rule(table, &mut unique))?;
            let notes = root.table("notes", |table| {
                table.keys().map(|key| Ok((key.to_owned(), table.text(key)?))).collect()
            })?;
            let clearance = root.table("clearance", |table| table.number("not_covered_below"))?;
            let missing = |key: &str| ContentError::Missing { place: root.place(key) };
            let read = Self {
                rules,
                notes: notes.ok_or_else(|| missing("notes"))?,
                drugs: root.tables("drug", |table| drugs::read(table, &mut unique))?,
                not_covered_below: clearance.ok_or_else(|| missing("clearance"))?,
            };
            for (risk, lab) in [
                (Risk::Low, Lab::Inr),
                (Risk::Low, Lab::Platelets),
                (Risk::High, Lab::Inr),
                (Risk::High, Lab::Platelets),
            ] {
                let always = |rule: &&Rule| rule.when == When::Always;
                if !read.rules_of(risk, lab).any(|rule| always(&rule)) {
                    return Err(missing("rule"));
                }
            }
            Ok(read)
        })
    }

    fn rules_of(&self, risk: Risk, lab: Lab) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.risk == risk && rule.lab == lab)
    }

    fn limit(&self, risk: Risk, lab: Lab, known: &ThresholdInputs) -> Limit {
        let mut rules = self.rules_of(risk, lab);
        rules.find(|rule| rule.when.holds(known)).map_or(Limit::None, |rule| rule.limit)
    }

    /// How a lab stands.
    pub fn status(&self, risk: Risk, lab: Lab, known: &ThresholdInputs) -> LabStatus {
        self.limit(risk, lab, known).status(known.lab(lab))
    }

    /// The threshold in words; nothing where none applies.
    pub fn asked_for(&self, risk: Risk, lab: Lab, known: &ThresholdInputs) -> Option<String> {
        self.limit(risk, lab, known).shown()
    }

    /// The range that the table leaves open, where it leaves one.
    pub fn open_range(&self, risk: Risk, lab: Lab, known: &ThresholdInputs) -> Option<(f64, f64)> {
        match self.limit(risk, lab, known) {
            Limit::AtMost { met, borderline } => Some((met, borderline?)),
            _ => None,
        }
    }

    /// Liver disease lifts the threshold of INR while arterial access sets one that is not met.
    pub fn rows_disagree(&self, risk: Risk, known: &ThresholdInputs) -> bool {
        let lifted = self.limit(risk, Lab::Inr, known) == Limit::None;
        let arterial = ThresholdInputs { chronic_liver_disease: false, ..*known };
        let stands = self.status(risk, Lab::Inr, &arterial);
        known.chronic_liver_disease
            && known.arterial_access.is_some()
            && lifted
            && stands == LabStatus::NotMet
    }

    /// A note of the table.
    pub(super) fn note(&self, key: &str) -> String {
        let found = self.notes.iter().find(|(known, _)| known == key);
        found.map_or(key, |(_, text)| text).to_owned()
    }

    /// Drugs that can be asked about.
    pub(crate) fn drug_choices(&self) -> Vec<CalculatorChoice> {
        let choice = |drug: &Drug| CalculatorChoice {
            value: drug.id.clone(),
            label: drug.name.clone(),
            also: Vec::new(),
        };
        self.drugs.iter().map(choice).collect()
    }
}

pub(super) const TEXT: &str = include_str!("../../../content/thresholds/sir2019.toml");

fn rule(table: &Table<'_>, unique: &mut Unique) -> Result<Rule, ContentError> {
    let missing = |key: &str| ContentError::Missing { place: table.place(key) };
    let risk = table.word("risk", &[("low", Risk::Low), ("high", Risk::High)])?;
    let labs = Lab::ALL.map(|lab| (lab.as_str(), lab));
    let lab = table.word("lab", &labs)?;
    let whens = [("liver", When::Liver), ("femoral", When::Femoral), ("radial", When::Radial)];
    let rule = Rule {
        risk: risk.ok_or_else(|| missing("risk"))?,
        lab: lab.ok_or_else(|| missing("lab"))?,
        when: table.word("when", &whens)?.unwrap_or(When::Always),
        limit: limit(table)?,
    };
    mark(table)?;
    let name = format!("{:?} {:?} {:?}", rule.risk, rule.lab, rule.when);
    unique.add(&name, || table.place("lab"))?;
    Ok(rule)
}

/// How well confirmed a line of the table is; it must be said.
pub(super) fn mark(table: &Table<'_>) -> Result<(), ContentError> {
    let marks = [("V", ()), ("L", ()), ("T", ()), ("recall", ())];
    let mark = table.word("mark", &marks)?;
    mark.ok_or_else(|| ContentError::Missing { place: table.place("mark") })
}

/// Exactly one of the limits.
fn limit(table: &Table<'_>) -> Result<Limit, ContentError> {
    let borderline = table.opt_number("borderline_to")?;
    let at_most = table.opt_number("at_most")?;
    let all = [
        at_most.map(|met| Limit::AtMost { met, borderline }),
        table.opt_number("below")?.map(Limit::Below),
        table.opt_number("at_least")?.map(Limit::AtLeast),
        table.opt_number("above")?.map(Limit::Above),
        table.flag("none")?.then_some(Limit::None),
    ];
    let mut limits = all.into_iter().flatten();
    match (limits.next(), limits.next()) {
        (Some(limit), None) => Ok(limit),
        _ => Err(ContentError::Missing { place: table.place("at_most") }),
    }
}
