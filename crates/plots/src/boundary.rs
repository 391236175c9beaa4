//! What a classifier of two inputs decides where, and the points it was to decide about.

use crate::axis::Axis;
use crate::color::{self, Color, INK, UNKNOWN, WHITE};
use crate::contour;
use crate::error::check_amount;
use crate::frame::{Frame, Plot};
use crate::grid::winner;
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{Range, is_drawable};
use crate::scene::{Marker, Rect, Scene};
use crate::ticks::Reading;
use crate::{Dropped, Error, Picture, ScoreGrid, Size, colorbar, scatter};

/// Pixels between samples of the shading.
const FINE: f64 = 2.0;
/// Shades on each side of zero.
const SHADES: f64 = 10.0;
/// How much of a colour shades the plane; full colours are for points.
const STRENGTH: f64 = 0.6;

/// The decision boundary of a classifier of two inputs: its shaded score with the line where it is zero, or the
/// regions of several classes, and points on top.
///
/// ```
/// use dualtape_plots::{DecisionBoundary, Picture, ScoreGrid, Window};
///
/// let points = [([0.0, 0.1], 0), ([0.2, 0.0], 0), ([1.0, 0.9], 1)];
/// let window = Window::around(points.iter().map(|point| point.0));
/// let grid = ScoreGrid::of_score(window, 100, 100, |[x, y]| x + y - 1.0)?;
/// let picture = DecisionBoundary::new("two blobs", grid).points(points).classes(["near", "far"]);
/// assert!(picture.svg(picture.natural_size())?.contains("near"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionBoundary {
    title: String,
    axes: (String, String),
    grid: ScoreGrid,
    classes: Vec<String>,
    /// The points of each class.
    points: Vec<Vec<(f64, f64)>>,
    not_finite: usize,
    /// A class that the grid does not know.
    unknown_class: Option<usize>,
}

impl DecisionBoundary {
    /// The boundary of these scores, without points; the axes are called "x₁" and "x₂".
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ScoreGrid::of_score(window, 20, 20, |[x, y]| x - y)?;
    /// let picture = DecisionBoundary::new("above or below", grid);
    /// assert!(picture.svg(picture.natural_size())?.contains("x₂"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, grid: ScoreGrid) -> Self {
        let axes = ("x₁".to_owned(), "x₂".to_owned());
        let points = vec![Vec::new(); grid.outputs.max(2)];
        let classes = Vec::new();
        Self { title: title.to_owned(), axes, grid, classes, points, not_finite: 0, unknown_class: None }
    }

    /// More points with their classes, counted from 0. Drawing fails with [`Error::Amount`] if there is no such
    /// class: two for a single score, otherwise one for each.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Error, Picture, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ScoreGrid::of_score(window, 20, 20, |[x, y]| x - y)?;
    /// let picture = DecisionBoundary::new("a", grid).points([([0.2, 0.8], 0), ([0.9, f64::NAN], 1)]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// let picture = picture.points([([0.5, 0.5], 2)]); // there are classes 0 and 1
    /// assert!(matches!(picture.svg(picture.natural_size()), Err(Error::Amount { given: 2, most: 1, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn points(mut self, points: impl IntoIterator<Item = ([f64; 2], usize)>) -> Self {
        for ([x, y], class) in points {
            match self.points.get_mut(class) {
                None => self.unknown_class = Some(class),
                Some(_) if !(is_drawable(x) && is_drawable(y)) => self.not_finite += 1,
                Some(points) => points.push((x, y)),
            }
        }
        self
    }

    /// Names of the classes; drawing fails with [`Error::Count`] unless there is one for each. By default, they
    /// are called "class 0" and so on.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ScoreGrid::of_score(window, 20, 20, |[x, y]| x - y)?;
    /// let picture = DecisionBoundary::new("a", grid).points([([0.2, 0.8], 0)]).classes(["above", "below"]);
    /// assert!(picture.svg(picture.natural_size())?.contains("above"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn classes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.classes = names.into_iter().take(ScoreGrid::MOST_OUTPUTS + 1).map(Into::into).collect();
        self
    }

    /// Other names for the axes.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ScoreGrid::of_score(window, 20, 20, |[x, y]| x - y)?;
    /// let picture = DecisionBoundary::new("iris", grid).axes("petal length", "petal width");
    /// assert!(picture.svg(picture.natural_size())?.contains("petal width"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        self.axes = (x_label.to_owned(), y_label.to_owned());
        self
    }

    fn check(&self) -> Result<(), Error> {
        let expected = self.points.len();
        if let Some(class) = self.unknown_class {
            check_amount("the class of a point", class, 0, expected - 1)?;
        }
        let given = self.classes.len();
        if given != 0 && given != expected {
            return Err(Error::Count { what: "names of classes".to_owned(), given, expected });
        }
        Ok(())
    }

    fn name(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
    }

    /// The score at which colours are full: nearly the greatest, so that a few peaks do not bleach the rest.
    fn limit(&self) -> f64 {
        let mut sizes: Vec<f64> =
            self.grid.margins(0).into_iter().map(f64::abs).filter(|&size| is_drawable(size)).collect();
        sizes.sort_by(f64::total_cmp);
        let limit = sizes.get((sizes.len() * 98) / 100).or(sizes.last()).copied().unwrap_or(1.0);
        if limit > 1e-290 { limit } else { 1.0 }
    }

    fn color_of(&self, scores: &[f64], limit: f64) -> Color {
        match winner(scores) {
            None => UNKNOWN,
            Some(_) if scores.len() == 1 => shade(scores[0] / limit),
            Some(class) => color::nth(class).tint(0.45),
        }
    }

    /// Shades the plane, in runs of one colour.
    fn draw_shading(&self, scene: &mut Scene, plot: &Plot, limit: f64) {
        let area = plot.area;
        let mut scores = vec![0.0; self.grid.outputs];
        let (columns, rows) = ((area.width() / FINE).ceil() as usize, (area.height() / FINE).ceil() as usize);
        for row in 0..rows {
            let top = area.top + row as f64 * FINE;
            let y = 1.0 - (top + 0.5 * FINE - area.top) / area.height();
            let mut color_at = |column: usize| {
                let x = (column as f64 + 0.5) * FINE / area.width();
                self.grid.between((x, y), &mut scores);
                self.color_of(&scores, limit)
            };
            let mut start = 0;
            while start < columns {
                let color = color_at(start);
                let end = (start + 1..columns).find(|&column| color_at(column) != color).unwrap_or(columns);
                let left = area.left + start as f64 * FINE;
                // A little more to the right and below: the next run covers it, and no seam is left.
                let right = (area.left + (end + 1) as f64 * FINE).min(area.right);
                let bottom = (top + 2.0 * FINE).min(area.bottom);
                scene.rect(Rect { left, top, right, bottom }, color);
                start = end;
            }
        }
    }

    /// Lines where the score is zero, or where one class gives way to another, in units of nodes.
    fn contours(&self) -> Vec<Vec<(f64, f64)>> {
        (0..self.grid.outputs)
            .flat_map(|class| contour::zeros(self.grid.columns, &self.grid.margins(class)))
            .collect()
    }

    fn draw_contours(&self, scene: &mut Scene, plot: &Plot, curves: &[Vec<(f64, f64)>]) {
        let area = plot.area;
        let place = |&(column, row): &(f64, f64)| {
            let x = area.left + column / (self.grid.columns - 1) as f64 * area.width();
            (x, area.bottom - row / (self.grid.rows - 1) as f64 * area.height())
        };
        let (color, width) = if self.grid.outputs == 1 { (INK, 2.0) } else { (WHITE, 2.2) };
        for curve in curves {
            scene.line(curve.iter().map(place).collect(), color, width, color::SOLID);
        }
    }

    fn is_inside(&self, point: &(f64, f64)) -> bool {
        self.grid.window.x.holds(point.0) && self.grid.window.y.holds(point.1)
    }

    /// What is missing in the picture.
    fn notes(&self, contours: usize) -> Vec<String> {
        let mut notes = Vec::new();
        let outside = self.points.iter().flatten().filter(|point| !self.is_inside(point)).count();
        if outside > 0 {
            notes.push(format!("{outside} points lie outside the picture"));
        }
        notes.extend(self.dropped().note());
        let unknown = self.grid.not_finite();
        if unknown > 0 {
            notes.push(format!(
                "grey: {unknown} of {} scores are not finite",
                self.grid.columns * self.grid.rows
            ));
        }
        if contours == 0 && self.grid.outputs == 1 {
            notes.push("the score is nowhere zero here".to_owned());
        }
        notes
    }

    fn legend(&self) -> Vec<Entry> {
        let dots = |class: usize| {
            let count = self.points[class].len();
            let text = if count == 0 { self.name(class) } else { format!("{} ({count})", self.name(class)) };
            Entry::new(Swatch::Marker { marker: Marker::nth(class), color: color::nth(class) }, text)
        };
        let mut entries: Vec<_> = (0..self.points.len()).map(dots).collect();
        if self.grid.outputs == 1 {
            let line = Swatch::Line { color: INK, width: 2.0, dash: color::SOLID, marker: None };
            entries.push(Entry::new(line, "score 0"));
        }
        entries
    }
}

