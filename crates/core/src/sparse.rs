//! Sparse derivatives: where a Jacobian or a Hessian has entries, found from a recorded program; and their values, many
//! entries from one product.

mod columns;
mod pattern;

pub use columns::Columns;
pub use pattern::Pattern;
