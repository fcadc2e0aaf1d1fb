//! `seldinger-bindgen kotlin|swift LIBRARY FOLDER` and `seldinger-bindgen api LIBRARY`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to people")]

use std::env;
use std::path::Path;
use std::process::ExitCode;

use seldinger_bindgen::{BindgenError, Language, generate, signatures};

const USAGE: &str = "\
seldinger-bindgen kotlin LIBRARY FOLDER   write the Kotlin side
seldinger-bindgen swift LIBRARY FOLDER    write the Swift side
seldinger-bindgen api LIBRARY             print the public signatures";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["kotlin", library, folder] => write(Language::Kotlin, library, folder),
        ["swift", library, folder] => write(Language::Swift, library, folder),
        ["api", library] => signatures(Path::new(library)).map(|text| print!("{text}")),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(language: Language, library: &str, folder: &str) -> Result<(), BindgenError> {
    generate(language, Path::new(library), Path::new(folder))
}
