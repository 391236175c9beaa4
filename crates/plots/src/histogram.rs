//! How the norms of single samples' gradients are spread, and which of them are clipped.

use crate::axis::{Axis, Reading};
use crate::chart::Frame;
use crate::color::{self, INK};
use crate::error::check_finite;
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{self, Range, is_drawable};
use crate::scene::Area;
use crate::text::{grouped, percent, short};
use crate::{Dropped, Error, Picture};
use plotters::element::Rectangle;

const FEWEST: usize = 8;
const MOST: usize = 60;

/// A histogram of per-sample gradient norms in logarithmic bins, those above the threshold in another colour.
///
/// Bins are of equal ratio and cover the range that has samples, without norms of 0. The threshold, where it is within
/// that range, is an edge between bins, so that no bin holds norms from both sides.
///
/// ```
/// use dualtape_plots::{NormHistogram, Picture};
///
/// let norms = (0..500).map(|sample| (f64::from(sample) * 0.1).sin().abs() * 3.0);
/// let picture = NormHistogram::new("epoch 12", norms).threshold(1.0);
/// assert!((picture.share_above().unwrap() - 0.78).abs() < 0.02);
/// assert!(picture.svg(picture.natural_size())?.contains("above"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NormHistogram {
    title: String,
    x_label: String,
    norms: Vec<f64>,
    not_finite: usize,
    threshold: Option<f64>,
}

impl NormHistogram {
    /// Norms in any order; the axes are called "per-sample gradient norm" and "samples".
    ///
    /// ```
    /// use dualtape_plots::{NormHistogram, Picture};
    /// let picture = NormHistogram::new("epoch 12", [0.0, 0.5, 1.5, f64::NAN]);
    /// assert_eq!((picture.dropped().not_finite, picture.dropped().not_positive), (1, 1));
    /// assert!(picture.svg(picture.natural_size())?.contains("per-sample gradient norm"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, norms: impl IntoIterator<Item = f64>) -> Self {
        let (mut kept, mut not_finite) = (Vec::new(), 0);
        for norm in norms {
            if is_drawable(norm) { kept.push(norm) } else { not_finite += 1 }
        }
        let (title, x_label) = (title.to_owned(), "per-sample gradient norm".to_owned());
        Self { title, x_label, norms: kept, not_finite, threshold: None }
    }

    /// The norm above which samples are clipped; drawing fails with [`Error::NotFinite`] if it is not finite.
    ///
    /// ```
    /// use dualtape_plots::{NormHistogram, Picture};
    /// let picture = NormHistogram::new("", [0.5, 1.5, 2.5]).threshold(1.0);
    /// assert!(picture.svg(picture.natural_size())?.contains("above"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn threshold(mut self, norm: f64) -> Self {
        self.threshold = Some(norm);
        self
    }

    /// Another name for the horizontal axis.
    ///
    /// ```
    /// use dualtape_plots::{NormHistogram, Picture};
    /// let picture = NormHistogram::new("", [0.5, 1.5]).x_label("norm of the last layer");
    /// assert!(picture.svg(picture.natural_size())?.contains("norm of the last layer"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn x_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.x_label);
        self
    }

    /// The share of the finite norms that are above the threshold, 0 to 1, if there are both.
    ///
    /// ```
    /// use dualtape_plots::NormHistogram;
    /// let norms = NormHistogram::new("", [0.5, 1.0, 1.5, 2.5]);
    /// assert_eq!(norms.share_above(), None); // no threshold
    /// assert_eq!(norms.threshold(1.0).share_above(), Some(0.5));
    /// ```
    pub fn share_above(&self) -> Option<f64> {
        let threshold = self.threshold.filter(|_| !self.norms.is_empty())?;
        let above = self.norms.iter().filter(|&&norm| norm > threshold).count();
        Some(above as f64 / self.norms.len() as f64)
    }

    fn bins(&self) -> Option<Bins> {
        let shown: Vec<f64> = self.norms.iter().copied().filter(|&norm| norm > 0.0).collect();
        Bins::of(&shown, self.threshold.filter(|&norm| norm > 0.0))
    }

    fn legend(&self, shown: bool) -> Vec<Entry> {
        let (Some(threshold), Some(share)) = (self.threshold, self.share_above()) else { return Vec::new() };
        let line = Swatch::Line { color: INK, width: 1.4, dash: color::DASHED, marker: None };
        let swatch = |color| Swatch::Box { color, edge: color };
        let mut entries = vec![
            Entry::new(swatch(color::BLUE), format!("within the threshold: {}", percent(1.0 - share))),
            Entry::new(swatch(color::VERMILION), format!("above: {}", percent(share))),
        ];
        if shown {
            entries.push(Entry::new(line, format!("threshold {}", short(threshold))));
        }
        entries
    }
}

/// Bins of equal ratio.
struct Bins {
    /// What the axis shows.
    range: Range,
    /// From where to where each bin goes.
    edges: Vec<f64>,
    counts: Vec<usize>,
    /// The threshold, if it is within reach.
    threshold: Option<f64>,
}

