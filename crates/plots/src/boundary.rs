//! The decision regions of a classifier with two inputs, and data points.

use crate::axis::{Axis, Reading, is_drawable};
use crate::canvas::{Area, units};
use crate::chart::{ColorBar, Frame, Plot};
use crate::error::check_amount;
use crate::grid::winner;
use crate::legend::{Entry, Swatch, line};
use crate::look::{FADED, INK, Look, Marker, UNKNOWN, WHITE, stroke, tint};
use crate::picture::sealed::Draw;
use crate::{Dropped, Error, Picture, ProbabilityGrid, Size, contour};
use plotters::element::Rectangle;
use plotters::style::{Color as _, RGBColor};
use std::collections::BTreeSet;

/// Pixels between samples of the shading.
const FINE: f64 = 2.0;
/// The colours around the points of training and of validation.
const RIMS: [RGBColor; 2] = [WHITE, INK];
/// The number of shades from the least winning probability to certainty.
const SHADES: f64 = 8.0;

/// The decision boundary of a classifier with two inputs: the plane in the colour of the most probable class, deeper where
/// its probability is higher, with lines between the classes and data points on top.
///
/// ```
/// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
///
/// let points = [([0.0, 0.1], 0), ([0.2, 0.0], 0), ([1.0, 0.9], 1)];
/// let window = Window::around(points.iter().map(|point| point.0));
/// let far = |[x, y]: [f64; 2]| 1.0 / (1.0 + (5.0 * (1.0 - x - y)).exp());
/// let grid = ProbabilityGrid::new(window, (100, 100), 2, |point| vec![1.0 - far(point), far(point)])?;
/// let picture = DecisionBoundary::new("two blobs", grid)
///     .training(points)
///     .validation([([0.9, 1.1], 1)])
///     .classes(["near", "far"]);
/// assert!(picture.svg(picture.natural_size())?.contains("near"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionBoundary {
    title: String,
    axes: [String; 2],
    quantity: String,
    grid: ProbabilityGrid,
    classes: Vec<String>,
    /// The points of training and of validation, with their classes.
    points: [Vec<((f64, f64), usize)>; 2],
    not_finite: usize,
    /// A class that the grid does not know.
    unknown_class: Option<usize>,
}

