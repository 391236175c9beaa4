//! Evaluation of a plan over lanes of points, forward and in reverse.
//!
//! In come a plan and blocks of points, out go values and adjoints in the layout of the plan. Nothing here knows how
//! points are cut into tasks, nor what is asked of them. A new operation of the table needs nothing here; a new reduction
//! needs its arms in `sweep.rs`, and in `kernels/fold.rs` or `kernels/dot.rs`.

mod affine;
pub(super) mod clip;
mod exact;
pub(super) mod interpreter;
pub(super) mod kernels;
pub(super) mod matrices;
mod products;
pub(super) mod sweep;
pub(super) mod uniform;
