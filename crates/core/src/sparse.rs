//! Sparse derivatives: where a Jacobian or a Hessian has entries, found from a recorded program; and their values, many
//! entries from one product.

mod colouring;
mod pattern;
pub(crate) mod set;

pub use crate::program::sparse::{SparseHessian, SparseJacobian, SparseWorkspace};
pub use colouring::{Colouring, ColouringKind, Order, Recovery, Source};
pub use pattern::Pattern;
