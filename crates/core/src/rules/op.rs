//! Operations as values: tests iterate over them, and recorded programs store them.

use super::{Binary, Compare, Neg, Partial, Polygamma, Powi, Select, StopGradient, Ternary, Unary};
use crate::Differentiable;
use crate::predicate::Relation;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// An interval `(low, high)` on which an operation is smooth in one operand.
///
/// ```
/// use dualtape::rules::{Interval, Op};
/// let (low, high): Interval = Op::Sqrt.domain()[0];
/// assert!(0.0 < low && low < high);
/// ```
pub type Interval = (f64, f64);

/// What to do with an operation of which only the code is known.
///
/// [`Op::visit`] is the only function that goes from a code to the operation itself. So an evaluator writes one loop
/// for each number of operands, not one for each operation.
pub(crate) trait Visitor {
    /// The result.
    type Output;
    /// Receives an operation with one operand.
    fn unary<O: Unary>(self, op: O) -> Self::Output;
    /// Receives an operation with two operands.
    fn binary<O: Binary>(self, op: O) -> Self::Output;
    /// Receives an operation with three operands.
    fn ternary<O: Ternary>(self, op: O) -> Self::Output;
}

/// `x` to a power that is known at compile time, so that it becomes a few multiplications.
#[derive(Clone, Copy, Debug)]
struct Fixed<const N: i32>;

