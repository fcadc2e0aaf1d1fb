//! What can go wrong with a logbook, as a shell needs to know it. The words are in
//! `content/messages.toml`, by variant; nothing that the user wrote is ever in here.

use crate::ids::RecordId;

/// Which part of a book could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum DamagedPart {
    /// The small file with salt and canary, in both its copies.
    KeyFile,
    /// The first bytes of the database.
    Header,
    /// A page of the database.
    Page,
    /// Committed work at the end of the write-ahead log is cut off.
    WriteAheadLog,
    /// The write-ahead log of a book that was not closed is not there. Told once: the next one who opens
    /// the book goes on without what was in it.
    MissingLog,
    /// Pages are whole, but tables or indexes disagree.
    Structure,
    /// The search index disagrees with the records; it can be rebuilt.
    SearchIndex,
    /// A stored record cannot be read.
    Record,
    /// The sums by which devices compare their records are not what the records say; they are made anew.
    Sums,
}

/// Which part of a book is not in its folder, although others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum MissingPart {
    /// The database.
    Database,
    /// The small file with salt and canary, both its copies.
    KeyFile,
}

/// Why a logbook did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum LogbookError {
    /// The device keeps the key locked until its owner unlocks the device.
    #[error("the key is locked")]
    KeyLocked,
    /// The user declined to give the key.
    #[error("the user cancelled")]
    KeyCancelled,
    /// The key store has no key for this book.
    #[error("the key is missing")]
    KeyMissing,
    /// The key store cannot be used at all.
    #[error("the key store is unavailable")]
    KeyUnavailable,
    /// The key belongs to another book, or the passphrase or code is wrong.
    #[error("wrong key")]
    WrongKey,
    /// There is no book in the folder.
    #[error("no book here")]
    NoBook,
    /// It is there, and must not be read: it belongs to somebody else, or its rights do not allow it.
    #[error("cannot be read")]
    CannotRead,
    /// The book is of an older version, and cannot be brought to this one because it cannot be written.
    #[error("schema {found} is older than {known} and cannot be written")]
    OlderSchema {
        /// The book's schema.
        found: u32,
        /// The one that it would be brought to.
        known: u32,
    },
    /// The book's disk cannot be written, and there is no room elsewhere for the copy that it takes to read
    /// it.
    #[error("no room to read")]
    NoRoomToRead,
    /// There is a book in the folder already.
    #[error("a book is here already")]
    BookExists,
    /// Part of a book is in the folder, and part of it is not. Nothing is made in its place: the part can
    /// be put back, or a backup restored.
    #[error("missing: {part:?}")]
    PartMissing {
        /// What is not there.
        part: MissingPart,
    },
    /// The file is damaged. It is left as it is; a backup can be restored beside it.
    #[error("damaged: {part:?}")]
    Damaged {
        /// What could not be read.
        part: DamagedPart,
    },
    /// A newer version of the product wrote this book.
    #[error("schema {found} is newer than {known}")]
    NewerSchema {
        /// The book's schema.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// The disk is full. What was saved before is kept.
    #[error("the disk is full")]
    DiskFull,
    /// The folder or file cannot be written.
    #[error("read-only")]
    ReadOnly,
    /// Another program holds the book for longer than the waiting time.
    #[error("the book is in use")]
    Busy,
    /// There is no such file or folder.
    #[error("no such file")]
    NoFile,
    /// Something has the name already of a file that was to be written.
    #[error("the file exists")]
    FileExists,
    /// The operating system refused to read or write.
    #[error("input or output failed")]
    Io,
    /// The storage refused for a reason of its own; the code is SQLite's.
    #[error("storage error {code}")]
    Storage {
        /// SQLite's extended result code.
        code: i32,
    },
    /// There is no such record.
    #[error("no record {id}")]
    NotFound {
        /// The id that was asked for.
        id: RecordId,
    },
    /// There is no such draft any more.
    #[error("no such draft")]
    NoDraft,
    /// Nothing stands beside the field any more, or it is nothing that can be chosen.
    #[error("nothing to choose")]
    NothingToChoose,
    /// Something else was written there since the choice was looked at.
    #[error("something else was written there meanwhile")]
    ChoiceChanged,
    /// What was given as an id is not one.
    #[error("not an id")]
    NotAnId,
    /// What was given as a day is not one, such as 2026-10-05.
    #[error("not a day")]
    NotADay,
    /// Long work was stopped by the user.
    #[error("cancelled")]
    Cancelled,
    /// An import ended before its end. What was written by then stays; importing the same again adds
    /// only the rest.
    #[error("the import ended after {records} records: {reason:?}")]
    ImportStopped {
        /// Why.
        reason: StopReason,
        /// Records that are in the book by it.
        records: u64,
    },
    /// An export through a pipe ended before its end.
    #[error("the export ended after {records} records: {reason:?}")]
    ExportStopped {
        /// Why.
        reason: StopReason,
        /// Records that went into it, the last of them perhaps not all of it.
        records: u64,
    },
    /// The taking in of a bundle ended before its end; what was taken in stays.
    #[error("a bundle was taken in up to {records} records: {reason:?}")]
    BundleStopped {
        /// Why.
        reason: StopReason,
        /// Records of it that are in the book.
        records: u64,
    },
    /// What came through a pipe is more than can be kept until it is checked.
    #[error("too much at once")]
    TooMuchAtOnce,
    /// The file is not a backup, or its end is missing, or a byte of it changed.
    #[error("not a whole backup")]
    BadBackup,
    /// A version from before backups were authenticated has made the file.
    #[error("a backup of a former format")]
    FormerBackup,
    /// The file is sealed to the recovery code, but whoever made it knew only what is no secret: not the
    /// code, and not the book.
    #[error("not made by this book")]
    ForgedBackup,
    /// The database was moved or replaced while the book was open.
    #[error("the log's file was moved")]
    FilesMoved,
    /// A text of one's own was to be kept, and there is none.
    #[error("nothing was typed")]
    NothingTyped,
    /// What was written twice is no text, so that only one of the versions can be kept.
    #[error("not to be kept in one")]
    NotInOne,
    /// The recovery code is not in the book: it was confirmed, or the book came out of a backup.
    #[error("the recovery code is not kept")]
    CodeNotKept,
    /// The recovery code is from before backups were authenticated: none can be made until there is a
    /// new one.
    #[error("the recovery code is too old for backups")]
    CodeTooOld,
    /// What was typed is not what the recovery code says in these groups.
    #[error("the groups differ from the code")]
    CodeDiffers,
    /// A recovery code was needed, and what was given is none: a letter is missing or wrong.
    #[error("not a recovery code")]
    NotACode,
    /// A line of an import cannot be read; nothing was written.
    #[error("line {line}: {reason:?}")]
    BadLine {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: LineProblem,
    },
    /// The key of this device is revoked; it is paired again only once it has new ones.
    #[error("the key of device {id} is revoked")]
    KeyRevoked {
        /// The record that names the device.
        id: RecordId,
    },
    /// What was typed to confirm is not the name of the device.
    #[error("another name")]
    OtherName,
    /// A form, scheme or filter that was asked for does not exist.
    #[error("no such definition")]
    UnknownDefinition,
    /// No page of a list said that the next one begins there.
    #[error("not a page of a list")]
    NotAPage,
}

