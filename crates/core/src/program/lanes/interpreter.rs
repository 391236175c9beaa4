//! What the forward pass and the reverse sweep share: the schedule, and the places of values in blocks.

use super::kernels::{Frame, Lists, UniformValues};
use crate::ProgramScalar;
use crate::program::plan::schedule::{Access, Operand, Run, Schedule};
use crate::program::simd::L;

/// A schedule, with everything that does not change within a batch.
#[derive(Clone, Copy)]
pub struct Interpreter<'a, F> {
    pub(in crate::program) schedule: &'a Schedule,
    /// Of the weights and biases, only those that are also read in another way.
    pub(in crate::program) uniform: &'a [F],
    pub(in crate::program) parameters: &'a [F],
    /// The factors of groups of dot products.
    pub(in crate::program) panels: &'a [F],
    /// The places of uniform slots among accumulators: for sums over points, and for gradients of single points.
    pub(in crate::program) accumulator_of: &'a [u32],
    pub(in crate::program) lane_accumulator_of: &'a [u32],
    pub(in crate::program) arch: pulp::Arch,
}

impl<F: ProgramScalar> Interpreter<'_, F> {
    /// The start of the lanes of a varying value in a block.
    pub(in crate::program) fn at(&self, slot: u32) -> usize {
        (slot as usize - self.schedule.first_varying) * L
    }

    /// How many numbers a block has.
    pub(in crate::program) fn stride(&self) -> usize {
        (self.schedule.slots - self.schedule.first_varying) * L
    }

    /// Where the results of a run are.
    pub(in crate::program) fn frame(&self, run: &Run, blocks: usize) -> Frame {
        Frame { blocks, stride: self.stride(), at: self.at(run.first), len: run.count as usize * L }
    }

    /// The number of blocks in a given number of values.
    pub(in crate::program) fn blocks(&self, numbers: usize) -> usize {
        numbers / self.stride().max(1)
    }

    /// The lanes of a slot in a block.
    pub(in crate::program) fn lanes(&self, block: &[F], slot: u32) -> [F; L] {
        self.uniform().and(block).lanes(slot)
    }

    pub(in crate::program) fn uniform(&self) -> UniformValues<'_, F> {
        UniformValues { values: self.uniform, first_varying: self.schedule.first_varying as u32 }
    }

    /// For each operand of a run, its slot in each operation.
    pub(in crate::program) fn slots(&self, operands: &[Operand; 3], count: usize) -> [&[u32]; 3] {
        operands.map(|operand| {
            let count = if operand.access == Access::None { 0 } else { count };
            &self.schedule.operands[operand.list as usize..][..count]
        })
    }

    /// The operands of reductions, from the first of a run on.
    pub(in crate::program) fn lists(&self, first: u32) -> Lists<'_> {
        Lists { operands: &self.schedule.operands, terms: &self.schedule.terms[first as usize..] }
    }
}

/// The width of the adjoint of a uniform value during a task: a cache line.
pub(in crate::program) const fn accumulator_width<F>() -> usize {
    if size_of::<F>() == 8 { L / 2 } else { L }
}
