//! A program at many points: sums of gradients, gradients of single points, Jacobians, Hessians.
//!
//! The points are divided into chunks by their number only, never by the number of threads. Each chunk is a task, and
//! the results of tasks are combined in the order of a tree ([`SumTree`]). So the same points give the same bits on
//! any machine with the same instructions, with any number of threads, and of processes (`part.rs`).

use super::memory::{BatchWorkspace, UniformMemory};
use crate::program::batch::points::Points;
use crate::program::batch::results::{Results, Sum, Sums};
use crate::program::batch::task::{Job, Task};
use crate::program::batch::tree::{self, PIECE, SumTree};
use crate::program::lanes::interpreter::Interpreter;
use crate::program::lanes::kernels::AllFinite;
use crate::program::lanes::uniform;
use crate::program::plan::Plan;
use crate::program::plan::Wrt;
use crate::program::simd::L;
use crate::program::simd::arch::arch;
use crate::program::{Program, Workspace};
use crate::{Error, ProgramScalar};
use rayon::prelude::*;
use std::ops::Range;

/// The fewest points in a task.
const SMALLEST_TASK: usize = 2 * L;

/// How many operations, not counted for each lane, make a task worth a thread.
const TASK_COST: usize = 1 << 16;

/// The most tasks of a batch, unless each then has as many points as the next constant. A task keeps a gradient, and
/// the gradients of large batches should take little memory compared with the points.
const MOST_TASKS: usize = 64;
const LARGE_TASK: usize = 256;

