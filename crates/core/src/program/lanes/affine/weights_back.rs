//! The adjoints of the weights and biases of affine maps.

// One index runs over several arrays of registers.
#![allow(clippy::needless_range_loop)]

use super::Vector;
use crate::ProgramScalar;
use crate::program::lanes::kernels::Frame;
use crate::program::simd::aligned::Aligned;
use crate::program::simd::vector::{self, with_constant};
use crate::program::simd::{L, MOST_BLOCKS};
use pulp::{Simd, WithSimd};

/// The vectors of an affine map and the adjoints of its results, in all blocks.
#[derive(Clone, Copy)]
pub(in crate::program) struct Known<'a, F> {
    pub(in crate::program) frame: Frame,
    pub(in crate::program) columns: usize,
    pub(in crate::program) x: Vector<'a, F>,
    pub(in crate::program) values: &'a [F],
    pub(in crate::program) adjoints: &'a [F],
}

impl<'a, F: ProgramScalar> Known<'a, F> {
    pub(in crate::program) fn blocks(&self) -> usize {
        self.frame.blocks
    }

    /// The vector in a block, a row of lanes for each component.
    #[inline(always)]
    pub(in crate::program) fn x(&self, block: usize) -> &'a [[F; L]] {
        self.x.of(block, self.frame.block(block, self.values), self.columns)
    }

    /// The adjoints of the results in a block.
    #[inline(always)]
    pub(in crate::program) fn own(&self, block: usize) -> &'a [[F; L]] {
        self.frame.of(self.frame.block(block, self.adjoints)).as_chunks().0
    }
}

/// Adds δ xᵀ and δ, summed over the points, to the adjoints of weights and biases.
pub(in crate::program) struct WeightsBack<'a, F> {
    pub(in crate::program) known: Known<'a, F>,
    /// The vectors again, a slice for each point; empty if the rows are [`few`].
    pub(in crate::program) points: &'a [&'a [F]; L * MOST_BLOCKS],
    /// Room for a strip of them.
    pub(in crate::program) scratch: &'a mut Aligned<F>,
    pub(in crate::program) sums: &'a mut [F],
    /// The start of the weights and of the biases among the sums.
    pub(in crate::program) places: [usize; 2],
    /// Whether the present sums are overwritten.
    pub(in crate::program) fresh: bool,
}

/// How many rows of weights a tile has.
const HIGH: usize = 4;

/// Whether the rows are so few that vectors stored point by point do not pay.
pub(in crate::program) fn few(rows: usize) -> bool {
    rows < 2 * HIGH
}

/// From this many rows on, a strip of the vectors is copied to aligned, contiguous memory.
const COPIED: usize = 4 * HIGH;

/// [`WeightsBack`], at work.
struct Work<'a, F> {
    /// The adjoints of the results in each block.
    own: [&'a [[F; L]]; MOST_BLOCKS],
    points: &'a [&'a [F]],
    weights: &'a mut [F],
    columns: usize,
    fresh: bool,
}

impl<F: ProgramScalar> Work<'_, F> {
    /// The contributions to `R` rows and `C` registers of columns, where the vectors hold `x`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        x: &[&[F]],
        row: usize,
        column: usize,
    ) {
        let mut sums: [[F::Vector<S>; C]; R] = [[F::splat(simd, F::zero()); C]; R];
        for (own, x) in self.own.iter().zip(x.as_chunks::<L>().0) {
            let own = own[row..].first_chunk::<R>().expect("the tile fits");
            for lane in 0..L {
                let x = vector::row::<F, S, C>(x[lane]);
                for r in 0..R {
                    let own = F::splat(simd, own[r][lane]);
                    for c in 0..C {
                        sums[r][c] = F::multiply_add(simd, own, x[c], sums[r][c]);
                    }
                }
            }
        }
        let len = C * L / F::registers::<S>();
        for r in 0..R {
            let weights = &mut self.weights[(row + r) * self.columns + column..][..len];
            for (weight, sum) in F::load_mut::<S>(weights).iter_mut().zip(sums[r]) {
                *weight = if self.fresh { sum } else { F::plus(simd, *weight, sum) };
            }
        }
    }

    /// The contributions to all rows in `C` registers of columns: the numbers of the points there stay in cache.
    #[inline(always)]
    fn strip<S: Simd, const C: usize>(&mut self, simd: S, column: usize, scratch: &mut Aligned<F>) {
        let (rows, len) = (self.own[0].len(), C * L / F::registers::<S>());
        let mut x: [&[F]; L * MOST_BLOCKS] = [&[]; L * MOST_BLOCKS];
        for (x, point) in x.iter_mut().zip(self.points) {
            *x = &point[column..column + len];
        }
        if rows >= COPIED && len < self.columns {
            scratch.resize(self.points.len() * len);
            for (copy, x) in scratch.get_mut().chunks_exact_mut(len).zip(x) {
                copy.copy_from_slice(x);
            }
            for (x, copy) in x.iter_mut().zip(scratch.get().chunks_exact(len)) {
                *x = copy;
            }
        }
        let x = &x[..self.points.len()];
        let whole = rows - rows % HIGH;
        for row in (0..whole).step_by(HIGH) {
            self.tile::<S, HIGH, C>(simd, x, row, column);
        }
        for row in whole..rows {
            self.tile::<S, 1, C>(simd, x, row, column);
        }
    }
}

