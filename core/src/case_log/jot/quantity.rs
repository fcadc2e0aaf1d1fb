//! Numbers with their labels and units, before anyone asks what they are for.

use super::line::Line;
use super::tags::Tag;
use super::token::Kind;

/// The unit behind a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    None,
    French,
    Gauge,
    Ml,
    /// Any length of time; the value is in minutes.
    Time,
    Mgy,
    Gy,
    Other,
}

/// The label before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    None,
    FluoroTime,
    Fluoro,
    Kerma,
    Other,
}

/// A number as it stands in the text; liters are milliliters already, times are minutes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub value: f64,
    pub unit: Unit,
    pub label: Label,
    /// The label's tokens, when there is one.
    pub label_at: (usize, usize),
    pub first: usize,
    pub last: usize,
    /// A lone L behind a space: liters or a side.
    pub loose_liter: bool,
    /// An upsizing chain stands before it: this is what it came to.
    pub chained: bool,
}

/// All amounts of a line, in order.
pub(super) fn read(line: &Line<'_>) -> Vec<Amount> {
    let mut amounts: Vec<Amount> = Vec::new();
    let mut i = 0;
    while i < line.tokens.len() {
        if line.kind(i, Kind::Number) {
            let amount = amount_at(line, i);
            i = amount.last + 1;
            amounts.push(amount);
        } else {
            i += 1;
        }
    }
    split_pair(line, &mut amounts);
    amounts
}

/// No side of a body holds more.
const MOST_LITERS: f64 = 40.0;

fn value(line: &Line<'_>, i: usize) -> f64 {
    line.tokens.get(i).map_or(0.0, |token| token.value)
}

fn amount_at(line: &Line<'_>, first: usize) -> Amount {
    let mut amount = Amount {
        value: value(line, first),
        unit: Unit::None,
        label: Label::None,
        label_at: (first, first),
        first,
        last: first,
        loose_liter: false,
        chained: false,
    };
    label(line, &mut amount);
    if belongs_to_word(line, first, amount.label) {
        amount.label = Label::Other;
        return amount;
    }
    if clock(line, &mut amount) || chain(line, &mut amount) {
        return amount;
    }
    unit(line, &mut amount);
    if amount.unit == Unit::Time {
        more_time(line, &mut amount);
    }
    amount
}

/// `L3`, `x4`, `#3`, `6x18`: no amount of its own.
fn belongs_to_word(line: &Line<'_>, i: usize, label: Label) -> bool {
    let Some(before) = i.checked_sub(1) else { return false };
    if line.is(before, "#") {
        return true;
    }
    line.glued(i) && line.kind(before, Kind::Word) && matches!(label, Label::None | Label::Other)
}

/// The label right before a number, fillers and colons aside.
fn label(line: &Line<'_>, amount: &mut Amount) {
    let mut i = amount.first;
    for _ in 0..4 {
        let Some(before) = i.checked_sub(1) else { return };
        let hit = line.ending(before, |tag| {
            matches!(
                tag,
                Tag::LabelFluoroTime
                    | Tag::LabelFluoro
                    | Tag::LabelKerma
                    | Tag::LabelDap
                    | Tag::LabelOther
            )
        });
        if let Some(hit) = hit {
            amount.label_at = (hit.first, hit.last);
            amount.label = match hit.tag {
                Tag::LabelFluoroTime => Label::FluoroTime,
                Tag::LabelFluoro => Label::Fluoro,
                Tag::LabelKerma => Label::Kerma,
                _ => Label::Other,
            };
            return;
        }
        let filler = line.has(before, Tag::LabelFiller)
            || matches!(
                line.tokens.get(before).map(|t| t.text.as_str()),
                Some(":" | "=" | "~" | "<" | ">" | "@")
            );
        if !filler {
            return;
        }
        i = before;
    }
}

/// `3:24`, `3'24` and `1:02:10`.
fn clock(line: &Line<'_>, amount: &mut Amount) -> bool {
    let i = amount.first;
    let pair = |at: usize| {
        let mark = line.is(at, ":") || line.is(at, "'");
        mark && line.glued(at) && line.glued(at + 1) && line.kind(at + 1, Kind::Number)
    };
    if !pair(i + 1) {
        return false;
    }
    amount.unit = Unit::Time;
    amount.last = i + 2;
    amount.value = value(line, i) + value(line, i + 2) / 60.0;
    if pair(i + 3) {
        amount.last = i + 4;
        amount.value = value(line, i) * 60.0 + value(line, i + 2) + value(line, i + 4) / 60.0;
    }
    skip_minutes(line, amount);
    true
}

/// The "min" that some write behind a clock reading.
fn skip_minutes(line: &Line<'_>, amount: &mut Amount) {
    if let Some(hit) = line.starting(amount.last + 1, |tag| tag == Tag::UnitMinute) {
        amount.last = hit.last;
    }
}

/// `10→12F`, `8 to 10F`, `17/18g`: one amount, the second number unless a gauge pair says more.
fn chain(line: &Line<'_>, amount: &mut Amount) -> bool {
    let mut bridge = amount.first + 1;
    let mut sized = false;
    // `8F to 10F` and `17g/18g` repeat the unit.
    if let Some(hit) = line.starting(bridge, |tag| matches!(tag, Tag::UnitFrench | Tag::UnitGauge))
    {
        bridge = hit.last + 1;
        sized = true;
    }
    // "18F for 20F": the new one stands behind.
    let arrow = ["→", "to", ">"].iter().any(|mark| line.is(bridge, mark))
        || (sized && line.is(bridge, "for"));
    let joined = (line.is(bridge, "-") || line.is(bridge, "/"))
        && line.glued(bridge)
        && line.glued(bridge + 1);
    if !(arrow || joined) || !line.kind(bridge + 1, Kind::Number) {
        return false;
    }
    let mut second =
        Amount { first: bridge + 1, last: bridge + 1, value: value(line, bridge + 1), ..*amount };
    unit(line, &mut second);
    match second.unit {
        Unit::French => amount.value = second.value,
        Unit::Gauge if line.is(bridge, "/") => amount.value = amount.value.max(second.value),
        Unit::None if line.is(bridge, "/") && needle_pair(line, amount, &second) => {
            amount.value = amount.value.max(second.value);
            second.unit = Unit::Gauge;
        }
        _ => return false,
    }
    amount.unit = second.unit;
    amount.last = second.last;
    amount.chained = arrow;
    true
}

