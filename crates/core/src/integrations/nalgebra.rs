//! nalgebra: vectors and matrices of [`Dual`] and [`Traced`], with their norms, decompositions and solves.
//!
//! Both are a `RealField`, so whatever nalgebra does for `f64`, it does with tangents, and in recordings:
//!
//! ```
//! use dualtape::{Differentiable, gradient_forward};
//! use nalgebra::{Matrix2, RealField, Vector2};
//!
//! // The first component of the solution of [a 1; 1 b] x = (1, 0), which is b / (ab − 1).
//! fn first<D: RealField + Differentiable>(p: &[D]) -> D {
//!     let matrix = Matrix2::new(p[0], D::literal(1.0), D::literal(1.0), p[1]);
//!     let right = Vector2::new(D::literal(1.0), D::literal(0.0));
//!     matrix.lu().solve(&right).unwrap()[0]
//! }
//!
//! let (value, gradient) = gradient_forward(first, &[2.0, 3.0_f64]);
//! assert!((value - 0.6).abs() < 1e-15);
//! // −b² / (ab − 1)² and −1 / (ab − 1)²
//! assert!((gradient[0] + 0.36).abs() < 1e-15 && (gradient[1] + 0.04).abs() < 1e-15);
//! ```
//!
//! nalgebra asks for `'static` numbers. A [`Var`](crate::Var) borrows its tape and can never be one. So
//! derivatives go through nalgebra forward, with [`gradient_forward`](crate::gradient_forward),
//! [`Forward`](crate::Forward), [`jacobian_forward`](crate::jacobian_forward) or nested duals; or in reverse by
//! a recorded [`Program`](crate::Program):
//!
//! ```
//! use dualtape::Program;
//! use nalgebra::Vector3;
//!
//! let length = |x: &[_]| Vector3::from_column_slice(x).norm();
//! let program = Program::record(length, &[2.0, 3.0, 6.0_f64])?;
//! let mut gradient = [0.0; 3];
//! program.gradient(&mut program.workspace(), &[0.0, 0.0, 4.0], &mut gradient)?;
//! assert_eq!(gradient, [0.0, 0.0, 1.0]);
//! # Ok::<(), dualtape::Error>(())
//! ```
//!
//! Decompositions compare as they go: where a point needs another pivot or another number of steps than the
//! recording had, a program answers [`Error::BranchChanged`](crate::Error::BranchChanged), and
//! [`Compiled`](crate::program::Compiled) records the other path.
//!
//! Equality, `RelativeEq` and the like compare values only, as comparisons do everywhere.

#[macro_use]
mod real_field;

use crate::program::Traced;
use crate::{Differentiable, Dual, Lanes, ProgramScalar};
use approx::{AbsDiffEq, RelativeEq, UlpsEq};
use nalgebra::{ComplexField, Field, RealField, SimdValue};
use num_traits::{Float, FloatConst, Signed, Zero};
use simba::scalar::SubsetOf;

/// What nalgebra asks of the numbers below a dual number.
///
/// It is implemented for all of them: `f32`, `f64`, and dual numbers of these.
///
/// ```
/// use dualtape::{Dual, integrations::nalgebra::Static};
/// use nalgebra::Vector2;
///
/// /// How the length of a vector changes with its first component.
/// fn derivative<T: Static>(x: T, y: T) -> T {
///     Vector2::new(Dual::<T>::variable(x), Dual::lift(y)).norm().derivative(0)
/// }
///
/// assert!((derivative(3.0_f64, 4.0) - 0.6).abs() < 1e-15);
/// ```
pub trait Static: Differentiable + Send + Sync + 'static {}

impl<T: Differentiable + Send + Sync + 'static> Static for T {}

impl_real_field!([T: Static, N: Lanes<T>] Dual<T, N>, |x: &Dual<T, N>| {
    x.tangent().iter().all(Differentiable::is_identically_zero)
});
impl_real_field!([T: ProgramScalar] Traced<T>, Traced::is_constant);
