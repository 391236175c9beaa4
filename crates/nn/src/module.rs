//! `Module`: an element of a `Sequential`.

use crate::{Activation, Embedding, Error, Initializer, Layer, LayerNorm, Model, Sequential};
use dualtape::Differentiable;
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// An element of a [`Sequential`], named as in PyTorch.
///
/// [`Layer`], [`LayerNorm`], [`Embedding`] and [`Sequential`] are also [`Model`]s themselves. Your own model can contain
/// them, and call each with its part of the parameters.
///
/// ```
/// use dualtape_nn::{Activation, Layer, Module};
/// assert_eq!(Module::from(Layer::linear(2, 3)).to_string(), "layer 2 -> 3");
/// assert_eq!(Module::from(Activation::Tanh).to_string(), "tanh");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Module {
    /// A dense layer; [`Layer::linear`] is PyTorch's `Linear`.
    Layer(Layer),
    /// A function of each number.
    Activation(Activation),
    /// Normalises the numbers of a sample to mean 0 and variance 1.
    LayerNorm(LayerNorm),
    /// A row of a table for each index; it must be the first module.
    Embedding(Embedding),
    /// x + f(x), where f is a sequence of modules that gives as many numbers as it takes. He and others, "Deep residual
    /// learning for image recognition", 2016.
    Residual(Sequential),
    /// In training, each number becomes 0 with this probability p, and is divided by 1 − p otherwise. Outside training,
    /// dropout changes nothing. Srivastava and others, "Dropout", 2014. The seed of the settings and the step determine the
    /// random numbers.
    ///
    /// If your own model contains a sequence with dropout, it must forward [`dropout`](Model::dropout) and
    /// [`forward_training`](Model::forward_training) to the sequence. Otherwise, it trains as if there were no dropout.
    Dropout(f64),
}

/// A module that knows its sizes.
pub(crate) trait Part: Model + fmt::Display {
    /// Checks that its sizes and numbers are in their range.
    fn check(&self) -> Result<(), Error>;

    /// Appends initial parameters; the given rule determines the weights of a layer.
    fn initialize(&self, weights: Initializer, stream: &mut ChaCha8Rng, parameters: &mut Vec<f64>);

    /// # Panics
    ///
    /// If the number of parameters or inputs is wrong.
    fn check_lengths(&self, parameters: usize, inputs: usize) {
        let expected = self.parameter_count();
        assert!(parameters == expected, "{self} has {expected} parameters, not {parameters}");
        let expected = self.inputs();
        assert!(inputs == expected, "{self} takes {expected} inputs, not {inputs}");
    }
}

impl Module {
    /// The module as a part of known sizes; `None` if it takes any number of inputs and has no parameters.
    pub(crate) fn part(&self) -> Option<&dyn Part> {
        match self {
            Self::Layer(layer) => Some(layer),
            Self::LayerNorm(norm) => Some(norm),
            Self::Embedding(embedding) => Some(embedding),
            Self::Residual(inner) => Some(inner),
            Self::Activation(_) | Self::Dropout(_) => None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Dropout(p) => check_dropout(*p),
            _ => self.part().map_or(Ok(()), Part::check),
        }
    }

    pub(crate) fn parameter_count(&self) -> usize {
        self.part().map_or(0, Model::parameter_count)
    }

    /// Whether its inputs are indices.
    pub(crate) fn takes_indices(&self) -> bool {
        match self {
            Self::Embedding(_) => true,
            Self::Residual(inner) => inner.modules().first().is_some_and(Self::takes_indices),
            _ => false,
        }
    }

    /// The outputs; the outputs in training, if there are factors of dropout. The module removes its factors from the beginning
    /// of the slice.
    pub(crate) fn forward<D: Differentiable>(
        &self,
        parameters: &[D],
        mut signal: Vec<D>,
        factors: &mut Option<&[D]>,
    ) -> Vec<D> {
        match self {
            Self::Layer(layer) => layer.forward(parameters, &signal),
            Self::LayerNorm(norm) => norm.forward(parameters, &signal),
            Self::Embedding(embedding) => embedding.forward(parameters, &signal),
            Self::Activation(activation) => {
                signal.iter_mut().for_each(|x| *x = activation.apply(*x));
                signal
            }
            Self::Residual(inner) => {
                let change = inner.run(parameters, &signal, factors);
                signal.iter_mut().zip(change).for_each(|(x, change)| *x += change);
                signal
            }
            Self::Dropout(_) => {
                if let Some(rest) = factors {
                    let (own, others) = rest.split_at(signal.len());
                    *rest = others;
                    signal.iter_mut().zip(own).for_each(|(x, &factor)| *x *= factor);
                }
                signal
            }
        }
    }
}

/// Checks a probability of dropout: it must be at least 0 and less than 1.
pub(crate) fn check_dropout(p: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&p) {
        return Ok(());
    }
    let expected = "a probability of 0 or more, and less than 1";
    Err(Error::Setting { what: "dropout", given: p.to_string(), expected })
}

impl From<Layer> for Module {
    fn from(layer: Layer) -> Self {
        Self::Layer(layer)
    }
}

impl From<Activation> for Module {
    fn from(activation: Activation) -> Self {
        Self::Activation(activation)
    }
}

impl From<LayerNorm> for Module {
    fn from(norm: LayerNorm) -> Self {
        Self::LayerNorm(norm)
    }
}

impl From<Embedding> for Module {
    fn from(embedding: Embedding) -> Self {
        Self::Embedding(embedding)
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(layer) => write!(f, "{layer}"),
            Self::Activation(activation) => write!(f, "{activation}"),
            Self::LayerNorm(norm) => write!(f, "{norm}"),
            Self::Embedding(embedding) => write!(f, "{embedding}"),
            Self::Residual(inner) => write!(f, "residual {} -> {}", inner.inputs(), inner.outputs()),
            Self::Dropout(p) => write!(f, "dropout of {p}"),
        }
    }
}
