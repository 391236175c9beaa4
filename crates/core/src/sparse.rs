//! Sparse derivatives: the positions of the entries of a Jacobian or a Hessian, found from a recorded program or from
//! one evaluation of a function; and their values, many entries from one product.
//!
//! | from | positions of entries | groups for one product | values |
//! |---|---|---|---|
//! | a recorded program | [`Program::jacobian_pattern`](crate::Program::jacobian_pattern), [`hessian_pattern`](crate::Program::hessian_pattern), at a point [`jacobian_pattern_at`](crate::Program::jacobian_pattern_at) | [`Colouring`] | [`SparseJacobian`], [`SparseHessian`] |
//! | a function | [`jacobian_pattern`], [`hessian_pattern`] | in [`ForwardJacobian`] | [`ForwardJacobian`] |
//!
//! [`SparseJacobian::new`] and [`SparseHessian::new`] do everything. Values are in the order of a [`Pattern`], in
//! compressed rows; [`Columns`] reorders them to compressed columns, and [`integrations`](crate::integrations) makes
//! them matrices of other crates.
//!
//! ```
//! use dualtape::{Program, program::Wrt, sparse::SparseJacobian};
//! let program = Program::record(|x| [x[0] * x[1], x[1] * x[2], x[2]], &[1.0_f64; 3])?;
//! let plan = SparseJacobian::new(&program, Wrt::Both)?;
//! let (mut workspace, mut outputs, mut values) = (plan.workspace(), [0.0; 3], [0.0; 5]);
//! plan.evaluate(&mut workspace, &[2.0, 3.0, 4.0], &mut outputs, &mut values)?;
//! assert_eq!(plan.pattern().entries().collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]);
//! assert_eq!(values, [3.0, 2.0, 4.0, 3.0, 1.0]);
//! # Ok::<(), dualtape::Error>(())
//! ```

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
