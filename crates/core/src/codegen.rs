//! Programs as code.

pub use crate::predicate::Property;
pub use crate::program::one::{Compiler, INPUTS, MachineCode, OUTPUTS};
pub use crate::program::routine::{
    Array, Carried, Check, Expression, Loop, Memory, Place, Quantity, Requirement, Routine, Statement, Value,
};
