//! The learning rate over a run.

use crate::lines::{Lines, Look, Smoothing, Style};
use crate::picture::sealed::Draw;
use crate::scene::{Rect, Scene};
use crate::series::Series;
use crate::{Dropped, Error, Picture};

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
    pub fn new(title: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut style = Style::new(title, "step", "learning rate");
        style.smoothing = Smoothing::Weight(0.0);
        Self { style, rates: Series::new("", points) }
    }

    /// Other names for the axes.
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        (self.style.x_label, self.style.y_label) = (x_label.to_owned(), y_label.to_owned());
        self
    }

    /// Whether rates stand on a logarithmic axis, where those that are 0 are left out.
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.style.logarithmic = logarithmic;
        self
    }

    fn lines(&self) -> Lines<'_> {
        let curves = vec![(&self.rates, Look::nth(0))];
        Lines { style: &self.style, curves, threshold: None, marks: Vec::new() }
    }
}

impl Draw for LearningRate {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        self.lines().draw(scene, place)
    }
}

impl Picture for LearningRate {
    fn dropped(&self) -> Dropped {
        self.lines().dropped()
    }
}
