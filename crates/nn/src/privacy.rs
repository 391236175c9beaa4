//! Differentially private descent: noise, sampling, and the privacy that they spend.
//!
//! The method is that of Abadi and others, "Deep learning with differential privacy", 2016. Each sample takes part in a step
//! with a probability q. The gradient of each of these samples is clipped to a norm C, the clipped gradients are added up,
//! normal noise of deviation σC is added to each component, and the sum is divided by the expected size of a batch.
//! [`accountant`] computes the (ε, δ) that a number of such steps spend, and the noise multiplier σ that a budget requires.
//!
//! To use it, choose these [`Settings`](crate::Settings): [`Sampling::Poisson`], a per-sample [clip](crate::Clip), `noise`,
//! [`NoiseSource::System`], and a `budget`, at which the training stops. [`Trainer::spent`](crate::Trainer::spent) returns
//! the privacy spent so far.
//!
//! # What is claimed, and what is not
//!
//! The parameters after every step are (ε, δ)-differentially private, even if all of them are published. Neighbouring data
//! sets differ in one sample, which is present or absent. The claim holds for samples of the training part, if
//!
//! - batches are drawn by Poisson sampling, not taken from shuffled data, which the accountants do not cover;
//! - earlier processing of the data is public, or does not depend on the data. For instance, if a column is standardised by
//!   the mean and deviation of the training part, then adding one sample changes every other sample;
//! - the key and the data stay secret: whoever knows the [`NoiseKey`] can remove the noise. A key drawn [from the
//!   system](NoiseSource::System) is in the checkpoint, which only its owner may read, and in the memory of the processes that
//!   share the training. A key made [from a seed](NoiseSource::Seed) is for reproducible research and for tests;
//! - the noise is assumed to consist of real numbers. In floating point it has gaps that can be exploited (Mironov, "On
//!   significance of the least significant bits for differential privacy", 2012).
//!
//! A sample whose loss or gradient is not finite is ignored, because stopping the training would reveal it. The following are
//! computed from the data without noise, so no claim is made for them: losses, norms and metrics that are printed or drawn,
//! early stopping, keeping the best parameters, and options chosen after looking at the data or the results.

pub mod accountant;
mod chacha;
mod elementary;
mod loss_distribution;
mod normal;
pub mod renyi;
mod sampling;

/// The number of components from which on threads share the work of adding noise.
pub(crate) use normal::PARALLEL_FROM as SHARED_FROM;

use crate::{Error, initialize};
use dualtape::Scalar;
use rand::Rng;
use std::fmt;
use std::str::FromStr;

/// The key from which noise and Poisson samples are drawn. It has 256 bits, and is the key of a ChaCha stream of 12 rounds
/// for each step. The outputs reveal neither the key nor one another.
///
/// ```
/// use dualtape_nn::privacy::NoiseKey;
/// assert_ne!(NoiseKey::from_system()?, NoiseKey::from_system()?);
/// assert_eq!(format!("{:?}", NoiseKey::from_seed(1)), "NoiseKey(…)"); // the key is not printed by accident
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NoiseKey([u8; 32]);

impl NoiseKey {
    /// A key that nobody can guess.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the operating system gives no random numbers.
    ///
    /// ```
    /// use dualtape_nn::privacy::{NoiseKey, add_noise};
    /// let mut sum = [0.0; 100];
    /// add_noise(&mut sum, 0.5, &NoiseKey::from_system()?, 1);
    /// assert!(sum.iter().all(|x| *x != 0.0));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn from_system() -> Result<Self, Error> {
        let mut key = [0; 32];
        let drawn = getrandom::fill(&mut key);
        let wrong = |error| Error::Setting {
            what: "source of noise",
            given: format!("the system, which gives no random numbers ({error})"),
            expected: "a system that provides them, or noise from a seed",
        };
        drawn.map_err(wrong)?;
        Ok(Self(key))
    }

    /// A key that is the same for the same seed. It makes results reproducible, but protects nobody.
    ///
    /// ```
    /// use dualtape_nn::privacy::NoiseKey;
    /// assert!(NoiseKey::from_seed(1) == NoiseKey::from_seed(1) && NoiseKey::from_seed(1) != NoiseKey::from_seed(2));
    /// ```
    pub fn from_seed(seed: u64) -> Self {
        let mut key = [0; 32];
        initialize::substream(seed, initialize::Use::Noise, 0).fill_bytes(&mut key);
        Self(key)
    }

    /// The key as 64 hexadecimal digits.
    pub(crate) fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut key = [0; 32];
        for (byte, two) in key.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
        }
        Some(Self(key))
    }
}

impl fmt::Debug for NoiseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoiseKey(…)")
    }
}

