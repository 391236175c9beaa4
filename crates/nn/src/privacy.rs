//! Differentially private descent: noise, sampling, and what they spend.
//!
//! Abadi and others, "Deep learning with differential privacy", 2016: each sample takes part in a step with a probability q;
//! the gradient of each is clipped to a norm C, the clipped gradients are added up, normal noise of deviation σC is added
//! to each component, and the sum is divided by the expected size of a batch. [`accountant`] says which (ε, δ) that many
//! such steps spend, and which σ a budget needs.
//!
//! [`Settings`](crate::Settings) put it together: [`Sampling::Poisson`], a [clip](crate::Clip) of each sample, `noise`,
//! [`NoiseSource::System`], and a `budget`, at which the training stops. [`Trainer::spent`](crate::Trainer::spent) says what
//! was spent.
//!
//! # What is claimed, and what is not
//!
//! The parameters after each step, seen by whoever likes, are (ε, δ)-differentially private for data sets that differ in
//! one sample that is there or not. That holds for samples of the training part, if
//!
//! - batches are drawn by Poisson sampling, not dealt from shuffled data, for which accountants do not speak;
//! - what the data went through before is public, or does not depend on them: a column that is standardised by the training
//!   part's own mean and deviation changes every sample when one is added;
//! - key and data stay secret: whoever knows the [`NoiseKey`] can take the noise off. One drawn [from the
//!   system](NoiseSource::System) is in the checkpoint, which only its owner may read, and in the memory of the processes that
//!   share the training. One made [from a seed](NoiseSource::Seed) is for research that is to be repeated, and for tests;
//! - noise is taken for real numbers. In floating point it has gaps that can be exploited (Mironov, "On significance of the
//!   least significant bits for differential privacy", 2012).
//!
//! A sample whose loss or gradient is not finite counts for nothing, since a training that stopped for it would tell of it.
//! Losses, norms and metrics that are printed or drawn, early stopping, keeping the best parameters, and options that were
//! chosen by looking, are computed from the data without noise: no claim is made for them.

pub mod accountant;
mod chacha;
mod elementary;
mod loss_distribution;
mod normal;
pub mod renyi;
mod sampling;

/// How many components of noise are shared by threads.
pub(crate) use normal::PARALLEL_FROM as SHARED_FROM;

use crate::{Error, initialize};
use dualtape::Scalar;
use rand::Rng;
use std::fmt;
use std::str::FromStr;

/// What noise and Poisson samples are drawn from: 256 bits, the key of a ChaCha stream of 12 rounds for each step. Its
/// outputs do not tell it, or each other.
///
/// ```
/// use dualtape_nn::privacy::NoiseKey;
/// assert_ne!(NoiseKey::from_system()?, NoiseKey::from_system()?);
/// assert_eq!(format!("{:?}", NoiseKey::from_seed(1)), "NoiseKey(…)"); // it is not printed by accident
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NoiseKey([u8; 32]);

impl NoiseKey {
    /// One that nobody can guess.
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

    /// The same for the same seed: for what is to be repeated, and protects nobody.
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

    /// As 64 hexadecimal digits.
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

/// Adds normal noise of the given deviation to each component. Of one key, each step has noise of its own, with the same bits
/// on any machine.
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

/// Replaces `chosen` by a Poisson sample of the indices below `count`, in their order: each is in it with the given
/// probability, above 0 and at most 1, independently of the others. Of one key, each step has a sample of its own, the same
/// on any machine.
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

/// The deviation of the noise on the count of samples within an adaptive norm, for batches of this expected size: that of
/// Andrew and others, 2021.
fn count_deviation(expected: f64) -> f64 {
    expected / 20.0
}

/// How σ is shared between the sum of gradients and the count of samples within the norm: what remains for the sum, so that
/// both together spend what σ alone would. None if σ is too large for that.
pub(crate) fn noise_beside_count(noise: f64, expected: f64) -> Option<f64> {
    // Of a count less half of all, a sample changes a half.
    let on_count = 2.0 * count_deviation(expected);
    let rest = noise.powi(-2) - on_count.powi(-2);
    if noise == 0.0 { Some(0.0) } else { (rest > 0.0).then(|| rest.powf(-0.5)) }
}

/// The share of samples within the norm, of a batch of this expected size: noisy if there is a key.
pub(crate) fn share_within(
    within: usize,
    count: usize,
    expected: f64,
    key: Option<&NoiseKey>,
    step: u64,
) -> f64 {
    /// Above the steps of any training, whose streams have the same key.
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
    /// All samples are shuffled, and dealt out in batches of one size: `shuffled`.
    #[default]
    Shuffled,
    /// Each sample takes part in each step with one probability, independently of all others: `poisson`. Batches have the
    /// batch size on average only, and may be empty.
    Poisson,
}

/// Where the [key](NoiseKey) of noise and Poisson samples comes from.
///
/// ```
/// use dualtape_nn::privacy::NoiseSource;
/// assert_eq!(NoiseSource::System.to_string(), "system");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoiseSource {
    /// From the seed of the training: `seed`. It can be repeated, and protects nobody.
    #[default]
    Seed,
    /// From the operating system: `system`. It is in the checkpoint, which is to be kept secret.
    System,
}

/// Text of values that have a name each.
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
