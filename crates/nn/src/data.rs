//! Data sets: numbers by row, and the class of each row.

mod csv;
mod embedded;
mod standardize;

pub use self::csv::{parse_csv, read_csv};
pub use embedded::{digits, iris, open};
pub use standardize::Standardizer;

use crate::{Error, initialize};
use rand::seq::SliceRandom;

/// Samples for classification.
///
/// ```
/// let digits = dualtape_nn::data::digits();
/// assert_eq!((digits.len(), digits.features().len(), digits.classes().len()), (1797, 64, 10));
/// let (pixels, digit) = digits.sample(0);
/// assert_eq!((pixels.len(), digit), (64, 0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    features: Vec<String>,
    classes: Vec<String>,
    /// Row after row.
    inputs: Vec<f64>,
    labels: Vec<usize>,
}

impl Dataset {
    /// A data set of the given rows: `inputs` has one number for each feature and row, row after row, and
    /// `labels` the number of each row's class.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if there is no row or no feature, the inputs are not as many as rows times features,
    /// a number is not finite, or a label is out of range.
    pub fn new(
        name: &str,
        features: Vec<String>,
        classes: Vec<String>,
        inputs: Vec<f64>,
        labels: Vec<usize>,
    ) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::Data { origin: name.to_owned(), problem });
        if features.is_empty() || labels.is_empty() {
            return wrong(format!(
                "there are {} rows of {} numbers; expected at least one row with a number and a label",
                labels.len(),
                features.len()
            ));
        }
        if Some(inputs.len()) != features.len().checked_mul(labels.len()) {
            return wrong(format!(
                "there are {} numbers; expected {} for each of {} rows",
                inputs.len(),
                features.len(),
                labels.len()
            ));
        }
        if let Some(i) = inputs.iter().position(|x| !x.is_finite()) {
            let (row, column) = (i / features.len() + 1, i % features.len() + 1);
            return wrong(format!(
                "sample {row}, feature {column} is {}; expected a finite number",
                inputs[i]
            ));
        }
        if let Some(row) = labels.iter().position(|&label| label >= classes.len()) {
            return wrong(format!(
                "sample {} has label {}; expected a class from 0 to {}",
                row + 1,
                labels[row],
                classes.len() as i64 - 1
            ));
        }
        Ok(Self { name: name.to_owned(), features, classes, inputs, labels })
    }

    /// Where the data come from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the features.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The number of samples; at least one.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// The numbers and the class of one sample.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    pub fn sample(&self, i: usize) -> (&[f64], usize) {
        let width = self.features.len();
        (&self.inputs[i * width..(i + 1) * width], self.labels[i])
    }

    /// All samples, in their order.
    pub fn samples(&self) -> impl Iterator<Item = (&[f64], usize)> {
        self.inputs.chunks_exact(self.features.len()).zip(self.labels.iter().copied())
    }

    /// Two parts, for training and for validation, drawn by seed; the second holds the given share of the
    /// samples, and neither is empty.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the share is not between 0 and 1; [`Error::Data`] if there are fewer than two
    /// samples.
    pub fn split(&self, validation_share: f64, seed: u64) -> Result<(Self, Self), Error> {
        if !(validation_share > 0.0 && validation_share < 1.0) {
            return Err(Error::Setting {
                what: "validation share",
                given: validation_share.to_string(),
                expected: "a number between 0 and 1",
            });
        }
        if self.len() < 2 {
            let problem = "there is 1 sample; expected at least 2, to train on and to validate".to_owned();
            return Err(Error::Data { origin: self.name.clone(), problem });
        }
        let mut order: Vec<_> = (0..self.len()).collect();
        order.shuffle(&mut initialize::stream(seed));
        let wanted = (self.len() as f64 * validation_share).round() as usize;
        let (validation, training) = order.split_at(wanted.clamp(1, self.len() - 1));
        Ok((self.select(training), self.select(validation)))
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self {
            inputs: rows.iter().flat_map(|&i| self.sample(i).0).copied().collect(),
            labels: rows.iter().map(|&i| self.labels[i]).collect(),
            ..self.heading()
        }
    }

    /// The same names without samples, to be filled in.
    fn heading(&self) -> Self {
        Self {
            name: self.name.clone(),
            features: self.features.clone(),
            classes: self.classes.clone(),
            inputs: Vec::new(),
            labels: Vec::new(),
        }
    }
}
