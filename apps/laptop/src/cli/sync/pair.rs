//! `pair`: shows a code, or takes one to the device that shows it.

use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use seldinger_core::content::{Wording, words};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::lan::{JoinView, PairingView, WindowView};
use seldinger_core::sync::TypedSecret;
use seldinger_core::sync::pairing::DigitsAnswer;

use super::{Session, Woken, claim, run};
use crate::cli::{job, look, tell_recovery_code};
use crate::failure::Failure;
use crate::open::Home;
use crate::qr::Qr;
use crate::say::{self, Out};

/// Which side of a pairing this is.
#[derive(Args)]
pub struct PairArgs {
    /// The code that the other device shows, scanned or typed.
    #[arg(required_unless_present = "show", conflicts_with = "show")]
    code: Vec<String>,
    /// Show a code for the other device.
    #[arg(long)]
    show: bool,
    /// Where the other device is, where it cannot be found.
    #[arg(long, value_name = "HOST:PORT", requires = "code")]
    at: Option<String>,
    /// What this device is called on the other one; without it, as this machine is called.
    #[arg(long)]
    name: Option<String>,
}

/// How often the time that is left is shown.
const TICK: Duration = Duration::from_secs(1);
/// How long devices that are announced have to be heard.
const AROUND: Duration = Duration::from_secs(5);

/// Pairs, and exchanges what both have. Where only the other device, or another one, is not reached any
/// more, pairing was all that was asked for, and is done. What else keeps the exchange from its end has
/// its own exit code, Ctrl-C as well, which is said not to have undone the pairing.
pub fn pair(home: &Home, args: &PairArgs) -> Result<(), Failure> {
    let claim = claim(home)?;
    let opened = home.existing_or_new()?;
    if let Some(code) = &opened.recovery_code {
        tell_recovery_code(code, opened.vault.mode);
    }
    let session = Session::begin(home, claim, opened, args.name.as_deref())?;
    if args.show {
        invite(&session)?;
    } else {
        join(&session, &args.code.join(" "), args.at.as_deref())?;
    }
    // Paired is done. What is left to exchange goes on at the next sync, and is said to.
    let Err(failure) = run::until_in_step(&session) else { return Ok(()) };
    say::note(&words("app.paired_not_synced", &[]));
    if !matches!(failure, Failure::OutOfReach(_)) {
        return Err(failure);
    }
    if let Some(told) = failure.wording() {
        say::note(&told.line());
    }
    Ok(())
}

fn invite(session: &Session) -> Result<(), Failure> {
    let shown = session.exchange.invite()?;
    show(session, &shown)?;
    session.listen_to_lines();
    let left = ProgressBar::with_draw_target(None, job::to_stderr());
    let mut asked = None;
    let mut tried = None;
    let mut nobody_types = false;
    // Whoever types at once may be faster than the other device's last word.
    let mut early: Option<String> = None;
    loop {
        if let Some(line) = early.take() {
            early = type_digits(session, line, &mut asked);
        }
        let Some(window) = session.exchange.service().window() else {
            return Err(LogbookError::Cancelled.into());
        };
        match window.state {
            PairingView::Open => left.set_message(time_left(session, &window)),
            PairingView::Digits if nobody_types && early.is_none() => {
                session.exchange.service().close_window();
                return Err(Failure::DigitsNeeded);
            }
            PairingView::Digits => {
                left.finish_and_clear();
                ask_once(&mut asked, &window.told);
            }
            PairingView::Paired => {
                left.finish_and_clear();
                say::note(&window.told.line());
                return Ok(());
            }
            PairingView::Closed => {
                left.finish_and_clear();
                return Err(Failure::Told(window.told));
            }
        }
        if window.tried != tried {
            tried.clone_from(&window.tried);
            say::note(tried.as_deref().unwrap_or_default());
        }
        match session.next(TICK) {
            Woken::Typed(line) => {
                early = type_digits(session, line, &mut asked);
                if early.is_some() {
                    say::note(&words("app.nobody_waits", &[]));
                }
            }
            Woken::NobodyTypes => nobody_types = true,
            Woken::Stopped => return Err(LogbookError::Cancelled.into()),
            Woken::Changed | Woken::Later => {}
        }
    }
}

/// The code on standard output, for a camera and for fingers.
fn show(session: &Session, window: &WindowView) -> Result<(), Failure> {
    let mut out = Out::new();
    if let Some(qr) = window.qr.as_deref().filter(|_| say::to_terminal()).and_then(Qr::of) {
        for line in qr.lines() {
            out.line(line)?;
        }
    }
    look::pair(&mut out, "code", window.code.as_deref().unwrap_or_default())?;
    for address in crate::exchange::addresses(session.exchange.service().port().unwrap_or(0)) {
        look::pair(&mut out, "at", &address)?;
    }
    out.flush()?;
    say::note(&window.told.line());
    Ok(())
}

fn time_left(session: &Session, window: &WindowView) -> String {
    let left_ms = window.until.utc.0 - session.book.now().utc.0;
    words("badge.seconds_left", &[("seconds", &(left_ms / 1000).max(0).to_string())])
}

fn ask_once(asked: &mut Option<Wording>, told: &Wording) {
    if asked.as_ref() != Some(told) {
        say::note(&told.line());
        *asked = Some(told.clone());
    }
}

/// Gives the line back where nobody waits for it yet.
fn type_digits(session: &Session, line: String, asked: &mut Option<Wording>) -> Option<String> {
    match session.exchange.service().type_digits(&line) {
        // Asked for once more, also where they were wrong in the same way.
        DigitsAnswer::Wrong { .. } => *asked = None,
        DigitsAnswer::NotDigits => say::note(&words("app.not_digits", &[])),
        DigitsAnswer::NobodyWaits => return Some(line),
        DigitsAnswer::Paired | DigitsAnswer::NotSaved => {}
    }
    None
}

fn join(session: &Session, code: &str, at: Option<&str>) -> Result<(), Failure> {
    let begun = Instant::now();
    // A scanned code says where to go, and so does the user; else it takes a moment to be heard.
    let must_look = at.is_none() && code.parse::<TypedSecret>().is_ok();
    while must_look && begun.elapsed() < AROUND && !session.exchange.sees_anyone() {
        if matches!(session.next(TICK / 10), Woken::Stopped) {
            return Err(LogbookError::Cancelled.into());
        }
    }
    session.exchange.service().join(code, at)?;
    let mut shown = false;
    loop {
        match session.exchange.service().joining() {
            Some(JoinView::Digits { digits, name }) if !shown => {
                shown = true;
                let mut out = Out::new();
                look::pair(&mut out, "digits", &digits)?;
                out.flush()?;
                say::note(&words("app.type_these", &[("name", &name)]));
            }
            Some(JoinView::Paired { name }) => {
                say::note(&words("sync.paired", &[("name", &name)]));
                return Ok(());
            }
            Some(JoinView::Failed { told }) => return Err(Failure::Told(told)),
            Some(JoinView::Looking | JoinView::Digits { .. }) | None => {}
        }
        if matches!(session.next(TICK), Woken::Stopped) {
            session.exchange.service().stop_joining();
            return Err(LogbookError::Cancelled.into());
        }
    }
}