/// `17/18 coax`: two needles whose gauge goes without saying.
fn needle_pair(line: &Line<'_>, outer: &Amount, inner: &Amount) -> bool {
    let usual = |amount: &Amount| (11.0..=25.0).contains(&amount.value);
    usual(outer)
        && usual(inner)
        && line.has_any(inner.last + 1, &[Tag::NeedleCoaxial, Tag::NeedleBiopsy])
}

fn unit(line: &Line<'_>, amount: &mut Amount) {
    let at = amount.last + 1;
    let Some(hit) = line.starting(at, |tag| tag.domain() == "unit") else { return };
    let single = line.tokens.get(at).is_some_and(|token| token.text.len() == 1);
    let loose = single && !line.glued(at);
    if hit.tag == Tag::UnitSecond && line.glued(at) && line.has(hit.last + 1, Tag::AgeAfter) {
        amount.unit = Unit::Other;
        amount.last = hit.last;
        return;
    }
    // "600 R 400 L": nobody holds so many liters.
    if hit.tag == Tag::UnitLiter && loose && amount.value > MOST_LITERS {
        return;
    }
    // "FT 16 L" ends with a side.
    if hit.tag == Tag::UnitLiter && loose && amount.label != Label::None {
        return;
    }
    // "20 G tube" is a gastrostomy tube, "3 L lobe" a side.
    if matches!(hit.tag, Tag::UnitGauge | Tag::UnitLiter) && loose && names_something(line, at) {
        return;
    }
    let (unit, factor) = match hit.tag {
        Tag::UnitFrench => (Unit::French, 1.0),
        Tag::UnitGauge => (Unit::Gauge, 1.0),
        Tag::UnitMl => (Unit::Ml, 1.0),
        Tag::UnitLiter => (Unit::Ml, 1000.0),
        Tag::UnitHour => (Unit::Time, 60.0),
        Tag::UnitMinute => (Unit::Time, 1.0),
        Tag::UnitSecond => (Unit::Time, 1.0 / 60.0),
        Tag::UnitMgy => (Unit::Mgy, 1.0),
        Tag::UnitCgy => (Unit::Mgy, 10.0),
        Tag::UnitGy => (Unit::Gy, 1000.0),
        _ => (Unit::Other, 1.0),
    };
    amount.unit = unit;
    amount.value *= factor;
    amount.last = hit.last;
    amount.loose_liter = loose && hit.tag == Tag::UnitLiter;
}

/// Whether the lone letter at `at` belongs to the words after it.
fn names_something(line: &Line<'_>, at: usize) -> bool {
    let longer = line.hits.iter().any(|hit| {
        let named = hit.tag == Tag::Thing && !line.vocabulary.is_action(hit.thing);
        hit.first == at && hit.last > at && (named || hit.tag == Tag::SideLeft)
    });
    longer || line.has_any(at + 1, &[Tag::SiteAccess, Tag::SitePaired])
}

/// `11m30s`, `4min 12s`, `1h05`.
fn more_time(line: &Line<'_>, amount: &mut Amount) {
    let next = amount.last + 1;
    if !line.kind(next, Kind::Number) {
        return;
    }
    let hours = line.has(amount.last, Tag::UnitHour);
    if let Some(hit) =
        line.starting(next + 1, |tag| matches!(tag, Tag::UnitSecond | Tag::UnitMinute))
    {
        let factor = if hit.tag == Tag::UnitSecond { 1.0 / 60.0 } else { 1.0 };
        if hit.tag == Tag::UnitSecond || hours {
            amount.value += value(line, next) * factor;
            amount.last = hit.last;
        }
    } else if line.glued(next) || (!hours && line.ends_clause(next)) {
        amount.value += value(line, next) * if hours { 1.0 } else { 1.0 / 60.0 };
        amount.last = next;
    }
}

/// `FT/AK 12.3/450`: two labels, then two numbers.
fn split_pair(line: &Line<'_>, amounts: &mut [Amount]) {
    for i in 1..amounts.len() {
        let (a, b) = (amounts[i - 1], amounts[i]);
        let slash = line.is(a.last + 1, "/") && b.first == a.last + 2;
        // `12.3/450 FT/AK`: the same the other way round.
        let behind = line.has_any(b.last + 1, &[Tag::LabelFluoroTime, Tag::LabelFluoro])
            && line.is(b.last + 2, "/")
            && line.has(b.last + 3, Tag::LabelKerma);
        if slash && behind {
            amounts[i - 1].label = Label::FluoroTime;
            amounts[i].label = Label::Kerma;
            continue;
        }
        let Some(before) = a.label_at.0.checked_sub(2) else { continue };
        let times = line.has_any(before, &[Tag::LabelFluoroTime, Tag::LabelFluoro]);
        if slash
            && a.label == Label::Kerma
            && b.label == Label::None
            && times
            && line.is(before + 1, "/")
        {
            amounts[i - 1].label = Label::FluoroTime;
            amounts[i].label = Label::Kerma;
        }
    }
}