impl<const N: i32> Unary for Fixed<N> {
    #[inline(always)]
    fn code(self) -> Op {
        Op::Powi(N)
    }
    #[inline(always)]
    fn value<F: crate::Scalar>(self, x: F) -> F {
        Powi(N).value(x)
    }
    #[inline(always)]
    fn partial<T: Differentiable>(self, x: T, z: T) -> super::Partial<T> {
        Powi(N).partial(x, z)
    }
}

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
            /// The `n`-th derivative of the digamma function.
            Polygamma(u32),
            /// `x`, held constant.
            StopGradient,
            /// 1 if the relation holds, otherwise 0.
            Compare(Relation),
            /// The second operand if the first is not 0, otherwise the third.
            Select,
            $($(#[$o_doc])* $O,)*
            $($(#[$u_doc])* $U,)*
            $($(#[$b_doc])* $B,)*
            $($(#[$t_doc])* $T,)*
            $($(#[$e_doc])* $E,)*
            $($(#[$l_doc])* $L,)*
        }

        impl Op {
            /// Every operation; `Powi` with its characteristic exponents, `Compare` with every relation.
            ///
            /// ```
            /// use dualtape::rules::Op;
            /// assert!(Op::ALL.contains(&Op::Tanh) && Op::ALL.contains(&Op::Powi(-1)));
            /// assert_eq!(Op::ALL.iter().filter(|op| op.arity() == 3).count(), 3); // mul_add, clamp and select
            /// ```
            pub const ALL: &'static [Op] = &[
                Op::Neg, Op::Powi(-2), Op::Powi(-1), Op::Powi(0), Op::Powi(1), Op::Powi(2), Op::Powi(3),
                Op::Polygamma(1), Op::StopGradient, Op::Select,
                Op::Compare(Relation::Less), Op::Compare(Relation::AtMost), Op::Compare(Relation::Greater),
                Op::Compare(Relation::AtLeast), Op::Compare(Relation::Equal),
                $(Op::$O,)* $(Op::$U,)* $(Op::$B,)* $(Op::$T,)* $(Op::$E,)* $(Op::$L,)*
            ];

            /// The name of the method or the symbol of the operator.
            ///
            /// ```
            /// use dualtape::rules::Op;
            /// assert_eq!((Op::Add.name(), Op::Ln1p.name()), ("+", "ln_1p"));
            /// ```
            pub fn name(self) -> &'static str {
                match self {
                    Op::Neg => "neg",
                    Op::Powi(_) => "powi",
                    Op::Polygamma(_) => "polygamma",
                    Op::StopGradient => "stop_gradient",
                    Op::Compare(relation) => relation.sign(),
                    Op::Select => "select",
                    $(Op::$O => $sign,)*
                    $(Op::$U => stringify!($u),)*
                    $(Op::$B => stringify!($b),)*
                    $(Op::$T => stringify!($t),)*
                    $(Op::$E => stringify!($e),)*
                    $(Op::$L => stringify!($l),)*
                }
            }

            /// For each operand, an interval on which the operation is smooth.
            ///
            /// ```
            /// use dualtape::rules::Op;
            /// // Both operands of a quotient: zero is kept out of the divisor.
            /// assert_eq!(Op::Div.domain(), [(-2.0, 2.0), (0.5, 2.0)]);
            /// ```
            pub fn domain(self) -> &'static [Interval] {
                match self {
                    Op::Neg | Op::StopGradient => &[(-2.0, 2.0)],
                    Op::Compare(_) => &[(-2.0, -0.1), (0.1, 2.0)],
                    Op::Select => &[(0.5, 1.0), (-2.0, 2.0), (-2.0, 2.0)],
                    Op::Powi(_) => &[(0.5, 2.0)],
                    Op::Polygamma(_) => &[(0.5, 4.0)],
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
            ///
            /// ```
            /// use dualtape::{derivative, rules::Op};
            /// assert_eq!(Op::Max.apply(&[3.0, 4.0]), 4.0);
            /// assert_eq!(derivative(|x| Op::Relu.apply(&[x]), -2.0), (0.0, 0.0));
            /// ```
            pub fn apply<D: Differentiable>(self, operands: &[D]) -> D {
                assert!(
                    operands.len() == self.arity(),
                    "{} takes {} operands, not {}", self.name(), self.arity(), operands.len()
                );
                self.visit(Apply(operands))
            }

            /// Passes the operation to a visitor.
            #[inline(always)]
            pub(crate) fn visit<V: Visitor>(self, visitor: V) -> V::Output {
                match self {
                    Op::Neg => visitor.unary(Neg),
                    Op::Powi(2) => visitor.unary(Fixed::<2>),
                    Op::Powi(3) => visitor.unary(Fixed::<3>),
                    Op::Powi(-1) => visitor.unary(Fixed::<-1>),
                    Op::Powi(n) => visitor.unary(Powi(n)),
                    Op::Polygamma(n) => visitor.unary(Polygamma(n)),
                    Op::StopGradient => visitor.unary(StopGradient),
                    Op::Compare(Relation::Less) => visitor.binary(Compare(Relation::Less)),
                    Op::Compare(Relation::AtMost) => visitor.binary(Compare(Relation::AtMost)),
                    Op::Compare(Relation::Greater) => visitor.binary(Compare(Relation::Greater)),
                    Op::Compare(Relation::AtLeast) => visitor.binary(Compare(Relation::AtLeast)),
                    Op::Compare(Relation::Equal) => visitor.binary(Compare(Relation::Equal)),
                    Op::Select => visitor.ternary(Select),
                    $(Op::$O => visitor.binary(super::$O),)*
                    $(Op::$U => visitor.unary(super::$U),)*
                    $(Op::$B => visitor.binary(super::$B),)*
                    $(Op::$E => visitor.binary(super::$E),)*
                    $(Op::$T => visitor.ternary(super::$T),)*
                    $(Op::$L => visitor.unary(super::$L),)*
                }
            }
        }
    };
}

rule_table!(define_op);

/// Applies an operation to numbers.
struct Apply<'a, D>(&'a [D]);

impl<D: Differentiable> Visitor for Apply<'_, D> {
    type Output = D;

    fn unary<O: Unary>(self, op: O) -> D {
        self.0[0].unary(op)
    }

    fn binary<O: Binary>(self, op: O) -> D {
        self.0[0].binary(op, self.0[1])
    }

    fn ternary<O: Ternary>(self, op: O) -> D {
        D::ternary(op, [self.0[0], self.0[1], self.0[2]])
    }
}

impl Op {
    /// The number of operands.
    ///
    /// ```
    /// use dualtape::rules::Op;
    /// assert_eq!((Op::Sin.arity(), Op::Atan2.arity(), Op::Clamp.arity()), (1, 2, 3));
    /// ```
    pub fn arity(self) -> usize {
        self.domain().len()
    }
}

/// Computes the partial derivatives in the middle of the domain.
struct IsFlat(&'static [Interval]);

impl IsFlat {
    fn middle(&self, operand: usize) -> f64 {
        self.0[operand].0.midpoint(self.0[operand].1)
    }
}

impl Visitor for IsFlat {
    type Output = bool;

    fn unary<O: Unary>(self, op: O) -> bool {
        let x = self.middle(0);
        op.partial(x, op.value(x)) == Partial::Zero
    }

    fn binary<O: Binary>(self, op: O) -> bool {
        let (x, y) = (self.middle(0), self.middle(1));
        let z = op.value(x, y);
        op.left(x, y, z) == Partial::Zero && op.right(x, y, z) == Partial::Zero
    }

    fn ternary<O: Ternary>(self, op: O) -> bool {
        let x = [0, 1, 2].map(|operand| self.middle(operand));
        op.partials(x, op.value(x)) == [Partial::Zero; 3]
    }
}

impl Op {
    /// A hash, which the compiler computes if it knows the operation.
    #[inline(always)]
    pub(crate) fn hash_code(self) -> u64 {
        let mut hasher = FxHasher::default();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// Whether the operation has no derivative: its row states that it is exactly zero where it is smooth.
    pub(crate) fn is_flat(self) -> bool {
        self.visit(IsFlat(self.domain()))
    }
}

#[cfg(test)]
mod tests {
    use super::Op;

    #[test]
    fn operations_without_a_derivative_are_flat_and_no_others() {
        let flat: Vec<_> = Op::ALL.iter().filter(|op| op.is_flat()).map(|op| op.name()).collect();
        let steps = ["signum", "floor", "ceil", "round", "trunc", "div_euclid"];
        let known = ["powi", "stop_gradient", "<", "<=", ">", ">=", "=="];
        assert!(flat.iter().all(|name| known.contains(name) || steps.contains(name)), "{flat:?}");
        assert_eq!(flat.len(), known.len() + steps.len());
    }
}
