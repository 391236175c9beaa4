//! Lanes: how many tangents a number carries, and the loops over them.

use crate::rules::Partial::{self, MinusOne, Of, One, Zero};
use crate::rules::combine;
use crate::{Differentiable, Scalar};
use generic_array::sequence::GenericSequence;
use generic_array::{ArrayLength, GenericArray};

/// A number of lanes: `U1`, `U2`, … of [`typenum`](generic_array::typenum).
///
/// It is implemented for every array length; the bound tells the compiler that an array of copyable numbers is
/// copyable.
///
/// ```
/// use dualtape::{Dual, Lanes, typenum::U3};
///
/// /// A product and its derivatives along as many lanes as the caller wants.
/// fn product<N: Lanes<f64>>(x: &[f64]) -> Dual<f64, N> {
///     x.iter().enumerate().map(|(lane, &x)| Dual::along(x, lane)).product()
/// }
///
/// assert_eq!(product::<U3>(&[1.0, 2.0, 3.0]).tangent()[..], [6.0, 3.0, 2.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number of lanes",
    label = "write `U1`, `U2`, … of `dualtape::typenum`, or `ConstArrayLength<4>` of `dualtape::generic_array`",
    note = "`dualtape::arrays::Dual<f64, 4>` is a dual number of four lanes"
)]
pub trait Lanes<T>: ArrayLength<ArrayType<T>: Copy> {}

#[diagnostic::do_not_recommend]
impl<T, N: ArrayLength<ArrayType<T>: Copy>> Lanes<T> for N {}

pub(crate) type Tangent<T, N> = GenericArray<T, N>;

#[inline(always)]
pub(crate) fn zeros<T: Differentiable, N: Lanes<T>>() -> Tangent<T, N> {
    Tangent::<T, N>::generate(|_| T::zero())
}

/// A tangent as the user reads it: if the primal is NaN, so are its nonzero lanes.
#[inline(always)]
pub(crate) fn told<T: Differentiable, N: Lanes<T>>(primal: &T, tangent: &Tangent<T, N>) -> Tangent<T, N> {
    if T::RECORDS || primal.is_nan() { chained(primal, [(One, tangent)]) } else { *tangent }
}

/// The chain rule of one operand: the tangent of an operation with value `z`.
///
/// A derivative of one needs no test: if the value is NaN, its nonzero tangents become NaN when they are read. A
/// product may underflow to zero.
#[inline(always)]
pub(crate) fn scaled<T: Differentiable, N: Lanes<T>>(
    z: &T,
    partial: Partial<T>,
    tangent: &Tangent<T, N>,
) -> Tangent<T, N> {
    if T::RECORDS {
        return recorded(z, [(partial, tangent)]);
    }
    match partial {
        One => *tangent,
        MinusOne => Tangent::<T, N>::generate(|lane| -tangent[lane]),
        Of(derivative) if derivative.value().is_ordinary() && !z.is_nan() => {
            Tangent::<T, N>::generate(|lane| product(derivative, tangent[lane]))
        }
        Zero if !z.is_nan() => zeros(),
        _ => scaled_with_care(z, partial, *tangent),
    }
}

/// The rare case: the derivative is zero, infinite or NaN, and exact zeros must win, except over a NaN value.
///
/// It takes the tangent by value: a reference would keep it in memory in the usual case too.
#[cold]
#[inline(never)]
fn scaled_with_care<T: Differentiable, N: Lanes<T>>(
    z: &T,
    partial: Partial<T>,
    tangent: Tangent<T, N>,
) -> Tangent<T, N> {
    if z.is_nan() {
        return chained(z, [(partial, &tangent)]);
    }
    with_zeros(partial, &tangent)
}

/// The chain rule of one operand if exact zeros must win.
#[inline(always)]
fn with_zeros<T: Differentiable, N: Lanes<T>>(partial: Partial<T>, tangent: &Tangent<T, N>) -> Tangent<T, N> {
    match partial {
        Zero => zeros(),
        Of(derivative) if derivative.is_identically_zero() => zeros(),
        Of(derivative) if derivative.value().is_ordinary() => {
            Tangent::<T, N>::generate(|lane| product(derivative, tangent[lane]))
        }
        partial => Tangent::<T, N>::generate(|lane| partial.times(tangent[lane])),
    }
}

