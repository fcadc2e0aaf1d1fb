//! What the words around a word say about it: denied, earlier, planned, booked.

use super::line::Line;
use super::tags::Tag;
use super::token::Kind;

/// Bits of a token's context.
pub(super) const NEGATED: u16 = 1;
/// Part of the history.
pub(super) const HISTORY: u16 = 2;
/// Still to come.
pub(super) const PLANNED: u16 = 4;
/// Booked, then something else was done.
pub(super) const BOOKED: u16 = BOOKED_NEAR | 512;
/// … in the very clause of the booking.
pub(super) const BOOKED_NEAR: u16 = 8;
/// Already in place.
pub(super) const EXISTING: u16 = 16;
/// Called off.
pub(super) const CANCELED: u16 = 32;
/// The reason why another way was taken.
pub(super) const REASON: u16 = 64;
/// Under a question mark.
pub(super) const DOUBTED: u16 = 128;

/// Done with before the plan was changed.
pub(super) const CONVERTED: u16 = 256;

const NEGATION_WORDS: usize = 4;
const HISTORY_WORDS: usize = 5;
const PLANNED_WORDS: usize = 6;
const EXISTING_WORDS: usize = 3;
const BACKWARD_WORDS: usize = 4;
const FAILURE_WORDS: usize = 8;

/// The context of every token of a line.
pub(super) struct Context {
    flags: Vec<u16>,
    /// A change of plan is told.
    pub changed: bool,
}

impl Context {
    /// Reads the cues of a line.
    pub fn new(line: &Line<'_>) -> Self {
        let mut context = Self { flags: vec![0; line.tokens.len()], changed: false };
        context.forward(line, Tag::CueNegation, NEGATED, NEGATION_WORDS);
        context.forward(line, Tag::CueHistory, HISTORY, HISTORY_WORDS);
        context.forward(line, Tag::CuePlanned, PLANNED, PLANNED_WORDS);
        context.forward(line, Tag::CuePlannedNext, PLANNED, 1);
        context.forward(line, Tag::CueExisting, EXISTING, EXISTING_WORDS);
        context.forward(line, Tag::CueReason, REASON, HISTORY_WORDS);
        context.backward(line, Tag::CueHistoryAfter, HISTORY, BACKWARD_WORDS);
        context.backward(line, Tag::CuePlannedAfter, PLANNED, PLANNED_WORDS);
        context.booked(line);
        context.changes(line);
        context.doubts(line);
        context
    }

    /// Whether any of the bits is set on token `i`.
    pub fn any(&self, i: usize, bits: u16) -> bool {
        self.flags.get(i).is_some_and(|flags| flags & bits != 0)
    }

    fn set(&mut self, i: usize, bit: u16) {
        if let Some(flags) = self.flags.get_mut(i) {
            *flags |= bit;
        }
    }

    fn forward(&mut self, line: &Line<'_>, tag: Tag, bit: u16, words: usize) {
        for cue in line.with(tag) {
            // "no cx" is a statement of its own: it denies nothing that follows.
            if line.has(cue.first, Tag::ComplicationDenied) {
                continue;
            }
            for i in scope_after(line, cue.last, words) {
                self.set(i, bit);
            }
        }
    }

    fn backward(&mut self, line: &Line<'_>, tag: Tag, bit: u16, words: usize) {
        for cue in line.with(tag) {
            // "last week LVP 6 L": at the head of a clause it dates what follows.
            if line.words_before(cue.first, 1).next().is_none() {
                for i in scope_after(line, cue.last, words) {
                    self.set(i, bit);
                }
                continue;
            }
            for i in line.words_before(cue.first, words) {
                // "RFA + kypho planned": what is added, not what it is added to.
                if stops(line, i) || line.is(i + 1, "+") {
                    break;
                }
                self.set(i, bit);
            }
        }
    }

    /// A booking reaches to the word that turns it, across commas; without one to its clause's end.
    fn booked(&mut self, line: &Line<'_>) {
        for cue in line.with(Tag::CueBooked) {
            let turn = (cue.last + 1..line.tokens.len()).find(|i| stops(line, *i));
            self.changed |= turn.is_some();
            let end = turn.unwrap_or_else(|| line.clause_end(cue.last) + 1);
            for i in cue.last + 1..end {
                self.set(
                    i,
                    if line.together(i, cue.last) { BOOKED } else { BOOKED & !BOOKED_NEAR },
                );
            }
        }
    }

    fn changes(&mut self, line: &Line<'_>) {
        let last_thing = line.with(Tag::Thing).map(|hit| hit.first).max().unwrap_or(0);
        // What stands before the last turn was not what was done in the end.
        let converted = line
            .with(Tag::CueConverted)
            .filter(|cue| last_thing > cue.last && !line.kind(cue.last + 1, Kind::Number));
        let mut turned = converted.map(|cue| cue.first).max();
        for cue in line.with(Tag::CueInstead) {
            let start = line.clause_start(cue.first);
            let turn = (start..cue.first).rev().find(|i| stops(line, *i));
            turned = turned.max(Some(turn.unwrap_or(start)));
        }
        if let Some(end) = turned {
            self.drop_within(0, end, CONVERTED);
        }
        self.failures(line, last_thing);
        self.canceled(line);
    }

    /// "stent attempt failed at UVJ so PCN exchanged": a turn, and something done behind it.
    fn failures(&mut self, line: &Line<'_>, last_thing: usize) {
        for cue in line.with(Tag::CueFailed) {
            let turn = (cue.last + 1..).take(FAILURE_WORDS).find(|i| turns(line, *i));
            if turn.is_some_and(|turn| last_thing > turn) {
                self.drop_within(line.clause_start(cue.first), cue.first, CONVERTED);
            }
        }
    }

    /// In a clause of its own a cancellation calls off all that stands before it.
    fn canceled(&mut self, line: &Line<'_>) {
        let mut all = 0;
        for cue in line.with(Tag::CueCanceled) {
            let (start, end) = (line.clause_start(cue.first), line.clause_end(cue.first));
            if line.with(Tag::Thing).any(|hit| (start..=end).contains(&hit.first)) {
                self.drop_within(start, cue.first, CANCELED);
            } else {
                all = cue.first;
            }
            self.changed = true;
        }
        for i in 0..all {
            self.set(i, CANCELED);
        }
    }

    fn drop_within(&mut self, start: usize, end: usize, bit: u16) {
        self.changed = true;
        for i in start..end {
            self.set(i, bit);
        }
    }

    fn doubts(&mut self, line: &Line<'_>) {
        for i in 0..line.tokens.len() {
            if line.is(i, "?") && line.glued(i + 1) {
                self.set(i + 1, DOUBTED);
            }
        }
    }
}

/// The next `words` words of the clause, up to one that ends the scope ("but", "→").
fn scope_after(line: &Line<'_>, of: usize, words: usize) -> Vec<usize> {
    (of + 1..line.tokens.len())
        .take_while(|i| line.together(of, *i) && !stops(line, *i))
        .filter(|i| !line.kind(*i, Kind::Mark))
        .take(words)
        .collect()
}

/// A word after which something else is done.
fn turns(line: &Line<'_>, i: usize) -> bool {
    line.has(i, Tag::CueConverted)
        || line.has(i, Tag::CueInstead)
        || ["so", "→"].iter().any(|word| line.is(i, word))
}

fn stops(line: &Line<'_>, i: usize) -> bool {
    line.has_any(i, &[Tag::CuePivot, Tag::CueConverted, Tag::CueExcept])
}
