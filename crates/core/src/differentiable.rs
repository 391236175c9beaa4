//! `Differentiable`: the trait that user code is written against.

use crate::predicate::{Property, Relation};
use crate::rules::{self, Binary, Saved, Ternary, Unary};
use crate::{CustomRule, Error, Scalar};
use num_traits::{Euclid, Float, FloatConst, FromPrimitive, NumAssign, NumRef};
use std::fmt::{Debug, Display, LowerExp};
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Rem, RemAssign, Sub, SubAssign};

/// Writes a method for each operation that is not part of `num_traits::Float`.
macro_rules! learned_methods {
    (
        {}
        operators $operators:tt
        float_unary $float_unary:tt
        float_binary $float_binary:tt
        float_ternary $float_ternary:tt
        euclid $euclid:tt
        learned_unary { $($(#[$doc:meta])* $Name:ident $method:ident $body:tt)* }
    ) => { $(
        $(#[$doc])*
        #[inline(always)]
        fn $method(self) -> Self {
            self.unary(rules::$Name)
        }
    )* };
}

/// A number through which derivatives can be taken.
///
/// Write a function once against this trait, and choose how it is differentiated by the type of the numbers you pass:
/// `f32` and `f64` (no derivative), [`Dual`](crate::Dual) (forward mode), [`Var`](crate::Var) (reverse mode), or
/// these nested in one another for higher derivatives.
///
/// Everything of [`num_traits::Float`] is available, as well as arithmetic with plain numbers on the right
/// (`x * 2.0`), and the functions and reductions below. For concrete types the plain number may also be on the left
/// (`2.0 * x`); in generic code, write it on the right or use [`constant`](Self::constant).
///
/// `<`, `<=`, `>` and `>=` compare values; a branch is differentiated along the side taken.
///
/// # Equality
///
/// Two numbers are equal (`==`, `is_zero`) if both their values and their derivatives are equal. Otherwise a formula
/// for the special case `angle == 0` would be differentiated as if it held around 0. Two [`Dual`](crate::Dual)s are
/// equal if their tangents are equal too. A [`Var`](crate::Var) equals itself, and constants equal constants. Two
/// [`Traced`](crate::Traced) numbers are compared by value; if they were equal, and one of them depends on an input,
/// the recording is an error ([`Error::EqualityHeld`](crate::Error::EqualityHeld)). Numbers that depend on data only,
/// such as labels, may be compared. To compare values alone, write `x.value() == y.value()`; to choose a formula, use
/// [`select`](Self::select).
///
/// ```
/// use dualtape::{Differentiable, Dual, Float, derivative};
/// // The constant has derivative 0, the function ½. The other formula gives NaN at 0: no wrong derivative in silence.
/// let ratio = |x: Dual<f64>| if x == 0.0.into() { 1.0.into() } else { x.exp_m1() / x };
/// assert!(derivative(ratio, 0.0).1.is_nan());
/// assert_eq!(ratio(Dual::lift(0.0)).value(), 1.0); // what does not move is equal
/// ```
///
/// Only the number types of this crate implement this trait.
///
/// ```
/// use dualtape::{Differentiable, gradient};
///
/// fn rosenbrock<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
///     x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
/// }
///
/// let (value, gradient) = gradient(|x| rosenbrock(x), &[-1.2, 1.0_f64]);
/// assert!((value - 24.2).abs() < 1e-12);
/// assert!((gradient[0] + 215.6).abs() < 1e-12 && (gradient[1] + 88.0).abs() < 1e-12);
/// ```
#[diagnostic::on_unimplemented(
    message = "no derivative can be taken through `{Self}`",
    label = "not a number that carries derivatives",
    note = "`f32`, `f64`, `Dual`, `Var`, `Traced`, `Taylor` and `ForwardLaplacian` implement `Differentiable`",
    note = "an integer `n` becomes a constant by `D::literal(n as f64)`"
)]
pub trait Differentiable:
    Float
    + FloatConst
    + Euclid
    + FromPrimitive
    + From<<Self as Differentiable>::Scalar>
    + NumAssign
    + NumRef
    + Default
    + Debug
    + Display
    + LowerExp
    + Sum<Self>
    + for<'a> Sum<&'a Self>
    + Product<Self>
    + for<'a> Product<&'a Self>
    + Add<<Self as Differentiable>::Scalar, Output = Self>
    + Sub<<Self as Differentiable>::Scalar, Output = Self>
    + Mul<<Self as Differentiable>::Scalar, Output = Self>
    + Div<<Self as Differentiable>::Scalar, Output = Self>
    + Rem<<Self as Differentiable>::Scalar, Output = Self>
    + AddAssign<<Self as Differentiable>::Scalar>
    + SubAssign<<Self as Differentiable>::Scalar>
    + MulAssign<<Self as Differentiable>::Scalar>
    + DivAssign<<Self as Differentiable>::Scalar>
    + RemAssign<<Self as Differentiable>::Scalar>
{
    /// The plain number at the bottom.
    type Scalar: Scalar;

    /// A number that depends on nothing.
    ///
    /// ```
    /// use dualtape::{Differentiable, derivative};
    /// fn parabola<D: Differentiable<Scalar = f64>>(x: D) -> D { D::constant(5.0) - x * x }
    /// assert_eq!(parabola(2.0), 1.0);
    /// assert_eq!(derivative(parabola, 2.0), (1.0, -4.0));
    /// ```
    fn constant(value: <Self as Differentiable>::Scalar) -> Self;

    /// The value, without any derivative. A function that continues from here loses its derivatives.
    ///
    /// ```
    /// use dualtape::{Differentiable, Dual};
    /// let x: Dual<Dual<f64>> = Dual::variable(Dual::variable(3.0));
    /// assert_eq!((x * x).value(), 9.0);
    /// ```
    #[track_caller]
    fn value(&self) -> <Self as Differentiable>::Scalar;

    /// A constant, rounded to the plain number's type.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// fn third<D: Differentiable>() -> D { D::literal(1.0 / 3.0) }
    /// assert_eq!(third::<f32>(), 1.0 / 3.0);
    /// ```
    #[inline(always)]
    fn literal(value: f64) -> Self {
        Self::constant(Scalar::nearest(value))
    }

    rule_table!(learned_methods);

    /// `then` if the relation holds between `a` and `b`, otherwise `otherwise`: a branch that a recording keeps, so
    /// that a program is correct on both sides of it.
    ///
    /// The value and the derivatives, of every order, are those of the selected number. The other number has no
    /// effect, even if it is NaN or has an infinite derivative. Both are computed. The selection itself has no
    /// derivative with respect to `a` and `b`.
    ///
    /// ```
    /// use dualtape::{Differentiable, Float, Program, Relation, derivative};
    ///
    /// /// ln x, and the line that goes on from 1 with its gradient.
    /// fn softened<D: Differentiable<Scalar = f64>>(x: D) -> D {
    ///     D::select(Relation::Less, x, D::constant(1.0), x - 1.0, x.ln())
    /// }
    ///
    /// assert_eq!(derivative(softened, -3.0), (-4.0, 1.0));
    /// assert_eq!(derivative(softened, 4.0), (4.0.ln(), 0.25));
    ///
    /// // Recorded on one side, replayed on the other; an `if` would be refused there.
    /// let (program, mut gradient) = (Program::record(|x| softened(x[0]), &[4.0])?, [0.0]);
    /// let value = program.gradient(&mut program.workspace(), &[-3.0], &mut gradient)?;
    /// assert_eq!((value, gradient, program.guards()), (-4.0, [1.0], 0));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[inline(always)]
    fn select(relation: Relation, a: Self, b: Self, then: Self, otherwise: Self) -> Self {
        Self::select_by(Self::predicate(relation, a, b), then, otherwise)
    }

    /// This number as a constant: its value, with no derivative.
    ///
    /// ```
    /// use dualtape::{Differentiable, derivative};
    /// assert_eq!(derivative(|x| x * x.stop_gradient(), 3.0), (9.0, 3.0));
    /// ```
    #[inline(always)]
    fn stop_gradient(self) -> Self {
        self.unary(rules::StopGradient)
    }

    /// The sum of all terms, as one statement. Plain `Iterator::sum` does the same.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// assert_eq!(f64::sum_of(&[1.0, 2.0, 3.0]), 6.0);
    /// ```
    fn sum_of(terms: &[Self]) -> Self {
        Self::sum_terms(terms.iter().copied())
    }

    /// Σ aᵢbᵢ, as one statement, added up from left to right.
    ///
    /// # Panics
    ///
    /// If the slices differ in length.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// assert_eq!(f64::dot(&[1.0, 2.0], &[3.0, 4.0]), 11.0);
    /// ```
    fn dot(a: &[Self], b: &[Self]) -> Self {
        assert!(a.len() == b.len(), "dot needs slices of equal length, not {} and {}", a.len(), b.len());
        Self::dot_pairs(a.iter().copied().zip(b.iter().copied()), None)
    }

    /// The matrix-vector product `weights · x + bias`, one statement for each row.
    ///
    /// `weights` holds `bias.len()` rows of `x.len()` numbers, row after row.
    ///
    /// # Panics
    ///
    /// If `weights` has another length.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// let (weights, bias, x) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0], [1.0, -1.0]);
    /// assert_eq!(f64::affine(&weights, &bias, &x), [9.0, 19.0]);
    /// ```
    fn affine(weights: &[Self], bias: &[Self], x: &[Self]) -> Vec<Self> {
        let mut out = Vec::with_capacity(bias.len());
        Self::affine_into(weights, bias, x, &mut out);
        out
    }

    /// [`affine`](Self::affine), appended to the caller's vector.
    ///
    /// # Panics
    ///
    /// If `weights` does not hold `bias.len()` rows of `x.len()` numbers.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// let (weights, bias, x) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0], [1.0, -1.0]);
    /// let mut layers = vec![7.0];
    /// f64::affine_into(&weights, &bias, &x, &mut layers);
    /// assert_eq!(layers, [7.0, 9.0, 19.0]);
    /// ```
    fn affine_into(weights: &[Self], bias: &[Self], x: &[Self], out: &mut Vec<Self>) {
        affine_rows(weights, bias, x, out);
    }

    /// The Euclidean norm √Σ xᵢ² without overflow, as one statement; at the origin, all derivatives are 0.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// assert_eq!(f64::norm(&[3.0, 4.0]), 5.0);
    /// assert_eq!(f64::norm(&[]), 0.0);
    /// ```
    fn norm(components: &[Self]) -> Self {
        Self::norm_terms(components.iter().copied())
    }

    /// ln Σ exp xᵢ without overflow, as one statement; −∞ for no terms.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// assert!((f64::log_sum_exp(&[1000.0, 1001.0]) - 1001.3132616875182).abs() < 1e-12);
    /// assert_eq!(f64::log_sum_exp(&[]), f64::NEG_INFINITY);
    /// ```
    fn log_sum_exp(terms: &[Self]) -> Self {
        Self::log_sum_exp_terms(terms.iter().copied())
    }

    /// The outputs of a custom rule at `x`, with the derivatives that it states.
    ///
    /// A recording keeps the call, and each replay computes the value again. See [`CustomRule`] for an example.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have one number for each input of the rule, [`Error::Rule`] where the rule
    /// has no value, and any error of its derivatives.
    fn call<R: CustomRule<Scalar = <Self as Differentiable>::Scalar>>(
        rule: &R,
        x: &[Self],
    ) -> Result<Vec<Self>, Error>;

    // The methods below connect the rule table with a number type; users do not need them.

    /// The outputs of a rule; stores in `_saved` what its vjp needs.
    #[doc(hidden)]
    fn call_saving<R: CustomRule<Scalar = <Self as Differentiable>::Scalar>>(
        rule: &R,
        x: &[Self],
        _saved: &mut Saved<<Self as Differentiable>::Scalar>,
    ) -> Result<Vec<Self>, Error> {
        Self::call(rule, x)
    }

    /// A rule's vjp, from what it saved.
    #[doc(hidden)]
    fn pull_back<R: CustomRule<Scalar = <Self as Differentiable>::Scalar>>(
        rule: &R,
        x: &[Self],
        z: &[Self],
        cotangent: &[Self],
        _saved: &Saved<<Self as Differentiable>::Scalar>,
    ) -> Result<Vec<Self>, Error> {
        rules::pulled_back(rule, x, z, cotangent)
    }

    /// Whether operations are recorded, on a tape or in a program: loops are then kept as one call.
    #[doc(hidden)]
    const RETAINS: bool;

    /// Whether a program may replay the computation at other values. Then only the user's own branches may depend on
    /// a value: the chain rule uses `select` where it has to decide.
    #[doc(hidden)]
    const RECORDS: bool;

    /// Whether [`is_identically_zero`](Self::is_identically_zero) can distinguish a zero without derivatives from a
    /// computed zero, so that it is worth calling.
    #[doc(hidden)]
    const KNOWS_ZEROS: bool;

    /// Whether the value and all derivatives are zero: such a factor wins over ∞.
    #[doc(hidden)]
    fn is_identically_zero(&self) -> bool;

    /// Whether this is known to be the same number, with the same derivatives.
    #[doc(hidden)]
    fn is_same(&self, other: &Self) -> bool;

    /// 1 if the relation holds, otherwise 0.
    #[doc(hidden)]
    fn predicate(relation: Relation, a: Self, b: Self) -> Self;

    /// `then` if the predicate is not 0.
    #[doc(hidden)]
    fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self;

    /// The sum of the products of the pairs (partial derivative, tangent) of an operation with the given value. An
    /// exact zero wins over ∞ and NaN; if the value is NaN, so is the sum, unless all tangents are zero.
    #[doc(hidden)]
    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self;

    /// Whether a relation holds between two values; a recording notes the answer.
    #[doc(hidden)]
    #[inline(always)]
    #[track_caller]
    fn relates(&self, relation: Relation, other: &Self) -> bool {
        relation.holds(self.value(), other.value())
    }

    /// Whether the value has a property; a recording notes the answer.
    #[doc(hidden)]
    #[inline(always)]
    #[track_caller]
    fn has(&self, property: Property) -> bool {
        property.holds(self.value())
    }

    /// Applies an operation of one operand.
    #[doc(hidden)]
    fn unary<O: Unary>(self, op: O) -> Self;

    /// Applies an operation of two operands.
    #[doc(hidden)]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self;

    /// Applies an operation whose right operand is a plain number.
    #[doc(hidden)]
    fn binary_right<O: Binary>(self, op: O, right: <Self as Differentiable>::Scalar) -> Self;

    /// Applies an operation whose left operand is a plain number.
    #[doc(hidden)]
    fn binary_left<O: Binary>(op: O, left: <Self as Differentiable>::Scalar, right: Self) -> Self;

    /// Applies an operation of three operands.
    #[doc(hidden)]
    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self;

    /// The sum of the terms. The iterator only reads: unlike the iterator of `Iterator::sum`, it must not record.
    #[doc(hidden)]
    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self;

    /// The sum of the products, plus the bias.
    #[doc(hidden)]
    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self;

    /// The log-sum-exp of the terms.
    #[doc(hidden)]
    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self;

    /// The norm of the terms.
    #[doc(hidden)]
    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self;
}

/// Panics unless there is one weight for each row and column of an affine map.
pub(crate) fn check_affine(weights: usize, rows: usize, columns: usize) {
    assert!(
        weights == rows * columns,
        "affine needs {rows} rows of {columns} weights, {} in all, not {weights}",
        rows * columns
    );
}

/// The rows of an affine map, one statement for each.
pub(crate) fn affine_rows<D: Differentiable>(weights: &[D], bias: &[D], x: &[D], out: &mut Vec<D>) {
    let columns = x.len();
    check_affine(weights.len(), bias.len(), columns);
    out.extend(bias.iter().enumerate().map(|(row, &bias)| {
        let weights = &weights[row * columns..(row + 1) * columns];
        D::dot_pairs(weights.iter().copied().zip(x.iter().copied()), Some(bias))
    }));
}
