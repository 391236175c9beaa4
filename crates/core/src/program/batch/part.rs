//! A batch that several processes share: each computes the sums of some chunks, and all of them add the same tree.

use super::evaluate::{Work, add_up, sum_of_values};
use super::memory::BatchWorkspace;
use crate::program::Program;
use crate::program::batch::points::Points;
use crate::program::batch::results::{Results, Sums};
use crate::program::plan::Wrt;
use crate::{Error, ProgramScalar};
use std::ops::Range;

/// The chunks of a batch that one process computes, and how.
///
/// ```
/// use dualtape::program::Part;
/// let part = Part { chunks: 0..4, careful: false };
/// assert_eq!(part.chunks.len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which chunks, of those of [`sum_tree`](Program::sum_tree).
    pub chunks: Range<usize>,
    /// Whether chunks whose sums are not finite are repeated point by point, by the rules of single points. This is
    /// needed only if the sum over all processes was not finite without it.
    pub careful: bool,
}

impl<F: ProgramScalar> Program<F> {
    /// The length of a partial sum, of gradient and value.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// assert_eq!(square.partial_len(), 2); // the derivative in the parameter, and the value
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn partial_len(&self) -> usize {
        self.summed_slots().len() + 1
    }

    /// Computes what [`sum`](Self::sum) does for some chunks of a batch, and appends to `partial` the partial sum of
    /// each of their [subtrees](crate::program::SumTree::subtrees), of [`partial_len`](Self::partial_len) numbers
    /// each. When the sums of all chunks are added, [`sum_total`](Self::sum_total) computes the gradient from them.
    ///
    /// If there is a bound to clip to, the norms of the points in this part are appended to `norms`. Returns how many
    /// of them had their gradient clipped.
    ///
    /// # Errors
    ///
    /// The errors of [`sum`](Self::sum), for the points of the part.
    ///
    /// # Panics
    ///
    /// If there are fewer chunks.
    ///
    /// ```
    /// use dualtape::{Program, program::{Part, Rows, Sums}};
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let numbers: Vec<f64> = (0..100_000).map(|i| f64::from(i % 10)).collect();
    /// let (points, sums, parameters) = (Rows::new(&numbers, 1), Sums::none(), [0.5]);
    /// let tree = square.sum_tree(100_000);
    ///
    /// // Each of three processes does this, and sends the others what it found.
    /// let (mut partial, mut subtrees) = (Vec::new(), Vec::new());
    /// let mut workspace = square.batch_workspace();
    /// for rank in 0..3 {
    ///     let part = Part { chunks: tree.share(rank, 3), careful: false };
    ///     square.sum_part(&mut workspace, &parameters, &points, &sums, &part, &mut partial, &mut Vec::new())?;
    ///     subtrees.extend(tree.subtrees(part.chunks));
    /// }
    /// // Then each of them adds up, and has what one alone would have.
    /// let mut total = vec![0.0; square.partial_len()];
    /// let width = total.len();
    /// tree.add_up(0..tree.chunks(), &subtrees, |i| &partial[i * width..][..width], &mut total);
    /// let mut derivative = [0.0];
    /// let value = square.sum_total(&mut workspace, &total, false, &mut derivative)?;
    /// assert_eq!((value, derivative), (Some(1_425_000.0), [2_850_000.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[allow(clippy::too_many_arguments)] // those of `sum`, and where what is found goes
    pub fn sum_part<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
        sums: &Sums<'_, F>,
        part: &Part,
        partial: &mut Vec<F>,
        norms: &mut Vec<F>,
    ) -> Result<usize, Error> {
        self.one_output()?;
        self.check_sum(points.count(), sums, &Results::none())?;
        let (tree, chunks) = (self.sum_tree(points.count()), part.chunks.clone());
        assert!(
            chunks.end <= tree.chunks(),
            "chunks {chunks:?} were given; expected some of {} chunks",
            tree.chunks()
        );
        let work = Work { parameters, points, sums, wrt: Wrt::Parameters, chunks: chunks.clone() };
        self.each_task(workspace, &work, |job, task, range| {
            job.sum(range.clone(), task)?;
            if part.careful { job.mend(range, task) } else { Ok(()) }
        })?;
        let tasks = &workspace.tasks[..chunks.len()];
        let slots = self.summed_slots();
        for subtree in tree.subtrees(chunks.clone()) {
            let own = subtree.start - chunks.start..subtree.end - chunks.start;
            let first = partial.len();
            partial.resize(first + slots.len() + 1, F::zero());
            let (sums, value) = partial[first..].split_at_mut(slots.len());
            add_up(tasks, own.clone(), slots.start, sums);
            value[0] = sum_of_values(tasks, own);
        }
        tasks.iter().for_each(|task| norms.extend_from_slice(&task.norms));
        Ok(tasks.iter().map(|task| task.clipped).sum())
    }

    /// The value and the gradient of a batch, from the sum over all its chunks. `batch` is the workspace of the last
    /// [`sum_part`](Self::sum_part) with the same parameters; that part may have had no chunks. `None` if the sum is
    /// not finite: then compute all parts again, [carefully](Part::careful); with `careful` given here too, there is
    /// a value in any case.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the sum does not hold [`partial_len`](Self::partial_len) numbers, or the gradient does
    /// not have one for each parameter.
    ///
    /// ```
    /// use dualtape::{Program, program::{Part, Rows, Sums}};
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let (mut workspace, mut total, mut derivative) = (square.batch_workspace(), Vec::new(), [0.0]);
    /// let (points, part) = (Rows::new(&[1.0, 2.0], 1), Part { chunks: 0..1, careful: false });
    /// square.sum_part(&mut workspace, &[3.0], &points, &Sums::none(), &part, &mut total, &mut Vec::new())?;
    /// assert_eq!(square.sum_total(&mut workspace, &total, false, &mut derivative)?, Some(15.0));
    /// assert_eq!(derivative, [5.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_total(
        &self,
        workspace: &mut BatchWorkspace<F>,
        total: &[F],
        careful: bool,
        gradient: &mut [F],
    ) -> Result<Option<F>, Error> {
        Error::check_length("sum", "number of a partial sum", self.partial_len(), total.len())?;
        Error::check_length("gradient", "parameter", self.parameters(), gradient.len())?;
        let (summed, value) = total.split_at(total.len() - 1);
        let first = self.summed_slots().start;
        let finite = self.carry_back(&mut workspace.uniform, gradient, careful, |slot, sums| {
            sums.copy_from_slice(&summed[slot - first..][..sums.len()]);
            sums.iter().all(|sum| sum.is_finite())
        });
        Ok((finite || careful).then_some(value[0]))
    }

    /// The uniform slots whose adjoints are summed over points: the parameters alone if nothing else is uniform.
    fn summed_slots(&self) -> Range<usize> {
        let schedule = &self.plan().schedule;
        match schedule.uniform_runs().is_empty() {
            true => schedule.constants..schedule.constants + self.parameters(),
            false => 0..schedule.first_varying,
        }
    }
}
