//! `Tag`: which evaluation of a driver seeded a number, so that two of them are not confused.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU32, Ordering};

/// Which evaluation of a driver a number belongs to. Constants, and numbers that a caller seeded, belong to none.
///
/// Two nested calls of `derivative` at plain points work with the same type. If the inner function captures a number
/// of the outer one, then one tangent holds both derivatives, which is known as perturbation confusion. Debug builds
/// compare tags and panic. A release build has no tags, and pays nothing for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag(#[cfg(debug_assertions)] u32);

impl Tag {
    /// No evaluation: a number that meets others of any evaluation.
    pub(crate) const NONE: Self = Self(
        #[cfg(debug_assertions)]
        0,
    );

    /// A new evaluation, different from all others.
    pub(crate) fn fresh() -> Self {
        #[cfg(debug_assertions)]
        {
            static NEXT: AtomicU32 = AtomicU32::new(1);
            // After four billion evaluations, counting starts again; zero means none.
            Self(NEXT.fetch_add(1, Ordering::Relaxed).max(1))
        }
        #[cfg(not(debug_assertions))]
        Self::NONE
    }

    /// The evaluation to which the result of an operation on two numbers belongs.
    ///
    /// # Panics
    ///
    /// In debug builds, if the numbers belong to two evaluations.
    #[inline(always)]
    pub(crate) fn meet(self, other: Self) -> Self {
        #[cfg(debug_assertions)]
        {
            if self.0 == 0 {
                return other;
            }
            assert!(
                other.0 == 0 || self.0 == other.0,
                "a function that is being differentiated uses a number of another one: both have the same type, so \
                 their derivatives would be confused. Lift the point of the inner derivative (such as \
                 `derivative(f, Dual::lift(1.0))`) and lift the numbers that its function captures (`Dual::lift(x)`); \
                 if only the value is wanted, capture `x.value()`"
            );
        }
        #[cfg(not(debug_assertions))]
        let _ = other;
        self
    }

    /// The evaluation to which the result of an operation on many numbers belongs.
    #[inline(always)]
    pub(crate) fn meet_all(tags: impl Iterator<Item = Self>) -> Self {
        // Release builds do not even ask for the numbers, as that may cost something.
        if cfg!(debug_assertions) { tags.fold(Self::NONE, Self::meet) } else { Self::NONE }
    }
}
