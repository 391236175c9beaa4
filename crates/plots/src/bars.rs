//! Bars with whiskers: benchmarks by workload and mode, and the importance of features.

use crate::axis::{Axis, Reading, bounds, is_drawable, is_positive};
use crate::chart::{Frame, Plot};
use crate::error::check_amount;
use crate::legend::Swatch;
use crate::look::{BLUE, FADED, INK, Look, WHITE, stroke};
use crate::picture::sealed::Draw;
use crate::sheet::{Area, UNITS, units};
use crate::text::{self, short};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::{IntoDynElement, PathElement, Rectangle};
use plotters::style::Color as _;
use plotters::style::text_anchor::HPos;

/// The largest font size of a bar's label, in pixels per em, and its distance to the bar.
const READING: f64 = 11.0;
const TO_READING: f64 = 5.0;

/// A measured value with the ends of its whisker, which shows a confidence interval or the range of the measurements.
///
/// ```
/// use dualtape_plots::Bar;
/// // 40 µs, measured between 38 and 43; a value known exactly has no whisker.
/// assert_ne!(Bar::new(40.0, 38.0, 43.0), Bar::exact(40.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    value: f64,
    low: f64,
    high: f64,
}

impl Bar {
    /// A value, and the two ends of its whisker in either order. If an end is not finite, there is no
    /// whisker. On a logarithmic axis, a whisker with an end that is not above 0 begins where the axis begins.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Picture};
    /// let picture = Benchmarks::new("gradient", "time in µs", ["tape"])
    ///     .workload("n = 10", [Bar::new(2.4, 2.3, 2.6)]);
    /// assert!(picture.svg(picture.natural_size())?.contains("2.4"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const fn new(value: f64, low: f64, high: f64) -> Self {
        Self { value, low, high }
    }

    /// A value without a whisker.
    ///
    /// ```
    /// assert_eq!(dualtape_plots::Bar::exact(24.0), dualtape_plots::Bar::new(24.0, 24.0, 24.0));
    /// ```
    pub const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// The ends of the whisker that can be drawn.
    fn ends(self) -> impl Iterator<Item = f64> {
        [self.low, self.high].into_iter().filter(|&end| is_drawable(end))
    }
}

/// Bars with whiskers, grouped by workload, one for each mode. The n-th mode looks the same in every picture, so
/// panels of a figure with the same modes agree.
///
/// ```
/// use dualtape_plots::{Bar, Benchmarks, Picture};
///
/// let picture = Benchmarks::new("gradient of n numbers", "time in µs", ["forward", "reverse"])
///     .workload("n = 10", [Bar::new(1.2, 1.1, 1.3), Bar::new(2.4, 2.3, 2.6)])
///     .workload("n = 1000", [Bar::new(950.0, 930.0, 975.0), Bar::new(40.0, 38.0, 43.0)])
///     .log_axis(true);
/// assert!(picture.svg(picture.natural_size())?.contains("n = 1000"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Benchmarks {
    title: String,
    label: String,
    modes: Vec<String>,
    workloads: Vec<(String, Vec<Bar>)>,
    logarithmic: bool,
}

impl Benchmarks {
    /// The most bars a picture shows.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Error, Picture};
    /// let mut picture = Benchmarks::new("", "time in µs", ["tape"]);
    /// for n in 0..=Benchmarks::MOST_BARS {
    ///     picture = picture.workload(&format!("n = {n}"), [Bar::exact(1.0)]);
    /// }
    /// let refused = picture.svg(picture.natural_size());
    /// assert!(matches!(refused, Err(Error::Amount { most: Benchmarks::MOST_BARS, .. })));
    /// ```
    pub const MOST_BARS: usize = 2000;

