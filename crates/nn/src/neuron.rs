//! `Neuron`: one weighted sum and its activation.

use crate::Activation;
use dualtape::Differentiable;

/// The shape of a neuron. Its parameters are the weights, followed by the bias.
///
/// ```
/// use dualtape::gradient;
/// use dualtape_nn::{Activation, Neuron};
///
/// let neuron = Neuron { inputs: 2, activation: Activation::Identity };
/// let (value, gradient) = gradient(|p| neuron.forward(p, &[2.0.into(), 5.0.into()]), &[-3.0, 1.0, 0.5]);
/// assert_eq!(value, -0.5);
/// assert_eq!(gradient, [2.0, 5.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neuron {
    /// The number of inputs.
    pub inputs: usize,
    /// The function applied to the weighted sum.
    pub activation: Activation,
}

impl Neuron {
    /// The number of parameters: one weight for each input, and the bias.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Neuron};
    /// let neuron = Neuron { inputs: 2, activation: Activation::Relu };
    /// assert_eq!(neuron.parameter_count(), 3);
    /// ```
    pub fn parameter_count(&self) -> usize {
        self.inputs + 1
    }

    /// The output for one input.
    ///
    /// # Panics
    ///
    /// If `parameters` or `input` has the wrong length.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Neuron};
    /// let neuron = Neuron { inputs: 2, activation: Activation::Relu };
    /// assert_eq!(neuron.forward(&[1.0, 2.0, 3.0], &[10.0, 20.0]), 53.0);
    /// ```
    pub fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> D {
        assert!(
            parameters.len() == self.parameter_count(),
            "a neuron of {} inputs has {} parameters, not {}",
            self.inputs,
            self.parameter_count(),
            parameters.len()
        );
        let (weights, bias) = parameters.split_at(self.inputs);
        self.activation.apply(D::dot(weights, input) + bias[0])
    }
}
