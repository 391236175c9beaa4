//! Drivers take a function and a point, and give values and derivatives.
//!
//! There is a free function for each single use, and a struct that keeps its memory for each loop: [`Forward`],
//! [`Reverse`], [`Jacobian`], [`SecondOrder`].

mod dense;
mod derivative;
mod forward;
mod gradient;
mod hessian;
mod jacobian;
mod jet;
mod laplacian;
mod products;
mod reverse;

pub use dense::DENSE_LIMIT;
pub(crate) use dense::{check_dense, or_panic};
pub use derivative::{Order, derivative, derivatives, second_derivative};
pub use forward::Forward;
pub use gradient::{gradient, gradient_forward, gradient_lanes};
pub use hessian::{SecondOrder, hessian, hessian_diagonal, hessian_within, hvp};
pub use jacobian::{
    Function, Jacobian, jacobian, jacobian_forward, jacobian_forward_within, jacobian_reverse,
    jacobian_reverse_within, jacobian_within,
};
pub use jet::{directional_derivatives, jet, mixed_partial, mixed_partials, third_derivative_product};
pub use laplacian::{Twice, biharmonic, divergence_form, laplacian, laplacian_lanes, weighted_laplacian};
pub use products::{jvp, vjp};
pub use reverse::Reverse;
