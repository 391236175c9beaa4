//! `Sequential`: modules one after another.

use crate::module::Part;
use crate::{Activation, Error, Initializer, Mlp, Model, Module};
use dualtape::{Differentiable, Scalar};
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::ops::Range;

/// Modules one after another, over one flat slice of parameters, like PyTorch's `Sequential`. Its tensors have the same names
/// as in PyTorch, so [`save_parameters`](crate::save_parameters) and [`load_parameters`](crate::load_parameters) exchange
/// parameters between the two.
///
/// ```
/// use dualtape_nn::{Activation, Layer, LayerNorm, Model, Module, Sequential, Settings, data, train};
///
/// let block = Sequential::new(vec![LayerNorm::new(16).into(), Layer::linear(16, 16).into(), Activation::Gelu.into()])?;
/// let model = Sequential::new(vec![
///     Layer::linear(2, 16).into(),
///     Module::Residual(block),
///     Module::Dropout(0.1),
///     Layer::linear(16, 2).into(),
/// ])?;
/// let names: Vec<String> = model.tensors().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names[..4], ["0.weight", "0.bias", "1.0.weight", "1.0.bias"]);
///
/// let (training, validation) = data::moons().split(0.2, 7)?;
/// let mut parameters = model.initialize(7);
/// let settings = Settings { epochs: 60, rate: 0.01, optimizer: "adam".parse()?, ..Settings::default() };
/// let history = train(&model, &mut parameters, &training, &validation, &settings, |_| {})?;
/// assert!(history.last().unwrap().validation.accuracy > Some(0.9));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sequential {
    modules: Vec<Module>,
    /// The number of inputs of each module, and then the number of outputs of the last.
    widths: Vec<usize>,
}

impl Sequential {
    /// A sequence of these modules, from input to output.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if a module does not take as many inputs as the module before it gives outputs, or a residual block
    /// does not give as many numbers as it takes; [`Error::Sizes`] or [`Error::Setting`] if a size or number of a module is out
    /// of its range, no module determines the number of inputs, or an embedding is not the first module; [`Error::TooLarge`] if
    /// there are more than [`Mlp::MAX_PARAMETERS`] parameters.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer, Sequential};
    /// let modules = vec![Layer::linear(2, 8).into(), Activation::Relu.into(), Layer::linear(9, 1).into()];
    /// assert_eq!(
    ///     Sequential::new(modules).unwrap_err().to_string(),
    ///     "inputs of module 2 (layer 9 -> 1), after module 1 (relu): 9 given, 8 expected",
    /// );
    /// ```
    pub fn new(modules: Vec<Module>) -> Result<Self, Error> {
        modules.iter().try_for_each(Module::check)?;
        let widths = widths(&modules)?;
        check_count(&modules, &widths)?;
        Ok(Self { modules, widths })
    }

    /// The modules, from input to output.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer, Module, Sequential};
    /// let model = Sequential::new(vec![Layer::linear(2, 3).into(), Activation::Tanh.into()])?;
    /// assert_eq!(model.modules()[1], Module::Activation(Activation::Tanh));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Initial parameters. The weights of layers are Xavier-uniform, or Kaiming-normal before relu and leaky relu, and their
    /// biases are 0, as for an [`Mlp`]. The weights of layer norms are 1. The rows of embeddings are normal with deviation 1.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Layer, Mlp, Sequential};
    /// let modules = vec![Layer::linear(4, 8).into(), Activation::Relu.into(), Layer::linear(8, 3).into()];
    /// let mlp = Mlp::new(&[4, 8, 3], Activation::Relu)?;
    /// assert_eq!(Sequential::new(modules)?.initialize::<f64>(7), mlp.initialize::<f64>(7));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn initialize<F: Scalar>(&self, seed: u64) -> Vec<F> {
        let mut parameters = Vec::with_capacity(self.parameter_count());
        self.extend_fresh(&mut crate::initialize::stream(seed), &mut parameters);
        parameters.into_iter().map(F::nearest).collect()
    }

    fn extend_fresh(&self, stream: &mut ChaCha8Rng, parameters: &mut Vec<f64>) {
        for (i, module) in self.modules.iter().enumerate() {
            if let Some(part) = module.part() {
                part.initialize(Initializer::before(self.activation_after(i)), stream, parameters);
            }
        }
    }

    /// The activation that applies to the sums of a layer: its own, or the one that follows it.
    fn activation_after(&self, i: usize) -> Activation {
        match (&self.modules[i], self.modules.get(i + 1)) {
            (Module::Layer(layer), _) if layer.activation != Activation::Identity => layer.activation,
            (_, Some(Module::Activation(next))) => *next,
            _ => Activation::Identity,
        }
    }

    /// The outputs; the outputs in training, if there are factors of dropout. Each module removes its factors from the
    /// beginning of the slice.
    pub(crate) fn run<D: Differentiable>(
        &self,
        parameters: &[D],
        input: &[D],
        factors: &mut Option<&[D]>,
    ) -> Vec<D> {
        let (mut rest, mut signal) = (parameters, input.to_vec());
        for module in &self.modules {
            let (own, others) = rest.split_at(module.parameter_count());
            signal = module.forward(own, signal, factors);
            rest = others;
        }
        signal
    }

    fn parts(&self) -> impl Iterator<Item = (usize, &dyn Part)> {
        self.modules.iter().enumerate().filter_map(|(i, module)| Some((i, module.part()?)))
    }
}

