//! `ForwardLaplacian`: a value, its gradient, and its Laplacian.

mod combination;

use super::Tag;
use super::lanes::{Lanes, Tangent, combined, scaled, told, zeros};
use crate::predicate::{Property, Relation};
use crate::rules::{Binary, Partial, Ternary, Unary, reductions, second};
use crate::{CustomRule, Differentiable, Dual, Error};
use combination::{Combination, bent};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::U8;
use num_traits::Zero;
use std::fmt;

/// A number that carries its derivatives along `N` directions, and the sum of its second derivatives along each of
/// them. If the directions are the inputs, the sum is the Laplacian.
///
/// The Laplacian of an operation z = f(a, b, …) is Σ pᵢ Δaᵢ + Σ hᵢⱼ ∇aᵢ·∇aⱼ, with the first and second partial
/// derivatives from its row of the [rule table](crate::rules). So each direction costs one number instead of the two
/// of a second-order series, and no Hessian is formed. Source: Li et al., "A computational framework for neural
/// network-based variational Monte Carlo with Forward Laplacian", *Nature Machine Intelligence* 6, 2024.
///
/// The drivers ([`laplacian`](crate::laplacian) and similar ones) take any number of inputs, `N` at a time. `T` is a
/// plain number, or itself a number that carries derivatives.
///
/// ```
/// use dualtape::{Float, ForwardLaplacian, typenum::U2};
///
/// let x = ForwardLaplacian::<f64, U2>::along(3.0, 0);
/// let y = ForwardLaplacian::along(4.0, 1);
/// let r = (x * x + y * y).sqrt();
/// assert!(r.primal() == 5.0 && (r.tangent()[0] - 0.6).abs() < 1e-15 && (r.tangent()[1] - 0.8).abs() < 1e-15);
/// assert!((r.laplacian() - 0.2).abs() < 1e-15); // 1/r in two dimensions
/// ```
pub struct ForwardLaplacian<T, N: Lanes<T> = U8> {
    primal: T,
    tangent: Tangent<T, N>,
    laplacian: T,
    tag: Tag,
}

impl<T: Copy, N: Lanes<T>> Clone for ForwardLaplacian<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, N: Lanes<T>> Copy for ForwardLaplacian<T, N> {}

impl<T: Differentiable, N: Lanes<T>> ForwardLaplacian<T, N> {
    /// A number with the given value, derivatives along the lanes, and Laplacian.
    ///
    /// ```
    /// use dualtape::{ForwardLaplacian, generic_array::arr, typenum::U2};
    /// let x: ForwardLaplacian<f64, U2> = ForwardLaplacian::new(3.0, arr![1.0, 2.0], 0.5);
    /// assert_eq!((x * x).laplacian(), 13.0); // 2x Δx + 2 |∇x|²
    /// ```
    #[inline]
    pub fn new(primal: T, tangent: GenericArray<T, N>, laplacian: T) -> Self {
        Self { primal, tangent, laplacian, tag: Tag::NONE }
    }

    /// A number of an outer level, as a constant of this one.
    ///
    /// ```
    /// let x = dualtape::ForwardLaplacian::<f64>::lift(3.0);
    /// assert_eq!((x.primal(), x.laplacian()), (3.0, 0.0));
    /// ```
    #[inline]
    pub fn lift(primal: T) -> Self {
        Self { primal, tangent: zeros(), laplacian: T::zero(), tag: Tag::NONE }
    }

    /// A variable, with derivative 1 in the given lane and 0 in the others.
    ///
    /// # Panics
    ///
    /// If there is no such lane.
    ///
    /// ```
    /// use dualtape::ForwardLaplacian;
    /// let x = ForwardLaplacian::<f64>::along(3.0, 0);
    /// assert_eq!((x * x).laplacian(), 2.0);
    /// ```
    #[inline]
    pub fn along(primal: T, lane: usize) -> Self {
        let moving = Dual::<T, N>::along(primal, lane);
        Self::new(primal, *moving.raw_tangent(), T::zero())
    }

