//! `dualtape predict`: what a trained model gives for data.

use crate::failure::Failure;
use crate::output::{complain, print, reading};
use crate::{parsers, run_folder};
use clap::Args;
use dualtape_nn::data::{self, Csv, Dataset, Targets};
use dualtape_nn::metrics::{Confusion, mean_absolute_error, predicted_class, r_squared};
use dualtape_nn::{Error, Loss, SavedModel, files, softmax};
use std::path::PathBuf;

/// Predict with a trained model, and print a line of CSV for each row of the data.
///
/// A classifier gives the class, and for each class its share (after hinge, its score); a regression gives
/// numbers in the units of its targets. If the data have a label as well, the predictions are compared with
/// it, on standard error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape predict runs/iris iris\n  \
    dualtape predict runs/houses new-houses.csv --output prices.csv\n  \
    dualtape predict runs/houses/model.safetensors houses.csv --label price")]
pub(crate) struct PredictOptions {
    /// The folder of a run, or a model.safetensors
    run: PathBuf,

    /// A data set, or a CSV file with the features the model was trained on, with or without a label
    data: String,

    /// Column of the label, by name or by number from 1 [default: the last, if there is one more than features]
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,

    /// Whether the first line names the columns [default: if it has no number]
    #[arg(long, value_name = "BOOL")]
    header: Option<bool>,

    /// What generated data are drawn from
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parsers::seed)]
    seed: u64,

    /// Write the predictions into this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Do not compare with labels
    #[arg(long)]
    quiet: bool,
}

pub(crate) fn run(options: &PredictOptions) -> Result<(), Failure> {
    let file = if options.run.is_dir() { run_folder::model(&options.run) } else { options.run.clone() };
    let model = SavedModel::load(&file)?;
    let data = open(options, &model)?;
    let outputs = (0..data.len()).map(|i| model.predict(data.input(i))).collect::<Result<Vec<_>, _>>()?;
    let table = table(&model, &outputs).map_err(|error| Failure::Failed(error.to_string()))?;
    match &options.output {
        Some(path) => files::replace(path, table.as_bytes())?,
        None => print(&table)?,
    }
    if !options.quiet {
        compare(&model, &data, &outputs);
    }
    Ok(())
}

fn open(options: &PredictOptions, model: &SavedModel) -> Result<Dataset, Failure> {
    let csv = match &model.classes[..] {
        [] => Csv::new().numbers(),
        classes => Csv::new().classes(classes),
    };
    let csv = match options.header {
        Some(header) => csv.header(header),
        None => csv,
    };
    let csv = match &options.label {
        Some(label) => csv.label(label),
        None => csv.for_features(model.features.len()),
    };
    let data = data::open(&options.data, &csv, options.seed)?;
    check_features(&data, model)?;
    if !data.classes().is_empty() && data.classes() != model.classes {
        let problem = format!(
            "it has the classes {}; expected {}, as in training",
            list(data.classes()),
            list(&model.classes)
        );
        return Err(Error::Data { origin: data.name().to_owned(), problem }.into());
    }
    Ok(data)
}

/// Columns in another order would give other predictions without a word.
fn check_features(data: &Dataset, model: &SavedModel) -> Result<(), Failure> {
    let (given, expected) = (data.features(), &model.features[..]);
    let named = |names: &[String]| names.iter().enumerate().any(|(i, name)| *name != format!("x{}", i + 1));
    if given.len() == expected.len() && (given == expected || !named(given) || !named(expected)) {
        return Ok(());
    }
    let problem = format!(
        "it has {} features, {}; expected {}, {}, as in training",
        given.len(),
        list(given),
        expected.len(),
        list(expected)
    );
    Err(Error::Data { origin: data.name().to_owned(), problem }.into())
}

/// Names in a sentence; of many, the first few.
fn list(names: &[String]) -> String {
    const MOST: usize = 8;
    let first = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{first} ...") } else { first }
}

fn table(model: &SavedModel, outputs: &[Vec<f64>]) -> Result<String, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    if model.classes.is_empty() {
        table.write_record(&model.targets)?;
        for row in outputs {
            table.write_record(row.iter().map(|x| format!("{x:?}")))?;
        }
    } else {
        table.write_record(std::iter::once("class").chain(model.classes.iter().map(String::as_str)))?;
        for row in outputs {
            let class = model.classes[predicted_class(row)].clone();
            let shares = shares(model.loss, row);
            table.write_record(std::iter::once(class).chain(shares.iter().map(|x| format!("{x:?}"))))?;
        }
    }
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What speaks for each class.
pub(crate) fn shares(loss: Loss, outputs: &[f64]) -> Vec<f64> {
    let logistic = |x: f64| dualtape::Differentiable::sigmoid(x);
    match (loss, outputs) {
        (Loss::CrossEntropy, _) => softmax(outputs),
        (Loss::BinaryCrossEntropy, &[score]) => vec![logistic(-score), logistic(score)],
        (Loss::BinaryCrossEntropy, _) => outputs.iter().copied().map(logistic).collect(),
        (_, &[score]) => vec![-score, score],
        _ => outputs.to_vec(),
    }
}

/// Tells how good the predictions are, if that is known.
fn compare(model: &SavedModel, data: &Dataset, outputs: &[Vec<f64>]) {
    match data.targets() {
        Targets::None => {}
        Targets::Classes { labels, .. } => {
            let mut confusion = Confusion::new(model.classes.clone());
            for (row, &label) in outputs.iter().zip(labels) {
                confusion.count(label, predicted_class(row));
            }
            complain(format_args!(
                "accuracy {:.1} % of {} samples",
                confusion.accuracy() * 100.0,
                labels.len()
            ));
            complain(confusion);
        }
        Targets::Numbers { values, .. } => {
            let outputs = outputs.concat();
            let (r_squared, error) = (r_squared(&outputs, values), mean_absolute_error(&outputs, values));
            complain(format_args!(
                "R² {r_squared:.4}, mean absolute error {}, of {} samples",
                reading(error),
                data.len()
            ));
        }
    }
}
