//! nalgebra: vectors and matrices of [`Dual`], with their norms, decompositions and solves.
//!
//! `Dual` is a `RealField`, so whatever nalgebra does for `f64`, it does with tangents:
//!
//! ```
//! use dualtape::{Differentiable, gradient_forward};
//! use nalgebra::{Matrix2, RealField, Vector2};
//!
//! // The first component of the solution of [a 1; 1 b] x = (1, 0), which is b / (ab − 1).
//! fn first<D: RealField + Differentiable>(p: &[D]) -> D {
//!     let matrix = Matrix2::new(p[0], D::literal(1.0), D::literal(1.0), p[1]);
//!     let right = Vector2::new(D::literal(1.0), D::literal(0.0));
//!     matrix.lu().solve(&right).unwrap()[0]
//! }
//!
//! let (value, slope) = gradient_forward(first, &[2.0, 3.0_f64]);
//! assert!((value - 0.6).abs() < 1e-15);
//! // −b² / (ab − 1)² and −1 / (ab − 1)²
//! assert!((slope[0] + 0.36).abs() < 1e-15 && (slope[1] + 0.04).abs() < 1e-15);
//! ```
//!
//! nalgebra asks for `'static` numbers. A [`Var`](crate::Var) borrows its tape and can never be one, so
//! through nalgebra derivatives are taken forward: with [`gradient_forward`](crate::gradient_forward),
//! [`Forward`](crate::Forward), [`jacobian_forward`](crate::jacobian_forward), or nested duals for second
//! derivatives.
//!
//! Equality, `RelativeEq` and the like compare values only, as comparisons do everywhere.

use crate::{Differentiable, Dual, Lanes};
use approx::{AbsDiffEq, RelativeEq, UlpsEq};
use nalgebra::{ComplexField, Field, RealField, SimdValue};
use num_traits::{Float, FloatConst, Signed, Zero};
use simba::scalar::SubsetOf;

/// What nalgebra asks of the numbers below a dual number.
///
/// It is implemented for all of them: `f32`, `f64`, and dual numbers of these.
///
/// ```
/// use dualtape::{Dual, neighbours::nalgebra::Static};
/// use nalgebra::Vector2;
///
/// /// How the length of a vector changes with its first component.
/// fn slope<T: Static>(x: T, y: T) -> T {
///     Vector2::new(Dual::<T>::variable(x), Dual::lift(y)).norm().slope(0)
/// }
///
/// assert!((slope(3.0_f64, 4.0) - 0.6).abs() < 1e-15);
/// ```
pub trait Static: Differentiable + Send + Sync + 'static {}

impl<T: Differentiable + Send + Sync + 'static> Static for T {}

/// One lane: a dual number is one number, however many tangents it carries.
///
/// `simba` declares two methods of this trait unsafe, for implementations that skip a bounds check. These
/// skip nothing and do nothing unsafe; but the signature has to be written.
#[allow(unsafe_code)]
impl<T: Static, N: Lanes<T>> SimdValue for Dual<T, N> {
    const LANES: usize = 1;
    type Element = Self;
    type SimdBool = bool;

    #[inline]
    fn splat(value: Self) -> Self {
        value
    }

    #[inline]
    fn extract(&self, _: usize) -> Self {
        *self
    }

    #[inline]
    unsafe fn extract_unchecked(&self, _: usize) -> Self {
        *self
    }

    #[inline]
    fn replace(&mut self, _: usize, value: Self) {
        *self = value;
    }

    #[inline]
    unsafe fn replace_unchecked(&mut self, _: usize, value: Self) {
        *self = value;
    }

    #[inline]
    fn select(self, condition: bool, other: Self) -> Self {
        if condition { self } else { other }
    }
}

impl<T: Static, N: Lanes<T>> Field for Dual<T, N> {}

impl<T: Differentiable, N: Lanes<T>> Signed for Dual<T, N> {
    fn abs(&self) -> Self {
        Float::abs(*self)
    }

    fn abs_sub(&self, other: &Self) -> Self {
        Float::abs_sub(*self, *other)
    }

    /// As for every `Signed` number: 0 for ±0.
    fn signum(&self) -> Self {
        if self.is_zero() { Self::zero() } else { Float::signum(*self) }
    }

    fn is_positive(&self) -> bool {
        *self > Self::zero()
    }

    fn is_negative(&self) -> bool {
        *self < Self::zero()
    }
}

impl<T: Static, N: Lanes<T>> SubsetOf<Self> for Dual<T, N> {
    #[inline]
    fn to_superset(&self) -> Self {
        *self
    }

    #[inline]
    fn from_superset_unchecked(element: &Self) -> Self {
        *element
    }

    #[inline]
    fn is_in_subset(_: &Self) -> bool {
        true
    }
}

macro_rules! subset {
    ($F:ty, $to:ident) => {
        impl<T: Static, N: Lanes<T>> SubsetOf<Dual<T, N>> for $F {
            /// A constant.
            #[inline]
            fn to_superset(&self) -> Dual<T, N> {
                Dual::literal(f64::from(*self))
            }

            /// The value, without its derivatives.
            #[inline]
            fn from_superset_unchecked(element: &Dual<T, N>) -> $F {
                num_traits::ToPrimitive::$to(element).unwrap_or(<$F>::NAN)
            }

            /// Only constants come back unchanged.
            #[inline]
            fn is_in_subset(element: &Dual<T, N>) -> bool {
                element.tangent().iter().all(Differentiable::is_identically_zero)
            }
        }
    };
}

