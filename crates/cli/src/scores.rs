//! Scores of predictions, with those of a constant prediction for comparison: in words and for `report.json`.

use crate::output::reading;
use dualtape_nn::data::{Dataset, Targets};
use dualtape_nn::metrics::{Confusion, mean_absolute_error, r_squared, root_mean_square_error};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The scores on one part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scores {
    pub(crate) samples: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accuracy: Option<f64>,
    /// The mean recall of the classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    balanced_accuracy: Option<f64>,
    /// The most frequent class, and its share of the samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    most_frequent: Option<Share>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) classes: Vec<ClassScores>,
    /// Samples by actual class, then by predicted class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    confusion: Vec<Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) r_squared: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_absolute_error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_mean_square_error: Option<f64>,
    /// The mean absolute error of always predicting the mean of the training part.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_mean_absolute_error: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Share {
    class: String,
    share: f64,
}

/// The scores of one class; `None` where the denominator is zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClassScores {
    pub(crate) class: String,
    pub(crate) samples: u64,
    pub(crate) precision: Option<f64>,
    pub(crate) recall: Option<f64>,
    pub(crate) f1: Option<f64>,
}

/// The number, if JSON can hold it.
pub(crate) fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

impl Scores {
    const NONE: Self = Self {
        samples: 0,
        accuracy: None,
        balanced_accuracy: None,
        most_frequent: None,
        classes: Vec::new(),
        confusion: Vec::new(),
        r_squared: None,
        mean_absolute_error: None,
        root_mean_square_error: None,
        baseline_mean_absolute_error: None,
    };

    pub(crate) fn of_classes(confusion: &Confusion) -> Self {
        let class = |(i, name): (usize, &String)| ClassScores {
            class: name.clone(),
            samples: confusion.samples_of(i),
            precision: finite(confusion.precision(i)),
            recall: finite(confusion.recall(i)),
            f1: finite(confusion.f1(i)),
        };
        let (most, share) = confusion.most_frequent();
        Self {
            samples: confusion.rows().flatten().sum::<u64>() as usize,
            accuracy: Some(confusion.accuracy()),
            balanced_accuracy: finite(confusion.balanced_accuracy()),
            most_frequent: confusion
                .classes()
                .get(most)
                .zip(finite(share))
                .map(|(class, share)| Share { class: class.clone(), share }),
            classes: confusion.classes().iter().enumerate().map(class).collect(),
            confusion: confusion.rows().map(<[u64]>::to_vec).collect(),
            ..Self::NONE
        }
    }

    /// `baseline` is the constant prediction to compare with: the mean of the training targets.
    pub(crate) fn of_numbers(predictions: &[f64], targets: &[f64], baseline: Option<f64>) -> Self {
        let always = baseline.map(|mean| mean_absolute_error(&vec![mean; targets.len()], targets));
        Self {
            samples: targets.len(),
            r_squared: Some(r_squared(predictions, targets)),
            mean_absolute_error: Some(mean_absolute_error(predictions, targets)),
            root_mean_square_error: Some(root_mean_square_error(predictions, targets)),
            baseline_mean_absolute_error: always,
            ..Self::NONE
        }
    }

    /// All scores of a part with their names, formatted for people.
    pub(crate) fn figures(&self) -> Vec<(&'static str, String)> {
        let percent = |share: Option<f64>| share.map(|share| format!("{:.1} %", share * 100.0));
        let always = self
            .most_frequent
            .as_ref()
            .map(|Share { class, share }| format!("{class}: {:.1} %", share * 100.0));
        let all = [
            ("samples", Some(self.samples.to_string())),
            ("accuracy", percent(self.accuracy)),
            ("balanced accuracy", percent(self.balanced_accuracy)),
            ("always predicting the most frequent class", always),
            ("R²", self.r_squared.map(|r_squared| format!("{r_squared:.4}"))),
            ("mean absolute error", self.mean_absolute_error.map(reading)),
            ("root mean square error", self.root_mean_square_error.map(reading)),
            (
                "mean absolute error of always predicting the mean",
                self.baseline_mean_absolute_error.map(reading),
            ),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// The main score of a model: accuracy, or R².
    pub(crate) fn main(&self) -> Option<(&'static str, f64)> {
        self.accuracy.map(|accuracy| ("accuracy", accuracy)).or(self.r_squared.map(|r| ("R²", r)))
    }
}

/// One line, and for classes a table.
impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let count = self.samples;
        if let (Some(r_squared), Some(error)) = (self.r_squared, self.mean_absolute_error) {
            write!(f, "R² {r_squared:.4}, mean absolute error {}", reading(error))?;
            if let Some(baseline) = self.baseline_mean_absolute_error {
                write!(f, " (always predicting the mean: {})", reading(baseline))?;
            }
            return write!(f, ", of {count} samples");
        }
        write!(f, "accuracy {} of {count} samples", percent(self.accuracy.unwrap_or(f64::NAN)))?;
        if let Some(Share { class, share }) = &self.most_frequent {
            write!(f, " (always predicting {class}: {})", percent(*share))?;
        }
        if let Some(balanced) = self.balanced_accuracy {
            write!(f, "; balanced {}", percent(balanced))?;
        }
        let width = self.classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0).max(5);
        write!(f, "\n{:<width$}  samples  precision  recall     F1", "class")?;
        for class in &self.classes {
            let [precision, recall, f1] = [class.precision, class.recall, class.f1]
                .map(|share| share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0)));
            let (name, samples) = (&class.class, class.samples);
            write!(f, "\n{name:<width$}  {samples:>7}  {precision:>9}  {recall:>7}  {f1:>7}")?;
        }
        Ok(())
    }
}

/// The scores of predictions for data with targets, both in the original units of the data.
pub(crate) fn of_outputs(data: &Dataset, outputs: &[Vec<f64>], baseline: Option<f64>) -> Option<Scores> {
    match data.targets() {
        Targets::None => None,
        Targets::Classes { names, labels } => {
            let mut confusion = Confusion::new(names.clone());
            for (row, &label) in outputs.iter().zip(labels) {
                confusion.count(label, dualtape_nn::metrics::predicted_class(row));
            }
            Some(Scores::of_classes(&confusion))
        }
        Targets::Numbers { values, .. } => Some(Scores::of_numbers(&outputs.concat(), values, baseline)),
    }
}
