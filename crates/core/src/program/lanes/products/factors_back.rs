//! The adjoints of the uniform factors of groups.

// One index runs over several arrays of registers.
#![allow(clippy::needless_range_loop)]

use super::{Grouped, each_tile};
use crate::ProgramScalar;
use crate::program::plan::groups::{Group, padded};
use crate::program::simd::transpose::{FromLanes, TILE};
use crate::program::simd::vector;
use crate::program::simd::{L, MOST_BLOCKS};
use pulp::{Simd, WithSimd};

/// Adds to the adjoints of the factors of groups, summed over the points: adjoints of the results times vectors.
pub(super) struct FactorsBack<'a, F> {
    pub(super) grouped: Grouped<'a, F>,
    /// Of all blocks.
    pub(super) values: &'a [F],
    pub(super) adjoints: &'a [F],
    /// By tile, row by row.
    pub(super) sums: &'a mut [F],
    /// Room for the longest vector at all points, rounded up to registers.
    pub(super) scratch: &'a mut [F],
}

/// The group being computed.
struct Work<'a, F> {
    /// The adjoints of its results in each block.
    own: [&'a [[F; L]]; MOST_BLOCKS],
    /// Its vectors, point by point.
    points: &'a [F],
    /// The distance from the start of a point's vector to the start of the next.
    stride: usize,
}

impl<F: ProgramScalar> Work<'_, F> {
    /// The contributions to `T` rows in `C` registers of columns. Sums are kept in `U` sets, each for every `U`-th lane:
    /// a processor has about eight sums under way.
    #[inline(always)]
    fn columns<S: Simd, const T: usize, const C: usize, const U: usize>(
        &self,
        simd: S,
        first: usize,
        column: usize,
        mut rows: [&mut [F]; T],
    ) {
        let len = C * (L / F::registers::<S>());
        let mut sums = [[[F::splat(simd, F::zero()); C]; T]; U];
        for (own, points) in self.own.iter().zip(self.points.chunks(L * self.stride)) {
            let own = own[first..].first_chunk::<T>().expect("the tile fits");
            for (index, points) in points.chunks_exact(U * self.stride).enumerate().take(L / U) {
                for (u, sums) in sums.iter_mut().enumerate() {
                    let x = vector::row::<F, S, C>(&points[u * self.stride + column..][..len]);
                    for t in 0..T {
                        let own = F::splat(simd, own[t][index * U + u]);
                        for c in 0..C {
                            sums[t][c] = F::multiply_add(simd, own, x[c], sums[t][c]);
                        }
                    }
                }
            }
        }
        for set in sums {
            for (row, sums) in rows.iter_mut().zip(set) {
                for (total, sum) in F::load_mut::<S>(&mut row[column..column + len]).iter_mut().zip(sums) {
                    *total = F::plus(simd, *total, sum);
                }
            }
        }
    }

    /// The contributions to `T` rows, whose sums are consecutive.
    #[inline(always)]
    fn tile<S: Simd, const T: usize>(&self, simd: S, first: usize, sums: &mut [F]) {
        let (width, register) = (sums.len() / T, L / F::registers::<S>());
        let mut rows = sums.chunks_exact_mut(width);
        let mut rows: [&mut [F]; T] = std::array::from_fn(|_| rows.next().expect("there are T rows"));
        let mut next = 0;
        while S::REGISTER_COUNT >= 32 && next + 4 * register <= width {
            self.columns::<S, T, 4, 1>(simd, first, next, rows.each_mut().map(|row| &mut **row));
            next += 4 * register;
        }
        while next + 2 * register <= width {
            let rows = rows.each_mut().map(|row| &mut **row);
            match T {
                4 => self.columns::<S, T, 2, 1>(simd, first, next, rows),
                _ => self.columns::<S, T, 2, 2>(simd, first, next, rows),
            }
            next += 2 * register;
        }
        if next < width {
            self.columns::<S, T, 1, 2>(simd, first, next, rows.each_mut().map(|row| &mut **row));
        }
    }
}

impl<F: ProgramScalar> FactorsBack<'_, F> {
    /// The vectors of a group, transposed: the numbers of a point are consecutive.
    #[inline(always)]
    fn turn<S: Simd>(&mut self, simd: S, group: &Group, stride: usize) {
        let Self { grouped, values, scratch, .. } = self;
        let blocks = values.chunks_exact(grouped.frame.stride);
        for (block, vectors) in blocks.zip(scratch.chunks_exact_mut(L * stride)) {
            if group.contiguous {
                let first = grouped.lists.operands[group.x.start as usize] - grouped.uniform.first_varying;
                let rows = &block.as_chunks().0[first as usize..];
                // Whole tiles are transposed faster than parts of them; numbers after the end of the vector are in no
                // sum.
                let rows = &rows[..rows.len().min((group.x.len as usize).next_multiple_of(TILE))];
                FromLanes { rows, vectors, stride }.with_simd(simd);
                continue;
            }
            let slots = &grouped.lists.operands[group.x.range()];
            for (column, &slot) in slots.iter().enumerate() {
                let row = block.as_chunks::<L>().0[(slot - grouped.uniform.first_varying) as usize];
                for (lane, &x) in row.iter().enumerate() {
                    vectors[lane * stride + column] = x;
                }
            }
        }
    }
}

impl<F: ProgramScalar> WithSimd for FactorsBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (grouped, blocks) = (self.grouped, self.grouped.frame.blocks);
        for group in grouped.groups.iter().filter(|group| group.gains) {
            let (stride, rows) = (padded::<F>(group.x.len as usize), group.rows as usize);
            self.turn(simd, group, stride);
            let mut own: [&[[F; L]]; MOST_BLOCKS] = [&[]; MOST_BLOCKS];
            for (index, own) in own.iter_mut().enumerate().take(blocks) {
                let block = grouped.frame.of(grouped.frame.block(index, self.adjoints));
                *own = &block.as_chunks().0[group.first as usize..][..rows];
            }
            let work = Work { own, points: &self.scratch[..blocks * L * stride], stride };
            let mut sums = &mut self.sums[group.sums as usize..];
            each_tile!(rows, first, T, {
                let longest = (first..first + T).map(|row| grouped.len(group, row)).max();
                let (tile, others) = sums.split_at_mut(T * padded::<F>(longest.unwrap_or(0)));
                sums = others;
                work.tile::<S, T>(simd, first, tile);
            });
        }
    }
}
