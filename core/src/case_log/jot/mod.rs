//! The jot reader: one typed line in, what it says about a case out.
//!
//! A pure function over a compiled vocabulary. The words (synonyms, abbreviations, units, cues) are
//! content in `core/content/jot`; the grammar here knows numbers with units, clauses, scopes of
//! denial and history, and which of two statements wins. It never guesses: what a text does not
//! say stays empty, and a doubtful reading is a mark with `certain == false` outside the values.

mod complication;
mod context;
mod guidance;
mod lexicon;
mod line;
mod measure;
mod people;
mod procedure;
mod quantity;
mod reader;
mod reading;
mod role;
mod setting;
mod side;
mod spelling;
mod tags;
mod token;
mod vocabulary;

pub use people::StaffMember;
pub use reader::JotReader;
pub use reading::{JotField, JotMark, JotReading, JotValues, TextSpan};
pub use vocabulary::{VocabularyError, VocabularyFile};
