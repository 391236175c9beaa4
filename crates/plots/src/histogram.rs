//! How the norms of single samples' gradients are spread, and which of them are clipped.

use crate::axis::Axis;
use crate::color::{self, INK};
use crate::error::check_finite;
use crate::frame::{self, Frame};
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{self, Range, is_drawable};
use crate::scene::{Rect, Scene};
use crate::text::{percent, short};
use crate::ticks::Reading;
use crate::{Dropped, Error, Picture};

const FEWEST: usize = 8;
const MOST: usize = 60;

/// A histogram of per-sample gradient norms, those above the threshold in another colour.
///
/// The threshold, where it is within reach of the norms, is an edge between bins, so that no bin holds norms
/// from both sides.
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
    logarithmic: bool,
}

impl NormHistogram {
    /// Norms in any order; the axes are called "per-sample gradient norm" and "samples".
    ///
    /// ```
    /// use dualtape_plots::{NormHistogram, Picture};
    /// let picture = NormHistogram::new("epoch 12", [0.5, 1.5, f64::NAN]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// assert!(picture.svg(picture.natural_size())?.contains("per-sample gradient norm"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, norms: impl IntoIterator<Item = f64>) -> Self {
        let (mut kept, mut not_finite) = (Vec::new(), 0);
        for norm in norms {
            if is_drawable(norm) { kept.push(norm) } else { not_finite += 1 }
        }
        let x_label = "per-sample gradient norm".to_owned();
        Self {
            title: title.to_owned(),
            x_label,
            norms: kept,
            not_finite,
            threshold: None,
            logarithmic: false,
        }
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

    /// Whether norms stand on a logarithmic axis, in bins of equal ratio, without those that are 0.
    ///
    /// ```
    /// use dualtape_plots::{NormHistogram, Picture};
    /// let picture = NormHistogram::new("", [0.0, 1e-6, 1e-3, 1.0]).log_axis(true);
    /// assert_eq!(picture.dropped().not_positive, 1);
    /// ```
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.logarithmic = logarithmic;
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

    /// What the axis counts in: norms, or their logarithms.
    fn on_axis(&self, norm: f64) -> f64 {
        if self.logarithmic { norm.log10() } else { norm }
    }

    fn bins(&self) -> Option<Bins> {
        let shown = self.norms.iter().filter(|&&norm| !self.logarithmic || norm > 0.0);
        let numbers: Vec<f64> = shown.map(|&norm| self.on_axis(norm)).collect();
        let threshold =
            self.threshold.filter(|&norm| !self.logarithmic || norm > 0.0).map(|norm| self.on_axis(norm));
        Bins::of(&numbers, threshold, self.logarithmic)
    }

    fn legend(&self, shown: bool) -> Vec<Entry> {
        let (Some(threshold), Some(share)) = (self.threshold, self.share_above()) else { return Vec::new() };
        let line = Swatch::Line { color: INK, width: 1.4, dash: color::DASHED, marker: None };
        let mut entries = vec![
            Entry::new(Swatch::Box(color::BLUE), format!("within the threshold: {}", percent(1.0 - share))),
            Entry::new(Swatch::Box(color::VERMILION), format!("above: {}", percent(share))),
        ];
        if shown {
            entries.push(Entry::new(line, format!("threshold {}", short(threshold))));
        }
        entries
    }
}

/// Bins of equal width.
struct Bins {
    range: Range,
    /// Where the first begins.
    start: f64,
    width: f64,
    counts: Vec<usize>,
    /// The edge that is the threshold.
    threshold: Option<f64>,
}

impl Bins {
    fn of(numbers: &[f64], threshold: Option<f64>, logarithmic: bool) -> Option<Self> {
        let bounds = range::bounds(numbers.iter().copied())?;
        let flat = bounds.extent() <= 1e-9 * bounds.high.abs().max(bounds.low.abs()).max(1e-290);
        let range = match flat {
            true if logarithmic => Range { low: bounds.low - 0.5, high: bounds.high + 0.5 },
            true => bounds.with_air(0.0),
            false => bounds,
        };
        // A threshold within reach is shown, and bins end at it.
        let reach = 3.0 * range.extent();
        let near = |&level: &f64| range.low - level <= reach && level - range.high <= reach;
        let threshold = threshold.filter(near);
        let wanted = ((numbers.len() as f64).sqrt().ceil() as usize).clamp(FEWEST, MOST);
        let mut width = range.extent() / wanted as f64;
        if let Some(level) = threshold.filter(|&level| !logarithmic && level > 0.0 && range.low >= 0.0) {
            // Bins that end at the threshold and begin at 0, unless they would be too many.
            let to_zero = level / (level / width).round().max(1.0);
            if range.extent() / to_zero <= 2.0 * MOST as f64 {
                width = to_zero;
            }
        }
        let start = match threshold {
            // A norm at the threshold is not clipped: it needs a bin below.
            Some(level) => {
                level - width * ((level - range.low) / width).ceil().max(f64::from(level >= range.low))
            }
            None => range.low,
        };
        let bins = ((range.high - start) / width).ceil().max(1.0) as usize;
        let edge = threshold.map(|level| ((level - start) / width).round() as usize);
        let mut counts = vec![0; bins];
        for &number in numbers {
            let mut bin = ((number - start) / width) as usize;
            // Rounding must not move a number across the threshold.
            if let (Some(level), Some(edge)) = (threshold, edge) {
                bin = if number <= level { bin.min(edge.saturating_sub(1)) } else { bin.max(edge) };
            }
            counts[bin.min(bins - 1)] += 1;
        }
        let mut range = Range { low: start, high: start + width * bins as f64 };
        if let Some(level) = threshold.filter(|&level| !range.holds(level)) {
            range = range.and(level).with_air(0.05);
        }
        Some(Self { range, start, width, counts, threshold })
    }
}

