//! What a run leaves behind: its curves, its metrics, its parameters.

use dualtape_nn::{Error, Metrics, Record, files};
use dualtape_plots::{Curves, Figure, LossCurves, Picture};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Prints a line. Whoever closed the other end of the pipe has read enough; the run goes on.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The accuracy of a classifier.
pub(crate) fn accuracy(metrics: &Metrics) -> f64 {
    metrics.accuracy.unwrap_or(f64::NAN)
}

/// A folder that was seen to take files.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if need be, and tries it, so that a long run does not fail at its end.
    pub(crate) fn prepare(path: PathBuf) -> Result<Self, Error> {
        let folder = Self { path };
        let probe = folder.path.join(".dualtape-probe");
        let tried = std::fs::create_dir_all(&folder.path)
            .and_then(|()| std::fs::write(&probe, b""))
            .and_then(|()| std::fs::remove_file(&probe));
        match tried {
            Ok(()) => Ok(folder),
            Err(source) => Err(Error::Write { path: folder.path, source }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the history as a table: a line for each epoch.
    pub(crate) fn write_metrics(&self, history: &[Record]) -> Result<(), Error> {
        let path = self.join("metrics.csv");
        let table = metrics_table(history).map_err(|error| Error::Write {
            path: path.clone(),
            source: io::Error::other(error.to_string()),
        })?;
        files::replace(path, &table)
    }

    /// Draws loss and accuracy over the epochs.
    pub(crate) fn write_curves(&self, title: &str, history: &[Record]) -> Result<(), Error> {
        let path = self.join("loss.png");
        let figure = curves(title, history);
        let picture = figure.png(figure.natural_size()).map_err(|error| Error::Write {
            path: path.clone(),
            source: io::Error::other(error.to_string()),
        })?;
        files::replace(path, &picture)
    }
}

fn metrics_table(history: &[Record]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "epoch",
        "training_loss",
        "training_accuracy",
        "validation_loss",
        "validation_accuracy",
        "gradient_norm",
        "seconds",
    ])?;
    for record in history {
        table.write_record([
            record.epoch.to_string(),
            record.training.loss.to_string(),
            accuracy(&record.training).to_string(),
            record.validation.loss.to_string(),
            accuracy(&record.validation).to_string(),
            record.gradient_norm.to_string(),
            format!("{:.3}", record.elapsed.as_secs_f64()),
        ])?;
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

fn curves(title: &str, history: &[Record]) -> Figure {
    let over_epochs =
        |metric: fn(&Record) -> f64| history.iter().map(move |record| (record.epoch as f64, metric(record)));
    let loss = LossCurves::new("loss")
        .axes("epoch", "cross-entropy")
        .training(over_epochs(|record| record.training.loss))
        .validation(over_epochs(|record| record.validation.loss));
    let right_answers = Curves::new("accuracy", "epoch", "right answers")
        .percent(true)
        .curve("training", over_epochs(|record| accuracy(&record.training)))
        .curve("validation", over_epochs(|record| accuracy(&record.validation)));
    Figure::new(title).with(loss).with(right_answers)
}