    /// A picture without bars; `label` says what is measured and in which unit.
    ///
    /// ```
    /// use dualtape_plots::{Benchmarks, Picture};
    /// let empty = Benchmarks::new("gradient of n numbers", "time in µs", ["forward", "reverse"]);
    /// assert!(empty.svg(empty.natural_size())?.contains("time in µs"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, label: &str, modes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let modes = modes.into_iter().map(Into::into).collect();
        Self {
            title: title.to_owned(),
            label: label.to_owned(),
            modes,
            workloads: Vec::new(),
            logarithmic: false,
        }
    }

    /// Adds a workload, with one bar for each mode; pass `Bar::exact(f64::NAN)` for a mode that was not measured. A
    /// mode that no workload measured is not shown, but later modes do not take over its look. Drawing fails with
    /// [`Error::Count`] if the number of bars differs from the number of modes.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Error, Picture};
    /// let both = || Benchmarks::new("gradient", "time in µs", ["forward", "reverse"]);
    /// let unmeasured = both().workload("n = 10", [Bar::exact(1.2), Bar::exact(f64::NAN)]);
    /// assert_eq!(unmeasured.dropped().total(), 1);
    /// let short = both().workload("n = 10", [Bar::exact(1.2)]);
    /// assert!(matches!(short.svg(short.natural_size()), Err(Error::Count { given: 1, expected: 2, .. })));
    /// ```
    #[must_use]
    pub fn workload(mut self, name: &str, bars: impl IntoIterator<Item = Bar>) -> Self {
        self.workloads.push((name.to_owned(), bars.into_iter().collect()));
        self
    }

    /// Whether the axis of the values is logarithmic; values that are not above 0 are then left out.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Picture};
    /// let picture = Benchmarks::new("", "time in µs", ["tape"]).workload("n = 0", [Bar::exact(0.0)]);
    /// assert_eq!(picture.dropped().total(), 0);
    /// assert_eq!(picture.log_axis(true).dropped().not_positive, 1);
    /// ```
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.logarithmic = logarithmic;
        self
    }

    fn is_shown(&self, value: f64) -> bool {
        is_drawable(value) && (!self.logarithmic || is_positive(value))
    }

    fn check(&self) -> Result<(), Error> {
        for (name, bars) in &self.workloads {
            if bars.len() != self.modes.len() {
                let what = format!("bars of the workload '{name}', one for each mode");
                return Err(Error::Count { what, given: bars.len(), expected: self.modes.len() });
            }
        }
        check_amount("modes", self.modes.len(), 0, Look::COUNT)?;
        check_amount("bars", self.modes.len().saturating_mul(self.workloads.len()), 0, Self::MOST_BARS)
    }

    fn axis(&self) -> Axis {
        let bars = self.workloads.iter().flat_map(|(_, bars)| bars).filter(|bar| self.is_shown(bar.value));
        axis_of(&self.label, bars.copied(), self.logarithmic)
    }

    /// The modes that any workload measured; the others are hidden, but their looks are not reused.
    fn measured(&self) -> Vec<usize> {
        let given = |mode: &usize| self.workloads.iter().any(|(_, bars)| !bars[*mode].value.is_nan());
        (0..self.modes.len()).filter(|mode| self.workloads.is_empty() || given(mode)).collect()
    }
}

/// An axis that contains bars and whiskers. On a linear one, bars start at 0.
fn axis_of(label: &str, bars: impl Iterator<Item = Bar>, logarithmic: bool) -> Axis {
    let numbers = bars.flat_map(|bar| bar.ends().chain([bar.value]).collect::<Vec<_>>());
    let bounds = bounds(numbers.filter(|&number| !logarithmic || is_positive(number)));
    if logarithmic {
        // The axis starts at a power of ten low enough to give the shortest bar some length.
        let ends = bounds.map(|(low, high)| {
            let low = (low.log10() - 0.15).floor().max(-305.0);
            (10f64.powf(low), 10f64.powf(high.log10() + 0.03 * (high.log10() - low)))
        });
        return Axis::logarithmic(label, ends, 0.0);
    }
    let (low, high) = bounds.map_or((0.0, 1.0), |(low, high)| (low.min(0.0), high.max(0.0)));
    let (aired_low, aired_high) = crate::axis::with_air((low, high), 0.03);
    Axis::numbers(
        label,
        (
            if low < 0.0 { aired_low } else { 0.0 },
            if high > 0.0 { aired_high } else { 0.0f64.max(aired_high) },
        ),
        Reading::Plain,
    )
}

