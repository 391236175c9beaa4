//! How much a model relies on each column of the data.

use crate::failure::Failure;
use crate::scores::finite;
use crate::setup::Setup;
use dualtape_nn::metrics::mean;
use dualtape_nn::permutation_importance;
use serde::{Deserialize, Serialize};

/// How often each column is shuffled.
const REPEATS: usize = 10;

/// The most columns this is computed for. Images have more, and a single pixel says nothing.
const MOST_COLUMNS: usize = 100;

/// The most samples used; more would hardly change the result.
const MOST_SAMPLES: usize = 2000;

/// How much the score drops when one column is shuffled; `None` where a score is not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Importance {
    pub(crate) column: String,
    pub(crate) mean: Option<f64>,
    /// The standard deviation over repeats.
    pub(crate) deviation: Option<f64>,
}

/// The importance of each column on the validation part, the most important first. Empty if there is only one column, or
/// so many that the result says nothing.
pub(crate) fn of_columns(setup: &Setup, parameters: &[f64]) -> Result<Vec<Importance>, Failure> {
    let (encoder, validation) = (&setup.encoder, &setup.validation);
    if !(2..=MOST_COLUMNS).contains(&encoder.columns().len()) || validation.len() < 2 {
        return Ok(Vec::new());
    }
    // Samples are taken evenly from the whole part, since it may be sorted by class.
    let count = validation.len().min(MOST_SAMPLES);
    let rows: Vec<usize> = (0..count).map(|i| i * validation.len() / count).collect();
    let (data, groups, seed) = (validation.select(&rows), encoder.features_of_columns(), setup.settings.seed);
    let losses = permutation_importance(&setup.model, parameters, &data, &groups, REPEATS, seed)?;
    let summary = |(column, losses): (&str, Vec<f64>)| {
        let mean = mean(&losses);
        let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
        let deviation = finite((squares / (REPEATS - 1) as f64).sqrt());
        Importance { column: column.to_owned(), mean: finite(mean), deviation }
    };
    let mut all: Vec<Importance> = encoder.columns().zip(losses).map(summary).collect();
    let place = |one: &Importance| one.mean.unwrap_or(f64::NEG_INFINITY);
    all.sort_by(|a, b| place(b).total_cmp(&place(a)));
    Ok(all)
}
