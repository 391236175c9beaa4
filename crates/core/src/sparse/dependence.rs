//! Patterns from one evaluation of a function, without recording it.

use super::index_sets::IndexSets;
use super::pattern::Pattern;
use super::tracer::Tracer;
use crate::{Differentiable, Error, Function, Scalar, Var, gradient};
use num_traits::Zero;

/// The values of a function of several outputs at `x`, and the positions of the entries of its Jacobian: a row for
/// each output, a column for each input. The function is evaluated once, with [`Tracer`]s, and not recorded.
///
/// The pattern holds wherever the function takes the same branches (`if`) as at `x`. It has each entry that can be
/// nonzero there, and may have more: entries that cancel, as in `x - x`, and products with zero. If the entries
/// depend on branches, unite the patterns of several points, or write choices with
/// [`select`](crate::Differentiable::select), both sides of which are in the pattern.
///
/// As for reverse drivers, write a closure in the call (`|x| f(x)`), because the numbers borrow their sets.
///
/// # Errors
///
/// [`Error::NotAPattern`] if there are 2³² − 1 or more inputs, 2³² or more entries, or sets of inputs with 2³² or
/// more parts.
///
/// ```
/// use dualtape::sparse::jacobian_pattern;
/// // A chain of springs: the force on each mass hangs on its neighbours.
/// let (values, pattern) = jacobian_pattern(
///     |x| (1..x.len() - 1).map(|i| x[i - 1] - x[i] * 2.0 + x[i + 1]).collect(),
///     &[0.0, 1.0, 4.0, 9.0],
/// )?;
/// assert_eq!(values, [2.0, 2.0]);
/// assert_eq!((pattern.row(0), pattern.row(1)), (&[0, 1, 2][..], &[1, 2, 3][..]));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn jacobian_pattern<T, F>(f: F, x: &[T]) -> Result<(Vec<T>, Pattern), Error>
where
    T: Scalar,
    F: for<'t> FnOnce(&[Tracer<'t, T>]) -> Vec<Tracer<'t, T>>,
{
    let sets = sets_of(x)?;
    let outputs = f(&inputs(&sets, x));
    Ok((outputs.iter().map(Differentiable::value).collect(), pattern(&sets, &outputs)?))
}

/// The pattern of the Jacobian of a [`Function`] at `x`; see [`jacobian_pattern`].
///
/// # Errors
///
/// The errors of [`jacobian_pattern`].
pub(super) fn function_pattern<T: Scalar>(f: &impl Function<T>, x: &[T]) -> Result<Pattern, Error> {
    let sets = sets_of(x)?;
    let mut outputs = vec![Tracer::zero(); f.outputs(x.len())];
    f.call(&inputs(&sets, x), &mut outputs);
    pattern(&sets, &outputs)
}

/// The value and the gradient of a function at `x`, and the positions of the entries of its Hessian: a row and a
/// column for each input, symmetric. The function is evaluated once, on a tape of [`Tracer`]s, and swept back.
///
/// Terms that are linear in an input add no entry. Otherwise, what [`jacobian_pattern`] says applies here to the
/// gradient.
///
/// # Errors
///
/// The errors of [`jacobian_pattern`].
///
/// ```
/// use dualtape::sparse::hessian_pattern;
/// let (value, gradient, pattern) = hessian_pattern(|x| x[0] * x[1] + x[1] * 3.0 - x[2], &[1.0, 2.0, 3.0])?;
/// assert_eq!((value, gradient), (5.0, vec![2.0, 4.0, -1.0]));
/// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(0, 1), (1, 0)]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn hessian_pattern<T, F>(f: F, x: &[T]) -> Result<(T, Vec<T>, Pattern), Error>
where
    T: Scalar,
    F: for<'v, 't> FnOnce(&[Var<'v, Tracer<'t, T>>]) -> Var<'v, Tracer<'t, T>>,
{
    let sets = sets_of(x)?;
    let (value, derivatives) = gradient(|x| f(x), &inputs(&sets, x));
    let pattern = pattern(&sets, &derivatives)?;
    let plain = |number: &Tracer<'_, T>| Differentiable::value(number);
    Ok((plain(&value), derivatives.iter().map(plain).collect(), pattern))
}

fn sets_of<T>(x: &[T]) -> Result<IndexSets, Error> {
    match u32::try_from(x.len()) {
        Ok(inputs) if inputs < u32::MAX => Ok(IndexSets::new(inputs)),
        _ => Err(Error::NotAPattern { reason: format!("{} inputs are more than 2³² − 2", x.len()) }),
    }
}

fn inputs<'t, T: Scalar>(sets: &'t IndexSets, x: &[T]) -> Vec<Tracer<'t, T>> {
    x.iter().zip(0..).map(|(&x, input)| Tracer::input(sets, x, input)).collect()
}

fn pattern<T: Scalar>(sets: &IndexSets, outputs: &[Tracer<'_, T>]) -> Result<Pattern, Error> {
    sets.pattern(&outputs.iter().map(|y| y.set_in(sets)).collect::<Vec<_>>())
}
