//! Labs and drugs before a procedure, against the thresholds of SIR 2019.
//!
//! The table is data (`content/thresholds/sir2019.toml`), the class of each procedure is in
//! `procedures.csv`. Where the class is not settled nothing is guessed: the answer is "ask", and what
//! it would be on either side is shown.

mod drugs;
mod rules;
#[cfg(test)]
mod tests;

pub use drugs::{DrugAction, DrugAdvice, WhyAsk};
pub use rules::{Lab, LabStatus, Thresholds};

use super::error::CalculatorError;
use super::given::Given;
use super::result::{CalculatorValue, Outcome};
use crate::content::{BleedingRisk, Content};

/// Where an artery is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArterialAccess {
    /// In the groin.
    Femoral,
    /// At the wrist.
    Radial,
}

/// What is known before a procedure. Nothing of it is required.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThresholdInputs {
    /// Where an artery is entered, if one is.
    pub arterial_access: Option<ArterialAccess>,
    /// Other thresholds apply.
    pub chronic_liver_disease: bool,
    /// INR.
    pub inr: Option<f64>,
    /// Platelets, 10⁹/L.
    pub platelets_10e9_l: Option<f64>,
    /// Fibrinogen, mg/dL.
    pub fibrinogen_mg_dl: Option<f64>,
    /// Creatinine clearance by Cockcroft-Gault, mL/min.
    pub creatinine_clearance_ml_min: Option<f64>,
    /// The kidneys do not work.
    pub dialysis: bool,
}

impl ThresholdInputs {
    fn lab(&self, lab: Lab) -> Option<f64> {
        match lab {
            Lab::Inr => self.inr,
            Lab::Platelets => self.platelets_10e9_l,
            Lab::Fibrinogen => self.fibrinogen_mg_dl,
        }
    }
}

/// The class of a procedure as it counts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Low.
    Low,
    /// High.
    High,
}

/// Labs on one side of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabReading {
    /// INR.
    pub inr: LabStatus,
    /// Platelets.
    pub platelets: LabStatus,
    /// Fibrinogen.
    pub fibrinogen: LabStatus,
    /// The worst of the three, or that somebody has to be asked.
    pub overall: Overall,
}

/// All labs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overall {
    /// As the worst lab.
    Lab(LabStatus),
    /// The table does not settle it.
    Ask,
}

impl Overall {
    /// As scripts write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lab(status) => status.as_str(),
            Self::Ask => "ask",
        }
    }
}

/// Reads labs on one side of the table.
pub fn labs(table: &Thresholds, risk: Risk, known: &ThresholdInputs) -> LabReading {
    let status = |lab| table.status(risk, lab, known);
    let [inr, platelets, fibrinogen] = Lab::ALL.map(status);
    let worst = [inr, platelets, fibrinogen].into_iter().max_by_key(|status| status.rank());
    let mut overall = Overall::Lab(worst.unwrap_or(LabStatus::Missing));
    if table.rows_disagree(risk, known) && overall != Overall::Lab(LabStatus::NotMet) {
        overall = Overall::Ask;
    }
    LabReading { inr, platelets, fibrinogen, overall }
}

/// The class that counts: what was given goes before what the table lists.
fn risk_of(given: Option<BleedingRisk>, listed: Option<BleedingRisk>) -> Option<Risk> {
    match given.or(listed)? {
        BleedingRisk::Low => Some(Risk::Low),
        BleedingRisk::High => Some(Risk::High),
        BleedingRisk::Ask => None,
    }
}

