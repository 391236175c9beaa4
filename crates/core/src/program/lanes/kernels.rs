//! The loops over lanes, compiled once for each instruction set and selected at run time.
//!
//! Every kernel is a value with a `with_simd` method, which is inlined completely into a function compiled for the
//! processor's instructions: so plain loops over arrays become vector instructions. A closure in between would be
//! compiled without them.

use crate::ProgramScalar;
use crate::program::lanes::clip::clip_factor;
use crate::program::simd::L;
use crate::program::simd::vector::{self, with_constant};
use pulp::{Simd, WithSimd};

/// One value at each of the points that are computed together.
pub(in crate::program) type Lanes<F> = [F; L];

/// Whether `mul_add` is one instruction of an instruction set.
pub(in crate::program) const fn contracts<S: Simd>() -> bool {
    !S::IS_SCALAR && cfg!(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64"))
}

/// Runs the block with `FMA` as a constant, which states what the instruction set `S` can do.
macro_rules! with_fma {
    ($S:ident, $FMA:ident, $work:block) => {
        if $crate::program::lanes::kernels::contracts::<$S>() {
            const $FMA: bool = true;
            $work
        } else {
            const $FMA: bool = false;
            $work
        }
    };
}

// Defined after the macro, which they use.
mod apply;
mod dot;
mod fold;

pub(in crate::program) use apply::{Apply, ApplyBack};
pub(in crate::program) use dot::{Dot, DotBack, Lists};
pub(in crate::program) use fold::{Fold, FoldBack};

/// Where the results of a run are in each block: the given number of values, counted from the start of the block.
/// Blocks are consecutive; values that are read come before values that are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Frame {
    pub(in crate::program) blocks: usize,
    /// The numbers of a block.
    pub(in crate::program) stride: usize,
    pub(in crate::program) at: usize,
    pub(in crate::program) len: usize,
}

impl Frame {
    /// One of the blocks.
    #[inline(always)]
    pub(in crate::program) fn block<'a, F>(&self, index: usize, all: &'a [F]) -> &'a [F] {
        &all[index * self.stride..][..self.stride]
    }

    /// The part of a block before the results, and the results.
    #[inline(always)]
    pub(in crate::program) fn split<'a, F>(
        &self,
        index: usize,
        all: &'a mut [F],
    ) -> (&'a mut [F], &'a mut [F]) {
        let (before, rest) = all[index * self.stride..][..self.stride].split_at_mut(self.at);
        (before, &mut rest[..self.len])
    }

    /// The results.
    #[inline(always)]
    pub(in crate::program) fn of<'a, F>(&self, block: &'a [F]) -> &'a [F] {
        &block[self.at..][..self.len]
    }
}

/// The uniform values, and the first slot after them.
#[derive(Clone, Copy)]
pub(in crate::program) struct UniformValues<'a, F> {
    pub(in crate::program) values: &'a [F],
    pub(in crate::program) first_varying: u32,
}

impl<'a, F> UniformValues<'a, F> {
    /// Together with the varying values of a block.
    #[inline(always)]
    pub(in crate::program) fn and(self, varying: &'a [F]) -> Places<'a, F> {
        Places { uniform: self, varying }
    }
}

/// Where operands are: uniform values as plain numbers, varying values lane by lane.
#[derive(Clone, Copy)]
pub(in crate::program) struct Places<'a, F> {
    uniform: UniformValues<'a, F>,
    varying: &'a [F],
}

