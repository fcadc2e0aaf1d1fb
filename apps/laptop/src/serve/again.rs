//! One page for one data folder: who comes second is shown in through the first.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse as _, Response};
use seldinger_core::content::{Wording, words};
use seldinger_core::error::LogbookError;
use seldinger_core::store::owner_only;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::invitations::InvitationId;
use super::state::{AppState, Refused};
use super::{AGAIN, UNUSED, WAITING, opening};
use crate::data_dir::{Places, write_private};
use crate::failure::Failure;
use crate::open::random_word;
use crate::say;
use crate::vault::{ask_secret, given_passphrase, is_interactive};

/// How long the second waits for the first: it may be asking its user for a passphrase.
const WAIT: Duration = Duration::from_secs(10);
/// How long an answer may take: a passphrase is slow on purpose, and a book may have to be opened.
const ANSWER: Duration = Duration::from_secs(30);
/// Wrong passphrases before the second gives up.
const TRIES: u32 = 3;
/// The page is locked, and only a passphrase that somebody types opens it.
const LOCKED: &str = "locked";
/// The page is open; the passphrase is asked for before another browser is let in.
const PASSPHRASE: &str = "passphrase";
const WRONG: &str = "wrong";

/// Where the first can be reached; only the owner of the data folder can read it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Note {
    port: u16,
    secret: String,
}

/// Held while the page runs.
pub struct Claim {
    // The lock is the system's: it ends with the process, however that ends. None where none can be made.
    _lock: Option<File>,
    places: Places,
}

impl Claim {
    /// Claims the data folder; `None` where another program serves it.
    pub fn take(places: &Places) -> Result<Option<Self>, Failure> {
        let file = places.serve_lock();
        let lock = owner_only::open_or_create(&file);
        let lock = lock.or_else(|error| File::open(&file).map_err(|_| error));
        if let Err(error) = &lock
            && fs::read_dir(places.data()).is_err()
        {
            return Err(Failure::unreadable(places.data(), error));
        }
        let lock = match lock.map_err(LogbookError::from) {
            // A log that cannot be written is read; a second start then finds no way to this one.
            Err(error) if is_about_writing(&error) => {
                return Ok(Some(Self { _lock: None, places: places.clone() }));
            }
            lock => lock?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(LogbookError::from(error).into()),
        }
        // What a program that was killed left behind.
        let _ = fs::remove_file(places.serve_note());
        opening::sweep(places);
        Ok(Some(Self { _lock: Some(lock), places: places.clone() }))
    }

    /// Says where the page is from now on; gives the secret that the second has to show.
    pub fn announce(&self, port: u16) -> Result<String, Failure> {
        let note = Note { port, secret: random_word() };
        let text = serde_json::to_vec(&note).map_err(|_| LogbookError::Io)?;
        let file = self.places.serve_note();
        match write_private(&file, &text) {
            Err(error) if !is_about_writing(&error) => Err(Failure::CannotWrite(file)),
            _ => Ok(note.secret),
        }
    }
}

/// Whether nothing but writing failed.
fn is_about_writing(error: &LogbookError) -> bool {
    matches!(error, LogbookError::ReadOnly | LogbookError::DiskFull)
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.places.serve_note());
        opening::sweep(&self.places);
    }
}

/// What the second asks for.
#[derive(Default, Serialize, Deserialize)]
struct Asked {
    /// It starts a browser, and wants a file for it.
    opens: bool,
    passphrase: Option<String>,
}

/// What the first gives it.
#[derive(Serialize, Deserialize)]
pub struct Given {
    /// The bare address.
    pub bare: String,
    /// The address that lets one browser in, once.
    pub address: String,
    /// The file that does so too.
    pub file: Option<PathBuf>,
    /// To ask after it.
    pub id: InvitationId,
}

/// Why the first cannot open the log, in its words.
#[derive(Serialize, Deserialize)]
struct Said {
    what: String,
    kept: String,
    todo: String,
    exit_code: u8,
}