impl DecisionBoundary {
    /// The boundary given by these probabilities, without points; the axes are named "x₁" and "x₂".
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (20, 20), 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("left or right", grid);
    /// assert!(picture.svg(picture.natural_size())?.contains("x₂"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, grid: ProbabilityGrid) -> Self {
        Self {
            title: title.to_owned(),
            axes: ["x₁", "x₂"].map(str::to_owned),
            quantity: "probability".to_owned(),
            grid,
            classes: Vec::new(),
            points: [Vec::new(), Vec::new()],
            not_finite: 0,
            unknown_class: None,
        }
    }

    /// Adds points of the training data with their classes, counted from 0. Drawing fails with [`Error::Amount`] if
    /// there is no such class.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Error, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (20, 20), 2, |[x, _]| vec![x, 1.0 - x])?;
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

    /// Adds points of the validation data, as in [`DecisionBoundary::training`]; they have a different marker.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (20, 20), 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("a", grid).validation([([0.2, 0.8], 0)]);
    /// assert!(picture.svg(picture.natural_size())?.contains("validation (1)"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn validation(self, points: impl IntoIterator<Item = ([f64; 2], usize)>) -> Self {
        self.with_points(1, points)
    }

    fn with_points(mut self, data: usize, points: impl IntoIterator<Item = ([f64; 2], usize)>) -> Self {
        for ([x, y], class) in points {
            if class >= self.grid.classes {
                self.unknown_class = Some(class);
            } else if is_drawable(x) && is_drawable(y) {
                self.points[data].push(((x, y), class));
            } else {
                self.not_finite += 1;
            }
        }
        self
    }

    /// Sets the names of the classes; drawing fails with [`Error::Count`] unless there is one for each class. By
    /// default, they are called "class 0" and so on.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (20, 20), 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("a", grid).classes(["right", "left"]);
    /// assert!(picture.svg(picture.natural_size())?.contains("right"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn classes(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.classes = names.into_iter().take(ProbabilityGrid::MOST_CLASSES + 1).map(Into::into).collect();
        self
    }

    /// Sets the names of the axes.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (20, 20), 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("iris", grid).axes("petal length", "petal width");
    /// assert!(picture.svg(picture.natural_size())?.contains("petal width"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        self.axes = [x_label, y_label].map(str::to_owned);
        self
    }

    /// Sets the name of the numbers from 0 to 1 on the colour bar, if they are not probabilities.
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (20, 20), 2, |[x, _]| vec![x, 1.0 - x])?;
    /// let picture = DecisionBoundary::new("hinge", grid).quantity("logistic of the score");
    /// assert!(picture.svg(picture.natural_size())?.contains("logistic of the score"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn quantity(mut self, name: &str) -> Self {
        name.clone_into(&mut self.quantity);
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

    /// The shade of a class where it wins with this probability.
    fn shade(&self, class: usize, share: f64) -> RGBColor {
        let least = 1.0 / self.grid.classes as f64;
        let sure = ((share - least) / (1.0 - least)).clamp(0.0, 1.0);
        tint(Look::nth(class).color, 0.08 + 0.5 * (sure * SHADES).round() / SHADES)
    }

    /// The colour bar: the probability of the second class if there are two, otherwise that of the most probable class.
    fn bar(&self) -> ColorBar {
        let two = self.grid.classes == 2;
        let least = if two { 0.0 } else { 1.0 / self.grid.classes as f64 };
        let of = if two { format!("of {}", self.name(1)) } else { "of the likeliest class".to_owned() };
        let share = |step: u32| least + (1.0 - least) * (f64::from(step) + 0.5) / 20.0;
        let color = |share: f64| match (two, share < 0.5) {
            (true, true) => self.shade(0, 1.0 - share),
            (true, false) => self.shade(1, share),
            _ => tint(FADED, 0.08 + 0.5 * (share - least) / (1.0 - least)),
        };
        let axis = Axis::numbers(&format!("{} {of}", self.quantity), (least, 1.0), Reading::Plain);
        ColorBar { axis, colors: (0..20).map(share).map(color).collect() }
    }

    /// Shades the plane in horizontal runs of equal colour.
    fn draw_shading(&self, plot: &Plot<'_>) -> Result<(), Error> {
        let (area, (width, height)) = (plot.area(), plot.size());
        let (columns, rows) = ((width / FINE).ceil() as usize, (height / FINE).ceil() as usize);
        let edge = |index: usize, end: f64| units((index as f64 * FINE).min(end));
        let mut shares = vec![0.0; self.grid.classes];
        for row in 0..rows {
            let y = 1.0 - (row as f64 + 0.5) * FINE / height;
            let mut color_at = |column: usize| {
                self.grid.between(((column as f64 + 0.5) * FINE / width, y), &mut shares);
                winner(&shares).map_or(UNKNOWN, |class| self.shade(class, shares[class]))
            };
            let colors: Vec<RGBColor> = (0..columns).map(&mut color_at).collect();
            let mut start = 0;
            for run in colors.chunk_by(|a, b| a == b) {
                // Slightly larger to the right and below, so that no gap is left; the next run covers the excess.
                let end = (edge(start + run.len() + 1, width), edge(row + 2, height));
                area.draw(&Rectangle::new([(edge(start, width), edge(row, height)), end], run[0].filled()))?;
                start += run.len();
            }
        }
        Ok(())
    }

    /// Draws the lines between classes.
    fn draw_contours(&self, plot: &Plot<'_>) -> Result<(), Error> {
        let window = self.grid.window;
        let place = |&(column, row): &(f64, f64)| {
            let at = |(low, high): (f64, f64), share: f64| low * (1.0 - share) + high * share;
            let x = at(window.x, column / (self.grid.columns - 1) as f64);
            plot.at((x, at(window.y, row / (self.grid.rows - 1) as f64)))
        };
        self.contours().iter().try_for_each(|curve| {
            let places: Vec<_> = curve.iter().map(place).collect();
            plot.draw(
                [(WHITE, 3.4), (INK, 1.6)]
                    .map(|(color, width)| line(places.clone(), Look::solid(color), width)),
            )
        })
    }

    /// The lines, in units of nodes. Two classes share one line.
    fn contours(&self) -> Vec<Vec<(f64, f64)>> {
        let classes = if self.grid.classes == 2 { 1 } else { self.grid.classes };
        (0..classes).flat_map(|class| contour::zeros(self.grid.columns, &self.grid.margins(class))).collect()
    }

    fn is_inside(&self, (x, y): (f64, f64)) -> bool {
        let within = |(low, high): (f64, f64), at: f64| (low..=high).contains(&at);
        within(self.grid.window.x, x) && within(self.grid.window.y, y)
    }

    /// Notes on what the picture does not show.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let outside = self.points.iter().flatten().filter(|(point, _)| !self.is_inside(*point)).count();
        if outside > 0 {
            notes.push(format!("{outside} points lie outside the picture"));
        }
        notes.extend(self.dropped().note());
        let unknown = self.grid.unknown();
        if unknown > 0 {
            let all = self.grid.columns * self.grid.rows;
            notes.push(format!("grey: {unknown} of {all} places have no {}", self.quantity));
        }
        if self.contours().is_empty() && unknown == 0 {
            notes.push("one class is the likeliest everywhere here".to_owned());
        }
        notes
    }

    fn legend(&self) -> Vec<Entry> {
        let class = |class: usize| {
            let count = self.points.iter().flatten().filter(|point| point.1 == class).count();
            let text = if count == 0 { self.name(class) } else { format!("{} ({count})", self.name(class)) };
            (Swatch::Mark(marker(class, 0), Look::nth(class).color, WHITE), text)
        };
        let data = |(data, name): (usize, &str)| {
            let count = self.points[data].len();
            let entry = (Swatch::Mark(marker(0, data), FADED, RIMS[data]), format!("{name} ({count})"));
            (count > 0).then_some(entry)
        };
        let told = ["training", "validation"].into_iter().enumerate().filter_map(data);
        (0..self.grid.classes).map(class).chain(told).collect()
    }

    /// Draws the points, as many as can be distinguished, with those of validation on top.
    fn draw_points(&self, plot: &Plot<'_>) -> Result<(), Error> {
        for (data, points) in self.points.iter().enumerate() {
            let inside = points.iter().filter(|(point, _)| self.is_inside(*point));
            let mut taken = BTreeSet::new();
            let shown: Vec<_> = inside.filter(|(point, _)| taken.insert(plot.square(*point))).collect();
            let radius = if shown.len() <= 600 { 3.6 } else { 2.4 };
            plot.draw(shown.into_iter().flat_map(|&(point, class)| {
                [(1.0, RIMS[data]), (0.0, Look::nth(class).color)]
                    .map(|(rim, color)| marker(class, data).at(plot.at(point), radius + rim, color))
            }))?;
        }
        Ok(())
    }
}

