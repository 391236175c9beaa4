//! A program at one point: its value, its gradient, products with its Jacobian and Hessian, and these matrices
//! themselves.
//!
//! The inputs are the parameters, followed by the data.

use super::Executable;
use super::lower::{Lowered, lower};
use crate::codegen::Quantity;
use crate::program::ir::walk::{self, Buffers};
use crate::program::transform::derivative;
use crate::program::transform::derivative::{Inputs, Transformed};
use crate::program::transform::speculate::speculate;
use crate::program::{Program, one::Workspace};
use crate::{Differentiable, Dual, Error, Lanes, ProgramScalar};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{U8, Unsigned};

/// How many directions are computed at once.
const DIRECTIONS: usize = U8::USIZE;

impl<F: ProgramScalar> Program<F> {
    /// The program, prepared for many evaluations at single points.
    ///
    /// A program that was just recorded is evaluated by a walk over its graph, which costs about as much as a tape.
    /// After sixteen evaluations of one kind, it is translated to instructions, which take a few times as long to
    /// make and a fraction of the time to run. This function makes the instructions for values and gradients at once.
    /// Results have the same bits either way, except forward products and Hessians, which are the same up to
    /// rounding.
    ///
    /// ```
    /// use dualtape::{Float, Program};
    /// let program = Program::record(|x| x[0].sin() * x[1], &[1.0_f64, 2.0])?.optimized();
    /// let (mut workspace, mut gradient) = (program.workspace(), [0.0; 2]);
    /// assert_eq!(program.gradient(&mut workspace, &[0.0, 3.0], &mut gradient)?, 0.0);
    /// assert_eq!(gradient, [3.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[must_use]
    pub fn optimized(self) -> Self {
        self.values_at_one.make(|| self.lower_values());
        if self.outputs() == 1 {
            self.gradient_at_one.make(|| self.lower_gradient());
        }
        self
    }

