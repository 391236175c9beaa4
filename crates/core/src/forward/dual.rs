//! `Dual`: a value and its tangents.

use super::Tag;
use super::lanes::{Lanes, Tangent, accumulate, combined, scaled, spoilt, told, zeros};
use crate::predicate::{Property, Relation};
use crate::rules::reductions::{self, Statement};
use crate::rules::{Binary, Partial, Ternary, Unary, combine, pushed_forward, statements};
use crate::{CustomRule, Differentiable, Error};
use generic_array::sequence::GenericSequence;
use generic_array::typenum::U1;
use num_traits::Zero;
use std::fmt;

/// A dual number: a primal and `N` tangents, the derivatives along `N` directions, in one pass.
///
/// `T` is a plain number, or itself a number that carries derivatives; `N` is a count of lanes such as
/// [`U8`](generic_array::typenum::U8).
///
/// ```
/// use dualtape::{Differentiable, Dual};
/// use dualtape::Float;
///
/// let x: Dual<f64> = Dual::variable(2.0);
/// let y = (x * x).sin() + 3.0 * x;
/// assert_eq!(y.primal(), 4.0_f64.sin() + 6.0);
/// assert_eq!(y.tangent()[0], 4.0 * 4.0_f64.cos() + 3.0);
/// ```
///
/// Nest them for higher derivatives. [`lift`](Self::lift) turns a number of an outer level into a constant of this
/// one, so that the types keep the levels apart (see [`derivative`](crate::derivative) for the one case where they do
/// not, which debug builds find):
///
/// ```
/// use dualtape::{Dual, derivative};
/// // d/dx [ x · d/dy (x·y) ] at x = 4 is 8.
/// let (_, derivative) = derivative(|x| x * derivative(|y| Dual::lift(x) * y, Dual::<f64>::variable(1.0)).1, 4.0);
/// assert_eq!(derivative, 8.0);
/// ```
pub struct Dual<T, N: Lanes<T> = U1> {
    primal: T,
    tangent: Tangent<T, N>,
    tag: Tag,
}

impl<T: Copy, N: Lanes<T>> Clone for Dual<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, N: Lanes<T>> Copy for Dual<T, N> {}

impl<T: Differentiable, N: Lanes<T>> Dual<T, N> {
    /// A number with the given primal and tangents.
    ///
    /// ```
    /// use dualtape::Dual;
    /// use dualtape::{generic_array::arr, typenum::U2};
    /// let x: Dual<f64, U2> = Dual::new(1.0, arr![0.5, 0.0]);
    /// assert_eq!((x * x).tangent()[0], 1.0);
    /// ```
    #[inline]
    pub fn new(primal: T, tangent: generic_array::GenericArray<T, N>) -> Self {
        Self { primal, tangent, tag: Tag::NONE }
    }

    /// A number of an outer level, as a constant of this one.
    ///
    /// ```
    /// let x = dualtape::Dual::<f64>::lift(3.0);
    /// assert_eq!((x.primal(), x.derivative(0)), (3.0, 0.0));
    /// ```
    #[inline]
    pub fn lift(primal: T) -> Self {
        Self { primal, tangent: zeros(), tag: Tag::NONE }
    }

    /// A variable, with tangent 1 in the given lane and 0 in the others.
    ///
    /// # Panics
    ///
    /// If there is no such lane.
    ///
    /// ```
    /// use dualtape::Dual;
    /// use dualtape::typenum::U2;
    /// let (x, y) = (Dual::<f64, U2>::along(3.0, 0), Dual::along(4.0, 1));
    /// assert_eq!((x * y).tangent()[..], [4.0, 3.0]);
    /// ```
    #[inline]
    pub fn along(primal: T, lane: usize) -> Self {
        assert!(lane < N::USIZE, "lane {lane} does not exist: this number has {} lanes", N::USIZE);
        let unit = |l| if l == lane { T::one() } else { T::zero() };
        Self { primal, tangent: Tangent::<T, N>::generate(unit), tag: Tag::NONE }
    }

    /// One of many inputs, of which those from `start` on are seeded together: input `index`, along its lane if it has
    /// one, and otherwise as a constant.
    #[inline]
    pub(crate) fn in_block(primal: T, index: usize, start: usize) -> Self {
        match index.checked_sub(start) {
            Some(lane) if lane < N::USIZE => Self::along(primal, lane),
            _ => Self::lift(primal),
        }
    }

