//! `Tracer`: a number that knows on which inputs it depends.

use super::index_sets::{EMPTY, IndexSets, Set};
use crate::predicate::Relation;
use crate::rules::{Binary, Compare, Partial, Ternary, Unary, values};
use crate::{CustomRule, Differentiable, Error, Scalar};
use std::fmt;

/// A number that carries, beside its value, the set of inputs on which it depends. [`jacobian_pattern`] calls
/// functions with such numbers.
///
/// It computes the values that `T` would, and comparisons use them: a set is valid for the branches taken. Otherwise
/// sets do not depend on values. They follow the rule table: an operand counts unless its partial derivative is zero
/// everywhere, as for [`floor`](num_traits::Float::floor) and [`stop_gradient`](Differentiable::stop_gradient). So
/// both operands of [`max`](num_traits::Float::max) count, both branches of a [`select`](Differentiable::select)
/// whose predicate may change, and `x * 0.0`. Each output of a [`CustomRule`] depends on all its inputs. (If a value
/// is NaN, its derivatives are NaN in every mode, even those of `floor`; such derivatives have no entry.)
///
/// Two numbers that depend on inputs are equal (`==`) only if they are the same number, as for two
/// [`Var`](crate::Var)s; see [`Differentiable`].
///
/// All numbers of one evaluation share a store of sets, and sets share their parts: an operation takes at most about
/// a hundred bytes for a set of up to 32 inputs, and 16 bytes for a larger one.
///
/// ```
/// use dualtape::{Float, sparse::{Tracer, jacobian_pattern}};
///
/// fn steps<'t>(x: &[Tracer<'t, f64>]) -> Vec<Tracer<'t, f64>> {
///     (0..x.len()).map(|i| if i == 0 { x[0].floor() } else { x[i] * x[i] - x[i - 1] }).collect()
/// }
///
/// let (values, pattern) = jacobian_pattern(steps, &[1.5, 2.0, 3.0])?;
/// assert_eq!(values, [1.0, 2.5, 7.0]);
/// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(1, 0), (1, 1), (2, 1), (2, 2)]);
/// # Ok::<(), dualtape::Error>(())
/// ```
///
/// [`jacobian_pattern`]: super::jacobian_pattern
pub struct Tracer<'t, T> {
    /// `None` for a constant: a number that is the same for all inputs.
    sets: Option<&'t IndexSets>,
    value: T,
    /// The inputs on which it depends. The set is empty for a number that is not a constant but piecewise constant.
    set: Set,
    /// Its number among the numbers that depend on inputs.
    number: u64,
}

impl<T: Copy> Clone for Tracer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy> Copy for Tracer<'_, T> {}

