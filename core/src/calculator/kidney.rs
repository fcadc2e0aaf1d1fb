//! Kidney function: estimated filtration and creatinine clearance.

use super::error::CalculatorError;
use super::given::Given;
use super::result::Outcome;
use crate::content::ContentError;
use crate::content::source::Table;

/// What filtration is estimated from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FiltrationInputs {
    /// Creatinine, mg/dL.
    pub creatinine_mg_dl: f64,
    /// Age, years.
    pub age_years: f64,
    /// Sex.
    pub female: bool,
}

/// Coefficients of CKD-EPI 2021.
#[derive(Debug, Clone)]
pub(super) struct CkdEpi2021 {
    factor: f64,
    creatinine: BySex,
    exponent: BySex,
    exponent_above: f64,
    each_year: f64,
    female: f64,
}

#[derive(Debug, Clone, Copy)]
struct BySex {
    female: f64,
    male: f64,
}

impl BySex {
    fn of(self, female: bool) -> f64 {
        if female { self.female } else { self.male }
    }
}

impl CkdEpi2021 {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        let by_sex =
            |female, male| Ok(BySex { female: table.number(female)?, male: table.number(male)? });
        Ok(Self {
            factor: table.number("factor")?,
            creatinine: by_sex("creatinine_female", "creatinine_male")?,
            exponent: by_sex("exponent_female", "exponent_male")?,
            exponent_above: table.number("exponent_above")?,
            each_year: table.number("each_year")?,
            female: table.number("female")?,
        })
    }

    /// mL/min/1.73 m².
    pub fn filtration(&self, inputs: &FiltrationInputs) -> f64 {
        let share = inputs.creatinine_mg_dl / self.creatinine.of(inputs.female);
        self.factor
            * share.min(1.0).powf(self.exponent.of(inputs.female))
            * share.max(1.0).powf(self.exponent_above)
            * self.each_year.powf(inputs.age_years)
            * if inputs.female { self.female } else { 1.0 }
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let inputs = FiltrationInputs {
            creatinine_mg_dl: given.number("creatinine_mg_dl")?,
            age_years: given.number("age_years")?,
            female: given.word("sex")? == "female",
        };
        Ok(Outcome::default().number("value", self.filtration(&inputs)))
    }
}

/// What clearance is estimated from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ClearanceInputs {
    /// Age, years.
    pub age_years: f64,
    /// Weight, kg.
    pub weight_kg: f64,
    /// Creatinine, mg/dL.
    pub creatinine_mg_dl: f64,
    /// Sex.
    pub female: bool,
}

/// Coefficients of Cockcroft-Gault.
#[derive(Debug, Clone)]
pub(super) struct CockcroftGault {
    age_from: f64,
    divisor: f64,
    female: f64,
}

impl CockcroftGault {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        Ok(Self {
            age_from: table.number("age_from")?,
            divisor: table.number("divisor")?,
            female: table.number("female")?,
        })
    }

    /// mL/min.
    pub fn clearance(&self, inputs: &ClearanceInputs) -> f64 {
        (self.age_from - inputs.age_years) * inputs.weight_kg
            / (self.divisor * inputs.creatinine_mg_dl)
            * if inputs.female { self.female } else { 1.0 }
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let inputs = ClearanceInputs {
            age_years: given.number("age_years")?,
            weight_kg: given.number("weight_kg")?,
            creatinine_mg_dl: given.number("creatinine_mg_dl")?,
            female: given.word("sex")? == "female",
        };
        Ok(Outcome::default().number("value", self.clearance(&inputs)))
    }
}
