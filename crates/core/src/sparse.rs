//! Sparse derivatives: where a Jacobian or a Hessian has entries, found from a recorded program or from one evaluation of a
//! function; and their values, many entries from one product.

mod colouring;
mod columns;
mod dependence;
mod forward;
pub(crate) mod index_sets;
mod pattern;
mod tracer;

pub use crate::program::sparse::{SparseHessian, SparseJacobian, SparseWorkspace};
pub use colouring::{Colouring, ColouringKind, Order, Recovery, Source};
pub use columns::Columns;
pub use dependence::{hessian_pattern, jacobian_pattern};
pub use forward::ForwardJacobian;
pub use pattern::Pattern;
pub use tracer::Tracer;
