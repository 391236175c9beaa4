//! The points of a task one after the other, by the rules of single points: where lanes will not do.

use super::point::{self, Wrt};
use super::points::Points;
use super::sums::clip_factor;
use super::task::{Job, Task};
use super::workspace;
use crate::{Error, Scalar};
use std::ops::Range;

impl<F: Scalar, P: Points<F> + ?Sized> Job<'_, F, P> {
    /// See [`Job::sum`].
    pub(super) fn sum_by_points(&self, task: &mut Task<F>, range: Range<usize>) -> Result<(), Error> {
        let program = self.program;
        let schedule = &program.schedule;
        let output = program.one_output()?;
        task.reset();
        task.adjoints.clear();
        task.adjoints.resize(schedule.first_varying, F::zero());
        for index in range {
            self.evaluate_point(task, index)?;
            let (value, weight) = (task.point.values[output], self.sums.weight(index));
            task.values.push(value);
            if weight != F::zero() {
                task.value += weight * value;
            }
            let seed = if self.sums.clip.is_some() { F::one() } else { weight };
            self.reverse_point(task, output, seed);
            let factor = match self.sums.clip {
                None => F::one(),
                Some(bound) => {
                    self.reverse_runs(task, schedule.uniform_runs());
                    // What is left are the adjoints of parameters; those of results are done.
                    let adjoints = &mut task.point.adjoints;
                    adjoints[schedule.constants + program.parameters..schedule.first_varying].fill(F::zero());
                    let gradient = &adjoints[schedule.constants..][..program.parameters];
                    let norm = F::norm(gradient);
                    weight * self.factor(task, norm, bound)
                }
            };
            let (uniform, varying) = task.point.adjoints.split_at(schedule.first_varying);
            for (sum, &adjoint) in task.adjoints.iter_mut().zip(uniform) {
                *sum += crate::rules::Partial::Of(factor).times(adjoint);
            }
            if self.wrt != Wrt::Parameters {
                task.rows.extend_from_slice(&varying[..program.data]);
            }
        }
        Ok(())
    }

    /// See [`Job::jacobians`].
    pub(super) fn jacobians_by_points(
        &self,
        task: &mut Task<F>,
        range: Range<usize>,
        derive: bool,
    ) -> Result<(), Error> {
        let program = self.program;
        let schedule = &program.schedule;
        task.reset();
        let (parameters, data) = (program.wanted_parameters(self.wrt), program.wanted_data(self.wrt));
        for index in range {
            self.evaluate_point(task, index)?;
            for &slot in &program.outputs {
                task.values.push(task.point.values[slot as usize]);
                if !derive {
                    continue;
                }
                self.reverse_point(task, slot as usize, F::one());
                self.reverse_runs(task, schedule.uniform_runs());
                let adjoints = &task.point.adjoints;
                task.rows.extend_from_slice(&adjoints[schedule.constants..][..parameters]);
                task.rows.extend_from_slice(&adjoints[schedule.first_varying..][..data]);
            }
        }
        Ok(())
    }

    /// Notes a norm; the factor that holds it to the bound.
    fn factor(&self, task: &mut Task<F>, norm: F, bound: F) -> F {
        task.norms.push(norm);
        let factor = clip_factor(norm, bound);
        task.clipped += usize::from(factor < F::one());
        factor
    }

    /// Evaluates one point and checks its guards.
    pub(super) fn evaluate_point(&self, task: &mut Task<F>, index: usize) -> Result<(), Error> {
        let (program, schedule) = (self.program, &self.program.schedule);
        let point = self.points.point(index);
        Error::check_length("point", "datum", program.data, point.len())?;
        let workspace::Buffers { values, scratch, .. } = &mut task.point;
        values.resize(schedule.slots, F::zero());
        values[..schedule.first_varying].copy_from_slice(self.machine.uniform);
        values[schedule.constants..][..program.parameters].copy_from_slice(self.machine.parameters);
        values[schedule.first_varying..][..program.data].copy_from_slice(point);
        point::forward(schedule, schedule.varying_runs(), values, scratch);
        program.check_guards(index, |slot| values[slot as usize])
    }

    /// Carries a seed back to uniform values and data.
    fn reverse_point(&self, task: &mut Task<F>, output: usize, seed: F) {
        let schedule = &self.program.schedule;
        let adjoints = &mut task.point.adjoints;
        adjoints.clear();
        adjoints.resize(schedule.slots, F::zero());
        adjoints[output] = seed;
        self.reverse_runs(task, schedule.varying_runs());
    }

    /// Carries adjoints back through some runs, with all care for singular points.
    fn reverse_runs(&self, task: &mut Task<F>, runs: Range<usize>) {
        let workspace::Buffers { values, adjoints, scratch } = &mut task.point;
        point::reverse::<F, true>(&self.program.schedule, runs, Wrt::Both, values, adjoints, scratch);
    }
}
