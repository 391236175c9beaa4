//! Functions defined by equations: the solution of a linear system, the root of a system found by any solver, the
//! fixed point of a map, and the position of a minimum.
//!
//! A solver may branch freely, because it sees plain numbers only. The equations are recorded, so they must use
//! [`select`](Differentiable::select) for choices instead of branching. Derivatives follow from the equation, by the
//! implicit function theorem at the solution: if g(z, p) = 0, then ∂z/∂p = −(∂g/∂z)⁻¹ ∂g/∂p. They are computed in the
//! numbers of the mode, so they can be differentiated again, and recorded. A replay runs the solver again.
//!
//! ```
//! use dualtape::implicit::{Equations, root};
//! use dualtape::{Differentiable, Error, Float, second_derivative};
//!
//! /// Kepler's equation: the eccentric anomaly z of an orbit, where z − e sin z is the mean anomaly p.
//! #[derive(Clone)]
//! struct Kepler {
//!     eccentricity: f64,
//! }
//!
//! impl Equations for Kepler {
//!     type Scalar = f64;
//!     fn unknowns(&self) -> usize { 1 }
//!     fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
//!         vec![z[0] - z[0].sin() * self.eccentricity - p[0]]
//!     }
//!     fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
//!         let mut z = p[0];
//!         for _ in 0..50 {
//!             z -= (z - self.eccentricity * z.sin() - p[0]) / (1.0 - self.eccentricity * z.cos());
//!         }
//!         Ok(vec![z])
//!     }
//! }
//!
//! fn anomaly<D: Differentiable<Scalar = f64>>(mean: D) -> D {
//!     root(&Kepler { eccentricity: 0.5 }, &[mean]).expect("its derivative is at least 1 − e")[0]
//! }
//! let (z, first, second) = second_derivative(anomaly, 1.0);
//! let derivative = 1.0 / (1.0 - 0.5 * z.cos());
//! assert!((first - derivative).abs() < 1e-14 && (second + 0.5 * z.sin() * derivative.powi(3)).abs() < 1e-14);
//! ```

#[cfg(feature = "argmin")]
mod operator;

#[cfg(feature = "argmin")]
pub use operator::{LinearOperator, conjugate_gradients};

use crate::{CustomRule, Differentiable, Dual, Error, Scalar, Var, gradient, jvp, vjp};
use nalgebra::{DMatrix, DVector};
use num_traits::{Float, Zero};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

/// A system of equations g(z, p) = 0 for the unknowns z, given the parameters p, and a solver for it.
///
/// See the [module](self) for an example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a system of equations",
    label = "`Equations` are needed here",
    note = "a closure works with numbers of one kind only: implement `dualtape::implicit::Equations` for a struct"
)]
pub trait Equations: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: Scalar;

    /// The number of unknowns, and of equations.
    fn unknowns(&self) -> usize;

    /// The residual g(z, p), one number for each unknown; it is zero at the solution. In a recording, use
    /// [`select`](Differentiable::select) for choices.
    fn residual<D: Differentiable<Scalar = Self::Scalar>>(&self, z: &[D], p: &[D]) -> Vec<D>;

    /// The solution for these parameters, computed by any code.
    ///
    /// # Errors
    ///
    /// [`Error::Rule`] where it finds none.
    fn solve(&self, p: &[Self::Scalar]) -> Result<Vec<Self::Scalar>, Error>;

    /// The same, given the last solution, for a [`WarmRoot`]. The default ignores the last solution.
    ///
    /// # Errors
    ///
    /// The errors of [`solve`](Self::solve).
    fn solve_near(&self, p: &[Self::Scalar], _last: &[Self::Scalar]) -> Result<Vec<Self::Scalar>, Error> {
        self.solve(p)
    }
}

