//! `Fast`: a plain number with vectorised elementary functions, for loops over lanes.
//!
//! It runs the rules of the table unchanged. An operation without a vectorised form is computed as for plain numbers,
//! one lane at a time.

use crate::predicate::Relation;
use crate::rules::{Binary, Op, Ternary, Unary};
use crate::{CustomRule, Differentiable, Error, ProgramScalar};
use std::fmt;

/// A plain number; `FMA` states whether the processor multiplies and adds in one instruction.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Fast<T, const FMA: bool>(pub(in crate::program) T);

/// The operations that lanes compute with their own functions, within 2 units in the last place.
#[inline(always)]
fn approximate<T: ProgramScalar, const FMA: bool>(op: Op, x: T) -> Option<T> {
    Some(match op {
        Op::Exp => x.exp_lane::<FMA>(),
        Op::ExpM1 => x.exp_m1_lane::<FMA>(),
        Op::Ln => x.ln_lane::<FMA>(),
        Op::Ln1p => x.ln_1p_lane::<FMA>(),
        Op::Tanh => x.tanh_lane::<FMA>(),
        Op::Sigmoid => x.sigmoid_lane::<FMA>(),
        Op::Softplus => x.softplus_lane::<FMA>(),
        Op::Sin => x.sin_lane::<FMA>(),
        Op::Cos => x.cos_lane::<FMA>(),
        _ => return None,
    })
}

/// Whether lanes compute an operation with their own function.
pub(in crate::program) fn is_approximate(op: Op) -> bool {
    approximate::<f64, false>(op, 0.5).is_some()
}

impl<T: ProgramScalar, const FMA: bool> Differentiable for Fast<T, FMA> {
    type Scalar = T;

    #[inline(always)]
    fn constant(value: T) -> Self {
        Self(value)
    }

    #[inline(always)]
    fn value(&self) -> T {
        self.0
    }

    /// Lanes do not call rules; the trait requires this method.
    fn call<R: CustomRule<Scalar = T>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        let x: Vec<T> = x.iter().map(|x| x.0).collect();
        Ok(T::call(rule, &x)?.into_iter().map(Self).collect())
    }

    const RETAINS: bool = false;
    const RECORDS: bool = false;
    const KNOWS_ZEROS: bool = false;

    #[inline(always)]
    fn is_identically_zero(&self) -> bool {
        self.0 == T::zero()
    }

    #[inline(always)]
    fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    #[inline(always)]
    fn predicate(relation: Relation, a: Self, b: Self) -> Self {
        Self(T::predicate(relation, a.0, b.0))
    }

    #[inline(always)]
    fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self {
        Self(T::select_by(predicate.0, then.0, otherwise.0))
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        let pairs: Vec<_> = pairs.iter().map(|(partial, tangent)| (partial.0, tangent.0)).collect();
        Self(T::chain_rule(value.0, &pairs))
    }

    #[inline(always)]
    fn unary<O: Unary>(self, op: O) -> Self {
        Self(approximate::<T, FMA>(op.code(), self.0).unwrap_or_else(|| op.value(self.0)))
    }

    #[inline(always)]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        Self(op.value(self.0, right.0))
    }

    #[inline(always)]
    fn binary_right<O: Binary>(self, op: O, right: T) -> Self {
        Self(op.value(self.0, right))
    }

    #[inline(always)]
    fn binary_left<O: Binary>(op: O, left: T, right: Self) -> Self {
        Self(op.value(left, right.0))
    }

    #[inline(always)]
    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        Self(op.value(operands.map(|x| x.0)))
    }

    // Lanes have their own loops for reductions; the trait requires these methods.

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self(terms.map(|x| x.0).sum())
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        Self(T::dot_pairs(pairs.map(|(a, b)| (a.0, b.0)), bias.map(|b| b.0)))
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self(T::log_sum_exp_terms(terms.map(|x| x.0)))
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self(T::norm_terms(terms.map(|x| x.0)))
    }
}

impl<T: ProgramScalar, const FMA: bool> std::iter::Sum for Fast<T, FMA> {
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        Self(terms.map(|x| x.0).sum())
    }
}

impl_operators!(of [T: ProgramScalar, const FMA: bool] Fast<T, FMA>);
impl_float!([T: ProgramScalar, const FMA: bool] Fast<T, FMA>);

impl<T: fmt::Display, const FMA: bool> fmt::Display for Fast<T, FMA> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::LowerExp, const FMA: bool> fmt::LowerExp for Fast<T, FMA> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
