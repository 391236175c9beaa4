//! Calls of custom rules that a tape keeps whole: their vjp is computed when the tape is swept.

use crate::rules::Saved;
use crate::{CustomRule, Differentiable, Error};
use std::any::Any;

/// A call, with what its vjp needs.
pub(super) struct Call<T> {
    /// The rule and what it saved; `pull_back` knows their types.
    rule_and_saved: Box<dyn Any + Send + Sync>,
    pull_back: PullBack<T>,
    /// The places of the inputs; `None` for constants.
    pub(super) places: Vec<Option<u32>>,
    x: Vec<T>,
    z: Vec<T>,
}

/// A function, not a closure, so that it does not restrict the lifetime of the numbers.
type PullBack<T> = fn(&Call<T>, &[T]) -> Result<Vec<T>, (&'static str, Error)>;

impl<T: Differentiable> Call<T> {
    pub(super) fn new<R: CustomRule<Scalar = T::Scalar>>(
        rule: &R,
        places: Vec<Option<u32>>,
        x: Vec<T>,
        z: Vec<T>,
        saved: Saved<T::Scalar>,
    ) -> Self {
        Self { rule_and_saved: Box::new((rule.clone(), saved)), pull_back: pull_back::<R, T>, places, x, z }
    }

    pub(super) fn outputs(&self) -> usize {
        self.z.len()
    }

    /// The cotangent times the Jacobian.
    ///
    /// # Panics
    ///
    /// If the rule refuses.
    pub(super) fn vjp(&self, cotangent: &[T]) -> Vec<T> {
        (self.pull_back)(self, cotangent).unwrap_or_else(|(rule, error)| {
            panic!("the rule `{rule}` gave no vjp when the tape was swept: {error}")
        })
    }
}

fn pull_back<R: CustomRule<Scalar = T::Scalar>, T: Differentiable>(
    call: &Call<T>,
    cotangent: &[T],
) -> Result<Vec<T>, (&'static str, Error)> {
    let (rule, saved): &(R, Saved<T::Scalar>) =
        call.rule_and_saved.downcast_ref().expect("a call is made with the function for its rule");
    T::pull_back(rule, &call.x, &call.z, cotangent, saved).map_err(|error| (rule.name(), error))
}
