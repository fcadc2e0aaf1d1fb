//! Why a command did not do what it was asked to: its words and its exit code.

use std::path::{Path, PathBuf};

use seldinger_core::calculator::CalculatorError;
use seldinger_core::content::{Wording, wording, words};
use seldinger_core::error::{LogbookError, MissingPart, StopReason};
use seldinger_core::logbook::lan::SyncError;
use seldinger_core::store::backup::FoundBackup;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The core said no.
    #[error(transparent)]
    Book(#[from] LogbookError),
    /// There was a log, and its folder is empty or gone.
    #[error("the log is gone")]
    LogGone {
        /// Where it was.
        folder: PathBuf,
        /// The file that tells of it.
        trace: PathBuf,
    },
    /// Part of the log is not in its folder.
    #[error("a part of the log is missing")]
    PartMissing {
        /// Which.
        part: MissingPart,
        /// Where it was.
        folder: PathBuf,
        /// What can be restored, the latest first.
        backups: Vec<FoundBackup>,
    },
    /// The log is there, and the note that says who keeps its key is not.
    #[error("the vault's note is missing")]
    NoVaultNote(PathBuf),
    /// That note is there, and says nothing.
    #[error("the vault's note is damaged")]
    BadVaultNote(PathBuf),
    /// Sync said no.
    #[error(transparent)]
    Sync(SyncError),
    /// A calculator gave no result.
    #[error(transparent)]
    Calculator(CalculatorError),
    /// An argument is not what it should be; it has its words already.
    #[error("misused")]
    Misused(Wording),
    /// What went wrong has its words already.
    #[error("told")]
    Told(Wording),
    /// What went wrong has its words and its exit code already: another program or thread met it.
    #[error("told with its exit code")]
    Ended {
        /// What is said.
        told: Wording,
        /// How this command ends by it.
        exit_code: u8,
    },
    /// The page of this folder is open, and is what syncs.
    #[error("the page is open")]
    PageIsOpen,
    /// The log is paired with nothing.
    #[error("not paired")]
    NotPaired,
    /// Devices that nobody could reach, by name.
    #[error("devices are out of reach")]
    OutOfReach(String),
    /// A device was named in a way that fits none.
    #[error("no such device")]
    NoSuchDevice(String),
    /// A device was named that is revoked.
    #[error("a revoked device")]
    RevokedDevice(String),
    /// A device was named in a way that fits several.
    #[error("several such devices")]
    ManyDevices(String),
    /// A device must be named: these are paired.
    #[error("which device")]
    WhichDevice(String),
    /// Six digits are needed, and there is nobody to ask.
    #[error("digits are needed")]
    DigitsNeeded,
    /// Whoever read our output has stopped reading.
    #[error("broken pipe")]
    Pipe,
    /// Output could not be written.
    #[error("output failed")]
    Output,
    /// The platform knows no home folder.
    #[error("no home folder")]
    NoHome,
    /// A file cannot be read.
    #[error("cannot read a file")]
    CannotRead(PathBuf),
    /// There is no such file.
    #[error("no such file")]
    NoSuchFile(PathBuf),
    /// A file or folder must not be read by this user.
    #[error("not allowed to read a file")]
    NotAllowed(PathBuf),
    /// A file or folder cannot be written.
    #[error("cannot write a file")]
    CannotWrite(PathBuf),
    /// A part of the log itself shall not be written over.
    #[error("an own file")]
    OwnFile(PathBuf),
    /// A line that is not UTF-8.
    #[error("line {line} is not text")]
    NotText {
        /// Where it stands.
        from: String,
        /// Counted from 1.
        line: u64,
        /// The lines before it were saved as they came.
        saved_before: bool,
    },
    /// A variable of the environment that is not UTF-8.
    #[error("{0} is not text")]
    VariableNotText(&'static str),
    /// Nothing was given to read.
    #[error("nothing to read")]
    NoJot,
    /// A filter names what is not there; it has its words already.
    #[error("no such name")]
    NoSuchName(Wording),
    /// A case was named in a way that fits none.
    #[error("no such case")]
    NoSuchCase(String),
    /// A case was named in a way that fits several.
    #[error("several such cases")]
    ManyCases(String),
    /// A consult was named in a way that fits none.
    #[error("no such consult")]
    NoSuchConsult(String),
    /// A consult was named in a way that fits several.
    #[error("several such consults")]
    ManyConsults(String),
    /// A checklist run was named in a way that fits none.
    #[error("no such run")]
    NoSuchRun(String),
    /// A checklist run was named in a way that fits several.
    #[error("several such runs")]
    ManyRuns(String),
    /// A value on the command line is none of those that there are.
    #[error("not a choice")]
    NotAChoice {
        /// What was asked for.
        given: String,
        /// What there is.
        choices: String,
    },
    /// A line of `--people` cannot be read.
    #[error("line {line} of the people is unreadable")]
    BadPeople {
        /// Counted from 1.
        line: usize,
    },
    /// A new passphrase is to be chosen, and there is nobody to ask.
    #[error("a new passphrase is needed")]
    NewPassphraseNeeded,
    /// The book is sealed by a passphrase, and there is nobody to ask.
    #[error("a passphrase is needed")]
    PassphraseNeeded,
    /// The page was locked under a passphrase, and there is nobody to ask.
    #[error("the page is locked")]
    PageLocked,
    /// Too many passphrases were wrong; seconds until another is heard.
    #[error("wait before the next passphrase")]
    PassphraseWait(String),
    /// An empty passphrase seals nothing.
    #[error("an empty passphrase")]
    PassphraseEmpty,
    /// The two passphrases differ.
    #[error("passphrases differ")]
    PassphrasesDiffer,
    /// A recovery code is needed, and there is nobody to ask.
    #[error("a recovery code is needed")]
    CodeNeeded,
    /// A backup is sealed, and there is nobody to ask for its passphrase or code.
    #[error("the secret of a backup is needed")]
    BackupSecretNeeded,
    /// Somebody who was told what a restore would replace did not want it.
    #[error("not restored")]
    NotRestored,
    /// The page's port is taken.
    #[error("the port is taken")]
    PortTaken(u16),
    /// Verification found damage; the report is on standard output.
    #[error("damage was found")]
    DamageFound,
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Book { error } => Self::Book(error),
            other => Self::Sync(other),
        }
    }
}

