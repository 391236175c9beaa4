//! `Layer`: neurons side by side.

use crate::module::Part;
use crate::{Activation, Error, Initializer, Model};
use dualtape::Differentiable;
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::ops::Range;

/// The shape of a dense layer. Its parameters are the weights, row after row, with one row for each output, followed by
/// the biases.
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
    /// The function applied to each weighted sum.
    pub activation: Activation,
}

/// The parameters of a layer, as parts of the flat slice.
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
    /// A layer without activation, like PyTorch's `Linear`.
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
    /// If `parameters` does not have [`parameter_count`](Self::parameter_count) numbers.
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

impl Model for Layer {
    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn parameter_count(&self) -> usize {
        self.parameter_count()
    }

    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        self.forward(parameters, input)
    }

    fn weights(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.inputs * self.outputs).collect()
    }

    /// The names that PyTorch gives to a linear layer: `weight` of shape `[outputs, inputs]`, `bias` of shape `[outputs]`.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        vec![("weight".to_owned(), vec![self.outputs, self.inputs]), ("bias".to_owned(), vec![self.outputs])]
    }
}

impl Part for Layer {
    fn check(&self) -> Result<(), Error> {
        match [self.inputs, self.outputs] {
            sizes if sizes.contains(&0) => Err(Error::Sizes { given: sizes.to_vec() }),
            _ => Ok(()),
        }
    }

    fn initialize(&self, weights: Initializer, stream: &mut ChaCha8Rng, parameters: &mut Vec<f64>) {
        weights.weights(self.inputs, self.outputs, stream, parameters);
        parameters.extend(std::iter::repeat_n(0.0, self.outputs));
    }
}

/// Its sizes, and its activation if it has one.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {} -> {}", self.inputs, self.outputs)?;
        match self.activation {
            Activation::Identity => Ok(()),
            activation => write!(f, " with {activation}"),
        }
    }
}
