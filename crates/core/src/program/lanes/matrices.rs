//! Affine maps of a schedule, over blocks of lanes: the places of their vectors, and of their adjoints.

use crate::ProgramScalar;
use crate::program::lanes::affine::{
    Forward, Known, Squares, Vector, VectorAdjoints, VectorBack, WeightsBack, few,
};
use crate::program::lanes::interpreter::Interpreter;
use crate::program::lanes::kernels::{Adjoints, Frame};
use crate::program::plan::schedule::PlannedAffine;
use crate::program::simd::aligned::Aligned;
use crate::program::simd::transpose::FromLanes;
use crate::program::simd::{L, MOST_BLOCKS};
use std::ops::Range;

/// Memory for the vectors of affine maps, a slice for each point.
#[derive(Clone, Debug)]
pub(in crate::program) struct Vectors<F> {
    pub(in crate::program) transposed: Vec<F>,
    pub(in crate::program) strip: Aligned<F>,
}

/// Where the adjoints of the weights and biases of affine maps go.
pub(in crate::program) enum Weights<'a, F> {
    /// Summed over the points, by slot.
    Sum {
        /// The sums so far.
        sums: &'a mut [F],
        /// Whether the sums for what only one affine map reads are still unset.
        fresh: bool,
        /// The sums for the adjoints of factors of groups.
        panels: &'a mut [F],
    },
    /// Only their squares are needed, for each lane of each block: ‖δ xᵀ‖² is ‖δ‖² ‖x‖². This is valid only if no
    /// parameter has contributions from elsewhere.
    Norms(&'a mut [[F; L]]),
    /// To the gradient of each point, which starts with the first parameter, of slot `skip`. The points are those of
    /// one block.
    Rows {
        /// One gradient after the other, one for each lane.
        rows: &'a mut [F],
        /// The distance from the start of one to the start of the next.
        stride: usize,
        /// The slot of the first parameter.
        skip: usize,
    },
}

