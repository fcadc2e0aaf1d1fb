//! Which formula works a calculator out, with the coefficients that its definition gives.

use super::contrast::{ContrastKidney, Premedication};
use super::convert::Convert;
use super::definition::Calculator;
use super::error::CalculatorError;
use super::given::Given;
use super::kidney::{CkdEpi2021, CockcroftGault};
use super::liver::{ChildPugh, Meld, Meld3, MeldNa};
use super::result::Outcome;
use super::sir2019;
use super::size::{French, Needles};
use crate::content::ContentError;
use crate::content::source::Table;

/// A formula and its coefficients.
#[derive(Debug, Clone)]
pub(super) enum Formula {
    Meld(Meld),
    MeldNa(MeldNa),
    Meld3(Meld3),
    ChildPugh(ChildPugh),
    CkdEpi2021(CkdEpi2021),
    CockcroftGault(CockcroftGault),
    FrenchToMm(French),
    MmToFrench(French),
    GaugeToMm(Needles),
    Convert(Convert),
    Premedication(Premedication),
    ContrastKidney(ContrastKidney),
    Sir2019,
}

impl Formula {
    /// Reads the coefficients of the formula that the definition names.
    pub fn read(table: &Table<'_>, definition: &Calculator) -> Result<Self, ContentError> {
        Ok(match table.text("formula")?.as_str() {
            "meld" => Self::Meld(numbers(table, Meld::read)?),
            "meld_na" => Self::MeldNa(numbers(table, MeldNa::read)?),
            "meld3" => Self::Meld3(numbers(table, Meld3::read)?),
            "child_pugh" => Self::ChildPugh(numbers(table, ChildPugh::read)?),
            "ckd_epi_2021" => Self::CkdEpi2021(numbers(table, CkdEpi2021::read)?),
            "cockcroft_gault" => Self::CockcroftGault(numbers(table, CockcroftGault::read)?),
            "french_to_mm" => Self::FrenchToMm(numbers(table, French::read)?),
            "mm_to_french" => Self::MmToFrench(numbers(table, French::read)?),
            "gauge_to_mm" => Self::GaugeToMm(numbers(table, Needles::read)?),
            "convert" => Self::Convert(Convert::read(table, definition)?),
            "contrast_premedication" => Self::Premedication(Premedication::read(table)?),
            "contrast_kidney" => Self::ContrastKidney(numbers(table, ContrastKidney::read)?),
            "sir2019" => Self::Sir2019,
            other => {
                return Err(ContentError::NotAllowed {
                    place: table.place("formula"),
                    found: other.to_owned(),
                    allowed: "a formula that the core has".to_owned(),
                });
            }
        })
    }

    /// Works it out.
    pub fn work(&self, given: &Given<'_>) -> Result<Outcome, CalculatorError> {
        match self {
            Self::Meld(meld) => meld.work(given),
            Self::MeldNa(meld) => meld.work(given),
            Self::Meld3(meld) => meld.work(given),
            Self::ChildPugh(scores) => scores.work(given),
            Self::CkdEpi2021(ckd) => ckd.work(given),
            Self::CockcroftGault(clearance) => clearance.work(given),
            Self::FrenchToMm(french) => french.to_mm(given),
            Self::MmToFrench(french) => french.of_mm(given),
            Self::GaugeToMm(needles) => needles.work(given),
            Self::Convert(convert) => convert.work(given),
            Self::Premedication(table) => table.work(given),
            Self::ContrastKidney(rules) => rules.work(given),
            Self::Sir2019 => sir2019::work(given),
        }
    }
}

fn numbers<T>(
    table: &Table<'_>,
    read: impl FnOnce(&Table<'_>) -> Result<T, ContentError>,
) -> Result<T, ContentError> {
    let missing = || ContentError::Missing { place: table.place("numbers") };
    table.table("numbers", read)?.ok_or_else(missing)
}
