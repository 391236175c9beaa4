//! The rules of reductions, which are operations with any number of operands: sums, dot products, norms,
//! log-sum-exps.
//!
//! Each is one statement on a tape, however many operands it has. A long chain `acc = acc + a * b` is limited by the
//! latency from one link to the next; one statement breaks the chain and shortens the tape.

use super::Partial::{self, Of, One, Zero};
use super::choose;
use crate::predicate::Relation::{Equal, Less};
use crate::{Differentiable, Scalar};
use num_traits::{Float, Zero as _};

/// A number that carries derivatives over numbers of type `Inner`: what [`Dual`](crate::Dual) and
/// [`Var`](crate::Var) have in common.
pub(crate) trait Statement: Differentiable {
    /// The type of the primal.
    type Inner: Differentiable<Scalar = <Self as Differentiable>::Scalar>;

    /// The primal: the value without the derivatives of this level.
    fn inner(&self) -> Self::Inner;

    /// A number with the given value, whose derivatives follow from its operands by the chain rule; they are NaN if
    /// the value is.
    fn statement<E>(value: Self::Inner, edges: E) -> Self
    where
        E: Iterator<Item = (Self, Partial<Self::Inner>)> + Clone;
}

/// The number from which `f64` itself starts a sum.
pub(crate) fn empty_sum<F: Scalar>() -> F {
    std::iter::empty::<F>().sum()
}

pub(crate) fn sum<S: Statement>(terms: impl Iterator<Item = S> + Clone) -> S {
    let value: S::Inner = S::Inner::sum_terms(terms.clone().map(|x| x.inner()));
    S::statement(value, terms.map(|x| (x, One)))
}

/// Σ aᵢbᵢ on plain numbers, from left to right, as in an explicit loop.
pub(crate) fn scalar_dot<F: Scalar>(pairs: impl Iterator<Item = (F, F)>, bias: Option<F>) -> F {
    let dot: F = pairs.map(|(a, b)| a * b).sum();
    bias.map_or(dot, |bias| dot + bias)
}

/// Σ aᵢbᵢ, plus the bias if there is one.
pub(crate) fn dot<S: Statement>(pairs: impl Iterator<Item = (S, S)> + Clone, bias: Option<S>) -> S {
    let inner_pairs = pairs.clone().map(|(a, b)| (a.inner(), b.inner()));
    let value = S::Inner::dot_pairs(inner_pairs, bias.map(|b| b.inner()));
    let products = pairs.flat_map(|(a, b)| [(a, Of(b.inner())), (b, Of(a.inner()))]);
    S::statement(value, products.chain(bias.map(|b| (b, One))))
}

/// Σ partial · tangent on plain numbers: an exact zero wins over ∞ and NaN, and a NaN value wins over all partial
/// derivatives.
pub(crate) fn scalar_chain_rule<F: Scalar>(value: F, pairs: &[(F, F)]) -> F {
    let term = |&(partial, tangent): &(F, F)| {
        let zero = partial == F::zero() || tangent == F::zero();
        if value.is_nan() && tangent != F::zero() {
            value
        } else if zero && !(partial.is_finite() && tangent.is_finite()) {
            F::zero()
        } else {
            partial * tangent
        }
    };
    pairs.iter().map(term).sum()
}

/// Σ partial · tangent, which can itself be differentiated. If it is NaN because the value is, it also depends on the
/// value.
pub(crate) fn chain_rule<S: Statement>(value: S, pairs: &[(S, S)]) -> S {
    let products = sum_of_products(value.inner(), pairs);
    let value_is_fine = if S::RECORDS { value.is_identically_zero() } else { !value.inner().is_nan() };
    if value_is_fine {
        return products;
    }
    // If the value is not NaN, this is zero and has no derivatives.
    let zero = S::Inner::zero();
    let unmoved: Vec<_> = pairs.iter().map(|(_, tangent)| (zero, tangent.inner())).collect();
    let spoilt = S::Inner::chain_rule(value.inner(), &unmoved);
    let spoilt = S::statement(spoilt, std::iter::once((value, Zero)));
    sum_of_products(zero, &[(S::one(), products), (S::one(), spoilt)])
}

