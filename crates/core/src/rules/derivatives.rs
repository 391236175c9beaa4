//! Formulas that the rows of the table share, or that are too long for a row.

use super::Partial::{self, MinusOne, Of, One, Zero};
use super::choose;
use crate::predicate::Relation::{self, Equal, Greater, Less};
use crate::{Differentiable, Scalar};

pub(super) fn sign<T: Differentiable>(x: T) -> Partial<T> {
    let negative = || Partial::select(Less, x, T::zero(), || MinusOne, || Zero);
    Partial::select(Greater, x, T::zero(), || One, negative)
}

/// |x|, for a comparison.
fn magnitude<T: Differentiable>(x: T) -> T {
    x.stop_gradient().abs()
}

/// (1 − x)(1 + x), which is 1 − x² without cancellation near ±1.
pub(super) fn unit_gap<T: Differentiable>(x: T) -> T {
    (T::one() - x) * (T::one() + x)
}

/// sech²: from the output if that loses at most a bit, otherwise from e^(−2|x|).
pub(super) fn tanh_derivative<T: Differentiable>(x: T, z: T) -> T {
    let from_input = || {
        let e = (x.abs() * T::literal(-2.0)).exp();
        let sum = e + T::one();
        e * T::literal(4.0) / (sum * sum)
    };
    choose(Less, magnitude(z), T::literal(0.5), || unit_gap(z), from_input)
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
pub(super) fn sigmoid_derivative<T: Differentiable>(x: T, z: T) -> T {
    z * choose(Less, z, T::literal(0.5), || T::one() - z, || (-x).sigmoid())
}

/// y·x^(y−1), and 0 where x^0 is flat although x^(−1) is not finite.
pub(super) fn powf_base_derivative<T: Differentiable>(x: T, y: T, z: T) -> Partial<T> {
    let power = || x.powf(y - T::one());
    let usual = || Of(y * power());
    // Close to 0, the power may overflow although multiplication by a small exponent gives a finite number.
    let close = || Partial::select(Equal, magnitude(power()), T::infinity(), || Of(y / x * z), usual);
    let at_zero_or_nan = || Partial::select(Equal, y, T::zero(), || Zero, usual);
    let not_far = || Partial::select(Greater, magnitude(x), T::zero(), close, at_zero_or_nan);
    Partial::select(Greater, magnitude(x), T::one(), usual, not_far)
}

/// −z/(y ln y), and its limit at y = 0.
pub(super) fn log_base_derivative<T: Differentiable>(x: T, y: T, z: T) -> T {
    let limit = || Of(T::neg_infinity()).times(x.ln());
    choose(Equal, y, T::zero(), limit, || -(z / (y * y.ln())))
}

/// The integer q in x = q·y + z with 0 ≤ z < |y|. The quotient itself may round to the next integer.
pub(super) fn euclid_quotient<T: Differentiable>(x: T, y: T, z: T) -> T {
    choose(Less, magnitude(z), T::infinity(), || ((x - z) / y).round(), || x.div_euclid(&y))
}

/// exp(−x²). The rounding error of the square would be multiplied by the square, so x is split at a number with few
/// digits, whose square is exact.
pub(super) fn bell<T: Differentiable>(x: T) -> T {
    let exact = || {
        let near = (x * T::literal(16.0)).round() / T::literal(16.0);
        (-(near * near)).exp() * ((near - x) * (near + x)).exp()
    };
    // Beyond, it is 0.
    choose(Less, magnitude(x), T::literal(64.0), exact, || (-(x * x)).exp())
}

/// z·ln x; its limit is 0 where z is 0, and at (0, 0).
pub(super) fn powf_exponent_derivative<T: Differentiable>(x: T, y: T, z: T) -> Partial<T> {
    let derivative = || Of(z * x.ln());
    let elsewhere = || Partial::select(Equal, magnitude(x) + magnitude(y), T::zero(), || Zero, derivative);
    Partial::select(Equal, z, T::zero(), || Zero, elsewhere)
}

/// The derivative of a maximum or minimum with respect to one operand, which wins if the relation to the other
/// operand holds. NaN never wins.
pub(super) fn choice<T: Differentiable>(wins: Relation, own: T, other: T) -> Partial<T> {
    let tie = || Partial::select(Equal, other, other, || Of(T::literal(0.5)), || One);
    let not_beaten = || Partial::select(Equal, own, own, tie, || Zero);
    let not_ahead = || Partial::select(wins, other, own, || Zero, not_beaten);
    Partial::select(wins, own, other, || One, not_ahead)
}

/// The derivative of √(x² + …) = z in x.
pub(super) fn hypot_derivative<T: Differentiable>(x: T, z: T) -> Partial<T> {
    let away = || Partial::select(Equal, magnitude(x), T::infinity(), || sign(x), || Of(x / z));
    Partial::select(Equal, z, T::zero(), || Zero, away)
}

/// p / r² in an order that neither overflows nor underflows on the way; 0 if r is infinite.
pub(super) fn over_square<T: Differentiable>(p: T, r: T) -> T {
    choose(Equal, r, T::infinity(), T::zero, || (p / r) / r)
}

pub(super) fn copysign_derivative<T: Differentiable>(x: T, s: T) -> Partial<T> {
    let sign = |x: T| T::one().copysign(x.stop_gradient());
    let same = || Partial::select(Equal, sign(x), sign(s), || One, || MinusOne);
    Partial::select(Equal, x, T::zero(), || Zero, same)
}

pub(super) fn clamp<F: Scalar>(x: F, low: F, high: F) -> F {
    assert!(low <= high, "clamp needs low <= high, and neither NaN; low is {low:?} and high is {high:?}");
    num_traits::clamp(x, low, high)
}

pub(super) fn clamp_partials<T: Differentiable>(x: T, low: T, high: T) -> [Partial<T>; 3] {
    let within = || [One, Zero, Zero];
    let not_below = || Partial::select_each(Greater, x, high, || [Zero, Zero, One], within);
    Partial::select_each(Less, x, low, || [Zero, One, Zero], not_below)
}
