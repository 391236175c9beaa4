//! Clipping of norms.

use crate::Scalar;

/// Added to a norm before it divides a bound, as in PyTorch and Opacus.
const CLIP_EPSILON: f64 = 1e-6;

/// The factor that limits a gradient of the given norm to a bound: min(1, bound / (norm + 1e-6)), as in PyTorch.
///
/// A gradient that is not finite remains visible. For an infinite norm, the factor is 0, which turns infinite
/// components into NaN and the others into zeros; for a NaN norm, it is NaN. An infinite bound leaves every gradient
/// unchanged.
///
/// ```
/// use dualtape::program::clip_factor;
/// assert_eq!(clip_factor(0.5, 1.0), 1.0);
/// assert!((clip_factor(4.0, 1.0) - 0.25_f64).abs() < 1e-6);
/// assert!((clip_factor(f64::INFINITY, 1.0) * f64::INFINITY).is_nan());
/// ```
pub fn clip_factor<F: Scalar>(norm: F, bound: F) -> F {
    let factor = bound / (norm + F::nearest(CLIP_EPSILON));
    if factor >= F::one() || bound == F::infinity() { F::one() } else { factor }
}
