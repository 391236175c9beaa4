//! How much a model relies on each feature.

use crate::data::Dataset;
use crate::metrics::{predicted_class, r_squared};
use crate::{Error, Model, initialize, predict};
use rand::seq::SliceRandom;
use std::ops::Range;

/// How much the score of a model drops when some features are shuffled among the samples. The score is the accuracy for
/// classes, and R² for numbers. The features of a group are shuffled together. The result has, for each group, one drop for
/// each repeat. The same seed gives the same numbers. Use data on which the model was not trained.
///
/// Source: Breiman, *Random Forests*, 2001; Fisher, Rudin and Dominici, *All Models are Wrong, but Many are
/// Useful*, 2019.
///
/// # Errors
///
/// The errors of [`predict`].
///
/// # Panics
///
/// If a group contains a feature that the data do not have, or if the data have no targets.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, data::Dataset, permutation_importance};
/// // The first feature determines the class, and also the prediction of the model.
/// let inputs: Vec<f64> = (0..40).flat_map(|i| [f64::from(i) - 19.5, f64::from(i % 3)]).collect();
/// let labels = (0..40).map(|i| usize::from(i >= 20)).collect();
/// let data = Dataset::classification("sign", vec!["x".into(), "y".into()], vec!["-".into(), "+".into()], inputs, labels)?;
/// let model = Mlp::new(&[2, 1], Activation::Tanh)?;
/// let losses = permutation_importance(&model, &[1.0, 0.0, 0.0], &data, &[0..1, 1..2], 5, 7)?;
/// assert!(losses[0].iter().all(|&loss| loss > 0.2) && losses[1].iter().all(|&loss| loss == 0.0));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn permutation_importance<M: Model>(
    model: &M,
    parameters: &[f64],
    data: &Dataset,
    groups: &[Range<usize>],
    repeats: usize,
    seed: u64,
) -> Result<Vec<Vec<f64>>, Error> {
    let whole = score(model, parameters, data)?;
    let mut stream = initialize::stream(seed);
    let mut order: Vec<usize> = (0..data.len()).collect();
    let mut losses = vec![Vec::with_capacity(repeats); groups.len()];
    for _ in 0..repeats {
        for (group, losses) in groups.iter().zip(&mut losses) {
            order.shuffle(&mut stream);
            let shuffled = with_shuffled(data, group, &order)?;
            losses.push(whole - score(model, parameters, &shuffled)?);
        }
    }
    Ok(losses)
}

/// Accuracy, or R².
fn score<M: Model>(model: &M, parameters: &[f64], data: &Dataset) -> Result<f64, Error> {
    let outputs = predict(model, parameters, data)?;
    if data.classes().is_empty() {
        let targets: Vec<f64> = (0..data.len()).flat_map(|i| data.numbers(i)).copied().collect();
        return Ok(r_squared(&outputs, &targets));
    }
    let rows = outputs.chunks(model.outputs());
    let right = rows.zip(data.samples()).filter(|(row, (_, class))| predicted_class(row) == *class).count();
    Ok(right as f64 / data.len() as f64)
}

/// The same samples, but with some features taken from other samples.
fn with_shuffled(data: &Dataset, features: &Range<usize>, order: &[usize]) -> Result<Dataset, Error> {
    let mut inputs: Vec<f64> = (0..data.len()).flat_map(|i| data.input(i)).copied().collect();
    for (row, &other) in inputs.chunks_mut(data.features().len()).zip(order) {
        row[features.clone()].copy_from_slice(&data.input(other)[features.clone()]);
    }
    data.with_inputs(inputs)
}
