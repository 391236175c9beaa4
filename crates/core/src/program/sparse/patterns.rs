//! Patterns of the Jacobian and the Hessian of a program.

use super::dependence;
use crate::program::transform::derivative;
use crate::program::transform::unroll::unroll_what_can_be;
use crate::program::{Graph, Program, Workspace, Wrt};
use crate::sparse::Pattern;
use crate::{Error, ProgramScalar};
use std::borrow::Cow;

/// Loops and calls of more operations than this are kept whole: each of their outputs then counts as depending on all
/// of their inputs.
const MOST_WRITTEN_OUT: usize = 1 << 20;

impl<F: ProgramScalar> Program<F> {
    /// Where the Jacobian may have nonzero entries, at any point: a row for each output, a column for each requested
    /// input, parameters first.
    ///
    /// It follows from the recording, so no entry is ever missing as long as the guards hold. It may have more
    /// entries than needed: terms that cancel (`x - x`) count, both sides of a
    /// [`select`](crate::Differentiable::select) count, and each output of a custom rule depends on all inputs of the
    /// rule. The same holds for loops and calls with more than a million operations in all. If an output is NaN,
    /// dense derivatives are NaN even for a dependence without a derivative (`floor`); such entries are not counted.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] for 2³² or more entries.
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Wrt};
    /// let program = Program::record(|x| [x[0] * x[1], x[2].sin(), x[0].floor()], &[1.0_f64; 3])?;
    /// let pattern = program.jacobian_pattern(Wrt::Both)?;
    /// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 2)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jacobian_pattern(&self, wrt: Wrt) -> Result<Pattern, Error> {
        let graph = self.written_out();
        dependence::pattern(&graph, &graph.outputs, &self.wanted(wrt))
    }

    /// Where the Hessian of a program with one output may have nonzero entries, at any point: a row and a column for
    /// each requested input, parameters first. It is symmetric.
    ///
    /// It is the pattern of the Jacobian of the gradient, so linear terms add nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`], and [`Error::NotAPattern`] for 2³² or more entries.
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt};
    /// let program = Program::record(|x| x[0] * x[1] + x[1] * 3.0 + x[2], &[1.0_f64; 3])?;
    /// let pattern = program.hessian_pattern(Wrt::Both)?;
    /// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(0, 1), (1, 0)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessian_pattern(&self, wrt: Wrt) -> Result<Pattern, Error> {
        let gradient = self.gradient_to_look_at(wrt)?;
        dependence::pattern(&gradient, &gradient.outputs, &self.wanted(wrt))?.symmetric()
    }

    /// Where the Jacobian has nonzero entries at `x`: [`jacobian_pattern`](Self::jacobian_pattern) without products
    /// with zero, and with only the selected side of each `select`. At other points there may be other entries. Each
    /// call writes loops and calls out again, so do not use it in a loop.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input, [`Error::BranchChanged`] if the function
    /// takes another branch, and [`Error::NotAPattern`] for 2³² or more entries.
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Wrt};
    /// let program = Program::record(|x| x[0].max(x[1]) + x[2] * x[3], &[1.0_f64; 4])?;
    /// let pattern = program.jacobian_pattern_at(&mut program.workspace(), Wrt::Both, &[3.0, 1.0, 0.0, 5.0])?;
    /// assert_eq!(pattern.row(0), [0, 2]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jacobian_pattern_at(
        &self,
        workspace: &mut Workspace<F>,
        wrt: Wrt,
        x: &[F],
    ) -> Result<Pattern, Error> {
        let written_out = match self.written_out() {
            Cow::Borrowed(_) => None,
            Cow::Owned(graph) => Some(Self::from(graph)),
        };
        let buffers = &mut workspace.plain;
        let program = written_out.as_ref().unwrap_or(self).forward(buffers, x)?;
        dependence::pattern_at(&program.graph, &self.wanted(wrt), &buffers.values)
    }

    /// Where the Hessian of a program with one output has nonzero entries at `x`. Each call derives the gradient
    /// again, so do not use it in a loop.
    ///
    /// # Errors
    ///
    /// The errors of [`jacobian_pattern_at`](Self::jacobian_pattern_at), and [`Error::NotOneOutput`].
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Differentiable, Float, Program, program::Wrt};
    /// let program = Program::record(|x| (x[0] * x[1]).powi(2) + x[1].relu(), &[1.0_f64; 2])?;
    /// let pattern = program.hessian_pattern_at(&mut program.workspace(), Wrt::Both, &[2.0, 0.0])?;
    /// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(1, 1)]); // 2x₀²
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessian_pattern_at(
        &self,
        workspace: &mut Workspace<F>,
        wrt: Wrt,
        x: &[F],
    ) -> Result<Pattern, Error> {
        let gradient = Self::from(self.gradient_to_look_at(wrt)?);
        gradient.jacobian_pattern_at(workspace, wrt, x)?.symmetric()
    }

    /// The recorded graph, with loops and calls written out as far as possible.
    pub(super) fn written_out(&self) -> Cow<'_, Graph<F>> {
        let graph = self.recorded_graph();
        match &graph.calls[..] {
            [] => Cow::Borrowed(graph),
            _ => Cow::Owned(unroll_what_can_be(graph, MOST_WRITTEN_OUT)),
        }
    }

    /// The graph of the gradient, for inspection.
    fn gradient_to_look_at(&self, wrt: Wrt) -> Result<Graph<F>, Error> {
        self.one_output()?;
        Ok(derivative::gradient_with_policy(&self.written_out(), &self.wanted(wrt)))
    }
}
