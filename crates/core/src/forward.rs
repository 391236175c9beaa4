//! Forward mode: dual numbers, which carry tangents along with the value.

mod dual;
mod lanes;

pub use dual::Dual;
pub use lanes::Lanes;
