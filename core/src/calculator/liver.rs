//! MELD, MELD-Na, MELD 3.0 and Child-Pugh.

use super::error::CalculatorError;
use super::given::Given;
use super::result::{CalculatorValue, Outcome};
use super::round::{half_up, within};
use crate::content::ContentError;
use crate::content::source::Table;

/// What the MELD scores are worked out of; each takes what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct MeldInputs {
    /// Total bilirubin, mg/dL.
    pub bilirubin_mg_dl: f64,
    /// INR.
    pub inr: f64,
    /// Creatinine, mg/dL.
    pub creatinine_mg_dl: f64,
    /// Counts as the highest creatinine.
    pub dialysis: bool,
    /// Sodium, mmol/L.
    pub sodium_mmol_l: f64,
    /// Albumin, g/dL.
    pub albumin_g_dl: f64,
    /// The sex that adds points in MELD 3.0.
    pub female: bool,
}

impl MeldInputs {
    fn of(given: &Given<'_>) -> Result<Self, CalculatorError> {
        Ok(Self {
            bilirubin_mg_dl: given.number("bilirubin_mg_dl")?,
            inr: given.number("inr")?,
            creatinine_mg_dl: given.number("creatinine_mg_dl")?,
            dialysis: given.flag("dialysis"),
            ..Self::default()
        })
    }
}

/// Coefficients of MELD.
#[derive(Debug, Clone)]
pub(super) struct Meld {
    bilirubin: f64,
    inr: f64,
    creatinine: f64,
    constant: f64,
    lab_low: f64,
    creatinine_high: f64,
    creatinine_dialysis: f64,
    score_low: f64,
    score_high: f64,
}

impl Meld {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        Ok(Self {
            bilirubin: table.number("bilirubin")?,
            inr: table.number("inr")?,
            creatinine: table.number("creatinine")?,
            constant: table.number("constant")?,
            lab_low: table.number("lab_low")?,
            creatinine_high: table.number("creatinine_high")?,
            creatinine_dialysis: table.number("creatinine_dialysis")?,
            score_low: table.number("score_low")?,
            score_high: table.number("score_high")?,
        })
    }

    /// A whole number without bounds: what MELD-Na goes on from.
    fn whole(&self, labs: &MeldInputs) -> f64 {
        let creatinine = if labs.dialysis {
            self.creatinine_dialysis
        } else {
            within(labs.creatinine_mg_dl, self.lab_low, self.creatinine_high)
        };
        half_up(
            self.creatinine * creatinine.ln()
                + self.bilirubin * labs.bilirubin_mg_dl.max(self.lab_low).ln()
                + self.inr * labs.inr.max(self.lab_low).ln()
                + self.constant,
        )
    }

    /// The score.
    pub fn score(&self, labs: &MeldInputs) -> f64 {
        within(self.whole(labs), self.score_low, self.score_high)
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let labs = MeldInputs::of(given)?;
        Ok(Outcome::default().number("value", self.score(&labs)))
    }
}

/// Coefficients of MELD-Na.
#[derive(Debug, Clone)]
pub(super) struct MeldNa {
    meld: Meld,
    sodium: f64,
    sodium_by_meld: f64,
    sodium_low: f64,
    sodium_high: f64,
    sodium_counts_above: f64,
}

impl MeldNa {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        Ok(Self {
            meld: Meld::read(table)?,
            sodium: table.number("sodium")?,
            sodium_by_meld: table.number("sodium_by_meld")?,
            sodium_low: table.number("sodium_low")?,
            sodium_high: table.number("sodium_high")?,
            sodium_counts_above: table.number("sodium_counts_above")?,
        })
    }

    /// The score. MELD is whole before it is compared and before sodium comes in.
    pub fn score(&self, labs: &MeldInputs) -> f64 {
        let meld = self.meld.whole(labs);
        let lacking =
            self.sodium_high - within(labs.sodium_mmol_l, self.sodium_low, self.sodium_high);
        let score = if meld > self.sodium_counts_above {
            meld + self.sodium * lacking - self.sodium_by_meld * meld * lacking
        } else {
            meld
        };
        within(half_up(score), self.meld.score_low, self.meld.score_high)
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let sodium_mmol_l = given.number("sodium_mmol_l")?;
        let labs = MeldInputs { sodium_mmol_l, ..MeldInputs::of(given)? };
        Ok(Outcome::default().number("value", self.score(&labs)))
    }
}

/// Coefficients of MELD 3.0.
#[derive(Debug, Clone)]
pub(super) struct Meld3 {
    female: f64,
    bilirubin: f64,
    sodium: f64,
    sodium_by_bilirubin: f64,
    inr: f64,
    creatinine: f64,
    albumin: f64,
    albumin_by_creatinine: f64,
    constant: f64,
    lab_low: f64,
    creatinine_high: f64,
    creatinine_dialysis: f64,
    sodium_bounds: (f64, f64),
    albumin_bounds: (f64, f64),
    score_bounds: (f64, f64),
}

