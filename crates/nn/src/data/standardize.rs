//! Standardising: it gives every feature, or every target, mean 0 and deviation 1.

use super::{Dataset, Targets};
use crate::{Error, metrics};

/// The means and deviations of the columns of one data set, which can be applied to other data sets.
///
/// Fit it on the training part only, so that it uses nothing from the validation part.
///
/// ```
/// use dualtape_nn::data::{Standardizer, iris};
/// let iris = iris();
/// let scaled = Standardizer::fit(&iris).apply(&iris);
/// let mean = scaled.samples().map(|(x, _)| x[0]).sum::<f64>() / 150.0;
/// assert!(mean.abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Standardizer {
    means: Vec<f64>,
    /// 1 where a column is constant, up to rounding.
    deviations: Vec<f64>,
}

impl Standardizer {
    /// Means and deviations of the features.
    ///
    /// ```
    /// use dualtape_nn::data::{Dataset, Standardizer};
    /// let data = Dataset::unlabelled("", vec!["x".into(), "y".into()], vec![1.0, 5.0, 3.0, 5.0])?;
    /// let scale = Standardizer::fit(&data);
    /// assert_eq!((scale.means(), scale.deviations()), (&[2.0, 5.0][..], &[1.0, 1.0][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn fit(data: &Dataset) -> Self {
        Self::of_rows(&data.inputs, data.features.len())
    }

    /// The means and deviations of the target numbers; `None` if the samples have no target numbers.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Standardizer, iris};
    /// let houses = Csv::new().numbers().parse("houses", b"3,200\n5,400\n")?;
    /// let scale = Standardizer::fit_targets(&houses).unwrap();
    /// assert_eq!((scale.means(), scale.deviations()), (&[300.0][..], &[100.0][..]));
    /// assert_eq!(Standardizer::fit_targets(&iris()), None);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn fit_targets(data: &Dataset) -> Option<Self> {
        match &data.targets {
            Targets::Numbers { names, values } => Some(Self::of_rows(values, names.len())),
            _ => None,
        }
    }

    /// A standardiser with means and deviations that were saved.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if the numbers of means and deviations differ; [`Error::Setting`] if one of them is not finite, or
    /// a deviation is not positive.
    ///
    /// ```
    /// use dualtape_nn::data::Standardizer;
    /// assert_eq!(Standardizer::new(vec![1.0, 2.0], vec![1.0, 4.0])?.deviations(), [1.0, 4.0]);
    /// assert!(Standardizer::new(vec![1.0], vec![0.0]).is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new(means: Vec<f64>, deviations: Vec<f64>) -> Result<Self, Error> {
        if means.len() != deviations.len() {
            let (given, expected) = (deviations.len(), means.len());
            return Err(Error::Shape { what: "deviations for the means".to_owned(), given, expected });
        }
        let wrong = deviations.iter().find(|x| !(x.is_finite() && **x > 0.0));
        match wrong.or(means.iter().find(|x| !x.is_finite())) {
            Some(number) => Err(Error::Setting {
                what: "mean or deviation",
                given: number.to_string(),
                expected: "a finite number, a positive one for a deviation",
            }),
            None => Ok(Self { means, deviations }),
        }
    }

    fn of_rows(values: &[f64], width: usize) -> Self {
        let column = |j: usize| -> (f64, f64) {
            let mut numbers: Vec<f64> = values.iter().copied().skip(j).step_by(width).collect();
            let mean = metrics::mean(&numbers);
            numbers.iter_mut().for_each(|x| *x -= mean);
            // The deviation is a norm, so it does not overflow for large numbers.
            let deviation = dualtape::Differentiable::norm(&numbers) / (numbers.len() as f64).sqrt();
            // The mean of equal numbers is exact, so their deviation is 0. Numbers that differ only by rounding count as
            // equal: divided by their deviation, any other number would become huge.
            let rounding = 4.0 * f64::EPSILON * mean.abs();
            (mean, if deviation > rounding && deviation.is_finite() { deviation } else { 1.0 })
        };
        let (means, deviations) = (0..width).map(column).unzip();
        Self { means, deviations }
    }

    /// The mean of each column.
    ///
    /// ```
    /// # use dualtape_nn::data::Standardizer;
    /// let scale = Standardizer::new(vec![1.0, 2.0], vec![1.0, 4.0])?;
    /// assert_eq!(scale.means(), [1.0, 2.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The deviation of each column; 1 for a constant one, whose numbers differ by no more than rounding errors.
    ///
    /// ```
    /// # use dualtape_nn::data::Standardizer;
    /// let scale = Standardizer::new(vec![1.0, 2.0], vec![1.0, 4.0])?;
    /// assert_eq!(scale.deviations(), [1.0, 4.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// The same samples with standardised features.
    ///
    /// # Panics
    ///
    /// If the data have other features.
    ///
    /// ```
    /// use dualtape_nn::data::{Standardizer, iris};
    /// // Fitted on one part, applied to both.
    /// let (training, validation) = iris().split(0.2, 7)?;
    /// let scale = Standardizer::fit(&training);
    /// let (training, validation) = (scale.apply(&training), scale.apply(&validation));
    /// assert!(training.samples().map(|(x, _)| x[0]).sum::<f64>().abs() < 1e-12);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn apply(&self, data: &Dataset) -> Dataset {
        let mut data = data.clone();
        self.apply_in_place(&mut data);
        data
    }

    /// Standardises the features of samples in place, for data that should not be copied.
    ///
    /// # Panics
    ///
    /// If the data have other features.
    ///
    /// ```
    /// use dualtape_nn::data::{Standardizer, iris};
    /// let mut data = iris();
    /// let scale = Standardizer::fit(&data);
    /// scale.apply_in_place(&mut data);
    /// assert_eq!(data, scale.apply(&iris()));
    /// ```
    pub fn apply_in_place(&self, data: &mut Dataset) {
        let width = data.features.len();
        assert!(width == self.means.len(), "fitted on {} features, applied to {width}", self.means.len());
        self.scale(&mut data.inputs);
    }

    /// The same samples with standardised targets. Samples without target numbers stay unchanged.
    ///
    /// # Panics
    ///
    /// If the data have other targets.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Standardizer};
    /// let houses = Csv::new().numbers().parse("houses", b"3,200\n5,400\n")?;
    /// let scaled = Standardizer::fit_targets(&houses).unwrap().apply_to_targets(&houses);
    /// assert_eq!((scaled.numbers(0), scaled.numbers(1)), (&[-1.0][..], &[1.0][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn apply_to_targets(&self, data: &Dataset) -> Dataset {
        let mut data = data.clone();
        self.apply_to_targets_in_place(&mut data);
        data
    }

    /// Standardises targets in place. Samples without target numbers stay unchanged.
    ///
    /// # Panics
    ///
    /// If the data have other targets.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Standardizer};
    /// let mut houses = Csv::new().numbers().parse("houses", b"3,200\n5,400\n")?;
    /// Standardizer::fit_targets(&houses).unwrap().apply_to_targets_in_place(&mut houses);
    /// assert_eq!(houses.numbers(1), [1.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn apply_to_targets_in_place(&self, data: &mut Dataset) {
        if let Targets::Numbers { names, values } = &mut data.targets {
            let width = names.len();
            assert!(width == self.means.len(), "fitted on {} targets, applied to {width}", self.means.len());
            self.scale(values);
        }
    }

    /// Standardises rows in place. They follow one another, and each has as many numbers as there are means.
    ///
    /// ```
    /// # use dualtape_nn::data::Standardizer;
    /// let mut rows = [1.0, 2.0, 3.0, 10.0];
    /// Standardizer::new(vec![1.0, 2.0], vec![1.0, 4.0])?.scale(&mut rows);
    /// assert_eq!(rows, [0.0, 0.0, 2.0, 2.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn scale(&self, rows: &mut [f64]) {
        let columns = self.means.iter().zip(&self.deviations).cycle();
        for (x, (mean, deviation)) in rows.iter_mut().zip(columns) {
            *x = (*x - mean) / deviation;
        }
    }

    /// Reverses [`scale`](Self::scale), apart from rounding.
    ///
    /// ```
    /// # use dualtape_nn::data::Standardizer;
    /// let mut rows = [0.0, 0.0, 2.0, 2.0];
    /// Standardizer::new(vec![1.0, 2.0], vec![1.0, 4.0])?.unscale(&mut rows);
    /// assert_eq!(rows, [1.0, 2.0, 3.0, 10.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn unscale(&self, rows: &mut [f64]) {
        let columns = self.means.iter().zip(&self.deviations).cycle();
        for (x, (mean, deviation)) in rows.iter_mut().zip(columns) {
            *x = *x * deviation + mean;
        }
    }
}
