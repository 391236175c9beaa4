//! The points of a curve: filtered, sorted, thinned, smoothed.

use crate::Dropped;
use crate::axis::{is_drawable, is_shown};

/// The points that can be drawn, from left to right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    not_finite: usize,
}

impl Series {
    pub(crate) fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (mut kept, mut not_finite) = (Vec::new(), 0);
        for (x, y) in points {
            if is_drawable(x) && is_drawable(y) { kept.push((x, y)) } else { not_finite += 1 }
        }
        // The sort is stable: points with the same x keep their order.
        kept.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { name: name.to_owned(), points: kept, not_finite }
    }

    /// Whether no points were given; such a series only reserves a look.
    pub(crate) fn is_placeholder(&self) -> bool {
        self.points.is_empty() && self.not_finite == 0
    }

    /// The points that an axis can show.
    pub(crate) fn shown(&self, logarithmic: bool) -> Vec<(f64, f64)> {
        self.points.iter().copied().filter(|point| is_shown(point.1, logarithmic)).collect()
    }

    pub(crate) fn dropped(&self, logarithmic: bool) -> Dropped {
        let not_positive = self.points.len() - self.shown(logarithmic).len();
        Dropped { not_finite: self.not_finite, not_positive }
    }

    /// The first of the lowest points.
    pub(crate) fn lowest(&self) -> Option<(f64, f64)> {
        self.points.iter().copied().reduce(|low, point| if point.1 < low.1 { point } else { low })
    }
}

/// Means over each value and equally many values before and after it: `reach` on either side, fewer at the ends.
///
/// Unlike a running mean, such a mean does not lag behind its values.
///
/// ```
/// use dualtape_plots::centered_mean;
/// assert_eq!(centered_mean(&[3.0, 0.0, 6.0, 9.0], 1), [3.0, 3.0, 5.0, 9.0]);
/// // Evenly rising values stay unchanged.
/// assert_eq!(centered_mean(&[1.0, 2.0, 3.0, 4.0], 2), [1.0, 2.0, 3.0, 4.0]);
/// ```
pub fn centered_mean(values: &[f64], reach: usize) -> Vec<f64> {
    let mean = |at: usize| {
        let reach = reach.min(at).min(values.len() - 1 - at);
        let window = &values[at - reach..=at + reach];
        // Divided first, so that large values do not overflow.
        window.iter().map(|value| value / window.len() as f64).sum::<f64>()
    };
    if reach == 0 { values.to_vec() } else { (0..values.len()).map(mean).collect() }
}

/// Thins points, given from left to right: of the points in one column of pixels, which would cover each other, keeps
/// the first, the lowest, the highest and the last.
pub(crate) fn thinned(points: &[(f64, f64)], column: impl Fn(f64) -> i32) -> Vec<(f64, f64)> {
    let mut thin = Vec::new();
    for points in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let by = |side: f64| {
            let better =
                |best: usize, n: usize| if side * points[n].1 > side * points[best].1 { n } else { best };
            (0..points.len()).fold(0, better)
        };
        let mut kept = [0, by(-1.0), by(1.0), points.len() - 1];
        kept.sort_unstable();
        let distinct = kept.iter().enumerate().filter(|&(n, at)| n == 0 || kept[n - 1] != *at);
        thin.extend(distinct.map(|(_, &at)| points[at]));
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_line_keeps_the_ends_and_extremes_of_each_column_in_order() {
        let floor = |x: f64| x.floor() as i32;
        let points = [(0.1, 5.0), (0.2, 9.0), (0.3, 6.0), (0.4, 1.0), (0.5, 4.0), (0.6, 5.0), (1.5, 2.0)];
        assert_eq!(thinned(&points, floor), [(0.1, 5.0), (0.2, 9.0), (0.4, 1.0), (0.6, 5.0), (1.5, 2.0)]);
        assert_eq!(thinned(&[(3.0, 1.0)], floor), [(3.0, 1.0)]);
        assert!(thinned(&[], floor).is_empty());
        let many: Vec<_> = (0..1_000_000).map(|i| (f64::from(i) / 1000.0, f64::from(i).sin())).collect();
        let many = thinned(&many, floor);
        assert!(many.len() <= 4000 && many.len() > 3000, "{}", many.len());
    }
}
