//! Forward mode: dual numbers, which carry tangents with the value; Taylor series; and Laplacians.

mod dual;
mod lanes;
mod laplacian;
mod tag;
mod taylor;

pub use dual::Dual;
pub use lanes::Lanes;
pub use laplacian::ForwardLaplacian;
pub use taylor::Taylor;

pub(crate) use tag::Tag;
