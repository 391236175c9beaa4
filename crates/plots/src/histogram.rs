//! The distribution of per-sample gradient norms, and which of them are clipped.

use crate::axis::{Axis, Reading, bounds, is_drawable, is_positive};
use crate::canvas::{Area, units};
use crate::chart::Frame;
use crate::error::check_finite;
use crate::legend::{Entry, Swatch, threshold_entry, threshold_note};
use crate::look::{BLUE, Look, VERMILION};
use crate::picture::sealed::Draw;
use crate::text::{grouped, percent};
use crate::{Dropped, Error, Picture};
use plotters::element::Rectangle;
use plotters::style::Color as _;
use std::collections::BTreeMap;

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
        let (title, x_label) = (title.to_owned(), "per-sample gradient norm".to_owned());
        Self { title, x_label, norms, not_finite: others.len(), threshold: None }
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

    /// The colours of norms within the threshold and above it.
    fn legend(&self) -> Vec<Entry> {
        let Some(share) = self.share_above() else { return Vec::new() };
        let within = format!("within the threshold: {}", percent(1.0 - share));
        let bar = |color, text| (Swatch::Bar(Look::solid(color)), text);
        vec![bar(BLUE, within), bar(VERMILION, format!("above: {}", percent(share)))]
    }
}

/// Bins of equal width, in decimal logarithms. Each includes its upper end, so a norm at the threshold counts as
/// within it.
struct Bins {
    /// The upper end of bin -1: the threshold, or the greatest norm.
    anchor: f64,
    width: f64,
    counts: BTreeMap<i32, usize>,
    /// The threshold, if it is near the norms.
    threshold: Option<f64>,
    /// The range of the bins and the threshold.
    ends: (f64, f64),
}

impl Bins {
    fn of(logarithms: &[f64], threshold: Option<f64>) -> Option<Self> {
        let (mut low, mut high) = bounds(logarithms.iter().copied())?;
        if high - low < 1e-6 {
            (low, high) = (low - 0.1, high + 0.1);
        }
        let wanted = ((logarithms.len() as f64).sqrt().ceil() as usize).clamp(FEWEST, MOST);
        // Slightly wider, so that the least norm is not left over.
        let width = (1.0 + 1e-9) * (high - low) / wanted as f64;
        let threshold = threshold.filter(|level| low - level <= REACH && level - high <= REACH);
        let anchor = threshold.unwrap_or(high);
        let bin = |number: f64| ((number - anchor) / width).ceil() as i32 - 1;
        let mut counts = BTreeMap::new();
        for &number in logarithms {
            *counts.entry(bin(number)).or_default() += 1;
        }
        let (below, above) = threshold.map_or((low, high), |level| (level - width, level + width));
        let mut bins = Self { anchor, width, counts, threshold, ends: (below, above) };
        bins.ends = (bins.start(bin(low)).min(below), bins.start(bin(high) + 1).max(above));
        Some(bins)
    }

    /// Where a bin begins.
    fn start(&self, bin: i32) -> f64 {
        self.anchor + self.width * f64::from(bin)
    }
}

impl Draw for NormHistogram {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        self.threshold.map(|threshold| check_finite("threshold", threshold)).transpose()?;
        let positive = self.norms.iter().filter(|&&norm| is_positive(norm));
        let logarithms: Vec<f64> = positive.map(|norm| norm.log10()).collect();
        let level = self.threshold.filter(|&norm| is_positive(norm)).map(f64::log10);
        let bins = Bins::of(&logarithms, level);
        let ends = bins.as_ref().map(|bins| (10f64.powf(bins.ends.0), 10f64.powf(bins.ends.1)));
        let x = Axis::logarithmic(&self.x_label, ends, 0.0);
        let most = bins.as_ref().and_then(|bins| bins.counts.values().copied().max()).unwrap_or(1) as f64;
        let y = Axis::numbers("samples", (0.0, 1.05 * most), Reading::Whole);
        let mut frame = Frame::new(&self.title, x, y);
        let shown = self.threshold.filter(|_| bins.as_ref().is_some_and(|bins| bins.threshold.is_some()));
        let beyond = self.threshold.filter(|_| bins.is_some() && shown.is_none());
        frame.legend = self.legend();
        frame.legend.extend(shown.map(threshold_entry));
        frame.notes.extend(self.dropped().note());
        frame.notes.extend(beyond.map(threshold_note));
        frame.notes.push(format!("{} samples", grouped((self.norms.len() + self.not_finite) as u128)));
        let plot = frame.draw(area)?;
        let Some(bins) = bins else { return plot.nothing() };
        // Even one sample among a million is visible.
        let least = 1.2 * most / plot.size().1;
        let (left, right) = plot.x.range();
        let gap = if plot.size().0 * bins.width > 4.0 * (right - left) { units(0.5) as u32 } else { 0 };
        plot.draw(bins.counts.iter().map(|(&bin, &count)| {
            let corner = |bin: i32, height: f64| (bins.start(bin), plot.y.at(height));
            let corners = [corner(bin, (count as f64).max(least)), corner(bin + 1, 0.0)];
            let middle = 10f64.powf(bins.start(bin) + 0.5 * bins.width);
            let color =
                if self.threshold.is_some_and(|threshold| middle > threshold) { VERMILION } else { BLUE };
            let mut bar = Rectangle::new(corners, color.filled());
            bar.set_margin(0, 0, gap, gap);
            bar
        }))?;
        match shown {
            Some(level) => plot.rule([(level, 0.0), (level, plot.y.ends.1)], Look::rule()),
            None => Ok(()),
        }
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
            assert_eq!(bins.counts.values().sum::<usize>(), numbers.len(), "{threshold}");
            let middle = |bin: i32| bins.start(bin) + 0.5 * bins.width;
            let below: usize =
                bins.counts.iter().filter(|&(&bin, _)| middle(bin) < threshold).map(|(_, count)| count).sum();
            let expected = numbers.iter().filter(|&&number| number <= threshold).count();
            assert_eq!(below, expected, "{threshold}");
            assert!((bins.ends.0..=bins.ends.1).contains(&threshold), "{threshold}");
        }
        // Most norms are at the threshold, one is far above.
        let outlier = Bins::of(&[0.0, 0.0, 0.0, 6.0], Some(0.0)).unwrap();
        assert_eq!((outlier.counts.first_key_value(), outlier.start(0)), (Some((&-1, &3)), 0.0));
        assert!(Bins::of(&numbers, Some(9.0)).unwrap().threshold.is_none());
        assert!(Bins::of(&[], Some(1.0)).is_none());
        for single in [&[0.0][..], &[-323.3, 0.0], &[300.0, -300.0], &[7.0, 7.0]] {
            let bins = Bins::of(single, None).unwrap();
            assert_eq!(bins.counts.values().sum::<usize>(), single.len());
            assert!(bins.counts.len() <= FEWEST, "{:?}", bins.counts);
        }
    }
}
