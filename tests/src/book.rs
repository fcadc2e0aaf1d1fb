//! Books to test with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use seldinger_core::logbook::Setup;
use seldinger_core::record::Fields;
use seldinger_core::store::Place;
use serde_json::{Value, json};

use crate::{FixedClock, MemoryVault, SeededIds};

/// A moment in the sample rotation, in UTC milliseconds.
const OCTOBER_MS: i64 = 1_792_000_000_000;

/// How a book in `folder` is opened: an empty vault, a clock that stands still, seeded ids.
pub fn setup(folder: &Path, seed: u64) -> Setup {
    Setup {
        place: Place::new(folder),
        vault: Arc::new(MemoryVault::default()),
        clock: Arc::new(FixedClock::at(OCTOBER_MS)),
        ids: Arc::new(SeededIds::new(seed)),
        installation: "this machine".to_owned(),
    }
}

/// The sample rotation.
pub fn rotation() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/rotation.jsonl")
}

/// A JSON object as a record's fields; nothing else has any.
pub fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// The fields of a case that tells its number.
pub fn case(number: u64, note: &str) -> Fields {
    fields(json!({
        "procedure": "picc", "role": "assisted", "attending": "Okafor", "fluoro_min": 0.5,
        "labs": {"inr": 1.0, "platelets": 200 + number}, "tags": ["on call", "teaching"], "note": note,
        "number": number,
    }))
}

/// A case that tells its number and has a note of about so many letters, which packs badly.
pub fn numbered(number: u64, letters: u64) -> Fields {
    let random = SeededIds::new(number);
    let words = (0..letters / 9).map(|_| format!("{:08x}", random.number() >> 32));
    case(number, &words.collect::<Vec<_>>().join(" "))
}
