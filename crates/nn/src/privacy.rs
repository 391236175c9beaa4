//! Noise for differentially private descent.
//!
//! Abadi and others, "Deep learning with differential privacy", 2016: each sample's gradient is clipped to a
//! norm C, the clipped gradients are added up, normal noise of deviation σC is added to each component, and
//! the sum is divided by the expected size of a batch.
//!
//! # What this is not
//!
//! It is the mechanism, for research and for teaching; it is no guarantee of privacy:
//!
//! - Nothing counts the privacy that is spent. Take σ, the share of the data in a batch and the number of steps
//!   to an accountant of your own; and accountants assume batches drawn by Poisson sampling, where training
//!   here goes through shuffled data.
//! - The noise comes from a seed, so that a run can be repeated. Whoever knows or guesses the seed can take
//!   the noise off. Draw it from a secret source, and do not publish it; checkpoints and settings contain it.
//! - Normal numbers in floating point have gaps that can be exploited (Mironov, "On significance of the least
//!   significant bits for differential privacy", 2012).
//! - Standardising, early stopping, keeping the best parameters, penalties chosen by looking, losses, norms and
//!   metrics that are printed or drawn all look at the data without noise.

pub mod accountant;
mod loss_distribution;
pub mod renyi;

use crate::initialize;
use dualtape::Scalar;
use rand::distr::Distribution;
use rand_distr::StandardNormal;

/// Adds normal noise of the given deviation to each component. The noise of each step is a stream of its own
/// of a ChaCha generator: the same for the same seed and step, on any machine.
///
/// Read [what this is not](self#what-this-is-not) first.
///
/// ```
/// use dualtape_nn::privacy::add_noise;
/// let (mut a, mut b, mut c) = ([0.0; 2], [0.0; 2], [0.0; 2]);
/// add_noise(&mut a, 0.5, 7, 1);
/// add_noise(&mut b, 0.5, 7, 1);
/// add_noise(&mut c, 0.5, 7, 2);
/// assert!(a == b && a != c);
/// ```
pub fn add_noise<F: Scalar>(gradient: &mut [F], deviation: f64, seed: u64, step: u64) {
    let mut stream = initialize::substream(seed, initialize::Use::Noise, step);
    for g in gradient {
        let normal: f64 = StandardNormal.sample(&mut stream);
        *g += F::nearest(deviation * normal);
    }
}
