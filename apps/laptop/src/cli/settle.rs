//! `settle`: what was written twice, and the choice between it. `show --history`: who wrote what.

use std::path::Path;

use clap::{Args, ValueEnum};
use seldinger_core::content::{wording, words};
use seldinger_core::error::LogbookError;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{AlsoWritten, Keep, Logbook, StandsIn, WrittenBy};
use serde_json::{Value, json};

use super::{cases, input, look};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// Of which record, and what is kept.
#[derive(Args)]
pub struct SettleArgs {
    /// Its id, or enough of the beginning of a case's; `last` is the newest case.
    id: String,
    /// The field, as `seldinger settle ID` names it.
    #[arg(requires = "keep")]
    field: Option<String>,
    /// What is kept; without it everything that was written twice is shown.
    #[arg(long, value_name = "WHAT", requires = "field")]
    keep: Option<Kept>,
    /// Which of the others, where there are several.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    number: usize,
    /// The list as JSON.
    #[arg(long, conflicts_with = "keep")]
    json: bool,
}

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kept {
    /// What is shown.
    Shown,
    /// The other.
    Other,
    /// The lines of all of them, in order.
    Both,
    /// What standard input says instead.
    Typed,
}

/// Shows what was written twice in a record, or chooses.
pub fn run(home: &Home, args: &SettleArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    let id = cases::find(&book, args.id.trim())?;
    let also = book.also_written(id)?;
    let (Some(field), Some(kept)) = (&args.field, args.keep) else {
        return show(&book, &also, args.json);
    };
    let on_path: Vec<&AlsoWritten> = also.iter().filter(|also| also.path == *field).collect();
    let Some(first) = on_path.first() else {
        let told = wording("app.not_twice", &[("field", field)]);
        return Err(Failure::Ended { told, exit_code: 3 });
    };
    let keep = match kept {
        Kept::Shown => Keep::Shown,
        Kept::Other => {
            let Some(other) = args.number.checked_sub(1).and_then(|at| on_path.get(at)) else {
                let number = args.number.to_string();
                return Err(Failure::Misused(wording("app.no_version", &[("number", &number)])));
            };
            Keep::Other { which: other.which.clone() }
        }
        Kept::Both => Keep::Both { text: first.both.clone().ok_or(LogbookError::NotInOne)? },
        Kept::Typed => Keep::Both { text: input::whole(Path::new("-"))? },
    };
    let is_one = matches!(keep, Keep::Both { .. });
    book.settle(id, field, &keep, &first.seen)?;
    say::note(&words(if is_one { "page.both_kept" } else { "page.settled" }, &[]));
    Ok(())
}

fn show(book: &Logbook, also: &[AlsoWritten], as_json: bool) -> Result<(), Failure> {
    let mut out = Out::new();
    if as_json {
        out.line(also_json(also))?;
        return out.flush();
    }
    if also.is_empty() {
        say::note(&words("app.nothing_to_settle", &[]));
    }
    for (at, other) in also.iter().enumerate() {
        let on_path = |known: &&AlsoWritten| known.path == other.path;
        let number = also[..at].iter().filter(on_path).count() + 1;
        if number == 1 {
            look::pair(&mut out, "field", &plain(&other.path))?;
            lines(&mut out, "shown", &other.shown)?;
            look::pair(&mut out, "", &told(book, &other.shown_by))?;
        }
        lines(&mut out, &format!("other {number}"), &other.text)?;
        look::pair(&mut out, "", &told(book, &other.by))?;
        for (label, side) in [("only shown", StandsIn::Shown), ("only in it", StandsIn::Other)] {
            let pieces = other.pieces.iter().filter(|piece| piece.stands_in == side);
            let texts: Vec<&str> = pieces.map(|piece| piece.text.trim()).collect();
            let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
            if !texts.is_empty() {
                lines(&mut out, label, &texts.join(" … "))?;
            }
        }
        let is_last = also[at + 1..].iter().find(on_path).is_none();
        if let Some(both) = other.both.as_ref().filter(|_| is_last) {
            lines(&mut out, "both", both)?;
        }
    }
    out.flush()
}

fn lines(out: &mut Out, label: &str, text: &str) -> Result<(), Failure> {
    let nothing = words("badge.nothing", &[]);
    let text = if text.is_empty() { &nothing } else { text };
    for (at, line) in text.lines().enumerate() {
        look::pair(out, if at == 0 { label } else { "" }, &plain(line))?;
    }
    Ok(())
}

fn told(book: &Logbook, by: &WrittenBy) -> String {
    let at = book.now().at(by.at);
    let (day, time) = (at.day().iso(), at.clock_time());
    words("app.written_by", &[("place", &plain(&by.place)), ("when", &format!("{day} {time}"))])
}

/// What was written twice, as JSON.
pub fn also_json(also: &[AlsoWritten]) -> Value {
    let by = |by: &WrittenBy| json!({"place": by.place, "at_ms": by.at.0});
    let one = |also: &AlsoWritten| {
        json!({
            "path": also.path, "shown": also.shown, "shown_by": by(&also.shown_by),
            "other": also.text, "other_by": by(&also.by), "both": also.both,
        })
    };
    also.iter().map(one).collect()
}

/// Who wrote what in a record, field by field.
pub fn history(out: &mut Out, book: &Logbook, id: RecordId) -> Result<(), Failure> {
    let mut versions = book.history(id, "")?;
    versions.retain(|version| !version.path.starts_with('@'));
    versions.sort_by(|one, other| one.path.cmp(&other.path));
    for version in versions {
        let value = version.value_json.as_deref().map(serde_json::from_str::<Value>);
        let text = match value {
            Some(Ok(Value::String(text))) => text,
            Some(Ok(value)) => value.to_string(),
            _ => String::new(),
        };
        lines(out, look::label(&plain(&version.path)), &text)?;
        let replaced = version.replaced.map(|replaced| book.now().at(replaced));
        let state = match replaced {
            Some(at) => {
                let when = format!("{} {}", at.day().iso(), at.clock_time());
                words("app.version_replaced", &[("when", &when)])
            }
            None if version.stands_beside => words("badge.version_beside", &[]),
            None => words("badge.version_shown", &[]),
        };
        look::pair(out, "", &format!("{}, {state}", told(book, &version.by)))?;
    }
    Ok(())
}
