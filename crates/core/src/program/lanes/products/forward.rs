//! The values of groups.

// One index runs over several arrays of registers.
#![allow(clippy::needless_range_loop)]

use super::{Grouped, Tile, each_tile, with_parts};
use crate::ProgramScalar;
use crate::program::plan::groups::Group;
use crate::program::simd::L;
use crate::program::simd::vector;
use pulp::{Simd, WithSimd};

/// Writes the results of groups, at all points.
pub(super) struct Forward<'a, F> {
    pub(super) grouped: Grouped<'a, F>,
    /// All blocks.
    pub(super) values: &'a mut [F],
    /// Room for the longest vector in all blocks.
    pub(super) scratch: &'a mut [F],
}

/// The vector and the results of a group in one block.
struct Block<'a, F> {
    before: &'a [F],
    x: &'a [[F; L]],
    z: &'a mut [[F; L]],
}

impl<'a, F: ProgramScalar> Grouped<'a, F> {
    /// In a block; a vector whose components are not consecutive is gathered.
    #[inline(always)]
    fn block<'b>(&self, group: &Group, block: &'b mut [F], scratch: &'b mut [[F; L]]) -> Block<'b, F> {
        let (before, z) = self.frame.split(0, block);
        let (before, z) = (&*before, &mut z.as_chunks_mut().0[group.first as usize..][..group.rows as usize]);
        Block { before, x: self.vector(group, before, scratch), z }
    }

    /// The vector of a group in a block.
    #[inline(always)]
    pub(super) fn vector<'b>(
        &self,
        group: &Group,
        block: &'b [F],
        scratch: &'b mut [[F; L]],
    ) -> &'b [[F; L]] {
        let rows = block.as_chunks::<L>().0;
        let slots = &self.lists.operands[group.x.range()];
        let place = |slot: u32| (slot - self.uniform.first_varying) as usize;
        if group.contiguous {
            return &rows[place(slots[0])..][..slots.len()];
        }
        for (row, &slot) in scratch.iter_mut().zip(slots) {
            *row = rows[place(slot)];
        }
        &scratch[..slots.len()]
    }

    /// The results of a tile.
    #[inline(always)]
    fn forward<S: Simd, const N: usize, const P: usize, const B: usize, const T: usize>(
        &self,
        simd: S,
        group: &Group,
        tile: &Tile<'a, F, T>,
        blocks: &mut [Block<'_, F>; B],
    ) {
        let (common, tails) = (tile.together.len(), tile.tails());
        let x: [&[[F; L]]; B] = std::array::from_fn(|b| blocks[b].x);
        for part in (0..N).step_by(P) {
            let registers = |b: usize, column: usize| -> [F::Vector<S>; P] {
                let row = vector::row::<F, S, N>(&x[b][column]);
                std::array::from_fn(|p| row[part + p])
            };
            let mut sums = [[[F::splat(simd, -F::zero()); P]; B]; T];
            if self.chain {
                for t in 0..T {
                    let start = self.lists.slots(group.first as usize + tile.first + t)[0];
                    for b in 0..B {
                        let start = self.uniform.and(blocks[b].before).registers::<S, N>(simd, start);
                        sums[t][b] = std::array::from_fn(|p| start[part + p]);
                    }
                }
            }
            for (column, factors) in tile.together.iter().enumerate() {
                let x: [[F::Vector<S>; P]; B] = std::array::from_fn(|b| registers(b, column));
                for t in 0..T {
                    let factor = F::splat(simd, factors[t]);
                    for b in 0..B {
                        for p in 0..P {
                            sums[t][b][p] = F::multiply_add(simd, factor, x[b][p], sums[t][b][p]);
                        }
                    }
                }
            }
            for t in 0..T {
                for (column, &factor) in (common..).zip(tails[t]) {
                    let factor = F::splat(simd, factor);
                    for b in 0..B {
                        let x = registers(b, column);
                        for p in 0..P {
                            sums[t][b][p] = F::multiply_add(simd, factor, x[p], sums[t][b][p]);
                        }
                    }
                }
                for b in 0..B {
                    let z = F::load_mut::<S>(&mut blocks[b].z[tile.first + t]);
                    z[part..part + P].copy_from_slice(&sums[t][b]);
                }
            }
        }
    }

    /// The results of a group in some blocks.
    #[inline(always)]
    fn rows<S: Simd, const N: usize, const P: usize, const B: usize>(
        &self,
        simd: S,
        group: &Group,
        mut blocks: [Block<'_, F>; B],
    ) {
        let mut panel = self.panel(group);
        each_tile!(group.rows as usize, first, T, {
            let (tile, others) = self.tile::<T>(group, first, panel);
            panel = others;
            self.forward::<S, N, P, B, T>(simd, group, &tile, &mut blocks);
        });
    }
}

impl<F: ProgramScalar> WithSimd for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { grouped, values, scratch } = self;
        with_parts!(F, S, N, P, B, {
            for group in grouped.groups {
                let (scratch, len) = (scratch.as_chunks_mut().0, group.x.len as usize);
                let mut blocks = values.chunks_exact_mut(grouped.frame.stride).zip(scratch.chunks_mut(len));
                while let Some((block, scratch)) = blocks.next() {
                    let one = grouped.block(group, block, scratch);
                    match if B > 1 { blocks.next() } else { None } {
                        None => grouped.rows::<S, N, P, 1>(simd, group, [one]),
                        Some((block, scratch)) => {
                            let other = grouped.block(group, block, scratch);
                            grouped.rows::<S, N, P, 2>(simd, group, [one, other]);
                        }
                    }
                }
            }
        });
    }
}
