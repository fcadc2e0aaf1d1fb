//! What a backup file looks like, written and read as a stream.
//!
//! # Format
//! One line of text, `seldinger-backup 2 code` or `seldinger-backup 2 passphrase`: what it is sealed by.
//! An age file. Where it is sealed to a recovery code, BLAKE3 of everything before under the key that
//! derives from the code. BLAKE3 of everything before, without a key. The last tells a damaged or cut-off
//! file from a wrong passphrase, and is checked without any secret. Inside of the age file: schema (4
//! bytes), when the backup was made (8, milliseconds of UTC), key and salt (48), length of the database (8)
//! and the database as SQLCipher encrypts it. Numbers are big-endian.
//!
//! # Decision
//! Whom a backup is sealed to is no secret: the key file names it. So sealing to the recovery code does
//! not show who made the file; anybody who has seen the key file could make one, with a key that they
//! know, and wait until it is restored. Its authentication does: the key for that derives from the code,
//! and the open book keeps it. A passphrase is known to both sides only, and age's own seal shows that
//! whoever made the file knew it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Take, Write};
use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, EncryptError, Encryptor};
use zeroize::Zeroizing;

use crate::error::{LogbookError, Result};
use crate::store::WholeFile;
use crate::store::key::{BackupKey, BookKey, RecoveryCode};
use crate::store::recovery::BackupKeys;
use crate::time::UtcMillis;

/// The format that is written; it stands in the first line.
pub(super) const FORMAT: u32 = 2;
/// What every backup begins with, of whatever version.
const NAME: &[u8] = b"seldinger-backup ";
const BY_CODE: &[u8] = b"seldinger-backup 2 code\n";
const BY_PASSPHRASE: &[u8] = b"seldinger-backup 2 passphrase\n";
const FORMER: &[u8] = b"seldinger-backup 1\n";
const HASH_BYTES: usize = blake3::OUT_LEN;
/// scrypt's work as a power of two: 128 MiB, which a phone has, and half a second a guess.
const WORK: u8 = 17;
/// A file that asks for more was not written by us.
const MOST_WORK: u8 = 20;
/// Bytes of one step.
const PIECE: usize = 1 << 18;

/// What opens a backup.
#[derive(Clone)]
pub enum Seal {
    /// A passphrase of its own.
    Passphrase(Zeroizing<String>),
    /// The recovery code of the book.
    RecoveryCode,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(..)",
            Self::RecoveryCode => "RecoveryCode",
        })
    }
}

/// What stands before the database.
pub(crate) struct Head {
    pub(crate) schema: u32,
    pub(crate) made: UtcMillis,
    pub(crate) key: BookKey,
    pub(crate) database_bytes: u64,
}

fn keyed(key: &BackupKey) -> blake3::Hasher {
    blake3::Hasher::new_keyed(key.bytes())
}

/// A file that hashes what it is given.
struct Hashed {
    file: WholeFile,
    hash: blake3::Hasher,
    /// The same under the key that authenticates it, where there is one.
    authentication: Option<blake3::Hasher>,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        if let Some(authentication) = &mut self.authentication {
            authentication.update(&bytes[..written]);
        }
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A backup that is being written; dropped before its end it leaves nothing.
pub(crate) struct Writing {
    out: StreamWriter<Hashed>,
    left: u64,
}

impl Writing {
    /// Begins the file; with a passphrase this takes half a second.
    pub(crate) fn begin(
        file: WholeFile,
        seal: &Seal,
        keys: &BackupKeys,
        head: &Head,
    ) -> Result<Self> {
        let (first, authentication) = match seal {
            Seal::RecoveryCode => (BY_CODE, Some(keyed(&keys.authentication))),
            Seal::Passphrase(_) => (BY_PASSPHRASE, None),
        };
        let mut out = Hashed { file, hash: blake3::Hasher::new(), authentication, bytes: 0 };
        out.write_all(first)?;
        let mut out = encryptor(seal, keys)?.wrap_output(out)?;
        out.write_all(&head.schema.to_be_bytes())?;
        out.write_all(&head.made.0.to_be_bytes())?;
        out.write_all(&head.key.to_bytes())?;
        out.write_all(&head.database_bytes.to_be_bytes())?;
        Ok(Self { out, left: head.database_bytes })
    }

