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
    /// What stands in memory.
    Load(Place),
    /// An operation of the rule table; operands beyond its arity are 0.
    Apply(Op, [Value; 3]),
    /// √Σ xᵢ²
    Norm(Vec<Value>),
}

/// Where a number stands: at `first + stride · turn`, where `turn` is that of the innermost loop, counted from 0; in a loop that
/// runs backwards it falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// In which memory.
    pub memory: Memory,
    /// The place in the first turn.
    pub first: usize,
    /// How far the place moves from turn to turn.
    pub stride: usize,
}

/// A memory of a routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Memory {
    /// The array that comes in, by number; it is only read.
    Input(usize),
    /// The array that goes out, by number; it is only written.
    Output(usize),
    /// The workspace.
    Workspace,
}

/// A condition under which a routine goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check<F> {
    /// The value is not NaN. Where it is, derivatives take more care.
    NotNan(Value),
    /// The first value is at most the second, and neither is NaN: they are the bounds of [`Op::Clamp`].
    Ordered([Value; 2]),
    /// A relation holds, or not, as it did when the function was recorded.
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
    /// A value has a property, or not, as it did when the function was recorded.
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
    /// A value is the number that the function read, to the bit; all NaN are one.
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
    /// What it is before the first turn, a value from outside.
    pub start: Value,
    /// Its name in a turn.
    pub inside: Value,
    /// What it is in the next turn.
    pub next: Value,
    /// Its name after the last turn, outside.
    pub after: Value,
}

/// An array that comes in or goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// What it is called.
    pub name: &'static str,
    /// How many numbers it has.
    pub len: usize,
    /// What must hold for each of its numbers, so that the routine can be relied on.
    pub required: Requirement,
}

/// What must hold for the numbers of an output. Where it does not, a derivative may be at a singular point, which takes
/// more care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Any number is right.
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

    /// Shows the values that it reads, those within a loop apart.
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
    /// Shows the values that it reads.
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
