//! Charts as SVG: pure functions from the core's figures to marks on a canvas, drawn by templates.
//! Colors and type come from `charts.css` by class; nothing is styled inline. Each chart is an image
//! whose label is a sentence with its figures; a page puts a table one step away.

mod dose;
mod strokes;
mod weeks;

use std::fmt;

use seldinger_core::case_log::values::Role;

pub use dose::DoseChart;
pub use strokes::Strokes;
pub use weeks::WeeksChart;

use super::words;

/// A length in the canvas's own units, written with at most two decimal places.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Px(pub f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A bar of a role's color, or an empty one where no role is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    class: &'static str,
    x: Px,
    y: Px,
    width: Px,
    height: Px,
}

impl Mark {
    /// A bar within a box. Outlined bars give way by half their line, so that all end on one line.
    fn new(role: Option<Role>, x: f64, y: f64, width: f64, height: f64) -> Self {
        let class = ["m0", "m1", "m2", "m3", "m4", "m5"][words::stroke(role)];
        let inset = if matches!(class, "m0" | "m1") { 0.5 } else { 0.0 };
        Self {
            class,
            x: Px(x + inset),
            y: Px(y + inset),
            width: Px((width - 2.0 * inset).max(0.5)),
            height: Px((height - 2.0 * inset).max(0.5)),
        }
    }
}

/// A text on the canvas.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    x: Px,
    y: Px,
    anchor: &'static str,
    text: String,
}

/// A role inside of a sentence: `performed, supervised` would read as two.
fn role_in_sentence(role: Option<Role>) -> String {
    role.map_or_else(
        || "role not written".to_owned(),
        |role| words::role(role).to_lowercase().replace(',', ""),
    )
}

/// A count as a length.
fn length(count: u32) -> f64 {
    f64::from(count)
}

#[cfg(test)]
mod golden {
    //! Pictures are compared with files; `WRITE_GOLDEN=1` writes them anew, to be looked at.

    use std::path::Path;

    /// Compares a drawn chart with `golden/NAME.svg`.
    pub fn check(name: &str, drawn: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/charts/golden");
        let file = folder.join(name).with_extension("svg");
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, drawn).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(drawn, expected, "{} differs; WRITE_GOLDEN=1 writes it anew", file.display());
    }

    #[test]
    fn lengths_are_short() {
        let shown = [0.0, 13.0, 0.5, 160.256].map(|px| super::Px(px).to_string());
        assert_eq!(shown, ["0", "13", "0.5", "160.26"]);
    }
}
