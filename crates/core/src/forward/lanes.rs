//! Lanes: how many tangents travel together, and the loops over them.

use crate::rules::Partial::{self, MinusOne, Of, One, Zero};
use crate::{Differentiable, Scalar};
use generic_array::sequence::GenericSequence;
use generic_array::{ArrayLength, GenericArray};

/// A number of lanes: `U1`, `U2`, … of [`typenum`](generic_array::typenum).
///
/// It is implemented for every array length; the bound says that an array of copyable numbers is copyable.
pub trait Lanes<T>: ArrayLength<ArrayType<T>: Copy> {}

impl<T, N: ArrayLength<ArrayType<T>: Copy>> Lanes<T> for N {}

pub(crate) type Tangent<T, N> = GenericArray<T, N>;

#[inline(always)]
pub(crate) fn zeros<T: Differentiable, N: Lanes<T>>() -> Tangent<T, N> {
    Tangent::<T, N>::generate(|_| T::zero())
}

/// One partial derivative times every lane.
#[inline(always)]
pub(crate) fn scaled<T: Differentiable, N: Lanes<T>>(
    partial: Partial<T>,
    tangent: &Tangent<T, N>,
) -> Tangent<T, N> {
    match partial {
        Zero => zeros(),
        One => *tangent,
        MinusOne => Tangent::<T, N>::generate(|lane| -tangent[lane]),
        Of(slope) if slope.value().is_ordinary() => Tangent::<T, N>::generate(|lane| slope * tangent[lane]),
        Of(_) => scaled_with_care(partial, tangent),
    }
}

/// The rare case: the slope is zero, infinite or NaN, and zeros have to win.
#[cold]
#[inline(never)]
fn scaled_with_care<T: Differentiable, N: Lanes<T>>(
    partial: Partial<T>,
    tangent: &Tangent<T, N>,
) -> Tangent<T, N> {
    Tangent::<T, N>::generate(|lane| partial.times(tangent[lane]))
}

/// The chain rule of two operands.
#[inline(always)]
pub(crate) fn combined<T: Differentiable, N: Lanes<T>>(
    left: (Partial<T>, &Tangent<T, N>),
    right: (Partial<T>, &Tangent<T, N>),
) -> Tangent<T, N> {
    let ((p, a), (q, b)) = (left, right);
    match (p, q) {
        (One, One) => Tangent::<T, N>::generate(|lane| a[lane] + b[lane]),
        (One, MinusOne) => Tangent::<T, N>::generate(|lane| a[lane] - b[lane]),
        (Of(p), Of(q)) if p.value().is_ordinary() && q.value().is_ordinary() => {
            Tangent::<T, N>::generate(|lane| p * a[lane] + q * b[lane])
        }
        _ => {
            let (a, b) = (scaled(p, a), scaled(q, b));
            Tangent::<T, N>::generate(|lane| a[lane] + b[lane])
        }
    }
}

/// Adds one partial derivative times every lane to a running tangent.
#[inline(always)]
pub(crate) fn accumulate<T: Differentiable, N: Lanes<T>>(
    sum: &mut Tangent<T, N>,
    partial: Partial<T>,
    tangent: &Tangent<T, N>,
) {
    let term = scaled(partial, tangent);
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += term;
    }
}
