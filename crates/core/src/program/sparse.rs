//! Sparse derivatives of programs: the positions of their entries, and plans that compute the entries.
//!
//! It takes a graph and a point, and gives patterns and values. [`crate::sparse`] defines patterns and colourings;
//! nothing here knows how a graph is evaluated.

mod dependence;
mod hessian;
mod jacobian;
mod patterns;
mod plan;

pub use hessian::SparseHessian;
pub use jacobian::{SparseJacobian, SparseWorkspace};
