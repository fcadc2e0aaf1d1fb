//! One page for one data folder: who comes second is shown in through the first.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::http::header::{self, HeaderMap};
use seldinger_core::error::LogbookError;
use seldinger_core::store::owner_only;
use serde::{Deserialize, Serialize};

use super::AGAIN;
use super::state::AppState;
use crate::data_dir::{Places, write_private};
use crate::failure::Failure;
use crate::open::random_word;

/// How long the second waits for the first: it may be asking its user for a passphrase.
const WAIT: Duration = Duration::from_secs(10);

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
        let lock = match lock.or_else(|error| File::open(&file).map_err(|_| error)) {
            Err(error) if fs::read_dir(places.data()).is_err() => {
                return Err(Failure::unreadable(places.data(), &error));
            }
            // A log that cannot be written is read; a second start then finds no way to this one.
            Err(error) if is_about_writing(&error) => {
                return Ok(Some(Self { _lock: None, places: places.clone() }));
            }
            lock => lock.map_err(LogbookError::from)?,
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(LogbookError::from(error).into()),
        }
        // What a program that was killed left behind.
        let _ = fs::remove_file(places.serve_note());
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
fn is_about_writing(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as E;
    matches!(
        error.kind(),
        E::PermissionDenied | E::ReadOnlyFilesystem | E::StorageFull | E::QuotaExceeded
    )
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.places.serve_note());
    }
}

/// Asks the program that serves the folder for a fresh address.
///
/// # Errors
/// `Busy` where it does not answer.
pub fn ask_first(places: &Places) -> Result<String, Failure> {
    let start = Instant::now();
    loop {
        if let Some(address) = read_note(places).and_then(|note| ask(&note)) {
            return Ok(address);
        }
        if start.elapsed() > WAIT {
            return Err(LogbookError::Busy.into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn read_note(places: &Places) -> Option<Note> {
    serde_json::from_slice(&fs::read(places.serve_note()).ok()?).ok()
}

fn ask(note: &Note) -> Option<String> {
    let limit = Duration::from_secs(2);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, note.port));
    let mut stream = TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    let Note { port, secret } = note;
    let request = format!(
        "POST {AGAIN} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {secret}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let ours = format!("http://127.0.0.1:{port}/");
    (head.starts_with("HTTP/1.1 200") && body.starts_with(&ours)).then(|| body.trim().to_owned())
}

/// Whether the request shows the secret of the note.
pub fn shows_secret(state: &AppState, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(shown) = shown.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    // Hashes are compared in constant time.
    blake3::hash(shown.as_bytes()) == state.secret()
}
