//! What a classifier of two inputs decides where, and the points it was to decide about.

use crate::axis::{Axis, Reading};
use crate::chart::{Frame, Plot, bar_room, has_room_for_bar};
use crate::color::{self, Color, INK, Marker, UNKNOWN, WHITE};
use crate::error::check_amount;
use crate::grid::winner;
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::{Range, is_drawable};
use crate::scene::{Area, extent, units};
use crate::{Dropped, Error, Picture, ProbabilityGrid, Size, contour};
use plotters::element::{PathElement, Rectangle};
use std::collections::BTreeSet;

/// Pixels between samples of the shading.
const FINE: f64 = 2.0;
/// How much of a colour shades the plane; full colours are for points.
const STRENGTH: f64 = 0.6;

/// The decision boundary of a classifier of two inputs: the plane shaded by the probability of the class that wins, with
/// the lines between classes, and points on top.
///
/// A class has a colour and a marker of its own; points of validation have a dark rim, those of training a white one.
///
/// ```
/// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
///
/// let points = [([0.0, 0.1], 0), ([0.2, 0.0], 0), ([1.0, 0.9], 1)];
/// let window = Window::around(points.iter().map(|point| point.0));
/// let far = |[x, y]: [f64; 2]| 1.0 / (1.0 + (-5.0 * (x + y - 1.0)).exp());
/// let grid = ProbabilityGrid::new(window, 100, 100, 2, |at| vec![1.0 - far(at), far(at)])?;
/// let picture = DecisionBoundary::new("two blobs", grid).training(points).classes(["near", "far"]);
/// assert!(picture.svg(picture.natural_size())?.contains("probability of far"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionBoundary {
    title: String,
    axes: (String, String),
    measure: String,
    grid: ProbabilityGrid,
    classes: Vec<String>,
    /// Training, then validation: the places and classes of points.
    points: [Vec<((f64, f64), usize)>; 2],
    not_finite: usize,
    /// A class that the grid does not know.
    unknown_class: Option<usize>,
}

const SETS: [(&str, Color); 2] = [("training", WHITE), ("validation", INK)];

