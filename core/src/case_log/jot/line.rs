//! One jot under reading: tokens, what the vocabulary found in them, clauses.

use super::lexicon::Lexicon;
use super::tags::Tag;
use super::token::{self, Kind, Token};
use super::vocabulary::Vocabulary;

/// A vocabulary entry found in the tokens `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub tag: Tag,
    pub entry: u16,
    pub thing: u16,
    pub first: usize,
    pub last: usize,
}

/// One jot with everything that was found in it.
pub(super) struct Line<'a> {
    pub vocabulary: &'a Vocabulary,
    pub tokens: Vec<Token>,
    /// Whether the vocabulary knows the word.
    pub known: Vec<bool>,
    pub hits: Vec<Hit>,
    /// The clause that each token stands in.
    pub clauses: Vec<u16>,
    /// How far the longest hit reaches behind its first token.
    longest: usize,
    /// The tags over each token, one bit each.
    tags: Vec<u128>,
}

fn reach<'a>(hits: impl Iterator<Item = &'a Hit>) -> usize {
    hits.map(|hit| hit.last - hit.first).max().unwrap_or(0)
}

/// The hits that no longer one of their domain covers; both lists are in order of `first`.
fn visible(all: &[(Hit, u8)]) -> Vec<Hit> {
    let longest = reach(all.iter().map(|(hit, _)| hit));
    let hidden = |(hit, domain): &(Hit, u8)| {
        let from = all.partition_point(|(other, _)| other.first + longest < hit.first);
        let near = all.get(from..).unwrap_or_default();
        near.iter().take_while(|(other, _)| other.first <= hit.first).any(|(other, theirs)| {
            let longer = (other.last - other.first) > (hit.last - hit.first);
            domain == theirs && longer && hit.last <= other.last
        })
    };
    all.iter().filter(|found| !hidden(found)).map(|(hit, _)| *hit).collect()
}

impl<'a> Line<'a> {
    /// Cuts and searches `text`.
    pub fn new(text: &str, vocabulary: &'a Vocabulary, lexicon: &Lexicon) -> Self {
        let tokens = token::cut(text);
        let numbers = lexicon.numbers(&tokens);
        let all: Vec<(Hit, u8)> = lexicon
            .find(&numbers)
            .into_iter()
            .filter_map(|found| {
                let entry = vocabulary.entries.get(usize::from(found.entry))?;
                let hit = Hit {
                    tag: entry.tag,
                    entry: found.entry,
                    thing: entry.thing,
                    first: found.first,
                    last: found.last,
                };
                Some((hit, entry.domain))
            })
            .collect();
        let hits = visible(&all);
        let mut tags = vec![0u128; tokens.len()];
        for hit in &hits {
            for bits in tags.iter_mut().take(hit.last + 1).skip(hit.first) {
                *bits |= bit(hit.tag);
            }
        }
        let longest = reach(hits.iter());
        let known = numbers.iter().map(Option::is_some).collect();
        let mut line = Self { vocabulary, tokens, known, hits, clauses: Vec::new(), longest, tags };
        line.clauses = line.cut_clauses();
        line
    }

    fn cut_clauses(&self) -> Vec<u16> {
        let mut clause = 0;
        let mut clauses = Vec::with_capacity(self.tokens.len());
        for i in 0..self.tokens.len() {
            if self.breaks(i) {
                clause += 1;
            }
            clauses.push(clause);
        }
        clauses
    }

    /// Whether a clause ends before token `i`.
    fn breaks(&self, i: usize) -> bool {
        let Some(token) = self.tokens.get(i) else { return false };
        if token.kind != Kind::Mark {
            return false;
        }
        let next_glued = self.tokens.get(i + 1).is_some_and(|next| next.glued);
        match token.text.as_str() {
            "," | ";" | "(" | ")" | "!" | "?" => true,
            "." => !self.prev_has(i, Tag::TitleDoctor),
            ":" => !(token.glued && next_glued),
            "-" => !(token.glued || next_glued),
            _ => false,
        }
    }

    /// Whether the token before `i` carries the tag.
    pub fn prev_has(&self, i: usize, tag: Tag) -> bool {
        i > 0 && self.has(i - 1, tag)
    }

