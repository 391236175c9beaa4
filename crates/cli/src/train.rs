//! `dualtape train`: from data to a trained model and its picture.

use crate::arguments::TrainOptions;
use crate::output::{Folder, accuracy, say};
use crate::progress::Display;
use dualtape_nn::data::{self, Csv, Dataset, Standardizer};
use dualtape_nn::{Error, Event, Mlp, Record, SavedModel, Settings};
use std::path::{Path, PathBuf};

/// Everything that can be wrong with the options and the data is found before the folder is made.
pub(crate) fn run(options: &TrainOptions) -> Result<(), Error> {
    let settings = options.settings();
    settings.check()?;
    let all = data::open(&options.data, &Csv::new(), options.seed)?;
    let (training, validation) = all.split(options.validation, options.seed)?;
    let scale = Standardizer::fit(&training);
    let model = Mlp::new(&sizes(options, &all), options.activation)?;
    let folder = Folder::prepare(options.output.clone().unwrap_or_else(|| default_folder(&options.data)))?;
    introduce(&all, &training, &validation, &model, &settings);

    let (training, validation) = (scale.apply(&training), scale.apply(&validation));
    let mut parameters = model.initialize(options.seed);
    let mut history = Vec::new();
    let display = Display::new(settings.epochs);
    let done = dualtape_nn::train(&model, &mut parameters, &training, &validation, &settings, |event| {
        display.show(event);
        if let Event::Epoch(record) = event {
            history.push(record);
        }
    });
    display.finish();

    // A training that had to stop keeps what it had until then.
    let saved = SavedModel::new(model.clone(), parameters, &all, settings.loss);
    SavedModel { input_scale: Some(scale), ..saved }.save(folder.join("model.safetensors"))?;
    folder.write_metrics(&history)?;
    if !history.is_empty() {
        folder.write_curves(&format!("{}: {}", all.name(), shape(&model)), &history)?;
    }
    done?;
    conclude(&folder, &history);
    Ok(())
}

fn sizes(options: &TrainOptions, data: &Dataset) -> Vec<usize> {
    let ends = (data.features().len(), data.classes().len());
    std::iter::once(ends.0).chain(options.hidden.0.iter().copied()).chain([ends.1]).collect()
}

/// `runs/` and the data set's name, or the CSV file's without its extension.
fn default_folder(data: &str) -> PathBuf {
    let name = Path::new(data).file_stem().map_or("data".into(), |stem| stem.to_string_lossy());
    Path::new("runs").join(name.as_ref())
}

/// `64-32-10`
fn shape(model: &Mlp) -> String {
    let outputs = model.layers().iter().map(|layer| layer.outputs.to_string());
    std::iter::once(model.inputs().to_string()).chain(outputs).collect::<Vec<_>>().join("-")
}

fn introduce(all: &Dataset, training: &Dataset, validation: &Dataset, model: &Mlp, settings: &Settings) {
    say(format_args!(
        "{}: {} samples of {} numbers in {} classes; {} to train on, {} to validate\n\n{model}\n",
        all.name(),
        all.len(),
        all.features().len(),
        all.classes().len(),
        training.len(),
        validation.len(),
    ));
    let Settings { epochs, batch_size, rate, optimizer, clip, seed, .. } = settings;
    say(format_args!(
        "{epochs} epochs in batches of {batch_size}; rate {rate:?}, {optimizer}, clip {clip}, seed {seed}\n"
    ));
}

fn conclude(folder: &Folder, history: &[Record]) {
    let Some(last) = history.last() else { return };
    say(format_args!(
        "\nvalidation accuracy {:.1} % after {:.1} s\nwrote loss.png, metrics.csv and model.safetensors to {}",
        accuracy(&last.validation) * 100.0,
        last.elapsed.as_secs_f64(),
        folder.path().display(),
    ));
}
