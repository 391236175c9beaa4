//! Compiles programs of [`dualtape`] to machine code at run time, with Cranelift.
//!
//! ```
//! use dualtape::{Differentiable, Program, codegen::Quantity};
//! use dualtape_jit::{Jit, Tier};
//! use std::sync::Arc;
//!
//! fn rosenbrock<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
//!     x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
//! }
//!
//! let program = Program::record(|x| rosenbrock(x), &[-1.2, 1.0])?;
//! let jit = Jit::new(Tier::Optimised)?;
//!
//! // On its own: the outputs are all output arrays, concatenated.
//! let (mut gradient, mut outputs) = (jit.compile(&program, Quantity::Gradient)?, [0.0; 3]);
//! gradient.call(&[-1.2, 1.0], &mut outputs)?;
//!
//! // Or behind the program, for any code that evaluates it: where the machine code refuses, the program is walked instead.
//! let program = program.optimized_by(Arc::new(jit));
//! let mut derivative = [0.0; 2];
//! let value = program.gradient(&mut program.workspace(), &[-1.2, 1.0], &mut derivative)?;
//! assert_eq!([value, derivative[0], derivative[1]], outputs);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Results
//!
//! The results are bit for bit those of the program: sums, products, roots and selections are instructions, and
//! elementary functions are calls to those of the rule table. Loops stay loops, and give the same bits as walking
//! them iteration by iteration. The code refuses a point where a guard fails, or where a number that has to be finite
//! is not.
//!
//! # When it pays
//!
//! Times in units of a gradient written by hand, and the time until the first call of optimised code (one core of an
//! AMD EPYC; run the example `speed` to measure your machine):
//!
//! | gradient | program | [`Tier::SinglePass`] | [`Tier::Optimised`] | compilation |
//! |---|---:|---:|---:|---:|
//! | Rosenbrock, 2 inputs | 4.8 | 1.8 | 1.4 | 0.1 ms |
//! | Rosenbrock, 10 inputs | 5.2 | 2.0 | 1.3 | 0.4 ms |
//! | Rosenbrock, 100 inputs | 2.8 | 2.5 | 1.5 | 4 ms |
//! | Rosenbrock, 1000 inputs | 2.7 | 3.3 | 1.4 | 38 ms |
//! | a pendulum of 1000 steps, a loop | 2.3 | 1.3 | 1.0 | 0.6 ms |
//!
//! So straight-line code pays off after some thousand evaluations: 3000 for two inputs, 16 000 for a thousand. A loop
//! of a thousand iterations pays off after ten. Compiling takes 2 to 2.5 µs per operation, or 0.8 µs with a single
//! pass; the number of iterations of a loop does not matter. [`Jit::after`] makes a program wait for a given number
//! of evaluations before it is compiled.
//!
//! # Safety
//!
//! Machine code can do anything. All of this crate is safe Rust, except one file of a few dozen lines, which calls
//! the functions and frees their pages. Each load and store is checked against the length of its array when the code
//! is generated, and the lengths are checked again at each call.
#![deny(unsafe_code)]

mod compile;
mod compiled;
mod emit;
mod error;
mod functions;
mod layout;
mod machine;
mod number;

pub use compiled::Compiled;
pub use error::Error;
pub use number::Number;

use cranelift_codegen::isa::OwnedTargetIsa;
use dualtape::Program;
use dualtape::codegen::{Compiler, MachineCode, Quantity, Routine};
use std::fmt;
use std::sync::Arc;

/// How much time to spend on compiling. See [`Jit::new`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Registers are allocated in a single pass: 0.8 µs per operation. Code that is short, or calls many functions, is hardly
    /// slower; long straight-line code is no faster than the program.
    SinglePass,
    /// Registers are allocated carefully: 2 to 2.5 µs per operation.
    Optimised,
}

impl Tier {
    /// The most operations in one function.
    fn part(self) -> usize {
        match self {
            Self::SinglePass => 1000,
            Self::Optimised => 400,
        }
    }

    fn registers(self) -> &'static str {
        match self {
            Self::SinglePass => "single_pass",
            Self::Optimised => "backtracking",
        }
    }
}

/// A compiler for the processor of this machine. It implements [`Compiler`], for use with
/// [`Program::optimized_by`]; see [`Jit::new`] for an example of direct use.
#[derive(Clone)]
pub struct Jit {
    isa: OwnedTargetIsa,
    tier: Tier,
    uses: u32,
}

