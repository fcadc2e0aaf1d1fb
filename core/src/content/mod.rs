//! Loads and checks the content that ships with the core: procedures, goals, limits, words.
//!
//! Clinical sentences and numbers live in `core/content/`; the code knows only their shape. A test
//! proves that the shipped files are whole, so that loading them cannot fail in the field.

mod cited;
mod error;
mod goal;
mod limit;
pub(crate) mod number;
mod procedure;
pub(crate) mod reading;
pub(crate) mod source;
mod wording;

use std::sync::OnceLock;

pub use cited::{citation, sources};
pub use error::{ContentError, ContentPlace};
pub use goal::{Goal, GoalScheme};
pub(crate) use limit::quantity;
pub use limit::{OtherUnit, Quantity};
pub use procedure::{BleedingRisk, Category, Procedure};
pub use wording::{Messages, Wording, wording, words};

use source::{SourceFile, Unique};

/// The content files, by name.
#[derive(Debug, Clone, Copy)]
pub struct ContentFiles<'a> {
    /// `procedures.csv`.
    pub procedures: &'a str,
    /// `categories.toml`.
    pub categories: &'a str,
    /// `goals/guide.toml`.
    pub goals: &'a str,
    /// Name and text of each file in `limits/`.
    pub limits: &'a [(&'a str, &'a str)],
}

const SHIPPED: ContentFiles<'static> = ContentFiles {
    procedures: include_str!("../../content/procedures.csv"),
    categories: include_str!("../../content/categories.toml"),
    goals: include_str!("../../content/goals/guide.toml"),
    limits: &[
        ("limits/devices.toml", include_str!("../../content/limits/devices.toml")),
        ("limits/dose.toml", include_str!("../../content/limits/dose.toml")),
        ("limits/labs.toml", include_str!("../../content/limits/labs.toml")),
    ],
};

/// Everything that is looked up by id.
#[derive(Debug, Clone, Default)]
pub struct Content {
    categories: Vec<Category>,
    procedures: Vec<Procedure>,
    goals: GoalScheme,
    quantities: Vec<Quantity>,
}

