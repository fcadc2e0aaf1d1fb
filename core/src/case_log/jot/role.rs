//! The student's own role: the most involved one that the text states.

use super::context::{CANCELED, Context, HISTORY, NEGATED, PLANNED};
use super::line::{Hit, Line};
use super::people::Named;
use super::tags::Tag;
use super::token::Kind;
use crate::case_log::values::Role;

/// The role with the words behind it.
pub(super) struct NamedRole {
    pub role: Role,
    pub hit: Hit,
    pub certain: bool,
}

/// Finds the role.
pub(super) fn read(
    line: &Line<'_>,
    context: &Context,
    people: &[Named],
    case: &[u16],
) -> Option<NamedRole> {
    let supervised = line
        .with(Tag::Supervised)
        .any(|hit| !context.any(hit.first, NEGATED) && !of_the_patient(line, hit.first));
    let mut best: Option<NamedRole> = None;
    for hit in &line.hits {
        let role = match hit.tag {
            Tag::RoleObserved => Role::Observed,
            Tag::RoleScrubbed => Role::Scrubbed,
            Tag::RoleAssisted => Role::Assisted,
            Tag::RolePart if said_otherwise(line, *hit) => continue,
            Tag::RolePart if whole_case(line, *hit, case) => Role::PerformedSupervised,
            Tag::RoleStep if !a_step(line, *hit) => continue,
            Tag::RolePart | Tag::RoleStep => Role::DidPart,
            Tag::RoleWhole => Role::PerformedSupervised,
            _ => continue,
        };
        if void(line, context, people, *hit)
            || (role == Role::Observed && watched_by(line, people, *hit))
        {
            continue;
        }
        if best.as_ref().is_none_or(|other| role > other.role) {
            best = Some(NamedRole { role, hit: *hit, certain: true });
        }
    }
    let part = best.as_ref().is_some_and(|named| named.role >= Role::DidPart);
    if part { best } else { did(line, context, people, supervised, best) }
}

/// "let me scrub": the same words say something more exact than "let me …".
fn said_otherwise(line: &Line<'_>, hit: Hit) -> bool {
    let exact = |tag: Tag| {
        tag.domain() == hit.tag.domain() && !matches!(tag, Tag::RolePart | Tag::RoleStep)
    };
    line.hits.iter().any(|h| h.first == hit.first && h.last == hit.last && exact(h.tag))
}

/// "let me do the thora" in a thoracentesis: the case itself, not a step of it.
fn whole_case(line: &Line<'_>, hit: Hit, case: &[u16]) -> bool {
    let named = line.hits.iter().any(|thing| {
        let object = thing.tag == Tag::Thing
            && !line.vocabulary.is_action(thing.thing)
            && case.contains(&thing.thing);
        object && thing.first == hit.last && thing.last == hit.last
    });
    let next = hit.last + 1;
    let closed = line.ends_clause(hit.last)
        || line.has_any(next, &[Tag::SideLeft, Tag::SideRight])
        || ["w", "with", "myself"].iter().any(|word| line.is(next, word));
    named && closed && line.is(hit.first, "let")
}

/// "did the snare" is a step; "did the thora" the case, "did the consent" no part of it.
fn a_step(line: &Line<'_>, hit: Hit) -> bool {
    let other = line.hits.iter().any(|other| {
        let same = other.first == hit.first && other.last == hit.last;
        (same && other.tag == Tag::RoleNone) || (other.tag == Tag::Thing && other.first == hit.last)
    });
    !other && line.kind(hit.last, Kind::Word)
}

/// "did R thora, tran supervising": whole with a supervisor; alone it is only a guess.
fn did(
    line: &Line<'_>,
    context: &Context,
    people: &[Named],
    supervised: bool,
    stated: Option<NamedRole>,
) -> Option<NamedRole> {
    let own = line.with(Tag::RoleDid).find(|hit| {
        !void(line, context, people, *hit)
            && !line.is(hit.last + 1, "by")
            && (names_case(line, *hit, supervised) || stands_alone(line, *hit))
    });
    match (own, stated) {
        (Some(hit), _) if supervised => {
            Some(NamedRole { role: Role::PerformedSupervised, hit, certain: true })
        }
        (Some(hit), None) => {
            let certain = stands_alone(line, hit);
            Some(NamedRole { role: Role::PerformedSupervised, hit, certain })
        }
        (_, stated) => stated,
    }
}

