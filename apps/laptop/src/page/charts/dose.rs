//! One quantity of dose over all cases: a tick for each on a linear axis, the six highest named.

use std::collections::BTreeSet;

use askama::Template;
use seldinger_core::case_log::tally::{DosePoint, DoseQuantity};

use super::{Label, Mark, Px};
use crate::page::words;

/// Points with a name.
const NAMED: usize = 6;
/// The highest tick stands a little before the end.
const SHARE: f64 = 0.954;
const ROW: f64 = 19.0;
const TICK: f64 = 4.0;
const TICK_HEIGHT: f64 = 14.0;
/// Between a name and the line that leads from it.
const BESIDE: f64 = 7.0;
/// A letter's width in the 13 px type, a little wide: names must not run into each other.
const LETTER: f64 = 7.4;
/// Room for one figure of the scale.
const SCALE_ROOM: f64 = 150.0;
/// Below this a scale would have steps of nothing.
const SMALLEST: f64 = 1e-300;

/// The chart.
#[derive(Debug, Clone, Template)]
#[template(path = "charts/dose.svg")]
pub struct DoseChart {
    class: &'static str,
    width: Px,
    height: Px,
    axis: Px,
    /// Where the lines from the names end.
    leader: Px,
    sentence: String,
    named: Vec<Named>,
    marks: Vec<Mark>,
    scale: Vec<Label>,
}

/// A tick with a name.
#[derive(Debug, Clone)]
struct Named {
    tick: Px,
    top: Px,
    label: Label,
    figure: String,
    row: u32,
    left: f64,
    right: f64,
}

impl DoseChart {
    /// For a page's main column; a wider one enlarges it a little.
    pub fn wide(title: &str, unit: &str, quantity: &DoseQuantity) -> Option<Self> {
        Self::new("wide", 600.0, title, unit, quantity)
    }

    /// For a narrow screen, where the wide one would have to shrink.
    pub fn slim(title: &str, unit: &str, quantity: &DoseQuantity) -> Option<Self> {
        Self::new("slim", 304.0, title, unit, quantity)
    }

    /// None where no case has the quantity.
    fn new(
        class: &'static str,
        width: f64,
        title: &str,
        unit: &str,
        quantity: &DoseQuantity,
    ) -> Option<Self> {
        let points = &quantity.points;
        let highest = points.first()?.amount;
        let highest = if highest > 0.0 { highest.max(SMALLEST) } else { 1.0 };
        let place = |amount: f64| (amount.max(0.0) / highest).min(1.0) * width * SHARE;
        let mut named = name(&points[..points.len().min(NAMED)], width, place);
        let rows = named.iter().map(|one| one.row + 1).max().unwrap_or_default();
        let axis = f64::from(rows) * ROW + 29.0;
        for one in &mut named {
            one.top = Px(f64::from(one.row) * ROW + 3.0);
            one.label.y = Px(f64::from(one.row) * ROW + 13.0);
        }
        Some(Self {
            class,
            width: Px(width),
            height: Px(axis + 26.0),
            axis: Px(axis),
            leader: Px(axis - TICK_HEIGHT + 2.0),
            sentence: sentence(title, unit, quantity),
            marks: marks(points, axis, place),
            scale: scale(highest, width, axis, place),
            named,
        })
    }
}

/// One tick a case; of those that would cover each other to the pixel, one.
fn marks(points: &[DosePoint], axis: f64, place: impl Fn(f64) -> f64) -> Vec<Mark> {
    let mut drawn = BTreeSet::new();
    let mut marks = Vec::new();
    for point in points {
        let x = (place(point.amount) * 10.0).round() / 10.0;
        if drawn.insert((Px(x).to_string(), point.role)) {
            let left = (x - TICK / 2.0).max(0.0);
            marks.push(Mark::new(point.role, left, axis - TICK_HEIGHT, TICK, TICK_HEIGHT));
        }
    }
    marks
}

/// Names the highest, from the right: each in the topmost row in which neither names nor the lines
/// from them cross. A name stands left of its line, or right of it where there is no room.
fn name(points: &[DosePoint], width: f64, place: impl Fn(f64) -> f64) -> Vec<Named> {
    let (mut left_of, mut right_of) = (Vec::new(), Vec::new());
    for point in points {
        let one = named(point, place(point.amount), width);
        if one.label.anchor == "end" { left_of.push(one) } else { right_of.push(one) }
    }
    right_of.reverse();
    let mut placed: Vec<Named> = Vec::new();
    for mut one in left_of.into_iter().chain(right_of) {
        let below_all = placed.iter().map(|other| other.row + 1).max().unwrap_or_default();
        let free = |row: &u32| !placed.iter().any(|other| collide(&one, *row, other));
        one.row = (0..below_all).find(free).unwrap_or(below_all);
        placed.push(one);
    }
    placed
}

fn named(point: &DosePoint, x: f64, width: f64) -> Named {
    let text = if point.name.is_empty() { "Procedure not written" } else { &point.name };
    let figure = words::figure(point.amount);
    let letters = u32::try_from(text.chars().count() + figure.chars().count() + 1);
    let room = super::length(letters.unwrap_or(u32::MAX)) * LETTER;
    let (anchor, at, left) = if x - BESIDE - room >= 0.0 {
        ("end", x - BESIDE, x - BESIDE - room)
    } else if x + BESIDE + room <= width {
        ("start", x + BESIDE, x + BESIDE)
    } else {
        ("start", 0.0, 0.0)
    };
    Named {
        tick: Px(x),
        top: Px(0.0),
        label: Label { x: Px(at), y: Px(0.0), anchor, text: text.to_owned() },
        figure,
        row: 0,
        left,
        right: left + room,
    }
}

