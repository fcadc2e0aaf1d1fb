//! What guided the needle; never a fluoroscopy time, an earlier scan or the word "us".

use super::context::{BOOKED, CANCELED, CONVERTED, Context, HISTORY};
use super::line::{Hit, Line};
use super::tags::Tag;
use super::token::Kind;
use crate::case_log::values::Guidance;

/// One modality with its words.
pub(super) struct NamedGuidance {
    pub guidance: Guidance,
    pub hit: Hit,
}

/// Finds what guided, in the order of the text. `read_out` are the tokens of a fluoroscopy time.
pub(super) fn read(
    line: &Line<'_>,
    context: &Context,
    read_out: &[(usize, usize)],
) -> Vec<NamedGuidance> {
    let mut seen: Vec<NamedGuidance> = Vec::new();
    for hit in &line.hits {
        let guidance = match hit.tag {
            Tag::GuidanceUs => Guidance::Us,
            Tag::GuidanceFluoro => Guidance::Fluoro,
            Tag::GuidanceCt => Guidance::Ct,
            Tag::GuidanceCbct => Guidance::Cbct,
            _ => continue,
        };
        let earlier = context.any(hit.first, HISTORY | CANCELED) || prior_study(line, *hit);
        let timed = hit.tag == Tag::GuidanceFluoro
            && read_out.iter().any(|(first, last)| *first <= hit.first && hit.last <= *last)
            && !used(line, *hit);
        let asked = line.asked(hit.last);
        if asked || earlier || timed || denied(line, *hit) || pronoun(line, *hit) {
            continue;
        }
        if !seen.iter().any(|other| other.guidance == guidance) {
            seen.push(NamedGuidance { guidance, hit: *hit });
        }
    }
    if seen.iter().any(|named| !context.any(named.hit.first, BOOKED | CONVERTED)) {
        seen.retain(|named| !context.any(named.hit.first, BOOKED | CONVERTED));
    }
    seen
}

/// "under fluoro", "fluoro guided": stays guidance even beside a time.
fn used(line: &Line<'_>, hit: Hit) -> bool {
    line.prev_has(hit.first, Tag::ImagingUsed) || line.has(hit.last + 1, Tag::ImagingUsed)
}

/// "no fluoro": the very next word only, so that "no fluoro US" keeps the ultrasound.
fn denied(line: &Line<'_>, hit: Hit) -> bool {
    let answered = |i: usize| i > 0 && line.is(i - 1, "?");
    line.words_before(hit.first, 1).any(|i| line.has(i, Tag::CueNegation) && !answered(i))
}

fn prior_study(line: &Line<'_>, hit: Hit) -> bool {
    let guided = line.has(hit.last + 1, Tag::ImagingUsed);
    let before = line.words_before(hit.first, 1).any(|i| line.has(i, Tag::ImagingPriorBefore));
    let after = line.words_after(hit.last, 2).any(|i| line.has(i, Tag::ImagingPriorAfter));
    !guided && (before || after)
}

/// A lower-case "us" behind "let", "to", "with" and the like.
fn pronoun(line: &Line<'_>, hit: Hit) -> bool {
    if !line.is(hit.first, "us") || hit.first != hit.last {
        return false;
    }
    let capitals = line.tokens.get(hit.first).is_some_and(|token| token.upper);
    let Some(before) = hit.first.checked_sub(1) else { return false };
    let slash = line.kind(before, Kind::Mark);
    !capitals && !slash && line.has(before, Tag::PronounBefore)
}