impl Failure {
    /// Why a file could not be read.
    pub fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NoSuchFile(file.to_owned()),
            std::io::ErrorKind::PermissionDenied => Self::NotAllowed(file.to_owned()),
            _ => Self::CannotRead(file.to_owned()),
        }
    }

    /// What is said on standard error; nothing where nobody reads.
    pub fn wording(&self) -> Option<Wording> {
        let said = |variant: &str, values: &[(&str, &str)]| {
            Some(wording(&format!("app.{variant}"), values))
        };
        match self {
            Self::Book(LogbookError::FileExists) => said("file_exists", &[]),
            Self::Book(error) => Some(error.wording()),
            Self::LogGone { folder, trace } => {
                said("log_gone", &[("folder", &shown(folder)), ("trace", &shown(trace))])
            }
            Self::PartMissing { part, folder, backups } => Some(missing(*part, folder, backups)),
            Self::BadVaultNote(file) => said("bad_vault_note", &[("file", &shown(file))]),
            Self::NoVaultNote(file) => said("no_vault_note", &[("file", &shown(file))]),
            Self::Sync(error) => Some(error.wording()),
            Self::Calculator(error) => Some(error.wording()),
            Self::Told(told)
            | Self::Misused(told)
            | Self::NoSuchName(told)
            | Self::Ended { told, .. } => Some(told.clone()),
            Self::PageIsOpen => said("page_is_open", &[]),
            Self::NotPaired => said("not_paired", &[]),
            Self::OutOfReach(names) => said("out_of_reach", &[("names", names)]),
            Self::NoSuchDevice(given) => said("no_such_device", &[("given", given)]),
            Self::RevokedDevice(given) => said("revoked_device", &[("given", given)]),
            Self::ManyDevices(given) => said("many_devices", &[("given", given)]),
            Self::WhichDevice(names) => said("which_device", &[("names", names)]),
            Self::DigitsNeeded => said("digits_needed", &[]),
            Self::Pipe | Self::DamageFound => None,
            Self::Output => said("output", &[]),
            Self::NoHome => said("no_home", &[]),
            Self::CannotRead(file) => said("cannot_read", &[("file", &shown(file))]),
            Self::NoSuchFile(file) => said("no_such_file", &[("file", &shown(file))]),
            Self::NotAllowed(file) => said("not_allowed", &[("file", &shown(file))]),
            Self::CannotWrite(file) => said("cannot_write", &[("file", &shown(file))]),
            Self::OwnFile(file) => said("own_file", &[("file", &shown(file))]),
            Self::NotText { from, line, saved_before } => {
                let told = if *saved_before { "not_text_before" } else { "not_text" };
                said(told, &[("from", from), ("line", &line.to_string())])
            }
            Self::VariableNotText(name) => said("variable_not_text", &[("name", name)]),
            Self::NoJot => said("no_jot", &[]),
            Self::NoSuchCase(given) => said("no_such_case", &[("given", given)]),
            Self::ManyCases(given) => said("many_cases", &[("given", given)]),
            Self::NoSuchConsult(given) => said("no_such_consult", &[("given", given)]),
            Self::ManyConsults(given) => said("many_consults", &[("given", given)]),
            Self::NoSuchRun(given) => said("no_such_run", &[("given", given)]),
            Self::ManyRuns(given) => said("many_runs", &[("given", given)]),
            Self::NotAChoice { given, choices } => {
                said("not_a_choice", &[("given", given), ("choices", choices)])
            }
            Self::BadPeople { line } => said("bad_people", &[("line", &line.to_string())]),
            Self::PassphraseNeeded => said("passphrase_needed", &[]),
            Self::NewPassphraseNeeded => said("new_passphrase_needed", &[]),
            Self::PageLocked => said("locked_needs_typing", &[]),
            Self::PassphraseWait(seconds) => said("passphrase_wait", &[("seconds", seconds)]),
            Self::PassphraseEmpty => said("passphrase_empty", &[]),
            Self::PassphrasesDiffer => said("passphrases_differ", &[]),
            Self::CodeNeeded => said("code_needed", &[]),
            Self::BackupSecretNeeded => said("backup_secret_needed", &[]),
            Self::NotRestored => said("not_restored", &[]),
            Self::PortTaken(port) => said("port_taken", &[("port", &port.to_string())]),
        }
    }

    /// The exit code; `apps/laptop/README.md` lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Pipe => 0,
            Self::Ended { exit_code, .. } => *exit_code,
            Self::Book(error) => of_book(error),
            Self::Sync(error) => of_sync(error),
            Self::NoSuchCase(_)
            | Self::NoSuchName(_)
            | Self::Calculator(CalculatorError::UnknownCalculator { .. })
            | Self::ManyCases(_)
            | Self::NoSuchConsult(_)
            | Self::ManyConsults(_)
            | Self::NoSuchRun(_)
            | Self::ManyRuns(_)
            | Self::NoSuchDevice(_)
            | Self::RevokedDevice(_)
            | Self::ManyDevices(_)
            | Self::WhichDevice(_)
            | Self::NotPaired => 3,
            Self::NotAChoice { .. } | Self::NoJot | Self::Calculator(_) | Self::Misused(_) => 2,
            Self::VariableNotText(_)
            | Self::PassphraseNeeded
            | Self::NewPassphraseNeeded
            | Self::PageLocked
            | Self::PassphraseWait(_)
            | Self::PassphraseEmpty
            | Self::PassphrasesDiffer
            | Self::CodeNeeded
            | Self::NoVaultNote(_)
            | Self::BadVaultNote(_)
            | Self::BackupSecretNeeded => 4,
            Self::DamageFound | Self::LogGone { .. } | Self::PartMissing { .. } => 5,
            Self::CannotWrite(_) | Self::OwnFile(_) | Self::NotAllowed(_) | Self::Output => 6,
            Self::BadPeople { .. }
            | Self::CannotRead(_)
            | Self::NoSuchFile(_)
            | Self::NotText { .. } => 7,
            Self::NotRestored => 130,
            Self::NoHome
            | Self::PortTaken(_)
            | Self::Told(_)
            | Self::PageIsOpen
            | Self::OutOfReach(_)
            | Self::DigitsNeeded => 1,
        }
    }
}

