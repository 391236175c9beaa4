//! Exact derivatives of ordinary Rust code.
//!
//! Write a function once, generic over [`Differentiable`], and choose how it is differentiated by the
//! driver you call:
//!
//! ```
//! use dualtape::{Differentiable, gradient, gradient_forward};
//!
//! fn rosenbrock<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
//!     x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
//! }
//!
//! let (value, slope) = gradient(|x| rosenbrock(x), &[-1.2, 1.0]); // in reverse, on a tape
//! let (same, forward) = gradient_forward(rosenbrock, &[-1.2, 1.0]); // forward, with dual numbers
//! assert_eq!(value, same);
//! assert!(slope.iter().zip(&forward).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-12));
//! ```
//!
//! # The numbers
//!
//! - [`Dual<T, N>`](Dual) carries `N` tangents along: *forward mode*. One evaluation gives the derivatives
//!   along `N` directions. It needs no memory beyond the numbers themselves.
//! - [`Var<T>`](Var) records what is done with it on a [`Tape`]: *reverse mode*. One evaluation and one
//!   sweep back give the derivatives with respect to all inputs. The tape grows with the computation.
//! - `f32` and `f64` themselves, with no derivative, at full speed.
//!
//! `T` is a plain number, or again one of these: a `Var<Dual<f64>>` gives second derivatives, forward over
//! reverse.
//!
//! # The drivers
//!
//! | driver | of a function | gives | mode |
//! |---|---|---|---|
//! | [`derivative`] | of one number | value, slope | forward |
//! | [`gradient`] | of many numbers | value, gradient | reverse |
//! | [`gradient_forward`], [`gradient_lanes`] | of many numbers | value, gradient | forward |
//! | [`jvp`] | with many outputs | values, Jacobian · tangent | forward |
//! | [`vjp`] | with many outputs | values, cotangent · Jacobian | reverse |
//! | [`Reverse`] | of many numbers, again and again | value, gradient | reverse |
//!
//! A closure passed to a reverse driver has to be written as one (`|x| f(x)`, not `f`), since the numbers
//! it is given borrow the tape.
//!
//! # What holds
//!
//! The mode never changes a value: each computes the bits that `f64` would. All modes give the same
//! derivatives, also where they do not exist in the plain sense; [`rules`] states the policy, and each
//! operation's derivative. What does not depend on an input contributes exactly zero. A branch is
//! differentiated along the side taken. A function that continues from [`Differentiable::value`], or
//! compares with it, loses derivatives there.

#![cfg_attr(not(feature = "nalgebra"), forbid(unsafe_code))]
#![warn(missing_docs)]

#[macro_use]
pub mod rules;
#[macro_use]
mod operators;
#[macro_use]
mod float;

pub mod check;
mod differentiable;
mod drivers;
mod error;
mod forward;
pub mod neighbours;
mod reverse;
mod scalar;
mod special;

pub use differentiable::Differentiable;
pub use drivers::{
    Forward, Function, Jacobian, Order, Reverse, SecondOrder, derivative, derivatives, gradient,
    gradient_forward, gradient_lanes, hessian, hessian_diagonal, hvp, jacobian, jacobian_forward,
    jacobian_reverse, jvp, second_derivative, vjp,
};
pub use error::Error;
pub use forward::{Dual, Lanes};
pub use reverse::{Adjoints, Tape, Var};
pub use scalar::Scalar;

// The traits and numbers of lanes that appear in signatures, in the versions that fit.
pub use generic_array::{self, typenum};
pub use num_traits::{self, Float};
