//! Recording: a function runs once on numbers that write down what is done with them.
//!
//! In comes a function, out goes a graph with its guards. Nothing here knows what becomes of the graph.

pub(super) mod outputs;
pub(crate) mod recorder;
pub(super) mod recording;
mod rule;
pub(super) mod traced;

pub use outputs::Outputs;
pub use recording::Recording;
pub use traced::Traced;
