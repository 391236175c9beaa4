//! Initial weights, from a seed.

use crate::{Activation, Error};
use dualtape::Scalar;
use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::fmt;
use std::str::FromStr;

/// A stream of random numbers that is the same on every machine.
///
/// ```
/// use rand::Rng;
/// assert_eq!(dualtape_nn::initialize::stream(1).next_u64(), dualtape_nn::initialize::stream(1).next_u64());
/// ```
pub fn stream(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The purposes that have separate streams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Use {
    /// The order of the samples in an epoch.
    Shuffle,
    /// The noise of a step.
    Noise,
    /// The factors of dropout in a step.
    Dropout,
}

/// The stream for one epoch or step. A training can continue from any of them without a saved state of the generator. The
/// numbers start at 1, because number 0 is [`stream`] itself, which is reserved for initial weights and splits.
pub(crate) fn substream(seed: u64, purpose: Use, number: u64) -> ChaCha8Rng {
    let mut stream = stream(seed);
    stream.set_stream(number.wrapping_mul(2).wrapping_add(match purpose {
        Use::Shuffle => 0,
        Use::Noise => 1,
        // This is far from the numbers of all epochs and steps.
        Use::Dropout => 1 << 63,
    }));
    stream
}

/// How the weights of a layer are initialised.
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
    /// The initialiser that suits weights before this activation.
    pub(crate) fn before(activation: Activation) -> Self {
        match activation {
            Activation::Relu | Activation::LeakyRelu(_) => Self::KaimingNormal,
            _ => Self::XavierUniform,
        }
    }

    /// Appends `inputs · outputs` weights.
    ///
    /// # Panics
    ///
    /// If that is more than memory can hold.
    ///
    /// ```
    /// use dualtape_nn::{Initializer, initialize::stream};
    /// let mut weights = vec![7.0];
    /// Initializer::Zeros.weights(2, 3, &mut stream(1), &mut weights);
    /// assert_eq!(weights, [7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    /// ```
    pub fn weights<F: Scalar>(
        self,
        inputs: usize,
        outputs: usize,
        stream: &mut ChaCha8Rng,
        weights: &mut Vec<F>,
    ) {
        let (fan_in, fan_both) = (inputs as f64, inputs as f64 + outputs as f64);
        let count = inputs.checked_mul(outputs).expect("a matrix of weights fits into memory");
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

impl fmt::Display for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zeros => f.pad("zeros"),
            Self::Uniform { limit } => f.pad(&format!("uniform:{limit}")),
            Self::Normal { deviation } => f.pad(&format!("normal:{deviation}")),
            Self::XavierUniform => f.pad("xavier-uniform"),
            Self::XavierNormal => f.pad("xavier-normal"),
            Self::KaimingUniform => f.pad("kaiming-uniform"),
            Self::KaimingNormal => f.pad("kaiming-normal"),
        }
    }
}

impl FromStr for Initializer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0);
        let known = match text.split_once(':') {
            Some(("uniform", limit)) => number(limit).map(|limit| Self::Uniform { limit }),
            Some(("normal", deviation)) => number(deviation).map(|deviation| Self::Normal { deviation }),
            _ => {
                let named =
                    [Self::XavierUniform, Self::XavierNormal, Self::KaimingUniform, Self::KaimingNormal];
                named.into_iter().chain([Self::Zeros]).find(|one| one.to_string() == text)
            }
        };
        known.ok_or_else(|| Error::Setting {
            what: "initialiser",
            given: format!("'{text}'"),
            expected: "zeros, uniform:LIMIT, normal:DEVIATION, xavier-uniform, xavier-normal, kaiming-uniform or \
                       kaiming-normal",
        })
    }
}

fn extend_uniform<F: Scalar>(limit: f64, count: usize, stream: &mut ChaCha8Rng, weights: &mut Vec<F>) {
    let unit = Uniform::new_inclusive(-1.0, 1.0).expect("−1 is less than 1");
    weights.extend(unit.sample_iter(stream).take(count).map(|w: f64| F::nearest(limit * w)));
}

fn extend_normal<F: Scalar>(deviation: f64, count: usize, stream: &mut ChaCha8Rng, weights: &mut Vec<F>) {
    weights.extend(StandardNormal.sample_iter(stream).take(count).map(|w: f64| F::nearest(deviation * w)));
}