impl<F: ProgramScalar> Places<'_, F> {
    /// The place of a slot among varying values.
    #[inline(always)]
    fn place(&self, slot: u32) -> Option<u32> {
        slot.checked_sub(self.uniform.first_varying)
    }

    /// The lanes of a slot.
    #[inline(always)]
    pub(in crate::program) fn lanes(&self, slot: u32) -> Lanes<F> {
        match self.place(slot) {
            Some(place) => *row(self.varying, place),
            None => [self.uniform.values[slot as usize]; L],
        }
    }

    /// One lane of a slot.
    #[inline(always)]
    pub(in crate::program) fn lane(&self, slot: u32, lane: usize) -> F {
        match self.place(slot) {
            Some(place) => row(self.varying, place)[lane],
            None => self.uniform.values[slot as usize],
        }
    }

    /// The registers of a slot.
    #[inline(always)]
    pub(in crate::program) fn registers<S: Simd, const N: usize>(
        &self,
        simd: S,
        slot: u32,
    ) -> [F::Vector<S>; N] {
        match self.place(slot) {
            Some(place) => vector::row::<F, S, N>(row(self.varying, place)),
            None => [F::splat(simd, self.uniform.values[slot as usize]); N],
        }
    }
}

/// A row of lanes among many.
#[inline(always)]
fn row<F>(all: &[F], place: u32) -> &Lanes<F> {
    &all.as_chunks::<L>().0[place as usize]
}

#[inline(always)]
fn row_mut<F>(all: &mut [F], place: u32) -> &mut Lanes<F> {
    &mut all.as_chunks_mut::<L>().0[place as usize]
}

/// Which adjoints a sweep adds to.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct To {
    pub(in crate::program) varying: bool,
    pub(in crate::program) uniform: bool,
}

/// Where adjoints are: those of varying values lane by lane, those of uniform values in accumulators of `W` numbers.
pub(in crate::program) struct Adjoints<'a, F, const W: usize> {
    pub(in crate::program) first_varying: u32,
    pub(in crate::program) to: To,
    /// Of one block, or of all.
    pub(in crate::program) varying: &'a mut [F],
    /// The place of each uniform slot among the accumulators; constants share an accumulator that is never read.
    pub(in crate::program) accumulator_of: &'a [u32],
    pub(in crate::program) accumulators: &'a mut [F],
}

impl<F: ProgramScalar, const W: usize> Adjoints<'_, F, W> {
    /// Of all blocks: the adjoints of a block that a run may add to, and those of its results.
    #[inline(always)]
    pub(in crate::program) fn block(&mut self, index: usize, frame: &Frame) -> (Adjoints<'_, F, W>, &[F]) {
        let (varying, own) = frame.split(index, self.varying);
        let accumulators = &mut *self.accumulators;
        let Self { first_varying, to, accumulator_of, .. } = *self;
        (Adjoints { first_varying, to, varying, accumulator_of, accumulators }, own)
    }

    /// Adds to the adjoint of a slot, lane by lane.
    #[inline(always)]
    pub(in crate::program) fn add_lanes(&mut self, slot: u32, gain: Lanes<F>) {
        match slot.checked_sub(self.first_varying) {
            Some(place) if self.to.varying => {
                for (adjoint, gain) in row_mut(self.varying, place).iter_mut().zip(gain) {
                    *adjoint += gain;
                }
            }
            None if self.to.uniform => {
                let accumulators = &mut self.accumulators.as_chunks_mut::<W>().0
                    [self.accumulator_of[slot as usize] as usize];
                for gain in gain.as_chunks::<W>().0 {
                    for lane in 0..W {
                        accumulators[lane] += gain[lane];
                    }
                }
            }
            _ => {}
        }
    }

    /// The same, for a contribution that is computed lane by lane.
    #[inline(always)]
    pub(in crate::program) fn add(&mut self, slot: u32, gain: impl Fn(usize) -> F) {
        self.add_lanes(slot, std::array::from_fn(gain));
    }

    /// Adds a product to the adjoint of a slot.
    #[inline(always)]
    pub(in crate::program) fn add_product<S: Simd, const N: usize>(
        &mut self,
        simd: S,
        slot: u32,
        a: &[F::Vector<S>; N],
        b: &[F::Vector<S>; N],
    ) {
        match slot.checked_sub(self.first_varying) {
            Some(place) if self.to.varying => {
                add_to_row::<F, S, N>(simd, row_mut(self.varying, place), a, b);
            }
            None if self.to.uniform => {
                let accumulators = &mut self.accumulators.as_chunks_mut::<W>().0
                    [self.accumulator_of[slot as usize] as usize];
                add_to_accumulator::<F, S, N, W>(simd, accumulators, a, b);
            }
            _ => {}
        }
    }

    /// The places of consecutive uniform slots among the accumulators, if these are consecutive too.
    #[inline(always)]
    fn accumulator_range(&self, first: usize, len: usize) -> Option<std::ops::Range<usize>> {
        let (start, end) =
            (self.accumulator_of[first] as usize, self.accumulator_of[first + len - 1] as usize + 1);
        (start + len == end).then_some(start..end)
    }
}