impl Meld3 {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        let bounds = |low: &str, high: &str| Ok((table.number(low)?, table.number(high)?));
        Ok(Self {
            female: table.number("female")?,
            bilirubin: table.number("bilirubin")?,
            sodium: table.number("sodium")?,
            sodium_by_bilirubin: table.number("sodium_by_bilirubin")?,
            inr: table.number("inr")?,
            creatinine: table.number("creatinine")?,
            albumin: table.number("albumin")?,
            albumin_by_creatinine: table.number("albumin_by_creatinine")?,
            constant: table.number("constant")?,
            lab_low: table.number("lab_low")?,
            creatinine_high: table.number("creatinine_high")?,
            creatinine_dialysis: table.number("creatinine_dialysis")?,
            sodium_bounds: bounds("sodium_low", "sodium_high")?,
            albumin_bounds: bounds("albumin_low", "albumin_high")?,
            score_bounds: bounds("score_low", "score_high")?,
        })
    }

    /// The score.
    pub fn score(&self, labs: &MeldInputs) -> f64 {
        let lacking = |value, (low, high): (f64, f64)| high - within(value, low, high);
        let creatinine = if labs.dialysis {
            self.creatinine_dialysis
        } else {
            within(labs.creatinine_mg_dl, self.lab_low, self.creatinine_high)
        };
        let creatinine = creatinine.ln();
        let bilirubin = labs.bilirubin_mg_dl.max(self.lab_low).ln();
        let sodium = lacking(labs.sodium_mmol_l, self.sodium_bounds);
        let albumin = lacking(labs.albumin_g_dl, self.albumin_bounds);
        let score = if labs.female { self.female } else { 0.0 }
            + self.bilirubin * bilirubin
            + self.sodium * sodium
            - self.sodium_by_bilirubin * sodium * bilirubin
            + self.inr * labs.inr.max(self.lab_low).ln()
            + self.creatinine * creatinine
            + self.albumin * albumin
            - self.albumin_by_creatinine * albumin * creatinine
            + self.constant;
        within(half_up(score), self.score_bounds.0, self.score_bounds.1)
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let labs = MeldInputs {
            sodium_mmol_l: given.number("sodium_mmol_l")?,
            albumin_g_dl: given.number("albumin_g_dl")?,
            female: given.word("sex")? == "female",
            ..MeldInputs::of(given)?
        };
        Ok(Outcome::default().number("value", self.score(&labs)))
    }
}

/// What Child-Pugh is counted from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ChildPughInputs {
    /// Total bilirubin, mg/dL.
    pub bilirubin_mg_dl: f64,
    /// Albumin, g/dL.
    pub albumin_g_dl: f64,
    /// INR.
    pub inr: f64,
    /// 1 none, 2 mild, 3 more.
    pub ascites_points: u32,
    /// 0 to 4.
    pub encephalopathy_grade: f64,
}

/// Cuts of Child-Pugh.
#[derive(Debug, Clone)]
pub(super) struct ChildPugh {
    bilirubin: (f64, f64),
    albumin: (f64, f64),
    inr: (f64, f64),
    encephalopathy: (f64, f64),
    class_a_to: f64,
    class_b_to: f64,
}

impl ChildPugh {
    pub fn read(table: &Table<'_>) -> Result<Self, ContentError> {
        let cuts = |low: &str, high: &str| Ok((table.number(low)?, table.number(high)?));
        Ok(Self {
            bilirubin: cuts("bilirubin_two_from", "bilirubin_two_to")?,
            albumin: cuts("albumin_two_from", "albumin_one_above")?,
            inr: cuts("inr_two_from", "inr_two_to")?,
            encephalopathy: cuts("encephalopathy_two_from", "encephalopathy_three_from")?,
            class_a_to: table.number("class_a_to")?,
            class_b_to: table.number("class_b_to")?,
        })
    }

    /// Points, 5 to 15.
    pub fn points(&self, findings: &ChildPughInputs) -> u32 {
        let rising = |value: f64, (two_from, two_to): (f64, f64)| match value {
            value if value < two_from => 1,
            value if value <= two_to => 2,
            _ => 3,
        };
        let albumin = match findings.albumin_g_dl {
            value if value > self.albumin.1 => 1,
            value if value >= self.albumin.0 => 2,
            _ => 3,
        };
        let encephalopathy = match findings.encephalopathy_grade {
            grade if grade < self.encephalopathy.0 => 1,
            grade if grade < self.encephalopathy.1 => 2,
            _ => 3,
        };
        rising(findings.bilirubin_mg_dl, self.bilirubin)
            + albumin
            + rising(findings.inr, self.inr)
            + findings.ascites_points.clamp(1, 3)
            + encephalopathy
    }

    fn class(&self, points: f64) -> &'static str {
        match points {
            points if points <= self.class_a_to => "A",
            points if points <= self.class_b_to => "B",
            _ => "C",
        }
    }

    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        let ascites_points = match given.word("ascites")? {
            "none" => 1,
            "mild" => 2,
            _ => 3,
        };
        let findings = ChildPughInputs {
            bilirubin_mg_dl: given.number("bilirubin_mg_dl")?,
            albumin_g_dl: given.number("albumin_g_dl")?,
            inr: given.number("inr")?,
            ascites_points,
            encephalopathy_grade: given.number("encephalopathy_grade")?,
        };
        let points = f64::from(self.points(&findings));
        let mut outcome = Outcome::default().number("points", points);
        let text = self.class(points).to_owned();
        outcome.push("class", "", CalculatorValue::Text { text });
        Ok(outcome)
    }
}
