//! Batches: many points, cut into tasks by their number only, and what comes of them put together in order.
//!
//! In come a program, parameters and points; out go sums, rows of derivatives and Jacobians. Where lanes cannot vouch for a
//! result, a task goes through its points one by one (`by_points.rs`).

mod by_points;
mod compiled;
mod evaluate;
mod jacobians;
mod memory;
mod part;
mod points;
mod results;
mod stream;
mod task;
mod tree;

pub use compiled::Compiled;
pub use memory::BatchWorkspace;
pub use part::Part;
pub use points::{Points, Rows, Selected};
pub use results::{Results, Sum, Sums};
pub use tree::SumTree;
