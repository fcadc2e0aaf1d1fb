//! What a backup file looks like, written and read as a stream.
//!
//! # Format
//! One line of text, `seldinger-backup 1`; an age file; BLAKE3 of everything before. The last tells a
//! damaged or cut-off file from a wrong passphrase, and is checked without either. Inside of the age
//! file: schema (4 bytes), key and salt (48), length of the key file (4) and the key file, length of
//! the database (8) and the database as SQLCipher encrypts it. Numbers are big-endian.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, SeekFrom, Take, Write};
use std::path::Path;
use std::str::FromStr as _;

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, EncryptError, Encryptor};
use zeroize::Zeroizing;

use crate::error::{LogbookError, Result};
use crate::store::WholeFile;
use crate::store::key::{BookKey, RecoveryCode};
use crate::store::key_file::KeyFile;

const FIRST_LINE: &[u8] = b"seldinger-backup 1\n";
const HASH_BYTES: usize = blake3::OUT_LEN;
/// scrypt's work as a power of two: 128 MiB, which a phone has, and half a second a guess.
const WORK: u8 = 17;
/// A file that asks for more was not written by us.
const MOST_WORK: u8 = 20;
/// A key file is some hundred bytes.
const MOST_KEY_FILE: u32 = 1 << 16;
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
    pub(crate) key: BookKey,
    pub(crate) key_file: KeyFile,
    pub(crate) database_bytes: u64,
}

/// A file that hashes what it is given.
struct Hashed {
    file: WholeFile,
    hash: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
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
    pub(crate) fn begin(file: WholeFile, seal: &Seal, head: &Head) -> Result<Self> {
        let mut out = Hashed { file, hash: blake3::Hasher::new(), bytes: 0 };
        out.write_all(FIRST_LINE)?;
        let mut out = encryptor(seal, &head.key_file)?.wrap_output(out)?;
        out.write_all(&head.schema.to_be_bytes())?;
        out.write_all(&head.key.to_bytes())?;
        let key_file = head.key_file.to_text()?;
        let length = u32::try_from(key_file.len()).map_err(|_| LogbookError::Io)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(key_file.as_bytes())?;
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
        let hash = hashed.hash.finalize();
        hashed.file.write_all(hash.as_bytes())?;
        hashed.file.finish()?;
        Ok(hashed.bytes + HASH_BYTES as u64)
    }
}

fn encryptor(seal: &Seal, key_file: &KeyFile) -> Result<Encryptor> {
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
            let to = key_file.recovery_recipient()?;
            Encryptor::with_recipients(std::iter::once(&to as &dyn age::Recipient)).map_err(broken)
        }
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// The check that needs no secret: whether the file is as it was written.
pub(crate) struct Checking {
    input: BufReader<File>,
    hash: blake3::Hasher,
    left: u64,
    bytes: u64,
}

impl Checking {
    /// # Errors
    /// `NoFile`; `BadBackup` where it is something else.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| LogbookError::reading(&error))?;
        let about = file.metadata()?;
        let least = (FIRST_LINE.len() + HASH_BYTES) as u64;
        if !about.is_file() || about.len() < least {
            return Err(LogbookError::BadBackup);
        }
        let mut input = BufReader::with_capacity(PIECE, file);
        let mut first = [0; FIRST_LINE.len()];
        input.read_exact(&mut first)?;
        if first != FIRST_LINE {
            return Err(LogbookError::BadBackup);
        }
        let mut hash = blake3::Hasher::new();
        hash.update(&first);
        Ok(Self { input, hash, left: about.len() - least, bytes: about.len() })
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
        self.left -= bytes.len() as u64;
        if self.left > 0 {
            return Ok(false);
        }
        let mut said = [0; HASH_BYTES];
        self.input.read_exact(&mut said).map_err(not_whole)?;
        if self.hash.finalize() == said { Ok(true) } else { Err(LogbookError::BadBackup) }
    }

    /// Opens what was checked.
    pub(crate) fn open(self, secret: &str) -> Result<(Head, Reading)> {
        let mut input = self.input;
        let start = FIRST_LINE.len() as u64;
        input.seek(SeekFrom::Start(start))?;
        let sealed = input.take(self.bytes - start - HASH_BYTES as u64);
        let age = Decryptor::new(sealed).map_err(unopened)?;
        let mut inside = decrypted(age, secret)?;
        let head = read_head(&mut inside)?;
        let left = head.database_bytes;
        Ok((head, Reading { inside, left }))
    }
}

type Inside = StreamReader<Take<BufReader<File>>>;

/// One secret, whichever the backup is sealed by.
fn decrypted(age: Decryptor<Take<BufReader<File>>>, typed: &str) -> Result<Inside> {
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
    let mut key = Zeroizing::new([0; 48]);
    inside.read_exact(key.as_mut()).map_err(not_whole)?;
    let key = BookKey::from_bytes(key.as_ref()).ok_or(LogbookError::BadBackup)?;
    inside.read_exact(&mut four).map_err(not_whole)?;
    let length = u32::from_be_bytes(four).min(MOST_KEY_FILE);
    let mut key_file = vec![0; usize::try_from(length).unwrap_or(0)];
    inside.read_exact(&mut key_file).map_err(not_whole)?;
    let key_file = KeyFile::parse(&key_file).ok_or(LogbookError::BadBackup)?;
    let mut eight = [0; 8];
    inside.read_exact(&mut eight).map_err(not_whole)?;
    if !key_file.fits(&key) {
        return Err(LogbookError::BadBackup);
    }
    Ok(Head { schema, key, key_file, database_bytes: u64::from_be_bytes(eight) })
}

/// A backup that is being read.
pub(crate) struct Reading {
    inside: Inside,
    left: u64,
}

impl Reading {
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Writes the next piece of the database out; whether that was the last and nothing follows it.
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
            0 => Ok(true),
            _ => Err(LogbookError::BadBackup),
        }
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