    /// The value at `x` of a program with one output, with the same bits as the function itself.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input, [`Error::NotOneOutput`], and
    /// [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Float, Program};
    /// let program = Program::record(|x| x[0].exp() * x[1], &[1.0_f64, 2.0])?;
    /// assert_eq!(program.value(&mut program.workspace(), &[0.5, 3.0])?, 0.5_f64.exp() * 3.0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn value(&self, workspace: &mut Workspace<F>, x: &[F]) -> Result<F, Error> {
        self.one_output()?;
        let mut value = [F::zero()];
        self.evaluate(workspace, x, &mut value)?;
        Ok(value[0])
    }

    /// Writes all outputs at `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input, or `outputs` does not have one for each
    /// output, and [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Error, Program};
    /// let program = Program::record(|x| [x[0] * x[1], x[0] + x[1]], &[1.0_f64, 2.0])?;
    /// let (mut workspace, mut outputs) = (program.workspace(), [0.0; 2]);
    /// program.evaluate(&mut workspace, &[3.0, 4.0], &mut outputs)?;
    /// assert_eq!(outputs, [12.0, 7.0]);
    /// let short = program.evaluate(&mut workspace, &[3.0], &mut outputs);
    /// assert!(matches!(short, Err(Error::Length { expected: 2, given: 1, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn evaluate(&self, workspace: &mut Workspace<F>, x: &[F], outputs: &mut [F]) -> Result<(), Error> {
        self.check_outputs(outputs)?;
        self.check_point(x)?;
        if let Some(machines) = &self.machines
            && machines.run(
                self,
                Quantity::Values,
                [x, &[]],
                [outputs, &mut [], &mut []],
                &mut workspace.machine,
            )
        {
            return Ok(());
        }
        if let Some(executable) = self.values_at_one.get(&self.graph, || self.lower_values()) {
            let outcome = executable.run(&mut workspace.values, x);
            if outcome.answers() {
                copy(outcome.outputs(), outputs);
                if outcome.accepts(outputs.iter().copied()) {
                    return Ok(());
                }
            }
        }
        let program = self.evaluate_over(&mut workspace.plain, false, |input| x[input])?;
        program.read_outputs(&workspace.plain.values, outputs);
        Ok(())
    }

    /// Writes the gradient at `x` of a program with one output, and returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` or `gradient` does not have one number for each input, [`Error::NotOneOutput`], and
    /// [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| x[0] * x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let (mut workspace, mut gradient) = (program.workspace(), [0.0; 2]);
    /// let value = program.gradient(&mut workspace, &[3.0, 4.0], &mut gradient)?;
    /// assert_eq!((value, gradient), (36.0, [24.0, 9.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn gradient(&self, workspace: &mut Workspace<F>, x: &[F], gradient: &mut [F]) -> Result<F, Error> {
        self.one_output()?;
        Error::check_length("gradient", "input", self.inputs(), gradient.len())?;
        self.check_point(x)?;
        if let Some(machines) = &self.machines {
            let (memory, mut value) = (&mut workspace.machine, [F::zero()]);
            let outputs = [&mut value[..], gradient, &mut []];
            if machines.run(self, Quantity::Gradient, [x, &[]], outputs, memory) {
                return Ok(value[0]);
            }
        }
        if let Some(executable) = self.gradient_at_one.get(&self.graph, || self.lower_gradient()) {
            let outcome = executable.run(&mut workspace.gradient, x);
            let mut value = [F::zero()];
            if outcome.write(&mut [&mut value, &mut *gradient]) {
                return Ok(value[0]);
            }
        }
        let buffers = &mut workspace.plain;
        let program = self.forward(buffers, x)?;
        let output = program.one_output()?;
        program.pull_back(buffers, [(output, F::one())].into_iter(), gradient)?;
        Ok(buffers.values[output])
    }

    /// Writes all outputs, and the cotangent times the Jacobian, which has one number for each input.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` or `product` does not have one number for each input, or `cotangent` or `outputs`
    /// does not have one for each output, and [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::{Float, Program};
    /// let program = Program::record(|x| [x[0] * x[1], x[0].sin()], &[1.0_f64, 2.0])?;
    /// let (mut outputs, mut product) = ([0.0; 2], [0.0; 2]);
    /// program.vjp(&mut program.workspace(), &[0.0, 3.0], &[10.0, 1.0], &mut outputs, &mut product)?;
    /// assert_eq!((outputs, product), ([0.0, 0.0], [31.0, 0.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn vjp(
        &self,
        workspace: &mut Workspace<F>,
        x: &[F],
        cotangent: &[F],
        outputs: &mut [F],
        product: &mut [F],
    ) -> Result<(), Error> {
        Error::check_length("cotangent", "output", self.outputs(), cotangent.len())?;
        Error::check_length("product", "input", self.inputs(), product.len())?;
        self.check_outputs(outputs)?;
        self.check_point(x)?;
        if let Some(machines) = &self.machines {
            let memory = &mut workspace.machine;
            if machines.run(self, Quantity::Vjp, [x, cotangent], [outputs, product, &mut []], memory) {
                return Ok(());
            }
        }
        if let Some(executable) = self.vjp_at_one.get(&self.graph, || self.lower_vjp()) {
            let outcome = executable.run_along(&mut workspace.vjp, x, cotangent);
            if outcome.write(&mut [&mut *outputs, &mut *product]) {
                return Ok(());
            }
        }
        let buffers = &mut workspace.plain;
        let program = self.forward(buffers, x)?;
        program.read_outputs(&buffers.values, outputs);
        let seeds =
            program.graph.outputs.iter().zip(cotangent).map(|(&node, &weight)| (node as usize, weight));
        program.pull_back(buffers, seeds, product)
    }

    /// Writes all outputs, and the Jacobian times the tangent, which has one number for each output.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` or `tangent` does not have one number for each input, or `outputs` or `product` does
    /// not have one for each output, and [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| [x[0] * x[1], x[0] + x[1]], &[1.0_f64, 2.0])?;
    /// let (mut outputs, mut product) = ([0.0; 2], [0.0; 2]);
    /// program.jvp(&mut program.workspace(), &[3.0, 4.0], &[1.0, 10.0], &mut outputs, &mut product)?;
    /// assert_eq!((outputs, product), ([12.0, 7.0], [34.0, 11.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jvp(
        &self,
        workspace: &mut Workspace<F>,
        x: &[F],
        tangent: &[F],
        outputs: &mut [F],
        product: &mut [F],
    ) -> Result<(), Error> {
        self.check_outputs(outputs)?;
        self.check_outputs(product)?;
        Error::check_length("tangent", "input", self.inputs(), tangent.len())?;
        self.check_point(x)?;
        if let Some(machines) = &self.machines {
            let memory = &mut workspace.machine;
            if machines.run(self, Quantity::Jvp, [x, tangent], [outputs, product, &mut []], memory) {
                return Ok(());
            }
        }
        if let Some(executable) = self.jvp_at_one.get(&self.graph, || self.lower_jvp()) {
            let outcome = executable.run_along(&mut workspace.jvp, x, tangent);
            if outcome.write(&mut [&mut *outputs, &mut *product]) {
                return Ok(());
            }
        }
        let buffers = &mut workspace.moving;
        let program = self.forward_moving(buffers, x, |input, _| tangent[input])?;
        for (&node, (output, product)) in program.graph.outputs.iter().zip(outputs.iter_mut().zip(product)) {
            let y = buffers.values[node as usize];
            (*output, *product) = (y.primal(), y.derivative(0));
        }
        Ok(())
    }

    /// Writes all outputs and the Jacobian, with a row for each output and a number for each input in it. It uses
    /// forward mode if there are few inputs, and otherwise reverse mode.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input, `outputs` does not have one for each output,
    /// or `jacobian` does not have one for each pair of them, and [`Error::BranchChanged`] if the function takes
    /// another branch.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| [x[0] * x[1], x[0] + x[1]], &[1.0_f64, 2.0])?;
    /// let (mut outputs, mut jacobian) = ([0.0; 2], [0.0; 4]);
    /// program.jacobian(&mut program.workspace(), &[3.0, 4.0], &mut outputs, &mut jacobian)?;
    /// assert_eq!((outputs, jacobian), ([12.0, 7.0], [4.0, 3.0, 1.0, 1.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jacobian(
        &self,
        workspace: &mut Workspace<F>,
        x: &[F],
        outputs: &mut [F],
        jacobian: &mut [F],
    ) -> Result<(), Error> {
        let (rows, columns) = (self.outputs(), self.inputs());
        Error::check_length("Jacobian", "pair of output and input", rows * columns, jacobian.len())?;
        self.check_outputs(outputs)?;
        self.check_point(x)?;
        let in_reverse = columns.div_ceil(DIRECTIONS) >= rows;
        if self.jacobian_by_machine_code(in_reverse, workspace, x, outputs, jacobian).is_some()
            || self.jacobian_by_instructions(in_reverse, workspace, x, outputs, jacobian).is_some()
        {
            return Ok(());
        }
        let program = self.forward(&mut workspace.plain, x)?;
        program.read_outputs(&workspace.plain.values, outputs);
        if in_reverse {
            for (&node, row) in program.graph.outputs.iter().zip(jacobian.chunks_mut(columns.max(1))) {
                program.pull_back(&mut workspace.plain, [(node as usize, F::one())].into_iter(), row)?;
            }
            return Ok(());
        }
        for first in (0..columns).step_by(DIRECTIONS) {
            let directions = &mut workspace.directions;
            let program =
                self.forward_moving(directions, x, |input, direction| unit(input == first + direction))?;
            for (&node, row) in program.graph.outputs.iter().zip(jacobian.chunks_mut(columns)) {
                let y = directions.values[node as usize];
                for (direction, entry) in row[first..].iter_mut().take(DIRECTIONS).enumerate() {
                    *entry = y.derivative(direction);
                }
            }
        }
        Ok(())
    }

    /// Writes the gradient of a program with one output, and its Hessian times the direction; returns the
    /// value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x`, `direction`, `gradient` or `product` does not have one number for each input,
    /// [`Error::NotOneOutput`], and [`Error::BranchChanged`] if the function takes another branch.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| x[0] * x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let (mut workspace, mut derivative, mut product) = (program.workspace(), [0.0; 2], [0.0; 2]);
    /// let value = program.hvp(&mut workspace, &[3.0, 4.0], &[1.0, 10.0], &mut derivative, &mut product)?;
    /// assert_eq!((value, derivative, product), (36.0, [24.0, 9.0], [68.0, 6.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hvp(
        &self,
        workspace: &mut Workspace<F>,
        x: &[F],
        direction: &[F],
        gradient: &mut [F],
        product: &mut [F],
    ) -> Result<F, Error> {
        self.one_output()?;
        for (what, given) in
            [("direction", direction.len()), ("gradient", gradient.len()), ("product", product.len())]
        {
            Error::check_length(what, "input", self.inputs(), given)?;
        }
        self.check_point(x)?;
        if let Some(machines) = &self.machines {
            let (memory, mut value) = (&mut workspace.machine, [F::zero()]);
            let outputs = [&mut value[..], gradient, product];
            if machines.run(self, Quantity::Hvp, [x, direction], outputs, memory) {
                return Ok(value[0]);
            }
        }
        if let Some(executable) = self.hvp_at_one.get(&self.graph, || self.lower_hvp()) {
            let outcome = executable.run_along(&mut workspace.hvp, x, direction);
            let (mut value, mut derivative) = ([F::zero()], [F::zero()]);
            if outcome.write(&mut [&mut value, &mut *gradient, &mut derivative, &mut *product]) {
                return Ok(value[0]);
            }
        }
        let buffers = &mut workspace.moving;
        let program = self.forward_moving(buffers, x, |input, _| direction[input])?;
        let output = program.one_output()?;
        walk::reverse::<_, true>(&program.graph, buffers, [(output, Dual::lift(F::one()))].into_iter())?;
        for (input, (gradient, product)) in gradient.iter_mut().zip(product).enumerate() {
            let adjoint = buffers.adjoints[input];
            (*gradient, *product) = (adjoint.primal(), adjoint.derivative(0));
        }
        Ok(buffers.values[output].primal())
    }

    /// Writes the gradient and the Hessian (square, row after row) of a program with one output, by sweeps of the
    /// gradient over eight directions at a time. Returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` or `gradient` does not have one number for each input, or `hessian` does not have the
    /// square of their number, [`Error::NotOneOutput`], and [`Error::BranchChanged`] if the function takes another
    /// branch.
    ///
    /// ```
    /// use dualtape::Program;
    /// let program = Program::record(|x| x[0] * x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let (mut gradient, mut hessian) = ([0.0; 2], [0.0; 4]);
    /// program.hessian(&mut program.workspace(), &[3.0, 4.0], &mut gradient, &mut hessian)?;
    /// assert_eq!(hessian, [8.0, 6.0, 6.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessian(
        &self,
        workspace: &mut Workspace<F>,
        x: &[F],
        gradient: &mut [F],
        hessian: &mut [F],
    ) -> Result<F, Error> {
        let n = self.inputs();
        Error::check_length("Hessian", "pair of inputs", n * n, hessian.len())?;
        self.one_output()?;
        self.check_point(x)?;
        Error::check_length("gradient", "input", n, gradient.len())?;
        if let Some(value) = self.hessian_by_machine_code(workspace, x, gradient, hessian) {
            return Ok(value);
        }
        if let Some(executable) = self.hvp_at_one.get(&self.graph, || self.lower_hvp())
            && let Some(value) = self.hessian_by_instructions(executable, workspace, x, gradient, hessian)
        {
            return Ok(value);
        }
        let value = self.gradient(workspace, x, gradient)?;
        for first in (0..n).step_by(DIRECTIONS) {
            let directions = &mut workspace.directions;
            let program =
                self.forward_moving(directions, x, |input, direction| unit(input == first + direction))?;
            let output = program.one_output()?;
            walk::reverse::<_, true>(
                &program.graph,
                directions,
                [(output, Dual::lift(F::one()))].into_iter(),
            )?;
            for (column, row) in hessian[first * n..].chunks_mut(n).take(DIRECTIONS).enumerate() {
                for (input, entry) in row.iter_mut().enumerate() {
                    *entry = directions.adjoints[input].derivative(column);
                }
            }
        }
        Ok(value)
    }

    /// The Jacobian row by row, or column by column; `None` if there are no instructions, or if their result is not
    /// valid.
    fn jacobian_by_instructions(
        &self,
        in_reverse: bool,
        workspace: &mut Workspace<F>,
        x: &[F],
        outputs: &mut [F],
        jacobian: &mut [F],
    ) -> Option<()> {
        let columns = x.len();
        let (executable, memory, products) = if in_reverse {
            (self.vjp_at_one.get(&self.graph, || self.lower_vjp())?, &mut workspace.vjp, outputs.len())
        } else {
            (self.jvp_at_one.get(&self.graph, || self.lower_jvp())?, &mut workspace.jvp, columns)
        };
        memory.load(executable, x);
        for index in 0..products {
            let outcome = executable.run_on(memory, columns, (0..products).map(|place| unit(place == index)));
            let reliable = if in_reverse {
                outcome.write(&mut [&mut *outputs, &mut jacobian[index * columns..][..columns]])
            } else {
                let column = jacobian[index..].iter_mut().step_by(columns);
                let derivatives = outcome.outputs().skip(outputs.len());
                outcome.write(&mut [&mut *outputs])
                    && column.zip(derivatives).all(|(entry, derivative)| {
                        *entry = derivative;
                        derivative.is_finite()
                    })
            };
            if !reliable {
                return None;
            }
        }
        (products > 0).then_some(())
    }

    /// The Hessian row by row; `None` if the result of the instructions is not valid.
    fn hessian_by_instructions(
        &self,
        executable: &Executable<F>,
        workspace: &mut Workspace<F>,
        x: &[F],
        gradient: &mut [F],
        hessian: &mut [F],
    ) -> Option<F> {
        let n = x.len();
        workspace.hvp.load(executable, x);
        let (mut value, mut derivative) = ([F::zero()], [F::zero()]);
        for (row, product) in hessian.chunks_mut(n.max(1)).enumerate() {
            let direction = (0..n).map(|input| unit(input == row));
            let outcome = executable.run_on(&mut workspace.hvp, n, direction);
            if !outcome.write(&mut [&mut value, &mut *gradient, &mut derivative, product]) {
                return None;
            }
        }
        (n > 0).then_some(value[0])
    }

    /// The node of the only output.
    pub(crate) fn one_output(&self) -> Result<usize, Error> {
        match *self.graph.outputs {
            [output] => Ok(output as usize),
            _ => Err(Error::NotOneOutput { given: self.outputs() }),
        }
    }

    fn check_outputs(&self, outputs: &[F]) -> Result<(), Error> {
        Error::check_length("output", "output", self.outputs(), outputs.len())
    }

    pub(super) fn read_outputs(&self, values: &[F], outputs: &mut [F]) {
        for (output, &node) in outputs.iter_mut().zip(&self.graph.outputs) {
            *output = values[node as usize];
        }
    }

    fn check_point(&self, x: &[F]) -> Result<(), Error> {
        Error::check_length("point", "input", self.inputs(), x.len())
    }

    /// Instructions for the outputs, unless there would be too many.
    fn lower_values(&self) -> Option<Lowered<F>> {
        self.lower_outputs(0)
    }

    /// The same; the last inputs, of the given number, vary.
    pub(super) fn lower_outputs(&self, varying: usize) -> Option<Lowered<F>> {
        let program = self.without_calls()?;
        let lowered = lower(program.graph.clone(), &program.watched, varying)?;
        Some(Lowered { outputs_not_nan: program.recorded.is_some(), ..lowered })
    }

    /// Instructions for the gradient, unless there would be too many.
    fn lower_gradient(&self) -> Option<Lowered<F>> {
        let Self { graph, watched, .. } = self.without_calls()?;
        lower(derivative::gradient(graph), watched, 0)
    }

    /// Instructions for the outputs and a cotangent times their Jacobian, unless there would be too many.
    fn lower_vjp(&self) -> Option<Lowered<F>> {
        let inputs: Vec<usize> = (0..self.inputs()).collect();
        let Self { graph, watched, .. } = self.without_calls()?;
        let Transformed { graph, nodes } = derivative::vjp::<F, false>(graph, &inputs, watched);
        lower(graph, &nodes, self.outputs())
    }

    /// Instructions for the outputs and their derivatives along a direction, unless there would be too many.
    fn lower_jvp(&self) -> Option<Lowered<F>> {
        let Self { graph, watched, .. } = self.without_calls()?;
        lower_speculatively(derivative::jvp(graph, watched, Inputs::Data), self.inputs())
    }

    /// Instructions for the gradient and the Hessian times a direction: the value, the gradient, the derivative of
    /// the value, and the product.
    fn lower_hvp(&self) -> Option<Lowered<F>> {
        let Self { graph, watched, .. } = self.without_calls()?;
        let gradient = derivative::gradient(graph);
        lower_speculatively(derivative::jvp(&gradient, watched, Inputs::Data), self.inputs())
    }

    /// Evaluates at `x` for a reverse sweep, and checks the guards. The values belong to the program that is
    /// returned.
    pub(in crate::program) fn forward(&self, buffers: &mut Buffers<F>, x: &[F]) -> Result<&Self, Error> {
        self.check_point(x)?;
        self.evaluate_over(buffers, true, |input| x[input])
    }

    /// Evaluates at `x` along the directions that `tangent` gives by input and number of the direction.
    fn forward_moving<N: Lanes<F>>(
        &self,
        buffers: &mut Buffers<Dual<F, N>>,
        x: &[F],
        tangent: impl Fn(usize, usize) -> F,
    ) -> Result<&Self, Error> {
        self.check_point(x)?;
        self.evaluate_over(buffers, true, |input| {
            Dual::new(x[input], GenericArray::generate(|direction| tangent(input, direction)))
        })
    }

    /// Evaluates over any numbers, and checks the guards. If the speculation of this program fails, the recorded
    /// program is evaluated instead, and returned.
    pub(super) fn evaluate_over<T: Differentiable<Scalar = F>>(
        &self,
        buffers: &mut Buffers<T>,
        save: bool,
        x: impl Fn(usize) -> T,
    ) -> Result<&Self, Error> {
        let broken = walk::forward_guarded(&self.graph, buffers, save, &x);
        let value = |node: u32| buffers.values[node as usize].value();
        if let Some(recorded) = &self.recorded
            && (!matches!(broken, Ok(None)) || self.not_nan().any(|node| value(node).is_nan()))
        {
            return recorded.evaluate_over(buffers, save, x);
        }
        let Some(number) = broken? else { return Ok(self) };
        Err(self.branch_changed(0, number, self.graph.guards[number].operands().map(value)))
    }

    /// The error of a broken guard, given the present values.
    pub(in crate::program) fn branch_changed(
        &self,
        point: usize,
        number: usize,
        values: impl Iterator<Item = F>,
    ) -> Error {
        Error::BranchChanged { point, number, guard: self.graph.guards[number].words_now(values) }
    }

    /// Writes the gradient of the seeded outputs into `gradient`. If a singular point makes a product with zero NaN,
    /// the sweep is repeated with more care.
    pub(in crate::program) fn pull_back(
        &self,
        buffers: &mut Buffers<F>,
        seeds: impl Iterator<Item = (usize, F)> + Clone,
        gradient: &mut [F],
    ) -> Result<(), Error> {
        walk::reverse::<F, false>(&self.graph, buffers, seeds.clone())?;
        gradient.copy_from_slice(&buffers.adjoints[..gradient.len()]);
        let finite = all_finite(gradient) && seeds.clone().all(|(node, _)| buffers.values[node].is_finite());
        if !finite {
            walk::reverse::<F, true>(&self.graph, buffers, seeds)?;
            gradient.copy_from_slice(&buffers.adjoints[..gradient.len()]);
        }
        Ok(())
    }
}

/// Lowers a graph with chain rules by speculating on them; the last inputs, of the given number, vary.
fn lower_speculatively<F: ProgramScalar>(moved: Transformed<F>, varying: usize) -> Option<Lowered<F>> {
    let Transformed { graph, nodes: mut watched } = moved;
    match speculate(&graph, &mut watched) {
        None => lower(graph, &watched, varying),
        Some(speculation) => {
            watched.extend(speculation.watched);
            lower(speculation.graph, &watched, varying)
        }
    }
}

fn copy<F>(numbers: impl Iterator<Item = F>, to: &mut [F]) {
    to.iter_mut().zip(numbers).for_each(|(to, number)| *to = number);
}

fn all_finite<F: ProgramScalar>(numbers: &[F]) -> bool {
    numbers.iter().fold(true, |finite, number| finite & number.is_finite())
}

/// One if the condition holds, otherwise zero.
fn unit<F: ProgramScalar>(holds: bool) -> F {
    if holds { F::one() } else { F::zero() }
}
