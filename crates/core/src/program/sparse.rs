//! Sparse derivatives of programs: the positions of their entries, and plans that compute the entries.
//!
//! It takes a graph and a point, and gives patterns and values. [`crate::sparse`] defines patterns and colourings.
//! A plan chooses between one program for all entries and colours in lanes, by their cost.

mod dependence;
mod hessian;
mod jacobian;
mod patterns;
mod plan;

pub use hessian::SparseHessian;
pub use jacobian::{SparseJacobian, SparseWorkspace};
