//! nalgebra: vectors and matrices of [`Dual`] and [`Traced`], with their norms, decompositions and solves.
//!
//! Both implement `RealField`, so whatever nalgebra does for `f64`, it also does for these, with tangents and in
//! recordings:
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
//! # Vectors in, vectors and matrices out
//!
//! [`gradient`], [`jacobian`] and [`hessian`] take functions of vectors, whose length the compiler knows (`SVector`)
//! or not (`DVector`), and return vectors and matrices of the same kind:
//!
//! ```
//! use dualtape::integrations::nalgebra::jacobian;
//! use nalgebra::{Matrix2x3, Vector2, Vector3};
//!
//! let (values, matrix) = jacobian(|v| Vector2::new(v[0] * v[1], v.norm()), &Vector3::new(2.0, 3.0, 6.0));
//! assert_eq!(values, Vector2::new(6.0, 7.0));
//! assert!((matrix - Matrix2x3::new(3.0, 2.0, 0.0, 2.0 / 7.0, 3.0 / 7.0, 6.0 / 7.0)).norm() < 1e-15);
//! ```
//!
//! # Forward, and in reverse by a program
//!
//! nalgebra requires `'static` numbers. A [`Var`](crate::Var) borrows its tape, so it can never be one. Differentiate
//! nalgebra code in forward mode, with [`gradient_forward`](crate::gradient_forward), [`Forward`](crate::Forward),
//! [`jacobian_forward`](crate::jacobian_forward) or nested duals; or in reverse by a recorded
//! [`Program`](crate::Program):
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
//! Decompositions compare numbers as they run. If a point needs another pivot or another number of steps than the
//! recording had, a program returns [`Error::BranchChanged`](crate::Error::BranchChanged), and
//! [`Compiled`](crate::program::Compiled) records the other path.
//!
//! Matrices and vectors are [structures](crate::parameters), so several of them, of several shapes, are one argument. In
//! reverse mode, only single components of such a structure can be read, for the reason above; a
//! [`ProgramOf`](crate::parameters::ProgramOf) has no such limit:
//!
//! ```
//! use dualtape::parameters::ProgramOf;
//! use nalgebra::{Matrix2, Vector2};
//!
//! let point = (Matrix2::new(2.0, 0.0, 0.0, 3.0), Vector2::new(1.0, 1.0));
//! let program = ProgramOf::record(|(a, x)| (a * x).norm_squared(), &point)?;
//! let (value, gradient) = program.gradient(&mut program.program().workspace(), &point, &[])?;
//! assert_eq!(value, 13.0);
//! assert_eq!(gradient, (Matrix2::new(4.0, 4.0, 6.0, 6.0), Vector2::new(8.0, 18.0)));
//! # Ok::<(), dualtape::Error>(())
//! ```
//!
//! `RelativeEq` and similar traits compare values only; `==` also compares derivatives, as everywhere.

#[macro_use]
mod real_field;
mod structures;

use crate::forward::Tag;
use crate::program::Traced;
use crate::{Differentiable, Dual, Lanes, ProgramScalar};
use approx::{AbsDiffEq, RelativeEq, UlpsEq};
use generic_array::typenum::{U8, Unsigned};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DefaultAllocator, Dim, Field, OMatrix, OVector, RealField, SimdValue, U1};
use num_traits::{Float, FloatConst, Signed, Zero};
use simba::scalar::SubsetOf;

/// What nalgebra requires of the numbers inside a dual number.
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

/// How many inputs are seeded at a time.
const WIDTH: usize = U8::USIZE;

/// The value and the gradient of a function of a vector, in forward mode: one evaluation for every eight components.
///
/// ```
/// use dualtape::integrations::nalgebra::gradient;
/// use nalgebra::{DVector, Vector3, dvector, vector};
///
/// let (length, direction) = gradient(|x| x.norm(), &vector![2.0, 3.0, 6.0]);
/// assert_eq!((length, direction), (7.0, Vector3::new(2.0, 3.0, 6.0) / 7.0));
///
/// let many = DVector::from_element(100, 0.5_f64);
/// assert_eq!(gradient(|x| x.dot(x), &many), (25.0, DVector::from_element(100, 1.0)));
/// assert_eq!(gradient(|x| x.sum(), &dvector![]), (0.0_f64, dvector![]));
/// ```
pub fn gradient<T, D, F>(f: F, x: &OVector<T, D>) -> (T, OVector<T, D>)
where
    T: Static,
    D: Dim,
    DefaultAllocator: Allocator<D>,
    F: Fn(&OVector<Dual<T, U8>, D>) -> Dual<T, U8>,
{
    let mut value = T::zero();
    let mut gradient = OVector::from_element_generic(x.shape_generic().0, U1, T::zero());
    for (start, count) in blocks(x.len()) {
        let y = f(&moving(x, start));
        value = y.primal();
        gradient.rows_mut(start, count).copy_from_slice(&y.tangent()[..count]);
    }
    (value, gradient)
}

