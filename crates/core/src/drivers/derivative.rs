//! The derivative of a function of one number.

use crate::{Differentiable, Dual};

/// The value and the derivative of a function of one number, in forward mode.
///
/// Nest it for higher derivatives; [`Dual::lift`] brings outer numbers into an inner function.
///
/// ```
/// use dualtape::derivative;
/// use dualtape::Float;
///
/// let (value, slope) = derivative(|x| x.sin(), 2.0_f64);
/// assert_eq!((value, slope), (2.0_f64.sin(), 2.0_f64.cos()));
///
/// let (_, second) = derivative(|x| derivative(|x| x.powi(3), x).1, 2.0_f64);
/// assert_eq!(second, 12.0);
/// ```
pub fn derivative<T: Differentiable>(f: impl FnOnce(Dual<T>) -> Dual<T>, x: T) -> (T, T) {
    let y = f(Dual::variable(x));
    (y.primal(), y.tangent()[0])
}