/// The solution of a system of equations, with its derivatives with respect to the parameters.
///
/// # Errors
///
/// [`Error::Rule`] if the solver finds no solution, or if its result is not a solution: one Newton step from there is
/// longer than the square root of the rounding error. If derivatives are needed and the Jacobian of the equations
/// with respect to the unknowns is singular, the error states its condition number. [`Error::Length`] if the solver
/// or the residual does not give a number for each unknown. If a parameter is NaN, so is the solution, and the solver
/// is not called.
///
/// See the [module](self) for an example.
pub fn root<E: Equations, D: Differentiable<Scalar = E::Scalar>>(
    equations: &E,
    parameters: &[D],
) -> Result<Vec<D>, Error> {
    D::call(&Root { equations: equations.clone(), parameters: parameters.len(), last: None }, parameters)
}

/// Where the last search ended.
type Last<F> = Arc<Mutex<Option<Vec<F>>>>;

/// [`root`] with a memory: each search starts from the last solution, in replays too.
///
/// If a search from there fails, a new one starts without it. So a solution depends on what was solved before: in its
/// last digits and, if there are several roots, in which root is found. If threads share a `WarmRoot`, their order is
/// not defined.
///
/// ```
/// use dualtape::implicit::{Equations, WarmRoot};
/// use dualtape::{Differentiable, Error, Program};
///
/// /// z³ + z = p, by steps of Newton's method.
/// #[derive(Clone)]
/// struct Cubic;
///
/// impl Equations for Cubic {
///     type Scalar = f64;
///     fn unknowns(&self) -> usize { 1 }
///     fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
///         vec![z[0] * z[0] * z[0] + z[0] - p[0]]
///     }
///     fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
///         self.solve_near(p, &[0.0])
///     }
///     fn solve_near(&self, p: &[f64], last: &[f64]) -> Result<Vec<f64>, Error> {
///         let mut z = last[0];
///         for _ in 0..100 {
///             let step = (z * z * z + z - p[0]) / (3.0 * z * z + 1.0);
///             z -= step;
///             if step.abs() <= 1e-15 * z.abs() { break }
///         }
///         Ok(vec![z])
///     }
/// }
///
/// let cubic = WarmRoot::new(Cubic);
/// let program = Program::record(|x| cubic.solve(x).expect("there is a root")[0], &[2.0])?;
/// let mut workspace = program.workspace();
/// for p in [2.0, 2.01, 2.02] {
///     let z = program.value(&mut workspace, &[p])?; // from the root before
///     assert!((z * z * z + z - p).abs() < 1e-14);
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WarmRoot<E: Equations> {
    equations: E,
    last: Last<E::Scalar>,
}

impl<E: Equations> WarmRoot<E> {
    /// The roots of these equations; the first search starts without a last solution.
    pub fn new(equations: E) -> Self {
        Self { equations, last: Arc::default() }
    }

    /// The solution for these parameters.
    ///
    /// # Errors
    ///
    /// The errors of [`root`].
    pub fn solve<D: Differentiable<Scalar = E::Scalar>>(&self, parameters: &[D]) -> Result<Vec<D>, Error> {
        let last = Some(Arc::clone(&self.last));
        D::call(&Root { equations: self.equations.clone(), parameters: parameters.len(), last }, parameters)
    }
}

/// The solution x of A·x = b. The matrix is square, row after row.
///
/// # Errors
///
/// [`Error::Length`] if the number of elements of the matrix is not the square of the length of the right-hand side,
/// and [`Error::Rule`], with an estimate of the condition number, if the matrix is singular to working precision.
///
/// ```
/// use dualtape::{Differentiable, gradient, implicit::linear_solve};
/// // The first component of the solution of [a 1; 1 b] x = (1, 0), which is b / (ab − 1).
/// fn first<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
///     linear_solve(&[p[0], D::one(), D::one(), p[1]], &[D::one(), D::zero()]).expect("it is regular")[0]
/// }
/// let (value, derivative) = gradient(|p| first(p), &[2.0, 3.0_f64]);
/// assert!((value - 0.6).abs() < 1e-15 && (derivative[0] + 0.36).abs() < 1e-15);
/// ```
pub fn linear_solve<D: Differentiable>(matrix: &[D], right: &[D]) -> Result<Vec<D>, Error> {
    let n = right.len();
    Error::check_length("matrix", "pair of unknowns", n * n, matrix.len())?;
    D::call(&LinearSolve { unknowns: n, scalar: PhantomData::<fn() -> D::Scalar> }, &[matrix, right].concat())
}

