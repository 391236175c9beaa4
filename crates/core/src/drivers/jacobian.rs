//! Jacobians, in either mode, or in the mode that suits the shape.

use super::dense::{DENSE_LIMIT, or_panic, zeros};
use crate::reverse::WIDTH;
use crate::{Differentiable, Dual, Error, Forward, Reverse, Scalar, Var};
use generic_array::typenum::U8;

/// The values of a function of several outputs, and its Jacobian in forward mode: one evaluation for every
/// eight inputs. The Jacobian has a row for each output, with a number for each input, row after row.
///
/// ```
/// let (values, jacobian) = dualtape::jacobian_forward(|x| vec![x[0] * x[1], x[0] + x[1]], &[3.0, 4.0]);
/// assert_eq!((values, jacobian), (vec![12.0, 7.0], vec![4.0, 3.0, 1.0, 1.0]));
/// ```
///
/// # Panics
///
/// If the Jacobian takes more than [`DENSE_LIMIT`] bytes (see [`jacobian_forward_within`]), or `f` gives different numbers
/// of outputs from one call to the next.
#[track_caller]
pub fn jacobian_forward<T, F>(f: F, x: &[T]) -> (Vec<T>, Vec<T>)
where
    T: Differentiable,
    F: Fn(&[Dual<T, U8>]) -> Vec<Dual<T, U8>>,
{
    or_panic(jacobian_forward_within(DENSE_LIMIT, f, x))
}

/// [`jacobian_forward`], with a Jacobian of at most `limit` bytes in place of [`DENSE_LIMIT`].
///
/// # Errors
///
/// [`Error::DenseTooLarge`] above the limit, after one evaluation, which is needed to know the number of outputs.
///
/// # Panics
///
/// If `f` gives different numbers of outputs from one call to the next.
///
/// ```
/// use dualtape::{Dual, Error, jacobian_forward_within};
/// let f = |x: &[Dual<f64, _>]| vec![x[0] * x[1], x[0] + x[1]];
/// assert!(matches!(jacobian_forward_within(31, f, &[3.0, 4.0]), Err(Error::DenseTooLarge { bytes: 32, .. })));
/// assert_eq!(jacobian_forward_within(32, f, &[3.0, 4.0])?.1, [4.0, 3.0, 1.0, 1.0]);
/// # Ok::<(), Error>(())
/// ```
pub fn jacobian_forward_within<T, F>(limit: usize, f: F, x: &[T]) -> Result<(Vec<T>, Vec<T>), Error>
where
    T: Differentiable,
    F: Fn(&[Dual<T, U8>]) -> Vec<Dual<T, U8>>,
{
    // One evaluation without derivatives tells how many outputs there are.
    let at_rest: Vec<_> = x.iter().map(|&x| Dual::lift(x)).collect();
    let mut values: Vec<_> = f(&at_rest).iter().map(Dual::primal).collect();
    let mut jacobian = zeros("Jacobian", values.len(), x.len(), limit)?;
    let into_slice = |x: &[Dual<T, U8>], y: &mut [Dual<T, U8>]| y.copy_from_slice(&f(x));
    Forward::new().jacobian(into_slice, x, &mut values, &mut jacobian)?;
    Ok((values, jacobian))
}

/// The values of a function of several outputs, and its Jacobian in reverse mode: one evaluation, and one
/// sweep for every eight outputs. The Jacobian has a row for each output, with a number for each input, row
/// after row.
///
/// ```
/// let (values, jacobian) = dualtape::jacobian_reverse(|x| vec![x[0] * x[1], x[0] + x[1]], &[3.0, 4.0]);
/// assert_eq!((values, jacobian), (vec![12.0, 7.0], vec![4.0, 3.0, 1.0, 1.0]));
/// ```
///
/// # Panics
///
/// If the Jacobian takes more than [`DENSE_LIMIT`] bytes; see [`jacobian_reverse_within`].
#[track_caller]
pub fn jacobian_reverse<T, F>(f: F, x: &[T]) -> (Vec<T>, Vec<T>)
where
    T: Differentiable,
    F: for<'t> FnOnce(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
{
    or_panic(jacobian_reverse_within(DENSE_LIMIT, f, x))
}

