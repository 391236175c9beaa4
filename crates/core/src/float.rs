//! `num_traits::Float` and its companions for every number type, generated from the rule table.
//!
//! So code written against `num_traits::Float` can be differentiated without a change.

/// Writes the methods of `num_traits::Float` that are rows of the rule table.
macro_rules! float_methods {
    (
        {}
        operators $operators:tt
        float_unary { $($(#[$u_doc:meta])* $U:ident $u:ident $u_body:tt)* }
        float_binary { $($(#[$b_doc:meta])* $B:ident $b:ident $b_body:tt)* }
        float_ternary { $($(#[$t_doc:meta])* $T:ident $t:ident $t_body:tt)* }
        $($others:tt)*
    ) => {
        $(
            #[inline(always)]
            fn $u(self) -> Self {
                self.unary(crate::rules::$U)
            }
        )*
        $(
            #[inline(always)]
            fn $b(self, other: Self) -> Self {
                self.binary(crate::rules::$B, other)
            }
        )*
        $(
            #[inline(always)]
            fn $t(self, a: Self, b: Self) -> Self {
                Self::ternary(crate::rules::$T, [self, a, b])
            }
        )*
    };
}

/// Writes the methods of `num_traits::Euclid`.
macro_rules! euclid_methods {
    (
        {}
        operators $operators:tt
        float_unary $float_unary:tt
        float_binary $float_binary:tt
        float_ternary $float_ternary:tt
        euclid { $($(#[$doc:meta])* $Name:ident $method:ident $body:tt)* }
        $($others:tt)*
    ) => { $(
        #[inline]
        fn $method(&self, other: &Self) -> Self {
            self.binary(crate::rules::$Name, *other)
        }
    )* };
}

/// Writes constants that carry no derivative.
macro_rules! constants {
    ($Trait:ident: $($name:ident)*) => { $(
        #[inline]
        fn $name() -> Self {
            Self::constant(<<T as Differentiable>::Scalar as num_traits::$Trait>::$name())
        }
    )* };
}

/// Writes predicates of the value.
macro_rules! predicates {
    ($($name:ident: $Property:ident;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(self) -> bool {
            self.has(crate::predicate::Property::$Property)
        }
    )* };
}

/// Writes comparisons of values.
macro_rules! relations {
    ($($name:ident: $Relation:ident;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(&self, other: &Self) -> bool {
            self.relates(crate::predicate::Relation::$Relation, other)
        }
    )* };
}

/// Writes conversions from plain numbers, as constants.
macro_rules! conversions_from {
    ($($name:ident $From:ty;)*) => { $(
        #[inline]
        fn $name(n: $From) -> Option<Self> {
            <<T as Differentiable>::Scalar as num_traits::FromPrimitive>::$name(n).map(Self::constant)
        }
    )* };
}

/// Writes conversions of the value.
macro_rules! conversions_to {
    ($($name:ident $To:ty;)*) => { $(
        #[inline]
        #[track_caller]
        fn $name(&self) -> Option<$To> {
            num_traits::ToPrimitive::$name(&self.value())
        }
    )* };
}

/// Writes `Float` and its supertraits for a number type whose generics end in `T: Differentiable`.
macro_rules! impl_float {
    ([$($generics:tt)*] $Number:ty) => {
        impl<$($generics)*> num_traits::Float for $Number {
            rule_table!(float_methods);

            #[inline(always)]
            fn powi(self, n: i32) -> Self {
                self.unary(crate::rules::Powi(n))
            }

            #[inline]
            fn sin_cos(self) -> (Self, Self) {
                (self.sin(), self.cos())
            }

            constants! { Float: nan infinity neg_infinity neg_zero min_value min_positive_value max_value epsilon }

            predicates! {
                is_nan: Nan;
                is_infinite: Infinite;
                is_finite: Finite;
                is_normal: Normal;
                is_subnormal: Subnormal;
                is_sign_positive: Positive;
                is_sign_negative: Negative;
            }

            #[inline]
            #[track_caller]
            fn classify(self) -> std::num::FpCategory {
                self.value().classify()
            }

            #[inline]
            #[track_caller]
            fn integer_decode(self) -> (u64, i16, i8) {
                self.value().integer_decode()
            }
        }

        impl<$($generics)*> num_traits::Euclid for $Number {
            rule_table!(euclid_methods);
        }

        impl<$($generics)*> num_traits::FloatConst for $Number {
            constants! { FloatConst:
                E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6
                FRAC_PI_8 LN_10 LN_2 LOG10_E LOG2_E PI SQRT_2 TAU LOG10_2 LOG2_10
            }
        }

        impl<$($generics)*> num_traits::Zero for $Number {
            constants! { Zero: zero }

            /// Whether it is the constant zero: the value is zero, and so are all derivatives.
            #[inline]
            #[track_caller]
            fn is_zero(&self) -> bool {
                *self == Self::zero()
            }
        }

        impl<$($generics)*> num_traits::One for $Number {
            constants! { One: one }
        }

        impl<$($generics)*> num_traits::Num for $Number {
            type FromStrRadixErr = <<T as Differentiable>::Scalar as num_traits::Num>::FromStrRadixErr;

            fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
                T::Scalar::from_str_radix(text, radix).map(Self::constant)
            }
        }

        impl<$($generics)*> num_traits::NumCast for $Number {
            /// A constant: the derivatives of `n`, if it has any, are dropped.
            #[inline]
            fn from<P: num_traits::ToPrimitive>(n: P) -> Option<Self> {
                <<T as Differentiable>::Scalar as num_traits::NumCast>::from(n).map(Self::constant)
            }
        }

        impl<$($generics)*> num_traits::FromPrimitive for $Number {
            conversions_from! {
                from_isize isize; from_i8 i8; from_i16 i16; from_i32 i32; from_i64 i64; from_i128 i128;
                from_usize usize; from_u8 u8; from_u16 u16; from_u32 u32; from_u64 u64; from_u128 u128;
                from_f32 f32; from_f64 f64;
            }
        }

        impl<$($generics)*> num_traits::ToPrimitive for $Number {
            conversions_to! {
                to_isize isize; to_i8 i8; to_i16 i16; to_i32 i32; to_i64 i64; to_i128 i128;
                to_usize usize; to_u8 u8; to_u16 u16; to_u32 u32; to_u64 u64; to_u128 u128;
                to_f32 f32; to_f64 f64;
            }
        }

        impl<$($generics)*> PartialEq for $Number {
            // Equal values with equal derivatives; see `Differentiable`.
            relations! { eq: Equal; }
        }

        impl<$($generics)*> PartialOrd for $Number {
            // Compares values only.
            relations! { lt: Less; le: AtMost; gt: Greater; ge: AtLeast; }

            /// Compares values only, so that numbers can be sorted whatever their derivatives.
            #[inline]
            #[track_caller]
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                if self.lt(other) {
                    Some(std::cmp::Ordering::Less)
                } else if self.gt(other) {
                    Some(std::cmp::Ordering::Greater)
                } else if self.le(other) {
                    Some(std::cmp::Ordering::Equal)
                } else {
                    None
                }
            }
        }

        impl<$($generics)*> Default for $Number {
            /// The constant zero.
            fn default() -> Self {
                num_traits::Zero::zero()
            }
        }
    };
}
