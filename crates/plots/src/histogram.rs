//! The distribution of per-sample gradient norms, and which of them are clipped.

use crate::axis::{Axis, Reading, bounds, is_drawable, is_positive};
use crate::chart::Frame;
use crate::error::check_finite;
use crate::legend::{Entry, Swatch};
use crate::look::{BLUE, Look, VERMILION};
use crate::picture::sealed::Draw;
use crate::sheet::{Area, units};
use crate::text::{grouped, percent, short};
use crate::{Dropped, Error, Picture};
use plotters::element::{IntoDynElement, Rectangle};
use plotters::style::Color as _;

const FEWEST: usize = 8;
const MOST: usize = 60;
/// The largest distance from the norms, in decades, at which a threshold is still shown.
const REACH: f64 = 2.0;

/// A histogram of per-sample gradient norms on a logarithmic axis; norms above the threshold have another colour.
///
/// Bins have equal width on the logarithmic axis. If the threshold is near the norms, it is an edge
/// between bins, so no bin contains norms from both sides.
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
    /// A histogram of norms, in any order; the axes are named "per-sample gradient norm" and "samples". Norms that
    /// are 0 have no place on a logarithmic axis and count as left out.
    ///
    /// ```
    /// use dualtape_plots::{NormHistogram, Picture};
    /// let picture = NormHistogram::new("epoch 12", [0.5, 1.5, 0.0, f64::NAN]);
    /// assert_eq!((picture.dropped().not_finite, picture.dropped().not_positive), (1, 1));
    /// assert!(picture.svg(picture.natural_size())?.contains("per-sample gradient norm"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, norms: impl IntoIterator<Item = f64>) -> Self {
        let (norms, others): (Vec<f64>, Vec<f64>) = norms.into_iter().partition(|&norm| is_drawable(norm));
        let x_label = "per-sample gradient norm".to_owned();
        Self { title: title.to_owned(), x_label, norms, not_finite: others.len(), threshold: None }
    }

    /// Sets the norm above which samples are clipped; drawing fails with [`Error::NotFinite`] if it is not finite.
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

    /// Sets the name of the horizontal axis.
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

    /// The share of the finite norms that are above the threshold, 0 to 1; `None` without norms or without a threshold.
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

    fn legend(&self, shown: bool) -> Vec<Entry> {
        let (Some(threshold), Some(share)) = (self.threshold, self.share_above()) else { return Vec::new() };
        let within = format!("within the threshold: {}", percent(1.0 - share));
        let mut entries = vec![
            (Swatch::Bar(Look::solid(BLUE)), within),
            (Swatch::Bar(Look::solid(VERMILION)), format!("above: {}", percent(share))),
        ];
        if shown {
            entries.push((Swatch::Line(Look::rule(), 1.4, false), format!("threshold {}", short(threshold))));
        }
        entries
    }
}

/// Bins of equal width, in decimal logarithms.
struct Bins {
    /// Where the first bin begins.
    start: f64,
    width: f64,
    counts: Vec<usize>,
    /// The index of the edge at the threshold.
    threshold: Option<f64>,
}

impl Bins {
    fn of(logarithms: &[f64], threshold: Option<f64>) -> Option<Self> {
        let (mut low, mut high) = bounds(logarithms.iter().copied())?;
        if high - low < 1e-6 {
            (low, high) = (low - 0.1, high + 0.1);
        }
        let wanted = ((logarithms.len() as f64).sqrt().ceil() as usize).clamp(FEWEST, MOST);
        let width = (high - low) / wanted as f64;
        let threshold = threshold.filter(|level| low - level <= REACH && level - high <= REACH);
        let start = match threshold {
            // A norm at the threshold is not clipped: it needs a bin below.
            Some(level) => {
                level - width * ((level - low) / width).ceil().max(f64::from(u8::from(level >= low)))
            }
            None => low,
        };
        let bins = ((high - start) / width).ceil().max(1.0) as usize;
        let edge = threshold.map(|level| ((level - start) / width).round().max(0.0) as usize);
        let mut counts = vec![0; bins];
        for &number in logarithms {
            let mut bin = ((number - start) / width) as usize;
            // Rounding must not move a number across the threshold.
            if let (Some(level), Some(edge)) = (threshold, edge) {
                bin = if number <= level { bin.min(edge.saturating_sub(1)) } else { bin.max(edge) };
            }
            counts[bin.min(bins - 1)] += 1;
        }
        Some(Self { start, width, counts, threshold })
    }

    /// The norms from the first edge to the last, or to the threshold.
    fn ends(&self) -> (f64, f64) {
        let (low, high) = (self.start, self.start + self.width * self.counts.len() as f64);
        let level = self.threshold.unwrap_or(low);
        let beyond = |end: f64| if level < low || level > high { self.width * end } else { 0.0 };
        (10f64.powf(low.min(level) - beyond(1.0)), 10f64.powf(high.max(level) + beyond(1.0)))
    }
}