    /// The same number, of the given evaluation of a driver.
    #[inline]
    pub(crate) fn tagged(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// The value at the level below, which may itself carry derivatives.
    ///
    /// ```
    /// use dualtape::{Dual, Float};
    /// let x: Dual<f64> = Dual::variable(3.0);
    /// assert_eq!((x * x).primal(), 9.0);
    /// // One level down from a nested number there still is a derivative.
    /// let nested: Dual<Dual<f64>> = Dual::variable(x);
    /// assert_eq!((nested * nested).primal().derivative(0), 6.0);
    /// ```
    #[inline]
    pub fn primal(&self) -> T {
        self.primal
    }

    /// The tangents as stored, even for a NaN value.
    #[inline(always)]
    pub(crate) fn raw_tangent(&self) -> &generic_array::GenericArray<T, N> {
        &self.tangent
    }

    /// Replaces the primal and keeps the tangents.
    #[inline]
    pub(crate) fn set_primal(&mut self, primal: T) {
        self.primal = primal;
    }

    /// Whether the tangents are the same.
    #[inline]
    fn moves_as(&self, other: &Self) -> bool {
        self.tangent.iter().zip(&other.tangent).all(|(a, b)| a.is_same(b))
    }

    /// The result of an operation whose other operands have no tangents.
    #[inline(always)]
    fn moved(&self, value: T, partial: impl FnOnce() -> Partial<T>) -> Self {
        Self { primal: value, tangent: scaled(&value, partial(), &self.tangent), tag: self.tag }
    }

    /// The derivatives, one for each lane. A NaN value has NaN derivatives, except in lanes where its tangent is
    /// zero.
    ///
    /// This is done here, once, and not in every operation: so a NaN that does not reach the result does not affect
    /// its tangents either.
    ///
    /// ```
    /// use dualtape::{Dual, Float, typenum::U2};
    /// let (x, y) = (Dual::<f64, U2>::along(-3.0, 0), Dual::along(4.0, 1));
    /// assert_eq!((x * y).tangent()[..], [4.0, -3.0]);
    /// let root = x.sqrt().tangent(); // NaN, which moves with x only
    /// assert!(root[0].is_nan() && root[1] == 0.0);
    /// ```
    #[inline]
    pub fn tangent(&self) -> generic_array::GenericArray<T, N> {
        told(&self.primal, &self.tangent)
    }

    /// The derivative along one lane.
    ///
    /// # Panics
    ///
    /// If there is no such lane.
    ///
    /// ```
    /// use dualtape::{Dual, typenum::U2};
    /// let (x, y) = (Dual::<f64, U2>::along(3.0, 0), Dual::along(4.0, 1));
    /// assert_eq!((x * y + y).derivative(1), 4.0);
    /// ```
    #[inline]
    pub fn derivative(&self, lane: usize) -> T {
        self.tangent()[lane]
    }
}

impl<T: Differentiable> Dual<T, U1> {
    /// The variable with respect to which a derivative is taken: its tangent is 1.
    ///
    /// ```
    /// let x: dualtape::Dual<f64> = dualtape::Dual::variable(3.0);
    /// assert_eq!((x * x).derivative(0), 6.0);
    /// ```
    #[inline]
    pub fn variable(primal: T) -> Self {
        Self::along(primal, 0)
    }
}

impl<T: Differentiable, N: Lanes<T>> Differentiable for Dual<T, N> {
    type Scalar = T::Scalar;

    #[inline(always)]
    fn constant(value: T::Scalar) -> Self {
        Self::lift(T::constant(value))
    }

    #[inline(always)]
    fn value(&self) -> T::Scalar {
        self.primal.value()
    }

    #[inline(always)]
    fn relates(&self, relation: Relation, other: &Self) -> bool {
        (relation != Relation::Equal || self.moves_as(other)) && self.primal.relates(relation, &other.primal)
    }

    #[inline(always)]
    fn has(&self, property: Property) -> bool {
        self.primal.has(property)
    }

    fn call<R: CustomRule<Scalar = T::Scalar>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        if !T::RETAINS
            && let Some(outputs) = rule.in_any_numbers(x)
        {
            return outputs;
        }
        let primals: Vec<T> = x.iter().map(|x| x.primal).collect();
        let z = T::call(rule, &primals)?;
        let mut tangents = Vec::with_capacity(N::USIZE);
        for lane in 0..N::USIZE {
            let tangent: Vec<T> = x.iter().map(|x| x.tangent[lane]).collect();
            if tangent.iter().all(Differentiable::is_identically_zero) {
                tangents.push(vec![T::zero(); z.len()]);
                continue;
            }
            match pushed_forward(rule, &primals, &z, &tangent) {
                Some(product) => tangents.push(product?),
                None => return statements(rule, x, &primals, &z),
            }
        }
        let tangent = |output: usize| Tangent::<T, N>::generate(|lane| tangents[lane][output]);
        let tag = Tag::meet_all(x.iter().map(|x| x.tag));
        let dual = |(output, primal)| Self { primal, tangent: tangent(output), tag };
        Ok(z.into_iter().enumerate().map(dual).collect())
    }

    const RETAINS: bool = T::RETAINS;
    const RECORDS: bool = T::RECORDS;
    const KNOWS_ZEROS: bool = T::KNOWS_ZEROS;