/// Adds a product to a row of lanes.
#[inline(always)]
fn add_to_row<F: ProgramScalar, S: Simd, const N: usize>(
    simd: S,
    row: &mut [F],
    a: &[F::Vector<S>; N],
    b: &[F::Vector<S>; N],
) {
    for (r, register) in F::load_mut::<S>(row).iter_mut().enumerate() {
        *register = F::multiply_add(simd, a[r], b[r], *register);
    }
}

/// Adds a product to an accumulator, after folding the lanes to its width.
#[inline(always)]
fn add_to_accumulator<F: ProgramScalar, S: Simd, const N: usize, const W: usize>(
    simd: S,
    accumulator: &mut [F; W],
    a: &[F::Vector<S>; N],
    b: &[F::Vector<S>; N],
) {
    let registers = N * W / L;
    for (r, register) in F::load_mut::<S>(accumulator).iter_mut().enumerate() {
        for part in 0..L / W {
            let from = part * registers + r;
            *register = F::multiply_add(simd, a[from], b[from], *register);
        }
    }
}

/// Whether all numbers are finite.
pub(in crate::program) struct AllFinite<'a, F>(pub(in crate::program) &'a [F]);

impl<F: ProgramScalar> WithSimd for AllFinite<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        // Without an early exit in between, it is one comparison for each register.
        self.0.iter().fold(true, |all, x| all & (x.abs() < F::infinity()))
    }
}

/// Limits the gradient of each lane to a bound, given the squares of the norms: multiplies the adjoints by the clip
/// factor and by the weight of the point. Returns the norms and the factors.
pub(in crate::program) struct ClipLanes<'a, F> {
    pub(in crate::program) rows: &'a mut [F],
    pub(in crate::program) squares: &'a Lanes<F>,
    pub(in crate::program) weights: &'a Lanes<F>,
    pub(in crate::program) bound: F,
}

impl<F: ProgramScalar> WithSimd for ClipLanes<'_, F> {
    type Output = [Lanes<F>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [Lanes<F>; 2] {
        let (mut norms, mut factors, mut scales) = ([F::zero(); L], [F::zero(); L], [F::zero(); L]);
        for lane in 0..L {
            norms[lane] = self.squares[lane].sqrt();
            factors[lane] = clip_factor(norms[lane], self.bound);
            scales[lane] = factors[lane] * self.weights[lane];
        }
        with_constant!(N = F::registers::<S>(), {
            let scales = vector::row::<F, S, N>(&scales);
            // Adding −0 changes nothing.
            let nothing = F::splat(simd, -F::zero());
            for row in F::load_mut::<S>(self.rows).as_chunks_mut::<N>().0 {
                for r in 0..N {
                    row[r] = F::multiply_add(simd, row[r], scales[r], nothing);
                }
            }
        });
        [norms, factors]
    }
}

/// Adds numbers to others, element by element.
pub(in crate::program) struct AddTo<'a, F> {
    pub(in crate::program) sums: &'a mut [F],
    pub(in crate::program) terms: &'a [F],
}

impl<F: ProgramScalar> WithSimd for AddTo<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (sum, &term) in self.sums.iter_mut().zip(self.terms) {
            *sum += term;
        }
    }
}
