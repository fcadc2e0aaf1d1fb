//! What ships is whole, sourced, short enough to be read, and in our own words.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use super::article::{Article, ArticleEntry, SectionKinds, imaging, procedure};
use super::shipped::{IMAGING, PROCEDURES, SECTIONS};
use super::{articles, imaging_articles, procedure_article};
use crate::content::source::SourceFile;
use crate::content::{Content, sources};

fn kinds() -> SectionKinds {
    SectionKinds::parse(SourceFile::new(SECTIONS.0, SECTIONS.1)).unwrap()
}

/// Every statement of an article, with where it is.
fn statements(article: &Article) -> impl Iterator<Item = (String, &ArticleEntry)> {
    let brief = article.brief.iter().map(|entry| (format!("{}: brief", article.id), entry));
    let sections = article.sections.iter().flat_map(|section| {
        section.entries.iter().map(|entry| (format!("{}: {}", article.id, section.id), entry))
    });
    brief.chain(sections)
}

#[test]
fn every_procedure_and_topic_is_whole() {
    for (id, name, text) in PROCEDURES {
        let known = Content::shipped().procedure(id).unwrap();
        if let Err(error) = procedure(SourceFile::new(name, text), known, &kinds()) {
            panic!("{error}");
        }
    }
    imaging(SourceFile::new(IMAGING.0, IMAGING.1), &kinds()).unwrap();
    let ids: Vec<&str> = PROCEDURES.iter().map(|(id, ..)| *id).collect();
    let listed: Vec<&str> = Content::shipped().procedures().iter().map(|p| p.id.as_str()).collect();
    assert_eq!(BTreeSet::from_iter(&ids), BTreeSet::from_iter(&listed));
    assert_eq!(articles().count(), ids.len() + imaging_articles().len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("content/procedures");
    assert_eq!(fs::read_dir(folder).unwrap().count(), ids.len(), "a file that nothing reads");
}

/// As long as a line may be in the half minute, and elsewhere.
const BRIEF_MOST: usize = 110;
const MOST: usize = 175;

#[test]
fn each_statement_is_short_and_each_figure_has_its_source() {
    let mut wrong = Vec::new();
    for article in articles() {
        if !(3..=5).contains(&article.brief.len()) {
            wrong.push(format!(
                "{}: the half minute has {} lines",
                article.id,
                article.brief.len()
            ));
        }
        for (place, entry) in statements(article) {
            let most = if place.ends_with("brief") { BRIEF_MOST } else { MOST };
            if entry.text.chars().count() > most {
                wrong.push(format!("{place}: too long: {}", entry.text));
            }
            if !entry.text.ends_with(['.', '?']) {
                wrong.push(format!("{place}: no full stop: {}", entry.text));
            }
            if has_figure(&entry.text) && entry.source == 0 {
                wrong.push(format!("{place}: a figure without source: {}", entry.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A digit that is not part of a name, such as Y-90, L2 or segment 4.
fn has_figure(text: &str) -> bool {
    let is_figure = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    let is_name = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().count() <= MOST_OF_NAME
    };
    // The year of an edition that is named, and what follows a word that numbers things.
    let text = text.replace("SIR 2019", "SIR");
    let mut numbered = false;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        numbered = bare.starts_with("segment") || numbered && (is_figure(word) || bare == "and");
        if is_figure(word) && !numbered && !is_name(word) {
            return true;
        }
    }
    false
}

/// Letters of the longest name with digits in it, `L4-L5`.
const MOST_OF_NAME: usize = 7;

#[test]
fn a_figure_is_told_from_a_name() {
    for named in [
        "Y-90 goes in",
        "at T12 to L1.",
        "the disc L4-L5",
        "CO2 instead",
        "SIR 2019 says",
        "segments 5, 6 and 7",
    ] {
        assert!(!has_figure(named), "{named}");
    }
    for figure in ["6 to 8 g", "an 18G needle", "about 50%", "3 cm", "in 24-hour steps"] {
        assert!(has_figure(figure), "{figure}");
    }
}

#[test]
fn no_article_repeats_the_thresholds_that_the_calculator_keeps() {
    for article in articles() {
        for (place, entry) in statements(article) {
            for quantity in ["INR", "latelet", "emoglobin", "ibrinogen"] {
                let Some((before, after)) = entry.text.split_once(quantity) else { continue };
                if before.ends_with("antip") {
                    continue;
                }
                let near: String = after.chars().take(24).collect();
                assert!(!has_figure(&near.replace(". ", " ")), "{place}: {}", entry.text);
            }
        }
    }
}

#[test]
fn every_source_is_cited_somewhere() {
    let cited: HashSet<&str> =
        articles().flat_map(|article| &article.sources).map(|source| source.id.as_str()).collect();
    let known: HashSet<&str> = sources().map(|(id, _)| id).collect();
    assert!(cited.is_subset(&known));
    for article in articles() {
        let highest = statements(article).map(|(_, entry)| entry.source).max();
        assert!(highest.unwrap_or_default() as usize <= article.sources.len());
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    let known = Content::shipped().procedure("picc").unwrap();
    let (_, _, whole) = PROCEDURES.iter().find(|(id, ..)| *id == "picc").unwrap();
    for (from, to, wanted) in [
        ("id = \"picc\"", "id = \"port\"", "picc.toml:1 id"),
        ("steps = [", "steps = [7,", "steps[1]"),
        ("indications = [", "indicatoins = [", "indications"),
        ("source = \"", "source = \"no-", "source"),
    ] {
        let text = whole.replacen(from, to, 1);
        let error = procedure(SourceFile::new("picc.toml", &text), known, &kinds()).unwrap_err();
        assert!(error.place().to_string().ends_with(wanted), "{error}");
    }
    assert!(procedure_article("none").is_none());
}
