//! What there is to tick, and the stages of a procedure: definitions in TOML.

use std::sync::OnceLock;

use crate::content::ContentError;
use crate::content::source::{SourceFile, Table, Unique};

/// A list of things to tick.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Checklist {
    /// Stable id, as runs store it.
    pub id: String,
    /// As its page is headed.
    pub title: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// The stages of the procedure belong to it.
    pub has_stages: bool,
    /// It belongs to a day, not to a case.
    pub of_day: bool,
    /// In the order in which they are shown, always.
    pub items: Vec<ChecklistItem>,
    /// Why something is skipped, to pick from.
    pub reasons: Vec<String>,
}

/// One thing to tick.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ChecklistItem {
    /// Stable id, as ticks store it: the guide's point.
    pub id: String,
    /// What is ticked; reads in a glance.
    pub text: String,
    /// Why, in a sentence; empty for none.
    pub why: String,
}

/// Whether a student may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum Questions {
    /// Questions are fine.
    Open,
    /// At a pause.
    Pause,
    /// Not now.
    Silence,
}

/// A stage of a procedure.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct ProcedureStage {
    /// Stable id, as runs store it.
    pub id: String,
    /// Other spellings that stored records have.
    pub also: Vec<String>,
    /// What it is called.
    pub title: String,
    /// What to watch in it.
    pub watch: String,
    /// What the student does or says.
    pub advice: String,
    /// Whether a question is fine.
    pub questions: Questions,
}

quiet_debug!(Checklist, ChecklistItem, ProcedureStage);

impl ProcedureStage {
    /// Whether a stored name means this stage.
    pub(super) fn is(&self, stored: &str) -> bool {
        self.id == stored || self.also.iter().any(|also| also == stored)
    }
}

/// The guide's point that the stages themselves are.
pub const TIMELINE_ITEM: &str = "S-58";

const FILES: [(&str, &str); 4] = [
    ("checklists/before.toml", include_str!("../../content/checklists/before.toml")),
    ("checklists/during.toml", include_str!("../../content/checklists/during.toml")),
    ("checklists/after.toml", include_str!("../../content/checklists/after.toml")),
    ("checklists/daily.toml", include_str!("../../content/checklists/daily.toml")),
];
const STAGES: (&str, &str) =
    ("checklists/stages.toml", include_str!("../../content/checklists/stages.toml"));

const QUESTIONS: &[(&str, Questions)] =
    &[("open", Questions::Open), ("pause", Questions::Pause), ("silence", Questions::Silence)];

/// Everything that ships.
#[derive(Default)]
struct Shipped {
    lists: Vec<Checklist>,
    stages: Vec<ProcedureStage>,
}

impl Shipped {
    /// An id of an item stands for one thing, in whichever file.
    fn parse(lists: &[(&str, &str)], stages: (&str, &str)) -> Result<Self, ContentError> {
        let (mut ids, mut items) = (Unique::default(), Unique::default());
        let stages = read_stages(SourceFile::new(stages.0, stages.1), &mut items)?;
        let lists = lists
            .iter()
            .map(|(name, text)| read_list(SourceFile::new(name, text), &mut ids, &mut items));
        Ok(Self { lists: lists.collect::<Result<_, _>>()?, stages })
    }

    fn get() -> &'static Self {
        static SHIPPED: OnceLock<Shipped> = OnceLock::new();
        // A test proves that the files are whole.
        SHIPPED.get_or_init(|| Self::parse(&FILES, STAGES).unwrap_or_default())
    }
}

/// Every checklist, in the order of a day.
pub fn checklists() -> &'static [Checklist] {
    &Shipped::get().lists
}

/// The checklist with this id.
pub fn checklist(id: &str) -> Option<&'static Checklist> {
    checklists().iter().find(|list| list.id == id)
}

/// The stages of a procedure, in order.
pub fn stages() -> &'static [ProcedureStage] {
    &Shipped::get().stages
}

fn read_list(
    file: SourceFile<'_>,
    ids: &mut Unique,
    items: &mut Unique,
) -> Result<Checklist, ContentError> {
    file.read(|root| {
        let id = named(root, ids)?;
        let list = Checklist {
            id,
            title: root.text("title")?,
            purpose: root.text("purpose")?,
            has_stages: root.flag("stages")?,
            of_day: root.flag("of_day")?,
            items: root.tables("item", |table| item(table, items))?,
            reasons: root.texts("reasons")?.into_iter().map(|reason| reason.value).collect(),
        };
        if list.items.is_empty() {
            return Err(ContentError::Missing { place: root.place("item") });
        }
        Ok(list)
    })
}

fn item(table: &Table<'_>, items: &mut Unique) -> Result<ChecklistItem, ContentError> {
    Ok(ChecklistItem {
        id: named(table, items)?,
        text: table.text("text")?,
        why: table.opt_text("why")?.unwrap_or_default(),
    })
}

