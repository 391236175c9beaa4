//! `Taylor`: a value and its Taylor coefficients.

mod call;
mod operation;
mod reduction;

use super::{Lanes, Tag};
use crate::predicate::{Property, Relation};
use crate::rules::series::{self, Orders, still};
use crate::rules::{Binary, Op, Ternary, Unary, reductions};
use crate::{CustomRule, Differentiable, Error, Scalar};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use num_traits::Zero;
use std::fmt;

/// A truncated Taylor series of one variable t: a value, and the coefficients of t, t², …, up to t to the power `N`.
///
/// The coefficients are normalised: the k-th is the k-th derivative divided by k!. [`derivative`](Self::derivative)
/// gives the derivative itself. `T` is a plain number, or itself a number that carries derivatives; `N` is a number
/// such as [`U8`](generic_array::typenum::U8).
///
/// ```
/// use dualtape::{Float, Taylor, typenum::U4};
///
/// let t: Taylor<f64, U4> = Taylor::variable(0.0);
/// let y = t.exp() / (1.0 - t); // 1 + 2t + 5/2 t² + 8/3 t³ + 65/24 t⁴
/// assert_eq!((y.primal(), y.coefficient(1), y.coefficient(2)), (1.0, 2.0, 2.5));
/// assert!((y.derivative(4) - 65.0).abs() < 1e-12);
/// ```
///
/// # Cost
///
/// An operation takes O(N²) products, a sum O(N). Nested [`Dual`](crate::Dual)s give the same derivatives for 2ᴺ to
/// 3ᴺ. Three operations take O(N³): `ln_gamma` and `digamma`, which satisfy no differential equation, and `powf` at 0
/// or in a recording. The derivative of a [custom rule](crate::CustomRule) is evaluated once, N + 1 times if it uses
/// the outputs, and about 2ᴺ times if it calls rules itself. Such a derivative should not call a driver that uses
/// series of the same type: calls inside it would have fewer orders than the driver needs.
///
/// # Singular points
///
/// The value and the first coefficient follow the [policy](crate::rules) of all modes. At a point where the first
/// derivative is infinite, the coefficients from the second order on are what the recurrence gives: ±∞ while one term
/// is larger than all others, as for `sqrt`, `cbrt` and `ln` at 0, and otherwise NaN. Nested duals are infinite or
/// NaN there too, but not always in the same places. A kink is flat on either side, so its higher coefficients are
/// those of that side (or the mean of both, for a tie of `max` or `min`). At the origin, all coefficients of `hypot`
/// and `norm` are 0. A term that does not depend on t contributes exactly zero. A NaN value has NaN coefficients,
/// starting at the first order at which an operand has a nonzero coefficient.
///
/// ```
/// use dualtape::{Float, Taylor, typenum::U3};
/// let root = Taylor::<f64, U3>::variable(0.0).sqrt();
/// assert_eq!(root.coefficients()[..], [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY]);
/// ```
pub struct Taylor<T, N: Lanes<T>> {
    primal: T,
    orders: Orders<T, N>,
    tag: Tag,
}

impl<T: Copy, N: Lanes<T>> Clone for Taylor<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, N: Lanes<T>> Copy for Taylor<T, N> {}

impl<T: Differentiable, N: Lanes<T>> Taylor<T, N> {
    /// A series with the given value and normalised coefficients, from the first order on.
    ///
    /// ```
    /// use dualtape::{Float, Taylor, generic_array::arr, typenum::U2};
    /// let curve: Taylor<f64, U2> = Taylor::new(2.0, arr![3.0, 0.5]); // 2 + 3t + t²/2
    /// assert_eq!(curve.powi(2).coefficients()[..], [12.0, 11.0]);
    /// ```
    #[inline]
    pub fn new(primal: T, coefficients: GenericArray<T, N>) -> Self {
        Self { primal, orders: coefficients, tag: Tag::NONE }
    }

    /// A number of an outer level, as a constant of this one.
    ///
    /// ```
    /// use dualtape::{Taylor, typenum::U3};
    /// let x = Taylor::<f64, U3>::lift(3.0);
    /// assert_eq!((x.primal(), x.coefficient(1)), (3.0, 0.0));
    /// ```
    #[inline]
    pub fn lift(primal: T) -> Self {
        Self::new(primal, still())
    }

    /// The variable of the series at a point: its first coefficient is 1.
    ///
    /// ```
    /// use dualtape::{Taylor, typenum::U2};
    /// let x = Taylor::<f64, U2>::variable(3.0);
    /// assert_eq!((x * x).coefficients()[..], [6.0, 1.0]);
    /// ```
    #[inline]
    pub fn variable(primal: T) -> Self {
        let unit = |i| if i == 0 { T::one() } else { T::zero() };
        Self::new(primal, Orders::<T, N>::generate(unit))
    }

