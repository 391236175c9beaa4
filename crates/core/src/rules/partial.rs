//! Partial derivatives, and what a row states about an operation with one, two or three operands.

use super::Op;
use crate::predicate::Relation;
use crate::{Differentiable, Scalar};
use Partial::{MinusOne, Of, One, Zero};
use num_traits::Float;

/// A partial derivative; the common exact cases have names.
///
/// The names cost nothing (the compiler folds them). They save a multiplication in nested numbers, and distinguish an
/// exact zero from a product that came out as zero.
///
/// ```
/// use dualtape::rules::{Add, Binary, Floor, Partial, Unary};
/// assert_eq!(Add.left(3.0, 4.0, 7.0), Partial::One);
/// assert_eq!(Floor.partial(2.5, 2.0), Partial::Zero);
/// // Of an exact zero, nothing is left even beside ∞.
/// assert_eq!(Partial::Zero.times(f64::INFINITY), 0.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Partial<T> {
    /// The output does not change with this operand.
    Zero,
    /// The derivative is 1.
    One,
    /// The derivative is −1.
    MinusOne,
    /// Any other derivative.
    Of(T),
}

impl<T: Differentiable> Partial<T> {
    /// This partial derivative as a number.
    ///
    /// ```
    /// use dualtape::rules::Partial;
    /// assert_eq!(Partial::<f64>::MinusOne.number(), -1.0);
    /// ```
    pub fn number(self) -> T {
        match self {
            Zero => T::zero(),
            One => T::one(),
            MinusOne => -T::one(),
            Of(derivative) => derivative,
        }
    }

    /// The chain rule: this partial derivative times a tangent or an adjoint. An exact zero on either side wins over
    /// ∞ and NaN on the other.
    ///
    /// ```
    /// use dualtape::rules::Partial;
    /// assert_eq!(Partial::Of(f64::INFINITY).times(0.0), 0.0);
    /// assert_eq!(Partial::Of(3.0).times(2.0), 6.0);
    /// ```
    #[inline]
    pub fn times(self, other: T) -> T {
        match self {
            Zero => T::zero(),
            One => other,
            MinusOne => -other,
            Of(derivative) if derivative.is_identically_zero() || other.is_identically_zero() => T::zero(),
            // If all numbers are finite, no zero needs to win.
            Of(derivative) if !T::RECORDS && derivative.value().is_finite() && other.value().is_finite() => {
                derivative * other
            }
            Of(derivative) => T::chain_rule(T::zero(), &[(derivative, other)]),
        }
    }

    /// One of two partial derivatives, chosen by a comparison of values. Rules branch with this, and never with an
    /// `if`: a recording keeps both sides.
    #[inline(always)]
    pub(crate) fn select(
        relation: Relation,
        a: T,
        b: T,
        then: impl FnOnce() -> Self,
        otherwise: impl FnOnce() -> Self,
    ) -> Self {
        let [selected] = Self::select_each(relation, a, b, || [then()], || [otherwise()]);
        selected
    }

    /// The partial derivatives with respect to several operands, chosen by one comparison.
    #[inline(always)]
    pub(crate) fn select_each<const N: usize>(
        relation: Relation,
        a: T,
        b: T,
        then: impl FnOnce() -> [Self; N],
        otherwise: impl FnOnce() -> [Self; N],
    ) -> [Self; N] {
        if !T::RECORDS {
            return if relation.holds(a.value(), b.value()) { then() } else { otherwise() };
        }
        let (predicate, then, otherwise) = (T::predicate(relation, a, b), then(), otherwise());
        std::array::from_fn(|i| Of(T::select_by(predicate, then[i].number(), otherwise[i].number())))
    }

    /// The chain rule without the test for zeros: NaN where an exact zero meets ∞ or NaN.
    #[inline(always)]
    pub(crate) fn scale(self, other: T) -> T {
        match self {
            Zero => T::zero(),
            One => other,
            MinusOne => -other,
            Of(derivative) => derivative * other,
        }
    }
}

/// The partial derivative; or if the value is NaN, a NaN that depends on the value and the partial derivative, so
/// that its own derivatives are NaN where they should be.
#[inline(always)]
pub(crate) fn guarded<T: Differentiable>(value: &T, partial: impl FnOnce() -> Partial<T>) -> Partial<T> {
    if !(T::RECORDS || value.value().is_nan()) {
        return partial();
    }
    // A number, not a `Partial`: a `Partial` would be returned through memory, and built there in the usual case too.
    let spoilt = spoilt(*value, partial().number());
    Of(spoilt)
}

