//! Programs as functions: their derivatives as programs, their composition, and calls on any numbers.

use crate::loops::RecordedLoop;
use crate::program::ir::graph::Graph;
use crate::program::ir::guard::{Predicate, same_bits};
use crate::program::plan::Wrt;
use crate::program::transform::derivative::{self, Inputs};
#[cfg(feature = "serde")]
use crate::program::transform::unroll::unroll;
use crate::program::{Program, StepProgram, ir::walk};
use crate::{Differentiable, Error, ProgramScalar};
use std::ops::Range;
use std::sync::Arc;

/// Programs of more operations than this stay one call in other programs.
const MOST_INLINED: usize = 1 << 10;

/// Loops and calls of more operations than this are not written out to be saved.
#[cfg(feature = "serde")]
const MOST_SAVED: usize = 1 << 20;

impl<F: ProgramScalar> Program<F> {
    /// The gradient of a program with one output, as a program: one output for each requested input, parameters
    /// first. Its inputs are those of this program.
    ///
    /// It is a program like any other: it can be evaluated in batches, differentiated again, and composed with
    /// others. Its values are the gradients that [`gradient`](Self::gradient) writes, at singular points too, up to
    /// rounding.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`].
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Wrt};
    /// let sine = Program::record(|x| x[0].sin(), &[1.0_f64])?;
    /// let second = sine.gradient_program(Wrt::Both)?.gradient_program(Wrt::Both)?;
    /// assert_eq!(second.value(&mut second.workspace(), &[0.5])?, -0.5_f64.sin());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn gradient_program(&self, wrt: Wrt) -> Result<Self, Error> {
        self.one_output()?;
        Ok(self.derived(derivative::gradient_with_policy(self.recorded_graph(), &self.wanted(wrt))))
    }

    /// The value and the gradient of a program with one output, as a program: first the value, then the gradient as in
    /// [`gradient_program`](Self::gradient_program).
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`].
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt};
    /// let product = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let (both, mut results) = (product.value_and_gradient_program(Wrt::Both)?, [0.0; 3]);
    /// both.evaluate(&mut both.workspace(), &[3.0, 4.0], &mut results)?;
    /// assert_eq!(results, [12.0, 4.0, 3.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn value_and_gradient_program(&self, wrt: Wrt) -> Result<Self, Error> {
        self.one_output()?;
        let mut graph = derivative::gradient_and_value(self.recorded_graph(), &self.wanted(wrt));
        graph.outputs.rotate_right(1);
        Ok(self.derived(graph))
    }

    /// The outputs and their derivatives along a direction, as a program: first an output for each output of this
    /// program, then a derivative for each.
    ///
    /// The direction is part of the inputs. The parameters are those of this program, then their part of the
    /// direction; the data are those of this program, then their part of the direction.
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| [x[0] * x[1], x[0] + x[1]], &[1.0_f64, 2.0])?;
    /// let (jvp, mut results) = (program.jvp_program(), [0.0; 4]);
    /// jvp.evaluate(&mut jvp.workspace(), &[3.0, 4.0, 1.0, 10.0], &mut results)?;
    /// assert_eq!(results, [12.0, 7.0, 34.0, 11.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[must_use]
    pub fn jvp_program(&self) -> Self {
        self.derived(derivative::jvp(self.recorded_graph(), &[], Inputs::Both).graph)
    }

    /// The outputs and a cotangent times the Jacobian, as a program: first an output for each output of this program,
    /// then a number for each requested input, parameters first.
    ///
    /// The cotangent follows the data, with one number for each output.
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Float, Program, program::Wrt};
    /// let program = Program::record(|x| [x[0] * x[1], x[0].sin()], &[1.0_f64, 2.0])?;
    /// let (vjp, mut results) = (program.vjp_program(Wrt::Both), [0.0; 4]);
    /// vjp.evaluate(&mut vjp.workspace(), &[0.0, 3.0, 10.0, 1.0], &mut results)?;
    /// assert_eq!(results, [0.0, 0.0, 31.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[must_use]
    pub fn vjp_program(&self, wrt: Wrt) -> Self {
        self.derived(derivative::vjp::<F, true>(self.recorded_graph(), &self.wanted(wrt), &[]).graph)
    }

    /// The derivative along a direction of the parameters, as a program with one output. The direction follows the
    /// parameters; the data are those of this program.
    #[cfg(feature = "argmin")]
    pub(crate) fn derivative_along_parameters(&self) -> Result<Self, Error> {
        self.one_output()?;
        let mut graph = derivative::jvp(self.recorded_graph(), &[], Inputs::Parameters).graph;
        graph.outputs.drain(..1); // the value
        Ok(self.derived(graph))
    }

    /// The Hessian of a program with one output, as a program: row after row, for the requested inputs, parameters
    /// first. Its inputs are those of this program.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`].
    ///
    /// # Panics
    ///
    /// If the derivative of a [rule](crate::CustomRule) that it calls cannot be recorded.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt};
    /// let program = Program::record(|x| x[0] * x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let (hessian, mut results) = (program.hessian_program(Wrt::Both)?, [0.0; 4]);
    /// hessian.evaluate(&mut hessian.workspace(), &[3.0, 4.0], &mut results)?;
    /// assert_eq!(results, [8.0, 6.0, 6.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessian_program(&self, wrt: Wrt) -> Result<Self, Error> {
        self.one_output()?;
        let wanted = self.wanted(wrt);
        let gradient = derivative::gradient_with_policy(self.recorded_graph(), &wanted);
        Ok(self.derived(derivative::jacobian(&gradient, &wanted)))
    }

    /// This program, followed by another on its outputs, as one program. Its inputs are those of this program, and
    /// so is its [compiler](Self::optimized_by).
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the other program does not have an input for each output of this one.
    ///
    /// ```
    /// use dualtape::{Float, Program};
    /// let polar = Program::record(|x| [x[0].hypot(x[1]), x[1].atan2(x[0])], &[1.0_f64, 1.0])?;
    /// let area = Program::record(|p| p[0] * p[0] * p[1] / 2.0, &[1.0, 1.0])?;
    /// let sector = polar.then(&area)?;
    /// let value = sector.value(&mut sector.workspace(), &[0.0, 2.0])?;
    /// assert_eq!(value, std::f64::consts::PI);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn then(&self, next: &Self) -> Result<Self, Error> {
        Error::check_length("list of inputs of the next program", "output", self.outputs(), next.inputs())?;
        Ok(self.derived(derivative::compose(self.recorded_graph(), next.recorded_graph())))
    }

    /// A program made from this one, with the same compiler.
    fn derived(&self, graph: Graph<F>) -> Self {
        Self::from(graph).compiled_like(self)
    }

    /// The outputs at `x`, for any number type: so a program is a function, and may be called from others, recorded
    /// ones included.
    ///
    /// On a tape and in a recording, a small program is recorded operation by operation. A large program, of more
    /// than a thousand operations, stays one call, with its derivatives as programs.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input, [`Error::BranchChanged`] if the function
    /// takes another branch, and the errors of custom rules. In a recording, the guards of this program become guards
    /// of the recording, or of the call.
    ///
    /// ```
    /// use dualtape::{Program, gradient};
    /// let spring = Program::record(|x| x[0] * x[0] * 0.5, &[1.0_f64])?;
    /// let energy = gradient(|x| spring.call(&[x[0] - x[1]]).expect("there are no guards")[0], &[3.0, 1.0]);
    /// assert_eq!(energy, (2.0, vec![2.0, -2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[track_caller]
    pub fn call<D: Differentiable<Scalar = F>>(&self, x: &[D]) -> Result<Vec<D>, Error> {
        Error::check_length("point", "input", self.inputs(), x.len())?;
        if D::RETAINS && self.recorded_graph().size() > MOST_INLINED {
            let make = || Arc::new(StepProgram::of_function(self.recorded_graph().clone()));
            return D::call(&RecordedLoop::once(Arc::clone(self.as_step.get_or_init(make))), x);
        }
        let (graph, mut buffers) = (self.recorded_graph(), walk::Buffers::default());
        let part = |nodes: Range<usize>, buffers: &mut _| {
            walk::forward_part(graph, nodes, buffers, |input| x[input], |_, rule, x| D::call(rule, x))
        };
        let mut done = 0;
        // Not a closure, so that the guards of a recording refer to the place where the program is called.
        for (number, guard) in graph.guards.iter().enumerate() {
            let ready = guard.ready_after(done);
            part(done..ready, &mut buffers)?;
            done = ready;
            let value = |node: u32| &buffers.values[node as usize];
            let holds = match guard.predicate {
                Predicate::Relation { relation, operands: [a, b], outcome } => {
                    value(a).relates(relation, value(b)) == outcome
                }
                Predicate::Property { property, operand, outcome } => value(operand).has(property) == outcome,
                Predicate::Value { operand, value: expected } => same_bits(value(operand).value(), expected),
            };
            if !holds {
                return Err(Error::BranchChanged { point: 0, number, guard: guard.words() });
            }
        }
        part(done..graph.nodes.len(), &mut buffers)?;
        Ok(graph.outputs.iter().map(|&output| buffers.values[output as usize]).collect())
    }

    /// The recorded graph, for reading.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| x[0] * x[0], &[1.0_f64])?;
    /// assert_eq!(program.graph().len(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn graph(&self) -> &Graph<F> {
        self.recorded_graph()
    }

    /// This program as bytes, with a version and a checksum. The source positions of its guards are not kept. Loops
    /// and calls of programs are written out.
    ///
    /// # Errors
    ///
    /// [`Error::NotSavable`] for a program that calls custom rules, which are code, or loops that are long or that
    /// end by a condition.
    ///
    /// ```
    /// use dualtape::Program;
    /// let square = Program::record(|x| x[0] * x[0], &[1.0_f64])?;
    /// let back = Program::<f64>::from_bytes(&square.to_bytes()?)?;
    /// assert_eq!(back.value(&mut back.workspace(), &[3.0])?, 9.0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let graph = self.recorded_graph();
        match (&graph.calls[..], unroll(graph, MOST_SAVED)) {
            ([_, ..], Some(written_out)) => written_out.to_bytes(),
            _ => graph.to_bytes(),
        }
    }

    /// The program from the bytes that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`Error::NotAProgram`] if the bytes are damaged, or belong to another version or number type.
    ///
    /// ```
    /// use dualtape::{Error, Program};
    /// assert!(matches!(Program::<f64>::from_bytes(b"letters"), Err(Error::NotAProgram { .. })));
    /// ```
    #[cfg(feature = "serde")]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Graph::from_bytes(bytes).map(Self::from)
    }

    /// The recorded graph, with all care for exact zeros and NaN.
    pub(in crate::program) fn recorded_graph(&self) -> &Graph<F> {
        self.recorded.as_ref().map_or(&self.graph, |recorded| &recorded.graph)
    }

    /// The places of the requested inputs.
    pub(crate) fn wanted(&self, wrt: Wrt) -> Vec<usize> {
        let (parameters, data) = (wrt.parameters(self), wrt.data(self));
        (0..parameters).chain(self.parameters()..self.parameters() + data).collect()
    }
}
