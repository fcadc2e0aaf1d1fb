//! Imaging: what to know, what was seen, what was read, and how it grows.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use seldinger_core::error::LogbookError;
use seldinger_core::library::{Article, ArticleKind, article, imaging_articles};
use seldinger_core::logbook::{
    DAILY_READ, FindingPage, FindingRow, ImagingWeek, ReadAs, RecordList,
};
use serde::Deserialize;

use crate::page::places;
use crate::page::shell::{Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// Which page of the findings.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct After {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "imaging/page.html")]
struct ImagingPage {
    shell: Shell,
    topics: &'static [Article],
    findings: FindingPage,
    reads: RecordList,
    weeks: Vec<ImagingWeek>,
}

#[derive(Template)]
#[template(path = "imaging/topic.html")]
struct TopicPage {
    shell: Shell,
    article: &'static Article,
}

/// How a finding was read, in words; empty where it is not written.
fn read_as(finding: &FindingRow) -> &'static str {
    finding.read_as.map_or("", told)
}

fn told(read: ReadAs) -> &'static str {
    match read {
        ReadAs::Shown => "shown",
        ReadAs::WithHelp => "found with help",
        ReadAs::Alone => "found alone",
    }
}

/// As deep as a stroke is for it: a case's first, third and last role.
fn depth(read: Option<ReadAs>) -> usize {
    match read {
        None => 0,
        Some(ReadAs::Shown) => 1,
        Some(ReadAs::WithHelp) => 3,
        Some(ReadAs::Alone) => 5,
    }
}

/// A week in a sentence, for whom the strokes say nothing.
fn sentence(week: &ImagingWeek) -> String {
    let count =
        |read: ReadAs| week.findings.iter().filter(|one| **one == Some(read)).count() as u64;
    let parts = ReadAs::ALL.map(|read| (count(read), told(read)));
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, told)| format!("{count} {told}")).collect();
    let mut whole = words::counted(week.findings.len() as u64, "finding", "findings");
    if !parts.is_empty() {
        whole = format!("{whole} ({})", parts.join(", "));
    }
    let read = words::counted(u64::from(week.reads), "daily read", "daily reads");
    match (week.findings.is_empty(), week.reads) {
        (true, 0) => "Nothing written".to_owned(),
        (true, _) => read,
        (false, 0) => whole,
        (false, _) => format!("{whole}, {read}"),
    }
}

/// The room.
pub async fn page(
    State(state): State<AppState>,
    shell: Shell,
    Query(After { after }): Query<After>,
) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Imaging);
    let page = state.ask(move |book| {
        Ok(ImagingPage {
            shell,
            topics: imaging_articles(),
            findings: book.imaging_findings(after.as_deref())?,
            reads: book.records_of(DAILY_READ, None, None)?,
            weeks: book.imaging_growth()?,
        })
    });
    draw(&page.await?)
}

/// One topic.
pub async fn topic(shell: Shell, Path(id): Path<String>) -> Result<Response, Trouble> {
    let article = article(ArticleKind::Imaging, &id).ok_or(LogbookError::UnknownDefinition)?;
    draw(&TopicPage { shell: shell.at(Room::Imaging), article })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::visit::Visit;

    #[test]
    fn topics_findings_and_reads_are_in_one_room() {
        let visit = Visit::new();
        let empty = visit.get("/imaging").body;
        for topic in imaging_articles() {
            let address = format!("/imaging/{}", topic.id);
            assert!(empty.contains(&format!("href=\"{address}\"")));
            let page = visit.get(&address).body;
            assert!(topic.sections.iter().all(|section| page.contains(&section.title)));
        }
        let form = visit.get("/new/imaging_finding");
        let draft = form.value("draft");
        let fields = [
            ("form", "imaging_finding"),
            ("draft", &draft),
            ("f.modality", "CT"),
            ("f.region", "liver"),
            ("f.finding", "early draining vein"),
            ("f.read_as", "with_help"),
        ];
        let saved = visit.post("/form/save", &fields);
        let place = saved.location();
        assert!(place.starts_with("/records/"), "{place}");
        assert!(visit.get(place).body.contains("early draining vein"));
        let page = visit.get("/imaging").body;
        assert!(
            page.contains("early draining vein") && page.contains("1 finding (1 found with help)")
        );
        assert_eq!(visit.get("/imaging/none").status, 404);
    }
}
