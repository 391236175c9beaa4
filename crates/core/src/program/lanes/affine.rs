//! Affine maps over blocks of points: matrix products, with the points side by side in lanes.
//!
//! The weights are plain numbers, row after row. A tile of results stays in registers during the sum: each weight is
//! broadcast to the lanes and multiplied in.

mod forward;
mod vector_back;
mod weights_back;

pub(in crate::program) use forward::Forward;
pub(in crate::program) use vector_back::{VectorAdjoints, VectorBack};
pub(in crate::program) use weights_back::{Known, Squares, WeightsBack, few};

use crate::program::simd::L;

/// Where the vector of an affine map is.
#[derive(Clone, Copy)]
pub(in crate::program) enum Vector<'a, F> {
    /// Among the values of each block, starting at that place.
    Contiguous(usize),
    /// Gathered: a row of lanes for each component, block after block.
    Gathered(&'a [F]),
}

impl<'a, F> Vector<'a, F> {
    /// In one of the blocks, whose values are also given.
    #[inline(always)]
    fn of(self, index: usize, values: &'a [F], columns: usize) -> &'a [[F; L]] {
        let rows = match self {
            Self::Contiguous(at) => &values[at..][..columns * L],
            Self::Gathered(rows) => &rows[index * columns * L..][..columns * L],
        };
        rows.as_chunks().0
    }
}

/// Runs the block with three constants. `N` is the number of registers in a row of lanes. `R` is the number of rows
/// of results that fill the register file well, with room for operands. `P` is that number for two blocks of lanes at
/// once, or 1 if two blocks at once gain nothing.
macro_rules! with_tile {
    ($F:ty, $S:ty, $N:ident, $R:ident, $work:block) => {
        with_tile!($F, $S, $N, $R, _P, $work)
    };
    ($F:ty, $S:ty, $N:ident, $R:ident, $P:ident, $work:block) => {
        match (<$F>::registers::<$S>(), <$S>::REGISTER_COUNT >= 32) {
            (1, _) => with_tile!(1, 8, 8, $N, $R, $P, $work),
            (2, true) => with_tile!(2, 8, 4, $N, $R, $P, $work),
            (2, false) => with_tile!(2, 4, 2, $N, $R, $P, $work),
            (4, true) => with_tile!(4, 4, 1, $N, $R, $P, $work),
            (4, false) => with_tile!(4, 2, 1, $N, $R, $P, $work),
            (8, _) => with_tile!(8, 1, 1, $N, $R, $P, $work),
            _ => with_tile!(16, 1, 1, $N, $R, $P, $work),
        }
    };
    ($n:literal, $r:literal, $p:literal, $N:ident, $R:ident, $P:ident, $work:block) => {{
        const $N: usize = $n;
        const $R: usize = $r;
        const $P: usize = $p;
        $work
    }};
}
use with_tile;