subset!(f32, to_f32);
subset!(f64, to_f64);

impl<T: Static, N: Lanes<T>> AbsDiffEq for Dual<T, N> {
    type Epsilon = Self;

    fn default_epsilon() -> Self {
        Float::epsilon()
    }

    fn abs_diff_eq(&self, other: &Self, epsilon: Self) -> bool {
        self == other || Float::abs(*self - *other) <= epsilon
    }
}

impl<T: Static, N: Lanes<T>> RelativeEq for Dual<T, N> {
    fn default_max_relative() -> Self {
        Float::epsilon()
    }

    fn relative_eq(&self, other: &Self, epsilon: Self, max_relative: Self) -> bool {
        let larger = Float::max(Float::abs(*self), Float::abs(*other));
        self.abs_diff_eq(other, epsilon) || Float::abs(*self - *other) <= larger * max_relative
    }
}

impl<T: Static, N: Lanes<T>> UlpsEq for Dual<T, N> {
    fn default_max_ulps() -> u32 {
        4
    }

    fn ulps_eq(&self, other: &Self, epsilon: Self, max_ulps: u32) -> bool {
        let ulps = Self::literal(f64::from(max_ulps));
        self.relative_eq(other, epsilon, <Self as Float>::epsilon() * ulps)
    }
}

/// Writes methods that `Float` has, too.
macro_rules! same_as_float {
    ($($method:ident($($argument:ident: $Argument:ty),*);)*) => { $(
        #[inline]
        fn $method(self $(, $argument: $Argument)*) -> Self {
            Float::$method(self $(, $argument)*)
        }
    )* };
}

impl<T: Static, N: Lanes<T>> ComplexField for Dual<T, N> {
    type RealField = Self;

    same_as_float! {
        signum(); floor(); ceil(); round(); trunc(); fract(); mul_add(a: Self, b: Self); abs(); hypot(other: Self);
        recip(); sin(); cos(); tan(); asin(); acos(); atan(); sinh(); cosh(); tanh(); asinh(); acosh(); atanh();
        log(base: Self); log2(); log10(); ln(); ln_1p(); sqrt(); exp(); exp2(); exp_m1(); powi(n: i32);
        powf(n: Self); cbrt();
    }

    #[inline]
    fn from_real(re: Self) -> Self {
        re
    }

    #[inline]
    fn real(self) -> Self {
        self
    }

    #[inline]
    fn imaginary(self) -> Self {
        Self::zero()
    }

    #[inline]
    fn modulus(self) -> Self {
        Float::abs(self)
    }

    #[inline]
    fn modulus_squared(self) -> Self {
        self * self
    }

    fn argument(self) -> Self {
        if self >= Self::zero() { Self::zero() } else { <Self as FloatConst>::PI() }
    }

    #[inline]
    fn norm1(self) -> Self {
        Float::abs(self)
    }

    #[inline]
    fn scale(self, factor: Self) -> Self {
        self * factor
    }

    #[inline]
    fn unscale(self, factor: Self) -> Self {
        self / factor
    }

    #[inline]
    fn conjugate(self) -> Self {
        self
    }

    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        Float::sin_cos(self)
    }

    #[inline]
    fn powc(self, n: Self) -> Self {
        Float::powf(self, n)
    }

    #[inline]
    fn is_finite(&self) -> bool {
        Float::is_finite(*self)
    }

    /// `None` below 0.
    fn try_sqrt(self) -> Option<Self> {
        if self >= Self::zero() { Some(Float::sqrt(self)) } else { None }
    }
}

/// Writes constants that `FloatConst` has, too.
macro_rules! same_constants {
    ($($name:ident $NAME:ident;)*) => { $(
        #[inline]
        fn $name() -> Self {
            <Self as FloatConst>::$NAME()
        }
    )* };
}

impl<T: Static, N: Lanes<T>> RealField for Dual<T, N> {
    same_as_float! {
        copysign(sign: Self); max(other: Self); min(other: Self); clamp(min: Self, max: Self); atan2(other: Self);
    }

    same_constants! {
        pi PI; two_pi TAU; frac_pi_2 FRAC_PI_2; frac_pi_3 FRAC_PI_3; frac_pi_4 FRAC_PI_4; frac_pi_6 FRAC_PI_6;
        frac_pi_8 FRAC_PI_8; frac_1_pi FRAC_1_PI; frac_2_pi FRAC_2_PI; frac_2_sqrt_pi FRAC_2_SQRT_PI; e E;
        log2_e LOG2_E; log10_e LOG10_E; ln_2 LN_2; ln_10 LN_10;
    }

    #[inline]
    fn is_sign_positive(&self) -> bool {
        Float::is_sign_positive(*self)
    }

    #[inline]
    fn is_sign_negative(&self) -> bool {
        Float::is_sign_negative(*self)
    }

    fn min_value() -> Option<Self> {
        Some(<Self as Float>::min_value())
    }

    fn max_value() -> Option<Self> {
        Some(<Self as Float>::max_value())
    }
}
