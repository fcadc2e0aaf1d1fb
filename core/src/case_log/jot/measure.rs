//! From amounts to fluoroscopy time, air kerma, French size, gauge and volume.

use super::context::{Context, HISTORY};
use super::line::Line;
use super::quantity::{Amount, Label, Unit};
use super::tags::Tag;
use super::token::{Kind, Token};

/// One number that was understood.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub value: f64,
    pub first: usize,
    pub last: usize,
    /// Where its label stands, when it is not right before the number.
    pub label_at: Option<(usize, usize)>,
    pub rule: &'static str,
    pub certain: bool,
}

fn measure(amount: &Amount, rule: &'static str) -> Measure {
    let first = if amount.label == Label::None { amount.first } else { amount.label_at.0 };
    Measure { value: amount.value, first, last: amount.last, label_at: None, rule, certain: true }
}

const LONGEST_FLUORO_MIN: f64 = 300.0;
const HIGHEST_BARE_GY: f64 = 15.0;
const FRENCH: std::ops::RangeInclusive<f64> = 1.5..=34.0;
const GAUGE: std::ops::RangeInclusive<f64> = 7.0..=32.0;

/// The fluoroscopy time: a label before the number, else behind a time.
pub(super) fn fluoro_min(line: &Line<'_>, amounts: &[Amount]) -> Option<Measure> {
    let is_label = |tag| matches!(tag, Tag::LabelFluoroTime | Tag::LabelFluoro);
    let before = amounts.iter().find(|amount| {
        let labeled = matches!(amount.label, Label::FluoroTime | Label::Fluoro);
        labeled && matches!(amount.unit, Unit::Time | Unit::None)
    });
    if let Some(amount) = before {
        let mut found = measure(amount, "fluoro_min: label, time");
        found.certain = amount.unit == Unit::Time || amount.value <= LONGEST_FLUORO_MIN;
        return Some(found);
    }
    let behind = amounts.iter().find_map(|amount| {
        let bare = amount.unit == Unit::None && amount.label == Label::None;
        if amount.unit != Unit::Time && !bare {
            return None;
        }
        let mut at = amount.last + 1;
        while line.has(at, Tag::LabelFiller) {
            at += 1;
        }
        let label = line.starting(at, is_label)?;
        let taken =
            amounts.iter().any(|a| a.label_at == (label.first, label.last) && a.unit == Unit::Time);
        if taken || (bare && label.tag == Tag::LabelFluoro) {
            return None;
        }
        let mut found = measure(amount, "fluoro_min: time, label");
        found.label_at = Some((label.first, label.last));
        Some(found)
    });
    behind.or_else(|| beside_dose(line, amounts)).or_else(|| behind_fluoroscopy(line, amounts))
}

/// "0.6 min, 5 mGy": a time that opens its clause right before a dose.
fn beside_dose(line: &Line<'_>, amounts: &[Amount]) -> Option<Measure> {
    amounts.windows(2).find_map(|pair| {
        let [time, dose] = pair else { return None };
        let opens = time.first == 0
            || !line.together(time.first - 1, time.first)
            || line.kind(time.first - 1, Kind::Mark);
        let start = if dose.label == Label::Kerma { dose.label_at.0 } else { dose.first };
        let kerma = dose.label == Label::Kerma
            || (dose.label == Label::None && matches!(dose.unit, Unit::Mgy | Unit::Gy));
        let between = (time.last + 1..start).all(|i| line.kind(i, Kind::Mark));
        let alone = time.unit == Unit::Time && time.label == Label::None;
        (alone && opens && kerma && between)
            .then(|| measure(time, "fluoro_min: time beside a dose"))
    })
}

