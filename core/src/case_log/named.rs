//! Names in a filter, however they are spelled: which of those on record they mean.
//!
//! They are read as the jot reader reads them, so `--procedure PICC` finds what the jot "PICC" became.

use std::collections::BTreeSet;

use super::jot::{JotReader, StaffMember};
use super::list::CaseFilter;
use super::values::{Role, StaffRole};
use crate::content::{Content, Wording, wording};
use crate::fold::fold_name;

/// What cases on record say, as far as a filter asks for it.
#[derive(Default)]
pub(crate) struct OnRecord {
    pub(crate) procedures: BTreeSet<String>,
    pub(crate) attendings: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
}

/// A filter, and which names on record it means: `None` lets any through, an empty list none.
#[derive(Clone)]
pub(crate) struct Meant {
    pub(crate) filter: CaseFilter,
    pub(crate) procedures: Option<Vec<String>>,
    pub(crate) attendings: Option<Vec<String>>,
    pub(crate) tags: Option<Vec<String>>,
    /// What is said of names that mean nothing.
    pub(crate) told: Vec<Wording>,
}

/// Names that are listed, at most.
const LISTED: usize = 12;
/// Texts on record that are read as procedures, at most: each takes some microseconds.
const READ: usize = 500;

/// The id of the procedure that a text names: by id, by a name of the list, or in words that the jot
/// reader knows.
pub(crate) fn procedure(text: &str) -> Option<String> {
    let name = fold_name(text);
    let is_so = |known: &String| fold_name(known) == name;
    let mut all = Content::shipped().procedures().iter();
    let found =
        all.find(|known| [&known.id, &known.name, &known.short_name].into_iter().any(is_so));
    let read = || JotReader::shipped().read(text, &[]).values.procedure;
    found.map(|found| found.id.clone()).or_else(read)
}

impl Role {
    /// The role that a text names, by its stored name or in words that the jot reader knows.
    pub fn named(text: &str) -> Option<Self> {
        let stored = fold_name(text).replace([' ', '-'], "_");
        Self::parse(&stored).or_else(|| JotReader::shipped().read(text, &[]).values.role)
    }
}

/// What the names of a filter mean among those on record.
pub(crate) fn meant(filter: &CaseFilter, on_record: &OnRecord) -> Meant {
    let mut told = Vec::new();
    let mut procedures = (!filter.procedures.is_empty()).then(|| {
        let wanted = filter.procedures.iter();
        wanted.flat_map(|given| procedures(given, &on_record.procedures, &mut told)).collect()
    });
    if let Some(given) = &filter.category {
        let within: Vec<String> = category(given, &mut told);
        let both =
            |chosen: Vec<String>| chosen.into_iter().filter(|id| within.contains(id)).collect();
        procedures = Some(procedures.map_or_else(|| within.clone(), both));
    }
    let attendings = filter.attending.as_deref().map(|given| {
        let found = attendings(given, &on_record.attendings);
        if found.is_empty() {
            told.push(none("filter.no_attending", given, &on_record.attendings));
        }
        found
    });
    let tags = filter.tag.as_deref().map(|given| {
        let found = alike(given, &on_record.tags);
        if found.is_empty() {
            told.push(none("filter.no_tag", given, &on_record.tags));
        }
        found
    });
    Meant { filter: filter.clone(), procedures, attendings, tags, told }
}

fn alike(given: &str, on_record: &BTreeSet<String>) -> Vec<String> {
    let name = fold_name(given);
    on_record.iter().filter(|known| fold_name(known) == name).cloned().collect()
}

fn none(key: &str, given: &str, on_record: &BTreeSet<String>) -> Wording {
    let names: Vec<&str> = on_record.iter().take(LISTED).map(String::as_str).collect();
    let more = if on_record.len() > LISTED { ", …" } else { "" };
    let key = if names.is_empty() { format!("{key}_yet") } else { key.to_owned() };
    let names = format!("{}{more}", names.join(", "));
    wording(&key, &[("given", given.trim()), ("names", &names)])
}

fn procedures(given: &str, on_record: &BTreeSet<String>, told: &mut Vec<Wording>) -> Vec<String> {
    let mut found = alike(given, on_record);
    let id = if found.iter().any(|known| known == given) { None } else { procedure(given) };
    let id = id.or_else(|| Content::shipped().procedure(given).map(|known| known.id.clone()));
    if let Some(id) = id {
        // What was imported as it was written elsewhere, and means the same.
        let is_own = |known: &&String| Content::shipped().procedure(known).is_none();
        let written = on_record.iter().filter(is_own).take(READ);
        let same = written.filter(|known| procedure(known).as_ref() == Some(&id));
        let same: Vec<String> = same.filter(|known| !found.contains(known)).cloned().collect();
        found.extend(same);
        if !found.contains(&id) {
            found.push(id);
        }
    }
    if found.is_empty() {
        let near: BTreeSet<String> =
            Content::shipped().find(given).into_iter().map(|known| known.id.clone()).collect();
        told.push(none("filter.no_procedure", given, &near));
    }
    found
}

