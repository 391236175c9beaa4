//! The outputs of a model for a data set, and their quality.

use crate::data::{Dataset, Targets};
use crate::metrics::{self, Confusion};
use crate::parallel::{self, AllReduce};
use crate::{Error, Loss, Model, Recorded, Reduction};
use dualtape::program::Rows;
use rayon::prelude::*;
use std::ops::Range;

/// The quality of a model on a data set.
///
/// ```
/// use dualtape_nn::{Activation, Loss, Metrics, Mlp, data, evaluate};
/// let model = Mlp::new(&[4, 3], Activation::Tanh)?;
/// let parameters = vec![0.0; model.parameter_count()]; // all classes score 0, so the first is predicted
/// let untrained = Metrics {
///     accuracy: Some(1.0 / 3.0),
///     mean_absolute_error: None,
///     r_squared: None,
///     ..evaluate(&model, &parameters, &data::iris(), Loss::CrossEntropy)?
/// };
/// assert!((untrained.loss - 3.0_f64.ln()).abs() < 1e-12);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// The mean loss, without penalties.
    pub loss: f64,
    /// The share of samples whose class is predicted correctly; only for classifiers.
    pub accuracy: Option<f64>,
    /// The mean absolute error, in the units of the targets; only for regressions.
    pub mean_absolute_error: Option<f64>,
    /// R² of all outputs together; only for regressions.
    pub r_squared: Option<f64>,
}

/// Computes the outputs for all samples, row after row, on rayon's current thread pool.
///
/// # Errors
///
/// [`Error::Shape`] if model, parameters and data do not fit.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, data::Dataset, predict};
/// let model = Mlp::new(&[1, 2], Activation::Tanh)?; // x, and −2x + 1
/// let new = Dataset::unlabelled("new", vec!["x".into()], vec![3.0, 4.0])?;
/// assert_eq!(predict(&model, &[1.0, -2.0, 0.0, 1.0], &new)?, [3.0, -5.0, 4.0, -7.0]);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn predict<M: Model>(model: &M, parameters: &[f64], data: &Dataset) -> Result<Vec<f64>, Error> {
    check_sizes(model, parameters, data)?;
    Ok(outputs(model, parameters, data, 0..data.len()))
}

/// The outputs for some samples.
fn outputs<M: Model>(model: &M, parameters: &[f64], data: &Dataset, samples: Range<usize>) -> Vec<f64> {
    // The outputs are collected in order, so nothing depends on the threads.
    let rows: Vec<_> = samples.into_par_iter().map(|i| model.forward(parameters, data.input(i))).collect();
    rows.concat()
}

/// As [`predict`], but each process takes a part of the samples. The pool belongs to this process.
fn predict_by_ranks<M: Model>(
    model: &M,
    parameters: &[f64],
    data: &Dataset,
    ranks: &mut impl AllReduce,
    pool: &rayon::ThreadPool,
) -> Result<Vec<f64>, Error> {
    check_sizes(model, parameters, data)?;
    let (size, width) = (ranks.size(), model.outputs());
    let part = |rank: usize| parallel::share(data.len(), rank, size);
    let own = part(ranks.rank());
    let own = pool.install(|| outputs(model, parameters, data, own));
    let lengths: Vec<usize> = (0..size).map(|rank| part(rank).len() * width).collect();
    let mut all = vec![0.0; data.len() * width];
    ranks.gather(&own, &lengths, &mut all)?;
    Ok(all)
}

/// As [`evaluate`], but by several processes and the threads of each, with the same bits.
pub(crate) fn evaluate_by_ranks<M: Model>(
    model: &M,
    parameters: &[f64],
    data: &Dataset,
    loss: Loss,
    ranks: &mut impl AllReduce,
    pool: &rayon::ThreadPool,
) -> Result<Metrics, Error> {
    let targets = targets(model, data, loss)?;
    let outputs = predict_by_ranks(model, parameters, data, ranks, pool)?;
    Ok(score(model, data, loss, &outputs, &targets))
}

/// Computes the loss and metrics of a model on a data set, on rayon's current thread pool.
///
/// # Errors
///
/// [`Error::Shape`] if model, parameters and data do not fit; [`Error::Setting`] if the loss does not suit the
/// data; [`Error::Data`] if there are no targets, or only one class, which a loss has nothing to tell apart from.
///
/// ```
/// use dualtape_nn::{Activation, Loss, Mlp, data::Csv, evaluate};
/// let model = Mlp::new(&[1, 1], Activation::Tanh)?; // 2x + 1
/// let data = Csv::new().numbers().parse("line", b"0,1\n1,3\n2,6\n")?;
/// let metrics = evaluate(&model, &[2.0, 1.0], &data, Loss::L1)?;
/// assert_eq!((metrics.loss, metrics.mean_absolute_error), (1.0 / 3.0, Some(1.0 / 3.0)));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn evaluate<M: Model>(
    model: &M,
    parameters: &[f64],
    data: &Dataset,
    loss: Loss,
) -> Result<Metrics, Error> {
    let targets = targets(model, data, loss)?;
    let outputs = predict(model, parameters, data)?;
    Ok(score(model, data, loss, &outputs, &targets))
}

