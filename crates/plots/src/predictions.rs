//! Predictions of a regression against their targets.

use crate::axis::{Axis, Reading, aired, bounds};
use crate::canvas::{Area, pixels, size, units};
use crate::chart::{Frame, Plot, titled};
use crate::legend::Swatch;
use crate::look::{BLUE, Look, Marker, RULE, WHITE, tint};
use crate::picture::sealed::Draw;
use crate::series::Series;
use crate::text::{TITLE, grouped};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::Polygon;
use plotters::style::{Color as _, RGBColor};
use std::collections::{BTreeMap, BTreeSet};

/// If more distinguishable points than this exist, hexagons are drawn instead.
const MOST_DOTS: usize = 1500;
/// The distance from the centre of a hexagon to its corners, in pixels.
const HEXAGON: f64 = 5.0;
/// The least width and height of each panel, in pixels.
const LEAST_PANEL: f64 = 200.0;

/// Predictions against targets, with the diagonal on which they would be exact, and next to it the residuals:
/// prediction minus target, against the prediction. If there are too many points to distinguish, hexagons show their
/// density.
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
    /// assert!(picture.svg(picture.natural_size())?.contains("predictions (2)"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let axes = ("target".to_owned(), "prediction".to_owned());
        Self { title: title.to_owned(), axes, pairs: Series::new("", pairs), notes: Vec::new() }
    }

    /// Sets the names of the axes.
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

    /// Sets a line of text above the axes, for a score.
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

/// Draws points as dots, or as hexagons if too many would cover each other.
fn draw_points(plot: &Plot<'_>, points: &[(f64, f64)]) -> Result<(), Error> {
    let mut taken = BTreeSet::new();
    let distinct: Vec<_> = points.iter().filter(|&&point| taken.insert(plot.square(point))).collect();
    if points.len() > MOST_DOTS && distinct.len() > MOST_DOTS / 3 {
        return draw_hexagons(plot, points);
    }
    let radius = if distinct.len() <= 400 { 3.4 } else { 2.4 };
    let dot = |&point: &(f64, f64)| {
        [(1.0, WHITE), (0.0, BLUE)].map(|(rim, color)| Marker::DISC.at(plot.at(point), radius + rim, color))
    };
    plot.draw(distinct.into_iter().flat_map(dot))
}

/// Counts points in hexagons, darker where there are more.
fn draw_hexagons(plot: &Plot<'_>, points: &[(f64, f64)]) -> Result<(), Error> {
    let mut counts: BTreeMap<(i32, i32), usize> = BTreeMap::new();
    for &point in points {
        *counts.entry(hexagon(plot.place(point))).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(1) as f64;
    for (&(across, along), &count) in &counts {
        let (x, y) = (f64::from(across) / 2.0 * WIDTH, f64::from(along) / 2.0 * 3.0 * HEXAGON);
        let corners = (0..6).map(|corner| {
            let (sin, cos) = (f64::from(corner) * std::f64::consts::FRAC_PI_3).sin_cos();
            (units(x + HEXAGON * sin), units(y + HEXAGON * cos))
        });
        let color = density((1.0 + count as f64).ln() / (1.0 + most).ln());
        plot.area().draw(&Polygon::new(corners.collect::<Vec<_>>(), color.filled()))?;
    }
    Ok(())
}

/// The distance between columns of hexagons, in pixels.
const WIDTH: f64 = 1.732_050_807_568_877_2 * HEXAGON;

/// The hexagon that contains a place: the nearer of two centres, one from each of the two lattices that they form.
fn hexagon((x, y): (i32, i32)) -> (i32, i32) {
    let (x, y) = (pixels(x) / WIDTH, pixels(y) / (3.0 * HEXAGON));
    let middles = [(x.round(), y.round()), (x.floor() + 0.5, y.floor() + 0.5)];
    let far = |(across, along): (f64, f64)| (x - across).powi(2) + 3.0 * (y - along).powi(2);
    let nearest = if far(middles[0]) <= far(middles[1]) { middles[0] } else { middles[1] };
    ((2.0 * nearest.0) as i32, (2.0 * nearest.1) as i32)
}

fn density(share: f64) -> RGBColor {
    tint(BLUE, 0.12 + 0.88 * share)
}

impl Predictions {
    fn draw_diagonal(&self, area: &Area<'_>) -> Result<(), Error> {
        let points = &self.pairs.points;
        let ends = aired(bounds(points.iter().flat_map(|&(x, y)| [x, y])), 0.05);
        let axis = |label: &str| Axis::numbers(label, ends, Reading::Plain);
        let mut frame = Frame::new("", axis(&self.axes.0), axis(&self.axes.1));
        frame.square = true;
        let dots = format!("predictions ({})", grouped(points.len() as u128));
        let sign = if points.len() > MOST_DOTS {
            (Swatch::Bar(Look::solid(density(0.5))), format!("{dots}; darker: more"))
        } else {
            (Swatch::Mark(Marker::DISC, BLUE, WHITE), dots)
        };
        let line = (Swatch::Line(Look::rule(), RULE, false), "exactly right".to_owned());
        let notes = self.notes.iter().map(|note| (Swatch::None, note.clone()));
        frame.legend = [sign, line].into_iter().chain(notes).collect();
        frame.notes.extend(self.dropped().note());
        draw_panel(frame, area, points, [(ends.0, ends.0), (ends.1, ends.1)])
    }

    fn draw_residuals(&self, area: &Area<'_>) -> Result<(), Error> {
        // The difference of enormous numbers may not be finite.
        let residual =
            |&(target, prediction): &(f64, f64)| (prediction, (prediction - target).clamp(-1e300, 1e300));
        let points: Vec<_> = self.pairs.points.iter().map(residual).collect();
        let (left, right) = aired(bounds(points.iter().map(|point| point.0)), 0.05);
        let heights = aired(bounds(points.iter().map(|point| point.1).chain([0.0])), 0.05);
        let x = Axis::numbers(&self.axes.1, (left, right), Reading::Plain);
        let y = Axis::numbers("residual: prediction − target", heights, Reading::Plain);
        let mut frame = Frame::new("", x, y);
        frame.legend = vec![(Swatch::Line(Look::rule(), RULE, false), "no error".to_owned())];
        draw_panel(frame, area, &points, [(left, 0.0), (right, 0.0)])
    }
}

/// Draws points, and the line on which predictions would be exact.
fn draw_panel(
    frame: Frame,
    area: &Area<'_>,
    points: &[(f64, f64)],
    exact: [(f64, f64); 2],
) -> Result<(), Error> {
    let plot = frame.draw(area)?;
    if points.is_empty() {
        return plot.nothing();
    }
    draw_points(&plot, points)?;
    plot.rule(exact, Look::rule())
}

impl Draw for Predictions {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        let area = titled(&area.margin(units(8.0), 0, 0, 0), &self.title, TITLE)?;
        let (width, height) = size(&area);
        let panels = if width >= height { (1, 2) } else { (2, 1) };
        if (width / panels.1 as f64).min(height / panels.0 as f64) < LEAST_PANEL {
            // No room for both.
            return self.draw_diagonal(&area);
        }
        let places = area.split_evenly(panels);
        self.draw_diagonal(&places[0])?;
        self.draw_residuals(&places[1])
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