/// The rule of [`linear_solve`]: its inputs are the matrix, then the right-hand side.
#[derive(Clone)]
struct LinearSolve<S> {
    unknowns: usize,
    scalar: PhantomData<S>,
}

impl<F: Scalar> CustomRule for LinearSolve<fn() -> F> {
    type Scalar = F;

    fn name(&self) -> &'static str {
        "linear_solve"
    }

    fn inputs(&self) -> usize {
        self.unknowns * (self.unknowns + 1)
    }

    fn outputs(&self) -> usize {
        self.unknowns
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        let n = self.unknowns;
        if n == 0 {
            return Ok(());
        }
        let wide: Vec<f64> = x.iter().map(|x| x.wide()).collect();
        let (matrix, right) = wide.split_at(n * n);
        let matrix = DMatrix::from_row_slice(n, n, matrix);
        let factors = matrix.clone().lu();
        let inverse = factors.try_inverse();
        // Tested in both norms, so that the transpose, with which a vjp solves, passes as well.
        let condition = inverse.map_or(f64::INFINITY, |inverse| {
            let of_transpose = norm(&matrix.transpose()) * norm(&inverse.transpose());
            let condition = norm(&matrix) * norm(&inverse);
            if condition.is_nan() { condition } else { condition.max(of_transpose) }
        });
        let solution = factors.solve(&DVector::from_column_slice(right));
        match solution {
            // A NaN in the condition number comes from a NaN in the matrix, which reaches the solution.
            Some(solution) if condition.is_nan() || condition * F::epsilon().wide() < 1.0 => {
                z.iter_mut().zip(&solution).for_each(|(z, &solution)| *z = F::nearest(solution));
                Ok(())
            }
            _ => Err(Error::Rule {
                rule: self.name(),
                reason: format!(
                    "the matrix is singular to working precision: its condition is about {condition:.1e}"
                ),
            }),
        }
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, x: &[D], z: &[D], cotangent: &[D]) -> Result<Vec<D>, Error> {
        let right = linear_solve(&transposed(&x[..x.len() - z.len()], z.len()), cotangent)?;
        let matrix = right.iter().flat_map(|&u| z.iter().map(move |&z| -(u * z)));
        Ok(matrix.chain(right.iter().copied()).collect())
    }

    fn jvp<D: Differentiable<Scalar = F>>(
        &self,
        x: &[D],
        z: &[D],
        tangent: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        let n = self.unknowns;
        let (matrix, right) = tangent.split_at(n * n);
        let right: Vec<D> = (0..n).map(|row| right[row] - D::dot(&matrix[row * n..][..n], z)).collect();
        Some(linear_solve(&x[..n * n], &right))
    }

    fn stays_whole(&self) -> bool {
        true
    }
}

/// The largest sum of absolute values in a column. The condition number of a matrix is its norm times the norm of its
/// inverse.
fn norm(matrix: &DMatrix<f64>) -> f64 {
    matrix
        .column_iter()
        .map(|column| column.lp_norm(1))
        .fold(0.0, |most: f64, sum| if sum.is_nan() { sum } else { most.max(sum) })
}

/// The rule of [`root`].
#[derive(Clone)]
struct Root<E: Equations> {
    equations: E,
    parameters: usize,
    /// The last solution, if the search should start there.
    last: Option<Last<E::Scalar>>,
}

impl<E: Equations> Root<E> {
    fn residual<D: Differentiable<Scalar = E::Scalar>>(&self, z: &[D], p: &[D]) -> Result<Vec<D>, Error> {
        let residual = self.equations.residual(z, p);
        Error::check_length("residual", "unknown", self.equations.unknowns(), residual.len())?;
        Ok(residual)
    }

