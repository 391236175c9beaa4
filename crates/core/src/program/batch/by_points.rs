//! The points of a task one after the other, by the rules of single points, for tasks that lanes cannot compute.

use crate::program::Program;
use crate::program::batch::points::Points;
use crate::program::batch::task::{Job, Task};
use crate::program::ir::walk;
use crate::program::lanes::clip::clip_factor;
use crate::program::plan::Wrt;
use crate::{Error, ProgramScalar};
use std::ops::Range;

impl<F: ProgramScalar, P: Points<F> + ?Sized> Job<'_, F, P> {
    /// See [`Job::sum`].
    pub(in crate::program) fn sum_by_points(
        &self,
        task: &mut Task<F>,
        range: Range<usize>,
    ) -> Result<(), Error> {
        let (parameters, inputs) = (self.program.parameters(), self.program.inputs());
        let schedule = &self.plan.schedule;
        task.reset();
        task.adjoints.clear();
        task.adjoints.resize(schedule.first_varying, F::zero());
        for index in range {
            let program = self.evaluate_point(task, index)?;
            let output = program.one_output()?;
            let (value, mut weight) = (task.point.values[output], self.sums.weight(index));
            task.values.push(value);
            let seed = if self.sums.clip.is_some() { F::one() } else { weight };
            walk::reverse::<_, true>(&program.graph, &mut task.point, [(output, seed)].into_iter())?;
            let mut gradient = std::mem::take(&mut task.point.adjoints);
            if let Some(bound) = self.sums.clip
                && !self.hold(task, value, &mut gradient[..parameters], bound)
            {
                weight = F::zero();
            }
            if weight != F::zero() {
                task.value += weight * value;
            }
            let factor = if self.sums.clip.is_some() { weight } else { F::one() };
            let sums = &mut task.adjoints[schedule.constants..][..parameters];
            // A point with weight zero does not count, whatever its value.
            for (sum, &adjoint) in sums.iter_mut().zip(&gradient).filter(|_| weight != F::zero()) {
                *sum += factor * adjoint;
            }
            task.point.adjoints = gradient;
            if self.wrt != Wrt::Parameters {
                task.rows.extend_from_slice(&task.point.adjoints[parameters..inputs]);
            }
        }
        Ok(())
    }

    /// See [`Job::jacobians`].
    pub(in crate::program) fn jacobians_by_points(
        &self,
        task: &mut Task<F>,
        range: Range<usize>,
        derive: bool,
    ) -> Result<(), Error> {
        task.reset();
        let (parameters, data) = (self.wrt.parameters(self.program), self.wrt.data(self.program));
        let first_datum = self.program.parameters();
        for index in range {
            let program = self.evaluate_point(task, index)?;
            for &node in &program.graph.outputs {
                let node = node as usize;
                task.values.push(task.point.values[node]);
                if !derive {
                    continue;
                }
                walk::reverse::<_, true>(&program.graph, &mut task.point, [(node, F::one())].into_iter())?;
                let adjoints = &task.point.adjoints;
                task.rows.extend_from_slice(&adjoints[..parameters]);
                task.rows.extend_from_slice(&adjoints[first_datum..][..data]);
            }
        }
        Ok(())
    }

    /// Notes the norm of a point's gradient, and limits its groups to the bound. Returns whether the point counts.
    pub(in crate::program) fn hold(
        &self,
        task: &mut Task<F>,
        value: F,
        gradient: &mut [F],
        bound: F,
    ) -> bool {
        let norm = F::norm(gradient);
        task.norms.push(norm);
        if self.sums.skip_non_finite && !(value.is_finite() && norm.is_finite()) {
            task.clipped += 1;
            return false;
        }
        let shorten = |part: &mut [F], norm: F| {
            let factor = clip_factor(norm, bound);
            if factor != F::one() {
                part.iter_mut().for_each(|derivative| *derivative *= factor);
            }
            factor < F::one()
        };
        let (mut rest, mut clipped) = (gradient, false);
        if self.sums.groups.is_empty() {
            clipped = shorten(rest, norm);
        } else {
            for &length in self.sums.groups {
                let (group, after) = rest.split_at_mut(length);
                rest = after;
                let norm = F::norm(group);
                clipped |= shorten(group, norm);
            }
        }
        task.clipped += usize::from(clipped);
        true
    }

    /// Evaluates one point and checks its guards. The values belong to the program that is returned.
    pub(in crate::program) fn evaluate_point(
        &self,
        task: &mut Task<F>,
        index: usize,
    ) -> Result<&Program<F>, Error> {
        let point = self.points.point(index);
        Error::check_length("point", "datum", self.program.data(), point.len())?;
        task.inputs.clear();
        task.inputs.extend_from_slice(self.interpreter.parameters);
        task.inputs.extend_from_slice(point);
        self.program.forward(&mut task.point, &task.inputs).map_err(|error| error.at_point(index))
    }
}
