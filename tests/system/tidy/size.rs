//! Files under 500 lines and functions under 70: what is longer is two things.

use super::{code, nothing, texts};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Not written by hand, or not by us.
fn is_foreign(file: &str) -> bool {
    file.contains("/vendor/") || file.contains(".min.")
}

#[test]
fn no_file_is_long() {
    let files = texts(&[".rs", ".kt", ".swift", ".css", ".js", ".html", ".mjs"]);
    let long = files.filter(|(file, _)| !is_foreign(file)).filter_map(|(file, text)| {
        let lines = text.lines().count();
        (lines >= FILE_LINES).then(|| format!("{file} has {lines} lines"))
    });
    nothing(&long.collect::<Vec<_>>());
}

#[test]
fn no_function_is_long() {
    let mut long = Vec::new();
    let languages: [(&str, &[&str]); 5] = [
        (".rs", &["fn"]),
        (".kt", &["fun"]),
        (".swift", &["func", "init", "body"]),
        (".js", &["function", "=>"]),
        (".mjs", &["function", "=>"]),
    ];
    for (file, text) in texts(&[".rs", ".kt", ".swift", ".js", ".mjs"]) {
        let (_, heads) = languages.iter().find(|(ending, _)| file.ends_with(ending)).unwrap();
        let functions = code::functions(&text, heads);
        let too_long = functions.iter().filter(|function| function.lines >= FUNCTION_LINES);
        if !is_foreign(&file) {
            long.extend(too_long.map(|function| {
                format!("{file}:{} is a function of {} lines", function.line, function.lines)
            }));
        }
    }
    nothing(&long);
}
