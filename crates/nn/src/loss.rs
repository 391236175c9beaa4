//! Losses of one sample.

use dualtape::{Differentiable, Scalar};

/// The mean of the squared differences between outputs and targets.
///
/// # Panics
///
/// If the lengths differ, or are 0.
///
/// ```
/// assert_eq!(dualtape_nn::loss::mean_squared(&[1.0, 3.0], &[0.0, 1.0]), 2.5);
/// ```
pub fn mean_squared<D: Differentiable>(outputs: &[D], targets: &[D::Scalar]) -> D {
    assert!(
        outputs.len() == targets.len() && !outputs.is_empty(),
        "the mean squared loss needs a target for each output, and some: {} outputs, {} targets",
        outputs.len(),
        targets.len()
    );
    let squares = outputs.iter().zip(targets).map(|(&output, &target)| (output - target).powi(2));
    squares.sum::<D>() / D::Scalar::nearest(outputs.len() as f64)
}

/// The cross-entropy of the softmax of `logits` against the true class: ln Σ exp − the true class's logit.
///
/// # Panics
///
/// If there is no such class.
///
/// ```
/// let loss = dualtape_nn::loss::cross_entropy(&[0.0, 0.0], 1);
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-15);
/// ```
pub fn cross_entropy<D: Differentiable>(logits: &[D], class: usize) -> D {
    assert!(class < logits.len(), "class {class} does not exist: there are {} logits", logits.len());
    D::log_sum_exp(logits) - logits[class]
}
