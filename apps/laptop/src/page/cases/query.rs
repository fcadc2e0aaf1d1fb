//! What the case list is asked for. It is posted, so that no search ends up in the browser's history.

use seldinger_core::case_log::list::{CaseChoices, CaseFilter, CaseSort};
use seldinger_core::case_log::values::Role;
use seldinger_core::content::{Category, Content};
use seldinger_core::time::{Day, IsoWeek};
use serde::Deserialize;

use crate::page::fields::Posted;

/// The filter form as it was sent; empty texts mean any.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct CaseQuery {
    pub q: String,
    /// A week, `2026-W43`.
    pub week: String,
    pub from: String,
    pub to: String,
    /// A procedure's id, or `all:` and a category's.
    pub procedure: String,
    /// A role, or `none`.
    pub role: String,
    pub attending: String,
    pub tag: String,
    pub interesting: String,
    pub unfinished: String,
    pub sort: String,
    /// Where the next page begins.
    pub after: String,
}

/// Stands before a category's id among the procedures.
const WHOLE_CATEGORY: &str = "all:";
/// Among the roles: none is written.
pub const NO_ROLE: &str = "none";

impl CaseQuery {
    /// The filters that were posted along with something else.
    pub fn of(posted: &Posted) -> Self {
        let text = |name| posted.one(name).to_owned();
        Self {
            q: text("q"),
            week: text("week"),
            from: text("from"),
            to: text("to"),
            procedure: text("procedure"),
            role: text("role"),
            attending: text("attending"),
            tag: text("tag"),
            interesting: text("interesting"),
            unfinished: text("unfinished"),
            sort: text("sort"),
            after: String::new(),
        }
    }

    /// The core's filter. A day that is none filters nothing: half of it may be typed.
    pub fn filter(&self) -> CaseFilter {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let category = self.procedure.strip_prefix(WHOLE_CATEGORY);
        CaseFilter {
            from: Day::parse(&self.from),
            to: Day::parse(&self.to),
            week: IsoWeek::parse(&self.week),
            procedures: match category {
                Some(_) => Vec::new(),
                None => some(&self.procedure).into_iter().collect(),
            },
            category: category.map(str::to_owned),
            role: Role::parse(&self.role),
            role_missing: self.role == NO_ROLE,
            attending: some(&self.attending),
            tag: some(&self.tag),
            interesting: !self.interesting.is_empty(),
            unfinished: !self.unfinished.is_empty(),
            text: some(&self.q),
        }
    }

    /// In which order; the newest first unless something else is chosen.
    pub fn sort(&self) -> CaseSort {
        CaseSort::parse(&self.sort).unwrap_or_default()
    }

    /// The name of that order.
    pub fn sort_name(&self) -> &'static str {
        let sort = self.sort();
        CaseSort::ALL.into_iter().find(|(known, _)| *known == sort).map_or("", |(_, name)| name)
    }

    /// Whether one of the choices is used that are folded away.
    pub fn looks_further(&self) -> bool {
        let folded = [&self.from, &self.to, &self.tag];
        folded.iter().any(|text| !text.is_empty()) || self.sort() != CaseSort::Newest
    }

    /// Whether anything is filtered.
    pub fn narrows(&self) -> bool {
        self.filter() != CaseFilter::default()
    }

    /// The page after which the list goes on.
    pub fn after(&self) -> Option<&str> {
        Some(self.after.as_str()).filter(|after| !after.is_empty())
    }
}

/// Procedures on record of one category.
pub struct Group<'a> {
    pub name: &'static str,
    /// The choice of the whole category.
    pub whole: String,
    pub procedures: Vec<&'a str>,
}

/// The procedures on record, by category, to choose from.
pub fn groups(choices: &CaseChoices) -> Vec<Group<'_>> {
    let content = Content::shipped();
    let group = |category: &'static Category| {
        let is_in = |id: &&str| content.procedure(id).is_some_and(|p| p.category == category.id);
        let procedures = choices.procedures.iter().map(String::as_str).filter(is_in).collect();
        let whole = format!("{WHOLE_CATEGORY}{}", category.id);
        Group { name: &category.name, whole, procedures }
    };
    let groups = content.categories().iter().map(group);
    groups.filter(|group| !group.procedures.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_form_filters_nothing() {
        let query = CaseQuery::default();
        assert!(!query.narrows());
        assert_eq!((query.sort(), query.after()), (CaseSort::Newest, None));
    }

    #[test]
    fn what_is_chosen_is_filtered_by() {
        let query = CaseQuery {
            q: " port ".into(),
            week: "2026-W43".into(),
            from: "2026-10".into(),
            procedure: "all:vascular".into(),
            role: NO_ROLE.into(),
            interesting: "on".into(),
            ..CaseQuery::default()
        };
        let filter = query.filter();
        assert_eq!(filter.text.as_deref(), Some("port"));
        assert_eq!(filter.week, IsoWeek::parse("2026-W43"));
        assert_eq!((filter.from, filter.role, filter.role_missing), (None, None, true));
        assert_eq!((filter.category.as_deref(), filter.procedures.len()), (Some("vascular"), 0));
        assert!(filter.interesting && query.narrows());
    }
}
