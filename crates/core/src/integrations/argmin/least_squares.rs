//! Sums of squares for argmin's solvers, with the Hessian of Gauss and Newton.

use super::HessianProduct;
use crate::drivers::check_dense;
use crate::{DENSE_LIMIT, Differentiable, Function, gradient, jacobian_within, jvp, vjp};
use argmin::core::{CostFunction, Error, Gradient, Hessian, Operator};

/// Half the sum of the squares of residuals, in the form that argmin's solvers take. The residuals are the outputs of a
/// [`Function`]: often, how far a model misses each measurement.
///
/// With the Jacobian J of the residuals r, the cost is |r|²/2 and the gradient Jᵀr. The Hessian is that of Gauss and
/// Newton, JᵀJ, which leaves out second derivatives: it is right where the residuals are small or almost linear. It has
/// no negative eigenvalue. Its products take one sweep forward and one in reverse.
///
/// With [`MatrixFree`](super::MatrixFree), a trust region becomes a method like that of Levenberg and Marquardt,
/// without a matrix:
///
/// ```
/// use argmin::core::{Executor, IterState, State};
/// use argmin::solver::trustregion::{Steihaug, TrustRegion};
/// use dualtape::{Differentiable, Function, integrations::argmin::{LeastSquares, MatrixFree}};
///
/// /// How far a decay a·exp(−b t) misses what was measured at t = 0, 1, 2, 3.
/// struct Decay([f64; 4]);
///
/// impl Function<f64> for Decay {
///     fn outputs(&self, _inputs: usize) -> usize {
///         4
///     }
///
///     fn call<D: Differentiable<Scalar = f64>>(&self, p: &[D], residuals: &mut [D]) {
///         for (t, (residual, measured)) in residuals.iter_mut().zip(self.0).enumerate() {
///             *residual = p[0] * (p[1] * -(t as f64)).exp() - measured;
///         }
///     }
/// }
///
/// let problem = MatrixFree::new(LeastSquares(Decay([8.0, 4.0, 2.0, 1.0])));
/// let start = |state: IterState<_, _, _, _, _, _>| state.param(vec![1.0, 0.0]).max_iters(30);
/// let done = Executor::new(problem, TrustRegion::new(Steihaug::new())).configure(start).run()?;
/// let best: &Vec<f64> = done.state().get_best_param().unwrap();
/// assert!((best[0] - 8.0).abs() < 1e-9 && (best[1] - 2_f64.ln()).abs() < 1e-9, "{best:?}");
/// # Ok::<(), argmin::core::Error>(())
/// ```
///
/// As an [`Operator`], it gives the residuals. Without [`MatrixFree`](super::MatrixFree), a Hessian or a Jacobian of
/// more than [`DENSE_LIMIT`] bytes is an error of the solver.
///
/// ```
/// use argmin::core::{CostFunction, Gradient, Hessian, Operator};
/// use dualtape::{Differentiable, Function, integrations::argmin::{HessianProduct, LeastSquares}};
///
/// struct Area;
///
/// impl Function<f64> for Area {
///     fn outputs(&self, _inputs: usize) -> usize {
///         1
///     }
///
///     fn call<D: Differentiable<Scalar = f64>>(&self, sides: &[D], residuals: &mut [D]) {
///         residuals[0] = sides[0] * sides[1] - 10.0;
///     }
/// }
///
/// let (problem, sides) = (LeastSquares(Area), vec![3.0, 4.0]);
/// assert_eq!((problem.apply(&sides)?, problem.cost(&sides)?), (vec![2.0], 2.0));
/// assert_eq!(problem.gradient(&sides)?, [8.0, 6.0]);
/// assert_eq!(problem.hessian(&sides)?, [[16.0, 12.0], [12.0, 9.0]]);
/// assert_eq!(problem.hessian_product(&sides, &[1.0, 10.0])?, [136.0, 102.0]);
/// # Ok::<(), argmin::core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LeastSquares<R>(pub R);

impl<R: Function<f64>> LeastSquares<R> {
    fn residuals<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> Vec<D> {
        let mut residuals = vec![D::zero(); self.0.outputs(x.len())];
        self.0.call(x, &mut residuals);
        residuals
    }

    fn half_of_squares<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.residuals(x).into_iter().map(|residual| residual * residual).sum::<D>() * 0.5
    }
}

impl<R: Function<f64>> Operator for LeastSquares<R> {
    type Param = Vec<f64>;
    type Output = Vec<f64>;

    fn apply(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.residuals(x))
    }
}

impl<R: Function<f64>> CostFunction for LeastSquares<R> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.half_of_squares(x))
    }
}

impl<R: Function<f64>> Gradient for LeastSquares<R> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(gradient(|x| self.half_of_squares(x), x).1)
    }
}

impl<R: Function<f64>> Hessian for LeastSquares<R> {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Error> {
        let n = x.len();
        check_dense::<f64>("Hessian", n, n, DENSE_LIMIT)?;
        let (_, jacobian) = jacobian_within(DENSE_LIMIT, &self.0, x)?;
        let mut hessian = vec![vec![0.0; n]; n];
        for row in jacobian.chunks(n.max(1)) {
            for (sums, left) in hessian.iter_mut().zip(row) {
                sums.iter_mut().zip(row).for_each(|(sum, right)| *sum += left * right);
            }
        }
        Ok(hessian)
    }
}

impl<R: Function<f64>> HessianProduct for LeastSquares<R> {
    fn hessian_product(&self, x: &[f64], direction: &[f64]) -> Result<Vec<f64>, Error> {
        let (_, moves) = jvp(|x| self.residuals(x), x, direction)?;
        Ok(vjp(|x| self.residuals(x), x, &moves)?.1)
    }
}