    /// Writes the next piece of the database; whether that was the last.
    pub(crate) fn piece(&mut self, database: &mut impl Read) -> Result<bool> {
        let mut bytes = Vec::with_capacity(PIECE);
        database.take(self.left.min(PIECE as u64)).read_to_end(&mut bytes)?;
        if bytes.is_empty() && self.left > 0 {
            return Err(LogbookError::Io);
        }
        self.out.write_all(&bytes)?;
        self.left -= bytes.len() as u64;
        Ok(self.left == 0)
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Makes it last, under its own name; how long it is.
    pub(crate) fn finish(self) -> Result<u64> {
        let mut hashed = self.out.finish()?;
        if let Some(authentication) = hashed.authentication.take() {
            hashed.write_all(authentication.finalize().as_bytes())?;
        }
        let hash = hashed.hash.finalize();
        hashed.file.write_all(hash.as_bytes())?;
        hashed.file.finish()?;
        Ok(hashed.bytes + HASH_BYTES as u64)
    }
}

fn encryptor(seal: &Seal, keys: &BackupKeys) -> Result<Encryptor> {
    let broken = |error| match error {
        EncryptError::Io(error) => LogbookError::from(error),
        _ => LogbookError::Io,
    };
    match seal {
        Seal::Passphrase(passphrase) => {
            let mut to = age::scrypt::Recipient::new(secret(passphrase));
            to.set_work_factor(WORK);
            Encryptor::with_recipients(std::iter::once(&to as &dyn age::Recipient)).map_err(broken)
        }
        Seal::RecoveryCode => {
            let to = &keys.recipient as &dyn age::Recipient;
            Encryptor::with_recipients(std::iter::once(to)).map_err(broken)
        }
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// The check that needs no secret: whether the file is as it was written. Where a recovery code is given
/// along, whether the book that the code is of has made it, too.
pub(crate) struct Checking {
    input: BufReader<File>,
    hash: blake3::Hasher,
    /// What the first reading came to.
    whole: Option<blake3::Hash>,
    first: Vec<u8>,
    by_code: bool,
    /// The hash under the key of the code that was given.
    authentication: Option<blake3::Hasher>,
    /// What the file says that this hash is.
    claimed: [u8; HASH_BYTES],
    left: u64,
    bytes: u64,
}

impl Checking {
    /// # Errors
    /// `NoFile`; `BadBackup` where it is something else, `FormerBackup` where it is of a former version.
    pub(crate) fn begin(path: &Path, code: Option<&RecoveryCode>) -> Result<Self> {
        let file = File::open(path).map_err(|error| LogbookError::reading(&error))?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(LogbookError::BadBackup);
        }
        let mut input = BufReader::with_capacity(PIECE, file);
        let first = first_line(&mut input)?;
        let by_code = match first.as_slice() {
            BY_CODE => true,
            BY_PASSPHRASE => false,
            FORMER => return Err(LogbookError::FormerBackup),
            _ => return Err(LogbookError::BadBackup),
        };
        let mut hash = blake3::Hasher::new();
        hash.update(&first);
        let mut authentication = code.filter(|_| by_code).map(|code| keyed(&code.authentication()));
        if let Some(authentication) = &mut authentication {
            authentication.update(&first);
        }
        let end = if by_code { 2 * HASH_BYTES } else { HASH_BYTES } as u64;
        let around = first.len() as u64 + end;
        let left = about.len().checked_sub(around).ok_or(LogbookError::BadBackup)?;
        let (claimed, bytes, whole) = ([0; HASH_BYTES], about.len(), None);
        Ok(Self { input, hash, whole, first, by_code, authentication, claimed, left, bytes })
    }

    /// Whether it is sealed to a recovery code, and not by a passphrase.
    pub(crate) fn is_by_code(&self) -> bool {
        self.by_code
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Reads the next piece; whether that was the last.
    ///
    /// # Errors
    /// `BadBackup` at the end, where it is not as it was written.
    pub(crate) fn piece(&mut self) -> Result<bool> {
        let mut bytes = vec![0; usize::try_from(self.left).unwrap_or(PIECE).min(PIECE)];
        self.input.read_exact(&mut bytes).map_err(not_whole)?;
        self.hash.update(&bytes);
        if let Some(authentication) = &mut self.authentication {
            authentication.update(&bytes);
        }
        self.left -= bytes.len() as u64;
        if self.left > 0 {
            return Ok(false);
        }
        if self.by_code {
            self.input.read_exact(&mut self.claimed).map_err(not_whole)?;
            self.hash.update(&self.claimed);
        }
        let mut said = [0; HASH_BYTES];
        self.input.read_exact(&mut said).map_err(not_whole)?;
        let whole = self.hash.finalize();
        self.whole = Some(whole);
        if whole == said { Ok(true) } else { Err(LogbookError::BadBackup) }
    }

    /// Opens what was checked. It is read a second time, and hashed again: at its end it has to be the
    /// same, however often somebody writes to the file meanwhile.
    ///
    /// # Errors
    /// `WrongKey` where `secret` is not what it is sealed by, `NotACode` where that is a recovery code
    /// and this is none; `ForgedBackup` where it is sealed to that code by somebody who does not know it.
    pub(crate) fn open(self, secret: &str) -> Result<(Head, Reading)> {
        let whole = self.whole.ok_or(LogbookError::BadBackup)?;
        let mut input = self.input;
        let start = self.first.len() as u64;
        input.seek(SeekFrom::Start(start))?;
        let end = if self.by_code { 2 * HASH_BYTES } else { HASH_BYTES } as u64;
        let sealed = self.bytes - start - end;
        let mut hash = blake3::Hasher::new();
        hash.update(&self.first);
        let again = Arc::new(Mutex::new(Again { hash, left: sealed }));
        let input = Rehashed { input: input.take(sealed), again: Arc::clone(&again) };
        let age = Decryptor::new(input).map_err(unopened)?;
        if age.is_scrypt() == self.by_code {
            return Err(LogbookError::BadBackup);
        }
        let mut inside = decrypted(age, secret)?;
        // Nothing of what it says is looked at before it is known who says so.
        let genuine = self.authentication.map(|hash| hash.finalize() == self.claimed);
        if self.by_code && genuine != Some(true) {
            return Err(LogbookError::ForgedBackup);
        }
        let head = read_head(&mut inside)?;
        let left = head.database_bytes;
        let end = if self.by_code { self.claimed.to_vec() } else { Vec::new() };
        Ok((head, Reading { inside, left, again, end, whole }))
    }
}

/// What a second reading has come to by now.
struct Again {
    hash: blake3::Hasher,
    left: u64,
}

/// A file that is read a second time.
struct Rehashed {
    input: Take<BufReader<File>>,
    again: Arc<Mutex<Again>>,
}

impl Read for Rehashed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(bytes)?;
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        again.hash.update(&bytes[..read]);
        again.left = again.left.saturating_sub(read as u64);
        Ok(read)
    }
}

/// The first line of the file, as far as it may be one of ours.
fn first_line(input: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(BY_PASSPHRASE.len() as u64).read_until(b'\n', &mut line)?;
    if line.starts_with(NAME) { Ok(line) } else { Err(LogbookError::BadBackup) }
}

type Inside = StreamReader<Rehashed>;

/// One secret, whichever the backup is sealed by.
fn decrypted(age: Decryptor<Rehashed>, typed: &str) -> Result<Inside> {
    if age.is_scrypt() {
        let mut passphrase = age::scrypt::Identity::new(secret(typed));
        passphrase.set_max_work_factor(MOST_WORK);
        return age.decrypt(std::iter::once(&passphrase as _)).map_err(unopened);
    }
    let code = RecoveryCode::from_str(typed).map_err(|_| LogbookError::NotACode)?;
    age.decrypt(std::iter::once(&code.identity()? as _)).map_err(unopened)
}

fn read_head(inside: &mut impl Read) -> Result<Head> {
    let mut four = [0; 4];
    inside.read_exact(&mut four).map_err(not_whole)?;
    let schema = u32::from_be_bytes(four);
    let mut eight = [0; 8];
    inside.read_exact(&mut eight).map_err(not_whole)?;
    let made = UtcMillis(i64::from_be_bytes(eight));
    let mut key = Zeroizing::new([0; 48]);
    inside.read_exact(key.as_mut()).map_err(not_whole)?;
    let key = BookKey::from_bytes(key.as_ref()).ok_or(LogbookError::BadBackup)?;
    inside.read_exact(&mut eight).map_err(not_whole)?;
    Ok(Head { schema, made, key, database_bytes: u64::from_be_bytes(eight) })
}

/// A backup that is being read.
pub(crate) struct Reading {
    inside: Inside,
    left: u64,
    again: Arc<Mutex<Again>>,
    /// What stands behind the age file and is hashed with it.
    end: Vec<u8>,
    /// What the first reading came to.
    whole: blake3::Hash,
}

impl Reading {
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Writes the next piece of the database out; whether that was the last and nothing follows it.
    ///
    /// # Errors
    /// `BadBackup` where that is not what was checked.
    pub(crate) fn piece(&mut self, database: &mut impl Write) -> Result<bool> {
        let mut bytes = vec![0; usize::try_from(self.left).unwrap_or(PIECE).min(PIECE)];
        self.inside.read_exact(&mut bytes).map_err(not_whole)?;
        database.write_all(&bytes)?;
        self.left -= bytes.len() as u64;
        if self.left > 0 {
            return Ok(false);
        }
        // The stream's own mark of its end is read here too.
        match self.inside.read(&mut [0]).map_err(not_whole)? {
            0 if self.is_what_was_checked() => Ok(true),
            _ => Err(LogbookError::BadBackup),
        }
    }

