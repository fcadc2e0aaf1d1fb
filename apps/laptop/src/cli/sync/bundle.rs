//! `bundle`: what another device lacks as a file, where the network keeps the two apart.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use seldinger_core::content::words;
use seldinger_core::logbook::{BundleTo, ImportSource, Logbook, Peer};
use seldinger_core::store::Existing;
use serde_json::json;

use super::devices::named;
use crate::cli::{job, look, tell_recovery_code, warn_of_identifiers};
use crate::exchange::host_name;
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out};

/// What happens to a bundle.
#[derive(Subcommand)]
pub enum BundleCommand {
    /// Write what another device lacks to a file that only that device can read.
    Export(ExportArgs),
    /// Take in a file that another device made for this one.
    Import(ImportArgs),
}

/// A bundle to be made.
#[derive(Args)]
pub struct ExportArgs {
    /// Where to.
    file: PathBuf,
    /// Which device it is for: its name, or the beginning of its fingerprint. Not needed where there is one.
    #[arg(long, value_name = "DEVICE", conflicts_with = "first")]
    to: Option<String>,
    /// For a device that this log was never paired with: shows a code to type there.
    #[arg(long)]
    first: bool,
    /// The code that came with a first bundle: seals the answer to it.
    #[arg(long, value_name = "CODE", conflicts_with = "first")]
    code: Option<String>,
    /// What this device is called on the other one; without it, as this machine is called.
    #[arg(long)]
    name: Option<String>,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
    /// The outcome as one JSON object.
    #[arg(long)]
    json: bool,
}

/// A bundle to be taken in.
#[derive(Args)]
pub struct ImportArgs {
    /// What the other device made.
    file: PathBuf,
    /// The code that was shown where a first bundle was made; its maker is paired by it.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// The outcome as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Makes a bundle, or takes one in.
pub fn bundle(home: &Home, command: &BundleCommand) -> Result<(), Failure> {
    match command {
        BundleCommand::Export(args) => {
            let book = home.existing()?.book;
            home.places.check_output(&args.file)?;
            export(&Arc::new(book), args)
        }
        BundleCommand::Import(args) => {
            // Where nothing was written yet, a first bundle may be what comes first.
            let opened = home.existing_or_new()?;
            if let Some(code) = &opened.recovery_code {
                tell_recovery_code(code, opened.vault.mode);
            }
            import(&Arc::new(opened.book), args)
        }
    }
}

fn export(book: &Arc<Logbook>, args: &ExportArgs) -> Result<(), Failure> {
    let to = if args.first {
        BundleTo::Stranger
    } else {
        let fingerprint = recipient(book, args.to.as_deref())?.fingerprint;
        BundleTo::Device { fingerprint, code: args.code.clone() }
    };
    warn_of_identifiers(book, None)?;
    let name = args.name.clone().unwrap_or_else(host_name);
    let existing = Existing::replaced_if(args.force);
    let made = job::run(book.make_bundle_job(&args.file, existing, &to, &name)?, "Sealing")?;
    let mut out = Out::new();
    if args.json {
        let said = json!({ "records": made.records, "part": made.is_part, "code": made.code });
        out.line(said)?;
    } else if let Some(code) = &made.code {
        look::pair(&mut out, "code", code)?;
    }
    out.flush()?;
    let file = args.file.display().to_string();
    let records = made.records.to_string();
    say::note(&words("app.bundle_made", &[("file", &file), ("records", &records)]));
    if made.is_part {
        say::note(&words("app.bundle_is_part", &[]));
    }
    if made.code.is_some() {
        say::note(&words("app.bundle_first", &[]));
    }
    Ok(())
}

/// The device that is named, or the only one.
fn recipient(book: &Logbook, given: Option<&str>) -> Result<Peer, Failure> {
    if let Some(given) = given {
        return named(book, given);
    }
    let mut live: Vec<Peer> = book.peers()?.into_iter().filter(|peer| !peer.is_revoked).collect();
    match live.len() {
        0 => Err(Failure::NotPaired),
        1 => Ok(live.remove(0)),
        _ => Err(Failure::WhichDevice(
            live.into_iter().map(|peer| peer.name).collect::<Vec<_>>().join(", "),
        )),
    }
}

fn import(book: &Arc<Logbook>, args: &ImportArgs) -> Result<(), Failure> {
    let source = ImportSource::Path(args.file.clone());
    let taken = job::run(book.take_bundle_job(&source, args.code.as_deref())?, "Reading")?;
    let mut out = Out::new();
    if args.json {
        out.line(json!({
            "device": taken.fingerprint,
            "name": taken.name,
            "records": taken.records,
            "set_aside": taken.set_aside,
            "waiting": taken.waiting,
        }))?;
    }
    out.flush()?;
    let name = taken.name.as_str();
    let records = taken.records.to_string();
    say::note(&words("app.bundle_taken", &[("name", name), ("records", &records)]));
    if taken.set_aside > 0 {
        say::note(&words("badge.set_aside", &[("count", &taken.set_aside.to_string())]));
    }
    if taken.waiting > 0 {
        let waiting = taken.waiting.to_string();
        let values = [("name", name), ("waiting", waiting.as_str())];
        // By then the other may not know this device yet.
        say::note(&match args.code {
            Some(_) => words("app.bundle_answer_by_code", &values),
            None => words("app.bundle_answer", &values),
        });
    }
    Ok(())
}