/// The adjoint from which a sweep of an output with the given value starts, given its weight: a NaN has NaN
/// derivatives even with respect to itself.
#[inline]
pub(crate) fn seed<T: Differentiable>(value: &T, weight: T) -> T {
    guarded(value, || One).times(weight)
}

#[cold]
#[inline(never)]
fn spoilt<T: Differentiable>(value: T, partial: T) -> T {
    T::chain_rule(value, &[(partial, T::one())])
}

/// One of two numbers, chosen by a comparison of values; the other is computed in recordings only.
#[inline(always)]
pub(crate) fn choose<T: Differentiable>(
    relation: Relation,
    a: T,
    b: T,
    then: impl FnOnce() -> T,
    otherwise: impl FnOnce() -> T,
) -> T {
    if T::RECORDS {
        T::select(relation, a, b, then(), otherwise())
    } else if relation.holds(a.value(), b.value()) {
        then()
    } else {
        otherwise()
    }
}

/// The chain rule in a recording: the tangent of an operation with the given value, from its partial derivatives and
/// the tangents of its operands.
pub(crate) fn combine<T: Differentiable>(value: T, edges: impl Iterator<Item = (Partial<T>, T)>) -> T {
    let moving: Vec<_> = edges.filter(|(_, tangent)| !tangent.is_identically_zero()).collect();
    match moving[..] {
        [] => T::zero(),
        // If the value is NaN, its tangents become NaN when they are read.
        [(One, tangent)] => tangent,
        [(MinusOne, tangent)] => -tangent,
        _ => {
            let number = |(partial, tangent): (Partial<T>, T)| (partial.number(), tangent);
            T::chain_rule(value, &moving.into_iter().map(number).collect::<Vec<_>>())
        }
    }
}

/// An operation of one operand.
///
/// ```
/// use dualtape::rules::{Op, Partial, Sqrt, Unary};
/// assert_eq!(Sqrt.code(), Op::Sqrt);
/// assert_eq!(Sqrt.value(9.0), 3.0);
/// assert_eq!(Sqrt.partial(9.0, 3.0), Partial::Of(1.0 / 6.0));
/// ```
pub trait Unary: Copy {
    /// Whether the result is a constant for all derivatives.
    #[doc(hidden)]
    const STOPS: bool = false;
    /// The name under which a recorded program knows the operation.
    fn code(self) -> Op;
    /// The value at `x`.
    fn value<F: Scalar>(self, x: F) -> F;
    /// The derivative at `x`, where the value is `z`.
    fn partial<T: Differentiable>(self, x: T, z: T) -> Partial<T>;
}

/// An operation of two operands.
///
/// ```
/// use dualtape::rules::{Binary, Mul, Op, Partial};
/// assert_eq!(Mul.code(), Op::Mul);
/// assert_eq!(Mul.value(3.0, 4.0), 12.0);
/// assert_eq!((Mul.left(3.0, 4.0, 12.0), Mul.right(3.0, 4.0, 12.0)), (Partial::Of(4.0), Partial::Of(3.0)));
/// ```
pub trait Binary: Copy {
    /// The name under which a recorded program knows the operation.
    fn code(self) -> Op;
    /// The value at `(x, y)`.
    fn value<F: Scalar>(self, x: F, y: F) -> F;
    /// The partial derivative with respect to `x`, where the value is `z`.
    fn left<T: Differentiable>(self, x: T, y: T, z: T) -> Partial<T>;
    /// The partial derivative with respect to `y`, where the value is `z`.
    fn right<T: Differentiable>(self, x: T, y: T, z: T) -> Partial<T>;
}

/// An operation of three operands.
///
/// ```
/// use dualtape::rules::{MulAdd, Op, Partial, Ternary};
/// assert_eq!(MulAdd.code(), Op::MulAdd);
/// assert_eq!(MulAdd.value([2.0, 3.0, 4.0]), 10.0);
/// assert_eq!(MulAdd.partials([2.0, 3.0, 4.0], 10.0), [Partial::Of(3.0), Partial::Of(2.0), Partial::One]);
/// ```
pub trait Ternary: Copy {
    /// Whether the result is one of two operands, with all its derivatives, by a predicate.
    #[doc(hidden)]
    const SELECTS: bool = false;
    /// The name under which a recorded program knows the operation.
    fn code(self) -> Op;
    /// The value at `x`.
    fn value<F: Scalar>(self, x: [F; 3]) -> F;
    /// The partial derivatives, where the value is `z`.
    fn partials<T: Differentiable>(self, x: [T; 3], z: T) -> [Partial<T>; 3];
}
