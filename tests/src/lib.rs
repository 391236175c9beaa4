//! What the tests share: scenarios with their exact derivatives, and what "close" means.

pub mod close;
pub mod modes;
pub mod scenarios;
