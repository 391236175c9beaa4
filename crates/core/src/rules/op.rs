//! Operations as values: what a table of tests iterates and what a recorded program stores.

use super::{Neg, Powi};
use crate::Differentiable;

/// An interval `(low, high)` on which an operation is smooth in one operand.
pub type Interval = (f64, f64);

macro_rules! define_op {
    (
        {}
        operators { $($(#[$o_doc:meta])* $O:ident $o:ident { $sign:literal $($o_body:tt)* })* }
        float_unary { $($(#[$u_doc:meta])* $U:ident $u:ident $u_body:tt)* }
        float_binary { $($(#[$b_doc:meta])* $B:ident $b:ident $b_body:tt)* }
        float_ternary { $($(#[$t_doc:meta])* $T:ident $t:ident $t_body:tt)* }
        euclid { $($(#[$e_doc:meta])* $E:ident $e:ident $e_body:tt)* }
        learned_unary { $($(#[$l_doc:meta])* $L:ident $l:ident $l_body:tt)* }
    ) => {
        /// One elementary operation of the rule table.
        ///
        /// ```
        /// use dualtape::rules::Op;
        /// assert_eq!(Op::Mul.apply(&[3.0, 4.0]), 12.0);
        /// assert_eq!(Op::Powi(3).apply(&[2.0]), 8.0);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Op {
            /// `−x`
            Neg,
            /// `x` to an integer power.
            Powi(i32),
            $($(#[$o_doc])* $O,)*
            $($(#[$u_doc])* $U,)*
            $($(#[$b_doc])* $B,)*
            $($(#[$t_doc])* $T,)*
            $($(#[$e_doc])* $E,)*
            $($(#[$l_doc])* $L,)*
        }

        impl Op {
            /// Every operation; `Powi` with its characteristic exponents.
            pub const ALL: &'static [Op] = &[
                Op::Neg, Op::Powi(-2), Op::Powi(-1), Op::Powi(0), Op::Powi(1), Op::Powi(2), Op::Powi(3),
                $(Op::$O,)* $(Op::$U,)* $(Op::$B,)* $(Op::$T,)* $(Op::$E,)* $(Op::$L,)*
            ];

            /// The name of the method or the sign of the operator.
            pub fn name(self) -> &'static str {
                match self {
                    Op::Neg => "neg",
                    Op::Powi(_) => "powi",
                    $(Op::$O => $sign,)*
                    $(Op::$U => stringify!($u),)*
                    $(Op::$B => stringify!($b),)*
                    $(Op::$T => stringify!($t),)*
                    $(Op::$E => stringify!($e),)*
                    $(Op::$L => stringify!($l),)*
                }
            }

            /// For each operand, an interval on which the operation is smooth.
            pub fn domain(self) -> &'static [Interval] {
                match self {
                    Op::Neg => &[(-2.0, 2.0)],
                    Op::Powi(_) => &[(0.5, 2.0)],
                    $(Op::$O => super::$O::DOMAIN,)*
                    $(Op::$U => super::$U::DOMAIN,)*
                    $(Op::$B => super::$B::DOMAIN,)*
                    $(Op::$T => super::$T::DOMAIN,)*
                    $(Op::$E => super::$E::DOMAIN,)*
                    $(Op::$L => super::$L::DOMAIN,)*
                }
            }

            /// The operation on any number type.
            ///
            /// # Panics
            ///
            /// If the number of operands is not [`Op::arity`].
            pub fn apply<D: Differentiable>(self, operands: &[D]) -> D {
                assert!(
                    operands.len() == self.arity(),
                    "{} takes {} operands, not {}", self.name(), self.arity(), operands.len()
                );
                match self {
                    Op::Neg => operands[0].unary(Neg),
                    Op::Powi(n) => operands[0].unary(Powi(n)),
                    $(Op::$O => operands[0].binary(super::$O, operands[1]),)*
                    $(Op::$U => operands[0].unary(super::$U),)*
                    $(Op::$B => operands[0].binary(super::$B, operands[1]),)*
                    $(Op::$E => operands[0].binary(super::$E, operands[1]),)*
                    $(Op::$T => D::ternary(super::$T, [operands[0], operands[1], operands[2]]),)*
                    $(Op::$L => operands[0].unary(super::$L),)*
                }
            }
        }
    };
}

rule_table!(define_op);

impl Op {
    /// The number of operands.
    pub fn arity(self) -> usize {
        self.domain().len()
    }
}
