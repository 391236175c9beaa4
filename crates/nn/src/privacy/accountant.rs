//! Accountants compute how much privacy a differentially private training spends.
//!
//! A training is (ε, δ)-differentially private if, for any two data sets that are neighbours and any set of outcomes,
//! the probabilities p and p′ of an outcome in the set satisfy p ≤ e^ε p′ + δ. The results of this module rest on these
//! assumptions:
//!
//! - **Neighbours** differ by one sample, which only one of the data sets contains (add or remove one). If neighbours are
//!   instead data sets of the same size in which one sample is replaced by another, ε is larger.
//! - **Poisson sampling**: each sample takes part in each step with the same probability q, independently of all others
//!   and of other steps. Batches of a fixed size from shuffled data are a different mechanism, with a larger ε.
//! - **Each step** adds up the vectors of the samples that take part, each clipped to a norm C, and adds normal noise of
//!   deviation σC to each component. Here, σ is called the noise; q and σ are the same in all steps. The actual size of
//!   the batch stays secret: means divide by its expected size.
//! - **The noise consists of real numbers**, exactly normal, from a source that nobody can guess. It does not consist of
//!   floating-point numbers from a generator with a seed.
//! - **Everything else is independent of the data**, or is counted elsewhere: settings, standardising, metrics, when to stop.
//!
//! Two accountants compute an upper bound of ε. The Rényi accountant is quick, and older publications used it. The
//! accountant by loss distributions is tighter: where the exact value is known, tests check that it is at most 0.2 % above.
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

/// The largest number of steps that accountants accept.
pub const MOST_STEPS: u64 = 1_000_000_000;

/// One step of a private training: the Gaussian mechanism on a Poisson sample of the data. The [module's
/// documentation](self) lists the assumptions.
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
    /// Checks that both numbers are in their ranges.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first number that is not.
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

/// How the spent privacy is computed. The text forms are `rdp` and `pld`.
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
    /// By the distribution of the privacy loss: `pld`. The distribution is placed on a grid such that the result is an upper
    /// bound, and is convolved by Fourier transforms. Doroshenko and others, "Connect the dots", 2022. A noise below 0.001
    /// counts as no noise.
    #[default]
    LossDistribution,
}

/// The accountants and their names.
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

/// How much privacy may be spent: at most this ε at this δ. The text form is `epsilon=3,delta=1e-5`.
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
    /// The probability with which more may be revealed: between 0 and 1. It should be well below one over the number of
    /// samples; otherwise, publishing some of the samples would be allowed.
    pub delta: f64,
}

impl Budget {
    /// Checks that both numbers are in their ranges.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first number that is not.
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

/// The ε that this number of steps spends at this δ. It is infinite without noise, and 0 without steps.
///
/// # Errors
///
/// If the check of the mechanism fails, δ is not between 0 and 1, or there are more than [`MOST_STEPS`] steps.
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

/// The ε for arguments that were checked.
fn epsilon(mechanism: &SubsampledGaussian, steps: u64, delta: f64, accountant: Accountant) -> f64 {
    match accountant {
        _ if steps == 0 => 0.0,
        _ if mechanism.noise == 0.0 => f64::INFINITY,
        Accountant::Renyi => renyi::epsilon(mechanism, steps, delta),
        Accountant::LossDistribution => loss_distribution::epsilon(mechanism, steps, delta),
    }
}

/// The δ at which this number of steps spends this ε. It is 1 without noise, and 0 without steps. With loss distributions,
/// it is never less than 1e-30.
///
/// # Errors
///
/// If the check of the mechanism fails, ε is negative or not finite, or there are more than [`MOST_STEPS`] steps.
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

/// The range of noises in which [`noise_for`] searches.
const NOISES: [f64; 2] = [0.01, 1e6];

/// How close the result of [`noise_for`] is to the smallest noise, as a factor.
const CLOSE: f64 = 1.0 + 2e-4;

/// The smallest noise with which this number of steps, each on a Poisson sample with this probability, stays within the
/// budget. The noise is a multiple of the clipping norm, between 0.01 and a million. It is too large by at most 0.02 %, and
/// its ε, computed by [`epsilon_after`], never exceeds the budget.
///
/// # Errors
///
/// If the budget or the probability is out of range, there are more than [`MOST_STEPS`] steps, or no noise meets the budget.
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
    // The search starts at 1, and takes growing steps until the answer lies between two of them.
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

/// The largest number of steps that stay within the budget: 0 if not even one does. It is at most `most`, which must not
/// exceed [`MOST_STEPS`].
///
/// # Errors
///
/// If the budget or the mechanism is out of range, or `most` is too large.
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
    // `low` fits, and `high` does not. The geometric mean is used because they may have different magnitudes.
    let (mut low, mut high) = (0, most);
    while high - low > 1 {
        let middle = ((low as f64 + 1.0) * high as f64).sqrt() as u64;
        let middle = middle.clamp(low + 1, high - 1);
        *(if fits(middle) { &mut low } else { &mut high }) = middle;
    }
    Ok(low)
}