/// The core's words, and which backups there are to restore.
fn missing(part: MissingPart, folder: &Path, backups: &[FoundBackup]) -> Wording {
    let told = LogbookError::PartMissing { part }.wording();
    let Some(latest) = backups.first() else { return told };
    let count = backups.len().to_string();
    let day = latest.day.clone().unwrap_or_else(|| words("ago.before_upgrade", &[]));
    let values = [
        ("count", count.as_str()),
        ("folder", &shown(&folder.join("backups"))),
        ("day", &day),
        ("file", &latest.file),
    ];
    Wording { what: told.what, ..wording("app.part_missing_backups", &values) }
}

fn of_book(error: &LogbookError) -> u8 {
    use LogbookError as E;
    match error {
        E::NoBook
        | E::NotFound { .. }
        | E::NoDraft
        | E::NothingToChoose
        | E::ChoiceChanged
        | E::NothingTyped
        | E::NotInOne
        | E::NotAnId
        | E::UnknownDefinition => 3,
        E::KeyLocked
        | E::KeyCancelled
        | E::KeyMissing
        | E::KeyUnavailable
        | E::WrongKey
        | E::NotACode
        | E::CodeNotKept
        | E::CodeTooOld
        | E::CodeDiffers => 4,
        E::Damaged { .. } | E::PartMissing { .. } => 5,
        E::DiskFull
        | E::ReadOnly
        | E::FilesMoved
        | E::CannotRead
        | E::OlderSchema { .. }
        | E::NoRoomToRead
        | E::Busy
        | E::Io
        | E::FileExists => 6,
        E::NoFile
        | E::BadBackup
        | E::FormerBackup
        | E::ForgedBackup
        | E::BadLine { .. }
        | E::TooMuchAtOnce => 7,
        E::NotADay | E::NotAPage | E::OtherName => 2,
        E::Cancelled => 130,
        E::ImportStopped { reason, .. }
        | E::ExportStopped { reason, .. }
        | E::BundleStopped { reason, .. } => match reason {
            StopReason::Cancelled => 130,
            StopReason::FileChanged => 7,
            StopReason::Damaged => 5,
            _ => 6,
        },
        _ => 1,
    }
}

fn of_sync(error: &SyncError) -> u8 {
    match error {
        SyncError::Book { error } => of_book(error),
        SyncError::Code { .. } => 2,
        SyncError::Link { .. } => 1,
        SyncError::Bundle { .. } => 7,
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
