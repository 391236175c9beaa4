//! Evaluation at many points at once: each value is a row of [`L`] lanes, one for each point.
//!
//! What depends on parameters only was computed before, once, and is held as plain numbers. Their adjoints
//! are `W` numbers wide: the lanes are folded into them, and they into one at the end of a task, so that
//! they stay in cache even where parameters are many.
//!
//! Every run goes through a kernel (`kernels.rs`, `affine.rs`) in the instructions of the processor at hand.
//!
//! Nothing here tests for singular points. What they could spoil shows as a number that is not finite, or is
//! noticed by [`Machine::forward`]; the caller then takes the points one by one, with all care.

use super::affine;
use super::aligned::Aligned;
use super::elementary::TRIGONOMETRIC_RANGE;
use super::graph::{Affine, Reduction};
use super::kernels::{Adjoints, Apply, Dot, DotBack, Fold, FoldBack, Gain, Lists, Places, To};
use super::point::Wrt;
use super::schedule::{Access, Class, Operand, Schedule, Step};
use crate::Scalar;
use crate::rules::Op;
use std::ops::Range;

/// How many points go through together: two vectors of the widest registers in `f64`, one in `f32`.
pub(super) const L: usize = 16;

/// The memory of one task.
#[derive(Clone, Debug)]
pub struct Buffers<F> {
    /// Values that differ from point to point, lane by lane.
    pub(super) values: Aligned<F>,
    pub(super) adjoints: Aligned<F>,
    room: Aligned<F>,
    transposed: Vec<F>,
}