impl Draw for NormHistogram {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        if let Some(threshold) = self.threshold {
            check_finite("threshold", threshold)?;
        }
        let logarithms: Vec<f64> =
            self.norms.iter().filter(|&&norm| is_positive(norm)).map(|norm| norm.log10()).collect();
        let level = self.threshold.filter(|&norm| is_positive(norm)).map(f64::log10);
        let bins = Bins::of(&logarithms, level);
        let x = Axis::logarithmic(&self.x_label, bins.as_ref().map(Bins::ends), 0.0);
        let most = bins.as_ref().and_then(|bins| bins.counts.iter().copied().max()).unwrap_or(1) as f64;
        let mut frame =
            Frame::new(&self.title, x, Axis::numbers("samples", (0.0, 1.05 * most), Reading::Whole));
        let shown = bins.as_ref().and_then(|bins| bins.threshold).is_some();
        frame.legend = self.legend(shown);
        frame.notes.extend(self.dropped().note());
        if let (Some(threshold), false, true) = (self.threshold, shown, bins.is_some()) {
            frame.notes.push(format!("threshold {} lies outside the picture", short(threshold)));
        }
        frame.notes.push(format!("{} samples", grouped((self.norms.len() + self.not_finite) as u128)));
        let plot = frame.draw(area)?;
        let Some(bins) = bins else { return plot.nothing() };
        let limit = match self.threshold {
            Some(norm) => {
                if norm > 0.0 {
                    norm.log10()
                } else {
                    f64::NEG_INFINITY
                }
            }
            None => f64::INFINITY,
        };
        // Even one sample among a million is visible.
        let least = 1.2 * most * 10.0 / f64::from(plot.size().1);
        let wide = f64::from(plot.size().0) / bins.counts.len() as f64 > 40.0;
        for (bin, &count) in bins.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let left = bins.start + bins.width * bin as f64;
            let color = if left + 0.5 * bins.width > limit { VERMILION } else { BLUE };
            let corner = |edge: f64, height: f64| plot.at((10f64.powf(edge), height));
            let corners = [corner(left, (count as f64).max(least)), corner(left + bins.width, 0.0)];
            let mut rectangle = Rectangle::new(corners, color.filled());
            let gap = if wide { units(0.5) as u32 } else { 0 };
            rectangle.set_margin(0, 0, gap, gap);
            plot.draw([rectangle.into_dyn()])?;
        }
        if let Some(level) = bins.threshold {
            let level = 10f64.powf(level);
            plot.rule([(level, 0.0), (level, plot.y.ends.1)], Look::rule(), 1.4)?;
        }
        Ok(())
    }
}

impl Picture for NormHistogram {
    fn dropped(&self) -> Dropped {
        let not_positive = self.norms.iter().filter(|&&norm| !is_positive(norm)).count();
        Dropped { not_finite: self.not_finite, not_positive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_number_and_none_holds_both_sides_of_the_threshold() {
        let numbers: Vec<f64> = (0..1000).map(|i| f64::from(i % 97) * 0.037).collect();
        for threshold in [0.0, 0.037, 0.5, 1.0, 0.037 * 41.0, 3.552, 3.6, 5.0] {
            let bins = Bins::of(&numbers, Some(threshold)).unwrap();
            assert_eq!(bins.counts.iter().sum::<usize>(), numbers.len(), "{threshold}");
            let middle = |bin: usize| bins.start + bins.width * (bin as f64 + 0.5);
            let below: usize = (0..bins.counts.len())
                .filter(|&bin| middle(bin) < threshold)
                .map(|bin| bins.counts[bin])
                .sum();
            let expected = numbers.iter().filter(|&&number| number <= threshold).count();
            assert_eq!(below, expected, "{threshold}");
            let ends = bins.ends();
            assert!((ends.0..=ends.1).contains(&10f64.powf(threshold)), "{threshold}");
        }
        // Most norms are at the threshold, one is far above.
        let outlier = Bins::of(&[0.0, 0.0, 0.0, 6.0], Some(0.0)).unwrap();
        assert_eq!((outlier.counts[0], outlier.start + outlier.width), (3, 0.0));
        assert!(Bins::of(&numbers, Some(9.0)).unwrap().threshold.is_none());
        assert!(Bins::of(&[], Some(1.0)).is_none());
        for single in [&[0.0][..], &[-323.3, 0.0], &[300.0, -300.0], &[7.0, 7.0]] {
            assert_eq!(Bins::of(single, None).unwrap().counts.iter().sum::<usize>(), single.len());
        }
    }
}
