//! Checks of derivatives: the modes are compared with each other and with central differences.
//!
//! Use it on your own code: a function that continues from plain numbers (through
//! [`value`](crate::Differentiable::value), for example) loses derivatives without an error. A check finds this.
//!
//! ```
//! use dualtape::{Differentiable, check};
//!
//! let report = check::gradient(|x| x[0].sin() * x[1], &[1.0_f64, 2.0]);
//! assert!(report.passes(), "{report}");
//!
//! // The second factor was taken out of the derivative by mistake.
//! # use dualtape::Float;
//! let report = check::gradient(|x| x[0].sin() * x[1].value(), &[1.0_f64, 2.0]);
//! assert!(!report.passes());
//! assert_eq!(report.worst().unwrap().column, 1);
//! ```
//!
//! [`jacobian_forward`] checks code that accepts only dual numbers, [`program()`] checks recordings, [`sparse()`]
//! sparse Jacobians, and [`rule`] the derivatives of custom rules.

mod sparse;

pub use sparse::sparse;

use crate::drivers::{check_dense, or_panic};
use crate::program::Wrt;
use crate::{
    CustomRule, DENSE_LIMIT, Differentiable, Dual, Error, Program, ProgramScalar, Scalar, Traced, Var,
    gradient as reverse_gradient, jacobian_reverse,
};
use generic_array::typenum::U8;
use std::fmt;

/// One derivative, as each way computes it.
///
/// ```
/// let report = dualtape::check::gradient(|x| x[0] * x[1], &[3.0_f64, 4.0]);
/// let second = report.components()[1];
/// assert_eq!((second.row, second.column), (0, 1));
/// assert_eq!((second.reverse, second.forward), (3.0, 3.0));
/// assert!((second.difference - 3.0).abs() < 1e-8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// The output; for a Hessian, the first input.
    pub row: usize,
    /// The input.
    pub column: usize,
    /// In reverse mode; for a Hessian, forward over reverse.
    pub reverse: f64,
    /// In forward mode; for a Hessian, the same component across the diagonal.
    pub forward: f64,
    /// By central differences: of the value, or for a Hessian of the gradient.
    pub difference: f64,
}

impl Component {
    /// The distance between the two modes, relative to the larger derivative if that exceeds 1; 0 if both are NaN or
    /// the same infinity.
    ///
    /// ```
    /// use dualtape::check::Component;
    /// let wrong = Component { row: 0, column: 0, reverse: 4.0, forward: 3.0, difference: 4.0 };
    /// assert_eq!(wrong.between_modes(), 0.25);
    /// assert_eq!(Component { reverse: f64::NAN, forward: f64::NAN, ..wrong }.between_modes(), 0.0);
    /// ```
    pub fn between_modes(&self) -> f64 {
        distance(self.reverse, self.forward)
    }

    /// The distance between reverse mode and the central difference, in the same measure.
    ///
    /// ```
    /// use dualtape::check::Component;
    /// let off = Component { row: 0, column: 0, reverse: 4.0, forward: 4.0, difference: 5.0 };
    /// assert_eq!(off.to_difference(), 0.2);
    /// ```
    pub fn to_difference(&self) -> f64 {
        distance(self.reverse, self.difference)
    }
}

fn distance(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    let distance = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
    if distance.is_nan() { f64::INFINITY } else { distance }
}

/// All derivatives of a function at a point, as each way computes them.
///
/// It is displayed as one line, with the verdict and the worst component.
///
/// ```
/// let report = dualtape::check::gradient(|x| x[0] * x[0], &[3.0_f64]);
/// assert!(report.to_string().starts_with("derivatives agree; at worst, in row 0, column 0: reverse 6e0"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    components: Vec<Component>,
    between_modes: f64,
    to_difference: f64,
}

impl Report {
    fn new<F: Scalar>(components: Vec<Component>) -> Self {
        let rounding = F::epsilon().wide();
        // Central differences lose a third of the digits to the step size and to rounding.
        Self { components, between_modes: 1e3 * rounding, to_difference: 1e2 * rounding.cbrt().powi(2) }
    }

