//! Accountants: how much privacy a differentially private training spends.
//!
//! A training is (ε, δ)-differentially private if, for any two data sets that are neighbours and any set of outcomes,
//! the probabilities p and p′ of an outcome in the set satisfy p ≤ e^ε p′ + δ. What is counted here rests on these
//! assumptions:
//!
//! - **Neighbours** differ by one sample, which one of them has and the other has not (add or remove one). For data sets
//!   of the same size in which one sample is replaced by another, ε is larger.
//! - **Poisson sampling**: each sample takes part in each step with the same probability q, independently of all others
//!   and of other steps. Batches of a fixed size from shuffled data are something else, with a larger ε.
//! - **Each step** adds up what the samples that take part give, each clipped to a norm C, and adds normal noise of
//!   deviation σC to each component; σ is the noise here, q and σ are the same in all steps. The size of the batch
//!   that was drawn stays secret: means are taken over its expectation.
//! - **Noise of real numbers**, exactly normal, from a source that nobody can guess; not of floating-point numbers from
//!   a generator with a seed.
//! - **All else is free of the data**, or is counted elsewhere: settings, standardising, metrics, when to stop.
//!
//! Two accountants compute an upper bound of ε. The Rényi accountant is quick and the one that older publications used;
//! that by loss distributions is tighter: tests hold it to at most 0.2 % above the exact value where one is known.
//!
//! ```
//! use dualtape_nn::privacy::accountant::{Accountant, Budget, SubsampledGaussian, epsilon_after, noise_for};
//!
//! // 60 000 samples, batches of 256 in expectation, 15 epochs.
//! let mechanism = SubsampledGaussian { probability: 256.0 / 60_000.0, noise: 1.1 };
//! let steps = 15 * 60_000 / 256;
//! let loose = epsilon_after(&mechanism, steps, 1e-5, Accountant::Renyi)?;
//! let tight = epsilon_after(&mechanism, steps, 1e-5, Accountant::LossDistribution)?;
//! assert!(0.8 * loose < tight && tight < loose && loose < 1.5);
//!
//! let budget: Budget = "epsilon=1,delta=1e-5".parse()?;
//! let noise = noise_for(&budget, mechanism.probability, steps, Accountant::LossDistribution)?;
//! assert!(noise > 1.1);
//! # Ok::<(), dualtape_nn::Error>(())
//! ```

use super::{loss_distribution, renyi};
use crate::Error;
use std::fmt;
use std::str::FromStr;

/// The most steps that are counted.
pub const MOST_STEPS: u64 = 1_000_000_000;

/// One step of a private training: the Gaussian mechanism on a Poisson sample of the data. What is assumed stands in
/// the [module's documentation](self).
///
/// ```
/// use dualtape_nn::privacy::accountant::SubsampledGaussian;
/// assert!(SubsampledGaussian { probability: 0.01, noise: 1.1 }.check().is_ok());
/// let wrong = SubsampledGaussian { probability: 0.0, noise: 1.1 }.check().unwrap_err();
/// assert_eq!(wrong.to_string(), "the probability of a sample is 0; expected a number above 0, at most 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubsampledGaussian {
    /// The probability q that a sample takes part in a step: above 0, at most 1.
    pub probability: f64,
    /// The deviation σ of the noise, as a multiple of the norm to which each sample's gradient is clipped: finite, 0 or
    /// more. Without noise, ε is infinite.
    pub noise: f64,
}

impl SubsampledGaussian {
    /// Whether both numbers are in their ranges.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first that is not.
    ///
    /// ```
    /// use dualtape_nn::privacy::accountant::SubsampledGaussian;
    /// assert!(SubsampledGaussian { probability: 1.0, noise: 0.0 }.check().is_ok());
    /// assert!(SubsampledGaussian { probability: 1.0, noise: f64::NAN }.check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let q = self.probability;
        within("probability of a sample", q, q > 0.0 && q <= 1.0, "a number above 0, at most 1")?;
        let sigma = self.noise;
        within("noise", sigma, sigma.is_finite() && sigma >= 0.0, "a finite number, 0 or more")
    }
}

fn within(what: &'static str, given: f64, fine: bool, expected: &'static str) -> Result<(), Error> {
    if fine { Ok(()) } else { Err(Error::Setting { what, given: given.to_string(), expected }) }
}

fn check_epsilon(epsilon: f64) -> Result<(), Error> {
    within("epsilon", epsilon, epsilon.is_finite() && epsilon >= 0.0, "a finite number, 0 or more")
}

fn check_delta(delta: f64) -> Result<(), Error> {
    within("delta", delta, delta > 0.0 && delta < 1.0, "a number between 0 and 1")
}

fn check_steps(steps: u64) -> Result<(), Error> {
    if steps <= MOST_STEPS {
        return Ok(());
    }
    Err(Error::Setting { what: "number of steps", given: steps.to_string(), expected: "at most 1000000000" })
}