/// Classes with the same colour have different markers, and so have training and validation: first a disc and a diamond.
fn marker(class: usize, data: usize) -> Marker {
    const PAIRS: [[usize; 2]; 4] = [[0, 3], [1, 2], [4, 5], [6, 7]];
    Marker::nth(PAIRS[class / 8 % 4][data])
}

impl Draw for DecisionBoundary {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        self.check()?;
        let window = self.grid.window;
        let x = Axis::numbers(&self.axes[0], window.x, Reading::Plain);
        let y = Axis::numbers(&self.axes[1], window.y, Reading::Plain);
        let mut frame = Frame::new(&self.title, x, y);
        frame.bar = Some(self.bar());
        frame.legend = self.legend();
        frame.notes = self.notes();
        let plot = frame.draw(area)?;
        self.draw_shading(&plot)?;
        self.draw_contours(&plot)?;
        self.draw_points(&plot)?;
        let (x, y) = (plot.x.range(), plot.y.range());
        plot.draw([Rectangle::new([(x.0, y.0), (x.1, y.1)], stroke(INK, 1.0))])
    }
}

impl Picture for DecisionBoundary {
    fn natural_size(&self) -> Size {
        Size::new(720, 640)
    }

    /// Points that are not finite; for probabilities see [`ProbabilityGrid::unknown`].
    fn dropped(&self) -> Dropped {
        Dropped { not_finite: self.not_finite, not_positive: 0 }
    }
}