/// The values and the Jacobian of a function from a vector to a vector, in forward mode: one evaluation for every eight
/// components. The Jacobian has a row for each output and a column for each input.
///
/// # Panics
///
/// If `f` returns vectors of different lengths from one call to the next.
///
/// ```
/// use dualtape::integrations::nalgebra::jacobian;
/// use nalgebra::{DMatrix, DVector, Matrix2, dvector, matrix, vector};
///
/// let (values, matrix) = jacobian(|x| vector![x[0] * x[1], x[0] + x[1]], &vector![3.0, 4.0]);
/// assert_eq!((values, matrix), (vector![12.0, 7.0], matrix![4.0, 3.0; 1.0, 1.0]));
///
/// let (_, matrix) = jacobian(|x| x.map(|x| x * x), &dvector![1.0, 2.0, 3.0]);
/// assert_eq!(matrix, DMatrix::from_diagonal(&dvector![2.0, 4.0, 6.0]));
/// ```
pub fn jacobian<T, C, R, F>(f: F, x: &OVector<T, C>) -> (OVector<T, R>, OMatrix<T, R, C>)
where
    T: Static,
    C: Dim,
    R: Dim,
    DefaultAllocator: Allocator<C> + Allocator<R> + Allocator<R, C>,
    F: Fn(&OVector<Dual<T, U8>, C>) -> OVector<Dual<T, U8>, R>,
{
    let columns = x.shape_generic().0;
    let mut outputs = f(&moving(x, 0));
    let mut jacobian = OMatrix::from_element_generic(outputs.shape_generic().0, columns, T::zero());
    for (start, count) in blocks(x.len()) {
        if start > 0 {
            let rows = outputs.len();
            outputs = f(&moving(x, start));
            assert!(
                outputs.len() == rows,
                "the function returned {rows} numbers first, and {} now",
                outputs.len()
            );
        }
        for (row, y) in outputs.iter().enumerate() {
            let tangent = y.tangent();
            (0..count).for_each(|lane| jacobian[(row, start + lane)] = tangent[lane]);
        }
    }
    (outputs.map(|y| y.primal()), jacobian)
}

/// The value, the gradient and the Hessian of a function of a vector, forward over forward: one evaluation for every pair
/// of blocks of eight components.
///
/// ```
/// use dualtape::integrations::nalgebra::hessian;
/// use nalgebra::{matrix, vector};
///
/// let (value, gradient, matrix) = hessian(|x| x[0] * x[0] * x[1], &vector![3.0, 4.0]);
/// assert_eq!((value, gradient, matrix), (36.0, vector![24.0, 9.0], matrix![8.0, 6.0; 6.0, 0.0]));
/// ```
pub fn hessian<T, D, F>(f: F, x: &OVector<T, D>) -> (T, OVector<T, D>, OMatrix<T, D, D>)
where
    T: Static,
    D: Dim,
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
    F: Fn(&OVector<Dual<Dual<T, U8>, U8>, D>) -> Dual<Dual<T, U8>, U8>,
{
    let length = x.shape_generic().0;
    let mut value = T::zero();
    let mut first = OVector::from_element_generic(length, U1, T::zero());
    let mut second = OMatrix::from_element_generic(length, length, T::zero());
    for (start, count) in blocks(x.len()) {
        let (y, gradient) = gradient(&f, &moving(x, start));
        value = y.primal();
        for (row, g) in gradient.iter().enumerate() {
            first[row] = g.primal();
            let tangent = g.tangent();
            (0..count).for_each(|lane| second[(row, start + lane)] = tangent[lane]);
        }
    }
    (value, first, second)
}

/// The start and the length of each block of components; one empty block if there are no components.
fn blocks(len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..len.max(1)).step_by(WIDTH).map(move |start| (start, WIDTH.min(len - start)))
}

/// The point, with the components from `start` on seeded, each in its own lane.
fn moving<T: Static, D: Dim>(x: &OVector<T, D>, start: usize) -> OVector<Dual<T, U8>, D>
where
    DefaultAllocator: Allocator<D>,
{
    let tag = Tag::fresh();
    OVector::from_fn_generic(x.shape_generic().0, U1, |i, _| Dual::in_block(x[i], i, start).tagged(tag))
}