impl<F: ProgramScalar> Program<F> {
    /// Empty buffers for batches, which grow as they are used.
    ///
    /// ```
    /// use dualtape::{Program, program::Rows};
    /// let product = Program::record_with_data(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let (mut workspace, mut values) = (product.batch_workspace(), [0.0; 2]);
    /// product.values(&mut workspace, &[5.0], &Rows::new(&[1.0, 2.0], 1), &mut values)?;
    /// assert_eq!(values, [5.0, 10.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn batch_workspace(&self) -> BatchWorkspace<F> {
        BatchWorkspace::default()
    }

    /// The sum of the values over all points, and its gradient with respect to the parameters.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] with the name of what does not fit (`parameters` and `gradient` have a number for each
    /// parameter, a point has one for each datum), [`Error::NotOneOutput`], and [`Error::BranchChanged`] with the
    /// first point, in the order of tasks, at which the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Rows};
    ///
    /// // The squared error of a line, over points (x, y).
    /// let error = Program::record_with_data(
    ///     |line, point| (line[0] * point[0] + line[1] - point[1]).powi(2),
    ///     &[0.0; 2],
    ///     &[0.0_f64; 2],
    /// )?;
    /// let points = [1.0, 3.0, 2.0, 6.0];
    /// let mut gradient = [0.0; 2];
    /// let value = error.sum_gradient(&mut error.batch_workspace(), &[2.0, 1.0], &Rows::new(&points, 2), &mut gradient)?;
    /// assert_eq!((value, gradient), (1.0, [-4.0, -2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_gradient<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
        gradient: &mut [F],
    ) -> Result<F, Error> {
        let results = Results { gradient: Some(gradient), ..Results::none() };
        Ok(self.sum(workspace, parameters, points, &Sums::none(), results)?.value)
    }

    /// The mean of the values over all points, and its gradient with respect to the parameters. Both are NaN if there
    /// are no points.
    ///
    /// # Errors
    ///
    /// As [`sum_gradient`](Self::sum_gradient).
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Rows};
    /// // How far a number is from others, squared: the gradient is 0 at their mean.
    /// let miss = Program::record_with_data(|p, x| (p[0] - x[0]).powi(2), &[0.0], &[0.0_f64])?;
    /// let (points, mut gradient) = ([1.0, 2.0, 6.0, 7.0], [0.0]);
    /// let variance = miss.mean_gradient(&mut miss.batch_workspace(), &[4.0], &Rows::new(&points, 1), &mut gradient)?;
    /// assert_eq!((variance, gradient), (6.5, [0.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn mean_gradient<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
        gradient: &mut [F],
    ) -> Result<F, Error> {
        let scale = Some(F::nearest(points.count() as f64).recip());
        let results = Results { gradient: Some(&mut *gradient), ..Results::none() };
        let mean = self.sum(workspace, parameters, points, &Sums { scale, ..Sums::none() }, results)?;
        if points.count() > 0 {
            return Ok(mean.value);
        }
        gradient.fill(F::nan());
        Ok(F::nan())
    }

    /// The weighted sum of the values over all points, with the other results that are requested; see [`Sums`] and
    /// [`Results`].
    ///
    /// # Errors
    ///
    /// The errors of [`sum_gradient`](Self::sum_gradient); [`Error::Length`] also if norms are requested without a
    /// bound to clip to, or gradients with respect to the data with one; [`Error::Bound`] if the bound is not positive.
    ///
    /// ```
    /// use dualtape::{Program, program::{Results, Rows, Sums}};
    /// // The derivative at each point is its datum.
    /// let product = Program::record_with_data(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let (mut derivative, mut norms) = ([0.0], [0.0; 3]);
    /// let sums = Sums { weights: Some(&[1.0, 0.0, 2.0]), clip: Some(f64::INFINITY), ..Sums::none() };
    /// let results = Results { gradient: Some(&mut derivative), norms: Some(&mut norms), ..Results::none() };
    /// let points = Rows::new(&[1.0, -2.0, 3.0], 1);
    /// let sum = product.sum(&mut product.batch_workspace(), &[5.0], &points, &sums, results)?;
    /// assert_eq!((sum.value, derivative), (35.0, [7.0]));
    /// assert_eq!(norms, [1.0, 2.0, 3.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
        sums: &Sums<'_, F>,
        results: Results<'_, F>,
    ) -> Result<Sum<F>, Error> {
        self.one_output()?;
        let count = points.count();
        self.check_sum(count, sums, &results)?;
        let wrt = match (&results.gradient, &results.data_gradients) {
            (_, None) => Wrt::Parameters,
            (None, Some(_)) => Wrt::Data,
            (Some(_), Some(_)) => Wrt::Both,
        };
        let tree = self.sum_tree(count);
        let all = 0..tree.chunks();
        let work = Work { parameters, points, sums, wrt, chunks: all.clone() };
        self.each_task(workspace, &work, |job, task, range| job.sum(range, task))?;
        if let Some(gradient) = results.gradient
            && !self.finish_gradient(workspace, all.len(), gradient, false)
        {
            self.each_task(workspace, &work, |job, task, range| job.mend(range, task))?;
            self.finish_gradient(workspace, all.len(), gradient, true);
        }
        let tasks = &workspace.tasks[..all.len()];
        copy_parts(results.values, tasks.iter().map(|task| &task.values[..]));
        copy_parts(results.norms, tasks.iter().map(|task| &task.norms[..]));
        copy_parts(results.data_gradients, tasks.iter().map(|task| &task.rows[..]));
        let value = sum_of_values(tasks, all);
        let clipped = tasks.iter().map(|task| task.clipped).sum();
        Ok(Sum { value, clipped })
    }

    /// The outputs at each point, a row for each: `points.count() × outputs` numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `parameters` or a point does not have the program's length, or `values` does not have a
    /// number for each output and point, and [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Program, program::Rows};
    /// let program = Program::record_with_data(|p, x| [p[0] * x[0], p[0] + x[0]], &[1.0], &[1.0_f64])?;
    /// let (points, mut values) = (Rows::new(&[1.0, 2.0, 3.0], 1), [0.0; 6]);
    /// program.values(&mut program.batch_workspace(), &[5.0], &points, &mut values)?;
    /// assert_eq!(values, [5.0, 6.0, 10.0, 7.0, 15.0, 8.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn values<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
        values: &mut [F],
    ) -> Result<(), Error> {
        let (count, none) = (points.count(), Sums::none());
        Error::check_length("value", "output and point", count * self.outputs(), values.len())?;
        let chunks = 0..self.sum_tree(count).chunks();
        let work = Work { parameters, points, sums: &none, wrt: Wrt::Parameters, chunks: chunks.clone() };
        self.each_task(workspace, &work, |job, task, range| job.jacobians(task, range, false))?;
        let tasks = workspace.tasks[chunks].iter();
        copy_parts(Some(values), tasks.map(|task| &task.values[..]));
        Ok(())
    }

    /// The outputs and the Jacobian at each point: `outputs × width` numbers, row after row. A row has the parameters
    /// first, then the data, as far as requested. With one output, the row is the gradient of the point.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `parameters` or a point does not have the program's length, `values` does not have a
    /// number for each output and point, or `jacobians` does not have a row for each of these, and
    /// [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Program, program::{Rows, Wrt}};
    /// let program = Program::record_with_data(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let (mut values, mut derivatives) = ([0.0; 3], [0.0; 6]);
    /// let points = Rows::new(&[1.0, 2.0, 3.0], 1);
    /// program.jacobians(&mut program.batch_workspace(), &[5.0], &points, Wrt::Both, &mut values, &mut derivatives)?;
    /// assert_eq!(derivatives, [1.0, 5.0, 2.0, 5.0, 3.0, 5.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jacobians<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
        wrt: Wrt,
        values: &mut [F],
        jacobians: &mut [F],
    ) -> Result<(), Error> {
        let (count, outputs, none) = (points.count(), self.outputs(), Sums::none());
        Error::check_length("value", "output and point", count * outputs, values.len())?;
        let entries = count * outputs * self.width(wrt);
        Error::check_length("Jacobian", "pair of output and input at each point", entries, jacobians.len())?;
        let chunks = 0..self.sum_tree(count).chunks();
        let work = Work { parameters, points, sums: &none, wrt, chunks: chunks.clone() };
        self.each_task(workspace, &work, |job, task, range| job.jacobians(task, range, true))?;
        let tasks = &workspace.tasks[chunks];
        copy_parts(Some(values), tasks.iter().map(|task| &task.values[..]));
        copy_parts(Some(jacobians), tasks.iter().map(|task| &task.rows[..]));
        Ok(())
    }

    /// The value, the gradient and the Hessian at each point, with respect to parameters and data together; points
    /// run in parallel, directions in lanes.
    ///
    /// With `n` parameters and data, a point has one value, a gradient of `n` numbers, parameters first, and a
    /// Hessian of `n × n`, row after row.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `parameters` or a point does not have the program's length, or a slice of results does
    /// not have the length stated above, [`Error::NotOneOutput`], and [`Error::BranchChanged`] if the function takes
    /// another branch.
    ///
    /// ```
    /// use dualtape::{Program, program::Rows};
    /// let program = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let (mut values, mut derivatives, mut hessians) = ([0.0; 2], [0.0; 4], [0.0; 8]);
    /// program.hessians(&[5.0], &Rows::new(&[1.0, 2.0], 1), &mut values, &mut derivatives, &mut hessians)?;
    /// assert_eq!((values, derivatives), ([5.0, 20.0], [1.0, 10.0, 4.0, 20.0]));
    /// assert_eq!(hessians, [0.0, 2.0, 2.0, 10.0, 0.0, 4.0, 4.0, 10.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessians<P: Points<F> + ?Sized>(
        &self,
        parameters: &[F],
        points: &P,
        values: &mut [F],
        gradients: &mut [F],
        hessians: &mut [F],
    ) -> Result<(), Error> {
        self.one_output()?;
        let (count, n) = (points.count(), self.inputs());
        Error::check_length("parameter", "parameter", self.parameters(), parameters.len())?;
        Error::check_length("value", "point", count, values.len())?;
        Error::check_length("gradient", "input at each point", count * n, gradients.len())?;
        Error::check_length("Hessian", "pair of inputs at each point", count * n * n, hessians.len())?;
        let start = || (Workspace::default(), parameters.to_vec());
        let at =
            |(workspace, x): &mut (Workspace<F>, Vec<F>), index, gradient: &mut [F], hessian: &mut [F]| {
                x.truncate(self.parameters());
                x.extend_from_slice(points.point(index));
                self.hessian(workspace, x, gradient, hessian).map_err(|error| error.at_point(index))
            };
        if n == 0 {
            // There are no chunks of nothing to go with the values.
            let mut memory = start();
            let mut each = values.iter_mut().enumerate();
            return each.try_for_each(|(index, value)| {
                *value = at(&mut memory, index, &mut [], &mut [])?;
                Ok(())
            });
        }
        let results = values
            .par_iter_mut()
            .zip(gradients.par_chunks_mut(n))
            .zip(hessians.par_chunks_mut(n * n))
            .enumerate();
        results.try_for_each_init(start, |memory, (index, ((value, gradient), hessian))| {
            *value = at(memory, index, gradient, hessian)?;
            Ok(())
        })
    }

    /// Which points take the path of the program.
    pub(in crate::program) fn fits<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        parameters: &[F],
        points: &P,
    ) -> Result<Vec<bool>, Error> {
        let none = Sums::none();
        let chunks = 0..self.sum_tree(points.count()).chunks();
        let work = Work { parameters, points, sums: &none, wrt: Wrt::Parameters, chunks: chunks.clone() };
        self.each_task(workspace, &work, |job, task, range| job.fits(range, task))?;
        let tasks = &workspace.tasks[chunks];
        Ok(tasks.iter().flat_map(|task| &task.values).map(|&fits| fits == F::one()).collect())
    }

    /// Evaluates what depends on parameters only, and runs the tasks, one for each of the chunks.
    pub(super) fn each_task<P: Points<F> + ?Sized>(
        &self,
        workspace: &mut BatchWorkspace<F>,
        work: &Work<'_, F, P>,
        task: impl Fn(&Job<'_, F, P>, &mut Task<F>, Range<usize>) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let &Work { parameters, points, sums, wrt, ref chunks } = work;
        Error::check_length("parameter", "parameter", self.parameters(), parameters.len())?;
        let plan = self.plan();
        let schedule = &plan.schedule;
        let BatchWorkspace { uniform, tasks, .. } = workspace;
        uniform.values.resize(schedule.first_varying, F::zero());
        uniform.values[..schedule.constants].copy_from_slice(&plan.constants);
        self.copy_outside_affine(parameters, &mut uniform.values);
        uniform::forward(schedule, schedule.uniform_runs(), &mut uniform.values, &mut uniform.scratch);
        uniform.panels.clear();
        uniform.panels.extend(schedule.panels.iter().map(|&slot| uniform.values[slot as usize]));
        let interpreter = Interpreter {
            schedule,
            uniform: &uniform.values,
            parameters,
            panels: &uniform.panels,
            accumulator_of: &plan.accumulated_outside.places,
            lane_accumulator_of: &plan.accumulated.places,
            arch: arch(),
        };
        let job = Job { program: self, plan, interpreter, points, sums, wrt };
        let count = chunks.len();
        if tasks.len() < count {
            tasks.resize_with(count, Task::default);
        }
        let tree = self.sum_tree(points.count());
        let points_of = |index: usize| tree.points_of(chunks.start + index..chunks.start + index + 1);
        if count == 1 {
            return task(&job, &mut tasks[0], points_of(0));
        }
        tasks[..count]
            .par_iter_mut()
            .enumerate()
            .map(|(index, memory)| task(&job, memory, points_of(index)))
            .reduce(|| Ok(()), Result::and)
    }

    /// Copies the parameters that are read other than as weights and biases of one affine map.
    fn copy_outside_affine(&self, parameters: &[F], uniform: &mut [F]) {
        let Plan { schedule, outside_affine, .. } = self.plan();
        let constants = schedule.constants;
        for slots in outside_affine {
            let range = slots.start.max(constants)..slots.end.min(constants + parameters.len());
            if !range.is_empty() {
                uniform[range.clone()]
                    .copy_from_slice(&parameters[range.start - constants..range.end - constants]);
            }
        }
    }

    /// Adds the adjoints of the given tasks and propagates them to the parameters. Returns whether the sums are
    /// finite; if not, they are propagated only if no more careful attempt follows.
    fn finish_gradient(
        &self,
        workspace: &mut BatchWorkspace<F>,
        count: usize,
        gradient: &mut [F],
        last: bool,
    ) -> bool {
        let BatchWorkspace { uniform, tasks, .. } = workspace;
        let tasks = &tasks[..count];
        self.carry_back(uniform, gradient, last, |first, sums| add_up(tasks, 0..count, first, sums))
    }

    /// Propagates adjoints of uniform values to the parameters. `write` writes the sums over all points, starting at
    /// a slot, and returns whether they are finite; if not, they are propagated only if no more careful attempt
    /// follows.
    pub(super) fn carry_back(
        &self,
        uniform: &mut UniformMemory<F>,
        gradient: &mut [F],
        last: bool,
        write: impl Fn(usize, &mut [F]) -> bool,
    ) -> bool {
        let UniformMemory { values, adjoints, scratch, .. } = uniform;
        let schedule = &self.plan().schedule;
        if schedule.uniform_runs().is_empty() {
            // The sums of the tasks are the adjoints of the parameters themselves.
            return write(schedule.constants, gradient);
        }
        adjoints.resize(schedule.first_varying, F::zero());
        let finite = write(0, adjoints);
        if !(finite || last) {
            return false;
        }
        let runs = schedule.uniform_runs();
        uniform::reverse::<F, false>(schedule, runs.clone(), Wrt::Both, values, adjoints, scratch);
        let own = schedule.constants..schedule.constants + self.parameters();
        // A value that is not finite may have a finite derivative, such as a NaN in `relu`.
        let all_finite = |numbers: &[F]| arch().dispatch(AllFinite(numbers));
        if !(all_finite(&adjoints[own.clone()]) && all_finite(&values[..schedule.first_varying])) {
            write(0, adjoints);
            uniform::reverse::<F, true>(schedule, runs, Wrt::Both, values, adjoints, scratch);
        }
        gradient.copy_from_slice(&adjoints[own]);
        finite
    }

    pub(super) fn check_sum(
        &self,
        count: usize,
        sums: &Sums<'_, F>,
        results: &Results<'_, F>,
    ) -> Result<(), Error> {
        if let Some(bound) = sums.clip.filter(|&bound| bound.is_nan() || bound <= F::zero()) {
            return Err(Error::Bound { given: bound.to_string() });
        }
        if !sums.groups.is_empty() {
            let (all, expected) = (sums.groups.iter().sum(), self.parameters());
            Error::check_length("sum of the groups' length", "parameter", expected, all)?;
        }
        let lengths = [
            ("weight", "point", count, sums.weights.map(<[F]>::len)),
            ("gradient", "parameter", self.parameters(), results.gradient.as_ref().map(|x| x.len())),
            ("value", "point", count, results.values.as_ref().map(|x| x.len())),
            (
                "norm",
                "point (and a bound to clip to)",
                count * usize::from(sums.clip.is_some()),
                results.norms.as_ref().map(|x| x.len()),
            ),
            (
                "data gradient",
                "datum of each point, or none while clipping",
                count * self.data() * usize::from(sums.clip.is_none()),
                results.data_gradients.as_ref().map(|x| x.len()),
            ),
        ];
        for (what, per, expected, given) in lengths {
            Error::check_length(what, per, expected, given.unwrap_or(expected))?;
        }
        Ok(())
    }

    /// How many numbers a row of a Jacobian has.
    pub(in crate::program) fn width(&self, wrt: Wrt) -> usize {
        wrt.parameters(self) + wrt.data(self)
    }

    /// How many points make a task. It depends on the program and the number of points only.
    fn points_per_task(&self, count: usize) -> usize {
        // A task folds its accumulators once; this should be a small part of its work.
        let (cost, accumulated) = (self.plan().cost.max(1), self.plan().accumulated.slots.len());
        let smallest = SMALLEST_TASK.max(TASK_COST / cost).max(32 * L * accumulated / cost);
        let tasks = (count / smallest).clamp(1, MOST_TASKS.max(count / LARGE_TASK));
        // An even number divides evenly between threads.
        let tasks = if tasks > 1 { tasks & !1 } else { 1 };
        count.div_ceil(tasks).next_multiple_of(L)
    }

    /// How a batch with the given number of points is divided into chunks and added, for [`sum`](Self::sum) and for
    /// several processes that share it.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record_with_data(|p, x| p[0] * x[0] * x[0], &[1.0], &[1.0_f64])?;
    /// let tree = square.sum_tree(1 << 20);
    /// assert_eq!(tree.points_of(0..tree.chunks()), 0..1 << 20);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn sum_tree(&self, points: usize) -> SumTree {
        SumTree::new(points, self.points_per_task(points))
    }
}

