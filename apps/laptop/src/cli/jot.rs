//! `jot`: one typed line becomes a case, or shows what it would become.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use seldinger_core::case_log::jot::{JotReader, JotReading, StaffMember};
use seldinger_core::case_log::values::StaffRole;
use seldinger_core::content::{Content, words};
use seldinger_core::logbook::JotOptions;
use serde_json::{Value, json};

use super::{back_up_if_due, input, look, tell_recovery_code};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// What is jotted and how.
#[derive(Args)]
pub struct JotArgs {
    /// The case in one line; without it, one jot a line from standard input.
    text: Vec<String>,
    /// Show what is understood and save nothing; no log is opened.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a jot.
    #[arg(long)]
    json: bool,
    /// The staff for --dry-run: a file with `person` lines as `export` writes them.
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    people: Option<PathBuf>,
}

impl JotArgs {
    /// Whether the jots are only read.
    pub fn opens_no_book(&self) -> bool {
        self.dry_run
    }
}

/// Shows what jots say, and saves nothing.
pub fn dry_run(args: &JotArgs) -> Result<(), Failure> {
    let staff = args.people.as_deref().map_or(Ok(Vec::new()), people)?;
    let mut out = Out::new();
    let mut separate = false;
    for_each_jot(args, |text| {
        let reading = JotReader::shipped().read(text, &staff);
        if args.json {
            return out.line(reading.values.to_json());
        }
        if separate {
            out.line("")?;
        }
        separate = true;
        show(&mut out, &reading)
    })?;
    out.flush()
}

/// Saves jots as cases.
pub fn run(home: &Home, args: &JotArgs) -> Result<(), Failure> {
    if args.text.is_empty() && std::io::stdin().is_terminal() {
        return Err(Failure::NoJot);
    }
    let opened = home.existing_or_new()?;
    if let Some(code) = &opened.recovery_code {
        tell_recovery_code(code, opened.vault.mode);
    }
    let mut out = Out::new();
    let mut saved_any = false;
    let ended = for_each_jot(args, |text| {
        if text.trim().is_empty() {
            return Ok(());
        }
        let reading = opened.book.read_jot(text)?;
        let saved = opened.book.save_jot(text, &JotOptions::default())?;
        saved_any = true;
        if args.json {
            let guesses = reading.marks.iter().filter(|mark| !mark.certain);
            let guesses: Vec<Value> = guesses
                .map(|mark| json!({ "field": mark.field.as_str(), "value": mark.value }))
                .collect();
            out.line(json!({
                "id": saved.id.to_string(),
                "values": reading.values.to_json(),
                "guesses": guesses,
                "note": reading.note,
                "identifiers": saved.identifiers.len(),
            }))?;
        } else {
            show(&mut out, &reading)?;
            look::pair(&mut out, "saved as", &saved.id.to_string())?;
        }
        // Saved means saved: whoever reads the output line by line hears of it at once.
        out.flush()?;
        for hit in &saved.identifiers {
            let told = hit.hit.kind.wording().line();
            say::note(&format!("{}: {told}", hit.path));
        }
        Ok(())
    });
    ended.map_err(|failure| match failure {
        Failure::NotText { from, line, .. } => {
            Failure::NotText { from, line, saved_before: saved_any }
        }
        other => other,
    })?;
    back_up_if_due(&opened.book);
    if saved_any { Ok(()) } else { Err(Failure::NoJot) }
}

/// Hands on the line of the command, or each line of standard input.
fn for_each_jot(
    args: &JotArgs,
    mut take: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if !args.text.is_empty() {
        return take(&args.text.join(" "));
    }
    input::for_each_line(take)
}

/// What was understood, a field a line.
fn show(out: &mut Out, reading: &JotReading) -> Result<(), Failure> {
    look::pair(out, "jot", &plain(&reading.text))?;
    let guessed = |certain| reading.marks.iter().filter(move |mark| mark.certain == certain);
    let mut shown = Vec::new();
    for mark in guessed(true) {
        let value = match mark.field.as_str() {
            "procedure" => Content::shipped().procedure(&mark.value).map(|found| &found.name),
            _ => None,
        };
        let line = (mark.field, value.unwrap_or(&mark.value).clone());
        if !shown.contains(&line) {
            look::pair(out, look::label(line.0.as_str()), &plain(&line.1))?;
            shown.push(line);
        }
    }
    for mark in guessed(false) {
        let value = format!("{}? (not saved: say it more plainly)", mark.value);
        look::pair(out, look::label(mark.field.as_str()), &plain(&value))?;
    }
    if !reading.note.is_empty() {
        look::pair(out, "note", &plain(&reading.note))?;
    }
    if reading.marks.is_empty() {
        out.line(words("app.nothing_read", &[]))?;
    }
    Ok(())
}

/// The staff of a file; lines of other kinds are passed over, and people without a name.
fn people(file: &Path) -> Result<Vec<StaffMember>, Failure> {
    parse_people(&input::whole(file)?)
}

fn parse_people(text: &str) -> Result<Vec<StaffMember>, Failure> {
    let mut staff: Vec<StaffMember> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let bad = Failure::BadPeople { line: number + 1 };
        let record: Value = serde_json::from_str(line).map_err(|_| bad)?;
        if record["kind"] != "person" {
            continue;
        }
        let field = |name: &str| record["fields"][name].as_str().map(str::trim).unwrap_or_default();
        let (surname, role) = (field("surname").to_owned(), field("role"));
        if surname.is_empty() {
            continue;
        }
        let role = StaffRole::parse(role).unwrap_or(StaffRole::Other);
        match staff.iter_mut().find(|person| person.surname == surname) {
            // Someone met twice counts as what they were last.
            Some(person) => person.role = role,
            None => staff.push(StaffMember { surname, role }),
        }
    }
    Ok(staff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_read_from_the_sample_rotation() {
        let staff = parse_people(crate::sample::ROTATION).unwrap();
        let role = |name: &str| staff.iter().find(|p| p.surname == name).map(|p| p.role);
        assert_eq!(role("Okafor"), Some(StaffRole::Attending));
        assert_eq!(role("Haddad"), Some(StaffRole::Fellow));
        assert_eq!(role("Tran"), Some(StaffRole::Resident));
        assert!(staff.iter().all(|person| !person.surname.is_empty()));
    }

    #[test]
    fn a_bad_line_is_named() {
        let text = "{\"kind\":\"case\"}\n\n{\"kind\":\"person\"";
        assert!(matches!(parse_people(text), Err(Failure::BadPeople { line: 3 })));
        assert_eq!(parse_people("{\"kind\":\"person\",\"fields\":{}}").unwrap(), []);
    }
}
