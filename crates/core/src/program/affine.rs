//! Affine maps over a block of points: matrix products, with the points side by side in lanes.
//!
//! The weights are plain numbers, row after row. A tile of results is held in registers while the sum runs:
//! each weight is spread over the lanes and multiplied in.

// Several arrays of registers go by one number.
#![allow(clippy::needless_range_loop)]

use super::lanes::L;
use super::vector::{self, with_constant};
use crate::Scalar;
use pulp::{Simd, WithSimd};

/// How many rows of `N` registers a tile has: so many that the sums fill the register file well, with room for
/// operands, and no more than there are pointers to hold.
const fn tile<S: Simd, const N: usize>() -> usize {
    let sums = if S::REGISTER_COUNT >= 32 { 16 } else { 8 };
    let rows = sums / N;
    if rows == 0 {
        1
    } else if rows > 8 {
        8
    } else {
        rows
    }
}

/// z = W x + b, for `L` points.
pub(super) struct Forward<'a, F> {
    pub(super) weights: &'a [F],
    pub(super) bias: &'a [F],
    /// A row of lanes for each column of the matrix.
    pub(super) x: &'a [F],
    /// A row of lanes for each row of the matrix.
    pub(super) z: &'a mut [F],
}

/// Adds what one column of the matrix contributes to `R` rows.
#[inline(always)]
fn add_column<F: Scalar, S: Simd, const N: usize, const R: usize>(
    simd: S,
    sums: &mut [[F::Vector<S>; N]; R],
    rows: &[&[F]; R],
    x: &[[F; L]],
    column: usize,
) {
    let x = vector::row::<F, S, N>(&x[column]);
    for r in 0..R {
        let weight = F::splat(simd, rows[r][column]);
        for n in 0..N {
            sums[r][n] = F::multiply_add(simd, weight, x[n], sums[r][n]);
        }
    }
}

impl<F: Scalar> Forward<'_, F> {
    /// `R` rows of the result. Columns go two by two, so that sums enough are under way.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const R: usize>(&mut self, simd: S, first: usize) {
        let x = self.x.as_chunks::<L>().0;
        let columns = x.len();
        let rows: [&[F]; R] = std::array::from_fn(|r| &self.weights[(first + r) * columns..][..columns]);
        let mut even: [[F::Vector<S>; N]; R] = [[F::splat(simd, F::zero()); N]; R];
        let mut odd = even;
        if N == 1 {
            for pair in 0..columns / 2 {
                add_column::<F, S, N, R>(simd, &mut even, &rows, x, 2 * pair);
                add_column::<F, S, N, R>(simd, &mut odd, &rows, x, 2 * pair + 1);
            }
            if columns % 2 == 1 {
                add_column::<F, S, N, R>(simd, &mut even, &rows, x, columns - 1);
            }
        } else {
            for column in 0..columns {
                add_column::<F, S, N, R>(simd, &mut even, &rows, x, column);
            }
        }
        for r in 0..R {
            let bias = F::splat(simd, self.bias[first + r]);
            let z = F::load_mut::<S>(&mut self.z.as_chunks_mut::<L>().0[first + r]);
            for n in 0..N {
                let sum = if N == 1 { F::plus(simd, even[r][n], odd[r][n]) } else { even[r][n] };
                z[n] = F::plus(simd, sum, bias);
            }
        }
    }

    #[inline(always)]
    fn run<S: Simd, const N: usize, const R: usize>(mut self, simd: S) {
        let rows = self.z.len() / L;
        let whole = rows - rows % R;
        for first in (0..whole).step_by(R) {
            self.tile::<S, N, R>(simd, first);
        }
        for first in whole..rows {
            self.tile::<S, N, 1>(simd, first);
        }
    }
}

impl<F: Scalar> WithSimd for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_constant!(N = F::registers::<S>(), {
            with_constant!(R = tile::<S, N>(), { self.run::<S, N, R>(simd) });
        });
    }
}

/// Adds Wᵀ δ to the adjoints of x.
pub(super) struct VectorBack<'a, F> {
    pub(super) weights: &'a [F],
    pub(super) own: &'a [F],
    pub(super) gain: &'a mut [F],
}

impl<F: Scalar> VectorBack<'_, F> {
    /// The gain of `R` columns.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const R: usize>(&mut self, simd: S, first: usize) {
        let columns = self.gain.len() / L;
        let gain = self.gain.as_chunks_mut::<L>().0[first..].first_chunk_mut::<R>().expect("the tile fits");
        let mut sums: [[F::Vector<S>; N]; R] = std::array::from_fn(|r| vector::row::<F, S, N>(&gain[r]));
        for (own, row) in self.own.as_chunks::<L>().0.iter().zip(self.weights.chunks_exact(columns)) {
            let own = vector::row::<F, S, N>(own);
            let weights = row[first..].first_chunk::<R>().expect("the tile fits");
            for r in 0..R {
                let weight = F::splat(simd, weights[r]);
                for n in 0..N {
                    sums[r][n] = F::multiply_add(simd, weight, own[n], sums[r][n]);
                }
            }
        }
        for r in 0..R {
            F::load_mut::<S>(&mut gain[r]).copy_from_slice(&sums[r]);
        }
    }

    #[inline(always)]
    fn run<S: Simd, const N: usize, const R: usize>(mut self, simd: S) {
        let columns = self.gain.len() / L;
        let whole = columns - columns % R;
        for first in (0..whole).step_by(R) {
            self.tile::<S, N, R>(simd, first);
        }
        for first in whole..columns {
            self.tile::<S, N, 1>(simd, first);
        }
    }
}