impl Bins {
    /// Bins of positive numbers.
    fn of(numbers: &[f64], threshold: Option<f64>) -> Option<Self> {
        let bounds = range::bounds(numbers.iter().copied())?;
        let (low, high) = (bounds.low.log10(), bounds.high.log10());
        // Numbers that differ by rounding only share a bin of a decade.
        let (low, high) = if high - low < 1e-9 { (low - 0.5, high + 0.5) } else { (low, high) };
        let wanted = ((numbers.len() as f64).sqrt().ceil() as usize).clamp(FEWEST, MOST);
        let width = (high - low) / wanted as f64;
        let reach = 3.0 * (high - low);
        let threshold = threshold.filter(|level| (low - reach..=high + reach).contains(&level.log10()));
        // Bins begin so that one ends at the threshold; a norm at the threshold is not clipped, so it has one below.
        let level = threshold.map(f64::log10);
        let start = level.map_or(low, |level| {
            let below = ((level - low) / width).ceil();
            level - width * if level >= low { below.max(1.0) } else { below }
        });
        let bins = ((high - start) / width - 1e-9).ceil().max(1.0) as usize;
        let edge = level.map(|level| ((level - start) / width).round() as i64);
        let mut counts = vec![0; bins];
        for number in numbers {
            let bin = ((number.log10() - start) / width) as usize;
            // Rounding must not move a number across the threshold.
            let bin = match (threshold, edge) {
                (Some(level), Some(edge)) if *number <= level => bin.min((edge.max(1) - 1) as usize),
                (Some(_), Some(edge)) => bin.max(edge.max(0) as usize),
                _ => bin,
            };
            counts[bin.min(bins - 1)] += 1;
        }
        let at = |edge: usize| 10f64.powf(start + width * edge as f64).clamp(1e-320, 1e305);
        let edges: Vec<f64> = (0..=bins).map(at).collect();
        let mut range = Range { low: edges[0], high: edges[bins] };
        if let Some(level) = threshold.filter(|&level| !range.holds(level)) {
            range = range::with_logarithmic_air(Some(range.and(level)), 0.05);
        }
        Some(Self { range, edges, counts, threshold })
    }
}

impl Draw for NormHistogram {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        if let Some(threshold) = self.threshold {
            check_finite("threshold", threshold)?;
        }
        let bins = self.bins();
        let range = bins.as_ref().map_or_else(|| range::with_logarithmic_air(None, 0.0), |bins| bins.range);
        let most = bins.as_ref().and_then(|bins| bins.counts.iter().copied().max()).unwrap_or(1) as f64;
        let y = Axis::numbers("samples", Range { low: 0.0, high: 1.05 * most }, Reading::Whole);
        let mut frame = Frame::new(&self.title, Axis::logarithms(&self.x_label, range), y);
        let level = bins.as_ref().and_then(|bins| bins.threshold);
        frame.legend = self.legend(level.is_some());
        frame.notes.extend(self.dropped().note());
        if let (Some(threshold), None, true) = (self.threshold, level, bins.is_some()) {
            frame.notes.push(format!("threshold {} lies outside the picture", short(threshold)));
        }
        frame.notes.push(format!("{} samples", grouped(self.norms.len() + self.not_finite)));
        let mut plot = frame.draw(area)?;
        let Some(bins) = bins else { return plot.nothing() };
        // Even one sample among a million shows.
        let least = 1.5 / plot.size.1 * 1.05 * most;
        let bar = |(edges, &count): (&[f64], &usize)| {
            let above = self.threshold.is_some_and(|level| edges[0].midpoint(edges[1]) > level);
            let color = if above { color::VERMILION } else { color::BLUE };
            let corners = [(edges[0], 0.0), (edges[1], (count as f64).max(least))];
            let mut bar = Rectangle::new(corners, color.fill());
            bar.set_margin(0, 0, 5, 5);
            bar
        };
        let counted = bins.edges.windows(2).zip(&bins.counts).filter(|(_, count)| **count > 0);
        plot.chart.draw_series(counted.map(bar))?;
        level.map_or(Ok(()), |level| plot.across(level, true))
    }
}

impl Picture for NormHistogram {
    /// Norms that are not finite, and norms of 0, which a logarithmic axis cannot show.
    fn dropped(&self) -> Dropped {
        let not_positive = self.norms.iter().filter(|&&norm| norm <= 0.0).count();
        Dropped { not_finite: self.not_finite, not_positive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_of_equal_ratio_and_cover_what_has_samples_and_none_holds_both_sides_of_the_threshold() {
        let numbers: Vec<f64> = (1..1000).map(|i| f64::from(i % 97 + 1) * 0.037).collect();
        for threshold in [0.01, 0.037, 0.5, 1.0, 0.037 * 41.0, 3.552, 3.6, 7.0] {
            let bins = Bins::of(&numbers, Some(threshold)).unwrap();
            assert_eq!(bins.counts.iter().sum::<usize>(), numbers.len(), "{threshold}");
            let below = bins
                .edges
                .windows(2)
                .zip(&bins.counts)
                .filter(|(edges, _)| edges[0].midpoint(edges[1]) < threshold);
            let expected = numbers.iter().filter(|&&number| number <= threshold).count();
            assert_eq!(below.map(|(_, count)| count).sum::<usize>(), expected, "{threshold}");
            assert!(bins.range.holds(threshold));
            let ratios = bins.edges.windows(2).map(|edges| edges[1] / edges[0]);
            assert!(ratios.clone().all(|ratio| (ratio / (bins.edges[1] / bins.edges[0]) - 1.0).abs() < 1e-9));
            // No more than a bin beyond the samples.
            assert!(
                bins.edges[1] >= 0.037 * 0.999 && bins.edges[bins.counts.len() - 1] <= 3.589,
                "{threshold}"
            );
        }
        assert!(Bins::of(&numbers, Some(1e9)).unwrap().threshold.is_none());
        assert!(Bins::of(&[], Some(1.0)).is_none());
        for few in [&[7.0, 7.0][..], &[5e-324], &[1e-300, 1e300]] {
            assert_eq!(Bins::of(few, None).unwrap().counts.iter().sum::<usize>(), few.len());
        }
    }
}
