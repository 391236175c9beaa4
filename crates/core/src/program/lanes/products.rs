//! Groups of dot products over blocks of points: a matrix or a triangle of uniform numbers times a vector.
//!
//! A tile of a few rows stays in registers, over one or two blocks of points: a row of lanes is loaded once for all
//! rows of the tile, and a factor is broadcast once for all blocks. The adjoints of factors are summed over the
//! points in registers of columns; for this, vectors are transposed so that the numbers of a point are consecutive.

mod factors_back;
mod forward;
mod vector_back;

use super::interpreter::Interpreter;
use super::kernels::{Adjoints, DotBack, Frame, Lists, UniformValues};
use super::matrices::Weights;
use crate::ProgramScalar;
use crate::program::plan::Wrt;
use crate::program::plan::groups::{Group, Products, padded, tile_height};
use crate::program::plan::schedule::Step;
use crate::program::simd::L;
use crate::program::simd::aligned::Aligned;
use factors_back::FactorsBack;
use forward::Forward;
use vector_back::{StartsBack, VectorBack};

/// The groups of a run, and where their results are.
#[derive(Clone, Copy)]
struct Grouped<'a, F> {
    groups: &'a [Group],
    chain: bool,
    lists: Lists<'a>,
    uniform: UniformValues<'a, F>,
    /// The factors of all groups of the schedule.
    panels: &'a [F],
    frame: Frame,
}

/// A few rows of a group.
struct Tile<'a, F, const T: usize> {
    /// The first row, counted in the group.
    first: usize,
    lengths: [usize; T],
    /// Factors of the columns that all rows have, column by column.
    together: &'a [[F; T]],
    /// The others, row by row.
    rest: &'a [F],
}

impl<'a, F: ProgramScalar> Grouped<'a, F> {
    /// The factors of a group, and of the groups after it.
    #[inline(always)]
    fn panel(&self, group: &Group) -> &'a [F] {
        &self.panels[group.panel as usize..]
    }

    /// How many products there are in a row of a group.
    #[inline(always)]
    fn len(&self, group: &Group, row: usize) -> usize {
        self.lists.pairs(self.chain, group.first as usize + row).1.len()
    }

    /// The tile of `T` rows from the given one on, whose factors start the panel; and the rest of the panel.
    #[inline(always)]
    fn tile<const T: usize>(&self, group: &Group, first: usize, panel: &'a [F]) -> (Tile<'a, F, T>, &'a [F]) {
        let lengths: [usize; T] = std::array::from_fn(|t| self.len(group, first + t));
        let common = lengths.into_iter().min().unwrap_or(0);
        let (factors, others) = panel.split_at(lengths.iter().sum());
        let (together, rest) = factors.split_at(common * T);
        (Tile { first, lengths, together: together.as_chunks().0, rest }, others)
    }
}

impl<'a, F, const T: usize> Tile<'a, F, T> {
    /// For each row, the factors of the columns that not all rows have.
    #[inline(always)]
    fn tails(&self) -> [&'a [F]; T] {
        let mut rest = self.rest;
        self.lengths.map(|len| {
            let (tail, others) = rest.split_at(len - self.together.len());
            rest = others;
            tail
        })
    }
}

/// Runs the block with three constants, chosen so that four rows fill the register file well: `N` is the number of
/// registers in a row of lanes, `P` is how many of them a tile takes at a time, and `B` is the number of blocks.
macro_rules! with_parts {
    ($F:ty, $S:ty, $N:ident, $P:ident, $B:ident, $work:block) => {
        match (<$F>::registers::<$S>(), <$S>::REGISTER_COUNT >= 32) {
            (1, _) => with_parts!(1, 1, 2, $N, $P, $B, $work),
            (2, true) => with_parts!(2, 2, 2, $N, $P, $B, $work),
            (2, false) => with_parts!(2, 2, 1, $N, $P, $B, $work),
            (4, true) => with_parts!(4, 4, 1, $N, $P, $B, $work),
            (4, false) => with_parts!(4, 2, 1, $N, $P, $B, $work),
            (8, true) => with_parts!(8, 4, 1, $N, $P, $B, $work),
            (8, false) => with_parts!(8, 2, 1, $N, $P, $B, $work),
            _ => with_parts!(16, 2, 1, $N, $P, $B, $work),
        }
    };
    ($n:literal, $p:literal, $b:literal, $N:ident, $P:ident, $B:ident, $work:block) => {{
        const $N: usize = $n;
        const $P: usize = $p;
        const $B: usize = $b;
        $work
    }};
}
use with_parts;

