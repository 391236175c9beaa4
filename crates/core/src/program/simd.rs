//! What lanes are made of: registers, elementary functions, aligned memory, transposes, and the instruction set that is
//! found at run time.
//!
//! Nothing here knows of programs.

pub(super) mod aligned;
pub(super) mod arch;
pub(super) mod elementary;
pub(super) mod fast;
pub(super) mod transpose;
pub(super) mod vector;

/// How many points go through together: two vectors of the widest registers in `f64`, one in `f32`.
pub(super) const L: usize = 16;

/// How many blocks of points go through together, at most.
pub(super) const MOST_BLOCKS: usize = 4;