impl<F: Scalar> WithSimd for VectorBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        with_constant!(N = F::registers::<S>(), {
            with_constant!(R = tile::<S, N>(), { self.run::<S, N, R>(simd) });
        });
    }
}

/// Adds δ xᵀ, summed over the points, to the adjoints of the weights.
pub(super) struct WeightsBack<'a, F> {
    pub(super) own: &'a [F],
    /// The vectors, a row of lanes for each column of the matrix.
    pub(super) x: &'a [F],
    /// The same, a slice for each point.
    pub(super) points: [&'a [F]; L],
    pub(super) weights: &'a mut [F],
    /// Whether what is in `weights` does not count.
    pub(super) fresh: bool,
}

/// How many rows of weights a tile has.
const HIGH: usize = 4;

impl<F: Scalar> WeightsBack<'_, F> {
    fn columns(&self) -> usize {
        self.x.len() / L
    }

    /// The gain of `R` rows and `C` registers of columns.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(&mut self, simd: S, row: usize, column: usize) {
        let width = L / F::registers::<S>();
        let own: [&[F; L]; R] = std::array::from_fn(|r| &self.own.as_chunks::<L>().0[row + r]);
        let mut sums: [[F::Vector<S>; C]; R] = [[F::splat(simd, F::zero()); C]; R];
        for lane in 0..L {
            let x = vector::row::<F, S, C>(&self.points[lane][column..column + C * width]);
            for r in 0..R {
                let own = F::splat(simd, own[r][lane]);
                for c in 0..C {
                    sums[r][c] = F::multiply_add(simd, own, x[c], sums[r][c]);
                }
            }
        }
        let columns = self.columns();
        for r in 0..R {
            let weights = &mut self.weights[(row + r) * columns + column..][..C * width];
            for (weight, sum) in F::load_mut::<S>(weights).iter_mut().zip(sums[r]) {
                *weight = if self.fresh { sum } else { F::plus(simd, *weight, sum) };
            }
        }
    }

    /// The gain of all rows in `C` registers of columns: the points' numbers there stay at hand.
    #[inline(always)]
    fn strip<S: Simd, const C: usize>(&mut self, simd: S, column: usize) {
        let rows = self.own.len() / L;
        let whole = rows - rows % HIGH;
        for row in (0..whole).step_by(HIGH) {
            self.tile::<S, HIGH, C>(simd, row, column);
        }
        for row in whole..rows {
            self.tile::<S, 1, C>(simd, row, column);
        }
    }

    /// The gain of all rows in one column, where they are too few for a register: the lanes serve instead.
    #[inline(always)]
    fn column(&mut self, column: usize) {
        let columns = self.columns();
        let x = &self.x.as_chunks::<L>().0[column];
        for (row, own) in self.own.as_chunks::<L>().0.iter().enumerate() {
            let weight = &mut self.weights[row * columns + column];
            let gain = total(&std::array::from_fn(|lane| own[lane] * x[lane]));
            *weight = if self.fresh { gain } else { *weight + gain };
        }
    }
}

/// The sum of all lanes, by halves.
#[inline(always)]
pub(super) fn total<F: Scalar>(lanes: &[F; L]) -> F {
    let eight: [F; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [F; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

impl<F: Scalar> WithSimd for WeightsBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (columns, width) = (self.columns(), L / F::registers::<S>());
        let mut next = 0;
        while next + 4 * width <= columns {
            self.strip::<S, 4>(simd, next);
            next += 4 * width;
        }
        if next + 2 * width <= columns {
            self.strip::<S, 2>(simd, next);
            next += 2 * width;
        }
        if next + width <= columns {
            self.strip::<S, 1>(simd, next);
            next += width;
        }
        for column in next..columns {
            self.column(column);
        }
    }
}

/// Writes lanes as one vector for each point: the transpose.
pub(super) fn transpose<F: Scalar>(lanes: &[F], points: &mut Vec<F>) {
    let rows = lanes.as_chunks::<L>().0;
    points.resize(lanes.len(), F::zero());
    for (lane, point) in points.chunks_exact_mut(rows.len().max(1)).enumerate() {
        for (x, row) in point.iter_mut().zip(rows) {
            *x = row[lane];
        }
    }
}
