//! What the library says, in a terminal.

use clap::Args;
use seldinger_core::content::Content;
use seldinger_core::error::LogbookError;
use seldinger_core::library::{
    Article, ArticleEntry, ArticleKind, LibraryHit, article, imaging_articles,
};
use seldinger_core::logbook::SnippetPiece;
use serde_json::{Value, json};

use super::look::fit;
use crate::failure::Failure;
use crate::say::{Out, plain};

#[derive(Args)]
pub struct ProcedureArgs {
    /// Its id, or words of its name; without any: the list.
    name: Vec<String>,
    /// The whole, not only the half minute.
    #[arg(long)]
    full: bool,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct ImagingArgs {
    /// The id of a topic; without one: the list.
    topic: Option<String>,
    /// The whole, not only the half minute.
    #[arg(long)]
    full: bool,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

/// One procedure, or all of them.
pub fn procedure(args: &ProcedureArgs) -> Result<(), Failure> {
    let mut out = Out::new();
    let content = Content::shipped();
    if args.name.is_empty() {
        for category in content.categories() {
            out.line(&category.name)?;
            for procedure in content.in_category(&category.id) {
                out.line(format_args!("  {} {}", fit(&procedure.id, 26), procedure.name))?;
            }
        }
        return out.flush();
    }
    let named = args.name.join(" ");
    let id = match content.procedure(&named) {
        Some(procedure) => &procedure.id,
        None => match content.find(&named).as_slice() {
            [] => return Err(LogbookError::UnknownDefinition.into()),
            [only] => &only.id,
            several => {
                for procedure in several {
                    out.line(format_args!("{} {}", fit(&procedure.id, 26), procedure.name))?;
                }
                return out.flush();
            }
        },
    };
    show(&mut out, ArticleKind::Procedure, id, args.full, args.json)
}

/// One imaging topic, or all of them.
pub fn imaging(args: &ImagingArgs) -> Result<(), Failure> {
    let mut out = Out::new();
    if let Some(topic) = &args.topic {
        return show(&mut out, ArticleKind::Imaging, topic, args.full, args.json);
    }
    for topic in imaging_articles() {
        out.line(format_args!("{} {}", fit(&topic.id, 26), topic.title))?;
    }
    out.flush()
}

fn show(
    out: &mut Out,
    kind: ArticleKind,
    id: &str,
    full: bool,
    as_json: bool,
) -> Result<(), Failure> {
    let article = article(kind, id).ok_or(LogbookError::UnknownDefinition)?;
    if as_json {
        out.line(article_json(article))?;
    } else {
        lines(out, article, full)?;
    }
    out.flush()
}

fn lines(out: &mut Out, article: &Article, full: bool) -> Result<(), Failure> {
    out.line(&article.title)?;
    if let Some(risk) = &article.risk {
        out.line(format!("{}. {}", risk.title, risk.note).trim_end())?;
    }
    out.line("")?;
    for entry in &article.brief {
        out.line(one(entry))?;
    }
    for section in article.sections.iter().filter(|_| full) {
        out.line("")?;
        out.line(&section.title)?;
        for (number, entry) in (1..).zip(&section.entries) {
            let mark = if section.ordered { format!("{number}.") } else { "-".to_owned() };
            out.line(format_args!("  {mark} {}", one(entry)))?;
        }
    }
    out.line("")?;
    let brief = article.brief.iter().map(|entry| entry.source);
    let shown: Vec<u32> = brief.chain(article.risk.iter().map(|risk| risk.source)).collect();
    for (number, source) in (1..).zip(&article.sources) {
        if full || shown.contains(&number) {
            out.line(format_args!("[{number}] {}", source.citation))?;
        }
    }
    out.line(&article.local_policy)
}

fn one(entry: &ArticleEntry) -> String {
    let lead = if entry.lead.is_empty() { String::new() } else { format!("{}: ", entry.lead) };
    let source = if entry.source > 0 { format!(" [{}]", entry.source) } else { String::new() };
    format!("{lead}{}{source}", entry.text)
}

fn article_json(article: &Article) -> Value {
    let entry = |entry: &ArticleEntry| {
        let source = article.source(entry.source).map(|source| source.id.as_str());
        let lead = Some(&entry.lead).filter(|lead| !lead.is_empty());
        json!({ "lead": lead, "text": entry.text, "source": source })
    };
    let entries = |all: &[ArticleEntry]| all.iter().map(entry).collect::<Vec<_>>();
    let sections: serde_json::Map<String, Value> = article
        .sections
        .iter()
        .map(|section| (section.id.clone(), Value::from(entries(&section.entries))))
        .collect();
    json!({
        "id": article.id,
        "title": article.title,
        "also": article.also,
        "bleeding_risk": article.risk.as_ref().map(|risk| &risk.title),
        "brief": entries(&article.brief),
        "sections": sections,
        "sources": article.sources.iter().map(|s| json!({"id": s.id, "citation": s.citation})).collect::<Vec<_>>(),
        "local_policy": article.local_policy,
    })
}

/// An article that a search found.
pub fn hit_lines(out: &mut Out, hit: &LibraryHit) -> Result<(), Failure> {
    let about = if hit.section_title.is_empty() { "" } else { ": " };
    let LibraryHit { id, title, section_title, .. } = hit;
    out.line(format_args!("{} {id}: {title}{about}{section_title}", room(hit.kind)))?;
    out.line(format_args!("    {}", marked(&hit.pieces)))
}

/// The same as JSON.
pub fn hit_json(hit: &LibraryHit) -> Value {
    let kind = room(hit.kind);
    let text: String = hit.pieces.iter().map(|piece| piece.text.as_str()).collect();
    json!({ "library": kind, "id": hit.id, "title": hit.title, "section": hit.section, "text": text })
}

/// The command that shows it.
fn room(kind: ArticleKind) -> &'static str {
    match kind {
        ArticleKind::Procedure => "procedure",
        ArticleKind::Imaging => "imaging",
    }
}

/// A found text, with the words found in brackets.
pub fn marked(pieces: &[SnippetPiece]) -> String {
    let mark = |piece: &SnippetPiece| {
        let text = plain(&piece.text);
        if piece.found { format!("[{text}]") } else { text }
    };
    pieces.iter().map(mark).collect()
}