fn score<M: Model>(model: &M, data: &Dataset, loss: Loss, outputs: &[f64], targets: &[f64]) -> Metrics {
    let width = model.outputs();
    let each = |i: usize| &outputs[i * width..(i + 1) * width];
    let losses = targets.chunks(width).enumerate().map(|(i, targets)| model.loss(loss, each(i), targets));
    let loss = losses.sum::<f64>() / data.len() as f64;
    // A single output chooses between two classes, but there may be only one.
    let last = data.classes().len().saturating_sub(1);
    let right = |i: &usize| data.label(*i) == Some(metrics::predicted_class(each(*i)).min(last));
    match data.targets() {
        Targets::Classes { .. } => Metrics {
            loss,
            accuracy: Some((0..data.len()).filter(right).count() as f64 / data.len() as f64),
            mean_absolute_error: None,
            r_squared: None,
        },
        _ => Metrics {
            loss,
            accuracy: None,
            mean_absolute_error: Some(metrics::mean_absolute_error(outputs, targets)),
            r_squared: Some(metrics::r_squared(outputs, targets)),
        },
    }
}

/// Counts how often a classifier predicts each class for the samples of each class.
///
/// # Errors
///
/// [`Error::Shape`] if model, parameters and data do not fit, or the data have no classes.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, confusion, data};
/// let model = Mlp::new(&[4, 3], Activation::Tanh)?;
/// let parameters = vec![0.0; model.parameter_count()]; // all classes score 0, so the first is predicted
/// let confusion = confusion(&model, &parameters, &data::iris())?;
/// assert_eq!(confusion.rows().nth(2), Some(&[50, 0, 0][..]));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn confusion<M: Model>(model: &M, parameters: &[f64], data: &Dataset) -> Result<Confusion, Error> {
    let outputs = predict(model, parameters, data)?;
    let classes = data.classes();
    let fits = if model.outputs() == 1 { classes.len() == 2 } else { classes.len() == model.outputs() };
    if !fits {
        let what = format!("classes of the data, for {}", model.ends()[1]);
        return Err(Error::Shape { what, given: classes.len(), expected: model.outputs().max(2) });
    }
    let mut confusion = Confusion::new(classes.to_vec());
    for (outputs, (_, actual)) in outputs.chunks(model.outputs()).zip(data.samples()) {
        confusion.count(actual, metrics::predicted_class(outputs));
    }
    Ok(confusion)
}

/// The norm of each per-sample gradient with respect to the parameters, before any clipping.
///
/// # Errors
///
/// As [`evaluate`]; and [`Error::Program`] if the model is too large to record, or branches.
///
/// ```
/// use dualtape_nn::{Activation, Loss, Mlp, data::Csv, sample_norms};
/// let model = Mlp::new(&[1, 1], Activation::Tanh)?; // 2x + 1, whose derivatives are x and 1
/// let data = Csv::new().numbers().parse("line", b"0,2\n0,1\n")?;
/// assert_eq!(sample_norms(&model, &[2.0, 1.0], &data, Loss::L1)?, [1.0, 0.0]);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn sample_norms<M: Model>(
    model: &M,
    parameters: &[f64],
    data: &Dataset,
    loss: Loss,
) -> Result<Vec<f64>, Error> {
    check_sizes(model, parameters, data)?;
    let samples = samples(model, data, loss)?;
    let mut recorded = record(model, loss)?;
    let (samples, mut sum) =
        (Rows::new(&samples, model.inputs() + model.outputs()), vec![0.0; parameters.len()]);
    recorded.reduce(Reduction::Sum, parameters, &samples, Some(f64::INFINITY), &mut sum)?;
    Ok(recorded.norms().to_vec())
}

/// The loss of one sample, which consists of its inputs followed by its targets.
fn record<M: Model>(model: &M, loss: Loss) -> Result<Recorded<f64>, Error> {
    let data = model.inputs() + model.outputs();
    Ok(Recorded::new(model.parameter_count(), data, |parameters, sample| {
        let (input, targets) = sample.split_at(model.inputs());
        model.loss(loss, &model.forward(parameters, input), targets)
    })?)
}

