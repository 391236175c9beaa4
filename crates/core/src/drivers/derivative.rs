//! Derivatives of a function of one number.

use crate::{Differentiable, Dual};
use generic_array::typenum::{U1, U2, U3, U4, U5, U6};
use generic_array::{ArrayLength, GenericArray};

/// The value and the derivative of a function of one number, in forward mode.
///
/// Nest it for higher derivatives; [`Dual::lift`] brings outer numbers into an inner function.
///
/// ```
/// use dualtape::{Float, derivative};
///
/// let (value, slope) = derivative(|x| x.sin(), 2.0_f64);
/// assert_eq!((value, slope), (2.0_f64.sin(), 2.0_f64.cos()));
///
/// let (_, second) = derivative(|x| derivative(|x| x.powi(3), x).1, 2.0_f64);
/// assert_eq!(second, 12.0);
/// ```
pub fn derivative<T: Differentiable>(f: impl FnOnce(Dual<T>) -> Dual<T>, x: T) -> (T, T) {
    let y = f(Dual::variable(x));
    (y.primal(), y.slope(0))
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
    let [value, first, second] = derivatives::<U2, T>(f, x).into();
    (value, first, second)
}

/// The value and the derivatives up to the `N`-th of a function of one number, `N` from
/// [`U1`](generic_array::typenum::U1) to [`U6`](generic_array::typenum::U6), by nesting. The cost doubles
/// with each order.
///
/// ```
/// use dualtape::{Float, derivatives, typenum::U4};
/// let all = derivatives::<U4, f64>(|x| x.powi(3), 2.0);
/// assert_eq!(all[..], [8.0, 12.0, 12.0, 6.0, 0.0]);
/// ```
pub fn derivatives<N, T>(
    f: impl FnOnce(N::Number) -> N::Number,
    x: T,
) -> GenericArray<T, <N as Order<T>>::Terms>
where
    N: Order<T>,
    T: Differentiable,
{
    let y = f(N::variable(x));
    let mut all = GenericArray::default();
    N::read(&y, &mut all);
    all
}

/// How deep dual numbers nest for a derivative of some order.
///
/// It is implemented by [`U1`](generic_array::typenum::U1) to [`U6`](generic_array::typenum::U6).
///
/// ```
/// use dualtape::{Differentiable, Float, Order, derivatives, typenum::U3};
///
/// /// Value and derivatives of a cube, up to any order.
/// fn cube<N: Order<f64>>(x: f64) -> Vec<f64> {
///     derivatives::<N, f64>(|x| x.powi(3), x).to_vec()
/// }
///
/// assert_eq!(cube::<U3>(2.0), [8.0, 12.0, 12.0, 6.0]);
/// ```
pub trait Order<T: Differentiable> {
    /// `Dual<Dual<…>>`
    type Number: Differentiable<Scalar = T::Scalar>;
    /// One more than the order: the value counts, too.
    type Terms: ArrayLength;

    #[doc(hidden)]
    fn variable(x: T) -> Self::Number;

    /// Writes value and derivatives, from the lowest order on.
    #[doc(hidden)]
    fn read(y: &Self::Number, all: &mut [T]);
}

impl<T: Differentiable> Order<T> for U1 {
    type Number = Dual<T>;
    type Terms = U2;

    fn variable(x: T) -> Dual<T> {
        Dual::variable(x)
    }

    fn read(y: &Dual<T>, all: &mut [T]) {
        all[0] = y.primal();
        all[1] = y.slope(0);
    }
}

macro_rules! order {
    ($N:ty, $Below:ty, $Terms:ty) => {
        impl<T: Differentiable> Order<T> for $N {
            type Number = Dual<<$Below as Order<T>>::Number>;
            type Terms = $Terms;

            fn variable(x: T) -> Self::Number {
                Dual::variable(<$Below as Order<T>>::variable(x))
            }

            fn read(y: &Self::Number, all: &mut [T]) {
                // The tangent's derivatives are one order higher; the last of them is new, the others stand
                // in the primal, too.
                let (value, others) = all.split_at_mut(1);
                <$Below as Order<T>>::read(&y.slope(0), others);
                let mut below = [value[0]; 7];
                <$Below as Order<T>>::read(&y.primal(), &mut below);
                value[0] = below[0];
            }
        }
    };
}

order!(U2, U1, U3);
order!(U3, U2, U4);
order!(U4, U3, U5);
order!(U5, U4, U6);
order!(U6, U5, generic_array::typenum::U7);
