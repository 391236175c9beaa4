//! `dualtape predict`: predictions of a trained model for data.

use crate::failure::Failure;
use crate::output::{check_free, check_not_read, complain, print};
use crate::ranks::Ranks;
use crate::{input, parsers, run_folder, scores, setup};
use clap::Args;
use dualtape_nn::data::{Dataset, Table, Unknown};
use dualtape_nn::metrics::predicted_class;
use dualtape_nn::{Error, Loss, SavedModel, files, softmax};
use std::path::PathBuf;

/// Predict with a trained model, and print a line of CSV for each row of the data.
///
/// A classifier prints the predicted class and the probability of each class (the score, if trained with hinge); a
/// regression prints numbers in the units of its targets. If a header names the columns, they are matched by name, in any
/// order, and columns unknown to the model are ignored. If the data contain the label, scores of the predictions are
/// printed on standard error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape predict runs/iris iris\n  \
    dualtape predict runs/houses new-houses.csv --keep --output prices.csv\n  \
    dualtape predict runs/houses/model.safetensors houses.csv --label price")]
pub(crate) struct PredictOptions {
    /// The folder of a run, or a file such as model.safetensors
    run: PathBuf,

    /// A built-in data set; a CSV file with the columns the model was trained on, with or without a label; or - for
    /// standard input
    data: String,

    /// Column of the label, by name or by number from 1 [default: the same name as in training, or the last column if there
    /// is one more than the model has features]
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,

    /// Whether the first line names the columns: yes or no [default: detected from the first lines]
    #[arg(long, value_name = "YES|NO", value_parser = parsers::yes_or_no)]
    header: Option<bool>,

    /// What separates cells: comma, semicolon, tab, bar, space, or any single character [default: detected from the
    /// first lines]
    #[arg(long, value_name = "SIGN", value_parser = parsers::expected::<crate::options::Delimiter>)]
    delimiter: Option<crate::options::Delimiter>,

    /// Encoding of the text, such as utf-8, latin1 or utf-16le [default: from the byte-order mark, or else utf-8 if
    /// valid, or else windows-1252]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,

    /// How to treat a category that did not occur in the training data: refuse it, or treat it as none of the
    /// known ones (zero)
    #[arg(long, value_name = "WAY", default_value = "refuse", value_parser = parsers::expected::<Unknown>)]
    unknown: Unknown,

    /// Also write the columns of the data, before the predictions
    #[arg(long)]
    keep: bool,

    /// Seed of generated data
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = parsers::seed)]
    seed: u64,

    /// Write the predictions into this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,

    /// Print neither scores nor notes on how the data were read
    #[arg(long)]
    quiet: bool,
}

pub(crate) fn run(options: &PredictOptions) -> Result<(), Failure> {
    let file = if options.run.is_dir() { run_folder::model(&options.run) } else { options.run.clone() };
    if let Some(path) = &options.output {
        check_free(path, options.overwrite)?;
        check_not_read(path, &file)?;
    }
    let model = SavedModel::load(&file)?;
    let mut table = open(options, &model)?;
    let kept = if options.keep { Some(kept(&table)?) } else { None };
    let notes = table.notes().to_vec();
    drop_labels_if_incomplete(&mut table);
    let data =
        model.encoder.encode(table, options.unknown).map_err(|error| setup::for_predictions(error.into()))?;
    check_classes(&data, &model)?;
    let outputs = (0..data.len()).map(|i| model.predict(data.input(i))).collect::<Result<Vec<_>, _>>()?;
    let text =
        to_csv(&model, &outputs, kept.as_deref()).map_err(|error| Failure::Failed(error.to_string()))?;
    match &options.output {
        Some(path) => files::replace(path, text.as_bytes())?,
        None => print(&text)?,
    }
    if !options.quiet {
        if !input::is_named(&options.data) {
            notes.iter().for_each(complain);
        }
        if let Some(scores) = scores::of_outputs(&data, &outputs, None) {
            complain(scores);
        }
    }
    Ok(())
}

fn open(options: &PredictOptions, model: &SavedModel) -> Result<Table, Failure> {
    let PredictOptions { header, delimiter, encoding, label, keep, .. } = options;
    let csv = setup::csv_like(&model.classes, &model.encoder, model.label.as_deref(), label.as_deref());
    let csv = setup::dialect(csv, *header, *delimiter, encoding.as_deref())?;
    let csv = if *keep { csv.keep_cells() } else { csv };
    input::table(&options.data, &csv, options.seed, &mut Ranks::alone()).map_err(setup::for_predictions)
}

/// The cells as they are in the file.
fn kept(table: &Table) -> Result<Vec<Vec<String>>, Failure> {
    let kept = table.kept_cells().map(<[Vec<String>]>::to_vec);
    kept.ok_or_else(|| {
        Failure::Usage("--keep is for files; a built-in data set has no columns to keep".to_owned())
    })
}

/// Drops the label if some rows lack it: predictions are still possible, scores are not.
fn drop_labels_if_incomplete(table: &mut Table) {
    if table.unlabelled_rows() > 0 {
        table.remove_label();
    }
}

fn check_classes(data: &Dataset, model: &SavedModel) -> Result<(), Failure> {
    if data.classes().is_empty() || data.classes() == model.classes {
        return Ok(());
    }
    let problem = format!(
        "it has the classes {}; expected {}, as in training",
        data.classes().join(", "),
        model.classes.join(", ")
    );
    Err(Error::Data { origin: data.name().to_owned(), problem }.into())
}

/// A header, and a line for each row: the kept cells, and the predictions.
fn to_csv(
    model: &SavedModel,
    outputs: &[Vec<f64>],
    kept: Option<&[Vec<String>]>,
) -> Result<String, csv::Error> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let numbers = |row: &[f64]| row.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>();
    if model.classes.is_empty() {
        rows.push(model.targets.clone());
        rows.extend(outputs.iter().map(|row| numbers(row)));
    } else {
        rows.push(std::iter::once("class".to_owned()).chain(model.classes.iter().cloned()).collect());
        rows.extend(outputs.iter().map(|row| {
            let class = model.classes[predicted_class(row)].clone();
            std::iter::once(class).chain(numbers(&shares(model.loss, row))).collect()
        }));
    }
    if let Some(kept) = kept {
        // A prediction next to the column it predicts needs a different name.
        for name in &mut rows[0] {
            if kept[0].contains(name) {
                *name = format!("predicted {name}");
            }
        }
        for (row, kept) in rows.iter_mut().zip(kept) {
            row.splice(0..0, kept.iter().cloned());
        }
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    rows.iter().try_for_each(|row| table.write_record(row))?;
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The probability of each class, or its score where the loss gives no probabilities.
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
