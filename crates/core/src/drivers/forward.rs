//! `Forward`: forward mode for loops, which allocates nothing once its buffers are large enough.

use crate::forward::Tag;
use crate::{Differentiable, Dual, Error, Lanes};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::U8;

/// The inputs of a function as dual numbers, in memory that is reused by each evaluation.
///
/// Each evaluation differentiates along `N` inputs: a function of `n` inputs is evaluated ⌈n / N⌉ times, and once if
/// `n` is 0.
///
/// ```
/// use dualtape::{Dual, Forward};
///
/// let mut forward: Forward<f64> = Forward::new();
/// let mut gradient = [0.0; 2];
/// let value = forward.gradient(|x| x[0] * x[1] + x[0], &[32.0, 2.0], &mut gradient)?;
/// assert_eq!((value, gradient), (96.0, [3.0, 32.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug)]
pub struct Forward<T: Differentiable, N: Lanes<T> = U8> {
    inputs: Vec<Dual<T, N>>,
    outputs: Vec<Dual<T, N>>,
    /// Whether the first inputs are seeded, each in its own lane, and the others have zero tangents.
    at_start: bool,
    /// Of all evaluations: they take turns, so none is within another.
    tag: Tag,
}

impl<T: Differentiable, N: Lanes<T>> Default for Forward<T, N> {
    fn default() -> Self {
        Self::with_lanes()
    }
}

impl<T: Differentiable> Forward<T> {
    /// Empty buffers for eight inputs at a time; [`with_lanes`](Self::with_lanes) takes another number.
    ///
    /// ```
    /// use dualtape::Forward;
    /// let (mut forward, mut gradient) = (Forward::new(), [0.0; 3]);
    /// let value = forward.gradient(|x| x[0] * x[1] * x[2], &[1.0, 2.0, 3.0], &mut gradient)?;
    /// assert_eq!((value, gradient), (6.0, [6.0, 3.0, 2.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::with_lanes()
    }
}