    /// The same report with other tolerances: between the modes, and from reverse mode to the differences. Their
    /// measure is that of [`Component::between_modes`]: relative for derivatives above 1, otherwise absolute.
    ///
    /// ```
    /// let report = dualtape::check::gradient(|x| x[0], &[1.0_f64]).with_tolerances(1e-15, 1e-6);
    /// assert!(report.passes());
    /// ```
    #[must_use]
    pub fn with_tolerances(mut self, between_modes: f64, to_difference: f64) -> Self {
        (self.between_modes, self.to_difference) = (between_modes, to_difference);
        self
    }

    /// Every component, row after row.
    ///
    /// ```
    /// use dualtape::check;
    /// let report = check::jacobian(|x| vec![x[0] * x[1], x[0] + x[1]], &[3.0_f64, 4.0]);
    /// let rows: Vec<f64> = report.components().iter().map(|c| c.reverse).collect();
    /// assert_eq!(rows, [4.0, 3.0, 1.0, 1.0]);
    /// ```
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether every component is within the tolerances.
    ///
    /// ```
    /// use dualtape::{Differentiable, check};
    /// assert!(check::gradient(|x| x[0] * x[0], &[3.0_f64]).passes());
    /// // A factor that was read as a plain number has no derivative.
    /// assert!(!check::gradient(|x| x[0] * x[0].value(), &[3.0_f64]).passes());
    /// ```
    pub fn passes(&self) -> bool {
        self.worst().is_none_or(|worst| self.excess(worst) <= 1.0)
    }

    /// The component that is furthest from passing; `None` if there are none.
    ///
    /// ```
    /// use dualtape::{Differentiable, check};
    /// let report = check::gradient(|x| x[0] * x[1] * x[1].value(), &[2.0_f64, 3.0]);
    /// let worst = report.worst().unwrap();
    /// assert_eq!((worst.column, worst.reverse), (1, 6.0)); // the differences say 12
    /// ```
    pub fn worst(&self) -> Option<&Component> {
        self.components.iter().max_by(|a, b| self.excess(a).total_cmp(&self.excess(b)))
    }

    /// The larger of the two distances, each divided by its tolerance.
    fn excess(&self, component: &Component) -> f64 {
        (component.between_modes() / self.between_modes).max(component.to_difference() / self.to_difference)
    }
}

impl fmt::Display for Report {
    /// One line: the verdict and the worst component.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(worst) = self.worst() else { return f.write_str("nothing to check") };
        let verdict = if self.passes() { "derivatives agree" } else { "derivatives disagree" };
        let Component { row, column, reverse, forward, difference } = worst;
        write!(
            f,
            "{verdict}; at worst, in row {row}, column {column}: reverse {reverse:e}, forward {forward:e}, \
             central difference {difference:e}"
        )
    }
}

/// Checks the gradient of a function at a point; the report has one row, with a component for each input.
///
/// The function is called with numbers that serve both modes at once, forward over reverse.
///
/// ```
/// use dualtape::{Float, check};
/// let report = check::gradient(|x| (x[0] * x[1]).exp(), &[0.5_f64, 0.0]);
/// assert!(report.passes(), "{report}");
/// assert_eq!(report.components()[1].reverse, 0.5);
/// ```
pub fn gradient<F, Func>(f: Func, x: &[F]) -> Report
where
    F: Scalar,
    Func: for<'t> Fn(&[Var<'t, Dual<F>>]) -> Var<'t, Dual<F>>,
{
    jacobian(|x| vec![f(x)], x)
}

