//! Bars with whiskers: benchmarks by workload and mode, and the importance of features.

use crate::axis::{Axis, Reading, bounds, is_drawable, is_shown, with_air};
use crate::canvas::{Area, pixels, units};
use crate::chart::{Frame, Plot};
use crate::error::check_amount;
use crate::legend::{Entry, Swatch};
use crate::look::{BLUE, FADED, INK, Look, WHITE, stroke};
use crate::picture::sealed::Draw;
use crate::text::{self, short};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, RGBColor};

/// The largest and the least font size of a bar's label, in pixels per em, and its distance to the bar.
const READING: f64 = 11.0;
const LEAST_READING: f64 = 8.0;
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

    /// The ends of the whisker, if both can be drawn.
    fn ends(self) -> impl Iterator<Item = f64> + Clone {
        let ends = [self.low, self.high];
        ends.into_iter().filter(move |_| ends.iter().all(|&end| is_drawable(end)))
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
        let (title, label) = (title.to_owned(), label.to_owned());
        Self { title, label, modes, workloads: Vec::new(), logarithmic: false }
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

    /// The modes that any workload measured; the others are hidden, but their looks are not reused.
    fn measured(&self) -> Vec<usize> {
        let given = |mode: &usize| self.workloads.iter().any(|(_, bars)| !bars[*mode].value.is_nan());
        (0..self.modes.len()).filter(|mode| self.workloads.is_empty() || given(mode)).collect()
    }
}

/// Groups of bars, one group below the other.
struct Groups<'a> {
    axis: Axis,
    /// Bars with their looks.
    groups: Vec<(&'a str, Vec<(Bar, Look)>)>,
}

