//! Gradient norms over a run, before and after clipping.

use crate::color;
use crate::lines::{Lines, Look, Smoothing, Style};
use crate::picture::sealed::Draw;
use crate::scene::{Marker, Rect, Scene};
use crate::series::Series;
use crate::{Dropped, Error, Picture};

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
    pub fn new(title: &str) -> Self {
        let style = Style::new(title, "step", "gradient norm");
        Self { style, before: None, after: None, threshold: None }
    }

    /// (step, norm) before clipping.
    #[must_use]
    pub fn before(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.before = Some(Series::new("before clipping", points));
        self
    }

    /// (step, norm) after clipping.
    #[must_use]
    pub fn after(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.after = Some(Series::new("after clipping", points));
        self
    }

    /// The norm above which gradients are clipped; drawing fails with [`Error::NotFinite`] if it is not finite.
    /// Where it would squeeze the curves flat, the picture names it instead of showing it.
    #[must_use]
    pub fn threshold(mut self, norm: f64) -> Self {
        self.threshold = Some(norm);
        self
    }

    /// Other names for the axes.
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        (self.style.x_label, self.style.y_label) = (x_label.to_owned(), y_label.to_owned());
        self
    }

    /// Whether norms stand on a logarithmic axis, where those that are 0 are left out.
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.style.logarithmic = logarithmic;
        self
    }

    /// As [`LossCurves::smoothing`](crate::LossCurves::smoothing).
    #[must_use]
    pub fn smoothing(mut self, weight: f64) -> Self {
        self.style.smoothing = Smoothing::Weight(weight);
        self
    }

    fn lines(&self) -> Lines<'_> {
        let before = Look { color: color::VERMILION, dash: color::SOLID, marker: Marker::Square };
        let after = Look { color: color::BLUE, dash: color::SOLID, marker: Marker::Disc };
        let curves = [(&self.before, before), (&self.after, after)];
        let curves = curves.into_iter().filter_map(|(series, look)| Some((series.as_ref()?, look))).collect();
        let threshold = self.threshold.map(|norm| (norm, "threshold"));
        Lines { style: &self.style, curves, threshold, marks: Vec::new() }
    }
}

impl Draw for GradientNorms {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        self.lines().draw(scene, place)
    }
}

impl Picture for GradientNorms {
    fn dropped(&self) -> Dropped {
        self.lines().dropped()
    }
}