    /// Whether the tag lies over token `i`.
    pub fn has(&self, i: usize, tag: Tag) -> bool {
        self.tags.get(i).is_some_and(|bits| bits & bit(tag) != 0)
    }

    /// Whether one of the tags lies over token `i`.
    pub fn has_any(&self, i: usize, tags: &[Tag]) -> bool {
        tags.iter().any(|tag| self.has(i, *tag))
    }

    /// All hits with this tag.
    pub fn with(&self, tag: Tag) -> impl Iterator<Item = Hit> + '_ {
        self.hits.iter().copied().filter(move |hit| hit.tag == tag)
    }

    /// The longest hit that begins at token `i` and passes the test.
    pub fn starting(&self, i: usize, test: impl Fn(Tag) -> bool) -> Option<Hit> {
        let from = self.hits.partition_point(|hit| hit.first < i);
        let here = self.hits.get(from..).unwrap_or_default().iter();
        here.take_while(|hit| hit.first == i)
            .copied()
            .filter(|hit| test(hit.tag))
            .max_by_key(|hit| hit.last)
    }

    /// The longest hit that ends at token `i` and passes the test.
    pub fn ending(&self, i: usize, test: impl Fn(Tag) -> bool) -> Option<Hit> {
        let to = self.hits.partition_point(|hit| hit.first <= i);
        let until = self.hits.get(..to).unwrap_or_default().iter().rev();
        until
            .take_while(|hit| hit.first + self.longest >= i)
            .copied()
            .filter(|hit| hit.last == i && test(hit.tag))
            .min_by_key(|hit| hit.first)
    }

    /// Whether token `i` is this word or mark.
    pub fn is(&self, i: usize, text: &str) -> bool {
        self.tokens.get(i).is_some_and(|token| token.is(text))
    }

    /// Whether token `i` is of this kind.
    pub fn kind(&self, i: usize, kind: Kind) -> bool {
        self.tokens.get(i).is_some_and(|token| token.kind == kind)
    }

    /// Whether token `i` follows the one before without a space.
    pub fn glued(&self, i: usize) -> bool {
        self.tokens.get(i).is_some_and(|token| token.glued)
    }

    /// Whether two tokens stand in one clause.
    pub fn together(&self, a: usize, b: usize) -> bool {
        self.clauses.get(a) == self.clauses.get(b)
    }

    /// The next `count` words from `from` on, inside the clause of `of`.
    pub fn words_after(&self, of: usize, count: usize) -> impl Iterator<Item = usize> + '_ {
        (of + 1..self.tokens.len())
            .take_while(move |i| self.together(of, *i))
            .filter(|i| !self.kind(*i, Kind::Mark))
            .take(count)
    }

    /// The `count` words before `of`, nearest first, inside its clause.
    pub fn words_before(&self, of: usize, count: usize) -> impl Iterator<Item = usize> + '_ {
        let clause = self.clauses.get(of).copied();
        (0..of)
            .rev()
            .take_while(move |i| self.clauses.get(*i).copied() == clause)
            .filter(|i| !self.kind(*i, Kind::Mark))
            .take(count)
    }

    /// The last token of the clause of `of`.
    pub fn clause_end(&self, of: usize) -> usize {
        (of..self.tokens.len()).take_while(|i| self.together(of, *i)).last().unwrap_or(of)
    }

    /// The first token of the clause of `of`.
    pub fn clause_start(&self, of: usize) -> usize {
        (0..=of).rev().take_while(|i| self.together(of, *i)).last().unwrap_or(of)
    }

    /// Whether token `i` ends its clause.
    pub fn ends_clause(&self, i: usize) -> bool {
        !self.together(i, i + 1)
    }

    /// Whether a question mark closes the words that end at token `i`; one that opens the next
    /// word ("?air") asks about that.
    pub fn asked(&self, i: usize) -> bool {
        self.is(i + 1, "?") && self.glued(i + 1)
    }

    /// The id of the hit's vocabulary entry.
    pub fn rule(&self, hit: Hit) -> &str {
        self.vocabulary.entries.get(usize::from(hit.entry)).map_or("", |entry| entry.id.as_str())
    }
}

fn bit(tag: Tag) -> u128 {
    1u128.checked_shl(tag as u32).unwrap_or(0)
}
