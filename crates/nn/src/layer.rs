//! `Layer`: neurons side by side.

use crate::Activation;
use dualtape::Differentiable;

/// The shape of a dense layer, whose parameters are its weights, row after row, one row for each output, and
/// then its biases.
///
/// ```
/// use dualtape_nn::{Activation, Layer};
/// let layer = Layer { inputs: 2, outputs: 2, activation: Activation::Relu };
/// assert_eq!(layer.forward(&[1.0, 2.0, 3.0, 4.0, 10.0, -20.0], &[1.0, 1.0]), [13.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of outputs.
    pub outputs: usize,
    /// What is done with each weighted sum.
    pub activation: Activation,
}

/// The parameters of a layer, as parts of the flat slice that holds them.
///
/// ```
/// use dualtape_nn::{Activation, Layer, LayerParameters};
/// let layer = Layer { inputs: 2, outputs: 1, activation: Activation::Relu };
/// let LayerParameters { weights, biases } = layer.parameters(&[1.0, 2.0, 3.0]);
/// assert_eq!((weights, biases), (&[1.0, 2.0][..], &[3.0][..]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LayerParameters<'p, D> {
    /// `outputs` rows of `inputs` weights.
    pub weights: &'p [D],
    /// One bias for each output.
    pub biases: &'p [D],
}

impl Layer {
    /// A layer without activation: PyTorch's `Linear`.
    ///
    /// ```
    /// use dualtape_nn::Layer;
    /// assert_eq!(Layer::linear(2, 1).forward(&[1.0, 2.0, 3.0], &[-10.0, 0.0]), [-7.0]);
    /// ```
    pub fn linear(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, activation: Activation::Identity }
    }

    /// The number of parameters.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer};
    /// let layer = Layer { inputs: 2, outputs: 1, activation: Activation::Relu };
    /// assert_eq!(layer.parameter_count(), 3);
    /// ```
    pub fn parameter_count(&self) -> usize {
        self.outputs * (self.inputs + 1)
    }

    /// Weights and biases.
    ///
    /// # Panics
    ///
    /// If `parameters` has not [`parameter_count`](Self::parameter_count) numbers.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer};
    /// let layer = Layer { inputs: 2, outputs: 1, activation: Activation::Relu };
    /// assert_eq!(layer.parameters(&[1.0, 2.0, 3.0]).biases, [3.0]);
    /// ```
    pub fn parameters<'p, D>(&self, parameters: &'p [D]) -> LayerParameters<'p, D> {
        assert!(
            parameters.len() == self.parameter_count(),
            "a layer {} -> {} has {} parameters, not {}",
            self.inputs,
            self.outputs,
            self.parameter_count(),
            parameters.len()
        );
        let (weights, biases) = parameters.split_at(self.inputs * self.outputs);
        LayerParameters { weights, biases }
    }

    /// The outputs for one input.
    ///
    /// # Panics
    ///
    /// If `parameters` or `input` has the wrong length.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer};
    /// let layer = Layer { inputs: 2, outputs: 1, activation: Activation::Relu };
    /// assert_eq!(layer.forward(&[1.0, 2.0, 3.0], &[10.0, 20.0]), [53.0]);
    /// assert_eq!(layer.forward(&[1.0, 2.0, 3.0], &[-10.0, 0.0]), [0.0]);
    /// ```
    pub fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        let LayerParameters { weights, biases } = self.parameters(parameters);
        assert!(
            input.len() == self.inputs,
            "a layer {} -> {} takes {} inputs, not {}",
            self.inputs,
            self.outputs,
            self.inputs,
            input.len()
        );
        let mut outputs = D::affine(weights, biases, input);
        for output in &mut outputs {
            *output = self.activation.apply(*output);
        }
        outputs
    }
}
