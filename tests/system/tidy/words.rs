//! Words that do not belong here.

use super::{code, nothing, texts};

/// Ours, written by hand; not what users and other people write.
const SOURCES: [&str; 14] = [
    ".rs", ".kt", ".swift", ".css", ".js", ".mjs", ".html", ".md", ".toml", ".sql", ".xml", ".kts",
    ".yml", ".txt",
];
/// Texts of other people, and words that are there to be understood.
const OTHERS: [&str; 5] =
    ["THIRD-PARTY.txt", "core/content/jot/", "/vendor/", ".min.", "tests/system/tidy/"];

fn ours() -> impl Iterator<Item = (String, String)> {
    texts(&SOURCES).filter(|(file, _)| !OTHERS.iter().any(|other| file.contains(other)))
}

/// Places where a pattern stands, with their lines.
fn places<'t>(text: &'t str, pattern: &'t str) -> impl Iterator<Item = (usize, &'t str)> {
    text.lines()
        .enumerate()
        .filter(move |(_, line)| line.contains(pattern))
        .map(|(n, l)| (n + 1, l))
}

#[test]
fn nothing_is_left_to_do_later() {
    let mut found = Vec::new();
    for (file, text) in ours() {
        for word in ["TODO", "FIXME", "XXX", "dbg!(", "todo!(", "unimplemented!("] {
            found.extend(places(&text, word).map(|(line, _)| format!("{file}:{line}: {word}")));
        }
    }
    nothing(&found);
}

/// The British beginning or ending of a word, and words of ours that contain it by chance.
const BRITISH: [&str; 34] = [
    "colour",
    "favour",
    "behaviour",
    "licence",
    "organis",
    "recognis",
    "haemo",
    "haema",
    "centre",
    "grey",
    "labelled",
    "labelling",
    "tumour",
    "oedema",
    "anaesth",
    "paediatr",
    "fibre",
    "litre",
    "metre",
    "artefact",
    "analyse",
    "initialis",
    "serialis",
    "normalis",
    "optimis",
    "minimis",
    "summaris",
    "neighbour",
    "honour",
    "modelled",
    "modelling",
    "judgement",
    "whilst",
    "travell",
];
/// Lines that must name a British word: importers and searches that understand it.
const BRITISH_ON_PURPOSE: [&str; 4] =
    ["\"licence\"", "haemostasis", "unit = \"litre", "aria-labelledby"];

#[test]
fn spelling_is_american() {
    let mut found = Vec::new();
    // The list of words repeats what is written elsewhere.
    for (file, text) in ours().filter(|(file, _)| !file.ends_with("words.txt")) {
        let text = text.to_lowercase().replace("aria-labelledby", "").replace("organism", "");
        for word in BRITISH {
            for (line, all) in places(&text, word) {
                if !BRITISH_ON_PURPOSE.iter().any(|purpose| all.contains(purpose)) {
                    found.push(format!("{file}:{line}: {word}"));
                }
            }
        }
    }
    nothing(&found);
}

/// Where somebody's files are, and where packages come from on somebody's machine.
const MACHINES: [&str; 12] = [
    "/home/",
    "/root/",
    "/Users/",
    "/work/",
    "/tmp/",
    "C:\\Users",
    "crates.io",
    "registry.npmjs",
    "repo1.maven",
    "repo.maven",
    "pypi.org",
    "deb.debian.org",
];

#[test]
fn no_machine_is_named() {
    let mut found = Vec::new();
    for (file, text) in ours() {
        for word in MACHINES {
            found.extend(places(&text, word).map(|(line, _)| format!("{file}:{line}: {word}")));
        }
    }
    nothing(&found);
}

#[test]
fn sleeping_synchronizes_nothing() {
    let mut found = Vec::new();
    for (file, text) in texts(&[".rs"]) {
        let bare = code::bare(&text);
        if file.starts_with("core/") {
            let asleep = places(&bare, "thread::sleep");
            found.extend(asleep.map(|(line, _)| format!("{file}:{line}: sleeps")));
        }
    }
    nothing(&found);
}

/// A key without words would be shown to people as it is.
#[test]
fn every_key_that_is_asked_for_has_its_words() {
    let messages =
        std::fs::read_to_string(super::root().join("core/content/messages.toml")).unwrap();
    let keys: Vec<&str> =
        messages.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')).collect();
    let room = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
    let rooms: Vec<String> = keys.iter().map(|key| room(key)).collect();
    let (mut found, mut asked) = (Vec::new(), 0);
    for (file, text) in texts(&[".rs", ".html"]) {
        for call in ["words(\"", "told(\"", "wording(\""] {
            for (at, _) in text.match_indices(call) {
                let key = text[at + call.len()..].split('"').next().unwrap_or_default();
                asked += 1;
                if key.contains('.') && rooms.contains(&room(key)) && !keys.contains(&key) {
                    found.push(format!("{file}: {key} has no words"));
                }
            }
        }
    }
    assert!(asked > 50, "only {asked} were seen");
    nothing(&found);
}
