//! Curves of any kind on one pair of axes: metrics of a run, or one metric of several runs.

use crate::lines::{Lines, Look, Mark, Smoothing, Style};
use crate::picture::sealed::Draw;
use crate::scene::{Rect, Scene};
use crate::series::Series;
use crate::{Dropped, Error, Picture};

/// Named curves over each other: several runs to be compared, or several metrics of one.
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
    style: Style,
    curves: Vec<Series>,
    mark_lowest: bool,
}

impl Curves {
    /// A picture without curves.
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Self { style: Style::new(title, x_label, y_label), curves: Vec::new(), mark_lowest: false }
    }

    /// One more curve, through (x, y) from left to right.
    #[must_use]
    pub fn curve(mut self, name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.curves.push(Series::new(name, points));
        self
    }

    /// Whether the vertical axis is logarithmic; points not above 0 are left out there.
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.style.logarithmic = logarithmic;
        self
    }

    /// Whether the vertical axis reads as percentages of 1, as for accuracy; it then reaches up to 100 %.
    #[must_use]
    pub fn percent(mut self, percent: bool) -> Self {
        self.style.percent = percent;
        self
    }

    /// As [`LossCurves::smoothing`](crate::LossCurves::smoothing).
    #[must_use]
    pub fn smoothing(mut self, weight: f64) -> Self {
        self.style.smoothing = Smoothing::Weight(weight);
        self
    }

    /// Whether the lowest raw point of each curve is marked.
    #[must_use]
    pub fn mark_lowest(mut self, mark: bool) -> Self {
        self.mark_lowest = mark;
        self
    }

    fn lines(&self) -> Lines<'_> {
        let curves: Vec<_> =
            self.curves.iter().enumerate().map(|(n, series)| (series, Look::nth(n))).collect();
        let marked = curves.iter().filter(|_| self.mark_lowest);
        let mark = |(first, (x, y), look): (bool, (f64, f64), Look)| {
            let text = if first { "lowest".to_owned() } else { String::new() };
            Mark { x, y: Some(y), color: look.color, text, line: false }
        };
        let lowest = marked.filter_map(|(series, look)| Some((series.lowest()?, *look)));
        let marks = lowest.enumerate().map(|(n, (point, look))| mark((n == 0, point, look))).collect();
        Lines { style: &self.style, curves, threshold: None, marks }
    }
}

impl Draw for Curves {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        self.lines().draw(scene, place)
    }
}

impl Picture for Curves {
    fn dropped(&self) -> Dropped {
        self.lines().dropped()
    }
}
