//! Models over flat parameters, which can be trained.

use crate::{Layer, Loss, Mlp};
use dualtape::Differentiable;
use std::ops::Range;

/// A model: its sizes, and the function that it computes on any kind of number. [`Mlp`] is a model. To write your own,
/// implement four methods.
///
/// ```
/// use dualtape::Differentiable;
/// use dualtape_nn::{Loss, Method, Model, Settings, data::Dataset, train};
///
/// /// a · exp(b x), of one input and two parameters.
/// struct Growth;
///
/// impl Model for Growth {
///     fn inputs(&self) -> usize { 1 }
///     fn outputs(&self) -> usize { 1 }
///     fn parameter_count(&self) -> usize { 2 }
///     fn forward<D: Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> { vec![p[0] * (p[1] * x[0]).exp()] }
/// }
///
/// let (x, y) = (0..20).map(|i| (f64::from(i) / 10.0, 2.0 * (0.5 * f64::from(i) / 10.0).exp())).unzip();
/// let data = Dataset::regression("growth", vec!["t".into()], vec!["size".into()], x, y)?;
/// let mut parameters = vec![1.0, 0.0];
/// let optimizer = Method::adam();
/// let settings = Settings { loss: Loss::MeanSquared, optimizer, epochs: 1000, ..Settings::default() };
/// train(&Growth, &mut parameters, &data, &data, &settings, |_| {})?;
/// assert!((parameters[0] - 2.0).abs() < 1e-3 && (parameters[1] - 0.5).abs() < 1e-3, "{parameters:?}");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub trait Model: Sync {
    /// The number of inputs.
    fn inputs(&self) -> usize;

    /// The number of outputs.
    fn outputs(&self) -> usize;

    /// The number of parameters.
    fn parameter_count(&self) -> usize;

    /// The outputs for one input. This function is recorded once, so it must not branch on its numbers.
    ///
    /// # Panics
    ///
    /// If `parameters` or `input` has the wrong length.
    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D>
    where
        Self: Sized;

    /// The outputs for one input in training. There, dropout multiplies some numbers by factors, one for each probability in
    /// [`dropout`](Self::dropout). Without factors, it returns the [usual](Self::forward) outputs.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward); and if the number of factors is wrong.
    ///
    /// ```
    /// use dualtape_nn::{Layer, Model, Module, Sequential};
    /// let model = Sequential::new(vec![Layer::linear(1, 2).into(), Module::Dropout(0.5)])?;
    /// let parameters = [1.0, 2.0, 0.0, 0.0];
    /// assert_eq!(model.forward(&parameters, &[3.0]), [3.0, 6.0]);
    /// assert_eq!(model.forward_training(&parameters, &[3.0], &[0.0, 2.0]), [0.0, 12.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn forward_training<D: Differentiable>(&self, parameters: &[D], input: &[D], factors: &[D]) -> Vec<D>
    where
        Self: Sized,
    {
        assert!(
            factors.is_empty(),
            "the model takes no factors of dropout, but {} were given",
            factors.len()
        );
        self.forward(parameters, input)
    }

    /// For each factor of dropout in [training](Self::forward_training), the probability p that it is 0. Otherwise, the factor
    /// is 1 / (1 − p). A [`Trainer`](crate::Trainer) draws new factors for each sample of each step. By default,
    /// there are none.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer, Mlp, Model, Module, Sequential};
    /// let model = Sequential::new(vec![Layer::linear(1, 2).into(), Module::Dropout(0.5)])?;
    /// assert_eq!(model.dropout(), [0.5, 0.5]);
    /// assert!(Mlp::new(&[2, 1], Activation::Tanh)?.dropout().is_empty());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn dropout(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The loss of one sample, for a model that defines its own loss. Then you need not choose a loss in the settings, and a
    /// chosen loss is ignored. There is one target for each output. For classes, it is 1 for the sample's class and 0 for the
    /// others. If a single output stands for the second of two classes, the target is 1 for that class and 0 for the first. The
    /// loss must not branch either.
    ///
    /// ```
    /// use dualtape::Differentiable;
    /// use dualtape_nn::{Loss, Model, Settings, data::Dataset, train};
    ///
    /// /// One number, with nine tenths of the targets below it: the loss is least there.
    /// struct Quantile;
    ///
    /// impl Model for Quantile {
    ///     fn inputs(&self) -> usize { 1 }
    ///     fn outputs(&self) -> usize { 1 }
    ///     fn parameter_count(&self) -> usize { 1 }
    ///     fn forward<D: Differentiable>(&self, p: &[D], _: &[D]) -> Vec<D> { vec![p[0]] }
    ///     fn own_loss<D: Differentiable>(&self, outputs: &[D], targets: &[D]) -> Option<D> {
    ///         let above = targets[0] - outputs[0];
    ///         Some(above.relu() * D::literal(0.9) + (-above).relu() * D::literal(0.1))
    ///     }
    /// }
    ///
    /// let (x, y) = (0..100).map(|i| (0.0, f64::from(i))).unzip();
    /// let data = Dataset::regression("numbers", vec!["x".into()], vec!["y".into()], x, y)?;
    /// let mut quantile = [50.0];
    /// let settings = Settings { epochs: 200, rate: 2.0, ..Settings::default() };
    /// train(&Quantile, &mut quantile, &data, &data, &settings, |_| {})?;
    /// assert!((quantile[0] - 90.0).abs() < 2.0, "{quantile:?}");
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn own_loss<D: Differentiable>(&self, _outputs: &[D], _targets: &[D]) -> Option<D>
    where
        Self: Sized,
    {
        None
    }

    /// The loss of one sample: the model's [own](Self::own_loss) loss if it has one, otherwise the chosen loss. A model can
    /// also override this to build its loss from the chosen one. It must not branch either.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Loss, Mlp, Model};
    /// let model = Mlp::new(&[1, 1], Activation::Tanh)?;
    /// assert_eq!(model.loss(Loss::L1, &[3.0], &[1.0]), 2.0);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn loss<D: Differentiable>(&self, chosen: Loss, outputs: &[D], targets: &[D]) -> D
    where
        Self: Sized,
    {
        self.own_loss(outputs, targets).unwrap_or_else(|| chosen.of(outputs, targets))
    }

    /// The parameters that a penalty applies to; by default, all of them.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp, Model};
    /// let model = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
    /// assert_eq!(model.weights(), [0..6, 9..12]); // without the biases
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn weights(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.parameter_count()).collect()
    }

    /// The name and shape of each tensor in files, in the order of the flat parameters.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp, Model};
    /// let model = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
    /// let (names, shapes): (Vec<_>, Vec<_>) = model.tensors().into_iter().unzip();
    /// assert_eq!(names.len(), 4); // weights and biases of two layers
    /// assert_eq!(shapes.iter().map(|shape| shape.iter().product::<usize>()).sum::<usize>(), 13);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    ///
    /// A model of your own that keeps a [structure](dualtape::parameters) of its parameters takes the tensors from it, as well
    /// as their number and the structure in [`forward`](Self::forward):
    ///
    /// ```
    /// use dualtape::{Differentiable, Parameters};
    /// use dualtape_nn::Model;
    ///
    /// #[derive(Parameters)]
    /// struct Weights<T> {
    ///     hidden: [[T; 2]; 3],
    ///     output: [T; 3],
    /// }
    ///
    /// /// A network without biases; only the shapes of the weights matter here.
    /// struct Network(Weights<f64>);
    ///
    /// impl Model for Network {
    ///     fn inputs(&self) -> usize { 2 }
    ///     fn outputs(&self) -> usize { 1 }
    ///     fn parameter_count(&self) -> usize { self.0.number_count() }
    ///     fn tensors(&self) -> Vec<(String, Vec<usize>)> { self.0.tensors() }
    ///     fn forward<D: Differentiable>(&self, parameters: &[D], x: &[D]) -> Vec<D> {
    ///         let Weights { hidden, output } = self.0.with_numbers(parameters).expect("one number for each parameter");
    ///         vec![D::dot(&hidden.map(|row| D::dot(&row, x).tanh()), &output)]
    ///     }
    /// }
    ///
    /// let network = Network(Weights { hidden: [[0.0; 2]; 3], output: [0.0; 3] });
    /// assert_eq!(network.tensors(), [("hidden".to_owned(), vec![3, 2]), ("output".to_owned(), vec![3])]);
    /// assert_eq!(network.forward(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0], &[0.5, 0.0]), [2.0 * 0.5_f64.tanh()]);
    /// ```
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        vec![("parameters".to_owned(), vec![self.parameter_count()])]
    }

    /// Checks whether the model accepts an input of the right length. By default, it accepts any.
    ///
    /// # Errors
    ///
    /// A message that says what was given and what was expected.
    ///
    /// ```
    /// use dualtape_nn::{Embedding, Model};
    /// let embedding = Embedding { embeddings: 3, size: 2, indices: 1 };
    /// assert!(embedding.check_input(&[2.0]).is_ok());
    /// let problem = embedding.check_input(&[0.5]).unwrap_err();
    /// assert_eq!(problem, "feature 1 is 0.5; expected a whole number from 0 to 2");
    /// ```
    fn check_input(&self, _input: &[f64]) -> Result<(), String> {
        Ok(())
    }

    /// The names of the model's inputs and outputs in error messages.
    fn ends(&self) -> [String; 2] {
        ["the model's inputs".to_owned(), "the model's outputs".to_owned()]
    }
}