/// Runs a method for each tile of a group: `tile::<4>(…, first)` and so on, where `first` is the first row of the
/// tile.
macro_rules! each_tile {
    ($rows:expr, $first:ident, $T:ident, $work:block) => {{
        let rows: usize = $rows;
        let mut $first = 0;
        while $first < rows {
            match $crate::program::plan::groups::tile_height(rows - $first) {
                4 => each_tile!(4, $T, $work),
                2 => each_tile!(2, $T, $work),
                _ => each_tile!(1, $T, $work),
            }
            $first += $crate::program::plan::groups::tile_height(rows - $first);
        }
    }};
    ($t:literal, $T:ident, $work:block) => {{
        const $T: usize = $t;
        $work
    }};
}
use each_tile;

impl<F: ProgramScalar> Interpreter<'_, F> {
    fn grouped(&self, products: &Products, frame: Frame) -> Grouped<'_, F> {
        Grouped {
            groups: self.schedule.groups(products),
            chain: products.chain,
            lists: self.lists(products.terms),
            uniform: self.uniform(),
            panels: self.panels,
            frame,
        }
    }

    /// Writes the results of groups.
    pub(in crate::program) fn products(
        &self,
        products: &Products,
        frame: Frame,
        values: &mut [F],
        scratch: &mut Aligned<F>,
    ) {
        scratch.resize(frame.blocks * products.longest as usize * L);
        let (grouped, scratch) = (self.grouped(products, frame), scratch.get_mut());
        self.arch.dispatch(Forward { grouped, values, scratch });
    }

    /// Adds to the adjoints of the operands of groups. If sums over the points are not requested, each dot product is
    /// handled separately.
    #[allow(clippy::too_many_arguments)] // those of a run, and where all adjoints go
    pub(in crate::program) fn products_back<const W: usize>(
        &self,
        products: &Products,
        wrt: Wrt,
        frame: Frame,
        values: &[F],
        adjoints: &mut Adjoints<'_, F, W>,
        weights: &mut Weights<'_, F>,
        scratch: &mut Aligned<F>,
    ) {
        let grouped = self.grouped(products, frame);
        let Weights::Sum { panels, .. } = weights else {
            let Grouped { chain, lists, uniform, .. } = grouped;
            return self.arch.dispatch(DotBack { chain, lists, uniform, frame, values, adjoints });
        };
        if products.chain {
            self.arch.dispatch(StartsBack { grouped, adjoints });
        }
        let longest = products.longest as usize;
        if adjoints.to.uniform {
            scratch.resize(frame.blocks * padded::<F>(longest) * L);
            let (adjoints, scratch) = (&*adjoints.varying, scratch.get_mut());
            self.arch.dispatch(FactorsBack { grouped, values, adjoints, sums: panels, scratch });
        }
        if adjoints.to.varying {
            scratch.resize(frame.blocks * longest * L);
            let (adjoints, scratch) = (&mut *adjoints.varying, scratch.get_mut());
            self.arch.dispatch(VectorBack { grouped, wrt, adjoints, scratch });
        }
    }

    /// Adds the sums for the factors of all groups to the adjoints of uniform slots.
    pub(in crate::program) fn add_panel_sums(&self, sums: &[F], adjoints: &mut [F]) {
        for run in &self.schedule.runs[self.schedule.varying_runs()] {
            let Step::Products(products, _) = run.step else { continue };
            let lists = self.lists(products.terms);
            for group in self.schedule.groups(&products) {
                self.add_group_sums(&sums[group.sums as usize..], adjoints, group.rows as usize, |row| {
                    lists.pairs(products.chain, group.first as usize + row).1
                });
            }
        }
    }

    fn add_group_sums<'a>(
        &self,
        mut sums: &[F],
        adjoints: &mut [F],
        rows: usize,
        pairs: impl Fn(usize) -> &'a [[u32; 2]],
    ) {
        let mut first = 0;
        while first < rows {
            let tile = first..first + tile_height(rows - first);
            let width = padded::<F>(tile.clone().map(|row| pairs(row).len()).max().unwrap_or(0));
            first = tile.end;
            for row in tile {
                let (own, others) = sums.split_at(width);
                sums = others;
                for (&[slot, _], &sum) in pairs(row).iter().zip(own) {
                    // The adjoint of a constant is not needed, and may be NaN.
                    if slot as usize >= self.schedule.constants {
                        adjoints[slot as usize] += sum;
                    }
                }
            }
        }
    }
}
