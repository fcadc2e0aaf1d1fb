//! `devices`: who this log is exchanged with, and who no longer.

use clap::{Args, Subcommand};
use seldinger_core::content::{wording, words};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::{Logbook, Peer, RevokedBy};
use seldinger_core::time::Moment;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::input;
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};
use crate::vault::is_interactive;

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
    /// End the exchange with a device for good, here and on every other device that hears of it.
    Revoke {
        /// Its name, or the beginning of its fingerprint.
        device: String,
        /// Its name once more, to confirm it where nobody can be asked.
        #[arg(long)]
        name: Option<String>,
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
        Some(DevicesCommand::Revoke { device, name }) => revoke(&book, device, name.as_deref()),
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
    // Of devices that others were paired with it is known, too.
    let mut is_alone = peers.is_empty();
    for revocation in book.revocations()?.iter().filter(|known| !known.is_peer) {
        is_alone = false;
        if as_json {
            out.line(json!({
                "fingerprint": revocation.fingerprint,
                "name": revocation.name,
                "revoked": true,
                "revoked_by": by_json(&revocation.by),
                "this_device": revocation.is_this_device,
            }))?;
        } else {
            out.line(row(&revocation.fingerprint, &revocation.name, &revoked(&revocation.by)))?;
        }
    }
    if is_alone && !as_json {
        say::note(&words("app.no_devices", &[]));
    }
    out.flush()
}

fn line(peer: &Peer) -> String {
    let state = if peer.is_revoked {
        revoked(&peer.revoked_by)
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
    row(&peer.fingerprint, &peer.name, &state)
}

fn row(fingerprint: &str, name: &str, state: &str) -> String {
    let short: String = fingerprint.chars().take(SHORT).collect();
    format!("{short}  {:20}  {state}", plain(name)).trim_end().to_owned()
}

/// By whom and when, each who did.
fn revoked(by: &[RevokedBy]) -> String {
    let told: Vec<String> = by.iter().map(RevokedBy::told).map(|told| plain(&told)).collect();
    if told.is_empty() { words("badge.revoked", &[]) } else { told.join("; ") }
}

fn by_json(by: &[RevokedBy]) -> Value {
    let each = by.iter().map(|by| {
        json!({
            "fingerprint": by.fingerprint,
            "name": by.name,
            "this_device": by.is_this_device,
            "at": by.at.as_ref().map(Moment::rfc3339),
        })
    });
    each.collect()
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
        "revoked_by": by_json(&peer.revoked_by),
    })
}

fn revoke(book: &Logbook, given: &str, name: Option<&str>) -> Result<(), Failure> {
    let peer = named(book, given)?;
    let fingerprint = peer.fingerprint.parse().map_err(|_| LogbookError::NotAnId)?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => confirmed(&peer)?.to_string(),
    };
    book.revoke(fingerprint, &name)?;
    say::note(&words("sync.revoked", &[("name", &peer.name)]));
    Ok(())
}

/// Its name, typed once more by whoever sits there.
fn confirmed(peer: &Peer) -> Result<Zeroizing<String>, Failure> {
    let short: String = peer.fingerprint.chars().take(LEAST * 2).collect();
    let name = if peer.name.is_empty() { short.clone() } else { plain(&peer.name) };
    let question = wording("app.revoke_type_name", &[("name", &name)]);
    if is_interactive() {
        say::note(&wording("app.revoke_means", &[]).line());
    }
    input::answer(&question)?.ok_or_else(|| {
        // The fingerprint stands in any shell as it is.
        let known = [("device", short.as_str()), ("name", &quoted(&name))];
        Failure::Misused(wording("app.revoke_needs_name", &known))
    })
}

/// As one word of a shell.
fn quoted(name: &str) -> String {
    if cfg!(windows) {
        return format!("\"{name}\"");
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

/// The device of that name or fingerprint.
pub fn named(book: &Logbook, given: &str) -> Result<Peer, Failure> {
    let wanted = given.to_lowercase();
    let by_print = wanted.len() >= LEAST;
    let is_meant = |peer: &Peer| {
        peer.name.to_lowercase() == wanted || (by_print && peer.fingerprint.starts_with(&wanted))
    };
    let meant: Vec<Peer> = book.peers()?.into_iter().filter(is_meant).collect();
    let (revoked, mut found): (Vec<Peer>, Vec<Peer>) =
        meant.into_iter().partition(|peer| peer.is_revoked);
    match found.len() {
        0 if !revoked.is_empty() => Err(Failure::RevokedDevice(given.to_owned())),
        0 => Err(Failure::NoSuchDevice(given.to_owned())),
        1 => Ok(found.remove(0)),
        _ => Err(Failure::ManyDevices(given.to_owned())),
    }
}
