//! Numbers as people type them: decimal comma, thousands, units, clock times.

use serde_json::Number;

use super::Quantity;

/// What a typed text is for a quantity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typed {
    /// A number in the quantity's own unit.
    Number(Number),
    /// A number, but the rest is no unit of this quantity.
    UnknownUnit,
    /// Something else.
    NotANumber,
}

/// More digits than this do not survive as a floating-point number.
const DIGITS_MAX: usize = 15;

/// A converted number this large is nonsense, and would not be exact.
const CONVERTED_MAX: f64 = 1e9;

/// Reads a typed text.
pub(crate) fn read(text: &str, quantity: &Quantity) -> Typed {
    let text = text.trim();
    if quantity.clock
        && let Some(minutes) = clock(text)
    {
        return converted(minutes, quantity);
    }
    let Some((number, rest)) = leading(text) else { return Typed::NotANumber };
    if rest.is_empty() {
        return as_typed(&number);
    }
    match factor(rest, quantity) {
        Some((times, per)) if is_one(times) && is_one(per) => as_typed(&number),
        Some((times, per)) => converted(number.value * times / per, quantity),
        None if quantity.clock => match compound(text, quantity) {
            Some(sum) => converted(sum, quantity),
            None => unread(rest, quantity),
        },
        None => unread(rest, quantity),
    }
}

/// Whether a text holds a number that two people read as two: `1,240` and `1.240` are a thousand and
/// something to one of them, and one and something to the other. `separators` are those in question.
pub(crate) fn may_be_two(text: &str, separators: &[char]) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let inside = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',');
    let numbers = text.split(|letter: char| !inside(letter));
    let mut numbers = numbers.map(|number| number.trim_end_matches(['.', ',']));
    numbers.any(|number| {
        let Some((whole, part)) = number.split_once(separators) else { return false };
        let thousands = (1..=3).contains(&whole.len()) && !whole.starts_with('0') && digits(whole);
        thousands && part.len() == 3 && digits(part)
    })
}

/// What follows a number is a unit only where it looks like one.
fn unread(rest: &str, quantity: &Quantity) -> Typed {
    let digits = rest.contains(|letter: char| letter.is_ascii_digit());
    if digits || quantity.unit.is_empty() { Typed::NotANumber } else { Typed::UnknownUnit }
}

/// A number as a field shows it; what is shown reads back as the same number.
pub(crate) fn show(number: &Number) -> String {
    if number.is_f64() {
        // serde_json writes very small and very large numbers with an exponent, which nobody types.
        let text = format!("{}", number.as_f64().unwrap_or_default());
        if text.contains('.') { text } else { format!("{text}.0") }
    } else {
        number.to_string()
    }
}

#[derive(Debug, Clone, Copy)]
struct Decimal {
    value: f64,
    /// Written with decimal places, so stored with them: `1.0` stays `1.0`.
    point: bool,
}

fn as_typed(number: &Decimal) -> Typed {
    if number.point { from_f64(number.value) } else { from_whole(number.value) }
}

fn converted(value: f64, quantity: &Quantity) -> Typed {
    if value.abs() >= CONVERTED_MAX {
        return Typed::NotANumber;
    }
    let scale = 10_f64.powi(i32::try_from(quantity.decimals.min(6)).unwrap_or(6));
    let mut rounded = (value * scale).round() / scale;
    if rounded == 0.0 && value != 0.0 {
        // Rounding must not make something nothing.
        rounded = format!("{value:.3e}").parse().unwrap_or(value);
    }
    if rounded.fract() == 0.0 { from_whole(rounded) } else { from_f64(rounded) }
}

fn from_f64(value: f64) -> Typed {
    Number::from_f64(value).map_or(Typed::NotANumber, Typed::Number)
}

#[allow(clippy::cast_possible_truncation)] // Whole and below 10^15.
fn from_whole(value: f64) -> Typed {
    if value.abs() < 1e15 { Typed::Number(Number::from(value as i64)) } else { from_f64(value) }
}

fn is_one(number: f64) -> bool {
    (number - 1.0).abs() < f64::EPSILON
}

fn is_gap(letter: char) -> bool {
    matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'')
}

/// The number at the start of a text, and what follows it.
fn leading(text: &str) -> Option<(Decimal, &str)> {
    let unsigned = text.trim_start_matches(['-', '−', '+']);
    let sign = text.len() - unsigned.len();
    if sign > '−'.len_utf8() || text[..sign].chars().count() > 1 {
        return None;
    }
    let inside =
        |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',') || is_gap(letter);
    let end = unsigned.find(|letter: char| !inside(letter)).unwrap_or(unsigned.len());
    let tail = |letter: char| is_gap(letter) || matches!(letter, '.' | ',');
    let widest = unsigned[..end].trim_end_matches(tail);
    // A space may belong to the number (1 340 mGy) or end it (150 10^9/L).
    let narrow = widest.split(is_gap).next().unwrap_or(widest);
    let negative = text[..sign].starts_with(['-', '−']);
    [widest, narrow].into_iter().find_map(|digits| {
        let mut number = decimal(digits)?;
        if negative {
            number.value = -number.value;
        }
        Some((number, unsigned[digits.len()..].trim_start_matches(tail).trim_end()))
    })
}

