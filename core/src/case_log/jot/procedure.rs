//! Which procedure a jot is about: the highest rule whose things are all there.

use super::context::{
    BOOKED, BOOKED_NEAR, CANCELED, CONVERTED, Context, EXISTING, HISTORY, NEGATED, PLANNED,
};
use super::line::{Hit, Line};
use super::tags::Tag;
use super::vocabulary::{NO_PROCEDURE, Rule};

/// What was understood, with the words behind it.
pub(super) struct NamedProcedure {
    pub id: String,
    pub rule: String,
    pub hits: Vec<Hit>,
    pub certain: bool,
}

/// A thing's hits: those that were done, and those only booked or already there.
#[derive(Default, Clone)]
struct Seen {
    done: Vec<Hit>,
    spare: Vec<Hit>,
}

/// Finds the procedure; a change of plan that leads to none leaves the first one standing.
pub(super) fn read(line: &Line<'_>, context: &Context) -> Option<NamedProcedure> {
    best(line, context, BOOKED | EXISTING | CONVERTED)
        .or_else(|| best(line, context, BOOKED_NEAR | EXISTING | CONVERTED))
        .or_else(|| best(line, context, BOOKED | EXISTING))
        // "PCN fell out yest, rescued thru tract": what is there from before, with something done.
        .or_else(|| best(line, context, BOOKED | EXISTING | CONVERTED | HISTORY))
}

fn best(line: &Line<'_>, context: &Context, spare: u16) -> Option<NamedProcedure> {
    let mut seen = vec![Seen::default(); line.vocabulary.thing_count()];
    for hit in line.with(Tag::Thing) {
        let Some(seen) = seen.get_mut(usize::from(hit.thing)) else { continue };
        let step = line.vocabulary.is_action(hit.thing) && own_step(line, hit);
        let answered_no = line.asked(hit.last) && line.has(hit.last + 2, Tag::CueNegation);
        if step
            || answered_no
            || context.any(hit.first, (NEGATED | HISTORY | PLANNED | CANCELED) & !spare)
        {
            continue;
        }
        if !context.any(hit.first, spare) {
            seen.done.push(hit);
        } else if !line.vocabulary.is_action(hit.thing) {
            seen.spare.push(hit);
        }
    }
    let mut best: Option<(Score, &Rule, Vec<Hit>)> = None;
    for rule in &line.vocabulary.rules {
        if rule
            .not
            .iter()
            .any(|thing| seen.get(usize::from(*thing)).is_some_and(|s| !s.done.is_empty()))
        {
            continue;
        }
        let Some((score, hits)) = apply(rule, &seen, context.changed || spare & HISTORY != 0)
        else {
            continue;
        };
        if best.as_ref().is_none_or(|(other, ..)| score > *other) {
            best = Some((score, rule, hits));
        }
    }
    let (_, rule, hits) = best?;
    let named = rule.procedure != NO_PROCEDURE;
    named.then(|| NamedProcedure {
        id: rule.procedure.clone(),
        rule: rule.id.clone(),
        hits,
        certain: rule.certain,
    })
}

/// "did the wire exchange": a step of the student's, not what the case was.
fn own_step(line: &Line<'_>, hit: Hit) -> bool {
    line.with(Tag::RolePart).any(|part| {
        let covers = part.first <= hit.first && hit.last <= part.last;
        covers && (part.first..=part.last).any(|i| line.is(i, "did"))
    })
}

/// Higher is better: rank, everything really done, things close together, early.
type Score = (u16, bool, std::cmp::Reverse<usize>, std::cmp::Reverse<usize>);

fn apply(rule: &Rule, seen: &[Seen], changed: bool) -> Option<(Score, Vec<Hit>)> {
    let mut hits: Vec<Hit> = Vec::with_capacity(rule.all.len());
    let mut done = 0;
    for alternatives in &rule.all {
        let (hit, real) = nearest(alternatives, seen, hits.last().copied())?;
        hits.push(hit);
        done += usize::from(real);
    }
    // What was only booked names nothing once the plan has changed.
    if done == 0 && changed {
        return None;
    }
    let first = hits.iter().map(|hit| hit.first).min()?;
    let last = hits.iter().map(|hit| hit.last).max()?;
    let spread = last - first;
    if rule.near.is_some_and(|near| spread > usize::from(near)) {
        return None;
    }
    let score =
        (rule.rank, done == rule.all.len(), std::cmp::Reverse(spread), std::cmp::Reverse(first));
    Some((score, hits))
}

/// The hit of one of the alternatives nearest to the one before, done rather than spare.
fn nearest(alternatives: &[u16], seen: &[Seen], before: Option<Hit>) -> Option<(Hit, bool)> {
    let gap = |hit: &Hit| match before {
        Some(other) => (hit.first.abs_diff(other.first), hit.first),
        None => (hit.first, hit.first),
    };
    let of = |pick: fn(&Seen) -> &Vec<Hit>| {
        alternatives
            .iter()
            .filter_map(|thing| seen.get(usize::from(*thing)))
            .flat_map(pick)
            .copied()
            .min_by_key(gap)
    };
    of(|s| &s.done).map(|hit| (hit, true)).or_else(|| of(|s| &s.spare).map(|hit| (hit, false)))
}
