//! Texts that begin with a hyphen, such as `jot "- PICC R arm"`: a dash of a list, and no option.
//!
//! None of our options has a blank in its name, so an argument with one is a text. The parser would take
//! it for an option all the same, so it is moved to where none is expected: behind `=`, or behind `--`.

use std::ffi::{OsStr, OsString};

use clap::Command;

/// The same arguments, with such texts where the parser takes them for what they are.
pub fn sorted(cli: &Command, args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut before: Vec<OsString> = Vec::new();
    let mut args = args.into_iter();
    let mut commands = vec![cli];
    while let Some(arg) = args.next() {
        if arg == "--" {
            before.push(arg);
            break;
        }
        if !is_text(&arg) {
            let here = commands.last().and_then(|command| command.find_subcommand(&arg));
            commands.extend(here);
            before.push(arg);
            continue;
        }
        match before.pop_if(|last| takes_value(&commands, last)) {
            Some(option) => before.push(valued(option, &arg)),
            None => return behind(&commands, before, arg, args),
        }
    }
    before.extend(args);
    before
}

/// Options that follow the first such text go before it, so that they stay options.
fn behind(
    commands: &[&Command],
    mut before: Vec<OsString>,
    first: OsString,
    mut rest: impl Iterator<Item = OsString>,
) -> Vec<OsString> {
    let mut texts = vec![OsString::from("--"), first];
    while let Some(arg) = rest.next() {
        if arg == "--" {
            texts.extend(rest);
            break;
        }
        if is_text(&arg) || !arg.to_string_lossy().starts_with('-') {
            texts.push(arg);
            continue;
        }
        let takes = takes_value(commands, &arg);
        let value = if takes { rest.next() } else { None };
        match value {
            Some(value) if is_text(&value) => before.push(valued(arg, &value)),
            value => before.extend(std::iter::once(arg).chain(value)),
        }
    }
    before.extend(texts);
    before
}

fn valued(mut option: OsString, value: &OsStr) -> OsString {
    option.push("=");
    option.push(value);
    option
}

/// Whether an argument begins as an option does and is none.
fn is_text(arg: &OsStr) -> bool {
    let arg = arg.to_string_lossy();
    let name = arg.split('=').next().unwrap_or_default();
    arg.starts_with('-') && name.contains(char::is_whitespace)
}

/// Whether what follows is the value of this option; not where it is no option, or has its value already.
fn takes_value(commands: &[&Command], arg: &OsStr) -> bool {
    let name = arg.to_str().and_then(|arg| arg.strip_prefix("--"));
    let mut known = commands.iter().flat_map(|command| command.get_arguments());
    let option = name.and_then(|name| known.find(|option| option.get_long() == Some(name)));
    option.is_some_and(|option| option.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    fn sorted(args: &[&str]) -> Vec<String> {
        let all = std::iter::once("seldinger").chain(args.iter().copied()).map(OsString::from);
        let sorted = super::sorted(&Cli::command(), all);
        sorted.into_iter().skip(1).map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn a_text_that_begins_with_a_hyphen_is_no_option() {
        for (args, wanted) in [
            (&["jot", "- PICC R arm"][..], &["jot", "--", "- PICC R arm"][..]),
            (&["jot", "-PICC R arm", "--json"], &["jot", "--json", "--", "-PICC R arm"]),
            (&["jot", "--- x", "and", "- y"], &["jot", "--", "--- x", "and", "- y"]),
            (
                &["jot", "PICC", "- R arm", "--data", "/d", "x"],
                &["jot", "PICC", "--data", "/d", "--", "- R arm", "x"],
            ),
            (
                &["checklist", "skip", "last", "S-1", "--because", "- too late"],
                &["checklist", "skip", "last", "S-1", "--because=- too late"],
            ),
            (&["--data", "- my folder", "jot", "x"], &["--data=- my folder", "jot", "x"]),
            (
                &["search", "- bleeding", "--kind=case"],
                &["search", "--kind=case", "--", "- bleeding"],
            ),
            // As they are: no text, or said to be one already.
            (&["jot", "--dryrun", "PICC"], &["jot", "--dryrun", "PICC"]),
            (&["jot", "--", "- x", "--json"], &["jot", "--", "- x", "--json"]),
            (&["cases", "--attending=a b"], &["cases", "--attending=a b"]),
            (
                &["consult", "new", "drain", "question=- so"],
                &["consult", "new", "drain", "question=- so"],
            ),
            (&["jot", "-"], &["jot", "-"]),
        ] {
            assert_eq!(sorted(args), wanted, "{args:?}");
        }
    }

    #[test]
    fn every_free_text_of_a_command_line_may_begin_with_one() {
        fn parses(args: &[&str]) -> bool {
            let all = std::iter::once("seldinger").chain(args.iter().copied()).map(OsString::from);
            let sorted = super::sorted(&Cli::command(), all);
            Cli::command().try_get_matches_from(sorted).is_ok()
        }
        for args in [
            &["jot", "- a b"][..],
            &["jot", "- a b", "--dry-run"],
            &["search", "- a b"],
            &["cases", "--text", "- a b"],
            &["cases", "--attending", "- a b", "--json"],
            &["cases", "--tag", "- a b", "--procedure", "- c d"],
            &["procedure", "- a b"],
            &["consult", "new", "drain", "- a b"],
            &["checklist", "begin", "before", "--procedure", "- a b"],
            &["checklist", "skip", "last", "S-1", "--because", "- a b"],
            &["checklist", "stage", "last", "access", "--at", "- a b"],
            &["pair", "- a b", "--name", "- c d"],
            &["devices", "revoke", "- a b"],
        ] {
            assert!(parses(args), "{args:?}");
        }
        assert!(!parses(&["jot", "--dryrun", "PICC"]));
    }
}
