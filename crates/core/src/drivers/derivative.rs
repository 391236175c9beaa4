//! Derivatives of a function of one number.

use crate::forward::Tag;
use crate::{Differentiable, Dual, Lanes, Taylor};
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{Add1, B1};
use generic_array::{ArrayLength, GenericArray};
use std::ops::Add;

/// The value and the derivative of a function of one number, in forward mode.
///
/// Nest it for higher derivatives; [`Dual::lift`] brings a number of an outer function into an inner one. For high
/// orders, [`derivatives`] costs less.
///
/// Take care if an inner function captures a number of an outer one. If the inner point is a plain number, both
/// numbers have the type `Dual<f64>`, and the compiler cannot tell the two derivatives apart. Lift the inner point, so
/// that the types differ:
///
/// ```
/// use dualtape::{Dual, derivative};
/// // d/dx [x · d/dy (x·y) at y = 1] = 2x
/// let (_, right) = derivative(|x| x * derivative(|y| Dual::lift(x) * y, Dual::lift(1.0)).1, 4.0);
/// assert_eq!(right, 8.0);
/// ```
///
/// # Panics
///
/// In debug builds, if a number of one derivative meets a number of another one of the same type. All drivers of
/// forward mode check this. A release build does not, and its result is then wrong:
///
/// ```should_panic
/// # if !cfg!(debug_assertions) { panic!("not checked in release builds") }
/// dualtape::derivative(|x| x * dualtape::derivative(|y| x * y, 1.0).1, 4.0);
/// ```
///
/// ```
/// use dualtape::{Float, derivative};
///
/// assert_eq!(derivative(|x| x.sin(), 2.0_f64), (2.0_f64.sin(), 2.0_f64.cos()));
///
/// let (_, second) = derivative(|x| derivative(|x| x.powi(3), x).1, 2.0_f64);
/// assert_eq!(second, 12.0);
/// ```
pub fn derivative<T: Differentiable>(f: impl FnOnce(Dual<T>) -> Dual<T>, x: T) -> (T, T) {
    let y = f(Dual::variable(x).tagged(Tag::fresh()));
    (y.primal(), y.derivative(0))
}

/// The value, the first and the second derivative of a function of one number.
///
/// ```
/// use dualtape::{Float, second_derivative};
/// assert_eq!(second_derivative(|x| x.powi(3), 2.0_f64), (8.0, 12.0, 12.0));
/// ```
pub fn second_derivative<T: Differentiable>(
    f: impl FnOnce(Dual<Dual<T>>) -> Dual<Dual<T>>,
    x: T,
) -> (T, T, T) {
    let inner = Dual::variable(x).tagged(Tag::fresh());
    let y = f(Dual::variable(inner).tagged(Tag::fresh()));
    let derivative = y.derivative(0);
    (y.primal().primal(), derivative.primal(), derivative.derivative(0))
}

/// The value of a function of one number and its derivatives up to the `N`-th, by its [Taylor series](Taylor). The
/// cost grows as N².
///
/// The derivatives are not normalised: the k-th is dᵏf/dxᵏ, not divided by k!.
///
/// ```
/// use dualtape::{Float, derivatives, typenum::{U4, U20}};
/// let all = derivatives::<U4, f64>(|x| x.powi(3), 2.0);
/// assert_eq!(all[..], [8.0, 12.0, 12.0, 6.0, 0.0]);
///
/// let all = derivatives::<U20, f64>(|x| (x * 2.0).exp(), 0.0);
/// assert!((all[20] / 2.0_f64.powi(20) - 1.0).abs() < 1e-14);
/// ```
pub fn derivatives<N, T>(
    f: impl FnOnce(Taylor<T, N>) -> Taylor<T, N>,
    x: T,
) -> GenericArray<T, <N as Order<T>>::Terms>
where
    N: Order<T>,
    T: Differentiable,
{
    all_derivatives(&f(Taylor::variable(x).tagged(Tag::fresh())))
}

/// Value and derivatives of a series.
pub(super) fn all_derivatives<N: Order<T>, T: Differentiable>(
    y: &Taylor<T, N>,
) -> GenericArray<T, <N as Order<T>>::Terms> {
    GenericArray::generate(|order| y.derivative(order))
}

/// The highest order of derivative to compute: `U1`, `U2`, … of [`typenum`](generic_array::typenum).
///
/// It is implemented for every [number of lanes](Lanes); the bound tells the compiler that one more than it exists.
///
/// ```
/// use dualtape::{Float, Order, derivatives, typenum::U3};
///
/// /// Value and derivatives of a cube, up to any order.
/// fn cube<N: Order<f64>>(x: f64) -> Vec<f64> {
///     derivatives::<N, f64>(|x| x.powi(3), x).to_vec()
/// }
///
/// assert_eq!(cube::<U3>(2.0), [8.0, 12.0, 12.0, 6.0]);
/// ```
pub trait Order<T>: Lanes<T> {
    /// One more than the order, because the value counts too.
    type Terms: ArrayLength;
}

impl<T, N> Order<T> for N
where
    N: Lanes<T> + Add<B1, Output: ArrayLength>,
{
    type Terms = Add1<N>;
}
