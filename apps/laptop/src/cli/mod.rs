//! The command line.

mod calc;
mod cases;
mod checklist;
mod consults;
mod hyphens;
pub mod input;
mod job;
mod jot;
mod key;
mod library;
mod look;
mod safety;
mod settle;
mod sync;
mod tally;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use seldinger_core::content::words;
use seldinger_core::store::key::RecoveryCode;

use crate::data_dir::Places;
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out};
use crate::serve;
use crate::vault::VaultMode;
pub use safety::back_up_if_due;
use transfer::warn_of_identifiers;

/// An offline, encrypted case log for a rotation in interventional radiology.
#[derive(Parser)]
#[command(name = "seldinger", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    /// Keep the log in this folder instead of the platform's.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Who keeps the key of a new log; without it: the keyring, else a passphrase, else a file.
    #[arg(long, global = true, value_name = "KEEPER")]
    keep_key: Option<VaultMode>,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 could not be done, 2 wrong use, 3 nothing of that \
    name, 4 key or passphrase, 5 damaged, 6 disk or permissions, 7 input file, 130 stopped.";

/// How the page is served.
#[derive(Args)]
pub struct ServeArgs {
    /// Port of the page on this machine; 0: any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Print the address and leave the browser alone.
    #[arg(long)]
    pub no_open: bool,
    /// Lock the page after so many minutes without a request; 0: never.
    #[arg(long, default_value_t = 30, value_name = "MINUTES")]
    pub lock_after: u64,
}

#[derive(Subcommand)]
enum Command {
    /// Open the log as a page in the browser (what happens without a command).
    Serve(ServeArgs),
    /// Save a case from one typed line.
    Jot(jot::JotArgs),
    /// List cases.
    Cases(cases::CasesArgs),
    /// Show one case or record.
    Show(cases::ShowArgs),
    /// Choose between what two devices wrote in the same field.
    Settle(settle::SettleArgs),
    /// Find words in the library and in everything that was written.
    Search(cases::SearchArgs),
    /// Count cases, dose and goals.
    Tally(tally::TallyArgs),
    /// List consults.
    Consults(consults::ConsultsArgs),
    /// Write, show and present consults, and keep templates of your own.
    #[command(subcommand)]
    Consult(consults::ConsultCommand),
    /// Tick a checklist, stamp the stages of a procedure.
    Checklist(checklist::ChecklistArgs),
    /// Read about a procedure: half a minute, or the whole.
    Procedure(library::ProcedureArgs),
    /// Read the basics of imaging.
    Imaging(library::ImagingArgs),
    /// Work out scores, thresholds and conversions, each with its source.
    Calc(calc::CalcArgs),
    /// Take in records from a file.
    Import(transfer::ImportArgs),
    /// Write records to a file.
    Export(transfer::ExportArgs),
    /// Write the whole log to one encrypted file.
    Backup(safety::BackupArgs),
    /// Put a backup in the place of the log, which is kept.
    Restore(safety::RestoreArgs),
    /// Read everything that is stored and say whether it is whole.
    Verify(safety::VerifyArgs),
    /// Pair this log with another device of yours.
    Pair(sync::PairArgs),
    /// List the devices that this log is paired with, or revoke one.
    Devices(sync::DevicesArgs),
    /// Exchange with the paired devices what each lacks.
    Sync(sync::SyncArgs),
    /// Carry what each lacks as a file, where the network keeps the devices apart.
    #[command(subcommand)]
    Bundle(sync::BundleCommand),
    /// Change the key or bring it back.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Print what a shell needs to complete commands.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command; says on standard error why it could not.
pub fn main() -> ExitCode {
    let args = hyphens::sorted(&Cli::command(), std::env::args_os());
    match run(Cli::parse_from(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(told) = failure.wording() {
                say::note(&told.line());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    if let Some(Command::Completions { shell }) = cli.command {
        return completions(shell);
    }
    if let Some(Command::Jot(args)) = &cli.command
        && args.opens_no_book()
    {
        return jot::dry_run(args);
    }
    match &cli.command {
        Some(Command::Calc(args)) => return calc::run(args),
        Some(Command::Procedure(args)) => return library::procedure(args),
        Some(Command::Imaging(args)) => return library::imaging(args),
        _ => {}
    }
    let home = Home { places: Places::find(cli.data)?, wanted: cli.keep_key };
    home.places.close_to_others();
    match cli.command {
        None => serve::run(home, &cli.serve),
        Some(Command::Serve(args)) => serve::run(home, &args),
        Some(Command::Jot(args)) => jot::run(&home, &args),
        Some(Command::Cases(args)) => cases::list(&home, &args),
        Some(Command::Show(args)) => cases::show(&home, &args),
        Some(Command::Settle(args)) => settle::run(&home, &args),
        Some(Command::Search(args)) => cases::search(&home, &args),
        Some(Command::Tally(args)) => tally::run(&home, &args),
        Some(Command::Consults(args)) => consults::list(&home, &args),
        Some(Command::Consult(command)) => consults::run(&home, &command),
        Some(Command::Checklist(args)) => checklist::run(&home, &args),
        Some(Command::Calc(args)) => calc::run(&args),
        Some(Command::Procedure(args)) => library::procedure(&args),
        Some(Command::Imaging(args)) => library::imaging(&args),
        Some(Command::Import(args)) => transfer::import(&home, &args),
        Some(Command::Export(args)) => transfer::export(&home, &args),
        Some(Command::Backup(args)) => safety::backup(&home, &args),
        Some(Command::Restore(args)) => safety::restore(&home, &args),
        Some(Command::Verify(args)) => safety::verify(&home, &args),
        Some(Command::Pair(args)) => sync::pair(&home, &args),
        Some(Command::Devices(args)) => sync::devices(&home, &args),
        Some(Command::Sync(args)) => sync::sync(&home, &args),
        Some(Command::Bundle(command)) => sync::bundle(&home, &command),
        Some(Command::Key(command)) => key::run(&home, &command),
        Some(Command::Completions { shell }) => completions(shell),
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "seldinger", &mut script);
    let mut out = Out::new();
    out.bytes(&script)?;
    out.flush()
}

/// Shows the recovery code of a new book, once.
pub fn tell_recovery_code(code: &RecoveryCode, mode: VaultMode) {
    say::note(&words("app.new_book", &[]));
    say::note(&format!("    {}", *code.text()));
    let kept = match mode {
        VaultMode::Keyring => "app.key_in_keyring",
        VaultMode::Passphrase => "app.key_under_passphrase",
        VaultMode::KeyFile => "app.key_in_file",
    };
    say::note(&words(kept, &[]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }
}
