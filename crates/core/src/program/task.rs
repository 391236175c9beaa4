//! A task: the points of a batch that one thread takes, in blocks of lanes.
//!
//! A block that shows a singular point, or a number that is not finite, is no block for lanes: the task then
//! takes all its points again, one by one, by the rules of single points. So it does if the sum of all tasks
//! turns out not to be finite, and this task's part is not.

use super::aligned::Aligned;
use super::kernels::{AllFinite, To};
use super::lanes::{self, Back, L, Machine, Weights, wide};
use super::point::{self, Wrt};
use super::points::Points;
use super::sums::{Sums, clip_factor};
use super::{Program, workspace};
use crate::{Error, Scalar};
use std::ops::Range;

/// What is asked of the points.
pub(super) struct Job<'a, F, P: ?Sized> {
    pub(super) program: &'a Program<F>,
    pub(super) machine: Machine<'a, F>,
    pub(super) points: &'a P,
    pub(super) sums: &'a Sums<'a, F>,
    pub(super) wrt: Wrt,
}

/// The memory of a task, and its results.
#[derive(Clone, Debug)]
pub(super) struct Task<F: Scalar> {
    lanes: lanes::Buffers<F>,
    pub(super) point: workspace::Buffers<F>,
    /// The adjoints of uniform values, a cache line each.
    wide: Aligned<F>,
    /// The same for each lane, for gradients of single points.
    wide_lanes: Aligned<F>,
    /// The adjoints of uniform values, summed over the task's points.
    pub(super) adjoints: Vec<F>,
    /// The weighted sum of the outputs.
    pub(super) value: F,
    pub(super) clipped: usize,
    /// For each point: the outputs, the norm of its gradient, the gradients asked for.
    pub(super) values: Vec<F>,
    pub(super) norms: Vec<F>,
    pub(super) rows: Vec<F>,
}

