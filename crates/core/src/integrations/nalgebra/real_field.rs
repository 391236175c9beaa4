//! What simba and nalgebra require of a real number, for a type that implements `Differentiable`, `Float` and
//! `FloatConst`.

/// Writes methods that `Float` also has.
macro_rules! same_as_float {
    ($($method:ident($($argument:ident: $Argument:ty),*);)*) => { $(
        #[inline]
        fn $method(self $(, $argument: $Argument)*) -> Self {
            Float::$method(self $(, $argument)*)
        }
    )* };
}

/// Writes constants that `FloatConst` also has.
macro_rules! same_constants {
    ($($name:ident $NAME:ident;)*) => { $(
        #[inline]
        fn $name() -> Self {
            <Self as FloatConst>::$NAME()
        }
    )* };
}

/// A plain number `F` as the subset of constants.
macro_rules! impl_constants_of {
    ([$($generics:tt)*] $Number:ty, $F:ty, $to:ident, $is_constant:expr) => {
        impl<$($generics)*> SubsetOf<$Number> for $F {
            /// A constant.
            #[inline]
            fn to_superset(&self) -> $Number {
                <$Number>::literal(f64::from(*self))
            }

            /// The value, without its derivatives.
            #[inline]
            fn from_superset_unchecked(element: &$Number) -> $F {
                num_traits::ToPrimitive::$to(element).unwrap_or(<$F>::NAN)
            }

            /// Only constants come back unchanged.
            #[inline]
            fn is_in_subset(element: &$Number) -> bool {
                $is_constant(element)
            }
        }
    };
}

/// Makes a number type a `RealField`. `is_constant` tells, by reference, whether a number has no derivatives.
macro_rules! impl_real_field {
    ([$($generics:tt)*] $Number:ty, $is_constant:expr) => {
        /// One lane: a dual number is one number, however many tangents it carries.
        ///
        /// `simba` declares two methods of this trait unsafe, for implementations that skip a bounds check. These
        /// skip no check and do nothing unsafe, but the trait prescribes the signature.
        #[allow(unsafe_code)]
        impl<$($generics)*> SimdValue for $Number {
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

        impl<$($generics)*> Field for $Number {}

        impl<$($generics)*> Signed for $Number {
            fn abs(&self) -> Self {
                Float::abs(*self)
            }

            fn abs_sub(&self, other: &Self) -> Self {
                Float::abs_sub(*self, *other)
            }

            /// 0 for the constants ±0; the sign of the value for all others, also for a zero that has derivatives.
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

        impl<$($generics)*> SubsetOf<Self> for $Number {
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

        impl_constants_of!([$($generics)*] $Number, f32, to_f32, $is_constant);
        impl_constants_of!([$($generics)*] $Number, f64, to_f64, $is_constant);

        impl<$($generics)*> AbsDiffEq for $Number {
            type Epsilon = Self;

            fn default_epsilon() -> Self {
                Float::epsilon()
            }

            fn abs_diff_eq(&self, other: &Self, epsilon: Self) -> bool {
                self == other || Float::abs(*self - *other) <= epsilon
            }
        }

        impl<$($generics)*> RelativeEq for $Number {
            fn default_max_relative() -> Self {
                Float::epsilon()
            }

            fn relative_eq(&self, other: &Self, epsilon: Self, max_relative: Self) -> bool {
                let larger = Float::max(Float::abs(*self), Float::abs(*other));
                self.abs_diff_eq(other, epsilon) || Float::abs(*self - *other) <= larger * max_relative
            }
        }

        impl<$($generics)*> UlpsEq for $Number {
            fn default_max_ulps() -> u32 {
                4
            }

            fn ulps_eq(&self, other: &Self, epsilon: Self, max_ulps: u32) -> bool {
                let ulps = Self::literal(f64::from(max_ulps));
                self.relative_eq(other, epsilon, <Self as Float>::epsilon() * ulps)
            }
        }

        impl<$($generics)*> ComplexField for $Number {
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

        impl<$($generics)*> RealField for $Number {
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
    };
}
