//! What to sum over points, how, and the results.

use crate::ProgramScalar;

/// What else to do while summing gradients, and what else to report.
///
/// ```
/// use dualtape::program::Sums;
/// let clipped = Sums { clip: Some(1.0), ..Sums::default() };
/// # let _: Sums<'_, f64> = clipped;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums<'a, F> {
    /// A factor for each point; if there are none, all are 1.
    pub weights: Option<&'a [F]>,
    /// The norm, positive or infinite, to which [`clip_factor`](crate::program::clip_factor) limits each point's
    /// gradient with respect to the parameters, before it is weighted.
    pub clip: Option<F>,
    /// The number of parameters in each group, if parts of a point's gradient are limited to the bound separately,
    /// such as those of each layer. The groups are in order and contain all parameters. Empty if the gradient is
    /// limited as a whole. Norms are always those of the whole gradient, and a point counts as clipped if one of its
    /// groups was.
    pub groups: &'a [usize],
    /// Whether a point whose value or norm is not finite is left out while clipping, so that no point can spoil the
    /// sum. It then counts as clipped.
    pub skip_non_finite: bool,
    /// A factor for all points, besides their weights: 1/n turns the sum into the mean.
    pub scale: Option<F>,
}

impl<F: ProgramScalar> Sums<'_, F> {
    /// The plain sum.
    ///
    /// ```
    /// use dualtape::program::Sums;
    /// // Half of each value.
    /// let halves = Sums { scale: Some(0.5), ..Sums::none() };
    /// assert!(halves.weights.is_none() && halves.clip.is_none());
    /// ```
    pub fn none() -> Self {
        Self { weights: None, clip: None, groups: &[], skip_non_finite: false, scale: None }
    }

    pub(in crate::program) fn weight(&self, point: usize) -> F {
        let scale = self.scale.unwrap_or(F::one());
        self.weights.map_or(scale, |weights| weights[point] * scale)
    }
}

/// Where the results of a sum go. Slices that are not requested stay empty.
///
/// ```
/// use dualtape::{Program, program::{Results, Rows, Sums}};
/// let product = Program::record_with_data(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
/// let (mut derivative, mut values) = ([0.0], [0.0; 3]);
/// let results = Results { gradient: Some(&mut derivative), values: Some(&mut values), ..Results::none() };
/// let points = Rows::new(&[1.0, 2.0, 3.0], 1);
/// product.sum(&mut product.batch_workspace(), &[5.0], &points, &Sums::none(), results)?;
/// assert_eq!((derivative, values), ([6.0], [5.0, 10.0, 15.0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Results<'a, F> {
    /// The gradient of the sum, a number for each parameter.
    pub gradient: Option<&'a mut [F]>,
    /// The value at each point, without its weight.
    pub values: Option<&'a mut [F]>,
    /// The norm of each point's gradient with respect to the parameters, without its weight; needs a bound to clip
    /// to, which may be infinite.
    pub norms: Option<&'a mut [F]>,
    /// The gradient of the sum with respect to the data, a row for each point, so with weight and scale; not available
    /// while clipping.
    pub data_gradients: Option<&'a mut [F]>,
}

/// The results of a sum.
///
/// ```
/// use dualtape::{Program, program::{Results, Rows, Sum, Sums}};
/// // The derivative at each point is its datum; two are longer than 1.5.
/// let product = Program::record_with_data(|p, x| p[0] * x[0], &[1.0], &[1.0_f64])?;
/// let (clip, points) = (Some(1.5), Rows::new(&[1.0, 2.0, 3.0], 1));
/// let mut derivative = [0.0];
/// let results = Results { gradient: Some(&mut derivative), ..Results::none() };
/// let sum = product.sum(&mut product.batch_workspace(), &[5.0], &points, &Sums { clip, ..Sums::none() }, results)?;
/// assert_eq!(sum, Sum { value: 30.0, clipped: 2 });
/// assert!((derivative[0] - 4.0).abs() < 1e-5); // 1 + 1.5 + 1.5
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum<F> {
    /// The weighted sum of the values.
    pub value: F,
    /// How many points had their gradient clipped.
    pub clipped: usize,
}

impl<F> Results<'_, F> {
    /// Nothing but the value of the sum.
    ///
    /// ```
    /// use dualtape::{Program, program::{Results, Rows, Sums}};
    /// let square = Program::record_with_data(|_, x| x[0] * x[0], &[], &[1.0_f64])?;
    /// let points = Rows::new(&[1.0, 2.0, 3.0], 1);
    /// let sum = square.sum(&mut square.batch_workspace(), &[], &points, &Sums::none(), Results::none())?;
    /// assert_eq!(sum.value, 14.0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn none() -> Self {
        Self { gradient: None, values: None, norms: None, data_gradients: None }
    }
}
