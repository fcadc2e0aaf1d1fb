//! Who may know whom.

use super::{code, nothing, texts};

/// Needed by everybody.
const BASE: [&str; 4] = ["error", "fold", "ids", "time"];

/// What each room of the core may import besides the base and itself. Rooms of features meet in
/// `logbook` and nowhere else; a room that is not listed is one of those.
const ROOMS: [(&str, &[&str]); 15] = [
    ("error", &[]),
    ("fold", &[]),
    ("ids", &[]),
    ("time", &[]),
    ("job", &[]),
    ("store", &["job"]),
    // What a value means is content; which values an index needs is not.
    ("record", &["content", "store"]),
    ("content", &[]),
    ("calculator", &["content"]),
    ("privacy", &["content", "record"]),
    ("form", &["calculator", "content", "privacy", "record"]),
    ("sync", &["record"]),
    ("link", &["job", "sync"]),
    ("logbook", &["*"]),
    ("ffi", &["*"]),
];
const FEATURE: [&str; 5] = ["calculator", "content", "privacy", "record", "store"];

/// The room of a file of the core, and its code without its unit tests.
fn core() -> impl Iterator<Item = (String, String, String)> {
    let files = texts(&[".rs"]).filter_map(|(file, text)| {
        let path = file.strip_prefix("core/src/")?;
        let room = path.split('/').next()?.trim_end_matches(".rs").to_owned();
        let tests = path.ends_with("tests.rs");
        let bare = code::bare(&text);
        let bare = bare.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        (room != "lib" && !tests).then_some((file, room, bare))
    });
    files.collect::<Vec<_>>().into_iter()
}

/// The rooms that a piece of code names.
fn named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for rest in code.split("crate::").skip(1) {
        // `use crate::{ids::Ids, time::{Clock, Hlc}}`: the names at the first level.
        if let Some(list) = rest.strip_prefix('{') {
            let (mut depth, mut level) = (0_usize, String::new());
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ if depth == 0 => level.push(letter),
                    _ => {}
                }
            }
            named.extend(level.split(',').map(|item| word(item.trim())));
        } else {
            named.push(word(rest));
        }
    }
    named.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
    named
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn rooms_import_only_what_the_map_allows() {
    let known = |room: &str| ROOMS.iter().find(|(name, _)| *name == room);
    let mut wrong = Vec::new();
    for (file, room, code) in core() {
        let allowed = known(&room).map_or(&FEATURE[..], |(_, allowed)| allowed);
        for other in named(&code) {
            let fine = other == room
                || BASE.contains(&other.as_str())
                || allowed.contains(&"*") && other != "ffi"
                || allowed.contains(&other.as_str());
            if !fine {
                wrong.push(format!("{file}: {room} imports {other}"));
            }
        }
    }
    nothing(&wrong);
}

#[test]
fn sql_clocks_and_sockets_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (file, room, code) in core() {
        let name = file.rsplit('/').next().unwrap();
        for (word, home) in [
            ("rusqlite", room == "store" || name == "rows.rs"),
            ("chrono::", room == "time"),
            ("jiff::", room == "time"),
            ("SystemTime::now", false),
            ("Instant::now", room == "link"),
            ("getrandom", room == "ids"),
            ("std::net", room == "link"),
            ("uniffi::export", room == "ffi" || code.contains("trait ")),
        ] {
            if code.contains(word) && !home {
                wrong.push(format!("{file}: {word}"));
            }
        }
    }
    nothing(&wrong);
}

#[test]
fn shells_speak_no_sql_and_do_not_reach_around_the_core() {
    let mut wrong = Vec::new();
    for (file, text) in texts(&[".rs", ".kt", ".swift"]) {
        if file.starts_with("apps/") || file.starts_with("bindings/") {
            let code = code::bare(&text);
            let found = ["rusqlite", "chrono::", "SQLiteDatabase", "import SQLite3"];
            let found = found.into_iter().filter(|word| code.contains(word));
            wrong.extend(found.map(|word| format!("{file}: {word}")));
        }
    }
    nothing(&wrong);
}

#[test]
fn nested_imports_are_read() {
    let code = "use crate::{ids::Ids, time::{Clock, Hlc}, error::Result};\nuse crate::store::sql;";
    assert_eq!(named(code), ["ids", "time", "error", "store"]);
}
