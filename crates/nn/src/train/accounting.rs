//! How much privacy a private training spends, and when it must stop.

use crate::privacy::accountant::{
    Accountant, Budget, MOST_STEPS, SubsampledGaussian, epsilon_after, steps_within,
};
use crate::{Error, Settings};

/// The privacy that a training has spent.
///
/// ```
/// use dualtape_nn::Spent;
/// let words = |spent: Spent| format!("ε = {:.2} at δ = {}", spent.epsilon, spent.budget.delta);
/// # let _ = words;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// The ε, at the δ of the budget.
    pub epsilon: f64,
    /// The number of steps made.
    pub steps: u64,
    /// The mechanism of each step: the probability of a sample, and σ.
    pub mechanism: SubsampledGaussian,
    /// The budget.
    pub budget: Budget,
    /// The accountant that computed ε.
    pub accountant: Accountant,
}

#[derive(Clone, Debug)]
pub(super) struct Accounting {
    mechanism: SubsampledGaussian,
    budget: Budget,
    accountant: Accountant,
    /// The number of steps within the budget; more than all epochs have if the budget allows more.
    most_steps: u64,
}

impl Accounting {
    /// None if there is no budget.
    pub(super) fn new(settings: &Settings, samples: usize) -> Result<Option<Self>, Error> {
        let Some(budget) = settings.budget else { return Ok(None) };
        let mechanism =
            SubsampledGaussian { probability: settings.probability(samples), noise: settings.noise };
        // One step more than is made, to know whether the budget would allow it.
        let most = settings.steps(samples).saturating_add(1).min(MOST_STEPS);
        let accountant = settings.accountant;
        let most_steps = steps_within(&budget, &mechanism, accountant, most)?;
        if most_steps == 0 && most > 0 {
            let given = format!("'{budget}', less than a single step with noise {} spends", settings.noise);
            return Err(Error::Setting {
                what: "privacy budget",
                given,
                expected: "a larger one, or more noise",
            });
        }
        Ok(Some(Self { mechanism, budget, accountant, most_steps }))
    }

    pub(super) fn most_steps(&self) -> u64 {
        self.most_steps
    }

    pub(super) fn spent(&self, steps: u64) -> Spent {
        let Self { mechanism, budget, accountant, .. } = *self;
        let epsilon = epsilon_after(&mechanism, steps, budget.delta, accountant);
        // All arguments were checked, and no more steps than allowed are made.
        Spent { epsilon: epsilon.unwrap_or(f64::INFINITY), steps, mechanism, budget, accountant }
    }
}
