//! The building blocks of lanes: registers, elementary functions, aligned memory, transposes, and the instruction
//! set, which is detected at run time.
//!
//! Nothing here knows of graphs, plans or points.

pub(super) mod aligned;
pub(super) mod arch;
pub(super) mod elementary;
pub(super) mod fast;
pub(super) mod transpose;
pub(super) mod vector;

/// How many points are computed together: two vectors of the widest registers for `f64`, one for `f32`.
pub(super) const L: usize = 16;

/// How many blocks of points are computed together, at most.
pub(super) const MOST_BLOCKS: usize = 8;
