//! tour

#[macro_use]
pub mod rules;
#[macro_use]
mod operators;
#[macro_use]
mod float;

mod differentiable;
mod drivers;
mod error;
mod forward;
mod reverse;
mod scalar;

pub use differentiable::Differentiable;
pub use drivers::{Reverse, derivative, gradient, gradient_forward, gradient_lanes, jvp, vjp};
pub use error::Error;
pub use forward::{Dual, Lanes};
pub use reverse::{Adjoints, Tape, Var};
pub use scalar::Scalar;

// The traits and numbers of lanes that appear in signatures, in the versions that fit.
pub use generic_array::{self, typenum};
pub use num_traits::{self, Float};