/// "US/fluoro, 0.7 min": a time that is a clause of its own, right behind a fluoroscopy.
fn behind_fluoroscopy(line: &Line<'_>, amounts: &[Amount]) -> Option<Measure> {
    let time = amounts.iter().find(|amount| {
        let alone = amount.unit == Unit::Time && amount.label == Label::None;
        let Some(comma) = amount.first.checked_sub(1) else { return false };
        let before = comma.checked_sub(1).filter(|_| line.kind(comma, Kind::Mark));
        let screened = before.is_some_and(|last| {
            let clause = |i: &usize| line.together(*i, last);
            (0..=last).rev().take_while(clause).take(4).any(|i| line.has(i, Tag::GuidanceFluoro))
        });
        alone && screened && line.ends_clause(amount.last)
    })?;
    Some(measure(time, "fluoro_min: time behind fluoroscopy"))
}

/// The air kerma: labeled, or a bare dose in mGy.
pub(super) fn air_kerma_mgy(
    line: &Line<'_>,
    amounts: &[Amount],
    doses_in_gy: bool,
) -> Option<Measure> {
    let dose = |unit| matches!(unit, Unit::Mgy | Unit::Gy);
    let labeled =
        amounts.iter().find(|a| a.label == Label::Kerma && (dose(a.unit) || a.unit == Unit::None));
    if let Some(amount) = labeled {
        return Some(measure(amount, "air_kerma_mgy: label, dose"));
    }
    let behind = amounts.iter().find_map(|amount| {
        let label = line.starting(amount.last + 1, |tag| tag == Tag::LabelKerma)?;
        let fits = amount.label == Label::None && (dose(amount.unit) || amount.unit == Unit::None);
        let mut found = measure(amount, "air_kerma_mgy: dose, label");
        found.label_at = Some((label.first, label.last));
        fits.then_some(found)
    });
    if behind.is_some() {
        return behind;
    }
    let bare = amounts.iter().find(|a| a.unit == Unit::Mgy && a.label != Label::Other);
    if let Some(amount) = bare {
        return Some(measure(amount, "air_kerma_mgy: mGy"));
    }
    let amount = amounts.iter().find(|a| a.unit == Unit::Gy && a.label != Label::Other)?;
    let mut found = measure(amount, "air_kerma_mgy: Gy");
    found.certain = !doses_in_gy && amount.value <= HIGHEST_BARE_GY * 1000.0;
    found.certain.then_some(found)
}

/// What a French size belongs to, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Device,
    Plain,
    Sheath,
    Other,
}

/// The French size of the device finally in, or else of the sheath.
pub(super) fn french(
    line: &Line<'_>,
    context: &Context,
    amounts: &[Amount],
    keeps_device: bool,
) -> Option<Measure> {
    let mut best: Option<(u8, Measure)> = None;
    for amount in amounts
        .iter()
        .filter(|a| a.unit == Unit::French && FRENCH.contains(&a.value) && !line.asked(a.last))
    {
        let size = size_of(line, amount);
        let before = amount.first > 0 && line.has(amount.first - 1, Tag::SizeBefore);
        let earlier = (context.any(amount.first, HISTORY) || before) && !amount.chained;
        let order = match size {
            Size::Other => continue,
            _ if earlier => 0,
            Size::Device if keeps_device => 3,
            Size::Plain if keeps_device => 2,
            Size::Sheath if !keeps_device => 3,
            Size::Plain => 2,
            _ => 1,
        };
        // The last device is the one left in; among sheaths the first is the access.
        let better = best
            .as_ref()
            .is_none_or(|(other, _)| order > *other || (keeps_device && order == *other));
        if better {
            let found = Measure { first: amount.first, ..measure(amount, "french: number, unit") };
            best = Some((order, found));
        }
    }
    best.filter(|(order, _)| *order > 0)
        .map(|(_, found)| found)
        .or_else(|| unlabeled_french(line, amounts))
}

/// "upsized to 12": surely a size, but the unit is a guess.
fn unlabeled_french(line: &Line<'_>, amounts: &[Amount]) -> Option<Measure> {
    let amount = amounts.iter().find(|a| {
        let to =
            a.first > 1 && line.is(a.first - 1, "to") && line.has(a.first - 2, Tag::SizeDevice);
        to && a.unit == Unit::None && a.label == Label::None && FRENCH.contains(&a.value)
    })?;
    Some(Measure { certain: false, ..measure(amount, "french: upsized to") })
}