    /// The same number, of the given evaluation of a driver.
    #[inline]
    pub(crate) fn tagged(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// The value at the level below, which may itself carry derivatives.
    ///
    /// ```
    /// let x = dualtape::ForwardLaplacian::<f64>::along(3.0, 0);
    /// assert_eq!((x * x).primal(), 9.0);
    /// ```
    #[inline]
    pub fn primal(&self) -> T {
        self.primal
    }

    /// The derivatives along the lanes. The derivatives of a NaN value are NaN, except where they are exactly zero.
    ///
    /// ```
    /// let x = dualtape::ForwardLaplacian::<f64>::along(3.0, 2);
    /// assert_eq!((x * x).tangent()[..3], [0.0, 0.0, 6.0]);
    /// ```
    #[inline]
    pub fn tangent(&self) -> GenericArray<T, N> {
        told(&self.primal, &self.tangent)
    }

    /// The sum of the second derivatives along the lanes. It is NaN for a NaN value, unless the value has no
    /// derivatives.
    ///
    /// ```
    /// use dualtape::{Float, ForwardLaplacian};
    /// let (x, y) = (ForwardLaplacian::<f64>::along(3.0, 0), ForwardLaplacian::along(4.0, 1));
    /// assert_eq!((x.powi(2) * y.powi(3)).laplacian(), 2.0 * 64.0 + 9.0 * 24.0);
    /// ```
    #[inline]
    pub fn laplacian(&self) -> T {
        if !(T::RECORDS || self.primal.is_nan()) {
            return self.laplacian;
        }
        let moving = self.tangent.iter().chain([&self.laplacian]).filter(|c| !c.is_identically_zero());
        let zeros: Vec<_> = moving.map(|&c| (T::zero(), c)).collect();
        if zeros.is_empty() {
            return self.laplacian;
        }
        // Zero unless the value is NaN.
        self.laplacian + T::chain_rule(self.primal, &zeros)
    }

    /// The sum of the products of the derivatives along the lanes, ∇a·∇b, which a divergence needs. A NaN value has NaN
    /// derivatives, except where they are exactly zero.
    ///
    /// ```
    /// use dualtape::ForwardLaplacian;
    /// let (x, y) = (ForwardLaplacian::<f64>::along(3.0, 0), ForwardLaplacian::along(4.0, 1));
    /// assert_eq!((x * y).inner(&(x + y)), 7.0);
    /// ```
    #[inline(always)]
    pub fn inner(&self, other: &Self) -> T {
        combination::inner(&self.tangent(), &other.tangent())
    }

    /// Whether its derivatives are the same as those of another.
    #[inline]
    fn moves_as(&self, other: &Self) -> bool {
        self.laplacian.is_same(&other.laplacian)
            && self.tangent.iter().zip(&other.tangent).all(|(a, b)| a.is_same(b))
    }

    /// The result of an operation whose other operands have no derivatives.
    #[inline(always)]
    fn moved(&self, z: T, p: Partial<T>, second: impl FnOnce() -> Partial<T>) -> Self {
        let tangent = scaled(&z, p, &self.tangent);
        let bend = match p {
            Partial::Of(_) => second(),
            _ => Partial::Zero,
        };
        let laplacian = bent(z, [(p, self.laplacian), (bend, combination::square(bend, &self.tangent))]);
        Self { primal: z, tangent, laplacian, tag: self.tag }
    }
}

impl<T: Differentiable, N: Lanes<T>> Differentiable for ForwardLaplacian<T, N> {
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

    /// Evaluates the second derivative of the rule once for each lane along which an input has a derivative.
    fn call<R: CustomRule<Scalar = T::Scalar>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        if !T::RETAINS
            && let Some(outputs) = rule.in_any_numbers(x)
        {
            return outputs;
        }
        combination::call(rule, x)
    }

    const RETAINS: bool = T::RETAINS;
    const RECORDS: bool = T::RECORDS;
    const KNOWS_ZEROS: bool = T::KNOWS_ZEROS;

    #[inline]
    fn is_identically_zero(&self) -> bool {
        self.primal.is_identically_zero() && combination::is_still(self)
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
        let select = |a: T, b: T| match a.is_identically_zero() && b.is_identically_zero() {
            true => T::zero(),
            false => T::select_by(predicate, a, b),
        };
        Self {
            primal: T::select_by(predicate, then.primal, otherwise.primal),
            tangent: Tangent::<T, N>::generate(|lane| select(then.tangent[lane], otherwise.tangent[lane])),
            laplacian: select(then.laplacian, otherwise.laplacian),
            tag: then.tag.meet(otherwise.tag),
        }
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        combination::chain_rule(value, pairs)
    }

