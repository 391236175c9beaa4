//! The rule table: every elementary operation, its value and its partial derivatives, stated once.
//!
//! No other file in the workspace knows that the derivative of sine is cosine. A row gives the name of an operation,
//! its partial derivatives (which may use the output `z`), and the intervals on which it is smooth, from which the
//! tests draw their points. From the rows, macros generate the operation types below, the [`Op`] codes, the
//! operators, the `num_traits::Float` methods of every number type, and the functions that [`Differentiable`] adds to
//! them. To add an operation, add a row.
//!
//! Values are computed on plain numbers ([`Scalar`]), so every mode computes the same bits. Partial
//! derivatives are computed in `T: Differentiable`, so that they can be differentiated again.
//!
//! ```
//! use dualtape::{derivative, rules::{Op, Sqrt, Unary}};
//!
//! // The row of the square root; what a driver makes of it.
//! assert_eq!(Sqrt.partial(9.0, 3.0).number(), 1.0 / 6.0);
//! assert_eq!(derivative(|x| Op::Sqrt.apply(&[x]), 9.0), (3.0, 1.0 / 6.0));
//! ```
//!
//! # The policy at kinks and singular points
//!
//! In this order:
//!
//! 1. the true derivative where it exists;
//! 2. at a kink, the element of least norm of the sub- or superdifferential (`abs` and `relu` at 0 have
//!    derivative 0; a tie of `max` or `min` gives ½ to each side; `clamp` at an edge has derivative 1);
//! 3. the limit, ±∞ allowed (`sqrt` and `ln` at ±0 have derivative +∞);
//! 4. NaN outside the domain.
//!
//! A NaN value has a NaN derivative with respect to everything that it depends on, including itself. The engines
//! ensure this, so rows need no domain checks. A term that does not depend on an input contributes exactly zero, even
//! beside an infinite partial derivative: [`Partial::Zero`] states this, and in products of the chain rule an exact
//! zero wins over ∞ (see [`Partial::times`]). The number that [`select`](Differentiable::select) does not choose has
//! no effect.
//!
//! # Where modes may differ
//!
//! All modes follow this policy, operation by operation, and so agree, with one exception: an infinite derivative
//! that meets contributions which cancel. Forward mode adds the contributions before it multiplies, and reverse mode
//! multiplies each. A result that is 0 or ∞ in one mode may then be NaN in another.
//!
//! ```
//! use dualtape::{Float, derivative, gradient};
//! // 2x − (x + x) is always 0, and moves by 2 − 2.
//! let forward = derivative(|x| (x * 2.0 - (x + x)).sqrt(), 0.7_f64).1;
//! let reverse = gradient(|x| (x[0] * 2.0 - (x[0] + x[0])).sqrt(), &[0.7_f64]).1[0];
//! assert!(forward == 0.0 && reverse.is_nan()); // ∞ · 0, and ∞ · 2 − ∞ · 2
//! ```
//!
//! An operation on a number and itself (`x / x`, `x − x`) is an operation on one operand in reverse mode and in
//! programs: its derivatives are added first. Forward mode does not know that two numbers are the same, so an infinite
//! tangent that cancels there is NaN. In reverse, the same holds for the result of [`select`](Differentiable::select) between `x` and
//! `x`, except in a recording, where either may be selected: its derivatives are then added last, and are NaN if they
//! cancel and meet ∞. A batch treats a copy (`x · 1`, `x` to the power 1) as the number itself, and may give 0 where
//! one point at a time gives NaN. In a Hessian at such points, and in powers, logarithms to a base, angles and norms
//! where both operands are singular, the order of the inputs matters.
//!
//! # Branches in rules
//!
//! A rule may itself be recorded, so it never branches on numbers with an `if`. `Partial::select` and `choose` keep
//! both sides in a recording, and compute only one elsewhere. `tests/recorded_derivatives.rs` tests this for every
//! row.
//!
//! The values themselves are those of `f64` and `f32`: `max` and `min` drop NaN, `0.0.signum()` is 1, and `clamp`
//! panics if its bounds are NaN or in the wrong order.

use crate::predicate::Relation::{self, Greater, Less};
use crate::{Differentiable, Scalar};
use Partial::{MinusOne, Of, One, Zero};
use derivatives::*;

