//! Programs as code, as fast as a derivative written by hand.
//!
//! A [`Program`](crate::Program) interprets what was recorded. Where the same function is evaluated many thousands of times at
//! one point after another, code for it is several times as fast: [`rust()`] and [`c()`] write a file that needs nothing else,
//! for a build script, another program, or a microcontroller.
//!
//! ```
//! use dualtape::{Differentiable, Program, codegen::Source};
//!
//! fn energy<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
//!     x[0] * x[1].sin()
//! }
//! let program = Program::record(|x| energy(x), &[1.0, 0.5])?;
//! println!("{}", Source::new(&program).inputs(&["length", "angle"]).rust()?);
//! # use dualtape::Float;
//! # Ok::<(), dualtape::Error>(())
//! ```
//!
//! It prints, among other things:
//!
//! ```text
//! pub fn value_and_gradient(x: &[f64; 2], gradient: &mut [f64; 2]) -> Result<f64, Refusal> {
//!     let length = x[0];
//!     let angle = x[1];
//!     let v1 = angle.sin();
//!     …
//! ```
//!
//! # What the code does
//!
//! - It computes what the program computes at one point, to the bit: values, gradients, and loops as they are walked turn by
//!   turn. Elementary functions are those of the standard library, or of C's; where the code uses a library of its own (`libm`
//!   without a standard library, C's error functions), the last places may differ.
//! - Derivatives at singular points take more care than code is written for, and a function that branches is right on the
//!   branch that was recorded only. There the code refuses, and the answer is to be had from the program.
//! - Loops stay loops. A sweep back through one stores all states in a workspace that the caller hands in. Functions of more
//!   than a thousand operations are cut into parts of five hundred, as compilers take longer than in proportion.
//!
//! # Other backends
//!
//! [`Routine`] is what the code is written from: statements with loops, which a compiler of yours can read as well.

mod c_file;
mod rust_file;
mod source;
mod text;

pub use crate::predicate::Property;
pub use crate::program::one::{Compiler, INPUTS, MachineCode, OUTPUTS};
pub use crate::program::routine::{
    Array, Carried, Check, Expression, Loop, Memory, Place, Quantity, Requirement, Routine, Statement, Value,
};
pub use source::{Source, c, rust};
