//! Curves on a pair of axes: what the pictures of losses, norms, rates and runs have in common.

use crate::axis::{Axis, Reading};
use crate::chart::{Frame, Plot};
use crate::color::{self, Color, DOTTED, Look};
use crate::error::{check_amount, check_finite};
use crate::legend::{self, Entry, Swatch};
use crate::range::{self, Range};
use crate::scene::{Area, UNITS};
use crate::series::{Series, check_weight, natural_weight, on_axis};
use crate::text::short;
use crate::{Dropped, Error};

const WIDTH: f64 = 2.0;
/// Up to so many points, each gets a marker.
const MARKED: usize = 30;
/// From so many points on, dashes would not show among the ups and downs.
const DENSE: usize = 500;

/// How much of the noise the faint line takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Smoothing {
    /// What suits the length of each curve.
    #[default]
    Natural,
    Weight(f64),
}

/// A point that is pointed out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) y: Option<f64>,
    pub(crate) color: Color,
    /// What the legend says; nothing if it is empty.
    pub(crate) text: String,
    /// Whether a line goes from top to bottom.
    pub(crate) line: bool,
}

/// What every picture of curves lets its user choose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Style {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) logarithmic: bool,
    pub(crate) percent: bool,
    pub(crate) smoothing: Smoothing,
}

impl Style {
    pub(crate) fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        let [title, x_label, y_label] = [title, x_label, y_label].map(str::to_owned);
        let smoothing = Smoothing::default();
        Self { title, x_label, y_label, logarithmic: false, percent: false, smoothing }
    }
}

/// Curves, ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    pub(crate) style: &'a Style,
    pub(crate) curves: Vec<(&'a Series, Look)>,
    /// A line across the picture, and its name.
    pub(crate) threshold: Option<(f64, &'static str)>,
    pub(crate) marks: Vec<Mark>,
}

/// A curve in numbers: its points as they came, and as they are smoothed.
struct Drawn<'a> {
    series: &'a Series,
    look: Look,
    raw: Vec<(f64, f64)>,
    smooth: Vec<(f64, f64)>,
}

