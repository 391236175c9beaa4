//! The quality of predictions.

use std::fmt;

/// The class that the outputs predict: the one with the largest output; with a single output, class 1 if it is above 0.
///
/// ```
/// use dualtape_nn::metrics::predicted_class;
/// assert_eq!((predicted_class(&[0.1, 0.7, 0.2]), predicted_class(&[-0.5])), (1, 0));
/// ```
pub fn predicted_class(outputs: &[f64]) -> usize {
    match *outputs {
        [score] => usize::from(score > 0.0),
        _ => (0..outputs.len()).fold(0, |best, i| if outputs[i] > outputs[best] { i } else { best }),
    }
}

/// The mean; NaN if there are no numbers. Large numbers do not overflow, and the mean of equal numbers is exactly that number.
///
/// ```
/// use dualtape_nn::metrics::mean;
/// assert_eq!((mean(&[1.0, 4.0]), mean(&[1e308; 3])), (2.5, 1e308));
/// assert_eq!(mean(&[0.1; 1000]), 0.1); // the sum divided by 1000 is another number
/// assert!(mean(&[]).is_nan());
/// ```
pub fn mean(numbers: &[f64]) -> f64 {
    let Some((&first, others)) = numbers.split_first() else { return f64::NAN };
    if others.iter().all(|&number| number == first) {
        return first;
    }
    let count = numbers.len() as f64;
    // The numbers are divided before they are added up, so that large ones do not overflow.
    let rough: f64 = numbers.iter().map(|x| x / count).sum();
    // The rounding errors of that sum grow with the count; the second pass removes them.
    let rest: f64 = numbers.iter().map(|x| (x - rough) / count).sum();
    if rest.is_finite() { rough + rest } else { rough }
}

/// The mean absolute error; NaN if there are no numbers.
///
/// # Panics
///
/// If the lengths differ.
///
/// ```
/// use dualtape_nn::metrics::mean_absolute_error;
/// assert_eq!(mean_absolute_error(&[1.0, 4.0], &[2.0, 2.0]), 1.5);
/// assert!(mean_absolute_error(&[], &[]).is_nan());
/// ```
pub fn mean_absolute_error(predictions: &[f64], targets: &[f64]) -> f64 {
    assert_eq!(predictions.len(), targets.len(), "each prediction needs a target");
    let errors = predictions.iter().zip(targets).map(|(p, t)| (p - t).abs());
    errors.sum::<f64>() / targets.len() as f64
}

/// R²: how much smaller the squared errors are than if the mean were always predicted. 1 is perfect; 0 is no better than
/// the mean. For constant targets that are not predicted exactly, it is 0. It is NaN if a prediction is NaN.
///
/// # Panics
///
/// If the lengths differ.
///
/// ```
/// use dualtape_nn::metrics::r_squared;
/// assert_eq!(r_squared(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 1.0);
/// assert_eq!(r_squared(&[2.0, 2.0, 2.0], &[1.0, 2.0, 3.0]), 0.0);
/// ```
pub fn r_squared(predictions: &[f64], targets: &[f64]) -> f64 {
    assert_eq!(predictions.len(), targets.len(), "each prediction needs a target");
    // For equal targets, the mean is exact, so the total is 0. Neither the mean nor the norms overflow for large numbers.
    let mean = mean(targets);
    let total = norm(targets.iter().map(|t| t - mean));
    let missed = norm(predictions.iter().zip(targets).map(|(p, t)| p - t));
    match (missed == 0.0, total == 0.0) {
        (true, _) => 1.0,
        (false, true) if !missed.is_nan() => 0.0,
        _ => 1.0 - (missed / total).powi(2),
    }
}