/// How privacy is counted; `rdp` and `pld` as text.
///
/// ```
/// use dualtape_nn::privacy::accountant::Accountant;
/// assert_eq!("rdp".parse::<Accountant>()?, Accountant::Renyi);
/// assert_eq!(Accountant::default().to_string(), "pld");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accountant {
    /// By Rényi divergences of many orders: `rdp`. See [`renyi`].
    Renyi,
    /// By the distribution of the privacy loss, put on a grid such that the result is an upper bound, and convolved by
    /// Fourier transforms: `pld`. Doroshenko and others, "Connect the dots", 2022. A noise below 0.001 counts as none.
    #[default]
    LossDistribution,
}

/// The accountants and what they are called.
const ACCOUNTANTS: [(Accountant, &str); 2] =
    [(Accountant::Renyi, "rdp"), (Accountant::LossDistribution, "pld")];

impl fmt::Display for Accountant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ACCOUNTANTS.iter().filter(|(one, _)| one == self).try_for_each(|(_, name)| f.pad(name))
    }
}

impl FromStr for Accountant {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = ACCOUNTANTS.iter().find(|(_, name)| *name == text);
        let wrong =
            || Error::Setting { what: "accountant", given: format!("'{text}'"), expected: "rdp or pld" };
        named.map(|(one, _)| *one).ok_or_else(wrong)
    }
}

/// How much may be spent: at most this ε at this δ. As text, `epsilon=3,delta=1e-5`.
///
/// ```
/// use dualtape_nn::privacy::accountant::Budget;
/// let budget: Budget = "epsilon=3,delta=1e-5".parse()?;
/// assert_eq!(budget, Budget { epsilon: 3.0, delta: 1e-5 });
/// assert_eq!(budget.to_string(), "epsilon=3,delta=1e-5");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// The factor e^ε by which probabilities may differ: ε is finite, 0 or more.
    pub epsilon: f64,
    /// The probability with which more may be given away: between 0 and 1, and well below one over the number of
    /// samples, or it allows to publish some of them.
    pub delta: f64,
}

impl Budget {
    /// Whether both numbers are in their ranges.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first that is not.
    ///
    /// ```
    /// use dualtape_nn::privacy::accountant::Budget;
    /// let wrong = Budget { epsilon: 1.0, delta: 1.0 }.check().unwrap_err();
    /// assert_eq!(wrong.to_string(), "the delta is 1; expected a number between 0 and 1");
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        check_epsilon(self.epsilon)?;
        check_delta(self.delta)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epsilon={},delta={:e}", self.epsilon, self.delta)
    }
}

impl FromStr for Budget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let expected = "epsilon=E,delta=D, E a finite number, 0 or more, D a number between 0 and 1";
        let wrong = || Error::Setting { what: "privacy budget", given: format!("'{text}'"), expected };
        let number = |part: &str, name: &str| part.strip_prefix(name)?.parse().ok();
        let (epsilon, delta) = text.split_once(',').ok_or_else(wrong)?;
        let epsilon = number(epsilon, "epsilon=").ok_or_else(wrong)?;
        let budget = Self { epsilon, delta: number(delta, "delta=").ok_or_else(wrong)? };
        budget.check().map_err(|_| wrong())?;
        Ok(budget)
    }
}

/// The ε that so many steps spend, at this δ. It is infinite without noise, and 0 without steps.
///
/// # Errors
///
/// A mechanism that its check refuses, a δ that is not between 0 and 1, more than [`MOST_STEPS`] steps.
///
/// ```
/// use dualtape_nn::privacy::accountant::{Accountant, SubsampledGaussian, epsilon_after};
/// let mechanism = SubsampledGaussian { probability: 0.01, noise: 1.0 };
/// let epsilon = epsilon_after(&mechanism, 1000, 1e-5, Accountant::default())?;
/// assert!((epsilon - 1.83).abs() < 0.01, "{epsilon}");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn epsilon_after(
    mechanism: &SubsampledGaussian,
    steps: u64,
    delta: f64,
    accountant: Accountant,
) -> Result<f64, Error> {
    mechanism.check()?;
    check_delta(delta)?;
    check_steps(steps)?;
    Ok(epsilon(mechanism, steps, delta, accountant))
}

/// The ε of what has been checked.
fn epsilon(mechanism: &SubsampledGaussian, steps: u64, delta: f64, accountant: Accountant) -> f64 {
    match accountant {
        _ if steps == 0 => 0.0,
        _ if mechanism.noise == 0.0 => f64::INFINITY,
        Accountant::Renyi => renyi::epsilon(mechanism, steps, delta),
        Accountant::LossDistribution => loss_distribution::epsilon(mechanism, steps, delta),
    }
}

