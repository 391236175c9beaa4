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

/// The cross-entropy of the softmax of `logits` against a distribution over the classes, such as a one-hot
/// row: Σ t (ln Σ exp − logit). It computes the same for every target, so it can be recorded.
///
/// # Panics
///
/// If the lengths differ.
///
/// ```
/// let loss = dualtape_nn::loss::cross_entropy_of_shares(&[0.0, 0.0], &[0.25, 0.75]);
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-15);
/// ```
pub fn cross_entropy_of_shares<D: Differentiable>(logits: &[D], shares: &[D]) -> D {
    assert!(
        logits.len() == shares.len(),
        "a cross-entropy needs a share for each logit: {} logits, {} shares",
        logits.len(),
        shares.len()
    );
    D::log_sum_exp(logits) * D::sum_of(shares) - D::dot(logits, shares)
}

/// The hinge loss of a score against a label of ±1: how far it stays behind a margin of 1.
///
/// ```
/// assert_eq!(dualtape_nn::loss::hinge(0.25, -1.0), 1.25);
/// assert_eq!(dualtape_nn::loss::hinge(3.0, 1.0), 0.0);
/// ```
pub fn hinge<D: Differentiable>(score: D, label: D) -> D {
    (D::one() - score * label).relu()
}
