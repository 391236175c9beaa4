//! Compiled routines, and how to call them.

use crate::Error;
use crate::machine::Machine;
use crate::number::Number;
use dualtape::codegen::{Array, INPUTS, MachineCode, OUTPUTS, Quantity, Routine};
use std::fmt;
use std::sync::Arc;

/// Machine code for a quantity of a program, with the memory it runs on.
///
/// It is `Send` and `Sync`. A clone shares the code but has its own memory, so give each thread a clone. The code is freed
/// with the last clone.
///
/// ```
/// use dualtape::{Program, codegen::Quantity};
/// use dualtape_jit::{Jit, Tier};
///
/// let program = Program::record(|x| x[0] * x[0] * x[1], &[1.0_f64, 2.0])?;
/// let mut gradient = Jit::new(Tier::Optimised)?.compile(&program, Quantity::Gradient)?;
/// let mut outputs = [0.0; 3]; // the value, then the gradient
/// gradient.call(&[3.0, 4.0], &mut outputs)?;
/// assert_eq!(outputs, [36.0, 24.0, 9.0]);
/// # Ok::<(), dualtape_jit::Error>(())
/// ```
pub struct Compiled<F> {
    code: Arc<Code<F>>,
    workspace: Vec<F>,
}

/// The part that clones share.
pub(crate) struct Code<F> {
    machine: Machine<F>,
    quantity: Quantity,
    inputs: Vec<Array>,
    outputs: Vec<Array>,
    /// The number of inputs and outputs.
    lengths: [usize; 2],
}

impl<F: Number> Compiled<F> {
    pub(crate) fn new(routine: &Routine<F>, machine: Machine<F>) -> Self {
        let (inputs, outputs) = (routine.inputs().to_vec(), routine.outputs().to_vec());
        let lengths = [&inputs, &outputs].map(|arrays| arrays.iter().map(|array| array.len).sum());
        let workspace = vec![F::zero(); machine.workspace()];
        let code = Code { machine, quantity: routine.quantity(), inputs, outputs, lengths };
        Self { code: Arc::new(code), workspace }
    }

    /// The quantity it computes.
    ///
    /// ```
    /// # use dualtape::{Program, codegen::Quantity};
    /// # use dualtape_jit::{Jit, Tier};
    /// let program = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let compiled = Jit::new(Tier::SinglePass)?.compile(&program, Quantity::Hvp)?;
    /// assert_eq!(compiled.quantity(), Quantity::Hvp);
    /// # Ok::<(), dualtape_jit::Error>(())
    /// ```
    pub fn quantity(&self) -> Quantity {
        self.code.quantity
    }

    /// The input arrays, in order.
    ///
    /// ```
    /// # use dualtape::{Program, codegen::Quantity};
    /// # use dualtape_jit::{Jit, Tier};
    /// let program = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let compiled = Jit::new(Tier::SinglePass)?.compile(&program, Quantity::Hvp)?;
    /// let inputs: Vec<_> = compiled.inputs().iter().map(|array| (array.name, array.len)).collect();
    /// assert_eq!(inputs, [("x", 2), ("direction", 2)]);
    /// # Ok::<(), dualtape_jit::Error>(())
    /// ```
    pub fn inputs(&self) -> &[Array] {
        &self.code.inputs
    }

    /// The output arrays, in order.
    ///
    /// ```
    /// # use dualtape::{Program, codegen::Quantity};
    /// # use dualtape_jit::{Jit, Tier};
    /// let program = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
    /// let compiled = Jit::new(Tier::SinglePass)?.compile(&program, Quantity::Gradient)?;
    /// let outputs: Vec<_> = compiled.outputs().iter().map(|array| (array.name, array.len)).collect();
    /// assert_eq!(outputs, [("value", 1), ("gradient", 2)]);
    /// # Ok::<(), dualtape_jit::Error>(())
    /// ```
    pub fn outputs(&self) -> &[Array] {
        &self.code.outputs
    }

    /// Computes the outputs from the inputs; both are slices of all arrays concatenated. The results are bit for bit
    /// those of the program.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the number of inputs or outputs is wrong; and [`Error::Refused`] if the function takes
    /// another branch here than where it was recorded, or is at a singular point. Evaluate the program in this case:
    /// it gives the result or says which guard failed. After `Refused`, the outputs are unspecified.
    ///
    /// ```
    /// use dualtape::{Float, Program, codegen::Quantity};
    /// use dualtape_jit::{Error, Jit, Tier};
    /// let program = Program::record(|x| x[0].sqrt(), &[1.0_f64])?;
    /// let mut gradient = Jit::new(Tier::SinglePass)?.compile(&program, Quantity::Gradient)?;
    /// let mut outputs = [0.0; 2];
    /// gradient.call(&[4.0], &mut outputs)?;
    /// assert_eq!(outputs, [2.0, 0.25]);
    /// assert_eq!(gradient.call(&[0.0], &mut outputs), Err(Error::Refused)); // the derivative is infinite
    /// assert!(matches!(gradient.call(&[], &mut outputs), Err(Error::Length { expected: 1, given: 0, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn call(&mut self, inputs: &[F], outputs: &mut [F]) -> Result<(), Error> {
        let Code { machine, inputs: in_arrays, outputs: out_arrays, lengths, .. } = &*self.code;
        let [all_inputs, all_outputs] = *lengths;
        if inputs.len() != all_inputs || outputs.len() != all_outputs {
            return Err(self.wrong_length(inputs.len(), outputs.len()));
        }
        let (mut inputs, mut outputs) = (inputs, outputs);
        let mut given = [[].as_slice(); INPUTS];
        for (given, array) in given.iter_mut().zip(in_arrays) {
            (*given, inputs) = inputs.split_at(array.len);
        }
        let mut wanted = [(); OUTPUTS].map(|()| [].as_mut_slice());
        for (wanted, array) in wanted.iter_mut().zip(out_arrays) {
            (*wanted, outputs) = outputs.split_at_mut(array.len);
        }
        if machine.run(given, wanted, &mut self.workspace) { Ok(()) } else { Err(Error::Refused) }
    }

    #[cold]
    fn wrong_length(&self, inputs: usize, outputs: usize) -> Error {
        let [expected, expected_outputs] = self.code.lengths;
        if inputs == expected {
            Error::Length { what: "outputs", expected: expected_outputs, given: outputs }
        } else {
            Error::Length { what: "inputs", expected, given: inputs }
        }
    }
}

impl<F: Number> Clone for Compiled<F> {
    fn clone(&self) -> Self {
        Self { code: Arc::clone(&self.code), workspace: self.workspace.clone() }
    }
}

impl<F> fmt::Debug for Compiled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Code { quantity, inputs, outputs, .. } = &*self.code;
        let mut shown = f.debug_struct("Compiled");
        shown.field("quantity", quantity).field("inputs", inputs).field("outputs", outputs).finish()
    }
}
