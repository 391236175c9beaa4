//! What a program may ask about values: comparisons and properties, on which its branches hang.
//!
//! Every number type answers by its value. A recording notes question and answer as a guard.

use crate::Scalar;

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Relation {
    /// The answer for two plain numbers.
    #[inline(always)]
    pub fn holds<F: Scalar>(self, a: F, b: F) -> bool {
        match self {
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::Greater => a > b,
            Self::AtLeast => a >= b,
            Self::Equal => a == b,
        }
    }

    /// The sign of the operator.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }
}

/// A property of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    /// Not a number.
    Nan,
    /// ±∞.
    Infinite,
    /// Neither infinite nor NaN.
    Finite,
    /// Neither zero, subnormal, infinite nor NaN.
    Normal,
    /// Closer to zero than the smallest normal number, and not zero.
    Subnormal,
    /// Without the sign bit.
    Positive,
    /// With the sign bit.
    Negative,
}

impl Property {
    /// The answer for a plain number.
    #[inline(always)]
    pub fn holds<F: Scalar>(self, x: F) -> bool {
        match self {
            Self::Nan => x.is_nan(),
            Self::Infinite => x.is_infinite(),
            Self::Finite => x.is_finite(),
            Self::Normal => x.is_normal(),
            Self::Subnormal => x.is_subnormal(),
            Self::Positive => x.is_sign_positive(),
            Self::Negative => x.is_sign_negative(),
        }
    }

    /// What is asked, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nan => "is NaN",
            Self::Infinite => "is infinite",
            Self::Finite => "is finite",
            Self::Normal => "is normal",
            Self::Subnormal => "is subnormal",
            Self::Positive => "has no sign",
            Self::Negative => "has a sign",
        }
    }
}
