//! What a classifier makes of a window of the plane.

use crate::Error;
use crate::error::{check_amount, check_finite};
use crate::range::{self, Range, is_drawable};

/// A part of the plane.
///
/// ```
/// use dualtape_plots::Window;
/// let window = Window::around([[0.0, 0.0], [1.0, 2.0]]); // with some air around the points
/// assert_eq!(window, Window::new((-0.125, 1.125), (-0.25, 2.25))?);
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub(crate) x: Range,
    pub(crate) y: Range,
}

impl Window {
    /// From left to right and from bottom to top.
    ///
    /// # Errors
    ///
    /// [`Error::NotFinite`] if an edge is not finite; [`Error::NoExtent`] if left is not clearly less than right,
    /// or bottom than top.
    ///
    /// ```
    /// use dualtape_plots::{Error, Window};
    /// assert!(Window::new((-1.0, 1.0), (0.0, 1.0)).is_ok());
    /// assert!(matches!(Window::new((1.0, -1.0), (0.0, 1.0)), Err(Error::NoExtent { .. })));
    /// ```
    pub fn new(x: (f64, f64), y: (f64, f64)) -> Result<Self, Error> {
        let range = |what, (low, high): (f64, f64)| {
            let range = Range { low: check_finite(what, low)?, high: check_finite(what, high)? };
            if range.with_air(0.0) == range && low < high {
                Ok(range)
            } else {
                Err(Error::NoExtent { what, low, high })
            }
        };
        Ok(Self { x: range("the width of the window", x)?, y: range("the height of the window", y)? })
    }

    /// The window that holds all finite points, with some air; 0 to 1 each way if there are none.
    ///
    /// ```
    /// use dualtape_plots::Window;
    /// assert_eq!(Window::around([[0.5, 0.5], [f64::NAN, 9.0]]), Window::around([[0.5, 0.5]]));
    /// ```
    pub fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let points = points.into_iter().filter(|point| point.iter().all(|&x| is_drawable(x)));
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.map(|[x, y]| (x, y)).unzip();
        let range =
            |numbers: Vec<f64>| range::bounds(numbers).map(|range| range.with_air(0.125)).unwrap_or_default();
        Self { x: range(xs), y: range(ys) }
    }
}

/// Probabilities of classes, 0 to 1, at the nodes of a grid over a [`Window`]. The class with the greatest one wins.
///
/// ```
/// use dualtape_plots::{ProbabilityGrid, Window};
/// let window = Window::new((-1.0, 1.0), (-1.0, 1.0))?;
/// let disc = ProbabilityGrid::new(window, 100, 100, 2, |[x, y]| {
///     let inside = 1.0 / (1.0 + (20.0 * (x.hypot(y) - 0.5)).exp());
///     vec![1.0 - inside, inside]
/// })?;
/// assert_eq!(disc.not_finite(), 0);
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ProbabilityGrid {
    pub(crate) window: Window,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) classes: usize,
    /// All classes of a node, node after node.
    probabilities: Vec<f64>,
}

impl ProbabilityGrid {
    /// The most nodes each way, the most classes, and the most probabilities in all.
    ///
    /// ```
    /// use dualtape_plots::{Error, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// // Refused before a probability is computed.
    /// let refused = |nodes, classes| ProbabilityGrid::new(window, nodes, nodes, classes, |_| unreachable!());
    /// assert!(matches!(refused(ProbabilityGrid::MOST + 1, 2), Err(Error::Amount { .. })));
    /// assert!(matches!(refused(2, ProbabilityGrid::MOST_CLASSES + 1), Err(Error::Amount { .. })));
    /// assert!(matches!(refused(1000, 6), Err(Error::Amount { most: ProbabilityGrid::MOST_IN_ALL, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST: usize = 1000;
    /// See [`ProbabilityGrid::MOST`].
    pub const MOST_CLASSES: usize = 100;
    /// See [`ProbabilityGrid::MOST`].
    pub const MOST_IN_ALL: usize = 5_000_000;

