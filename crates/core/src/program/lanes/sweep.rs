//! Evaluation at many points at once: each value is a row of [`L`] lanes, one for each point.
//!
//! The rows of all varying values at [`L`] points are a block. A few blocks are computed together, run by run, so
//! that a kernel is called once for all of them, and a matrix is read once.
//!
//! Values that depend on parameters only were computed before, once, and are stored as plain numbers. Their adjoints
//! are `W` numbers wide: the lanes are folded to this width, and then to one number at the end of a task, so that the
//! adjoints stay in cache even if there are many parameters.
//!
//! Every run is computed by a kernel (`kernels.rs`, `products.rs`, `affine.rs`) with the instructions of the
//! processor.
//!
//! Nothing here tests for singular points. Whatever they could spoil appears as a number that is not finite, or is
//! detected by [`Interpreter::forward`]; the caller then evaluates the points one by one, with all care.

use super::interpreter::{Interpreter, accumulator_width};
use super::matrices::Vectors;
use crate::ProgramScalar;
use crate::program::ir::graph::Reduction;
use crate::program::lanes::affine::Known;
use crate::program::lanes::kernels::{Adjoints, Apply, ApplyBack, Dot, DotBack, Fold, FoldBack, Frame, To};
use crate::program::lanes::matrices::Weights;
use crate::program::plan::Wrt;
use crate::program::plan::schedule::{Class, Operand, Step};
use crate::program::simd::L;
use crate::program::simd::aligned::Aligned;
use crate::program::simd::elementary::TRIGONOMETRIC_RANGE;
use crate::rules::Op;

/// These never reach lanes; see [`speculate`](crate::program::transform::speculate).
pub(in crate::program) const SPECULATIVE: &str = "a chain rule is speculated on as products";

/// The memory of one task.
#[derive(Clone, Debug)]
pub struct LaneBuffers<F> {
    /// Values that differ from point to point, lane by lane, block after block.
    pub(in crate::program) values: Aligned<F>,
    pub(in crate::program) adjoints: Aligned<F>,
    pub(in crate::program) scratch: Aligned<F>,
    pub(in crate::program) vectors: Vectors<F>,
}

impl<F: ProgramScalar> Default for LaneBuffers<F> {
    fn default() -> Self {
        Self {
            values: Aligned::new(),
            adjoints: Aligned::new(),
            scratch: Aligned::new(),
            vectors: Vectors { transposed: Vec::new(), strip: Aligned::new() },
        }
    }
}