impl Lines<'_> {
    pub(crate) fn dropped(&self) -> Dropped {
        let mut dropped = Dropped::default();
        for (series, _) in &self.curves {
            dropped += series.dropped(self.style.logarithmic);
        }
        dropped
    }

    pub(crate) fn draw(&self, area: &Area) -> Result<(), Error> {
        check_amount("curves", self.curves.len(), 0, Look::MOST)?;
        if let Some((threshold, what)) = self.threshold {
            check_finite(what, threshold)?;
        }
        for mark in &self.marks {
            check_finite("the marked place", mark.x)?;
        }
        let drawn = self.curves.iter().map(|curve| self.drawn(curve)).collect::<Result<Vec<_>, _>>()?;
        let heights = range::bounds(drawn.iter().flat_map(|curve| &curve.raw).map(|point| point.1));
        let threshold = self.threshold.filter(|&(level, _)| self.reaches(heights, level));
        let heights = match (heights, threshold) {
            (Some(heights), Some((level, _))) => Some(heights.and(level)),
            _ => heights,
        };
        let mut frame = Frame::new(&self.style.title, self.x_axis(&drawn), self.y_axis(heights));
        frame.legend = self.legend(&drawn, threshold.is_some());
        frame.notes.extend(self.dropped().note());
        if let (Some((level, what)), None) = (self.threshold, threshold) {
            frame.notes.push(format!("{what} {} lies outside the picture", short(level)));
        }
        let mut plot = frame.draw(area)?;
        if drawn.iter().all(|curve| curve.raw.is_empty()) {
            return plot.nothing();
        }
        for (n, curve) in drawn.iter().enumerate() {
            draw_raw(&mut plot, n, curve)?;
        }
        for curve in drawn.iter().filter(|curve| !curve.smooth.is_empty()) {
            let points = thinned(&plot, &curve.smooth);
            plot.line(points, faint(curve.look.color), 1.6, color::SOLID)?;
        }
        // On top: clipped norms lie on their threshold, and would hide it.
        if let Some((level, _)) = threshold {
            plot.across(level, false)?;
        }
        self.draw_marks(&mut plot)
    }

    fn drawn<'b>(&self, &(series, look): &(&'b Series, Look)) -> Result<Drawn<'b>, Error> {
        let logarithmic = self.style.logarithmic;
        let raw = series.shown(logarithmic);
        let look = if raw.len() >= DENSE { Look { dash: color::SOLID, ..look } } else { look };
        let weight = match self.style.smoothing {
            Smoothing::Natural => natural_weight(series.points().len()),
            Smoothing::Weight(weight) => check_weight(weight)?,
        };
        let smooth = if weight == 0.0 { Vec::new() } else { on_axis(&series.smoothed(weight), logarithmic) };
        Ok(Drawn { series, look, raw, smooth })
    }

    /// Whether a threshold can be shown without squeezing the curves flat.
    fn reaches(&self, heights: Option<Range>, level: f64) -> bool {
        let Some(heights) = heights else { return !self.style.logarithmic || level > 0.0 };
        let both = heights.and(level);
        if self.style.logarithmic {
            let room = (heights.high / heights.low).log10().max(1.0) * 2.0 + 1.0;
            level > 0.0 && (both.high / both.low).log10() <= room
        } else {
            both.extent() <= 4.0 * heights.extent().max(0.5 * heights.high.abs())
        }
    }

    fn x_axis(&self, drawn: &[Drawn<'_>]) -> Axis {
        let places =
            || drawn.iter().flat_map(|curve| &curve.raw).map(|p| p.0).chain(self.marks.iter().map(|m| m.x));
        let whole = places().all(|x| x.fract() == 0.0);
        let reading = if whole { Reading::Whole } else { Reading::Plain };
        let range = match range::bounds(places()) {
            // One epoch: its neighbours, rather than half of it.
            Some(range) if whole && range.extent() == 0.0 => {
                Range { low: range.low - 1.0, high: range.high + 1.0 }
            }
            Some(range) => range.with_air(0.02),
            None => Range::default(),
        };
        Axis::numbers(&self.style.x_label, range, reading)
    }

    fn y_axis(&self, heights: Option<Range>) -> Axis {
        let label = &self.style.y_label;
        if self.style.logarithmic {
            return Axis::logarithms(label, range::with_logarithmic_air(heights, 0.05));
        }
        if self.style.percent {
            // The top of a perfect score stays within sight.
            let range = heights.map_or(Range::default(), |heights| heights.and(1.0));
            let range = if range.extent() < 1e-6 { range.and(0.0) } else { range };
            return Axis::numbers(label, range.with_air(0.03), Reading::Percent);
        }
        Axis::numbers(label, heights.unwrap_or_default().zero_based_with_air(0.05), Reading::Plain)
    }

    fn legend(&self, drawn: &[Drawn<'_>], threshold: bool) -> Vec<Entry> {
        let curve = |curve: &Drawn<'_>| {
            let Look { color, dash, marker, marked } = curve.look;
            let marker = (marked || curve.raw.len() <= MARKED).then_some(marker);
            Entry::new(Swatch::Line { color, width: WIDTH, dash, marker }, &curve.series.name)
        };
        // A curve without a name is what the axis says; one without points has a look, but is not there.
        let named = drawn.iter().filter(|curve| !curve.series.name.is_empty() && !curve.series.is_empty());
        let mut entries: Vec<_> = named.map(curve).collect();
        if let Some((level, what)) = self.threshold.filter(|_| threshold) {
            let swatch = Swatch::Line { color: color::INK, width: 1.4, dash: color::DASHED, marker: None };
            entries.push(Entry::new(swatch, format!("{what} {}", short(level))));
        }
        let marks = self.marks.iter().filter(|mark| !mark.text.is_empty());
        entries.extend(marks.map(|mark| Entry::new(Swatch::Ring(mark.color), &mark.text)));
        if let Some(curve) = drawn.iter().find(|curve| !curve.smooth.is_empty()) {
            let color = faint(curve.look.color);
            let swatch = Swatch::Line { color, width: 1.6, dash: color::SOLID, marker: None };
            entries.push(Entry::new(swatch, "faint: mean of neighbours on both sides"));
        }
        entries
    }

    fn draw_marks(&self, plot: &mut Plot) -> Result<(), Error> {
        for mark in &self.marks {
            if mark.line {
                let y = plot.chart.plotting_area().get_y_range();
                plot.line(vec![(mark.x, y.start), (mark.x, y.end)], color::INK, 1.2, DOTTED)?;
            }
            if let Some(y) = mark.y.filter(|&y| !self.style.logarithmic || y > 0.0) {
                plot.chart.draw_series(legend::ring((mark.x, y), mark.color))?;
            }
        }
        Ok(())
    }
}

fn faint(color: Color) -> Color {
    color.tint(0.4)
}

