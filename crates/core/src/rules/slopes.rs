//! Formulas that the rows of the table share, or that are too long for a row.

use super::Partial::{self, MinusOne, Of, One, Zero};
use crate::{Differentiable, Scalar};

pub(super) fn sign<T: Differentiable>(x: T) -> Partial<T> {
    if x > T::zero() {
        One
    } else if x < T::zero() {
        MinusOne
    } else {
        Zero
    }
}

/// (1 − x)(1 + x), which is 1 − x² without cancellation near ±1.
pub(super) fn unit_gap<T: Differentiable>(x: T) -> T {
    (T::one() - x) * (T::one() + x)
}

/// sech²: from the output while that loses at most a digit, otherwise from e^(−2|x|).
pub(super) fn tanh_slope<T: Differentiable>(x: T, z: T) -> T {
    if z.abs() < T::literal(0.9) {
        unit_gap(z)
    } else {
        let e = (x.abs() * T::literal(-2.0)).exp();
        let sum = e + T::one();
        e * T::literal(4.0) / (sum * sum)
    }
}

pub(super) fn sigmoid<F: Scalar>(x: F) -> F {
    if x >= F::zero() {
        (F::one() + (-x).exp()).recip()
    } else {
        let e = x.exp();
        e / (F::one() + e)
    }
}

/// z(1 − z), with 1 − z taken from σ(−x) where it would cancel.
pub(super) fn sigmoid_slope<T: Differentiable>(x: T, z: T) -> T {
    if z < T::literal(0.9) { z * (T::one() - z) } else { z * (-x).sigmoid() }
}

/// y·x^(y−1), and 0 where x^0 is flat although x^(−1) is not finite.
pub(super) fn powf_base_slope<T: Differentiable>(x: T, y: T) -> Partial<T> {
    if y == T::zero() && (x == T::zero() || x.is_nan()) { Zero } else { Of(y * x.powf(y - T::one())) }
}

/// z·ln x, and its limit 0 where z is 0 and at (0, 0).
pub(super) fn powf_exponent_slope<T: Differentiable>(x: T, y: T, z: T) -> Partial<T> {
    let vanishes = z == T::zero() || (x == T::zero() && y == T::zero());
    if vanishes { Zero } else { Of(z * x.ln()) }
}

/// The slope of a selection in its own operand, given whether it wins or loses. NaN never wins.
pub(super) fn choice<T: Differentiable>(wins: bool, loses: bool, own: T, other: T) -> Partial<T> {
    if wins {
        One
    } else if loses || own.is_nan() {
        Zero
    } else if other.is_nan() {
        One
    } else {
        Of(T::literal(0.5))
    }
}

/// The slope of √(x² + …) = z in x.
pub(super) fn hypot_slope<T: Differentiable>(x: T, z: T) -> Partial<T> {
    if z == T::zero() {
        Zero
    } else if x.is_infinite() {
        sign(x)
    } else {
        Of(x / z)
    }
}

/// p / r² in an order that neither overflows nor underflows on the way.
pub(super) fn over_square<T: Differentiable>(p: T, r: T) -> T {
    (p / r) / r
}

pub(super) fn copysign_slope<T: Differentiable>(x: T, s: T) -> Partial<T> {
    if x == T::zero() {
        Zero
    } else if x.is_sign_negative() == s.is_sign_negative() {
        One
    } else {
        MinusOne
    }
}

pub(super) fn clamp<F: Scalar>(x: F, low: F, high: F) -> F {
    assert!(low <= high, "clamp needs low <= high, and neither NaN; low is {low:?} and high is {high:?}");
    num_traits::clamp(x, low, high)
}

pub(super) fn clamp_partials<T: Differentiable>(x: T, low: T, high: T) -> [Partial<T>; 3] {
    if x < low {
        [Zero, One, Zero]
    } else if x > high {
        [Zero, Zero, One]
    } else {
        [One, Zero, Zero]
    }
}
