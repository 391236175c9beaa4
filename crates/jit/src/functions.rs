//! The functions called by machine code: the values of the rule table, each compiled for one type of number.
//!
//! They use the C calling convention, which no panic may cross; none of them panics.

use dualtape::Scalar;
use dualtape::rules::{self, Binary, Op, Polygamma, Powi, Ternary, Unary};

/// A function to call: its address and its arguments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// The operands.
    Plain(usize),
    /// The operand and an integer.
    With(usize, i32),
}

extern "C" fn powi<F: Scalar>(x: F, n: i32) -> F {
    Powi(n).value(x)
}

extern "C" fn polygamma<F: Scalar>(x: F, n: i32) -> F {
    Polygamma(n.cast_unsigned()).value(x)
}

macro_rules! functions {
    (unary { $($U:ident)* } binary { $($B:ident)* } ternary { $($T:ident)* }) => {
        /// The function that computes the value of an operation, if there is one.
        pub(crate) fn function<F: Scalar>(op: Op) -> Option<Function> {
            $({
                extern "C" fn value<F: Scalar>(x: F) -> F {
                    rules::$U.value(x)
                }
                if op == Op::$U {
                    return Some(Function::Plain(value::<F> as extern "C" fn(F) -> F as usize));
                }
            })*
            $({
                extern "C" fn value<F: Scalar>(x: F, y: F) -> F {
                    rules::$B.value(x, y)
                }
                if op == Op::$B {
                    return Some(Function::Plain(value::<F> as extern "C" fn(F, F) -> F as usize));
                }
            })*
            $({
                extern "C" fn value<F: Scalar>(x: F, y: F, w: F) -> F {
                    rules::$T.value([x, y, w])
                }
                if op == Op::$T {
                    return Some(Function::Plain(value::<F> as extern "C" fn(F, F, F) -> F as usize));
                }
            })*
            let integer = |function: extern "C" fn(F, i32) -> F, n| Some(Function::With(function as usize, n));
            match op {
                Op::Powi(n) => integer(powi::<F>, n),
                Op::Polygamma(n) => integer(polygamma::<F>, n.cast_signed()),
                _ => None,
            }
        }
    };
}

functions! {
    unary {
        Floor Ceil Round Trunc Cbrt Exp Exp2 ExpM1 Ln Log2 Log10 Ln1p Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh
        Atanh ToDegrees ToRadians Sigmoid Softplus Erf Erfc LnGamma Digamma
    }
    binary { Rem Powf Log AbsSub Hypot Atan2 DivEuclid RemEuclid }
    ternary { MulAdd }
}

/// Two results, as returned by C functions.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) sin: f64,
    pub(crate) cos: f64,
}

/// The sine and the cosine of an angle, with the same bits as when computed separately.
pub(crate) extern "C" fn sin_cos(angle: f64) -> Pair {
    let (sin, cos) = angle.sin_cos();
    Pair { sin, cos }
}

/// The same for `f32`, packed into one integer with the sine in the low half.
pub(crate) extern "C" fn narrow_sin_cos(angle: f32) -> u64 {
    let (sin, cos) = angle.sin_cos();
    u64::from(sin.to_bits()) | u64::from(cos.to_bits()) << 32
}