    #[inline(always)]
    fn unary<O: Unary>(self, op: O) -> Self {
        let x = self.primal;
        let z = x.unary(op);
        if O::STOPS {
            return Self::lift(z);
        }
        let p = op.partial(x, z);
        self.moved(z, p, || second::unary(op, x, z, p))
    }

    #[inline(always)]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        let (x, y) = (self.primal, right.primal);
        let z = x.binary(op, y);
        let p = [op.left(x, y, z), op.right(x, y, z)];
        let tangent = combined(&z, (p[0], &self.tangent), (p[1], &right.tangent));
        let [left, mixed, both] = match p {
            [Partial::Of(_), _] | [_, Partial::Of(_)] => second::binary(op, [x, y], z, p),
            _ => [Partial::Zero; 3],
        };
        let laplacian = bent(
            z,
            [
                (p[0], self.laplacian),
                (p[1], right.laplacian),
                (left, combination::square(left, &self.tangent)),
                (mixed, combination::twice(mixed, &self.tangent, &right.tangent)),
                (both, combination::square(both, &right.tangent)),
            ],
        );
        Self { primal: z, tangent, laplacian, tag: self.tag.meet(right.tag) }
    }

    #[inline(always)]
    fn binary_right<O: Binary>(self, op: O, right: T::Scalar) -> Self {
        let x = self.primal;
        let z = x.binary_right(op, right);
        let p = op.left(x, T::constant(right), z);
        self.moved(z, p, || second::left(op, x, T::constant(right), z, p))
    }

    #[inline(always)]
    fn binary_left<O: Binary>(op: O, left: T::Scalar, right: Self) -> Self {
        let y = right.primal;
        let z = T::binary_left(op, left, y);
        let p = op.right(T::constant(left), y, z);
        right.moved(z, p, || second::right(op, T::constant(left), y, z, p))
    }

    #[inline(always)]
    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        if O::SELECTS {
            let [predicate, then, otherwise] = operands;
            return Self::select_by(predicate, then, otherwise);
        }
        let primals = operands.map(|x| x.primal);
        let z = T::ternary(op, primals);
        let p = op.partials(primals, z);
        let mut sum = Combination::new(z);
        operands.iter().zip(p).for_each(|(x, p)| sum.add(p, x));
        for (row, a) in second::ternary(op, primals, z, p).iter().zip(&operands) {
            row.iter()
                .zip(&operands)
                .for_each(|(&h, b)| sum.bend(h, combination::inner(&a.tangent, &b.tangent)));
        }
        sum.finish()
    }

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        let mut sum = Combination::new(T::sum_terms(terms.clone().map(|x| x.primal)));
        terms.for_each(|x| sum.add(Partial::One, &x));
        sum.finish()
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        combination::dot(&pairs, bias)
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        combination::log_sum_exp(&terms.collect::<Vec<_>>())
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        combination::norm(&terms.collect::<Vec<_>>())
    }
}

impl<T: Differentiable, N: Lanes<T>> std::iter::Sum for ForwardLaplacian<T, N> {
    #[inline]
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        terms.fold(Self::constant(reductions::empty_sum()), |sum, x| sum + x)
    }
}

impl_operators!(over [T: Differentiable, N: Lanes<T>] ForwardLaplacian<T, N>);
impl_float!([T: Differentiable, N: Lanes<T>] ForwardLaplacian<T, N>);

impl<T: fmt::Debug, N: Lanes<T>> fmt::Debug for ForwardLaplacian<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardLaplacian")
            .field("primal", &self.primal)
            .field("tangent", &self.tangent.as_slice())
            .field("laplacian", &self.laplacian)
            .finish()
    }
}

/// Displays the value alone: the Laplacian has no usual notation within a number.
macro_rules! write_primal {
    ($Format:ident) => {
        impl<T: fmt::$Format, N: Lanes<T>> fmt::$Format for ForwardLaplacian<T, N> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.primal.fmt(f)
            }
        }
    };
}

write_primal!(Display);
write_primal!(LowerExp);
