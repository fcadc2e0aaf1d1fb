//! `cases`, `show`, `search`: the log, read.

use clap::Args;
use seldinger_core::case_log::list::{CaseFilter, CaseList, CaseRow, CaseSort};
use seldinger_core::case_log::values::Role;
use seldinger_core::content::Wording;
use seldinger_core::error::LogbookError;
use seldinger_core::ids::RecordId;
use seldinger_core::library::search as search_library;
use seldinger_core::logbook::{CASE, Logbook, SearchHit};
use seldinger_core::record::Record;
use seldinger_core::time::{Day, IsoWeek};
use serde_json::{Value, json};

use super::{library, look, settle};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// Which cases.
#[derive(Args, Default)]
pub struct FilterArgs {
    /// From this day on, 2026-10-05.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Until this day.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// In this week, 2026-W41.
    #[arg(long, value_name = "WEEK")]
    week: Option<String>,
    /// Of this procedure, by its id or a name; may be given more than once.
    #[arg(long, value_name = "NAME")]
    procedure: Vec<String>,
    /// Of this category of procedures.
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// With this part of yours.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// With this attending.
    #[arg(long, value_name = "SURNAME")]
    attending: Option<String>,
    /// With this tag.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Marked as interesting.
    #[arg(long)]
    interesting: bool,
    /// Without procedure, role or lesson yet.
    #[arg(long)]
    unfinished: bool,
}

/// How the list is shown.
#[derive(Args)]
pub struct CasesArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only cases with these words.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// newest, oldest, procedure, attending or kerma.
    #[arg(long, default_value = "newest")]
    sort: String,
    /// At most so many; 0: all.
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    /// One JSON object a case.
    #[arg(long)]
    json: bool,
}

/// Which case is shown.
#[derive(Args)]
pub struct ShowArgs {
    /// Its id, or enough of its beginning; `last` is the newest case.
    id: String,
    /// The whole record as one JSON object.
    #[arg(long)]
    json: bool,
    /// Who wrote what, and when, of the last 90 days.
    #[arg(long, conflicts_with = "json")]
    history: bool,
}

/// What is looked for.
#[derive(Args)]
pub struct SearchArgs {
    /// Each may be the beginning of a word.
    #[arg(required = true)]
    words: Vec<String>,
    /// Only records of this kind.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// At most so many; 0: all.
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    /// One JSON object a record.
    #[arg(long)]
    json: bool,
}

impl FilterArgs {
    /// The core's filter.
    pub fn filter(&self) -> Result<CaseFilter, Failure> {
        let day = |given: &Option<String>| {
            given.as_deref().map(|text| Day::parse(text).ok_or(LogbookError::NotADay)).transpose()
        };
        Ok(CaseFilter {
            from: day(&self.from)?,
            to: day(&self.to)?,
            week: self.week.as_deref().map(week).transpose()?,
            procedures: self.procedure.clone(),
            category: self.category.clone(),
            role: self.role.as_deref().map(role).transpose()?,
            attending: self.attending.clone(),
            tag: self.tag.clone(),
            interesting: self.interesting,
            unfinished: self.unfinished,
            ..CaseFilter::default()
        })
    }
}

fn role(given: &str) -> Result<Role, Failure> {
    Role::named(given).ok_or_else(|| {
        let choices: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        Failure::NotAChoice { given: given.to_owned(), choices: choices.join(", ") }
    })
}

/// Reads `2026-W41`; a week that the year does not have is none.
fn week(given: &str) -> Result<IsoWeek, Failure> {
    let parsed = given.split_once("-W").and_then(|(year, week)| {
        let week = IsoWeek { year: year.parse().ok()?, week: week.parse().ok()? };
        (week.monday().week() == week).then_some(week)
    });
    parsed.ok_or_else(|| Failure::NotAChoice {
        given: given.to_owned(),
        choices: "2026-W01 to 2026-W53".to_owned(),
    })
}

/// Lists cases.
pub fn list(home: &Home, args: &CasesArgs) -> Result<(), Failure> {
    let filter = CaseFilter { text: args.text.clone(), ..args.filter.filter()? };
    let sort = CaseSort::parse(&args.sort).ok_or_else(|| Failure::NotAChoice {
        given: args.sort.clone(),
        choices: CaseSort::ALL.map(|(_, name)| name).join(", "),
    })?;
    let book = home.existing()?.book;
    let mut out = Out::new();
    let mut left = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut shown = 0;
    let CaseList { mut page, count, told } = book.case_list(&filter, sort, None)?;
    loop {
        for row in page.rows().take(left) {
            if args.json {
                out.line(row_json(row))?;
            } else {
                out.line(look::case_line(row))?;
            }
            shown += 1;
        }
        left = left.saturating_sub(page.rows().count());
        let Some(next) = page.next.filter(|_| left > 0) else { break };
        page = book.cases(&filter, sort, Some(&next))?;
    }
    out.flush()?;
    tell_names(told)?;
    if !args.json && say::to_terminal() {
        say::note(&format!("{shown} of {count} cases"));
    }
    Ok(())
}

/// Says which names of a filter mean nothing here.
pub fn tell_names(mut told: Vec<Wording>) -> Result<(), Failure> {
    let Some(last) = told.pop() else { return Ok(()) };
    for told in told {
        say::note(&told.line());
    }
    Err(Failure::NoSuchName(last))
}

fn row_json(row: &CaseRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "performed_at": row.performed.rfc3339(),
        "procedure": row.procedure,
        "procedure_name": row.procedure_name,
        "indication": row.indication,
        "role": row.role.map(Role::as_str),
        "attending": row.attending,
        "guidance": row.guidance.iter().map(|guidance| guidance.as_str()).collect::<Vec<_>>(),
        "air_kerma_mgy": row.air_kerma_mgy,
        "interesting": row.interesting,
        "adverse_event": row.adverse_event,
        "tags": row.tags,
    })
}

