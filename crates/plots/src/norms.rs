//! Gradient norms over a run, before and after clipping.

use crate::color::Look;
use crate::lines::{Lines, Style, line_settings, picture_of_lines};
use crate::series::Series;

/// Gradient norms over a run, before and after clipping, with the threshold as a line across.
///
/// ```
/// use dualtape_plots::{GradientNorms, Picture};
///
/// let before: Vec<(f64, f64)> = (1..=50).map(|step| (f64::from(step), 8.0 / f64::from(step))).collect();
/// let after = before.iter().map(|&(step, norm)| (step, norm.min(1.0)));
/// let norms = GradientNorms::new("gradients").before(before.clone()).after(after).threshold(1.0);
/// let svg = norms.svg(norms.natural_size())?;
/// assert!(svg.contains("threshold 1"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradientNorms {
    style: Style,
    before: Option<Series>,
    after: Option<Series>,
    threshold: Option<f64>,
}

impl GradientNorms {
    /// A picture without curves; its axes are called "step" and "gradient norm".
    ///
    /// ```
    /// use dualtape_plots::{GradientNorms, Picture};
    /// let empty = GradientNorms::new("gradients");
    /// assert!(empty.svg(empty.natural_size())?.contains("gradient norm"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str) -> Self {
        let style = Style::new(title, "step", "gradient norm");
        Self { style, before: None, after: None, threshold: None }
    }

    /// (step, norm) before clipping.
    ///
    /// ```
    /// use dualtape_plots::{GradientNorms, Picture};
    /// let norms = GradientNorms::new("").before([(1.0, 8.0), (2.0, 4.0)]);
    /// assert!(norms.svg(norms.natural_size())?.contains("before clipping"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn before(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.before = Some(Series::new("before clipping", points));
        self
    }

    /// (step, norm) after clipping.
    ///
    /// ```
    /// use dualtape_plots::{GradientNorms, Picture};
    /// let norms = GradientNorms::new("").before([(1.0, 8.0), (2.0, 4.0)]).after([(1.0, 5.0), (2.0, 4.0)]);
    /// assert!(norms.svg(norms.natural_size())?.contains("after clipping"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn after(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.after = Some(Series::new("after clipping", points));
        self
    }

    /// The norm above which gradients are clipped; drawing fails with [`Error::NotFinite`](crate::Error::NotFinite) if it is not finite.
    /// Where it would squeeze the curves flat, the picture names it instead of showing it.
    ///
    /// ```
    /// use dualtape_plots::{Error, GradientNorms, Picture};
    /// let norms = || GradientNorms::new("").before([(1.0, 8.0), (2.0, 4.0)]);
    /// let size = norms().natural_size();
    /// assert!(norms().threshold(5.0).svg(size)?.contains("threshold 5"));
    /// assert!(matches!(norms().threshold(f64::NAN).svg(size), Err(Error::NotFinite { .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn threshold(mut self, norm: f64) -> Self {
        self.threshold = Some(norm);
        self
    }

    line_settings!(axes log_axis smoothing);

    fn lines(&self) -> Lines<'_> {
        let curves = [(&self.before, Look::nth(1)), (&self.after, Look::nth(0))];
        let curves = curves.into_iter().filter_map(|(series, look)| Some((series.as_ref()?, look))).collect();
        let threshold = self.threshold.map(|norm| (norm, "threshold"));
        Lines { style: &self.style, curves, threshold, marks: Vec::new() }
    }
}

picture_of_lines!(GradientNorms);
