//! Keeps notes out of logs: value types print their name, not what they hold.
//!
//! uniffi has no setting for it and makes Kotlin data classes and Swift structs, which print every
//! field. So every record, and every enum with fields that is no error, gets a printed form of its own
//! here, in both languages alike. Errors hold ids and limits only and stay readable.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use uniffi_bindgen::ComponentInterface;

use crate::BindgenError;

/// Kotlin: `toString` inside each data class, as an extension cannot replace it.
pub fn kotlin(text: &str, interface: &ComponentInterface) -> Result<String, BindgenError> {
    let mut expected: BTreeSet<&str> = records(interface).collect();
    for shape in interface.enum_definitions() {
        if !interface.is_name_used_as_error(shape.name()) {
            let holding = shape.variants().iter().filter(|variant| variant.has_fields());
            expected.extend(holding.map(uniffi_bindgen::interface::Variant::name));
        }
    }
    let (quiet, done) = quiet_data_classes(text);
    match expected.iter().find(|name| !done.contains(**name)) {
        Some(name) => Err(BindgenError::Prints((*name).to_owned())),
        None => Ok(quiet),
    }
}

/// The text with a `toString` in each data class, and the classes that got one.
fn quiet_data_classes(text: &str) -> (String, BTreeSet<&str>) {
    let mut quiet = String::with_capacity(text.len() + text.len() / 8);
    let mut done = BTreeSet::new();
    let mut open = None;
    for line in text.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("data class ") {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            open = Some(&rest[..end]);
        }
        // The last line of a data class's body.
        if let (Some(name), "companion object") = (open, line.trim()) {
            let indent = &line[..line.len() - line.trim_start().len()];
            let _ = writeln!(quiet, "{indent}override fun toString(): String = \"{name}\"\n");
            done.insert(name);
            open = None;
        }
        quiet.push_str(line);
        quiet.push('\n');
    }
    (quiet, done)
}

/// Swift: the three protocols behind `print`, `String(reflecting:)` and `dump`.
pub fn swift(text: &str, interface: &ComponentInterface) -> Result<String, BindgenError> {
    let mut quiet = text.to_owned();
    let enums = interface.enum_definitions().iter().filter(|shape| {
        shape.contains_variant_fields() && !interface.is_name_used_as_error(shape.name())
    });
    let names = records(interface).map(|name| ("struct", name));
    for (keyword, name) in names.chain(enums.map(|shape| ("enum", shape.name()))) {
        if !text.contains(&format!("public {keyword} {name}")) {
            return Err(BindgenError::Prints(name.to_owned()));
        }
        quiet.push_str(&quiet_extension(name));
    }
    Ok(quiet)
}

fn quiet_extension(name: &str) -> String {
    format!(
        "\nextension {name}: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {{\n    \
         public var description: String {{ \"{name}\" }}\n    \
         public var debugDescription: String {{ \"{name}\" }}\n    \
         public var customMirror: Mirror {{ Mirror(self, children: [:]) }}\n}}\n"
    )
}

fn records(interface: &ComponentInterface) -> impl Iterator<Item = &str> {
    let records = interface.record_definitions().iter();
    records.filter(|record| record.has_fields()).map(uniffi_bindgen::interface::Record::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_class_gets_its_own() {
        let text = "data class CaseRow (\n    var note: String = \"data class X(\"\n)\n{\n\n    \
                    companion object\n}\nsealed class What {\n    data class Set(\n        val text: \
                    String) : What()\n    {\n        companion object\n    }\n    companion object\n}\n";
        let (quiet, done) = quiet_data_classes(text);
        assert_eq!(done, BTreeSet::from(["CaseRow", "Set"]));
        assert!(
            quiet.contains("    override fun toString(): String = \"CaseRow\"\n\n    companion")
        );
        let deep = "        override fun toString(): String = \"Set\"\n\n        companion";
        assert!(quiet.contains(deep));
        assert_eq!(quiet.matches("toString").count(), 2);
    }
}