/// ", performed,": a clause of one word is the student's own role.
fn stands_alone(line: &Line<'_>, hit: Hit) -> bool {
    let opens = hit.first == 0
        || !line.together(hit.first - 1, hit.first)
        || line.kind(hit.first - 1, Kind::Mark);
    opens && line.ends_clause(hit.last) && !line.is(hit.first, "did")
}

/// "did" says the whole case when a procedure or a supervisor stands close behind it.
fn names_case(line: &Line<'_>, hit: Hit, supervised: bool) -> bool {
    let thing = line.words_after(hit.last, 3).any(|i| line.has(i, Tag::Thing));
    let close = line.words_after(hit.last, 4).any(|i| line.has(i, Tag::Supervised));
    thing || (supervised && (close || line.ends_clause(hit.last)))
}

fn void(line: &Line<'_>, context: &Context, people: &[Named], hit: Hit) -> bool {
    if context.any(hit.first, NEGATED | HISTORY | PLANNED) {
        return true;
    }
    // "scrubbed? no": asked, not said. "liver bx canceled, obs": the role is of what was done.
    let asked = line.asked(hit.last) || finding_observed(line, hit);
    let canceled =
        context.any(hit.first, CANCELED) && line.ends_clause(hit.last) && hit.tag == Tag::RoleDid;
    asked || canceled || someone_else(line, people, hit)
}

/// "small ptx observed": what was watched is the finding.
fn finding_observed(line: &Line<'_>, hit: Hit) -> bool {
    let found = |i: usize| line.has_any(i, &[Tag::ComplicationStrong, Tag::ComplicationWeak]);
    hit.tag == Tag::RoleObserved
        && line.has(hit.first, Tag::EventNear)
        && line.words_before(hit.first, 2).any(found)
}

/// Whether another person stands right before the verb: "tran assisted", "fellow did it".
fn someone_else(line: &Line<'_>, people: &[Named], hit: Hit) -> bool {
    let mine = (hit.first..=hit.last).any(|i| line.has(i, Tag::PersonSelf));
    // "moreau obs": nobody else's case is merely observed.
    let onlooker = hit.tag == Tag::RoleObserved && !line.has(hit.first, Tag::Supervised);
    if mine || (onlooker && line.is(hit.first, "obs")) {
        return false;
    }
    let mut at = hit.first;
    for _ in 0..3 {
        let Some(before) = at.checked_sub(1) else { return false };
        if line.has(before, Tag::PersonSelf) || line.kind(before, Kind::Mark) {
            return false;
        }
        let person = people.iter().any(|p| p.last == before) || line.has(before, Tag::PersonOther);
        if person {
            // "obs w/ haddad" names company; "w tran assisted" too, the verb is the student's.
            return !with_before(line, people, before);
        }
        if !line.has(before, Tag::Plain) {
            return false;
        }
        at = before;
    }
    false
}

/// "scrubbed w/ moreau watched": whoever comes after "with" is company.
fn with_before(line: &Line<'_>, people: &[Named], person: usize) -> bool {
    let first = people.iter().find(|p| p.last == person).map_or(person, |p| p.first);
    let Some(mut before) = first.checked_sub(1) else { return false };
    if line.is(before, "the") && before > 0 {
        before -= 1;
    }
    line.is(before, "with")
        || line.is(before, "w")
        || (line.is(before, "/") && before > 0 && line.is(before - 1, "w"))
}

/// "ibarra watching", "w/ ibarra watching": then the student was the one who was watched.
fn watched_by(line: &Line<'_>, people: &[Named], hit: Hit) -> bool {
    let Some(before) = hit.first.checked_sub(1) else { return false };
    let person = people.iter().any(|p| p.last == before) || line.has(before, Tag::PersonOther);
    person && line.has(hit.first, Tag::Supervised)
}

/// "pt watched 4h" is aftercare.
fn of_the_patient(line: &Line<'_>, i: usize) -> bool {
    i.checked_sub(1).is_some_and(|before| line.is(before, "pt") || line.is(before, "patient"))
}
