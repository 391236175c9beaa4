//! `+ − × ÷ %` and their assigning, by-reference and literal forms, generated for every number type.

/// Writes all operators of a number type, given its generics.
///
/// A number type marked `over` wraps others: its last generic parameter is `T: Differentiable`, and it accepts
/// literals of `T`'s plain number. A type marked `of` wraps plain numbers: its last parameter is `T: Scalar`, and it
/// accepts literals of type `T`.
macro_rules! impl_operators {
    ($kind:ident [$($generics:tt)*] $Number:ty) => {
        rule_table!(each_operator, $kind [$($generics)*] $Number);
        impl_conversion!($kind [$($generics)*] $Number);

        impl<$($generics)*> std::ops::Neg for $Number {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                self.unary(crate::rules::Neg)
            }
        }

        impl<'l, $($generics)*> std::ops::Neg for &'l $Number {
            type Output = $Number;
            #[inline(always)]
            fn neg(self) -> $Number {
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
        { $kind:ident $generics:tt $Number:ty }
        operators { $($(#[$doc:meta])* $Name:ident $method:ident $body:tt)* }
        $($others:tt)*
    ) => { $(
        impl_operator!($kind $generics $Number, $Name $method);
    )* };
}

/// Writes one operator in all its forms.
macro_rules! impl_operator {
    ($kind:ident [$($generics:tt)*] $Number:ty, $Name:ident $method:ident) => {
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

        impl_assign!($kind [$($generics)*] $Number, $Name $method);
        impl_literals!($kind [$($generics)*] $Number, $Name $method);
    };
}

/// Writes the conversion from a plain number.
macro_rules! impl_conversion {
    (over [$($generics:tt)*] $Number:ty) => {
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
    };
    (of [$($generics:tt)*] $Number:ty) => {
        impl<$($generics)*> From<T> for $Number {
            /// A constant.
            #[inline(always)]
            fn from(value: T) -> Self {
                Self::constant(value)
            }
        }
    };
}

/// Writes `x * 2.0` and, for numbers over others, `2.0 * x`, with references on either side as well.
macro_rules! impl_literals {
    (over [$($generics:tt)*] $Number:ty, $Name:ident $method:ident) => {
        impl_literal_right!([$($generics)*, F: crate::Scalar] $Number, $Name $method, F [T: Differentiable<Scalar = F>]);
        // Written for each type separately: in a generic implementation, `&F` might be an `F` of another crate.
        impl_borrowed_right!([$($generics)*] $Number, $Name $method, f32 [T: Differentiable<Scalar = f32>]);
        impl_borrowed_right!([$($generics)*] $Number, $Name $method, f64 [T: Differentiable<Scalar = f64>]);
        impl_literal_left!([$($generics)*] $Number, $Name $method, f32 [T: Differentiable<Scalar = f32>]);
        impl_literal_left!([$($generics)*] $Number, $Name $method, f64 [T: Differentiable<Scalar = f64>]);
    };
    (of [$($generics:tt)*] $Number:ty, $Name:ident $method:ident) => {
        impl_literal_right!([$($generics)*] $Number, $Name $method, T []);
        impl_borrowed_right!([$($generics)*] $Number, $Name $method, T []);
    };
}

/// Writes `x * 2.0` and `&x * 2.0`.
macro_rules! impl_literal_right {
    ([$($generics:tt)*] $Number:ty, $Name:ident $method:ident, $F:ident $bounds:tt) => {
        impl_literal!([$($generics)*] $Number, $Name $method, $Number, $F, binary_right $bounds);
        impl_literal!(['l, $($generics)*] $Number, $Name $method, &'l $Number, $F, binary_right $bounds);
    };
}

/// Writes `x * &2.0` and `&x * &2.0`.
macro_rules! impl_borrowed_right {
    ([$($generics:tt)*] $Number:ty, $Name:ident $method:ident, $F:ident $bounds:tt) => {
        impl_literal!(['r, $($generics)*] $Number, $Name $method, $Number, &'r $F, binary_right $bounds);
        impl_literal!(['l, 'r, $($generics)*] $Number, $Name $method, &'l $Number, &'r $F, binary_right $bounds);
    };
}

/// Writes `2.0 * x`, `2.0 * &x`, `&2.0 * x` and `&2.0 * &x`.
macro_rules! impl_literal_left {
    ([$($generics:tt)*] $Number:ty, $Name:ident $method:ident, $F:ident $bounds:tt) => {
        impl_literal!([$($generics)*] $Number, $Name $method, $F, $Number, binary_left $bounds);
        impl_literal!(['r, $($generics)*] $Number, $Name $method, $F, &'r $Number, binary_left $bounds);
        impl_literal!(['l, $($generics)*] $Number, $Name $method, &'l $F, $Number, binary_left $bounds);
        impl_literal!(['l, 'r, $($generics)*] $Number, $Name $method, &'l $F, &'r $Number, binary_left $bounds);
    };
}

/// Writes an operator between a number and a plain one, on the sides given.
macro_rules! impl_literal {
    (
        [$($generics:tt)*] $Number:ty, $Name:ident $method:ident,
        $Left:ty, $Right:ty, $side:ident [$($bounds:tt)*]
    ) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> std::ops::$Name<$Right> for $Left
        where
            $($bounds)*
        {
            type Output = $Number;
            #[inline(always)]
            #[allow(clippy::clone_on_copy, reason = "either side may be a reference")]
            fn $method(self, right: $Right) -> $Number {
                with_literal!($side $Number, $Name, self.clone(), right.clone())
            }
        }
    };
}

/// Applies an operator to a number and a plain one, which is on the side named.
macro_rules! with_literal {
    (binary_left $Number:ty, $Name:ident, $left:expr, $right:expr) => {
        <$Number>::binary_left(crate::rules::$Name, $left, $right)
    };
    (binary_right $Number:ty, $Name:ident, $left:expr, $right:expr) => {
        <$Number>::binary_right($left, crate::rules::$Name, $right)
    };
}

/// Writes the assigning forms of an operator.
macro_rules! impl_assign {
    ($kind:ident $generics:tt $Number:ty, Add $m:ident) => { impl_assign!($kind $generics $Number, Add $m AddAssign add_assign); };
    ($kind:ident $generics:tt $Number:ty, Sub $m:ident) => { impl_assign!($kind $generics $Number, Sub $m SubAssign sub_assign); };
    ($kind:ident $generics:tt $Number:ty, Mul $m:ident) => { impl_assign!($kind $generics $Number, Mul $m MulAssign mul_assign); };
    ($kind:ident $generics:tt $Number:ty, Div $m:ident) => { impl_assign!($kind $generics $Number, Div $m DivAssign div_assign); };
    ($kind:ident $generics:tt $Number:ty, Rem $m:ident) => { impl_assign!($kind $generics $Number, Rem $m RemAssign rem_assign); };
    ($kind:ident [$($generics:tt)*] $Number:ty, $Name:ident $method:ident $Assign:ident $assign:ident) => {
        impl_assign_literal!($kind [$($generics)*] $Number, $Name $Assign $assign);

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
    };
}

/// Writes `x *= 2.0` and `x *= &2.0`.
macro_rules! impl_assign_literal {
    (over [$($generics:tt)*] $Number:ty, $Name:ident $Assign:ident $assign:ident) => {
        impl_assign_one!([$($generics)*, F: crate::Scalar] $Number, $Name $Assign $assign, F [T: Differentiable<Scalar = F>]);
        impl_assign_one!(['r, $($generics)*] $Number, $Name $Assign $assign, &'r f32 [T: Differentiable<Scalar = f32>]);
        impl_assign_one!(['r, $($generics)*] $Number, $Name $Assign $assign, &'r f64 [T: Differentiable<Scalar = f64>]);
    };
    (of [$($generics:tt)*] $Number:ty, $Name:ident $Assign:ident $assign:ident) => {
        impl_assign_one!([$($generics)*] $Number, $Name $Assign $assign, T []);
        impl_assign_one!(['r, $($generics)*] $Number, $Name $Assign $assign, &'r T []);
    };
}

/// Writes an assigning operator with a plain number, or a reference to one, on the right.
macro_rules! impl_assign_one {
    ([$($generics:tt)*] $Number:ty, $Name:ident $Assign:ident $assign:ident, $Right:ty [$($bounds:tt)*]) => {
        impl<$($generics)*> std::ops::$Assign<$Right> for $Number
        where
            $($bounds)*
        {
            #[inline(always)]
            #[allow(clippy::clone_on_copy, reason = "the right side may be a reference")]
            fn $assign(&mut self, right: $Right) {
                *self = self.binary_right(crate::rules::$Name, right.clone());
            }
        }
    };
}
