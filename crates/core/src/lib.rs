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
//! let (value, reverse) = gradient(|x| rosenbrock(x), &[-1.2, 1.0]); // in reverse, on a tape
//! let (same, forward) = gradient_forward(rosenbrock, &[-1.2, 1.0]); // forward, with dual numbers
//! assert_eq!(value, same);
//! assert!(reverse.iter().zip(&forward).all(|(a, b): (&f64, &f64)| (a - b).abs() < 1e-12));
//! ```
//!
//! # The numbers
//!
//! - [`Dual<T, N>`](Dual) carries `N` tangents along: *forward mode*. One evaluation gives the derivatives
//!   along `N` directions. It needs no memory beyond the numbers themselves.
//! - [`Taylor<T, N>`](Taylor) carries the coefficients of a Taylor series of order `N` along, and
//!   [`ForwardLaplacian<T, N>`](ForwardLaplacian) a gradient and a Laplacian.
//! - [`Var<T>`](Var) records what is done with it on a [`Tape`]: *reverse mode*. One evaluation and one
//!   sweep back give the derivatives with respect to all inputs. The tape grows with the computation.
//! - [`Traced<T>`](Traced) records what is done with it, once, for a [`Program`] to replay at any point, or at
//!   many at a time: see [`program`].
//! - `f32` and `f64` themselves, with no derivative, at full speed.
//!
//! `T` is a plain number, or again one of these: a `Var<Dual<f64>>` gives second derivatives, forward over
//! reverse.
//!
//! # The drivers
//!
//! | of a function | driver | gives | mode |
//! |---|---|---|---|
//! | of one number | [`derivative`], [`second_derivative`] | value, derivatives | forward |
//! | | [`derivatives`] | value, derivatives of any order | Taylor series |
//! | of many numbers | [`gradient`] | value, gradient | reverse |
//! | | [`gradient_forward`], [`gradient_lanes`] | the same | forward |
//! | | [`hessian`], [`hessian_diagonal`], [`hvp`] | value, gradient, second derivatives | forward over reverse |
//! | | [`directional_derivatives`], [`mixed_partial`], [`mixed_partials`] | derivatives of any order | Taylor series |
//! | | [`third_derivative_product`] | third derivatives times two vectors | forward over reverse |
//! | | [`laplacian`], [`weighted_laplacian`], [`divergence_form`], [`biharmonic`] | value, Laplacian and its like | forward |
//! | with many outputs | [`jacobian_forward`], [`jacobian_reverse`], [`jacobian`] | values, Jacobian | by name, or by shape |
//! | | [`jvp`] | values, Jacobian · tangent | forward |
//! | | [`jet`] | values, Taylor coefficients along a curve | Taylor series |
//! | | [`vjp`] | values, cotangent · Jacobian | reverse |
//!
//! All return the values along with the derivatives. Matrices are flat, row after row, a row for each output; above
//! [`DENSE_LIMIT`] they are refused, and the module [`sparse`] or a limit of your own ([`jacobian_within`]) is the way.
//! In loops, [`Forward`], [`Reverse`], [`Jacobian`] and [`SecondOrder`] do the same into buffers of yours,
//! and allocate nothing once warm:
//!
//! ```
//! use dualtape::Reverse;
//!
//! let mut reverse = Reverse::new();
//! let (mut x, mut gradient) = ([1.0, 2.0_f64], [0.0; 2]);
//! for _ in 0..100 {
//!     reverse.gradient(|x| x[0] * x[0] + x[1] * x[1] * 3.0, &x, &mut gradient)?;
//!     x = [x[0] - 0.1 * gradient[0], x[1] - 0.1 * gradient[1]];
//! }
//! assert!(x[0].abs() < 1e-6 && x[1].abs() < 1e-6);
//! # Ok::<(), dualtape::Error>(())
//! ```
//!
//! Functions of arrays, of a length that the compiler knows, have drivers of their own in [`arrays`]:
//!
//! ```
//! use dualtape::arrays;
//! let (values, jacobian) = arrays::jacobian_reverse(|[x, y]| [x * y, x + y], [3.0, 4.0]);
//! assert_eq!((values, jacobian), ([12.0, 7.0], [[4.0, 3.0], [1.0, 1.0]]));
//! ```
//!
//! # Closures and named functions
//!
//! A forward driver takes a closure or a generic function by its name. A reverse driver takes a closure, which may call
//! a generic function: `gradient(|x| f(x), &x)`, not `gradient(f, &x)`. Its numbers borrow a tape, and a named function
//! would have to choose the tape's lifetime before there is a tape. Where a literal leaves the type open, write `1.0_f64`.
//!
//! # Panics and errors
//!
//! One rule holds for all drivers:
//!
//! - What takes one point only returns its results: [`gradient`], [`hessian`], all of [`arrays`].
//! - What takes two slices that have to fit each other, or writes into memory of the caller, returns
//!   [`Error::Length`] where they do not: [`jvp`], [`vjp`], [`hvp`], all methods of [`Forward`], [`Reverse`],
//!   [`Jacobian`], [`SecondOrder`] and [`Program`].
//! - A dense matrix beyond [`DENSE_LIMIT`] is a panic, and an error in the drivers whose names end in `_within`.
//! - A function that contradicts itself, such as by another number of outputs in its second call, is a panic.
//!
//! # Which mode
//!
//! Forward mode evaluates the function once for every eight inputs, and needs no memory; reverse mode
//! evaluates it once, records it, and sweeps back. On Rosenbrock's function, in units of a gradient written
//! by hand (`cargo run --release -p dualtape-bench --bin ratios`), eight lanes forward, a warm tape, and a recorded
//! program:
//!
//! | inputs | forward | reverse | program |
//! |---:|---:|---:|---:|
//! | 2 | 2.0 | 8.8 | 3.6 |
//! | 10 | 12 | 19 | 6.8 |
//! | 100 | 78 | 22 | 3.3 |
//! | 1000 | | 22 | 2.8 |
//!
//! So: forward up to about ten inputs, reverse beyond, and a program where the same function is differentiated often;
//! recording takes about as long as four gradients in reverse. For Jacobians, compare inputs with outputs, as
//! [`jacobian`] does. For a sum over many points, [`Reverse::sum_gradient`] takes one point at a time, so
//! that the tape stays in cache. Sums, [dot products](Differentiable::dot),
//! [affine maps](Differentiable::affine), [norms](Differentiable::norm) and
//! [log-sum-exps](Differentiable::log_sum_exp) are one statement on a tape, however long they are.
//!
//! # Your own functions
//!
//! [`check`] compares both modes with each other and with central differences, and names the worst
//! component:
//!
//! ```
//! let report = dualtape::check::gradient(|x| x[0] * x[1] / (x[0] + 1.0), &[1.0_f64, 2.0]);
//! assert!(report.passes(), "{report}");
//! ```
//!
//! # Other crates
//!
//! Everything written against `num_traits::Float` can be differentiated as it stands. With the features
//! `ndarray`, `nalgebra` and `argmin`, [`integrations`] brings arrays of numbers as inputs and outputs, `Dual` and
//! `Traced` as a `RealField` (decompositions and solves included, recorded ones too), and gradients for solvers. With
//! `faer`, `nalgebra-sparse` and `sprs`, sparse derivatives are matrices of these crates, without a copy of their values.
//!
//! # Functions that are not made of operations
//!
//! A solver, a table or a foreign function takes part by a [`CustomRule`]: its value by any code, and its derivative in
//! generic numbers. [`Differentiable::call`] calls it in every mode, at every order, in programs too.
//! [`Piecewise`] is one that is there already: a table of points, joined by straight lines.
//!
//! # Loops
//!
//! A plain Rust loop is differentiated as it runs, but a tape or a recording of it grows with each turn. [`loops::scan`] and
//! [`loops::repeat_while`] keep a loop as one operation, recorded once and swept in the memory of a few states;
//! [`ode::Solver`] integrates differential equations so.
//!
//! # What holds
//!
//! The mode never changes a value: each computes the bits that `f64` would. Two exceptions are stated where they
//! belong: many points at once ([`program`]) contract products and sums, and are within 2 units in the last place; and
//! equal numbers that do not move alike are not equal ([`Differentiable`]). All modes give the same derivatives, also
//! where they do not exist in the plain sense; [`rules`] states the policy, each operation's derivative, and the one
//! class of functions on which modes differ. What does not depend on an input contributes exactly zero. A branch is
//! differentiated along the side taken, and [`select`](Differentiable::select) is a branch that recordings keep. A
//! function that continues from [`Differentiable::value`], or compares with it, loses derivatives there.

