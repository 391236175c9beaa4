//! Points of a curve: cleaned, ordered, smoothed.

use crate::range::is_drawable;
use crate::{Dropped, Error};

/// The points of a curve that can be drawn, from left to right.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    points: Vec<(f64, f64)>,
    not_finite: usize,
}

impl Series {
    pub(crate) fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (mut kept, mut not_finite) = (Vec::new(), 0);
        for (x, y) in points {
            if is_drawable(x) && is_drawable(y) { kept.push((x, y)) } else { not_finite += 1 }
        }
        // Stable: of several points above each other, the first comes first.
        kept.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { name: name.to_owned(), points: kept, not_finite }
    }

    /// All that are finite.
    pub(crate) fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Whether there never was a point, finite or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.not_finite == 0
    }

    /// Those an axis can show.
    pub(crate) fn shown(&self, logarithmic: bool) -> Vec<(f64, f64)> {
        on_axis(&self.points, logarithmic)
    }

    pub(crate) fn dropped(&self, logarithmic: bool) -> Dropped {
        let not_positive = self.points.len() - self.shown(logarithmic).len();
        Dropped { not_finite: self.not_finite, not_positive }
    }

    /// The lowest point; the first of several.
    pub(crate) fn lowest(&self) -> Option<(f64, f64)> {
        self.points.iter().copied().reduce(|low, point| if point.1 < low.1 { point } else { low })
    }

    /// The curve with each point replaced by the mean of its neighbourhood.
    pub(crate) fn smoothed(&self, weight: f64) -> Vec<(f64, f64)> {
        let values: Vec<f64> = self.points.iter().map(|point| point.1).collect();
        self.points.iter().map(|point| point.0).zip(centred_mean(&values, weight)).collect()
    }
}

/// The points whose height a linear or logarithmic axis can show.
pub(crate) fn on_axis(points: &[(f64, f64)], logarithmic: bool) -> Vec<(f64, f64)> {
    points.iter().copied().filter(|point| !logarithmic || point.1 > 0.0).collect()
}

/// The weight that suits so many points: means over about a fiftieth of the curve, none unless it is long.
pub(crate) fn natural_weight(points: usize) -> f64 {
    if points < 200 { 0.0 } else { 1.0 - 2.0 / (points as f64 / 50.0 + 1.0) }
}

/// The weight, if it is one.
pub(crate) fn check_weight(weight: f64) -> Result<f64, Error> {
    if (0.0..1.0).contains(&weight) { Ok(weight) } else { Err(Error::Smoothing { weight }) }
}

/// The mean of each value's neighbourhood on both sides, which weighs `weight` to the power of the distance. A weight
/// of 0 returns the values; one that is not at least 0 and less than 1 gives numbers without a meaning.
///
/// Looking both ways, it does not lag: where values fall in a straight line, so do their means, at the same places.
///
/// ```
/// let smooth = dualtape_plots::centred_mean(&[4.0, 1.0, 1.0], 0.5);
/// assert!((smooth[1] - (0.5 * 4.0 + 1.0 + 0.5 * 1.0) / 2.0).abs() < 1e-12);
/// ```
pub fn centred_mean(values: &[f64], weight: f64) -> Vec<f64> {
    // Sums of what lies before each value, and of the weights.
    let before = |values: &mut dyn Iterator<Item = &f64>| -> Vec<(f64, f64)> {
        let (mut sum, mut share) = (0.0, 0.0);
        let mut next = |&value: &f64| {
            let here = (sum, share);
            (sum, share) = (weight * (sum + value), weight * (share + 1.0));
            here
        };
        values.map(&mut next).collect()
    };
    let (left, right) = (before(&mut values.iter()), before(&mut values.iter().rev()));
    let both = values.iter().zip(left).zip(right.into_iter().rev());
    both.map(|((value, left), right)| (left.0 + value + right.0) / (left.1 + 1.0 + right.1)).collect()
}