/// The loss of one sample in training, which consists of its inputs, targets, and factors of dropout.
pub(crate) fn record_training<M: Model>(model: &M, loss: Loss) -> Result<Recorded<f64>, Error> {
    let factors = model.dropout().len();
    let data = model.inputs() + model.outputs() + factors;
    Ok(Recorded::new(model.parameter_count(), data, |parameters, sample| {
        let (input, rest) = sample.split_at(model.inputs());
        let (targets, factors) = rest.split_at(model.outputs());
        model.loss(loss, &model.forward_training(parameters, input, factors), targets)
    })?)
}

/// The rows of data for a recorded loss: each sample's inputs, followed by its targets in the form that the loss
/// requires.
///
/// # Errors
///
/// As [`evaluate`].
///
/// ```
/// use dualtape_nn::{Activation, Loss, Mlp, data::iris, samples};
/// let rows = samples(&Mlp::new(&[4, 3], Activation::Tanh)?, &iris(), Loss::CrossEntropy)?;
/// assert_eq!(rows[..7], [5.1, 3.5, 1.4, 0.2, 1.0, 0.0, 0.0]);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn samples<M: Model>(model: &M, data: &Dataset, loss: Loss) -> Result<Vec<f64>, Error> {
    let targets = targets(model, data, loss)?;
    let rows = targets.chunks(model.outputs()).enumerate();
    Ok(rows.flat_map(|(i, targets)| data.input(i).iter().chain(targets)).copied().collect())
}

/// The target of each output, row after row, in the form that the loss requires.
fn targets<M: Model>(model: &M, data: &Dataset, loss: Loss) -> Result<Vec<f64>, Error> {
    let [_, end] = model.ends();
    let has_own_loss = has_own_loss(model);
    let check = |what: &str, given| match model.outputs() {
        expected if expected == given => Ok(()),
        expected => Err(Error::Shape { what: format!("{what} of the data, for {end}"), given, expected }),
    };
    match data.targets() {
        Targets::Classes { names, labels } => {
            if names.len() < 2 && !has_own_loss {
                let problem = format!("there is 1 class, {}; expected at least 2", names[0]);
                return Err(Error::Data { origin: data.name().to_owned(), problem });
            }
            let width = match (has_own_loss, model.outputs()) {
                (true, 1) if names.len() == 2 => 1,
                (true, _) => names.len(),
                (false, _) => loss.outputs_for(names.len()),
            };
            check("classes", width)?;
            // A single output stands for class 1.
            let place = |i: usize| if width == 1 && names.len() > 1 { 1 } else { i };
            let target =
                |is_class| if has_own_loss { f64::from(is_class) } else { loss.class_target(is_class) };
            let row = |&label: &usize| (0..width).map(move |i| target(label == place(i)));
            Ok(labels.iter().flat_map(row).collect())
        }
        Targets::Numbers { names, values } => {
            if loss.is_for_classes() && !has_own_loss {
                let expected = "mse, l1 or huber, as the targets are numbers";
                return Err(Error::Setting { what: "loss", given: format!("'{loss}'"), expected });
            }
            check("targets", names.len())?;
            Ok(values.clone())
        }
        Targets::None => {
            let problem = "the samples have no targets; expected some, to compare with".to_owned();
            Err(Error::Data { origin: data.name().to_owned(), problem })
        }
    }
}

/// Whether the model defines its own loss. This does not depend on the numbers, because the loss must not branch.
fn has_own_loss<M: Model>(model: &M) -> bool {
    let some = vec![0.01; model.outputs()];
    model.own_loss(&some, &some).is_some()
}

/// # Errors
///
/// [`Error::Shape`] if the number of parameters is not the model's, or the data have another number of features;
/// [`Error::Data`] if the model cannot take a sample.
pub(crate) fn check_sizes<M: Model>(model: &M, parameters: &[f64], data: &Dataset) -> Result<(), Error> {
    let sizes = [
        ("parameters of the model".to_owned(), parameters.len(), model.parameter_count()),
        (format!("features of the data, for {}", model.ends()[0]), data.features().len(), model.inputs()),
    ];
    match sizes.into_iter().find(|(_, given, expected)| given != expected) {
        Some((what, given, expected)) => Err(Error::Shape { what, given, expected }),
        None => (0..data.len()).try_for_each(|i| {
            let wrong = |problem| Error::Data {
                origin: data.name().to_owned(),
                problem: format!("sample {}, {problem}", i + 1),
            };
            model.check_input(data.input(i)).map_err(wrong)
        }),
    }
}
