//! What the benches compare: the modes of dualtape on shared scenarios.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod gradbench;
pub mod network;

pub use dualtape_tests::scenarios;