/// A bar between two heights of the chart, with whisker, marker and label.
fn draw_bar(plot: &Plot, bar: Bar, (top, bottom): (f64, f64), look: Look) -> Result<(), Error> {
    let pixels = |at: i32| f64::from(at) / f64::from(UNITS);
    let thick = pixels(plot.place((plot.x.ends.1, bottom)).1 - plot.place((plot.x.ends.1, top)).1).abs();
    let size = (0.86 * thick).min(READING);
    let middle = f64::midpoint(top, bottom);
    let shown = |x: f64| is_drawable(x) && (!plot.x.is_logarithmic() || is_positive(x));
    let foot = if plot.x.is_logarithmic() { plot.x.ends.0 } else { 0.0 };
    if !shown(bar.value) {
        let place = plot.place((foot, middle));
        let look = (size, FADED, HPos::Left);
        return if size < 8.0 {
            Ok(())
        } else {
            plot.write("not shown", (place.0 + units(TO_READING), place.1), look)
        };
    }
    let corners = [plot.at((foot, top)), plot.at((bar.value, bottom))];
    let mut rectangle = Rectangle::new(corners, look.color.filled());
    let gap = if thick > 6.0 { units(1.0) as u32 } else { 0 };
    rectangle.set_margin(gap, gap, 0, 0);
    plot.draw([rectangle.into_dyn()])?;
    let (foot_place, end) = (plot.place((foot, middle)), plot.place((bar.value, middle)));
    if look.marked && pixels((end.0 - foot_place.0).abs()) > 14.0 {
        let at = (foot_place.0 + (end.0 - foot_place.0).signum() * units(8.0), end.1);
        plot.area().draw(&look.marker.at(at, (0.3 * thick).min(3.2), WHITE))?;
    }
    let mut ends: Vec<f64> = bar.ends().map(|end| if shown(end) { end } else { plot.x.ends.0 }).collect();
    ends.sort_by(f64::total_cmp);
    let mut right = end.0.max(foot_place.0);
    if let [low, high] = ends[..]
        && plot.place((high, middle)).0 - plot.place((low, middle)).0 > 5
    {
        // plotters' error bar marks the value with a disc as wide as its caps, which hides short whiskers.
        let cap = units((0.28 * thick).min(5.0));
        let [(low, y), (high, _)] = [low, high].map(|end| plot.place((end, middle)));
        let strokes =
            [[(low, y), (high, y)], [(low, y - cap), (low, y + cap)], [(high, y - cap), (high, y + cap)]];
        for ends in strokes {
            plot.area().draw(&PathElement::new(ends, stroke(INK, (0.3 * thick).min(1.3))))?;
        }
        right = right.max(high);
    }
    if size >= 8.0 {
        plot.write(&short(bar.value), (right + units(TO_READING), end.1), (size, INK, HPos::Left))?;
    }
    Ok(())
}

/// Room at the right for the labels of bars, since the longest bar may end where the axis does.
fn reading_room(bars: impl Iterator<Item = Bar>) -> f64 {
    bars.map(|bar| text::width(&short(bar.value), READING)).fold(0.0, f64::max) + TO_READING
}

/// An axis of names, the first on top.
fn names<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> Axis {
    let count = names.len().max(1) as f64;
    let names = names.enumerate().map(|(n, name)| (n as f64 + 0.5, name.clone())).collect();
    Axis::names("", names, (count, 0.0))
}

impl Draw for Benchmarks {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        self.check()?;
        let mut frame =
            Frame::new(&self.title, self.axis(), names(self.workloads.iter().map(|(name, _)| name)));
        let modes = self.measured();
        let entry = |&mode: &usize| (Swatch::Bar(Look::nth(mode)), self.modes[mode].clone());
        frame.legend = modes.iter().map(entry).collect();
        frame.notes.extend(self.dropped().note());
        let bars = self.workloads.iter().flat_map(|(_, bars)| bars).filter(|bar| self.is_shown(bar.value));
        frame.side = reading_room(bars.copied());
        let plot = frame.draw(area)?;
        if self.workloads.is_empty() || self.modes.is_empty() {
            return plot.nothing();
        }
        // If there are few bars, they stay slim.
        let group = f64::from(plot.size().1) / f64::from(UNITS) / self.workloads.len() as f64;
        let thick = (0.82 / modes.len().max(1) as f64).min(34.0 / group);
        for (index, (_, bars)) in self.workloads.iter().enumerate() {
            let top = index as f64 + 0.5 - thick * modes.len() as f64 / 2.0;
            for (n, &mode) in modes.iter().enumerate() {
                let top = top + thick * n as f64;
                draw_bar(&plot, bars[mode], (top, top + thick), Look::nth(mode))?;
            }
        }
        Ok(())
    }
}

impl Picture for Benchmarks {
    /// The height grows with the number of bars.
    fn natural_size(&self) -> Size {
        let bars = self.workloads.len().saturating_mul(16 * self.modes.len() + 18);
        Size::new(900, 170 + bars.clamp(160, 2800) as u32)
    }

