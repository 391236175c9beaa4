//! Random search for programs on which modes disagree.
//!
//! A package of its own, because it evaluates for minutes what other tests evaluate once: it is optimised in development builds, and
//! the other tests, which take longer to build than to run, are not.

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
