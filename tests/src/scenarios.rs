//! Functions to differentiate, each with a gradient written by hand. Tests check them, and benchmarks time them.

use dualtape::Differentiable;

/// Rosenbrock's function in any number of dimensions: Σ 100 (xᵢ₊₁ − xᵢ²)² + (xᵢ − 1)².
///
/// Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960.
pub fn rosenbrock<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
}

/// The gradient of [`rosenbrock`], written by hand into `gradient`; returns the value.
pub fn rosenbrock_by_hand(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let mut value = 0.0;
    for (w, g) in x.windows(2).zip(0..) {
        let (above, short) = (w[1] - w[0] * w[0], w[0] - 1.0);
        value += above * above * 100.0 + short * short;
        gradient[g] += 2.0 * short - 400.0 * above * w[0];
        gradient[g + 1] += 200.0 * above;
    }
    value
}

/// A point where no component of [`rosenbrock`]'s gradient vanishes.
pub fn rosenbrock_point(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.5 + (i as f64 * 0.7).sin()).collect()
}