/// Writes `2.0 * x` for both types of literals.
macro_rules! literals_on_the_left {
    ({} operators { $($(#[$doc:meta])* $Name:ident $method:ident $body:tt)* } $($others:tt)*) => { $(
        impl_literal_left!(['t] Tracer<'t, f32>, $Name $method, f32 []);
        impl_literal_left!(['t] Tracer<'t, f64>, $Name $method, f64 []);
    )* };
}

impl<'t, T: Scalar> Tracer<'t, T> {
    /// An input of a function.
    pub(super) fn input(sets: &'t IndexSets, value: T, input: Set) -> Self {
        Self::depending(sets, value, input)
    }

    /// The inputs on which an output depends, among those of its evaluation.
    pub(super) fn set_in(&self, sets: &IndexSets) -> Set {
        if let Some(own) = self.sets {
            check_same(sets, own);
        }
        self.set
    }

    #[inline(always)]
    fn depending(sets: &'t IndexSets, value: T, set: Set) -> Self {
        Self { sets: Some(sets), value, set, number: sets.next_number() }
    }

    /// Whether both are the same number, or both are constants.
    #[inline]
    fn moves_as(&self, other: &Self) -> bool {
        (self.set == EMPTY && other.set == EMPTY) || (self.set != EMPTY && self.number == other.number)
    }

    /// The result of an operation whose other operands are constants.
    #[inline(always)]
    fn alone(self, value: T, partial: Partial<Self>) -> Self {
        match (self.sets, partial) {
            (None, _) => Self::constant(value),
            (_, Partial::Zero) => Self { value, set: EMPTY, ..self },
            // It is equal to its operand if their values are equal.
            (_, Partial::One) => Self { value, ..self },
            (Some(sets), _) => Self::depending(sets, value, self.set),
        }
    }

    /// The result of an operation with many operands, each of which counts.
    fn of_all(value: T, operands: impl Iterator<Item = Self> + Clone) -> Self {
        let Some(sets) = operands.clone().find_map(|x| x.sets) else { return Self::constant(value) };
        let of_operands = operands.filter_map(|x| {
            check_same(sets, x.sets?);
            Some(x.set)
        });
        Self::depending(sets, value, sets.union_of(of_operands.collect()))
    }
}

/// Panics if numbers of two evaluations are mixed.
#[inline(always)]
fn check_same(a: &IndexSets, b: &IndexSets) {
    assert!(
        std::ptr::eq(a, b),
        "these numbers belong to two evaluations; a number must not outlive its evaluation"
    );
}

/// What a row states for an operand, for all values at once: it uses `select` where it has a choice, so that `Zero`
/// appears only if nothing else is possible. The numbers passed to it do not matter.
macro_rules! stated {
    ($op:ident.$partial:ident) => {
        $op.$partial(Self::constant(T::one()), Self::constant(T::one()), Self::constant(T::one()))
    };
}

impl<T: Scalar> Differentiable for Tracer<'_, T> {
    type Scalar = T;

    #[inline(always)]
    fn constant(value: T) -> Self {
        Self { sets: None, value, set: EMPTY, number: 0 }
    }

    #[inline(always)]
    fn value(&self) -> T {
        self.value
    }

    #[inline(always)]
    fn relates(&self, relation: Relation, other: &Self) -> bool {
        (relation != Relation::Equal || self.moves_as(other)) && relation.holds(self.value, other.value)
    }

    fn call<R: CustomRule<Scalar = T>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        if let Some(outputs) = rule.in_any_numbers(x) {
            return outputs;
        }
        let outputs = values(rule, &x.iter().map(|x| x.value).collect::<Vec<_>>())?;
        let all = Self::of_all(T::zero(), x.iter().copied());
        Ok(outputs.into_iter().map(|value| all.alone(value, Partial::MinusOne)).collect())
    }

    // An operation stores at most one set: loops are followed turn by turn, which keeps states apart.
    const RETAINS: bool = false;
    const RECORDS: bool = true;
    const KNOWS_ZEROS: bool = true;

    #[inline]
    fn is_identically_zero(&self) -> bool {
        self.sets.is_none() && self.value == T::zero()
    }

    #[inline]
    fn is_same(&self, other: &Self) -> bool {
        match (self.sets, other.sets) {
            (None, None) => self.value == other.value,
            (Some(_), Some(_)) => {
                self.set != EMPTY && self.number == other.number && self.value == other.value
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn predicate(relation: Relation, a: Self, b: Self) -> Self {
        a.binary(Compare(relation), b)
    }

    fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self {
        let selected = if predicate.value == T::zero() { otherwise } else { then };
        if predicate.sets.is_none() || then.is_same(&otherwise) {
            return selected;
        }
        // The predicate has no derivative, but may change: without it, a selection between two constants would be a
        // constant.
        Self::of_all(selected.value, [Self { set: EMPTY, ..predicate }, then, otherwise].into_iter())
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        let of_values = |&(partial, tangent): &(Self, Self)| (partial.value, tangent.value);
        let sum = T::chain_rule(value.value, &pairs.iter().map(of_values).collect::<Vec<_>>());
        let products = pairs
            .iter()
            .filter(|(partial, tangent)| !partial.is_identically_zero() && !tangent.is_identically_zero());
        Self::of_all(sum, products.flat_map(|&(partial, tangent)| [partial, tangent]))
    }

    #[inline(always)]
    fn unary<O: Unary>(self, op: O) -> Self {
        let value = op.value(self.value);
        if self.sets.is_none() {
            return Self::constant(value);
        }
        self.alone(value, op.partial(Self::constant(T::one()), Self::constant(T::one())))
    }

    #[inline(always)]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        let value = op.value(self.value, right.value);
        match (self.sets, right.sets) {
            (Some(sets), Some(other)) => {
                check_same(sets, other);
                let left = if stated!(op.left) == Partial::Zero { EMPTY } else { self.set };
                let right = if stated!(op.right) == Partial::Zero { EMPTY } else { right.set };
                Self::depending(sets, value, sets.union(left, right))
            }
            (Some(_), None) => self.alone(value, stated!(op.left)),
            (None, Some(_)) => right.alone(value, stated!(op.right)),
            (None, None) => Self::constant(value),
        }
    }

    #[inline(always)]
    fn binary_right<O: Binary>(self, op: O, right: T) -> Self {
        self.binary(op, Self::constant(right))
    }

    #[inline(always)]
    fn binary_left<O: Binary>(op: O, left: T, right: Self) -> Self {
        Self::constant(left).binary(op, right)
    }

    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        if O::SELECTS {
            let [predicate, then, otherwise] = operands;
            return Self::select_by(predicate, then, otherwise);
        }
        let one = Self::constant(T::one());
        let partials = op.partials([one; 3], one);
        let counting = operands.into_iter().zip(partials).filter(|(_, partial)| *partial != Partial::Zero);
        Self::of_all(op.value(operands.map(|x| x.value)), counting.map(|(x, _)| x))
    }

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self::of_all(terms.clone().map(|x| x.value).sum(), terms)
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        let of_values = pairs.clone().map(|(a, b)| (a.value, b.value));
        let value = T::dot_pairs(of_values, bias.map(|bias| bias.value));
        Self::of_all(value, pairs.flat_map(|(a, b)| [a, b]).chain(bias))
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self::of_all(T::log_sum_exp_terms(terms.clone().map(|x| x.value)), terms)
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self::of_all(T::norm_terms(terms.clone().map(|x| x.value)), terms)
    }
}

impl<T: Scalar> std::iter::Sum for Tracer<'_, T> {
    /// Collects the terms first: the iterator may itself create sets.
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        let terms: Vec<Self> = terms.collect();
        Self::sum_of(&terms)
    }
}

impl_operators!(of ['t, T: Scalar] Tracer<'t, T>);
rule_table!(literals_on_the_left);
impl_float!(['t, T: Scalar] Tracer<'t, T>);

impl<T: fmt::Debug> fmt::Debug for Tracer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("value", &self.value).finish_non_exhaustive()
    }
}

impl<T: fmt::Display> fmt::Display for Tracer<'_, T> {
    /// Writes the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::LowerExp> fmt::LowerExp for Tracer<'_, T> {
    /// Writes the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
