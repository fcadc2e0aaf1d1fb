//! How the labs of a consult stand before what is asked for, and what becomes of the drugs.

use serde_json::Value;

use crate::calculator::sir2019::{
    ArterialAccess, DrugAction, DrugAdvice, Lab, LabStatus, Risk, ThresholdInputs, Thresholds,
    WhyAsk,
};
use crate::calculator::{self, calculator};
use crate::content::{BleedingRisk, Content, reading, words};
use crate::record::{Fields, get, text};

/// How a lab stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum LabStanding {
    /// Within the limit.
    Met,
    /// Within the range that the table leaves open.
    Borderline,
    /// Beyond the limit.
    NotMet,
    /// There is a limit, and nothing is written.
    Missing,
    /// The table does not settle it.
    Ask,
    /// No limit is set.
    NoLimit,
}

/// A lab of a consult.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct LabFlag {
    /// Where it is written, `labs.inr`.
    pub path: String,
    /// How it stands.
    pub standing: LabStanding,
    /// What is shown beneath it; empty where nothing is written and no limit set.
    pub told: String,
}

/// A drug that thins the blood, before and after.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct DrugLine {
    /// As the table names it.
    pub id: String,
    /// In words.
    pub name: String,
    /// What the table says of it.
    pub told: String,
}

/// The labs of a consult against the thresholds for what is asked for.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct LabsRead {
    /// Each lab of the form.
    pub flags: Vec<LabFlag>,
    /// The bleeding risk and where it is from, or what it takes to know it.
    pub risk: String,
    /// The table.
    pub source: String,
    /// That local policy goes before all of it.
    pub local_policy: String,
    /// What is chosen of drugs, in the order of the form.
    pub drugs: Vec<DrugLine>,
}

quiet_debug!(LabFlag, DrugLine, LabsRead);

/// The kind that is read here.
const CONSULT: &str = "consult";
/// The calculator whose table is asked.
const TABLE: &str = "sir2019";

/// Reads the labs at these paths.
pub fn read_labs(fields: &Fields, paths: &[String]) -> LabsRead {
    let listed = reading::word(CONSULT, fields, "procedure");
    let listed = listed.and_then(|id| Content::shipped().procedure(&id));
    let listed = listed.map(|procedure| procedure.bleeding_risk);
    let risk = match listed {
        Some(BleedingRisk::Low) => Some(Risk::Low),
        Some(BleedingRisk::High) => Some(Risk::High),
        Some(BleedingRisk::Ask) | None => None,
    };
    let known = inputs(fields);
    let flag = |path: &String| {
        let lab = Lab::ALL.into_iter().find(|lab| path == &format!("labs.{}", lab.as_str()));
        let (standing, mut told) = match (lab, listed) {
            (Some(lab), Some(_)) => lab_told(lab, risk, &known),
            _ => (LabStanding::NoLimit, words("badge.consult_no_limit", &[])),
        };
        if standing == LabStanding::NoLimit && get(fields, path).is_none() {
            told.clear();
        }
        LabFlag { path: path.clone(), standing, told }
    };
    let risk_key = match listed {
        None => "consult.risk_unknown",
        Some(BleedingRisk::Low) => "consult.risk_low",
        Some(BleedingRisk::High) => "consult.risk_high",
        Some(BleedingRisk::Ask) => "consult.risk_ask",
    };
    LabsRead {
        flags: paths.iter().map(flag).collect(),
        risk: words(risk_key, &[]),
        source: calculator(TABLE).map(|table| table.source.line()).unwrap_or_default(),
        local_policy: calculator::local_policy(),
        drugs: drugs(fields, risk, listed.is_some(), &known),
    }
}

fn number(fields: &Fields, path: &str) -> Option<f64> {
    reading::number(CONSULT, fields, path)
}

fn inputs(fields: &Fields) -> ThresholdInputs {
    let liver = reading::flag(CONSULT, fields, "chronic_liver_disease");
    ThresholdInputs {
        arterial_access: match text(fields, "arterial_access") {
            Some("femoral") => Some(ArterialAccess::Femoral),
            Some("radial") => Some(ArterialAccess::Radial),
            _ => None,
        },
        chronic_liver_disease: liver || text(fields, "cirrhosis") == Some("yes"),
        inr: number(fields, "labs.inr"),
        platelets_10e9_l: number(fields, "labs.platelets"),
        fibrinogen_mg_dl: number(fields, "labs.fibrinogen"),
        creatinine_clearance_ml_min: None,
        dialysis: false,
    }
}

