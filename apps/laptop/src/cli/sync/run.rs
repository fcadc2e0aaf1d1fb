//! `sync`: calls every device until all have everything, or for as long as it runs.

use std::time::{Duration, Instant};

use clap::Args;
use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::lan::{DeviceStatus, SyncState, SyncStatus, SyncTrouble};
use seldinger_core::sync::Fingerprint;
use seldinger_core::time::UtcMillis;
use serde_json::{Value, json};

use super::{Session, Woken, claim, devices};
use crate::cli::job;
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// How it syncs.
#[derive(Args)]
pub struct SyncArgs {
    /// End when all devices have everything, or when none can be reached.
    #[arg(long)]
    once: bool,
    /// The outcome as one JSON object; without --once, one for each change.
    #[arg(long)]
    json: bool,
}

/// How long a device that is not called any more has to call by itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether anything changed.
const TICK: Duration = Duration::from_millis(250);

/// Syncs.
pub fn sync(home: &Home, args: &SyncArgs) -> Result<(), Failure> {
    let claim = claim(home)?;
    let opened = home.existing()?;
    let session = Session::begin(home, claim, opened, None)?;
    if !session.exchange.is_paired()? {
        return Err(Failure::NotPaired);
    }
    // Also whoever cannot be called may call.
    session.exchange.tend()?;
    if !args.once {
        return keep_on(&session, args.json);
    }
    let outcome = until_in_step(&session);
    let status = session.exchange.service().status()?;
    let mut out = Out::new();
    if args.json {
        out.line(status_json(&status))?;
    } else if outcome.is_ok() {
        out.line(plain(&status.text))?;
    } else if matches!(outcome, Err(Failure::Book(LogbookError::Cancelled))) {
        // Whoever stops it is told how far it came.
        let waiting = words("badge.waiting", &[("count", &status.waiting.to_string())]);
        out.line(plain(&format!("{}, {waiting}", status.text)))?;
    }
    out.flush()?;
    let twice = session.book.written_twice()?.len();
    if outcome.is_ok() && twice > 0 {
        say::note(&words("app.written_twice_in", &[("count", &twice.to_string())]));
    }
    outcome
}

/// Until it is stopped.
fn keep_on(session: &Session, as_json: bool) -> Result<(), Failure> {
    let mut said = None;
    loop {
        let status = session.exchange.service().status()?;
        let line = if as_json { status_json(&status).to_string() } else { line(&status) };
        if said.as_ref() != Some(&line) {
            let mut out = Out::new();
            out.line(&line)?;
            out.flush()?;
            said = Some(line);
        }
        if matches!(session.next(Duration::from_secs(5)), Woken::Stopped) {
            return Ok(());
        }
        session.exchange.tend()?;
    }
}

fn line(status: &SyncStatus) -> String {
    let told = status.told.as_ref().map(|told| format!(". {}", told.line())).unwrap_or_default();
    plain(&format!("{}{told}", status.text))
}

/// Until every device has everything and we have everything of each.
pub fn until_in_step(session: &Session) -> Result<(), Failure> {
    let begun = (Instant::now(), session.begun);
    let bar = job::bar("Syncing");
    let ended = loop {
        let status = session.exchange.service().status()?;
        if let SyncState::Syncing { done, total } = status.state {
            bar.set_length(total);
            bar.set_position(done);
        }
        let live = || status.devices.iter().filter(|device| !device.peer.is_revoked);
        if live().all(|device| is_in_step(device, begun.1)) {
            break Ok(());
        }
        if let Some(failure) = failure(session, live(), begun) {
            break Err(failure);
        }
        if matches!(session.next(TICK), Woken::Stopped) {
            break Err(LogbookError::Cancelled.into());
        }
    };
    bar.finish_and_clear();
    if ended.is_ok() {
        session.linger(Duration::from_millis(200));
    }
    ended
}

/// In step in this run, whatever was before.
fn is_in_step(device: &DeviceStatus, since: UtcMillis) -> bool {
    matches!(device.state, SyncState::UpToDate { .. })
        && device.peer.synced.is_some_and(|synced| synced.utc >= since)
}

/// Why it is no use to go on: each device is in step, has failed, or is out of reach.
fn failure<'a>(
    session: &Session,
    devices: impl Iterator<Item = &'a DeviceStatus>,
    (begun, since): (Instant, UtcMillis),
) -> Option<Failure> {
    let mut away = Vec::new();
    let mut failed = None;
    for device in devices.filter(|device| !is_in_step(device, since)) {
        if let SyncState::Failed { trouble } = device.state {
            failed = failed.or(Some(trouble));
            continue;
        }
        let known = device.peer.fingerprint.parse::<Fingerprint>().ok();
        let called = known.is_some_and(|peer| session.exchange.service().is_calling(&peer));
        if device.is_connected || called || begun.elapsed() < PATIENCE {
            return None;
        }
        away.push(device.peer.name.clone());
    }
    match failed {
        // Its own thread met what the log said.
        Some(SyncTrouble::Book) => {
            Some(Failure::Ended { told: SyncTrouble::Book.wording(), exit_code: 6 })
        }
        Some(trouble) => Some(Failure::Told(trouble.wording())),
        None => Some(Failure::OutOfReach(away.join(", "))),
    }
}

/// Everything that is known, for scripts.
fn status_json(status: &SyncStatus) -> Value {
    let told = status.told.as_ref().map(seldinger_core::content::Wording::line);
    let devices = status.devices.iter().map(|device| {
        let mut about = devices::json_of(&device.peer);
        about["state"] = json!(state_name(&device.state));
        about["connected"] = json!(device.is_connected);
        about["clock_ahead_min"] = json!(device.clock_ahead_min);
        about
    });
    json!({
        "state": state_name(&status.state),
        "text": status.text,
        "told": told,
        "waiting": status.waiting,
        "devices": devices.collect::<Vec<_>>(),
    })
}

fn state_name(state: &SyncState) -> &'static str {
    match state {
        SyncState::Alone => "alone",
        SyncState::Offline => "offline",
        SyncState::Syncing { .. } => "syncing",
        SyncState::Failed { .. } => "failed",
        SyncState::UpToDate { .. } => "up_to_date",
    }
}
