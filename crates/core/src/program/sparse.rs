//! Sparse derivatives of programs: where they have entries, and plans that compute these.
//!
//! In come a graph and a point, out go patterns and values. What a pattern is, and how its columns are coloured, is
//! known to [`crate::sparse`]; nothing here knows how a graph is evaluated.

mod dependence;
mod hessian;
mod jacobian;
mod patterns;
mod plan;

pub use hessian::SparseHessian;
pub use jacobian::{SparseJacobian, SparseWorkspace};
