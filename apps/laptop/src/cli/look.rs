//! How things are laid out in a terminal: plain text, no color, columns that line up.

use std::borrow::Cow;

use seldinger_core::case_log::list::CaseRow;
use seldinger_core::case_log::values::Role;
use seldinger_core::ids::RecordId;

use crate::failure::Failure;
use crate::say::{Out, plain};

/// Wide enough for the longest label of a case.
const LABEL_WIDTH: usize = 13;
/// Characters of an id that a person types: as many as tell two moments apart.
const SHORT_ID: usize = 13;

/// A label and what it labels.
pub fn pair(out: &mut Out, label: &str, value: &str) -> Result<(), Failure> {
    out.line(format_args!("{label:LABEL_WIDTH$} {value}"))
}

/// A stored name as a label.
pub fn label(stored: &str) -> &str {
    match stored {
        "fluoro_min" => "fluoro min",
        "air_kerma_mgy" => "air kerma mGy",
        "dap_gycm2" => "DAP Gy·cm²",
        "volume_ml" => "volume mL",
        "contrast_ml" => "contrast mL",
        "french" => "Fr",
        "gauge" => "G",
        other => other,
    }
}

/// A role in words.
pub fn role(role: Option<Role>) -> Cow<'static, str> {
    role.map_or(Cow::Borrowed("–"), |role| role.as_str().replace('_', " ").into())
}

/// The beginning of an id: enough to name a case by.
pub fn short_id(id: RecordId) -> String {
    id.to_string().chars().take(SHORT_ID).collect()
}

/// One case as a line of a list.
pub fn case_line(row: &CaseRow) -> String {
    let kerma = row.air_kerma_mgy.map(|dose| format!("{} mGy", number(dose))).unwrap_or_default();
    let name = if row.procedure_name.is_empty() { "–" } else { &row.procedure_name };
    let star = if row.interesting { "*" } else { " " };
    let line = format!(
        "{id}  {day} {time} {star} {name}  {role}  {attending}  {kerma}",
        id = short_id(row.id),
        day = row.performed.day().iso(),
        time = row.clock_time,
        name = fit(&plain(name), 34),
        role = fit(&role(row.role), 20),
        attending = fit(&plain(row.attending.as_deref().unwrap_or_default()), 12),
    );
    line.trim_end().to_owned()
}

/// A text of exactly so many characters; what is cut off is shown by an ellipsis.
pub fn fit(text: &str, width: usize) -> String {
    let letters = text.chars().count();
    if letters <= width {
        return format!("{text}{}", " ".repeat(width - letters));
    }
    let kept: String = text.chars().take(width - 1).collect();
    format!("{kept}…")
}

/// A number without a needless fraction.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        assert_eq!(fit("picc", 6), "picc  ");
        assert_eq!(fit("µµµµµµµ", 6), "µµµµµ…");
        assert_eq!(
            (number(3.0), number(0.65), number(1120.0)),
            ("3".into(), "0.7".into(), "1120".into())
        );
    }
}
