//! Probabilities of classes over a window of the plane.

use crate::Error;
use crate::axis::{bounds, is_drawable, with_air};
use crate::error::{check_amount, check_finite};

/// A part of the plane.
///
/// ```
/// use dualtape_plots::{ProbabilityGrid, Window};
/// let window = Window::around([[0.0, 0.0], [1.0, 2.0]]);
/// assert_eq!(ProbabilityGrid::nodes(window, (2, 2))?[0], [-0.125, -0.25]); // with some margin around the points
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub(crate) x: (f64, f64),
    pub(crate) y: (f64, f64),
}

impl Window {
    /// A window from left to right and from bottom to top.
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
            let ends = (check_finite(what, low)?, check_finite(what, high)?);
            let has_extent = low < high && with_air(ends, 0.0) == ends;
            if has_extent { Ok(ends) } else { Err(Error::NoExtent { what, low, high }) }
        };
        Ok(Self { x: range("the width of the window", x)?, y: range("the height of the window", y)? })
    }

    /// The window that contains all finite points, with some margin; 0 to 1 in both directions if there are none.
    ///
    /// ```
    /// let window = dualtape_plots::Window::around([[0.0, 0.0], [1.0, 2.0], [f64::NAN, 9.0]]);
    /// assert_eq!(window, dualtape_plots::Window::new((-0.125, 1.125), (-0.25, 2.25))?);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let points = points.into_iter().filter(|point| point.iter().all(|&x| is_drawable(x)));
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.map(|[x, y]| (x, y)).unzip();
        let range = |numbers: Vec<f64>| bounds(numbers).map_or((0.0, 1.0), |ends| with_air(ends, 0.125));
        Self { x: range(xs), y: range(ys) }
    }
}

const MOST_PROBABILITIES: usize = 5_000_000;

/// Probabilities of classes at the nodes of a grid over a [`Window`].
///
/// ```
/// use dualtape_plots::{ProbabilityGrid, Window};
/// let window = Window::new((-1.0, 1.0), (-1.0, 1.0))?;
/// let inside = |[x, y]: [f64; 2]| 1.0 / (1.0 + (9.0 * (x.hypot(y) - 0.5)).exp());
/// let disc = ProbabilityGrid::new(window, (100, 100), 2, |point| vec![inside(point), 1.0 - inside(point)])?;
/// assert_eq!(disc.unknown(), 0);
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ProbabilityGrid {
    pub(crate) window: Window,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) classes: usize,
    /// The probabilities of all classes at a node, node after node; NaN where a number is not a probability.
    probabilities: Vec<f64>,
}

impl ProbabilityGrid {
    /// The most nodes in each direction; the least is two.
    ///
    /// ```
    /// use dualtape_plots::{Error, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// assert!(ProbabilityGrid::nodes(window, (ProbabilityGrid::MOST, 2)).is_ok());
    /// assert!(matches!(ProbabilityGrid::nodes(window, (1, 2)), Err(Error::Amount { .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST: usize = 1000;
    /// The most classes that a picture can distinguish; the least is two.
    ///
    /// ```
    /// use dualtape_plots::{Error, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let classes = ProbabilityGrid::MOST_CLASSES + 1;
    /// let refused = ProbabilityGrid::new(window, (2, 2), classes, |_| unreachable!());
    /// assert!(matches!(refused, Err(Error::Amount { most: ProbabilityGrid::MOST_CLASSES, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST_CLASSES: usize = 32;

    /// The nodes of a grid with the given numbers of columns and rows: from left to right, row after row from the
    /// bottom to the top. 100 by 100 nodes are enough for most boundaries.
    ///
    /// ```
    /// use dualtape_plots::{ProbabilityGrid, Window};
    ///
    /// let window = Window::new((0.0, 2.0), (0.0, 1.0))?;
    /// let nodes = ProbabilityGrid::nodes(window, (3, 2))?;
    /// assert_eq!(nodes, [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Amount`] unless there are 2 to [`ProbabilityGrid::MOST`] nodes in each direction.
    pub fn nodes(window: Window, (columns, rows): (usize, usize)) -> Result<Vec<[f64; 2]>, Error> {
        check_amount("columns of a grid", columns, 2, Self::MOST)?;
        check_amount("rows of a grid", rows, 2, Self::MOST)?;
        let at = |(low, high): (f64, f64), index: usize, count: usize| {
            let share = index as f64 / (count - 1) as f64;
            low * (1.0 - share) + high * share
        };
        let row =
            |row| (0..columns).map(move |column| [at(window.x, column, columns), at(window.y, row, rows)]);
        Ok((0..rows).flat_map(row).collect())
    }

