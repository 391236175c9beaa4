//! Custom rules: a function with its derivatives, for functions whose operations do not give the right derivatives.

use super::{Partial, reductions::Statement};
use crate::loops::{Record, Run};
use crate::program::Graph;
use crate::{Differentiable, Error, ProgramScalar, Scalar};
use num_traits::{One, Zero};

/// A function of several numbers with its own derivatives: a solver, a table, a function of a foreign library.
///
/// Any code may compute the value, on plain numbers. The derivatives are written in generic numbers, so that they can
/// be differentiated again, to any order. [`Differentiable::call`] calls the rule, in every mode: on plain numbers,
/// on duals, on a tape, nested, and in recordings, where a replay computes the value again.
///
/// A recorded derivative must use [`select`](Differentiable::select) where it has a choice: a comparison panics in a
/// recording. The products inside a derivative are those that the rule writes: if a partial derivative is infinite or
/// NaN, an exact zero beside it does not win, unless the rule provides for this.
///
/// ```
/// use dualtape::{CustomRule, Differentiable, Error, Float, Program, second_derivative};
///
/// /// The real solution z of z³ + z = x.
/// #[derive(Clone)]
/// struct Depressed;
///
/// impl CustomRule for Depressed {
///     type Scalar = f64;
///     fn inputs(&self) -> usize { 1 }
///     fn outputs(&self) -> usize { 1 }
///     fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
///         // Any code will do.
///         z[0] = x[0].cbrt();
///         for _ in 0..100 {
///             z[0] -= (z[0].powi(3) + z[0] - x[0]) / (3.0 * z[0] * z[0] + 1.0);
///         }
///         Ok(())
///     }
///     fn vjp<D: Differentiable<Scalar = f64>>(&self, _: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
///         Ok(vec![w[0] / (z[0] * z[0] * 3.0 + 1.0)])
///     }
/// }
///
/// fn f<D: Differentiable<Scalar = f64>>(x: D) -> D {
///     D::call(&Depressed, &[x]).expect("there is a solution everywhere")[0]
/// }
/// let (value, derivative, curvature) = second_derivative(f, 2.0);
/// assert_eq!((value, derivative), (1.0, 0.25));
/// assert!((curvature + 6.0 / 64.0).abs() < 1e-15); // −6z / (3z² + 1)³
/// let program = Program::record(|x| f(x[0]), &[2.0])?;
/// assert!((program.value(&mut program.workspace(), &[10.0])? - 2.0).abs() < 1e-15);
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a rule with its own derivative",
    label = "a `CustomRule` is needed here",
    note = "implement `dualtape::CustomRule` for a struct that holds what the function needs"
)]
pub trait CustomRule: Clone + Send + Sync + 'static {
    /// The plain number.
    type Scalar: Scalar;

    /// The name of the rule in drawings and listings of programs.
    fn name(&self) -> &'static str {
        "rule"
    }

    /// The number of inputs.
    fn inputs(&self) -> usize;

    /// The number of outputs.
    fn outputs(&self) -> usize;

    /// Writes the outputs at `x`.
    ///
    /// # Errors
    ///
    /// [`Error::Rule`] if there is no value; the caller of the rule receives the error.
    fn value(&self, x: &[Self::Scalar], z: &mut [Self::Scalar]) -> Result<(), Error>;

    /// The cotangent times the Jacobian: one number for each input. `z` are the outputs at `x`.
    ///
    /// # Errors
    ///
    /// The errors of the rules that it calls.
    fn vjp<D: Differentiable<Scalar = Self::Scalar>>(
        &self,
        x: &[D],
        z: &[D],
        cotangent: &[D],
    ) -> Result<Vec<D>, Error>;

    /// The Jacobian times the tangent: one number for each output. If it is `None`, [`vjp`](Self::vjp) is called for
    /// each row of the Jacobian instead.
    ///
    /// # Errors
    ///
    /// The errors of the rules that it calls.
    fn jvp<D: Differentiable<Scalar = Self::Scalar>>(
        &self,
        _x: &[D],
        _z: &[D],
        _tangent: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        None
    }

    /// Whether a tape keeps the call whole and computes one vjp in each sweep. Otherwise it computes every row of the
    /// Jacobian as it records, which is expensive if there are many outputs.
    ///
    /// A call that is kept whole holds its inputs and outputs on the tape. If its vjp fails, the sweep panics,
    /// because it cannot return an error.
    fn stays_whole(&self) -> bool {
        false
    }

    // The methods below are for loops.

    /// Whether its recording is checked against the branches that were taken.
    #[doc(hidden)]
    fn branches(&self) -> bool {
        false
    }

    /// The rule as a graph with at most `_limit` operations, and no calls, if possible.
    #[doc(hidden)]
    fn as_graph(&self, _limit: usize) -> Option<Graph<Self::Scalar>>
    where
        Self::Scalar: ProgramScalar,
    {
        None
    }

    /// The loop that this rule is, or whose vjp it is, if its step can be recorded.
    #[doc(hidden)]
    fn as_loop(&self) -> Option<Run<Self::Scalar>>
    where
        Self::Scalar: ProgramScalar,
    {
        None
    }

    /// The outputs by generic code, for numbers that are not recorded.
    #[doc(hidden)]
    fn in_any_numbers<D: Differentiable<Scalar = Self::Scalar>>(
        &self,
        _x: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        None
    }

    /// Writes the outputs at `x`, and saves what [`vjp_of_saved`](Self::vjp_of_saved) needs.
    #[doc(hidden)]
    fn value_saving(
        &self,
        x: &[Self::Scalar],
        z: &mut [Self::Scalar],
        _saved: &mut Saved<Self::Scalar>,
    ) -> Result<(), Error> {
        self.value(x, z)
    }

    /// The vjp on plain numbers, from what was saved.
    #[doc(hidden)]
    fn vjp_of_saved(
        &self,
        x: &[Self::Scalar],
        z: &[Self::Scalar],
        cotangent: &[Self::Scalar],
        _saved: &Saved<Self::Scalar>,
    ) -> Result<Vec<Self::Scalar>, Error> {
        self.vjp(x, z, cotangent)
    }
}

