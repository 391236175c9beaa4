//! Drivers for functions of arrays, with lengths that the compiler checks.
//!
//! Points are `[T; N]`, gradients `[T; N]`, Jacobians `[[T; N]; M]` with a row for each output. No length can be
//! wrong, so none of these drivers returns an error, and a closure can destructure its array in its parameter list:
//!
//! ```
//! use dualtape::{Float, arrays};
//!
//! let (values, jacobian) = arrays::jacobian_forward(|[r, phi]| [r * phi.cos(), r * phi.sin()], [2.0_f64, 0.0]);
//! assert_eq!(values, [2.0, 0.0]);
//! assert_eq!(jacobian, [[1.0, -0.0], [0.0, 2.0]]);
//! ```
//!
//! Forward drivers seed all `N` inputs at once, in one evaluation. This is fast for up to some tens of inputs; for
//! more, use reverse mode. Arrays may have up to 1024 numbers, and some larger lengths that generic-array knows.
//!
//! # Generic functions
//!
//! A forward driver accepts a generic function by its name. A reverse driver needs a closure, `|x| f(x)`, because its
//! numbers borrow a tape:
//!
//! ```
//! use dualtape::{Differentiable, arrays};
//!
//! fn product<D: Differentiable>([x, y, z]: [D; 3]) -> D {
//!     x * y * z
//! }
//!
//! assert_eq!(arrays::gradient_forward(product, [2.0, 3.0, 4.0]), (24.0, [12.0, 8.0, 6.0]));
//! assert_eq!(arrays::gradient(|x| product(x), [2.0, 3.0, 4.0]), (24.0, [12.0, 8.0, 6.0]));
//! ```

use crate::forward::Tag;
use crate::{Differentiable, Lanes, Tape, Var};
use generic_array::typenum::Const;
use generic_array::{ConstArrayLength, GenericArray, IntoArrayLength};
use std::array::from_fn;

/// A [`Dual`](crate::Dual) number with its number of tangents written as an integer: `Dual<f64, 4>`.
///
/// ```
/// use dualtape::arrays::Dual;
/// let (x, y) = (Dual::<f64, 2>::along(3.0, 0), Dual::<f64, 2>::along(4.0, 1));
/// assert_eq!((x * y).tangent()[..], [4.0, 3.0]);
/// ```
pub type Dual<T, const N: usize> = crate::Dual<T, ConstArrayLength<N>>;

/// The value and the gradient of a function of an array, in reverse mode: one evaluation and one sweep.
///
/// ```
/// let (value, gradient) = dualtape::arrays::gradient(|[x, y]| x * y + x, [32.0, 2.0]);
/// assert_eq!((value, gradient), (96.0, [3.0, 32.0]));
/// ```
pub fn gradient<T, F, const N: usize>(f: F, x: [T; N]) -> (T, [T; N])
where
    T: Differentiable,
    F: for<'t> FnOnce([Var<'t, T>; N]) -> Var<'t, T>,
{
    let tape = Tape::for_inputs();
    let inputs = x.map(|x| tape.var(x));
    let y = f(inputs);
    let adjoints = tape.gradient(y);
    (y.primal(), inputs.map(|x| adjoints[x]))
}

/// The value and the gradient of a function of an array, in forward mode: one evaluation, without a tape.
///
/// ```
/// let (value, gradient) = dualtape::arrays::gradient_forward(|[x, y]| x * y + x, [32.0, 2.0]);
/// assert_eq!((value, gradient), (96.0, [3.0, 32.0]));
/// ```
pub fn gradient_forward<T, F, const N: usize>(f: F, x: [T; N]) -> (T, [T; N])
where
    T: Differentiable,
    Const<N>: IntoArrayLength<ArrayLength: Lanes<T>>,
    F: FnOnce([Dual<T, N>; N]) -> Dual<T, N>,
{
    let y = f(moving(x));
    (y.primal(), tangent(&y))
}

/// The values and the Jacobian of a function from an array to an array, in forward mode: one evaluation.
///
/// ```
/// let (values, jacobian) = dualtape::arrays::jacobian_forward(|[x, y]| [x * y, x + y, x], [3.0, 4.0]);
/// assert_eq!((values, jacobian), ([12.0, 7.0, 3.0], [[4.0, 3.0], [1.0, 1.0], [1.0, 0.0]]));
/// ```
pub fn jacobian_forward<T, F, const N: usize, const M: usize>(f: F, x: [T; N]) -> ([T; M], [[T; N]; M])
where
    T: Differentiable,
    Const<N>: IntoArrayLength<ArrayLength: Lanes<T>>,
    F: FnOnce([Dual<T, N>; N]) -> [Dual<T, N>; M],
{
    let y = f(moving(x));
    (y.map(|y| y.primal()), y.map(|y| tangent(&y)))
}

