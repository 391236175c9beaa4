//! Evaluation at many points at once: each value is a row of [`L`] lanes, one for each point.
//!
//! The rows of all varying values at [`L`] points are a block. A few blocks go through together, run by run, so
//! that a kernel is called once for all of them, and a matrix read once.
//!
//! What depends on parameters only was computed before, once, and is held as plain numbers. Their adjoints
//! are `W` numbers wide: the lanes are folded into them, and they into one at the end of a task, so that
//! they stay in cache even where parameters are many.
//!
//! Every run goes through a kernel (`kernels.rs`, `affine.rs`) in the instructions of the processor at hand.
//!
//! Nothing here tests for singular points. What they could spoil shows as a number that is not finite, or is
//! noticed by [`Machine::forward`]; the caller then takes the points one by one, with all care.

use super::affine::Known;
use super::aligned::Aligned;
use super::elementary::TRIGONOMETRIC_RANGE;
use super::graph::Reduction;
use super::kernels::{Adjoints, Apply, Dot, DotBack, Fold, FoldBack, Frame, Gain, Lists, To, Uniform};
use super::matrices::Weights;
use super::point::Wrt;
use super::schedule::{Access, Class, Operand, Run, Schedule, Step};
use crate::Scalar;
use crate::rules::Op;

/// How many points go through together: two vectors of the widest registers in `f64`, one in `f32`.
pub(super) const L: usize = 16;

/// How many blocks of points go through together, at most.
pub(super) const MOST_BLOCKS: usize = 4;

/// How many bytes the values and adjoints of blocks that go through together may take, to stay in the first-level
/// cache, or in the second.
const BLOCK_BYTES: [usize; 2] = [1 << 15, 1 << 19];

/// With fewer operations than this in a run, calls of kernels cost more than a first-level cache saves.
const SHORT_RUN: usize = 8;

/// How many blocks of a program go through together.
pub(super) fn blocks<F>(schedule: &Schedule) -> usize {
    let bytes = 2 * (schedule.slots - schedule.first_varying) * L * size_of::<F>();
    let runs = &schedule.runs[schedule.varying_runs()];
    let with_matrix = runs.iter().any(|run| matches!(run.step, Step::Affine(..)));
    let far = with_matrix || schedule.cost() < SHORT_RUN * runs.len();
    (BLOCK_BYTES[usize::from(far)] / bytes.max(1)).clamp(1, MOST_BLOCKS)
}

/// What never goes through lanes; see [`speculate`](super::speculate).
pub(super) const SPECULATIVE: &str = "a chain rule is speculated on as products";

/// The memory of one task.
#[derive(Clone, Debug)]
pub struct Buffers<F> {
    /// Values that differ from point to point, lane by lane, block after block.
    pub(super) values: Aligned<F>,
    pub(super) adjoints: Aligned<F>,
    pub(super) room: Aligned<F>,
    pub(super) vectors: Vectors<F>,
}

/// Memory for the vectors of affine maps, a slice for each point.
#[derive(Clone, Debug)]
pub(super) struct Vectors<F> {
    pub(super) transposed: Vec<F>,
    pub(super) strip: Aligned<F>,
}

impl<F: Scalar> Default for Buffers<F> {
    fn default() -> Self {
        Self {
            values: Aligned::new(),
            adjoints: Aligned::new(),
            room: Aligned::new(),
            vectors: Vectors { transposed: Vec::new(), strip: Aligned::new() },
        }
    }
}

/// A schedule, with what does not change within a batch.
#[derive(Clone, Copy)]
pub struct Machine<'a, F> {
    pub(super) schedule: &'a Schedule,
    /// Of weights and biases only those that are read otherwise, too.
    pub(super) uniform: &'a [F],
    pub(super) parameters: &'a [F],
    pub(super) wide_of: &'a [u32],
    pub(super) arch: pulp::Arch,
}

