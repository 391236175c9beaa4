//! The sum over all processes, in the order of the tree.
//!
//! Each process sends the sums of its largest subtrees. If there are few numbers, they go to all processes at once. If there
//! are many, each process adds up one slice for all others, and then the totals of the slices are gathered. If the number of
//! processes is a power of two, this moves as many bytes as an ordinary all-reduce. The memory is kept, because allocating
//! new pages would take longer than the sums.

use super::{AllReduce, share};
use crate::Error;
use dualtape::program::SumTree;
use std::ops::Range;

/// Up to this many numbers go to all processes: saving one message matters more than sending fewer bytes.
const FEW: usize = 1 << 12;

/// Computes sums over all processes in the order of a tree, and keeps its memory from one sum to the next.
///
/// ```
/// use dualtape::{Program, program::{Part, Rows, Sums}};
/// use dualtape_nn::parallel::{AllReduce, InOrder, Local};
///
/// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
/// let (points, parameters) = (Rows::new(&[1.0, 2.0], 1), [3.0]);
/// // With the feature `mpi`, in a program started by mpirun, use Mpi::start()? here.
/// let (mut ranks, mut in_order) = (Local, InOrder::default());
/// let tree = square.sum_tree(2);
/// let part = Part { chunks: tree.share(ranks.rank(), ranks.size()), careful: false };
/// let (mut workspace, mut own, mut total) = (square.batch_workspace(), Vec::new(), vec![0.0; square.partial_len()]);
/// square.sum_part(&mut workspace, &parameters, &points, &Sums::none(), &part, &mut own, &mut Vec::new())?;
/// in_order.sum(&mut ranks, &tree, &own, &mut total)?;
/// let mut derivative = [0.0];
/// assert_eq!(square.sum_total(&mut workspace, &total, false, &mut derivative)?, Some(15.0));
/// assert_eq!(derivative, [5.0]);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct InOrder {
    sent: Vec<f64>,
    received: Vec<f64>,
    slice: Vec<f64>,
}

impl InOrder {
    /// Writes the sum over all chunks of a batch to `total` on each process, with the same bits for any number of processes.
    /// Each process passes in `own` the sums of the [subtrees](SumTree::subtrees) of its [share](SumTree::share), one after
    /// the other, as [`sum_part`](dualtape::Program::sum_part) writes them.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if a process cannot be reached; [`Error::Shape`] if the length of `own` is not the length of
    /// `total` times the number of subtrees.
    ///
    /// ```
    /// use dualtape::Program;
    /// use dualtape_nn::parallel::{InOrder, Local};
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let mut total = [0.0; 2];
    /// InOrder::default().sum(&mut Local, &square.sum_tree(2), &[5.0, 15.0], &mut total)?;
    /// assert_eq!(total, [5.0, 15.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn sum(
        &mut self,
        ranks: &mut impl AllReduce,
        tree: &SumTree,
        own: &[f64],
        total: &mut [f64],
    ) -> Result<(), Error> {
        let shares: Vec<Vec<Range<usize>>> =
            (0..ranks.size()).map(|rank| tree.subtrees(tree.share(rank, ranks.size()))).collect();
        let expected = shares[ranks.rank()].len() * total.len();
        if own.len() != expected {
            let what = "numbers of this process's partial sums".to_owned();
            return Err(Error::Shape { what, given: own.len(), expected });
        }
        let subtrees = shares.concat();
        if subtrees.len() * total.len() <= FEW {
            self.by_gathering(ranks, tree, &shares, own, total)
        } else {
            self.by_slices(ranks, tree, &shares, own, total)
        }
    }

    /// Sends everything to all processes.
    fn by_gathering(
        &mut self,
        ranks: &mut impl AllReduce,
        tree: &SumTree,
        shares: &[Vec<Range<usize>>],
        own: &[f64],
        total: &mut [f64],
    ) -> Result<(), Error> {
        let (width, subtrees) = (total.len(), shares.concat());
        let lengths: Vec<usize> = shares.iter().map(|share| share.len() * width).collect();
        self.received.resize(subtrees.len() * width, 0.0);
        ranks.gather(own, &lengths, &mut self.received)?;
        tree.add_up(0..tree.chunks(), &subtrees, |i| &self.received[i * width..][..width], total);
        Ok(())
    }

    /// Adds up one slice on each process.
    fn by_slices(
        &mut self,
        ranks: &mut impl AllReduce,
        tree: &SumTree,
        shares: &[Vec<Range<usize>>],
        own: &[f64],
        total: &mut [f64],
    ) -> Result<(), Error> {
        let (rank, size, width, subtrees) = (ranks.rank(), ranks.size(), total.len(), shares.concat());
        let slice = |rank: usize| share(width, rank, size);
        let length = slice(rank).len();
        let sent_lengths: Vec<usize> = (0..size).map(|to| slice(to).len() * shares[rank].len()).collect();
        let received_lengths: Vec<usize> = shares.iter().map(|share| length * share.len()).collect();
        let Self { sent, received, slice: added } = self;
        received.resize(subtrees.len() * length, 0.0);
        // The slices of a single sum are already in order.
        let sent = if shares[rank].len() == 1 {
            own
        } else {
            sent.clear();
            for to in 0..size {
                own.chunks_exact(width).for_each(|sums| sent.extend_from_slice(&sums[slice(to)]));
            }
            sent
        };
        ranks.exchange(sent, &sent_lengths, received, &received_lengths)?;
        added.resize(length, 0.0);
        tree.add_up(0..tree.chunks(), &subtrees, |i| &received[i * length..][..length], added);
        let lengths: Vec<usize> = (0..size).map(|from| slice(from).len()).collect();
        ranks.gather(added, &lengths, total)
    }
}
