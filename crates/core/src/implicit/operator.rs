//! Linear systems whose matrix is given by its products with vectors, solved by conjugate gradients.

use super::at_rest;
use crate::{CustomRule, Differentiable, Dual, Error, Scalar, Var, jvp, vjp};
use argmin::core::{Error as Refused, Executor, IterState, Operator, State};
use argmin::solver::conjugategradient::ConjugateGradient;
use num_traits::{Float, Zero};

/// A symmetric positive definite matrix A(p), given by its products with vectors.
pub trait LinearOperator: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: Scalar;

    /// The product A(p)·x, one number for each of x. In a recording, use `select` for choices.
    fn apply<D: Differentiable<Scalar = Self::Scalar>>(&self, x: &[D], p: &[D]) -> Vec<D>;
}

/// The solution x of A(p)·x = b by the conjugate gradients of argmin, with its derivatives with respect to b and the
/// parameters.
///
/// Derivatives use the same operator for their solves, because it is its own transpose.
///
/// # Errors
///
/// [`Error::Rule`] if, after ten steps for each unknown, the residual is larger than the square root of the rounding
/// error, relative to b: the operator is then not symmetric and positive definite, or too close to singular.
/// [`Error::Length`] if the operator does not give a number for each unknown. If the right-hand side or a parameter
/// is not finite, the solution is NaN.
///
/// ```
/// use dualtape::implicit::{LinearOperator, conjugate_gradients};
/// use dualtape::{Differentiable, gradient};
///
/// /// A chain of springs between two walls, all of stiffness p.
/// #[derive(Clone)]
/// struct Chain;
///
/// impl LinearOperator for Chain {
///     type Scalar = f64;
///     fn apply<D: Differentiable<Scalar = f64>>(&self, x: &[D], p: &[D]) -> Vec<D> {
///         let at = |i: usize| x.get(i).copied().unwrap_or(D::zero());
///         (0..x.len()).map(|i| (at(i) * 2.0 - at(i + 1) - at(i.wrapping_sub(1))) * p[0]).collect()
///     }
/// }
///
/// // Pulled in the middle, it gives way by 1/p: the work is force times way.
/// fn way<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
///     let pull = [D::zero(), D::one(), D::zero()];
///     conjugate_gradients(&Chain, &pull, p).expect("it is positive definite")[1]
/// }
/// let (value, gradient) = gradient(|p| way(p), &[2.0_f64]);
/// assert!((value - 0.5).abs() < 1e-15 && (gradient[0] + 0.25).abs() < 1e-15);
/// ```
pub fn conjugate_gradients<A: LinearOperator, D: Differentiable<Scalar = A::Scalar>>(
    operator: &A,
    right: &[D],
    parameters: &[D],
) -> Result<Vec<D>, Error> {
    let rule = Solve { operator: operator.clone(), unknowns: right.len(), parameters: parameters.len() };
    D::call(&rule, &[right, parameters].concat())
}

/// The rule of [`conjugate_gradients`]: its inputs are the right-hand side, then the parameters.
#[derive(Clone)]
struct Solve<A> {
    operator: A,
    unknowns: usize,
    parameters: usize,
}

/// The most steps for each unknown: in exact arithmetic, one would be enough.
const STEPS: u64 = 10;

/// The operator on plain numbers, as argmin sees it.
struct Plain<'a, A: LinearOperator>(&'a A, &'a [A::Scalar]);

impl<A: LinearOperator> Operator for Plain<'_, A> {
    type Param = Vec<f64>;
    type Output = Vec<f64>;

    fn apply(&self, x: &Vec<f64>) -> Result<Vec<f64>, Refused> {
        let x: Vec<A::Scalar> = x.iter().map(|&x| A::Scalar::nearest(x)).collect();
        let product = applied(self.0, &x, self.1)?;
        Ok(product.iter().map(|x| x.wide()).collect())
    }
}

