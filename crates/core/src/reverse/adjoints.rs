//! `Adjoints`: the result of a reverse sweep, indexed by variable.

use super::Var;
use crate::Differentiable;
use std::ops::Index;

/// The derivatives of one output with respect to every variable of a tape, indexed by variable.
///
/// A variable that the output does not depend on, and any constant, has derivative 0. The adjoints are stored apart
/// from the tape, so they may outlive it.
///
/// ```
/// let tape = dualtape::Tape::new();
/// let (x, y) = (tape.var(3.0), tape.var(4.0));
/// let product = x * y;
/// let adjoints = tape.gradient(product * product);
/// assert_eq!(adjoints[product], 24.0);
/// assert_eq!(adjoints.of(&[x, y]), [96.0, 72.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Adjoints<T> {
    tape: u64,
    values: Vec<T>,
    zero: T,
}

impl<T: Differentiable> Adjoints<T> {
    pub(super) fn new(tape: u64, values: Vec<T>) -> Self {
        Self { tape, values, zero: T::zero() }
    }

    /// The derivatives with respect to the given variables, in their order.
    ///
    /// # Panics
    ///
    /// If a variable belongs to another tape, or to another recording of this one.
    ///
    /// ```
    /// use dualtape::{Tape, Var};
    /// let tape = Tape::new();
    /// let (x, y, unused) = (tape.var(3.0), tape.var(4.0), tape.var(5.0));
    /// let adjoints = tape.gradient(x * y * y);
    /// assert_eq!(adjoints.of(&[y, x, unused, Var::lift(1.0)]), [24.0, 16.0, 0.0, 0.0]);
    /// ```
    pub fn of(&self, variables: &[Var<'_, T>]) -> Vec<T> {
        variables.iter().map(|&x| self[x]).collect()
    }
}

impl<T: Differentiable> Index<Var<'_, T>> for Adjoints<T> {
    type Output = T;

    /// # Panics
    ///
    /// If the variable belongs to another tape, or to another recording of this one.
    fn index(&self, variable: Var<'_, T>) -> &T {
        let Some(tape) = variable.tape() else { return &self.zero };
        assert!(
            tape.id() == self.tape,
            "this variable belongs to another tape, or to a later recording, than these adjoints"
        );
        self.values.get(variable.index() as usize).unwrap_or(&self.zero)
    }
}
