//! Reverse mode: a tape records the operations, and a sweep from the end to the start propagates adjoints.

mod adjoint;
mod adjoints;
mod call;
mod storage;
mod tape;
mod var;

pub(crate) use adjoint::{Adjoint, Block, WIDTH};
pub use adjoints::Adjoints;
pub(crate) use storage::Mark;
pub use tape::Tape;
pub use var::Var;
pub(crate) use var::{Spare, recycle};
