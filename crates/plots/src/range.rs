//! The range of an axis: what to show so that every series gives a sensible picture.

/// Beyond this, the extent of a range may overflow; no number worth drawing goes there.
pub(crate) const LARGEST: f64 = 1e300;

/// Below this, steps between ticks lose their digits.
const SMALLEST: f64 = 1e-300;

/// Whether a number can be drawn.
pub(crate) fn is_drawable(x: f64) -> bool {
    x.abs() <= LARGEST
}

/// From where to where an axis goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The least and the greatest of some numbers.
pub(crate) fn bounds(numbers: impl IntoIterator<Item = f64>) -> Option<Range> {
    let (low, high) = numbers
        .into_iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    (low <= high).then_some(Range { low, high })
}

impl Range {
    pub(crate) fn extent(self) -> f64 {
        self.high - self.low
    }

    pub(crate) fn holds(self, x: f64) -> bool {
        (self.low..=self.high).contains(&x)
    }

    /// The smallest range that holds this one and another number.
    pub(crate) fn and(self, x: f64) -> Self {
        Self { low: self.low.min(x), high: self.high.max(x) }
    }

    /// With so much air on either side, as a share of the extent; with room where there is no extent.
    pub(crate) fn with_air(self, share: f64) -> Self {
        let Self { low, high } = self;
        let largest = low.abs().max(high.abs());
        // Where numbers differ by rounding only, an axis would show noise.
        if self.extent() <= (1e-15 * largest).max(SMALLEST) {
            let room = if largest <= SMALLEST { 1.0 } else { largest * 0.5 };
            return Self { low: low - room, high: high + room };
        }
        let air = share * self.extent();
        Self { low: low - air, high: high + air }
    }

    /// Like [`Range::with_air`]; numbers that are not negative start at 0, where that does not squeeze
    /// the picture into its upper half.
    pub(crate) fn zero_based_with_air(self, share: f64) -> Self {
        let aired = self.with_air(share);
        let near_zero = self.low >= 0.0 && self.low <= 0.5 * self.high && self.high > SMALLEST;
        if near_zero { Self { low: 0.0, ..aired } } else { aired }
    }
}

/// The range of a logarithmic axis that holds positive numbers, with so much air as a share of its length.
pub(crate) fn with_logarithmic_air(bounds: Option<Range>, share: f64) -> Range {
    let Some(Range { low, high }) = bounds else { return Range { low: 0.1, high: 10.0 } };
    let decades = (high / low).log10();
    let factor = if decades < 1e-6 { 10f64.sqrt() } else { 10f64.powf(share * decades) };
    Range { low: (low / factor).max(f64::MIN_POSITIVE), high: high * factor }
}

/// 0 to 1, for an axis without numbers.
impl Default for Range {
    fn default() -> Self {
        Self { low: 0.0, high: 1.0 }
    }
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
            &[0.0, 5e-324],
            &[tiny, 2.0 * tiny],
            &[-LARGEST, LARGEST],
            &[1e8, 1e8 + 1e-7],
        ];
        for numbers in cases {
            let range = bounds(numbers.iter().copied()).unwrap_or_default();
            for range in [range.with_air(0.05), range.zero_based_with_air(0.05)] {
                assert!(range.low < range.high && range.extent().is_finite(), "{numbers:?}: {range:?}");
                assert!(numbers.iter().all(|&x| range.holds(x)), "{numbers:?}: {range:?}");
            }
        }
    }

    #[test]
    fn a_loss_that_falls_far_is_shown_from_zero() {
        assert_eq!(Range { low: 0.1, high: 2.0 }.zero_based_with_air(0.05).low, 0.0);
        assert!(Range { low: 1.9, high: 2.0 }.zero_based_with_air(0.05).low > 1.5);
    }
}
