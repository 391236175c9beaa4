//! Where the data of a batch come from: slices, without copying them all.

/// Points of a batch: each a row of data, by number.
///
/// Slices and vectors of rows implement it, [`Rows`] for one flat slice, and [`Selected`] for a choice of
/// others' points.
pub trait Points<F>: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The data of one.
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
    /// If the numbers do not come out even; if the width is 0 but there are numbers.
    pub fn new(flat: &'a [F], width: usize) -> Self {
        let count = flat.len().checked_div(width).unwrap_or(0);
        assert!(count * width == flat.len(), "{} numbers do not make rows of {width}", flat.len());
        Self { flat, width, count }
    }

    /// So many rows of the given width, which may be 0.
    pub(super) fn counted(flat: &'a [F], width: usize, count: usize) -> Self {
        debug_assert_eq!(flat.len(), count * width);
        Self { flat, width, count }
    }

    /// So many points without any data.
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

impl<F, R: AsRef<[F]> + Sync> Points<F> for [R] {
    fn count(&self) -> usize {
        self.len()
    }

    fn point(&self, index: usize) -> &[F] {
        self[index].as_ref()
    }
}

impl<F, R: AsRef<[F]> + Sync> Points<F> for Vec<R> {
    fn count(&self) -> usize {
        self.len()
    }

    fn point(&self, index: usize) -> &[F] {
        self[index].as_ref()
    }
}

/// A choice of points, by number, in an order of its own: a mini-batch of shuffled data.
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
        self.points.point(self.indices[index])
    }
}
