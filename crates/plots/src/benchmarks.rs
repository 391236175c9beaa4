//! Measurements as bars with whiskers: workloads by modes.

use crate::axis::{Axis, Reading};
use crate::chart::{Frame, Plot};
use crate::color::{self, Color, FADED, INK};
use crate::error::check_amount;
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{self, Range, is_drawable};
use crate::scene::{Area, units};
use crate::text::{self, short};
use crate::{Dropped, Error, Picture, Size, font};
use plotters::element::{ErrorBar, Rectangle};
use plotters::style::text_anchor::HPos;

/// The largest size of a bar's reading, in pixels to an em, and its distance to the bar.
const READING: f64 = 11.0;
const TO_READING: f64 = 5.0;

/// A measured value with the ends of its whisker: a confidence interval, or the range of the measurements.
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
    measured: bool,
}

impl Bar {
    /// A value, and from where to where its whisker goes, in either order; without both ends there is no
    /// whisker. On a logarithmic axis, an end that is not above 0 is where the axis begins.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Picture};
    /// let picture = Benchmarks::new("gradient", "time in µs", ["tape"])
    ///     .workload("n = 10", [Bar::new(2.4, 2.3, 2.6)]);
    /// assert!(picture.svg(picture.natural_size())?.contains("2.4"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const fn new(value: f64, low: f64, high: f64) -> Self {
        Self { value, low, high, measured: true }
    }

    /// A value without a whisker.
    ///
    /// ```
    /// assert_eq!(dualtape_plots::Bar::exact(24.0), dualtape_plots::Bar::new(24.0, 24.0, 24.0));
    /// ```
    pub const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value, measured: true }
    }

    /// What was not measured.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Picture};
    /// let picture = Benchmarks::new("gradient", "time in µs", ["forward", "reverse"])
    ///     .workload("n = 10", [Bar::exact(1.2), Bar::unmeasured()]);
    /// assert_eq!(picture.dropped().total(), 0); // unlike a measurement that is not finite
    /// ```
    pub const fn unmeasured() -> Self {
        Self { value: f64::NAN, low: f64::NAN, high: f64::NAN, measured: false }
    }

    /// The ends of the whisker that can be drawn.
    fn ends(self) -> impl Iterator<Item = f64> {
        [self.low, self.high].into_iter().filter(|&end| is_drawable(end))
    }
}

/// Bars with whiskers, grouped by workload, one for each mode.
///
/// The n-th mode has the same colour in every picture: in the panels of a [`Figure`](crate::Figure), give each all modes
/// in the same order. A mode that was measured in none of a picture's workloads takes no room there.
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

    /// The most modes: as many as there are colours that differ.
    ///
    /// ```
    /// use dualtape_plots::{Benchmarks, Error, Picture};
    /// let modes = (0..=Benchmarks::MOST_MODES).map(|n| n.to_string());
    /// let picture = Benchmarks::new("", "time in µs", modes);
    /// let refused = picture.svg(picture.natural_size());
    /// assert!(matches!(refused, Err(Error::Amount { most: Benchmarks::MOST_MODES, .. })));
    /// ```
    pub const MOST_MODES: usize = 24;

    /// A picture without bars; `label` says what is measured, and in what unit.
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

    /// One more workload, with one bar for each mode; a mode that was not measured has [`Bar::unmeasured`].
    /// Drawing fails with [`Error::Count`] if the bars are not as many as the modes.
    ///
    /// ```
    /// use dualtape_plots::{Bar, Benchmarks, Error, Picture};
    /// let both = || Benchmarks::new("gradient", "time in µs", ["forward", "reverse"]);
    /// let infinite = both().workload("n = 10", [Bar::exact(1.2), Bar::exact(f64::INFINITY)]);
    /// assert_eq!(infinite.dropped().total(), 1);
    /// let short = both().workload("n = 10", [Bar::exact(1.2)]);
    /// assert!(matches!(short.svg(short.natural_size()), Err(Error::Count { given: 1, expected: 2, .. })));
    /// ```
    #[must_use]
    pub fn workload(mut self, name: &str, bars: impl IntoIterator<Item = Bar>) -> Self {
        self.workloads.push((name.to_owned(), bars.into_iter().collect()));
        self
    }

    /// Whether the values stand on a logarithmic axis, where those not above 0 are left out.
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
        is_drawable(value) && (!self.logarithmic || value > 0.0)
    }

    fn check(&self) -> Result<(), Error> {
        for (name, bars) in &self.workloads {
            if bars.len() != self.modes.len() {
                let what = format!("bars of the workload '{name}', one for each mode");
                return Err(Error::Count { what, given: bars.len(), expected: self.modes.len() });
            }
        }
        check_amount("modes", self.modes.len(), 0, Self::MOST_MODES)?;
        check_amount("bars", self.modes.len().saturating_mul(self.workloads.len()), 0, Self::MOST_BARS)
    }

    fn axis(&self) -> Axis {
        let bars = self.workloads.iter().flat_map(|(_, bars)| bars).filter(|bar| self.is_shown(bar.value));
        let numbers =
            bars.flat_map(|bar| bar.ends().chain([bar.value])).filter(|&number| self.is_shown(number));
        let bounds = range::bounds(numbers);
        if !self.logarithmic {
            // Bars start at 0.
            let range = bounds.map_or(Range::default(), |bounds| bounds.and(0.0).with_air(0.03));
            let low = if bounds.is_some_and(|bounds| bounds.low < 0.0) { range.low } else { 0.0 };
            return Axis::numbers(&self.label, Range { low, high: range.high }, Reading::Plain);
        }
        // Down to a power of ten that leaves the shortest bar some length.
        let range = bounds.map_or_else(
            || range::with_logarithmic_air(None, 0.0),
            |bounds| {
                let low = (bounds.low.log10() - 0.15).floor().max(-305.0);
                let high = bounds.high.log10();
                Range { low: 10f64.powf(low), high: 10f64.powf(high + 0.03 * (high - low)) }
            },
        );
        Axis::logarithms(&self.label, range)
    }

    /// The modes that have a bar here.
    fn shown_modes(&self) -> Vec<usize> {
        let measured = |mode: &usize| {
            self.workloads.iter().any(|(_, bars)| bars.get(*mode).is_some_and(|bar| bar.measured))
        };
        let shown: Vec<usize> = (0..self.modes.len()).filter(measured).collect();
        if shown.is_empty() { (0..self.modes.len()).collect() } else { shown }
    }

    /// One bar in its strip, from one height to another, with whisker and reading.
    fn draw_bar(
        &self,
        plot: &mut Plot,
        bar: Bar,
        (top, bottom): (f64, f64),
        color: Color,
    ) -> Result<(), Error> {
        let thick = f64::from(plot.at((0.0, bottom)).1 - plot.at((0.0, top)).1) / crate::scene::UNITS;
        let size = (0.8 * thick).min(READING);
        let range = plot.chart.plotting_area().get_x_range();
        let middle = top.midpoint(bottom);
        let inside = plot.inside();
        let (left, up) = inside.get_base_pixel();
        let write = |plot: &Plot, at: f64, text: &str, color: Color| {
            let (x, y) = plot.at((at, middle));
            let place = (x - left + units(TO_READING), y - up);
            inside.draw_text(text, &font::about(size, HPos::Left, color), place)
        };
        let readable = size >= 8.0;
        let from = if self.logarithmic { range.start } else { 0.0 };
        if !self.is_shown(bar.value) {
            if readable {
                write(plot, from, if bar.measured { "not shown" } else { "not measured" }, FADED)?;
            }
            return Ok(());
        }
        let gap = if thick > 6.0 { 0.08 * (bottom - top) } else { 0.0 };
        let mut body = vec![Rectangle::new([(from, top + gap), (bar.value, bottom - gap)], color.fill())];
        if color.text() == INK {
            body.push(Rectangle::new([(from, top + gap), (bar.value, bottom - gap)], INK.stroke(0.6)));
        }
        plot.chart.draw_series(body)?;
        let ends: Vec<f64> =
            bar.ends().map(|end| if self.is_shown(end) { end } else { range.start }).collect();
        let mut last = bar.value;
        if let ([a, b], true) = (&ends[..], bar.low != bar.high) {
            last = last.max(*a).max(*b);
            let (low, high) = (a.min(*b), a.max(*b));
            let width = units(0.35 * thick).unsigned_abs();
            let whisker = ErrorBar::new_horizontal(middle, low, bar.value, high, INK.stroke(1.2), width);
            plot.chart.draw_series([whisker])?;
        }
        if readable {
            write(plot, last, &short(bar.value), INK)?;
        }
        Ok(())
    }
}

