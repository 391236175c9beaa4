//! Losses of one sample, and how the losses of a batch are combined.
//!
//! None of the losses branches, so all of them can be recorded. Targets are numbers of the same type as the outputs: data
//! of the recording, or constants.

use crate::Error;
use dualtape::{Differentiable, Scalar};
use std::fmt;
use std::str::FromStr;

/// A loss between the outputs of a model and its targets.
///
/// For one sample, an elementwise loss is the mean over its outputs, as in PyTorch.
///
/// ```
/// use dualtape_nn::Loss;
/// assert_eq!(Loss::MeanSquared.of(&[1.0, 3.0], &[0.0, 1.0]), 2.5);
/// assert_eq!("huber:0.5".parse::<Loss>()?, Loss::Huber(0.5));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// The squared difference.
    MeanSquared,
    /// The absolute difference.
    L1,
    /// Half the squared difference up to this distance; beyond it, the loss grows linearly. Huber, 1964.
    Huber(f64),
    /// The cross-entropy of the softmax of the outputs against a share for each class.
    CrossEntropy,
    /// The cross-entropy of the logistic function of each output against a target from 0 to 1.
    BinaryCrossEntropy,
    /// How far an output times its target of ±1 stays below a margin of 1; 0 if it does not.
    Hinge,
}

const EXPECTED: &str =
    "mse, l1, huber, huber:DELTA with a positive number DELTA, cross-entropy, binary-cross-entropy or hinge";

impl Loss {
    /// Every loss, with its default number.
    ///
    /// ```
    /// use dualtape_nn::Loss;
    /// for loss in Loss::ALL {
    ///     assert_eq!(loss.to_string().parse::<Loss>()?, loss);
    /// }
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub const ALL: [Self; 6] = [
        Self::MeanSquared,
        Self::L1,
        Self::Huber(1.0),
        Self::CrossEntropy,
        Self::BinaryCrossEntropy,
        Self::Hinge,
    ];

    /// The loss of one sample.
    ///
    /// # Panics
    ///
    /// If there are no outputs, or the number of targets differs.
    ///
    /// ```
    /// use dualtape_nn::Loss;
    /// assert_eq!(Loss::MeanSquared.of(&[1.0, 3.0], &[0.0, 1.0]), 2.5);
    /// assert_eq!(Loss::Hinge.of(&[0.25], &[-1.0]), 1.25);
    /// assert!((Loss::CrossEntropy.of(&[2.0, 2.0], &[0.0, 1.0]) - 2.0_f64.ln()).abs() < 1e-15);
    /// ```
    pub fn of<D: Differentiable>(self, outputs: &[D], targets: &[D]) -> D {
        check_lengths(outputs.len(), targets.len());
        let mean = |each: &dyn Fn(D, D) -> D| {
            let all = outputs.iter().zip(targets).map(|(&output, &target)| each(output, target));
            all.sum::<D>() / D::Scalar::nearest(outputs.len() as f64)
        };
        match self {
            Self::MeanSquared => mean(&squared),
            Self::L1 => mean(&absolute),
            Self::Huber(delta) => mean(&|output, target| huber(output, target, D::Scalar::nearest(delta))),
            Self::CrossEntropy => cross_entropy_of_shares(outputs, targets),
            Self::BinaryCrossEntropy => mean(&binary_cross_entropy),
            Self::Hinge => mean(&hinge),
        }
    }

    /// Whether the loss compares classes instead of quantities.
    ///
    /// ```
    /// use dualtape_nn::Loss;
    /// assert!(Loss::Hinge.is_for_classes() && !Loss::Huber(1.0).is_for_classes());
    /// ```
    pub fn is_for_classes(self) -> bool {
        matches!(self, Self::CrossEntropy | Self::BinaryCrossEntropy | Self::Hinge)
    }

    /// How many outputs a model needs for this number of classes: one for each, but only one for two classes
    /// with a loss that treats each output separately.
    ///
    /// ```
    /// use dualtape_nn::Loss;
    /// assert_eq!((Loss::CrossEntropy.outputs_for(2), Loss::BinaryCrossEntropy.outputs_for(2)), (2, 1));
    /// assert_eq!(Loss::BinaryCrossEntropy.outputs_for(3), 3);
    /// ```
    pub fn outputs_for(self, classes: usize) -> usize {
        let single = matches!(self, Self::BinaryCrossEntropy | Self::Hinge) && classes == 2;
        if single { 1 } else { classes }
    }

    /// The target of one output that should indicate a class (`true`) or its absence (`false`).
    ///
    /// ```
    /// use dualtape_nn::Loss;
    /// assert_eq!((Loss::CrossEntropy.class_target(false), Loss::Hinge.class_target(false)), (0.0, -1.0));
    /// ```
    pub fn class_target(self, is_class: bool) -> f64 {
        match (self, is_class) {
            (_, true) => 1.0,
            (Self::Hinge, false) => -1.0,
            (_, false) => 0.0,
        }
    }