    #[inline]
    fn is_identically_zero(&self) -> bool {
        self.primal.is_identically_zero() && self.tangent.iter().all(Differentiable::is_identically_zero)
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
        let primal = T::select_by(predicate, then.primal, otherwise.primal);
        let select = |lane: usize| match (then.tangent[lane], otherwise.tangent[lane]) {
            (a, b) if a.is_identically_zero() && b.is_identically_zero() => T::zero(),
            (a, b) => T::select_by(predicate, a, b),
        };
        let tangent = Tangent::<T, N>::generate(select);
        Self { primal, tangent, tag: then.tag.meet(otherwise.tag) }
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        reductions::chain_rule(value, pairs)
    }

    #[inline(always)]
    fn unary<O: Unary>(self, op: O) -> Self {
        let x = self.primal;
        let z = x.unary(op);
        if O::STOPS {
            return Self::lift(z);
        }
        self.moved(z, || op.partial(x, z))
    }

    #[inline(always)]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        let (x, y) = (self.primal, right.primal);
        let z = x.binary(op, y);
        let tangent = combined(&z, (op.left(x, y, z), &self.tangent), (op.right(x, y, z), &right.tangent));
        Self { primal: z, tangent, tag: self.tag.meet(right.tag) }
    }

    #[inline(always)]
    fn binary_right<O: Binary>(self, op: O, right: T::Scalar) -> Self {
        let x = self.primal;
        let z = x.binary_right(op, right);
        self.moved(z, || op.left(x, T::constant(right), z))
    }

    #[inline(always)]
    fn binary_left<O: Binary>(op: O, left: T::Scalar, right: Self) -> Self {
        let y = right.primal;
        let z = T::binary_left(op, left, y);
        right.moved(z, || op.right(T::constant(left), y, z))
    }

    #[inline(always)]
    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        if O::SELECTS {
            let [predicate, then, otherwise] = operands;
            return Self::select_by(predicate, then, otherwise);
        }
        let primals = operands.map(|x| x.primal);
        let z = T::ternary(op, primals);
        Self::statement(z, operands.into_iter().zip(op.partials(primals, z)))
    }

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reductions::sum(terms)
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        reductions::dot(pairs, bias)
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reductions::log_sum_exp(terms)
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reductions::norm(terms)
    }
}

impl<T: Differentiable, N: Lanes<T>> Statement for Dual<T, N> {
    type Inner = T;

    #[inline(always)]
    fn inner(&self) -> T {
        self.primal
    }

    #[inline(always)]
    fn statement<E>(value: T, edges: E) -> Self
    where
        E: Iterator<Item = (Self, Partial<T>)> + Clone,
    {
        let tag = Tag::meet_all(edges.clone().map(|(x, _)| x.tag));
        if T::RECORDS {
            let edges = |lane| edges.clone().map(move |(x, partial)| (partial, x.tangent[lane]));
            let tangent = Tangent::<T, N>::generate(|lane| combine(value, edges(lane)));
            return Self { primal: value, tangent, tag };
        }
        if value.is_nan() {
            let edges: Vec<_> = edges.map(|(x, partial)| (partial, x.tangent)).collect();
            return Self { primal: value, tangent: spoilt(&value, &edges), tag };
        }
        let mut tangent = zeros();
        edges.for_each(|(x, partial)| accumulate(&value, &mut tangent, partial, &x.tangent));
        Self { primal: value, tangent, tag }
    }
}

impl<T: Differentiable, N: Lanes<T>> std::iter::Sum for Dual<T, N> {
    #[inline]
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::constant(reductions::empty_sum()), |sum, x| sum + x)
    }
}

impl_operators!(over [T: Differentiable, N: Lanes<T>] Dual<T, N>);
impl_float!([T: Differentiable, N: Lanes<T>] Dual<T, N>);

impl<T: fmt::Debug, N: Lanes<T>> fmt::Debug for Dual<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dual")
            .field("primal", &self.primal)
            .field("tangent", &self.tangent.as_slice())
            .finish()
    }
}

/// `3 + 1ε`, or with several lanes `3 + [1, 0]ε`.
macro_rules! write_dual {
    ($Format:ident) => {
        impl<T: fmt::$Format, N: Lanes<T>> fmt::$Format for Dual<T, N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.primal.fmt(f)?;
                f.write_str(" + ")?;
                if let [only] = self.tangent.as_slice() {
                    only.fmt(f)?;
                    return f.write_str("ε");
                }
                f.write_str("[")?;
                for (lane, tangent) in self.tangent.iter().enumerate() {
                    if lane > 0 {
                        f.write_str(", ")?;
                    }
                    tangent.fmt(f)?;
                }
                f.write_str("]ε")
            }
        }
    };
}

write_dual!(Display);
write_dual!(LowerExp);
