//! Gradient clipping: by value, by global norm, and for each sample.

use crate::Error;
use dualtape::Scalar;
use std::fmt;
use std::str::FromStr;

/// How gradients are clipped before a step.
///
/// ```
/// use dualtape_nn::Clip;
/// assert_eq!("per-sample:1".parse::<Clip>()?, Clip::PerSample(1.0));
/// assert!("norm:-1".parse::<Clip>().is_err());
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Gradients are not clipped.
    None,
    /// Each component is clipped to at most this magnitude.
    Value(f64),
    /// The gradient of the batch is clipped to at most this norm.
    Norm(f64),
    /// Each per-sample gradient is clipped to at most this norm, before they are added up.
    PerSample(f64),
    /// As [`PerSample`](Self::PerSample), but each layer's part of the gradient is clipped separately. With n layers, each part
    /// is clipped to this norm divided by √n, so that the whole gradient has at most this norm.
    PerLayer(f64),
    /// As [`PerSample`](Self::PerSample), but the norm adapts: it follows a quantile of the norms of the per-sample gradients
    /// (Andrew and others, "Differentially private learning with adaptive clipping", 2021).
    Adaptive {
        /// The share of samples, between 0 and 1, that should not be clipped.
        quantile: f64,
        /// The norm of the first step.
        first: f64,
        /// η: after a step in which a share b of the samples was not clipped, the norm is multiplied by exp(−η (b − quantile)).
        rate: f64,
    },
}

impl Clip {
    /// Returns `self` if the limit is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the limit is not a positive number.
    ///
    /// ```
    /// use dualtape_nn::Clip;
    /// assert_eq!(Clip::Norm(1.0).check()?, Clip::Norm(1.0));
    /// assert!(Clip::Norm(-1.0).check().is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn check(self) -> Result<Self, Error> {
        match self {
            Self::Value(limit) | Self::Norm(limit) | Self::PerSample(limit) | Self::PerLayer(limit)
                if !(limit.is_finite() && limit > 0.0) =>
            {
                Err(wrong(self))
            }
            Self::Adaptive { quantile, first, rate }
                if !((0.0..=1.0).contains(&quantile)
                    && first.is_finite()
                    && first > 0.0
                    && rate.is_finite()
                    && rate >= 0.0) =>
            {
                Err(wrong(self))
            }
            _ => Ok(self),
        }
    }

    /// The norm to which per-sample gradients are clipped in the first step; `None` if samples are not clipped.
    ///
    /// ```
    /// use dualtape_nn::Clip;
    /// assert_eq!((Clip::PerLayer(2.0).of_samples(), Clip::Norm(2.0).of_samples()), (Some(2.0), None));
    /// ```
    pub fn of_samples(self) -> Option<f64> {
        match self {
            Self::PerSample(norm) | Self::PerLayer(norm) | Self::Adaptive { first: norm, .. } => Some(norm),
            _ => None,
        }
    }
}

/// The default rate of adaptive clipping, from Andrew and others.
const ADAPTIVE_RATE: f64 = 0.2;

/// `QUANTILE:NORM[:RATE]`.
fn adaptive(text: &str) -> Option<Clip> {
    let mut numbers = text.split(':').map(str::parse);
    let (quantile, first) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let rate = numbers.next().unwrap_or(Ok(ADAPTIVE_RATE)).ok()?;
    numbers.next().is_none().then_some(Clip::Adaptive { quantile, first, rate })
}

fn wrong(given: impl fmt::Display) -> Error {
    Error::Setting {
        what: "clip",
        given: format!("'{given}'"),
        expected: "none, value:C, norm:C, per-sample:C, per-layer:C or adaptive:QUANTILE:C[:RATE] with a positive \
                   number C and a quantile between 0 and 1",
    }
}

impl fmt::Display for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Value(limit) => write!(f, "value:{limit}"),
            Self::Norm(limit) => write!(f, "norm:{limit}"),
            Self::PerSample(limit) => write!(f, "per-sample:{limit}"),
            Self::PerLayer(limit) => write!(f, "per-layer:{limit}"),
            Self::Adaptive { quantile, first, rate } => write!(f, "adaptive:{quantile}:{first}:{rate}"),
        }
    }
}

