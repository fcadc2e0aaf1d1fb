//! Codes that a camera reads: in a terminal, and as a picture in the page.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, without which cameras do not find it.
const QUIET: usize = 4;

/// The modules of a code, row by row, with the quiet zone around them.
pub struct Qr {
    side: usize,
    dark: Vec<bool>,
}

impl Qr {
    /// The code of a text; nothing where it is too long for any.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let (inner, side) = (code.width(), code.width() + 2 * QUIET);
        let mut dark = vec![false; side * side];
        for (at, color) in code.to_colors().into_iter().enumerate() {
            let (row, column) = (at / inner + QUIET, at % inner + QUIET);
            dark[row * side + column] = color == Color::Dark;
        }
        Some(Self { side, dark })
    }

    /// How many modules a side has.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The path of an SVG that covers the dark modules, one unit each.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for row in 0..self.side {
            let mut column = 0;
            while column < self.side {
                let start = column;
                while column < self.side && self.is_dark(row, column) {
                    column += 1;
                }
                if column > start {
                    use std::fmt::Write as _;
                    let length = column - start;
                    let _ = write!(path, "M{start} {row}h{length}v1h-{length}z");
                }
                column += 1;
            }
        }
        path
    }

    /// Lines for a terminal, two rows of modules in each. Both colors are said, so that it is black on
    /// white whatever the terminal's own are.
    pub fn lines(&self) -> Vec<String> {
        let line = |row: usize| {
            let modules = (0..self.side).map(|column| {
                match (self.is_dark(row, column), self.is_dark(row + 1, column)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                }
            });
            format!("\u{1b}[38;5;16;48;5;231m{}\u{1b}[0m", modules.collect::<String>())
        };
        (0..self.side).step_by(2).map(line).collect()
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        row < self.side && self.dark[row * self.side + column]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_and_picture_show_the_same_modules() {
        let qr = Qr::of("SELDINGER:AB12").unwrap();
        let drawn: usize = qr
            .path()
            .split('h')
            .skip(1)
            .step_by(2)
            .map(|rest| rest.split('v').next().unwrap().parse::<usize>().unwrap())
            .sum();
        let shown: usize = qr
            .lines()
            .concat()
            .chars()
            .map(|c| match c {
                '█' => 2,
                '▀' | '▄' => 1,
                _ => 0,
            })
            .sum();
        let dark = qr.dark.iter().filter(|dark| **dark).count();
        assert_eq!((drawn, shown), (dark, dark));
        assert!(dark > 100);
        let is_quiet = |at: usize| !qr.is_dark(0, at) && !qr.is_dark(at, QUIET - 1);
        assert!((0..qr.side()).all(is_quiet));
        assert!(Qr::of(&"x".repeat(5000)).is_none());
    }
}