/// Checks the Jacobian of a function at a point; the report has a row for each output, with a component for
/// each input.
///
/// ```
/// use dualtape::{Float, check};
/// let report = check::jacobian(|x| vec![x[0] * x[1], x[0].exp()], &[1.0_f64, 2.0]);
/// assert!(report.passes(), "{report}");
/// assert_eq!(report.components().len(), 4);
/// ```
///
/// # Panics
///
/// If the function gives different numbers of outputs from one call to the next, or the Jacobian takes more than
/// [`DENSE_LIMIT`] bytes.
#[track_caller]
pub fn jacobian<F, Func>(f: Func, x: &[F]) -> Report
where
    F: Scalar,
    Func: for<'t> Fn(&[Var<'t, Dual<F>>]) -> Vec<Var<'t, Dual<F>>>,
{
    let at_rest: Vec<_> = x.iter().map(|&x| Dual::lift(x)).collect();
    let (_, reverse) = jacobian_reverse(&f, &at_rest);
    let values = |x: &[F]| constants(&f, x, None).iter().map(|y| y.value().wide()).collect::<Vec<_>>();
    let mut columns = Vec::new();
    for column in 0..x.len() {
        let forward: Vec<_> =
            constants(&f, x, Some(column)).iter().map(|y| y.primal().derivative(0).wide()).collect();
        columns.push((forward, differences(values, x, column)));
    }
    let rows = reverse.len().checked_div(x.len()).unwrap_or(0);
    let component = |k: usize| {
        let (row, column) = (k / x.len(), k % x.len());
        let (forward, difference) = &columns[column];
        assert!(forward.len() == rows, "the function gave {rows} outputs first, and {} later", forward.len());
        let reverse = reverse[k].value().wide();
        let difference = nearest(reverse, row, difference);
        Component { row, column, reverse, forward: forward[row], difference }
    };
    Report::new::<F>((0..reverse.len()).map(component).collect())
}

/// Checks the Hessian of a function at a point: forward over reverse is compared with itself across the diagonal, and
/// with central differences of the gradient. The report has a row and a column for each input.
///
/// ```
/// use dualtape::{Float, check};
/// let report = check::hessian(|x| (x[0] * x[1]).sin(), &[1.0_f64, 2.0]);
/// assert!(report.passes(), "{report}");
/// ```
///
/// # Panics
///
/// If the Hessian takes more than [`DENSE_LIMIT`] bytes.
#[track_caller]
pub fn hessian<F, Func>(f: Func, x: &[F]) -> Report
where
    F: Scalar,
    Func: for<'t> Fn(&[Var<'t, Dual<F>>]) -> Var<'t, Dual<F>>,
{
    or_panic(check_dense::<F>("Hessian", x.len(), x.len(), DENSE_LIMIT));
    let derivatives = |x: &[F], moving: Option<usize>| {
        let lifted = |(i, &x)| if Some(i) == moving { Dual::variable(x) } else { Dual::lift(x) };
        reverse_gradient(&f, &x.iter().enumerate().map(lifted).collect::<Vec<_>>()).1
    };
    let gradient = |x: &[F]| derivatives(x, None).iter().map(|g| g.primal().wide()).collect::<Vec<_>>();
    let columns: Vec<Vec<F>> =
        (0..x.len()).map(|j| derivatives(x, Some(j)).iter().map(|g| g.derivative(0)).collect()).collect();
    let compared: Vec<_> = (0..x.len()).map(|j| differences(gradient, x, j)).collect();
    let component = |k: usize| {
        let (row, column) = (k / x.len(), k % x.len());
        let reverse = columns[column][row].wide();
        let difference = nearest(reverse, row, &compared[column]);
        Component { row, column, reverse, forward: columns[row][column].wide(), difference }
    };
    Report::new::<F>((0..x.len() * x.len()).map(component).collect())
}