    /// Returns `self` if its number is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the distance of Huber's loss is not a positive number.
    ///
    /// ```
    /// use dualtape_nn::Loss;
    /// assert_eq!(Loss::Huber(0.5).check()?, Loss::Huber(0.5));
    /// assert!(Loss::Huber(0.0).check().is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn check(self) -> Result<Self, Error> {
        match self {
            Self::Huber(delta) if !(delta.is_finite() && delta > 0.0) => Err(wrong(self)),
            _ => Ok(self),
        }
    }
}

fn wrong(given: impl fmt::Display) -> Error {
    Error::Setting { what: "loss", given: format!("'{given}'"), expected: EXPECTED }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MeanSquared => f.pad("mse"),
            Self::L1 => f.pad("l1"),
            Self::Huber(delta) => f.pad(&format!("huber:{delta}")),
            Self::CrossEntropy => f.pad("cross-entropy"),
            Self::BinaryCrossEntropy => f.pad("binary-cross-entropy"),
            Self::Hinge => f.pad("hinge"),
        }
    }
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match (text, text.strip_prefix("huber:")) {
            ("huber", _) => Ok(Self::Huber(1.0)),
            (_, Some(delta)) => Self::Huber(delta.parse().map_err(|_| wrong(text))?).check(),
            _ => Self::ALL.into_iter().find(|loss| loss.to_string() == text).ok_or_else(|| wrong(text)),
        }
    }
}

/// How the losses of a batch are combined into one.
///
/// ```
/// use dualtape_nn::Reduction;
/// assert_eq!("sum".parse::<Reduction>()?, Reduction::Sum);
/// assert_eq!(Reduction::default().to_string(), "mean");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
        })
    }
}

impl FromStr for Reduction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            _ => {
                Err(Error::Setting { what: "reduction", given: format!("'{text}'"), expected: "mean or sum" })
            }
        }
    }
}

#[track_caller]
fn check_lengths(outputs: usize, targets: usize) {
    assert!(
        outputs == targets && outputs > 0,
        "a loss needs at least one output, and a target for each: {outputs} outputs, {targets} targets"
    );
}

/// The mean of the squared differences between outputs and targets.
///
/// # Panics
///
/// If the lengths differ or are 0.
///
/// ```
/// assert_eq!(dualtape_nn::loss::mean_squared(&[1.0, 3.0], &[0.0, 1.0]), 2.5);
/// ```
pub fn mean_squared<D: Differentiable>(outputs: &[D], targets: &[D::Scalar]) -> D {
    check_lengths(outputs.len(), targets.len());
    let squares = outputs.iter().zip(targets).map(|(&output, &target)| (output - target).powi(2));
    squares.sum::<D>() / D::Scalar::nearest(outputs.len() as f64)
}

/// The squared difference.
///
/// ```
/// assert_eq!(dualtape_nn::loss::squared(5.0, 2.0), 9.0);
/// ```
pub fn squared<D: Differentiable>(output: D, target: D) -> D {
    (output - target).powi(2)
}

/// The absolute difference; its derivative at 0 is 0.
///
/// ```
/// use dualtape::derivative;
/// use dualtape_nn::loss::absolute;
/// assert_eq!(derivative(|x| absolute(x, 2.0_f64.into()), 5.0), (3.0, 1.0));
/// assert_eq!(derivative(|x| absolute(x, 2.0_f64.into()), 2.0), (0.0, 0.0));
/// ```
pub fn absolute<D: Differentiable>(output: D, target: D) -> D {
    (output - target).abs()
}

/// Half the squared difference up to the distance `delta`; beyond it, delta · (distance − ½ delta).
///
/// ```
/// use dualtape_nn::loss::huber;
/// assert_eq!((huber(0.5, 0.0, 1.0), huber(3.0, 0.0, 1.0)), (0.125, 2.5));
/// ```
pub fn huber<D: Differentiable>(output: D, target: D, delta: D::Scalar) -> D {
    let distance = (output - target).abs();
    let near = distance.min(D::constant(delta));
    near * near * D::Scalar::nearest(0.5) + (distance - near) * delta
}

/// The cross-entropy of the logistic function of a logit against a target from 0 to 1. Neither it nor its
/// derivative overflows or cancels, however large the logit.
///
/// ```
/// use dualtape_nn::loss::binary_cross_entropy;
/// assert_eq!(binary_cross_entropy(0.0, 1.0), std::f64::consts::LN_2);
/// assert_eq!(binary_cross_entropy(1000.0, 0.0), 1000.0);
/// ```
pub fn binary_cross_entropy<D: Differentiable>(logit: D, target: D) -> D {
    logit.softplus() * (D::one() - target) + (-logit).softplus() * target
}

/// The cross-entropy of the softmax of `logits` against the true class: ln Σ exp − the true class's logit.
///
/// # Panics
///
/// If the class does not exist.
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
/// row: Σ t (ln Σ exp − logit). It performs the same operations for every target, so it can be recorded.
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

/// The hinge loss of a score against a label of ±1: how far their product stays below a margin of 1.
///
/// ```
/// assert_eq!(dualtape_nn::loss::hinge(0.25, -1.0), 1.25);
/// assert_eq!(dualtape_nn::loss::hinge(3.0, 1.0), 0.0);
/// ```
pub fn hinge<D: Differentiable>(score: D, label: D) -> D {
    (D::one() - score * label).relu()
}
