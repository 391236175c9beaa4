//! A task: the points of a batch that one thread computes, in blocks of lanes.
//!
//! If a block shows a singular point, or a number that is not finite, lanes cannot compute it: the task then
//! evaluates all its points again, one by one, by the rules of single points. It does the same if the sum of all
//! tasks turns out not to be finite, and neither is the part of this task.

use crate::program::batch::points::Points;
use crate::program::batch::results::Sums;
use crate::program::ir::guard::Guard;
use crate::program::lanes::interpreter::{Interpreter, accumulator_width};
use crate::program::lanes::kernels::{AllFinite, ClipLanes, To};
use crate::program::lanes::matrices::Weights;
use crate::program::lanes::sweep::{self, Back};
use crate::program::lanes::uniform::Scratch;
use crate::program::plan::Plan;
use crate::program::plan::Wrt;
use crate::program::simd::aligned::Aligned;
use crate::program::simd::transpose::{FromLanes, ToLanes};
use crate::program::simd::{L, MOST_BLOCKS};
use crate::program::{Program, ir::walk};
use crate::{Error, ProgramScalar};
use std::ops::Range;

/// A batch: its program and plan, its points, and what is asked of them.
pub(in crate::program) struct Job<'a, F, P: ?Sized> {
    pub(in crate::program) program: &'a Program<F>,
    pub(in crate::program) plan: &'a Plan<F>,
    pub(in crate::program) interpreter: Interpreter<'a, F>,
    pub(in crate::program) points: &'a P,
    pub(in crate::program) sums: &'a Sums<'a, F>,
    pub(in crate::program) wrt: Wrt,
}

/// The memory of a task, and its results.
#[derive(Clone, Debug)]
pub(in crate::program) struct Task<F: ProgramScalar> {
    pub(in crate::program) lanes: sweep::LaneBuffers<F>,
    pub(in crate::program) point: walk::Buffers<F>,
    /// The adjoints of uniform values for one point, and room for the sweep over them.
    pub(in crate::program) uniform: Vec<F>,
    pub(in crate::program) scratch: Scratch<F>,
    /// Parameters and data of a single point.
    pub(in crate::program) inputs: Vec<F>,
    /// The adjoints of uniform values, a cache line for each.
    accumulators: Aligned<F>,
    /// The adjoints of values that only groups of dot products read, summed over the points of the task.
    panel_sums: Aligned<F>,
    /// The same, as accumulators for each lane, for gradients of single points.
    pub(in crate::program) lane_accumulators: Aligned<F>,
    /// The adjoints of uniform values, summed over the points of the task.
    pub(in crate::program) adjoints: Vec<F>,
    /// The weighted sum of the outputs.
    pub(in crate::program) value: F,
    pub(in crate::program) clipped: usize,
    /// For each point: the outputs, the norm of its gradient, and the gradients requested.
    pub(in crate::program) values: Vec<F>,
    pub(in crate::program) norms: Vec<F>,
    pub(in crate::program) rows: Vec<F>,
}