    /// The Jacobian of the residual with respect to the unknowns, column after column.
    fn columns<D: Differentiable<Scalar = E::Scalar>>(&self, z: &[D], p: &[D]) -> Result<Vec<D>, Error> {
        let p: Vec<Dual<D>> = p.iter().map(|&p| Dual::lift(p)).collect();
        let mut columns = Vec::with_capacity(z.len() * z.len());
        for column in 0..z.len() {
            let moving = |(index, &z)| if index == column { Dual::variable(z) } else { Dual::lift(z) };
            let z: Vec<Dual<D>> = z.iter().enumerate().map(moving).collect();
            columns.extend(self.residual(&z, &p)?.iter().map(|g| g.derivative(0)));
        }
        Ok(columns)
    }

    /// Whether one Newton step from there leads away. If the Jacobian is singular, no step is known, and the residual
    /// itself must be small, each equation in units of its largest derivative.
    fn is_off(&self, z: &[E::Scalar], p: &[E::Scalar]) -> Result<bool, Error> {
        let mut residual = self.residual(z, p)?;
        let mut matrix = transposed(&self.columns(z, p)?, z.len());
        for (row, residual) in matrix.chunks_mut(z.len().max(1)).zip(&mut residual) {
            let largest = row.iter().map(|entry| entry.abs()).fold(E::Scalar::zero(), Float::max);
            if largest > E::Scalar::zero() && largest.is_finite() {
                row.iter_mut().for_each(|entry| *entry /= largest);
                *residual /= largest;
            }
        }
        let precision = <E::Scalar as Float>::epsilon().wide().sqrt();
        let exceeds = |x: &E::Scalar, most: f64| x.is_nan() || x.wide().abs() > most;
        let Ok(step) = linear_solve(&matrix, &residual) else {
            return Ok(residual.iter().any(|residual| exceeds(residual, precision)));
        };
        let scale = z.iter().map(|z| z.wide().abs()).fold(1.0, f64::max);
        Ok(step.iter().any(|step| exceeds(step, precision * scale)))
    }
}

impl<E: Equations> CustomRule for Root<E> {
    type Scalar = E::Scalar;

    fn name(&self) -> &'static str {
        "root"
    }

    fn inputs(&self) -> usize {
        self.parameters
    }

    fn outputs(&self) -> usize {
        self.equations.unknowns()
    }

    fn value(&self, x: &[E::Scalar], z: &mut [E::Scalar]) -> Result<(), Error> {
        if x.iter().any(|x| x.is_nan()) {
            z.fill(E::Scalar::nan());
            return Ok(());
        }
        let last = |last: &Last<_>| last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let near = self.last.as_ref().and_then(last).map(|last| self.equations.solve_near(x, &last));
        let near = near.and_then(Result::ok).filter(|near| near.len() == z.len());
        let near = near.filter(|near| matches!(self.is_off(near, x), Ok(false)));
        let is_near = near.is_some();
        // If the search from the last solution failed, another search may succeed.
        let solution = near.map_or_else(|| self.equations.solve(x), Ok)?;
        Error::check_length("solution", "unknown", z.len(), solution.len())?;
        if !is_near && self.is_off(&solution, x)? {
            let reason = format!(
                "the solver's answer {solution:?} for the parameters {x:?} does not solve the equations"
            );
            return Err(Error::Rule { rule: self.name(), reason });
        }
        z.copy_from_slice(&solution);
        if let Some(last) = &self.last {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(solution);
        }
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = E::Scalar>>(&self, x: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        // The columns of the Jacobian are the rows of its transpose.
        let mut weights = linear_solve(&self.columns(z, x)?, w)?;
        weights.iter_mut().for_each(|weight| *weight = -*weight);
        let product = vjp(|p| self.equations.residual(&at_rest(z, Var::lift), p), x, &weights)?;
        Ok(product.1)
    }

    fn jvp<D: Differentiable<Scalar = E::Scalar>>(
        &self,
        x: &[D],
        z: &[D],
        tangent: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        Some(self.jvp_of(x, z, tangent))
    }
}