impl<F: Scalar> Default for Task<F> {
    fn default() -> Self {
        Self {
            lanes: lanes::Buffers::default(),
            point: workspace::Buffers::default(),
            wide: Aligned::new(),
            wide_lanes: Aligned::new(),
            adjoints: Vec::new(),
            value: F::zero(),
            clipped: 0,
            values: Vec::new(),
            norms: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl<F: Scalar> Task<F> {
    /// Forgets all results but the adjoints of uniform values.
    pub(super) fn reset(&mut self) {
        self.value = F::zero();
        self.clipped = 0;
        self.values.clear();
        self.norms.clear();
        self.rows.clear();
    }
}

impl<F: Scalar, P: Points<F> + ?Sized> Job<'_, F, P> {
    /// The weighted sum of the outputs and of their gradients over some points.
    pub(super) fn sum(&self, range: Range<usize>, task: &mut Task<F>) -> Result<(), Error> {
        if !self.sum_by_lanes(task, range.clone())? {
            self.sum_by_points(task, range)?;
        }
        Ok(())
    }

    /// The same once more, point by point, if the adjoints summed are not finite.
    pub(super) fn mend(&self, range: Range<usize>, task: &mut Task<F>) -> Result<(), Error> {
        if !self.machine.arch.dispatch(AllFinite(&task.adjoints)) {
            self.sum_by_points(task, range)?;
        }
        Ok(())
    }

    /// The same, by lanes; says whether the result can be trusted, the adjoints of uniform values apart.
    fn sum_by_lanes(&self, task: &mut Task<F>, range: Range<usize>) -> Result<bool, Error> {
        let program = self.program;
        let output = program.one_output()? as u32;
        if self.sums.clip.is_some() && self.is_uniform(output) {
            return Ok(false);
        }
        task.reset();
        task.adjoints.resize(program.schedule.first_varying, F::zero());
        if range.is_empty() {
            task.adjoints.fill(F::zero());
        }
        // The rest is written, not added to, by the first block.
        program.loose.iter().for_each(|loose| task.adjoints[loose.clone()].fill(F::zero()));
        task.wide.zeros((program.wide_slots.len() + 1) * wide::<F>());
        for start in range.clone().step_by(L) {
            let block = start..range.end.min(start + L);
            let fresh = start == range.start;
            if !self.evaluate(task, block.clone())? {
                return Ok(false);
            }
            let mut weights: [F; L] = [F::zero(); L];
            let values = self.lanes(task, output);
            task.values.extend_from_slice(&values[..block.len()]);
            for (lane, point) in block.clone().enumerate() {
                weights[lane] = self.sums.weight(point);
                let value = values[lane];
                task.value += weights[lane] * value;
            }
            let healthy = match self.sums.clip {
                None => {
                    self.seed(task, output, &weights);
                    let to = To { varying: true, uniform: program.wanted_parameters(self.wrt) > 0 };
                    self.reverse(task, block.clone(), self.wrt, to, fresh);
                    true
                }
                Some(bound) => {
                    self.seed(task, output, &[F::one(); L]);
                    self.sum_clipped(task, block.clone(), &weights, bound, fresh)
                }
            };
            if !(healthy && self.push_data_gradients(task, block.len())) {
                return Ok(false);
            }
        }
        for (&slot, wide) in program.wide_slots.iter().zip(task.wide.get().chunks_exact(wide::<F>())) {
            task.adjoints[slot as usize] += wide.iter().copied().fold(F::zero(), |sum, x| sum + x);
        }
        Ok(task.value.is_finite())
    }

    /// Adds up the gradients of a block, each held to a norm, then weighted. Says whether all norms are sound.
    fn sum_clipped(
        &self,
        task: &mut Task<F>,
        block: Range<usize>,
        point_weights: &[F; L],
        bound: F,
        fresh: bool,
    ) -> bool {
        let mut squares = [F::zero(); L];
        self.gradient_squares(task, block.clone(), &mut squares);
        let mut factors = [F::zero(); L];
        for ((factor, &weight), &square) in
            factors.iter_mut().zip(point_weights).zip(&squares).take(block.len())
        {
            // A square may overflow or vanish where the norm does not.
            if !(square.is_normal() || square == F::zero()) {
                return false;
            }
            *factor = weight * self.factor(task, square.sqrt(), bound);
        }
        let adjoints = task.lanes.adjoints.get_mut();
        for row in adjoints.as_chunks_mut::<L>().0 {
            for lane in 0..L {
                row[lane] *= factors[lane];
            }
        }
        let to = To { varying: false, uniform: true };
        self.reverse(task, block, Wrt::Parameters, to, fresh);
        true
    }

    /// Carries the adjoints of a block back, summing those of uniform values over the points.
    fn reverse(&self, task: &mut Task<F>, block: Range<usize>, wrt: Wrt, to: To, fresh: bool) {
        let data = &self.data(block);
        let Task { lanes, wide, adjoints, .. } = task;
        let (wide, weights) = (wide.get_mut(), &mut Weights::Sum { sums: adjoints, fresh });
        F::reverse_by_lanes(&self.machine, Back { wrt, to, data, wide, weights }, lanes, false);
    }

    /// Notes a norm; the factor that holds it to the bound.
    pub(super) fn factor(&self, task: &mut Task<F>, norm: F, bound: F) -> F {
        task.norms.push(norm);
        let factor = clip_factor(norm, bound);
        task.clipped += usize::from(factor < F::one());
        factor
    }

    /// The square of the norm of each lane's gradient in the parameters, with adjoints seeded.
    fn gradient_squares(&self, task: &mut Task<F>, block: Range<usize>, squares: &mut [F; L]) {
        let program = self.program;
        let to = To { varying: true, uniform: true };
        if program.affine_alone {
            let wide = task.wide_lanes.zeros((program.wide_slots.len() + 1) * L);
            let weights = &mut Weights::Norms(squares);
            let data = &self.data(block);
            let back = Back { wrt: Wrt::Parameters, to, data, wide: &mut *wide, weights };
            F::reverse_by_lanes(&self.machine, back, &mut task.lanes, true);
            let of_parameters = wide.as_chunks::<L>().0.iter().take(program.wide_slots.len());
            for adjoint in of_parameters {
                for lane in 0..L {
                    squares[lane] += adjoint[lane] * adjoint[lane];
                }
            }
            return;
        }
        let mut rows = std::mem::take(&mut task.rows);
        let (first, width) = (rows.len(), program.parameters);
        rows.resize(first + L * width, F::zero());
        self.write_gradients(task, Wrt::Parameters, block, &mut rows[first..], width);
        for (square, row) in squares.iter_mut().zip(rows[first..].chunks(width.max(1))) {
            *square = row.iter().fold(F::zero(), |sum, &slope| sum + slope * slope);
        }
        rows.truncate(first);
        task.rows = rows;
    }

    /// Writes the gradient of each lane, with adjoints seeded, over zeros: parameters, then data. Each begins
    /// so many numbers after the one before.
    fn write_gradients(
        &self,
        task: &mut Task<F>,
        wrt: Wrt,
        points: Range<usize>,
        rows: &mut [F],
        stride: usize,
    ) {
        let data = &self.data(points);
        let program = self.program;
        let schedule = &program.schedule;
        let (parameters, stride) = (program.wanted_parameters(wrt), stride.max(1));
        let wide = task.wide_lanes.zeros((program.wide_slots.len() + 1) * L);
        let to = To { varying: true, uniform: parameters > 0 };
        let weights = &mut Weights::Rows { rows, stride, skip: schedule.constants };
        let back = Back { wrt, to, data, wide: &mut *wide, weights };
        F::reverse_by_lanes(&self.machine, back, &mut task.lanes, true);
        let adjoints = task.lanes.adjoints.get().as_chunks::<L>().0;
        let uniform = &mut task.point.adjoints;
        for (lane, row) in rows.chunks_mut(stride).enumerate() {
            let (of_parameters, of_data) = row.split_at_mut(parameters);
            if parameters > 0 {
                uniform.clear();
                uniform.resize(schedule.first_varying, F::zero());
                for (&slot, wide) in program.wide_slots.iter().zip(wide.as_chunks::<L>().0) {
                    uniform[slot as usize] = wide[lane];
                }
                let (runs, scratch) = (schedule.uniform_runs(), &mut task.point.scratch);
                point::reverse::<F, false>(schedule, runs, Wrt::Both, self.machine.uniform, uniform, scratch);
                for (slope, &gain) in of_parameters.iter_mut().zip(&uniform[schedule.constants..]) {
                    *slope += gain;
                }
            }
            for (slope, row) in of_data.iter_mut().zip(&adjoints[..program.wanted_data(wrt)]) {
                *slope = row[lane];
            }
        }
    }

    /// Appends the gradients in the data, where asked for; says whether they are finite.
    fn push_data_gradients(&self, task: &mut Task<F>, lanes: usize) -> bool {
        if self.wrt == Wrt::Parameters {
            return true;
        }
        let adjoints = task.lanes.adjoints.get().as_chunks::<L>().0;
        let mut finite = true;
        for lane in 0..lanes {
            let slopes = adjoints[..self.program.data].iter().map(|row| row[lane]);
            finite &= slopes.clone().all(F::is_finite);
            task.rows.extend(slopes);
        }
        finite
    }

    /// The outputs of some points, and if asked for, the Jacobian of each.
    pub(super) fn jacobians(
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
        let program = self.program;
        task.reset();
        if derive && program.outputs.iter().any(|&slot| self.is_uniform(slot)) {
            return Ok(false);
        }
        let (outputs, width) = (program.outputs(), program.width(self.wrt));
        for start in range.clone().step_by(L) {
            let lanes = range.end.min(start + L) - start;
            if !self.evaluate(task, start..start + lanes)? {
                return Ok(false);
            }
            self.push_outputs(task, lanes);
            if !derive {
                continue;
            }
            let stride = outputs * width;
            let mut rows = std::mem::take(&mut task.rows);
            let first = rows.len();
            rows.resize(first + L * stride, F::zero());
            for (index, &slot) in program.outputs.iter().enumerate() {
                self.seed(task, slot, &[F::one(); L]);
                let of_output = &mut rows[first + index * width..];
                self.write_gradients(task, self.wrt, start..start + lanes, of_output, stride);
            }
            rows.truncate(first + lanes * stride);
            task.rows = rows;
        }
        let all_finite = |numbers: &[F]| self.machine.arch.dispatch(AllFinite(numbers));
        Ok(all_finite(&task.values) && all_finite(&task.rows))
    }

    /// Appends the outputs of each of the first lanes.
    fn push_outputs(&self, task: &mut Task<F>, lanes: usize) {
        let outputs = &self.program.outputs;
        let first = task.values.len();
        task.values.resize(first + lanes * outputs.len(), F::zero());
        for (index, &slot) in outputs.iter().enumerate() {
            let row = self.lanes(task, slot);
            let places = task.values[first + index..].iter_mut().step_by(outputs.len());
            places.zip(row).for_each(|(place, value)| *place = value);
        }
    }

    /// The data of a block. The last point fills the lanes that are left over.
    fn data(&self, block: Range<usize>) -> [&[F]; L] {
        std::array::from_fn(|lane| self.points.point((block.start + lane).min(block.end - 1)))
    }

    /// Evaluates a block; says whether the values can be trusted.
    fn compute(&self, task: &mut Task<F>, block: Range<usize>) -> Result<bool, Error> {
        let (program, width) = (self.program, self.program.data);
        let values = &mut task.lanes.values;
        values.resize((program.schedule.slots - program.schedule.first_varying) * L);
        let rows = self.data(block);
        for point in rows {
            Error::check_length("point", "datum", width, point.len())?;
        }
        let rows = rows.map(|row| &row[..width]);
        for (datum, values) in values.get_mut().as_chunks_mut::<L>().0.iter_mut().take(width).enumerate() {
            for lane in 0..L {
                values[lane] = rows[lane][datum];
            }
        }
        Ok(!F::forward_by_lanes(&self.machine, &mut task.lanes))
    }

    /// Evaluates a block and checks the guards; says whether the values can be trusted.
    fn evaluate(&self, task: &mut Task<F>, block: Range<usize>) -> Result<bool, Error> {
        if !self.compute(task, block.clone())? {
            return Ok(false);
        }
        for (number, guard) in self.program.guards.iter().enumerate() {
            let holds = guard.holds_in(|slot| self.lanes(task, slot));
            // Lanes that are left over hold the last point once more.
            if let Some(lane) = holds.iter().position(|holds| !holds) {
                return Err(self.program.branch_changed(block.start + lane, number));
            }
        }
        Ok(true)
    }

    /// Writes, as the values of some points, which of them take the program's path.
    pub(super) fn fits(&self, range: Range<usize>, task: &mut Task<F>) -> Result<(), Error> {
        task.reset();
        for start in range.clone().step_by(L) {
            let block = start..range.end.min(start + L);
            let sound = self.compute(task, block.clone())?;
            let mut fits = [true; L];
            if sound {
                for guard in &self.program.guards {
                    let holds = guard.holds_in(|slot| self.lanes(task, slot));
                    fits.iter_mut().zip(holds).for_each(|(fits, holds)| *fits &= holds);
                }
            } else {
                for (fits, point) in fits.iter_mut().zip(block.clone()) {
                    *fits = match self.evaluate_point(task, point) {
                        Err(Error::BranchChanged { .. }) => false,
                        other => other.map(|()| true)?,
                    };
                }
            }
            let marks = fits.map(|fits| if fits { F::one() } else { F::zero() });
            task.values.extend_from_slice(&marks[..block.len()]);
        }
        Ok(())
    }

    fn is_uniform(&self, slot: u32) -> bool {
        (slot as usize) < self.program.schedule.first_varying
    }

    /// The lanes of a slot.
    #[inline]
    fn lanes(&self, task: &Task<F>, slot: u32) -> [F; L] {
        self.machine.places(task.lanes.values.get()).lanes(slot)
    }

    /// Starts the adjoints of a block at one slot.
    fn seed(&self, task: &mut Task<F>, slot: u32, seeds: &[F; L]) {
        let schedule = &self.program.schedule;
        let adjoints = task.lanes.adjoints.zeros((schedule.slots - schedule.first_varying) * L);
        if !self.is_uniform(slot) {
            adjoints[self.machine.at(slot)..][..L].copy_from_slice(seeds);
        } else if let Some(adjoint) = task.adjoints.get_mut(slot as usize) {
            *adjoint += seeds.iter().copied().fold(F::zero(), |sum, seed| sum + seed);
        }
    }
}
