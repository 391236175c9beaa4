//! Drivers: from a function and a point to values and derivatives.

mod derivative;
mod forward;
mod gradient;
mod products;
mod reverse;

pub use derivative::derivative;
pub use forward::Forward;
pub use gradient::{gradient, gradient_forward, gradient_lanes};
pub use products::{jvp, vjp};
pub use reverse::Reverse;
