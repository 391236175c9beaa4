//! What to sum over points, how, and what came of it.

use crate::Scalar;

/// Added to a norm before it divides a bound, as in PyTorch and Opacus.
const CLIP_EPSILON: f64 = 1e-6;

/// The factor that holds a gradient of the given norm to a bound: min(1, bound / (norm + 1e-6)).
///
/// ```
/// use dualtape::program::clip_factor;
/// assert_eq!(clip_factor(0.5, 1.0), 1.0);
/// assert!((clip_factor(4.0, 1.0) - 0.25_f64).abs() < 1e-6);
/// ```
pub fn clip_factor<F: Scalar>(norm: F, bound: F) -> F {
    (bound / (norm + F::nearest(CLIP_EPSILON))).min(F::one())
}

/// What else to do while summing gradients, and what else to report.
///
/// ```
/// use dualtape::program::Sums;
/// let clipped = Sums { clip: Some(1.0), ..Sums::default() };
/// # let _: Sums<'_, f64> = clipped;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums<'a, F> {
    /// A factor for each point; all 1 if there are none.
    pub weights: Option<&'a [F]>,
    /// The norm to which each point's gradient in the parameters is held by [`clip_factor`], before it is
    /// weighted.
    pub clip: Option<F>,
    /// A factor for all points, besides their weights: 1/n turns the sum into the mean.
    pub scale: Option<F>,
}

impl<F: Scalar> Sums<'_, F> {
    /// The plain sum.
    pub fn none() -> Self {
        Self { weights: None, clip: None, scale: None }
    }

    pub(super) fn weight(&self, point: usize) -> F {
        let scale = self.scale.unwrap_or(F::one());
        self.weights.map_or(scale, |weights| weights[point] * scale)
    }
}

/// Where results of a sum go. Slices that are not asked for stay empty.
#[derive(Debug, Default)]
pub struct Results<'a, F> {
    /// The sum's gradient, a number for each parameter.
    pub gradient: Option<&'a mut [F]>,
    /// The value at each point, without its weight.
    pub values: Option<&'a mut [F]>,
    /// The norm of each point's gradient in the parameters, without its weight; needs a bound to clip to,
    /// which may be infinite.
    pub norms: Option<&'a mut [F]>,
    /// The gradient in the data, a row for each point; not while clipping.
    pub data_gradients: Option<&'a mut [F]>,
}

/// What came of a sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum<F> {
    /// The weighted sum of the values.
    pub value: F,
    /// How many points had their gradient shortened.
    pub clipped: usize,
}

impl<F> Results<'_, F> {
    /// Nothing but the value of the sum.
    pub fn none() -> Self {
        Self { gradient: None, values: None, norms: None, data_gradients: None }
    }
}