/// Compares the Jacobian of code that accepts dual numbers only, such as nalgebra's generic code, with central
/// differences. The field `reverse` of each component holds the forward derivative.
///
/// ```
/// use dualtape::{Differentiable, Dual, check};
/// let report = check::jacobian_forward(|x| vec![x[0] * x[1], x[1] * x[1]], &[1.0_f64, 2.0]);
/// assert!(report.passes(), "{report}");
/// // A special case that compares plain values hides the derivative.
/// let shift = |x: Dual<f64, _>| if x.value() == 0.0 { Dual::lift(0.0) } else { x };
/// assert!(!check::jacobian_forward(|x| vec![shift(x[0])], &[0.0]).passes());
/// ```
///
/// # Panics
///
/// If the function gives different numbers of outputs from one call to the next, or the Jacobian takes more than
/// [`DENSE_LIMIT`] bytes.
#[track_caller]
pub fn jacobian_forward<F, Func>(f: Func, x: &[F]) -> Report
where
    F: Scalar,
    Func: Fn(&[Dual<F, U8>]) -> Vec<Dual<F, U8>>,
{
    let (values, forward) = crate::jacobian_forward(&f, x);
    let values_at = |x: &[F]| -> Vec<f64> {
        let at_rest: Vec<_> = x.iter().map(|&x| Dual::lift(x)).collect();
        f(&at_rest).iter().map(|y| y.value().wide()).collect()
    };
    let compared: Vec<_> = (0..x.len()).map(|column| differences(values_at, x, column)).collect();
    let component = |k: usize| {
        let (row, column) = (k / x.len(), k % x.len());
        let forward = forward[k].wide();
        let difference = nearest(forward, row, &compared[column]);
        Component { row, column, reverse: forward, forward, difference }
    };
    Report::new::<F>((0..values.len() * x.len()).map(component).collect())
}

/// Compares a program's Jacobian at `x`, replayed in reverse and forward, with central differences of its outputs.
///
/// # Errors
///
/// [`Error::Length`] if `x` does not have one number for each input, and [`Error::BranchChanged`] if the function
/// takes another branch at `x` or next to it, for example because an equality holds at `x`. [`Error::DenseTooLarge`]
/// if the Jacobian takes more than [`DENSE_LIMIT`] bytes.
///
/// ```
/// use dualtape::{Float, Program, check, program::Recording};
/// let program = Program::record(|x| [x[0].sin() * x[1], x[0] / x[1]], &[1.0_f64, 2.0])?;
/// let report = check::program(&program, &[0.3, -4.0])?;
/// assert!(report.passes(), "{report}");
///
/// let special = |_: &[_], x: &[dualtape::Traced<f64>]| if x[0] == 0.0.into() { x[0] * 0.0 } else { x[0].sin() };
/// let program = Recording::new().allow_equalities().program(special, &[], &[0.0])?;
/// assert!(check::program(&program, &[0.0]).is_err());
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn program<F: ProgramScalar>(program: &Program<F>, x: &[F]) -> Result<Report, Error> {
    let (rows, columns) = (program.outputs(), program.inputs());
    check_dense::<F>("Jacobian", rows, columns, DENSE_LIMIT)?;
    let (mut workspace, mut outputs) = (program.workspace(), vec![F::zero(); rows]);
    program.evaluate(&mut workspace, x, &mut outputs)?;
    let mut reverse = vec![F::zero(); rows * columns];
    for (row, derivatives) in reverse.chunks_mut(columns.max(1)).enumerate() {
        let mut cotangent = vec![F::zero(); rows];
        cotangent[row] = F::one();
        program.vjp(&mut workspace, x, &cotangent, &mut outputs, derivatives)?;
    }
    let mut components = Vec::with_capacity(rows * columns);
    for column in 0..columns {
        let (mut tangent, mut forward) = (vec![F::zero(); columns], vec![F::zero(); rows]);
        tangent[column] = F::one();
        program.jvp(&mut workspace, x, &tangent, &mut outputs, &mut forward)?;
        let mut refused = None;
        let values = |x: &[F]| {
            refused = refused.take().or(program.evaluate(&mut workspace, x, &mut outputs).err());
            outputs.iter().map(|y| y.wide()).collect()
        };
        let compared = differences(values, x, column);
        if let Some(error) = refused {
            return Err(error);
        }
        for (row, forward) in forward.iter().enumerate() {
            let reverse = reverse[row * columns + column].wide();
            let difference = nearest(reverse, row, &compared);
            components.push(Component { row, column, reverse, forward: forward.wide(), difference });
        }
    }
    Ok(Report::new::<F>(components))
}

