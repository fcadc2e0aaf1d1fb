//! `backup`, `restore` and `verify`: that nothing is lost, and that this is known.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use seldinger_core::content::{wording, words};
use seldinger_core::error::{DamagedPart, LogbookError};
use seldinger_core::logbook::{Logbook, VerifyReport};
use seldinger_core::store::backup::Seal;
use seldinger_core::store::{Existing, Place};
use serde_json::json;
use zeroize::Zeroizing;

use super::{input, job};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out};
use crate::vault::{
    self, BACKUP_PASSPHRASE_VARIABLE, Vault, ask_secret, is_interactive, tell_if_short, variable,
};

/// What is backed up and how it is sealed.
#[derive(Args)]
pub struct BackupArgs {
    /// Where to.
    file: PathBuf,
    /// Seal it to the recovery code, without asking for a passphrase.
    #[arg(long)]
    recovery_code: bool,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
}

/// What is restored.
#[derive(Args)]
pub struct RestoreArgs {
    /// A backup. The log that is here now is kept beside.
    file: PathBuf,
    /// Do not ask, whatever is newer in the log that is here now; needed then where nobody can be asked.
    #[arg(long)]
    force: bool,
}

/// How a verification is told.
#[derive(Args)]
pub struct VerifyArgs {
    /// The outcome as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Backs up to a file.
pub fn backup(home: &Home, args: &BackupArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    home.places.check_output(&args.file)?;
    if !args.force && args.file.symlink_metadata().is_ok() {
        // The core looks as well; but nobody shall think of a passphrase in vain.
        return Err(LogbookError::FileExists.into());
    }
    let seal = if args.recovery_code { Seal::RecoveryCode } else { new_seal()? };
    if let Seal::Passphrase(passphrase) = &seal {
        tell_if_short(passphrase);
    }
    let by = match seal {
        Seal::Passphrase(_) => "app.backup_under_passphrase",
        Seal::RecoveryCode => "app.backup_under_code",
    };
    let existing = Existing::replaced_if(args.force);
    let report = job::run(book.backup_job(&args.file, existing, seal)?, "Backing up")?;
    say::note(&words(by, &[("file", &report.file)]));
    Ok(())
}

fn new_seal() -> Result<Seal, Failure> {
    if let Some(passphrase) = given()? {
        return Ok(Seal::Passphrase(passphrase));
    }
    if !is_interactive() {
        return Ok(Seal::RecoveryCode);
    }
    let first = ask_secret(&words("app.ask_new_backup_secret", &[]))?;
    if first.is_empty() {
        return Ok(Seal::RecoveryCode);
    }
    let again = ask_secret(&words("app.ask_again", &[]))?;
    if *again == *first { Ok(Seal::Passphrase(first)) } else { Err(Failure::PassphrasesDiffer) }
}

/// The passphrase of a backup that a script gives.
fn given() -> Result<Option<Zeroizing<String>>, Failure> {
    variable(BACKUP_PASSPHRASE_VARIABLE)
}

/// Restores a backup in the place of the log.
pub fn restore(home: &Home, args: &RestoreArgs) -> Result<(), Failure> {
    // Whether it is a backup at all is told before anybody is asked for a secret.
    std::fs::File::open(&args.file).map_err(|error| Failure::unreadable(&args.file, &error))?;
    let secret = match given()? {
        Some(passphrase) => passphrase,
        None => typed("app.ask_backup_secret")?.ok_or(Failure::BackupSecretNeeded)?,
    };
    let _turn = home.places.turn()?;
    let vault = Vault::noted_or_chosen(&home.places, home.wanted)?;
    let setup = home.setup(Place::new(home.places.own_book()), &vault);
    let ready = job::run(Logbook::restore_job(&setup, &args.file, secret)?, "Restoring")?;
    say::note(&ready.outlook().wording().line());
    if !args.force && ready.outlook().leaves_something_out() && !agreed()? {
        return Err(Failure::NotRestored);
    }
    let report = ready.put_in_place()?;
    vault::note_made(&home.places);
    say::note(&words("app.restored", &[("count", &report.records.to_string())]));
    if let Some(folder) = &report.replaced {
        say::note(&words("app.replaced_kept", &[("folder", folder)]));
    }
    Ok(())
}

/// Whether somebody at a terminal says yes.
///
/// # Errors
/// `Misused` where nobody can be asked: a log with newer records is replaced by no script by mistake.
fn agreed() -> Result<bool, Failure> {
    let needs_force = || Failure::Misused(wording("app.restore_needs_force", &[]));
    let answer = input::answer(&wording("app.ask_restore", &[]))?.ok_or_else(needs_force)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The same as `typed`; the question is told, too, where a program has to answer it.
pub fn answer(
    question: &str,
    values: &[(&str, &str)],
) -> Result<Option<Zeroizing<String>>, Failure> {
    let question = words(question, values);
    if is_interactive() {
        return ask_secret(&question).map(Some);
    }
    say::note(&question);
    first_line()
}

/// Something that is not shown while it is typed; the first line of standard input where that is no
/// terminal. `None` where there is nothing.
pub fn typed(question: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    if is_interactive() {
        return ask_secret(&words(question, &[])).map(Some);
    }
    first_line()
}

fn first_line() -> Result<Option<Zeroizing<String>>, Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let text = input::first_line()?;
    Ok((!text.is_empty()).then_some(text))
}

/// Reads everything that is stored.
pub fn verify(home: &Home, args: &VerifyArgs) -> Result<(), Failure> {
    let report = match home.existing() {
        Ok(opened) => job::run(opened.book.verify_job()?, "Verifying")?,
        // So damaged that it does not open: that is the outcome.
        Err(Failure::Book(LogbookError::Damaged { part })) => {
            VerifyReport { damaged: vec![part], ..VerifyReport::default() }
        }
        Err(other) => return Err(other),
    };
    let mut out = Out::new();
    if args.json {
        out.line(report_json(&report))?;
    } else {
        tell(&mut out, &report)?;
    }
    out.flush()?;
    if report.is_whole() { Ok(()) } else { Err(Failure::DamageFound) }
}

fn tell(out: &mut Out, report: &VerifyReport) -> Result<(), Failure> {
    let whole = report.backups.iter().filter(|backup| backup.whole).count();
    if report.pages > 0 {
        out.line(format_args!(
            "{} pages, {} records, {whole} of {} backups whole",
            report.pages,
            report.records,
            report.backups.len()
        ))?;
    }
    for part in &report.repaired {
        out.line(words("app.made_good", &[("part", name(*part))]))?;
    }
    for part in &report.damaged {
        out.line(LogbookError::Damaged { part: *part }.wording().line())?;
    }
    for backup in report.backups.iter().filter(|backup| !backup.whole) {
        let key = if backup.former { "app.backup_former" } else { "app.backup_damaged" };
        out.line(words(key, &[("name", &backup.name)]))?;
    }
    if report.is_whole() {
        out.line(words("app.all_whole", &[]))?;
    }
    Ok(())
}

fn report_json(report: &VerifyReport) -> serde_json::Value {
    let names = |parts: &[DamagedPart]| parts.iter().map(|part| name(*part)).collect::<Vec<_>>();
    let backups = report.backups.iter();
    let backups = backups.map(
        |backup| json!({ "name": backup.name, "whole": backup.whole, "former": backup.former }),
    );
    json!({
        "whole": report.is_whole(),
        "pages": report.pages,
        "bad_pages": report.bad_pages,
        "records": report.records,
        "bad_records": report.bad_records,
        "damaged": names(&report.damaged),
        "repaired": names(&report.repaired),
        "backups": backups.collect::<Vec<_>>(),
    })
}

fn name(part: DamagedPart) -> &'static str {
    match part {
        DamagedPart::KeyFile => "key file",
        DamagedPart::Header => "header",
        DamagedPart::Page => "pages",
        DamagedPart::WriteAheadLog => "write-ahead log",
        DamagedPart::MissingLog => "missing write-ahead log",
        DamagedPart::Structure => "structure",
        DamagedPart::SearchIndex => "search index",
        DamagedPart::Record => "records",
        DamagedPart::Sums => "sums",
    }
}

/// Makes the automatic backup where one is due; what is in its way is said and stops nothing.
pub fn back_up_if_due(book: &Logbook) {
    let made = book
        .automatic_backup_job()
        .and_then(|job| job.map_or(Ok(()), |job| job.run(|_| ()).map(drop)));
    match made {
        // Another program is at it.
        Ok(()) | Err(LogbookError::Busy) => {}
        Err(error) => {
            let what = words("app.no_automatic_backup", &[]);
            say::note(&format!("{what} {}", error.wording().line()));
        }
    }
}