impl Content {
    /// What ships with the core.
    pub fn shipped() -> &'static Self {
        static CONTENT: OnceLock<Content> = OnceLock::new();
        CONTENT.get_or_init(|| Self::parse(&SHIPPED).unwrap_or_default())
    }

    /// Reads and checks content files.
    ///
    /// # Errors
    /// The first mistake, with file, line and field.
    pub fn parse(files: &ContentFiles<'_>) -> Result<Self, ContentError> {
        let categories =
            procedure::categories(SourceFile::new("categories.toml", files.categories))?;
        let procedures = procedure::procedures(
            SourceFile::new("procedures.csv", files.procedures),
            &categories,
        )?;
        let goals = GoalScheme::parse(files.goals, "goals/guide.toml", &procedures)?;
        let mut unique = Unique::default();
        let mut quantities = Vec::new();
        for (name, text) in files.limits {
            quantities.extend(limit::quantities(SourceFile::new(name, text), &mut unique)?);
        }
        Ok(Self { categories, procedures, goals, quantities })
    }

    /// All procedures, in the order of the file.
    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }

    /// All categories, in the order in which they are shown.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The guide's goals.
    pub fn goals(&self) -> &GoalScheme {
        &self.goals
    }

    /// All quantities.
    pub fn quantities(&self) -> &[Quantity] {
        &self.quantities
    }

    /// The procedure with this id.
    pub fn procedure(&self, id: &str) -> Option<&Procedure> {
        self.procedures.iter().find(|procedure| procedure.id == id)
    }

    /// The category with this id.
    pub fn category(&self, id: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == id)
    }

    /// The quantity stored under this path.
    pub fn quantity(&self, field: &str) -> Option<&Quantity> {
        self.quantities.iter().find(|quantity| quantity.field == field)
    }

    /// The procedures of a category.
    pub fn in_category<'a>(&'a self, category_id: &'a str) -> impl Iterator<Item = &'a Procedure> {
        self.procedures.iter().filter(move |procedure| procedure.category == category_id)
    }

    /// What a shell shows for a procedure id: the short name, or the id itself where it is unknown.
    pub fn short_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.procedure(id).map_or(id, |procedure| &procedure.short_name)
    }

    /// Procedures in whose names or id every word of `words` begins a word, best first: names that
    /// begin with the words, then by the file's order.
    pub fn find(&self, words: &str) -> Vec<&Procedure> {
        let wanted: Vec<String> = split(words).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(bool, &Procedure)> = Vec::new();
        for procedure in &self.procedures {
            let has: Vec<String> = [&procedure.short_name, &procedure.name, &procedure.id]
                .into_iter()
                .flat_map(|name| split(name))
                .collect();
            if wanted.iter().all(|word| has.iter().any(|own| own.starts_with(word.as_str()))) {
                let first = has.first().is_some_and(|own| own.starts_with(wanted[0].as_str()));
                found.push((!first, procedure));
            }
        }
        found.sort_by_key(|(later, _)| *later);
        found.into_iter().map(|(_, procedure)| procedure).collect()
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_whole() {
        let content = Content::parse(&SHIPPED).unwrap();
        assert_eq!(content.procedures().len(), 56);
        let names: Vec<_> =
            content.categories().iter().map(|category| category.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Hepatobiliary and GI",
                "Vascular",
                "Genitourinary",
                "Oncology",
                "Venous",
                "Spine and bone"
            ]
        );
        for category in content.categories() {
            assert!(content.in_category(&category.id).count() > 0, "{} is empty", category.id);
        }
        let mut short: Vec<_> =
            content.procedures().iter().map(|procedure| &procedure.short_name).collect();
        short.sort();
        short.dedup();
        assert_eq!(short.len(), 56, "two procedures look the same in a list");
    }

    #[test]
    fn the_guide_has_27_points_and_the_ids_agree() {
        let content = Content::shipped();
        let ids: Vec<_> = content.goals().goals.iter().map(|goal| goal.id.clone()).collect();
        let wanted: Vec<_> = (14..=40).map(|number| format!("S-{number}")).collect();
        assert_eq!(ids, wanted);
        for goal in &content.goals().goals {
            assert_eq!(goal.minimum, 1);
            for id in &goal.any_of {
                assert_eq!(
                    content.procedure(id).unwrap().guide.as_deref(),
                    Some(goal.id.as_str()),
                    "{id}"
                );
            }
        }
        for procedure in content.procedures() {
            let Some(guide) = &procedure.guide else { continue };
            let counts = content.goals_for_id(&procedure.id, guide);
            let is_a_goal = wanted.contains(guide);
            assert_eq!(counts, is_a_goal, "{} and {guide}", procedure.id);
        }
    }

    impl Content {
        fn goals_for_id(&self, procedure_id: &str, goal_id: &str) -> bool {
            self.goals().goals_for(procedure_id).any(|goal| goal.id == goal_id)
        }
    }

    #[test]
    fn find_takes_words_in_any_order_and_half_typed() {
        let ids = |words: &str| -> Vec<&str> {
            Content::shipped()
                .find(words)
                .into_iter()
                .map(|procedure| procedure.id.as_str())
                .collect()
        };
        assert_eq!(ids("transj liv"), ["biopsy-liver-transjugular"]);
        assert_eq!(ids("pa thromb"), ["thrombectomy-pulmonary"]);
        assert_eq!(ids("Y-90"), ["y90-mapping", "y90"]);
        assert_eq!(ids("gi bleed"), ["embolization-gi-bleed"]);
        assert!(ids("bio").contains(&"biopsy-bone"));
        assert_eq!(ids("port")[0], "port");
        assert!(ids("").is_empty() && ids("  -").is_empty() && ids("zzz").is_empty());
    }

    #[test]
    fn every_source_that_is_named_is_listed() {
        let sources = include_str!("../../content/SOURCES.md");
        assert!(sources.contains(&format!("## {}\n", Content::shipped().goals().source)));
        for quantity in Content::shipped().quantities() {
            let source = quantity.source.as_deref().unwrap_or("");
            assert!(
                sources.contains(&format!("## {source}\n")),
                "{} names {source:?}",
                quantity.field
            );
        }
    }

    #[test]
    fn an_unknown_id_shows_as_itself() {
        assert_eq!(Content::shipped().short_name("fistulogram"), "Fistula");
        assert_eq!(Content::shipped().short_name("own-procedure"), "own-procedure");
    }
}
