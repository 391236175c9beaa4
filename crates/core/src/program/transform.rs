//! Transformations from graph to graph: smaller graphs with the same bits, derivatives, compositions.
//!
//! Nothing here evaluates a graph; what is known of evaluators are the sizes that they can take. A new pass is a function over the nodes in order; see [`optimize`]
//! for the conditions that it must meet.

pub(super) mod derivative;
pub(super) mod log_sum_exp;
pub(super) mod optimize;
pub(super) mod products;
mod rewrite;
pub(super) mod speculate;
pub(super) mod unroll;
