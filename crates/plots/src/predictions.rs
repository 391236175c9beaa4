//! Predictions of a regression against what they should be.

use crate::axis::{Axis, Reading};
use crate::chart::{Frame, Plot, bar_room, has_room_for_bar, titled};
use crate::color::{self, BLUE, Color, INK, Marker, WHITE};
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{self, Range};
use crate::scene::{Area, extent, part, units};
use crate::series::Series;
use crate::text::{TITLE, grouped};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::Rectangle;
use std::collections::BTreeMap;

/// So many pairs are dots; of more, only their density can be seen.
const MOST_DOTS: usize = 1000;
/// The side of a square in which pairs are counted, in pixels.
const BIN: f64 = 6.0;
/// The least room for a panel of residuals, in pixels.
const LEAST_PANEL: f64 = 240.0;

/// Predictions against targets, with the diagonal on which they would be right, and in a second panel the residuals,
/// prediction − target.
///
/// More than a thousand pairs are drawn as a density: squares, the darker the more pairs they hold. In a picture too
/// small for two panels there are no residuals.
///
/// ```
/// use dualtape_plots::{Picture, Predictions};
///
/// let pairs = (0..50).map(|i| (f64::from(i), f64::from(i) + (f64::from(i) * 1.7).sin()));
/// let picture = Predictions::new("validation", pairs).note("R² = 0.998, mean absolute error 0.63");
/// assert!(picture.svg(picture.natural_size())?.contains("R² = 0.998"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    title: String,
    axes: (String, String),
    pairs: Series,
    notes: Vec<String>,
}

impl Predictions {
    /// Pairs of target and prediction; the axes are called "target" and "prediction".
    ///
    /// ```
    /// use dualtape_plots::{Picture, Predictions};
    /// let picture = Predictions::new("houses", [(1.0, 1.1), (2.0, 1.9), (3.0, f64::NAN)]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// assert!(picture.svg(picture.natural_size())?.contains("2 predictions"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let axes = ("target".to_owned(), "prediction".to_owned());
        Self { title: title.to_owned(), axes, pairs: Series::new("", pairs), notes: Vec::new() }
    }

    /// Other names for the axes.
    ///
    /// ```
    /// use dualtape_plots::{Picture, Predictions};
    /// let picture = Predictions::new("houses", [(1.0, 1.1)]).axes("price paid", "price predicted");
    /// assert!(picture.svg(picture.natural_size())?.contains("price paid"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        self.axes = (x_label.to_owned(), y_label.to_owned());
        self
    }

    /// A line above the axes, for a score.
    ///
    /// ```
    /// use dualtape_plots::{Picture, Predictions};
    /// let picture = Predictions::new("houses", [(1.0, 1.1)]).note("mean absolute error 0.1");
    /// assert!(picture.svg(picture.natural_size())?.contains("mean absolute error 0.1"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }
}

/// Pairs and what they are drawn on.
struct Panel<'a> {
    frame: Frame,
    points: &'a [(f64, f64)],
}

impl Panel<'_> {
    /// Draws all but the line on which predictions are right.
    fn draw(mut self, area: &Area) -> Result<Plot, Error> {
        let dense = self.points.len() > MOST_DOTS;
        let bar = dense && has_room_for_bar(area);
        if bar {
            // Room for readings of any count.
            let all = Range { low: 0.0, high: self.points.len() as f64 };
            self.frame.side = bar_room(&Axis::numbers("pairs", all, Reading::Whole), 200.0);
        }
        let mut plot = self.frame.draw(area)?;
        if !dense {
            let dots = self.points.iter().flat_map(|&point| {
                [(4.2, WHITE), (3.2, BLUE)].map(|(radius, color)| Marker::Disc.at(point, radius, color))
            });
            plot.chart.draw_series(dots)?;
            return Ok(plot);
        }
        let most = draw_density(&plot, self.points)?;
        if bar {
            let counts = Axis::numbers("pairs", Range { low: 0.0, high: most }, Reading::Whole);
            plot.color_bar(&counts, |count| shade(count, most))?;
        }
        plot.outline()?;
        Ok(plot)
    }
}

