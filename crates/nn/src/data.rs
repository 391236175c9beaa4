//! Data sets: rows of numbers, and the target of each row, which is a class or numbers.

mod batch_sampler;
mod csv;
mod embedded;
mod encoder;
pub mod generate;
mod split;
mod standardize;
mod table;

pub use self::csv::{Csv, parse_csv, read_csv};
pub(crate) use self::csv::{canonical, cause};
pub use batch_sampler::BatchSampler;
pub(crate) use batch_sampler::shuffled;
pub use embedded::{NAMES, digits, iris, moons, named};
pub use encoder::{Encoder, Missing, Unknown};
pub use standardize::Standardizer;
pub use table::Table;

use crate::Error;
use std::collections::HashSet;

/// Samples for classification, for regression, or without targets, which are then to be predicted.
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
    /// Row after row.
    inputs: Vec<f64>,
    targets: Targets,
}

/// The targets of the rows of a data set.
///
/// ```
/// use dualtape_nn::data::{Targets, iris};
/// let Targets::Classes { names, labels } = iris().targets().clone() else { panic!("irises have species") };
/// assert_eq!((names.len(), labels.len()), (3, 150));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Unknown.
    None,
    /// One class for each row.
    Classes {
        /// The names of the classes.
        names: Vec<String>,
        /// The index of each row's class.
        labels: Vec<usize>,
    },
    /// One or several numbers for each row.
    Numbers {
        /// The names of the numbers.
        names: Vec<String>,
        /// Row after row.
        values: Vec<f64>,
    },
}

impl Dataset {
    /// A data set for classification. `inputs` has one number for each feature and row, row after row; `labels` has the
    /// index of each row's class, counted from 0. A class may have no rows.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if there is no row or no feature, the number of inputs is not rows times features, a number
    /// is not finite, two classes have the same name, or a label is not the index of a class.
    ///
    /// ```
    /// use dualtape_nn::data::Dataset;
    /// let (features, classes) = (vec!["x".into()], vec!["low".into(), "high".into()]);
    /// let data = Dataset::classification("steps", features.clone(), classes.clone(), vec![0.5, 2.5], vec![0, 1])?;
    /// assert_eq!(data.sample(1), (&[2.5][..], 1));
    /// let wrong = Dataset::classification("steps", features, classes, vec![0.5, 2.5], vec![0, 2]).unwrap_err();
    /// assert_eq!(wrong.to_string(), "steps: sample 2 has label 2; expected a class from 0 to 1");
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn classification(
        name: &str,
        features: Vec<String>,
        classes: Vec<String>,
        inputs: Vec<f64>,
        labels: Vec<usize>,
    ) -> Result<Self, Error> {
        let rows = labels.len();
        check_classes(name, &classes, &labels)?;
        let targets = Targets::Classes { names: classes, labels };
        Self::checked(Self { name: name.to_owned(), features, inputs, targets }, rows)
    }