impl Said {
    fn of(failure: &Failure) -> Self {
        let told = failure.wording().unwrap_or_else(|| LogbookError::Io.wording());
        let Wording { what, kept, todo } = told;
        Self { what, kept, todo, exit_code: failure.exit_code() }
    }

    fn failure(self) -> Failure {
        let Self { what, kept, todo, exit_code } = self;
        Failure::Ended { told: Wording { what, kept, todo }, exit_code }
    }
}

/// The program that serves the folder, as the second talks to it.
pub struct First(Note);

/// Asks the program that serves the folder for a fresh address. Under a passphrase it wants to hear
/// that first; a page that was locked hears it from nobody but a person.
///
/// # Errors
/// `Busy` where it does not answer; `PageLocked`, `PassphraseNeeded` where nobody can be asked;
/// `WrongKey`.
pub fn ask_first(places: &Places, opens: bool) -> Result<(First, Given), Failure> {
    let mut tries = 0;
    ask_until(places, opens, WAIT, |wanted| {
        let was_wrong = wanted == WRONG;
        tries += u32::from(was_wrong);
        if was_wrong && (tries >= TRIES || !is_interactive()) {
            return Err(LogbookError::WrongKey.into());
        }
        if was_wrong {
            say::note(&words("app.try_again", &[]));
        }
        passphrase_for(wanted)
    })
}