impl fmt::Debug for Jit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jit")
            .field("tier", &self.tier)
            .field("processor", &self.isa.triple().to_string())
            .finish()
    }
}

impl Jit {
    /// A compiler of a tier.
    ///
    /// # Errors
    ///
    /// [`Error::Processor`] if Cranelift does not support this processor.
    ///
    /// ```
    /// use dualtape::{Program, codegen::Quantity};
    /// use dualtape_jit::{Jit, Tier};
    /// let product = Program::record(|x| x[0] * x[1], &[1.0_f32, 2.0])?;
    /// let mut gradient = Jit::new(Tier::SinglePass)?.compile(&product, Quantity::Gradient)?;
    /// let mut outputs = [0.0; 3];
    /// gradient.call(&[3.0, 4.0], &mut outputs)?;
    /// assert_eq!(outputs, [12.0, 4.0, 3.0]);
    /// # Ok::<(), dualtape_jit::Error>(())
    /// ```
    pub fn new(tier: Tier) -> Result<Self, Error> {
        Ok(Self { isa: compile::processor(tier.registers())?, tier, uses: 0 })
    }

    /// The same compiler, but a program is compiled only after this many evaluations, counted separately for each kind of
    /// evaluation. [`compile`](Self::compile) does not wait.
    ///
    /// ```
    /// use dualtape::Program;
    /// use dualtape_jit::{Jit, Tier};
    /// use std::sync::Arc;
    /// let jit = Jit::new(Tier::Optimised)?.after(5000);
    /// let program = Program::record(|x| x[0] * x[1], &[1.0, 2.0])?.optimized_by(Arc::new(jit));
    /// assert_eq!(program.value(&mut program.workspace(), &[3.0, 4.0])?, 12.0); // not by machine code yet
    /// # Ok::<(), dualtape_jit::Error>(())
    /// ```
    #[must_use]
    pub fn after(self, uses: u32) -> Self {
        Self { uses, ..self }
    }

    /// Compiles a quantity of a program.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] with the error of [`Routine::new`]: several outputs have no gradient, and there is no code
    /// for custom rules and for loops that end by a condition. The other errors, except [`Error::Length`] and
    /// [`Error::Refused`], which do not occur here, would be bugs of this crate or a lack of memory.
    ///
    /// # Panics
    ///
    /// If the derivative of a rule that the program calls cannot be recorded.
    ///
    /// See [`Jit::new`] for an example.
    pub fn compile<F: Number>(&self, program: &Program<F>, quantity: Quantity) -> Result<Compiled<F>, Error> {
        self.compile_routine(Routine::new(program, quantity)?)
    }

    /// Compiles a routine. A routine that was not split into parts yet is split as suits the tier.
    ///
    /// # Errors
    ///
    /// Those of [`compile`](Self::compile), except [`Error::Program`].
    ///
    /// ```
    /// use dualtape::{Program, codegen::{Quantity, Routine}};
    /// use dualtape_jit::{Jit, Tier};
    /// let program = Program::record(|x| x[0] * x[1] * x[2], &[1.0, 2.0, 3.0])?;
    /// let parts = Routine::new(&program, Quantity::Values)?.split(1);
    /// let (mut values, mut outputs) = (Jit::new(Tier::SinglePass)?.compile_routine(parts)?, [0.0]);
    /// values.call(&[2.0, 3.0, 4.0], &mut outputs)?;
    /// assert_eq!(outputs, [24.0]);
    /// # Ok::<(), dualtape_jit::Error>(())
    /// ```
    pub fn compile_routine<F: Number>(&self, routine: Routine<F>) -> Result<Compiled<F>, Error> {
        let routine = routine.split(self.tier.part());
        let machine = compile::compile(&self.isa, &routine)?;
        Ok(Compiled::new(&routine, machine))
    }
}

impl<F: Number> Compiler<F> for Jit {
    fn compile(&self, routine: Routine<F>) -> Option<Arc<dyn MachineCode<F>>> {
        let routine = routine.split(self.tier.part());
        Some(Arc::new(compile::compile(&self.isa, &routine).ok()?))
    }

    fn worthwhile_after(&self) -> u32 {
        self.uses
    }
}
