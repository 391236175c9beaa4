//! `+ − × ÷ %` and their assigning, by-reference and literal forms, generated for every number type.

/// Writes all operators of a number type, given its generics (the last of which is `T: Differentiable`).
macro_rules! impl_operators {
    ([$($generics:tt)*] $Number:ty) => {
        rule_table!(each_operator, [$($generics)*] $Number);

        impl<$($generics)*> std::ops::Neg for $Number {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                self.unary(crate::rules::Neg)
            }
        }

        impl<$($generics)*> std::iter::Product for $Number {
            fn product<I: Iterator<Item = Self>>(factors: I) -> Self {
                factors.fold(num_traits::One::one(), |product, x| product * x)
            }
        }

        impl<'r, $($generics)*> std::iter::Product<&'r $Number> for $Number {
            fn product<I: Iterator<Item = &'r Self>>(factors: I) -> Self {
                factors.copied().product()
            }
        }

        impl<$($generics)*, F: crate::Scalar> From<F> for $Number
        where
            T: Differentiable<Scalar = F>,
        {
            /// A constant.
            #[inline(always)]
            fn from(value: F) -> Self {
                Self::constant(value)
            }
        }

        impl<'r, $($generics)*> std::iter::Sum<&'r $Number> for $Number {
            fn sum<I: Iterator<Item = &'r Self>>(terms: I) -> Self {
                terms.copied().sum()
            }
        }
    };
}

/// Picks the operators from the rule table.
macro_rules! each_operator {
    (
        { $generics:tt $Number:ty }
        operators { $($(#[$doc:meta])* $Name:ident $method:ident $body:tt)* }
        $($others:tt)*
    ) => { $(
        impl_operator!($generics $Number, $Name $method);
    )* };
}

/// Writes one operator in all its forms.
macro_rules! impl_operator {
    ([$($generics:tt)*] $Number:ty, $Name:ident $method:ident) => {
        impl<$($generics)*> std::ops::$Name for $Number {
            type Output = Self;
            #[inline(always)]
            fn $method(self, right: Self) -> Self {
                self.binary(crate::rules::$Name, right)
            }
        }

        impl<'r, $($generics)*> std::ops::$Name<&'r $Number> for $Number {
            type Output = Self;
            #[inline(always)]
            fn $method(self, right: &'r Self) -> Self {
                self.binary(crate::rules::$Name, *right)
            }
        }

        impl<'r, $($generics)*> std::ops::$Name<$Number> for &'r $Number {
            type Output = $Number;
            #[inline(always)]
            fn $method(self, right: $Number) -> $Number {
                self.binary(crate::rules::$Name, right)
            }
        }

        impl<'l, 'r, $($generics)*> std::ops::$Name<&'r $Number> for &'l $Number {
            type Output = $Number;
            #[inline(always)]
            fn $method(self, right: &'r $Number) -> $Number {
                self.binary(crate::rules::$Name, *right)
            }
        }

        impl<$($generics)*, F: crate::Scalar> std::ops::$Name<F> for $Number
        where
            T: Differentiable<Scalar = F>,
        {
            type Output = Self;
            #[inline(always)]
            fn $method(self, right: F) -> Self {
                self.binary_right(crate::rules::$Name, right)
            }
        }

        impl_literal_left!([$($generics)*] $Number, $Name $method, f32);
        impl_literal_left!([$($generics)*] $Number, $Name $method, f64);
        impl_assign!([$($generics)*] $Number, $Name $method);
    };
}

/// Writes `2.0 * x`.
macro_rules! impl_literal_left {
    ([$($generics:tt)*] $Number:ty, $Name:ident $method:ident, $F:ty) => {
        impl<$($generics)*> std::ops::$Name<$Number> for $F
        where
            T: Differentiable<Scalar = $F>,
        {
            type Output = $Number;
            #[inline(always)]
            fn $method(self, right: $Number) -> $Number {
                <$Number>::binary_left(crate::rules::$Name, self, right)
            }
        }
    };
}

/// Writes the assigning forms of an operator.
macro_rules! impl_assign {
    ($generics:tt $Number:ty, Add $m:ident) => { impl_assign!($generics $Number, Add $m AddAssign add_assign); };
    ($generics:tt $Number:ty, Sub $m:ident) => { impl_assign!($generics $Number, Sub $m SubAssign sub_assign); };
    ($generics:tt $Number:ty, Mul $m:ident) => { impl_assign!($generics $Number, Mul $m MulAssign mul_assign); };
    ($generics:tt $Number:ty, Div $m:ident) => { impl_assign!($generics $Number, Div $m DivAssign div_assign); };
    ($generics:tt $Number:ty, Rem $m:ident) => { impl_assign!($generics $Number, Rem $m RemAssign rem_assign); };
    ([$($generics:tt)*] $Number:ty, $Name:ident $method:ident $Assign:ident $assign:ident) => {
        impl<$($generics)*> std::ops::$Assign for $Number {
            #[inline(always)]
            fn $assign(&mut self, right: Self) {
                *self = self.binary(crate::rules::$Name, right);
            }
        }

        impl<'r, $($generics)*> std::ops::$Assign<&'r $Number> for $Number {
            #[inline(always)]
            fn $assign(&mut self, right: &'r Self) {
                *self = self.binary(crate::rules::$Name, *right);
            }
        }

        impl<$($generics)*, F: crate::Scalar> std::ops::$Assign<F> for $Number
        where
            T: Differentiable<Scalar = F>,
        {
            #[inline(always)]
            fn $assign(&mut self, right: F) {
                *self = self.binary_right(crate::rules::$Name, right);
            }
        }
    };
}