/// The chain rule of two operands.
#[inline(always)]
pub(crate) fn combined<T: Differentiable, N: Lanes<T>>(
    z: &T,
    left: (Partial<T>, &Tangent<T, N>),
    right: (Partial<T>, &Tangent<T, N>),
) -> Tangent<T, N> {
    if T::RECORDS {
        return recorded(z, [left, right]);
    }
    let ((p, a), (q, b)) = (left, right);
    match (p, q) {
        // The test keeps ∞ − ∞ from cancelling in the tangents as well.
        (One, One) if !z.is_nan() => Tangent::<T, N>::generate(|lane| a[lane] + b[lane]),
        (One, MinusOne) if !z.is_nan() => Tangent::<T, N>::generate(|lane| a[lane] - b[lane]),
        // One test for both: the product is neither zero nor infinite nor NaN only if neither factor is.
        (Of(p), Of(q)) if (p.value() * q.value()).is_ordinary() => {
            Tangent::<T, N>::generate(|lane| product(p, a[lane]) + product(q, b[lane]))
        }
        _ => combined_with_care(z, (p, *a), (q, *b)),
    }
}

/// The rare case of two operands.
#[cold]
#[inline(never)]
fn combined_with_care<T: Differentiable, N: Lanes<T>>(
    z: &T,
    (p, a): (Partial<T>, Tangent<T, N>),
    (q, b): (Partial<T>, Tangent<T, N>),
) -> Tangent<T, N> {
    if z.is_nan() {
        return chained(z, [(p, &a), (q, &b)]);
    }
    let (a, b) = (with_zeros(p, &a), with_zeros(q, &b));
    Tangent::<T, N>::generate(|lane| a[lane] + b[lane])
}

/// The product of a tangent and a derivative that is neither zero nor infinite nor NaN.
#[inline(always)]
fn product<T: Differentiable>(derivative: T, tangent: T) -> T {
    if T::KNOWS_ZEROS && tangent.is_identically_zero() { T::zero() } else { derivative * tangent }
}

/// The chain rule with all care for zeros and NaN, for the lanes in which an operand has a tangent.
#[cold]
#[inline(never)]
fn chained<T: Differentiable, N: Lanes<T>, const M: usize>(
    z: &T,
    operands: [(Partial<T>, &Tangent<T, N>); M],
) -> Tangent<T, N> {
    spoilt(z, &operands.map(|(partial, tangent)| (partial, *tangent)))
}

/// The same for any number of operands.
#[cold]
#[inline(never)]
pub(crate) fn spoilt<T: Differentiable, N: Lanes<T>>(
    z: &T,
    operands: &[(Partial<T>, Tangent<T, N>)],
) -> Tangent<T, N> {
    Tangent::<T, N>::generate(|lane| {
        let edges = operands.iter().map(|(partial, tangent)| (partial.number(), tangent[lane]));
        let moving: Vec<_> = edges.filter(|(_, tangent)| !tangent.is_identically_zero()).collect();
        if moving.is_empty() { T::zero() } else { T::chain_rule(*z, &moving) }
    })
}

/// The chain rule in a recording.
fn recorded<T: Differentiable, N: Lanes<T>, const M: usize>(
    z: &T,
    operands: [(Partial<T>, &Tangent<T, N>); M],
) -> Tangent<T, N> {
    let edges = |lane: usize| operands.iter().map(move |(partial, tangent)| (*partial, tangent[lane]));
    Tangent::<T, N>::generate(|lane| combine(*z, edges(lane)))
}

/// Adds the contribution of one operand to a running tangent.
#[inline(always)]
pub(crate) fn accumulate<T: Differentiable, N: Lanes<T>>(
    z: &T,
    sum: &mut Tangent<T, N>,
    partial: Partial<T>,
    tangent: &Tangent<T, N>,
) {
    let term = scaled(z, partial, tangent);
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}
