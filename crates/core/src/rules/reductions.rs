//! The rules of reductions, operations of any number of operands: sums, dot products, log-sum-exp.
//!
//! Each is one statement on a tape, however many operands it has. Long chains `acc = acc + a * b` are bound
//! by the latency from one link to the next; one statement breaks the chain and shrinks the tape.

use super::Partial::{self, Of, One, Zero};
use super::guarded;
use crate::{Differentiable, Scalar};
use num_traits::{Float, Zero as _};

/// A number that carries derivatives over numbers of type `Inner`: what [`Dual`](crate::Dual) and
/// [`Var`](crate::Var) have in common.
pub(crate) trait Statement: Differentiable {
    /// The type of the primal.
    type Inner: Differentiable<Scalar = <Self as Differentiable>::Scalar>;

    /// The primal: the value without the derivatives of this level.
    fn inner(&self) -> Self::Inner;

    /// A number of the given value, whose derivatives follow from its operands by the chain rule.
    fn statement<E>(value: Self::Inner, edges: E) -> Self
    where
        E: Iterator<Item = (Self, Partial<Self::Inner>)> + Clone;
}

/// What `f64` itself starts a sum from.
pub(crate) fn empty_sum<F: Scalar>() -> F {
    std::iter::empty::<F>().sum()
}

pub(crate) fn sum<S: Statement>(terms: impl Iterator<Item = S> + Clone) -> S {
    let value: S::Inner = S::Inner::sum_terms(terms.clone().map(|x| x.inner()));
    S::statement(value, terms.map(move |x| (x, guarded(&value, || One))))
}

/// Σ aᵢbᵢ on plain numbers, from left to right, as a written-out loop would.
pub(crate) fn scalar_dot<F: Scalar>(pairs: impl Iterator<Item = (F, F)>, bias: Option<F>) -> F {
    let dot: F = pairs.map(|(a, b)| a * b).sum();
    bias.map_or(dot, |bias| dot + bias)
}

/// Σ aᵢbᵢ, plus the bias if there is one.
pub(crate) fn dot<S: Statement>(pairs: impl Iterator<Item = (S, S)> + Clone, bias: Option<S>) -> S {
    let inner_pairs = pairs.clone().map(|(a, b)| (a.inner(), b.inner()));
    let value = S::Inner::dot_pairs(inner_pairs, bias.map(|b| b.inner()));
    let products = pairs.flat_map(move |(a, b)| {
        let partial = |slope: S| guarded(&value, || Of(slope.inner()));
        [(a, partial(b)), (b, partial(a))]
    });
    S::statement(value, products.chain(bias.map(|b| (b, guarded(&value, || One)))))
}

/// ln Σ exp xᵢ on plain numbers, shifted by the largest so that nothing overflows.
pub(crate) fn scalar_log_sum_exp<F: Scalar>(terms: impl Iterator<Item = F> + Clone) -> F {
    match shift(terms.clone()) {
        Shift::By(max) => max + terms.map(|x| (x - max).exp()).sum::<F>().ln(),
        Shift::Limit(value) => value,
    }
}

/// ln Σ exp xᵢ, whose slopes are the softmax weights.
pub(crate) fn log_sum_exp<S: Statement>(terms: impl Iterator<Item = S> + Clone) -> S {
    let (value, slope) = log_sum_exp_and_slopes(terms.clone().map(|x| x.inner()));
    S::statement(value, terms.map(move |x| (x, guarded(&value, || slope(x.inner())))))
}

/// ln Σ exp xᵢ, and its slope in a term, as a function of that term.
pub(crate) fn log_sum_exp_and_slopes<T: Differentiable>(
    terms: impl Iterator<Item = T> + Clone,
) -> (T, impl Fn(T) -> Partial<T> + Copy) {
    let shift = shift(terms.clone().map(|x| x.value()));
    let (value, total, share) = match shift {
        Shift::By(max) => {
            // The shift is a constant: the function does not depend on it.
            let total: T = terms.map(|x| (x - max).exp()).sum();
            (T::constant(max) + total.ln(), total, Zero)
        }
        Shift::Limit(limit) if limit > T::Scalar::zero() => {
            let at_limit = terms.filter(|x| x.value() == limit).count();
            (T::constant(limit), T::zero(), Of(T::literal(1.0 / at_limit as f64)))
        }
        Shift::Limit(limit) => (T::constant(limit), T::zero(), Zero),
    };
    let slope = move |x: T| match shift {
        Shift::By(max) => Of((x - max).exp() / total),
        Shift::Limit(limit) if x.value() == limit => share,
        Shift::Limit(_) => Zero,
    };
    (value, slope)
}

/// √Σ xᵢ² on plain numbers, scaled where the squares would overflow or vanish.
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

/// √Σ xᵢ², whose slopes are the components of the unit vector; none at the origin.
pub(crate) fn norm<S: Statement>(terms: impl Iterator<Item = S> + Clone) -> S {
    let value = S::Inner::norm_terms(terms.clone().map(|x| x.inner()));
    S::statement(value, terms.map(move |x| (x, guarded(&value, || norm_slope(x.inner(), value)))))
}

/// The slope of a norm `z` in its component `x`.
#[inline(always)]
pub(crate) fn norm_slope<T: Differentiable>(x: T, z: T) -> Partial<T> {
    super::hypot_slope(x, z)
}

/// How to evaluate a log-sum-exp of the given terms.
#[derive(Clone, Copy)]
enum Shift<F> {
    /// Subtract the largest term, a finite number.
    By(F),
    /// Nothing to compute: −∞ without finite terms, +∞ with an infinite one, NaN with a NaN.
    Limit(F),
}

fn shift<F: Scalar>(terms: impl Iterator<Item = F>) -> Shift<F> {
    let larger = |max: F, x: F| if x > max || x.is_nan() { x } else { max };
    let max = terms.fold(F::neg_infinity(), |max, x| if max.is_nan() { max } else { larger(max, x) });
    if max.is_finite() { Shift::By(max) } else { Shift::Limit(max) }
}
