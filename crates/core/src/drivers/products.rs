//! Products with a Jacobian that is never formed: jvp and vjp.

use crate::forward::Tag;
use crate::{Differentiable, Dual, Error, Tape, Var};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;

/// The values of a function, and its Jacobian times `tangent`, in forward mode: the derivatives of the outputs along
/// the tangent.
///
/// Both results have one number for each output.
///
/// # Errors
///
/// [`Error::Length`] if `tangent` does not have one number for each input.
///
/// ```
/// let (values, moves) = dualtape::jvp(|x| vec![x[0] * x[1], x[0] + x[1]], &[3.0, 4.0], &[1.0, 10.0])?;
/// assert_eq!((values, moves), (vec![12.0, 7.0], vec![34.0, 11.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn jvp<T, F>(f: F, x: &[T], tangent: &[T]) -> Result<(Vec<T>, Vec<T>), Error>
where
    T: Differentiable,
    F: FnOnce(&[Dual<T>]) -> Vec<Dual<T>>,
{
    Error::check_length("tangent", "input", x.len(), tangent.len())?;
    let tag = Tag::fresh();
    let moving = |(&x, &t): (&T, &T)| Dual::new(x, GenericArray::generate(|_| t)).tagged(tag);
    let inputs: Vec<_> = x.iter().zip(tangent).map(moving).collect();
    Ok(f(&inputs).iter().map(|y| (y.primal(), y.derivative(0))).unzip())
}

/// The values of a function, and `cotangent` times its Jacobian, in reverse mode: how the outputs, weighted
/// by the cotangent, change with each input.
///
/// The values have one number for each output, and the product has one for each input.
///
/// # Errors
///
/// [`Error::Length`] if `cotangent` does not have one number for each output.
///
/// ```
/// let (values, derivatives) = dualtape::vjp(|x| vec![x[0] * x[1], x[0] + x[1]], &[3.0, 4.0], &[1.0, 10.0])?;
/// assert_eq!((values, derivatives), (vec![12.0, 7.0], vec![14.0, 13.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn vjp<T, F>(f: F, x: &[T], cotangent: &[T]) -> Result<(Vec<T>, Vec<T>), Error>
where
    T: Differentiable,
    F: for<'t> FnOnce(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
{
    let tape = Tape::for_inputs();
    let inputs = tape.vars(x);
    let outputs = f(&inputs);
    Error::check_length("cotangent", "output", outputs.len(), cotangent.len())?;
    let adjoints = tape.weighted_gradient(&outputs, cotangent);
    Ok((outputs.iter().map(Var::primal).collect(), adjoints.of(&inputs)))
}