/// The square root of the mean of the squared errors.
///
/// # Panics
///
/// If the numbers of predictions and targets differ.
///
/// ```
/// use dualtape_nn::metrics::root_mean_square_error;
/// assert_eq!(root_mean_square_error(&[1.0, 5.0], &[1.0, 5.0]), 0.0);
/// assert!((root_mean_square_error(&[1e200, 0.0], &[0.0, 1e200]) / 1e200 - 1.0).abs() < 1e-15);
/// ```
pub fn root_mean_square_error(predictions: &[f64], targets: &[f64]) -> f64 {
    assert_eq!(predictions.len(), targets.len(), "each prediction needs a target");
    norm(predictions.iter().zip(targets).map(|(p, t)| p - t)) / (targets.len() as f64).sqrt()
}

/// The Euclidean norm, without overflow.
fn norm(numbers: impl Iterator<Item = f64>) -> f64 {
    dualtape::Differentiable::norm(&numbers.collect::<Vec<f64>>())
}

/// How often each class was predicted for the samples of each class.
///
/// ```
/// use dualtape_nn::metrics::Confusion;
/// let mut confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
/// for (actual, predicted) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
///     confusion.count(actual, predicted);
/// }
/// assert_eq!((confusion.at(0, 1), confusion.accuracy()), (1, 0.75));
/// println!("{confusion}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: Vec<String>,
    /// A row for each actual class, and a column for each predicted class.
    counts: Vec<u64>,
}

impl Confusion {
    /// A matrix for the given classes, without predictions yet.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
    /// assert!(confusion.accuracy().is_nan());
    /// ```
    pub fn new(classes: Vec<String>) -> Self {
        let counts = vec![0; classes.len() * classes.len()];
        Self { classes, counts }
    }

    /// Adds a prediction.
    ///
    /// # Panics
    ///
    /// If the class does not exist.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
    /// confusion.count(0, 1); // a dog was predicted for a cat
    /// assert_eq!((confusion.at(0, 1), confusion.at(1, 0)), (1, 0));
    /// ```
    pub fn count(&mut self, actual: usize, predicted: usize) {
        let place = self.place(actual, predicted);
        self.counts[place] += 1;
    }

    /// How often the second class was predicted for samples of the first.
    ///
    /// # Panics
    ///
    /// If the class does not exist.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
    /// confusion.count(1, 1);
    /// assert_eq!(confusion.at(1, 1), 1);
    /// ```
    pub fn at(&self, actual: usize, predicted: usize) -> u64 {
        self.counts[self.place(actual, predicted)]
    }

