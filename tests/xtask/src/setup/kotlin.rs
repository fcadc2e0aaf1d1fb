//! A JDK and Maven; everything else comes through Maven.

use std::fmt;

use super::{Missing, debian};
use crate::process;

/// What was found.
#[derive(Debug, Clone)]
pub struct Kotlin {
    jdk: u32,
    maven: String,
}

impl fmt::Display for Kotlin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JDK {}, Maven {}", self.jdk, self.maven)
    }
}

const WHAT: &str = "A JDK from 17 on, or Maven from 3.8 on,";
const ADVICE: &str = "Install a JDK 17 or newer and Maven 3.8 or newer so that `javac` and `mvn` are \
                      on PATH (Debian: `apt-get install default-jdk-headless maven`).";

/// Looks for JDK and Maven.
pub fn find() -> Result<Kotlin, Missing> {
    let missing = || Missing { what: WHAT, advice: ADVICE.to_owned() };
    let jdk = process::ask("javac", &["--version"]).and_then(|text| major(&text));
    let maven = process::ask("mvn", &["--batch-mode", "--quiet", "--version"]);
    let jdk = jdk.filter(|version| *version >= 17).ok_or_else(missing)?;
    let maven = maven.and_then(|text| maven_version(&text)).ok_or_else(missing)?;
    Ok(Kotlin { jdk, maven })
}

/// Finds or installs JDK and Maven.
pub fn ensure() -> Result<Kotlin, Missing> {
    find().or_else(|_| {
        debian::install(&["default-jdk-headless", "maven"], WHAT, ADVICE)?;
        find()
    })
}

/// The 17 of "javac 17.0.15".
fn major(text: &str) -> Option<u32> {
    text.split_whitespace().nth(1)?.split(['.', '-', '+']).next()?.parse().ok()
}

/// The version that `mvn --version` prints, plain or colored, from 3.8 on.
fn maven_version(text: &str) -> Option<String> {
    let number = |part: &str| part.parse::<u32>().ok();
    text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
        let mut parts = word.split('.');
        let version = (number(parts.next()?)?, number(parts.next()?)?);
        (parts.next().is_some() && version >= (3, 8)).then(|| word.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("javac 17.0.15"), Some(17));
        assert_eq!(major("javac 24-ea"), Some(24));
        assert_eq!(major("javac 1.8.0_392"), Some(1));
        assert_eq!(maven_version("Apache Maven 3.8.7\nMaven home: x").as_deref(), Some("3.8.7"));
        let colored = "\u{1b}[0m3.9.1\n\u{1b}[0m";
        assert_eq!(maven_version(colored).as_deref(), Some("3.9.1"));
        assert_eq!(maven_version("Apache Maven 3.6.3"), None);
    }
}