#![cfg_attr(not(feature = "nalgebra"), forbid(unsafe_code))]
#![warn(missing_docs)]

#[macro_use]
pub mod rules;
#[macro_use]
mod operators;
#[macro_use]
mod float;

pub mod arrays;
pub mod check;
pub mod codegen;
mod differentiable;
mod drivers;
mod error;
mod forward;
#[cfg(feature = "nalgebra")]
pub mod implicit;
pub mod integrations;
pub mod loops;
pub mod ode;
mod predicate;
pub mod program;
mod reverse;
mod scalar;
pub mod sparse;
mod special;

pub use differentiable::Differentiable;
pub use drivers::{
    DENSE_LIMIT, Forward, Function, Jacobian, Order, Reverse, SecondOrder, Twice, biharmonic, derivative,
    derivatives, directional_derivatives, divergence_form, gradient, gradient_forward, gradient_lanes,
    hessian, hessian_diagonal, hessian_within, hvp, jacobian, jacobian_forward, jacobian_forward_within,
    jacobian_reverse, jacobian_reverse_within, jacobian_within, jet, jvp, laplacian, laplacian_lanes,
    mixed_partial, mixed_partials, second_derivative, third_derivative_product, vjp, weighted_laplacian,
};
pub use error::Error;
pub use forward::{Dual, ForwardLaplacian, Lanes, Taylor};
pub use predicate::Relation;
pub use program::{Program, ProgramScalar, Traced, Workspace};
pub use reverse::{Adjoints, Tape, Var};
pub use rules::{CustomRule, Piecewise};
pub use scalar::Scalar;

// The traits and numbers of lanes that appear in signatures, in the versions that fit.
pub use generic_array::{self, typenum};
pub use num_traits::{self, Float};

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
