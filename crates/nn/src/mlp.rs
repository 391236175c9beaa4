//! `Mlp`: layers one after another.

use crate::{Activation, Error, Initializer, Layer, LayerParameters};
use dualtape::{Differentiable, Scalar};
use std::fmt;

/// The shape of a multi-layer perceptron over one flat slice of parameters, layer after layer.
///
/// ```
/// use dualtape::gradient;
/// use dualtape_nn::{Activation, Mlp};
///
/// let model = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
/// let parameters: Vec<f64> = model.initialize(1);
/// let constants = |x: &[f64]| x.iter().map(|&x| x.into()).collect::<Vec<_>>();
/// let (value, gradient) = gradient(|p| model.forward(p, &constants(&[0.5, -1.0]))[0], &parameters);
/// assert_eq!(value, model.forward(&parameters, &[0.5, -1.0])[0]);
/// assert_eq!(gradient.len(), model.parameter_count());
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    layers: Vec<Layer>,
}

impl Mlp {
    /// The largest number of parameters of a network: 2²⁸, which take 2 GiB.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Error, Mlp};
    /// let large = Mlp::new(&[Mlp::MAX_PARAMETERS, 1], Activation::Tanh); // and one bias
    /// assert!(matches!(large, Err(Error::TooLarge { most: Mlp::MAX_PARAMETERS, .. })));
    /// ```
    pub const MAX_PARAMETERS: usize = 1 << 28;