impl<'a> Groups<'a> {
    /// The axis contains bars and whiskers. On a linear one, bars start at 0.
    fn new(label: &str, groups: Vec<(&'a str, Vec<(Bar, Look)>)>, logarithmic: bool) -> Self {
        let bars =
            groups.iter().flat_map(|(_, bars)| bars).filter(|(bar, _)| is_shown(bar.value, logarithmic));
        let numbers = bars.flat_map(|(bar, _)| bar.ends().chain([bar.value]).collect::<Vec<_>>());
        let bounds = bounds(numbers.filter(|&number| is_shown(number, logarithmic)));
        let axis = if logarithmic {
            // The axis starts at a power of ten low enough to give the shortest bar some length.
            let ends = bounds.map(|(low, high)| {
                let low = (low.log10() - 0.15).floor().max(-305.0);
                (10f64.powf(low), 10f64.powf(high.log10() + 0.03 * (high.log10() - low)))
            });
            Axis::logarithmic(label, ends, 0.0)
        } else {
            let (low, high) = bounds.map_or((0.0, 1.0), |(low, high)| (low.min(0.0), high.max(0.0)));
            let aired = with_air((low, high), 0.03);
            Axis::numbers(label, (if low < 0.0 { aired.0 } else { 0.0 }, aired.1), Reading::Plain)
        };
        Self { axis, groups }
    }

    fn is_shown(&self, number: f64) -> bool {
        is_shown(number, self.axis.is_logarithmic())
    }

    /// Where bars start.
    fn foot(&self) -> f64 {
        if self.axis.is_logarithmic() { self.axis.ends.0 } else { 0.0 }
    }

    fn draw(
        &self,
        title: &str,
        legend: Vec<Entry>,
        notes: Vec<String>,
        area: &Area<'_>,
    ) -> Result<(), Error> {
        let count = self.groups.len();
        let names = self.groups.iter().enumerate().map(|(n, (name, _))| (n as f64 + 0.5, (*name).to_owned()));
        let names = Axis::names("", names.collect(), (count.max(1) as f64, 0.0));
        // The longest bar may end where the axis does, and its label stands beside it.
        let bars = self.groups.iter().flat_map(|(_, bars)| bars).filter(|(bar, _)| self.is_shown(bar.value));
        let widest = bars.map(|(bar, _)| text::width(&short(bar.value), READING)).fold(0.0, f64::max);
        let frame = Frame::new(title, self.axis.clone(), names);
        let plot = Frame { legend, notes, side: widest + TO_READING, ..frame }.draw(area)?;
        let most = self.groups.iter().map(|(_, bars)| bars.len()).max().unwrap_or(0);
        if most == 0 {
            return plot.nothing();
        }
        // If there are few bars, they stay slim.
        let group = plot.size().1 / count as f64;
        let share = (0.82 / most as f64).min(34.0 / group);
        for (n, (_, bars)) in self.groups.iter().enumerate() {
            for (m, (bar, look)) in bars.iter().enumerate() {
                let middle = n as f64 + 0.5 + share * (m as f64 + 0.5 - most as f64 / 2.0);
                self.draw_bar(&plot, *bar, *look, (middle, share, share * group))?;
            }
        }
        Ok(())
    }

    /// Draws a bar around this height of the chart, with whisker, marker and label; its thickness is given in the chart
    /// and in pixels.
    fn draw_bar(
        &self,
        plot: &Plot<'_>,
        bar: Bar,
        look: Look,
        (middle, share, thick): (f64, f64, f64),
    ) -> Result<(), Error> {
        let em = (0.86 * thick).min(READING);
        let write = |text: &str, (x, y): (i32, i32), color: RGBColor| {
            if em < LEAST_READING {
                return Ok(());
            }
            plot.write(text, (x + units(TO_READING), y), (em, color, HPos::Left))
        };
        let start = plot.place((self.foot(), middle));
        if !self.is_shown(bar.value) {
            return write("not shown", start, FADED);
        }
        let corner = |x: f64, side: f64| plot.at((x, middle + side * share / 2.0));
        let mut rectangle =
            Rectangle::new([corner(self.foot(), -1.0), corner(bar.value, 1.0)], look.color.filled());
        let gap = if thick > 6.0 { units(1.0) as u32 } else { 0 };
        rectangle.set_margin(gap, gap, 0, 0);
        plot.draw([rectangle])?;
        let (end, y) = plot.place((bar.value, middle));
        if look.marked && pixels((end - start.0).abs()) > 14.0 {
            let at = (start.0 + (end - start.0).signum() * units(8.0), y);
            plot.area().draw(&look.marker.at(at, (0.3 * thick).min(3.2), WHITE))?;
        }
        let whisker =
            bar.ends().map(|at| plot.place((if self.is_shown(at) { at } else { self.foot() }, middle)).0);
        let (low, high) = (whisker.clone().min().unwrap_or(end), whisker.max().unwrap_or(end));
        if high - low > 5 {
            // plotters' error bar marks the value with a disc as wide as its caps, which hides short whiskers.
            let (cap, style) = (units((0.28 * thick).min(5.0)), stroke(INK, (0.3 * thick).min(1.3)));
            let cap = |x: i32| [(x, y - cap), (x, y + cap)];
            for ends in [[(low, y), (high, y)], cap(low), cap(high)] {
                plot.area().draw(&PathElement::new(ends, style))?;
            }
        }
        write(&short(bar.value), (end.max(start.0).max(high), y), INK)
    }
}

impl Draw for Benchmarks {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        self.check()?;
        let modes = self.measured();
        let looks = |bars: &[Bar]| modes.iter().map(|&mode| (bars[mode], Look::nth(mode))).collect();
        let groups = self.workloads.iter().map(|(name, bars)| (name.as_str(), looks(bars))).collect();
        let groups = Groups::new(&self.label, groups, self.logarithmic);
        let legend =
            modes.iter().map(|&mode| (Swatch::Bar(Look::nth(mode)), self.modes[mode].clone())).collect();
        groups.draw(&self.title, legend, self.dropped().note().into_iter().collect(), area)
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
            } else if !is_shown(bar.value, self.logarithmic) {
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
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        let shown = self.shown();
        let more = self.items.len() - shown.len() - self.dropped().total();
        let more = (more > 0).then(|| format!("{more} less important features are not shown"));
        let whiskers = "whiskers: one deviation over the repeats".to_owned();
        let notes = self.dropped().note().into_iter().chain(more).chain([whiskers]).collect();
        let groups = shown.iter().map(|(name, bar)| (name.as_str(), vec![(*bar, Look::solid(BLUE))]));
        Groups::new(&self.score, groups.collect(), false).draw(&self.title, Vec::new(), notes, area)
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
