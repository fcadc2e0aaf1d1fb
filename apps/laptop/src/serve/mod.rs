//! The page's server: loopback only, one page for one data folder.

mod again;
mod door;
mod doors;
mod guard;
mod state;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use seldinger_core::content::words;
use seldinger_core::error::LogbookError;
use tokio::net::TcpListener;

use crate::cli::ServeArgs;
use crate::data_dir::make_private_folder;
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out};
use crate::vault::{BACKUP_PASSPHRASE_VARIABLE, NEW_PASSPHRASE_VARIABLE, PASSPHRASE_VARIABLE};
pub use again::Claim;
use doors::Doors;
pub use doors::Session;
pub use state::AppState;

/// Where a one-time address points.
const OPEN: &str = "/open";
/// Where a second start asks for an address.
const AGAIN: &str = "/again";
/// The door's own style.
const STYLE: &str = "/door.css";
/// How long open requests are waited for at the end.
const LAST_REQUESTS: Duration = Duration::from_secs(3);
/// How often idle sessions are looked for.
const ROUND: Duration = Duration::from_secs(5);

/// Serves the page until the program is told to stop.
pub fn run(home: Home, args: &ServeArgs) -> Result<(), Failure> {
    make_private_folder(home.places.data()).map_err(LogbookError::from)?;
    let Some(claim) = Claim::take(&home.places)? else {
        let address = again::ask_first(&home.places)?;
        say::note(&words("app.already_open", &[]));
        say_address(&address)?;
        if !args.no_open {
            open_browser(&address);
        }
        return Ok(());
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
        show(&state.new_address(), args.no_open)?;
        let book = state.own_book();
        tokio::task::spawn_blocking(move || crate::cli::back_up_if_due(&book));
        tokio::spawn(lock_when_idle(state.clone(), args.lock_after));
        tokio::spawn(tend(state.clone()));
        serve(listener, state).await
    });
    // Ends every task, and with the last of them the book is closed and its log emptied.
    runtime.shutdown_timeout(LAST_REQUESTS);
    drop(claim);
    served
}

async fn serve(listener: TcpListener, state: AppState) -> Result<(), Failure> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, router(state)).with_graceful_shutdown(async {
        asked_to_stop().await;
        let _ = stop.send(());
    });
    tokio::select! {
        served = serving => Ok(served.map_err(LogbookError::from)?),
        // A browser may hold a connection open for as long as it likes.
        () = async { let _ = stopped.await; tokio::time::sleep(LAST_REQUESTS).await } => Ok(()),
    }
}

fn router(state: AppState) -> Router {
    let door = Router::new()
        .route(OPEN, get(door::open))
        .route(AGAIN, post(door::another))
        .route(STYLE, get(door::style));
    crate::page::routes(&state)
        .merge(door)
        .layer(axum::middleware::from_fn_with_state(state.clone(), guard::guard))
        .with_state(state)
}

/// Prints the address and opens the browser on it.
fn show(address: &str, no_open: bool) -> Result<(), Failure> {
    say::note(&words("app.open_at", &[]));
    say_address(address)?;
    if !no_open {
        open_browser(address);
    }
    Ok(())
}

/// The address stands alone on standard output: a terminal makes a link of it, a script reads it.
fn say_address(address: &str) -> Result<(), Failure> {
    let mut out = Out::new();
    out.line(address)?;
    out.flush()
}

fn open_browser(address: &str) {
    // Without a screen the system's home would start a browser inside of the terminal.
    let screen = !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"]
            .iter()
            .any(|name| std::env::var_os(name).is_some());
    if !screen {
        return;
    }
    for mut command in open::commands(address) {
        use std::process::Stdio;
        for secret in [PASSPHRASE_VARIABLE, NEW_PASSPHRASE_VARIABLE, BACKUP_PASSPHRASE_VARIABLE] {
            command.env_remove(secret);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Ok(mut child) = command.spawn() {
            // Whoever opens the browser is waited for, so that no dead process stays behind.
            let _ = std::thread::Builder::new().spawn(move || child.wait());
            return;
        }
    }
    say::note(&words("app.no_browser", &[]));
}

/// Ends idle sessions; a new address is printed where the last one ended.
async fn lock_when_idle(state: AppState, minutes: u64) {
    loop {
        tokio::time::sleep(ROUND).await;
        if state.doors().lock_idle(Instant::now()) {
            say::note(&words("app.locked_idle", &[("minutes", &minutes.to_string())]));
            let _ = say_address(&state.new_address());
        }
    }
}

/// Listens for devices as long as there are any. That the page is locked is no reason to stop.
async fn tend(state: AppState) {
    loop {
        let tended = state.clone();
        let tended = tokio::task::spawn_blocking(move || tended.exchange()?.tend());
        // Where the port is taken or the book is busy, the next round may do.
        let _ = tended.await;
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
pub mod visit;
