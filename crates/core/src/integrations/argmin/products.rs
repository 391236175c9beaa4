//! Hessians that are known by their products, for argmin's solvers that need no more.

use argmin::core::{CostFunction, Error, Gradient, Hessian, Operator};
use argmin_math::ArgminDot;
use std::sync::Arc;

/// A problem that computes its Hessian times a direction, without the Hessian.
///
/// [`Problem`](super::Problem) has the exact Hessian. [`LeastSquares`](super::LeastSquares) has that of Gauss and
/// Newton. Implement it for problems of yours, and [`MatrixFree`] takes them too.
///
/// ```
/// use dualtape::{Differentiable, integrations::argmin::{HessianProduct, Objective, Problem}};
///
/// struct Product;
///
/// impl Objective for Product {
///     fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
///         x[0] * x[0] * x[1]
///     }
/// }
///
/// assert_eq!(Problem(Product).hessian_product(&[3.0, 4.0], &[1.0, 10.0])?, [68.0, 6.0]);
/// # Ok::<(), argmin::core::Error>(())
/// ```
pub trait HessianProduct {
    /// The Hessian at `x` times `direction`, which has as many numbers as `x`, as the result has.
    ///
    /// # Errors
    ///
    /// [`Error::Length`](crate::Error::Length) if `direction` does not have the length of `x`, and those of the
    /// function: that of a program gives [`Error::BranchChanged`](crate::Error::BranchChanged) if it takes another
    /// branch at `x`, and [`Error::Length`](crate::Error::Length) if `x` does not have a number for each unknown.
    fn hessian_product(&self, x: &[f64], direction: &[f64]) -> Result<Vec<f64>, Error>;
}

/// A problem for argmin's solvers whose Hessian is a [`HessianOperator`]: it is multiplied by vectors, and never formed.
/// Memory is proportional to the number of unknowns, not to its square.
///
/// A product takes a few times as long as a cost, whatever the number of unknowns. A solver with conjugate gradients
/// asks for one or two products in each inner step.
///
/// ```
/// use argmin::core::{Executor, IterState, State};
/// use argmin::solver::trustregion::{Steihaug, TrustRegion};
/// use dualtape::{Differentiable, integrations::argmin::{MatrixFree, Objective, Problem}};
///
/// /// A chain of Rosenbrock's functions.
/// struct Chain;
///
/// impl Objective for Chain {
///     fn value<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
///         x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
///     }
/// }
///
/// let solver = TrustRegion::new(Steihaug::new());
/// let start = |state: IterState<_, _, _, _, _, _>| state.param(vec![0.5; 50]).max_iters(60);
/// let done = Executor::new(MatrixFree::new(Problem(Chain)), solver).configure(start).run()?;
/// let best: &Vec<f64> = done.state().get_best_param().unwrap();
/// assert!(best.iter().all(|x| (x - 1.0).abs() < 1e-9), "{best:?}");
/// # Ok::<(), argmin::core::Error>(())
/// ```
#[derive(Debug)]
pub struct MatrixFree<P>(Arc<P>);

impl<P> MatrixFree<P> {
    /// The same problem, with products instead of a Hessian.
    ///
    /// ```
    /// use argmin::core::{CostFunction, Gradient};
    /// use dualtape::{Program, integrations::argmin::{MatrixFree, Problem}};
    ///
    /// let program = Program::record(|x| x[0] * x[0] * x[1], &[1.0, 1.0])?;
    /// let problem = MatrixFree::new(Problem::from_program(program)?);
    /// assert_eq!(problem.cost(&vec![3.0, 4.0])?, 36.0);
    /// assert_eq!(problem.gradient(&vec![3.0, 4.0])?, [24.0, 9.0]);
    /// # Ok::<(), argmin::core::Error>(())
    /// ```
    pub fn new(problem: P) -> Self {
        Self(Arc::new(problem))
    }
}

impl<P> Clone for MatrixFree<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: CostFunction> CostFunction for MatrixFree<P> {
    type Param = P::Param;
    type Output = P::Output;

