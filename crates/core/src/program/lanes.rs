//! Evaluation of a plan over lanes of points, forward and in reverse.
//!
//! It takes a plan and blocks of points, and gives values and adjoints in the layout of the plan. Nothing here knows
//! how points are divided into tasks, nor which results are requested. A new operation of the table needs nothing
//! here; a new reduction needs its arms in `sweep.rs`, and in `kernels/fold.rs` or `kernels/dot.rs`.

mod affine;
pub(super) mod clip;
mod exact;
pub(super) mod interpreter;
pub(super) mod kernels;
pub(super) mod matrices;
mod products;
pub(super) mod sweep;
pub(super) mod uniform;
