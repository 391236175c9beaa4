//! The order in which the sums of chunks are added: a binary tree that depends on the batch only, so that neither
//! threads nor processes change a bit.

use crate::ProgramScalar;
use crate::program::lanes::kernels::AddTo;
use crate::program::simd::arch::arch;
use std::ops::Range;

/// How the points of a batch are divided into chunks, and in which order the sums of the chunks are added: a binary
/// tree whose left half is the largest power of two that leaves at least one chunk for the right half.
///
/// [`Program::sum`](crate::Program::sum) adds in this order. Several processes that share a batch get the same bits,
/// whatever their number, if each takes a [`share`](Self::share) of the chunks and computes its
/// [subtrees](Self::subtrees) with [`sum_part`](crate::Program::sum_part), and all subtrees are
/// [added up](Self::add_up).
///
/// ```
/// use dualtape::{Program, program::SumTree};
/// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
/// let tree: SumTree = square.sum_tree(1 << 21);
/// let shares: Vec<_> = (0..3).map(|rank| tree.share(rank, 3)).collect();
/// assert!(shares[0].start == 0 && shares[0].end == shares[1].start && shares[2].end == tree.chunks());
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumTree {
    points: usize,
    points_per_chunk: usize,
}

impl SumTree {
    pub(in crate::program) fn new(points: usize, points_per_chunk: usize) -> Self {
        Self { points, points_per_chunk: points_per_chunk.max(1) }
    }

    /// The number of chunks; without points, there is one empty chunk.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// // Too little work to be cut.
    /// assert_eq!((square.sum_tree(100).chunks(), square.sum_tree(0).chunks()), (1, 1));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn chunks(&self) -> usize {
        self.points.div_ceil(self.points_per_chunk).max(1)
    }

    /// The points of some chunks.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// assert_eq!(square.sum_tree(100).points_of(0..1), 0..100);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn points_of(&self, chunks: Range<usize>) -> Range<usize> {
        let point = |chunk: usize| (chunk * self.points_per_chunk).min(self.points);
        point(chunks.start)..point(chunks.end)
    }

    /// The chunks of one of several processes, counted from 0. The shares differ by at most one chunk. A share is
    /// empty if there are more processes than chunks.
    ///
    /// # Panics
    ///
    /// If `rank` is not below `size`.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let tree = square.sum_tree(100);
    /// assert_eq!((tree.share(0, 2), tree.share(1, 2)), (0..0, 0..1));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn share(&self, rank: usize, size: usize) -> Range<usize> {
        assert!(rank < size, "rank {rank} was given; expected one below {size}");
        let chunk = |rank: usize| (self.chunks() as u128 * rank as u128 / size as u128) as usize;
        chunk(rank)..chunk(rank + 1)
    }

    /// The largest subtrees that make up consecutive chunks, in order.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let tree = square.sum_tree(1 << 21);
    /// assert_eq!(tree.chunks(), 64);
    /// assert_eq!(tree.subtrees(0..64), [0..64]);
    /// assert_eq!(tree.subtrees(3..8), [3..4, 4..8]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn subtrees(&self, chunks: Range<usize>) -> Vec<Range<usize>> {
        fn collect(node: Range<usize>, chunks: &Range<usize>, found: &mut Vec<Range<usize>>) {
            if chunks.start <= node.start && node.end <= chunks.end {
                found.push(node);
            } else if node.start < chunks.end && chunks.start < node.end {
                let [left, right] = halves(&node);
                collect(left, chunks, found);
                collect(right, chunks, found);
            }
        }
        let mut found = Vec::new();
        if !chunks.is_empty() {
            collect(0..self.chunks(), &chunks, &mut found);
        }
        found
    }

    /// Adds the sums of subtrees, `subtrees` in order and one slice of `sums` for each, to the sum of the subtree
    /// that they make up. All slices have the length of `total`.
    ///
    /// # Panics
    ///
    /// If the subtrees are not those of `whole`, in order and without a gap.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let tree = square.sum_tree(1 << 21);
    /// let mut total = [0.0];
    /// let subtrees = [tree.subtrees(0..20), tree.subtrees(20..64)].concat();
    /// let sums: Vec<_> = subtrees.iter().map(|chunks| [chunks.len() as f64]).collect();
    /// tree.add_up(0..64, &subtrees, |i| &sums[i], &mut total);
    /// assert_eq!(total, [64.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn add_up<'a, F: ProgramScalar>(
        &self,
        whole: Range<usize>,
        subtrees: &[Range<usize>],
        sums: impl Fn(usize) -> &'a [F] + Sync,
        total: &mut [F],
    ) {
        for (piece, total) in total.chunks_mut(PIECE).enumerate() {
            let range = piece * PIECE..piece * PIECE + total.len();
            let known = |node: &Range<usize>| {
                let index = subtrees.binary_search_by_key(&node.start, |subtree| subtree.start).ok()?;
                (subtrees[index] == *node).then(|| &sums(index)[range.clone()])
            };
            fold(whole.clone(), &known, total);
        }
    }
}

/// How many sums are computed together, few enough for those of all levels to stay in the first-level cache.
pub(in crate::program) const PIECE: usize = 1 << 9;

/// The left and the right subtree of a node of at least two chunks.
fn halves(node: &Range<usize>) -> [Range<usize>; 2] {
    assert!(node.len() > 1, "chunk {} is missing among those that are added up", node.start);
    let middle = node.start + (node.len().next_power_of_two() >> 1);
    [node.start..middle, middle..node.end]
}

/// Writes the sum at a node, from known sums of chunks or of nodes that contain several. It has at most [`PIECE`]
/// numbers.
pub(in crate::program) fn fold<'a, F: ProgramScalar>(
    node: Range<usize>,
    known: &impl Fn(&Range<usize>) -> Option<&'a [F]>,
    total: &mut [F],
) {
    if let Some(sum) = known(&node) {
        return total.copy_from_slice(sum);
    }
    let [left, right] = halves(&node);
    fold(left, known, total);
    if let Some(terms) = known(&right) {
        return arch().dispatch(AddTo { sums: total, terms });
    }
    let mut piece = [F::zero(); PIECE];
    let terms = &mut piece[..total.len()];
    fold(right, known, terms);
    arch().dispatch(AddTo { sums: total, terms });
}
