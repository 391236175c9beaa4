//! Parameters in files: safetensors, one tensor for each layer's weights and one for its biases.
//!
//! Names and shapes are those PyTorch gives to a sequence of linear layers: `layers.0.weight` of shape
//! `[outputs, inputs]`, `layers.0.bias` of shape `[outputs]`.

use crate::data::Standardizer;
use crate::{Error, Mlp, files};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// Writes a model's parameters, and how its inputs were standardised as `inputs.mean` and
/// `inputs.deviation`, replacing the file only when the new one is complete.
///
/// # Errors
///
/// [`Error::Write`] if the file cannot be written; an old one is then untouched.
///
/// # Panics
///
/// If the parameters are not the model's.
pub fn save(
    path: impl AsRef<Path>,
    model: &Mlp,
    parameters: &[f64],
    inputs: Option<&Standardizer>,
) -> Result<(), Error> {
    let path = path.as_ref();
    let mut rest = parameters;
    let mut tensors = Vec::new();
    for (name, shape) in layout(model) {
        let (own, others) = rest.split_at(shape.iter().product());
        tensors.push((name, shape, bytes_of(own)));
        rest = others;
    }
    if let Some(inputs) = inputs {
        for (name, numbers) in [("inputs.mean", inputs.means()), ("inputs.deviation", inputs.deviations())] {
            tensors.push((name.to_owned(), vec![numbers.len()], bytes_of(numbers)));
        }
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F64, shape.clone(), bytes);
        (name.as_str(), view.expect("a tensor has as many bytes as its shape says"))
    });
    let about = HashMap::from([("format".to_owned(), "dualtape mlp".to_owned())]);
    let unwritable = |error| Error::Write { path: path.to_owned(), source: io::Error::other(error) };
    let bytes = serialize(views, Some(about)).map_err(unwritable)?;
    files::replace(path, &bytes)
}

/// Reads a model's parameters.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read, [`Error::Checkpoint`] if it is damaged or another model's.
pub fn load(path: impl AsRef<Path>, model: &Mlp) -> Result<Vec<f64>, Error> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let wrong = |problem: String| Error::Checkpoint { path: path.to_owned(), problem };
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
    let mut parameters = Vec::with_capacity(model.parameter_count());
    for (name, shape) in layout(model) {
        let tensor = tensors.tensor(&name).map_err(|error| wrong(error.to_string()))?;
        if tensor.dtype() != Dtype::F64 || tensor.shape() != shape {
            let (dtype, given) = (tensor.dtype(), tensor.shape());
            return Err(wrong(format!("'{name}' is {dtype:?} {given:?}; expected F64 {shape:?}")));
        }
        let (numbers, _) = tensor.data().as_chunks();
        parameters.extend(numbers.iter().map(|&number| f64::from_le_bytes(number)));
    }
    Ok(parameters)
}

fn bytes_of(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Name and shape of each tensor, in the order of the flat parameters.
fn layout(model: &Mlp) -> impl Iterator<Item = (String, Vec<usize>)> {
    model.layers().iter().enumerate().flat_map(|(i, layer)| {
        [
            (format!("layers.{i}.weight"), vec![layer.outputs, layer.inputs]),
            (format!("layers.{i}.bias"), vec![layer.outputs]),
        ]
    })
}