mod custom;
mod derivatives;
mod partial;
mod piecewise;
pub(crate) mod reductions;
pub(crate) mod second;
pub(crate) mod series;

pub use custom::{CustomRule, Saved};
pub(crate) use custom::{check_inputs, pulled_back, pushed_forward, statements, values};
pub(crate) use custom::{pulled_back_of_saved, values_saving};
pub(crate) use op::Visitor;
pub use op::{Interval, Op};
pub use partial::{Binary, Partial, Ternary, Unary};
pub(crate) use partial::{choose, combine, guarded, seed};
pub use piecewise::Piecewise;

/// The table. `$then` is a macro that receives every row.
///
/// Operators and the rows of `float_unary`, `float_binary` and `euclid` take their values from the operator or
/// the `num_traits` method that they name; the other rows state theirs.
macro_rules! rule_table {
    ($then:ident $(, $($argument:tt)*)?) => { $then! {
        { $($($argument)*)? }

        operators {
            /// `x + y`
            Add add { "+" |x, y, z| (One, One); on [-2.0, 2.0] [-2.0, 2.0] }
            /// `x − y`
            Sub sub { "-" |x, y, z| (One, MinusOne); on [-2.0, 2.0] [-2.0, 2.0] }
            /// `x · y`
            Mul mul { "*" |x, y, z| (Of(y), Of(x)); on [-2.0, 2.0] [-2.0, 2.0] }
            /// `x / y`; the derivative in `y` is −(x/y)/y, which does not overflow where −x/y² would.
            Div div { "/" |x, y, z| (Of(y.recip()), Of(-(z / y))); on [-2.0, 2.0] [0.5, 2.0] }
            /// `x % y`, the remainder of the truncated quotient.
            Rem rem { "%" |x, y, z| (One, Of(-((x - z) / y).round())); on [0.1, 0.9] [1.0, 2.0] }
        }

        float_unary {
            /// The absolute value. At ±0, the derivative is 0.
            Abs abs { |x, z| sign(x); on [0.1, 2.0] }
            /// The sign, ±1 also for ±0.
            Signum signum { |x, z| Zero; on [0.1, 2.0] }
            /// The largest integer not above.
            Floor floor { |x, z| Zero; on [0.1, 0.9] }
            /// The smallest integer not below.
            Ceil ceil { |x, z| Zero; on [0.1, 0.9] }
            /// The nearest integer, halves away from zero.
            Round round { |x, z| Zero; on [0.6, 1.4] }
            /// The integer part.
            Trunc trunc { |x, z| Zero; on [0.1, 0.9] }
            /// The fractional part.
            Fract fract { |x, z| One; on [0.1, 0.9] }
            /// `1 / x`
            Recip recip { |x, z| Of(-(z * z)); on [0.5, 2.0] }
            /// The square root. At ±0, the derivative is +∞.
            Sqrt sqrt { |x, z| Of((z + z + T::zero()).recip()); on [0.5, 4.0] }
            /// The cube root. At ±0, the derivative is +∞.
            Cbrt cbrt { |x, z| Of((z * z * T::literal(3.0)).recip()); on [0.5, 4.0] }
            /// e to the power `x`.
            Exp exp { |x, z| Of(z); on [-2.0, 2.0] }
            /// 2 to the power `x`.
            Exp2 exp2 { |x, z| Of(z * T::LN_2()); on [-2.0, 2.0] }
            /// e to the power `x`, less 1, accurate near 0.
            ExpM1 exp_m1 { |x, z| Of(choose(Greater, z, T::literal(-0.5), || z + T::one(), || x.exp()));
                on [-2.0, 2.0] }
            /// The natural logarithm. At ±0, the derivative is +∞.
            Ln ln { |x, z| Of((x + T::zero()).recip()); on [0.5, 4.0] }
            /// The logarithm to base 2.
            Log2 log2 { |x, z| Of(((x + T::zero()) * T::LN_2()).recip()); on [0.5, 4.0] }
            /// The logarithm to base 10.
            Log10 log10 { |x, z| Of(((x + T::zero()) * T::LN_10()).recip()); on [0.5, 4.0] }
            /// ln(1 + x), accurate near 0.
            Ln1p ln_1p { |x, z| Of((T::one() + x).recip()); on [-0.5, 2.0] }
            /// The sine.
            Sin sin { |x, z| Of(x.cos()); on [-3.0, 3.0] }
            /// The cosine.
            Cos cos { |x, z| Of(-x.sin()); on [-3.0, 3.0] }
            /// The tangent of an angle.
            Tan tan { |x, z| Of(z * z + T::one()); on [-1.0, 1.0] }
            /// The arc sine. At ±1, the derivative is +∞.
            Asin asin { |x, z| Of(unit_gap(x).sqrt().recip()); on [-0.9, 0.9] }
            /// The arc cosine. At ±1, the derivative is −∞.
            Acos acos { |x, z| Of(-unit_gap(x).sqrt().recip()); on [-0.9, 0.9] }
            /// The arc tangent.
            Atan atan { |x, z| Of((x * x + T::one()).recip()); on [-3.0, 3.0] }
            /// The hyperbolic sine.
            Sinh sinh { |x, z| Of(x.cosh()); on [-2.0, 2.0] }
            /// The hyperbolic cosine.
            Cosh cosh { |x, z| Of(x.sinh()); on [-2.0, 2.0] }
            /// The hyperbolic tangent.
            Tanh tanh { |x, z| Of(tanh_derivative(x, z)); on [-3.0, 3.0] }
            /// The inverse hyperbolic sine.
            Asinh asinh { |x, z| Of(T::one().hypot(x).recip()); on [-3.0, 3.0] }
            /// The inverse hyperbolic cosine. At 1, the derivative is +∞.
            Acosh acosh { |x, z| Of(((x - T::one()).sqrt() * (x + T::one()).sqrt()).recip()); on [1.5, 4.0] }
            /// The inverse hyperbolic tangent. At ±1, the derivative is +∞.
            Atanh atanh { |x, z| Of(unit_gap(x).recip()); on [-0.9, 0.9] }
            /// Radians to degrees.
            ToDegrees to_degrees { |x, z| Of(T::literal(180.0) * T::FRAC_1_PI()); on [-3.0, 3.0] }
            /// Degrees to radians.
            ToRadians to_radians { |x, z| Of(T::PI() / T::literal(180.0)); on [-90.0, 90.0] }
        }

        float_binary {
            /// `x` to the power `y`. Where `y` is a constant, no logarithm is taken.
            ///
            /// The derivative in `x` is y·x^(y−1), where rounding y − 1 costs up to |ln x^(y−1)| units in the last
            /// place. y·(z/x) would not lose these, but its own derivative would cancel.
            Powf powf { |x, y, z| (powf_base_derivative(x, y, z), powf_exponent_derivative(x, y, z));
                on [0.5, 2.0] [-2.0, 2.0] }
            /// The logarithm of `x` to base `y`.
            Log log { |x, y, z| (Of(((x + T::zero()) * y.ln()).recip()), Of(log_base_derivative(x, y, z)));
                on [0.5, 4.0] [1.5, 3.0] }
            /// The larger operand. A tie gives ½ to each side.
            Max max { |x, y, z| (choice(Greater, x, y), choice(Greater, y, x));
                on [-2.0, -0.1] [0.1, 2.0] }
            /// The smaller operand. A tie gives ½ to each side.
            Min min { |x, y, z| (choice(Less, x, y), choice(Less, y, x));
                on [-2.0, -0.1] [0.1, 2.0] }
            /// `x − y` where positive, otherwise 0.
            AbsSub abs_sub { |x, y, z| (Partial::select(Greater, x, y, || One, || Zero),
                    Partial::select(Greater, x, y, || MinusOne, || Zero)); on [1.5, 2.0] [-2.0, 1.0] }
            /// √(x² + y²) without overflow inside. At (0, 0), both derivatives are 0.
            Hypot hypot { |x, y, z| (hypot_derivative(x, z), hypot_derivative(y, z)); on [0.5, 2.0] [-2.0, -0.5] }
            /// The angle of the point with ordinate `x` and abscissa `y`. At (0, 0), the derivatives are NaN.
            Atan2 atan2 { |x, y, z| (Of(over_square(y, x.hypot(y))), Of(-over_square(x, x.hypot(y))));
                on [0.5, 2.0] [-2.0, 2.0] }
            /// The magnitude of `x` with the sign of `y`.
            Copysign copysign { |x, y, z| (copysign_derivative(x, y), Zero); on [0.5, 2.0] [-2.0, -0.5] }
        }

        float_ternary {
            /// x · y + w with one rounding.
            MulAdd mul_add { |x, y, w| x.mul_add(y, w), |x, y, w, z| [Of(y), Of(x), One];
                on [-2.0, 2.0] [-2.0, 2.0] [-2.0, 2.0] }
            /// `x` held between the bounds `y` and `w`. At an edge the derivative is 1.
            Clamp clamp { |x, y, w| clamp(x, y, w), |x, y, w, z| clamp_partials(x, y, w);
                on [-2.0, 2.0] [-3.0, -2.5] [2.5, 3.0] }
        }

        euclid {
            /// The quotient rounded so that the remainder is not negative.
            DivEuclid div_euclid { |x, y, z| (Zero, Zero); on [0.1, 0.9] [1.0, 2.0] }
            /// The remainder that is not negative.
            RemEuclid rem_euclid { |x, y, z| (One, Of(-euclid_quotient(x, y, z))); on [-0.9, -0.1] [1.0, 2.0] }
        }

        learned_unary {
            /// The logistic function 1/(1 + e⁻ˣ), without overflow.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// assert_eq!(derivative(|x| x.sigmoid(), 0.0_f64), (0.5, 0.25));
            /// ```
            Sigmoid sigmoid { |x| sigmoid(x), |x, z| Of(sigmoid_derivative(x, z)); on [-4.0, 4.0] }
            /// The larger of `x` and 0. At 0 the derivative is 0; NaN stays NaN.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// assert_eq!(derivative(|x| x.relu(), -2.0_f64), (0.0, 0.0));
            /// assert_eq!(derivative(|x| x.relu(), 3.0_f64), (3.0, 1.0));
            /// ```
            Relu relu { |x| if x > F::zero() || x.is_nan() { x } else { F::zero() },
                |x, z| Partial::select(Greater, x, T::zero(), || One, || Zero); on [0.1, 2.0] }
            /// ln(1 + eˣ), without overflow.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// assert_eq!(derivative(|x| x.softplus(), 1000.0_f64), (1000.0, 1.0));
            /// ```
            Softplus softplus { |x| x.max(F::zero()) + (-x.abs()).exp().ln_1p(), |x, z| Of(x.sigmoid());
                on [-4.0, 4.0] }
            /// The error function 2/√π ∫₀ˣ exp(−t²) dt.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// assert_eq!(derivative(|x| x.erf(), 0.0_f64), (0.0, std::f64::consts::FRAC_2_SQRT_PI));
            /// ```
            Erf erf { |x| x.erf_value(), |x, z| Of(bell(x) * T::FRAC_2_SQRT_PI()); on [-2.0, 2.0] }
            /// 1 − erf(x), accurate where that is small.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// let (value, _) = derivative(|x| x.erfc(), 10.0_f64);
            /// assert!((value / 2.088487583762545e-45 - 1.0).abs() < 1e-13);
            /// ```
            Erfc erfc { |x| x.erfc_value(), |x, z| Of(-(bell(x) * T::FRAC_2_SQRT_PI()));
                on [-2.0, 2.0] }
            /// ln |Γ(x)|. Its derivative is the digamma function. Close to a zero of digamma, the error is up to
            /// 4e-15, which is more than the last place.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// let (value, derivative) = derivative(|x| x.ln_gamma(), 5.0_f64);
            /// assert!((value - 24.0_f64.ln()).abs() < 1e-14); // Γ(5) is 4!
            /// assert_eq!(derivative, 5.0.digamma());
            /// ```
            LnGamma ln_gamma { |x| x.ln_gamma_value(), |x, z| Of(x.digamma()); on [0.5, 4.0] }
            /// ψ(x), the derivative of ln Γ. Its own derivatives are the polygamma functions. Close to their zeros,
            /// the error is up to 4e-15, which is more than the last place.
            ///
            /// ```
            /// use dualtape::{Differentiable, derivative};
            /// let (value, derivative) = derivative(|x| x.digamma(), 1.0_f64);
            /// assert!((value + 0.5772156649015329).abs() < 1e-14); // −γ
            /// assert!((derivative - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-13);
            /// ```
            Digamma digamma { |x| x.polygamma_value(0), |x, z| Of(x.unary(Polygamma(1))); on [0.5, 4.0] }
        }
    } };
}