    /// Evaluates the probability of each class at each node: from left to right, row after row from the bottom to the
    /// top. 100 by 100 nodes are enough for most boundaries. A node with a number that is not finite is drawn grey.
    ///
    /// # Errors
    ///
    /// [`Error::Amount`] unless there are 2 to [`ProbabilityGrid::MOST`] nodes each way, 2 to
    /// [`ProbabilityGrid::MOST_CLASSES`] classes and at most [`ProbabilityGrid::MOST_IN_ALL`] probabilities;
    /// [`Error::Count`] if a node has another number of probabilities than `classes`; [`Error::Probability`] if a finite
    /// one is not from 0 to 1.
    ///
    /// ```
    /// use dualtape_plots::{Error, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 10, 10, 3, |[x, y]| vec![x / 2.0, y / 2.0, 1.0 - (x + y) / 2.0])?;
    /// let short = ProbabilityGrid::new(window, 10, 10, 3, |[x, _]| vec![x, 1.0 - x]);
    /// assert!(matches!(short, Err(Error::Count { given: 2, expected: 3, .. })));
    /// let scores = ProbabilityGrid::new(window, 10, 10, 2, |[x, _]| vec![-x, x]);
    /// assert!(matches!(scores, Err(Error::Probability { .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(
        window: Window,
        columns: usize,
        rows: usize,
        classes: usize,
        mut of: impl FnMut([f64; 2]) -> Vec<f64>,
    ) -> Result<Self, Error> {
        check_amount("columns of a grid", columns, 2, Self::MOST)?;
        check_amount("rows of a grid", rows, 2, Self::MOST)?;
        check_amount("classes of a grid", classes, 2, Self::MOST_CLASSES)?;
        check_amount("probabilities of a grid", columns * rows * classes, 8, Self::MOST_IN_ALL)?;
        let at = |range: Range, index: usize, count: usize| {
            let share = index as f64 / (count - 1) as f64;
            range.low * (1.0 - share) + range.high * share
        };
        let mut probabilities = Vec::with_capacity(columns * rows * classes);
        for node in 0..columns * rows {
            let (x, y) = (at(window.x, node % columns, columns), at(window.y, node / columns, rows));
            let here = of([x, y]);
            if here.len() != classes {
                let what = format!("probabilities at ({x}, {y})");
                return Err(Error::Count { what, given: here.len(), expected: classes });
            }
            // Rounding may lead a little beyond.
            if let Some(&value) = here.iter().find(|p| p.is_finite() && !(-1e-6..=1.0 + 1e-6).contains(*p)) {
                return Err(Error::Probability { value, x, y });
            }
            probabilities.extend(here);
        }
        Ok(Self { window, columns, rows, classes, probabilities })
    }

    /// How many nodes have a probability that is not finite.
    ///
    /// ```
    /// use dualtape_plots::{ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, 5, 5, 2, |[x, _]| vec![x / x, 0.0])?;
    /// assert_eq!(grid.not_finite(), 5); // the column at 0
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn not_finite(&self) -> usize {
        let unknown = |node: &&[f64]| node.iter().any(|p| !p.is_finite());
        self.probabilities.chunks(self.classes).filter(unknown).count()
    }

    /// The probabilities between nodes, 0 to 1 from left to right and from bottom to top; not finite where a
    /// neighbour is not.
    pub(crate) fn between(&self, (x, y): (f64, f64), into: &mut [f64]) {
        let split = |share: f64, count: usize| {
            let at = share.clamp(0.0, 1.0) * (count - 1) as f64;
            let node = (at as usize).min(count - 2);
            (node, at - node as f64)
        };
        let ((column, right), (row, up)) = (split(x, self.columns), split(y, self.rows));
        let corners = [
            (0, 0, (1.0 - right) * (1.0 - up)),
            (1, 0, right * (1.0 - up)),
            (0, 1, (1.0 - right) * up),
            (1, 1, right * up),
        ];
        into.fill(0.0);
        for (across, along, share) in corners {
            let node = (row + along) * self.columns + column + across;
            let here = &self.probabilities[node * self.classes..][..self.classes];
            for (sum, &p) in into.iter_mut().zip(here) {
                *sum += if p.is_finite() { p * share } else { f64::NAN };
            }
        }
    }

    /// The probability of a class less the greatest of the others, node after node: positive where it wins.
    pub(crate) fn margins(&self, class: usize) -> Vec<f64> {
        let margin = |node: &[f64]| {
            if node.iter().any(|p| !p.is_finite()) {
                return f64::NAN;
            }
            let others = node.iter().enumerate().filter(|&(other, _)| other != class).map(|(_, &p)| p);
            node[class] - others.fold(f64::NEG_INFINITY, f64::max)
        };
        self.probabilities.chunks(self.classes).map(margin).collect()
    }
}

/// The class with the greatest probability, the first of equal ones; none if one is not finite.
pub(crate) fn winner(probabilities: &[f64]) -> Option<usize> {
    if !probabilities.iter().all(|p| p.is_finite()) {
        return None;
    }
    let better = |best, class| if probabilities[class] > probabilities[best] { class } else { best };
    (0..probabilities.len()).reduce(better)
}
