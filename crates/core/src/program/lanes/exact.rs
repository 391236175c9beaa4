//! Lanes with the bits of single points, for values on which guards depend.
//!
//! A product and a sum rounded once instead of twice, or an elementary function with an error of two units in the last
//! place, could change the outcome of a comparison. So a value on which a guard depends is computed as at a single
//! point, lane by lane. Other operations have the same bits in lanes anyway.

use crate::ProgramScalar;
use crate::program::ir::graph::Reduction;
use crate::program::ir::walk::reduce;
use crate::program::lanes::interpreter::Interpreter;
use crate::program::lanes::kernels::{Frame, Lists, UniformValues};
use crate::program::lanes::uniform;
use crate::program::plan::schedule::{PlannedAffine, Run, Step};
use crate::program::simd::L;
use crate::program::simd::fast::is_approximate;
use crate::rules::Op;
use pulp::{Simd, WithSimd};

impl<F: ProgramScalar> Interpreter<'_, F> {
    /// Whether a run must be computed lane by lane.
    pub(in crate::program) fn goes_lane_by_lane(&self, run: &Run) -> bool {
        run.exact
            && match run.step {
                Step::Apply(op, _) => is_approximate(op),
                // Sums are added in one order, in lanes or not.
                Step::Reduce(reduction, ..) => reduction != Reduction::Sum,
                Step::Affine(..) | Step::Products(..) => true,
            }
    }

    /// Computes the operations of a run that have one operand each.
    pub(in crate::program) fn apply_exactly(&self, op: Op, slots: &[u32], frame: Frame, values: &mut [F]) {
        for block in 0..frame.blocks {
            let (before, results) = frame.split(block, values);
            for (z, &slot) in results.as_chunks_mut::<L>().0.iter_mut().zip(slots) {
                let x = self.uniform().and(before).lanes(slot);
                op.visit(uniform::Forward { x: [&x, &[], &[]], z });
            }
        }
    }

    /// Computes reductions, given the first of their lists.
    pub(in crate::program) fn reduce_exactly(
        &self,
        reduction: Reduction,
        first: u32,
        frame: Frame,
        values: &mut [F],
    ) {
        let terms = &self.schedule.terms[first as usize..];
        if reduction == Reduction::Dot {
            let (lists, uniform) = (self.lists(first), self.uniform());
            return self.arch.dispatch(DotsExactly { lists, uniform, frame, values });
        }
        each_lane(self.uniform(), frame, values, |index, value| {
            reduce(reduction, self.schedule.list(terms[index].list).map(value))
        });
    }

    /// Computes the rows of an affine map.
    pub(in crate::program) fn affine_exactly(&self, affine: &PlannedAffine, frame: Frame, values: &mut [F]) {
        let [weights, bias] = self.weights(affine);
        let columns = affine.x.len as usize;
        each_lane(self.uniform(), frame, values, |row, value| {
            let x = self.schedule.list(affine.x).map(value);
            let weights = &weights[row * columns..(row + 1) * columns];
            F::dot_pairs(weights.iter().copied().zip(x), Some(bias[row]))
        });
    }
}

/// Computes dot products, one term of all lanes after the other: in each lane the order is that of a single point.
struct DotsExactly<'a, F> {
    lists: Lists<'a>,
    uniform: UniformValues<'a, F>,
    frame: Frame,
    /// All blocks.
    values: &'a mut [F],
}

impl<F: ProgramScalar> WithSimd for DotsExactly<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { lists, uniform, frame, values } = self;
        for block in 0..frame.blocks {
            let (before, results) = frame.split(block, values);
            let places = uniform.and(before);
            for (index, z) in results.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                // The value of an empty sum.
                let mut sum = [std::iter::empty::<F>().sum(); L];
                for &[a, b] in lists.slots(index).as_chunks().0 {
                    let (a, b) = (places.lanes(a), places.lanes(b));
                    for lane in 0..L {
                        sum[lane] += a[lane] * b[lane];
                    }
                }
                *z = sum;
            }
        }
    }
}

/// Computes the results of a run one by one, by a function of the number in the run and the value of each slot.
fn each_lane<F: ProgramScalar>(
    uniform: UniformValues<'_, F>,
    frame: Frame,
    values: &mut [F],
    result: impl Fn(usize, &dyn Fn(usize) -> F) -> F,
) {
    for block in 0..frame.blocks {
        let (before, results) = frame.split(block, values);
        let places = uniform.and(before);
        for (index, z) in results.as_chunks_mut::<L>().0.iter_mut().enumerate() {
            for (lane, z) in z.iter_mut().enumerate() {
                *z = result(index, &|slot| places.lane(slot as u32, lane));
            }
        }
    }
}