// Defined after the table, which it iterates.
mod op;

/// Writes the type of each row, which carries its value, partial derivatives and test intervals.
macro_rules! define_operations {
    (
        {}
        operators { $($operator:tt)* }
        float_unary { $($float_unary:tt)* }
        float_binary { $($float_binary:tt)* }
        float_ternary { $($float_ternary:tt)* }
        euclid { $($euclid:tt)* }
        learned_unary { $($learned_unary:tt)* }
    ) => {
        define_rows! { operator $($operator)* }
        define_rows! { float_unary $($float_unary)* }
        define_rows! { float_binary $($float_binary)* }
        define_rows! { ternary $($float_ternary)* }
        define_rows! { euclid $($euclid)* }
        define_rows! { learned_unary $($learned_unary)* }
    };
}

/// Writes the types of one group of rows, by rewriting each into the full form of `define_row`.
macro_rules! define_rows {
    (operator $($(#[$doc:meta])* $Name:ident $method:ident {
        $sign:literal |$x:ident, $y:ident, $z:ident| ($left:expr, $right:expr); on $([$low:literal, $high:literal])*
    })*) => { $(
        define_row! { binary [$(#[$doc])*] $Name [|a, b| std::ops::$Name::$method(a, b)]
            [|$x, $y, $z| $left] [|$x, $y, $z| $right] [$($low, $high;)*] }
    )* };
    (float_unary $($(#[$doc:meta])* $Name:ident $method:ident {
        |$x:ident, $z:ident| $partial:expr; on $([$low:literal, $high:literal])*
    })*) => { $(
        define_row! { unary [$(#[$doc])*] $Name [|a| num_traits::Float::$method(a)]
            [|$x, $z| $partial] [$($low, $high;)*] }
    )* };
    (float_binary $($(#[$doc:meta])* $Name:ident $method:ident {
        |$x:ident, $y:ident, $z:ident| ($left:expr, $right:expr); on $([$low:literal, $high:literal])*
    })*) => { $(
        define_row! { binary [$(#[$doc])*] $Name [|a, b| num_traits::Float::$method(a, b)]
            [|$x, $y, $z| $left] [|$x, $y, $z| $right] [$($low, $high;)*] }
    )* };
    (euclid $($(#[$doc:meta])* $Name:ident $method:ident {
        |$x:ident, $y:ident, $z:ident| ($left:expr, $right:expr); on $([$low:literal, $high:literal])*
    })*) => { $(
        define_row! { binary [$(#[$doc])*] $Name [|a, b| num_traits::Euclid::$method(&a, &b)]
            [|$x, $y, $z| $left] [|$x, $y, $z| $right] [$($low, $high;)*] }
    )* };
    (ternary $($(#[$doc:meta])* $Name:ident $method:ident {
        |$a:ident, $b:ident, $c:ident| $value:expr, |$x:ident, $y:ident, $w:ident, $z:ident| $partials:expr;
        on $([$low:literal, $high:literal])*
    })*) => { $(
        define_row! { ternary [$(#[$doc])*] $Name [|$a, $b, $c| $value]
            [|$x, $y, $w, $z| $partials] [$($low, $high;)*] }
    )* };
    (learned_unary $($(#[$doc:meta])* $Name:ident $method:ident {
        |$a:ident| $value:expr, |$x:ident, $z:ident| $partial:expr; on $([$low:literal, $high:literal])*
    })*) => { $(
        define_row! { unary [$(#[$doc])*] $Name [|$a| $value] [|$x, $z| $partial] [$($low, $high;)*] }
    )* };
}

/// Writes one operation type.
macro_rules! define_row {
    (unary [$(#[$doc:meta])*] $Name:ident [|$a:ident| $value:expr]
        [|$x:ident, $z:ident| $partial:expr] [$($low:literal, $high:literal;)*]) => {
        $(#[$doc])*
        ///
        /// [`Unary`] has an example of a row.
        #[derive(Clone, Copy, Debug)]
        pub struct $Name;
        impl $Name {
            pub(crate) const DOMAIN: &'static [Interval] = &[$(($low, $high)),*];
        }
        impl Unary for $Name {
            #[inline(always)]
            fn code(self) -> Op { Op::$Name }
            #[inline(always)]
            fn value<F: Scalar>(self, $a: F) -> F { $value }
            // A row names everything that a rule may use; few rules use all of it.
            #[allow(unused_variables)]
            #[inline(always)]
            fn partial<T: Differentiable>(self, $x: T, $z: T) -> Partial<T> { $partial }
        }
    };
    (binary [$(#[$doc:meta])*] $Name:ident [|$a:ident, $b:ident| $value:expr]
        [|$lx:ident, $ly:ident, $lz:ident| $left:expr] [|$rx:ident, $ry:ident, $rz:ident| $right:expr]
        [$($low:literal, $high:literal;)*]) => {
        $(#[$doc])*
        ///
        /// [`Binary`] has an example of a row.
        #[derive(Clone, Copy, Debug)]
        pub struct $Name;
        impl $Name {
            pub(crate) const DOMAIN: &'static [Interval] = &[$(($low, $high)),*];
        }
        impl Binary for $Name {
            #[inline(always)]
            fn code(self) -> Op { Op::$Name }
            #[inline(always)]
            fn value<F: Scalar>(self, $a: F, $b: F) -> F { $value }
            #[allow(unused_variables)]
            #[inline(always)]
            fn left<T: Differentiable>(self, $lx: T, $ly: T, $lz: T) -> Partial<T> { $left }
            #[allow(unused_variables)]
            #[inline(always)]
            fn right<T: Differentiable>(self, $rx: T, $ry: T, $rz: T) -> Partial<T> { $right }
        }
    };
    (ternary [$(#[$doc:meta])*] $Name:ident [|$a:ident, $b:ident, $c:ident| $value:expr]
        [|$x:ident, $y:ident, $w:ident, $z:ident| $partials:expr] [$($low:literal, $high:literal;)*]) => {
        $(#[$doc])*
        ///
        /// [`Ternary`] has an example of a row.
        #[derive(Clone, Copy, Debug)]
        pub struct $Name;
        impl $Name {
            pub(crate) const DOMAIN: &'static [Interval] = &[$(($low, $high)),*];
        }
        impl Ternary for $Name {
            #[inline(always)]
            fn code(self) -> Op { Op::$Name }
            #[inline(always)]
            fn value<F: Scalar>(self, [$a, $b, $c]: [F; 3]) -> F { $value }
            #[allow(unused_variables)]
            #[inline(always)]
            fn partials<T: Differentiable>(self, [$x, $y, $w]: [T; 3], $z: T) -> [Partial<T>; 3] { $partials }
        }
    };
}

rule_table!(define_operations);

/// `−x`
///
/// ```
/// use dualtape::rules::{Neg, Partial, Unary};
/// assert_eq!(Neg.partial(3.0, -3.0), Partial::MinusOne);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Neg;

impl Unary for Neg {
    #[inline(always)]
    fn code(self) -> Op {
        Op::Neg
    }
    #[inline(always)]
    fn value<F: Scalar>(self, x: F) -> F {
        -x
    }
    #[inline(always)]
    fn partial<T: Differentiable>(self, _: T, _: T) -> Partial<T> {
        MinusOne
    }
}

/// `x` as a constant: it has no derivative, even if it is NaN.
///
/// ```
/// use dualtape::rules::{Partial, StopGradient, Unary};
/// assert_eq!((StopGradient.value(3.0), StopGradient.partial(3.0, 3.0)), (3.0, Partial::Zero));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StopGradient;

impl Unary for StopGradient {
    const STOPS: bool = true;

    #[inline(always)]
    fn code(self) -> Op {
        Op::StopGradient
    }
    #[inline(always)]
    fn value<F: Scalar>(self, x: F) -> F {
        x
    }
    #[inline(always)]
    fn partial<T: Differentiable>(self, _: T, _: T) -> Partial<T> {
        Zero
    }
}

/// 1 if a relation holds between `x` and `y`, otherwise 0; the predicate of a [`Select`].
///
/// ```
/// use dualtape::{Relation, rules::{Binary, Compare}};
/// assert_eq!(Compare(Relation::Less).value(1.0, 2.0), 1.0);
/// assert_eq!(Compare(Relation::Less).value(1.0, f64::NAN), 0.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Compare(pub Relation);

impl Binary for Compare {
    #[inline(always)]
    fn code(self) -> Op {
        Op::Compare(self.0)
    }
    #[inline(always)]
    fn value<F: Scalar>(self, x: F, y: F) -> F {
        if self.0.holds(x, y) { F::one() } else { F::zero() }
    }
    #[inline(always)]
    fn left<T: Differentiable>(self, _: T, _: T, _: T) -> Partial<T> {
        Zero
    }
    #[inline(always)]
    fn right<T: Differentiable>(self, _: T, _: T, _: T) -> Partial<T> {
        Zero
    }
}

/// The second of three operands if the first is not 0, otherwise the third. The result is that operand with all its
/// derivatives; the other operand has no effect.
///
/// ```
/// use dualtape::rules::{Select, Ternary};
/// assert_eq!(Select.value([1.0, 10.0, f64::NAN]), 10.0);
/// assert_eq!(Select.value([0.0, 10.0, 20.0]), 20.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Select;

impl Ternary for Select {
    const SELECTS: bool = true;

    #[inline(always)]
    fn code(self) -> Op {
        Op::Select
    }
    #[inline(always)]
    fn value<F: Scalar>(self, [predicate, x, y]: [F; 3]) -> F {
        if predicate == F::zero() { y } else { x }
    }
    #[inline(always)]
    fn partials<T: Differentiable>(self, [predicate, ..]: [T; 3], _: T) -> [Partial<T>; 3] {
        let (x, y) = (|| [One, Zero], || [Zero, One]);
        let [x, y] = Partial::select_each(Relation::Equal, predicate, T::zero(), y, x);
        [Zero, x, y]
    }
}

/// `x` to an integer power.
///
/// ```
/// use dualtape::rules::{Partial, Powi, Unary};
/// assert_eq!(Powi(3).value(2.0), 8.0);
/// assert_eq!(Powi(3).partial(2.0, 8.0), Partial::Of(12.0));
/// assert_eq!(Powi(0).partial(2.0, 1.0), Partial::Zero);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Powi(pub i32);

impl Unary for Powi {
    #[inline(always)]
    fn code(self) -> Op {
        Op::Powi(self.0)
    }
    #[inline(always)]
    fn value<F: Scalar>(self, x: F) -> F {
        x.powi(self.0)
    }
    #[inline(always)]
    fn partial<T: Differentiable>(self, x: T, z: T) -> Partial<T> {
        match self.0 {
            0 => Zero,
            1 => One,
            2 => Of(x + x),
            // n − 1 would overflow; |z / x| is 0, 1 or ∞ for such an exponent, so nothing is lost.
            i32::MIN => Of(z / x * T::literal(f64::from(i32::MIN))),
            n => Of(x.powi(n - 1) * T::literal(f64::from(n))),
        }
    }
}

/// The `n`-th derivative of the digamma function, which the derivatives of digamma need. Close to a negative pole,
/// the error of the cotangent in the reflection formula counts n + 1 times.
///
/// ```
/// use dualtape::rules::{Polygamma, Unary};
/// let (trigamma, pi) = (Polygamma(1).value(1.0_f64), std::f64::consts::PI);
/// assert!((trigamma - pi * pi / 6.0).abs() < 1e-13);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Polygamma(pub u32);

impl Unary for Polygamma {
    #[inline(always)]
    fn code(self) -> Op {
        Op::Polygamma(self.0)
    }
    #[inline]
    fn value<F: Scalar>(self, x: F) -> F {
        x.polygamma_value(self.0)
    }
    #[inline]
    fn partial<T: Differentiable>(self, x: T, _: T) -> Partial<T> {
        Of(x.unary(Polygamma(self.0 + 1)))
    }
}
