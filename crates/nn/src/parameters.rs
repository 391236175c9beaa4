//! The parameters of any model in a file that contains nothing else: no state of a trainer, and no data for predictions.

use crate::container::{self, Container, Tensor};
use crate::{Error, Model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashSet;
use std::path::Path;

const KIND: &str = "set of parameters";

/// The name that safetensors files reserve.
const RESERVED: &str = "__metadata__";

/// The largest number of tensor names that a message lists.
const NAMED: usize = 8;

/// Writes the parameters of a model as a safetensors file, with a tensor of `f64` for each of the model's
/// [`tensors`](Model::tensors). An old file is replaced only when the new one is complete. Every bit is kept, even of
/// numbers that are not finite.
///
/// In PyTorch, `safetensors.torch.load_file` reads the file. `load_state_dict` accepts the result if the PyTorch model gives
/// the same names to its tensors, as `torch.nn.Sequential` does for a [`Sequential`](crate::Sequential).
///
/// # Errors
///
/// [`Error::Shape`] if the number of parameters differs from the model's, or from the total of its tensors;
/// [`Error::TensorName`] if two tensors have the same name, or a tensor has a reserved name; [`Error::Write`] if the file
/// cannot be written. An old file then stays unchanged.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, load_parameters, save_parameters};
/// let model = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
/// let parameters = model.initialize(7);
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("parameters.safetensors");
/// save_parameters(&model, &parameters, &path)?;
/// assert_eq!(load_parameters(&model, &path)?, parameters);
/// assert!(save_parameters(&model, &parameters[1..], &path).is_err()); // one parameter is missing
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn save_parameters<M: Model>(model: &M, parameters: &[f64], path: impl AsRef<Path>) -> Result<(), Error> {
    let layout = layout(model)?;
    let (given, expected) = (parameters.len(), model.parameter_count());
    if given != expected {
        return Err(Error::Shape { what: "parameters of the model".to_owned(), given, expected });
    }
    container::write(path.as_ref(), KIND, &(), &Tensor::split("", &layout, parameters))
}

/// Reads the parameters of a model from a file that [`save_parameters`] wrote, or from a safetensors file of another program,
/// such as PyTorch's `safetensors.torch.save_file(module.state_dict(), path)`. The file must contain exactly the model's
/// [`tensors`](Model::tensors), with the same names and shapes, in any order. Their numbers are `f64`, or `f32`, which is
/// converted to `f64` without loss.
///
/// A file that [`save_parameters`] wrote has a checksum, so it is refused if any bit was changed. Files of other programs have
/// no checksum: a file that was cut short is refused, but a changed number cannot be detected.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read; [`Error::Checkpoint`] if it is damaged or of another kind, or, naming the
/// tensor, if a tensor is missing, is not one of the model's, or has another shape or type; [`Error::Shape`] and
/// [`Error::TensorName`] as in [`save_parameters`].
///
/// ```
/// use dualtape_nn::{Activation, Mlp, load_parameters, save_parameters};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("parameters.safetensors");
/// let model = Mlp::new(&[2, 1], Activation::Tanh)?;
/// save_parameters(&model, &[1.0, 2.0, 3.0], &path)?;
/// let wider = Mlp::new(&[3, 1], Activation::Tanh)?;
/// let error = load_parameters(&wider, &path).unwrap_err().to_string();
/// assert!(error.ends_with("'layers.0.weight' has the shape [1, 2]; expected [1, 3]"), "{error}");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn load_parameters<M: Model>(model: &M, path: impl AsRef<Path>) -> Result<Vec<f64>, Error> {
    let layout = layout(model)?;
    let file = container::read_ours_or_foreign(path.as_ref(), KIND, model.parameter_count())?;
    let tensors = file.tensors()?;
    check_names(&file, &tensors, &layout)?;
    let mut parameters = Vec::with_capacity(model.parameter_count());
    for (name, shape) in &layout {
        let tensor = tensors.tensor(name).map_err(|error| file.wrong(error.to_string()))?;
        if tensor.shape() != shape {
            return Err(
                file.wrong(format!("'{name}' has the shape {:?}; expected {shape:?}", tensor.shape()))
            );
        }
        extend(&mut parameters, &tensor).map_err(|dtype| {
            file.wrong(format!("'{name}' has numbers of type {dtype:?}; expected F64 or F32"))
        })?;
    }
    Ok(parameters)
}

/// The model's tensors, if they contain all parameters and have different names.
pub(crate) fn layout<M: Model>(model: &M) -> Result<Vec<(String, Vec<usize>)>, Error> {
    let layout = model.tensors();
    let mut seen = HashSet::new();
    if let Some((name, _)) = layout.iter().find(|(name, _)| name == RESERVED || !seen.insert(name)) {
        return Err(Error::TensorName { name: name.clone() });
    }
    let length = |shape: &[usize]| shape.iter().fold(1_usize, |product, &size| product.saturating_mul(size));
    let given = layout.iter().fold(0_usize, |sum, (_, shape)| sum.saturating_add(length(shape)));
    let expected = model.parameter_count();
    if given != expected {
        return Err(Error::Shape { what: "numbers in the tensors of the model".to_owned(), given, expected });
    }
    Ok(layout)
}

/// Checks that the file has the tensors of the layout and no others.
fn check_names<A>(
    file: &Container<A>,
    tensors: &SafeTensors<'_>,
    layout: &[(String, Vec<usize>)],
) -> Result<(), Error> {
    let expected: HashSet<&str> = layout.iter().map(|(name, _)| name.as_str()).collect();
    let given: HashSet<&str> = tensors.names().into_iter().collect();
    let missing = layout.iter().map(|(name, _)| name.as_str()).filter(|name| !given.contains(name));
    let missing: Vec<&str> = missing.collect();
    let mut others: Vec<&str> = given.difference(&expected).copied().collect();
    // The names are sorted, because a set has no fixed order, and a message should not change from run to run.
    others.sort_unstable();
    let problem = match (missing.is_empty(), others.is_empty()) {
        (true, true) => return Ok(()),
        (false, true) => format!("it does not have {}", list(&missing)),
        (true, false) => format!("it also has {}", list(&others)),
        (false, false) => format!("it does not have {}, but has {}", list(&missing), list(&others)),
    };
    Err(file.wrong(format!("{problem}; expected exactly the tensors of the model")))
}

/// Names in quotes; only the first ones if there are many.
fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("'{name}'")).collect();
    let more = names.len() - shown.len();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

/// Appends the numbers of a tensor; fails with their type if it is neither `f64` nor `f32`.
fn extend(parameters: &mut Vec<f64>, tensor: &TensorView<'_>) -> Result<(), Dtype> {
    match tensor.dtype() {
        Dtype::F64 => {
            let (numbers, _) = tensor.data().as_chunks();
            parameters.extend(numbers.iter().map(|&bytes| f64::from_le_bytes(bytes)));
        }
        Dtype::F32 => {
            let (numbers, _) = tensor.data().as_chunks();
            parameters.extend(numbers.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))));
        }
        other => return Err(other),
    }
    Ok(())
}