/// Why long work ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum StopReason {
    /// The user stopped it.
    Cancelled,
    /// The disk is full.
    DiskFull,
    /// The book cannot be written any more.
    ReadOnly,
    /// Another program held the book for too long.
    Busy,
    /// The file is not what it was when it was checked.
    FileChanged,
    /// The book is damaged.
    Damaged,
    /// Something else failed.
    Failed,
}

impl StopReason {
    /// The reason in an error.
    pub(crate) fn of(error: &LogbookError) -> Self {
        match error {
            LogbookError::Cancelled => Self::Cancelled,
            LogbookError::DiskFull => Self::DiskFull,
            LogbookError::ReadOnly => Self::ReadOnly,
            LogbookError::Busy => Self::Busy,
            LogbookError::BadLine { .. } | LogbookError::NoFile => Self::FileChanged,
            LogbookError::Damaged { .. } => Self::Damaged,
            _ => Self::Failed,
        }
    }
}

/// What is wrong with a line of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum LineProblem {
    /// Not UTF-8.
    NotText,
    /// Not a JSON object.
    NotAnObject,
    /// `kind` is missing or not a word.
    Kind,
    /// `at` is missing or not a time with an offset.
    At,
    /// `fields` is missing or not an object.
    Fields,
    /// `id` is not an id.
    Id,
    /// Nested too deep or too long to be a record.
    TooLarge,
}

/// The result of most calls.
pub type Result<T, E = LogbookError> = std::result::Result<T, E>;

impl From<crate::ids::NotAnId> for LogbookError {
    fn from(_: crate::ids::NotAnId) -> Self {
        Self::NotAnId
    }
}

impl LogbookError {
    /// What it means that something could not be opened or read.
    pub fn reading(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NoFile,
            std::io::ErrorKind::PermissionDenied => Self::CannotRead,
            _ => Self::Io,
        }
    }
}

impl From<std::io::Error> for LogbookError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::DiskFull,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::ReadOnly,
            Kind::NotFound => Self::NoFile,
            _ => Self::Io,
        }
    }
}