fn collide(one: &Named, row: u32, other: &Named) -> bool {
    let crosses = |tick: Px, label: &Named| label.left - 3.0 < tick.0 && tick.0 < label.right + 3.0;
    match other.row.cmp(&row) {
        std::cmp::Ordering::Equal => one.left < other.right + 8.0 && other.left < one.right + 8.0,
        std::cmp::Ordering::Greater => crosses(one.tick, other),
        std::cmp::Ordering::Less => crosses(other.tick, one),
    }
}

/// Round figures below the axis.
fn scale(highest: f64, width: f64, axis: f64, place: impl Fn(f64) -> f64) -> Vec<Label> {
    let step = round_up(highest * (SCALE_ROOM / width));
    let figures = (0_u32..).map(|n| f64::from(n) * step).take_while(|figure| *figure <= highest);
    let label = |figure: f64| Label {
        x: Px(place(figure)),
        y: Px(axis + 20.0),
        anchor: if figure > 0.0 { "middle" } else { "start" },
        text: words::figure(figure),
    };
    figures.map(label).collect()
}

/// The next of 1, 2, 5, 10, 20, …
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|n| n * power)
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(value)
}

fn sentence(title: &str, unit: &str, quantity: &DoseQuantity) -> String {
    let name = |point: &DosePoint| {
        let name = if point.name.is_empty() { "procedure not written" } else { &point.name };
        format!("{name} {}", words::figure(point.amount))
    };
    let highest: Vec<_> = quantity.points.iter().take(NAMED).map(name).collect();
    let cases = if quantity.cases == 1 { "case" } else { "cases" };
    format!("{title} of {} {cases}, {unit}. Highest: {}.", quantity.cases, highest.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::charts::golden;
    use seldinger_core::case_log::values::Role;
    use seldinger_core::ids::RecordId;

    fn quantity(points: &[(&str, Option<Role>, f64)]) -> DoseQuantity {
        let id = RecordId::from_bytes([0; 16]);
        let point = |(name, role, amount): &(&str, Option<Role>, f64)| DosePoint {
            id,
            name: (*name).to_owned(),
            role: *role,
            amount: *amount,
        };
        let points: Vec<_> = points.iter().map(point).collect();
        let cases = u32::try_from(points.len()).unwrap();
        DoseQuantity {
            sum: points.iter().map(|point| point.amount).sum(),
            cases,
            points,
            left_out: 0,
        }
    }

    fn sample() -> DoseQuantity {
        quantity(&[
            ("Embolization, GI bleed", Some(Role::Observed), 1340.0),
            ("TIPS", Some(Role::Observed), 1190.0),
            ("TACE", Some(Role::Scrubbed), 1080.0),
            ("Embolization, trauma", Some(Role::Observed), 812.0),
            ("<b>own & new</b>", None, 720.0),
            ("Fibroid embolization", Some(Role::Observed), 690.0),
            ("PICC", Some(Role::PerformedSupervised), 4.5),
            ("PICC", Some(Role::PerformedSupervised), 4.5),
        ])
    }

    #[test]
    fn the_six_highest_are_named_and_text_is_escaped() {
        let drawn = DoseChart::wide("Air kerma", "mGy", &sample()).unwrap();
        assert_eq!((drawn.named.len(), drawn.marks.len()), (6, 7));
        golden::check("dose", &drawn.to_string());
        let slim = DoseChart::slim("Air kerma", "mGy", &sample()).unwrap();
        golden::check("dose-slim", &slim.to_string());
    }

    #[test]
    fn names_neither_touch_nor_cross_lines() {
        let close: Vec<_> =
            (0..6).map(|n| ("Angioplasty or stent", None, 20.0 - f64::from(n))).collect();
        let outlier: Vec<_> =
            [900.0, 6.0, 5.0, 4.0, 3.0, 2.0].map(|x| ("Dialysis catheter", None, x)).into();
        let all = [sample(), quantity(&close), quantity(&outlier)];
        for quantity in &all {
            let drawn = DoseChart::wide("x", "y", quantity).unwrap();
            for (at, one) in drawn.named.iter().enumerate() {
                assert!(one.left >= 0.0 && one.right <= drawn.width.0, "{one:?}");
                for other in &drawn.named[..at] {
                    assert!(!collide(one, one.row, other), "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn odd_figures_are_drawn_too() {
        assert!(DoseChart::wide("x", "y", &DoseQuantity::default()).is_none());
        for amount in [0.0, -3.0, 5e-324, 1e-9, 1e12, 1e308, f64::MAX, f64::MIN] {
            let drawn = DoseChart::slim("x", "y", &quantity(&[("", None, amount)])).unwrap();
            let text = drawn.to_string();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            assert!(text.contains("Procedure not written") && drawn.scale.len() < 12);
        }
        assert!(
            [(0.3, 0.5), (335.0, 500.0), (1.0, 1.0), (7.0, 10.0)]
                .iter()
                .all(|(value, step)| (round_up(*value) - step).abs() < 1e-9)
        );
    }
}
