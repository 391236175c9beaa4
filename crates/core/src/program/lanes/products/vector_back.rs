//! The adjoints of the vectors of groups, and of the starts of chains.

// One index runs over several arrays of registers.
#![allow(clippy::needless_range_loop)]

use super::{Grouped, Tile, each_tile, with_parts};
use crate::ProgramScalar;
use crate::program::lanes::kernels::Adjoints;
use crate::program::plan::Wrt;
use crate::program::plan::groups::Group;
use crate::program::simd::L;
use crate::program::simd::vector::{self, with_constant};
use pulp::{Simd, WithSimd};

/// Adds to the adjoints of the vectors of groups: the transposed matrix times the adjoints of the results.
pub(super) struct VectorBack<'a, F> {
    pub(super) grouped: Grouped<'a, F>,
    pub(super) wrt: Wrt,
    /// Of all blocks.
    pub(super) adjoints: &'a mut [F],
    /// Room for the longest vector in all blocks.
    pub(super) scratch: &'a mut [F],
}

/// The adjoints of a group's results in one block, and the place of its vector's adjoint.
struct Block<'a, F> {
    own: &'a [[F; L]],
    gain: &'a mut [[F; L]],
}

impl<'a, F: ProgramScalar> Grouped<'a, F> {
    /// Adds the contributions of a tile to its columns.
    #[inline(always)]
    fn back<S: Simd, const N: usize, const P: usize, const B: usize, const T: usize>(
        simd: S,
        tile: &Tile<'a, F, T>,
        blocks: &mut [Block<'_, F>; B],
    ) {
        let (common, tails) = (tile.together.len(), tile.tails());
        for part in (0..N).step_by(P) {
            let own: [[[F::Vector<S>; P]; B]; T] = std::array::from_fn(|t| {
                std::array::from_fn(|b| {
                    let row = vector::row::<F, S, N>(&blocks[b].own[tile.first + t]);
                    std::array::from_fn(|p| row[part + p])
                })
            });
            for (column, factors) in tile.together.iter().enumerate() {
                let factors: [F::Vector<S>; T] = std::array::from_fn(|t| F::splat(simd, factors[t]));
                for b in 0..B {
                    let gain = &mut F::load_mut::<S>(&mut blocks[b].gain[column])[part..part + P];
                    for p in 0..P {
                        let mut sum = gain[p];
                        for t in 0..T {
                            sum = F::multiply_add(simd, factors[t], own[t][b][p], sum);
                        }
                        gain[p] = sum;
                    }
                }
            }
            for t in 0..T {
                for (column, &factor) in (common..).zip(tails[t]) {
                    let factor = F::splat(simd, factor);
                    for b in 0..B {
                        let gain = &mut F::load_mut::<S>(&mut blocks[b].gain[column])[part..part + P];
                        for p in 0..P {
                            gain[p] = F::multiply_add(simd, factor, own[t][b][p], gain[p]);
                        }
                    }
                }
            }
        }
    }

    /// Adds to the adjoint of the vector of a group in some blocks.
    #[inline(always)]
    fn rows_back<S: Simd, const N: usize, const P: usize, const B: usize>(
        &self,
        simd: S,
        group: &Group,
        mut blocks: [Block<'_, F>; B],
    ) {
        let mut panel = self.panel(group);
        each_tile!(group.rows as usize, first, T, {
            let (tile, others) = self.tile::<T>(group, first, panel);
            panel = others;
            Self::back::<S, N, P, B, T>(simd, &tile, &mut blocks);
        });
    }

    /// The adjoints of a group's results in a block, and the place of its vector's adjoint: consecutive, or separate.
    #[inline(always)]
    fn adjoints<'b>(&self, group: &Group, block: &'b mut [F], apart: &'b mut [[F; L]]) -> Block<'b, F> {
        let (before, own) = self.frame.split(0, block);
        let own = &own.as_chunks().0[group.first as usize..][..group.rows as usize];
        if !group.contiguous {
            apart.fill([F::zero(); L]);
            return Block { own, gain: apart };
        }
        let first = self.lists.operands[group.x.start as usize] - self.uniform.first_varying;
        Block { own, gain: &mut before.as_chunks_mut().0[first as usize..][..group.x.len as usize] }
    }

    /// Adds the separate contributions.
    fn add_apart(&self, group: &Group, adjoints: &mut [F], apart: &[[F; L]]) {
        let (slots, len) = (&self.lists.operands[group.x.range()], group.x.len as usize);
        for (block, gains) in adjoints.chunks_exact_mut(self.frame.stride).zip(apart.chunks_exact(len)) {
            let rows = block.as_chunks_mut::<L>().0;
            for (&slot, gain) in slots.iter().zip(gains) {
                let row = &mut rows[(slot - self.uniform.first_varying) as usize];
                row.iter_mut().zip(gain).for_each(|(sum, &gain)| *sum += gain);
            }
        }
    }
}

impl<F: ProgramScalar> WithSimd for VectorBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { grouped, wrt, adjoints, scratch } = self;
        with_parts!(F, S, N, P, B, {
            for group in grouped.groups.iter().filter(|group| wrt.wants(group.class)) {
                let (apart, len) = (scratch.as_chunks_mut().0, group.x.len as usize);
                let blocks = adjoints.chunks_exact_mut(grouped.frame.stride);
                let mut blocks = blocks.zip(apart.chunks_exact_mut(len));
                while let Some((block, apart)) = blocks.next() {
                    let one = grouped.adjoints(group, block, apart);
                    match if B > 1 { blocks.next() } else { None } {
                        None => grouped.rows_back::<S, N, P, 1>(simd, group, [one]),
                        Some((block, apart)) => {
                            let other = grouped.adjoints(group, block, apart);
                            grouped.rows_back::<S, N, P, 2>(simd, group, [one, other]);
                        }
                    }
                }
                if !group.contiguous {
                    grouped.add_apart(group, adjoints, scratch.as_chunks().0);
                }
            }
        });
    }
}

/// Adds to the adjoints of the starts of chains.
pub(super) struct StartsBack<'a, 'b, F, const W: usize> {
    pub(super) grouped: Grouped<'a, F>,
    pub(super) adjoints: &'a mut Adjoints<'b, F, W>,
}

impl<F: ProgramScalar, const W: usize> WithSimd for StartsBack<'_, '_, F, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Grouped { lists, frame, .. } = self.grouped;
        with_constant!(N = F::registers::<S>(), {
            for block in 0..frame.blocks {
                let (mut adjoints, own) = self.adjoints.block(block, &frame);
                for (row, own) in own.as_chunks::<L>().0.iter().enumerate() {
                    let (one, own) = ([F::splat(simd, F::one()); N], vector::row::<F, S, N>(own));
                    adjoints.add_product::<S, N>(simd, lists.slots(row)[0], &one, &own);
                }
            }
        });
    }
}
