//! Recording: a function runs once on numbers that record each operation.
//!
//! It takes a function and gives a graph with its guards. Nothing here knows how the graph is used.

pub(super) mod outputs;
pub(crate) mod recorder;
pub(super) mod recording;
mod rule;
pub(super) mod traced;

pub use outputs::Outputs;
pub use recording::Recording;
pub use traced::Traced;
