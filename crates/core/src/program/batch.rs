//! Batches: many points, divided into tasks by their number only, whose results are combined in order.
//!
//! It takes a program, parameters and points, and gives sums, rows of derivatives and Jacobians. If the result of
//! lanes is not valid, a task evaluates its points one by one (`by_points.rs`).

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