impl<F: ProgramScalar> Default for Task<F> {
    fn default() -> Self {
        Self {
            lanes: sweep::LaneBuffers::default(),
            point: walk::Buffers::default(),
            uniform: Vec::new(),
            scratch: Scratch::default(),
            inputs: Vec::new(),
            accumulators: Aligned::new(),
            panel_sums: Aligned::new(),
            lane_accumulators: Aligned::new(),
            adjoints: Vec::new(),
            value: F::zero(),
            clipped: 0,
            values: Vec::new(),
            norms: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl<F: ProgramScalar> Task<F> {
    /// Clears all results except the adjoints of uniform values.
    pub(in crate::program) fn reset(&mut self) {
        self.value = F::zero();
        self.clipped = 0;
        self.values.clear();
        self.norms.clear();
        self.rows.clear();
    }
}

impl<F: ProgramScalar, P: Points<F> + ?Sized> Job<'_, F, P> {
    /// The weighted sum of the outputs and of their gradients over some points.
    pub(in crate::program) fn sum(&self, range: Range<usize>, task: &mut Task<F>) -> Result<(), Error> {
        if !self.sum_by_lanes(task, range.clone())? {
            self.sum_by_points(task, range)?;
        }
        Ok(())
    }

    /// The same again, point by point, if the sums of adjoints are not finite.
    pub(in crate::program) fn mend(&self, range: Range<usize>, task: &mut Task<F>) -> Result<(), Error> {
        if !self.interpreter.arch.dispatch(AllFinite(&task.adjoints)) {
            self.sum_by_points(task, range)?;
        }
        Ok(())
    }

    /// The same, in lanes; returns whether the result is valid, without the adjoints of uniform values.
    fn sum_by_lanes(&self, task: &mut Task<F>, range: Range<usize>) -> Result<bool, Error> {
        let (program, plan) = (self.program, self.plan);
        program.one_output()?;
        let output = plan.outputs[0];
        if self.sums.clip.is_some() && self.is_uniform(output) {
            return Ok(false);
        }
        task.reset();
        task.adjoints.resize(plan.schedule.first_varying, F::zero());
        if range.is_empty() || !self.sums.groups.is_empty() {
            task.adjoints.fill(F::zero());
        }
        // The first block writes the rest instead of adding to it.
        plan.outside_affine.iter().for_each(|slots| task.adjoints[slots.clone()].fill(F::zero()));
        task.accumulators.zeros((plan.accumulated_outside.slots.len() + 1) * accumulator_width::<F>());
        task.panel_sums.zeros(plan.schedule.panel_sums);
        let together = match self.sums.clip {
            // The gradients of single points are computed in lanes of one block, unless only matrices need them.
            Some(_) if !self.squares_suffice() || !self.sums.groups.is_empty() => L,
            _ => self.together(),
        };
        for start in range.clone().step_by(together) {
            let points = start..range.end.min(start + together);
            let fresh = start == range.start;
            if !self.evaluate(task, points.clone())? {
                return Ok(false);
            }
            let mut weights = [[F::zero(); L]; MOST_BLOCKS];
            for (point, weight) in points.clone().zip(weights.as_flattened_mut()) {
                *weight = self.sums.weight(point);
            }
            self.push_values(task, output, points.len(), &weights);
            let finite = match self.sums.clip {
                None => {
                    self.seed(task, output, &weights);
                    let to = To { varying: true, uniform: self.wrt.parameters(program) > 0 };
                    self.reverse(task, points.clone(), self.wrt, to, fresh);
                    true
                }
                Some(bound) => {
                    self.seed(task, output, &[[F::one(); L]; MOST_BLOCKS]);
                    self.sum_clipped(task, points.clone(), &weights, bound, fresh)
                }
            };
            if !(finite && self.push_data_gradients(task, points.len())) {
                return Ok(false);
            }
        }
        let accumulators = task.accumulators.get().chunks_exact(accumulator_width::<F>());
        for (&slot, accumulator) in plan.accumulated_outside.slots.iter().zip(accumulators) {
            task.adjoints[slot as usize] += accumulator.iter().copied().fold(F::zero(), |sum, x| sum + x);
        }
        self.interpreter.add_panel_sums(task.panel_sums.get(), &mut task.adjoints);
        Ok(task.value.is_finite())
    }

    /// Appends the values of some points, and adds them to the weighted sum.
    fn push_values(&self, task: &mut Task<F>, output: u32, count: usize, weights: &[[F; L]; MOST_BLOCKS]) {
        for block in 0..count.div_ceil(L) {
            let values = self.lanes(task, block, output);
            let values = &values[..L.min(count - block * L)];
            task.values.extend_from_slice(values);
            for (&value, &weight) in values.iter().zip(&weights[block]) {
                task.value += weight * value;
            }
        }
    }

    /// Adds the gradients of some points, each limited to a norm, then weighted. Returns whether all norms are valid.
    fn sum_clipped(
        &self,
        task: &mut Task<F>,
        points: Range<usize>,
        point_weights: &[[F; L]; MOST_BLOCKS],
        bound: F,
        fresh: bool,
    ) -> bool {
        if !self.sums.groups.is_empty() {
            return self.sum_clipped_groups(task, points, &point_weights[0], bound);
        }
        let mut squares = [[F::zero(); L]; MOST_BLOCKS];
        self.gradient_squares(task, points.clone(), &mut squares);
        // A square may overflow or underflow although the norm does not.
        let sound = |square: &F| square.is_normal() || *square == F::zero();
        if !squares.as_flattened()[..points.len()].iter().all(sound) {
            return false;
        }
        let unwanted = self.unwanted();
        let blocks = task.lanes.adjoints.get_mut().chunks_exact_mut(self.interpreter.stride());
        let mut left = points.len();
        for (block, (squares, weights)) in blocks.zip(squares.iter().zip(point_weights)) {
            let (rows, count) = (&mut block[unwanted..], left.min(L));
            left -= count;
            let [norms, factors] =
                self.interpreter.arch.dispatch(ClipLanes { rows, squares, weights, bound });
            task.norms.extend_from_slice(&norms[..count]);
            task.clipped += factors[..count].iter().filter(|&&factor| factor < F::one()).count();
        }
        let to = To { varying: false, uniform: true };
        self.reverse(task, points, Wrt::Parameters, to, fresh);
        true
    }

    /// The same if parts of a gradient are limited to the norm separately: the gradient of each point is written out.
    /// Out of line, so that the usual case stays short.
    #[cold]
    fn sum_clipped_groups(
        &self,
        task: &mut Task<F>,
        points: Range<usize>,
        weights: &[F; L],
        bound: F,
    ) -> bool {
        let mut rows = std::mem::take(&mut task.rows);
        let (first, width, count) = (rows.len(), self.program.parameters(), points.len());
        rows.resize(first + L * width, F::zero());
        self.write_gradients(task, Wrt::Parameters, points, &mut rows[first..], width);
        let mut finite = true;
        for (index, &weight) in weights.iter().enumerate().take(count) {
            let gradient = &mut rows[first + index * width..][..width];
            finite &= self.interpreter.arch.dispatch(AllFinite(gradient));
            // Points with numbers that are not finite, and points that do not count because their norm is not, are left
            // to the evaluation point by point.
            finite &= self.hold(task, F::zero(), gradient, bound);
            let sums = &mut task.adjoints[self.plan.schedule.constants..][..width];
            for (sum, &derivative) in sums.iter_mut().zip(gradient.iter()) {
                *sum += weight * derivative;
            }
        }
        rows.truncate(first);
        task.rows = rows;
        finite
    }

    /// Propagates adjoints, and sums those of uniform values over the points.
    fn reverse(&self, task: &mut Task<F>, points: Range<usize>, wrt: Wrt, to: To, fresh: bool) {
        let Task { lanes, accumulators, panel_sums, adjoints, .. } = task;
        let accumulators = accumulators.get_mut();
        let weights = Weights::Sum { sums: adjoints, fresh, panels: panel_sums.get_mut() };
        let point = &|index| self.data(&points, index);
        F::reverse_by_lanes(&self.interpreter, Back { wrt, to, point, accumulators, weights }, lanes, false);
    }

    /// Whether norms of single gradients follow from the norms of the vectors and adjoints of affine maps.
    fn squares_suffice(&self) -> bool {
        self.plan.only_exclusive_affine && self.plan.accumulated.slots.is_empty()
    }

    /// The square of the norm of each lane's gradient with respect to the parameters, after adjoints were seeded;
    /// only for the first block, unless [`squares_suffice`](Self::squares_suffice). It is NaN where all squares
    /// underflow although the gradient is not zero.
    fn gradient_squares(
        &self,
        task: &mut Task<F>,
        points: Range<usize>,
        squares: &mut [[F; L]; MOST_BLOCKS],
    ) {
        let plan = self.plan;
        let to = To { varying: true, uniform: true };
        if plan.only_exclusive_affine {
            let accumulators = task.lane_accumulators.zeros((plan.accumulated.slots.len() + 1) * L);
            let (weights, point) = (Weights::Norms(squares), &|index| self.data(&points, index));
            let back = Back { wrt: Wrt::Parameters, to, point, accumulators: &mut *accumulators, weights };
            F::reverse_by_lanes(&self.interpreter, back, &mut task.lanes, true);
            let of_parameters = accumulators.as_chunks::<L>().0.iter().take(plan.accumulated.slots.len());
            for adjoint in of_parameters {
                for lane in 0..L {
                    squares[0][lane] += adjoint[lane] * adjoint[lane];
                }
            }
            let all = accumulators.as_chunks::<L>().0.iter().take(plan.accumulated.slots.len());
            for lane in 0..L {
                let moves = |adjoint: &[F; L]| adjoint[lane] != F::zero();
                if squares[0][lane] == F::zero() && all.clone().any(moves) {
                    squares[0][lane] = F::nan();
                }
            }
            return;
        }
        let mut rows = std::mem::take(&mut task.rows);
        let (first, width) = (rows.len(), self.program.parameters());
        rows.resize(first + L * width, F::zero());
        self.write_gradients(task, Wrt::Parameters, points, &mut rows[first..], width);
        for (square, row) in squares[0].iter_mut().zip(rows[first..].chunks(width.max(1))) {
            *square = row.iter().fold(F::zero(), |sum, &gradient| sum + gradient * gradient);
            if *square == F::zero() && row.iter().any(|gradient| *gradient != F::zero()) {
                *square = F::nan();
            }
        }
        rows.truncate(first);
        task.rows = rows;
    }

    /// Appends the gradients with respect to the data, if requested; returns whether they are finite.
    fn push_data_gradients(&self, task: &mut Task<F>, count: usize) -> bool {
        if self.wrt == Wrt::Parameters {
            return true;
        }
        let (width, first) = (self.program.data(), task.rows.len());
        task.rows.resize(first + count.next_multiple_of(L) * width, F::zero());
        let blocks = task.lanes.adjoints.get().chunks_exact(self.interpreter.stride().max(1));
        for (block, vectors) in blocks.zip(task.rows[first..].chunks_exact_mut(L * width.max(1))) {
            let rows = block[..width * L].as_chunks().0;
            self.interpreter.arch.dispatch(FromLanes { rows, vectors, stride: width });
        }
        task.rows.truncate(first + count * width);
        self.interpreter.arch.dispatch(AllFinite(&task.rows[first..]))
    }

    /// How many points are computed together.
    pub(in crate::program) fn together(&self) -> usize {
        self.plan.blocks * L
    }

    /// The data of one of some points. The last point fills the remaining lanes.
    pub(in crate::program) fn data(&self, points: &Range<usize>, index: usize) -> &[F] {
        self.points.point((points.start + index).min(points.end - 1))
    }

    /// Evaluates some points; returns whether the values are valid.
    fn compute(&self, task: &mut Task<F>, points: Range<usize>) -> Result<bool, Error> {
        if self.plan.by_points {
            return Ok(false);
        }
        let (width, stride) = (self.program.data(), self.interpreter.stride());
        let blocks = points.len().div_ceil(L);
        task.lanes.values.resize(blocks * stride);
        for block in 0..blocks {
            let rows: [&[F]; L] = std::array::from_fn(|lane| self.data(&points, block * L + lane));
            for point in rows {
                Error::check_length("point", "datum", width, point.len())?;
            }
            let rows = rows.map(|row| &row[..width]);
            let values = &mut task.lanes.values.get_mut()[block * stride..][..width * L];
            let rows = ToLanes { vectors: &rows, rows: values.as_chunks_mut().0 };
            self.interpreter.arch.dispatch(rows);
        }
        let unreliable = F::forward_by_lanes(&self.interpreter, &mut task.lanes);
        let is_nan = |&slot: &u32| {
            (0..blocks)
                .any(|block| self.lanes(task, block, slot).iter().fold(false, |any, x| any | x.is_nan()))
        };
        Ok(!unreliable && !self.plan.watched.iter().any(is_nan))
    }

    /// Evaluates some points and checks the guards; returns whether the values are valid.
    pub(in crate::program) fn evaluate(
        &self,
        task: &mut Task<F>,
        points: Range<usize>,
    ) -> Result<bool, Error> {
        if !self.compute(task, points.clone())? {
            return Ok(false);
        }
        if self.plan.guards.is_empty() {
            return Ok(true);
        }
        for (block, start) in points.step_by(L).enumerate() {
            // The remaining lanes repeat the last point.
            let fails = |(number, guard): (usize, &Guard<F>)| {
                let holds = guard.holds_in(|slot| self.lanes(task, block, slot));
                holds.iter().position(|holds| !holds).map(|lane| (lane, number))
            };
            // As in the evaluation point by point: the first point, and its first guard.
            if let Some((lane, number)) = self.plan.guards.iter().enumerate().filter_map(fails).min() {
                let values = self.plan.guards[number].operands();
                let values = values.map(|slot| self.lanes(task, block, slot)[lane]);
                return Err(self.program.planned().branch_changed(start + lane, number, values));
            }
        }
        Ok(true)
    }

    /// Writes, as the values of some points, whether each takes the path of the program.
    pub(in crate::program) fn fits(&self, range: Range<usize>, task: &mut Task<F>) -> Result<(), Error> {
        task.reset();
        for start in range.clone().step_by(L) {
            let block = start..range.end.min(start + L);
            let sound = self.compute(task, block.clone())?;
            let mut fits = [true; L];
            if sound {
                for guard in &self.plan.guards {
                    let holds = guard.holds_in(|slot| self.lanes(task, 0, slot));
                    fits.iter_mut().zip(holds).for_each(|(fits, holds)| *fits &= holds);
                }
            } else {
                for (fits, point) in fits.iter_mut().zip(block.clone()) {
                    *fits = match self.evaluate_point(task, point) {
                        Err(Error::BranchChanged { .. }) => false,
                        other => other.map(|_| true)?,
                    };
                }
            }
            let marks = fits.map(|fits| if fits { F::one() } else { F::zero() });
            task.values.extend_from_slice(&marks[..block.len()]);
        }
        Ok(())
    }

    pub(in crate::program) fn is_uniform(&self, slot: u32) -> bool {
        self.plan.is_uniform(slot)
    }

    /// The lanes of a slot in a block.
    #[inline]
    pub(in crate::program) fn lanes(&self, task: &Task<F>, block: usize, slot: u32) -> [F; L] {
        let stride = self.interpreter.stride();
        self.interpreter.lanes(&task.lanes.values.get()[block * stride..][..stride], slot)
    }

    /// How many numbers at the start of each block are adjoints of data that are not needed.
    fn unwanted(&self) -> usize {
        if self.wrt == Wrt::Parameters { self.program.data() * L } else { 0 }
    }

    /// Seeds the adjoints of the blocks at one slot. Lanes after the last point have seeds of zero, or a slot that is
    /// not uniform.
    pub(in crate::program) fn seed(&self, task: &mut Task<F>, slot: u32, seeds: &[[F; L]]) {
        task.lanes.adjoints.resize(task.lanes.values.get().len());
        let (stride, unwanted) = (self.interpreter.stride().max(1), self.unwanted());
        for block in task.lanes.adjoints.get_mut().chunks_exact_mut(stride) {
            block[unwanted..].fill(F::zero());
        }
        if self.is_uniform(slot) {
            if let Some(adjoint) = task.adjoints.get_mut(slot as usize) {
                let seeds = seeds.as_flattened().iter().copied();
                *adjoint += seeds.fold(F::zero(), |sum, seed| sum + seed);
            }
            return;
        }
        for (block, seeds) in task.lanes.adjoints.get_mut().chunks_exact_mut(stride).zip(seeds) {
            block[self.interpreter.at(slot)..][..L].copy_from_slice(seeds);
        }
    }
}