/// The outputs of a function of constants on no tape; one of them may carry a tangent.
fn constants<F, Func>(f: Func, x: &[F], moving: Option<usize>) -> Vec<Var<'static, Dual<F>>>
where
    F: Scalar,
    Func: for<'t> Fn(&[Var<'t, Dual<F>>]) -> Vec<Var<'t, Dual<F>>>,
{
    let lifted = |(i, &x)| Var::lift(if Some(i) == moving { Dual::variable(x) } else { Dual::lift(x) });
    f(&x.iter().enumerate().map(lifted).collect::<Vec<_>>())
}

/// Central differences of a function with several outputs, with two steps. A wrong derivative differs from both; a
/// derivative that rounding or curvature spoils differs from one only.
fn differences<F: Scalar>(mut f: impl FnMut(&[F]) -> Vec<f64>, x: &[F], column: usize) -> [Vec<f64>; 2] {
    let step = F::epsilon().wide().cbrt() * x[column].wide().abs().max(1.0);
    [step, 8.0 * step].map(|step| {
        let moved = |step: f64| {
            let mut moved = x.to_vec();
            moved[column] = F::nearest(x[column].wide() + step);
            moved
        };
        let (above, below) = (moved(step), moved(-step));
        // The difference between the inputs after rounding.
        let width = above[column].wide() - below[column].wide();
        let (above, below) = (f(&above), f(&below));
        above.iter().zip(below).map(|(above, below)| (above - below) / width).collect()
    })
}

/// Of the two differences, the one nearer to the derivative.
fn nearest(derivative: f64, row: usize, differences: &[Vec<f64>; 2]) -> f64 {
    let [near, far] = [0, 1].map(|step| differences[step][row]);
    if distance(derivative, near) <= distance(derivative, far) { near } else { far }
}

/// Compares the derivatives of a custom rule with each other and with central differences, at `x`. It returns reports
/// of the first, the second and the third order.
///
/// The first report compares the vjp of the rule, its jvp if it has one, and differences of its values. The second
/// does the same with the vjp in place of the rule, and the third with the vjp of the vjp, in some direction.
///
/// # Errors
///
/// [`Error::Length`] if `x` does not have one number for each input of the rule, or a derivative has the wrong
/// length, and [`Error::Rule`] where the rule has no value.
///
/// # Panics
///
/// If the rule's derivatives branch on a value.
///
/// ```
/// use dualtape::{CustomRule, Differentiable, Error, check};
///
/// #[derive(Clone)]
/// struct Cube {
///     factor: f64,
/// }
///
/// impl CustomRule for Cube {
///     type Scalar = f64;
///     fn inputs(&self) -> usize { 1 }
///     fn outputs(&self) -> usize { 1 }
///     fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
///         z[0] = x[0].powi(3);
///         Ok(())
///     }
///     fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
///         Ok(vec![w[0] * x[0] * x[0] * self.factor])
///     }
/// }
///
/// assert!(check::rule(&Cube { factor: 3.0 }, &[0.7])?.iter().all(check::Report::passes));
/// assert!(!check::rule(&Cube { factor: 2.0 }, &[0.7])?[0].passes());
/// # Ok::<(), Error>(())
/// ```
pub fn rule<F: ProgramScalar, R: CustomRule<Scalar = F>>(rule: &R, x: &[F]) -> Result<[Report; 3], Error> {
    F::call(rule, x)?;
    let called = |x: &[Traced<F>]| Traced::call(rule, x).expect("it had a value here just now");
    let first = Program::record(called, x)?;
    let second = first.vjp_program(Wrt::Both);
    let third = second.vjp_program(Wrt::Both);
    // Cotangents in no special direction: 1, 1/2, 1/3, …
    let point = |program: &Program<F>| -> Vec<F> {
        let cotangents = (1..=program.inputs() - x.len()).map(|k| F::nearest(1.0 / k as f64));
        x.iter().copied().chain(cotangents).collect()
    };
    Ok([
        self::program(&first, x)?,
        self::program(&second, &point(&second))?,
        self::program(&third, &point(&third))?,
    ])
}
