//! Initial weights, from a seed.

use dualtape::Scalar;
use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// A stream of random numbers that is the same on every machine.
///
/// ```
/// use rand::Rng;
/// assert_eq!(dualtape_nn::initialize::stream(1).next_u64(), dualtape_nn::initialize::stream(1).next_u64());
/// ```
pub fn stream(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// How the weights of a layer start.
///
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
/// (Xavier); He and others, "Delving deep into rectifiers", 2015 (Kaiming, with the gain √2 of relu).
///
/// ```
/// use dualtape_nn::{Initializer, initialize::stream};
/// let mut weights: Vec<f64> = Vec::new();
/// Initializer::XavierUniform.weights(3, 2, &mut stream(1), &mut weights);
/// assert!(weights.len() == 6 && weights.iter().all(|w| w.abs() <= (6.0_f64 / 5.0).sqrt()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// All 0.
    Zeros,
    /// Uniform between −`limit` and `limit`.
    Uniform {
        /// The largest magnitude.
        limit: f64,
    },
    /// Normal around 0.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// Uniform, with limit √(6 / (inputs + outputs)).
    XavierUniform,
    /// Normal, with deviation √(2 / (inputs + outputs)).
    XavierNormal,
    /// Uniform, with limit √(6 / inputs).
    KaimingUniform,
    /// Normal, with deviation √(2 / inputs).
    KaimingNormal,
}

impl Initializer {
    /// Appends `inputs · outputs` weights.
    pub fn weights<F: Scalar>(
        self,
        inputs: usize,
        outputs: usize,
        stream: &mut ChaCha8Rng,
        weights: &mut Vec<F>,
    ) {
        let (fan_in, fan_both) = (inputs as f64, (inputs + outputs) as f64);
        let count = inputs * outputs;
        match self {
            Self::Zeros => weights.extend(std::iter::repeat_n(F::zero(), count)),
            Self::Uniform { limit } => extend_uniform(limit, count, stream, weights),
            Self::Normal { deviation } => extend_normal(deviation, count, stream, weights),
            Self::XavierUniform => extend_uniform((6.0 / fan_both).sqrt(), count, stream, weights),
            Self::XavierNormal => extend_normal((2.0 / fan_both).sqrt(), count, stream, weights),
            Self::KaimingUniform => extend_uniform((6.0 / fan_in).sqrt(), count, stream, weights),
            Self::KaimingNormal => extend_normal((2.0 / fan_in).sqrt(), count, stream, weights),
        }
    }
}

fn extend_uniform<F: Scalar>(limit: f64, count: usize, stream: &mut ChaCha8Rng, weights: &mut Vec<F>) {
    let unit = Uniform::new_inclusive(-1.0, 1.0).expect("−1 is less than 1");
    weights.extend(unit.sample_iter(stream).take(count).map(|w: f64| F::nearest(limit * w)));
}

fn extend_normal<F: Scalar>(deviation: f64, count: usize, stream: &mut ChaCha8Rng, weights: &mut Vec<F>) {
    weights.extend(StandardNormal.sample_iter(stream).take(count).map(|w: f64| F::nearest(deviation * w)));
}
