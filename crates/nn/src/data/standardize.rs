//! Standardising: mean 0 and deviation 1 for every feature.

use super::Dataset;

/// The means and deviations of the features of one data set, to be applied to others.
///
/// Fit it on the training part only, so that nothing is learned from the validation part.
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
    /// 1 where a feature is constant.
    deviations: Vec<f64>,
}

impl Standardizer {
    /// Means and deviations of the given samples.
    pub fn fit(data: &Dataset) -> Self {
        let count = data.len() as f64;
        let column = |j| data.samples().map(move |(x, _)| x[j]);
        let means: Vec<f64> = (0..data.features.len()).map(|j| column(j).sum::<f64>() / count).collect();
        let deviation = |(j, &mean): (usize, &f64)| {
            let variance = column(j).map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            if variance > 0.0 { variance.sqrt() } else { 1.0 }
        };
        let deviations = means.iter().enumerate().map(deviation).collect();
        Self { means, deviations }
    }

    /// The mean of each feature.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The deviation of each feature; 1 for a constant one.
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// The same samples, standardised.
    ///
    /// # Panics
    ///
    /// If the data have other features.
    pub fn apply(&self, data: &Dataset) -> Dataset {
        let width = data.features.len();
        assert!(width == self.means.len(), "fitted on {} features, applied to {width}", self.means.len());
        let scale = |(i, &x): (usize, &f64)| (x - self.means[i % width]) / self.deviations[i % width];
        let inputs = data.inputs.iter().enumerate().map(scale).collect();
        Dataset { inputs, labels: data.labels.clone(), ..data.heading() }
    }
}