impl Draw for NormHistogram {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        if let Some(threshold) = self.threshold {
            check_finite("threshold", threshold)?;
        }
        let bins = self.bins();
        let range = bins.as_ref().map(|bins| bins.range);
        let x = match range {
            Some(range) if self.logarithmic => {
                Axis { label: self.x_label.clone(), kind: crate::axis::Kind::Logarithms { range } }
            }
            None if self.logarithmic => Axis::logarithms(&self.x_label, None, 0.0),
            range => Axis::numbers(&self.x_label, range.unwrap_or_default(), Reading::Plain),
        };
        let most = bins.as_ref().and_then(|bins| bins.counts.iter().copied().max()).unwrap_or(1) as f64;
        let y = Axis::numbers("samples", Range { low: 0.0, high: 1.05 * most }, Reading::Whole);
        let mut frame = Frame::new(&self.title, x, y);
        let level = bins.as_ref().and_then(|bins| bins.threshold);
        frame.legend = self.legend(level.is_some());
        frame.notes.extend(self.dropped().note());
        if let (Some(threshold), None, true) = (self.threshold, level, bins.is_some()) {
            frame.notes.push(format!("threshold {} lies outside the picture", short(threshold)));
        }
        frame.notes.push(format!("{} samples", self.norms.len() + self.not_finite));
        let plot = frame.draw(scene, place);
        let Some(bins) = bins else {
            frame::nothing(scene, plot.area);
            return Ok(());
        };
        let limit = self.threshold.map_or(f64::INFINITY, |norm| self.on_axis(norm.max(0.0)));
        for (index, &count) in bins.counts.iter().enumerate() {
            let left = bins.start + bins.width * index as f64;
            let above = left + 0.5 * bins.width > limit;
            let edge = |at: f64| plot.x.of_axis(at);
            let top = plot.y.of(count as f64);
            // Even one sample among a million shows.
            let top = if count > 0 { top.min(plot.area.bottom - 1.5) } else { top };
            let gap = if edge(left + bins.width) - edge(left) > 4.0 { 0.5 } else { 0.0 };
            let (left, right) = (edge(left) + gap, edge(left + bins.width) - gap);
            let right = right.max(left + 1.0);
            let color = if above { color::VERMILION } else { color::BLUE };
            scene.rect(Rect { left, right, top, bottom: plot.area.bottom }, color);
        }
        if let Some(level) = level {
            let x = plot.x.of_axis(level);
            scene.line(vec![(x, plot.area.top), (x, plot.area.bottom)], INK, 1.4, color::DASHED);
        }
        Ok(())
    }
}

impl Picture for NormHistogram {
    fn dropped(&self) -> Dropped {
        let not_positive = self.norms.iter().filter(|&&norm| self.logarithmic && norm <= 0.0).count();
        Dropped { not_finite: self.not_finite, not_positive }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_number_and_none_holds_both_sides_of_the_threshold() {
        let numbers: Vec<f64> = (0..1000).map(|i| f64::from(i % 97) * 0.037).collect();
        for threshold in [0.0, 0.037, 0.5, 1.0, 0.037 * 41.0, 3.552, 3.6, 7.0] {
            let bins = Bins::of(&numbers, Some(threshold), false).unwrap();
            assert_eq!(bins.counts.iter().sum::<usize>(), numbers.len(), "{threshold}");
            let middle = |bin: usize| bins.start + bins.width * (bin as f64 + 0.5);
            let below: usize = (0..bins.counts.len())
                .filter(|&bin| middle(bin) < threshold)
                .map(|bin| bins.counts[bin])
                .sum();
            let expected = numbers.iter().filter(|&&number| number <= threshold).count();
            assert_eq!(below, expected, "{threshold}");
            assert!(bins.range.holds(threshold));
        }
        // Most at the threshold, one far above.
        let outlier = Bins::of(&[1.0, 1.0, 1.0, 1e6], Some(1.0), false).unwrap();
        assert_eq!((outlier.counts[0], outlier.start + outlier.width), (3, 1.0));
        assert!(Bins::of(&numbers, Some(1e9), false).unwrap().threshold.is_none());
        assert!(Bins::of(&[], Some(1.0), false).is_none());
        for single in [&[0.0][..], &[5e-324, 0.0], &[1e300, -1e300], &[7.0, 7.0]] {
            assert_eq!(Bins::of(single, None, false).unwrap().counts.iter().sum::<usize>(), single.len());
        }
    }
}