    fn cost(&self, x: &P::Param) -> Result<P::Output, Error> {
        self.0.cost(x)
    }
}

impl<P: Gradient> Gradient for MatrixFree<P> {
    type Param = P::Param;
    type Gradient = P::Gradient;

    fn gradient(&self, x: &P::Param) -> Result<P::Gradient, Error> {
        self.0.gradient(x)
    }
}

impl<P: HessianProduct + CostFunction<Param = Vec<f64>>> Hessian for MatrixFree<P> {
    type Param = Vec<f64>;
    type Hessian = HessianOperator<P>;

    /// Computes the cost once, so that what is wrong with a point is an error here: argmin has no way to report the
    /// failure of a product.
    fn hessian(&self, x: &Vec<f64>) -> Result<HessianOperator<P>, Error> {
        self.0.cost(x)?;
        Ok(HessianOperator { problem: Arc::clone(&self.0), point: x.clone() })
    }
}

/// The Hessian of a [`MatrixFree`] problem at a point, known by its products with vectors.
///
/// argmin's solvers multiply by [`ArgminDot`]. [`Operator`] multiplies as well, with errors, so that `ConjugateGradient`
/// solves linear systems with a Hessian, such as that of a Newton step:
///
/// ```
/// use argmin::core::{Executor, Gradient, Hessian, IterState, Operator, State};
/// use argmin::solver::conjugategradient::ConjugateGradient;
/// use dualtape::{Program, integrations::argmin::{MatrixFree, Problem}};
///
/// // A quadratic function of two numbers; its Hessian is [4 1; 1 3].
/// let quadratic = |x: &[dualtape::Traced<f64>]| {
///     x[0] * x[0] * 2.0 + x[0] * x[1] + x[1] * x[1] * 1.5 - x[0] - x[1] * 2.0
/// };
/// let problem = MatrixFree::new(Problem::from_program(Program::record(quadratic, &[0.0; 2])?)?);
/// let start = vec![2.0, 1.0];
/// let hessian = problem.hessian(&start)?;
/// assert_eq!(hessian.apply(&vec![1.0, 10.0])?, [14.0, 31.0]);
///
/// // From the start, the minimum is the solution of H step = −gradient away.
/// let downhill: Vec<f64> = problem.gradient(&start)?.iter().map(|g| -g).collect();
/// let begin = |state: IterState<_, (), (), (), Vec<f64>, f64>| state.param(vec![0.0; 2]).max_iters(2);
/// let solver = ConjugateGradient::<_, f64>::new(downhill);
/// let done = Executor::new(hessian, solver).configure(begin).run()?;
/// let step: &Vec<f64> = done.state().get_best_param().unwrap();
/// let minimum = [start[0] + step[0], start[1] + step[1]];
/// assert!((minimum[0] - 1.0 / 11.0).abs() < 1e-12 && (minimum[1] - 7.0 / 11.0).abs() < 1e-12);
/// # Ok::<(), argmin::core::Error>(())
/// ```
#[derive(Debug)]
pub struct HessianOperator<P> {
    problem: Arc<P>,
    point: Vec<f64>,
}

impl<P> Clone for HessianOperator<P> {
    fn clone(&self) -> Self {
        Self { problem: Arc::clone(&self.problem), point: self.point.clone() }
    }
}

impl<P: HessianProduct> Operator for HessianOperator<P> {
    type Param = Vec<f64>;
    type Output = Vec<f64>;

    fn apply(&self, direction: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.problem.hessian_product(&self.point, direction)
    }
}

/// # Panics
///
/// If the direction does not have a number for each unknown, or if a product fails at a point where the cost did not.
impl<P: HessianProduct> ArgminDot<Vec<f64>, Vec<f64>> for HessianOperator<P> {
    fn dot(&self, direction: &Vec<f64>) -> Vec<f64> {
        let product = self.apply(direction);
        product.unwrap_or_else(|error| panic!("a Hessian cannot be multiplied by a vector: {error}"))
    }
}
