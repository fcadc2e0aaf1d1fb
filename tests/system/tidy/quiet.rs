//! What a user wrote is not printed by accident.

use super::{code, nothing, texts};

/// Types that derive `Debug` although they hold texts: ours, such as content and names of fields, or those
/// of files and devices. Everything else takes `quiet_debug!`.
const NOT_THE_USERS: [&str; 55] = [
    "AdverseEventGrade",
    "AdverseEventScheme",
    "Calculator",
    "CalculatorChoice",
    "CalculatorInput",
    "CalculatorOutput",
    "CategoryTally",
    "Category",
    "Change",
    "CitedSource",
    "ClearanceHold",
    "Columns",
    "ContentError",
    "ContentFiles",
    "ContentPlace",
    "Drug",
    "DrugAdvice",
    "Entry",
    "FieldHit",
    "FieldType",
    "FlaggedRecord",
    "FormChoice",
    "FormDefinition",
    "FormField",
    "FormSection",
    "FormView",
    "FormWarning",
    "Goal",
    "GoalScheme",
    "GoalTally",
    "KeyFile",
    "Lexicon",
    "Measure",
    "Messages",
    "Meta",
    "Needles",
    "OpenGoal",
    "OtherUnit",
    "Place",
    "Premedication",
    "Procedure",
    "Quantity",
    "Rule",
    "SectionView",
    "Shape",
    "Thresholds",
    "Unit",
    "SourceFile",
    "Vocabulary",
    "VocabularyError",
    "VocabularyFile",
    "Wording",
    "BackupReport",
    "BackupState",
    "RestoreReport",
];

/// The name and the body of every type whose `Debug` is derived.
fn printing(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for piece in code.split("#[derive(").skip(1) {
        let (derived, rest) = piece.split_once(')').unwrap_or_default();
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
        };
        let Some(open) = rest.find(['{', ';']) else { continue };
        let head = words(&rest[..open]);
        let name = head.iter().position(|word| word == "struct" || word == "enum");
        let name = name.and_then(|at| head.get(at + 1)).filter(|name| !name.is_empty());
        if let (true, Some(name)) = (words(derived).contains(&"Debug".to_owned()), name) {
            found.push((name.clone(), rest[..open + block(&rest[open..])].to_owned()));
        }
    }
    found
}

/// How long the block is that begins here; nothing where none does.
fn block(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in code.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len()
}

#[test]
fn types_that_hold_what_was_written_do_not_print_it() {
    let mut loud = Vec::new();
    for (file, text) in texts(&[".rs"]) {
        if !file.starts_with("core/src/") || file.ends_with("tests.rs") {
            continue;
        }
        let bare = code::bare(&text);
        let bare = bare.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (name, body) in printing(bare) {
            let mut words = body.split(|c: char| !c.is_alphanumeric());
            let texts = words.any(|word| ["String", "Value", "str"].contains(&word))
                || body.contains(": Fields");
            if texts && !NOT_THE_USERS.contains(&name.as_str()) {
                loud.push(format!("{file}: {name} derives Debug and holds texts"));
            }
        }
    }
    nothing(&loud);
}

#[test]
fn errors_hold_no_texts_of_the_user() {
    let (_, text) = texts(&["core/src/error.rs"]).next().unwrap();
    let bare = code::bare(&text);
    let enums = bare.split("\nimpl ").next().unwrap();
    assert!(!enums.contains("String") && !enums.contains("Value"), "an error carries a text");
}

#[test]
fn a_derived_debug_is_seen() {
    let code = "#[derive(Clone, Debug)]\n#[cfg_attr(x, derive(Y))]\npub struct A {\n  b: String,\n}\n\
                #[derive(Clone)]\nstruct C(String);\n#[derive(Debug)]\nstruct D(String);\n";
    let found: Vec<String> = printing(code).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, ["A", "D"]);
}
