//! Points that come one after another, from a file or a generator, and are never all in memory at once.

use super::memory::{BatchWorkspace, Piece};
use crate::program::Program;
use crate::program::batch::points::Rows;
use crate::program::simd::L;
use crate::{Error, ProgramScalar};

/// The most points that are kept at once; a whole number of blocks of lanes.
const MOST_POINTS: usize = 1 << 14;

/// The most numbers that are kept at once, unless a single block of lanes has more.
const MOST_NUMBERS: usize = 1 << 20;

impl<F: ProgramScalar> Program<F> {
    /// The sum of the values over all points of an iterator, its gradient with respect to the parameters, and the
    /// number of points. The points are taken in pieces of at most 16384 points, each by all threads of the current
    /// rayon pool, and are not kept. The same points give the same bits with any number of threads. But the last bits
    /// may differ from those of [`sum_gradient`](Self::sum_gradient), which divides the points differently.
    ///
    /// # Errors
    ///
    /// The errors of [`sum_gradient`](Self::sum_gradient), with points counted from the first of the iterator. After
    /// an error, the iterator is not read further, and `gradient` holds the sum of the pieces before.
    ///
    /// ```
    /// use dualtape::{Float, Program};
    ///
    /// let program = Program::record_with_data(|p, x| (p[0] * x[0] - x[1]).powi(2), &[0.0], &[0.0_f64; 2])?;
    /// let readings = (1..=1000).map(|i| [1.0, f64::from(i)]);
    /// let mut gradient = [0.0];
    /// let (_, count) = program.sum_gradient_from(&mut program.batch_workspace(), &[500.0], readings, &mut gradient)?;
    /// assert_eq!((count, gradient), (1000, [-1000.0])); // 2 (500 · 1000 − 1000 · 1001 / 2)
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_gradient_from<R: AsRef<[F]>>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: impl IntoIterator<Item = R>,
        gradient: &mut [F],
    ) -> Result<(F, usize), Error> {
        let mut piece = std::mem::take(&mut workspace.piece);
        let sums = self.sum_pieces(workspace, &mut piece, parameters, points.into_iter(), gradient);
        workspace.piece = piece;
        sums
    }

    fn sum_pieces<R: AsRef<[F]>>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        piece: &mut Piece<F>,
        parameters: &[F],
        mut points: impl Iterator<Item = R>,
        gradient: &mut [F],
    ) -> Result<(F, usize), Error> {
        Error::check_length("gradient", "parameter", self.parameters(), gradient.len())?;
        gradient.fill(F::zero());
        piece.gradient.resize(self.parameters(), F::zero());
        let most = self.points_per_piece();
        let (mut value, mut count) = (F::zero(), 0);
        loop {
            piece.rows.clear();
            let mut len = 0;
            for point in points.by_ref().take(most) {
                let point = point.as_ref();
                Error::check_length("point", "datum", self.data(), point.len())?;
                piece.rows.extend_from_slice(point);
                len += 1;
            }
            // The first piece is evaluated even if it is empty, because this checks the parameters.
            if len == 0 && count > 0 {
                return Ok((value, count));
            }
            let rows = Rows::counted(&piece.rows, self.data(), len);
            value += self
                .sum_gradient(workspace, parameters, &rows, &mut piece.gradient)
                .map_err(|error| error.later(count))?;
            for (sum, &term) in gradient.iter_mut().zip(&piece.gradient) {
                *sum += term;
            }
            count += len;
            if len < most {
                return Ok((value, count));
            }
        }
    }

    fn points_per_piece(&self) -> usize {
        (MOST_NUMBERS / self.data().max(1)).clamp(1, MOST_POINTS).next_multiple_of(L)
    }
}
