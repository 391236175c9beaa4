//! Random search for programs on which modes disagree.
//!
//! A package of its own, so that a search of minutes is built for release without the other tests.

#![forbid(unsafe_code)]

#[cfg(feature = "integrations")]
mod equations;
#[cfg(feature = "integrations")]
pub use equations::Equation;

/// There are no equations without the feature `integrations`.
#[cfg(not(feature = "integrations"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equation {}

#[cfg(not(feature = "integrations"))]
impl Equation {
    /// All of them: none.
    pub const ALL: [Self; 0] = [];

    /// The unknown.
    pub fn solve<D>(self, _: &[D]) -> D {
        match self {}
    }

    /// Whether the same operands always give the same bits.
    pub fn is_repeatable(self) -> bool {
        match self {}
    }
}
