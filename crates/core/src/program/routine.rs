//! Routines: a function or a derivative as statements over numbers, from which code is generated.
//!
//! It takes a program and the requested quantity, and gives a list of statements in static single assignment form.
//! Loops of the recording stay loops: a reverse sweep through one is a loop that runs backwards over what the forward
//! loop stored. Routines do not depend on a language or machine; [`codegen`](crate::codegen) writes them as Rust and
//! C, and a compiler reads them through the types of this module.

mod loops;
mod prune;
mod quantity;
mod schedule;
mod split;
mod statement;
mod write;

pub use quantity::Quantity;
pub use statement::{Array, Carried, Check, Expression, Loop, Memory, Place, Requirement, Statement, Value};

use crate::program::Program;
use crate::{Error, ProgramScalar};

/// A function or a derivative as statements.
///
/// It uses three kinds of memory: input arrays, output arrays, and one workspace. Either it writes all outputs with
/// the bits of [`Program`]; or a [check](Check) fails, or an output is not as [required](Array::required), and it
/// refuses: use the program for such a point.
///
/// ```
/// use dualtape::Program;
/// use dualtape::codegen::{Expression, Quantity, Routine, Statement};
/// use dualtape::rules::Op;
///
/// let program = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// let routine = Routine::new(&program, Quantity::Values)?;
/// let [statements] = routine.parts() else { unreachable!("it is small") };
/// let products = statements.iter().filter(|statement| {
///     matches!(statement, Statement::Let { is: Expression::Apply(Op::Mul, _), .. })
/// });
/// assert_eq!((products.count(), routine.operations()), (1, 1));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Routine<F> {
    quantity: Quantity,
    inputs: Vec<Array>,
    outputs: Vec<Array>,
    workspace: usize,
    values: usize,
    parts: Vec<Vec<Statement<F>>>,
    guards: Vec<String>,
}

impl<F: ProgramScalar> Routine<F> {
    /// The statements that compute a quantity of a program.
    ///
    /// # Errors
    ///
    /// [`Error::NotOneOutput`] for a gradient or a Hessian of several outputs, and [`Error::NotCompilable`] for a
    /// program that calls a rule whose value is user code, or a loop that ends by a condition.
    ///
    /// # Panics
    ///
    /// If the derivative of a rule that it calls cannot be recorded.
    pub fn new(program: &Program<F>, quantity: Quantity) -> Result<Self, Error> {
        let function = quantity.of(program)?;
        let written = write::write(&function)?;
        let (statements, workspace) = prune::prune(written.statements, written.values, &written.regions);
        let statements = schedule::schedule(statements, written.values);
        let (inputs, outputs) = (function.inputs, function.outputs);
        let (values, guards) = (written.values, written.guards);
        Ok(Self { quantity, inputs, outputs, workspace, values, parts: vec![statements], guards })
    }

    /// The same, divided into parts of at most the given number of operations, without counting loops: the time of
    /// compilers grows faster than the length of a function. Values that one part computes and another reads go
    /// through the workspace. A routine that was divided before stays unchanged.
    #[must_use]
    pub fn split(self, operations: usize) -> Self {
        // Several parts may load the same value, which then has more than one definition.
        if self.parts.len() > 1 || self.operations() <= operations {
            return self;
        }
        let statements = self.parts.into_iter().flatten().collect();
        let (parts, workspace) = split::split(statements, self.values, self.workspace, operations);
        Self { parts, workspace, ..self }
    }

    /// What it computes.
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// The input arrays.
    pub fn inputs(&self) -> &[Array] {
        &self.inputs
    }

    /// The output arrays.
    pub fn outputs(&self) -> &[Array] {
        &self.outputs
    }

    /// How many numbers the workspace has.
    pub fn workspace(&self) -> usize {
        self.workspace
    }

    /// How many values there are: every [`Value`] is below.
    pub fn values(&self) -> usize {
        self.values
    }

    /// The statements, part after part. A value of one part is not visible in another.
    pub fn parts(&self) -> &[Vec<Statement<F>>] {
        &self.parts
    }

    /// The guards to which [checks](Check) refer, in words.
    pub fn guards(&self) -> &[String] {
        &self.guards
    }

    /// How many operations are written; those of a loop count once.
    pub fn operations(&self) -> usize {
        self.parts.iter().flatten().map(Statement::operations).sum()
    }

    /// Whether it can refuse.
    pub fn may_refuse(&self) -> bool {
        self.outputs.iter().any(|array| array.required != Requirement::Anything)
            || self.parts.iter().flatten().any(Statement::may_refuse)
    }
}
