//! What is said about a consult, as the paper beside it.

use std::borrow::Borrow;

use seldinger_core::consult::{LabFlag, LabStanding};
use seldinger_core::logbook::ConsultView;

/// The flag of a field, where it is a lab.
pub fn flag(view: &ConsultView, path: impl AsRef<str>) -> Option<&LabFlag> {
    view.labs.flags.iter().find(|flag| flag.path == path.as_ref())
}

/// How a flag is drawn.
pub fn class(standing: impl Borrow<LabStanding>) -> &'static str {
    match standing.borrow() {
        LabStanding::Met => "met",
        LabStanding::Borderline | LabStanding::Ask => "edge",
        LabStanding::NotMet => "not",
        LabStanding::Missing | LabStanding::NoLimit => "",
    }
}

/// `about 35 s`, `about 1 min 10 s`.
pub fn about(seconds: impl Borrow<u32>) -> String {
    let seconds = *seconds.borrow();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("about {seconds} s"),
        (minutes, 0) => format!("about {minutes} min"),
        (minutes, seconds) => format!("about {minutes} min {seconds} s"),
    }
}
