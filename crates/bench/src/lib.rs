//! Shared code of the benchmarks: workloads, and the modes of dualtape to compare.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod by_hand;
mod functions;
mod generated;
pub mod gradbench;
mod high_orders;
mod machine_code;
pub mod network;
pub mod objective;
pub mod peak;
#[cfg(feature = "peers")]
mod peers;
pub mod record;
mod sparse;
pub mod steps;
pub mod tables;
pub mod timing;
pub mod workload;
pub mod workloads;

pub use dualtape_tests::scenarios;
