//! Second derivatives, forward over reverse: a gradient in reverse mode, of dual numbers.

use super::dense::{DENSE_LIMIT, or_panic, zeros};
use crate::forward::Tag;
use crate::{Differentiable, Dual, Error, Lanes, Reverse, Var};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{U1, U8};

/// The value, the gradient and the Hessian of a function: one recording and one sweep for every eight
/// inputs. The Hessian is square, row after row.
///
/// # Panics
///
/// If the Hessian takes more than [`DENSE_LIMIT`] bytes; see [`hessian_within`].
///
/// ```
/// let (value, gradient, hessian) = dualtape::hessian(|x| x[0] * x[0] * x[1], &[3.0, 4.0]);
/// assert_eq!((value, gradient), (36.0, vec![24.0, 9.0]));
/// assert_eq!(hessian, [8.0, 6.0, 6.0, 0.0]);
/// ```
#[track_caller]
pub fn hessian<T, F>(f: F, x: &[T]) -> (T, Vec<T>, Vec<T>)
where
    T: Differentiable,
    F: for<'t> Fn(&[Var<'t, Dual<T, U8>>]) -> Var<'t, Dual<T, U8>>,
{
    or_panic(hessian_within(DENSE_LIMIT, f, x))
}

/// [`hessian`], with a Hessian of at most `limit` bytes in place of [`DENSE_LIMIT`].
///
/// # Errors
///
/// [`Error::DenseTooLarge`] above the limit, before the function is evaluated.
///
/// ```
/// use dualtape::{Error, hessian_within};
/// let refused = hessian_within(31, |x| x[0] * x[0] * x[1], &[3.0, 4.0]);
/// assert!(matches!(refused, Err(Error::DenseTooLarge { bytes: 32, .. })));
/// assert_eq!(hessian_within(32, |x| x[0] * x[0] * x[1], &[3.0, 4.0])?.2, [8.0, 6.0, 6.0, 0.0]);
/// # Ok::<(), Error>(())
/// ```
pub fn hessian_within<T, F>(limit: usize, f: F, x: &[T]) -> Result<(T, Vec<T>, Vec<T>), Error>
where
    T: Differentiable,
    F: for<'t> Fn(&[Var<'t, Dual<T, U8>>]) -> Var<'t, Dual<T, U8>>,
{
    let (mut gradient, mut hessian) = (vec![T::zero(); x.len()], zeros("Hessian", x.len(), x.len(), limit)?);
    let value = SecondOrder::new().hessian(f, x, &mut gradient, &mut hessian)?;
    Ok((value, gradient, hessian))
}

/// The value, the gradient and the diagonal of the Hessian of a function, at the cost of the Hessian but in
/// the space of a gradient.
///
/// ```
/// let (_, _, diagonal) = dualtape::hessian_diagonal(|x| x[0] * x[0] * x[1], &[3.0, 4.0]);
/// assert_eq!(diagonal, [8.0, 0.0]);
/// ```
pub fn hessian_diagonal<T, F>(f: F, x: &[T]) -> (T, Vec<T>, Vec<T>)
where
    T: Differentiable,
    F: for<'t> Fn(&[Var<'t, Dual<T, U8>>]) -> Var<'t, Dual<T, U8>>,
{
    let (mut gradient, mut diagonal) = (vec![T::zero(); x.len()], vec![T::zero(); x.len()]);
    let value = SecondOrder::new().hessian_diagonal(f, x, &mut gradient, &mut diagonal);
    (value.expect("the buffers have the lengths they need"), gradient, diagonal)
}

/// The value, the gradient, and the Hessian times `direction`, in one recording and one sweep.
///
/// # Errors
///
/// [`Error::Length`] if `direction` does not have the length of `x`.
///
/// ```
/// let (_, _, product) = dualtape::hvp(|x| x[0] * x[0] * x[1], &[3.0, 4.0], &[1.0, 10.0])?;
/// assert_eq!(product, [68.0, 6.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn hvp<T, F>(f: F, x: &[T], direction: &[T]) -> Result<(T, Vec<T>, Vec<T>), Error>
where
    T: Differentiable,
    F: for<'t> FnOnce(&[Var<'t, Dual<T, U1>>]) -> Var<'t, Dual<T, U1>>,
{
    let (mut gradient, mut product) = (vec![T::zero(); x.len()], vec![T::zero(); x.len()]);
    let value = SecondOrder::with_lanes().hvp(f, x, direction, &mut gradient, &mut product)?;
    Ok((value, gradient, product))
}

