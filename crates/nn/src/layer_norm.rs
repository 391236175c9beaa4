//! `LayerNorm`: normalises the numbers of one sample to mean 0 and variance 1.

use crate::module::Part;
use crate::{Error, Initializer, Model};
use dualtape::Differentiable;
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::ops::Range;

/// Normalises the numbers of one sample to mean 0 and variance 1, and then multiplies each by a weight and adds a bias, like
/// PyTorch's `LayerNorm`. Ba, Kiros and Hinton, "Layer normalization", 2016. It uses only one sample, so the result does not
/// depend on the batch.
///
/// Its parameters are `size` weights and then `size` biases.
///
/// ```
/// use dualtape_nn::{LayerNorm, Model};
/// let norm = LayerNorm::new(2);
/// let outputs: Vec<f64> = norm.forward(&[1.0, 1.0, 0.0, 10.0], &[3.0, 5.0]);
/// assert!((outputs[0] + 1.0).abs() < 1e-5 && (outputs[1] - 11.0).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// How many numbers go in and come out; at least 1.
    pub size: usize,
    /// The number that is added to the variance, so that equal numbers are not divided by 0; positive.
    pub epsilon: f64,
}

impl LayerNorm {
    /// A layer norm with PyTorch's ε of 1e-5.
    ///
    /// ```
    /// use dualtape_nn::LayerNorm;
    /// assert_eq!(LayerNorm::new(8), LayerNorm { size: 8, epsilon: 1e-5 });
    /// ```
    pub fn new(size: usize) -> Self {
        Self { size, epsilon: 1e-5 }
    }
}

impl Model for LayerNorm {
    fn inputs(&self) -> usize {
        self.size
    }

    fn outputs(&self) -> usize {
        self.size
    }

    fn parameter_count(&self) -> usize {
        2 * self.size
    }

    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        self.check_lengths(parameters.len(), input.len());
        let (weights, biases) = parameters.split_at(self.size);
        let count = self.size as f64;
        let mean = D::sum_of(input) / D::literal(count);
        let mut centred: Vec<D> = input.iter().map(|&x| x - mean).collect();
        // √(Σ c² / n + ε) is computed by a norm and √n: unlike squares, a norm does not overflow for large numbers.
        centred.push(D::literal((count * self.epsilon).sqrt()));
        let scale = D::literal(count.sqrt()) / D::norm(&centred);
        let each = centred.iter().zip(weights).zip(biases);
        each.map(|((&x, &weight), &bias)| x * scale * weight + bias).collect()
    }

    /// It has none, because penalties would draw its outputs towards 0.
    fn weights(&self) -> Vec<Range<usize>> {
        Vec::new()
    }

    /// The names of PyTorch: `weight` and `bias`.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        ["weight", "bias"].map(|name| (name.to_owned(), vec![self.size])).to_vec()
    }
}

impl Part for LayerNorm {
    fn check(&self) -> Result<(), Error> {
        if !(self.epsilon.is_finite() && self.epsilon > 0.0) {
            let given = self.epsilon.to_string();
            return Err(Error::Setting { what: "ε of a layer norm", given, expected: "a positive number" });
        }
        if self.size == 0 {
            let given = "0".to_owned();
            return Err(Error::Setting { what: "size of a layer norm", given, expected: "at least 1" });
        }
        Ok(())
    }

    fn initialize(&self, _: Initializer, _: &mut ChaCha8Rng, parameters: &mut Vec<f64>) {
        parameters.extend(std::iter::repeat_n(1.0, self.size));
        parameters.extend(std::iter::repeat_n(0.0, self.size));
    }
}

impl fmt::Display for LayerNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer norm of {}", self.size)
    }
}