/// Adds normal noise of the given deviation to each component. With the same key, each step has different noise. The noise
/// has the same bits on any machine.
///
/// ```
/// use dualtape_nn::privacy::{NoiseKey, add_noise};
/// let key = NoiseKey::from_seed(7);
/// let (mut a, mut b, mut c) = ([0.0; 2], [0.0; 2], [0.0; 2]);
/// add_noise(&mut a, 0.5, &key, 1);
/// add_noise(&mut b, 0.5, &key, 1);
/// add_noise(&mut c, 0.5, &key, 2);
/// assert!(a == b && a != c);
/// ```
pub fn add_noise<F: Scalar>(gradient: &mut [F], deviation: f64, key: &NoiseKey, step: u64) {
    normal::add_normal(&key.0, step, deviation, gradient);
}

/// Replaces `chosen` by a Poisson sample of the indices below `count`, in their order: it contains each index with the given
/// probability, above 0 and at most 1, independently of the others. With the same key, each step has a different sample. The
/// sample is the same on any machine.
///
/// # Panics
///
/// If the probability is out of range.
///
/// ```
/// use dualtape_nn::privacy::{NoiseKey, poisson_sample};
/// let (key, mut chosen) = (NoiseKey::from_seed(7), Vec::new());
/// poisson_sample(&key, 1, 0.1, 10_000, &mut chosen);
/// assert!((800..1200).contains(&chosen.len()));
/// poisson_sample(&key, 2, 1.0, 3, &mut chosen);
/// assert_eq!(chosen, [0, 1, 2]);
/// ```
pub fn poisson_sample(key: &NoiseKey, step: u64, probability: f64, count: usize, chosen: &mut Vec<usize>) {
    assert!(
        probability > 0.0 && probability <= 1.0,
        "the probability of a sample is {probability}; expected a number above 0, at most 1"
    );
    sampling::poisson_sample(&key.0, step, probability, count, chosen);
}

/// The deviation of the noise on the count of samples within an adaptive norm, for batches of this expected size. It is the
/// one of Andrew and others, 2021.
fn count_deviation(expected: f64) -> f64 {
    expected / 20.0
}

/// The noise multiplier for the sum of gradients, beside the noisy count of samples within the norm: both together spend as
/// much privacy as σ alone would. `None` if σ is too large for that.
pub(crate) fn noise_beside_count(noise: f64, expected: f64) -> Option<f64> {
    // Half of all samples is subtracted from the count, so one sample changes the difference by a half.
    let on_count = 2.0 * count_deviation(expected);
    let rest = noise.powi(-2) - on_count.powi(-2);
    if noise == 0.0 { Some(0.0) } else { (rest > 0.0).then(|| rest.powf(-0.5)) }
}

/// The share of samples within the norm in a batch of this expected size; it is noisy if there is a key.
pub(crate) fn share_within(
    within: usize,
    count: usize,
    expected: f64,
    key: Option<&NoiseKey>,
    step: u64,
) -> f64 {
    /// A number above the steps of any training, because the streams of the steps have the same key.
    const OF_COUNTS: u64 = 1 << 63;
    let mut centred = [within as f64 - count as f64 / 2.0];
    if let Some(key) = key {
        add_noise(&mut centred, count_deviation(expected), key, OF_COUNTS | step);
    }
    centred[0] / expected + 0.5
}

/// How the samples of a step are drawn.
///
/// ```
/// use dualtape_nn::privacy::Sampling;
/// assert_eq!("poisson".parse::<Sampling>()?, Sampling::Poisson);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// All samples are shuffled, and divided into batches of one size: `shuffled`.
    #[default]
    Shuffled,
    /// Each sample takes part in each step with the same probability, independently of all others: `poisson`. Batches have the
    /// batch size only on average, and may be empty.
    Poisson,
}

/// Where the [key](NoiseKey) for noise and Poisson samples comes from.
///
/// ```
/// use dualtape_nn::privacy::NoiseSource;
/// assert_eq!(NoiseSource::System.to_string(), "system");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoiseSource {
    /// From the seed of the training: `seed`. The training is reproducible, but protects nobody.
    #[default]
    Seed,
    /// From the operating system: `system`. The checkpoint contains the key, so keep it secret.
    System,
}

/// Text forms for values that each have a name.
macro_rules! named {
    ($type:ident, $what:literal, $expected:literal, $($name:literal => $value:ident),+) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$value => $name),+ })
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($name => Ok(Self::$value),)+
                    _ => Err(Error::Setting { what: $what, given: format!("'{text}'"), expected: $expected }),
                }
            }
        }
    };
}

named!(Sampling, "sampling", "shuffled or poisson", "shuffled" => Shuffled, "poisson" => Poisson);
named!(NoiseSource, "source of noise", "seed or system", "seed" => Seed, "system" => System);
