//! Activation functions.

use crate::Error;
use dualtape::Differentiable;
use std::fmt;
use std::str::FromStr;

/// What a neuron does with its weighted sum.
///
/// ```
/// use dualtape_nn::Activation;
/// assert_eq!(Activation::Relu.apply(-1.0), 0.0);
/// assert_eq!("tanh".parse::<Activation>()?, Activation::Tanh);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// The hyperbolic tangent.
    Tanh,
    /// The larger of the sum and 0.
    Relu,
    /// The logistic function.
    Sigmoid,
    /// ln(1 + eˣ), a smooth relu.
    Softplus,
}

impl Activation {
    /// Every activation.
    pub const ALL: [Self; 5] = [Self::Identity, Self::Tanh, Self::Relu, Self::Sigmoid, Self::Softplus];

    /// The function itself.
    #[inline]
    pub fn apply<D: Differentiable>(self, x: D) -> D {
        match self {
            Self::Identity => x,
            Self::Tanh => x.tanh(),
            Self::Relu => x.relu(),
            Self::Sigmoid => x.sigmoid(),
            Self::Softplus => x.softplus(),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Identity => "identity",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
        })
    }
}

impl FromStr for Activation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|activation| activation.to_string() == name).ok_or_else(|| {
            Error::Setting {
                what: "activation",
                given: format!("'{name}'"),
                expected: "identity, tanh, relu, sigmoid or softplus",
            }
        })
    }
}
