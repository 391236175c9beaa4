//! Rows of lanes as vector registers, where the compiler would not find this form itself.
//!
//! For loops over many rows at consecutive addresses, the compiler tends to gather across rows. These few lines state
//! what is meant: a number of registers of this type.

use crate::program::simd::L;
use pulp::Simd;

/// A plain number whose rows of lanes fit the vector registers of every instruction set.
pub trait Vectors: Copy {
    /// A register.
    type Vector<S: Simd>: Copy;
    /// How many registers a row takes.
    fn registers<S: Simd>() -> usize;
    /// One number in all lanes.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// A slice of whole registers.
    fn load<S: Simd>(row: &[Self]) -> &[Self::Vector<S>];
    /// A mutable slice of whole registers.
    fn load_mut<S: Simd>(row: &mut [Self]) -> &mut [Self::Vector<S>];
    /// a·b + c, rounded once if the processor can.
    fn multiply_add<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// a + b.
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
}

macro_rules! vectors {
    ($F:ty, $Vector:ident, $LANES:ident, $splat:ident, $load:ident, $load_mut:ident, $multiply_add:ident, $plus:ident) => {
        impl Vectors for $F {
            type Vector<S: Simd> = S::$Vector;

            #[inline(always)]
            fn registers<S: Simd>() -> usize {
                L / S::$LANES
            }

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$Vector {
                simd.$splat(x)
            }

            #[inline(always)]
            fn load<S: Simd>(row: &[Self]) -> &[S::$Vector] {
                S::$load(row).0
            }

            #[inline(always)]
            fn load_mut<S: Simd>(row: &mut [Self]) -> &mut [S::$Vector] {
                S::$load_mut(row).0
            }

            #[inline(always)]
            fn multiply_add<S: Simd>(simd: S, a: S::$Vector, b: S::$Vector, c: S::$Vector) -> S::$Vector {
                simd.$multiply_add(a, b, c)
            }

            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$Vector, b: S::$Vector) -> S::$Vector {
                simd.$plus(a, b)
            }
        }
    };
}

vectors!(f32, f32s, F32_LANES, splat_f32s, as_simd_f32s, as_mut_simd_f32s, mul_add_e_f32s, add_f32s);
vectors!(f64, f64s, F64_LANES, splat_f64s, as_simd_f64s, as_mut_simd_f64s, mul_add_e_f64s, add_f64s);

/// Runs `$work` with the given number as the constant `$N`; it must be a power of two up to 16.
macro_rules! with_constant {
    ($N:ident = $number:expr, $work:block) => {
        match $number {
            1 => {
                const $N: usize = 1;
                $work
            }
            2 => {
                const $N: usize = 2;
                $work
            }
            4 => {
                const $N: usize = 4;
                $work
            }
            8 => {
                const $N: usize = 8;
                $work
            }
            _ => {
                const $N: usize = 16;
                $work
            }
        }
    };
}
pub(in crate::program) use with_constant;

/// The registers of a row of lanes.
#[inline(always)]
pub(in crate::program) fn row<F: Vectors, S: Simd, const N: usize>(row: &[F]) -> [F::Vector<S>; N] {
    *F::load::<S>(row).first_chunk().expect("a row takes N registers")
}
