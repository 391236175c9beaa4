//! The gradient of a batch by a recorded program. The model and the loss run once, for the recording; the program is then
//! evaluated for many samples at once.

use crate::Reduction;
use crate::batch::Batch;
use crate::parallel::{AllReduce, InOrder};
use dualtape::program::{self, Part, Points, Results, SumTree, Sums};
use dualtape::{Error, Program, ProgramScalar, Traced};
use std::ops::Range;

/// A loss of one sample, recorded, with the buffers to evaluate batches of samples.
///
/// [`BatchGradient`](crate::BatchGradient) takes any loss, even with branches. `Recorded` requires a loss that performs the
/// same operations for every sample, and is much faster.
///
/// ```
/// use dualtape::{Float, program::Rows};
/// use dualtape_nn::Recorded;
///
/// // The mean of (θ·x)² over x = 1, 2, and its gradient at θ = 3.
/// let mut recorded = Recorded::new(1, 1, |p, x| (p[0] * x[0]).powi(2))?;
/// let mut gradient = [0.0];
/// let batch = recorded.mean(&[3.0], &Rows::new(&[1.0, 2.0], 1), None, &mut gradient)?;
/// assert_eq!((batch.loss, gradient), (22.5, [15.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recorded<F: ProgramScalar> {
    program: Program<F>,
    batch: program::BatchWorkspace<F>,
    norms: Vec<F>,
    shared: Shared,
}

/// The memory for sums over processes, kept from one batch to the next.
#[derive(Clone, Debug, Default)]
struct Shared {
    in_order: InOrder,
    /// The sums of the subtrees of all pieces, and then those of the whole share.
    pieces: Vec<f64>,
    own: Vec<f64>,
    total: Vec<f64>,
}

impl<F: ProgramScalar> Recorded<F> {
    /// Records the loss of one sample, for these numbers of parameters and of numbers in a sample.
    ///
    /// The loss is recorded at small, arbitrary numbers, so it must not branch on its arguments.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the recording is too large.
    ///
    /// ```
    /// use dualtape::Float;
    /// use dualtape_nn::Recorded;
    /// // Two parameters; a sample is an input and its target.
    /// let recorded = Recorded::<f64>::new(2, 2, |p, s| (p[0] * s[0] + p[1] - s[1]).powi(2))?;
    /// assert_eq!((recorded.program().parameters(), recorded.program().data()), (2, 2));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new(
        parameters: usize,
        data: usize,
        loss: impl FnOnce(&[Traced<F>], &[Traced<F>]) -> Traced<F>,
    ) -> Result<Self, Error> {
        let some = |count: usize| vec![F::nearest(0.01); count];
        let program = Program::record_with_data(loss, &some(parameters), &some(data))?;
        let batch = program.batch_workspace();
        Ok(Self { program, batch, norms: Vec::new(), shared: Shared::default() })
    }

    /// The recorded program.
    ///
    /// ```
    /// # use dualtape_nn::Recorded;
    /// let recorded = Recorded::<f64>::new(1, 1, |p, x| p[0] * x[0])?;
    /// assert_eq!(recorded.program().operations(), 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn program(&self) -> &Program<F> {
        &self.program
    }

    /// Writes the gradient of the mean loss over the samples into `gradient`; it is zero if there are no samples.
    ///
    /// With a `sample_limit`, each per-sample gradient is first scaled to have at most that norm. The threads of rayon's
    /// current pool share the work.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if a slice does not fit the recording, and [`Error::BranchChanged`].
    ///
    /// ```
    /// use dualtape::program::Rows;
    /// use dualtape_nn::Recorded;
    /// let mut recorded = Recorded::new(1, 1, |p, x| p[0] * x[0])?; // its derivative is the sample
    /// let (samples, mut derivative) = (Rows::new(&[1.0, 3.0], 1), [0.0]);
    /// recorded.mean(&[5.0], &samples, None, &mut derivative)?;
    /// assert_eq!(derivative, [2.0]);
    /// let batch = recorded.mean(&[5.0], &samples, Some(2.0), &mut derivative)?; // 1 and 3, clipped to 2
    /// assert!((derivative[0] - 1.5_f64).abs() < 1e-5 && batch.clipped == 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn mean<P: Points<F> + ?Sized>(
        &mut self,
        parameters: &[F],
        samples: &P,
        sample_limit: Option<F>,
        gradient: &mut [F],
    ) -> Result<Batch<F>, Error> {
        self.reduce(Reduction::Mean, parameters, samples, sample_limit, gradient)
    }

    /// As [`mean`](Self::mean), for the mean or the sum over the samples.
    ///
    /// # Errors
    ///
    /// As [`mean`](Self::mean).
    ///
    /// ```
    /// use dualtape::program::Rows;
    /// use dualtape_nn::Recorded;
    /// let mut recorded = Recorded::new(1, 1, |p, x| p[0] * x[0])?; // its derivative is the sample
    /// let mut derivative = [0.0];
    /// let samples = Rows::new(&[1.0, 3.0], 1);
    /// let batch = recorded.reduce(dualtape_nn::Reduction::Sum, &[5.0], &samples, None, &mut derivative)?;
    /// assert_eq!((batch.loss, derivative), (20.0, [4.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn reduce<P: Points<F> + ?Sized>(
        &mut self,
        reduction: Reduction,
        parameters: &[F],
        samples: &P,
        sample_limit: Option<F>,
        gradient: &mut [F],
    ) -> Result<Batch<F>, Error> {
        let share = match reduction {
            // Without samples, the sum is zero with any factor.
            Reduction::Mean => F::nearest(samples.count().max(1) as f64).recip(),
            Reduction::Sum => F::one(),
        };
        let clip = sample_limit.map(|norm| SampleClip { norm, groups: &[], skip_non_finite: false });
        self.scaled(share, parameters, samples, clip, gradient)
    }

    /// The sums of the loss and of the clipped gradient over the samples, times `share`.
    pub(crate) fn scaled<P: Points<F> + ?Sized>(
        &mut self,
        share: F,
        parameters: &[F],
        samples: &P,
        clip: Option<SampleClip<'_, F>>,
        gradient: &mut [F],
    ) -> Result<Batch<F>, Error> {
        let count = samples.count();
        self.norms.resize(if clip.is_some() { count } else { 0 }, F::zero());
        let sums = sums(share, clip);
        let norms = clip.map(|_| &mut self.norms[..]);
        let results = Results { gradient: Some(gradient), norms, ..Results::none() };
        let sum = self.program.sum(&mut self.batch, parameters, samples, &sums, results)?;
        let mean = |norms: &[F]| norms.iter().copied().sum::<F>() / F::nearest(count.max(1) as f64);
        let mean_norm = clip.map(|_| mean(&self.norms));
        Ok(Batch { loss: sum.value, mean_norm, clipped: sum.clipped })
    }

    /// The norm of each per-sample gradient in the last batch, before clipping; empty if the samples were not clipped.
    ///
    /// ```
    /// use dualtape::program::Rows;
    /// use dualtape_nn::Recorded;
    /// let mut recorded = Recorded::new(1, 1, |p, x| p[0] * x[0])?; // its derivative is the sample
    /// recorded.mean(&[5.0], &Rows::new(&[1.0, -3.0], 1), Some(2.0), &mut [0.0])?;
    /// assert_eq!(recorded.norms(), [1.0, 3.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn norms(&self) -> &[F] {
        &self.norms
    }
}