fn size_of(line: &Line<'_>, amount: &Amount) -> Size {
    let of = |i: usize| {
        if line.has(i, Tag::SizeOther) {
            Some(Size::Other)
        } else if line.has(i, Tag::SizeSheath) {
            Some(Size::Sheath)
        } else if line.has(i, Tag::SizeDevice) {
            Some(Size::Device)
        } else {
            None
        }
    };
    for i in line.words_after(amount.last, 4) {
        if sized_number(line, i) {
            break;
        }
        if let Some(size) = of(i) {
            return size;
        }
    }
    for i in line.words_before(amount.first, 2) {
        if line.kind(i, Kind::Number) || line.has(i, Tag::UnitFrench) {
            break;
        }
        if let Some(size) = of(i) {
            return size;
        }
    }
    Size::Plain
}

/// A number that brings its own French or gauge along.
fn sized_number(line: &Line<'_>, i: usize) -> bool {
    line.kind(i, Kind::Number) && line.has_any(i + 1, &[Tag::UnitFrench, Tag::UnitGauge])
}

/// The gauge of the biopsy or puncture needle, never of the coaxial one.
pub(super) fn gauge(line: &Line<'_>, amounts: &[Amount]) -> Option<Measure> {
    let mut best: Option<(u8, Measure)> = None;
    for amount in amounts
        .iter()
        .filter(|a| a.unit == Unit::Gauge && GAUGE.contains(&a.value) && !line.asked(a.last))
    {
        let near = needle_words(line, amount);
        let has = |tag| near.iter().any(|i| line.has(*i, tag) && !has_own_number(line, *i, tag));
        let paired = amount.last > amount.first + 1;
        if line.has(amount.last + 1, Tag::FluidRate)
            || weighed(line, amount)
            || (has(Tag::NeedleCoaxial) && !paired && !thinner_than_coaxial(line, amount))
        {
            continue;
        }
        let order = u8::from(!has(Tag::NeedleDoubtful)) + u8::from(has(Tag::NeedleBiopsy));
        let mut found = Measure { first: amount.first, ..measure(amount, "gauge: number, unit") };
        found.certain = !has(Tag::NeedleDoubtful);
        if best.as_ref().is_none_or(|(other, _)| order > *other) {
            best = Some((order, found));
        }
    }
    best.map(|(_, found)| found)
}

/// "albumin 25 g", "2 g ancef".
fn weighed(line: &Line<'_>, amount: &Amount) -> bool {
    let drug = |i: usize| line.has(i, Tag::DrugWeighed);
    line.words_after(amount.last, 1).any(drug) || line.words_before(amount.first, 1).any(drug)
}

/// The words that tell which needle a gauge is of: up to the next number on either side.
fn needle_words(line: &Line<'_>, amount: &Amount) -> Vec<usize> {
    let mut words: Vec<usize> =
        line.words_after(amount.last, 3).take_while(|i| !line.kind(*i, Kind::Number)).collect();
    let own = words.iter().any(|i| line.has_any(*i, &[Tag::NeedleCoaxial, Tag::NeedleBiopsy]));
    if !own {
        // A word right behind another gauge belongs to that one: "19G coax/20G".
        let before = line.words_before(amount.first, 2);
        words.extend(before.take_while(|i| {
            !line.kind(*i, Kind::Number)
                && !line.has(*i, Tag::UnitGauge)
                && !line.prev_has(*i, Tag::UnitGauge)
        }));
    }
    words
}

