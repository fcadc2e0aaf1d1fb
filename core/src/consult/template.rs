//! The wording of a presentation: a template for each part, shipped or made by a user.

use std::sync::OnceLock;

use super::prose;
use crate::content::ContentError;
use crate::content::source::{SourceFile, Table, Unique};

/// The longest wording of a part, in bytes: many times what anybody says.
const TEXT_MAX: usize = 20_000;
/// Words a minute that nobody speaks below or beyond.
const PACE: std::ops::RangeInclusive<u32> = 60..=300;

/// How a presentation is worded.
#[derive(Clone, Default)]
pub struct PresentationTemplate {
    /// What it is called.
    pub title: String,
    pub(super) words_per_minute: u32,
    pub(super) parts: Vec<PartTemplate>,
    pub(super) people: Vec<(String, Person)>,
    pub(super) ages: Vec<(String, String)>,
    pub(super) labs: Vec<(String, String)>,
}

quiet_debug!(PresentationTemplate);

/// A part and its template.
#[derive(Clone)]
pub(super) struct PartTemplate {
    pub id: String,
    pub title: String,
    pub text: String,
}

/// Words for a person, by the sex that is written.
#[derive(Clone, Default)]
pub(super) struct Person {
    pub noun: String,
    pub subject: String,
    pub possessive: String,
    pub verb: String,
}

quiet_debug!(PartTemplate, Person);

/// The key of what is said where nothing else fits.
pub(super) const OTHER: &str = "other";

impl PresentationTemplate {
    /// The wording that ships with the core.
    pub fn shipped() -> &'static Self {
        static SHIPPED: OnceLock<PresentationTemplate> = OnceLock::new();
        // A test proves that it is whole.
        SHIPPED.get_or_init(|| Self::read(SHIPPED_TEXT, SHIPPED_NAME).unwrap_or_default())
    }

    /// The shipped wording as its author wrote it: what a user's own begins with.
    pub fn shipped_text() -> &'static str {
        SHIPPED_TEXT
    }

    /// Reads a wording from TOML. What it leaves out about people, ages and labs is as shipped.
    ///
    /// # Errors
    /// `ContentError` with line and field; also where a part's template cannot be used.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, ContentError> {
        let mut own = Self::read(text, file_name)?;
        let shipped = Self::shipped();
        if own.people.is_empty() {
            own.people.clone_from(&shipped.people);
        }
        if own.ages.is_empty() {
            own.ages.clone_from(&shipped.ages);
        }
        if own.labs.is_empty() {
            own.labs.clone_from(&shipped.labs);
        }
        Ok(own)
    }

    fn read(text: &str, file_name: &str) -> Result<Self, ContentError> {
        let file = SourceFile::new(file_name, text);
        file.read(|root| {
            let mut ids = Unique::default();
            let parts = root.tables("part", |table| part(table, &mut ids, text))?;
            if parts.is_empty() {
                return Err(ContentError::Missing { place: root.place("part") });
            }
            let pace = root.opt_whole("words_per_minute")?.unwrap_or(*PACE.start());
            if !PACE.contains(&pace) {
                return Err(ContentError::NotAllowed {
                    place: root.place("words_per_minute"),
                    found: pace.to_string(),
                    allowed: format!("{} to {}", PACE.start(), PACE.end()),
                });
            }
            root.opt_text("source")?;
            let ages = root.table("age", |table| {
                table.keys().map(|key| Ok((key.to_owned(), table.text(key)?))).collect()
            })?;
            Ok(Self {
                title: root.text("title")?,
                words_per_minute: pace,
                parts,
                people: root
                    .named(Some("sex"), |sex, table| Ok((sex.to_owned(), person(table)?)))?,
                ages: ages.unwrap_or_default(),
                labs: root.tables("lab", |table| Ok((table.text("name")?, table.text("said")?)))?,
            })
        })
    }
}

fn part(table: &Table<'_>, ids: &mut Unique, file: &str) -> Result<PartTemplate, ContentError> {
    let id = table.text("id")?;
    ids.add(&id, || table.place("id"))?;
    let text = table.text("text")?;
    let place = table.place("text");
    if text.len() > TEXT_MAX {
        let (found, allowed) = (text.len().to_string(), format!("at most {TEXT_MAX} letters"));
        return Err(ContentError::NotAllowed { place, found, allowed });
    }
    if let Err(trouble) = prose::check(&text) {
        // A text of several lines begins beneath its key.
        let first = usize::try_from(place.line).unwrap_or(1).saturating_sub(1);
        let opened = file.lines().nth(first).is_some_and(|line| {
            let line = line.trim_end();
            line.ends_with("'''") || line.ends_with("\"\"\"")
        });
        let beneath = if opened { trouble.line } else { trouble.line.saturating_sub(1) };
        let line = place.line.saturating_add(beneath);
        let place = crate::content::ContentPlace { line, ..place };
        return Err(ContentError::Unreadable { place, reason: trouble.reason });
    }
    Ok(PartTemplate { id, title: table.text("title")?, text })
}

fn person(table: &Table<'_>) -> Result<Person, ContentError> {
    Ok(Person {
        noun: table.text("person")?,
        subject: table.text("subject")?,
        possessive: table.text("possessive")?,
        verb: table.text("verb")?,
    })
}

const SHIPPED_NAME: &str = "presentations/shipped.toml";
const SHIPPED_TEXT: &str = include_str!("../../content/presentations/shipped.toml");