    fn is_what_was_checked(&self) -> bool {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        again.hash.update(&self.end);
        again.left == 0 && again.hash.finalize() == self.whole
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_whole(error: io::Error) -> LogbookError {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => LogbookError::BadBackup,
        _ => error.into(),
    }
}

fn unopened(error: DecryptError) -> LogbookError {
    match error {
        DecryptError::DecryptionFailed
        | DecryptError::KeyDecryptionFailed
        | DecryptError::NoMatchingKeys => LogbookError::WrongKey,
        DecryptError::Io(error) => not_whole(error),
        _ => LogbookError::BadBackup,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ids::SystemIds;
    use crate::store::Existing;

    fn keys(code: &RecoveryCode) -> BackupKeys {
        let recipient = code.identity().unwrap().to_public();
        BackupKeys { recipient, authentication: code.authentication() }
    }

    fn write(path: &Path, keys: &BackupKeys, database: &[u8]) {
        let key = BookKey::new(&SystemIds);
        let database_bytes = database.len() as u64;
        let head = Head { schema: 2, made: UtcMillis(0), key, database_bytes };
        let out = WholeFile::create(path, Existing::Replace).unwrap();
        let mut writing = Writing::begin(out, &Seal::RecoveryCode, keys, &head).unwrap();
        assert!(writing.piece(&mut &database[..]).unwrap());
        writing.finish().unwrap();
    }

    #[test]
    fn what_is_opened_is_what_was_checked() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, forged) = (folder.path().join("ours"), folder.path().join("forged"));
        let code = RecoveryCode::new(&SystemIds);
        write(&ours, &keys(&code), b"ours");
        // Whom it is sealed to is known; what authenticates it is not.
        let authentication = RecoveryCode::new(&SystemIds).authentication();
        let known = BackupKeys { authentication, ..keys(&code) };
        let length = || fs::metadata(&forged).map_or(0, |about| about.len());
        while length() != fs::metadata(&ours).unwrap().len() {
            write(&forged, &known, b"evil");
        }
        let checked = || {
            let mut checking = Checking::begin(&ours, Some(&code)).unwrap();
            while !checking.piece().unwrap() {}
            checking
        };
        let read = |checking: Checking, database: &mut Vec<u8>| {
            let (_, mut reading) = checking.open(&code.text())?;
            reading.piece(database)
        };
        let mut database = Vec::new();
        assert_eq!(read(checked(), &mut database), Ok(true));
        assert_eq!(database, b"ours");
        let checking = checked();
        fs::write(&ours, fs::read(&forged).unwrap()).unwrap();
        assert_eq!(read(checking, &mut database), Err(LogbookError::BadBackup));
    }
}