/// How each per-sample gradient is clipped: the whole gradient to this norm, or each group of parameters to this norm. The
/// lengths of the groups are given.
#[derive(Clone, Copy)]
pub(crate) struct SampleClip<'a, F = f64> {
    pub(crate) norm: F,
    pub(crate) groups: &'a [usize],
    /// Whether a sample is ignored if its loss or norm is not finite.
    pub(crate) skip_non_finite: bool,
}

fn sums<F: ProgramScalar>(share: F, clip: Option<SampleClip<'_, F>>) -> Sums<'_, F> {
    let groups = clip.map_or(&[][..], |clip| clip.groups);
    let skip_non_finite = clip.is_some_and(|clip| clip.skip_non_finite);
    Sums { clip: clip.map(|clip| clip.norm), groups, skip_non_finite, scale: Some(share), ..Sums::none() }
}

/// The threads or processes that work on a batch, and how the batch is divided.
pub(crate) struct Team<'a, R> {
    pub(crate) ranks: &'a mut R,
    /// The threads of this process.
    pub(crate) pool: &'a rayon::ThreadPool,
    /// The number of pieces of its share that each process computes one after another.
    pub(crate) accumulate: usize,
    /// Whether this process was asked to stop.
    pub(crate) stop: bool,
}

/// The results of a team.
pub(crate) struct Found {
    pub(crate) batch: Batch<f64>,
    /// Whether any of its processes was asked to stop.
    pub(crate) stop: bool,
}

/// The numbers that each process sends besides sums and norms: they tell whether it failed, whether it was asked to stop,
/// and how many gradients it clipped.
const MARKS: usize = 3;

