//! What routines are made of.

use crate::predicate::{Property, Relation};
use crate::rules::Op;

/// A number that is computed once, by its number.
pub type Value = u32;

/// A statement of a routine.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<F> {
    /// Computes a value.
    Let {
        /// The value.
        value: Value,
        /// What it is.
        is: Expression<F>,
    },
    /// Writes a value to an output or to the workspace.
    Store {
        /// Where to.
        to: Place,
        /// The value.
        value: Value,
    },
    /// Refuses, unless a condition holds.
    Check(Check<F>),
    /// Repeats statements.
    Loop(Loop<F>),
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression<F> {
    /// A constant.
    Constant(F),
    /// A number in memory.
    Load(Place),
    /// An operation of the rule table; operands beyond its arity are 0.
    Apply(Op, [Value; 3]),
    /// √Σ xᵢ²
    Norm(Vec<Value>),
}

/// The place of a number: `first + stride · turn`, where `turn` is the turn of the innermost loop, counted from 0; in
/// a loop that runs backwards it decreases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// In which memory.
    pub memory: Memory,
    /// The place in the first turn.
    pub first: usize,
    /// How far the place moves in each turn.
    pub stride: usize,
}

/// A memory of a routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// The input array with this number; it is only read.
    Input(usize),
    /// The output array with this number; it is only written.
    Output(usize),
    /// The workspace.
    Workspace,
}

/// A condition under which a routine continues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check<F> {
    /// The value is not NaN. If it is, derivatives need more care.
    NotNan(Value),
    /// The first value is at most the second, and neither is NaN: they are the bounds of [`Op::Clamp`].
    Ordered([Value; 2]),
    /// A relation holds, or does not hold, as when the function was recorded.
    Relation {
        /// The relation.
        relation: Relation,
        /// Its operands.
        operands: [Value; 2],
        /// Whether it held.
        outcome: bool,
        /// The number of the guard.
        guard: usize,
    },
    /// A value has a property, or does not have it, as when the function was recorded.
    Property {
        /// The property.
        property: Property,
        /// The value.
        operand: Value,
        /// Whether it had it.
        outcome: bool,
        /// The number of the guard.
        guard: usize,
    },
    /// A value is the number that the function read, to the bit; all NaN count as one.
    Same {
        /// The value.
        operand: Value,
        /// The number.
        number: F,
        /// The number of the guard.
        guard: usize,
    },
}

/// Statements that are repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop<F> {
    /// How often; at least once.
    pub turns: usize,
    /// Whether turns are counted from the last to the first.
    pub backwards: bool,
    /// The values that are carried from turn to turn.
    pub carried: Vec<Carried>,
    /// The statements.
    pub body: Vec<Statement<F>>,
}

/// A value that is carried from turn to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Its value before the first turn, defined outside the loop.
    pub start: Value,
    /// Its name in a turn.
    pub inside: Value,
    /// Its value in the next turn.
    pub next: Value,
    /// Its name after the last turn, outside the loop.
    pub after: Value,
}

/// An input array or output array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// What it is called.
    pub name: &'static str,
    /// How many numbers it has.
    pub len: usize,
    /// What must hold for each of its numbers if the routine is to be valid.
    pub required: Requirement,
}

/// What must hold for the numbers of an output. If it does not hold, a derivative may be at a singular point, which
/// needs more care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Any number is allowed.
    Anything,
    /// None is NaN.
    NotNan,
    /// All are finite.
    Finite,
}

impl<F> Statement<F> {
    pub(super) fn operations(&self) -> usize {
        match self {
            Self::Let { is: Expression::Apply(..), .. } => 1,
            Self::Let { is: Expression::Norm(terms), .. } => terms.len(),
            Self::Loop(Loop { body, .. }) => body.iter().map(Self::operations).sum(),
            Self::Let { .. } | Self::Store { .. } | Self::Check(_) => 0,
        }
    }

    pub(crate) fn may_refuse(&self) -> bool {
        match self {
            Self::Check(_) => true,
            Self::Loop(Loop { body, .. }) => body.iter().any(Self::may_refuse),
            Self::Let { .. } | Self::Store { .. } => false,
        }
    }

    /// Visits the values that it reads, without those inside a loop.
    pub(crate) fn operands(&self, mut show: impl FnMut(Value)) {
        match self {
            Self::Let { is, .. } => is.operands(show),
            Self::Store { value, .. } => show(*value),
            Self::Check(check) => check.operands(show),
            Self::Loop(Loop { carried, .. }) => carried.iter().for_each(|carried| show(carried.start)),
        }
    }
}

impl<F> Expression<F> {
    /// Visits the values that it reads.
    pub(crate) fn operands(&self, show: impl FnMut(Value)) {
        match self {
            Self::Constant(_) | Self::Load(_) => {}
            Self::Apply(op, operands) => operands[..op.arity()].iter().copied().for_each(show),
            Self::Norm(terms) => terms.iter().copied().for_each(show),
        }
    }
}

impl<F> Check<F> {
    pub(crate) fn operands(&self, show: impl FnMut(Value)) {
        match *self {
            Self::NotNan(value)
            | Self::Property { operand: value, .. }
            | Self::Same { operand: value, .. } => {
                [value].into_iter().for_each(show);
            }
            Self::Ordered(operands) | Self::Relation { operands, .. } => operands.into_iter().for_each(show),
        }
    }
}
