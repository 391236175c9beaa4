//! Derivatives of functions of structures, as structures: the drivers of slices, with the numbers copied out and in.

use super::{Like, Parameters, check_tensors, rebuild};
use crate::{Dual, Error, Var};
use generic_array::typenum::U8;

/// A function from `X` to `Y`: whatever implements `FnOnce(X) -> Y`.
///
/// In a bound of a reverse driver, the result borrows a tape that the argument names only inside of
/// [`With`](Parameters::With). The notation `FnOnce(X) -> Y` does not allow that; a trait of two parameters does.
///
/// ```
/// use dualtape::parameters::Maps;
/// fn call<X, Y>(f: impl Maps<X, Y>, x: X) -> Y {
///     f(x)
/// }
/// assert_eq!(call(|x: f64| x as i32, 3.5), 3);
/// ```
pub trait Maps<X, Y>: FnOnce(X) -> Y {}

impl<X, Y, F: FnOnce(X) -> Y> Maps<X, Y> for F {}

/// The value and the gradient of a function of a structure, in reverse mode: one evaluation and one sweep. The gradient is
/// a structure with the shapes of `x`.
///
/// ```
/// let point = (vec![[1.0, 2.0], [3.0, 4.0]], 5.0);
/// let (value, gradient) = dualtape::parameters::gradient(|(a, b)| a[0][0] * a[1][1] * *b, &point);
/// assert_eq!(value, 20.0);
/// assert_eq!(gradient, (vec![[20.0, 0.0], [0.0, 5.0]], 4.0));
/// ```
pub fn gradient<P, F>(f: F, x: &P) -> (P::Number, Like<P>)
where
    P: Parameters,
    F: for<'x, 't> Maps<&'x P::With<Var<'t, P::Number>>, Var<'t, P::Number>>,
{
    let (value, gradient) = crate::gradient(|numbers| f(&rebuild(x, numbers)), &x.numbers());
    (value, rebuild(x, &gradient))
}

/// The value and the gradient of a function of a structure, in forward mode: one evaluation for every eight numbers, and no
/// tape. The gradient is a structure with the shapes of `x`.
///
/// ```
/// use dualtape::{Differentiable, parameters};
///
/// // A generic function goes by its name.
/// fn product<D: Differentiable>((x, y): &([D; 2], D)) -> D {
///     x[0] * x[1] * *y
/// }
///
/// let (value, gradient) = parameters::gradient_forward(product, &([2.0, 3.0], 4.0));
/// assert_eq!((value, gradient), (24.0, ([12.0, 8.0], 6.0)));
/// ```
pub fn gradient_forward<P, F>(f: F, x: &P) -> (P::Number, Like<P>)
where
    P: Parameters,
    F: Fn(&P::With<Dual<P::Number, U8>>) -> Dual<P::Number, U8>,
{
    let (value, gradient) = crate::gradient_forward(|numbers| f(&rebuild(x, numbers)), &x.numbers());
    (value, rebuild(x, &gradient))
}

/// The value, the gradient, and the Hessian times `direction`, of a function of a structure, in one recording and one
/// sweep. The gradient and the product are structures with the shapes of `x`.
///
/// # Errors
///
/// [`Error::Tensor`] if the tensors of `direction` do not have the names and shapes of those of `x`.
///
/// ```
/// let (point, direction) = (([3.0], 4.0), ([1.0], 10.0));
/// let (value, gradient, product) = dualtape::parameters::hvp(|(x, y)| x[0] * x[0] * *y, &point, &direction)?;
/// assert_eq!((value, gradient, product), (36.0, ([24.0], 9.0), ([68.0], 6.0)));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[allow(clippy::type_complexity)] // value, gradient, product
pub fn hvp<P, F>(f: F, x: &P, direction: &P) -> Result<(P::Number, Like<P>, Like<P>), Error>
where
    P: Parameters,
    F: for<'x, 't> Maps<&'x P::With<Var<'t, Dual<P::Number>>>, Var<'t, Dual<P::Number>>>,
{
    check_tensors("direction", &x.tensors(), direction)?;
    let (value, gradient, product) =
        crate::hvp(|numbers| f(&rebuild(x, numbers)), &x.numbers(), &direction.numbers())?;
    Ok((value, rebuild(x, &gradient), rebuild(x, &product)))
}

/// The values of a function from a structure to a structure, and its Jacobian times `tangent`, in forward mode: the
/// derivatives of the outputs along the tangent. Both results are structures with the shapes of the outputs.
///
/// # Errors
///
/// [`Error::Tensor`] if the tensors of `tangent` do not have the names and shapes of those of `x`.
///
/// ```
/// let (values, moves) = dualtape::parameters::jvp(
///     |(x, y)| (x[0] * *y, vec![x[0] + *y]),
///     &([3.0], 4.0),
///     &([1.0], 10.0),
/// )?;
/// assert_eq!((values, moves), ((12.0, vec![7.0]), (34.0, vec![11.0])));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[allow(clippy::type_complexity)] // values, product
pub fn jvp<P, Q, F>(f: F, x: &P, tangent: &P) -> Result<(Q::With<P::Number>, Q::With<P::Number>), Error>
where
    P: Parameters,
    Q: Parameters<Number = Dual<P::Number>>,
    F: FnOnce(&P::With<Dual<P::Number>>) -> Q,
{
    check_tensors("tangent", &x.tensors(), tangent)?;
    let mut outputs = None;
    let of_slice = |numbers: &[_]| outputs.insert(f(&rebuild(x, numbers))).numbers();
    let (values, product) = crate::jvp(of_slice, &x.numbers(), &tangent.numbers())?;
    let outputs = outputs.expect("the function was called");
    Ok((rebuild(&outputs, &values), rebuild(&outputs, &product)))
}

/// The values of a function from a structure to a structure, and `cotangent` times its Jacobian, in reverse mode: how the
/// outputs, weighted by the cotangent, change with each input. The values are a structure with the shapes of the cotangent,
/// and the product is one with the shapes of `x`.
///
/// # Errors
///
/// [`Error::Tensor`] if the tensors of `cotangent` do not have the names and shapes of those of the outputs.
///
/// ```
/// let (values, product) = dualtape::parameters::vjp(
///     |(x, y)| (x[0] * *y, vec![x[0] + *y]),
///     &([3.0], 4.0),
///     &(1.0, vec![10.0]),
/// )?;
/// assert_eq!((values, product), ((12.0, vec![7.0]), ([14.0], 13.0)));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn vjp<P, Q, F>(f: F, x: &P, cotangent: &Q) -> Result<(Like<Q>, Like<P>), Error>
where
    P: Parameters,
    Q: Parameters<Number = P::Number>,
    F: for<'x, 't> Maps<&'x P::With<Var<'t, P::Number>>, Q::With<Var<'t, P::Number>>>,
{
    let mut checked = Ok(());
    let done = crate::vjp(
        |numbers| {
            let outputs = f(&rebuild(x, numbers));
            checked = check_tensors("cotangent", &outputs.tensors(), cotangent);
            outputs.numbers()
        },
        &x.numbers(),
        &cotangent.numbers(),
    );
    checked?;
    let (values, product) = done?;
    Ok((rebuild(cotangent, &values), rebuild(x, &product)))
}
