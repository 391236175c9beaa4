//! What the benches compare: the modes of dualtape on shared scenarios.

pub use dualtape_tests::scenarios;