impl Model for Mlp {
    fn inputs(&self) -> usize {
        self.inputs()
    }

    fn outputs(&self) -> usize {
        self.outputs()
    }

    fn parameter_count(&self) -> usize {
        self.parameter_count()
    }

    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        self.forward(parameters, input)
    }

    fn weights(&self) -> Vec<Range<usize>> {
        let own = |start: &mut usize, layer: &Layer| {
            let first = *start;
            *start += layer.parameter_count();
            Some(first..first + layer.inputs * layer.outputs)
        };
        self.layers().iter().scan(0, own).collect()
    }

    /// The names that PyTorch gives to a sequence of linear layers: `layers.0.weight` of shape `[outputs, inputs]`,
    /// `layers.0.bias` of shape `[outputs]`, and so on.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let of = |(i, layer): (usize, &Layer)| {
            [
                (format!("layers.{i}.weight"), vec![layer.outputs, layer.inputs]),
                (format!("layers.{i}.bias"), vec![layer.outputs]),
            ]
        };
        self.layers().iter().enumerate().flat_map(of).collect()
    }

    fn ends(&self) -> [String; 2] {
        let shape = |i: usize| {
            let layer = self.layers()[i];
            format!("layer {} ({} -> {})", i + 1, layer.inputs, layer.outputs)
        };
        [format!("the inputs of {}", shape(0)), format!("the outputs of {}", shape(self.layers().len() - 1))]
    }
}
