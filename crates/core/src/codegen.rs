//! Programs as code, as fast as a derivative written by hand.
//!
//! A [`Program`](crate::Program) interprets its recording. If the same function is evaluated at many thousands of
//! points one after another, code for it is several times as fast: [`rust()`] and [`c()`] write a file that depends
//! on no other file and not on this crate, for a build script, another program, or a microcontroller.
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
//! - It computes what the program computes at one point, to the bit: values, gradients, and loops as they are walked
//!   turn by turn. Elementary functions are those of Rust's standard library, or of C's. If the code uses another
//!   library (`libm` without the standard library, or C's error functions), the last places may differ.
//! - Derivatives at singular points need more care than the code takes, and the code of a function that branches is
//!   correct only on the recorded branch. In both cases the code refuses; evaluate the program there.
//! - Loops stay loops. A reverse sweep through one stores all states in a workspace that the caller provides.
//!   Functions of more than a thousand operations are divided into parts of five hundred, because the time of
//!   compilers grows faster than the length of a function.
//!
//! # Other backends
//!
//! The code is written from a [`Routine`]: statements with loops, which your own compiler can read as well.

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
