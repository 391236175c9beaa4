//! Activation functions.

use crate::Error;
use dualtape::Differentiable;
use std::fmt;
use std::str::FromStr;

/// The function that a neuron applies to its weighted sum.
///
/// No activation branches, so all of them can be recorded. At a kink, the derivative is the one-sided derivative of
/// smaller magnitude: 0 for relu, and the derivative of the negative side for leaky relu.
///
/// ```
/// use dualtape_nn::Activation;
/// assert_eq!(Activation::Relu.apply(-1.0), 0.0);
/// assert_eq!("tanh".parse::<Activation>()?, Activation::Tanh);
/// assert_eq!("leaky-relu:0.2".parse::<Activation>()?, Activation::LeakyRelu(0.2));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// The sum itself.
    Identity,
    /// The hyperbolic tangent.
    Tanh,
    /// The larger of the sum and 0.
    Relu,
    /// The sum, multiplied by this number if it is negative. Maas and others, 2013.
    LeakyRelu(f64),
    /// The sum x if it is positive, otherwise this number times eˣ − 1. Clevert and others, 2015.
    Elu(f64),
    /// x Φ(x), with the normal distribution Φ. Hendrycks and Gimpel, 2016.
    Gelu,
    /// `Gelu`, computed by its usual approximation ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).
    GeluTanh,
    /// x times its logistic function, also known as swish.
    Silu,
    /// The logistic function.
    Sigmoid,
    /// ln(1 + eˣ), a smooth relu.
    Softplus,
}

const EXPECTED: &str = "identity, tanh, relu, leaky-relu, leaky-relu:SLOPE, elu, elu:SCALE, gelu, gelu-tanh, \
                        silu, sigmoid or softplus";

impl Activation {
    /// Every activation, with its default number.
    ///
    /// ```
    /// use dualtape_nn::Activation;
    /// // Each is parsed from the text that it is written as.
    /// for activation in Activation::ALL {
    ///     assert_eq!(activation.to_string().parse::<Activation>()?, activation);
    /// }
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub const ALL: [Self; 10] = [
        Self::Identity,
        Self::Tanh,
        Self::Relu,
        Self::LeakyRelu(0.01),
        Self::Elu(1.0),
        Self::Gelu,
        Self::GeluTanh,
        Self::Silu,
        Self::Sigmoid,
        Self::Softplus,
    ];

    /// The function itself.
    ///
    /// ```
    /// use dualtape_nn::Activation::{Elu, LeakyRelu, Silu};
    /// assert_eq!(LeakyRelu(0.1).apply(-2.0), -0.2);
    /// assert_eq!((Elu(1.0).apply(3.0), Silu.apply(0.0)), (3.0, 0.0));
    /// assert_eq!(dualtape::derivative(|x| Silu.apply(x), 0.0_f64).1, 0.5);
    /// ```
    #[inline]
    pub fn apply<D: Differentiable>(self, x: D) -> D {
        match self {
            Self::Identity => x,
            Self::Tanh => x.tanh(),
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => x.relu() + negative_part(x) * D::literal(slope),
            Self::Elu(scale) => x.relu() + negative_part(x).exp_m1() * D::literal(scale),
            // Φ is computed by erfc, because 1 + erf would cancel far below 0.
            Self::Gelu => x * (x * -D::FRAC_1_SQRT_2()).erfc() * D::literal(0.5),
            // ½ (1 + tanh u) is the logistic function of 2u, which does not cancel.
            Self::GeluTanh => {
                let cubic = x + x * x * x * D::literal(0.044715);
                x * (cubic * D::literal(2.0 * (std::f64::consts::FRAC_2_PI).sqrt())).sigmoid()
            }
            Self::Silu => x * x.sigmoid(),
            Self::Sigmoid => x.sigmoid(),
            Self::Softplus => x.softplus(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu(_) => "leaky-relu",
            Self::Elu(_) => "elu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu-tanh",
            Self::Silu => "silu",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
        }
    }
}

/// The smaller of `x` and 0, with derivative 1 at 0, where `min` has ½.
fn negative_part<D: Differentiable>(x: D) -> D {
    x.clamp(D::neg_infinity(), D::zero())
}

/// The softmax of the logits: their exponentials, divided by the sum of the exponentials. The largest logit is subtracted
/// from all of them first, so that none overflows.
///
/// ```
/// let shares = dualtape_nn::softmax(&[1000.0_f64, 1000.0]);
/// assert_eq!(shares, [0.5, 0.5]);
/// ```
pub fn softmax<D: Differentiable>(logits: &[D]) -> Vec<D> {
    let largest = logits.iter().copied().reduce(D::max).unwrap_or(D::zero());
    let powers: Vec<D> = logits.iter().map(|&logit| (logit - largest).exp()).collect();
    let sum = D::sum_of(&powers);
    powers.into_iter().map(|power| power / sum).collect()
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LeakyRelu(number) if number != 0.01 => f.pad(&format!("leaky-relu:{number}")),
            Self::Elu(number) if number != 1.0 => f.pad(&format!("elu:{number}")),
            _ => f.pad(self.name()),
        }
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Setting { what: "activation", given: format!("'{text}'"), expected: EXPECTED };
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<f64>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let known = Self::ALL.into_iter().find(|activation| activation.name() == name).ok_or_else(wrong)?;
        match (known, number) {
            (_, None) => Ok(known),
            (Self::LeakyRelu(_), Some(slope)) if slope.is_finite() => Ok(Self::LeakyRelu(slope)),
            (Self::Elu(_), Some(scale)) if scale.is_finite() => Ok(Self::Elu(scale)),
            _ => Err(wrong()),
        }
    }
}