/// How a lab stands and what is said beneath it.
fn lab_told(lab: Lab, risk: Option<Risk>, known: &ThresholdInputs) -> (LabStanding, String) {
    let table = Thresholds::shipped();
    let limit = |risk| table.asked_for(risk, lab, known).unwrap_or_default();
    let Some(risk) = risk else {
        let [low, high] = [Risk::Low, Risk::High].map(|risk| table.status(risk, lab, known));
        if low == high && limit(Risk::Low) == limit(Risk::High) {
            return told(low, &limit(Risk::Low));
        }
        let values = [("low", &*or_none(limit(Risk::Low))), ("high", &*or_none(limit(Risk::High)))];
        return match (low, high) {
            (LabStatus::Met, LabStatus::Met) => {
                (LabStanding::Met, words("badge.consult_lab_met_both", &values))
            }
            (LabStatus::NotMet, LabStatus::NotMet) => {
                (LabStanding::NotMet, words("badge.consult_lab_not_met_both", &values))
            }
            (_, LabStatus::Missing) => {
                (LabStanding::Missing, words("badge.consult_lab_missing", &[]))
            }
            _ => (LabStanding::Ask, words("badge.consult_lab_ask", &values)),
        };
    };
    if lab == Lab::Inr && table.rows_disagree(risk, known) {
        return (LabStanding::Ask, words("badge.consult_lab_two_rows", &[]));
    }
    let status = table.status(risk, lab, known);
    match table.open_range(risk, lab, known).filter(|_| status == LabStatus::Borderline) {
        Some((from, to)) => {
            let values = [("from", &*format!("{from:.1}")), ("to", &format!("{to:.1}"))];
            (LabStanding::Borderline, words("badge.consult_lab_borderline", &values))
        }
        None => told(status, &limit(risk)),
    }
}

fn or_none(limit: String) -> String {
    if limit.is_empty() { words("badge.consult_none", &[]) } else { limit }
}

fn told(status: LabStatus, limit: &str) -> (LabStanding, String) {
    let (standing, key) = match status {
        LabStatus::Met => (LabStanding::Met, "badge.consult_lab_met"),
        LabStatus::Borderline => (LabStanding::Borderline, "badge.consult_lab_met"),
        LabStatus::NotMet => (LabStanding::NotMet, "badge.consult_lab_not_met"),
        LabStatus::Missing => (LabStanding::Missing, "badge.consult_lab_missing"),
        LabStatus::NotApplicable => (LabStanding::NoLimit, "badge.consult_no_limit"),
    };
    (standing, words(key, &[("limit", limit)]))
}

fn drugs(
    fields: &Fields,
    risk: Option<Risk>,
    asked: bool,
    known: &ThresholdInputs,
) -> Vec<DrugLine> {
    let chosen = get(fields, "anticoagulants").and_then(Value::as_array);
    let table = Thresholds::shipped();
    let choices = table.drug_choices();
    let line = |id: &Value| {
        let id = id.as_str()?;
        let name = choices.iter().find(|choice| choice.value == id)?.label.clone();
        let advice = table.drug(id, risk, known)?;
        let mut told = if asked {
            drug_told(&name, &advice)
        } else {
            words("consult.drug_unasked", &[("drug", &name)])
        };
        if let Some(note) = table.drug_note(id, risk) {
            told = format!("{told} {note}");
        }
        Some(DrugLine { id: id.to_owned(), name, told })
    };
    chosen.into_iter().flatten().filter_map(line).collect()
}

fn drug_told(drug: &str, advice: &DrugAdvice) -> String {
    let key = match (advice.action, advice.why) {
        (DrugAction::Hold, _) if advice.restart.is_empty() => "consult.drug_hold_only",
        (DrugAction::Hold, _) => "consult.drug_hold",
        (DrugAction::Continue, _) => "consult.drug_continue",
        (DrugAction::Defer, _) => "consult.drug_defer",
        (DrugAction::NoRecommendation, _) => "consult.drug_no_recommendation",
        (DrugAction::Ask, Some(WhyAsk::ClearanceMissing)) => "consult.drug_ask_clearance",
        (DrugAction::Ask, Some(WhyAsk::NotCovered)) => "consult.drug_ask_kidneys",
        (DrugAction::Ask, _) => "consult.drug_ask_risk",
    };
    words(key, &[("drug", drug), ("hold", &advice.hold), ("restart", &advice.restart)])
}