/// The δ at which so many steps spend this ε. It is 1 without noise, and 0 without steps. By loss distributions, it is
/// never less than 1e-30.
///
/// # Errors
///
/// A mechanism that its check refuses, an ε that is negative or not finite, more than [`MOST_STEPS`] steps.
///
/// ```
/// use dualtape_nn::privacy::accountant::{Accountant, SubsampledGaussian, delta_after, epsilon_after};
/// let mechanism = SubsampledGaussian { probability: 0.01, noise: 1.0 };
/// for accountant in [Accountant::Renyi, Accountant::LossDistribution] {
///     let epsilon = epsilon_after(&mechanism, 1000, 1e-5, accountant)?;
///     let delta = delta_after(&mechanism, 1000, epsilon, accountant)?;
///     assert!((delta / 1e-5 - 1.0).abs() < 1e-3, "{delta}");
/// }
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn delta_after(
    mechanism: &SubsampledGaussian,
    steps: u64,
    epsilon: f64,
    accountant: Accountant,
) -> Result<f64, Error> {
    mechanism.check()?;
    check_epsilon(epsilon)?;
    check_steps(steps)?;
    Ok(match accountant {
        _ if steps == 0 => 0.0,
        _ if mechanism.noise == 0.0 => 1.0,
        Accountant::Renyi => renyi::delta(mechanism, steps, epsilon),
        Accountant::LossDistribution => loss_distribution::delta(mechanism, steps, epsilon),
    })
}

/// The noises among which [`noise_for`] looks for one.
const NOISES: [f64; 2] = [0.01, 1e6];

/// How close to the least noise [`noise_for`] comes, as a factor.
const CLOSE: f64 = 1.0 + 2e-4;

/// The least noise with which so many steps, each on a sample with this probability, stay within the budget. The noise
/// is in multiples of the norm of clipping, between 0.01 and a million, and too large by at most 0.02 %: its ε, by
/// [`epsilon_after`], is never above the budget's.
///
/// # Errors
///
/// A budget or a probability out of range, more than [`MOST_STEPS`] steps, a budget that no noise keeps to.
///
/// ```
/// use dualtape_nn::privacy::accountant::{Accountant, Budget, SubsampledGaussian, epsilon_after, noise_for};
/// let budget = Budget { epsilon: 2.0, delta: 1e-6 };
/// let noise = noise_for(&budget, 0.02, 500, Accountant::Renyi)?;
/// let mechanism = SubsampledGaussian { probability: 0.02, noise };
/// let epsilon = epsilon_after(&mechanism, 500, 1e-6, Accountant::Renyi)?;
/// assert!(1.99 < epsilon && epsilon <= 2.0);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn noise_for(
    budget: &Budget,
    probability: f64,
    steps: u64,
    accountant: Accountant,
) -> Result<f64, Error> {
    budget.check()?;
    SubsampledGaussian { probability, noise: 1.0 }.check()?;
    check_steps(steps)?;
    let fits = |noise: f64| {
        epsilon(&SubsampledGaussian { probability, noise }, steps, budget.delta, accountant) <= budget.epsilon
    };
    let [least, most] = NOISES;
    // From 1, by steps that grow, until the answer lies between two of them.
    let (mut low, mut high, mut factor) = (1.0, 1.0, 2.0);
    while !fits(high) {
        if high >= most {
            let expected = "one that a noise of at most a million can meet";
            return Err(Error::Setting { what: "privacy budget", given: format!("'{budget}'"), expected });
        }
        (low, high, factor) = (high, (high * factor).min(most), factor * factor);
    }
    while low == high || fits(low) {
        if low <= least {
            return Ok(least);
        }
        (low, high, factor) = ((low / factor).max(least), low, factor * factor);
    }
    while high > CLOSE * low {
        let middle = (low * high).sqrt();
        *(if fits(middle) { &mut high } else { &mut low }) = middle;
    }
    Ok(high)
}

/// The most steps that stay within the budget: 0 if not even one does, and no more than `most`, which is at most
/// [`MOST_STEPS`].
///
/// # Errors
///
/// A budget or a mechanism out of range, `most` too large.
///
/// ```
/// use dualtape_nn::privacy::accountant::{Accountant, Budget, SubsampledGaussian, steps_within};
/// let budget = Budget { epsilon: 2.0, delta: 1e-5 };
/// let steps = |noise, accountant| {
///     steps_within(&budget, &SubsampledGaussian { probability: 0.01, noise }, accountant, 5000)
/// };
/// assert_eq!(steps(0.3, Accountant::Renyi)?, 0);
/// assert_eq!(steps(1.0, Accountant::Renyi)?, 881);
/// assert_eq!(steps(1.0, Accountant::LossDistribution)?, 1202);
/// assert_eq!(steps(50.0, Accountant::LossDistribution)?, 5000);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn steps_within(
    budget: &Budget,
    mechanism: &SubsampledGaussian,
    accountant: Accountant,
    most: u64,
) -> Result<u64, Error> {
    budget.check()?;
    mechanism.check()?;
    check_steps(most)?;
    let fits = |steps| epsilon(mechanism, steps, budget.delta, accountant) <= budget.epsilon;
    if fits(most) {
        return Ok(most);
    }
    // `low` fits, `high` does not; by their geometric mean, for they may be of different magnitudes.
    let (mut low, mut high) = (0, most);
    while high - low > 1 {
        let middle = ((low as f64 + 1.0) * high as f64).sqrt() as u64;
        let middle = middle.clamp(low + 1, high - 1);
        *(if fits(middle) { &mut low } else { &mut high }) = middle;
    }
    Ok(low)
}