/// Second derivatives for loops; it allocates nothing once its buffers are large enough. It computes `N` directions at once: a
/// Hessian of `n` inputs takes ⌈n / N⌉ recordings and sweeps, and one if `n` is 0.
///
/// ```
/// use dualtape::SecondOrder;
/// let (mut gradient, mut hessian) = ([0.0; 2], [0.0; 4]);
/// let mut second: SecondOrder<f64> = SecondOrder::new();
/// second.hessian(|x| x[0] * x[0] * x[1], &[3.0, 4.0], &mut gradient, &mut hessian)?;
/// assert_eq!(hessian, [8.0, 6.0, 6.0, 0.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug)]
pub struct SecondOrder<T: Differentiable, N: Lanes<T> = U8> {
    reverse: Reverse<Dual<T, N>>,
    inputs: Vec<Dual<T, N>>,
    /// The gradient, with its tangents.
    moving: Vec<Dual<T, N>>,
    /// Of all evaluations: they take turns, so none is within another.
    tag: Tag,
}

impl<T: Differentiable, N: Lanes<T>> Default for SecondOrder<T, N> {
    fn default() -> Self {
        Self::with_lanes()
    }
}

impl<T: Differentiable> SecondOrder<T> {
    /// Empty buffers for eight directions at a time; [`with_lanes`](Self::with_lanes) takes another number.
    ///
    /// ```
    /// use dualtape::SecondOrder;
    /// let (mut second, mut gradient, mut hessian) = (SecondOrder::new(), [0.0; 2], [0.0; 4]);
    /// second.hessian(|x| x[0] * x[1], &[3.0, 4.0], &mut gradient, &mut hessian)?;
    /// assert_eq!((gradient, hessian), ([4.0, 3.0], [0.0, 1.0, 1.0, 0.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::with_lanes()
    }
}

