//! The same records between two PouchDB, over HTTP on the loopback address.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::transfer::{RECORDS, lines};
use crate::measure::{Outcome, micros};
use crate::sample::Sample;
use crate::table::Row;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pouchdb");

/// Installs it in a folder that goes away, and lets it push and pull; `ours` is what we took.
pub fn pouchdb(sample: &Sample, ours: Duration) -> Outcome<Row> {
    let folder = tempfile::tempdir()?;
    for file in ["package.json", "package-lock.json", "bench.mjs"] {
        fs::copy(Path::new(FOLDER).join(file), folder.path().join(file))?;
    }
    fs::write(folder.path().join("records.jsonl"), lines(sample)?.join("\n"))?;
    run(folder.path(), "npm", &["ci", "--silent", "--no-audit", "--no-fund"])?;
    let said = run(folder.path(), "node", &["bench.mjs", "records.jsonl"])?;
    let told: serde_json::Value = serde_json::from_str(said.trim())?;
    let of = |name: &str| told[name].as_f64().ok_or("PouchDB told no time");
    let (push_ms, pull_ms) = (of("push_ms")?, of("pull_ms")?);
    let (ours, theirs) = (micros(ours), (push_ms + pull_ms) * 1000.0);
    Ok(Row {
        name: format!("sync {RECORDS} records, PouchDB and express-pouchdb"),
        ours,
        baseline: theirs,
        unit: "us",
        ratio: ours / theirs,
        goal: Some(1.0 / 14.0),
        remark: format!(
            "{:.0}× faster; it pushes in {push_ms:.0} ms and pulls in {pull_ms:.0}, over HTTP, unencrypted",
            theirs / ours
        ),
    })
}

fn run(folder: &Path, program: &str, words: &[&str]) -> Outcome<String> {
    let done = Command::new(program).args(words).current_dir(folder).output()?;
    if !done.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}