/// Shows one record.
pub fn show(home: &Home, args: &ShowArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    let record = book.record(find(&book, args.id.trim())?)?;
    let mut out = Out::new();
    if args.json {
        let mut shown = record_json(&record);
        let also = book.also_written(record.id)?;
        if !also.is_empty() {
            shown["also_written"] = settle::also_json(&also);
        }
        out.line(shown)?;
        return out.flush();
    }
    if args.history {
        settle::history(&mut out, &book, record.id)?;
        return out.flush();
    }
    look::pair(&mut out, "id", &record.id.to_string())?;
    look::pair(&mut out, "kind", &plain(&record.kind))?;
    let when = record.when();
    look::pair(&mut out, "day", &format!("{} {}", when.day().iso(), when.clock_time()))?;
    if !record.alive {
        look::pair(&mut out, "state", "deleted")?;
    }
    for (name, value) in &record.fields {
        for (path, text) in flat(name, value) {
            look::pair(&mut out, look::label(&plain(&path)), &plain(&text))?;
        }
    }
    for also in book.also_written(record.id)? {
        look::pair(&mut out, look::label(&plain(&also.path)), &plain(&also.told))?;
    }
    out.flush()
}

fn record_json(record: &Record) -> Value {
    json!({
        "id": record.id.to_string(),
        "kind": record.kind,
        "at": record.at.rfc3339(),
        "deleted": !record.alive,
        "fields": record.fields,
    })
}

/// A value as lines: an object by its paths, a list of plain values on one line.
fn flat(path: &str, value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Object(inner) => {
            inner.iter().flat_map(|(name, value)| flat(&format!("{path}.{name}"), value)).collect()
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(text).collect();
            vec![(path.to_owned(), items.join("; "))]
        }
        other => vec![(path.to_owned(), text(other))],
    }
}

/// The record with this id, or the one case whose id begins so.
pub fn find(book: &Logbook, given: &str) -> Result<RecordId, Failure> {
    if let Ok(id) = given.parse() {
        return Ok(id);
    }
    let wanted = given.to_lowercase();
    let newest = wanted == "last";
    let mut found = None;
    let mut next = None;
    loop {
        let page = book.cases(&CaseFilter::default(), CaseSort::Newest, next.as_deref())?;
        for row in page.rows() {
            if newest {
                return Ok(row.id);
            }
            if !wanted.is_empty() && row.id.to_string().starts_with(&wanted) {
                if found.is_some() {
                    return Err(Failure::ManyCases(given.to_owned()));
                }
                found = Some(row.id);
            }
        }
        next = page.next;
        if next.is_none() {
            return found.ok_or_else(|| Failure::NoSuchCase(given.to_owned()));
        }
    }
}

/// Looks for words in everything that was written.
pub fn search(home: &Home, args: &SearchArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    let words = args.words.join(" ");
    let mut out = Out::new();
    let mut left = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut before = None;
    // Of one kind: records only.
    let articles = if args.kind.is_none() { search_library(&words)? } else { Vec::new() };
    for hit in &articles {
        if args.json {
            out.line(library::hit_json(hit))?;
        } else {
            library::hit_lines(&mut out, hit)?;
        }
    }
    loop {
        let page = book.search(&words, args.kind.as_deref(), before)?;
        for hit in page.hits.iter().take(left) {
            if args.json {
                out.line(hit_json(hit))?;
            } else {
                hit_lines(&mut out, &book, hit)?;
            }
        }
        left = left.saturating_sub(page.hits.len());
        before = page.next;
        if before.is_none() || left == 0 {
            return out.flush();
        }
    }
}

fn hit_json(hit: &SearchHit) -> Value {
    let text: String = hit.pieces.iter().map(|piece| piece.text.as_str()).collect();
    let found: Vec<_> = hit.pieces.iter().filter(|p| p.found).map(|p| p.text.as_str()).collect();
    json!({
        "id": hit.id.to_string(),
        "kind": hit.kind,
        "performed_at": hit.performed.rfc3339(),
        "procedure": hit.procedure,
        "text": text,
        "found": found,
    })
}

fn hit_lines(out: &mut Out, book: &Logbook, hit: &SearchHit) -> Result<(), Failure> {
    match hit.kind.as_str() {
        CASE => out.line(look::case_line(&book.case(hit.id)?.row))?,
        _ => out.line(format_args!(
            "{}  {}       {}",
            look::short_id(hit.id),
            hit.performed.day().iso(),
            plain(&hit.kind)
        ))?,
    }
    out.line(format_args!("    {}", library::marked(&hit.pieces)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_roles_are_read_or_named() {
        assert_eq!(week("2026-W41").unwrap(), IsoWeek { year: 2026, week: 41 });
        assert_eq!(week("2026-W53").unwrap().week, 53);
        for wrong in ["2026-W54", "2026-W00", "2025-W53", "W41", "2026-41", "x-Wy"] {
            assert!(week(wrong).is_err(), "{wrong}");
        }
        assert_eq!(role("did part").unwrap(), Role::DidPart);
        assert!(matches!(role("chief"), Err(Failure::NotAChoice { .. })));
    }

    #[test]
    fn records_are_shown_by_path() {
        let value = json!({ "inr": 1.1, "more": { "x": null } });
        let lines = flat("labs", &value);
        assert_eq!(lines[0], ("labs.inr".into(), "1.1".into()));
        assert_eq!(lines[1], ("labs.more.x".into(), "null".into()));
        assert_eq!(flat("tags", &json!(["a", 2]))[0].1, "a; 2");
    }
}
