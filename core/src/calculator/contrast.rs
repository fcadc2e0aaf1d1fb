//! Contrast: premedication after a reaction, and kidneys.

use super::error::CalculatorError;
use super::given::Given;
use super::result::{CalculatorValue, Outcome};
use crate::content::ContentError;
use crate::content::source::{Table, Unique};

/// Regimens of the older document, and what the newer one says instead.
#[derive(Debug, Clone)]
pub(super) struct Premedication {
    regimens: Vec<(String, f64)>,
    advice: Vec<(String, String)>,
}

impl Premedication {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        let mut unique = Unique::default();
        let regimens = table.tables("regimen", |one| {
            let id = one.text("id")?;
            unique.add(&id, || one.place("id"))?;
            Ok((one.text("text")?, one.number("hours")?))
        })?;
        let advice =
            table.tables("advice", |one| Ok((one.text("reaction")?, one.text("word")?)))?;
        for (list, key) in [(regimens.is_empty(), "regimen"), (advice.is_empty(), "advice")] {
            if list {
                return Err(ContentError::Missing { place: table.place(key) });
            }
        }
        Ok(Self { regimens, advice })
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let hours = given.number("hours_until_contrast")?;
        let reaction = given.word("reaction")?;
        let fits = self.regimens.iter().filter(|(_, needed)| hours >= *needed);
        let mut texts: Vec<String> = fits.map(|(text, _)| text.clone()).collect();
        if texts.is_empty() {
            texts.push("none_fits".to_owned());
        }
        let mut outcome = Outcome::default();
        outcome.push("acr_manual", "", CalculatorValue::Texts { texts });
        let advice = self.advice.iter().find(|(known, _)| known == reaction);
        Ok(outcome.word("acr_aaaai_2025", advice.map_or("avoid", |(_, word)| word)))
    }
}

/// Filtration below which something is advised, mL/min/1.73 m².
#[derive(Debug, Clone)]
pub(super) struct ContrastKidney {
    saline: f64,
    individual: f64,
    metformin: f64,
}

impl ContrastKidney {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        Ok(Self {
            saline: table.number("saline_below")?,
            individual: table.number("individual_below")?,
            metformin: table.number("metformin_below")?,
        })
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let outcome = Outcome::default().word("fluids", self.fluids(given)?);
        Ok(outcome.word("metformin", self.metformin(given)?))
    }

    fn fluids(&self, given: &Given<'_>) -> Result<&'static str, CalculatorError> {
        let (injury, dialysis) = (given.flag("acute_kidney_injury"), given.flag("dialysis"));
        if given.word("route")? == "arterial" || (injury && dialysis) {
            return Ok("ask");
        }
        if injury || dialysis {
            return Ok(if injury { "saline" } else { "none" });
        }
        Ok(match given.number("egfr_ml_min_173m2")? {
            egfr if egfr < self.saline => "saline",
            egfr if egfr < self.individual => "individual",
            _ => "none",
        })
    }

    fn metformin(&self, given: &Given<'_>) -> Result<&'static str, CalculatorError> {
        if !given.flag("metformin") {
            return Ok("not_applicable");
        }
        let arterial = given.word("route")? == "arterial";
        if given.flag("acute_kidney_injury") || (arterial && given.flag("renal_emboli_risk")) {
            return Ok("hold_48h");
        }
        if given.flag("dialysis") {
            return Ok("ask");
        }
        let low = given.number("egfr_ml_min_173m2")? < self.metformin;
        Ok(if low { "hold_48h" } else { "continue" })
    }
}