/// The input of tasks.
pub(super) struct Work<'a, F, P: ?Sized> {
    pub(super) parameters: &'a [F],
    pub(super) points: &'a P,
    pub(super) sums: &'a Sums<'a, F>,
    pub(super) wrt: Wrt,
    /// The chunks of the batch to compute, with a task for each.
    pub(super) chunks: Range<usize>,
}

/// The sum of the values at a node of the tree over tasks; the first task has the first chunk.
pub(super) fn sum_of_values<F: ProgramScalar>(tasks: &[Task<F>], node: Range<usize>) -> F {
    let mut total = [F::zero()];
    let value =
        |node: &Range<usize>| (node.len() == 1).then(|| std::slice::from_ref(&tasks[node.start].value));
    tree::fold(node, &value, &mut total);
    total[0]
}

/// Copies the parts, in order, to their destination.
fn copy_parts<'a, F: Copy + 'a>(to: Option<&mut [F]>, parts: impl Iterator<Item = &'a [F]>) {
    let mut rest = to.unwrap_or_default();
    for part in parts {
        if rest.is_empty() {
            break;
        }
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
    }
}

/// Below this many sums, threads do not pay; and the fewest sums of a thread.
const SUMS_PER_THREAD: usize = 1 << 12;

/// Adds the adjoints at a node of the tree over tasks, starting at a slot; the first task has the first chunk.
/// Returns whether the sums are finite.
pub(super) fn add_up<F: ProgramScalar>(
    tasks: &[Task<F>],
    node: Range<usize>,
    first: usize,
    sums: &mut [F],
) -> bool {
    let add = |(piece, sums): (usize, &mut [F])| {
        let start = first + piece * PIECE;
        let range = start..start + sums.len();
        let adjoints =
            |node: &Range<usize>| (node.len() == 1).then(|| &tasks[node.start].adjoints[range.clone()]);
        tree::fold(node.clone(), &adjoints, sums);
        arch().dispatch(AllFinite(sums))
    };
    if sums.len() <= 4 * SUMS_PER_THREAD {
        return sums.chunks_mut(PIECE).enumerate().fold(true, |finite, piece| add(piece) & finite);
    }
    let pieces = sums.par_chunks_mut(PIECE).enumerate().with_min_len(SUMS_PER_THREAD / PIECE);
    pieces.map(add).reduce(|| true, |a, b| a & b)
}