    /// The same number, of the given evaluation of a driver.
    #[inline]
    pub(crate) fn tagged(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// The value at the level below, which may itself carry derivatives.
    ///
    /// ```
    /// use dualtape::{Dual, Taylor, typenum::U2};
    /// let x: Taylor<Dual<f64>, U2> = Taylor::variable(Dual::variable(3.0));
    /// assert_eq!((x * x).primal().derivative(0), 6.0);
    /// ```
    #[inline]
    pub fn primal(&self) -> T {
        self.primal
    }

    /// The normalised coefficients from the first order on. The coefficients of a NaN value are NaN, unless it does
    /// not depend on t.
    ///
    /// ```
    /// use dualtape::{Float, Taylor, typenum::U3};
    /// let x = Taylor::<f64, U3>::variable(0.0);
    /// assert_eq!((x.exp() * 6.0).coefficients()[..], [6.0, 3.0, 1.0]);
    /// ```
    #[inline]
    pub fn coefficients(&self) -> GenericArray<T, N> {
        if !(T::RECORDS || self.primal.is_nan()) {
            return self.orders;
        }
        let told = |c: T| match c.is_identically_zero() {
            true => c,
            false => T::chain_rule(self.primal, &[(T::one(), c)]),
        };
        Orders::<T, N>::generate(|i| told(self.orders[i]))
    }

    /// The normalised coefficient of the given order; order 0 is the value.
    ///
    /// # Panics
    ///
    /// If the order is greater than `N`.
    ///
    /// ```
    /// use dualtape::{Taylor, typenum::U2};
    /// let x = Taylor::<f64, U2>::variable(3.0);
    /// assert_eq!([0, 1, 2].map(|order| (x * x).coefficient(order)), [9.0, 6.0, 1.0]);
    /// ```
    #[inline]
    pub fn coefficient(&self, order: usize) -> T {
        assert!(order <= N::USIZE, "order {order} does not exist: this series goes to order {}", N::USIZE);
        if order == 0 { self.primal } else { self.coefficients()[order - 1] }
    }

    /// The derivative of the given order: the coefficient times order!, and the value for order 0.
    ///
    /// # Panics
    ///
    /// If the order is greater than `N`.
    ///
    /// ```
    /// use dualtape::{Float, Taylor, typenum::U3};
    /// let x = Taylor::<f64, U3>::variable(2.0);
    /// assert_eq!([0, 1, 2, 3].map(|order| x.powi(3).derivative(order)), [8.0, 12.0, 12.0, 6.0]);
    /// ```
    #[inline]
    pub fn derivative(&self, order: usize) -> T {
        // Multiplied by one factor after the other: order! alone may overflow where the derivative does not.
        (1..=order).fold(self.coefficient(order), |product, k| series::scaled(product, k as f64))
    }

    /// Whether the coefficients are the same.
    #[inline]
    fn moves_as(&self, other: &Self) -> bool {
        self.orders.iter().zip(&other.orders).all(|(a, b)| a.is_same(b))
    }

    /// Whether all its coefficients are zero.
    #[inline]
    fn is_still(&self) -> bool {
        self.orders.iter().all(Differentiable::is_identically_zero)
    }

    /// Applies a function to each coefficient.
    #[inline(always)]
    fn map(&self, primal: T, f: impl Fn(T) -> T) -> Self {
        Self { primal, orders: Orders::<T, N>::generate(|i| f(self.orders[i])), tag: self.tag }
    }
}

impl<T: Differentiable, N: Lanes<T>> Differentiable for Taylor<T, N> {
    type Scalar = T::Scalar;

    #[inline(always)]
    fn constant(value: T::Scalar) -> Self {
        Self::lift(T::constant(value))
    }

    #[inline(always)]
    #[track_caller]
    fn value(&self) -> T::Scalar {
        self.primal.value()
    }

    #[inline(always)]
    #[track_caller]
    fn relates(&self, relation: Relation, other: &Self) -> bool {
        (relation != Relation::Equal || self.moves_as(other)) && self.primal.relates(relation, &other.primal)
    }

    #[inline(always)]
    #[track_caller]
    fn has(&self, property: Property) -> bool {
        self.primal.has(property)
    }

    fn call<R: CustomRule<Scalar = T::Scalar>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        call::call(rule, x)
    }

    const RETAINS: bool = T::RETAINS;
    const RECORDS: bool = T::RECORDS;
    const KNOWS_ZEROS: bool = T::KNOWS_ZEROS;

    #[inline]
    fn is_identically_zero(&self) -> bool {
        self.primal.is_identically_zero() && self.is_still()
    }

    #[inline(always)]
    fn is_same(&self, other: &Self) -> bool {
        self.primal.is_same(&other.primal) && self.moves_as(other)
    }

