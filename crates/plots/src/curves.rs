//! Curves of any kind on one pair of axes: metrics of a run, or one metric of several runs.

use crate::color::Look;
use crate::lines::{Lines, Mark, Style, line_settings, picture_of_lines};
use crate::series::Series;

/// Named curves over each other: several runs to be compared, or several metrics of one.
///
/// Each curve has a colour and a dash of its own, from the ninth on with markers too; up to
/// [`Curves::MOST`] no two look alike. The n-th curve looks the same in every picture, so in the panels of a
/// [`Figure`](crate::Figure), give each all runs in the same order, those it does not know without points.
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
    /// The most curves a picture shows.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Error, Picture};
    /// let curves = (0..=Curves::MOST).fold(Curves::new("", "epoch", "loss"), |all, _| all.curve("a", []));
    /// assert!(matches!(curves.svg(curves.natural_size()), Err(Error::Amount { most: Curves::MOST, .. })));
    /// ```
    pub const MOST: usize = Look::MOST;

    /// A picture without curves.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let empty = Curves::new("two optimisers", "epoch", "validation loss");
    /// assert!(empty.svg(empty.natural_size())?.contains("two optimisers"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Self { style: Style::new(title, x_label, y_label), curves: Vec::new(), mark_lowest: false }
    }

    /// One more curve, through (x, y) from left to right. Without points, the legend does not name it.
    ///
    /// ```
    /// use dualtape_plots::{Curves, Picture};
    /// let losses = [(1.0, 0.9), (2.0, 0.5), (3.0, f64::INFINITY)];
    /// let curves = Curves::new("", "epoch", "loss").curve("adam", losses);
    /// assert_eq!(curves.dropped().not_finite, 1); // the others are drawn
    /// ```
    #[must_use]
    pub fn curve(mut self, name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.curves.push(Series::new(name, points));
        self
    }

    /// Whether the vertical axis reads as percentages of 1, as for accuracy; it then reaches up to 100 %.
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
        self.style.percent = percent;
        self
    }

    /// Whether the lowest raw point of each curve is marked.
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

    line_settings!(log_axis smoothing);

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

picture_of_lines!(Curves);