/// "18g coax 17": the coaxial needle's number follows.
fn has_own_number(line: &Line<'_>, i: usize, tag: Tag) -> bool {
    let usual = |token: &Token| (11.0..=25.0).contains(&token.value);
    tag == Tag::NeedleCoaxial
        && line.kind(i + 1, Kind::Number)
        && line.together(i, i + 1)
        && !line.has(i + 2, Tag::UnitGauge)
        && line.tokens.get(i + 1).is_some_and(usual)
}

/// `20G thru 19 coax`: the coaxial needle has a number of its own.
fn thinner_than_coaxial(line: &Line<'_>, amount: &Amount) -> bool {
    line.words_after(amount.last, 3)
        .any(|i| line.kind(i, Kind::Number) && line.has(i + 1, Tag::NeedleCoaxial))
}

/// The fluid taken off.
pub(super) fn volume_ml(
    line: &Line<'_>,
    context: &Context,
    amounts: &[Amount],
    drains: bool,
) -> Option<Measure> {
    let mut best: Option<(u8, Measure)> = None;
    let mut of_side = None;
    for amount in amounts.iter().filter(|a| a.unit == Unit::Ml && a.label != Label::Kerma) {
        let Some(mut order) = fluid(line, amount) else { continue };
        let plain = order == PLAIN_FLUID;
        if context.any(amount.first, HISTORY) {
            continue;
        }
        if amount.first > 0 && line.has(amount.first - 1, Tag::LabelFiller) {
            order += 1;
        }
        if plain && !drains {
            continue;
        }
        let side = side_of(line, amount);
        match &mut best {
            // "700 ml R and 500 ml L": both came off.
            Some((other, sum)) if order == *other && side.is_some() && side != of_side => {
                if of_side.is_some() {
                    sum.value += amount.value;
                    sum.last = amount.last;
                    sum.rule = "volume_ml: one number a side";
                }
            }
            // Of two that are told alike the larger one holds the other.
            Some((other, sum))
                if order < *other || (order == *other && amount.value <= sum.value) => {}
            _ => {
                let found = measure(amount, "volume_ml: number, unit");
                best = Some((order, Measure { first: amount.first, ..found }));
                of_side = side;
            }
        }
    }
    best.map(|(_, found)| found)
}

/// The side that a volume is told for, right behind or before it.
fn side_of(line: &Line<'_>, amount: &Amount) -> Option<Tag> {
    let sides = [Tag::SideLeft, Tag::SideRight];
    let at = |i: usize| sides.into_iter().find(|side| line.has(i, *side));
    let before = line.words_before(amount.first, 1).find_map(at);
    at(amount.last + 1).or(before)
}

const SAMPLE_FLUID: u8 = 1;
const PLAIN_FLUID: u8 = 2;
const TOLD_FLUID: u8 = 4;

/// How surely an amount of fluid was taken off; none when it went in or is a rate.
fn fluid(line: &Line<'_>, amount: &Amount) -> Option<u8> {
    let next = amount.last + 1;
    if line.has(next, Tag::FluidRate) || amount.label == Label::Other {
        return None;
    }
    let mut out = PLAIN_FLUID;
    for i in line.words_after(amount.last, 4) {
        if line.kind(i, Kind::Number) {
            break;
        }
        if line.has(i, Tag::FluidOut) {
            out = TOLD_FLUID;
            break;
        }
        if line.has(i, Tag::FluidSample) {
            out = SAMPLE_FLUID;
            break;
        }
        // "8.8 L, albumin 75 g": with a number of its own.
        if line.has(i, Tag::FluidIn) && line.kind(i + 1, Kind::Number) {
            break;
        }
        if line.has(i, Tag::FluidIn) {
            return None;
        }
    }
    for i in line.words_before(amount.first, 3) {
        if line.kind(i, Kind::Number) || line.has_any(i, &[Tag::UnitMl, Tag::UnitLiter]) {
            break;
        }
        if line.has(i, Tag::FluidOut) {
            return Some(TOLD_FLUID);
        }
        if line.has(i, Tag::FluidIn) && out == PLAIN_FLUID {
            return None;
        }
    }
    Some(out)
}
