//! The outputs and the derivatives of each point of a task, in lanes.

use crate::program::batch::points::Points;
use crate::program::batch::task::{Job, Task};
use crate::program::lanes::kernels::{AllFinite, To};
use crate::program::lanes::matrices::Weights;
use crate::program::lanes::sweep::Back;
use crate::program::lanes::uniform;
use crate::program::plan::Wrt;
use crate::program::simd::transpose::FromLanes;
use crate::program::simd::{L, MOST_BLOCKS};
use crate::{Error, ProgramScalar};
use std::ops::Range;

/// How many outputs are transposed from lanes to rows at a time.
const OUTPUTS: usize = 8;

impl<F: ProgramScalar, P: Points<F> + ?Sized> Job<'_, F, P> {
    /// The outputs of some points and, if requested, the Jacobian of each.
    pub(in crate::program) fn jacobians(
        &self,
        task: &mut Task<F>,
        range: Range<usize>,
        derive: bool,
    ) -> Result<(), Error> {
        if !self.jacobians_by_lanes(task, range.clone(), derive)? {
            self.jacobians_by_points(task, range, derive)?;
        }
        Ok(())
    }

    fn jacobians_by_lanes(
        &self,
        task: &mut Task<F>,
        range: Range<usize>,
        derive: bool,
    ) -> Result<bool, Error> {
        let (program, plan) = (self.program, self.plan);
        task.reset();
        if derive && plan.outputs.iter().any(|&slot| self.is_uniform(slot)) {
            return Ok(false);
        }
        let (outputs, width) = (program.outputs(), program.width(self.wrt));
        // With respect to parameters, the derivatives of single points are computed in lanes of one block.
        let together = if derive && self.wrt.parameters(program) > 0 { L } else { self.together() };
        for start in range.clone().step_by(together) {
            let points = start..range.end.min(start + together);
            if !self.evaluate(task, points.clone())? {
                return Ok(false);
            }
            self.push_outputs(task, points.len());
            if !derive {
                continue;
            }
            let (lanes, stride) = (points.len(), outputs * width);
            let mut rows = std::mem::take(&mut task.rows);
            let first = rows.len();
            rows.resize(first + lanes.next_multiple_of(L) * stride, F::zero());
            for (index, &slot) in plan.outputs.iter().enumerate() {
                self.seed(task, slot, &[[F::one(); L]; MOST_BLOCKS]);
                let of_output = &mut rows[first + index * width..];
                self.write_gradients(task, self.wrt, points.clone(), of_output, stride);
            }
            rows.truncate(first + lanes * stride);
            task.rows = rows;
        }
        let all_finite = |numbers: &[F]| self.interpreter.arch.dispatch(AllFinite(numbers));
        Ok(all_finite(&task.values) && all_finite(&task.rows))
    }

    /// Appends the outputs of the given points, a row for each.
    fn push_outputs(&self, task: &mut Task<F>, count: usize) {
        let outputs = &self.plan.outputs;
        let (first, width) = (task.values.len(), outputs.len());
        task.values.resize(first + count.next_multiple_of(L) * width, F::zero());
        for block in 0..count.div_ceil(L) {
            if let &[slot] = &outputs[..] {
                let row = self.lanes(task, block, slot);
                task.values[first + block * L..][..L].copy_from_slice(&row);
                continue;
            }
            for (group, slots) in outputs.chunks(OUTPUTS).enumerate() {
                let mut rows = [[F::zero(); L]; OUTPUTS];
                rows.iter_mut().zip(slots).for_each(|(row, &slot)| *row = self.lanes(task, block, slot));
                let vectors = &mut task.values[first + block * L * width + group * OUTPUTS..];
                let rows = &rows[..slots.len()];
                self.interpreter.arch.dispatch(FromLanes { rows, vectors, stride: width });
            }
        }
        task.values.truncate(first + count * width);
    }

    /// Writes the gradient of each point into memory that holds zeros, after its adjoints were seeded: parameters,
    /// then data. Each gradient starts at a fixed distance from the one before. The points are those of one block,
    /// unless only data are requested.
    pub(in crate::program) fn write_gradients(
        &self,
        task: &mut Task<F>,
        wrt: Wrt,
        points: Range<usize>,
        rows: &mut [F],
        stride: usize,
    ) {
        let (program, plan) = (self.program, self.plan);
        let (parameters, stride) = (wrt.parameters(program), stride.max(1));
        let blocks = points.len().div_ceil(L);
        let accumulators = task.lane_accumulators.zeros((plan.accumulated.slots.len() + 1) * L);
        let to = To { varying: true, uniform: parameters > 0 };
        let weights = Weights::Rows { rows: &mut *rows, stride, skip: plan.schedule.constants };
        let point = &|index| self.data(&points, index);
        let back = Back { wrt, to, point, accumulators, weights };
        F::reverse_by_lanes(&self.interpreter, back, &mut task.lanes, true);
        if parameters > 0 {
            debug_assert_eq!(blocks, 1, "parameters have one adjoint for each lane");
            self.add_uniform_gradients(task, rows.chunks_mut(stride).map(|row| &mut row[..parameters]));
        }
        let wanted = wrt.data(program) * L;
        for block in 0..if wanted > 0 { blocks } else { 0 } {
            let adjoints = &task.lanes.adjoints.get()[block * self.interpreter.stride()..][..wanted];
            let vectors = &mut rows[block * L * stride + parameters..];
            self.interpreter.arch.dispatch(FromLanes { rows: adjoints.as_chunks().0, vectors, stride });
        }
    }

    /// Adds to the gradient of each lane the adjoints of uniform values in that lane.
    fn add_uniform_gradients<'a>(&self, task: &mut Task<F>, gradients: impl Iterator<Item = &'a mut [F]>)
    where
        F: 'a,
    {
        let (plan, schedule) = (self.plan, &self.plan.schedule);
        let Task { lane_accumulators, uniform, scratch, .. } = task;
        let accumulators = lane_accumulators.get().as_chunks::<L>().0;
        for (lane, gradient) in gradients.enumerate() {
            uniform.clear();
            uniform.resize(schedule.first_varying, F::zero());
            for (&slot, accumulator) in plan.accumulated.slots.iter().zip(accumulators) {
                uniform[slot as usize] = accumulator[lane];
            }
            let runs = schedule.uniform_runs();
            uniform::reverse::<F, false>(
                schedule,
                runs,
                Wrt::Both,
                self.interpreter.uniform,
                uniform,
                scratch,
            );
            for (derivative, &gain) in gradient.iter_mut().zip(&uniform[schedule.constants..]) {
                *derivative += gain;
            }
        }
    }
}
