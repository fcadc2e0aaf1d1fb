//! Consults: what IR asks before it comes, how the labs stand, and what is said when it is presented.
//!
//! Templates are forms (`content/forms/consult-*.toml`), wording is content too
//! (`content/presentations/`), so that both can be changed by whoever uses them. Labs stand against the
//! thresholds of the calculators; nothing is decided here that the table leaves open.
//!
//! # Decision: shorthand is said in words, by a list
//! Consults are scribbled ("R IJ TDC 2 yr ago") and presented aloud. A list says what each scribble means;
//! what is not listed is read as it stands. The price is that the list is never complete; the gain that
//! nothing is invented and that anybody can see why a word came out.

mod labs;
mod line;
mod presentation;
mod prose;
mod shorthand;
mod template;
#[cfg(test)]
mod tests;

pub use labs::{DrugLine, LabFlag, LabStanding, LabsRead, read_labs};
pub use presentation::{Presentation, PresentationPart, PresentationPiece, present};
pub use template::PresentationTemplate;

/// The kind of record that a consult is.
pub const CONSULT: &str = "consult";
/// The kind of record that a user's own template for consults is.
pub const CONSULT_TEMPLATE: &str = "consult_template";
/// The kind of record that a user's own wording of presentations is.
pub const PRESENTATION_TEMPLATE: &str = "presentation_template";
