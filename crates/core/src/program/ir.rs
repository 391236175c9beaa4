//! The intermediate representation: a recorded function as data.
//!
//! In comes nothing but operations of the rule table; out go graphs, to be read in order. A graph does not know who
//! wrote it, nor how it will be evaluated; the [walk] is its meaning, in any numbers.

#[cfg(feature = "serde")]
mod file;
pub(crate) mod graph;
pub(super) mod guard;
pub(super) mod rule;
mod text;
pub(super) mod view;
pub(super) mod walk;