impl<E: Equations> Root<E> {
    fn jvp_of<D: Differentiable<Scalar = E::Scalar>>(
        &self,
        x: &[D],
        z: &[D],
        tangent: &[D],
    ) -> Result<Vec<D>, Error> {
        let matrix = transposed(&self.columns(z, x)?, z.len());
        let product = jvp(|p| self.equations.residual(&at_rest(z, Dual::lift), p), x, tangent)?;
        let right: Vec<D> = product.1.iter().map(|&derivative| -derivative).collect();
        linear_solve(&matrix, &right)
    }
}

/// Numbers as constants of an inner level.
fn at_rest<D: Copy, E>(numbers: &[D], lift: impl Fn(D) -> E) -> Vec<E> {
    numbers.iter().map(|&number| lift(number)).collect()
}

fn transposed<D: Copy>(matrix: &[D], n: usize) -> Vec<D> {
    (0..n * n).map(|place| matrix[place % n * n + place / n]).collect()
}

/// A map with the fixed point z = φ(z, p).
pub trait Map: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: Scalar;

    /// The image φ(z, p), one number for each of z. In a recording, use `select` for choices.
    fn image<D: Differentiable<Scalar = Self::Scalar>>(&self, z: &[D], p: &[D]) -> Vec<D>;
}

/// The fixed point of a map, found by applying the map from a start, with its derivatives with respect to the
/// parameters.
///
/// The map is applied until no number changes by more than a few rounding errors. The derivatives are those of the
/// fixed point, not of the steps taken.
///
/// # Errors
///
/// [`Error::Rule`] if the map does not converge in 10 000 steps; otherwise the errors of [`root`].
///
/// ```
/// use dualtape::implicit::{Map, fixed_point};
/// use dualtape::{Differentiable, Float, derivative};
///
/// /// Hero's map, whose fixed point is the square root.
/// #[derive(Clone)]
/// struct Hero;
///
/// impl Map for Hero {
///     type Scalar = f64;
///     fn image<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
///         vec![(z[0] + p[0] / z[0]) * 0.5]
///     }
/// }
///
/// fn root<D: Differentiable<Scalar = f64>>(x: D) -> D {
///     fixed_point(&Hero, &[1.0], &[x]).expect("it converges from any positive start")[0]
/// }
/// let (value, derivative) = derivative(root, 4.0);
/// assert!((value - 2.0).abs() < 1e-15 && (derivative - 0.25).abs() < 1e-15);
/// ```
pub fn fixed_point<M: Map, D: Differentiable<Scalar = M::Scalar>>(
    map: &M,
    start: &[M::Scalar],
    parameters: &[D],
) -> Result<Vec<D>, Error> {
    root(&Iterated { map: map.clone(), start: start.to_vec() }, parameters)
}

/// How often a map is applied at most.
const MOST_STEPS: usize = 10_000;

#[derive(Clone)]
struct Iterated<M: Map> {
    map: M,
    start: Vec<M::Scalar>,
}

impl<M: Map> Equations for Iterated<M> {
    type Scalar = M::Scalar;

    fn unknowns(&self) -> usize {
        self.start.len()
    }

    fn residual<D: Differentiable<Scalar = M::Scalar>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        let mut image = self.map.image(z, p);
        image.iter_mut().zip(z).for_each(|(image, &z)| *image -= z);
        image
    }

    fn solve(&self, p: &[M::Scalar]) -> Result<Vec<M::Scalar>, Error> {
        let mut z = self.start.clone();
        for _ in 0..MOST_STEPS {
            let next = self.map.image(&z, p);
            Error::check_length("image of the map", "unknown", z.len(), next.len())?;
            let rests = |(z, next): (&M::Scalar, &M::Scalar)| {
                let most = 4.0 * <M::Scalar as Float>::epsilon().wide() * next.wide().abs().max(1.0);
                (next.wide() - z.wide()).abs() <= most
            };
            let done = z.iter().zip(&next).all(rests);
            z = next;
            if done {
                return Ok(z);
            }
        }
        let reason = format!("the map did not converge in {MOST_STEPS} steps; it is at {z:?}");
        Err(Error::Rule { rule: "fixed_point", reason })
    }
}

