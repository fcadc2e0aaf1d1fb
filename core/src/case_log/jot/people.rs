//! Who is named, and who of them was the attending.

use super::context::{Context, HISTORY, NEGATED};
use super::line::Line;
use super::spelling;
use super::tags::Tag;
use super::token::{self, Kind};
use crate::case_log::values::StaffRole;

/// A person on the service, as the user has them on record.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct StaffMember {
    /// The surname, spelled as it should appear.
    pub surname: String,
    /// What they are.
    pub role: StaffRole,
}

/// A person named in the jot.
#[derive(Clone)]
pub(super) struct Named {
    pub surname: String,
    pub attending: bool,
    pub first: usize,
    pub last: usize,
    /// Only mentioned: passing by, or someone else's patient.
    pub aside: bool,
    pub rule: &'static str,
}

quiet_debug!(StaffMember, Named);

const BY_TITLE: &str = "attending: by title";
/// Shorter names have too many neighbors to repair.
const REPAIR_FROM_LETTERS: usize = 4;

/// Everyone named in the line.
pub(super) fn read(line: &Line<'_>, context: &Context, staff: &[StaffMember]) -> Vec<Named> {
    let surnames: Vec<(String, &StaffMember)> = staff
        .iter()
        .map(|member| (folded(&member.surname), member))
        .filter(|(folded, _)| !folded.is_empty())
        .collect();
    let mut people: Vec<Named> = Vec::new();
    let mut i = 0;
    while i < line.tokens.len() {
        let named = on_record(line, i, &surnames).or_else(|| titled(line, i, &surnames));
        match named {
            Some(mut person) => {
                person.aside = aside(line, context, &person);
                i = person.last + 1;
                people.push(person);
            }
            None => i += 1,
        }
    }
    people
}

/// The attending: the first who was really there, one who supervised before the others.
pub(super) fn attending(line: &Line<'_>, people: &[Named]) -> Option<Named> {
    let away = |p: &Named| people.iter().any(|other| other.aside && other.surname == p.surname);
    let mut there: Vec<&Named> = people.iter().filter(|p| p.attending && !away(p)).collect();
    // A doctor from elsewhere gives way to someone of the service.
    there.sort_by_key(|p| p.rule == BY_TITLE);
    let supervised = there.iter().find(|p| {
        let before = p.first.checked_sub(1).is_some_and(|i| line.has(i, Tag::Supervised));
        before || line.has(p.last + 1, Tag::Supervised)
    });
    supervised.or(there.first()).copied().cloned()
}

fn folded(surname: &str) -> String {
    let tokens = token::cut(surname);
    tokens.iter().map(|token| token.text.as_str()).collect()
}

fn on_record(line: &Line<'_>, i: usize, surnames: &[(String, &StaffMember)]) -> Option<Named> {
    let token = line.tokens.get(i).filter(|token| token.kind == Kind::Word)?;
    let named = |member: &StaffMember, last, rule| Named {
        surname: member.surname.clone(),
        attending: member.role == StaffRole::Attending,
        first: i,
        last,
        aside: false,
        rule,
    };
    // Names of several words first ("van der Berg"), then one word.
    let mut joined = String::new();
    let mut exact = None;
    for (last, part) in line.tokens.iter().enumerate().skip(i).take(4) {
        joined.push_str(&part.text);
        if let Some((_, member)) = surnames.iter().find(|(name, _)| *name == joined) {
            exact = Some(named(member, last, "attending: on record"));
        }
    }
    if exact.is_some() {
        return exact;
    }
    let letters = token.text.chars().count();
    if letters < REPAIR_FROM_LETTERS || line.known.get(i).copied().unwrap_or(true) {
        return None;
    }
    let allowed = |name: &str| spelling::allowed(name.chars().count().max(letters));
    let mut near: Vec<(usize, &StaffMember)> = surnames
        .iter()
        .filter(|(name, _)| name.chars().count() > REPAIR_FROM_LETTERS)
        .filter_map(|(name, member)| {
            Some((spelling::distance_within(&token.text, name, allowed(name))?, *member))
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    match near.as_slice() {
        [(_, member)] => Some(named(member, i, "attending: spelling repaired")),
        [(a, member), (b, _), ..] if a < b => {
            Some(named(member, i, "attending: spelling repaired"))
        }
        _ => None,
    }
}

/// "Dr X", "attending X", "X (attending)": by title, unless the record says otherwise.
fn titled(line: &Line<'_>, i: usize, surnames: &[(String, &StaffMember)]) -> Option<Named> {
    let token = line.tokens.get(i).filter(|token| token.kind == Kind::Word)?;
    let title = before(line, i)?;
    let doctor = line.has(title, Tag::TitleDoctor);
    let attending = line.has(title, Tag::TitleAttending);
    let letters = token.text.chars().count();
    let unknown = !line.known.get(i).copied().unwrap_or(true);
    let name_like = letters >= 2 && (unknown || (doctor && token.capital && !token.upper));
    let behind = unknown
        && token.capital
        && letters >= 3
        && line.has(i + 1, Tag::TitleAttending)
        && line.glued(i + 1) == line.glued(i);
    if !(name_like && (doctor || attending) || behind) {
        return None;
    }
    // A first name is passed over when a surname on record follows.
    if surnames.iter().any(|(name, _)| line.is(i + 1, name)) {
        return None;
    }
    Some(Named {
        surname: capitalized(&token.text),
        attending: true,
        first: i,
        last: i,
        aside: false,
        rule: BY_TITLE,
    })
}

/// What stands before the word at `i`, behind the mark of an abbreviation: "Dr. X".
fn before(line: &Line<'_>, i: usize) -> Option<usize> {
    let mut before = i.checked_sub(1)?;
    while before > 0
        && line.kind(before, Kind::Mark)
        && (line.is(before, ".") || line.is(before, ":"))
    {
        before -= 1;
    }
    Some(before)
}

/// Where a person begins, with the titles before the name.
pub(super) fn first_with_title(line: &Line<'_>, person: &Named) -> usize {
    let mut first = person.first;
    while let Some(title) =
        before(line, first).filter(|i| line.has_any(*i, &[Tag::TitleDoctor, Tag::TitleAttending]))
    {
        first = title;
    }
    first
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn aside(line: &Line<'_>, context: &Context, person: &Named) -> bool {
    if context.any(person.first, NEGATED | HISTORY) {
        return true;
    }
    let first = (0..person.first)
        .rev()
        .take(2)
        .find(|i| line.has_any(*i, &[Tag::TitleDoctor, Tag::TitleAttending]))
        .unwrap_or(person.first);
    let before = first.checked_sub(1).is_some_and(|i| line.has(i, Tag::BystanderBefore));
    before || line.words_after(person.last, 3).any(|i| line.has(i, Tag::BystanderAfter))
}
