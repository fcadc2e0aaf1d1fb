//! The public signatures as text, to be read in a review and compared by a test.

use std::fmt::Write as _;

use uniffi_bindgen::ComponentInterface;
use uniffi_bindgen::interface::{Argument, AsType, Field, Type};

/// Everything that is exported: functions, then types by name; fields and variants in their order,
/// since that order is what crosses the border.
pub fn render(interface: &ComponentInterface) -> String {
    let mut blocks: Vec<(String, String)> = Vec::new();
    for function in interface.function_definitions() {
        let call = call(&function.arguments(), function.return_type(), function.throws_type());
        let line = format!("fun {}{call}\n", function.name());
        blocks.push((format!(" {}", function.name()), line));
    }
    blocks.extend(objects(interface));
    for record in interface.record_definitions() {
        let mut text = format!("record {}\n", record.name());
        for field in record.fields() {
            let _ = writeln!(text, "  {}", named(field));
        }
        blocks.push((record.name().to_owned(), text));
    }
    for shape in interface.enum_definitions() {
        let error = interface.is_name_used_as_error(shape.name());
        let mut text = format!("{} {}\n", if error { "error" } else { "enum" }, shape.name());
        for variant in shape.variants() {
            let fields: Vec<String> = variant.fields().iter().map(named).collect();
            let fields =
                if fields.is_empty() { String::new() } else { format!("({})", fields.join(", ")) };
            let _ = writeln!(text, "  {}{fields}", variant.name());
        }
        blocks.push((shape.name().to_owned(), text));
    }
    for shape in interface.iter_local_types() {
        if let Type::Custom { name, builtin, .. } = shape {
            blocks.push((name.clone(), format!("id {name}: {}\n", type_name(builtin))));
        }
    }
    blocks.sort();
    blocks.dedup();
    blocks.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

fn objects(interface: &ComponentInterface) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    for object in interface.object_definitions() {
        let keyword = if object.has_callback_interface() { "foreign trait" } else { "object" };
        let mut text = format!("{keyword} {}\n", object.name());
        for made in object.constructors() {
            let call = call(&made.arguments(), None, made.throws_type());
            let _ = writeln!(text, "  new {}{call}", made.name());
        }
        let mut methods = object.methods();
        methods.sort_by_key(|method| method.name().to_owned());
        for method in methods {
            let call = call(&method.arguments(), method.return_type(), method.throws_type());
            let _ = writeln!(text, "  fun {}{call}", method.name());
        }
        blocks.push((object.name().to_owned(), text));
    }
    blocks
}

fn call(arguments: &[&Argument], returned: Option<&Type>, thrown: Option<&Type>) -> String {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| format!("{}: {}", argument.name(), type_name(&argument.as_type())))
        .collect();
    let returned = returned.map_or_else(String::new, |shape| format!(" -> {}", type_name(shape)));
    let thrown = thrown.map_or_else(String::new, |shape| format!(" throws {}", type_name(shape)));
    format!("({}){returned}{thrown}", arguments.join(", "))
}

fn named(field: &Field) -> String {
    let default = if field.default_value().is_some() { " = default" } else { "" };
    format!("{}: {}{default}", field.name(), type_name(&field.as_type()))
}

fn type_name(shape: &Type) -> String {
    match shape {
        Type::UInt8 => "u8".to_owned(),
        Type::Int8 => "i8".to_owned(),
        Type::UInt16 => "u16".to_owned(),
        Type::Int16 => "i16".to_owned(),
        Type::UInt32 => "u32".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::UInt64 => "u64".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::String => "String".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Object { name, .. }
        | Type::Record { name, .. }
        | Type::Enum { name, .. }
        | Type::CallbackInterface { name, .. }
        | Type::Custom { name, .. } => name.clone(),
        Type::Box { inner_type } => type_name(inner_type),
        Type::Optional { inner_type } => format!("{}?", type_name(inner_type)),
        Type::Sequence { inner_type } => format!("[{}]", type_name(inner_type)),
        Type::Set { inner_type } => format!("set of {}", type_name(inner_type)),
        Type::Map { key_type, value_type } => {
            format!("[{}: {}]", type_name(key_type), type_name(value_type))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_out() {
        let rows = Type::Sequence { inner_type: Box::new(Type::String) };
        let rows = Type::Optional { inner_type: Box::new(rows) };
        let map = Type::Map { key_type: Box::new(Type::UInt32), value_type: Box::new(rows) };
        assert_eq!(type_name(&map), "[u32: [String]?]");
    }
}
