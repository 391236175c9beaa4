//! Predicates of values: the comparisons and properties on which branches of a function depend.
//!
//! A recording notes each of them with its outcome, as a guard.

use crate::Scalar;

/// A comparison of two values, for [`Differentiable::select`](crate::Differentiable::select).
///
/// ```
/// use dualtape::Relation;
/// assert!(Relation::Less.holds(1.0, 2.0) && !Relation::Equal.holds(f64::NAN, f64::NAN));
/// assert_eq!(Relation::AtLeast.sign(), ">=");
/// ```
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
    /// Every relation.
    ///
    /// ```
    /// use dualtape::Relation;
    /// assert_eq!(Relation::ALL.map(Relation::sign), ["<", "<=", ">", ">=", "=="]);
    /// ```
    pub const ALL: [Self; 5] = [Self::Less, Self::AtMost, Self::Greater, Self::AtLeast, Self::Equal];

    /// Whether the relation holds between two plain numbers. No relation holds with NaN.
    ///
    /// ```
    /// use dualtape::Relation;
    /// assert!(Relation::AtMost.holds(1.0, 1.0) && !Relation::Less.holds(1.0, 1.0));
    /// ```
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
    ///
    /// ```
    /// assert_eq!(dualtape::Relation::Greater.sign(), ">");
    /// ```
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
    /// Every property.
    #[cfg(feature = "serde")]
    pub const ALL: [Self; 7] = [
        Self::Nan,
        Self::Infinite,
        Self::Finite,
        Self::Normal,
        Self::Subnormal,
        Self::Positive,
        Self::Negative,
    ];

    /// Whether a plain number has it.
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

    /// The property in words.
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
