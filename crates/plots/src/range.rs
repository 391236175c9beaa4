//! The range of an axis: what to show so that every series gives a sensible picture.

use std::ops::Range;

/// Beyond this, plotters' search for tick marks overflows; no curve worth drawing goes there.
const LARGEST: f64 = 1e100;

/// Whether a number can be drawn.
pub(crate) fn is_drawable(x: f64) -> bool {
    x.abs() <= LARGEST
}

/// A range that holds all numbers, with some air; around a single number, room for it; 0 to 1 for none.
///
/// With `from_zero`, the range of numbers that are not negative starts at 0 where that does not squeeze the
/// picture into the upper half.
pub(crate) fn around(numbers: impl Iterator<Item = f64>, from_zero: bool) -> Range<f64> {
    let (low, high) =
        numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        return 0.0..1.0;
    }
    let span = high - low;
    // Where numbers differ by rounding only, ticks would all read the same, or not advance at all.
    if span <= 1e-9 * low.abs().max(high.abs()) {
        let room = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
        return low - room..high + room;
    }
    let air = 0.05 * span;
    let bottom = if from_zero && low >= 0.0 && low <= 0.5 * high { 0.0 } else { low - air };
    bottom..high + air
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_gets_a_range_that_holds_it_and_has_an_extent() {
        let tiny = f64::MIN_POSITIVE;
        let cases: &[&[f64]] = &[
            &[],
            &[0.0],
            &[3.0, 3.0],
            &[-1.0, 2.0],
            &[1.0, 1.0 + 1e-16],
            &[tiny, 2.0 * tiny],
            &[-LARGEST, LARGEST],
            &[1e8, 1e8 + 1e-7],
        ];
        for numbers in cases {
            for from_zero in [false, true] {
                let range = around(numbers.iter().copied(), from_zero);
                assert!(range.start < range.end, "{numbers:?}: {range:?}");
                assert!(numbers.iter().all(|x| range.contains(x)), "{numbers:?}: {range:?}");
            }
        }
    }

    #[test]
    fn a_loss_that_falls_far_is_shown_from_zero() {
        assert_eq!(around([0.1, 2.0].into_iter(), true).start, 0.0);
        assert!(around([1.9, 2.0].into_iter(), true).start > 1.5);
    }
}
