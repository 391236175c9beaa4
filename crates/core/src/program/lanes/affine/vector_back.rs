//! The adjoints of the vectors of affine maps.

// One index runs over several arrays of registers.
#![allow(clippy::needless_range_loop)]

use super::with_tile;
use crate::ProgramScalar;
use crate::program::lanes::kernels::Frame;
use crate::program::simd::L;
use crate::program::simd::vector;
use pulp::{Simd, WithSimd};

/// Where contributions are added.
pub(in crate::program) enum VectorAdjoints<'a, F> {
    /// To the adjoints of each block, starting at that place.
    Contiguous(usize),
    /// To separate rows of lanes, block after block.
    Apart(&'a mut [F]),
}

/// Adds Wᵀ δ to the adjoints of x.
pub(in crate::program) struct VectorBack<'a, F> {
    pub(in crate::program) weights: &'a [F],
    pub(in crate::program) columns: usize,
    /// Of all blocks.
    pub(in crate::program) adjoints: &'a mut [F],
    pub(in crate::program) frame: Frame,
    pub(in crate::program) gain: VectorAdjoints<'a, F>,
}

/// The contributions to `R` columns, starting at the first.
#[inline(always)]
fn tile<F: ProgramScalar, S: Simd, const N: usize, const R: usize>(
    simd: S,
    weights: &[F],
    own: &[[F; L]],
    gain: &mut [[F; L]],
    first: usize,
) {
    let columns = gain.len();
    let gain = gain[first..].first_chunk_mut::<R>().expect("the tile fits");
    let mut sums: [[F::Vector<S>; N]; R] = std::array::from_fn(|r| vector::row::<F, S, N>(&gain[r]));
    for (own, row) in own.iter().zip(weights.chunks_exact(columns)) {
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

impl<F: ProgramScalar> WithSimd for VectorBack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (columns, len) = (self.columns, self.columns * L);
        with_tile!(F, S, N, R, {
            let whole = columns / R * R;
            for index in 0..self.frame.blocks {
                let (before, own) = self.frame.split(index, self.adjoints);
                let gain = match &mut self.gain {
                    VectorAdjoints::Contiguous(at) => &mut before[*at..][..len],
                    VectorAdjoints::Apart(rows) => &mut rows[index * len..][..len],
                };
                let (own, gain) = (own.as_chunks().0, gain.as_chunks_mut().0);
                for first in (0..whole).step_by(R) {
                    tile::<F, S, N, R>(simd, self.weights, own, gain, first);
                }
                for first in whole..columns {
                    tile::<F, S, N, 1>(simd, self.weights, own, gain, first);
                }
            }
        });
    }
}