fn decimal(text: &str) -> Option<Decimal> {
    let significant = text.trim_start_matches(['0', '.', ',']);
    if significant.chars().filter(char::is_ascii_digit).count() > DIGITS_MAX {
        return None;
    }
    let (commas, points) = (text.matches(',').count(), text.matches('.').count());
    let mark = match (commas, points) {
        (0, 1) => Some('.'),
        // One comma before exactly three digits stands for thousands, unless a 0 stands before it.
        (1, 0) if text.starts_with("0,") || !groups(text, ',') => Some(','),
        (1.., 1) if text.rfind(',') < text.rfind('.') => Some('.'),
        (1, 2..) if text.rfind('.') < text.rfind(',') => Some(','),
        (1, 1) => Some(','),
        _ => None,
    };
    let (whole, part) = match mark {
        Some(mark) => text.rsplit_once(mark)?,
        None => (text, ""),
    };
    if !part.chars().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let other = whole.chars().find(|letter| !letter.is_ascii_digit());
    if other.is_some_and(|separator| !groups(whole, separator)) {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let value = format!("{whole}.{part}0").parse().ok()?;
    Some(Decimal { value, point: !part.is_empty() })
}

/// Whether digits are grouped by threes: 1,340 or 12 345 678.
fn groups(text: &str, separator: char) -> bool {
    let digits = |group: &str| group.chars().all(|letter| letter.is_ascii_digit());
    let mut parts = text.split(separator);
    let first = parts.next().is_some_and(|group| (1..=3).contains(&group.len()) && digits(group));
    first && parts.all(|group| group.len() == 3 && digits(group))
}

/// `7:30` and `1:02:30`, in minutes.
fn clock(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: &str| -> Option<u32> {
        let plain =
            (1..=3).contains(&part.len()) && part.chars().all(|letter| letter.is_ascii_digit());
        if plain { part.parse().ok() } else { None }
    };
    let sixtieth =
        |part: &str| if part.len() == 2 { number(part).filter(|count| *count < 60) } else { None };
    match parts.as_slice() {
        [minutes, seconds] => {
            Some(f64::from(number(minutes)?) + f64::from(sixtieth(seconds)?) / 60.0)
        }
        [hours, minutes, seconds] => {
            let whole = number(hours)? * 60 + sixtieth(minutes)?;
            Some(f64::from(whole) + f64::from(sixtieth(seconds)?) / 60.0)
        }
        _ => None,
    }
}

/// `11m30s`, `1 h 5 min`: numbers with units, added up.
fn compound(text: &str, quantity: &Quantity) -> Option<f64> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let (number, after) = leading(rest)?;
        let end = after.find(|letter: char| !letter.is_alphabetic()).unwrap_or(after.len());
        let (times, per) = factor(&after[..end], quantity)?;
        if number.value < 0.0 {
            return None;
        }
        sum += number.value * times / per;
        rest =
            after[end..].trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
    }
    Some(sum)
}

/// What a number in this unit is multiplied with and divided by.
fn factor(unit: &str, quantity: &Quantity) -> Option<(f64, f64)> {
    let wanted = plain(unit);
    let same = std::iter::once(&quantity.unit).chain(&quantity.spellings);
    if !wanted.is_empty() && same.into_iter().any(|unit| plain(unit) == wanted) {
        return Some((1.0, 1.0));
    }
    let other = quantity.others.iter().find(|other| plain(&other.unit) == wanted)?;
    Some((other.times, other.per))
}