/// The number of inputs of each module, and then the number of outputs of the last.
fn widths(modules: &[Module]) -> Result<Vec<usize>, Error> {
    let Some(first) = modules.iter().find_map(Module::part) else {
        let given = format!("{} modules without sizes", modules.len());
        let expected = "at least a layer, a layer norm, an embedding or a residual block among the modules";
        return Err(Error::Setting { what: "sequence of modules", given, expected });
    };
    let mut widths = vec![first.inputs()];
    for (i, module) in modules.iter().enumerate() {
        let width = widths[i];
        let part = module.part();
        let [inputs, outputs] = part.map_or([width, width], |part| [part.inputs(), part.outputs()]);
        let residual = matches!(module, Module::Residual(_));
        if module.takes_indices() && (i > 0 || residual) {
            let given = format!("in module {i} ({module})");
            let expected = "it as module 0, outside of residual blocks, as it takes indices";
            return Err(Error::Setting { what: "place of an embedding", given, expected });
        }
        if inputs != width {
            let before = &modules[i - 1];
            let what = format!("inputs of module {i} ({module}), after module {} ({before})", i - 1);
            return Err(Error::Shape { what, given: inputs, expected: width });
        }
        if residual && outputs != inputs {
            let what = format!("outputs of module {i} ({module}), which are added to its inputs");
            return Err(Error::Shape { what, given: outputs, expected: inputs });
        }
        widths.push(outputs);
    }
    Ok(widths)
}

/// Refuses too many parameters before anything of that size is allocated.
fn check_count(modules: &[Module], widths: &[usize]) -> Result<(), Error> {
    let shapes = modules.iter().filter_map(Module::part).flat_map(Model::tensors);
    let counted = shapes.map(|(_, shape)| shape.into_iter().try_fold(1_usize, usize::checked_mul));
    let counted = counted.into_iter().try_fold(0_usize, |sum, length| sum.checked_add(length?));
    match counted {
        Some(count) if count <= Mlp::MAX_PARAMETERS => Ok(()),
        _ => Err(Error::TooLarge { given: widths.to_vec(), most: Mlp::MAX_PARAMETERS }),
    }
}

impl Model for Sequential {
    fn inputs(&self) -> usize {
        self.widths[0]
    }

    fn outputs(&self) -> usize {
        self.widths[self.modules.len()]
    }

    fn parameter_count(&self) -> usize {
        self.modules.iter().map(Module::parameter_count).sum()
    }

    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        self.check_lengths(parameters.len(), input.len());
        self.run(parameters, input, &mut None)
    }

    fn forward_training<D: Differentiable>(&self, parameters: &[D], input: &[D], factors: &[D]) -> Vec<D> {
        self.check_lengths(parameters.len(), input.len());
        let expected = self.dropout().len();
        assert!(
            factors.len() == expected,
            "{self} takes {expected} factors of dropout, not {}",
            factors.len()
        );
        self.run(parameters, input, &mut Some(factors))
    }

    fn dropout(&self) -> Vec<f64> {
        let of = |(module, &width): (&Module, &usize)| match module {
            Module::Dropout(p) => vec![*p; width],
            _ => module.part().map_or(Vec::new(), Model::dropout),
        };
        self.modules.iter().zip(&self.widths).flat_map(of).collect()
    }

    /// The weights of its layers and embeddings, without biases and layer norms.
    fn weights(&self) -> Vec<Range<usize>> {
        let (mut first, mut weights) = (0, Vec::new());
        for (_, part) in self.parts() {
            weights.extend(part.weights().into_iter().map(|own| first + own.start..first + own.end));
            first += part.parameter_count();
        }
        weights
    }

    /// The names that PyTorch gives to a `Sequential`: `0.weight`, `0.bias`, and so on, by the number of the module. Inside a
    /// residual block that is module 1, the name is `1.0.weight`, as for a user's Python class derived from `Sequential`.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let of = |(i, part): (usize, &dyn Part)| {
            let own = part.tensors().into_iter();
            own.map(|(name, shape)| (format!("{i}.{name}"), shape)).collect::<Vec<_>>()
        };
        self.parts().flat_map(of).collect()
    }

    fn check_input(&self, input: &[f64]) -> Result<(), String> {
        self.modules[0].part().map_or(Ok(()), |part| part.check_input(input))
    }

    fn ends(&self) -> [String; 2] {
        let last = self.modules.len() - 1;
        [
            format!("the inputs of module 0 ({})", self.modules[0]),
            format!("the outputs of module {last} ({})", self.modules[last]),
        ]
    }
}

impl Part for Sequential {
    /// The sequence was checked when it was made.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn initialize(&self, _: Initializer, stream: &mut ChaCha8Rng, parameters: &mut Vec<f64>) {
        self.extend_fresh(stream, parameters);
    }
}

/// The modules in a row, as in `sequence of layer 2 -> 3, tanh`.
impl fmt::Display for Sequential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sequence of ")?;
        for (i, module) in self.modules.iter().enumerate() {
            write!(f, "{}{module}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}