/// The calculator `sir2019`.
pub(super) fn work(given: &Given<'_>) -> Result<Outcome, CalculatorError> {
    let table = Thresholds::shipped();
    let listed = given.opt_word("procedure_id").and_then(|id| Content::shipped().procedure(id));
    let listed = listed.map(|procedure| procedure.bleeding_risk);
    let told = given.opt_word("risk").map(|risk| match risk {
        "low" => BleedingRisk::Low,
        _ => BleedingRisk::High,
    });
    if listed.or(told).is_none() {
        let inputs = vec!["procedure_id".to_owned(), "risk".to_owned()];
        return Err(CalculatorError::MissingAny { inputs });
    }
    let known = inputs(given);
    let risk = risk_of(told, listed);
    let mut outcome = match risk {
        Some(risk) => settled(table, risk, &known),
        None => open(table, &known),
    };
    let mut say = |note: &str| outcome.notes.push(table.note(note));
    if risk.is_none() {
        say("open_class");
    }
    if let (Some(told), Some(listed)) = (told, listed)
        && told != listed
        && listed != BleedingRisk::Ask
    {
        say("other_class");
    }
    if risk.is_some_and(|risk| table.rows_disagree(risk, &known)) {
        say("two_rows");
    }
    if risk == Some(Risk::Low) && Lab::ALL.iter().any(|lab| known.lab(*lab).is_none()) {
        say("not_routine");
    }
    for drug in given.list("drugs") {
        drugs::tell(table, drug, risk, &known, &mut outcome);
    }
    Ok(outcome)
}

fn inputs(given: &Given<'_>) -> ThresholdInputs {
    ThresholdInputs {
        arterial_access: given.opt_word("arterial_access").map(|access| match access {
            "femoral" => ArterialAccess::Femoral,
            _ => ArterialAccess::Radial,
        }),
        chronic_liver_disease: given.flag("chronic_liver_disease"),
        inr: given.opt_number("inr"),
        platelets_10e9_l: given.opt_number("platelets_10e9_l"),
        fibrinogen_mg_dl: given.opt_number("fibrinogen_mg_dl"),
        creatinine_clearance_ml_min: given.opt_number("creatinine_clearance_ml_min"),
        dialysis: given.flag("dialysis"),
    }
}

fn settled(table: &Thresholds, risk: Risk, known: &ThresholdInputs) -> Outcome {
    let (word, screening) = match risk {
        Risk::Low => ("low", "not_routine"),
        Risk::High => ("high", "routine"),
    };
    let read = labs(table, risk, known);
    let outcome = Outcome::default()
        .word("overall", read.overall.as_str())
        .word("risk", word)
        .word("screening", screening);
    each_lab(outcome, "", table, risk, known, &read)
}

/// The class is not settled: a lab stands as both sides say, or no threshold applies yet; both are shown.
fn open(table: &Thresholds, known: &ThresholdInputs) -> Outcome {
    let mut outcome =
        Outcome::default().word("overall", "ask").word("risk", "ask").word("screening", "ask");
    for lab in Lab::ALL {
        let [low, high] = [Risk::Low, Risk::High].map(|risk| table.status(risk, lab, known));
        let status = if low == high { low } else { LabStatus::NotApplicable };
        outcome = outcome.word(lab.as_str(), status.as_str());
    }
    for (group, risk) in [("if_low.", Risk::Low), ("if_high.", Risk::High)] {
        let read = labs(table, risk, known);
        outcome = outcome.word(&format!("{group}overall"), read.overall.as_str());
        outcome = each_lab(outcome, group, table, risk, known, &read);
    }
    outcome
}

fn each_lab(
    mut outcome: Outcome,
    group: &str,
    table: &Thresholds,
    risk: Risk,
    known: &ThresholdInputs,
    read: &LabReading,
) -> Outcome {
    let statuses = [read.inr, read.platelets, read.fibrinogen];
    for (lab, status) in Lab::ALL.into_iter().zip(statuses) {
        outcome = outcome.word(&format!("{group}{}", lab.as_str()), status.as_str());
    }
    for lab in Lab::ALL {
        if let Some(text) = table.asked_for(risk, lab, known) {
            let name = format!("{group}{}_limit", lab.as_str());
            outcome.push(&name, "", CalculatorValue::Text { text });
        }
    }
    outcome
}
