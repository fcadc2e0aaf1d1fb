//! What went wrong, in the words of the text; "none" only for a general denial.

use super::context::{CANCELED, Context, DOUBTED, HISTORY, NEGATED, PLANNED};
use super::line::{Hit, Line};
use super::tags::Tag;
use super::token::Kind;

/// The stored word for a general denial.
pub(super) const NONE: &str = "none";

/// A complication: the tokens that tell it, or the denial.
pub(super) struct NamedComplication {
    pub first: usize,
    pub last: usize,
    pub denied: bool,
    pub hit: Hit,
    pub certain: bool,
}

/// Finds the complication of this case.
pub(super) fn read(
    line: &Line<'_>,
    context: &Context,
    procedure: Option<&str>,
) -> Option<NamedComplication> {
    let told = line.hits.iter().copied().find(|hit| happened(line, context, *hit, procedure));
    if let Some(hit) = told {
        let (first, last) = widened(line, hit);
        return Some(NamedComplication { first, last, denied: false, hit, certain: true });
    }
    if let Some(labeled) = labeled(line, context) {
        return Some(labeled);
    }
    let denial =
        line.with(Tag::ComplicationDenied).find(|hit| !context.any(hit.first, HISTORY | PLANNED));
    if let Some(hit) = denial {
        return Some(NamedComplication {
            first: hit.first,
            last: hit.last,
            denied: true,
            hit,
            certain: true,
        });
    }
    None
}

fn happened(line: &Line<'_>, context: &Context, hit: Hit, procedure: Option<&str>) -> bool {
    let entry = line.vocabulary.entries.get(usize::from(hit.entry));
    let lists = |ids: &[String]| procedure.is_some_and(|id| ids.iter().any(|listed| listed == id));
    let strong =
        hit.tag == Tag::ComplicationStrong || entry.is_some_and(|entry| lists(&entry.strong_for));
    if !strong && hit.tag != Tag::ComplicationWeak {
        return false;
    }
    if context.any(hit.first, NEGATED | HISTORY | PLANNED | DOUBTED | CANCELED)
        || dismissed(line, hit)
        || line.asked(hit.last)
        || own_step(line, hit)
    {
        return false;
    }
    let (first, last) = widened(line, hit);
    if doubted(line, context, first, hit.first) {
        return false;
    }
    let after = line.words_before(first, 2).any(|i| {
        line.has(i, Tag::IndicationBefore) && !line.has_any(i, &[Tag::EventNear, Tag::CueExcept])
    });
    // "hematoma after": an event; "ptx after bx" is what the drain is for.
    let reason = |i: usize| ["after", "post"].iter().any(|w| line.is(i, w)) && !line.ends_clause(i);
    let event_at = |i: usize| line.has(i, Tag::EventNear);
    let followed = line.words_after(last, 3).any(event_at);
    let event = followed || line.words_before(first, 2).any(|i| line.has(i, Tag::EventNear));
    let treats = entry.is_some_and(|entry| lists(&entry.unless));
    if after {
        return false;
    }
    if treats {
        let followed =
            line.words_after(last, 3).any(|i| line.has(i, Tag::EventAfter) && !reason(i));
        return followed && line.with(Tag::ComplicationDenied).next().is_none();
    }
    strong || event || first < hit.first
}

/// "did the dissection": a step of the case.
fn own_step(line: &Line<'_>, hit: Hit) -> bool {
    line.hits.iter().any(|step| {
        matches!(step.tag, Tag::RolePart | Tag::RoleStep)
            && step.first <= hit.first
            && hit.last <= step.last
    })
}

fn doubted(line: &Line<'_>, context: &Context, first: usize, hit: usize) -> bool {
    (first..hit).any(|i| context.any(i, NEGATED | DOUBTED | HISTORY))
        || line.has(hit, Tag::ComplicationNone)
}

/// "?ptx … turned out skin fold".
fn dismissed(line: &Line<'_>, hit: Hit) -> bool {
    line.words_after(hit.last, 7).any(|i| line.has(i, Tag::DismissedAfter))
}

/// Severity and place in front belong to it, a place behind it too.
fn widened(line: &Line<'_>, hit: Hit) -> (usize, usize) {
    let mut first = hit.first;
    while first > 0
        && line.has(first - 1, Tag::ComplicationModifier)
        && line.together(first - 1, first)
    {
        first -= 1;
    }
    let mut last = hit.last;
    while line.has(last + 1, Tag::ComplicationModifier) && line.together(last, last + 1) {
        last += 1;
    }
    // "cement leak into disc": the place that it went to.
    if line.is(last + 1, "into") && line.together(last, last + 2) && line.kind(last + 2, Kind::Word)
    {
        last += 2;
    }
    (first, last)
}

/// "cx: …" in words that the vocabulary does not know.
fn labeled(line: &Line<'_>, context: &Context) -> Option<NamedComplication> {
    line.with(Tag::ComplicationLabel).find_map(|hit| {
        let mut first = hit.last + 1;
        let marked = line.is(first, ":") || line.is(first, "=") || line.is(first, "-");
        if !marked || context.any(hit.first, NEGATED) {
            return None;
        }
        while line.kind(first, Kind::Mark) {
            first += 1;
        }
        let empty = !line.kind(first, Kind::Word)
            || line.has_any(first, &[Tag::CueNegation, Tag::ComplicationDenied]);
        let last = line.clause_end(first).min(first + 7);
        let found = NamedComplication { first, last, denied: false, hit, certain: true };
        (!empty && first < line.tokens.len()).then_some(found)
    })
}
