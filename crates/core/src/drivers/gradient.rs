//! The gradient of a function of many numbers, in either mode.

use crate::{Differentiable, Dual, Forward, Lanes, Tape, Var};
use generic_array::typenum::U8;

/// The value and the gradient of a function of many numbers, in reverse mode: one evaluation and one sweep,
/// however many inputs there are. The gradient has the length of `x`.
///
/// In a loop, a [`Reverse`](crate::Reverse) keeps the memory from one call to the next.
///
/// ```
/// let (value, gradient) = dualtape::gradient(|x| x[0] * x[1] + x[0], &[32.0, 2.0]);
/// assert_eq!(value, 96.0);
/// assert_eq!(gradient, [3.0, 32.0]);
/// ```
///
/// Call a generic function from a closure. Its name alone does not compile ("implementation of `FnOnce` is not
/// general enough"), because its numbers would have to borrow a tape that does not exist yet:
///
/// ```
/// use dualtape::{Differentiable, gradient};
///
/// fn product<D: Differentiable>(x: &[D]) -> D {
///     x.iter().product()
/// }
///
/// assert_eq!(gradient(|x| product(x), &[2.0, 3.0, 4.0]), (24.0, vec![12.0, 8.0, 6.0]));
/// ```
pub fn gradient<T, F>(f: F, x: &[T]) -> (T, Vec<T>)
where
    T: Differentiable,
    F: for<'t> FnOnce(&[Var<'t, T>]) -> Var<'t, T>,
{
    let tape = Tape::for_inputs();
    let inputs = tape.vars(x);
    let y = f(&inputs);
    (y.primal(), tape.gradient(y).of(&inputs))
}

/// The value and the gradient in forward mode, eight inputs at a time: one evaluation for every eight.
///
/// Best for few inputs; it needs no tape, and its memory does not grow with the computation.
///
/// ```
/// use dualtape::{Differentiable, gradient_forward};
///
/// let (value, gradient) = gradient_forward(|x| x[0] * x[1] + x[0], &[32.0, 2.0]);
/// assert_eq!((value, gradient), (96.0, vec![3.0, 32.0]));
///
/// // A generic function goes by its name.
/// fn product<D: Differentiable>(x: &[D]) -> D {
///     x.iter().product()
/// }
/// assert_eq!(gradient_forward(product, &[2.0, 3.0, 4.0]), (24.0, vec![12.0, 8.0, 6.0]));
/// ```
pub fn gradient_forward<T, F>(f: F, x: &[T]) -> (T, Vec<T>)
where
    T: Differentiable,
    F: Fn(&[Dual<T, U8>]) -> Dual<T, U8>,
{
    gradient_lanes(f, x)
}

/// [`gradient_forward`] with a chosen number of lanes.
///
/// # Panics
///
/// If `N` is 0.
///
/// ```
/// use dualtape::{Dual, gradient_lanes};
/// use dualtape::typenum::U2;
/// let (_, gradient) = gradient_lanes::<_, U2, _>(|x: &[Dual<f64, U2>]| x[0] * x[1] * x[2], &[1.0, 2.0, 3.0]);
/// assert_eq!(gradient, [6.0, 3.0, 2.0]);
/// ```
pub fn gradient_lanes<T, N, F>(f: F, x: &[T]) -> (T, Vec<T>)
where
    T: Differentiable,
    N: Lanes<T>,
    F: Fn(&[Dual<T, N>]) -> Dual<T, N>,
{
    let mut gradient = vec![T::zero(); x.len()];
    let value =
        Forward::with_lanes().gradient(f, x, &mut gradient).expect("the gradient has the length of x");
    (value, gradient)
}
