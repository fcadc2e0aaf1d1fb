//! The public signatures, `bindings/API.txt`: what Swift and Kotlin see changes on purpose or not at
//! all. With `WRITE_API=1` the file is written anew.

use std::path::Path;
use std::{env, fs};

use system_tests::library;

#[test]
fn the_signatures_are_those_that_were_agreed_on() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/API.txt");
    let found = seldinger_bindgen::signatures(library()).unwrap();
    if env::var_os("WRITE_API").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let agreed = fs::read_to_string(&file).unwrap();
    let differing: Vec<String> =
        only_in(&found, &agreed, '+').chain(only_in(&agreed, &found, '-')).collect();
    assert!(
        found == agreed,
        "bindings/API.txt differs; `cargo xtask api` writes it anew:\n{}",
        differing.join("\n")
    );
}

/// The lines of `text` that `other` does not have.
fn only_in<'a>(text: &'a str, other: &'a str, sign: char) -> impl Iterator<Item = String> + 'a {
    text.lines()
        .filter(|line| !other.lines().any(|known| known == *line))
        .map(move |line| format!("{sign} {line}"))
}
