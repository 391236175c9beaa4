//! The learning rate over a run.

use crate::color::Look;
use crate::lines::{Lines, Smoothing, Style, line_settings, picture_of_lines};
use crate::series::Series;

/// The learning rate over a run.
///
/// ```
/// use dualtape_plots::{LearningRate, Picture};
///
/// let rate = LearningRate::new("step decay", (0..30).map(|epoch| (f64::from(epoch), 0.1 / f64::from(1 + epoch / 10))));
/// assert!(rate.svg(rate.natural_size())?.contains("learning rate"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LearningRate {
    style: Style,
    rates: Series,
}

impl LearningRate {
    /// (step, rate); the axes are called "step" and "learning rate". Never smoothed.
    ///
    /// ```
    /// use dualtape_plots::{LearningRate, Picture};
    /// let warmed_up = (0..100).map(|step| (f64::from(step), 0.1 * f64::from(step.min(10)) / 10.0));
    /// let picture = LearningRate::new("warm-up", warmed_up);
    /// assert!(picture.svg(picture.natural_size())?.contains("learning rate"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut style = Style::new(title, "step", "learning rate");
        style.smoothing = Smoothing::Weight(0.0);
        Self { style, rates: Series::new("", points) }
    }

    line_settings!(axes log_axis);

    fn lines(&self) -> Lines<'_> {
        let curves = vec![(&self.rates, Look::nth(0))];
        Lines { style: &self.style, curves, threshold: None, marks: Vec::new() }
    }
}

picture_of_lines!(LearningRate);
