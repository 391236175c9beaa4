//! Scores of a classifier over a window of the plane.

use crate::Error;
use crate::error::{check_amount, check_finite};
use crate::range::{self, Range, is_drawable};

/// A part of the plane.
///
/// ```
/// use dualtape_plots::{ScoreGrid, Window};
/// let window = Window::around([[0.0, 0.0], [1.0, 2.0]]);
/// assert_eq!(ScoreGrid::nodes(window, 2, 2)?[0], [-0.125, -0.25]); // with some air around the points
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
    /// let window = dualtape_plots::Window::around([[0.0, 0.0], [1.0, 2.0], [f64::NAN, 9.0]]);
    /// assert_eq!(window, dualtape_plots::Window::new((-0.125, 1.125), (-0.25, 2.25))?);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn around(points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let points = points.into_iter().filter(|point| point.iter().all(|&x| is_drawable(x)));
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.map(|[x, y]| (x, y)).unzip();
        let range =
            |numbers: Vec<f64>| range::bounds(numbers).map(|range| range.with_air(0.125)).unwrap_or_default();
        Self { x: range(xs), y: range(ys) }
    }
}

/// Scores at the nodes of a grid over a [`Window`].
///
/// With one output, the score is negative for the first class and positive for the second; with several, the
/// class with the greatest score wins.
///
/// ```
/// use dualtape_plots::{ScoreGrid, Window};
/// let window = Window::new((-1.0, 1.0), (-1.0, 1.0))?;
/// let disc = ScoreGrid::of_score(window, 100, 100, |[x, y]| x.hypot(y) - 0.5)?;
/// assert_eq!(disc.not_finite(), 0);
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreGrid {
    pub(crate) window: Window,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) outputs: usize,
    /// All outputs of a node, node after node.
    scores: Vec<f64>,
}

impl ScoreGrid {
    /// The most nodes each way.
    ///
    /// ```
    /// use dualtape_plots::{Error, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// assert!(ScoreGrid::nodes(window, ScoreGrid::MOST, 2).is_ok());
    /// assert!(matches!(ScoreGrid::nodes(window, ScoreGrid::MOST + 1, 2), Err(Error::Amount { .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST: usize = 1000;
    /// The most outputs.
    ///
    /// ```
    /// use dualtape_plots::{Error, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let classes = ScoreGrid::MOST_OUTPUTS + 1;
    /// let refused = ScoreGrid::of_classes(window, 2, 2, classes, |_| vec![0.0; classes]);
    /// assert!(matches!(refused, Err(Error::Amount { most: ScoreGrid::MOST_OUTPUTS, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST_OUTPUTS: usize = 100;
    /// The most scores in all.
    ///
    /// ```
    /// use dualtape_plots::{Error, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// // As many nodes as there may be, for six classes; it is refused before a score is computed.
    /// let refused = ScoreGrid::of_classes(window, 1000, 1000, 6, |_| unreachable!());
    /// assert!(matches!(refused, Err(Error::Amount { most: ScoreGrid::MOST_SCORES, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub const MOST_SCORES: usize = 5_000_000;

    /// How many scores such a grid has, if it can be drawn.
    fn check(columns: usize, rows: usize, outputs: usize) -> Result<usize, Error> {
        check_amount("columns of a grid of scores", columns, 2, Self::MOST)?;
        check_amount("rows of a grid of scores", rows, 2, Self::MOST)?;
        check_amount("outputs of a classifier", outputs, 1, Self::MOST_OUTPUTS)?;
        let scores = columns * rows * outputs;
        check_amount("scores of a grid", scores, 4, Self::MOST_SCORES)?;
        Ok(scores)
    }

    /// The nodes of a grid: from left to right, row after row from the bottom to the top. 100 by 100 are enough
    /// for most boundaries.
    ///
    /// ```
    /// use dualtape_plots::{ScoreGrid, Window};
    ///
    /// let window = Window::new((0.0, 2.0), (0.0, 1.0))?;
    /// let nodes = ScoreGrid::nodes(window, 3, 2)?;
    /// assert_eq!(nodes, [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Amount`] unless there are 2 to [`ScoreGrid::MOST`] nodes each way.
    pub fn nodes(window: Window, columns: usize, rows: usize) -> Result<Vec<[f64; 2]>, Error> {
        Self::check(columns, rows, 1)?;
        let at = |range: Range, index: usize, count: usize| {
            let share = index as f64 / (count - 1) as f64;
            range.low * (1.0 - share) + range.high * share
        };
        let row =
            |row| (0..columns).map(move |column| [at(window.x, column, columns), at(window.y, row, rows)]);
        Ok((0..rows).flat_map(row).collect())
    }

