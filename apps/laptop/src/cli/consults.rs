//! `consults`, `consult`: what IR is asked, what is said about it, and the templates for both.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use seldinger_core::consult::Presentation;
use seldinger_core::content::wording;
use seldinger_core::form::TypedField;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{ConsultRow, ConsultTemplate, Logbook, SavedForm, SavedTemplate};
use serde_json::{Value, json};

use super::{input, look};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{self, Out, plain};

/// How the list is shown.
#[derive(Args)]
pub struct ConsultsArgs {
    /// One JSON object a consult.
    #[arg(long)]
    json: bool,
}

/// What is done with consults.
#[derive(Subcommand)]
pub enum ConsultCommand {
    /// Save a consult; without fields, say what its template asks for.
    New {
        /// Which template, by its name or by the title of one of yours.
        template: String,
        /// Its fields, such as question="Drain?" or labs.inr=1.4; one that is named again adds a line.
        #[arg(value_name = "FIELD=VALUE")]
        fields: Vec<String>,
    },
    /// Show a consult: what is written, how its labs stand, the case that followed.
    Show {
        /// Its id, or enough of its beginning; `last` is the newest.
        id: String,
    },
    /// Say a consult, part by part.
    Present {
        /// Its id, or enough of its beginning; `last` is the newest.
        id: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Save the case that followed a consult, filled from it.
    Case {
        /// Its id, or enough of its beginning; `last` is the newest.
        id: String,
        /// Fields of the case, such as role=observed.
        #[arg(value_name = "FIELD=VALUE")]
        fields: Vec<String>,
    },
    /// List the templates.
    Templates,
    /// Templates of your own.
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Print how presentations are worded, or say it in words of your own.
    Wording {
        /// Take the wording from this file; - is standard input.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

/// What is done with templates of one's own.
#[derive(Subcommand)]
pub enum TemplateCommand {
    /// Make one of your own out of another.
    Copy {
        /// Which template.
        template: String,
    },
    /// Print its definition.
    Show {
        /// Which of your templates.
        template: String,
    },
    /// Change its definition.
    Edit {
        /// Which of your templates.
        template: String,
        /// Take the definition from this file; - is standard input.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Move it to the recently deleted.
    Delete {
        /// Which of your templates.
        template: String,
    },
}

/// Lists consults, newest first.
pub fn list(home: &Home, args: &ConsultsArgs) -> Result<(), Failure> {
    let book = home.existing()?.book;
    let mut out = Out::new();
    for row in rows(&book)? {
        if args.json {
            out.line(row_json(&row))?;
        } else {
            out.line(line(&row))?;
        }
    }
    out.flush()
}

/// Does it.
pub fn run(home: &Home, command: &ConsultCommand) -> Result<(), Failure> {
    let book = home.existing_or_new()?.book;
    let mut out = Out::new();
    match command {
        ConsultCommand::New { template, fields } => new(&mut out, &book, template, fields)?,
        ConsultCommand::Show { id } => show(&mut out, &book, find(&book, id)?)?,
        ConsultCommand::Present { id, json } => {
            let said = book.consult(find(&book, id)?)?.presentation;
            if *json { out.line(said_json(&said))? } else { tell(&mut out, &said)? }
        }
        ConsultCommand::Case { id, fields } => case(&mut out, &book, find(&book, id)?, fields)?,
        ConsultCommand::Templates => templates(&mut out, &book)?,
        ConsultCommand::Template(command) => template(&mut out, &book, command)?,
        ConsultCommand::Wording { from } => match from {
            Some(file) => told(&mut out, book.save_presentation_wording(&input::whole(file)?)?)?,
            None => out.line(book.presentation_wording()?.text.trim_end())?,
        },
    }
    out.flush()
}

fn rows(book: &Logbook) -> Result<Vec<ConsultRow>, Failure> {
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = book.consults(after.as_deref())?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return Ok(rows);
        }
    }
}

fn line(row: &ConsultRow) -> String {
    let line = format!(
        "{}  {} {}  {}  {}  {}",
        look::short_id(row.name.id),
        row.name.when.day().iso(),
        row.name.clock_time,
        look::fit(&plain(&row.name.name), 44),
        look::fit(&plain(&row.template), 24),
        plain(&row.who),
    );
    line.trim_end().to_owned()
}

fn row_json(row: &ConsultRow) -> Value {
    json!({
        "id": row.name.id.to_string(),
        "at": row.name.when.rfc3339(),
        "question": row.name.name,
        "template": row.template,
        "who": row.who,
        "requesting_service": row.requesting_service,
    })
}

/// The consult with this id, or the one whose id begins so.
fn find(book: &Logbook, given: &str) -> Result<RecordId, Failure> {
    if let Ok(id) = given.parse() {
        return Ok(id);
    }
    let wanted = given.trim().to_lowercase();
    let rows = rows(book)?;
    if wanted == "last" {
        let newest = rows.first().map(|row| row.name.id);
        return newest.ok_or_else(|| Failure::NoSuchConsult(given.to_owned()));
    }
    let fits =
        |row: &&ConsultRow| !wanted.is_empty() && row.name.id.to_string().starts_with(&wanted);
    let mut found = rows.iter().filter(fits).map(|row| row.name.id);
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(Failure::ManyConsults(given.to_owned())),
        (None, _) => Err(Failure::NoSuchConsult(given.to_owned())),
    }
}

/// The template of this name: `drain`, its form, or the title of one of the user's.
fn named(book: &Logbook, given: &str) -> Result<ConsultTemplate, Failure> {
    let all = book.consult_templates()?;
    let short = |one: &ConsultTemplate| one.form.strip_prefix("consult-").map(str::to_owned);
    let fits = |one: &&ConsultTemplate| {
        one.form == given
            || short(one).as_deref() == Some(given)
            || one.title.eq_ignore_ascii_case(given)
    };
    let found = all.iter().find(fits).cloned();
    found.ok_or_else(|| {
        let names = all.iter().map(|one| short(one).unwrap_or_else(|| one.title.clone()));
        let choices = names.collect::<Vec<_>>().join(", ");
        Failure::NotAChoice { given: given.to_owned(), choices }
    })
}

fn own(book: &Logbook, given: &str) -> Result<RecordId, Failure> {
    let choices = || {
        let all = book.consult_templates().unwrap_or_default();
        all.iter().filter(|one| one.own.is_some()).map(|one| one.title.clone()).collect::<Vec<_>>()
    };
    named(book, given)?.own.ok_or_else(|| Failure::NotAChoice {
        given: given.to_owned(),
        choices: choices().join(", "),
    })
}

/// Fields as they are typed; one that is named again adds a text.
fn typed(pairs: &[String]) -> Result<Vec<TypedField>, Failure> {
    let mut typed: Vec<TypedField> = Vec::new();
    for pair in pairs {
        let Some((path, text)) = pair.split_once('=') else {
            return Err(Failure::Misused(wording("app.not_a_field", &[("given", pair)])));
        };
        match typed.iter_mut().find(|field| field.path == path) {
            Some(field) => field.texts.push(text.to_owned()),
            None => {
                typed.push(TypedField { path: path.to_owned(), texts: vec![text.to_owned()] });
            }
        }
    }
    Ok(typed)
}

fn new(out: &mut Out, book: &Logbook, template: &str, fields: &[String]) -> Result<(), Failure> {
    let form = named(book, template)?.form;
    let open = book.open_form(&form, None)?;
    if fields.is_empty() {
        for section in open.view.sections {
            out.line(&section.title)?;
            for field in section.fields {
                let asked = if field.missing { "*" } else { " " };
                let line = format!("  {asked} {:28} {} {}", field.path, field.label, field.unit);
                out.line(line.trim_end())?;
            }
        }
        return Ok(());
    }
    let typed = typed(fields)?;
    let all = || open.view.sections.iter().flat_map(|section| &section.fields);
    if let Some(strange) = typed.iter().find(|one| all().all(|field| field.path != one.path)) {
        let choices: Vec<&str> = all().map(|field| field.path.as_str()).collect();
        let given = strange.path.clone();
        return Err(Failure::NotAChoice { given, choices: choices.join(", ") });
    }
    saved(out, &book.save_form(&form, None, 0, &typed, None)?)
}

fn saved(out: &mut Out, saved: &SavedForm) -> Result<(), Failure> {
    out.line(saved.id)?;
    for warning in &saved.warnings {
        say::note(&format!("{}: {}", warning.path, warning.text));
    }
    for hit in &saved.identifiers {
        say::note(&format!("{}: {}", hit.path, hit.hit.kind.wording().line()));
    }
    Ok(())
}

fn show(out: &mut Out, book: &Logbook, id: RecordId) -> Result<(), Failure> {
    let (sheet, view) = (book.record_sheet(id)?, book.consult(id)?);
    out.line(&sheet.title)?;
    out.line(format_args!("{}, {}", sheet.day_long, sheet.name.clock_time))?;
    for section in &sheet.sections {
        out.line("")?;
        out.line(plain(&section.title))?;
        for field in &section.fields {
            let flag = view.labs.flags.iter().find(|flag| flag.path == field.path);
            let told = flag.map(|flag| format!("  ({})", flag.told)).unwrap_or_default();
            let text = format!("{} {}", field.texts.join("; "), field.unit);
            let line = format!("  {:24} {}{told}", plain(&field.label), plain(text.trim_end()));
            out.line(line.trim_end())?;
        }
    }
    out.line("")?;
    out.line(format_args!("{} {}. {}", view.labs.risk, view.labs.source, view.labs.local_policy))?;
    for drug in &view.labs.drugs {
        out.line(&drug.told)?;
    }
    for case in book.cases_of_consult(id)? {
        out.line(format_args!("case {}  {}", look::short_id(case.id), plain(&case.name)))?;
    }
    Ok(())
}

fn tell(out: &mut Out, said: &Presentation) -> Result<(), Failure> {
    if let Some(problem) = &said.problem {
        say::note(&problem.line());
    }
    for part in &said.parts {
        out.line(&part.title)?;
        out.line(format_args!("  {}", plain(&part.text)))?;
    }
    if say::to_terminal() {
        say::note(&format!("about {} s", said.speaking_time_s));
        if !said.missing.is_empty() {
            say::note(&format!("not written: {}", plain(&said.missing.join(", "))));
        }
    }
    Ok(())
}

fn said_json(said: &Presentation) -> Value {
    let part = |part: &seldinger_core::consult::PresentationPart| json!({ "id": part.id, "title": part.title, "text": part.text });
    json!({
        "text": said.text,
        "parts": said.parts.iter().map(part).collect::<Vec<_>>(),
        "missing": said.missing,
        "words": said.words,
        "speaking_time_s": said.speaking_time_s,
        "problem": said.problem.as_ref().map(seldinger_core::content::Wording::line),
    })
}

fn case(out: &mut Out, book: &Logbook, id: RecordId, fields: &[String]) -> Result<(), Failure> {
    let open = book.begin_case_from_consult(id)?;
    let mut all = open.draft.map(|draft| book.draft(draft)).transpose()?.map(|draft| draft.typed);
    let all = all.get_or_insert_default();
    for field in typed(fields)? {
        all.retain(|known| known.path != field.path);
        all.push(field);
    }
    saved(out, &book.save_form(&open.view.id, None, open.opened, all, open.draft)?)
}

fn templates(out: &mut Out, book: &Logbook) -> Result<(), Failure> {
    for one in book.consult_templates()? {
        let name = one.form.strip_prefix("consult-").unwrap_or("yours");
        out.line(format_args!("{name:16} {}", plain(&one.title)))?;
        if let Some(problem) = one.problem {
            out.line(format_args!("{:16} {}", "", plain(&problem.line())))?;
        }
    }
    Ok(())
}

fn template(out: &mut Out, book: &Logbook, command: &TemplateCommand) -> Result<(), Failure> {
    match command {
        TemplateCommand::Copy { template } => {
            let id = book.copy_template(&named(book, template)?.form)?.id;
            out.line(book.template_text(id)?.title)
        }
        TemplateCommand::Show { template } => {
            out.line(book.template_text(own(book, template)?)?.text.trim_end())
        }
        TemplateCommand::Edit { template, from } => {
            let id = own(book, template)?;
            told(out, book.save_template(id, &input::whole(from)?)?)
        }
        TemplateCommand::Delete { template } => {
            book.delete(own(book, template)?)?;
            Ok(())
        }
    }
}

/// Says where a text that was saved has a mistake.
fn told(out: &mut Out, saved: SavedTemplate) -> Result<(), Failure> {
    out.line(saved.id)?;
    match saved.problem {
        Some(problem) => Err(Failure::Told(problem)),
        None => Ok(()),
    }
}
