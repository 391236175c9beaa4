//! The intermediate representation: a recorded function as data.
//!
//! It takes operations of the rule table, reductions, affine maps and calls of rules, and gives graphs, to be read in
//! order. A graph does not know who wrote
//! it, nor how it will be evaluated. The [walk] defines its meaning, for any number type.

#[cfg(feature = "serde")]
mod file;
pub(crate) mod graph;
pub(super) mod guard;
pub(super) mod rule;
mod text;
pub(super) mod view;
pub(super) mod walk;
