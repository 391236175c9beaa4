//! The gradient of a batch by a recorded program: model and loss run once, for the recording, and are then
//! evaluated for many samples at once.

use crate::Reduction;
use crate::batch::Batch;
use dualtape::program::{self, Points, Results, Sums};
use dualtape::{Error, Program, ProgramScalar, Traced};

/// A loss of one sample, recorded, with the buffers to evaluate batches of samples.
///
/// Where [`BatchGradient`](crate::BatchGradient) takes any loss, branches included, this takes one that
/// computes the same for every sample, and is much faster.
///
/// ```
/// use dualtape::{Float, program::Rows};
/// use dualtape_nn::Recorded;
///
/// // The mean of (θ·x)² over x = 1, 2, and its gradient at θ = 3.
/// let mut recorded = Recorded::new(1, 1, |p, x| (p[0] * x[0]).powi(2))?;
/// let mut slope = [0.0];
/// let batch = recorded.mean(&[3.0], &Rows::new(&[1.0, 2.0], 1), None, &mut slope)?;
/// assert_eq!((batch.loss, slope), (22.5, [15.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recorded<F: ProgramScalar> {
    program: Program<F>,
    batch: program::Batch<F>,
    norms: Vec<F>,
}

impl<F: ProgramScalar> Recorded<F> {
    /// Records the loss of one sample, given so many parameters and so many numbers a sample.
    ///
    /// It is recorded at small numbers that mean nothing: a loss that branches on its arguments does not
    /// belong here.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if the recording does not fit.
    ///
    /// ```
    /// use dualtape::Float;
    /// use dualtape_nn::Recorded;
    /// // Two parameters; a sample is an input and what it should give.
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
        let batch = program.batch();
        Ok(Self { program, batch, norms: Vec::new() })
    }

    /// What was recorded.
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

    /// Writes the gradient of the mean loss over the samples into `gradient`; of no samples, zeros.
    ///
    /// With a `sample_limit`, each sample's gradient is first scaled to have at most that norm. Work is
    /// spread over rayon's current thread pool.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if a slice does not fit the recording, and [`Error::BranchChanged`].
    ///
    /// ```
    /// use dualtape::program::Rows;
    /// use dualtape_nn::Recorded;
    /// let mut recorded = Recorded::new(1, 1, |p, x| p[0] * x[0])?; // its slope is the sample
    /// let (samples, mut slope) = (Rows::new(&[1.0, 3.0], 1), [0.0]);
    /// recorded.mean(&[5.0], &samples, None, &mut slope)?;
    /// assert_eq!(slope, [2.0]);
    /// let batch = recorded.mean(&[5.0], &samples, Some(2.0), &mut slope)?; // 1 and 3, held to 2
    /// assert!((slope[0] - 1.5_f64).abs() < 1e-5 && batch.clipped == 1);
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
    /// let mut recorded = Recorded::new(1, 1, |p, x| p[0] * x[0])?; // its slope is the sample
    /// let mut slope = [0.0];
    /// let samples = Rows::new(&[1.0, 3.0], 1);
    /// let batch = recorded.reduce(dualtape_nn::Reduction::Sum, &[5.0], &samples, None, &mut slope)?;
    /// assert_eq!((batch.loss, slope), (20.0, [4.0]));
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
            // Of no samples, the sum is zero with any share.
            Reduction::Mean => F::nearest(samples.count().max(1) as f64).recip(),
            Reduction::Sum => F::one(),
        };
        self.scaled(share, parameters, samples, sample_limit, gradient)
    }

    /// The sum over the samples, of loss and clipped gradient, times `share`.
    pub(crate) fn scaled<P: Points<F> + ?Sized>(
        &mut self,
        share: F,
        parameters: &[F],
        samples: &P,
        sample_limit: Option<F>,
        gradient: &mut [F],
    ) -> Result<Batch<F>, Error> {
        let count = samples.count();
        self.norms.resize(if sample_limit.is_some() { count } else { 0 }, F::zero());
        let sums = Sums { clip: sample_limit, scale: Some(share), ..Sums::none() };
        let norms = sample_limit.map(|_| &mut self.norms[..]);
        let results = Results { gradient: Some(gradient), norms, ..Results::none() };
        let sum = self.program.sum(&mut self.batch, parameters, samples, &sums, results)?;
        let mean = |norms: &[F]| norms.iter().copied().sum::<F>() / F::nearest(count.max(1) as f64);
        let mean_norm = sample_limit.map(|_| mean(&self.norms));
        Ok(Batch { loss: sum.value, mean_norm, clipped: sum.clipped })
    }

    /// The norm of each sample's gradient in the last batch, before clipping; empty if it was not clipped.
    ///
    /// ```
    /// use dualtape::program::Rows;
    /// use dualtape_nn::Recorded;
    /// let mut recorded = Recorded::new(1, 1, |p, x| p[0] * x[0])?; // its slope is the sample
    /// recorded.mean(&[5.0], &Rows::new(&[1.0, -3.0], 1), Some(2.0), &mut [0.0])?;
    /// assert_eq!(recorded.norms(), [1.0, 3.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn norms(&self) -> &[F] {
        &self.norms
    }
}