/// A unit without what people leave out or write differently: case, spaces, dots, raised digits.
fn plain(unit: &str) -> String {
    let mut plain = String::with_capacity(unit.len());
    for letter in unit.chars() {
        match letter {
            '.' | '·' | '⋅' | '•' | '*' | '^' | '×' | '_' => {}
            'µ' | 'μ' => plain.push('u'),
            '²' => plain.push('2'),
            '³' => plain.push('3'),
            '⁹' => plain.push('9'),
            other if other.is_whitespace() => {}
            other => plain.extend(other.to_lowercase()),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;

    fn typed(field: &str, text: &str) -> String {
        match read(text, Content::shipped().quantity(field).unwrap()) {
            Typed::Number(number) => number.to_string(),
            Typed::UnknownUnit => "unit?".to_owned(),
            Typed::NotANumber => "text".to_owned(),
        }
    }

    #[test]
    fn units_are_converted() {
        for (field, text, wanted) in [
            ("dap_gycm2", "13639 mGy·cm²", "13.639"),
            ("dap_gycm2", "1363.9 µGy·m²", "13.639"),
            ("dap_gycm2", "1,363.9 uGym2", "13.639"),
            ("dap_gycm2", "13.639 Gy*cm^2", "13.639"),
            ("dap_gycm2", "77", "77"),
            ("fluoro_min", "450 s", "7.5"),
            ("fluoro_min", "450s", "7.5"),
            ("fluoro_min", "7:30", "7.5"),
            ("fluoro_min", "1:02:30", "62.5"),
            ("fluoro_min", "11m30s", "11.5"),
            ("fluoro_min", "4min 12s", "4.2"),
            ("fluoro_min", "1 h 5 min", "65"),
            ("fluoro_min", "1.5 h", "90"),
            ("fluoro_min", "7:31", "7.52"),
            ("fluoro_min", ".1s", "0.001667"),
            ("fluoro_min", "12 min.", "12"),
            ("air_kerma_mgy", "1.2 Gy", "1200"),
            ("air_kerma_mgy", "1,2 Gy", "1200"),
            ("air_kerma_mgy", "0.4 µGy", "0.0004"),
            ("volume_ml", "1.5 L", "1500"),
            ("volume_ml", "200cc", "200"),
            ("volume_ml", ".6L", "600"),
            ("french", "8 F", "8"),
            ("french", "14.5Fr", "14.5"),
            ("gauge", "18G", "18"),
            ("labs.hgb", "109 g/L", "10.9"),
            ("labs.platelets", "71000 /µL", "71"),
            ("labs.platelets", "150 10^9/L", "150"),
            ("labs.platelets", "150 ×10⁹/L", "150"),
            ("labs.creatinine", "88.42 µmol/L", "1"),
        ] {
            assert_eq!(typed(field, text), wanted, "{text} in {field}");
        }
    }

    #[test]
    fn a_number_stays_as_it_was_typed() {
        for (text, wanted) in [
            ("1.0", "1.0"),
            ("1", "1"),
            (" 17.9 ", "17.9"),
            ("17,9", "17.9"),
            ("0,125", "0.125"),
            ("1,340", "1340"),
            ("12,345.6", "12345.6"),
            ("1.234,5", "1234.5"),
            ("1.234.567", "1234567"),
            ("1 340", "1340"),
            ("1'340", "1340"),
            ("-5", "-5"),
            ("−5", "-5"),
            ("5.", "5"),
            (".5", "0.5"),
        ] {
            assert_eq!(typed("air_kerma_mgy", text), wanted, "{text}");
        }
    }

    #[test]
    fn a_separator_before_three_digits_may_mean_two_things() {
        for text in
            ["1,240", "1.240", "12,345 mGy", "-1,240", "1,240.", "AK 240.500 Gy", "1 min 1,200 s"]
        {
            assert!(may_be_two(text, &['.', ',']), "{text}");
        }
        for text in [
            "3,5",
            "1240",
            "0,125",
            "0.125",
            "1,2405",
            "1,234.5",
            "1.234.567",
            "1 240",
            "12,34",
            "",
        ] {
            assert!(!may_be_two(text, &['.', ',']), "{text}");
        }
        assert!(may_be_two("1,240", &[',']) && !may_be_two("1.240", &[',']));
    }

    #[test]
    fn what_is_no_number_is_not_made_one() {
        for text in [
            "4O2",
            "~250",
            "<5",
            "1e3",
            "NaN",
            "inf",
            "",
            "-",
            "--5",
            ".",
            "1,34,0",
            "1.2.3",
            "1234,567,8",
            "1234567890123456",
            "8 then 10 Fr",
            "5-6",
            "1:75",
            "1:2",
            "7:30:90",
            "½",
        ] {
            let read = typed("fluoro_min", text);
            assert!(read == "text" || read == "unit?", "{text} became {read}");
        }
        assert_eq!(typed("air_kerma_mgy", "5 apples"), "unit?");
        assert_eq!(typed("air_kerma_mgy", "7:30"), "text");
        assert_eq!(typed("volume_ml", "999999999999 L"), "text");
        assert_eq!(typed("labs.inr", "1.4 x"), "text");
    }

    #[test]
    fn no_unit_of_a_quantity_means_two_things() {
        for quantity in Content::shipped().quantities() {
            let mut units: Vec<String> = std::iter::once(plain(&quantity.unit))
                .chain(quantity.spellings.iter().map(|unit| plain(unit)))
                .chain(quantity.others.iter().map(|other| plain(&other.unit)))
                .collect();
            let count = units.len();
            units.sort();
            units.dedup();
            assert_eq!(units.len(), count, "{}", quantity.field);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_and_what_is_shown_reads_the_same(text in "\\PC{0,24}|[-0-9.,: ']{1,18}|[0-9.,]{1,9} ?(min|s|h|Gy|mL)") {
            for quantity in Content::shipped().quantities() {
                if let Typed::Number(number) = read(&text, quantity) {
                    let shown = show(&number);
                    proptest::prop_assert_eq!(read(&shown, quantity), Typed::Number(number), "{}", shown);
                }
            }
        }
    }
}