    #[inline(always)]
    fn predicate(relation: Relation, a: Self, b: Self) -> Self {
        Self::lift(T::predicate(relation, a.primal, b.primal))
    }

    #[inline(always)]
    fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self {
        let predicate = predicate.primal;
        if !T::RECORDS {
            return if predicate.value() == T::Scalar::zero() { otherwise } else { then };
        }
        let select = |i: usize| match (then.orders[i], otherwise.orders[i]) {
            (a, b) if a.is_identically_zero() && b.is_identically_zero() => T::zero(),
            (a, b) => T::select_by(predicate, a, b),
        };
        let primal = T::select_by(predicate, then.primal, otherwise.primal);
        Self { primal, orders: Orders::<T, N>::generate(select), tag: then.tag.meet(otherwise.tag) }
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        let tag = pairs.iter().fold(value.tag, |tag, (a, b)| tag.meet(a.tag).meet(b.tag));
        reduction::chain_rule(value, pairs).tagged(tag)
    }

    #[inline]
    fn unary<O: Unary>(self, op: O) -> Self {
        let z = self.primal.unary(op);
        if O::STOPS { Self::lift(z) } else { operation::unary(op, z, &self).tagged(self.tag) }
    }

    #[inline]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        let z = self.primal.binary(op, right.primal);
        operation::binary(op, z, &self, &right).tagged(self.tag.meet(right.tag))
    }

    #[inline]
    fn binary_right<O: Binary>(self, op: O, right: T::Scalar) -> Self {
        let z = self.primal.binary_right(op, right);
        let plain = right.is_ordinary() && (T::RECORDS || !z.is_nan());
        match op.code() {
            Op::Add | Op::Sub if plain => self.map(z, |c| c),
            Op::Mul if plain => self.map(z, |c| operation::moved(c, |c| c * right)),
            Op::Div if plain => self.map(z, |c| operation::moved(c, |c| c / right)),
            _ => operation::binary(op, z, &self, &Self::constant(right)).tagged(self.tag),
        }
    }

    #[inline]
    fn binary_left<O: Binary>(op: O, left: T::Scalar, right: Self) -> Self {
        let z = T::binary_left(op, left, right.primal);
        let plain = left.is_ordinary() && (T::RECORDS || !z.is_nan());
        match op.code() {
            Op::Add if plain => right.map(z, |c| c),
            Op::Sub if plain => right.map(z, series::negative),
            Op::Mul if plain => right.map(z, |c| operation::moved(c, |c| c * left)),
            _ => operation::binary(op, z, &Self::constant(left), &right).tagged(right.tag),
        }
    }

    #[inline]
    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        if O::SELECTS {
            let [predicate, then, otherwise] = operands;
            return Self::select_by(predicate, then, otherwise);
        }
        let z = T::ternary(op, operands.map(|x| x.primal));
        operation::ternary(op, z, &operands).tagged(Tag::meet_all(operands.iter().map(|x| x.tag)))
    }

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reduction::sum(&terms).tagged(Tag::meet_all(terms.map(|x| x.tag)))
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        let tags = pairs.clone().map(|(a, b)| a.tag.meet(b.tag)).chain(bias.map(|bias| bias.tag));
        reduction::dot(&pairs, bias).tagged(Tag::meet_all(tags))
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        let tags = terms.clone().map(|x| x.tag);
        reduction::log_sum_exp(terms).tagged(Tag::meet_all(tags))
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reduction::norm(&terms).tagged(Tag::meet_all(terms.map(|x| x.tag)))
    }
}

impl<T: Differentiable, N: Lanes<T>> std::iter::Sum for Taylor<T, N> {
    #[inline]
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::constant(reductions::empty_sum()), |sum, x| sum + x)
    }
}

impl_operators!(over [T: Differentiable, N: Lanes<T>] Taylor<T, N>);
impl_float!([T: Differentiable, N: Lanes<T>] Taylor<T, N>);

impl<T: fmt::Debug, N: Lanes<T>> fmt::Debug for Taylor<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taylor")
            .field("primal", &self.primal)
            .field("coefficients", &self.orders.as_slice())
            .finish()
    }
}

/// `3 + 6t + 1t^2`
macro_rules! write_taylor {
    ($Format:ident) => {
        impl<T: fmt::$Format, N: Lanes<T>> fmt::$Format for Taylor<T, N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.primal.fmt(f)?;
                for (order, coefficient) in (1..).zip(&self.orders) {
                    f.write_str(" + ")?;
                    coefficient.fmt(f)?;
                    f.write_str("t")?;
                    if order > 1 {
                        write!(f, "^{order}")?;
                    }
                }
                Ok(())
            }
        }
    };
}

write_taylor!(Display);
write_taylor!(LowerExp);
