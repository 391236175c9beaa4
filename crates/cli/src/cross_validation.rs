//! Cross-validation: the same training several times, each time with a different part for validation.

use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Display;
use crate::scores::Scores;
use crate::setup::Setup;
use crate::train::score;
use dualtape_nn::Trainer;
use dualtape_nn::metrics::mean;
use serde_json::json;

/// The scores on each fold's validation part, with the parameters that its training keeps; `None` if the user stopped it.
pub(crate) fn scores(folds: &[Setup], display: &Display) -> Result<Option<Vec<Scores>>, Failure> {
    let mut all = Vec::new();
    for (i, setup) in folds.iter().enumerate() {
        let Setup { model, training, validation, settings, .. } = setup;
        let mut trainer = Trainer::new(model, setup.initial_parameters(), training, validation, settings)?;
        while trainer.advance()?.is_some() {
            if interrupt::asked() {
                return Ok(None);
            }
        }
        let scores = score(setup, trainer.result(), validation)?;
        if let Some((name, value)) = scores.main() {
            display.tell(format_args!("fold {}/{}  validation {name} {value:.4}", i + 1, folds.len()));
        }
        display.object("fold", &json!({ "fold": i + 1, "folds": folds.len(), "validation": scores }));
        all.push(scores);
    }
    Ok(Some(all))
}

/// Mean and standard deviation of the folds' main score.
pub(crate) fn in_words(folds: &[Scores]) -> Option<String> {
    let values: Vec<f64> = folds.iter().filter_map(|scores| Some(scores.main()?.1)).collect();
    let (name, _) = folds.first()?.main()?;
    let count = values.len() as f64;
    let mean = mean(&values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (count - 1.0)).sqrt();
    Some(format!(
        "{count} folds: validation {name} {mean:.4} on average, with a standard deviation of {deviation:.4}"
    ))
}