/// The chain rule of an operation whose value has no derivatives.
fn sum_of_products<S: Statement>(value: S::Inner, pairs: &[(S, S)]) -> S {
    let inner: Vec<_> = pairs.iter().map(|(partial, tangent)| (partial.inner(), tangent.inner())).collect();
    let sum = S::Inner::chain_rule(value, &inner);
    let products = pairs
        .iter()
        .flat_map(|&(partial, tangent)| [(partial, Of(tangent.inner())), (tangent, Of(partial.inner()))]);
    S::statement(sum, products)
}

/// ln Σ exp xᵢ on plain numbers, shifted by the largest so that nothing overflows.
pub(crate) fn scalar_log_sum_exp<F: Scalar>(terms: impl Iterator<Item = F> + Clone) -> F {
    match shift(terms.clone()) {
        Shift::By(max) => max + terms.map(|x| (x - max).exp()).sum::<F>().ln(),
        Shift::Limit(value) => value,
    }
}

/// ln Σ exp xᵢ, whose derivatives are the softmax weights.
pub(crate) fn log_sum_exp<S: Statement>(terms: impl Iterator<Item = S> + Clone) -> S {
    let inner = terms.clone().map(|x| x.inner());
    if S::Inner::RECORDS {
        let value = S::Inner::log_sum_exp_terms(inner.clone());
        let derivative = recorded_log_sum_exp_derivatives(inner);
        // Collected first, because computing a derivative records it.
        let edges: Vec<_> = terms.map(|x| (x, derivative(x.inner()))).collect();
        return S::statement(value, edges.into_iter());
    }
    let (value, derivative) = log_sum_exp_and_derivatives(inner);
    S::statement(value, terms.map(|x| (x, derivative(x.inner()))))
}

/// The largest term, and the sum of the exponentials of the terms minus this shift. The function does not depend on
/// the shift.
fn recorded_shift<T: Differentiable>(terms: impl Iterator<Item = T> + Clone) -> (T, T) {
    // In two halves: in a chain of maxima, each would wait for the one before.
    let mut largest: Vec<T> = terms.clone().map(T::stop_gradient).collect();
    while largest.len() > 1 {
        let second = largest.split_off(largest.len().div_ceil(2));
        largest.iter_mut().zip(second).for_each(|(a, b)| *a = a.max(b));
    }
    let max = largest.first().copied().unwrap_or(T::neg_infinity());
    let powers: Vec<T> = terms.map(|x| (x - max).exp()).collect();
    (max, T::sum_of(&powers))
}

/// [`recorded_log_sum_exp_derivatives`] if the largest term is finite; otherwise NaN.
pub(crate) fn finite_log_sum_exp_derivatives<T: Differentiable>(
    terms: impl Iterator<Item = T> + Clone,
) -> impl Fn(T) -> Partial<T> {
    let (max, total) = recorded_shift(terms);
    move |x| Of((x - max).exp() / total)
}

/// [`log_sum_exp_and_derivatives`] in a recording, where nothing may depend on which term is the largest.
pub(crate) fn recorded_log_sum_exp_derivatives<T: Differentiable>(
    terms: impl Iterator<Item = T> + Clone,
) -> impl Fn(T) -> Partial<T> {
    let (max, total) = recorded_shift(terms.clone());
    let is_max = move |x: T| T::predicate(Equal, x, max);
    let at_max: Vec<T> = terms.map(is_max).collect();
    let share = T::select(Equal, max, T::infinity(), T::sum_of(&at_max).recip(), T::zero());
    move |x| {
        let at_limit = || T::select_by(is_max(x), share, T::zero());
        Of(choose(Less, max.abs(), T::infinity(), || (x - max).exp() / total, at_limit))
    }
}

