//! The page's server: loopback only, one page for one data folder.

mod again;
mod browser;
mod connections;
mod door;
mod doors;
mod guard;
mod invitations;
mod opening;
mod state;
mod tries;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use tokio::net::TcpListener;

use crate::cli::ServeArgs;
use crate::data_dir::make_private_folder;
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out};
use crate::vault::VaultMode;
pub use again::Claim;
use connections::Limits;
pub use door::{lock_means, locked, refusal};
use doors::Doors;
pub use doors::Session;
pub use state::AppState;

/// Where a one-time address points.
const OPEN: &str = "/open";
/// Where a second start asks for an address.
const AGAIN: &str = "/again";
/// Where it waits for a browser to use that.
const WAITING: &str = "/again/waiting";
/// Where a code is typed.
const CODE: &str = "/code";
/// Where a locked page is unlocked.
const UNLOCK: &str = "/unlock";
/// The door's own style.
const STYLE: &str = "/door.css";
/// How long a browser may take to use the file that it is handed: one that cannot read it, in its
/// sandbox, says nothing.
const UNUSED: Duration = Duration::from_secs(10);
/// The most that is sent to the door.
const MOST_DOOR_BYTES: usize = 8 * 1024;
/// How often idle sessions are looked for.
const ROUND: Duration = Duration::from_secs(5);

/// Serves the page until the program is told to stop.
pub fn run(home: Home, args: &ServeArgs) -> Result<(), Failure> {
    make_private_folder(home.places.data()).map_err(LogbookError::from)?;
    let opens = !args.no_open && browser::can_open();
    let Some(claim) = Claim::take(&home.places)? else {
        let (first, given) = again::ask_first(&home.places, opens)?;
        say::note(&words("app.already_open", &[]));
        return show_second(&first, &given, opens);
    };
    let opened = home.existing_or_new()?;
    if let Some(code) = &opened.recovery_code {
        crate::cli::tell_recovery_code(code, opened.vault.mode);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(LogbookError::from)?;
    let lock_after = (args.lock_after > 0).then(|| Duration::from_secs(args.lock_after * 60));
    let served = runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let listener =
            TcpListener::bind(address).await.map_err(|_| Failure::PortTaken(args.port))?;
        let port = listener.local_addr().map_err(LogbookError::from)?.port();
        let secret = claim.announce(port)?;
        let state = AppState::new(opened, home, Doors::new(lock_after), port, &secret);
        show(&state, opens)?;
        let book = state.own_book()?;
        tokio::task::spawn_blocking(move || crate::cli::back_up_if_due(&book));
        tokio::spawn(lock_when_idle(state.clone(), args.lock_after));
        tokio::spawn(tend(state.clone()));
        let router = router(state);
        connections::answer(listener, router, Limits::PAGE, asked_to_stop()).await;
        Ok(())
    });
    // Ends every task, and with the last of them the book is closed and its log emptied.
    runtime.shutdown_timeout(Limits::PAGE.parting);
    drop(claim);
    served
}

fn router(state: AppState) -> Router {
    let door = Router::new()
        .route(OPEN, get(door::open).post(door::open_posted))
        .route(CODE, post(door::open_by_code))
        .route(UNLOCK, post(door::unlock))
        .route(AGAIN, post(again::another))
        .route(WAITING, post(again::waiting))
        .route(STYLE, get(door::style))
        .layer(DefaultBodyLimit::max(MOST_DOOR_BYTES));
    crate::page::routes(&state)
        .merge(door)
        .layer(axum::middleware::from_fn_with_state(state.clone(), guard::guard))
        .with_state(state)
}

/// Prints where the page is and opens the browser on it.
fn show(state: &AppState, opens: bool) -> Result<(), Failure> {
    let way = state.invite(opens);
    say_where(&state.bare_address(), &way.address)?;
    let is_opened = way.file.as_deref().is_some_and(browser::open);
    if opens || say::to_terminal() {
        let wait = if is_opened { UNUSED } else { Duration::ZERO };
        let state = state.clone();
        tokio::spawn(async move {
            if let Some(code) = state.code_if_unused(way.id, wait).await {
                say_code(&code);
            }
        });
    }
    Ok(())
}

/// The same for the second start: the page is the first one's.
fn show_second(first: &again::First, given: &again::Given, opens: bool) -> Result<(), Failure> {
    say_where(&given.bare, &given.address)?;
    let is_opened = given.file.as_deref().is_some_and(browser::open);
    if (opens || say::to_terminal())
        && let Some(code) = first.code_if_unused(given.id, !is_opened)
    {
        say_code(&code);
    }
    Ok(())
}

/// A terminal is shown the bare address: it makes a link of it, and what a link leads to becomes an
/// argument of the browser, which every user of the machine can read. A script is given the whole.
fn say_where(bare: &str, address: &str) -> Result<(), Failure> {
    let told = if say::to_terminal() { "app.open_bare" } else { "app.open_at" };
    say::note(&words(told, &[]));
    say_address(if say::to_terminal() { bare } else { address })
}

fn say_code(code: &str) {
    say::note(&words("app.type_code", &[("code", code)]));
}

/// The address stands alone on standard output: a terminal makes a link of it, a script reads it.
fn say_address(address: &str) -> Result<(), Failure> {
    let mut out = Out::new();
    out.line(address)?;
    out.flush()
}

/// Ends idle sessions. The book stays open and sync goes on.
async fn lock_when_idle(state: AppState, minutes: u64) {
    loop {
        tokio::time::sleep(ROUND).await;
        let now = Instant::now();
        state.doors().invitations(|invitations| invitations.drop_old_files(now));
        if state.doors().lock_idle(now) {
            let told = match state.vault_mode() {
                VaultMode::Passphrase => "app.locked_idle_passphrase",
                _ => "app.locked_idle",
            };
            say::note(&words(told, &[("minutes", &minutes.to_string())]));
            state.say_way_back();
        }
    }
}

/// Listens for devices as long as there are any and the book is open; looks whether one that could only be
/// read can be written.
async fn tend(state: AppState) {
    loop {
        if state.is_open() {
            let again = state.clone();
            // Where it does not open, it is read as it was, and the next round may do.
            let _ = tokio::task::spawn_blocking(move || again.open_to_write()).await;
            // Where the port is taken or the book is busy, the next round may do.
            let _ = state.ask_exchange(crate::exchange::Exchange::tend).await;
        }
        tokio::time::sleep(ROUND).await;
    }
}

/// Returns when the user or the system asks the program to end.
async fn asked_to_stop() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

#[cfg(test)]
mod lock_tests;
#[cfg(test)]
pub mod visit;