impl<F: Scalar> Machine<'_, F> {
    /// Where the lanes of a varying value begin in a block.
    pub(super) fn at(&self, slot: u32) -> usize {
        (slot as usize - self.schedule.first_varying) * L
    }

    /// How many numbers a block has.
    pub(super) fn stride(&self) -> usize {
        (self.schedule.slots - self.schedule.first_varying) * L
    }

    /// Where the results of a run are.
    fn frame(&self, run: &Run, blocks: usize) -> Frame {
        Frame { blocks, stride: self.stride(), at: self.at(run.first), len: run.count as usize * L }
    }

    /// How many blocks so many numbers are.
    fn blocks(&self, numbers: usize) -> usize {
        numbers / self.stride().max(1)
    }

    /// The lanes of a slot in a block.
    pub(super) fn lanes(&self, block: &[F], slot: u32) -> [F; L] {
        self.uniform().and(block).lanes(slot)
    }

    pub(super) fn uniform(&self) -> Uniform<'_, F> {
        Uniform { values: self.uniform, first_varying: self.schedule.first_varying as u32 }
    }

    /// Computes all varying values of all blocks from the data; says whether a result needs more care.
    fn forward(&self, buffers: &mut Buffers<F>) -> bool {
        let Buffers { values, room, .. } = buffers;
        let values = values.get_mut();
        let blocks = self.blocks(values.len());
        let mut careful = false;
        for run in &self.schedule.runs[self.schedule.varying_runs()] {
            let frame = self.frame(run, blocks);
            if self.goes_lane_by_lane(run) {
                match run.step {
                    Step::Apply(op, operands) => {
                        self.apply_exactly(op, self.slots(&operands, run.count as usize)[0], frame, values);
                    }
                    Step::Reduce(reduction, first, _) => {
                        self.reduce_exactly(reduction, first, frame, values);
                    }
                    Step::Affine(affine, _) => self.affine_exactly(&affine, frame, values),
                }
                continue;
            }
            match run.step {
                Step::Apply(op, operands) => careful |= self.apply(op, &operands, frame, values),
                Step::Reduce(reduction, first, _) => careful |= self.reduce(reduction, first, frame, values),
                Step::Affine(affine, _) => self.affine(&affine, frame, values, room),
            }
        }
        careful
    }

    fn apply(&self, op: Op, operands: &[Operand; 3], frame: Frame, values: &mut [F]) -> bool {
        let slots = self.slots(operands, frame.len / L);
        let careful = matches!(op, Op::Sin | Op::Cos) && {
            let range = F::nearest(TRIGONOMETRIC_RANGE);
            let outside = |block: &[F], slot| self.lanes(block, slot).iter().any(|x| x.abs() > range);
            (0..frame.blocks).any(|index| {
                let block = frame.block(index, values);
                slots[0].iter().any(|&slot| outside(block, slot))
            })
        };
        op.visit(Apply { arch: self.arch, slots, uniform: self.uniform(), frame, values });
        careful
    }

    /// For each operand of a run, its slot in each operation.
    fn slots(&self, operands: &[Operand; 3], count: usize) -> [&[u32]; 3] {
        operands.map(|operand| {
            let count = if operand.access == Access::None { 0 } else { count };
            &self.schedule.operands[operand.list as usize..][..count]
        })
    }

    /// The operands of reductions, from the first of a run on.
    fn lists(&self, first: u32) -> Lists<'_> {
        Lists { operands: &self.schedule.operands, terms: &self.schedule.terms[first as usize..] }
    }

    fn reduce(&self, reduction: Reduction, first: u32, frame: Frame, values: &mut [F]) -> bool {
        let (lists, uniform) = (self.lists(first), self.uniform());
        match reduction {
            Reduction::Dot | Reduction::Chain => {
                let chain = reduction == Reduction::Chain;
                self.arch.dispatch(Dot { chain, lists, uniform, frame, values });
                false
            }
            Reduction::Sum | Reduction::LogSumExp | Reduction::Norm => {
                self.arch.dispatch(Fold { reduction, lists, uniform, frame, values })
            }
            Reduction::ChainRule => unreachable!("{SPECULATIVE}"),
        }
    }

    /// Carries the adjoints of varying values back: to other such values, to uniform ones, or to both.
    ///
    /// `wide` takes what uniform values gain; the weights and biases of affine maps go their own way.
    fn reverse<const W: usize>(&self, back: Back<'_, '_, F>, buffers: &mut Buffers<F>) {
        let Back { wrt, to, point, wide, mut weights } = back;
        let Buffers { values, adjoints, room, vectors } = buffers;
        let values = values.get();
        let blocks = self.blocks(values.len());
        let first_varying = self.schedule.first_varying as u32;
        let (varying, wide_of) = (adjoints.get_mut(), self.wide_of);
        let mut adjoints = Adjoints::<F, W> { first_varying, to, varying, wide_of, wide };
        for run in self.schedule.runs[self.schedule.varying_runs()].iter().rev() {
            let frame = self.frame(run, blocks);
            match run.step {
                Step::Apply(op, operands) => {
                    for which in 0..op.arity() {
                        let class = operands[which].class;
                        let reached = if class == Class::Uniform { to.uniform } else { to.varying };
                        if reached && wrt.wants(class) {
                            let (arch, uniform) = (self.arch, self.uniform());
                            let slots = self.slots(&operands, run.count as usize);
                            let adjoints = &mut adjoints;
                            op.visit(Gain { arch, slots, uniform, frame, values, which, adjoints });
                        }
                    }
                }
                Step::Reduce(_, _, class) if !wrt.wants(class) => {}
                Step::Reduce(reduction, first, _) => {
                    self.reduce_back(reduction, first, frame, values, &mut adjoints);
                }
                Step::Affine(affine, class) => {
                    if to.uniform {
                        let x = self.vector(&affine, values, room);
                        let (columns, adjoints) = (affine.x.len as usize, &*adjoints.varying);
                        let known = Known { frame, columns, x, values, adjoints };
                        self.weights_back(&affine, known, point, vectors, &mut weights);
                    }
                    // A vector that is not in line may hold uniform values, too.
                    let reached = to.varying || (to.uniform && !affine.in_line);
                    if reached && wrt.wants(class) {
                        self.vector_back(&affine, frame, &mut adjoints, room);
                    }
                }
            }
        }
    }

    fn reduce_back<const W: usize>(
        &self,
        reduction: Reduction,
        first: u32,
        frame: Frame,
        values: &[F],
        adjoints: &mut Adjoints<'_, F, W>,
    ) {
        let (lists, uniform) = (self.lists(first), self.uniform());
        match reduction {
            Reduction::Dot | Reduction::Chain => {
                let chain = reduction == Reduction::Chain;
                self.arch.dispatch(DotBack { chain, lists, uniform, frame, values, adjoints });
            }
            Reduction::Sum | Reduction::LogSumExp | Reduction::Norm => {
                self.arch.dispatch(FoldBack { reduction, lists, uniform, frame, values, adjoints });
            }
            Reduction::ChainRule => unreachable!("{SPECULATIVE}"),
        }
    }
}