    /// A grid of scores in the order of [`ScoreGrid::nodes`]; with several outputs, all of the first node come
    /// first, then all of the second.
    ///
    /// # Errors
    ///
    /// As [`ScoreGrid::nodes`]; [`Error::Amount`] unless there are 1 to [`ScoreGrid::MOST_OUTPUTS`] outputs and at
    /// most [`ScoreGrid::MOST_SCORES`] scores;
    /// [`Error::Count`] unless there is a score for each node and output.
    ///
    /// ```
    /// use dualtape_plots::{ScoreGrid, Window};
    /// // All nodes at once, by a model that takes many samples at a time.
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let nodes = ScoreGrid::nodes(window, 3, 3)?;
    /// let scores = nodes.iter().flat_map(|[x, y]| [*x, *y]).collect(); // two classes, two scores
    /// let grid = ScoreGrid::from_scores(window, 3, 3, 2, scores)?;
    /// assert_eq!(grid, ScoreGrid::of_classes(window, 3, 3, 2, |[x, y]| vec![x, y])?);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn from_scores(
        window: Window,
        columns: usize,
        rows: usize,
        outputs: usize,
        scores: Vec<f64>,
    ) -> Result<Self, Error> {
        let expected = Self::check(columns, rows, outputs)?;
        if scores.len() != expected {
            let what = format!("scores of a grid of {columns} x {rows} nodes with {outputs} outputs each");
            return Err(Error::Count { what, given: scores.len(), expected });
        }
        Ok(Self { window, columns, rows, outputs, scores })
    }

    /// Evaluates a score at each node: negative for the first class, positive for the second.
    ///
    /// # Errors
    ///
    /// As [`ScoreGrid::nodes`].
    ///
    /// ```
    /// use dualtape_plots::{DecisionBoundary, Picture, ScoreGrid, Window};
    /// let window = Window::new((-1.0, 1.0), (-1.0, 1.0))?;
    /// let ring = ScoreGrid::of_score(window, 50, 50, |[x, y]| (x.hypot(y) - 0.5).abs() - 0.2)?;
    /// let picture = DecisionBoundary::new("a ring", ring);
    /// assert!(picture.svg(picture.natural_size())?.contains("a ring"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn of_score(
        window: Window,
        columns: usize,
        rows: usize,
        mut score: impl FnMut([f64; 2]) -> f64,
    ) -> Result<Self, Error> {
        let scores = Self::nodes(window, columns, rows)?.into_iter().map(&mut score).collect();
        Self::from_scores(window, columns, rows, 1, scores)
    }

    /// Evaluates the scores of several classes at each node.
    ///
    /// # Errors
    ///
    /// As [`ScoreGrid::from_scores`]; so does a function that returns another number of scores than `classes`.
    ///
    /// ```
    /// use dualtape_plots::{Error, ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ScoreGrid::of_classes(window, 10, 10, 3, |[x, y]| vec![x, y, 1.0 - x - y])?;
    /// let short = ScoreGrid::of_classes(window, 10, 10, 3, |[x, y]| vec![x, y]);
    /// assert!(matches!(short, Err(Error::Count { given: 2, expected: 3, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn of_classes(
        window: Window,
        columns: usize,
        rows: usize,
        classes: usize,
        mut scores: impl FnMut([f64; 2]) -> Vec<f64>,
    ) -> Result<Self, Error> {
        Self::check(columns, rows, classes)?;
        let mut all = Vec::new();
        for node in Self::nodes(window, columns, rows)? {
            let scores = scores(node);
            if scores.len() != classes {
                let what = format!("scores at ({}, {})", node[0], node[1]);
                return Err(Error::Count { what, given: scores.len(), expected: classes });
            }
            all.extend(scores);
        }
        Self::from_scores(window, columns, rows, classes, all)
    }

    /// How many nodes have a score that is not finite; they are drawn grey.
    ///
    /// ```
    /// use dualtape_plots::{ScoreGrid, Window};
    /// let window = Window::new((0.0, 1.0), (0.0, 1.0))?;
    /// let grid = ScoreGrid::of_score(window, 5, 5, |[x, _]| x.ln())?;
    /// assert_eq!(grid.not_finite(), 5); // the column at 0
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn not_finite(&self) -> usize {
        let unknown = |node: &&[f64]| node.iter().any(|&score| !is_drawable(score));
        self.scores.chunks(self.outputs).filter(unknown).count()
    }

    /// The scores of a node.
    pub(crate) fn at(&self, column: usize, row: usize) -> &[f64] {
        &self.scores[(row * self.columns + column) * self.outputs..][..self.outputs]
    }

    /// The scores between nodes, 0 to 1 from left to right and from bottom to top; not finite where a
    /// neighbour is not.
    pub(crate) fn between(&self, (x, y): (f64, f64), scores: &mut [f64]) {
        let split = |share: f64, count: usize| {
            let at = share.clamp(0.0, 1.0) * (count - 1) as f64;
            let node = (at as usize).min(count - 2);
            (node, at - node as f64)
        };
        let ((column, right), (row, up)) = (split(x, self.columns), split(y, self.rows));
        let corners = [
            (0, 0, 1.0 - right, 1.0 - up),
            (1, 0, right, 1.0 - up),
            (0, 1, 1.0 - right, up),
            (1, 1, right, up),
        ];
        scores.fill(0.0);
        for (across, along, horizontal, vertical) in corners {
            for (sum, &score) in scores.iter_mut().zip(self.at(column + across, row + along)) {
                *sum += if is_drawable(score) { score * (horizontal * vertical) } else { f64::NAN };
            }
        }
    }

    /// The scores of a class against the best of the others, node after node: positive where it wins. With a
    /// single output, the score itself.
    pub(crate) fn margins(&self, class: usize) -> Vec<f64> {
        if self.outputs == 1 {
            return self.scores.clone();
        }
        let margin = |node: &[f64]| {
            if node.iter().any(|&score| !is_drawable(score)) {
                return f64::NAN;
            }
            let others =
                node.iter().enumerate().filter(|&(other, _)| other != class).map(|(_, &score)| score);
            node[class] - others.fold(f64::NEG_INFINITY, f64::max)
        };
        self.scores.chunks(self.outputs).map(margin).collect()
    }
}

/// The class with the greatest score, the first of equal ones; none if a score is not finite.
pub(crate) fn winner(scores: &[f64]) -> Option<usize> {
    if !scores.iter().all(|score| score.is_finite()) {
        return None;
    }
    (0..scores.len()).reduce(|best, class| if scores[class] > scores[best] { class } else { best })
}