impl Draw for Benchmarks {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        self.check()?;
        let names = self.workloads.iter().enumerate().map(|(n, (name, _))| (n as f64 + 0.5, name.clone()));
        let length = self.workloads.len().max(1) as f64;
        let mut frame = Frame::new(&self.title, self.axis(), Axis::names("", names.collect(), length));
        let modes = self.shown_modes();
        let entry = |&n: &usize| {
            let color = color::nth(n);
            Entry::new(
                Swatch::Box { color, edge: if color.text() == INK { INK } else { color } },
                &self.modes[n],
            )
        };
        frame.legend = modes.iter().map(entry).collect();
        frame.notes.extend(self.dropped().note());
        // Readings stand behind their bars, and the longest bar may end where the axis does.
        let shown = self.workloads.iter().flat_map(|(_, bars)| bars).filter(|bar| self.is_shown(bar.value));
        frame.side =
            shown.map(|bar| text::width(&short(bar.value), READING)).fold(0.0, f64::max) + TO_READING;
        let mut plot = frame.draw(area)?;
        // Few bars stay slim.
        let slot = plot.size.1 / length;
        let thick = (0.82 / modes.len().max(1) as f64).min(34.0 / slot);
        for (index, (_, bars)) in self.workloads.iter().enumerate() {
            let first = index as f64 + 0.5 - thick * modes.len() as f64 / 2.0;
            for (n, &mode) in modes.iter().enumerate() {
                let top = first + thick * n as f64;
                self.draw_bar(&mut plot, bars[mode], (top, top + thick), color::nth(mode))?;
            }
        }
        if self.workloads.is_empty() || self.modes.is_empty() { plot.nothing() } else { Ok(()) }
    }
}

impl Picture for Benchmarks {
    /// Higher for more bars.
    fn natural_size(&self) -> Size {
        let bars = self.workloads.len().saturating_mul(16 * self.shown_modes().len() + 18);
        Size::new(900, 170 + bars.clamp(160, 2800) as u32)
    }

    /// Bars without a value, and on a logarithmic axis those not above 0.
    fn dropped(&self) -> Dropped {
        let mut dropped = Dropped::default();
        for bar in self.workloads.iter().flat_map(|(_, bars)| bars).filter(|bar| bar.measured) {
            if !is_drawable(bar.value) {
                dropped.not_finite += 1;
            } else if !self.is_shown(bar.value) {
                dropped.not_positive += 1;
            }
        }
        dropped
    }
}