/// What a rule saves in its forward evaluation for its vjp, on plain numbers.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Saved<F>(pub(crate) Option<Record<F>>);

impl<F> Default for Saved<F> {
    fn default() -> Self {
        Self(None)
    }
}

/// The outputs of a rule on plain numbers.
pub(crate) fn values<R: CustomRule>(rule: &R, x: &[R::Scalar]) -> Result<Vec<R::Scalar>, Error> {
    check_inputs(rule, x.len())?;
    let mut z = vec![R::Scalar::zero(); rule.outputs()];
    rule.value(x, &mut z)?;
    Ok(z)
}

/// The outputs of a rule on plain numbers, and what it saves.
pub(crate) fn values_saving<R: CustomRule>(
    rule: &R,
    x: &[R::Scalar],
    saved: &mut Saved<R::Scalar>,
) -> Result<Vec<R::Scalar>, Error> {
    check_inputs(rule, x.len())?;
    let mut z = vec![R::Scalar::zero(); rule.outputs()];
    rule.value_saving(x, &mut z, saved)?;
    Ok(z)
}

/// The outputs of a rule on numbers that carry derivatives. Each is a statement over a row of the Jacobian, given the
/// primals of the inputs and outputs.
pub(crate) fn statements<R, S>(
    rule: &R,
    x: &[S],
    primals: &[S::Inner],
    z: &[S::Inner],
) -> Result<Vec<S>, Error>
where
    S: Statement,
    R: CustomRule<Scalar = <S as Differentiable>::Scalar>,
{
    let statement = |output: usize| {
        let unit = |index| if index == output { S::Inner::one() } else { S::Inner::zero() };
        let cotangent: Vec<S::Inner> = (0..z.len()).map(unit).collect();
        let row = pulled_back(rule, primals, z, &cotangent)?;
        Ok(S::statement(z[output], x.iter().copied().zip(row.into_iter().map(Partial::Of))))
    };
    (0..z.len()).map(statement).collect()
}

/// The vjp of a rule, after a check of its length.
pub(crate) fn pulled_back<R: CustomRule, D: Differentiable<Scalar = R::Scalar>>(
    rule: &R,
    x: &[D],
    z: &[D],
    cotangent: &[D],
) -> Result<Vec<D>, Error> {
    checked(rule.vjp(x, z, cotangent)?, x.len())
}

/// The vjp of a rule on plain numbers, from what it saved, after a check of its length.
pub(crate) fn pulled_back_of_saved<R: CustomRule>(
    rule: &R,
    x: &[R::Scalar],
    z: &[R::Scalar],
    cotangent: &[R::Scalar],
    saved: &Saved<R::Scalar>,
) -> Result<Vec<R::Scalar>, Error> {
    checked(rule.vjp_of_saved(x, z, cotangent, saved)?, x.len())
}

fn checked<D>(product: Vec<D>, inputs: usize) -> Result<Vec<D>, Error> {
    Error::check_length("result of the rule's vjp", "input", inputs, product.len())?;
    Ok(product)
}

/// The jvp of a rule, if it has one, after a check of its length.
pub(crate) fn pushed_forward<R: CustomRule, D: Differentiable<Scalar = R::Scalar>>(
    rule: &R,
    x: &[D],
    z: &[D],
    tangent: &[D],
) -> Option<Result<Vec<D>, Error>> {
    let product = rule.jvp(x, z, tangent)?;
    Some(product.and_then(|product| {
        Error::check_length("result of the rule's jvp", "output", z.len(), product.len())?;
        Ok(product)
    }))
}

pub(crate) fn check_inputs<R: CustomRule>(rule: &R, given: usize) -> Result<(), Error> {
    Error::check_length("argument of the rule", "input", rule.inputs(), given)
}
