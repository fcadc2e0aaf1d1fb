//! Finding articles by words.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::article::{Article, ArticleEntry, ArticleKind};
use super::rows::{Found, Index, Text};
use super::shipped::articles;
use crate::error::Result;
use crate::store::search::{self, SnippetPiece, Term, pieces};

/// An article that a search found.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct LibraryHit {
    /// What it is about.
    pub kind: ArticleKind,
    /// Its id.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// The section in which the words are; empty where they are in a name, or in the half minute.
    pub section: String,
    /// That section's heading; empty with it.
    pub section_title: String,
    /// The stretch around the first word found, in pieces; the first line where it is in a name.
    pub pieces: Vec<SnippetPiece>,
}

quiet_debug!(LibraryHit);

/// Hits that are told.
const MOST: usize = 12;

/// Articles in which every typed word begins a word, best first, at most a dozen.
///
/// # Errors
/// `Storage` where SQLite has no memory left.
pub fn search(typed: &str) -> Result<Vec<LibraryHit>> {
    let term = |word| Term { word, procedures: Vec::new() };
    let terms: Vec<Term> = search::words(typed).into_iter().map(term).collect();
    let Some(expression) = search::expression(&terms) else { return Ok(Vec::new()) };
    let mut told = BTreeSet::new();
    let found = index()?.find(&expression)?;
    let first = found.into_iter().filter(|found| told.insert(found.article));
    Ok(first.filter_map(|found| hit(&found)).take(MOST).collect())
}

fn hit(found: &Found) -> Option<LibraryHit> {
    let article = articles().nth(found.article)?;
    let mut pieces = pieces(&found.snippet);
    let mut section = found.section.checked_sub(1).and_then(|at| article.sections.get(at));
    if !pieces.iter().any(|piece| piece.found) {
        let text = article.brief.first()?.text.clone();
        (section, pieces) = (None, vec![SnippetPiece { text, found: false }]);
    }
    Some(LibraryHit {
        kind: article.kind,
        id: article.id.clone(),
        title: article.title.clone(),
        section: section.map(|section| section.id.clone()).unwrap_or_default(),
        section_title: section.map(|section| section.title.clone()).unwrap_or_default(),
        pieces,
    })
}

fn index() -> Result<&'static Index> {
    static INDEX: OnceLock<Index> = OnceLock::new();
    if let Some(index) = INDEX.get() {
        return Ok(index);
    }
    let bodies: Vec<(usize, &Article, Vec<String>)> =
        articles().enumerate().map(|(at, article)| (at, article, texts_of(article))).collect();
    let also: Vec<String> = bodies.iter().map(|(_, article, _)| article.also.join("\n")).collect();
    let texts = bodies.iter().zip(&also).flat_map(|((at, article, bodies), also)| {
        bodies.iter().enumerate().map(move |(section, body)| Text {
            article: *at,
            section,
            title: &article.title,
            also,
            body,
        })
    });
    let index = Index::new(texts)?;
    Ok(INDEX.get_or_init(|| index))
}

/// The half minute, then each section.
fn texts_of(article: &Article) -> Vec<String> {
    let sections = article.sections.iter().map(|section| joined(&section.entries));
    std::iter::once(joined(&article.brief)).chain(sections).collect()
}

fn joined(entries: &[ArticleEntry]) -> String {
    let line = |entry: &ArticleEntry| format!("{} {}", entry.lead, entry.text).trim().to_owned();
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(typed: &str) -> Vec<String> {
        search(typed).unwrap().into_iter().map(|hit| hit.id).collect()
    }

    #[test]
    fn a_name_comes_before_a_mention() {
        assert_eq!(ids("paracentesis")[0], "paracentesis");
        assert_eq!(ids("LVP"), ["paracentesis"]);
        assert_eq!(ids("chole tube")[0], "cholecystostomy");
        assert_eq!(ids("inverse square")[0], "inverse-square");
        assert_eq!(ids("gi bl")[0], "embolization-gi-bleed");
        assert!(ids("albumin per liter").contains(&"paracentesis".to_owned()));
    }

    #[test]
    fn a_hit_says_where_the_words_are() {
        let hits = search("epigastric artery rectus").unwrap();
        let hit = hits.iter().find(|hit| hit.id == "paracentesis").unwrap();
        assert_eq!((hit.section.as_str(), hit.section_title.as_str()), ("anatomy", "Anatomy"));
        assert!(hit.pieces.iter().any(|piece| piece.found && piece.text == "epigastric"));
        let by_name = &search("PICC").unwrap()[0];
        assert_eq!((by_name.id.as_str(), by_name.section.as_str()), ("picc", ""));
    }

    #[test]
    fn nothing_that_is_typed_breaks_it() {
        for typed in ["", "  ", "\"", "a OR b*", "NEAR(", "zzzz", "-"] {
            let _ = search(typed).unwrap();
        }
        assert!(ids("").is_empty() && ids("zzzzz").is_empty());
        assert!(ids("the").len() <= MOST);
    }
}
