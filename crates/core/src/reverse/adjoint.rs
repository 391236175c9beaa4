//! What a sweep propagates: the adjoint of one output, or the adjoints of several outputs side by side.

use crate::rules::Partial;
use crate::{Differentiable, Scalar};
use num_traits::Float;

/// An adjoint over a tape of numbers `T`.
pub(crate) trait Adjoint<T>: Copy {
    fn zero() -> Self;

    /// Whether `plus` may be used.
    fn is_ordinary(&self) -> bool;

    /// Whether there is nothing to propagate.
    fn is_zero(&self) -> bool;

    /// This plus `partial · later`, for a `later` that is ordinary.
    fn plus(self, partial: T, later: Self) -> Self;

    /// This plus `partial · later`; an exact zero wins over ∞.
    fn plus_with_care(self, partial: T, later: Self) -> Self;

    /// The sum of both.
    fn and(self, other: Self) -> Self;

    /// Applies a linear map, which accepts the adjoints of one output only, to each output.
    fn each_lane(adjoints: &[Self], map: impl FnMut(&[T]) -> Vec<T>) -> Vec<Self>;
}

impl<T: Differentiable> Adjoint<T> for T {
    #[inline(always)]
    fn zero() -> Self {
        num_traits::Zero::zero()
    }

    #[inline(always)]
    fn is_ordinary(&self) -> bool {
        !T::RECORDS && self.value().is_ordinary()
    }

    #[inline(always)]
    fn is_zero(&self) -> bool {
        self.is_identically_zero()
    }

    #[inline(always)]
    fn plus(self, partial: T, later: Self) -> Self {
        self + partial * later
    }

    fn plus_with_care(self, partial: T, later: Self) -> Self {
        self.and(Partial::Of(partial).times(later))
    }

    fn and(self, other: Self) -> Self {
        if T::KNOWS_ZEROS && self.is_identically_zero() { other } else { self + other }
    }

    fn each_lane(adjoints: &[Self], mut map: impl FnMut(&[T]) -> Vec<T>) -> Vec<Self> {
        map(adjoints)
    }
}

/// How many outputs one sweep serves.
pub(crate) const WIDTH: usize = 8;

/// The adjoints of several outputs, in one sweep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<T>(pub(crate) [T; WIDTH]);

impl<T: Differentiable> Adjoint<T> for Block<T> {
    fn zero() -> Self {
        Self([T::zero(); WIDTH])
    }

    /// Zeros are ordinary here, because some output rarely depends on a node; `plus` tests the partial derivative.
    #[inline(always)]
    fn is_ordinary(&self) -> bool {
        !T::RECORDS && self.0.iter().fold(true, |all, x| all & x.value().is_finite())
    }

    /// Not tested for finite adjoints: most nodes affect some output.
    fn is_zero(&self) -> bool {
        self.0.iter().all(Differentiable::is_identically_zero)
    }

    #[inline(always)]
    fn plus(self, partial: T, later: Self) -> Self {
        if !partial.value().is_finite() {
            return self.plus_with_care(partial, later);
        }
        Self(std::array::from_fn(|lane| self.0[lane] + partial * later.0[lane]))
    }

    #[cold]
    #[inline(never)]
    fn plus_with_care(self, partial: T, later: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].plus_with_care(partial, later.0[lane])))
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane].and(other.0[lane])))
    }

    fn each_lane(adjoints: &[Self], mut map: impl FnMut(&[T]) -> Vec<T>) -> Vec<Self> {
        let mut images: Vec<Self> = Vec::new();
        for lane in 0..WIDTH {
            let cotangent: Vec<T> = adjoints.iter().map(|adjoint| adjoint.0[lane]).collect();
            // Lanes without an output, and outputs that do not depend on this node, have nothing to propagate.
            if cotangent.iter().all(Differentiable::is_identically_zero) {
                continue;
            }
            let image = map(&cotangent);
            images.resize(image.len(), Self::zero());
            images.iter_mut().zip(image).for_each(|(to, number)| to.0[lane] = number);
        }
        images
    }
}