/// Asks until the first has not answered for so long; `passphrase` is asked for what it wants to hear.
fn ask_until(
    places: &Places,
    opens: bool,
    patience: Duration,
    mut passphrase: impl FnMut(&str) -> Result<Zeroizing<String>, Failure>,
) -> Result<(First, Given), Failure> {
    let mut heard = Instant::now();
    let mut asked = Asked { opens, passphrase: None };
    loop {
        let note = read_note(places);
        let said =
            note.as_ref().and_then(|note| call(note, AGAIN, &serde_json::to_vec(&asked).ok()?));
        match (note, said) {
            (Some(note), Some((200, body))) => {
                let given = serde_json::from_str(&body).map_err(|_| LogbookError::Busy)?;
                return Ok((First(note), given));
            }
            (_, Some((401, body))) => {
                asked.passphrase = Some(passphrase(&body)?.to_string());
                // Its user may have taken a while to type.
                heard = Instant::now();
            }
            (_, Some((429, seconds))) => {
                return Err(Failure::PassphraseWait(seconds));
            }
            (_, Some((500, body))) => {
                return Err(
                    serde_json::from_str(&body).map_or(LogbookError::Io.into(), Said::failure)
                );
            }
            _ if heard.elapsed() > patience => return Err(LogbookError::Busy.into()),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// What the user types; a variable answers for a page that is open, and for no locked one.
fn passphrase_for(wanted: &str) -> Result<Zeroizing<String>, Failure> {
    if wanted == PASSPHRASE
        && let Some(given) = given_passphrase()?
    {
        return Ok(given);
    }
    if !is_interactive() {
        let locked = wanted == LOCKED;
        return Err(if locked { Failure::PageLocked } else { Failure::PassphraseNeeded });
    }
    ask_secret(&words("app.ask_passphrase", &[]))
}

impl First {
    /// Waits for a browser to use the invitation; a code to type where none does in time.
    pub fn code_if_unused(&self, id: InvitationId, at_once: bool) -> Option<String> {
        let wait = if at_once { Duration::ZERO } else { UNUSED };
        let body = serde_json::to_vec(&(id, u64::try_from(wait.as_millis()).unwrap_or(0))).ok()?;
        let (status, code) = call(&self.0, WAITING, &body)?;
        (status == 200 && !code.is_empty()).then_some(code)
    }
}

fn read_note(places: &Places) -> Option<Note> {
    serde_json::from_slice(&fs::read(places.serve_note()).ok()?).ok()
}

/// Status and body of what the first answers.
fn call(note: &Note, path: &str, body: &[u8]) -> Option<(u16, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, note.port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(ANSWER)).ok()?;
    let (Note { port, secret }, length) = (note, body.len());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Gives another start of the app a fresh address, when it can show that it reads our files and, under
/// a passphrase, knows that.
pub async fn another(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    if !shows_secret(&state, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let asked: Asked = serde_json::from_slice(&body).unwrap_or_default();
    let passphrase = asked.passphrase.map(Zeroizing::new);
    let was_open = state.is_open();
    match state.admit(passphrase).await {
        Ok(()) => {
            let way = state.invite(asked.opens);
            let bare = state.bare_address();
            let given = Given { bare, address: way.address, file: way.file, id: way.id };
            serde_json::to_string(&given).unwrap_or_default().into_response()
        }
        Err(Refused::Needed) => {
            let wanted = if was_open { PASSPHRASE } else { LOCKED };
            (StatusCode::UNAUTHORIZED, wanted).into_response()
        }
        Err(Refused::Wrong) => (StatusCode::UNAUTHORIZED, WRONG).into_response(),
        Err(Refused::Wait(wait)) => {
            (StatusCode::TOO_MANY_REQUESTS, (wait.as_secs() + 1).to_string()).into_response()
        }
        Err(Refused::Trouble(failure)) => {
            let said = serde_json::to_string(&Said::of(&failure)).unwrap_or_default();
            (StatusCode::INTERNAL_SERVER_ERROR, said).into_response()
        }
    }
}

/// Says what to type where nobody used an invitation for a while.
pub async fn waiting(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    if !shows_secret(&state, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok((id, wait_ms)) = serde_json::from_slice::<(InvitationId, u64)>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let wait = Duration::from_millis(wait_ms).min(UNUSED);
    state.code_if_unused(id, wait).await.unwrap_or_default().into_response()
}

/// Whether the request shows the secret of the note.
fn shows_secret(state: &AppState, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(shown) = shown.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    // Hashes are compared in constant time.
    blake3::hash(shown.as_bytes()) == state.secret()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers each asker once with what comes next, then is gone.
    fn first(answers: Vec<(&'static str, String)>) -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::in_folder(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let note = serde_json::to_vec(&Note { port, secret: "secret".to_owned() }).unwrap();
        write_private(&places.serve_note(), &note).unwrap();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = Vec::new();
                // As far as the end of the JSON that is asked with.
                while !asked.ends_with(b"}") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    asked.extend(byte);
                }
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all((head + &body).as_bytes()).unwrap();
            }
        });
        (folder, places)
    }

    #[test]
    fn one_that_stops_answering_after_a_wrong_passphrase_is_given_up() {
        let wrong = || ("401 Unauthorized", WRONG.to_owned());
        let (_folder, places) = first(vec![("401 Unauthorized", LOCKED.to_owned()), wrong()]);
        let mut wanted = Vec::new();
        let given_up = ask_until(&places, false, Duration::from_millis(50), |what| {
            wanted.push(what.to_owned());
            Ok(Zeroizing::new("guess".to_owned()))
        });
        assert!(matches!(given_up.map(drop), Err(Failure::Book(LogbookError::Busy))));
        assert_eq!(wanted, [LOCKED, WRONG]);
    }

    #[test]
    fn what_keeps_the_first_from_opening_the_log_is_passed_on() {
        let damaged = Failure::NoVaultNote("vault.json".into());
        let said = serde_json::to_string(&Said::of(&damaged)).unwrap();
        let (_folder, places) = first(vec![("500 Internal Server Error", said)]);
        let failed = ask_until(&places, false, WAIT, |_| unreachable!()).map(drop).unwrap_err();
        assert_eq!(failed.wording(), damaged.wording());
        assert_eq!(failed.exit_code(), damaged.exit_code());
    }
}
