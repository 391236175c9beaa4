//! The gradient of a batch, sample by sample in parallel, with the same bits for any number of threads.
//!
//! Samples are processed in chunks of a fixed size. Each chunk has its own tape and gradient, and the sums of the chunks
//! are added in their order. So the number of threads that share the chunks does not change the result.

use crate::clip;
use dualtape::{Reverse, Scalar, Var};
use rayon::prelude::*;

/// The number of samples in a chunk: few enough that a batch of 32 keeps four threads busy, and enough that a chunk
/// takes longer than its scheduling.
const SAMPLES_PER_CHUNK: usize = 8;

/// The results of a batch besides its gradient.
///
/// ```
/// use dualtape_nn::{Batch, BatchGradient};
/// // The derivatives of the samples are 1 and 3; one is longer than 2.
/// let mut derivative = [0.0];
/// let batch = BatchGradient::new().mean(&[5.0], &[1.0, 3.0], Some(2.0), |p, &x| p[0] * x, &mut derivative);
/// assert_eq!(batch, Batch { loss: 10.0, mean_norm: Some(2.0), clipped: 1 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<F> {
    /// The mean loss of the samples.
    pub loss: F,
    /// The mean norm of the per-sample gradients, before clipping; it is only computed if samples are clipped.
    pub mean_norm: Option<F>,
    /// How many per-sample gradients were clipped.
    pub clipped: usize,
}

/// Tapes and buffers for gradients of batches, kept from one batch to the next.
///
/// ```
/// use dualtape::Float;
/// use dualtape_nn::BatchGradient;
///
/// // The mean of (θ·x)² over x = 1, 2, and its gradient at θ = 3.
/// let mut gradient = [0.0];
/// let samples = [1.0, 2.0];
/// let batch = BatchGradient::new().mean(&[3.0], &samples, None, |p, &x| (p[0] * x).powi(2), &mut gradient);
/// assert_eq!(batch.loss, 22.5);
/// assert_eq!(gradient, [15.0]);
/// ```
#[derive(Debug, Default)]
pub struct BatchGradient<F: Scalar> {
    chunks: Vec<Chunk<F>>,
}

#[derive(Debug)]
struct Chunk<F: Scalar> {
    reverse: Reverse<F>,
    gradient: Vec<F>,
    loss: F,
    norms: F,
    clipped: usize,
}

impl<F: Scalar> BatchGradient<F> {
    /// Without tapes yet.
    ///
    /// ```
    /// use dualtape_nn::BatchGradient;
    /// let mut gradients = BatchGradient::new();
    /// let mut derivative = [0.0];
    /// for samples in [[1.0, 2.0], [3.0, 4.0]] {
    ///     gradients.mean(&[5.0], &samples, None, |p, &x| p[0] * x, &mut derivative);
    /// }
    /// assert_eq!(derivative, [3.5]);
    /// ```
    pub fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    /// Writes the gradient of the mean loss over the samples into `gradient`; it is zero if there are no samples.
    ///
    /// With a `sample_limit`, each per-sample gradient is first scaled to have at most that norm. The threads of rayon's
    /// current pool share the work.
    ///
    /// # Panics
    ///
    /// If `gradient` does not have one number for each parameter, or if `loss` panics.
    ///
    /// ```
    /// use dualtape_nn::BatchGradient;
    /// // Quantile loss: a branch decides the weight of each side.
    /// let mut derivative = [0.0];
    /// let batch = BatchGradient::new().mean(
    ///     &[2.0],
    ///     &[1.0, 3.0],
    ///     None,
    ///     |p, &x| if p[0] > x.into() { (p[0] - x) * 0.25 } else { -(p[0] - x) },
    ///     &mut derivative,
    /// );
    /// assert_eq!((batch.loss, derivative), (0.625, [-0.375]));
    /// ```
    pub fn mean<S, L>(
        &mut self,
        parameters: &[F],
        samples: &[S],
        sample_limit: Option<F>,
        loss: L,
        gradient: &mut [F],
    ) -> Batch<F>
    where
        S: Sync,
        L: for<'t> Fn(&[Var<'t, F>], &S) -> Var<'t, F> + Sync,
    {
        let count = parameters.len();
        assert!(
            gradient.len() == count,
            "{count} parameters need as many derivatives, not {}",
            gradient.len()
        );
        let chunks = samples.len().div_ceil(SAMPLES_PER_CHUNK);
        self.chunks.resize_with(chunks.max(self.chunks.len()), Chunk::new);
        let used = &mut self.chunks[..chunks];
        used.par_iter_mut()
            .zip(samples.par_chunks(SAMPLES_PER_CHUNK))
            .for_each(|(chunk, samples)| chunk.run(parameters, samples, sample_limit, &loss));
        gradient.fill(F::zero());
        let mut total = Batch { loss: F::zero(), mean_norm: None, clipped: 0 };
        let mut norms = F::zero();
        for chunk in used {
            for (sum, &part) in gradient.iter_mut().zip(&chunk.gradient) {
                *sum += part;
            }
            total.loss += chunk.loss;
            total.clipped += chunk.clipped;
            norms += chunk.norms;
        }
        let share = F::nearest(samples.len().max(1) as f64).recip();
        for g in gradient {
            *g *= share;
        }
        Batch { loss: total.loss * share, mean_norm: sample_limit.map(|_| norms * share), ..total }
    }
}

impl<F: Scalar> Chunk<F> {
    fn new() -> Self {
        Self { reverse: Reverse::new(), gradient: Vec::new(), loss: F::zero(), norms: F::zero(), clipped: 0 }
    }

    fn run<S, L>(&mut self, parameters: &[F], samples: &[S], sample_limit: Option<F>, loss: &L)
    where
        L: for<'t> Fn(&[Var<'t, F>], &S) -> Var<'t, F>,
    {
        let Self { reverse, gradient, .. } = self;
        gradient.clear();
        gradient.resize(parameters.len(), F::zero());
        let (mut sum, mut norms, mut clipped) = (F::zero(), F::zero(), 0);
        let Some(limit) = sample_limit else {
            let summed = reverse.sum_gradient(parameters, samples, loss, gradient);
            self.loss = summed.expect("the gradient has the length of the parameters");
            return;
        };
        reverse.for_each_gradient(parameters, samples, loss, |value, derivative| {
            let norm = clip::norm(derivative);
            let factor = clip::factor(norm, limit);
            for (sum, &g) in gradient.iter_mut().zip(derivative) {
                *sum += factor * g;
            }
            sum += value;
            norms += norm;
            clipped += usize::from(factor < F::one());
        });
        (self.loss, self.norms, self.clipped) = (sum, norms, clipped);
    }
}