/// The way through a schedule in lanes, and back.
///
/// The plain numbers implement it one by one, so that the kernels are compiled here, once, and not again in
/// every crate that evaluates a program.
pub trait ByLanes: Sized {
    /// See [`Machine::forward`].
    fn forward_by_lanes(machine: &Machine<'_, Self>, buffers: &mut Buffers<Self>) -> bool;

    /// See [`Machine::reverse`]; adjoints of uniform values are a cache line wide, or if `each` says so, as
    /// wide as the lanes.
    fn reverse_by_lanes(
        machine: &Machine<'_, Self>,
        back: Back<'_, '_, Self>,
        buffers: &mut Buffers<Self>,
        each: bool,
    );
}

/// What a way back is told.
pub struct Back<'a, 'p, F> {
    pub(super) wrt: Wrt,
    pub(super) to: To,
    /// The data of a point, counted from the first of the first block.
    pub(super) point: &'a dyn Fn(usize) -> &'p [F],
    pub(super) wide: &'a mut [F],
    pub(super) weights: Weights<'a, F>,
}

macro_rules! by_lanes {
    ($F:ty, $WIDE:expr) => {
        impl ByLanes for $F {
            fn forward_by_lanes(machine: &Machine<'_, Self>, buffers: &mut Buffers<Self>) -> bool {
                machine.forward(buffers)
            }

            fn reverse_by_lanes(
                machine: &Machine<'_, Self>,
                back: Back<'_, '_, Self>,
                buffers: &mut Buffers<Self>,
                each: bool,
            ) {
                if each || $WIDE == L {
                    machine.reverse::<L>(back, buffers);
                } else {
                    machine.reverse::<{ $WIDE }>(back, buffers);
                }
            }
        }
    };
}

by_lanes!(f32, wide::<f32>());
by_lanes!(f64, wide::<f64>());

/// The width of a uniform value's adjoint while a task is at work: a cache line.
pub(super) const fn wide<F>() -> usize {
    if size_of::<F>() == 8 { L / 2 } else { L }
}