impl<F: ProgramScalar> Interpreter<'_, F> {
    /// Writes the results of an affine map.
    pub(in crate::program) fn affine(
        &self,
        affine: &PlannedAffine,
        frame: Frame,
        values: &mut [F],
        scratch: &mut Aligned<F>,
    ) {
        let (x, [weights, bias]) = (self.vector(affine, values, scratch), self.weights(affine));
        let columns = affine.x.len as usize;
        self.arch.dispatch(Forward { weights, bias, columns, x, frame, values });
    }

    /// Adds to the adjoints of the weights and biases of an affine map. `point` gives the data of a point, counted
    /// from the first point of the first block.
    pub(in crate::program) fn weights_back<'a, 'p: 'a>(
        &self,
        affine: &PlannedAffine,
        known: Known<'a, F>,
        point: &dyn Fn(usize) -> &'p [F],
        vectors: &'a mut Vectors<F>,
        to: &mut Weights<'_, F>,
    ) {
        let (first, first_bias) = (affine.weights as usize, affine.bias as usize);
        let Vectors { transposed, strip: scratch } = vectors;
        match to {
            Weights::Sum { sums, fresh, .. } => {
                let points = &if few(affine.rows as usize) {
                    [&[][..]; L * MOST_BLOCKS]
                } else {
                    self.points(affine, known, point, transposed)
                };
                let (fresh, places) = (*fresh && affine.exclusive, [first, first_bias]);
                self.arch.dispatch(WeightsBack { known, points, scratch, sums, places, fresh });
            }
            Weights::Norms(squares) => self.arch.dispatch(Squares { known, squares }),
            Weights::Rows { rows, stride, skip } => {
                let points = self.points(affine, known, point, transposed);
                for (lane, (gradient, x)) in rows.chunks_mut(*stride).zip(points).enumerate() {
                    for (r, own) in known.own(0).iter().enumerate() {
                        gradient[first_bias - *skip + r] += own[lane];
                        let weights = &mut gradient[first - *skip + r * known.columns..][..known.columns];
                        for (weight, &x) in weights.iter_mut().zip(x) {
                            *weight += own[lane] * x;
                        }
                    }
                }
            }
        }
    }

    /// The vectors of an affine map, one for each point.
    fn points<'a, 'p: 'a>(
        &self,
        affine: &PlannedAffine,
        known: Known<'a, F>,
        point: &dyn Fn(usize) -> &'p [F],
        transposed: &'a mut Vec<F>,
    ) -> [&'a [F]; L * MOST_BLOCKS] {
        let (columns, count) = (known.columns, known.blocks() * L);
        let mut points: [&[F]; L * MOST_BLOCKS] = [&[]; L * MOST_BLOCKS];
        let in_data = |first: &usize| first + columns <= point(0).len();
        if let Some(first) = self.first_row(affine).filter(in_data) {
            for (index, x) in points[..count].iter_mut().enumerate() {
                *x = &point(index)[first..first + columns];
            }
            return points;
        }
        transposed.resize(count * columns, F::zero());
        for (block, vectors) in transposed.chunks_exact_mut((L * columns).max(1)).enumerate() {
            self.arch.dispatch(FromLanes { rows: known.x(block), vectors, stride: columns });
        }
        for (x, row) in points.iter_mut().zip(transposed.chunks_exact(columns.max(1))) {
            *x = row;
        }
        points
    }

    /// Adds to the adjoint of the vector of an affine map.
    pub(in crate::program) fn vector_back<const W: usize>(
        &self,
        affine: &PlannedAffine,
        frame: Frame,
        to: &mut Adjoints<'_, F, W>,
        scratch: &mut Aligned<F>,
    ) {
        let columns = affine.x.len as usize;
        let [weights, _] = self.weights(affine);
        let adjoints = &mut *to.varying;
        if let Some(first) = self.first_row(affine) {
            let gain = VectorAdjoints::Contiguous(first * L);
            return self.arch.dispatch(VectorBack { weights, columns, adjoints, frame, gain });
        }
        let gain = VectorAdjoints::Apart(scratch.zeros(frame.blocks * columns * L));
        self.arch.dispatch(VectorBack { weights, columns, adjoints, frame, gain });
        let slots = &self.schedule.operands[affine.x.range()];
        for (block, gain) in scratch.get().as_chunks::<L>().0.chunks_exact(columns.max(1)).enumerate() {
            let (mut adjoints, _) = to.block(block, &frame);
            for (&slot, &gain) in slots.iter().zip(gain) {
                adjoints.add_lanes(slot, gain);
            }
        }
    }

    /// The weights and the biases of an affine map.
    pub(in crate::program) fn weights(&self, affine: &PlannedAffine) -> [&[F]; 2] {
        let own = |slots: Range<u32>| {
            let first = slots.start as usize - self.schedule.constants;
            &self.parameters[first..first + slots.len()]
        };
        let [weights, bias] = affine.parameters();
        [own(weights), own(bias)]
    }

    /// The place of the first component of an affine map's vector among varying values, if the others follow it.
    fn first_row(&self, affine: &PlannedAffine) -> Option<usize> {
        let first = *self.schedule.operands[affine.x.range()].first().filter(|_| affine.contiguous)?;
        Some(first as usize - self.schedule.first_varying)
    }

    /// The vector of an affine map, gathered if its components are not consecutive.
    pub(in crate::program) fn vector<'a>(
        &self,
        affine: &PlannedAffine,
        values: &[F],
        scratch: &'a mut Aligned<F>,
    ) -> Vector<'a, F> {
        if let Some(first) = self.first_row(affine) {
            return Vector::Contiguous(first * L);
        }
        let slots = &self.schedule.operands[affine.x.range()];
        scratch.resize(values.len() / self.stride() * slots.len() * L);
        let rows = scratch.get_mut().as_chunks_mut::<L>().0;
        for (block, rows) in values.chunks_exact(self.stride()).zip(rows.chunks_exact_mut(slots.len().max(1)))
        {
            for (row, &slot) in rows.iter_mut().zip(slots) {
                *row = self.lanes(block, slot);
            }
        }
        Vector::Gathered(scratch.get())
    }
}
