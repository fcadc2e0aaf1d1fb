//! An article and how it is read from its file.

use crate::content::source::{SourceFile, Table, Unique};
use crate::content::{BleedingRisk, ContentError, Procedure, citation, words};

/// What an article is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum ArticleKind {
    /// A procedure; the article has the procedure's id.
    Procedure,
    /// A topic of imaging.
    Imaging,
}

/// Something to read.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Article {
    /// What it is about.
    pub kind: ArticleKind,
    /// Stable id.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Other names that it is found by.
    pub also: Vec<String>,
    /// The guide's points that it serves, `S-14`; empty where the guide does not ask for it.
    pub guide: Vec<String>,
    /// Half a minute's reading.
    pub brief: Vec<ArticleEntry>,
    /// How a procedure stands in the bleeding-risk table.
    pub risk: Option<ArticleRisk>,
    /// The whole, in reading order.
    pub sections: Vec<ArticleSection>,
    /// What its figures come from, in the order of their numbers.
    pub sources: Vec<ArticleSource>,
    /// That local policy wins; always shown.
    pub local_policy: String,
}

/// A section of an article.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ArticleSection {
    /// Stable id.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Numbered, because the order matters.
    pub ordered: bool,
    /// What it says.
    pub entries: Vec<ArticleEntry>,
}

/// One statement.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ArticleEntry {
    /// What it is about, set off before the text; empty for none.
    pub lead: String,
    /// The statement.
    pub text: String,
    /// Number of its source in the article's list, from 1; 0 for none.
    pub source: u32,
}

/// How a procedure stands in the bleeding-risk table.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ArticleRisk {
    /// The class.
    pub class: BleedingRisk,
    /// The class in words, with the table that it is from.
    pub title: String,
    /// Why the table does not settle it, where it does not; empty otherwise.
    pub note: String,
    /// Number of its source in the article's list.
    pub source: u32,
}

/// A source as an article lists it.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ArticleSource {
    /// Key in `SOURCES.md`.
    pub id: String,
    /// What it is, with edition, date and how well confirmed.
    pub citation: String,
}

quiet_debug!(Article, ArticleSection, ArticleEntry, ArticleRisk, ArticleSource);

/// The table that gives the bleeding-risk classes.
const RISK_SOURCE: &str = "sir-2019";

impl Article {
    /// The section with this id.
    pub fn section(&self, id: &str) -> Option<&ArticleSection> {
        self.sections.iter().find(|section| section.id == id)
    }

    /// A source by its number.
    pub fn source(&self, number: u32) -> Option<&ArticleSource> {
        self.sources.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }
}

/// A section as `library.toml` describes it.
struct SectionKind {
    id: String,
    title: String,
    least: usize,
    most: usize,
    ordered: bool,
    questions: bool,
}

/// Which sections articles have.
#[derive(Default)]
pub(super) struct SectionKinds {
    procedure: Vec<SectionKind>,
    imaging: Vec<SectionKind>,
}

impl SectionKinds {
    pub(super) fn parse(file: SourceFile<'_>) -> Result<Self, ContentError> {
        let kind = |table: &Table<'_>| {
            let count = |key| {
                let count = table.opt_whole(key)?;
                let missing = || ContentError::Missing { place: table.place(key) };
                Ok(usize::try_from(count.ok_or_else(missing)?).unwrap_or(usize::MAX))
            };
            Ok(SectionKind {
                id: table.text("id")?,
                title: table.text("title")?,
                least: count("least")?,
                most: count("most")?,
                ordered: table.flag("ordered")?,
                questions: table.flag("questions")?,
            })
        };
        file.read(|root| {
            Ok(Self {
                procedure: root.tables("procedure", kind)?,
                imaging: root.tables("imaging", kind)?,
            })
        })
    }
}

/// The sources of one article, numbered as they come.
#[derive(Default)]
struct Cited(Vec<ArticleSource>);

impl Cited {
    fn number(&mut self, id: &str) -> Option<u32> {
        let at = self.0.iter().position(|known| known.id == id).or_else(|| {
            let citation = in_words(citation(id)?);
            self.0.push(ArticleSource { id: id.to_owned(), citation });
            Some(self.0.len() - 1)
        })?;
        u32::try_from(at + 1).ok()
    }

    /// The source that a table names, as its number.
    fn named(&mut self, table: &Table<'_>) -> Result<u32, ContentError> {
        let Some(id) = table.opt_text("source")? else { return Ok(0) };
        let unknown = || ContentError::NoSuchId { place: table.place("source"), found: id.clone() };
        self.number(&id).ok_or_else(unknown)
    }
}

/// A citation with its marks spelled out: how well each part is confirmed.
fn in_words(citation: &str) -> String {
    ["V", "L", "T", "recall"].iter().fold(citation.to_owned(), |text, mark| {
        let told = words(&format!("badge.source_{}", mark.to_lowercase()), &[]);
        // `[L, on secondary pages]` says more than `[L]`.
        text.replace(&format!("[{mark}]"), &format!("[{told}]"))
            .replace(&format!("[{mark}, "), &format!("[{told}, "))
    })
}

