//! Curves on one pair of axes: metrics of a run, losses with the best epoch, or one metric of several runs.

use crate::axis::{Axis, Reading, aired, bounds, with_air};
use crate::canvas::{Area, UNITS, pixels};
use crate::chart::{Frame, Plot};
use crate::error::{check_amount, check_finite};
use crate::legend::{Entry, Swatch, line, ring, threshold_entry, threshold_note};
use crate::look::{INK, Look, tint};
use crate::picture::sealed::Draw;
use crate::series::{Series, centered_mean, thinned};
use crate::text::short;
use crate::{Dropped, Error, Picture};
use plotters::style::RGBColor;

/// The width of a curve in pixels, and of a curve that is so dense that it covers itself.
const WIDTH: f64 = 2.0;
const THIN: f64 = 1.7;
/// With at most this many points, each gets a marker.
const MARKED: usize = 30;
/// With at least this many points, a faint line shows their mean.
const LONG: usize = 500;
/// With more strokes than this, the line is drawn solid: it goes back and forth, and dashes would not be visible.
const MOST_STROKES: f64 = 4000.0;

/// Named curves on the same axes: losses and other metrics of a run, or several runs to compare.
///
/// The line shows the raw values. For 500 points or more, a faint line shows the mean over equally many values before
/// and after each point, so that it does not lag. Each curve has a different look: a colour and a dash, and beyond
/// eight curves a marker. The n-th curve looks the same in every picture, so panels of a figure that show the same
/// runs in the same order agree.
///
/// ```
/// use dualtape_plots::{Curves, Picture, Size};
///
/// let falling = |rate: f64| (1..=20).map(move |epoch| (f64::from(epoch), (-rate * f64::from(epoch)).exp()));
/// let curves = Curves::new("two optimisers", "epoch", "validation loss")
///     .curve("sgd", falling(0.1))
///     .curve("adam", falling(0.3))
///     .mark_lowest(true);
/// assert!(curves.svg(Size::new(640, 480))?.contains("adam"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    title: String,
    axes: [String; 2],
    curves: Vec<Series>,
    logarithmic: bool,
    percent: bool,
    smoothing: Option<usize>,
    threshold: Option<f64>,
    mark_lowest: bool,
    best: Option<Best>,
}

/// Which point is marked as the best.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Best {
    Lowest,
    At(f64),
}

impl Curves {
    /// The most curves that can be distinguished.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Error, Picture};
    /// let many = (0..=Curves::MOST).fold(Curves::new("", "", ""), |all, _| all.curve("run", [(1.0, 1.0)]));
    /// assert!(matches!(many.svg(many.natural_size()), Err(Error::Amount { most: Curves::MOST, .. })));
    /// ```
    pub const MOST: usize = Look::COUNT;