    /// Bars without a value, in modes that are shown, and on a logarithmic axis those not above 0.
    fn dropped(&self) -> Dropped {
        let mut dropped = Dropped::default();
        for bar in self.workloads.iter().flat_map(|(_, bars)| bars) {
            if !is_drawable(bar.value) {
                dropped.not_finite += 1;
            } else if !self.is_shown(bar.value) {
                dropped.not_positive += 1;
            }
        }
        dropped
    }
}

/// The permutation importance of features: how much a score drops when a feature's values are shuffled among the
/// samples. The most important feature comes first; whiskers show one standard deviation in each direction.
///
/// ```
/// use dualtape_plots::{Importance, Picture};
///
/// let items = [("sepal width", 0.01, 0.01), ("petal length", 0.31, 0.03), ("petal width", 0.24, 0.02)];
/// let picture = Importance::new("iris", "accuracy lost by shuffling the feature", items);
/// assert!(picture.svg(picture.natural_size())?.contains("petal length"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    title: String,
    score: String,
    /// Sorted by importance, those without a number last.
    items: Vec<(String, Bar)>,
}

impl Importance {
    /// The most features a picture shows; a note counts the others.
    ///
    /// ```
    /// use dualtape_plots::{Importance, Picture};
    /// let picture = Importance::new("", "accuracy lost", (0..23).map(|n| (format!("x{n}"), f64::from(n), 0.0)));
    /// assert!(picture.svg(picture.natural_size())?.contains("3 less important features are not shown"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST_BARS: usize = 20;

    /// `score` names the score. For each feature, `items` has its name, and the mean and standard deviation of the
    /// drop over repeats, in units of the score; in any order.
    ///
    /// ```
    /// use dualtape_plots::{Importance, Picture};
    /// let picture = Importance::new("", "R² lost", [("age", 0.1, 0.01), ("rooms", f64::NAN, 0.0)]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// ```
    pub fn new(
        title: &str,
        score: &str,
        items: impl IntoIterator<Item = (impl Into<String>, f64, f64)>,
    ) -> Self {
        let bar = |mean: f64, deviation: f64| Bar::new(mean, mean - deviation.abs(), mean + deviation.abs());
        let mut items: Vec<(String, Bar)> =
            items.into_iter().map(|(name, mean, deviation)| (name.into(), bar(mean, deviation))).collect();
        // The sort is stable: equal features keep their order.
        let rank = |bar: &Bar| if is_drawable(bar.value) { bar.value } else { f64::NEG_INFINITY };
        items.sort_by(|a, b| rank(&b.1).total_cmp(&rank(&a.1)));
        Self { title: title.to_owned(), score: score.to_owned(), items }
    }

    fn shown(&self) -> &[(String, Bar)] {
        let known = self.items.iter().filter(|(_, bar)| is_drawable(bar.value)).count();
        &self.items[..known.min(Self::MOST_BARS)]
    }
}

impl Draw for Importance {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        let shown = self.shown();
        let bars = || shown.iter().map(|(_, bar)| *bar);
        let mut frame = Frame::new(
            &self.title,
            axis_of(&self.score, bars(), false),
            names(shown.iter().map(|(name, _)| name)),
        );
        frame.side = reading_room(bars());
        frame.notes.extend(self.dropped().note());
        let more = self.items.len() - shown.len() - self.dropped().total();
        if more > 0 {
            frame.notes.push(format!("{more} less important features are not shown"));
        }
        frame.notes.push("whiskers: one deviation over the repeats".to_owned());
        let plot = frame.draw(area)?;
        for (n, &(_, bar)) in shown.iter().enumerate() {
            let half = (17.0 * f64::from(UNITS) * shown.len() as f64 / f64::from(plot.size().1)).min(0.38);
            let middle = n as f64 + 0.5;
            draw_bar(&plot, bar, (middle - half, middle + half), Look::solid(BLUE))?;
        }
        if shown.is_empty() { plot.nothing() } else { Ok(()) }
    }
}

impl Picture for Importance {
    /// The height grows with the number of features.
    fn natural_size(&self) -> Size {
        Size::new(900, 170 + 30 * self.shown().len().max(5) as u32)
    }

    /// Features whose mean is not finite.
    fn dropped(&self) -> Dropped {
        let not_finite = self.items.iter().filter(|(_, bar)| !is_drawable(bar.value)).count();
        Dropped { not_finite, not_positive: 0 }
    }
}
