//! The case log: case entries, the jot reader, list, tally and debrief.

pub mod debrief;
pub mod jot;
pub mod list;
pub(crate) mod named;
pub(crate) mod rows;
pub mod tally;
pub mod values;

pub use rows::search_expression;