/// Adds to a sum, or starts it.
#[inline(always)]
fn add<F: ProgramScalar>(sum: &mut F, lanes: &[F; L], fresh: bool) {
    let eight: [F; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [F; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    let gain = (four[0] + four[2]) + (four[1] + four[3]);
    *sum = if fresh { gain } else { *sum + gain };
}

impl<F: ProgramScalar> WeightsBack<'_, F> {
    /// The contributions to `R` weights in one column, lane by lane, if rows or columns are too few for registers of
    /// columns. The column after the last is that of the biases, whose vector is 1.
    #[inline(always)]
    fn in_lanes<S: Simd, const N: usize, const R: usize>(&mut self, simd: S, row: usize, column: usize) {
        let Known { columns, .. } = self.known;
        let mut sums: [[F::Vector<S>; N]; R] = [[F::splat(simd, F::zero()); N]; R];
        for block in 0..self.known.blocks() {
            let own = self.known.own(block)[row..].first_chunk::<R>().expect("the tile fits");
            let x = self.known.x(block).get(column).map(|x| vector::row::<F, S, N>(x));
            for r in 0..R {
                let own = vector::row::<F, S, N>(&own[r]);
                for n in 0..N {
                    sums[r][n] = match x {
                        Some(x) => F::multiply_add(simd, own[n], x[n], sums[r][n]),
                        None => F::plus(simd, own[n], sums[r][n]),
                    };
                }
            }
        }
        for r in 0..R {
            let mut lanes = [F::zero(); L];
            F::load_mut::<S>(&mut lanes).copy_from_slice(&sums[r]);
            let [weights, biases] = self.places;
            let place =
                if column < columns { weights + (row + r) * columns + column } else { biases + row + r };
            add(&mut self.sums[place], &lanes, self.fresh);
        }
    }

    /// The contributions to all rows in one column.
    #[inline(always)]
    fn column<S: Simd, const N: usize>(&mut self, simd: S, column: usize) {
        let rows = self.known.own(0).len();
        let whole = rows - rows % HIGH;
        for row in (0..whole).step_by(HIGH) {
            self.in_lanes::<S, N, HIGH>(simd, row, column);
        }
        for row in whole..rows {
            self.in_lanes::<S, N, 1>(simd, row, column);
        }
    }

    /// The contributions to all rows in registers of columns. Returns how many columns are done.
    #[inline(always)]
    fn strips<S: Simd>(&mut self, simd: S) -> usize {
        let (columns, width, blocks) = (self.known.columns, L / F::registers::<S>(), self.known.blocks());
        let mut own: [&[[F; L]]; MOST_BLOCKS] = [&[]; MOST_BLOCKS];
        for (block, own) in own.iter_mut().enumerate().take(blocks) {
            *own = self.known.own(block);
        }
        let weights = &mut self.sums[self.places[0]..][..own[0].len() * columns];
        let (points, scratch) = (&self.points[..blocks * L], &mut *self.scratch);
        let mut work = Work { own, points, weights, columns, fresh: self.fresh };
        let mut next = 0;
        while S::REGISTER_COUNT >= 32 && next + 4 * width <= columns {
            work.strip::<S, 4>(simd, next, scratch);
            next += 4 * width;
        }
        while next + 2 * width <= columns {
            work.strip::<S, 2>(simd, next, scratch);
            next += 2 * width;
        }
        if next + width <= columns {
            work.strip::<S, 1>(simd, next, scratch);
            next += width;
        }
        next
    }
}

impl<F: ProgramScalar> WithSimd for WeightsBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let first = if self.points[0].is_empty() { 0 } else { self.strips(simd) };
        with_constant!(N = F::registers::<S>(), {
            for column in first..=self.known.columns {
                self.column::<S, N>(simd, column);
            }
        });
    }
}

/// Adds ‖δ‖² (‖x‖² + 1) for each point: the square of the norm of its contributions to weights and biases. It adds NaN
/// where ‖δ‖² underflows, since the product may be large.
pub(in crate::program) struct Squares<'a, F> {
    pub(in crate::program) known: Known<'a, F>,
    pub(in crate::program) squares: &'a mut [[F; L]],
}

impl<F: ProgramScalar> WithSimd for Squares<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (block, squares) in self.squares.iter_mut().enumerate().take(self.known.blocks()) {
            let (mut of_x, mut of_own) = ([F::one(); L], [F::zero(); L]);
            for x in self.known.x(block) {
                for lane in 0..L {
                    of_x[lane] += x[lane] * x[lane];
                }
            }
            for own in self.known.own(block) {
                for lane in 0..L {
                    of_own[lane] += own[lane] * own[lane];
                }
            }
            if !of_own.iter().all(|square| square.is_normal()) {
                mark_underflow(self.known.own(block), &mut of_own);
            }
            for lane in 0..L {
                squares[lane] += of_x[lane] * of_own[lane];
            }
        }
    }
}

/// Replaces sums of squares by NaN where they have underflowed.
#[inline(always)]
fn mark_underflow<F: ProgramScalar>(rows: &[[F; L]], squares: &mut [F; L]) {
    let mut sizes = [F::zero(); L];
    for row in rows {
        for lane in 0..L {
            sizes[lane] += row[lane].abs();
        }
    }
    for lane in 0..L {
        if !squares[lane].is_normal() && sizes[lane] != F::zero() {
            squares[lane] = F::nan();
        }
    }
}
