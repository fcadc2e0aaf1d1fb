//! The form engine: every entry form of the product is drawn from a definition and read back here.
//!
//! A definition is data (`content/forms/`, or a user's own). `fill` makes of it and a record what a
//! shell draws without knowing its meaning; `changes` makes of what was typed what is to be written,
//! and only that. Nothing is refused: what cannot be read is kept as typed, with a warning.

mod adverse_event;
mod calculation;
mod change;
mod clock;
mod definition;
mod read;
mod render;
mod show;
mod view;
mod warning;
mod write;

pub use adverse_event::{AdverseEventGrade, AdverseEventScheme, adverse_event_schemes};
pub use calculation::{calculate_typed, calculator_definition, calculator_form};
pub use change::{FormChanges, TypedField, changes};
pub use clock::{EntryContext, TypedTime, moment};
pub use definition::{FieldKind, FormChoice, FormDefinition, FormField, FormSection};
pub use read::{Reading, read};
pub use render::{TextStyle, render};
pub use show::{display, labels, texts};
pub use view::{
    FieldView, FormView, OptionView, RecentValues, SectionView, fill, overlay, warnings,
};
pub use warning::{FormProblem, FormWarning};