/// Counts pairs in squares and shades these; the greatest count.
fn draw_density(plot: &Plot, points: &[(f64, f64)]) -> Result<f64, Error> {
    let (inside, side) = (plot.inside(), units(BIN));
    let (left, top) = inside.get_base_pixel();
    let mut counts = BTreeMap::<(i32, i32), u32>::new();
    for &point in points {
        let (x, y) = plot.at(point);
        *counts.entry(((x - left) / side, (y - top) / side)).or_default() += 1;
    }
    let most = f64::from(counts.values().copied().max().unwrap_or(1));
    let (right, bottom) = (units(plot.size.0), units(plot.size.1));
    for ((column, row), count) in counts {
        let (x, y) = (column * side, row * side);
        let corners = [(x, y), ((x + side).min(right), (y + side).min(bottom))];
        inside.draw(&Rectangle::new(corners, shade(f64::from(count), most).fill()))?;
    }
    Ok(most)
}

/// Counts by their square roots, so that a single pair shows beside thousands.
fn shade(count: f64, most: f64) -> Color {
    BLUE.tint(0.15 + 0.85 * (count / most).sqrt())
}

impl Predictions {
    /// Predictions on the diagonal, or residuals about zero.
    fn draw_panel(&self, area: &Area, residuals: bool) -> Result<(), Error> {
        let both = |&(target, prediction): &(f64, f64)| (target, prediction - target);
        let pairs = self.pairs.points();
        let points = if residuals { pairs.iter().map(both).collect() } else { pairs.to_vec() };
        let range = |numbers: &mut dyn Iterator<Item = f64>| {
            range::bounds(numbers).map(|range| range.with_air(0.05)).unwrap_or_default()
        };
        let all = range(&mut pairs.iter().flat_map(|&(x, y)| [x, y]));
        let (x, y, label) = if residuals {
            let zero = std::iter::once(0.0);
            let heights = range(&mut points.iter().map(|point| point.1).chain(zero));
            (range(&mut points.iter().map(|point| point.0)), heights, "residual (prediction − target)")
        } else {
            (all, all, self.axes.1.as_str())
        };
        let axis = |label: &str, range| Axis::numbers(label, range, Reading::Plain);
        let mut frame = Frame::new("", axis(&self.axes.0, x), axis(label, y));
        frame.square = !residuals;
        let right =
            if residuals { (x.low, 0.0)..(x.high, 0.0) } else { (all.low, all.low)..(all.high, all.high) };
        let mut plot = Panel { frame, points: &points }.draw(area)?;
        if points.is_empty() {
            return plot.nothing();
        }
        plot.line(vec![right.start, right.end], INK, 1.4, color::DASHED)
    }
}

impl Draw for Predictions {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        let inner = area.margin(units(12.0), 0, units(12.0), units(12.0));
        let inner = titled(&inner, &self.title, TITLE)?;
        let count = self.pairs.points().len();
        let text = format!("{} {}", grouped(count), if count == 1 { "prediction" } else { "predictions" });
        let dots = if count > MOST_DOTS {
            Swatch::Box { color: BLUE, edge: BLUE }
        } else {
            Swatch::Marker { marker: Marker::Disc, color: BLUE, rim: WHITE }
        };
        let diagonal = Swatch::Line { color: INK, width: 1.4, dash: color::DASHED, marker: None };
        let mut entries = vec![Entry::new(dots, text), Entry::new(diagonal, "exactly right")];
        entries.extend(self.notes.iter().map(|note| Entry::new(Swatch::None, note)));
        entries.extend(self.dropped().note().map(|note| Entry::new(Swatch::None, note)));
        let rows = ((extent(&inner).1 / 90.0) as usize).max(1);
        let inner = crate::legend::draw(&inner, &entries, rows)?;
        let (width, height) = extent(&inner);
        let (beside, below) = (width >= 2.0 * LEAST_PANEL, height >= 2.0 * LEAST_PANEL);
        let panels = match (beside, below) {
            (true, _) => inner.split_evenly((1, 2)),
            (_, true) => inner.split_evenly((2, 1)),
            _ => vec![part(&inner, (0.0, 0.0), (width, height))],
        };
        panels.iter().enumerate().try_for_each(|(n, panel)| self.draw_panel(panel, n == 1))
    }
}

impl Picture for Predictions {
    fn natural_size(&self) -> Size {
        Size::new(1040, 560)
    }

    fn dropped(&self) -> Dropped {
        self.pairs.dropped(false)
    }
}
