//! Guards: the predicates that a function evaluated while it was recorded, with their outcomes.
//!
//! A replay computes the recorded side. It is correct at another point only if all outcomes are the same. `abs`,
//! `max`, `relu` and similar operations are instructions and need no guard.

use crate::ProgramScalar;
use crate::predicate::{Property, Relation};
use std::panic::Location;

/// One predicate with its outcome, and its place in the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::program) struct Guard<F> {
    pub(in crate::program) predicate: Predicate<F>,
    /// Unknown in programs that were saved.
    pub(in crate::program) origin: Option<Origin<F>>,
}

/// The place of a predicate in the source, and the values of its operands then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::program) struct Origin<F> {
    pub(in crate::program) location: &'static Location<'static>,
    pub(in crate::program) values: [F; 2],
}

/// A predicate and its outcome. Places are nodes of a graph, or slots of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::program) enum Predicate<F> {
    /// A comparison.
    Relation { relation: Relation, operands: [u32; 2], outcome: bool },
    /// A property of one value.
    Property { property: Property, operand: u32, outcome: bool },
    /// The plain value was read, so anything may depend on it: the value must be this, to the bit.
    Value { operand: u32, value: F },
}

impl<F: ProgramScalar> Guard<F> {
    /// The places the guard reads.
    pub(in crate::program) fn operands(&self) -> impl Iterator<Item = u32> + use<F> {
        match self.predicate {
            Predicate::Relation { operands: [a, b], .. } => [Some(a), Some(b)],
            Predicate::Property { operand, .. } | Predicate::Value { operand, .. } => [Some(operand), None],
        }
        .into_iter()
        .flatten()
    }

    /// The guard over renumbered places.
    pub(in crate::program) fn renumbered(self, place: impl Fn(u32) -> u32) -> Self {
        let predicate = match self.predicate {
            Predicate::Relation { relation, operands, outcome } => {
                Predicate::Relation { relation, operands: operands.map(place), outcome }
            }
            Predicate::Property { property, operand, outcome } => {
                Predicate::Property { property, operand: place(operand), outcome }
            }
            Predicate::Value { operand, value } => Predicate::Value { operand: place(operand), value },
        };
        Self { predicate, ..self }
    }

    /// Whether two numbers were found equal.
    pub(in crate::program) fn is_equality_held(&self) -> bool {
        match self.predicate {
            Predicate::Relation { relation: Relation::Equal, operands: [a, b], outcome: true } => a != b,
            _ => false,
        }
    }

    /// How many nodes must be known before it can be tested; at least the given number.
    pub(in crate::program) fn ready_after(&self, done: usize) -> usize {
        self.operands().map(|node| node as usize + 1).fold(done, usize::max)
    }

    /// Whether the outcome is still the same, given the value at each place.
    #[inline]
    pub(in crate::program) fn holds(&self, value: impl Fn(u32) -> F) -> bool {
        self.holds_in(|place| [value(place)]) == [true]
    }

    /// In which lanes the outcome is still the same, given the lanes of each place.
    #[inline]
    pub(in crate::program) fn holds_in<const L: usize>(&self, lanes: impl Fn(u32) -> [F; L]) -> [bool; L] {
        match self.predicate {
            Predicate::Relation { relation, operands: [a, b], outcome } => {
                let (a, b) = (lanes(a), lanes(b));
                std::array::from_fn(|lane| relation.holds(a[lane], b[lane]) == outcome)
            }
            Predicate::Property { property, operand, outcome } => {
                lanes(operand).map(|x| property.holds(x) == outcome)
            }
            Predicate::Value { operand, value } => lanes(operand).map(|x| same_bits(x, value)),
        }
    }

    /// A key that two guards share if they have the same predicate and the same outcome. Guards of two functions in
    /// sequence may contradict each other; then both are kept.
    pub(in crate::program) fn key(&self) -> (Option<Relation>, Option<Property>, [u32; 2], u64) {
        match self.predicate {
            Predicate::Relation { relation, operands, outcome } => {
                (Some(relation), None, operands, outcome.into())
            }
            Predicate::Property { property, operand, outcome } => {
                (None, Some(property), [operand; 2], outcome.into())
            }
            Predicate::Value { operand, value } => (None, None, [operand; 2], value.wide().to_bits()),
        }
    }

    /// The guard in words, for an error: its place in the source, the predicate and its outcome, and the values.
    pub(in crate::program) fn words(&self) -> String {
        let word = |outcome: bool| if outcome { "true" } else { "false" };
        // If references are compared, the comparison is in the standard library.
        let location = self.origin.filter(|origin| !origin.location.file().starts_with("/rustc/"));
        let location = location.map(|origin| format!("{}: ", origin.location)).unwrap_or_default();
        let (predicate, operands) = match self.predicate {
            Predicate::Relation { relation, operands: [a, b], outcome } => {
                (format!("v{a} {} v{b} was {}", relation.sign(), word(outcome)), 2)
            }
            Predicate::Property { property, operand, outcome } => {
                (format!("v{operand} {} was {}", property.words(), word(outcome)), 1)
            }
            Predicate::Value { operand, value } => {
                return format!(
                    "{location}the function read the plain value of v{operand}, {value:?}, and may depend on it in \
                     ways that were not recorded"
                );
            }
        };
        let values = self.origin.map(|origin| format!(", for {}", listed(&origin.values[..operands])));
        format!("{location}{predicate}{}", values.unwrap_or_default())
    }

    /// The same, with the present values.
    pub(in crate::program) fn words_now(&self, values: impl Iterator<Item = F>) -> String {
        format!("{}; here it is evaluated at {}", self.words(), listed(&values.collect::<Vec<_>>()))
    }
}

fn listed<F: ProgramScalar>(values: &[F]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" and ")
}

/// Whether two numbers are the same; all NaN count as one.
pub(in crate::program) fn same_bits<F: ProgramScalar>(a: F, b: F) -> bool {
    (a == b && a.is_sign_negative() == b.is_sign_negative()) || (a.is_nan() && b.is_nan())
}
