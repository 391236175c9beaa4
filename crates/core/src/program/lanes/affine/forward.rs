//! The values of affine maps.

// One index runs over several arrays of registers.
#![allow(clippy::needless_range_loop)]

use super::{Vector, with_tile};
use crate::ProgramScalar;
use crate::program::lanes::kernels::Frame;
use crate::program::simd::L;
use crate::program::simd::vector;
use pulp::{Simd, WithSimd};

/// z = W x + b, at all points.
pub(in crate::program) struct Forward<'a, F> {
    pub(in crate::program) weights: &'a [F],
    pub(in crate::program) bias: &'a [F],
    pub(in crate::program) columns: usize,
    pub(in crate::program) x: Vector<'a, F>,
    pub(in crate::program) frame: Frame,
    /// All blocks.
    pub(in crate::program) values: &'a mut [F],
}

/// The vector and the results of one block.
struct Block<'a, F> {
    x: &'a [[F; L]],
    z: &'a mut [[F; L]],
}

impl<'a, F: ProgramScalar> Block<'a, F> {
    #[inline(always)]
    fn new(forward: &Forward<'a, F>, index: usize, values: &'a mut [F]) -> Self {
        let (before, z) = forward.frame.split(0, values);
        Self { x: forward.x.of(index, before, forward.columns), z: z.as_chunks_mut().0 }
    }
}

/// A matrix and a vector to add.
#[derive(Clone, Copy)]
struct Map<'a, F> {
    weights: &'a [F],
    bias: &'a [F],
    columns: usize,
}

type Sums<F, S, const N: usize, const B: usize, const R: usize> =
    [[[<F as vector::Vectors>::Vector<S>; N]; B]; R];

impl<'a, F: ProgramScalar> Map<'a, F> {
    /// Adds what one column of the matrix contributes to `R` rows of `B` blocks.
    #[inline(always)]
    fn add_column<S: Simd, const N: usize, const B: usize, const R: usize>(
        simd: S,
        sums: &mut Sums<F, S, N, B, R>,
        rows: &[&[F]; R],
        x: &[&[[F; L]]; B],
        column: usize,
    ) {
        let x: [[F::Vector<S>; N]; B] = std::array::from_fn(|b| vector::row::<F, S, N>(&x[b][column]));
        for r in 0..R {
            let weight = F::splat(simd, rows[r][column]);
            for b in 0..B {
                for n in 0..N {
                    sums[r][b][n] = F::multiply_add(simd, weight, x[b][n], sums[r][b][n]);
                }
            }
        }
    }

    /// `R` rows of `B` blocks of results. If these are few, two columns are computed at a time, so that enough sums
    /// are in progress.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const B: usize, const R: usize>(
        self,
        simd: S,
        blocks: &mut [Block<'a, F>; B],
        first: usize,
    ) {
        let columns = self.columns;
        let x: [&[[F; L]]; B] = std::array::from_fn(|b| &blocks[b].x[..columns]);
        let rows: [&[F]; R] = std::array::from_fn(|r| &self.weights[(first + r) * columns..][..columns]);
        let mut even: Sums<F, S, N, B, R> = [[[F::splat(simd, F::zero()); N]; B]; R];
        let mut odd = even;
        let two_by_two = N * B == 1;
        if two_by_two {
            for pair in 0..columns / 2 {
                Self::add_column::<S, N, B, R>(simd, &mut even, &rows, &x, 2 * pair);
                Self::add_column::<S, N, B, R>(simd, &mut odd, &rows, &x, 2 * pair + 1);
            }
            if columns % 2 == 1 {
                Self::add_column::<S, N, B, R>(simd, &mut even, &rows, &x, columns - 1);
            }
        } else {
            for column in 0..columns {
                Self::add_column::<S, N, B, R>(simd, &mut even, &rows, &x, column);
            }
        }
        for r in 0..R {
            let bias = F::splat(simd, self.bias[first + r]);
            for b in 0..B {
                let z = F::load_mut::<S>(&mut blocks[b].z[first + r]);
                for n in 0..N {
                    let (even, odd) = (even[r][b][n], odd[r][b][n]);
                    let sum = if two_by_two { F::plus(simd, even, odd) } else { even };
                    z[n] = F::plus(simd, sum, bias);
                }
            }
        }
    }

    /// All rows of `B` blocks.
    #[inline(always)]
    fn rows<S: Simd, const N: usize, const B: usize, const R: usize>(
        self,
        simd: S,
        mut blocks: [Block<'a, F>; B],
    ) {
        let rows = self.bias.len();
        let whole = rows - rows % R;
        for first in (0..whole).step_by(R) {
            self.tile::<S, N, B, R>(simd, &mut blocks, first);
        }
        for first in whole..rows {
            self.tile::<S, N, B, 1>(simd, &mut blocks, first);
        }
    }
}

impl<F: ProgramScalar> WithSimd for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let stride = self.frame.stride;
        let map = Map { weights: self.weights, bias: self.bias, columns: self.columns };
        let mut blocks = std::mem::take(&mut self.values).chunks_exact_mut(stride).enumerate();
        with_tile!(F, S, N, R, P, {
            while let Some((index, values)) = blocks.next() {
                let one = Block::new(&self, index, values);
                match if P > 1 { blocks.next() } else { None } {
                    None => map.rows::<S, N, 1, R>(simd, [one]),
                    Some((index, values)) => {
                        let other = Block::new(&self, index, values);
                        map.rows::<S, N, 2, P>(simd, [one, other]);
                    }
                }
            }
        });
    }
}