    /// The names of the classes.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
    /// assert_eq!(confusion.classes(), ["cat", "dog"]);
    /// ```
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// A row for each actual class: how often each class was predicted.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
    /// confusion.count(0, 1);
    /// assert_eq!(confusion.rows().collect::<Vec<_>>(), [[0, 1], [0, 0]]);
    /// ```
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks(self.classes.len().max(1))
    }

    /// The share of right predictions; NaN if there are no predictions.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["cat".into(), "dog".into()]);
    /// for (actual, predicted) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
    ///     confusion.count(actual, predicted);
    /// }
    /// assert_eq!(confusion.accuracy(), 0.75);
    /// ```
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes.len()).map(|class| self.at(class, class)).sum();
        right as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// The number of samples of a class.
    ///
    /// # Panics
    ///
    /// If the class does not exist.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["no".into(), "yes".into()]);
    /// [(0, 0), (0, 1), (1, 1)].map(|(actual, predicted)| confusion.count(actual, predicted));
    /// assert_eq!((confusion.samples_of(0), confusion.samples_of(1)), (2, 1));
    /// ```
    pub fn samples_of(&self, class: usize) -> u64 {
        (0..self.classes.len()).map(|predicted| self.at(class, predicted)).sum()
    }

    /// The precision: of the samples for which a class is predicted, the share that belongs to it. It is NaN if the class is
    /// never predicted.
    ///
    /// # Panics
    ///
    /// If the class does not exist.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["no".into(), "yes".into()]);
    /// [(0, 0), (0, 1), (1, 1)].map(|(actual, predicted)| confusion.count(actual, predicted));
    /// assert_eq!((confusion.precision(0), confusion.precision(1)), (1.0, 0.5));
    /// ```
    pub fn precision(&self, class: usize) -> f64 {
        let predicted: u64 = (0..self.classes.len()).map(|actual| self.at(actual, class)).sum();
        self.at(class, class) as f64 / predicted as f64
    }

    /// The recall: of the samples of a class, the share for which it is predicted. It is NaN if the class has no samples.
    ///
    /// # Panics
    ///
    /// If the class does not exist.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["no".into(), "yes".into()]);
    /// [(0, 0), (0, 1), (1, 1)].map(|(actual, predicted)| confusion.count(actual, predicted));
    /// assert_eq!((confusion.recall(0), confusion.recall(1)), (0.5, 1.0));
    /// ```
    pub fn recall(&self, class: usize) -> f64 {
        self.at(class, class) as f64 / self.samples_of(class) as f64
    }

    /// The harmonic mean of precision and recall; NaN if the class has no samples and is never predicted.
    ///
    /// # Panics
    ///
    /// If the class does not exist.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["no".into(), "yes".into()]);
    /// [(0, 0), (0, 1), (1, 1)].map(|(actual, predicted)| confusion.count(actual, predicted));
    /// assert_eq!(confusion.f1(0), 2.0 / 3.0);
    /// ```
    pub fn f1(&self, class: usize) -> f64 {
        let predicted: u64 = (0..self.classes.len()).map(|actual| self.at(actual, class)).sum();
        2.0 * self.at(class, class) as f64 / (predicted + self.samples_of(class)) as f64
    }

    /// The mean recall of the classes that have samples, which is the accuracy if all classes were equally frequent. It is NaN
    /// if there are no samples.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["no".into(), "yes".into()]);
    /// (0..9).for_each(|_| confusion.count(0, 0));
    /// confusion.count(1, 0);
    /// assert_eq!((confusion.accuracy(), confusion.balanced_accuracy()), (0.9, 0.5));
    /// ```
    pub fn balanced_accuracy(&self) -> f64 {
        let present: Vec<usize> =
            (0..self.classes.len()).filter(|&class| self.samples_of(class) > 0).collect();
        present.iter().map(|&class| self.recall(class)).sum::<f64>() / present.len() as f64
    }

    /// The class with the most samples (the first of equals), and its share, which is the accuracy of always predicting
    /// that class. The share is NaN if there are no samples.
    ///
    /// ```
    /// # use dualtape_nn::metrics::Confusion;
    /// let mut confusion = Confusion::new(vec!["no".into(), "yes".into()]);
    /// [(0, 0), (1, 1), (1, 0)].map(|(actual, predicted)| confusion.count(actual, predicted));
    /// assert_eq!(confusion.most_frequent(), (1, 2.0 / 3.0));
    /// ```
    pub fn most_frequent(&self) -> (usize, f64) {
        let count = |class: &usize| self.samples_of(*class);
        let most = (0..self.classes.len()).rev().max_by_key(count).unwrap_or(0);
        let all: u64 = self.counts.iter().sum();
        (most, if self.classes.is_empty() { f64::NAN } else { self.samples_of(most) as f64 / all as f64 })
    }

    fn place(&self, actual: usize, predicted: usize) -> usize {
        let count = self.classes.len();
        assert!(
            actual < count && predicted < count,
            "there are {count} classes, not {actual} and {predicted}"
        );
        actual * count + predicted
    }
}

/// Writes a table: actual classes down, predicted classes across.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let corner = "actual \\ predicted";
        let names = self.classes.iter().map(|class| class.chars().count());
        let first = names.clone().chain([corner.len()]).max().unwrap_or(0);
        let numbers = self.counts.iter().map(|count| count.to_string().len());
        let width = names.chain(numbers).max().unwrap_or(0) + 2;
        write!(f, "{corner:<first$}")?;
        for class in &self.classes {
            write!(f, "{class:>width$}")?;
        }
        for (class, row) in self.classes.iter().zip(self.rows()) {
            write!(f, "\n{class:<first$}")?;
            for count in row {
                write!(f, "{count:>width$}")?;
            }
        }
        Ok(())
    }
}
