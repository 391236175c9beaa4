//! Measurements as bars with whiskers: workloads by modes.

use crate::axis::{Axis, Kind};
use crate::color::{self, Color, FADED, INK};
use crate::error::check_amount;
use crate::frame::{self, Frame, Plot};
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{self, Range, is_drawable};
use crate::scene::{Anchor, Rect, Scene};
use crate::text::{self, short};
use crate::ticks::Reading;
use crate::{Dropped, Error, Picture, Size};

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

/// Bars with whiskers, grouped by workload, one for each mode.
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

    /// One more workload, with one bar for each mode; a mode that was not measured has `Bar::exact(f64::NAN)`.
    /// Drawing fails with [`Error::Count`] if the bars are not as many as the modes.
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
        let mut axis = Axis::logarithms(&self.label, bounds, 0.0);
        if let (Kind::Logarithms { range }, Some(bounds)) = (&mut axis.kind, bounds) {
            // Down to a power of ten that leaves the shortest bar some length.
            let low = (bounds.low.log10() - 0.15).floor();
            let high = bounds.high.log10();
            *range = Range { low, high: high + 0.03 * (high - low) };
        }
        axis
    }

    /// One bar in its strip, with whisker and reading.
    fn draw_bar(&self, scene: &mut Scene, plot: &Plot, bar: Bar, strip: Rect, color: Color) {
        let size = (0.8 * strip.height()).min(READING);
        let readable = size >= 8.0;
        let middle = strip.center().1;
        if !self.is_shown(bar.value) {
            if readable {
                let place = (plot.area.left + 5.0, middle);
                scene.label("not shown", place, Anchor::Left, size, FADED);
            }
            return;
        }
        let foot = if self.logarithmic { plot.area.left } else { plot.x.of(0.0) };
        let end = plot.x.of(bar.value);
        scene.rect(Rect { left: foot.min(end), right: foot.max(end), ..strip }, color);
        let inside = |x: f64| x.clamp(plot.area.left, plot.area.right);
        let on_axis = |x: f64| if self.is_shown(x) { plot.x.of(x) } else { plot.area.left };
        let mut ends: Vec<f64> = bar.ends().map(|x| inside(on_axis(x))).collect();
        ends.sort_by(f64::total_cmp);
        let mut right = foot.max(end);
        if let [low, high] = ends[..]
            && high - low > 0.5
        {
            let cap = (0.28 * strip.height()).min(5.0);
            let width = (0.3 * strip.height()).min(1.3);
            scene.line(vec![(low, middle), (high, middle)], INK, width, color::SOLID);
            for x in [low, high] {
                scene.line(vec![(x, middle - cap), (x, middle + cap)], INK, width, color::SOLID);
            }
            right = right.max(high);
        }
        if readable {
            scene.label(&short(bar.value), (right + TO_READING, middle), Anchor::Left, size, INK);
        }
    }
}

impl Draw for Benchmarks {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        self.check()?;
        let names: Vec<String> = self.workloads.iter().map(|(name, _)| name.clone()).collect();
        let mut frame = Frame::new(&self.title, self.axis(), Axis::names("", &names));
        let entry = |(n, mode): (usize, &String)| Entry::new(Swatch::Box(color::nth(n)), mode);
        frame.legend = self.modes.iter().enumerate().map(entry).collect();
        frame.notes.extend(self.dropped().note());
        // Readings stand behind their bars, and the longest bar may end where the axis does.
        let shown = self.workloads.iter().flat_map(|(_, bars)| bars).filter(|bar| self.is_shown(bar.value));
        frame.side =
            shown.map(|bar| text::width(&short(bar.value), READING)).fold(0.0, f64::max) + TO_READING;
        let plot = frame.draw(scene, place);
        let group = plot.area.height() / names.len().max(1) as f64;
        // Few bars stay slim.
        let thick = (0.82 * group / self.modes.len().max(1) as f64).min(34.0);
        for (index, (_, bars)) in self.workloads.iter().enumerate() {
            let middle = plot.y.of_axis(index as f64 + 0.5);
            let top = middle - thick * bars.len() as f64 / 2.0;
            for (n, &bar) in bars.iter().enumerate() {
                let top = top + thick * n as f64;
                let gap = if thick > 6.0 { 1.0 } else { 0.0 };
                let strip = Rect { top: top + gap, bottom: top + thick - gap, ..plot.area };
                self.draw_bar(scene, &plot, bar, strip, color::nth(n));
            }
        }
        if self.workloads.is_empty() || self.modes.is_empty() {
            frame::nothing(scene, plot.area);
        }
        Ok(())
    }
}

impl Picture for Benchmarks {
    /// Higher for more bars.
    fn natural_size(&self) -> Size {
        let bars = self.workloads.len().saturating_mul(16 * self.modes.len() + 18);
        Size::new(900, 170 + bars.clamp(160, 2800) as u32)
    }

    /// Bars without a value, and on a logarithmic axis those not above 0.
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
