//! `devices`: who this log is exchanged with, and who no longer.

use clap::{Args, Subcommand};
use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::{Logbook, Peer};
use seldinger_core::time::Moment;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// The devices, or what happens to one.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DevicesArgs {
    #[command(subcommand)]
    command: Option<DevicesCommand>,
    /// One JSON object a device.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum DevicesCommand {
    /// End the exchange with a device, here and on every other device that hears of it.
    Revoke {
        /// Its name, or the beginning of its fingerprint.
        device: String,
    },
}

/// Digits of a fingerprint that a person compares.
const SHORT: usize = 16;
/// The shortest beginning that names a device.
const LEAST: usize = 4;

/// Lists, or revokes.
pub fn devices(home: &Home, args: &DevicesArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    match &args.command {
        None => list(&book, args.json),
        Some(DevicesCommand::Revoke { device }) => revoke(&book, device),
    }
}

fn list(book: &Logbook, as_json: bool) -> Result<(), Failure> {
    let peers = book.peers()?;
    let mut out = Out::new();
    for peer in &peers {
        if as_json {
            out.line(json_of(peer))?;
        } else {
            out.line(line(peer))?;
        }
    }
    if peers.is_empty() && !as_json {
        say::note(&words("app.no_devices", &[]));
    }
    out.flush()
}

fn line(peer: &Peer) -> String {
    let short: String = peer.fingerprint.chars().take(SHORT).collect();
    let state = if peer.is_revoked {
        words("badge.revoked", &[])
    } else {
        let synced = peer.synced.as_ref().map_or_else(
            || words("badge.never_synced", &[]),
            |at| words("app.synced_at", &[("time", &when(at))]),
        );
        match peer.waiting {
            0 => synced,
            waiting => {
                let waiting = words("badge.waiting", &[("count", &waiting.to_string())]);
                format!("{synced}, {waiting}")
            }
        }
    };
    format!("{short}  {:20}  {state}", plain(&peer.name)).trim_end().to_owned()
}

fn when(at: &Moment) -> String {
    format!("{} {}", at.day().iso(), at.clock_time())
}

/// A device for scripts.
pub fn json_of(peer: &Peer) -> Value {
    json!({
        "fingerprint": peer.fingerprint,
        "name": peer.name,
        "paired": peer.paired.as_ref().map(Moment::rfc3339),
        "synced": peer.synced.as_ref().map(Moment::rfc3339),
        "waiting": peer.waiting,
        "refused": peer.refused,
        "revoked": peer.is_revoked,
    })
}

fn revoke(book: &Logbook, given: &str) -> Result<(), Failure> {
    let peer = named(book, given)?;
    let fingerprint = peer.fingerprint.parse().map_err(|_| LogbookError::Io)?;
    book.revoke(fingerprint)?;
    say::note(&words("sync.revoked", &[("name", &peer.name)]));
    Ok(())
}

/// The device of that name or fingerprint.
pub fn named(book: &Logbook, given: &str) -> Result<Peer, Failure> {
    let wanted = given.to_lowercase();
    let by_print = wanted.len() >= LEAST;
    let mut found: Vec<Peer> = book
        .peers()?
        .into_iter()
        .filter(|peer| !peer.is_revoked)
        .filter(|peer| {
            peer.name.to_lowercase() == wanted
                || (by_print && peer.fingerprint.starts_with(&wanted))
        })
        .collect();
    match found.len() {
        0 => Err(Failure::NoSuchDevice(given.to_owned())),
        1 => Ok(found.remove(0)),
        _ => Err(Failure::ManyDevices(given.to_owned())),
    }
}