impl<F: Scalar> Default for Buffers<F> {
    fn default() -> Self {
        Self {
            values: Aligned::new(),
            adjoints: Aligned::new(),
            room: Aligned::new(),
            transposed: Vec::new(),
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
    /// Where the lanes of a varying value begin.
    pub(super) fn at(&self, slot: u32) -> usize {
        (slot as usize - self.schedule.first_varying) * L
    }

    pub(super) fn places<'a>(&'a self, values: &'a [F]) -> Places<'a, F> {
        Places { first_varying: self.schedule.first_varying as u32, uniform: self.uniform, values }
    }

    /// Computes all varying values from the data; says whether a result needs more care.
    fn forward(&self, buffers: &mut Buffers<F>) -> bool {
        let Buffers { values, room, .. } = buffers;
        let mut careful = false;
        for run in &self.schedule.runs[self.schedule.varying_runs()] {
            let (before, results) = values.get_mut().split_at_mut(self.at(run.first));
            let results = &mut results[..run.count as usize * L];
            match run.step {
                Step::Apply(op, operands) => careful |= self.apply(op, &operands, before, results),
                Step::Reduce(reduction, first, _) => {
                    careful |= self.reduce(reduction, first, before, results);
                }
                Step::Affine(affine, _) => {
                    let (x, [weights, bias]) = (self.vector(&affine, before, room), self.weights(&affine));
                    self.arch.dispatch(affine::Forward { weights, bias, x, z: results });
                }
            }
        }
        careful
    }

    fn apply(&self, op: Op, operands: &[Operand; 3], before: &[F], z: &mut [F]) -> bool {
        let (slots, places) = (self.slots(operands, z.len() / L), self.places(before));
        let careful = matches!(op, Op::Sin | Op::Cos) && {
            let range = F::nearest(TRIGONOMETRIC_RANGE);
            slots[0].iter().any(|&slot| places.lanes(slot).iter().any(|x| x.abs() > range))
        };
        op.visit(Apply { arch: self.arch, slots, places, z });
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

    fn reduce(&self, reduction: Reduction, first: u32, before: &[F], z: &mut [F]) -> bool {
        let lists = self.lists(first);
        let places = self.places(before);
        match reduction {
            Reduction::Dot | Reduction::Chain => {
                self.arch.dispatch(Dot { chain: reduction == Reduction::Chain, lists, places, z });
                false
            }
            _ => self.arch.dispatch(Fold { reduction, lists, places, z }),
        }
    }

    /// Carries the adjoints of varying values back: to other such values, to uniform ones, or to both.
    ///
    /// `data` are the points of the block, as they came; `wide` takes what uniform values gain; the weights and
    /// biases of affine maps go their own way.
    fn reverse<const W: usize>(
        &self,
        wrt: Wrt,
        to: To,
        data: &[&[F]; L],
        buffers: &mut Buffers<F>,
        wide: &mut [F],
        weights: &mut Weights<'_, F>,
    ) {
        let Buffers { values, adjoints, room, transposed } = buffers;
        let values = values.get();
        for run in self.schedule.runs[self.schedule.varying_runs()].iter().rev() {
            let (before, own) = adjoints.get_mut().split_at_mut(self.at(run.first));
            let own = &own[..run.count as usize * L];
            let z = &values[self.at(run.first)..][..own.len()];
            let first_varying = self.schedule.first_varying as u32;
            let mut adjoints = Adjoints::<F, W> {
                first_varying,
                to,
                varying: before,
                wide_of: self.wide_of,
                wide: &mut *wide,
            };
            match run.step {
                Step::Apply(op, operands) => {
                    for which in 0..op.arity() {
                        let class = operands[which].class;
                        let reached = if class == Class::Uniform { to.uniform } else { to.varying };
                        if reached && wrt.wants(class) {
                            let (arch, places) = (self.arch, self.places(values));
                            let slots = self.slots(&operands, run.count as usize);
                            op.visit(Gain { arch, slots, places, z, own, which, adjoints: &mut adjoints });
                        }
                    }
                }
                Step::Reduce(_, _, class) if !wrt.wants(class) => {}
                Step::Reduce(reduction, first, _) => {
                    self.reduce_back(reduction, first, values, z, own, &mut adjoints);
                }
                Step::Affine(affine, class) => {
                    if to.uniform {
                        let x = self.vector(&affine, values, room);
                        let points = self.points(&affine, x, data, transposed);
                        self.weights_back(&affine, own, x, points, weights);
                    }
                    // A vector that is not in line may hold uniform values, too.
                    let reached = to.varying || (to.uniform && !affine.in_line);
                    if reached && wrt.wants(class) {
                        self.vector_back(&affine, own, &mut adjoints, room);
                    }
                }
            }
        }
    }

    fn reduce_back<const W: usize>(
        &self,
        reduction: Reduction,
        first: u32,
        values: &[F],
        z: &[F],
        own: &[F],
        adjoints: &mut Adjoints<'_, F, W>,
    ) {
        let lists = self.lists(first);
        let places = self.places(values);
        match reduction {
            Reduction::Dot | Reduction::Chain => {
                let chain = reduction == Reduction::Chain;
                self.arch.dispatch(DotBack { chain, lists, places, own, adjoints });
            }
            _ => self.arch.dispatch(FoldBack { reduction, lists, places, z, own, adjoints }),
        }
    }

    /// The vectors of an affine map, one for each point, given the same in lanes.
    fn points<'a>(
        &self,
        affine: &Affine,
        x: &[F],
        data: &[&'a [F]; L],
        transposed: &'a mut Vec<F>,
    ) -> [&'a [F]; L] {
        let columns = affine.x.len as usize;
        let first = self.first_row(affine).filter(|first| first + columns <= data[0].len());
        if let Some(first) = first {
            return data.map(|point| &point[first..first + columns]);
        }
        affine::transpose(x, transposed);
        std::array::from_fn(|lane| &transposed[lane * columns..(lane + 1) * columns])
    }

    /// Adds what the weights and biases of an affine map gain.
    fn weights_back(&self, affine: &Affine, own: &[F], x: &[F], points: [&[F]; L], to: &mut Weights<'_, F>) {
        let columns = affine.x.len as usize;
        let (first, first_bias) = (affine.weights as usize, affine.bias as usize);
        let own_rows = own.as_chunks::<L>().0;
        match to {
            Weights::Sum { sums, fresh } => {
                let fresh = *fresh && affine.alone;
                for (bias, own) in sums[first_bias..].iter_mut().zip(own_rows) {
                    *bias = if fresh { affine::total(own) } else { *bias + affine::total(own) };
                }
                let weights = &mut sums[first..][..affine.rows as usize * columns];
                self.arch.dispatch(affine::WeightsBack { own, x, points, weights, fresh });
            }
            Weights::Norms(squares) => {
                for (lane, square) in squares.iter_mut().enumerate() {
                    let of_x = x.as_chunks::<L>().0.iter().fold(F::one(), |sum, x| sum + x[lane] * x[lane]);
                    *square += of_x * own_rows.iter().fold(F::zero(), |sum, own| sum + own[lane] * own[lane]);
                }
            }
            Weights::Rows { rows, stride, skip } => {
                for (lane, (gradient, x)) in rows.chunks_mut(*stride).zip(points).enumerate() {
                    for (r, own) in own_rows.iter().enumerate() {
                        gradient[first_bias - *skip + r] += own[lane];
                        let weights = &mut gradient[first - *skip + r * columns..][..columns];
                        for (weight, &x) in weights.iter_mut().zip(x) {
                            *weight += own[lane] * x;
                        }
                    }
                }
            }
        }
    }

    /// Adds what the vector of an affine map gains.
    fn vector_back<const W: usize>(
        &self,
        affine: &Affine,
        own: &[F],
        adjoints: &mut Adjoints<'_, F, W>,
        room: &mut Aligned<F>,
    ) {
        let columns = affine.x.len as usize;
        let [weights, _] = self.weights(affine);
        let slots = &self.schedule.operands[affine.x.range()];
        if let Some(first) = self.first_row(affine) {
            let gain = &mut adjoints.varying[first * L..(first + columns) * L];
            return self.arch.dispatch(affine::VectorBack { weights, own, gain });
        }
        self.arch.dispatch(affine::VectorBack { weights, own, gain: room.zeros(columns * L) });
        for (&slot, gain) in slots.iter().zip(room.get().as_chunks::<L>().0) {
            adjoints.add_lanes(slot, gain);
        }
    }

    /// The weights and the biases of an affine map.
    fn weights(&self, affine: &Affine) -> [&[F]; 2] {
        let own = |slots: Range<u32>| {
            let first = slots.start as usize - self.schedule.constants;
            &self.parameters[first..first + slots.len()]
        };
        let [weights, bias] = affine.parameters();
        [own(weights), own(bias)]
    }

    /// The place of an affine map's first component among varying values, if the others follow.
    fn first_row(&self, affine: &Affine) -> Option<usize> {
        let first = *self.schedule.operands[affine.x.range()].first().filter(|_| affine.in_line)?;
        Some(first as usize - self.schedule.first_varying)
    }

    /// The vector of an affine map, a row of lanes for each component.
    fn vector<'a>(&self, affine: &Affine, values: &'a [F], room: &'a mut Aligned<F>) -> &'a [F] {
        let slots = &self.schedule.operands[affine.x.range()];
        if let Some(first) = self.first_row(affine) {
            return &values[first * L..(first + slots.len()) * L];
        }
        room.resize(slots.len() * L);
        let places = self.places(values);
        for (row, &slot) in room.get_mut().as_chunks_mut::<L>().0.iter_mut().zip(slots) {
            *row = places.lanes(slot);
        }
        room.get()
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
pub struct Back<'a, 'w, F> {
    pub(super) wrt: Wrt,
    pub(super) to: To,
    pub(super) data: &'a [&'a [F]; L],
    pub(super) wide: &'a mut [F],
    pub(super) weights: &'a mut Weights<'w, F>,
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
                let Back { wrt, to, data, wide, weights } = back;
                if each || $WIDE == L {
                    machine.reverse::<L>(wrt, to, data, buffers, wide, weights);
                } else {
                    machine.reverse::<{ $WIDE }>(wrt, to, data, buffers, wide, weights);
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

/// Where the gains of the weights and biases of affine maps go.
pub(super) enum Weights<'a, F> {
    /// Summed over the points, by slot.
    Sum {
        /// The sums so far.
        sums: &'a mut [F],
        /// Whether there are no sums yet of what one affine map alone reads.
        fresh: bool,
    },
    /// Only their squares are wanted, for each lane: ‖δ xᵀ‖² is ‖δ‖² ‖x‖². Good where no parameter gains
    /// from elsewhere, too.
    Norms(&'a mut [F; L]),
    /// To each point's own gradient, in which the first parameter, of slot `skip`, comes first.
    Rows {
        /// One gradient after the other, one for each lane.
        rows: &'a mut [F],
        /// How far it is from the begin of one to that of the next.
        stride: usize,
        /// The slot of the first parameter.
        skip: usize,
    },
}
