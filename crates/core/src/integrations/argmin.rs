//! argmin: its solvers, with gradients from this crate.
//!
//! ```
//! use argmin::core::{Executor, State};
//! use argmin::solver::linesearch::MoreThuenteLineSearch;
//! use argmin::solver::quasinewton::LBFGS;
//! use dualtape::{Differentiable, integrations::argmin::{Objective, Problem}};
//!
//! struct Rosenbrock;
//!
//! impl Objective for Rosenbrock {
//!     fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
//!         x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
//!     }
//! }
//!
//! let solver = LBFGS::new(MoreThuenteLineSearch::new(), 7);
//! let start = |state: argmin::core::IterState<_, _, _, _, _, _>| state.param(vec![-1.2, 1.0]).max_iters(100);
//! let done = Executor::new(Problem(Rosenbrock), solver).configure(start).run()?;
//! let best: &Vec<f64> = done.state().get_best_param().unwrap();
//! assert!(best.iter().all(|x| (x - 1.0).abs() < 1e-6), "{best:?}");
//! # Ok::<(), argmin::core::Error>(())
//! ```
//!
//! Record a function first if it is evaluated often: [`Problem::from_program`] takes a [`Program`](crate::Program),
//! and [`Problem::sum_of_program`] sums a program over data points; [`Problem::penalized_by`] adds a penalty.
//!
//! With [`MatrixFree`], Newton's method with conjugate gradients and trust regions take products with the Hessian instead
//! of the Hessian. [`LeastSquares`] minimises sums of squares, with the Hessian of Gauss and Newton.
//!
//! | argmin's solver | what it takes |
//! |---|---|
//! | `LBFGS`, `SteepestDescent`, `NonlinearConjugateGradient` | cost and gradient of any problem |
//! | `NewtonCG`, `TrustRegion` with `Steihaug` or `CauchyPoint` | any problem; for many unknowns, [`MatrixFree`] |
//! | `ConjugateGradient` | a [`HessianOperator`], for one Newton step |
//!
//! `Newton`, `TrustRegion` with `Dogleg`, and `GaussNewton` invert a matrix. argmin-math inverts only the matrices of
//! other versions of nalgebra, ndarray and faer than those that this crate works with, and no `Vec<Vec<f64>>`.

mod least_squares;
mod products;
mod recorded;

pub use least_squares::LeastSquares;
pub use products::{HessianOperator, HessianProduct, MatrixFree};
pub use recorded::Recorded;

use crate::{DENSE_LIMIT, Differentiable, gradient, hessian_within, hvp};
use argmin::core::{CostFunction, Error, Gradient, Hessian};

/// A function to minimise, for any number type.
///
/// ```
/// use dualtape::{Differentiable, gradient, integrations::argmin::Objective};
///
/// /// The squared distance from a point.
/// struct Distance([f64; 2]);
///
/// impl Objective for Distance {
///     fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
///         x.iter().zip(self.0).map(|(&x, center)| (x - center).powi(2)).sum()
///     }
/// }
///
/// assert_eq!(Distance([1.0, 2.0]).value(&[4.0, 6.0]), 25.0);
/// assert_eq!(gradient(|x| Distance([1.0, 2.0]).value(x), &[4.0, 6.0]).1, [6.0, 8.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function to minimise",
    label = "an `Objective` is needed here",
    note = "a closure works with numbers of one kind only: implement `Objective` for a struct, or record the closure and take `Problem::from_program`"
)]
pub trait Objective {
    /// The value at `x`.
    fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D;
}

/// An objective in the form that argmin's solvers take: cost, gradient (in reverse mode) and Hessian (forward over
/// reverse) of a `Vec<f64>`. A Hessian of more than [`DENSE_LIMIT`] bytes is an error of the solver.
///
/// ```
/// use argmin::core::{CostFunction, Gradient, Hessian};
/// use dualtape::{Differentiable, integrations::argmin::{Objective, Problem}};
///
/// struct Product;
///
/// impl Objective for Product {
///     fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
///         x[0] * x[0] * x[1]
///     }
/// }
///
/// let (problem, x) = (Problem(Product), vec![3.0, 4.0]);
/// assert_eq!(problem.cost(&x)?, 36.0);
/// assert_eq!(problem.gradient(&x)?, [24.0, 9.0]);
/// assert_eq!(problem.hessian(&x)?, [[8.0, 6.0], [6.0, 0.0]]); // a vector for each row
/// # Ok::<(), argmin::core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Problem<O>(pub O);

impl<O: Objective> CostFunction for Problem<O> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.0.value(x))
    }
}

impl<O: Objective> Gradient for Problem<O> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(gradient(|x| self.0.value(x), x).1)
    }
}

impl<O: Objective> Hessian for Problem<O> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Error> {
        let (_, _, hessian) = hessian_within(DENSE_LIMIT, |x| self.0.value(x), x)?;
        Ok(rows(&hessian, x.len()))
    }
}

impl<O: Objective> HessianProduct for Problem<O> {
    fn hessian_product(&self, x: &[f64], direction: &[f64]) -> Result<Vec<f64>, Error> {
        Ok(hvp(|x| self.0.value(x), x, direction)?.2)
    }
}

/// A square matrix of `n` rows as argmin takes it: a vector for each row.
fn rows(matrix: &[f64], n: usize) -> Vec<Vec<f64>> {
    matrix.chunks(n.max(1)).map(<[f64]>::to_vec).collect()
}