impl FromStr for Clip {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (kind, limit) = text.split_once(':').unwrap_or((text, ""));
        if kind == "adaptive" {
            return adaptive(limit).ok_or_else(|| wrong(text))?.check().map_err(|_| wrong(text));
        }
        let limit = limit.parse();
        let clip = match (kind, limit) {
            ("none", Err(_)) if text == "none" => Self::None,
            ("value", Ok(limit)) => Self::Value(limit),
            ("norm", Ok(limit)) => Self::Norm(limit),
            ("per-sample", Ok(limit)) => Self::PerSample(limit),
            ("per-layer", Ok(limit)) => Self::PerLayer(limit),
            _ => return Err(wrong(text)),
        };
        clip.check().map_err(|_| wrong(text))
    }
}

/// The factor that brings a gradient of the given norm within the limit.
#[doc(inline)]
pub use dualtape::program::clip_factor as factor;

/// Limits the magnitude of each component.
///
/// ```
/// let mut gradient = [-3.0, 0.5];
/// dualtape_nn::clip::by_value(&mut gradient, 1.0);
/// assert_eq!(gradient, [-1.0, 0.5]);
/// ```
pub fn by_value<F: Scalar>(gradient: &mut [F], limit: F) {
    for g in gradient {
        *g = dualtape::num_traits::clamp(*g, -limit, limit);
    }
}

/// Limits the norm, and returns the norm before. The norm is computed without overflow.
///
/// # Errors
///
/// [`Error::NonFiniteNorm`] if the norm is NaN or infinite; the gradient then stays unchanged.
///
/// ```
/// let mut gradient = [3e200, 4e200_f64];
/// let norm = dualtape_nn::clip::by_norm(&mut gradient, 1.0)?;
/// assert!((norm / 5e200 - 1.0).abs() < 1e-15);
/// assert!((gradient[0] - 0.6).abs() < 1e-6);
/// assert!(dualtape_nn::clip::by_norm(&mut [f64::NAN], 1.0).is_err());
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn by_norm<F: Scalar>(gradient: &mut [F], limit: F) -> Result<F, Error> {
    let norm = norm(gradient);
    if !norm.is_finite() {
        return Err(Error::NonFiniteNorm { norm: norm.wide() });
    }
    scale(gradient, factor(norm, limit));
    Ok(norm)
}

/// As [`by_norm`], but a norm that is not finite is not an error. As in PyTorch, an infinite norm makes finite
/// components 0 and infinite components NaN, and a NaN norm makes all components NaN.
///
/// ```
/// let mut gradient = [f64::INFINITY, 4.0];
/// assert_eq!(dualtape_nn::clip::by_any_norm(&mut gradient, 1.0), f64::INFINITY);
/// assert!(gradient[0].is_nan() && gradient[1] == 0.0);
/// ```
pub fn by_any_norm<F: Scalar>(gradient: &mut [F], limit: F) -> F {
    let norm = norm(gradient);
    scale(gradient, factor(norm, limit));
    norm
}

fn scale<F: Scalar>(gradient: &mut [F], factor: F) {
    pulp::Arch::new().dispatch(|| {
        for g in &mut *gradient {
            *g *= factor;
        }
    });
}

/// The Euclidean norm of a gradient, the same on any machine.
pub(crate) fn norm<F: Scalar>(gradient: &[F]) -> F {
    let squares = pulp::Arch::new().dispatch(|| sum_of_squares(gradient));
    // Squares that overflow or vanish need scaling.
    if squares.is_normal() { squares.sqrt() } else { F::norm(gradient) }
}

/// The sum of squares, by many sums side by side, which the processor can add at once.
#[inline(always)]
fn sum_of_squares<F: Scalar>(gradient: &[F]) -> F {
    let (rows, rest) = gradient.as_chunks::<32>();
    let mut sums = [F::zero(); 32];
    for row in rows {
        for (sum, &g) in sums.iter_mut().zip(row) {
            *sum += g * g;
        }
    }
    let sum = rest.iter().fold(F::zero(), |sum, &g| sum + g * g);
    sums.iter().fold(sum, |sum, &part| sum + part)
}