    /// Evaluates the probabilities of all classes at each node of a grid with the given numbers of columns and rows.
    /// Where one of them is not between 0 and 1, the picture is grey.
    ///
    /// # Errors
    ///
    /// Those of [`ProbabilityGrid::nodes`]; [`Error::Amount`] unless there are 2 to [`ProbabilityGrid::MOST_CLASSES`]
    /// classes and at most 5,000,000 probabilities in all; [`Error::Count`] if the function does not return `classes`
    /// probabilities.
    ///
    /// ```
    /// use dualtape_plots::{Error, ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let thirds = ProbabilityGrid::new(window, (10, 10), 3, |_| vec![1.0 / 3.0; 3])?;
    /// let short = ProbabilityGrid::new(window, (10, 10), 3, |_| vec![0.5; 2]);
    /// assert!(matches!(short, Err(Error::Count { given: 2, expected: 3, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(
        window: Window,
        (columns, rows): (usize, usize),
        classes: usize,
        mut of: impl FnMut([f64; 2]) -> Vec<f64>,
    ) -> Result<Self, Error> {
        check_amount("classes", classes, 2, Self::MOST_CLASSES)?;
        let nodes = Self::nodes(window, (columns, rows))?;
        check_amount("probabilities of a grid", nodes.len() * classes, 8, MOST_PROBABILITIES)?;
        let mut probabilities = Vec::new();
        for node in nodes {
            let all = of(node);
            if all.len() != classes {
                let what = format!("probabilities at ({}, {})", node[0], node[1]);
                return Err(Error::Count { what, given: all.len(), expected: classes });
            }
            // A sum of probabilities may exceed 1 by rounding.
            let known = all.iter().all(|share| (-1e-9..=1.0 + 1e-9).contains(share));
            probabilities.extend(all.iter().map(|&share| if known { share } else { f64::NAN }));
        }
        Ok(Self { window, columns, rows, classes, probabilities })
    }

    /// How many nodes have a number that is not a probability; they are drawn grey.
    ///
    /// ```
    /// use dualtape_plots::{ProbabilityGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ProbabilityGrid::new(window, (5, 5), 2, |[x, _]| vec![x / x, 1.0 - x / x])?;
    /// assert_eq!(grid.unknown(), 5); // the column at 0
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn unknown(&self) -> usize {
        self.probabilities.chunks(self.classes).filter(|node| node[0].is_nan()).count()
    }

    /// Interpolates the probabilities at a place, given as 0 to 1 from left to right and from bottom to top; NaN
    /// where a neighbour's are unknown.
    pub(crate) fn between(&self, (x, y): (f64, f64), shares: &mut [f64]) {
        let split = |share: f64, count: usize| {
            let at = share.clamp(0.0, 1.0) * (count - 1) as f64;
            let node = (at as usize).min(count - 2);
            (node, at - node as f64)
        };
        let ((column, right), (row, up)) = (split(x, self.columns), split(y, self.rows));
        shares.fill(0.0);
        for (across, horizontal) in [(0, 1.0 - right), (1, right)] {
            for (along, vertical) in [(0, 1.0 - up), (1, up)] {
                let node = (row + along) * self.columns + column + across;
                let node = &self.probabilities[node * self.classes..][..self.classes];
                for (sum, share) in shares.iter_mut().zip(node) {
                    *sum += share * horizontal * vertical;
                }
            }
        }
    }

    /// The probability of a class minus the highest of the others, node after node: positive where the class wins.
    pub(crate) fn margins(&self, class: usize) -> Vec<f64> {
        let margin = |node: &[f64]| {
            let others = node.iter().enumerate().filter(|&(other, _)| other != class);
            let best = others.map(|(_, &share)| share).fold(f64::NEG_INFINITY, f64::max);
            node[class] - best
        };
        self.probabilities.chunks(self.classes).map(margin).collect()
    }
}

/// The class with the greatest probability, the first if several are equal; `None` where probabilities are unknown.
pub(crate) fn winner(shares: &[f64]) -> Option<usize> {
    let better = |best, class| if shares[class] > shares[best] { class } else { best };
    let known = !shares.iter().any(|share| share.is_nan());
    known.then(|| (1..shares.len()).fold(0, better))
}
