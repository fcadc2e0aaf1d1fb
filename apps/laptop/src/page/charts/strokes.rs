//! One stroke a case: deeper and taller means that more of it was yours.

use std::borrow::Borrow;

use askama::Template;
use seldinger_core::case_log::values::Role;

use super::{Mark, Px, role_in_sentence};
use crate::page::words;

const HEIGHT: f64 = 16.0;
const WIDTH: f64 = 5.0;
const PITCH: f64 = 8.0;
/// Of the height, by role; unwritten first.
const SHARES: [f64; 6] = [1.0, 0.44, 0.58, 0.72, 0.86, 1.0];
/// Strokes in a row.
const ROW: usize = 16;
const ROW_PITCH: f64 = 20.0;

/// Strokes beside a procedure or in the legend.
#[derive(Debug, Clone, Template)]
#[template(path = "charts/strokes.svg")]
pub struct Strokes {
    width: Px,
    height: Px,
    /// The same in rem, so that larger text enlarges the strokes too.
    rem: (Px, Px),
    /// Empty: what stands beside it says the same.
    sentence: String,
    marks: Vec<Mark>,
}

impl Strokes {
    /// One stroke for each case.
    pub fn cases(roles: &[Option<Role>]) -> Self {
        let names: Vec<_> = roles.iter().map(|role| role_in_sentence(*role)).collect();
        let sentence = format!("{}: {}", roles.len(), names.join(", "));
        Self { sentence, ..Self::draw(roles) }
    }

    /// The stroke of a role, for the list that is also the legend.
    pub fn legend(role: impl Borrow<Option<Role>>) -> Self {
        Self::draw(&[*role.borrow()])
    }

    fn draw(roles: &[Option<Role>]) -> Self {
        let rows = roles.len().div_ceil(ROW).max(1);
        let in_row = roles.len().min(ROW);
        let at = |place: usize| length(place);
        let mark = |(place, role): (usize, &Option<Role>)| {
            let height = HEIGHT * SHARES[words::stroke(*role)];
            let x = at(place % ROW) * PITCH;
            let bottom = at(place / ROW) * ROW_PITCH + HEIGHT;
            Mark::new(*role, x, bottom - height, WIDTH, height)
        };
        let width = (at(in_row) * PITCH - (PITCH - WIDTH)).max(0.0);
        let height = at(rows - 1) * ROW_PITCH + HEIGHT;
        Self {
            width: Px(width),
            height: Px(height),
            rem: (Px(width / 16.0), Px(height / 16.0)),
            sentence: String::new(),
            marks: roles.iter().enumerate().map(mark).collect(),
        }
    }
}

fn length(count: usize) -> f64 {
    super::length(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::charts::golden;

    #[test]
    fn one_stroke_a_case() {
        let roles = [
            Some(Role::Observed),
            Some(Role::Scrubbed),
            Some(Role::Assisted),
            Some(Role::DidPart),
            Some(Role::PerformedSupervised),
            None,
        ];
        golden::check("strokes", &Strokes::cases(&roles).to_string());
    }

    #[test]
    fn many_strokes_stand_in_rows() {
        let drawn = Strokes::cases(&[None; 40]);
        assert_eq!((drawn.marks.len(), drawn.width, drawn.height), (40, Px(125.0), Px(56.0)));
        assert!(drawn.sentence.starts_with("40: role not written, "));
    }
}
