//! Where the data of a batch come from: slices, without a copy of all of them.

/// Points of a batch: each a row of data, by number.
///
/// Slices and vectors of rows implement it, [`Rows`] for one flat slice, and [`Selected`] for a selection of other
/// points.
///
/// Data that overlap, or are stored elsewhere, need not be copied:
///
/// ```
/// use dualtape::{Program, program::Points};
///
/// /// Every two neighbours of a series.
/// struct Neighbours<'a>(&'a [f64]);
///
/// impl Points<f64> for Neighbours<'_> {
///     fn count(&self) -> usize {
///         self.0.len().saturating_sub(1)
///     }
///
///     fn point(&self, index: usize) -> &[f64] {
///         &self.0[index..index + 2]
///     }
/// }
///
/// // How well the next value is told from the one before it, as a multiple.
/// let miss = |p: &[dualtape::Traced<f64>], x: &[dualtape::Traced<f64>]| {
///     let gap = p[0] * x[0] - x[1];
///     gap * gap
/// };
/// let program = Program::record_with_data(miss, &[1.0], &[1.0; 2])?;
/// let mut gradient = [0.0];
/// let series = Neighbours(&[1.0, 2.0, 4.0, 9.0]);
/// let loss = program.sum_gradient(&mut program.batch_workspace(), &[2.0], &series, &mut gradient)?;
/// assert_eq!((loss, gradient), (1.0, [-8.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold the points of a batch",
    label = "points of a batch are needed here",
    note = "write `Rows::new(&numbers, width)`, with the numbers of each point one after another"
)]
pub trait Points<F>: Sync {
    /// How many there are.
    ///
    /// ```
    /// use dualtape::program::Points;
    /// let points = vec![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    /// assert_eq!(Points::<f64>::count(&points), 3);
    /// ```
    fn count(&self) -> usize;

    /// The data of one point, counted from 0: as many numbers as the program has data.
    ///
    /// # Panics
    ///
    /// Implementations may panic if there is no such point.
    ///
    /// ```
    /// use dualtape::program::Points;
    /// let points = vec![[1.0, 2.0], [3.0, 4.0]];
    /// assert_eq!(points.point(1), [3.0, 4.0]);
    /// ```
    fn point(&self, index: usize) -> &[F];
}

/// Rows of equal width in one flat slice.
///
/// ```
/// use dualtape::program::{Points, Rows};
/// let rows = Rows::new(&[1.0, 2.0, 3.0, 4.0], 2);
/// assert_eq!((rows.count(), rows.point(1)), (2, &[3.0, 4.0][..]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, F> {
    flat: &'a [F],
    width: usize,
    count: usize,
}

impl<'a, F> Rows<'a, F> {
    /// Rows of the given width.
    ///
    /// # Panics
    ///
    /// If the number of elements is not a multiple of the width; if the width is 0 but there are numbers.
    ///
    /// ```
    /// use dualtape::program::{Points, Rows};
    /// let measured = [1.0, 3.0, 2.0, 5.0, 3.0, 8.0]; // (1, 3), (2, 5), (3, 8)
    /// let rows = Rows::new(&measured, 2);
    /// assert_eq!((rows.count(), rows.point(2)), (3, &[3.0, 8.0][..]));
    /// ```
    pub fn new(flat: &'a [F], width: usize) -> Self {
        let count = flat.len().checked_div(width).unwrap_or(0);
        assert!(count * width == flat.len(), "{} numbers do not make rows of {width}", flat.len());
        Self { flat, width, count }
    }

    /// A given number of rows of the given width, which may be 0.
    pub(in crate::program) fn counted(flat: &'a [F], width: usize, count: usize) -> Self {
        debug_assert_eq!(flat.len(), count * width);
        Self { flat, width, count }
    }

    /// A given number of points without any data.
    ///
    /// ```
    /// use dualtape::{Program, program::Rows};
    /// // The same for each of five points: the sum is five times the value.
    /// let program = Program::record_with_data(|p, _| p[0] * p[0], &[1.0_f64], &[])?;
    /// let mut gradient = [0.0];
    /// let sum = program.sum_gradient(&mut program.batch_workspace(), &[3.0], &Rows::without_data(5), &mut gradient)?;
    /// assert_eq!((sum, gradient), (45.0, [30.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn without_data(count: usize) -> Self {
        Self { flat: &[], width: 0, count }
    }
}

impl<F: Sync> Points<F> for Rows<'_, F> {
    fn count(&self) -> usize {
        self.count
    }

    fn point(&self, index: usize) -> &[F] {
        &self.flat[index * self.width..][..self.width]
    }
}

#[diagnostic::do_not_recommend]
impl<F, R: AsRef<[F]> + Sync> Points<F> for [R] {
    fn count(&self) -> usize {
        self.len()
    }

    fn point(&self, index: usize) -> &[F] {
        self[index].as_ref()
    }
}

#[diagnostic::do_not_recommend]
impl<F, R: AsRef<[F]> + Sync> Points<F> for Vec<R> {
    fn count(&self) -> usize {
        self.len()
    }

    fn point(&self, index: usize) -> &[F] {
        self[index].as_ref()
    }
}

/// A selection of points, by number, in any order: for example, a mini-batch of shuffled data. A batch panics if a
/// number is not that of a point.
///
/// ```
/// use dualtape::program::{Points, Rows, Selected};
/// let rows = Rows::new(&[1.0, 2.0, 3.0], 1);
/// let chosen = Selected { points: &rows, indices: &[2, 0] };
/// assert_eq!((chosen.count(), chosen.point(0)), (2, &[3.0][..]));
/// ```
#[derive(Debug)]
pub struct Selected<'a, P: ?Sized> {
    /// The points to choose from.
    pub points: &'a P,
    /// Which, and in which order.
    pub indices: &'a [usize],
}

impl<F, P: Points<F> + ?Sized> Points<F> for Selected<'_, P> {
    fn count(&self) -> usize {
        self.indices.len()
    }

    fn point(&self, index: usize) -> &[F] {
        let (chosen, count) = (self.indices[index], self.points.count());
        assert!(chosen < count, "point {chosen} was selected, but there are {count} points");
        self.points.point(chosen)
    }
}
