//! Content as a whole: every point of the guide is served, in our own words, without slips of spelling.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use seldinger_core::calculator::calculator;
use seldinger_core::form::FormDefinition;
use seldinger_core::library::{ArticleKind, article, articles};
use toml::Table;
use xtask::paths;

fn content() -> PathBuf {
    paths::root().join("core/content")
}

fn table(name: &str) -> Table {
    let text = fs::read_to_string(content().join(name)).unwrap();
    text.parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn texts<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a str> {
    table[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap())
}

fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    let list = table.get(key).and_then(|list| list.as_array());
    list.into_iter().flatten().map(|entry| entry.as_table().unwrap())
}

fn ids(table: &Table, key: &str) -> BTreeSet<String> {
    tables(table, key).map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

const LISTS: [&str; 4] = ["before", "during", "after", "daily"];

/// What there is to refer to, beside forms and calls.
fn items() -> BTreeSet<String> {
    let kind = |kind| if kind == ArticleKind::Procedure { "procedure" } else { "imaging" };
    let mut items: BTreeSet<String> =
        articles().map(|article| format!("{}:{}", kind(article.kind), article.id)).collect();
    for list in LISTS {
        let known = ids(&table(&format!("checklists/{list}.toml")), "item");
        items.extend(known.into_iter().map(|item| format!("checklist:{list}/{item}")));
    }
    let stages = ids(&table("checklists/stages.toml"), "stage");
    items.extend(stages.into_iter().map(|stage| format!("stage:{stage}")));
    let parts = ids(&table("presentations/shipped.toml"), "part");
    items.extend(parts.into_iter().map(|part| format!("presentation:{part}")));
    items
}

fn exists(name: &str, items: &BTreeSet<String>, api: &str) -> bool {
    let Some((kind, id)) = name.split_once(':') else { return false };
    match kind {
        "form" => id.split_once('/').is_some_and(|(form, path)| {
            FormDefinition::shipped(form).is_some_and(|form| form.field(path).is_some())
        }),
        "calculator" => calculator(id).is_some(),
        "call" => api.contains(&format!("{id}(")),
        _ => items.contains(name),
    }
}

#[test]
fn every_point_from_s14_to_s90_is_served() {
    let coverage = table("COVERAGE.toml");
    let (items, mut named) = (items(), BTreeSet::new());
    let api = fs::read_to_string(paths::root().join("bindings/API.txt")).unwrap();
    let mut served: BTreeMap<String, usize> = BTreeMap::new();
    for point in tables(&coverage, "point").chain(tables(&coverage, "beyond")) {
        let by: Vec<&str> = texts(point, "by").collect();
        if let Some(id) = point.get("id") {
            *served.entry(id.as_str().unwrap().to_owned()).or_default() += by.len();
        }
        for name in by {
            assert!(exists(name, &items, &api), "{name} does not exist");
            named.insert(name.to_owned());
        }
    }
    let gaps: Vec<String> = (14..=90)
        .map(|number| format!("S-{number}"))
        .filter(|id| served.get(id).copied().unwrap_or_default() == 0)
        .collect();
    assert!(gaps.is_empty(), "nothing serves {gaps:?}");
    let unnamed: Vec<&String> = items.difference(&named).collect();
    assert!(unnamed.is_empty(), "no point names {unnamed:?}");
    assert!(article(ArticleKind::Procedure, "none").is_none());
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

fn is_toml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
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
        if scribbled || name == "SOURCES.md" || !is_toml(&name) {
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
        let lines: Vec<&str> = known.iter().map(String::as_str).collect();
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        return;
    }
    assert!(new.is_empty(), "{}", new.join("\n"));
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "no longer used: {unused:?}");
}
