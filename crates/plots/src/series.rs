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

    /// The curve with each point replaced by the exponential mean of all up to it.
    pub(crate) fn smoothed(&self, weight: f64) -> Vec<(f64, f64)> {
        let values: Vec<f64> = self.points.iter().map(|point| point.1).collect();
        self.points.iter().map(|point| point.0).zip(exponential_mean(&values, weight)).collect()
    }
}

/// The points whose height a linear or logarithmic axis can show.
pub(crate) fn on_axis(points: &[(f64, f64)], logarithmic: bool) -> Vec<(f64, f64)> {
    points.iter().copied().filter(|point| !logarithmic || point.1 > 0.0).collect()
}

/// The weight that suits so many points: means over about a twentieth of the curve, none for short curves.
pub(crate) fn natural_weight(points: usize) -> f64 {
    let span = points as f64 / 20.0;
    if span < 2.0 { 0.0 } else { 1.0 - 2.0 / (span + 1.0) }
}

/// The weight, if it is one.
pub(crate) fn check_weight(weight: f64) -> Result<f64, Error> {
    if (0.0..1.0).contains(&weight) { Ok(weight) } else { Err(Error::Smoothing { weight }) }
}

/// The exponential moving average of some values, without the bias towards 0 of its beginning:
/// s ← w·s + (1 − w)·x, divided by 1 − wᵗ. A weight of 0 returns the values; one that is not at least 0 and
/// less than 1 gives numbers without a meaning.
///
/// Learning curves are smoothed with this before they are drawn bold; see also Kingma and Ba, "Adam", 2015,
/// section 3, for the correction.
///
/// ```
/// let smooth = dualtape_plots::exponential_mean(&[4.0, 4.0, 1.0], 0.5);
/// assert_eq!(smooth[..2], [4.0, 4.0]);
/// assert!((smooth[2] - (0.5 * 1.0 + 0.25 * 4.0 + 0.125 * 4.0) / 0.875).abs() < 1e-12);
/// ```
pub fn exponential_mean(values: &[f64], weight: f64) -> Vec<f64> {
    let (mut sum, mut share) = (0.0, 0.0);
    let mut mean = |&value: &f64| {
        sum = weight * sum + (1.0 - weight) * value;
        share = weight * share + (1.0 - weight);
        sum / share
    };
    values.iter().map(&mut mean).collect()
}