/// The values as they came; markers where they tell curves apart.
fn draw_raw(plot: &mut Plot, n: usize, curve: &Drawn<'_>) -> Result<(), Error> {
    let Look { color, dash, marker, marked } = curve.look;
    let width = if curve.raw.len() > 1000 { 1.2 } else { WIDTH };
    let points = thinned(plot, &curve.raw);
    let all = curve.raw.len() <= MARKED;
    let every = if all { 1 } else { points.len().div_ceil(10) };
    // Markers of several curves are not all above each other.
    let first = if all { 0 } else { (n * every / 5) % every };
    let places: Vec<_> =
        points.iter().copied().skip(first).step_by(every).filter(|_| all || marked).collect();
    plot.line(points, color, width, dash)?;
    plot.chart.draw_series(places.into_iter().map(|place| marker.at(place, 3.2, color)))?;
    Ok(())
}

/// At most four points for each column of pixels: its first, lowest, highest and last. A line through them covers the
/// same pixels as one through all.
fn thinned(plot: &Plot, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let column = |point: &(f64, f64)| (f64::from(plot.at(*point).0) / UNITS).floor();
    let mut thin = Vec::new();
    for run in points.chunk_by(|a, b| column(a) == column(b)) {
        let by_height = |&a: &usize, &b: &usize| run[a].1.total_cmp(&run[b].1);
        let lowest = (0..run.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..run.len()).max_by(by_height).unwrap_or(0);
        let mut kept = [0, lowest, highest, run.len() - 1];
        kept.sort_unstable();
        let distinct = (0..4).filter(|&i| i == 0 || kept[i] != kept[i - 1]);
        thin.extend(distinct.map(|i| run[kept[i]]));
    }
    thin
}

/// Makes a picture of what has `lines`.
macro_rules! picture_of_lines {
    ($Picture:ty) => {
        impl $crate::picture::sealed::Draw for $Picture {
            fn draw(&self, area: &$crate::scene::Area) -> Result<(), $crate::Error> {
                self.lines().draw(area)
            }
        }

        impl $crate::Picture for $Picture {
            fn dropped(&self) -> $crate::Dropped {
                self.lines().dropped()
            }
        }
    };
}
pub(crate) use picture_of_lines;

/// Writes the settings that a picture of curves leaves to its user: those of its `style` that are named.
macro_rules! line_settings {
    (axes) => {
        /// Other names for the axes.
        ///
        /// ```
        /// use dualtape_plots::{LossCurves, Picture};
        /// let curves = LossCurves::new("").training([(1.0, 0.9), (2.0, 0.5)]).axes("step", "squared error");
        /// assert!(curves.svg(curves.natural_size())?.contains("squared error"));
        /// # Ok::<(), dualtape_plots::Error>(())
        /// ```
        #[must_use]
        pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
            (self.style.x_label, self.style.y_label) = (x_label.to_owned(), y_label.to_owned());
            self
        }
    };
    (log_axis) => {
        /// Whether the vertical axis is logarithmic; points not above 0 are left out there.
        ///
        /// ```
        /// use dualtape_plots::{LossCurves, Picture};
        /// let curves = LossCurves::new("").training([(1.0, 0.9), (2.0, 0.01), (3.0, 0.0)]).log_axis(true);
        /// assert_eq!(curves.dropped().not_positive, 1);
        /// ```
        #[must_use]
        pub fn log_axis(mut self, logarithmic: bool) -> Self {
            self.style.logarithmic = logarithmic;
            self
        }
    };
    (smoothing) => {
        /// The weight of neighbours in a faint line through their means, 0 for none, see
        /// [`centred_mean`](crate::centred_mean); drawing fails with
        /// [`Error::Smoothing`](crate::Error::Smoothing) unless it is at least 0 and less than 1. By default,
        /// only curves of 200 points and more have such a line, with means over about a fiftieth of the curve.
        ///
        /// ```
        /// use dualtape_plots::{Curves, Error, Picture};
        /// let losses = [(1.0, 0.9), (2.0, 0.5)];
        /// let smooth = |weight| Curves::new("", "step", "loss").curve("sgd", losses).smoothing(weight);
        /// assert!(smooth(0.9).svg(smooth(0.9).natural_size()).is_ok());
        /// let refused = smooth(1.0).svg(smooth(1.0).natural_size());
        /// assert!(matches!(refused, Err(Error::Smoothing { weight: 1.0 })));
        /// ```
        #[must_use]
        pub fn smoothing(mut self, weight: f64) -> Self {
            self.style.smoothing = $crate::lines::Smoothing::Weight(weight);
            self
        }
    };
    ($first:ident $($other:ident)+) => {
        $crate::lines::line_settings!($first);
        $($crate::lines::line_settings!($other);)+
    };
}
pub(crate) use line_settings;