impl Recorded<f64> {
    /// As [`scaled`](Self::scaled), but computed by a team, with the same bits for any team.
    pub(crate) fn by_team<P: Points<f64> + ?Sized, R: AllReduce>(
        &mut self,
        team: Team<'_, R>,
        share: f64,
        parameters: &[f64],
        samples: &P,
        clip: Option<SampleClip<'_>>,
        gradient: &mut [f64],
    ) -> Result<Found, crate::Error> {
        let Team { ranks, pool, accumulate, stop } = team;
        if ranks.size() == 1 && accumulate == 1 {
            let batch = pool.install(|| self.scaled(share, parameters, samples, clip, gradient))?;
            return Ok(Found { batch, stop });
        }
        let sums = sums(share, clip);
        let tree = self.program.sum_tree(samples.count());
        let chunks = |rank: usize| tree.share(rank, ranks.size());
        let own = chunks(ranks.rank());
        let lengths = other_lengths(&tree, (0..ranks.size()).map(chunks), clip.is_some());
        let mut shared = std::mem::take(&mut self.shared);
        shared.total.resize(self.program.partial_len(), 0.0);
        let mut careful = false;
        let found = loop {
            let work = Share { tree: &tree, own: own.clone(), pieces: accumulate, careful };
            let computed = pool.install(|| self.own_sums(&work, parameters, samples, &sums, &mut shared));
            let others = match &computed {
                Ok(clipped) => self.others(*clipped, stop),
                // All other processes must know about the failure; whatever else is sent is ignored.
                Err(_) => failed(lengths[ranks.rank()]),
            };
            let mut all = vec![0.0; lengths.iter().sum()];
            ranks.gather(&others, &lengths, &mut all)?;
            computed?;
            let marks = self.read_others(&all, &lengths)?;
            shared.in_order.sum(ranks, &tree, &shared.own, &mut shared.total)?;
            if let Some(loss) = self.program.sum_total(&mut self.batch, &shared.total, careful, gradient)? {
                let mean = self.norms.iter().sum::<f64>() / self.norms.len().max(1) as f64;
                let mean_norm = clip.map(|_| mean);
                let batch = Batch { loss, mean_norm, clipped: marks.clipped };
                break Found { batch, stop: marks.stop };
            }
            careful = true;
        };
        self.shared = shared;
        Ok(found)
    }

    /// Computes the sums of the subtrees of a share, and the norms of its samples. Returns how many samples were clipped.
    fn own_sums<P: Points<f64> + ?Sized>(
        &mut self,
        share: &Share<'_>,
        parameters: &[f64],
        samples: &P,
        sums: &Sums<'_, f64>,
        shared: &mut Shared,
    ) -> Result<usize, Error> {
        let Share { tree, own, pieces, careful } = share;
        let pieces = &(*pieces).min(own.len()).max(1);
        let Self { program, batch, norms, .. } = self;
        let (mut subtrees, mut clipped) = (Vec::new(), 0);
        shared.pieces.clear();
        norms.clear();
        for piece in 0..*pieces {
            let chunk = |piece: usize| own.start + own.len() * piece / pieces;
            let chunks = chunk(piece)..chunk(piece + 1);
            // Even an empty share evaluates the operations that depend only on parameters.
            subtrees.extend(tree.subtrees(chunks.clone()));
            let part = Part { chunks, careful: *careful };
            clipped +=
                program.sum_part(batch, parameters, samples, sums, &part, &mut shared.pieces, norms)?;
        }
        let wanted = tree.subtrees(own.clone());
        if subtrees == wanted {
            std::mem::swap(&mut shared.own, &mut shared.pieces);
            return Ok(clipped);
        }
        let (width, known) = (program.partial_len(), &shared.pieces);
        shared.own.resize(wanted.len() * width, 0.0);
        for (subtree, sum) in wanted.into_iter().zip(shared.own.chunks_exact_mut(width)) {
            tree.add_up(subtree, &subtrees, |i| &known[i * width..][..width], sum);
        }
        Ok(clipped)
    }

    /// The data that are sent to the other processes besides sums.
    fn others(&self, clipped: usize, stop: bool) -> Vec<f64> {
        let mut others = vec![0.0, f64::from(stop), clipped as f64];
        others.extend_from_slice(&self.norms);
        others
    }

    /// Reads what the processes sent besides sums, and keeps the norms.
    fn read_others(&mut self, mut others: &[f64], lengths: &[usize]) -> Result<Marks, crate::Error> {
        self.norms.clear();
        let mut marks = Marks { stop: false, clipped: 0 };
        for (rank, &length) in lengths.iter().enumerate() {
            let (own, rest) = others.split_at(length);
            others = rest;
            if own[0] != 0.0 {
                return Err(crate::Error::Parallel {
                    problem: format!("process {rank} failed, so all processes stop"),
                });
            }
            marks.stop |= own[1] != 0.0;
            marks.clipped += own[2] as usize;
            self.norms.extend_from_slice(&own[MARKS..]);
        }
        Ok(marks)
    }
}

/// The chunks that a process takes.
struct Share<'a> {
    tree: &'a SumTree,
    own: Range<usize>,
    pieces: usize,
    careful: bool,
}

/// The data that a failed process sends.
fn failed(length: usize) -> Vec<f64> {
    let mut marks = vec![0.0; length];
    marks[0] = 1.0;
    marks
}

/// The combined data of all processes.
struct Marks {
    stop: bool,
    clipped: usize,
}

/// How many numbers each process sends besides sums.
fn other_lengths(tree: &SumTree, shares: impl Iterator<Item = Range<usize>>, clipping: bool) -> Vec<usize> {
    shares.map(|chunks| MARKS + if clipping { tree.points_of(chunks).len() } else { 0 }).collect()
}
