//! The parameters of any model in a file of their own, without a trainer and without what it takes to predict.

use crate::container::{self, Container, Tensor};
use crate::{Error, Model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashSet;
use std::path::Path;

const KIND: &str = "set of parameters";

/// The name that safetensors files keep for themselves.
const RESERVED: &str = "__metadata__";

/// How many names of tensors a message lists.
const NAMED: usize = 8;

/// Writes the parameters of a model as a safetensors file, a tensor of `f64` for each of the model's
/// [`tensors`](Model::tensors). The file is replaced only when the new one is complete. Every bit is kept, also of numbers
/// that are not finite.
///
/// PyTorch reads it by `safetensors.torch.load_file`. Its `load_state_dict` takes the result for a model that gives its
/// tensors the same names, as `torch.nn.Sequential` does for a [`Sequential`](crate::Sequential).
///
/// # Errors
///
/// [`Error::Shape`] if the parameters are not as many as the model's, or as those of its tensors; [`Error::TensorName`] if
/// the model has two tensors of one name; [`Error::Write`] if the file cannot be written. An old file is then untouched.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, load_parameters, save_parameters};
/// let model = Mlp::new(&[2, 3, 1], Activation::Tanh)?;
/// let parameters = model.initialize(7);
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("parameters.safetensors");
/// save_parameters(&model, &parameters, &path)?;
/// assert_eq!(load_parameters(&model, &path)?, parameters);
/// assert!(save_parameters(&model, &parameters[1..], &path).is_err()); // one is missing
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

/// Reads the parameters of a model: what [`save_parameters`] wrote, or a safetensors file of another program, such as
/// PyTorch's `safetensors.torch.save_file(module.state_dict(), path)`. The file has exactly the model's
/// [`tensors`](Model::tensors), by name and shape, in any order; their numbers are `f64` or `f32`, which becomes `f64`
/// without loss.
///
/// A file that [`save_parameters`] wrote has a checksum, so one that was changed in any bit is refused. Files of other
/// programs have none: one that was cut short is refused, a number that was changed cannot be noticed.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read; [`Error::Checkpoint`] if it is damaged, of another kind, or lacks a tensor,
/// has one too many, or one of another shape or type, naming it; [`Error::Shape`] and [`Error::TensorName`] as
/// [`save_parameters`].
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

/// The model's tensors, if they hold all parameters under names that differ.
fn layout<M: Model>(model: &M) -> Result<Vec<(String, Vec<usize>)>, Error> {
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

/// Whether the file has the tensors of the layout and no others.
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
    // A set has no order, and a message should not change from run to run.
    others.sort_unstable();
    let problem = match (missing.is_empty(), others.is_empty()) {
        (true, true) => return Ok(()),
        (false, true) => format!("it does not have {}", list(&missing)),
        (true, false) => format!("it also has {}", list(&others)),
        (false, false) => format!("it does not have {}, but has {}", list(&missing), list(&others)),
    };
    Err(file.wrong(format!("{problem}; expected exactly the tensors of the model")))
}

/// Names in quotes; of many, the first.
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
