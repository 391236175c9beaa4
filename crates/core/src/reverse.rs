//! Reverse mode: a tape records the operations, and a sweep from the end carries adjoints back.

mod adjoints;
mod storage;
mod tape;
mod var;

pub use adjoints::Adjoints;
pub(crate) use storage::Mark;
pub use tape::Tape;
pub use var::Var;
pub(crate) use var::{Spare, recycle};