impl<F: ProgramScalar> Interpreter<'_, F> {
    /// Computes all varying values of all blocks from the data; returns whether a result needs more care.
    fn forward(&self, buffers: &mut LaneBuffers<F>) -> bool {
        let LaneBuffers { values, scratch, .. } = buffers;
        let values = values.get_mut();
        let blocks = self.blocks(values.len());
        let mut unreliable = false;
        for run in &self.schedule.runs[self.schedule.varying_runs()] {
            let frame = self.frame(run, blocks);
            if self.goes_lane_by_lane(run) {
                match run.step {
                    Step::Apply(op, operands) => {
                        let slots = self.slots(&operands, run.count as usize);
                        unreliable |= self.leaves_range(op, slots[0], frame, values);
                        self.apply_exactly(op, slots[0], frame, values);
                    }
                    Step::Reduce(reduction, first, ..) => {
                        self.reduce_exactly(reduction, first, frame, values);
                    }
                    Step::Affine(affine, _) => self.affine_exactly(&affine, frame, values),
                    Step::Products(..) => unreachable!("groups have no guard depend on them"),
                }
                continue;
            }
            match run.step {
                Step::Apply(op, operands) => unreliable |= self.apply(op, &operands, frame, values),
                Step::Reduce(reduction, first, ..) => {
                    unreliable |= self.reduce(reduction, first, frame, values);
                }
                Step::Products(products, _) => self.products(&products, frame, values, scratch),
                Step::Affine(affine, _) => self.affine(&affine, frame, values, scratch),
            }
        }
        unreliable
    }

    fn apply(&self, op: Op, operands: &[Operand; 3], frame: Frame, values: &mut [F]) -> bool {
        let slots = self.slots(operands, frame.len / L);
        let unreliable = self.leaves_range(op, slots[0], frame, values);
        op.visit(Apply { arch: self.arch, slots, uniform: self.uniform(), frame, values });
        unreliable
    }

    /// Whether an angle is too large for the sines and cosines of lanes. Values that guards depend on are exact, but
    /// their derivatives are those of lanes.
    fn leaves_range(&self, op: Op, angles: &[u32], frame: Frame, values: &mut [F]) -> bool {
        if !matches!(op, Op::Sin | Op::Cos) {
            return false;
        }
        let range = F::nearest(TRIGONOMETRIC_RANGE);
        let outside = |block: &[F], slot| self.lanes(block, slot).iter().any(|x| x.abs() > range);
        (0..frame.blocks).any(|index| {
            let block = frame.block(index, values);
            angles.iter().any(|&slot| outside(block, slot))
        })
    }

    fn reduce(&self, reduction: Reduction, first: u32, frame: Frame, values: &mut [F]) -> bool {
        let (lists, uniform) = (self.lists(first), self.uniform());
        match reduction {
            Reduction::Dot | Reduction::MultiplyAddChain => {
                let chain = reduction == Reduction::MultiplyAddChain;
                self.arch.dispatch(Dot { chain, lists, uniform, frame, values });
                false
            }
            Reduction::Sum | Reduction::LogSumExp | Reduction::Norm => {
                self.arch.dispatch(Fold { reduction, lists, uniform, frame, values })
            }
            Reduction::ChainRule => unreachable!("{SPECULATIVE}"),
        }
    }

    /// Propagates the adjoints of varying values: to other varying values, to uniform values, or to both.
    ///
    /// `accumulators` receives the adjoints of uniform values; those of the weights and biases of affine maps are
    /// stored separately.
    fn reverse<const W: usize>(&self, back: Back<'_, '_, F>, buffers: &mut LaneBuffers<F>) {
        let Back { wrt, to, point, accumulators, mut weights } = back;
        let LaneBuffers { values, adjoints, scratch, vectors } = buffers;
        let values = values.get();
        let blocks = self.blocks(values.len());
        let first_varying = self.schedule.first_varying as u32;
        let accumulator_of = match weights {
            Weights::Sum { .. } => self.accumulator_of,
            Weights::Norms(_) | Weights::Rows { .. } => self.lane_accumulator_of,
        };
        let varying = adjoints.get_mut();
        let mut adjoints = Adjoints::<F, W> { first_varying, to, varying, accumulator_of, accumulators };
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
                            op.visit(ApplyBack { arch, slots, uniform, frame, values, which, adjoints });
                        }
                    }
                }
                Step::Reduce(_, _, [class, _]) if !wrt.wants(class) => {}
                Step::Reduce(reduction, first, [_, varying]) => {
                    // The adjoints of data terms may not be needed.
                    adjoints.to.varying = to.varying && wrt.wants(varying);
                    self.reduce_back(reduction, first, frame, values, &mut adjoints);
                    adjoints.to = to;
                }
                Step::Products(_, class) if !wrt.wants(class) => {}
                Step::Products(products, _) => {
                    self.products_back(&products, wrt, frame, values, &mut adjoints, &mut weights, scratch);
                }
                Step::Affine(affine, class) => {
                    if to.uniform {
                        let x = self.vector(&affine, values, scratch);
                        let (columns, adjoints) = (affine.x.len as usize, &*adjoints.varying);
                        let known = Known { frame, columns, x, values, adjoints };
                        self.weights_back(&affine, known, point, vectors, &mut weights);
                    }
                    // A vector whose components are not consecutive may also contain uniform values.
                    let reached = to.varying || (to.uniform && !affine.contiguous);
                    if reached && wrt.wants(class) {
                        self.vector_back(&affine, frame, &mut adjoints, scratch);
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
            Reduction::Dot | Reduction::MultiplyAddChain => {
                let chain = reduction == Reduction::MultiplyAddChain;
                self.arch.dispatch(DotBack { chain, lists, uniform, frame, values, adjoints });
            }
            Reduction::Sum | Reduction::LogSumExp | Reduction::Norm => {
                self.arch.dispatch(FoldBack { reduction, lists, uniform, frame, values, adjoints });
            }
            Reduction::ChainRule => unreachable!("{SPECULATIVE}"),
        }
    }
}

/// A forward pass through a schedule in lanes, and the sweep back.
///
/// The plain numbers implement it one by one, so that the kernels are compiled here, once, and not again in every
/// crate that evaluates a program.
pub trait ByLanes: Sized {
    /// See [`Interpreter::forward`].
    fn forward_by_lanes(interpreter: &Interpreter<'_, Self>, buffers: &mut LaneBuffers<Self>) -> bool;

    /// See [`Interpreter::reverse`]; adjoints of uniform values are a cache line wide, or as wide as the lanes if
    /// `each` is set.
    fn reverse_by_lanes(
        interpreter: &Interpreter<'_, Self>,
        back: Back<'_, '_, Self>,
        buffers: &mut LaneBuffers<Self>,
        each: bool,
    );
}

/// The options of a sweep.
pub struct Back<'a, 'p, F> {
    pub(in crate::program) wrt: Wrt,
    pub(in crate::program) to: To,
    /// The data of a point, counted from the first point of the first block.
    pub(in crate::program) point: &'a dyn Fn(usize) -> &'p [F],
    pub(in crate::program) accumulators: &'a mut [F],
    pub(in crate::program) weights: Weights<'a, F>,
}

macro_rules! by_lanes {
    ($F:ty, $WIDE:expr) => {
        impl ByLanes for $F {
            fn forward_by_lanes(
                interpreter: &Interpreter<'_, Self>,
                buffers: &mut LaneBuffers<Self>,
            ) -> bool {
                interpreter.forward(buffers)
            }

            fn reverse_by_lanes(
                interpreter: &Interpreter<'_, Self>,
                back: Back<'_, '_, Self>,
                buffers: &mut LaneBuffers<Self>,
                each: bool,
            ) {
                if each || $WIDE == L {
                    interpreter.reverse::<L>(back, buffers);
                } else {
                    interpreter.reverse::<{ $WIDE }>(back, buffers);
                }
            }
        }
    };
}

by_lanes!(f32, accumulator_width::<f32>());
by_lanes!(f64, accumulator_width::<f64>());
