//! Measures the core against the bare database, in the same run and with the same file settings, and
//! prints one table. See README.md.

// The table is this program's output.
#![allow(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bedside;
mod book;
mod find;
mod import;
mod jot;
mod measure;
mod open;
mod sample;
mod save;
mod shells;
mod sync;
mod table;

use std::path::PathBuf;

use seldinger_core::store::Synchronous;

use book::Bench;
use measure::Outcome;
use sample::Sample;
use table::Row;

/// The parts, as `--only` names them.
const PARTS: [&str; 11] = [
    "save", "edit", "find", "tally", "import", "jot", "bedside", "sync", "merge", "shells",
    "growth",
];

/// What was asked for on the command line.
struct Asked {
    growth: bool,
    /// Measures PouchDB, too, which npm installs.
    pouchdb: bool,
    /// Only rows of this part.
    only: Option<String>,
    cases: u64,
    json: PathBuf,
    /// What Kotlin and Swift measured.
    shells: Option<PathBuf>,
}

fn asked() -> Outcome<Asked> {
    let mut asked = Asked {
        growth: false,
        pouchdb: false,
        only: None,
        cases: 100_000,
        json: PathBuf::from("target/bench.json"),
        shells: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--growth" => asked.growth = true,
            "--pouchdb" => asked.pouchdb = true,
            "--only" => asked.only = Some(value()?),
            "--cases" => asked.cases = value()?.parse()?,
            "--json" => asked.json = PathBuf::from(value()?),
            "--shells" => asked.shells = Some(PathBuf::from(value()?)),
            _ => return Err(format!("unknown: {word}; see tests/bench/README.md").into()),
        }
    }
    if let Some(only) = asked.only.as_deref().filter(|only| !PARTS.contains(only)) {
        return Err(format!("no such part: {only}; there are {}", PARTS.join(", ")).into());
    }
    Ok(asked)
}

fn main() -> Outcome<()> {
    let asked = asked()?;
    let rows = measured(&asked)?;
    println!("{}", table::markdown(&rows));
    if let Some(folder) = asked.json.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&asked.json, serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

fn measured(asked: &Asked) -> Outcome<Vec<Row>> {
    let sample = Sample::new()?;
    let wanted = |part: &str| asked.only.as_deref().is_none_or(|only| only == part);
    let mut rows = Vec::new();
    if wanted("save") {
        eprintln!("saving");
        rows.push(save::save(&sample, Synchronous::Full, 1.5)?);
        rows.push(save::save(&sample, Synchronous::Normal, 2.5)?);
    }
    if wanted("edit") {
        eprintln!("editing");
        rows.push(save::edit(&sample)?);
    }
    if wanted("find") {
        eprintln!("making {} cases", asked.cases);
        let bench = Bench::with_cases(&sample, asked.cases)?;
        eprintln!("searching");
        rows.extend(find::search(&bench, asked.cases)?);
        rows.extend(find::pages(&bench, asked.cases)?);
        rows.push(open::open(&bench, asked.cases)?);
        rows.push(open::size(&sample, &bench, asked.cases)?);
    }
    if wanted("tally") {
        rows.push(find::tally(&Bench::with_cases(&sample, 10_000)?, 10_000)?);
    }
    if wanted("import") {
        eprintln!("importing");
        rows.push(import::import()?);
    }
    if wanted("jot") {
        eprintln!("reading jots");
        rows.extend(jot::jot()?);
        rows.extend(jot::long()?);
    }
    if wanted("bedside") {
        eprintln!("looking up");
        rows.extend(bedside::bedside()?);
    }
    if wanted("sync") {
        eprintln!("exchanging");
        rows.extend(sync::sync(&sample, asked.growth, asked.pouchdb)?);
    }
    if wanted("merge") {
        rows.push(sync::merge(&sample)?);
    }
    if let Some(file) = asked.shells.as_deref().filter(|_| wanted("shells")) {
        eprintln!("making the calls of Kotlin and Swift");
        rows.extend(shells::shells(file)?);
    }
    if asked.growth && wanted("growth") {
        eprintln!("growing to a million cases");
        rows.extend(open::growth(&sample)?);
    }
    if rows.is_empty() {
        return Err("nothing was measured: growth needs --growth, shells need --shells FILE".into());
    }
    Ok(rows)
}