fn applied<A: LinearOperator, D: Differentiable<Scalar = A::Scalar>>(
    operator: &A,
    x: &[D],
    p: &[D],
) -> Result<Vec<D>, Error> {
    let product = operator.apply(x, p);
    Error::check_length("product with the operator", "unknown", x.len(), product.len())?;
    Ok(product)
}

impl<A: LinearOperator> CustomRule for Solve<A> {
    type Scalar = A::Scalar;

    fn name(&self) -> &'static str {
        "conjugate_gradients"
    }

    fn inputs(&self) -> usize {
        self.unknowns + self.parameters
    }

    fn outputs(&self) -> usize {
        self.unknowns
    }

    fn value(&self, x: &[A::Scalar], z: &mut [A::Scalar]) -> Result<(), Error> {
        let (right, parameters) = x.split_at(self.unknowns);
        applied(&self.operator, right, parameters)?;
        // argmin squares norms, so the right-hand side is scaled to size 1.
        let scale = right.iter().map(|x| x.wide().abs()).fold(0.0, f64::max);
        let finite = x.iter().all(|x| x.is_finite());
        if scale == 0.0 || !finite {
            z.fill(if finite { Zero::zero() } else { A::Scalar::nan() });
            return Ok(());
        }
        let right: Vec<f64> = right.iter().map(|x| x.wide() / scale).collect();
        let size = f64::norm(&right);
        let epsilon = <A::Scalar as Float>::epsilon().wide();
        // argmin's cost is the square of the residual's norm.
        let start = |state: IterState<_, _, _, _, _, _>| {
            let state = state.param(vec![0.0; self.unknowns]).max_iters(STEPS * self.unknowns as u64);
            state.target_cost((0.1 * epsilon * size).powi(2))
        };
        let operator = Plain(&self.operator, parameters);
        let done = Executor::new(operator, ConjugateGradient::new(right.clone())).configure(start).run();
        let refused = |reason: String| Error::Rule { rule: self.name(), reason };
        let mut done = done.map_err(|error| refused(error.to_string()))?;
        let solution = done.state.take_best_param().unwrap_or_else(|| vec![f64::NAN; self.unknowns]);
        z.iter_mut().zip(&solution).for_each(|(z, &x)| *z = A::Scalar::nearest(x));
        // The residual of the scaled solution, which cannot overflow here.
        let product = applied(&self.operator, z, parameters)?;
        let residual: Vec<f64> = product.iter().zip(&right).map(|(product, b)| product.wide() - b).collect();
        let miss = f64::norm(&residual) / size;
        if miss.is_nan() || miss > epsilon.sqrt() {
            return Err(refused(format!(
                "after {} steps, the residual is {miss:.1e} of the right side; the operator has to be symmetric and \
                 positive definite, and not too close to singular",
                done.state.get_iter()
            )));
        }
        z.iter_mut().zip(&solution).for_each(|(z, &x)| *z = A::Scalar::nearest(x * scale));
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = A::Scalar>>(&self, x: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        let parameters = &x[self.unknowns..];
        let weights = conjugate_gradients(&self.operator, w, parameters)?;
        let negative: Vec<D> = weights.iter().map(|&weight| -weight).collect();
        let product = vjp(|p| self.operator.apply(&at_rest(z, Var::lift), p), parameters, &negative)?;
        Ok([weights, product.1].concat())
    }

    fn jvp<D: Differentiable<Scalar = A::Scalar>>(
        &self,
        x: &[D],
        z: &[D],
        tangent: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        let n = self.unknowns;
        let moved = jvp(|p| self.operator.apply(&at_rest(z, Dual::lift), p), &x[n..], &tangent[n..]);
        Some(moved.and_then(|(_, derivatives)| {
            let right: Vec<D> =
                tangent[..n].iter().zip(&derivatives).map(|(&b, &derivative)| b - derivative).collect();
            conjugate_gradients(&self.operator, &right, &x[n..])
        }))
    }

    fn stays_whole(&self) -> bool {
        true
    }
}