/// The colour of a score relative to the limit, in steps.
fn shade(score: f64) -> Color {
    let step = (score.clamp(-1.0, 1.0) * SHADES).round() / SHADES;
    color::diverging(STRENGTH * step)
}

impl Draw for DecisionBoundary {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        self.check()?;
        let window = self.grid.window;
        let x = Axis::numbers(&self.axes.0, window.x, Reading::Plain);
        let y = Axis::numbers(&self.axes.1, window.y, Reading::Plain);
        let mut frame = Frame::new(&self.title, x, y);
        let limit = self.limit();
        let scores = Axis::numbers("score", Range { low: -limit, high: limit }, Reading::Plain);
        let bar = self.grid.outputs == 1 && colorbar::fits(place);
        if bar {
            frame.side = colorbar::room(&scores, 0.6 * place.height());
        }
        frame.grid = false;
        frame.legend = self.legend();
        let contours = self.contours();
        frame.notes = self.notes(contours.len());
        let plot = frame.draw(scene, place);
        self.draw_shading(scene, &plot, limit);
        self.draw_contours(scene, &plot, &contours);
        for (class, points) in self.points.iter().enumerate() {
            let inside: Vec<_> = points.iter().copied().filter(|point| self.is_inside(point)).collect();
            scatter::draw(scene, &plot, &inside, (Marker::nth(class), color::nth(class)));
        }
        scene.outline(plot.area, INK, 1.0);
        if bar {
            colorbar::draw(scene, plot.area, &scores, |share| shade(2.0 * share - 1.0));
        }
        Ok(())
    }
}

impl Picture for DecisionBoundary {
    fn natural_size(&self) -> Size {
        Size::new(720, 640)
    }

    /// Points that are not finite; for scores see [`ScoreGrid::not_finite`].
    fn dropped(&self) -> Dropped {
        Dropped { not_finite: self.not_finite, not_positive: 0 }
    }
}
