//! Exact derivatives of ordinary Rust code.
//!
//! Write a function once, generic over [`Differentiable`], and choose a driver, which decides how it is
//! differentiated:
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
//! - [`Dual<T, N>`](Dual) carries `N` tangents with its value: *forward mode*. One evaluation gives the derivatives
//!   along `N` directions. It needs no memory beyond the numbers themselves.
//! - [`Taylor<T, N>`](Taylor) carries the coefficients of a Taylor series of order `N`, and
//!   [`ForwardLaplacian<T, N>`](ForwardLaplacian) carries a gradient and a Laplacian.
//! - [`Var<T>`](Var) records each operation on a [`Tape`]: *reverse mode*. One evaluation and one sweep back give the
//!   derivatives with respect to all inputs. The tape grows with the computation.
//! - [`Traced<T>`](Traced) records each operation once, for a [`Program`] that replays them at any point, or at many
//!   points at a time: see [`program`].
//! - `f32` and `f64` themselves, without derivatives, at full speed.
//!
//! What each mode carries, for y = sin(x₀ · x₁):
//!
//! ```text
//!            x₀, x₁         a = x₀ · x₁             y = sin a
//!            ───────────────────────────────────────────────▶   values
//! forward    ẋ₀, ẋ₁         ȧ = x₁ẋ₀ + x₀ẋ₁         ẏ = cos a · ȧ
//!            ───────────────────────────────────────────────▶   tangents, beside the values
//! reverse    x̄₀ = x₁ā       ā = cos a · ȳ           ȳ = 1
//!            x̄₁ = x₀ā
//!            ◀───────────────────────────────────────────────   adjoints, in a sweep over the tape
//! ```
//!
//! `T` is a plain number, or itself one of these types: a `Var<Dual<f64>>` gives second derivatives, forward over
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
//! | | [`laplacian`], [`weighted_laplacian`], [`divergence_form`], [`biharmonic`] | value, Laplacian and similar operators | forward |
//! | with many outputs | [`jacobian_forward`], [`jacobian_reverse`], [`jacobian`] | values, Jacobian | by name, or by shape |
//! | | [`jvp`] | values, Jacobian · tangent | forward |
//! | | [`jet`] | values, Taylor coefficients along a curve | Taylor series |
//! | | [`vjp`] | values, cotangent · Jacobian | reverse |
//!
//! All drivers return the values along with the derivatives. Matrices are flat, row after row, with a row for each
//! output. Matrices above [`DENSE_LIMIT`] are refused: use the module [`sparse`] or set your own limit
//! ([`jacobian_within`]). For loops, use [`Forward`], [`Reverse`], [`Jacobian`] and [`SecondOrder`]: they do the
//! same, write into your buffers, and allocate nothing once their own buffers are large enough:
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
//! Functions of arrays whose length the compiler knows have their own drivers in [`arrays`]:
//!
//! ```
//! use dualtape::arrays;
//! let (values, jacobian) = arrays::jacobian_reverse(|[x, y]| [x * y, x + y], [3.0, 4.0]);
//! assert_eq!((values, jacobian), ([12.0, 7.0], [[4.0, 3.0], [1.0, 1.0]]));
//! ```
//!
//! Functions of several arrays, or of your own structs, have theirs in [`parameters`]: a gradient has the same
//! structure as the point:
//!
//! ```
//! use dualtape::parameters;
//! let point = ([[1.0, 2.0], [3.0, 4.0]], 5.0);
//! let (value, gradient) = parameters::gradient(|(a, x)| a[0][1] * a[1][0] * *x, &point);
//! assert_eq!((value, gradient), (30.0, ([[0.0, 15.0], [10.0, 0.0]], 6.0)));
//! ```
//!
//! # Closures and named functions
//!
//! A forward driver accepts a closure or the name of a generic function. A reverse driver accepts a closure, which
//! may call a generic function: `gradient(|x| f(x), &x)`, not `gradient(f, &x)`. Its numbers borrow a tape, and the
//! named function would have to fix the lifetime of the tape before the tape exists. Where a literal leaves the type
//! open, write `1.0_f64`.
//!
//! # Panics and errors
//!
//! One rule holds for all drivers:
//!
//! - A driver that takes a single point simply returns its results: [`gradient`], [`hessian`], all of [`arrays`].
//! - A driver that takes two slices whose lengths must agree, or that writes into memory of the caller, returns
//!   [`Error::Length`] if the lengths do not agree: [`jvp`], [`vjp`], [`hvp`], all methods of [`Forward`],
//!   [`Reverse`], [`Jacobian`], [`SecondOrder`] and [`Program`]. In the same way, drivers of [`parameters`] return
//!   [`Error::Tensor`] if the shapes of two structures do not agree.
//! - A driver panics for a dense matrix above [`DENSE_LIMIT`]; the drivers whose names end in `_within` return an
//!   error.
//! - A driver panics if a function contradicts itself, for example by giving another number of outputs in its second
//!   call.
//!
//! # Which mode
//!
//! Forward mode evaluates the function once for every eight inputs, and needs no memory. Reverse mode evaluates it
//! once, records it, and sweeps back. On Rosenbrock's function, in units of a gradient written by hand
//! (`cargo run --release -p dualtape-bench --bin ratios`), eight lanes forward, a warm tape, and a recorded program:
//!
//! | inputs | forward | reverse | program |
//! |---:|---:|---:|---:|
//! | 2 | 2.0 | 8.8 | 3.6 |
//! | 10 | 12 | 19 | 6.8 |
//! | 100 | 78 | 22 | 3.3 |
//! | 1000 | | 22 | 2.8 |
//!
//! So use forward mode for up to about ten inputs, reverse mode for more, and a program if you differentiate the same
//! function often; recording takes about as long as four gradients in reverse mode. For Jacobians, compare the number
//! of inputs with the number of outputs, as [`jacobian`] does. For a sum over many points, [`Reverse::sum_gradient`]
//! takes one point at a time, so that the tape stays in cache. Sums, [dot products](Differentiable::dot),
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
//! Code written against `num_traits::Float` can be differentiated without a change. With the features `ndarray`,
//! `nalgebra` and `argmin`, [`integrations`] offers arrays of numbers as inputs and outputs, makes `Dual` and
//! `Traced` a `RealField` (with decompositions and solves, in recordings too), and gives gradients to solvers. With
//! `faer`, `nalgebra-sparse` and `sprs`, sparse derivatives become matrices of these crates, without a copy of their
//! values.
//!
//! # Functions that are not made of operations
//!
//! A solver, a table or a foreign function takes part as a [`CustomRule`]: any code computes its value, and its
//! derivative is written in generic numbers. [`Differentiable::call`] calls it in every mode, at every order, and in
//! programs. [`Piecewise`] is a rule that the crate provides: a table of points, joined by straight lines.
//!
//! # Loops
//!
//! A plain Rust loop is differentiated as it runs, but a tape or a recording of it grows with each turn.
//! [`loops::scan`] and [`loops::repeat_while`] keep a loop as one operation, which is recorded once, and whose sweep
//! stores only a few states. [`ode::Solver`] integrates differential equations in this way.
//!
//! # What holds
//!
//! The mode never changes a value: each mode computes the bits that `f64` would. Two exceptions are stated where they
//! belong: many points at once ([`program`]) contract products and sums, and are within 2 units in the last place;
//! and numbers of equal value are not equal if their derivatives differ ([`Differentiable`]). All modes give the same
//! derivatives, even where a function has no derivative in the usual sense; [`rules`] states the policy, the
//! derivative of each operation, and the one class of functions on which modes differ. A term that does not depend on
//! an input contributes exactly zero. A branch is differentiated along the side taken, and
//! [`select`](Differentiable::select) is a branch that recordings keep. A function that continues from
//! [`Differentiable::value`], or compares with it, loses derivatives there.

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
pub mod parameters;
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
pub use parameters::Parameters;
pub use predicate::Relation;
pub use program::{Program, ProgramScalar, Traced, Workspace};
pub use reverse::{Adjoints, Tape, Var};
pub use rules::{CustomRule, Piecewise};
pub use scalar::Scalar;

// The traits and lane counts that appear in signatures, in the versions that fit.
pub use generic_array::{self, typenum};
pub use num_traits::{self, Float};

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