/// Reads a file of `procedures/`.
///
/// # Errors
/// The first mistake, with file, line and field.
pub(super) fn procedure(
    file: SourceFile<'_>,
    procedure: &Procedure,
    kinds: &SectionKinds,
) -> Result<Article, ContentError> {
    file.read(|root| {
        let id = root.text("id")?;
        if id != procedure.id {
            return Err(ContentError::NoSuchId { place: root.place("id"), found: id });
        }
        let mut cited = Cited::default();
        let (also, brief) = (names(root)?, entries(root, "brief", &mut cited)?);
        let sections = sections(root, &kinds.procedure, &mut cited)?;
        let risk = risk(root, procedure.bleeding_risk, &mut cited)?;
        Ok(Article {
            kind: ArticleKind::Procedure,
            id,
            title: procedure.name.clone(),
            also,
            guide: procedure.guide.iter().cloned().collect(),
            brief,
            risk: Some(risk),
            sections,
            sources: cited.0,
            local_policy: words("calculator.local_policy", &[]),
        })
    })
}

/// Reads `imaging.toml`.
///
/// # Errors
/// The first mistake, with file, line and field.
pub(super) fn imaging(
    file: SourceFile<'_>,
    kinds: &SectionKinds,
) -> Result<Vec<Article>, ContentError> {
    let mut ids = Unique::default();
    file.read(|root| {
        root.tables("topic", |topic| {
            let id = topic.text("id")?;
            ids.add(&id, || topic.place("id"))?;
            let guide = topic.texts("guide")?.into_iter().map(|placed| placed.value).collect();
            let mut cited = Cited::default();
            Ok(Article {
                kind: ArticleKind::Imaging,
                id,
                title: topic.text("title")?,
                also: Vec::new(),
                guide,
                brief: entries(topic, "brief", &mut cited)?,
                risk: None,
                sections: sections(topic, &kinds.imaging, &mut cited)?,
                sources: cited.0,
                local_policy: words("calculator.local_policy", &[]),
            })
        })
    })
}

fn names(root: &Table<'_>) -> Result<Vec<String>, ContentError> {
    let names: Vec<String> = root.texts("also")?.into_iter().map(|placed| placed.value).collect();
    if names.is_empty() {
        return Err(ContentError::Missing { place: root.place("also") });
    }
    Ok(names)
}

fn risk(
    root: &Table<'_>,
    class: BleedingRisk,
    cited: &mut Cited,
) -> Result<ArticleRisk, ContentError> {
    let note = entry(root, "risk_note", cited)?;
    let unsettled = class == BleedingRisk::Ask;
    match &note {
        None if unsettled => return Err(ContentError::Missing { place: root.place("risk_note") }),
        Some(_) if !unsettled => {
            return Err(ContentError::UnknownField { place: root.place("risk_note") });
        }
        _ => {}
    }
    let key = match class {
        BleedingRisk::Low => "badge.risk_low",
        BleedingRisk::High => "badge.risk_high",
        BleedingRisk::Ask => "badge.risk_ask",
    };
    let note = note.map(|entry| entry.text).unwrap_or_default();
    let source = cited.number(RISK_SOURCE).unwrap_or_default();
    Ok(ArticleRisk { class, title: words(key, &[]), note, source })
}

fn sections(
    table: &Table<'_>,
    kinds: &[SectionKind],
    cited: &mut Cited,
) -> Result<Vec<ArticleSection>, ContentError> {
    let section = |kind: &SectionKind| {
        let key = kind.id.as_str();
        let entries = entries(table, key, cited)?;
        let allowed = format!("{} to {} entries", kind.least, kind.most);
        if !(kind.least..=kind.most).contains(&entries.len()) {
            let found = entries.len().to_string();
            return Err(ContentError::NotAllowed { place: table.place(key), found, allowed });
        }
        if kind.questions && !entries.iter().all(|entry| entry.text.ends_with('?')) {
            let wanted = "questions, each ending in a question mark".to_owned();
            return Err(ContentError::WrongKind { place: table.place(key), wanted });
        }
        let (id, title, ordered) = (kind.id.clone(), kind.title.clone(), kind.ordered);
        Ok(ArticleSection { id, title, ordered, entries })
    };
    kinds.iter().map(section).collect()
}

/// A list of statements; each is a text, or a table with its source. Complications have a name before.
fn entries(
    table: &Table<'_>,
    key: &str,
    cited: &mut Cited,
) -> Result<Vec<ArticleEntry>, ContentError> {
    let read = table.texts_or_tables(
        key,
        |text| ArticleEntry { lead: String::new(), text, source: 0 },
        |table| statement(table, cited),
    )?;
    if read.is_empty() {
        return Err(ContentError::Missing { place: table.place(key) });
    }
    Ok(read)
}

fn statement(table: &Table<'_>, cited: &mut Cited) -> Result<ArticleEntry, ContentError> {
    let source = cited.named(table)?;
    Ok(match table.opt_text("name")? {
        Some(lead) => ArticleEntry { lead, text: table.text("signs")?, source },
        None => ArticleEntry { lead: String::new(), text: table.text("text")?, source },
    })
}

fn entry(
    table: &Table<'_>,
    key: &str,
    cited: &mut Cited,
) -> Result<Option<ArticleEntry>, ContentError> {
    table.table(key, |table| statement(table, cited))
}
