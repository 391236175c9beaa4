//! From points to lanes, and back: small transposes that stay in registers.

use crate::ProgramScalar;
use crate::program::simd::L;
use pulp::{Simd, WithSimd};

/// Rows and columns of a tile.
pub(in crate::program) const TILE: usize = 4;

#[inline(always)]
fn transposed<F: Copy>(tile: [[F; TILE]; TILE]) -> [[F; TILE]; TILE] {
    std::array::from_fn(|i| std::array::from_fn(|j| tile[j][i]))
}

#[inline(always)]
fn tile_of<F: Copy>(row: &[F], first: usize) -> [F; TILE] {
    *row[first..].first_chunk().expect("the tile fits")
}

/// Writes vectors, one for each lane, into lanes: a row for each component.
pub(in crate::program) struct ToLanes<'a, F> {
    pub(in crate::program) vectors: &'a [&'a [F]; L],
    pub(in crate::program) rows: &'a mut [[F; L]],
}

impl<F: ProgramScalar> WithSimd for ToLanes<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (tiles, rest) = self.rows.as_chunks_mut::<TILE>();
        let whole = tiles.len() * TILE;
        for (index, rows) in tiles.iter_mut().enumerate() {
            for lane in (0..L).step_by(TILE) {
                let tile = std::array::from_fn(|j| tile_of(self.vectors[lane + j], index * TILE));
                for (row, x) in rows.iter_mut().zip(transposed(tile)) {
                    row[lane..lane + TILE].copy_from_slice(&x);
                }
            }
        }
        for (index, row) in (whole..).zip(rest) {
            for (x, vector) in row.iter_mut().zip(self.vectors) {
                *x = vector[index];
            }
        }
    }
}

/// Writes rows of lanes as vectors, one for each lane.
pub(in crate::program) struct FromLanes<'a, F> {
    pub(in crate::program) rows: &'a [[F; L]],
    pub(in crate::program) vectors: &'a mut [F],
    /// The distance from the start of one vector to the start of the next.
    pub(in crate::program) stride: usize,
}

impl<F: ProgramScalar> WithSimd for FromLanes<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (tiles, rest) = self.rows.as_chunks::<TILE>();
        let whole = tiles.len() * TILE;
        for (index, rows) in tiles.iter().enumerate() {
            for lane in (0..L).step_by(TILE) {
                let tile = transposed(std::array::from_fn(|i| tile_of(&rows[i], lane)));
                for (j, x) in tile.iter().enumerate() {
                    self.vectors[(lane + j) * self.stride + index * TILE..][..TILE].copy_from_slice(x);
                }
            }
        }
        for (index, row) in (whole..).zip(rest) {
            for (lane, &x) in row.iter().enumerate() {
                self.vectors[lane * self.stride + index] = x;
            }
        }
    }
}
