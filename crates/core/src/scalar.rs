//! `Scalar`: the plain numbers at the bottom of every number type.

use crate::predicate::Relation;
use crate::rules::{Binary, Compare, Saved, Select, Ternary, Unary};
use crate::rules::{pulled_back_of_saved, reductions, values, values_saving};
use crate::special::polygamma;
use crate::{CustomRule, Differentiable, Error};

/// A plain number, `f32` or `f64`: the type at the bottom of every primal, tangent and adjoint.
///
/// The trait is sealed. This allows arithmetic with literals (`x * 2.0`) beside arithmetic between numbers that carry
/// derivatives.
///
/// ```
/// use dualtape::Scalar;
/// fn half<F: Scalar>() -> F { F::nearest(0.5) }
/// assert_eq!(half::<f32>(), 0.5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plain number",
    label = "`f32` and `f64` are plain numbers"
)]
pub trait Scalar: Differentiable<Scalar = Self> + sealed::Sealed + Send + Sync + 'static {
    /// The number of this type nearest to `x`.
    ///
    /// ```
    /// use dualtape::Scalar;
    /// assert_eq!(f32::nearest(0.1), 0.1_f32);
    /// assert_eq!(f32::nearest(1e300), f32::INFINITY);
    /// ```
    fn nearest(x: f64) -> Self;

    /// This number as an `f64`, exactly.
    ///
    /// ```
    /// use dualtape::Scalar;
    /// assert_eq!(0.1_f32.wide(), 0.100000001490116119384765625);
    /// ```
    fn wide(self) -> f64;

    /// Whether this is neither zero, nor infinite, nor NaN, so that a product with it needs no special care.
    #[doc(hidden)]
    fn is_ordinary(self) -> bool;

    /// This number, with its sign changed if the highest bit of `sign` is set; without a branch.
    #[doc(hidden)]
    fn negated_by(self, sign: u32) -> Self;

    // Values of special functions, for the rows of the rule table with the same names.

    #[doc(hidden)]
    fn erf_value(self) -> Self;

    #[doc(hidden)]
    fn erfc_value(self) -> Self;

    #[doc(hidden)]
    fn ln_gamma_value(self) -> Self;

    /// The `n`-th derivative of the digamma function.
    #[doc(hidden)]
    fn polygamma_value(self, n: u32) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! plain_number {
    ($F:ty, $Bits:ty, $erf:ident, $erfc:ident, $ln_gamma:ident) => {
        impl Scalar for $F {
            // One of the two types converts to itself or to a narrower one.
            #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
            #[inline]
            fn nearest(x: f64) -> Self {
                x as $F
            }

            #[inline]
            fn wide(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn is_ordinary(self) -> bool {
                // Without the sign bit, zero is the smallest bit pattern, and ∞ comes before every NaN.
                let magnitude = self.to_bits() << 1;
                magnitude.wrapping_sub(1) < (<$F>::INFINITY.to_bits() << 1) - 1
            }

            // One of the two types converts to itself.
            #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
            #[inline(always)]
            fn negated_by(self, sign: u32) -> Self {
                let highest = (sign & 1 << 31) as $Bits << (<$Bits>::BITS - u32::BITS);
                Self::from_bits(self.to_bits() ^ highest)
            }

            fn erf_value(self) -> Self {
                libm::$erf(self)
            }

            fn erfc_value(self) -> Self {
                libm::$erfc(self)
            }

            fn ln_gamma_value(self) -> Self {
                libm::$ln_gamma(self)
            }

            fn polygamma_value(self, n: u32) -> Self {
                Self::nearest(polygamma(n, self.wide()))
            }
        }

        impl Differentiable for $F {
            type Scalar = $F;

            #[inline(always)]
            fn constant(value: $F) -> Self {
                value
            }

            #[inline(always)]
            fn value(&self) -> $F {
                *self
            }

            fn call<R: CustomRule<Scalar = $F>>(rule: &R, x: &[$F]) -> Result<Vec<$F>, Error> {
                values(rule, x)
            }

            fn call_saving<R: CustomRule<Scalar = $F>>(
                rule: &R,
                x: &[$F],
                saved: &mut Saved<$F>,
            ) -> Result<Vec<$F>, Error> {
                values_saving(rule, x, saved)
            }

            fn pull_back<R: CustomRule<Scalar = $F>>(
                rule: &R,
                x: &[$F],
                z: &[$F],
                cotangent: &[$F],
                saved: &Saved<$F>,
            ) -> Result<Vec<$F>, Error> {
                pulled_back_of_saved(rule, x, z, cotangent, saved)
            }

            const RETAINS: bool = false;
            const RECORDS: bool = false;
            const KNOWS_ZEROS: bool = false;

            #[inline(always)]
            fn is_identically_zero(&self) -> bool {
                *self == 0.0
            }

            #[inline(always)]
            fn is_same(&self, other: &Self) -> bool {
                self == other
            }

            #[inline(always)]
            fn predicate(relation: Relation, a: Self, b: Self) -> Self {
                Compare(relation).value(a, b)
            }

            #[inline(always)]
            fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self {
                Select.value([predicate, then, otherwise])
            }

            #[inline]
            fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
                reductions::scalar_chain_rule(value, pairs)
            }

            #[inline(always)]
            fn unary<O: Unary>(self, op: O) -> Self {
                op.value(self)
            }

            #[inline(always)]
            fn binary<O: Binary>(self, op: O, right: Self) -> Self {
                op.value(self, right)
            }

            #[inline(always)]
            fn binary_right<O: Binary>(self, op: O, right: $F) -> Self {
                op.value(self, right)
            }

            #[inline(always)]
            fn binary_left<O: Binary>(op: O, left: $F, right: Self) -> Self {
                op.value(left, right)
            }

            #[inline(always)]
            fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
                op.value(operands)
            }

            #[inline]
            fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
                terms.sum()
            }

            #[inline]
            fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
                reductions::scalar_dot(pairs, bias)
            }

            #[inline]
            fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
                reductions::scalar_log_sum_exp(terms)
            }

            #[inline]
            fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
                reductions::scalar_norm(terms)
            }
        }
    };
}

plain_number!(f32, u32, erff, erfcf, lgammaf);
plain_number!(f64, u64, erf, erfc, lgamma);
