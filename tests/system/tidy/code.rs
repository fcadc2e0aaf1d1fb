//! Just enough of the languages' grammar to tell code from comments and texts, and to see where a
//! function ends.

/// The code alone: comments and what stands in quotes are blank, lines stay where they are.
pub(super) fn bare(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut bare = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = end_of_quiet(&letters, at);
        if end == at {
            bare.push(letters[at]);
            at += 1;
        } else {
            let quiet = &letters[at..end.min(letters.len())];
            bare.extend(quiet.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    bare
}

/// Where the comment or text that begins at `at` ends; `at` where none does.
fn end_of_quiet(letters: &[char], at: usize) -> usize {
    let begins = |mark: &str| mark.chars().eq(letters[at..].iter().copied().take(mark.len()));
    let word = at > 0 && (letters[at - 1].is_alphanumeric() || letters[at - 1] == '_');
    match letters[at] {
        '/' if begins("//") => find(letters, at, "\n", 0),
        '/' if begins("/*") => find(letters, at + 2, "*/", 2),
        'r' if !word && (begins("r\"") || begins("r#")) => {
            let hashes = letters[at + 1..].iter().take_while(|c| **c == '#').count();
            if letters.get(at + 1 + hashes) == Some(&'"') {
                let mark = format!("\"{}", "#".repeat(hashes));
                find(letters, at + 2 + hashes, &mark, mark.len())
            } else {
                at
            }
        }
        '"' if begins("\"\"\"") => find(letters, at + 3, "\"\"\"", 3),
        '"' | '`' => quoted(letters, at),
        // A letter in quotes; otherwise it is a lifetime, or a text of JavaScript.
        '\'' if letters.get(at + 1) == Some(&'\\') || letters.get(at + 2) == Some(&'\'') => {
            quoted(letters, at)
        }
        _ => at,
    }
}

fn find(letters: &[char], from: usize, mark: &str, after: usize) -> usize {
    let mark: Vec<char> = mark.chars().collect();
    let found = (from..letters.len()).find(|at| letters[*at..].starts_with(&mark));
    found.map_or(letters.len(), |at| at + after)
}

fn quoted(letters: &[char], at: usize) -> usize {
    let mut end = at + 1;
    while end < letters.len() && letters[end] != letters[at] {
        end += if letters[end] == '\\' { 2 } else { 1 };
    }
    end + 1
}

/// A function: the line that it begins on and how many it has.
pub(super) struct Function {
    pub(super) line: usize,
    pub(super) lines: usize,
}

struct Block {
    /// The line of the function's head, where the block is one's body.
    function: Option<usize>,
    /// Round and square brackets that are open around it.
    depth: usize,
}

/// Every function with a body in braces. `heads` are the words that stand in a function's head.
pub(super) fn functions(text: &str, heads: &[&str]) -> Vec<Function> {
    let bare = bare(text);
    let mut functions = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    // What stands since the last statement or block ended, with the line of each word's first letter.
    let mut head: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut line, mut in_word) = (0_usize, 1, false);
    for letter in bare.chars() {
        let part = letter.is_alphanumeric() || letter == '_' || letter == '=' || letter == '>';
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => head.clear(),
            '{' => {
                let word = head.iter().find(|(word, _)| heads.contains(&word.as_str()));
                blocks.push(Block { function: word.map(|(_, line)| *line), depth });
                depth = 0;
                head.clear();
            }
            '}' => {
                if let Some(block) = blocks.pop() {
                    depth = block.depth;
                    let function = |begun| Function { line: begun, lines: line - begun + 1 };
                    functions.extend(block.function.map(function));
                }
                head.clear();
            }
            '\n' => line += 1,
            _ if part && in_word => head.last_mut().unwrap().0.push(letter),
            _ if part => head.push((letter.to_string(), line)),
            _ => {}
        }
        in_word = part && !head.is_empty();
    }
    functions
}

#[test]
fn functions_are_measured_and_texts_are_not() {
    let text = "fn a(x: [u8; 4]) -> u8 {\n  \"}\"; '}'; // }\n  1\n}\nimpl B for C {\n  fn b<'a>() {\n    \
                if x { r#\"}\"# } else { '\\'' }\n  }\n}\nconst D: fn(u8) = e;\n";
    let found = functions(text, &["fn"]);
    let found: Vec<(usize, usize)> = found.iter().map(|f| (f.line, f.lines)).collect();
    assert_eq!(found, [(1, 4), (6, 3)]);
}
