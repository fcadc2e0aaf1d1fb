//! The rules of the repository, so that nobody has to remember them.

mod arrows;
mod code;
mod quiet;
mod size;
mod words;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

const TOP: [&str; 13] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".deny.toml",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "apps",
    "bindings",
    "core",
];

/// The repository's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file that is part of the repository or about to be, by its path in it.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git says what belongs to the repository");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let files = String::from_utf8(listed.stdout).unwrap();
    let files = files.split_terminator('\0').map(str::to_owned);
    files.filter(|file| root().join(file).is_file()).collect()
}

/// The text of every file whose name ends like this.
fn texts(endings: &[&str]) -> impl Iterator<Item = (String, String)> {
    let files = files().into_iter();
    let files: Vec<String> =
        files.filter(|file| endings.iter().any(|ending| file.ends_with(ending))).collect();
    assert!(!files.is_empty(), "nothing to look at");
    files.into_iter().map(|file| {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        (file, text)
    })
}

/// Fails with everything that was found, one a line.
fn nothing(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_top_level_is_short() {
    let files = files();
    let top: BTreeSet<&str> = files.iter().map(|file| file.split('/').next().unwrap()).collect();
    let strange = top.into_iter().filter(|name| *name != "tests" && !TOP.contains(name));
    nothing(&strange.map(|name| format!("{name} is new at the top level")).collect::<Vec<_>>());
}

#[test]
fn links_lead_somewhere() {
    let files: BTreeSet<PathBuf> = files().into_iter().map(PathBuf::from).collect();
    let there = |path: &Path| files.iter().any(|file| file.starts_with(path));
    let mut dead = Vec::new();
    for (file, text) in texts(&[".md"]) {
        for piece in text.split("](").skip(1) {
            let link = piece.split([')', ' ', '#']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:") {
                let path = beside(Path::new(&file), link);
                if !there(&path) {
                    dead.push(format!("{file}: {link}"));
                }
            }
        }
    }
    nothing(&dead);
}

/// The path that a link of `file` leads to.
fn beside(file: &Path, link: &str) -> PathBuf {
    let mut path = file.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

#[test]
fn every_source_file_is_compiled() {
    let texts: Vec<(String, String)> = texts(&[".rs"]).collect();
    let text = |path: &str| texts.iter().find(|(file, _)| file == path).map(|(_, text)| text);
    let mut lonely = Vec::new();
    for (file, _) in &texts {
        let (folder, name) = file.rsplit_once('/').unwrap();
        let is_root = ["lib.rs", "main.rs", "build.rs"].contains(&name) || folder.ends_with("/bin");
        let (folder, module) = match name {
            "mod.rs" => folder.rsplit_once('/').unwrap(),
            _ => (folder, name.trim_end_matches(".rs")),
        };
        let parents = ["lib.rs", "main.rs", "mod.rs"].map(|name| format!("{folder}/{name}"));
        let says = |text: &String| code::bare(text).contains(&format!("mod {module};"));
        let declared = parents.iter().filter_map(|parent| text(parent)).any(says)
            || text(&format!("{folder}.rs")).is_some_and(says);
        if !is_root && !declared {
            lonely.push(format!("nothing says `mod {module};` for {file}"));
        }
    }
    nothing(&lonely);
}