fn read_stages(
    file: SourceFile<'_>,
    items: &mut Unique,
) -> Result<Vec<ProcedureStage>, ContentError> {
    let mut names = Unique::default();
    file.read(|root| {
        named(root, items)?;
        let stages = root.tables("stage", |table| stage(table, &mut names))?;
        if stages.is_empty() {
            return Err(ContentError::Missing { place: root.place("stage") });
        }
        Ok(stages)
    })
}

fn stage(table: &Table<'_>, names: &mut Unique) -> Result<ProcedureStage, ContentError> {
    let id = named(table, names)?;
    let mut also = Vec::new();
    for other in table.texts("also")? {
        names.add(&other.value, || other.place.clone())?;
        also.push(other.value);
    }
    let questions = table.word("questions", QUESTIONS)?;
    Ok(ProcedureStage {
        id,
        also,
        title: table.text("title")?,
        watch: table.text("watch")?,
        advice: table.text("advice")?,
        questions: questions
            .ok_or_else(|| ContentError::Missing { place: table.place("questions") })?,
    })
}

fn named(table: &Table<'_>, taken: &mut Unique) -> Result<String, ContentError> {
    let id = table.text("id")?;
    taken.add(&id, || table.place("id"))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_the_guide_is_in_one_list() {
        let shipped = Shipped::parse(&FILES, STAGES).unwrap();
        let items = shipped.lists.iter().flat_map(|list| &list.items);
        let mut found: Vec<&str> = items.map(|item| item.id.as_str()).collect();
        found.push(TIMELINE_ITEM);
        found.sort_unstable();
        let wanted: Vec<String> = (48..=74).map(|number| format!("S-{number}")).collect();
        assert_eq!(found, wanted);
        assert!(STAGES.1.contains(&format!("\nid = \"{TIMELINE_ITEM}\"\n")));
        let stages: Vec<&str> = shipped.stages.iter().map(|stage| stage.id.as_str()).collect();
        let wanted = ["consent", "timeout", "access", "navigation", "intervention", "hemostasis"];
        assert_eq!(stages, wanted);
        assert!(shipped.stages[5].is("haemostasis") && !shipped.stages[0].is("haemostasis"));
        let with_stages = shipped.lists.iter().filter(|list| list.has_stages);
        assert_eq!(with_stages.map(|list| list.id.as_str()).collect::<Vec<_>>(), ["during"]);
    }

    #[test]
    fn what_is_ticked_reads_in_a_glance_and_what_is_said_is_a_sentence() {
        for list in checklists() {
            for item in &list.items {
                assert!(item.text.chars().count() <= 70, "{}", item.text);
                assert!(!item.text.ends_with('.'), "{}", item.text);
                assert!(item.why.is_empty() || item.why.ends_with(['.', '?']), "{}", item.why);
            }
            assert!(list.purpose.ends_with('.'), "{}", list.purpose);
        }
        for stage in stages() {
            assert!(stage.watch.ends_with('.') && stage.advice.ends_with('.'), "{}", stage.id);
        }
    }

    #[test]
    fn each_mistake_has_its_place() {
        let stages = (
            "s.toml",
            "id = 's'\n[[stage]]\nid = 'a'\ntitle = 'A'\nwatch = 'w'\nadvice = 'v'\nquestions = 'open'\n",
        );
        let list = |rest: &str| format!("id = 'one'\ntitle = 'One'\npurpose = 'P'\n{rest}");
        let place_of = |rest: &str| {
            let error = Shipped::parse(&[("one.toml", &list(rest))], stages).err().unwrap();
            (error.place().line, error.place().field.clone())
        };
        assert_eq!(place_of("[[item]]\nid = 'a'\n"), (4, "item[1].text".into()));
        assert_eq!(place_of("[[item]]\nid = 's'\ntext = 't'\n"), (5, "item[1].id".into()));
        assert_eq!(place_of("[[item]]\nid='a'\ntext='t'\nwhen='x'\n"), (7, "item[1].when".into()));
        assert_eq!(place_of("stages = 'yes'\n"), (4, "stages".into()));
        assert_eq!(place_of(""), (1, "item".into()));
        let twice = list("[[item]]\nid = 'a'\ntext = 't'\n");
        let error = Shipped::parse(&[("one.toml", &twice), ("two.toml", &twice)], stages);
        assert_eq!(error.err().unwrap().place().file, "two.toml");
        for (wrong, field) in [
            (stages.1.replace("'open'", "'loud'"), "stage[1].questions"),
            (stages.1.replace("questions = 'open'", ""), "stage[1].questions"),
            (stages.1.replace("title", "also = ['a']\ntitle"), "stage[1].also[1]"),
            ("id = 's'\n".to_owned(), "stage"),
        ] {
            let error = Shipped::parse(&[], ("s.toml", &wrong)).err().unwrap();
            assert_eq!(error.place().field, field);
        }
    }
}