/// ln Σ exp xᵢ, and its derivative with respect to a term, as a function of that term.
pub(crate) fn log_sum_exp_and_derivatives<T: Differentiable>(
    terms: impl Iterator<Item = T> + Clone,
) -> (T, impl Fn(T) -> Partial<T> + Copy) {
    let shift = shift(terms.clone().map(|x| x.value()));
    let (value, total, share) = match shift {
        Shift::By(max) => {
            // The shift is a constant: the function does not depend on it.
            let total: T = terms.map(|x| (x - max).exp()).sum();
            (T::constant(max) + total.ln(), total, Zero)
        }
        Shift::Limit(limit) => {
            // In numbers that carry derivatives, the value has the derivatives that these rules state for the level
            // below.
            let value = T::log_sum_exp_terms(terms.clone());
            let at_limit = terms.filter(|x| x.value() == limit).count();
            let share = if limit > T::Scalar::zero() { Of(T::literal(1.0 / at_limit as f64)) } else { Zero };
            (value, T::zero(), share)
        }
    };
    let derivative = move |x: T| match shift {
        Shift::By(max) => Of((x - max).exp() / total),
        Shift::Limit(limit) if x.value() == limit => share,
        Shift::Limit(_) => Zero,
    };
    (value, derivative)
}

/// ln Σ exp xᵢ, and its derivative with respect to each term.
pub(crate) fn log_sum_exp_with_derivatives<T: Differentiable>(
    terms: impl Iterator<Item = T> + Clone,
) -> (T, Vec<Partial<T>>) {
    if T::RECORDS {
        let value = T::log_sum_exp_terms(terms.clone());
        return (value, terms.clone().map(recorded_log_sum_exp_derivatives(terms)).collect());
    }
    let (value, derivative) = log_sum_exp_and_derivatives(terms.clone());
    (value, terms.map(derivative).collect())
}

/// √Σ xᵢ² on plain numbers, scaled if the squares would overflow or underflow.
pub(crate) fn scalar_norm<F: Scalar>(terms: impl Iterator<Item = F> + Clone) -> F {
    let squares = terms.clone().map(|x| x * x).sum::<F>();
    if squares.is_normal() {
        return squares.sqrt();
    }
    if terms.clone().any(Float::is_nan) {
        return F::nan();
    }
    let largest = terms.clone().fold(F::zero(), |largest, x| largest.max(x.abs()));
    if largest == F::zero() || largest.is_infinite() {
        return largest;
    }
    largest * terms.map(|x| (x / largest) * (x / largest)).sum::<F>().sqrt()
}

/// √Σ xᵢ², whose derivatives are the components of the unit vector; they are zero at the origin.
pub(crate) fn norm<S: Statement>(terms: impl Iterator<Item = S> + Clone) -> S {
    let value = S::Inner::norm_terms(terms.clone().map(|x| x.inner()));
    let edges = terms.map(|x| (x, norm_derivative(x.inner(), value)));
    if S::RECORDS {
        // Collected first, because computing a derivative records it.
        let edges: Vec<_> = edges.collect();
        return S::statement(value, edges.into_iter());
    }
    S::statement(value, edges)
}

/// The derivative of a norm `z` with respect to its component `x`.
#[inline(always)]
pub(crate) fn norm_derivative<T: Differentiable>(x: T, z: T) -> Partial<T> {
    super::hypot_derivative(x, z)
}

/// How to evaluate a log-sum-exp of the given terms.
#[derive(Clone, Copy)]
enum Shift<F> {
    /// Subtract the largest term, a finite number.
    By(F),
    /// Nothing to compute: −∞ if no term is finite, +∞ with an infinite term, NaN with a NaN.
    Limit(F),
}

fn shift<F: Scalar>(terms: impl Iterator<Item = F>) -> Shift<F> {
    let larger = |max: F, x: F| if x > max || x.is_nan() { x } else { max };
    let max = terms.fold(F::neg_infinity(), |max, x| if max.is_nan() { max } else { larger(max, x) });
    if max.is_finite() { Shift::By(max) } else { Shift::Limit(max) }
}
