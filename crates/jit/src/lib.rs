//! Programs of [`dualtape`] as machine code, made at run time by Cranelift.
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

/// How much time is spent on compiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Registers are given out in one pass.
    SinglePass,
    /// Registers are given out with care.
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

/// A compiler for the processor at hand.
#[derive(Clone)]
pub struct Jit {
    isa: OwnedTargetIsa,
    tier: Tier,
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
    pub fn new(tier: Tier) -> Result<Self, Error> {
        Ok(Self { isa: compile::processor(tier.registers())?, tier })
    }

    /// Compiles a quantity of a program.
    pub fn compile<F: Number>(&self, program: &Program<F>, quantity: Quantity) -> Result<Compiled<F>, Error> {
        self.compile_routine(Routine::new(program, quantity)?)
    }

    /// Compiles a routine.
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
}