impl<T: Differentiable, N: Lanes<T>> Forward<T, N> {
    /// Empty buffers for `N` inputs at a time.
    ///
    /// # Panics
    ///
    /// If `N` is 0.
    ///
    /// ```
    /// use dualtape::{Forward, typenum::U3};
    /// // As many lanes as inputs: one evaluation, and no lane is idle.
    /// let (mut three, mut gradient) = (Forward::<f64, U3>::with_lanes(), [0.0; 3]);
    /// three.gradient(|x| x[0] * x[1] * x[2], &[1.0, 2.0, 3.0], &mut gradient)?;
    /// assert_eq!(gradient, [6.0, 3.0, 2.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn with_lanes() -> Self {
        assert!(N::USIZE > 0, "forward mode needs at least one lane");
        Self { inputs: Vec::new(), outputs: Vec::new(), at_start: false, tag: Tag::fresh() }
    }

    /// Writes the gradient of `f` at `x` into `gradient`, and returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` does not have the length of `x`.
    ///
    /// ```
    /// use dualtape::{Forward, typenum::U2};
    /// let mut gradient = [0.0; 2];
    /// // As many lanes as inputs: one evaluation.
    /// let value = Forward::<f64, U2>::with_lanes().gradient(|x| x[0] * x[1], &[3.0, 4.0], &mut gradient)?;
    /// assert_eq!((value, gradient), (12.0, [4.0, 3.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn gradient<F>(&mut self, f: F, x: &[T], gradient: &mut [T]) -> Result<T, Error>
    where
        F: Fn(&[Dual<T, N>]) -> Dual<T, N>,
    {
        Error::check_length("gradient", "input", x.len(), gradient.len())?;
        self.hold(x);
        let mut y = f(&self.inputs);
        let (first, others) = gradient.split_at_mut(N::USIZE.min(x.len()));
        first.copy_from_slice(&y.tangent()[..first.len()]);
        for (k, derivatives) in others.chunks_mut(N::USIZE).enumerate() {
            self.advance(k * N::USIZE);
            y = f(&self.inputs);
            derivatives.copy_from_slice(&y.tangent()[..derivatives.len()]);
        }
        Ok(y.primal())
    }

    /// Writes the values of `f` at `x` into `values`, and its Jacobian into `jacobian`: a row for each
    /// output, with a number for each input.
    ///
    /// `f` writes its outputs into the slice that it is given, which has the length of `values` and holds zeros.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `jacobian` does not hold `values.len() · x.len()` numbers.
    ///
    /// ```
    /// let (mut values, mut jacobian) = ([0.0; 2], [0.0; 4]);
    /// dualtape::Forward::<f64>::new().jacobian(
    ///     |x, y| {
    ///         y[0] = x[0] * x[1];
    ///         y[1] = x[0] + x[1];
    ///     },
    ///     &[3.0, 4.0],
    ///     &mut values,
    ///     &mut jacobian,
    /// )?;
    /// assert_eq!((values, jacobian), ([12.0, 7.0], [4.0, 3.0, 1.0, 1.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jacobian<F>(&mut self, f: F, x: &[T], values: &mut [T], jacobian: &mut [T]) -> Result<(), Error>
    where
        F: Fn(&[Dual<T, N>], &mut [Dual<T, N>]),
    {
        let (rows, columns) = (values.len(), x.len());
        Error::check_length("Jacobian", "output and input", rows * columns, jacobian.len())?;
        self.hold(x);
        self.outputs.clear();
        self.outputs.resize(rows, Dual::lift(T::zero()));
        for start in (0..columns.max(1)).step_by(N::USIZE) {
            if start > 0 {
                self.advance(start - N::USIZE);
                // The function may add to what it finds, as on the first call.
                self.outputs.fill(Dual::lift(T::zero()));
            }
            f(&self.inputs, &mut self.outputs);
            let count = N::USIZE.min(columns - start);
            for (row, y) in self.outputs.iter().enumerate() {
                values[row] = y.primal();
                jacobian[row * columns + start..][..count].copy_from_slice(&y.tangent()[..count]);
            }
        }
        Ok(())
    }

    /// Writes the values of `f` at `x` into `values`, and its Jacobian times `tangent` into `product`, in one
    /// evaluation. Both have one number for each output.
    ///
    /// `f` writes its outputs into the slice that it is given, which has the length of `values` and holds zeros.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `tangent` does not have the length of `x`, or `product` does not have that of `values`.
    ///
    /// ```
    /// let (mut values, mut product) = ([0.0], [0.0]);
    /// let f = |x: &[dualtape::Dual<f64, _>], y: &mut [dualtape::Dual<f64, _>]| y[0] = x[0] * x[1];
    /// dualtape::Forward::<f64>::new().jvp(f, &[3.0, 4.0], &[1.0, 10.0], &mut values, &mut product)?;
    /// assert_eq!((values, product), ([12.0], [34.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn jvp<F>(
        &mut self,
        f: F,
        x: &[T],
        tangent: &[T],
        values: &mut [T],
        product: &mut [T],
    ) -> Result<(), Error>
    where
        F: FnOnce(&[Dual<T, N>], &mut [Dual<T, N>]),
    {
        Error::check_length("tangent", "input", x.len(), tangent.len())?;
        Error::check_length("product", "output", values.len(), product.len())?;
        let first = |t| GenericArray::generate(|lane| if lane == 0 { t } else { T::zero() });
        let tag = self.tag;
        self.at_start = false;
        self.inputs.clear();
        self.inputs.extend(x.iter().zip(tangent).map(|(&x, &t)| Dual::new(x, first(t)).tagged(tag)));
        self.outputs.clear();
        self.outputs.resize(values.len(), Dual::lift(T::zero()));
        f(&self.inputs, &mut self.outputs);
        for ((y, value), moved) in self.outputs.iter().zip(values).zip(product) {
            (*value, *moved) = (y.primal(), y.tangent()[0]);
        }
        Ok(())
    }

    /// Copies the inputs: the first `N` are seeded, each in its own lane, and the others have zero tangents.
    fn hold(&mut self, x: &[T]) {
        if self.at_start && self.inputs.len() == x.len() {
            for (held, &x) in self.inputs.iter_mut().zip(x) {
                held.set_primal(x);
            }
            return;
        }
        let tag = self.tag;
        let (moving, resting) = x.split_at(N::USIZE.min(x.len()));
        self.inputs.clear();
        self.inputs.extend(moving.iter().enumerate().map(|(lane, &x)| Dual::along(x, lane).tagged(tag)));
        self.inputs.extend(resting.iter().map(|&x| Dual::lift(x).tagged(tag)));
        self.at_start = true;
    }

    /// Sets the tangents of the `N` inputs from `start` on to zero, and seeds the next ones.
    fn advance(&mut self, start: usize) {
        let tag = self.tag;
        self.at_start = false;
        let (resting, moving) = self.inputs[start..].split_at_mut(N::USIZE);
        for x in resting {
            *x = Dual::lift(x.primal()).tagged(tag);
        }
        for (lane, x) in moving.iter_mut().take(N::USIZE).enumerate() {
            *x = Dual::along(x.primal(), lane).tagged(tag);
        }
    }
}
