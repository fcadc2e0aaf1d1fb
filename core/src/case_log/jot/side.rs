//! The treated side, else the side of the access.

use super::context::{BOOKED, CANCELED, CONVERTED, Context, EXISTING, HISTORY, NEGATED, REASON};
use super::line::{Hit, Line};
use super::quantity::{Amount, Unit};
use super::tags::Tag;
use super::token::Kind;
use crate::case_log::values::Side;

/// The side with the words behind it.
pub(super) struct NamedSide {
    pub side: Side,
    pub hits: Vec<Hit>,
    pub certain: bool,
}

/// What a side word is about, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Treated,
    Access,
    Finding,
}

/// Finds the side.
///
/// `told` are the tokens of a complication: "R shoulder pain" says nothing of what was treated.
pub(super) fn read(
    line: &Line<'_>,
    context: &Context,
    amounts: &[Amount],
    told: Option<(usize, usize)>,
) -> Option<NamedSide> {
    let mut seen: Vec<(About, Side, Hit)> = Vec::new();
    for hit in &line.hits {
        let side = match hit.tag {
            Tag::SideLeft => Side::Left,
            Tag::SideRight => Side::Right,
            Tag::SideBoth => Side::Bilateral,
            Tag::SideEach if each_counts(line, *hit) => Side::Bilateral,
            _ => continue,
        };
        let void = context.any(hit.first, NEGATED | HISTORY | CANCELED)
            || is_unit(line, *hit, amounts)
            || is_level(line, *hit)
            || line.asked(hit.last)
            || compares(line, *hit)
            || blocked(line, *hit)
            || skipped(line, *hit)
            || line.words_after(hit.last, 2).any(|i| line.has(i, Tag::SiteUntouched));
        if !void {
            let in_told = told.is_some_and(|(first, last)| first <= hit.first && hit.last <= last);
            let about = if in_told { About::Finding } else { about(line, *hit) };
            seen.push((about, side, *hit));
        }
    }
    // A side in a reason, or only booked, gives way to the one that was done.
    for weak in [REASON, BOOKED | CONVERTED | EXISTING] {
        if seen.iter().any(|(.., hit)| !context.any(hit.first, weak)) {
            seen.retain(|(.., hit)| !context.any(hit.first, weak));
        }
    }
    let best = seen.iter().map(|(about, ..)| *about).min()?;
    seen.retain(|(about, ..)| *about == best);
    settle(line, &seen, best)
}

fn settle(line: &Line<'_>, seen: &[(About, Side, Hit)], about: About) -> Option<NamedSide> {
    let hits = |side: Side| {
        seen.iter().filter(|(_, s, _)| *s == side).map(|(.., h)| *h).collect::<Vec<_>>()
    };
    let both = hits(Side::Bilateral);
    let certain = about != About::Finding;
    if !both.is_empty() {
        return Some(NamedSide { side: Side::Bilateral, hits: both, certain });
    }
    let (_, first, _) = seen.first()?;
    let one = hits(*first);
    let other = hits(if *first == Side::Left { Side::Right } else { Side::Left });
    if let (Some(a), Some(b)) = (one.last(), other.first()) {
        // "R + L": both; "R … L …" apart: the first treated one, unless each has its own words.
        let gap = b.first.abs_diff(a.last);
        let joined = (gap <= 6 && (a.last + 1..b.first).any(|i| joins(line, i)))
            || (gap == 2 && line.is(a.last + 1, "then"));
        // "L obturator coil, R iliac gelfoam": something done on either side.
        let each =
            one.iter().all(|hit| acted(line, *hit)) && other.iter().all(|hit| acted(line, *hit));
        if joined || each {
            return Some(NamedSide { side: Side::Bilateral, hits: vec![*a, *b], certain });
        }
    }
    Some(NamedSide { side: *first, hits: one, certain })
}

fn acted(line: &Line<'_>, hit: Hit) -> bool {
    line.with(Tag::Thing).any(|thing| {
        line.vocabulary.is_action(thing.thing) && line.together(thing.first, hit.first)
    })
}

fn joins(line: &Line<'_>, i: usize) -> bool {
    ["+", "&", "and", "/"].iter().any(|word| line.is(i, word))
}

/// "both sides", "8.5 fr both": a paired thing follows, or the clause ends.
fn each_counts(line: &Line<'_>, hit: Hit) -> bool {
    line.ends_clause(hit.last)
        || line.words_before(hit.first, 1).any(|i| line.has(i, Tag::SitePaired))
        || line.words_after(hit.last, 2).any(|i| line.has(i, Tag::SitePaired))
}

/// The L of "1.1 L" is a unit.
fn is_unit(line: &Line<'_>, hit: Hit, amounts: &[Amount]) -> bool {
    line.is(hit.first, "l")
        && amounts.iter().any(|a| a.unit == Unit::Ml && a.first < hit.first && hit.first <= a.last)
}

/// `L3` is a vertebra, `R2` a resident.
fn is_level(line: &Line<'_>, hit: Hit) -> bool {
    let letter = line.tokens.get(hit.last).is_some_and(|token| token.text.len() == 1);
    letter && line.glued(hit.last + 1) && line.kind(hit.last + 1, Kind::Number)
}

/// `R>L` compares, it does not say what was treated.
fn compares(line: &Line<'_>, hit: Hit) -> bool {
    let sides = [Tag::SideLeft, Tag::SideRight];
    let mark = |i: usize| line.is(i, ">") || line.is(i, "<");
    (mark(hit.last + 1) && line.has_any(hit.last + 2, &sides))
        || (hit.first > 1 && mark(hit.first - 1) && line.has_any(hit.first - 2, &sides))
}

/// "R occluded", "L mastectomy": the reason to go elsewhere, if another side is told.
fn blocked(line: &Line<'_>, hit: Hit) -> bool {
    let near = line.words_after(hit.last, 2).any(|i| line.has(i, Tag::SiteBlocked));
    let about_access =
        about(line, hit) == About::Access || line.has(hit.last + 1, Tag::SiteBlocked);
    near && about_access && another_side(line, hit)
}

/// "aborted R side": given up, if another side is told.
fn skipped(line: &Line<'_>, hit: Hit) -> bool {
    let near = line.words_before(hit.first, 2).any(|i| line.has(i, Tag::SiteSkipped));
    near && another_side(line, hit)
}

fn another_side(line: &Line<'_>, hit: Hit) -> bool {
    line.hits
        .iter()
        .filter(|other| matches!(other.tag, Tag::SideLeft | Tag::SideRight | Tag::SideBoth))
        .any(|other| other.first != hit.first && other.tag != hit.tag)
}

fn about(line: &Line<'_>, hit: Hit) -> About {
    let way = line.words_before(hit.first, 1).any(|i| line.has(i, Tag::SiteWay));
    if way || line.has(hit.first, Tag::SiteAccess) {
        return About::Access;
    }
    for (nth, i) in line.words_after(hit.last, 3).enumerate() {
        let side = line.has_any(i, &[Tag::SideLeft, Tag::SideRight, Tag::SideBoth]);
        // "R for ptx" treats the right one.
        let reason = line.has(i, Tag::IndicationBefore);
        if side || reason || line.kind(i, Kind::Number) || line.has(i, Tag::SiteWay) {
            break;
        }
        if nth < 2 && line.has(i, Tag::SiteFinding) {
            return About::Finding;
        }
        if line.has(i, Tag::SiteApproach) || (nth < 2 && line.has(i, Tag::SiteAccess)) {
            return About::Access;
        }
    }
    About::Treated
}