/// A function of z to minimise, given the parameters p, and a minimiser for it.
pub trait Objective: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: Scalar;

    /// The number of unknowns.
    fn unknowns(&self) -> usize;

    /// The value at z. In a recording, use `select` for choices.
    fn value<D: Differentiable<Scalar = Self::Scalar>>(&self, z: &[D], p: &[D]) -> D;

    /// The position of the minimum for these parameters, computed by any code.
    ///
    /// # Errors
    ///
    /// [`Error::Rule`] where it finds none.
    fn minimize(&self, p: &[Self::Scalar]) -> Result<Vec<Self::Scalar>, Error>;
}

/// The position of the minimum of an objective, with its derivatives with respect to the parameters: the gradient is
/// zero there.
///
/// # Errors
///
/// The errors of [`root`]: the equations state that the gradient is zero, and their Jacobian is the Hessian. Also
/// [`Error::Rule`] if the minimiser's answer is a maximum or a saddle point.
///
/// ```
/// use dualtape::implicit::{Objective, minimum};
/// use dualtape::{Differentiable, Error, derivative};
///
/// /// (z − 1)² + p z², whose minimum is at 1 / (1 + p).
/// #[derive(Clone)]
/// struct Penalized;
///
/// impl Objective for Penalized {
///     type Scalar = f64;
///     fn unknowns(&self) -> usize { 1 }
///     fn value<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> D {
///         (z[0] - 1.0) * (z[0] - 1.0) + p[0] * z[0] * z[0]
///     }
///     fn minimize(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
///         Ok(vec![1.0 / (1.0 + p[0])])
///     }
/// }
///
/// fn place<D: Differentiable<Scalar = f64>>(penalty: D) -> D {
///     minimum(&Penalized, &[penalty]).expect("it is convex")[0]
/// }
/// assert_eq!(derivative(place, 1.0), (0.5, -0.25));
/// ```
pub fn minimum<O: Objective, D: Differentiable<Scalar = O::Scalar>>(
    objective: &O,
    parameters: &[D],
) -> Result<Vec<D>, Error> {
    root(&Stationary(objective.clone()), parameters)
}

#[derive(Clone)]
struct Stationary<O>(O);

impl<O: Objective> Equations for Stationary<O> {
    type Scalar = O::Scalar;

    fn unknowns(&self) -> usize {
        self.0.unknowns()
    }

    fn residual<D: Differentiable<Scalar = O::Scalar>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        gradient(|z| self.0.value(z, &p.iter().map(|&p| Var::lift(p)).collect::<Vec<_>>()), z).1
    }

    fn solve(&self, p: &[O::Scalar]) -> Result<Vec<O::Scalar>, Error> {
        let z = self.0.minimize(p)?;
        Error::check_length("solution", "unknown", self.unknowns(), z.len())?;
        let equations = Root { equations: self.clone(), parameters: p.len(), last: None };
        let hessian: Vec<f64> = equations.columns(&z, p)?.iter().map(|entry| entry.wide()).collect();
        let Some(curvature) = least_curvature(&hessian, z.len()) else { return Ok(z) };
        let reason = format!(
            "the minimiser's answer {z:?} for the parameters {p:?} is a maximum or a saddle point: along a direction, the \
             second derivative is {curvature:.1e}"
        );
        Err(Error::Rule { rule: "minimum", reason })
    }
}

/// The least eigenvalue of a symmetric matrix, if it is negative beyond rounding errors.
fn least_curvature(matrix: &[f64], n: usize) -> Option<f64> {
    if n == 0 || !matrix.iter().all(|entry| entry.is_finite()) {
        return None;
    }
    let eigenvalues = DMatrix::from_column_slice(n, n, matrix).symmetric_eigenvalues();
    let (least, largest) = (eigenvalues.min(), eigenvalues.amax());
    (least < -1e-6 * largest).then_some(least)
}