fn category(given: &str, told: &mut Vec<Wording>) -> Vec<String> {
    let content = Content::shipped();
    let name = fold_name(given);
    let is_so = |known: &str| fold_name(known) == name;
    let found = content.categories().iter().find(|one| is_so(&one.id) || is_so(&one.name));
    if found.is_none() {
        let all = content.categories().iter().map(|category| category.id.clone()).collect();
        told.push(none("filter.no_category", given, &all));
    }
    found.map_or_else(Vec::new, |found| {
        content.in_category(&found.id).map(|procedure| procedure.id.clone()).collect()
    })
}

fn attendings(given: &str, on_record: &BTreeSet<String>) -> Vec<String> {
    let found = alike(given, on_record);
    if !found.is_empty() {
        return found;
    }
    // With a title, or misspelled: as in a jot.
    let member = |name: &String| StaffMember { surname: name.clone(), role: StaffRole::Attending };
    let staff: Vec<StaffMember> = on_record.iter().map(member).collect();
    let read = JotReader::shipped().read(given, &staff).values.attending;
    read.map_or_else(Vec::new, |read| alike(&read, on_record))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn procedures_are_named_as_in_a_jot() {
        for (text, id) in [
            ("picc", "picc"),
            ("PICC", "picc"),
            ("PICC placement", "picc"),
            ("  picc   PLACEMENT ", "picc"),
            ("TIPS", "tips"),
        ] {
            assert_eq!(procedure(text).as_deref(), Some(id), "{text}");
        }
        for known in Content::shipped().procedures() {
            for name in [&known.id, &known.name, &known.short_name] {
                let id = procedure(&name.to_uppercase()).unwrap();
                let found = Content::shipped().procedure(&id).unwrap();
                let own = [&found.id, &found.name, &found.short_name].map(|own| fold_name(own));
                assert!(own.contains(&fold_name(name)), "{name}");
            }
        }
        assert_eq!(procedure("haircut"), None);
        assert_eq!(Role::named("Did part"), Some(Role::DidPart));
        assert_eq!(Role::named("DID-PART"), Some(Role::DidPart));
        assert_eq!(Role::named("chief"), None);
    }

    #[test]
    fn every_spelling_on_record_is_meant() {
        let on_record = OnRecord {
            procedures: set(&["picc", "PICC placement", "PICC re. Arm", "Haircut", "tips"]),
            attendings: set(&["Müller", "MULLER", "Lindqvist", "Weiß"]),
            tags: set(&["first case", "First Case", "other"]),
        };
        let of = |filter: CaseFilter| meant(&filter, &on_record);
        let attending = |given: &str| {
            let attending = Some(given.to_owned());
            let meant = of(CaseFilter { attending, ..CaseFilter::default() });
            (meant.attendings.unwrap(), meant.told.len())
        };
        assert_eq!(attending("müller"), (vec!["MULLER".to_owned(), "Müller".to_owned()], 0));
        assert_eq!(attending("WEISS").0, ["Weiß"]);
        assert_eq!(attending("Dr. Lindqvist").0, ["Lindqvist"]);
        assert_eq!(attending("lindqvst").0, ["Lindqvist"]);
        assert_eq!(attending("Nobody"), (Vec::new(), 1));
        let procedures = |given: &str| {
            let meant =
                of(CaseFilter { procedures: vec![given.to_owned()], ..CaseFilter::default() });
            let mut procedures = meant.procedures.unwrap();
            procedures.sort();
            (procedures, meant.told.len())
        };
        assert_eq!(procedures("PICC").0, ["PICC placement", "PICC re. Arm", "picc"]);
        assert_eq!(procedures("haircut"), (vec!["Haircut".to_owned()], 0));
        assert_eq!(procedures("tips-revision").1, 0, "of the list, though nobody did it");
        assert_eq!(procedures("shave"), (Vec::new(), 1));
        let tag = of(CaseFilter { tag: Some("FIRST case".into()), ..CaseFilter::default() });
        assert_eq!(tag.tags.unwrap(), ["First Case", "first case"]);
        let told = of(CaseFilter {
            tag: Some("second".into()),
            category: Some("Vasculr".into()),
            ..CaseFilter::default()
        });
        assert_eq!((told.told.len(), told.procedures.unwrap().len()), (2, 0));
        let line = told.told[1].line();
        assert!(line.contains("second") && line.contains("first case") && !line.contains('{'));
        let empty = meant(
            &CaseFilter { attending: Some("x".into()), ..CaseFilter::default() },
            &OnRecord::default(),
        );
        assert!(!empty.told[0].line().contains('{'));
    }

    #[test]
    fn a_category_narrows_the_procedures() {
        let filter = |category: &str, procedures: &[&str]| CaseFilter {
            category: Some(category.to_owned()),
            procedures: procedures.iter().map(|name| (*name).to_owned()).collect(),
            ..CaseFilter::default()
        };
        let of = |filter| meant(&filter, &OnRecord::default()).procedures.unwrap();
        let name = &Content::shipped().categories()[0].name;
        let id = &Content::shipped().categories()[0].id;
        assert!(of(filter(&name.to_uppercase(), &[])).len() > 1);
        let first = of(filter(id, &[]))[0].clone();
        assert_eq!(of(filter(id, &[&first])), std::slice::from_ref(&first));
        let other = &Content::shipped().categories()[1].id;
        assert!(of(filter(other, &[&first])).is_empty());
    }
}