/// [`jacobian_reverse`], with a Jacobian of at most `limit` bytes in place of [`DENSE_LIMIT`].
///
/// # Errors
///
/// [`Error::DenseTooLarge`] above the limit, after the evaluation, which is needed to know the number of outputs.
///
/// ```
/// use dualtape::{Error, jacobian_reverse_within};
/// let refused = jacobian_reverse_within(31, |x| vec![x[0] * x[1], x[0] + x[1]], &[3.0, 4.0]);
/// assert!(matches!(refused, Err(Error::DenseTooLarge { bytes: 32, .. })));
/// let (_, jacobian) = jacobian_reverse_within(32, |x| vec![x[0] * x[1], x[0] + x[1]], &[3.0, 4.0])?;
/// assert_eq!(jacobian, [4.0, 3.0, 1.0, 1.0]);
/// # Ok::<(), Error>(())
/// ```
pub fn jacobian_reverse_within<T, F>(limit: usize, f: F, x: &[T]) -> Result<(Vec<T>, Vec<T>), Error>
where
    T: Differentiable,
    F: for<'t> FnOnce(&[Var<'t, T>]) -> Vec<Var<'t, T>>,
{
    let tape = crate::Tape::for_inputs();
    let inputs = tape.vars(x);
    let outputs = f(&inputs);
    let mut jacobian = zeros("Jacobian", outputs.len(), x.len(), limit)?;
    tape.jacobian_of(&outputs, &inputs, &mut jacobian);
    Ok((outputs.iter().map(Var::primal).collect(), jacobian))
}

/// A function of several inputs and outputs that works with any type of number. A closure cannot do this, and it is
/// needed where the mode is chosen at run time.
///
/// ```
/// use dualtape::{Differentiable, Function, jacobian};
///
/// struct Polar;
///
/// impl Function<f64> for Polar {
///     fn outputs(&self, _inputs: usize) -> usize {
///         2
///     }
///
///     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
///         y[0] = x[0] * x[1].cos();
///         y[1] = x[0] * x[1].sin();
///     }
/// }
///
/// let (_, derivatives) = jacobian(Polar, &[2.0, 0.0]);
/// assert_eq!(derivatives, [1.0, -0.0, 0.0, 2.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Function` of `{F}` numbers of every kind",
    label = "a `Function` is needed here",
    note = "a closure works with numbers of one kind only: pass it to `jacobian_forward` or `jacobian_reverse`",
    note = "to have the mode chosen by shape, implement `dualtape::Function` for a struct"
)]
pub trait Function<F: Scalar> {
    /// The number of outputs for the given number of inputs.
    fn outputs(&self, inputs: usize) -> usize;

    /// Writes the outputs at `x` into `y`, which has one element for each output, all of them zero.
    fn call<D: Differentiable<Scalar = F>>(&self, x: &[D], y: &mut [D]);
}

impl<F: Scalar, T: Function<F>> Function<F> for &T {
    fn outputs(&self, inputs: usize) -> usize {
        T::outputs(self, inputs)
    }

    fn call<D: Differentiable<Scalar = F>>(&self, x: &[D], y: &mut [D]) {
        T::call(self, x, y);
    }
}

/// The values and the Jacobian of a function in the mode that suits its shape; see [`Jacobian`]. The Jacobian
/// has a row for each output, with a number for each input, row after row.
///
/// The mode decides which type of number the function is called with, so `f` is a [`Function`], which works with
/// every type. A closure works with one type: pass it to [`jacobian_forward`] or [`jacobian_reverse`].
///
/// ```
/// use dualtape::{Differentiable, Function, jacobian};
///
/// /// The products of neighbours: one output fewer than inputs.
/// struct Neighbours;
///
/// impl Function<f64> for Neighbours {
///     fn outputs(&self, inputs: usize) -> usize {
///         inputs - 1
///     }
///
///     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
///         for (y, pair) in y.iter_mut().zip(x.windows(2)) {
///             *y = pair[0] * pair[1];
///         }
///     }
/// }
///
/// let (values, derivatives) = jacobian(Neighbours, &[1.0, 2.0, 3.0]);
/// assert_eq!((values, derivatives), (vec![2.0, 6.0], vec![2.0, 1.0, 0.0, 0.0, 3.0, 2.0]));
/// ```
///
/// # Panics
///
/// If the Jacobian takes more than [`DENSE_LIMIT`] bytes; see [`jacobian_within`].
#[track_caller]
pub fn jacobian<F: Scalar>(f: impl Function<F>, x: &[F]) -> (Vec<F>, Vec<F>) {
    or_panic(jacobian_within(DENSE_LIMIT, f, x))
}