    /// A picture without curves.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let empty = Curves::new("two optimisers", "epoch", "validation loss");
    /// assert!(empty.svg(empty.natural_size())?.contains("two optimisers"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Self {
            title: title.to_owned(),
            axes: [x_label, y_label].map(str::to_owned),
            curves: Vec::new(),
            logarithmic: false,
            percent: false,
            smoothing: None,
            threshold: None,
            mark_lowest: false,
            best: None,
        }
    }

    /// Adds a curve through points (x, y), from left to right; drawing fails with [`Error::Amount`] beyond
    /// [`Curves::MOST`]. A curve without points is not shown, but later curves do not take over its look.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let losses = [(1.0, 0.9), (2.0, 0.5), (3.0, f64::INFINITY)];
    /// let curves = Curves::new("", "epoch", "loss").curve("adam", losses).curve("not measured", []);
    /// assert_eq!(curves.dropped().not_finite, 1); // the others are drawn
    /// assert!(!curves.svg(curves.natural_size())?.contains("not measured"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn curve(mut self, name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.curves.push(Series::new(name, points));
        self
    }

    /// Whether the vertical axis shows percentages of 1, as for accuracy; it then reaches up to 100 %.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let accuracy = [(1.0, 0.6), (2.0, 0.85)];
    /// let curves = Curves::new("", "epoch", "right").curve("validation", accuracy).percent(true);
    /// assert!(curves.svg(curves.natural_size())?.contains("100 %"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn percent(mut self, percent: bool) -> Self {
        self.percent = percent;
        self
    }

    /// Whether to mark the lowest point of each curve.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let curves = Curves::new("", "epoch", "loss").curve("adam", [(1.0, 0.9), (2.0, 0.5), (3.0, 0.6)]);
    /// assert!(curves.mark_lowest(true).svg(dualtape_plots::Size::new(640, 480))?.contains("lowest"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn mark_lowest(mut self, mark: bool) -> Self {
        self.mark_lowest = mark;
        self
    }

    /// Whether to mark as the best the lowest point of the last curve that has points, for example the validation curve.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let curves = Curves::new("", "epoch", "loss")
    ///     .curve("training", [(1.0, 0.9), (2.0, 0.4), (3.0, 0.3)])
    ///     .curve("validation", [(1.0, 0.9), (2.0, 0.5), (3.0, 0.7)])
    ///     .mark_best(true);
    /// assert!(curves.svg(curves.natural_size())?.contains("best: epoch 2 (0.5)"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn mark_best(mut self, mark: bool) -> Self {
        self.best = mark.then_some(Best::Lowest);
        self
    }

    /// Marks this x, for example an epoch, as the best; drawing fails with [`Error::NotFinite`] if it is not finite.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let curves = Curves::new("", "epoch", "loss").curve("validation", [(1.0, 0.9), (2.0, 0.5), (3.0, 0.7)]);
    /// // For example chosen by accuracy, not by the loss.
    /// assert!(curves.best_at(3.0).svg(dualtape_plots::Size::new(640, 480))?.contains("best: epoch 3 (0.7)"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn best_at(mut self, x: f64) -> Self {
        self.best = Some(Best::At(x));
        self
    }

    /// Draws a line across the picture, such as the norm to which gradients are clipped; drawing fails with
    /// [`Error::NotFinite`] if it is not finite. If the line is too far from the curves to be shown, a note gives its
    /// value.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let norms = Curves::new("", "step", "gradient norm").curve("before clipping", [(1.0, 2.0), (2.0, 0.5)]);
    /// assert!(norms.threshold(1.0).svg(dualtape_plots::Size::new(640, 480))?.contains("threshold 1"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn threshold(mut self, level: f64) -> Self {
        self.threshold = Some(level);
        self
    }

    /// Whether the vertical axis is logarithmic; points that are not above 0 are then left out.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let curves = Curves::new("", "epoch", "loss").curve("adam", [(1.0, 0.9), (2.0, 0.0)]).log_axis(true);
    /// assert_eq!(curves.dropped().not_positive, 1);
    /// ```
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.logarithmic = logarithmic;
        self
    }

    /// Sets over how many values before and after each point the faint line takes the mean, see
    /// [`centered_mean`](crate::centered_mean); 0 for no such line. The default is a fiftieth of the points of a
    /// curve with 500 points or more, and 0 for others.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let losses = (0..50).map(|step| (f64::from(step), f64::from(step % 7)));
    /// let curves = Curves::new("", "step", "loss").curve("sgd", losses).smoothing(3);
    /// assert!(curves.svg(curves.natural_size())?.contains("mean"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn smoothing(mut self, reach: usize) -> Self {
        self.smoothing = Some(reach);
        self
    }

    fn reach(&self, points: usize) -> usize {
        self.smoothing.unwrap_or(if points < LONG { 0 } else { points / 50 })
    }

    fn x_axis(&self) -> Axis {
        let xs = || self.curves.iter().flat_map(|series| &series.points).map(|point| point.0);
        let whole = xs().all(|x| x.fract() == 0.0);
        let ends = match bounds(xs()) {
            // With a single epoch, the axis shows its neighbours rather than fractions of it.
            Some((low, high)) if whole && low == high && low.abs() < 1e9 => (low - 1.0, high + 1.0),
            ends => aired(ends, 0.02),
        };
        Axis::numbers(&self.axes[0], ends, if whole { Reading::Whole } else { Reading::Plain })
    }

    fn y_axis(&self, heights: Option<(f64, f64)>) -> Axis {
        let label = &self.axes[1];
        if self.logarithmic {
            return Axis::logarithmic(label, heights, 0.05);
        }
        let (low, high) = heights.unwrap_or((0.0, 1.0));
        if self.percent {
            // The line of a perfect score stays visible at the top.
            let (low, high) = (low.min(1.0), high.max(1.0));
            let low = if high - low < 1e-6 { low.min(0.0) } else { low };
            return Axis::numbers(label, with_air((low, high), 0.03), Reading::Percent);
        }
        // If no number is negative, the axis starts at 0, unless that squeezes the curves into the upper half.
        let aired = with_air((low, high), 0.05);
        let from_zero = low >= 0.0 && low <= 0.5 * high && high > 1e-300;
        Axis::numbers(label, (if from_zero { 0.0 } else { aired.0 }, aired.1), Reading::Plain)
    }

    /// Whether the threshold is close enough to be shown without squeezing the curves.
    fn reaches(&self, heights: Option<(f64, f64)>, level: f64) -> bool {
        let Some((low, high)) = heights else { return false };
        if self.logarithmic {
            return level > 0.0 && level >= 1e-3 * low && level <= 1e3 * high;
        }
        let extent = (high - low).max(0.1 * high.abs());
        level >= low - 3.0 * extent && level <= high + 3.0 * extent
    }

    /// The lowest points that are marked, with the colours of their curves.
    fn lowest(&self) -> Vec<((f64, f64), RGBColor)> {
        let curves = self.curves.iter().enumerate().filter(|_| self.mark_lowest);
        curves.filter_map(|(n, series)| Some((series.lowest()?, Look::nth(n).color))).collect()
    }

    /// The place that is marked as the best, and the height of the curve there.
    fn best(&self) -> Option<(f64, Option<f64>)> {
        let judged = self.curves.iter().rev().find(|series| !series.points.is_empty());
        match self.best? {
            Best::Lowest => judged?.lowest().map(|(x, y)| (x, Some(y))),
            Best::At(x) => {
                let point = judged.and_then(|series| series.points.iter().find(|point| point.0 == x));
                Some((x, point.map(|point| point.1)))
            }
        }
    }

    fn legend(&self, threshold: Option<f64>) -> Vec<Entry> {
        // A curve without a name is described by the axis.
        let named = |series: &Series| !series.name.is_empty() && !series.is_placeholder();
        let curves = self.curves.iter().enumerate();
        let curve = |(n, series): (usize, &Series)| {
            let look = Look::nth(n);
            (Swatch::Line(look, WIDTH, look.marked || is_marked(series)), series.name.clone())
        };
        let lowest = |&(_, color): &(_, RGBColor)| (Swatch::Ring(color), "lowest".to_owned());
        let best = |(x, y): (f64, Option<f64>)| {
            let loss = y.map_or(String::new(), |y| format!(" ({})", short(y)));
            let place = if x.fract() == 0.0 && x.abs() < 1e15 { format!("{x}") } else { short(x) };
            (Swatch::Ring(INK), format!("best: {} {place}{loss}", self.axes[0]))
        };
        let mean = |(n, series): (usize, &Series)| {
            let reach = Some(self.reach(series.points.len())).filter(|&reach| reach > 0)?;
            Some((Swatch::Line(faint(n), 2.0 * WIDTH, false), format!("mean over {} values", 2 * reach + 1)))
        };
        let mut entries: Vec<Entry> = curves.clone().filter(|(_, series)| named(series)).map(curve).collect();
        entries.extend(threshold.map(threshold_entry));
        entries.extend(self.lowest().first().map(lowest));
        entries.extend(self.best().map(best));
        entries.extend(curves.filter_map(mean).next());
        entries
    }

    fn draw_curve(&self, plot: &Plot<'_>, n: usize, series: &Series) -> Result<(), Error> {
        let look = Look::nth(n);
        let shown = series.shown(self.logarithmic);
        let column = |x: f64| plot.place((x, plot.y.ends.0)).0.div_euclid(UNITS as i32);
        let thin = thinned(&shown, column);
        let places: Vec<_> = thin.iter().map(|&point| plot.place(point)).collect();
        let step = |pair: &[(i32, i32)]| pixels(pair[1].0 - pair[0].0).hypot(pixels(pair[1].1 - pair[0].1));
        let length = places.windows(2).map(step).sum::<f64>();
        let width = if length > 4.0 * plot.size().0 { THIN } else { WIDTH };
        let dash = look.dash.filter(|(on, off)| length / (on + off) < MOST_STROKES);
        let points: Vec<_> = thin.iter().map(|&point| plot.at(point)).collect();
        plot.draw([line(points.clone(), Look { dash, ..look }, width)])?;
        let reach = self.reach(shown.len());
        if reach > 0 {
            let (xs, heights): (Vec<f64>, Vec<f64>) = shown.into_iter().unzip();
            let means: Vec<_> = xs.into_iter().zip(centered_mean(&heights, reach)).collect();
            let means = thinned(&means, column).into_iter().map(|point| plot.at(point));
            plot.draw([line(means.collect(), faint(n), 2.0 * WIDTH)])?;
        }
        // A marker at each point if there are few; otherwise at some points, if needed to distinguish curves of the
        // same colour.
        let few = is_marked(series) || points.len() == 1;
        let every = if few { 1 } else { (points.len() / 12).max(1) };
        let marks = points.into_iter().step_by(every).filter(|_| few || look.marked);
        plot.draw(marks.map(|point| look.marker.at(point, 3.4, look.color)))
    }

    /// Draws rings around marked points, and a line through the best.
    fn draw_marks(&self, plot: &Plot<'_>) -> Result<(), Error> {
        let best = self.best().filter(|best| plot.x.holds(best.0));
        if let Some((x, _)) = best {
            let (bottom, top) = plot.y.ends;
            plot.rule([(x, bottom), (x, top)], Look { dash: Some((2.0, 3.0)), ..Look::solid(INK) })?;
        }
        let best = best.and_then(|(x, y)| Some(((x, y?), INK)));
        let marks = self.lowest().into_iter().chain(best).filter(|((_, y), _)| plot.y.holds(*y));
        plot.draw(marks.flat_map(|(point, color)| ring(plot.at(point), color)))
    }
}