impl<T: Differentiable, N: Lanes<T>> SecondOrder<T, N> {
    /// Empty buffers for `N` directions at a time.
    ///
    /// # Panics
    ///
    /// If `N` is 0.
    ///
    /// ```
    /// use dualtape::{SecondOrder, typenum::U2};
    /// // As many directions as inputs: a Hessian takes one recording and one sweep.
    /// let mut second = SecondOrder::<f64, U2>::with_lanes();
    /// let (mut gradient, mut hessian) = ([0.0; 2], [0.0; 4]);
    /// second.hessian(|x| x[0] * x[1], &[3.0, 4.0], &mut gradient, &mut hessian)?;
    /// assert_eq!((gradient, hessian), ([4.0, 3.0], [0.0, 1.0, 1.0, 0.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn with_lanes() -> Self {
        assert!(N::USIZE > 0, "second derivatives need at least one direction at a time");
        Self { reverse: Reverse::new(), inputs: Vec::new(), moving: Vec::new(), tag: Tag::fresh() }
    }

    /// Writes the gradient of `f` at `x` and its Hessian (square, row after row), and returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` does not have the length of `x`, or `hessian` does not have the square of that
    /// length.
    ///
    /// ```
    /// let mut second: dualtape::SecondOrder<f64> = dualtape::SecondOrder::new();
    /// let (mut gradient, mut hessian) = ([0.0; 2], [0.0; 4]);
    /// // One step of Newton's method finds the minimum of a parabola.
    /// let bowl = second.hessian(|x| x[0] * x[0] + x[1] * x[1] * 2.0, &[3.0, 4.0], &mut gradient, &mut hessian)?;
    /// assert_eq!((bowl, gradient, hessian), (41.0, [6.0, 16.0], [2.0, 0.0, 0.0, 4.0]));
    /// assert_eq!([3.0 - gradient[0] / hessian[0], 4.0 - gradient[1] / hessian[3]], [0.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessian<F>(&mut self, f: F, x: &[T], gradient: &mut [T], hessian: &mut [T]) -> Result<T, Error>
    where
        F: for<'t> Fn(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    {
        let n = x.len();
        Error::check_length("Hessian", "pair of inputs", n * n, hessian.len())?;
        self.columns(f, x, gradient, |start, count, row, derivatives| {
            hessian[row * n + start..][..count].copy_from_slice(&derivatives[..count]);
        })
    }

    /// Writes the gradient and the diagonal of the Hessian of `f` at `x`, and returns the value.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `gradient` or `diagonal` does not have the length of `x`.
    ///
    /// ```
    /// let (mut gradient, mut diagonal) = ([0.0; 2], [0.0; 2]);
    /// let mut second: dualtape::SecondOrder<f64> = dualtape::SecondOrder::new();
    /// second.hessian_diagonal(|x| x[0] * x[0] * x[1], &[3.0, 4.0], &mut gradient, &mut diagonal)?;
    /// assert_eq!(diagonal, [8.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hessian_diagonal<F>(
        &mut self,
        f: F,
        x: &[T],
        gradient: &mut [T],
        diagonal: &mut [T],
    ) -> Result<T, Error>
    where
        F: for<'t> Fn(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    {
        Error::check_length("diagonal", "input", x.len(), diagonal.len())?;
        self.columns(f, x, gradient, |start, count, row, derivatives| {
            if (start..start + count).contains(&row) {
                diagonal[row] = derivatives[row - start];
            }
        })
    }

    /// Writes the gradient of `f` at `x`, and the Hessian times `direction`, and returns the value. Only one
    /// lane is used: choose `N` as [`U1`] for this.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `direction`, `gradient` or `product` does not have the length of `x`.
    ///
    /// ```
    /// use dualtape::{SecondOrder, typenum::U1};
    /// let (mut gradient, mut product) = ([0.0; 2], [0.0; 2]);
    /// let mut second: SecondOrder<f64, U1> = SecondOrder::with_lanes();
    /// second.hvp(|x| x[0] * x[0] * x[1], &[3.0, 4.0], &[1.0, 10.0], &mut gradient, &mut product)?;
    /// assert_eq!((gradient, product), ([24.0, 9.0], [68.0, 6.0]));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn hvp<F>(
        &mut self,
        f: F,
        x: &[T],
        direction: &[T],
        gradient: &mut [T],
        product: &mut [T],
    ) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    {
        Error::check_length("direction", "input", x.len(), direction.len())?;
        Error::check_length("gradient", "input", x.len(), gradient.len())?;
        Error::check_length("product", "input", x.len(), product.len())?;
        self.inputs.clear();
        let along = |v| GenericArray::generate(|lane| if lane == 0 { v } else { T::zero() });
        let tag = self.tag;
        self.inputs.extend(x.iter().zip(direction).map(|(&x, &v)| Dual::new(x, along(v)).tagged(tag)));
        let value = self.sweep(f, gradient)?;
        for (product, derivative) in product.iter_mut().zip(&self.moving) {
            *product = derivative.derivative(0);
        }
        Ok(value)
    }

    /// Visits, for each block of directions and each input, the derivatives of the gradient along the directions.
    fn columns<F>(
        &mut self,
        f: F,
        x: &[T],
        gradient: &mut [T],
        mut visit: impl FnMut(usize, usize, usize, &[T]),
    ) -> Result<T, Error>
    where
        F: for<'t> Fn(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    {
        Error::check_length("gradient", "input", x.len(), gradient.len())?;
        let mut value = T::zero();
        for start in (0..x.len().max(1)).step_by(N::USIZE) {
            let count = N::USIZE.min(x.len() - start);
            self.inputs.clear();
            let seeded = |(i, &x): (usize, &T)| Dual::in_block(x, i, start).tagged(self.tag);
            self.inputs.extend(x.iter().enumerate().map(seeded));
            value = self.sweep(&f, gradient)?;
            for (row, derivative) in self.moving.iter().enumerate() {
                visit(start, count, row, &derivative.tangent());
            }
        }
        Ok(value)
    }

    /// One recording and one sweep from the inputs with their tangents.
    fn sweep<F>(&mut self, f: F, gradient: &mut [T]) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&[Var<'t, Dual<T, N>>]) -> Var<'t, Dual<T, N>>,
    {
        self.moving.clear();
        self.moving.resize(self.inputs.len(), Dual::lift(T::zero()));
        let value = self.reverse.gradient(f, &self.inputs, &mut self.moving)?;
        for (gradient, derivative) in gradient.iter_mut().zip(&self.moving) {
            *gradient = derivative.primal();
        }
        Ok(value.primal())
    }
}
