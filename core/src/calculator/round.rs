//! Rounding as people round: halves go up.

/// What a computed half may fall short of one by: 1.005 × 100 comes out as 100.49999999999999.
const SHY_OF_HALF: f64 = 1e-9;

/// The nearest whole number; halves go up.
pub(super) fn half_up(value: f64) -> f64 {
    (value + 0.5 + SHY_OF_HALF).floor()
}

/// The nearest number with so many decimal places; halves go up.
pub(super) fn to_places(value: f64, places: u32) -> f64 {
    let scale = 10_f64.powi(i32::try_from(places.min(9)).unwrap_or(9));
    let rounded = half_up(value * scale) / scale;
    if rounded.is_finite() { rounded } else { value }
}

/// A number as people read it: with so many places, none of them needless.
pub(super) fn shown(value: f64, places: u32) -> String {
    let mut text = format!("{}", to_places(value, places));
    if text == "-0" {
        text.remove(0);
    }
    text
}

/// A value within two bounds; a value that is no number counts as the lower one.
pub(super) fn within(value: f64, low: f64, high: f64) -> f64 {
    value.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "these are the nearest numbers to what is written")]
    fn halves_go_up() {
        let whole = [0.5, 1.5, 2.5, 6.49, -0.5, -1.5, 16.499_999_999_999_996].map(half_up);
        assert_eq!(whole, [1.0, 2.0, 3.0, 6.0, 0.0, -1.0, 17.0]);
        assert_eq!(to_places(1.005, 2), 1.01);
        assert_eq!(to_places(2.675, 2), 2.68);
        assert_eq!(shown(5.0 / 3.0, 2), "1.67");
        assert_eq!(shown(2.0, 2), "2");
        assert_eq!(shown(-0.001, 2), "0");
    }

    proptest::proptest! {
        #[test]
        fn no_number_is_too_odd(value: f64, places: u32) {
            let _ = shown(value, places);
            proptest::prop_assert!((1.0..=4.0).contains(&within(value, 1.0, 4.0)));
        }

        #[test]
        fn rounding_stays_near(value in -1e6..1e6_f64, places in 0_u32..5) {
            let step = 10_f64.powi(-i32::try_from(places).unwrap());
            proptest::prop_assert!((to_places(value, places) - value).abs() <= step * 0.500_001);
        }
    }
}
