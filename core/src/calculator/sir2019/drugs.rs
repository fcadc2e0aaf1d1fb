//! Hold and restart times of drugs.

use super::super::result::{CalculatorValue, Outcome};
use super::rules::{Thresholds, mark};
use super::{Risk, ThresholdInputs};
use crate::content::ContentError;
use crate::content::source::{Table, Unique};

/// What becomes of a drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrugAction {
    /// Leave it out beforehand.
    Hold,
    /// Go on.
    Continue,
    /// Put the procedure off.
    Defer,
    /// The table names it and says nothing.
    NoRecommendation,
    /// The table does not settle it.
    Ask,
}

const ACTIONS: [(&str, DrugAction); 4] = [
    ("hold", DrugAction::Hold),
    ("continue", DrugAction::Continue),
    ("defer", DrugAction::Defer),
    ("no_recommendation", DrugAction::NoRecommendation),
];

impl DrugAction {
    /// As scripts write it.
    pub fn as_str(self) -> &'static str {
        let found = ACTIONS.iter().find(|(_, action)| *action == self);
        found.map_or("ask", |(word, _)| word)
    }
}

/// Why somebody has to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyAsk {
    /// The class of the procedure is not settled.
    Risk,
    /// The hold time depends on a clearance that was not given.
    ClearanceMissing,
    /// The kidneys do less than the table covers.
    NotCovered,
}

impl WhyAsk {
    /// As scripts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::ClearanceMissing => "clearance_missing",
            Self::NotCovered => "not_covered",
        }
    }
}

/// What the table says of a drug before a procedure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrugAdvice {
    /// What to do.
    pub action: DrugAction,
    /// For how long; empty where nothing is held. Where it depends on something unknown, all that it can be.
    pub hold: String,
    /// When it can go on afterwards; empty where the table does not say.
    pub restart: String,
    /// Why somebody has to be asked, where somebody has.
    pub why: Option<WhyAsk>,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub(super) struct Drug {
    pub id: String,
    pub name: String,
    action: DrugAction,
    low_action: DrugAction,
    pub low_note: Option<String>,
    hold: String,
    by_clearance: Vec<ClearanceHold>,
    restart: String,
    kidneys: bool,
}

/// Another hold time below a clearance in mL/min.
#[derive(Debug, Clone)]
struct ClearanceHold {
    below: f64,
    hold: String,
}

/// Reads a line of the table.
pub(super) fn read(table: &Table<'_>, unique: &mut Unique) -> Result<Drug, ContentError> {
    let id = table.text("id")?;
    unique.add(&id, || table.place("id"))?;
    let action = table.word("action", &ACTIONS)?;
    let action = action.ok_or_else(|| ContentError::Missing { place: table.place("action") })?;
    let hold = table.opt_text("hold")?.unwrap_or_default();
    if hold.is_empty() && matches!(action, DrugAction::Hold | DrugAction::Defer) {
        return Err(ContentError::Missing { place: table.place("hold") });
    }
    mark(table)?;
    Ok(Drug {
        id,
        name: table.text("name")?,
        action,
        low_action: table.word("low_action", &ACTIONS)?.unwrap_or(DrugAction::Continue),
        low_note: table.opt_text("low_note")?,
        hold,
        by_clearance: table.tables("by_clearance", |one| {
            Ok(ClearanceHold { below: one.number("below")?, hold: one.text("hold")? })
        })?,
        restart: table.opt_text("restart")?.unwrap_or_default(),
        kidneys: table.flag("kidneys")?,
    })
}

impl Drug {
    fn before(
        &self,
        risk: Option<Risk>,
        known: &ThresholdInputs,
        not_covered_below: f64,
    ) -> DrugAdvice {
        let action = match risk {
            Some(Risk::High) => self.action,
            Some(Risk::Low) => self.low_action,
            None if self.action == self.low_action => self.action,
            None => return self.ask(WhyAsk::Risk, &self.every_hold()),
        };
        if !matches!(action, DrugAction::Hold | DrugAction::Defer) {
            let (hold, restart) = (String::new(), String::new());
            return DrugAdvice { action, hold, restart, why: None };
        }
        let clearance = known.creatinine_clearance_ml_min;
        let too_low = clearance.is_some_and(|clearance| clearance < not_covered_below);
        if self.kidneys && (known.dialysis || too_low) {
            return self.ask(WhyAsk::NotCovered, "");
        }
        let hold = match clearance {
            Some(clearance) => {
                let shorter = self.by_clearance.iter().find(|one| clearance < one.below);
                shorter.map_or(&self.hold, |one| &one.hold)
            }
            None if self.by_clearance.is_empty() => &self.hold,
            None => return self.ask(WhyAsk::ClearanceMissing, &self.every_hold()),
        };
        DrugAdvice { action, hold: hold.clone(), restart: self.restart.clone(), why: None }
    }

    fn ask(&self, why: WhyAsk, hold: &str) -> DrugAdvice {
        let (action, hold) = (DrugAction::Ask, hold.to_owned());
        let restart = if hold.is_empty() { String::new() } else { self.restart.clone() };
        DrugAdvice { action, hold, restart, why: Some(why) }
    }

    /// The hold time and those that replace it, in words.
    fn every_hold(&self) -> String {
        let mut text = self.hold.clone();
        for one in &self.by_clearance {
            text = format!("{text}; {} below {} mL/min", one.hold, one.below);
        }
        text
    }
}

impl Thresholds {
    /// What the table says of a drug; nothing where it does not name it. Without a risk it says what
    /// holds on both sides.
    pub fn drug(
        &self,
        id: &str,
        risk: Option<Risk>,
        known: &ThresholdInputs,
    ) -> Option<DrugAdvice> {
        let drug = self.drugs.iter().find(|drug| drug.id == id)?;
        Some(drug.before(risk, known, self.not_covered_below))
    }

    /// What else the table says of a drug at low risk, where it does.
    pub fn drug_note(&self, id: &str, risk: Option<Risk>) -> Option<String> {
        let drug = self.drugs.iter().find(|drug| drug.id == id && risk == Some(Risk::Low))?;
        drug.low_note.as_deref().map(|note| self.note(note))
    }
}

/// Adds what the table says of a drug to an outcome.
pub(super) fn tell(
    table: &Thresholds,
    id: &str,
    risk: Option<Risk>,
    known: &ThresholdInputs,
    outcome: &mut Outcome,
) {
    let Some(drug) = table.drugs.iter().find(|drug| drug.id == id) else { return };
    let advice = drug.before(risk, known, table.not_covered_below);
    let why = advice.why.map_or("", WhyAsk::as_str);
    for (part, text) in [
        ("action", advice.action.as_str()),
        ("hold", &advice.hold),
        ("restart", &advice.restart),
        ("why", why),
    ] {
        if !text.is_empty() {
            let value = CalculatorValue::Text { text: text.to_owned() };
            outcome.push(&format!("drugs.{id}.{part}"), &drug.name, value);
        }
    }
    outcome.notes.extend(table.drug_note(id, risk));
}