/// [`jacobian`], with a Jacobian of at most `limit` bytes in place of [`DENSE_LIMIT`].
///
/// # Errors
///
/// [`Error::DenseTooLarge`] above the limit, before the function is evaluated.
///
/// ```
/// use dualtape::{DENSE_LIMIT, Differentiable, Error, Function, jacobian_within};
///
/// struct Squares;
///
/// impl Function<f64> for Squares {
///     fn outputs(&self, inputs: usize) -> usize {
///         inputs
///     }
///
///     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
///         y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * x);
///     }
/// }
///
/// let refused = jacobian_within(DENSE_LIMIT, Squares, &[1.0; 10_000]).unwrap_err();
/// assert!(refused.to_string().starts_with("a dense Jacobian of 10000 rows and 10000 columns takes 800000000 bytes"));
/// assert_eq!(jacobian_within(32, Squares, &[1.0, 2.0])?.1, [2.0, 0.0, 0.0, 4.0]);
/// # Ok::<(), Error>(())
/// ```
pub fn jacobian_within<F: Scalar>(
    limit: usize,
    f: impl Function<F>,
    x: &[F],
) -> Result<(Vec<F>, Vec<F>), Error> {
    let (rows, columns) = (f.outputs(x.len()), x.len());
    let mut jacobian = zeros("Jacobian", rows, columns, limit)?;
    let mut values = vec![F::zero(); rows];
    Jacobian::new().evaluate(f, x, &mut values, &mut jacobian)?;
    Ok((values, jacobian))
}

/// Jacobians in the mode that suits the shape, for loops; it allocates nothing once its buffers are large enough.
///
/// It uses forward mode if there are at most eight inputs, or no more inputs than outputs, and otherwise reverse
/// mode.
///
/// ```
/// # use dualtape::{Differentiable, Function};
/// # struct Square;
/// # impl Function<f64> for Square {
/// #     fn outputs(&self, inputs: usize) -> usize { inputs }
/// #     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) { y[0] = x[0] * x[0]; }
/// # }
/// let (mut values, mut derivatives) = ([0.0], [0.0]);
/// dualtape::Jacobian::new().evaluate(Square, &[3.0], &mut values, &mut derivatives)?;
/// assert_eq!((values, derivatives), ([9.0], [6.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Jacobian<F: Scalar> {
    forward: Forward<F>,
    reverse: Reverse<F>,
}

impl<F: Scalar> Jacobian<F> {
    /// Empty buffers.
    ///
    /// ```
    /// # use dualtape::{Differentiable, Function};
    /// # struct Square;
    /// # impl Function<f64> for Square {
    /// #     fn outputs(&self, inputs: usize) -> usize { inputs }
    /// #     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
    /// #         for (y, &x) in y.iter_mut().zip(x) { *y = x * x; }
    /// #     }
    /// # }
    /// use dualtape::Jacobian;
    /// // The same buffers serve functions and points of any size. `Square` squares each input.
    /// let mut jacobian = Jacobian::new();
    /// jacobian.evaluate(Square, &[1.0; 20], &mut [0.0; 20], &mut [0.0; 400])?;
    /// let mut derivative = [0.0];
    /// jacobian.evaluate(Square, &[3.0], &mut [0.0], &mut derivative)?;
    /// assert_eq!(derivative, [6.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new() -> Self {
        Self { forward: Forward::new(), reverse: Reverse::new() }
    }

    /// Writes the values of `f` at `x` into `values`, and its Jacobian into `jacobian`: a row for each
    /// output, with a number for each input.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `values` does not have one number for each output of `f`, or `jacobian` does not hold
    /// `values.len() · x.len()` numbers.
    ///
    /// ```
    /// # use dualtape::{Differentiable, Function};
    /// # struct Square;
    /// # impl Function<f64> for Square {
    /// #     fn outputs(&self, inputs: usize) -> usize { inputs }
    /// #     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
    /// #         for (y, &x) in y.iter_mut().zip(x) { *y = x * x; }
    /// #     }
    /// # }
    /// use dualtape::{Error, Jacobian};
    /// // `Square` squares each input.
    /// let (mut values, mut derivatives) = ([0.0; 2], [0.0; 4]);
    /// Jacobian::new().evaluate(Square, &[3.0, 4.0], &mut values, &mut derivatives)?;
    /// assert_eq!((values, derivatives), ([9.0, 16.0], [6.0, 0.0, 0.0, 8.0]));
    ///
    /// let short = Jacobian::new().evaluate(Square, &[3.0, 4.0], &mut values, &mut [0.0; 2]);
    /// assert!(matches!(short, Err(Error::Length { expected: 4, given: 2, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn evaluate(
        &mut self,
        f: impl Function<F>,
        x: &[F],
        values: &mut [F],
        jacobian: &mut [F],
    ) -> Result<(), Error> {
        let (rows, columns) = (f.outputs(x.len()), x.len());
        Error::check_length("slice of values", "output", rows, values.len())?;
        if columns <= WIDTH || columns <= rows {
            self.forward.jacobian(|x, y| f.call(x, y), x, values, jacobian)
        } else {
            self.reverse.jacobian(|x, y| f.call(x, y), x, values, jacobian)
        }
    }
}