    /// A perceptron of the given sizes, from inputs to outputs. All layers except the last have the activation.
    ///
    /// # Errors
    ///
    /// [`Error::Sizes`] if there are fewer than two sizes or one is 0, [`Error::TooLarge`] if there are more
    /// than [`MAX_PARAMETERS`](Self::MAX_PARAMETERS) parameters.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Error, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// assert_eq!(model.layers()[1].activation, Activation::Identity);
    /// assert!(matches!(Mlp::new(&[4, 0], Activation::Tanh), Err(Error::Sizes { .. })));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new(sizes: &[usize], hidden: Activation) -> Result<Self, Error> {
        let layer = |(i, pair): (usize, &[usize])| {
            let last = i + 2 == sizes.len();
            let activation = if last { Activation::Identity } else { hidden };
            Layer { inputs: pair[0], outputs: pair[1], activation }
        };
        let layers: Vec<_> = sizes.windows(2).enumerate().map(layer).collect();
        if layers.is_empty() || sizes.contains(&0) {
            return Err(Error::Sizes { given: sizes.to_vec() });
        }
        Self::checked(layers)
    }

    /// A perceptron of the given layers.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`], naming both layers, if a layer does not take as many inputs as the layer before it gives outputs; and
    /// the errors of [`new`](Self::new).
    ///
    /// ```
    /// use dualtape_nn::{Activation::Relu, Layer, Mlp};
    /// let layers = vec![Layer { inputs: 2, outputs: 8, activation: Relu }, Layer { inputs: 9, outputs: 1, activation: Relu }];
    /// assert_eq!(
    ///     Mlp::from_layers(layers).unwrap_err().to_string(),
    ///     "inputs of layer 2 (9 -> 1), after layer 1 (2 -> 8): 9 given, 8 expected",
    /// );
    /// ```
    pub fn from_layers(layers: Vec<Layer>) -> Result<Self, Error> {
        let sizes = || layers.iter().flat_map(|layer| [layer.inputs, layer.outputs]);
        if layers.is_empty() || sizes().any(|size| size == 0) {
            return Err(Error::Sizes { given: sizes().collect() });
        }
        for (i, pair) in layers.windows(2).enumerate() {
            let [a, b] = [pair[0], pair[1]];
            if a.outputs != b.inputs {
                let what = format!(
                    "inputs of layer {} ({} -> {}), after layer {} ({} -> {})",
                    i + 2,
                    b.inputs,
                    b.outputs,
                    i + 1,
                    a.inputs,
                    a.outputs
                );
                return Err(Error::Shape { what, given: b.inputs, expected: a.outputs });
            }
        }
        Self::checked(layers)
    }

    /// Refuses too many parameters before anything of that size is allocated.
    fn checked(layers: Vec<Layer>) -> Result<Self, Error> {
        let counted = layers.iter().try_fold(0_usize, |sum, layer| {
            sum.checked_add(layer.outputs.checked_mul(layer.inputs.checked_add(1)?)?)
        });
        match counted {
            Some(count) if count <= Self::MAX_PARAMETERS => Ok(Self { layers }),
            _ => {
                let outputs = layers.iter().map(|layer| layer.outputs);
                let given = layers.first().map(|layer| layer.inputs).into_iter().chain(outputs).collect();
                Err(Error::TooLarge { given, most: Self::MAX_PARAMETERS })
            }
        }
    }

    /// The layers, from input to output.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// assert_eq!((model.layers()[0].inputs, model.layers()[0].outputs), (4, 8));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The number of inputs.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// assert_eq!(model.inputs(), 4);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// The number of outputs.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// assert_eq!(model.outputs(), 3);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The number of parameters of all layers.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// assert_eq!(model.parameter_count(), (4 + 1) * 8 + (8 + 1) * 3);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(Layer::parameter_count).sum()
    }

    /// Weights and biases, layer by layer.
    ///
    /// # Panics
    ///
    /// If `parameters` does not have [`parameter_count`](Self::parameter_count) numbers.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// let parameters: Vec<f64> = model.initialize(7);
    /// let last = model.parameters(&parameters)[1];
    /// assert_eq!((last.weights.len(), last.biases), (24, &[0.0; 3][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parameters<'p, D>(&self, parameters: &'p [D]) -> Vec<LayerParameters<'p, D>> {
        self.slices(parameters).map(|(layer, own)| layer.parameters(own)).collect()
    }

    /// Initial parameters: Xavier-uniform weights (Kaiming if the activation is relu), and biases of 0.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// let parameters: Vec<f64> = model.initialize(7);
    /// assert_eq!(parameters.len(), model.parameter_count());
    /// assert_eq!(parameters, model.initialize::<f64>(7));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn initialize<F: Scalar>(&self, seed: u64) -> Vec<F> {
        self.initialize_with(seed, |layer| Initializer::before(layer.activation))
    }

    /// Initial parameters: weights as chosen for each layer, and biases of 0.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Initializer, Mlp};
    /// // An output of 0 to begin with.
    /// let model = Mlp::new(&[2, 8, 1], Activation::Tanh)?;
    /// let choose = |layer: &dualtape_nn::Layer| match layer.outputs {
    ///     1 => Initializer::Zeros,
    ///     _ => Initializer::XavierNormal,
    /// };
    /// let parameters: Vec<f64> = model.initialize_with(7, choose);
    /// assert_eq!(model.forward(&parameters, &[3.0, 4.0]), [0.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn initialize_with<F: Scalar>(&self, seed: u64, choose: impl Fn(&Layer) -> Initializer) -> Vec<F> {
        let mut stream = crate::initialize::stream(seed);
        let mut parameters = Vec::with_capacity(self.parameter_count());
        for layer in &self.layers {
            choose(layer).weights(layer.inputs, layer.outputs, &mut stream, &mut parameters);
            parameters.extend(std::iter::repeat_n(F::zero(), layer.outputs));
        }
        parameters
    }

    /// The text that [`Display`](fmt::Display) writes: the layers, their shapes and numbers of parameters, and the total.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
    /// assert!(model.summary().ends_with("67"));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn summary(&self) -> String {
        self.to_string()
    }

    /// The outputs for one input.
    ///
    /// # Panics
    ///
    /// If `parameters` or `input` has the wrong length.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp};
    /// // |x| as relu(x) + relu(−x).
    /// let model = Mlp::new(&[1, 2, 1], Activation::Relu)?;
    /// let parameters = [1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
    /// assert_eq!(model.forward(&parameters, &[-3.0]), [3.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        let mut signal = Vec::new();
        for (layer, own) in self.slices(parameters) {
            signal = layer.forward(own, if signal.is_empty() { input } else { &signal });
        }
        signal
    }

    /// Every layer with its part of the parameters.
    fn slices<'s, 'p, D>(&'s self, parameters: &'p [D]) -> impl Iterator<Item = (&'s Layer, &'p [D])> {
        assert!(
            parameters.len() == self.parameter_count(),
            "this model has {} parameters, not {}",
            self.parameter_count(),
            parameters.len()
        );
        self.layers.iter().scan(parameters, |rest, layer| {
            let (own, others) = rest.split_at(layer.parameter_count());
            *rest = others;
            Some((layer, own))
        })
    }
}

/// Writes a summary: a line for each layer with its shape and number of parameters, and the total.
impl fmt::Display for Mlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<8}{:>14}  {:<12}{:>10}", "layer", "shape", "activation", "parameters")?;
        for (i, layer) in self.layers.iter().enumerate() {
            let shape = format!("{} -> {}", layer.inputs, layer.outputs);
            writeln!(f, "{:<8}{shape:>14}  {:<12}{:>10}", i + 1, layer.activation, layer.parameter_count())?;
        }
        write!(f, "{:<36}{:>10}", "total", self.parameter_count())
    }
}
