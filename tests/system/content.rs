//! Content as a whole: in our own words, without slips of spelling.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use xtask::paths;

fn content() -> PathBuf {
    paths::root().join("core/content")
}

/// Every file that holds prose of ours.
fn prose() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        let mut entries: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push((path.strip_prefix(content()).unwrap().display().to_string(), text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&content(), &mut found);
    found
}

fn words(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines().enumerate().flat_map(|(line, text)| {
        text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
            .map(|word| word.trim_matches(['\'', '’']).to_lowercase().replace('’', "'"))
            .filter(|word| !word.is_empty())
            .map(move |word| (line + 1, word))
    })
}

/// Words in a row that are no chance.
const RUN: usize = 8;

fn shingles(text: &str) -> Vec<(usize, u64)> {
    let words: Vec<(usize, String)> = words(text).collect();
    let hash = |run: &[(usize, String)]| {
        let run: Vec<&str> = run.iter().map(|(_, word)| word.as_str()).collect();
        let bytes: [u8; 8] =
            blake3::hash(run.join(" ").as_bytes()).as_bytes()[..8].try_into().unwrap();
        (u64::from_le_bytes(bytes), run.len())
    };
    words.windows(RUN).map(|run| (run[0].0, hash(run).0)).collect()
}

/// Hashes of the guide's runs of words: the guide itself is not ours to ship. `GUIDE=FILE` writes them anew.
fn guide() -> BTreeSet<u64> {
    let file = paths::root().join("tests/vectors/guide_runs.bin");
    if let Some(guide) = env::var_os("GUIDE") {
        let text = fs::read_to_string(guide).unwrap();
        let hashes: BTreeSet<u64> = shingles(&text).into_iter().map(|(_, hash)| hash).collect();
        fs::write(&file, hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect::<Vec<u8>>())
            .unwrap();
    }
    let bytes = fs::read(file).unwrap();
    bytes.chunks_exact(8).map(|hash| u64::from_le_bytes(hash.try_into().unwrap())).collect()
}

#[test]
fn no_run_of_eight_words_is_the_guides() {
    let guide = guide();
    assert!(guide.len() > 2_000);
    let mut same = Vec::new();
    for (file, text) in prose() {
        let found = shingles(&text).into_iter().filter(|(_, hash)| guide.contains(hash));
        same.extend(found.map(|(line, _)| format!("{file}:{line}")));
    }
    same.dedup();
    assert!(same.is_empty(), "{same:?}");
}

#[test]
fn runs_are_told_in_any_case_and_punctuation() {
    let one = shingles("One, two three-four: Five six\nseven eight. nine");
    let other = shingles("one two THREE four five six seven eight");
    assert_eq!(one.len(), 2);
    assert_eq!(one[0].1, other[0].1);
}

/// Words that somebody looked at, one a line; `WRITE_WORDS=1` adds what is new, to be looked at.
#[test]
fn every_word_is_spelled_as_somebody_looked_it_up() {
    let file = paths::root().join("tests/vectors/words.txt");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let mut known: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let mut used = BTreeSet::new();
    let mut new = Vec::new();
    for (name, text) in prose() {
        // Vocabulary of jots and shorthand hold misspellings on purpose, and citations hold names.
        let scribbled = name.starts_with("jot/") || name == "presentations/shorthand.toml";
        if scribbled || name == "SOURCES.md" || !name.ends_with(".toml") {
            continue;
        }
        for (line, word) in words(&text) {
            if word.chars().any(|c| c.is_ascii_digit()) || word.chars().count() < 3 {
                continue;
            }
            if used.insert(word.clone()) && !known.contains(&word) {
                new.push(format!("{name}:{line}: {word}"));
            }
        }
    }
    if env::var_os("WRITE_WORDS").is_some() {
        known = used.clone();
        fs::write(&file, known.iter().map(|word| format!("{word}\n")).collect::<String>()).unwrap();
        return;
    }
    assert!(new.is_empty(), "{}", new.join("\n"));
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "no longer used: {unused:?}");
}
