//! Finds the vocabulary's words in a jot: one walk over the tokens, misspellings repaired first.

use std::collections::HashMap;

use super::spelling;
use super::token::{Kind, Token};

/// Stands for one arbitrary word inside a term.
const ANY: &str = "_";
/// Repairs need long words: short ones have too many neighbors.
const REPAIR_FROM_LETTERS: usize = 5;

#[derive(Debug, Default)]
struct Node {
    next: HashMap<u32, u32>,
    any: Option<u32>,
    entries: Vec<u16>,
}

/// All terms as one tree over word numbers.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    words: HashMap<String, u32>,
    nodes: Vec<Node>,
    /// Words that misspelled ones are repaired to, by first letter and number of letters.
    long_words: HashMap<(char, usize), Vec<(String, u32)>>,
}

/// One entry found in the tokens `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub entry: u16,
    pub first: usize,
    pub last: usize,
}

impl Lexicon {
    /// Builds the tree.
    pub fn new(terms: &[(Vec<Token>, u16)]) -> Self {
        let mut lexicon = Self { nodes: vec![Node::default()], ..Self::default() };
        for (tokens, entry) in terms {
            let mut node = 0;
            for token in tokens {
                node = lexicon.child(node, token);
            }
            if let Some(node) = lexicon.nodes.get_mut(node as usize) {
                node.entries.push(*entry);
            }
        }
        lexicon
    }

    fn child(&mut self, node: u32, token: &Token) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let word = if token.is(ANY) { None } else { Some(self.number(token)) };
        let Some(parent) = self.nodes.get_mut(node as usize) else { return node };
        let child = match word {
            None => *parent.any.get_or_insert(fresh),
            Some(word) => *parent.next.entry(word).or_insert(fresh),
        };
        if child == fresh {
            self.nodes.push(Node::default());
        }
        child
    }

    fn number(&mut self, token: &Token) -> u32 {
        if let Some(number) = self.words.get(&token.text) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.insert(token.text.clone(), number);
        let letters = token.text.chars().count();
        if token.kind == Kind::Word && letters > REPAIR_FROM_LETTERS {
            let first = token.text.chars().next().unwrap_or(' ');
            self.long_words.entry((first, letters)).or_default().push((token.text.clone(), number));
        }
        number
    }

    /// The number of each token's word, misspelled long words included; none for unknown ones.
    pub fn numbers(&self, tokens: &[Token]) -> Vec<Option<u32>> {
        tokens.iter().map(|token| self.lookup(token)).collect()
    }

    fn lookup(&self, token: &Token) -> Option<u32> {
        self.words.get(&token.text).copied().or_else(|| self.repair(token))
    }

    fn repair(&self, token: &Token) -> Option<u32> {
        let letters = token.text.chars().count();
        if token.kind != Kind::Word || letters < REPAIR_FROM_LETTERS {
            return None;
        }
        let allowed = spelling::allowed(letters);
        let first = token.text.chars().next()?;
        let mut best: Option<(usize, u32)> = None;
        let mut tied = false;
        let alike = (letters.saturating_sub(allowed)..=letters + allowed)
            .filter_map(|letters| self.long_words.get(&(first, letters)))
            .flatten();
        for (word, number) in alike {
            let Some(distance) = spelling::distance_within(&token.text, word, allowed) else {
                continue;
            };
            match best {
                Some((least, _)) if distance > least => {}
                Some((least, _)) if distance == least => tied = true,
                _ => {
                    best = Some((distance, *number));
                    tied = false;
                }
            }
        }
        best.filter(|_| !tied).map(|(_, number)| number)
    }

    /// Every term in the tokens, overlapping ones included.
    pub fn find(&self, numbers: &[Option<u32>]) -> Vec<Found> {
        let mut found = Vec::new();
        for first in 0..numbers.len() {
            self.walk(numbers, first, first, 0, &mut found);
        }
        found
    }

    fn walk(
        &self,
        numbers: &[Option<u32>],
        first: usize,
        at: usize,
        node: u32,
        found: &mut Vec<Found>,
    ) {
        let Some(node) = self.nodes.get(node as usize) else { return };
        if at > first {
            found.extend(node.entries.iter().map(|entry| Found {
                entry: *entry,
                first,
                last: at - 1,
            }));
        }
        let Some(number) = numbers.get(at) else { return };
        if let Some(next) = number.and_then(|number| node.next.get(&number)) {
            self.walk(numbers, first, at + 1, *next, found);
        }
        if let Some(next) = node.any {
            self.walk(numbers, first, at + 1, next, found);
        }
    }
}
