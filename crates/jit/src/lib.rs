//! Programs of [`dualtape`] as machine code, made at run time by Cranelift.
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
//! // By itself: all arrays that go out, one after the other.
//! let (mut gradient, mut outputs) = (jit.compile(&program, Quantity::Gradient)?, [0.0; 3]);
//! gradient.call(&[-1.2, 1.0], &mut outputs)?;
//!
//! // Or behind the program, for whoever evaluates it: where the code refuses, the program goes on by itself.
//! let program = program.optimized_by(Arc::new(jit));
//! let mut derivative = [0.0; 2];
//! let value = program.gradient(&mut program.workspace(), &[-1.2, 1.0], &mut derivative)?;
//! assert_eq!([value, derivative[0], derivative[1]], outputs);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What comes out
//!
//! The bits of the program: sums, products, roots and choices are instructions, elementary functions are those of the rule table,
//! called. Loops stay loops, with the bits of the walk turn by turn. Where a guard is broken, or a number is not finite that has to
//! be, the code refuses.
//!
//! # When it pays
//!
//! In units of a gradient written by hand, and what it takes until the first call (one core of an AMD EPYC; run the example
//! `speed` for another machine's):
//!
//! | gradient | program | [`Tier::SinglePass`] | [`Tier::Optimised`] | until then |
//! |---|---:|---:|---:|---:|
//! | Rosenbrock, 2 inputs | 4.8 | 1.8 | 1.4 | 0.1 ms |
//! | Rosenbrock, 10 inputs | 5.2 | 2.0 | 1.3 | 0.4 ms |
//! | Rosenbrock, 100 inputs | 2.8 | 2.5 | 1.5 | 4 ms |
//! | Rosenbrock, 1000 inputs | 2.7 | 3.3 | 1.4 | 38 ms |
//! | a pendulum of 1000 steps, a loop | 2.3 | 1.3 | 1.0 | 0.6 ms |
//!
//! So straight code has paid after some thousand evaluations, 3000 for two inputs and 16 000 for a thousand, and a loop of a thousand
//! turns after ten. Code takes 2 to 2.5 µs an operation to make, a loop however many turns it has, and a single pass 1 µs.
//! [`Jit::after`] has a program wait for so many evaluations.
//!
//! # Safety
//!
//! Machine code can do anything. All of this crate but one file of some dozen lines is safe Rust; that file calls the functions and
//! frees their pages. Each load and store is written with the length of its array at hand, and refused beyond it; the lengths are
//! checked again at each call.
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

/// How much time is spent on compiling. [`Jit::new`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Registers are given out in one pass: 1 µs an operation. What is short, or calls many functions, is hardly slower; long
    /// straight code is no faster than the program.
    SinglePass,
    /// Registers are given out with care: 2 to 2.5 µs an operation.
    Optimised,
}

impl Tier {
    /// How many operations go into one function at most.
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

/// A compiler for the processor at hand. It is a [`Compiler`] for
/// [`Program::optimized_by`]; [`Jit::new`] has an example of it alone.
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
    /// [`Error::Processor`] if Cranelift makes no code for this processor.
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

    /// The same for programs that are to be compiled only when they have been evaluated so many times, for each kind of
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
    /// [`Error::Program`] with what [`Routine::new`] says: of several outputs there is no gradient, and of rules of the user's own
    /// and loops that end by a condition there is no code. The other errors, but for [`Error::Length`] and [`Error::Refused`],
    /// would be faults of this crate, or a lack of memory.
    ///
    /// # Panics
    ///
    /// If the derivative of a rule that the program calls cannot be recorded.
    ///
    /// [`Jit::new`] has an example.
    pub fn compile<F: Number>(&self, program: &Program<F>, quantity: Quantity) -> Result<Compiled<F>, Error> {
        self.compile_routine(Routine::new(program, quantity)?)
    }

    /// Compiles a routine; one that was not cut into parts yet is cut as suits the tier.
    ///
    /// # Errors
    ///
    /// Those of [`compile`](Self::compile), but for [`Error::Program`].
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
