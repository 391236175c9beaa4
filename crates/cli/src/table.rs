//! `metrics.csv`: one line for each epoch, written by `train` and read by `compare`.

use crate::failure::Failure;
use dualtape_nn::{Error, Metrics, Record, files};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The column of the ε spent so far; present only with a privacy budget, before the time.
const EPSILON: &str = "epsilon";

const COLUMNS: [&str; 15] = [
    "epoch",
    "training_loss",
    "training_accuracy",
    "training_mean_absolute_error",
    "training_r_squared",
    "validation_loss",
    "validation_accuracy",
    "validation_mean_absolute_error",
    "validation_r_squared",
    "rate",
    "batch_loss",
    "gradient_norm",
    "clipped_norm",
    "clipped_share",
    "seconds",
];

/// Writes the history as a table. Numbers that were not measured are left empty.
pub(crate) fn write(path: &Path, history: &[Record]) -> Result<(), Failure> {
    let table = to_csv(history).map_err(|error| Failure::write(path, error))?;
    Ok(files::replace(path, &table)?)
}

fn to_csv(history: &[Record]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let is_private = history.iter().any(|record| record.epsilon.is_some());
    table.write_record(columns(is_private))?;
    for record in history {
        let mut cells = vec![record.epoch.to_string()];
        for metrics in [&record.training, &record.validation] {
            cells.push(metrics.loss.to_string());
            let others = [metrics.accuracy, metrics.mean_absolute_error, metrics.r_squared];
            cells.extend(others.map(|number| number.map_or(String::new(), |number| number.to_string())));
        }
        let Record { rate, batch_loss, gradient_norm, clipped_norm, clipped, epsilon, elapsed, .. } = record;
        cells.extend([rate, batch_loss, gradient_norm, clipped_norm, clipped].map(ToString::to_string));
        if is_private {
            cells.push(epsilon.map_or(String::new(), |epsilon| epsilon.to_string()));
        }
        cells.push(format!("{:.3}", elapsed.as_secs_f64()));
        table.write_record(cells)?;
    }
    table.into_inner().map_err(|error| error.into_error().into())
}

fn columns(is_private: bool) -> Vec<&'static str> {
    let mut columns = COLUMNS.to_vec();
    if is_private {
        columns.insert(COLUMNS.len() - 1, EPSILON);
    }
    columns
}

/// Reads what [`write`] wrote.
pub(crate) fn read(path: &Path) -> Result<Vec<Record>, Failure> {
    let text = std::fs::read(path).map_err(|source| Failure::read(path, source))?;
    let wrong = |problem: String| Failure::from(Error::Data { origin: path.display().to_string(), problem });
    let mut reader = csv::Reader::from_reader(&text[..]);
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?;
    if ![false, true].map(columns).iter().any(|columns| header == columns[..]) {
        let problem =
            "its columns are not those of a run's metrics.csv; expected epoch, training_loss and so on";
        return Err(wrong(problem.to_owned()));
    }
    let records = reader.records().map(|row| row.and_then(|row| from_cells(&row).map_err(Into::into)));
    let records: Vec<Record> =
        records.collect::<Result<_, csv::Error>>().map_err(|error| wrong(error.to_string()))?;
    if records.is_empty() {
        return Err(wrong("it has no epoch; expected at least one".to_owned()));
    }
    Ok(records)
}

fn from_cells(row: &csv::StringRecord) -> io::Result<Record> {
    let columns = columns(row.len() > COLUMNS.len());
    let time = columns.len() - 1;
    let number = |column: usize| -> io::Result<f64> {
        let cell = &row[column];
        cell.parse()
            .map_err(|_| io::Error::other(format!("{} is '{cell}'; expected a number", columns[column])))
    };
    let measured = |column: usize| if row[column].is_empty() { Ok(None) } else { number(column).map(Some) };
    let metrics = |first: usize| -> io::Result<Metrics> {
        Ok(Metrics {
            loss: number(first)?,
            accuracy: measured(first + 1)?,
            mean_absolute_error: measured(first + 2)?,
            r_squared: measured(first + 3)?,
        })
    };
    Ok(Record {
        epoch: row[0].parse().map_err(|_| io::Error::other(format!("the epoch is '{}'", &row[0])))?,
        training: metrics(1)?,
        validation: metrics(5)?,
        rate: number(9)?,
        batch_loss: number(10)?,
        gradient_norm: number(11)?,
        clipped_norm: number(12)?,
        clipped: number(13)?,
        epsilon: if columns[14] == EPSILON { measured(14)? } else { None },
        elapsed: Duration::try_from_secs_f64(number(time)?).unwrap_or_default(),
    })
}
