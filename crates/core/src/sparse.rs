//! Sparse derivatives: where a Jacobian or a Hessian has entries, found from a recorded program; and their values, many
//! entries from one product.

mod pattern;
pub(crate) mod set;

pub use pattern::Pattern;
