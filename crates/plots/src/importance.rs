//! How much a model's score depends on each column.

use crate::axis::{Axis, Reading};
use crate::chart::Frame;
use crate::color::{BLUE, INK};
use crate::picture::sealed::Draw;
use crate::range::{self, is_drawable};
use crate::scene::{Area, units};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::{ErrorBar, Rectangle};

/// Permutation importance: how much a score gets worse when a column is shuffled, as bars with whiskers, the most important
/// column on top.
///
/// A whisker goes from the mean less a deviation to the mean and a deviation. Of many columns, the first
/// [`Importance::MOST_BARS`] are shown, and a note says how many more there are.
///
/// ```
/// use dualtape_plots::{Importance, Picture};
/// let columns = [("age", 0.02, 0.01), ("income", 0.31, 0.04)];
/// let picture = Importance::new("what matters", "loss of accuracy when shuffled", columns);
/// let svg = picture.svg(picture.natural_size())?;
/// assert!(svg.find("income") < svg.find("age"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    title: String,
    label: String,
    /// From the most important to the least.
    columns: Vec<(String, f64, f64)>,
    not_finite: usize,
}

impl Importance {
    /// The most bars a picture shows.
    ///
    /// ```
    /// use dualtape_plots::{Importance, Picture};
    /// let columns = (0..25).map(|n| (format!("column {n}"), f64::from(n), 0.0));
    /// let picture = Importance::new("", "loss of accuracy", columns);
    /// let svg = picture.svg(picture.natural_size())?;
    /// assert_eq!(svg.matches("column ").count(), Importance::MOST_BARS);
    /// assert!(svg.contains("5 less important columns are not shown"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST_BARS: usize = 20;

    /// Columns in any order: the name of each, the mean of its importance over repeats, and the deviation. `label` says
    /// what the score is. A column whose mean is not finite is left out; a deviation that is none has no whisker.
    ///
    /// ```
    /// use dualtape_plots::{Importance, Picture};
    /// let picture = Importance::new("", "loss of R²", [("age", f64::NAN, 0.1), ("income", 0.3, f64::NAN)]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// ```
    pub fn new<N: Into<String>>(
        title: &str,
        label: &str,
        columns: impl IntoIterator<Item = (N, f64, f64)>,
    ) -> Self {
        let all = columns.into_iter().map(|(name, mean, deviation)| (name.into(), mean, deviation));
        let (mut columns, unknown): (Vec<_>, Vec<_>) = all.partition(|(_, mean, _)| is_drawable(*mean));
        // Stable: of equal ones, the first stays first.
        columns.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self { title: title.to_owned(), label: label.to_owned(), columns, not_finite: unknown.len() }
    }

    fn shown(&self) -> &[(String, f64, f64)] {
        &self.columns[..self.columns.len().min(Self::MOST_BARS)]
    }
}

/// The ends of a whisker, if there is one.
fn whisker(mean: f64, deviation: f64) -> Option<(f64, f64)> {
    let ends = (mean - deviation.abs(), mean + deviation.abs());
    (deviation != 0.0 && is_drawable(ends.0) && is_drawable(ends.1)).then_some(ends)
}

impl Draw for Importance {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        let shown = self.shown();
        let names = shown.iter().enumerate().map(|(n, column)| (n as f64 + 0.5, column.0.clone())).collect();
        let ends = shown.iter().flat_map(|&(_, mean, deviation)| {
            let (low, high) = whisker(mean, deviation).unwrap_or((mean, mean));
            [low, high]
        });
        let bounds = range::bounds(ends).map(|bounds| bounds.and(0.0));
        let mut range = bounds.map(|bounds| bounds.with_air(0.04)).unwrap_or_default();
        if bounds.is_some_and(|bounds| bounds.low == 0.0) {
            range.low = 0.0;
        }
        let x = Axis::numbers(&self.label, range, Reading::Plain);
        let mut frame = Frame::new(&self.title, x, Axis::names("", names, shown.len().max(1) as f64));
        frame.notes.extend(self.dropped().note());
        match self.columns.len() - shown.len() {
            0 => {}
            1 => frame.notes.push("1 less important column is not shown".to_owned()),
            more => frame.notes.push(format!("{more} less important columns are not shown")),
        }
        let mut plot = frame.draw(area)?;
        if shown.is_empty() {
            return plot.nothing();
        }
        let bar = |(n, column): (usize, &(String, f64, f64))| {
            let n = n as f64;
            Rectangle::new([(0.0, n + 0.18), (column.1, n + 0.82)], BLUE.fill())
        };
        plot.chart.draw_series(shown.iter().enumerate().map(bar))?;
        let width = units((0.35 * plot.size.1 / shown.len() as f64).min(10.0)).unsigned_abs();
        let whiskers = shown.iter().enumerate().filter_map(|(n, &(_, mean, deviation))| {
            let (low, high) = whisker(mean, deviation)?;
            Some(ErrorBar::new_horizontal(n as f64 + 0.5, low, mean, high, INK.stroke(1.4), width))
        });
        plot.chart.draw_series(whiskers)?;
        if range.low < 0.0 {
            plot.line(vec![(0.0, 0.0), (0.0, shown.len() as f64)], INK, 1.0, None)?;
        }
        Ok(())
    }
}

impl Picture for Importance {
    /// Higher for more bars.
    fn natural_size(&self) -> Size {
        Size::new(900, 150 + 26 * self.shown().len().max(4) as u32)
    }

    /// Columns whose importance is not finite.
    fn dropped(&self) -> Dropped {
        Dropped { not_finite: self.not_finite, not_positive: 0 }
    }
}