    /// A data set for regression. `values` has one number for each row and each name in `targets`, row after row.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if there is no row, feature or target, if there are too few or too many numbers for them, or if
    /// a number is not finite.
    ///
    /// ```
    /// use dualtape_nn::data::Dataset;
    /// let line = Dataset::regression("line", vec!["x".into()], vec!["y".into()], vec![0.0, 1.0], vec![1.0, 3.0])?;
    /// assert_eq!((line.input(1), line.numbers(1)), (&[1.0][..], &[3.0][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn regression(
        name: &str,
        features: Vec<String>,
        targets: Vec<String>,
        inputs: Vec<f64>,
        values: Vec<f64>,
    ) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::Data { origin: name.to_owned(), problem });
        let rows = values.len().checked_div(targets.len()).unwrap_or(0);
        if rows * targets.len() != values.len() || targets.is_empty() {
            let (values, targets) = (values.len(), targets.len());
            return wrong(format!(
                "there are {values} targets; expected {targets} for each row, and at least one"
            ));
        }
        if let Some(i) = values.iter().position(|x| !x.is_finite()) {
            let row = i / targets.len() + 1;
            return wrong(format!("the target of sample {row} is {}; expected a finite number", values[i]));
        }
        let targets = Targets::Numbers { names: targets, values };
        Self::checked(Self { name: name.to_owned(), features, inputs, targets }, rows)
    }

    /// A data set without targets, for predictions.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if there is no row or no feature, the inputs do not fill whole rows, or a number is not
    /// finite.
    ///
    /// ```
    /// use dualtape_nn::data::{Dataset, Targets};
    /// let new = Dataset::unlabelled("new", vec!["x".into(), "y".into()], vec![1.0, 2.0, 3.0, 4.0])?;
    /// assert_eq!((new.len(), new.input(1), new.targets()), (2, &[3.0, 4.0][..], &Targets::None));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn unlabelled(name: &str, features: Vec<String>, inputs: Vec<f64>) -> Result<Self, Error> {
        let rows = inputs.len().checked_div(features.len()).unwrap_or(0);
        Self::checked(Self { name: name.to_owned(), features, inputs, targets: Targets::None }, rows)
    }

    fn checked(self, rows: usize) -> Result<Self, Error> {
        let Self { name, features, inputs, .. } = &self;
        let wrong = |problem| Err(Error::Data { origin: name.clone(), problem });
        if features.is_empty() || rows == 0 {
            return wrong(format!(
                "there are {rows} rows of {} numbers; expected at least one row with a number and a label",
                features.len()
            ));
        }
        if Some(inputs.len()) != features.len().checked_mul(rows) {
            return wrong(format!(
                "there are {} numbers; expected {} for each of {rows} rows",
                inputs.len(),
                features.len(),
            ));
        }
        if let Some(i) = inputs.iter().position(|x| !x.is_finite()) {
            let (row, column) = (i / features.len() + 1, i % features.len() + 1);
            return wrong(format!(
                "sample {row}, feature {column} is {}; expected a finite number",
                inputs[i]
            ));
        }
        Ok(self)
    }

    /// Where the data come from.
    ///
    /// ```
    /// assert_eq!(dualtape_nn::data::iris().name(), "iris");
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the features.
    ///
    /// ```
    /// let iris = dualtape_nn::data::iris();
    /// assert_eq!(iris.features().len(), iris.input(0).len());
    /// ```
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// The targets of the rows.
    ///
    /// ```
    /// use dualtape_nn::data::{Targets, iris};
    /// assert!(matches!(iris().targets(), Targets::Classes { .. }));
    /// ```
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The names of the classes; empty unless this data set is for classification.
    ///
    /// ```
    /// assert_eq!(dualtape_nn::data::iris().classes(), ["setosa", "versicolor", "virginica"]);
    /// ```
    pub fn classes(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { names, .. } => names,
            _ => &[],
        }
    }

    /// The number of samples; at least one.
    ///
    /// ```
    /// assert_eq!(dualtape_nn::data::digits().len(), 1797);
    /// ```
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.inputs.len() / self.features.len()
    }

    /// The features of one sample.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    ///
    /// ```
    /// assert_eq!(dualtape_nn::data::iris().input(0), [5.1, 3.5, 1.4, 0.2]); // centimetres
    /// ```
    pub fn input(&self, i: usize) -> &[f64] {
        let width = self.features.len();
        &self.inputs[i * width..(i + 1) * width]
    }

    /// The class of one sample; `None` unless this data set is for classification.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    ///
    /// ```
    /// let iris = dualtape_nn::data::iris();
    /// assert_eq!(iris.label(149).map(|class| iris.classes()[class].as_str()), Some("virginica"));
    /// ```
    pub fn label(&self, i: usize) -> Option<usize> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels[i]),
            _ => None,
        }
    }

    /// The target numbers of one sample; empty unless this data set is for regression.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, iris};
    /// let houses = Csv::new().numbers().parse("houses", b"rooms,price\n3,200\n5,350\n")?;
    /// assert_eq!(houses.numbers(1), [350.0]);
    /// assert!(iris().numbers(1).is_empty());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn numbers(&self, i: usize) -> &[f64] {
        match &self.targets {
            Targets::Numbers { names, values } => &values[i * names.len()..(i + 1) * names.len()],
            _ => &[],
        }
    }

    /// The features and the class of one sample.
    ///
    /// # Panics
    ///
    /// If there is no such sample, or this data set is not for classification.
    ///
    /// ```
    /// assert_eq!(dualtape_nn::data::iris().sample(0), (&[5.1, 3.5, 1.4, 0.2][..], 0));
    /// ```
    pub fn sample(&self, i: usize) -> (&[f64], usize) {
        (self.input(i), self.label(i).expect("the samples have classes"))
    }

    /// All samples with their classes, in their order.
    ///
    /// # Panics
    ///
    /// If this data set is not for classification.
    ///
    /// ```
    /// let iris = dualtape_nn::data::iris();
    /// assert_eq!(iris.samples().filter(|&(_, class)| class == 2).count(), 50);
    /// ```
    pub fn samples(&self) -> impl Iterator<Item = (&[f64], usize)> {
        (0..self.len()).map(|i| self.sample(i))
    }

    /// Splits the samples into two parts, for training and for validation, drawn by the seed. The second part holds the
    /// given share of the samples, and of each class as nearly as the number of its samples allows. Neither part is empty.
    /// Both keep the order of the samples.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the share is not between 0 and 1; [`Error::Data`] if there are fewer than two
    /// samples.
    ///
    /// ```
    /// let iris = dualtape_nn::data::iris();
    /// let (training, validation) = iris.split(0.2, 7)?;
    /// assert_eq!((training.len(), validation.len()), (120, 30));
    /// assert_eq!(validation.samples().filter(|&(_, class)| class == 2).count(), 10);
    /// assert_eq!(iris.split(0.2, 7)?, (training, validation)); // the same seed draws the same
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn split(&self, validation_share: f64, seed: u64) -> Result<(Self, Self), Error> {
        let classes = match &self.targets {
            Targets::Classes { labels, .. } => Some(&labels[..]),
            _ => None,
        };
        let training = split::draw_training(&self.name, self.len(), classes, validation_share, seed)?;
        Ok(self.clone().partition(&training))
    }

    /// Splits the samples into those for which `first` is true, and the others; both keep their order. It takes little
    /// more memory than the smaller part.
    ///
    /// # Panics
    ///
    /// If `first` does not have one value for each sample, or if all values are equal, because no part may be empty.
    ///
    /// ```
    /// let moons = dualtape_nn::data::moons();
    /// let odd: Vec<bool> = (0..moons.len()).map(|i| i % 2 == 1).collect();
    /// let (ones, others) = moons.clone().partition(&odd);
    /// assert_eq!((ones.sample(0), others.sample(1)), (moons.sample(1), moons.sample(2)));
    /// ```
    pub fn partition(mut self, first: &[bool]) -> (Self, Self) {
        assert_eq!(first.len(), self.len(), "each sample needs a part");
        assert!(first.contains(&true) && first.contains(&false), "neither part may be empty");
        let rows: Vec<usize> = (0..first.len()).filter(|&row| !first[row]).collect();
        let others = self.select(&rows);
        split::retain_rows(&mut self.inputs, self.features.len(), first);
        match &mut self.targets {
            Targets::None => {}
            Targets::Classes { labels, .. } => split::retain_rows(labels, 1, first),
            Targets::Numbers { names, values } => split::retain_rows(values, names.len(), first),
        }
        (self, others)
    }

    /// The same data set with other values of the features.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if the number of inputs differs from before, or an input is not finite.
    ///
    /// ```
    /// let moons = dualtape_nn::data::moons();
    /// let flat = moons.with_inputs(vec![0.0; 200])?;
    /// assert_eq!((flat.input(7), flat.label(7)), (&[0.0, 0.0][..], moons.label(7)));
    /// assert!(moons.with_inputs(vec![0.0; 3]).is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn with_inputs(&self, inputs: Vec<f64>) -> Result<Self, Error> {
        let (name, features, targets) = (self.name.clone(), self.features.clone(), self.targets.clone());
        Self::checked(Self { name, features, inputs, targets }, self.len())
    }

    /// The samples with these indices, in this order.
    ///
    /// # Panics
    ///
    /// If there is no such sample, or `rows` is empty.
    ///
    /// ```
    /// let iris = dualtape_nn::data::iris();
    /// assert_eq!(iris.select(&[149, 0]).sample(0), iris.sample(149));
    /// ```
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "a data set has at least one sample");
        let targets = match &self.targets {
            Targets::None => Targets::None,
            Targets::Classes { names, labels } => {
                Targets::Classes { names: names.clone(), labels: rows.iter().map(|&i| labels[i]).collect() }
            }
            Targets::Numbers { names, .. } => {
                let values = rows.iter().flat_map(|&i| self.numbers(i)).copied().collect();
                Targets::Numbers { names: names.clone(), values }
            }
        };
        let inputs = rows.iter().flat_map(|&i| self.input(i)).copied().collect();
        Self { name: self.name.clone(), features: self.features.clone(), inputs, targets }
    }
}

/// Checks that the names of the classes differ, and that each label is the index of a class.
fn check_classes(name: &str, classes: &[String], labels: &[usize]) -> Result<(), Error> {
    let wrong = |problem| Err(Error::Data { origin: name.to_owned(), problem });
    let mut seen = HashSet::new();
    if let Some(twice) = classes.iter().find(|&class| !seen.insert(class)) {
        return wrong(format!("two classes are named '{twice}'; expected a different name for each"));
    }
    match (labels.iter().position(|&label| label >= classes.len()), classes.len()) {
        (None, _) => Ok(()),
        (Some(_), 0) => wrong("there are no classes; expected at least one".to_owned()),
        (Some(row), count) => {
            let (sample, label, last) = (row + 1, labels[row], count - 1);
            wrong(format!("sample {sample} has label {label}; expected a class from 0 to {last}"))
        }
    }
}