impl DecisionBoundary {
    /// The boundary of these probabilities, without points; the axes are called "x₁" and "x₂".
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 20, 20, 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("left or right", grid);
    /// assert!(picture.svg(picture.natural_size())?.contains("x₂"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, grid: ProbabilityGrid) -> Self {
        let axes = ("x₁".to_owned(), "x₂".to_owned());
        let (title, measure) = (title.to_owned(), "probability".to_owned());
        let points = [Vec::new(), Vec::new()];
        Self { title, axes, measure, grid, classes: Vec::new(), points, not_finite: 0, unknown_class: None }
    }

    /// More points of training with their classes, counted from 0. Drawing fails with [`Error::Amount`] if the grid has
    /// no such class.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Error, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 20, 20, 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("a", grid).training([([0.2, 0.8], 0), ([0.9, f64::NAN], 1)]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// let picture = picture.training([([0.5, 0.5], 2)]); // there are classes 0 and 1
    /// assert!(matches!(picture.svg(picture.natural_size()), Err(Error::Amount { given: 2, most: 1, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn training(self, points: impl IntoIterator<Item = ([f64; 2], usize)>) -> Self {
        self.with_points(0, points)
    }

    /// More points of validation, as [`DecisionBoundary::training`].
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 20, 20, 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("a", grid).validation([([0.2, 0.8], 0)]);
    /// assert!(picture.svg(picture.natural_size())?.contains("validation (1)"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn validation(self, points: impl IntoIterator<Item = ([f64; 2], usize)>) -> Self {
        self.with_points(1, points)
    }

    fn with_points(mut self, set: usize, points: impl IntoIterator<Item = ([f64; 2], usize)>) -> Self {
        for ([x, y], class) in points {
            if class >= self.grid.classes {
                self.unknown_class = Some(class);
            } else if is_drawable(x) && is_drawable(y) {
                self.points[set].push(((x, y), class));
            } else {
                self.not_finite += 1;
            }
        }
        self
    }

    /// Names of the classes; drawing fails with [`Error::Count`] unless there is one for each. By default, they
    /// are called "class 0" and so on.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 20, 20, 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("a", grid).classes(["right", "left"]);
    /// assert!(picture.svg(picture.natural_size())?.contains("right"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn classes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.classes = names.into_iter().take(ProbabilityGrid::MOST_CLASSES + 1).map(Into::into).collect();
        self
    }

    /// Other names for the axes.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 20, 20, 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("iris", grid).axes("petal length", "petal width");
    /// assert!(picture.svg(picture.natural_size())?.contains("petal width"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        self.axes = (x_label.to_owned(), y_label.to_owned());
        self
    }

    /// What the numbers of the grid are, if they are no probabilities.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 20, 20, 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("a", grid).measure("squashed score");
    /// assert!(picture.svg(picture.natural_size())?.contains("squashed score of class 1"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn measure(mut self, name: &str) -> Self {
        name.clone_into(&mut self.measure);
        self
    }

    fn check(&self) -> Result<(), Error> {
        let expected = self.grid.classes;
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

    /// What the shades of the plane stand for: of two classes the probability of the second, of several that of the one
    /// that wins.
    fn shades(&self) -> Axis {
        let classes = self.grid.classes;
        let (label, low) = match classes {
            2 => (format!("{} of {}", self.measure, self.name(1)), 0.0),
            _ => (format!("{} of the class that wins", self.measure), 1.0 / classes as f64),
        };
        Axis::numbers(&label, Range { low, high: 1.0 }, Reading::Plain)
    }

    /// The shade of a class for the probability on the axis of shades.
    fn shade(&self, of: Color, p: f64) -> Color {
        let step = |share: f64| (share.clamp(0.0, 1.0) * 10.0).round() / 10.0;
        let least = 1.0 / self.grid.classes as f64;
        match self.grid.classes {
            2 if p < 0.5 => color::nth(0).tint(STRENGTH * step(1.0 - 2.0 * p)),
            2 => color::nth(1).tint(STRENGTH * step(2.0 * p - 1.0)),
            _ => of.tint(0.1 + (STRENGTH - 0.1) * step((p - least) / (1.0 - least))),
        }
    }

    fn color_of(&self, probabilities: &[f64]) -> Color {
        match winner(probabilities) {
            None => UNKNOWN,
            Some(_) if probabilities.len() == 2 => {
                let sum = probabilities[0] + probabilities[1];
                self.shade(INK, if sum > 0.0 { probabilities[1] / sum } else { 0.5 })
            }
            Some(class) => self.shade(color::nth(class), probabilities[class]),
        }
    }

    /// Shades the plane, in runs of one colour.
    fn draw_shading(&self, plot: &Plot) -> Result<(), Error> {
        let (inside, (width, height)) = (plot.inside(), plot.size);
        let mut here = vec![0.0; self.grid.classes];
        let (columns, rows) = ((width / FINE).ceil() as usize, (height / FINE).ceil() as usize);
        for row in 0..rows {
            let top = row as f64 * FINE;
            let mut color_at = |column: usize| {
                let x = (column as f64 + 0.5) * FINE / width;
                self.grid.between((x, 1.0 - (top + 0.5 * FINE) / height), &mut here);
                self.color_of(&here)
            };
            let mut start = 0;
            while start < columns {
                let color = color_at(start);
                let end = (start + 1..columns).find(|&column| color_at(column) != color).unwrap_or(columns);
                // A little more to the right and below: the next run covers it, and no seam is left.
                let right = ((end + 1) as f64 * FINE).min(width);
                let bottom = (top + 2.0 * FINE).min(height);
                let corners = [(units(start as f64 * FINE), units(top)), (units(right), units(bottom))];
                inside.draw(&Rectangle::new(corners, color.fill()))?;
                start = end;
            }
        }
        Ok(())
    }

    /// Lines where one class gives way to another; how many pieces they have.
    fn draw_lines(&self, plot: &mut Plot) -> Result<usize, Error> {
        let Range { low: left, high: right } = self.grid.window.x;
        let Range { low: bottom, high: top } = self.grid.window.y;
        let along = |low: f64, high: f64, node: f64, count: usize| {
            let share = node / (count - 1) as f64;
            low * (1.0 - share) + high * share
        };
        let place = |(column, row): (f64, f64)| {
            (along(left, right, column, self.grid.columns), along(bottom, top, row, self.grid.rows))
        };
        // Between two classes there is one line, and it is the same for both.
        let (first, style) =
            if self.grid.classes == 2 { (1, INK.stroke(2.0)) } else { (0, WHITE.stroke(2.2)) };
        let pieces = (first..self.grid.classes)
            .flat_map(|class| contour::zeros(self.grid.columns, &self.grid.margins(class)))
            .map(|ends| ends.map(place));
        let pieces: Vec<_> = pieces.collect();
        plot.chart.draw_series(pieces.iter().map(|ends| PathElement::new(*ends, style)))?;
        Ok(pieces.len())
    }

    /// Points, of those that cover each other only one.
    fn draw_points(&self, plot: &mut Plot) -> Result<(), Error> {
        let count: usize = self.points.iter().map(Vec::len).sum();
        let radius = if count <= 600 { 3.4 } else { 2.4 };
        for (set, &(_, rim)) in SETS.iter().enumerate() {
            let mut taken = BTreeSet::new();
            let mut points = self.points[set].clone();
            points.retain(|&(point, class)| {
                let (x, y) = plot.at(point);
                self.is_inside(point) && taken.insert((x / units(FINE), y / units(FINE), class))
            });
            let both = points.into_iter().flat_map(|(point, class)| {
                let (marker, color) = (Marker::nth(class), color::nth(class));
                [marker.at(point, radius + 1.2, rim), marker.at(point, radius, color)]
            });
            plot.chart.draw_series(both)?;
        }
        Ok(())
    }

    fn is_inside(&self, point: (f64, f64)) -> bool {
        self.grid.window.x.holds(point.0) && self.grid.window.y.holds(point.1)
    }

    /// What is missing in the picture.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let outside = self.points.iter().flatten().filter(|(point, _)| !self.is_inside(*point)).count();
        if outside > 0 {
            notes.push(format!("{outside} points lie outside the picture"));
        }
        notes.extend(self.dropped().note());
        let (unknown, all) = (self.grid.not_finite(), self.grid.columns * self.grid.rows);
        if unknown > 0 {
            notes.push(format!("grey: {unknown} of {all} nodes have no finite {}", self.measure));
        }
        notes
    }

    fn legend(&self) -> Vec<Entry> {
        let class = |class: usize| {
            let (marker, color) = (Marker::nth(class), color::nth(class));
            Entry::new(Swatch::Marker { marker, color, rim: WHITE }, self.name(class))
        };
        let set = |(set, &(name, rim)): (usize, &(&str, Color))| {
            let swatch = Swatch::Marker { marker: Marker::Disc, color: UNKNOWN, rim };
            let count = self.points[set].len();
            (count > 0).then(|| Entry::new(swatch, format!("{name} ({count})")))
        };
        let mut entries: Vec<_> = (0..self.grid.classes).map(class).collect();
        entries.extend(SETS.iter().enumerate().filter_map(set));
        if self.grid.classes == 2 {
            let line = Swatch::Line { color: INK, width: 2.0, dash: color::SOLID, marker: None };
            entries.push(Entry::new(line, format!("{} 0.5", self.measure)));
        }
        entries
    }
}

impl Draw for DecisionBoundary {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        self.check()?;
        let window = self.grid.window;
        let x = Axis::numbers(&self.axes.0, window.x, Reading::Plain);
        let y = Axis::numbers(&self.axes.1, window.y, Reading::Plain);
        let mut frame = Frame::new(&self.title, x, y);
        let shades = self.shades();
        let bar = has_room_for_bar(area);
        if bar {
            frame.side = bar_room(&shades, 0.6 * extent(area).1);
        }
        frame.grid = false;
        frame.legend = self.legend();
        frame.notes = self.notes();
        let mut plot = frame.draw(area)?;
        self.draw_shading(&plot)?;
        self.draw_lines(&mut plot)?;
        self.draw_points(&mut plot)?;
        plot.outline()?;
        if bar {
            plot.color_bar(&shades, |p| self.shade(INK, p))?;
        }
        Ok(())
    }
}

impl Picture for DecisionBoundary {
    fn natural_size(&self) -> Size {
        Size::new(720, 640)
    }

    /// Points that are not finite; for the plane see [`ProbabilityGrid::not_finite`].
    fn dropped(&self) -> Dropped {
        Dropped { not_finite: self.not_finite, not_positive: 0 }
    }
}