/// The values and the Jacobian of a function from an array to an array, in reverse mode: one evaluation, and a sweep for
/// every eight outputs.
///
/// ```
/// let (values, jacobian) = dualtape::arrays::jacobian_reverse(|[x, y]| [x * y, x + y, x], [3.0, 4.0]);
/// assert_eq!((values, jacobian), ([12.0, 7.0, 3.0], [[4.0, 3.0], [1.0, 1.0], [1.0, 0.0]]));
/// ```
pub fn jacobian_reverse<T, F, const N: usize, const M: usize>(f: F, x: [T; N]) -> ([T; M], [[T; N]; M])
where
    T: Differentiable,
    F: for<'t> FnOnce([Var<'t, T>; N]) -> [Var<'t, T>; M],
{
    let tape = Tape::for_inputs();
    let inputs = x.map(|x| tape.var(x));
    let outputs = f(inputs);
    let mut jacobian = [[T::zero(); N]; M];
    tape.jacobian_of(&outputs, &inputs, jacobian.as_flattened_mut());
    (outputs.map(|y| y.primal()), jacobian)
}

/// The values of a function, and its Jacobian times `tangent`, in forward mode.
///
/// ```
/// let (values, product) = dualtape::arrays::jvp(|[x, y]| [x * y, x + y, x], [3.0, 4.0], [1.0, 10.0]);
/// assert_eq!((values, product), ([12.0, 7.0, 3.0], [34.0, 11.0, 1.0]));
/// ```
pub fn jvp<T, F, const N: usize, const M: usize>(f: F, x: [T; N], tangent: [T; N]) -> ([T; M], [T; M])
where
    T: Differentiable,
    F: FnOnce([crate::Dual<T>; N]) -> [crate::Dual<T>; M],
{
    let y = f(seeded(x, tangent));
    (y.map(|y| y.primal()), y.map(|y| y.derivative(0)))
}

/// The values of a function, and `cotangent` times its Jacobian, in reverse mode.
///
/// ```
/// let (values, product) = dualtape::arrays::vjp(|[x, y]| [x * y, x + y, x], [3.0, 4.0], [1.0, 10.0, 100.0]);
/// assert_eq!((values, product), ([12.0, 7.0, 3.0], [114.0, 13.0]));
/// ```
pub fn vjp<T, F, const N: usize, const M: usize>(f: F, x: [T; N], cotangent: [T; M]) -> ([T; M], [T; N])
where
    T: Differentiable,
    F: for<'t> FnOnce([Var<'t, T>; N]) -> [Var<'t, T>; M],
{
    let tape = Tape::for_inputs();
    let inputs = x.map(|x| tape.var(x));
    let outputs = f(inputs);
    let adjoints = tape.weighted_gradient(&outputs, &cotangent);
    (outputs.map(|y| y.primal()), inputs.map(|x| adjoints[x]))
}

/// The value, the gradient and the Hessian of a function of an array: one recording and one sweep of numbers with a
/// tangent for every input.
///
/// ```
/// let (value, gradient, hessian) = dualtape::arrays::hessian(|[x, y]| x * x * y, [3.0, 4.0]);
/// assert_eq!((value, gradient, hessian), (36.0, [24.0, 9.0], [[8.0, 6.0], [6.0, 0.0]]));
/// ```
pub fn hessian<T, F, const N: usize>(f: F, x: [T; N]) -> (T, [T; N], [[T; N]; N])
where
    T: Differentiable,
    Const<N>: IntoArrayLength<ArrayLength: Lanes<T>>,
    F: for<'t> FnOnce([Var<'t, Dual<T, N>>; N]) -> Var<'t, Dual<T, N>>,
{
    let (value, gradient) = gradient(f, moving(x));
    (value.primal(), gradient.map(|g| g.primal()), gradient.map(|g| tangent(&g)))
}

/// The value, the gradient, and the Hessian times `direction`: one recording and one sweep.
///
/// ```
/// let (value, gradient, product) = dualtape::arrays::hvp(|[x, y]| x * x * y, [3.0, 4.0], [1.0, 10.0]);
/// assert_eq!((value, gradient, product), (36.0, [24.0, 9.0], [68.0, 6.0]));
/// ```
pub fn hvp<T, F, const N: usize>(f: F, x: [T; N], direction: [T; N]) -> (T, [T; N], [T; N])
where
    T: Differentiable,
    F: for<'t> FnOnce([Var<'t, crate::Dual<T>>; N]) -> Var<'t, crate::Dual<T>>,
{
    let (value, gradient) = gradient(f, seeded(x, direction));
    (value.primal(), gradient.map(|g| g.primal()), gradient.map(|g| g.derivative(0)))
}

/// The inputs, seeded with a tangent.
fn seeded<T: Differentiable, const N: usize>(x: [T; N], tangent: [T; N]) -> [crate::Dual<T>; N] {
    let tag = Tag::fresh();
    from_fn(|i| crate::Dual::new(x[i], GenericArray::from([tangent[i]])).tagged(tag))
}

/// The inputs, each seeded in its own lane.
fn moving<T, const N: usize>(x: [T; N]) -> [Dual<T, N>; N]
where
    T: Differentiable,
    Const<N>: IntoArrayLength<ArrayLength: Lanes<T>>,
{
    let tag = Tag::fresh();
    from_fn(|i| Dual::<T, N>::along(x[i], i).tagged(tag))
}

fn tangent<T, const N: usize>(y: &Dual<T, N>) -> [T; N]
where
    T: Differentiable,
    Const<N>: IntoArrayLength<ArrayLength: Lanes<T>>,
{
    let tangent = y.tangent();
    from_fn(|lane| tangent[lane])
}