fn is_marked(series: &Series) -> bool {
    series.points.len() <= MARKED
}

/// The look of a mean that is drawn over the raw values of the n-th curve.
fn faint(n: usize) -> Look {
    Look::solid(tint(Look::nth(n).color, 0.45))
}

impl Draw for Curves {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        check_amount("curves", self.curves.len(), 0, Self::MOST)?;
        self.threshold.map(|level| check_finite("threshold", level)).transpose()?;
        self.best().map(|(x, _)| check_finite("the marked place", x)).transpose()?;
        let shown = self.curves.iter().flat_map(|series| series.shown(self.logarithmic));
        let mut heights = bounds(shown.map(|point| point.1));
        let threshold = self.threshold.filter(|&level| self.reaches(heights, level));
        if let (Some((low, high)), Some(level)) = (heights, threshold) {
            heights = Some((low.min(level), high.max(level)));
        }
        let mut frame = Frame::new(&self.title, self.x_axis(), self.y_axis(heights));
        frame.legend = self.legend(threshold);
        frame.notes.extend(self.dropped().note());
        frame.notes.extend(self.threshold.filter(|_| threshold.is_none()).map(threshold_note));
        let plot = frame.draw(area)?;
        if heights.is_none() {
            return plot.nothing();
        }
        for (n, series) in self.curves.iter().enumerate() {
            self.draw_curve(&plot, n, series)?;
        }
        if let Some(level) = threshold {
            let (left, right) = plot.x.ends;
            plot.rule([(left, level), (right, level)], Look::rule())?;
        }
        self.draw_marks(&plot)
    }
}

impl Picture for Curves {
    fn dropped(&self) -> Dropped {
        let mut dropped = Dropped::default();
        for series in &self.curves {
            dropped += series.dropped(self.logarithmic);
        }
        dropped
    }
}
