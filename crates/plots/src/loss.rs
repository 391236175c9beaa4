//! Losses of training and validation over a run.

use crate::color::{self, Look};
use crate::lines::{Lines, Mark, Style, line_settings, picture_of_lines};
use crate::series::Series;
use crate::text::short;

/// Loss curves as they were measured, the best epoch marked.
///
/// Points are (epoch or step, loss), in any order; a curve is drawn from left to right. Curves of 200 points and more
/// have a faint line through means of neighbours as well.
///
/// ```
/// use dualtape_plots::{LossCurves, Picture};
///
/// let curves = LossCurves::new("moons")
///     .training((1..=100).map(|epoch| (f64::from(epoch), 1.0 / f64::from(epoch))))
///     .validation((1..=100).map(|epoch| (f64::from(epoch), 1.2 / f64::from(epoch))))
///     .mark_best(true)
///     .log_axis(true);
/// let png = curves.png(curves.natural_size())?;
/// # assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LossCurves {
    style: Style,
    training: Option<Series>,
    validation: Option<Series>,
    best: Best,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Best {
    Unmarked,
    Lowest,
    At(f64),
}

impl LossCurves {
    /// A picture without curves; its axes are called "epoch" and "loss".
    ///
    /// ```
    /// use dualtape_plots::{LossCurves, Picture};
    /// let empty = LossCurves::new("moons");
    /// assert!(empty.svg(empty.natural_size())?.contains("epoch"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str) -> Self {
        let style = Style::new(title, "epoch", "loss");
        Self { style, training: None, validation: None, best: Best::Unmarked }
    }

    /// The losses on the training data.
    ///
    /// ```
    /// use dualtape_plots::{LossCurves, Picture};
    /// let curves = LossCurves::new("moons").training([(1.0, 0.9), (2.0, 0.5)]);
    /// assert!(curves.svg(curves.natural_size())?.contains("training"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn training(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.training = Some(Series::new("training", points));
        self
    }

    /// The losses on the validation data.
    ///
    /// ```
    /// use dualtape_plots::{LossCurves, Picture};
    /// // Measured every tenth epoch only.
    /// let training = (1..=100).map(|epoch| (f64::from(epoch), 1.0 / f64::from(epoch)));
    /// let validation = (1..=10).map(|tenth| (10.0 * f64::from(tenth), 0.2 / f64::from(tenth)));
    /// let curves = LossCurves::new("moons").training(training).validation(validation);
    /// assert!(curves.svg(curves.natural_size())?.contains("validation"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn validation(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.validation = Some(Series::new("validation", points));
        self
    }

    /// Whether the lowest raw loss is marked: that of validation, or of training if there is no validation.
    ///
    /// ```
    /// use dualtape_plots::{LossCurves, Picture};
    /// let curves = LossCurves::new("").validation([(1.0, 0.9), (2.0, 0.5), (3.0, 0.7)]);
    /// let plain = curves.svg(curves.natural_size())?;
    /// assert_ne!(curves.clone().mark_best(true).svg(curves.natural_size())?, plain);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn mark_best(mut self, mark: bool) -> Self {
        self.best = if mark { Best::Lowest } else { Best::Unmarked };
        self
    }

    /// Marks this epoch as the best; drawing fails with [`Error::NotFinite`](crate::Error::NotFinite) if it is none.
    ///
    /// ```
    /// use dualtape_plots::{LossCurves, Picture};
    /// let curves = LossCurves::new("").validation([(1.0, 0.9), (2.0, 0.5), (3.0, 0.7)]);
    /// // Chosen by accuracy, say, and not by the loss.
    /// assert!(curves.best_epoch(3.0).svg(dualtape_plots::Size::new(640, 480))?.contains("best"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn best_epoch(mut self, epoch: f64) -> Self {
        self.best = Best::At(epoch);
        self
    }

    line_settings!(axes log_axis smoothing);

    fn lines(&self) -> Lines<'_> {
        let curves = [(&self.training, Look::nth(0)), (&self.validation, Look::nth(1))];
        let curves = curves.into_iter().filter_map(|(series, look)| Some((series.as_ref()?, look))).collect();
        Lines { style: &self.style, curves, threshold: None, marks: self.mark().into_iter().collect() }
    }

    fn mark(&self) -> Option<Mark> {
        let judged = [&self.validation, &self.training]
            .into_iter()
            .flatten()
            .find(|series| !series.points().is_empty());
        let (x, y) = match self.best {
            Best::Unmarked => return None,
            Best::Lowest => judged?.lowest().map(|(x, y)| (x, Some(y)))?,
            Best::At(epoch) => {
                let at = |series: &Series| {
                    series.points().iter().find(|point| point.0 == epoch).map(|point| point.1)
                };
                (epoch, judged.and_then(at))
            }
        };
        let loss = y.map_or(String::new(), |y| format!(" ({})", short(y)));
        let x_text = if x.fract() == 0.0 && x.abs() < 1e15 { format!("{x}") } else { short(x) };
        let text = format!("best: {} {x_text}{loss}", self.style.x_label);
        Some(Mark { x, y, color: color::INK, text, line: true })
    }
}

picture_of_lines!(LossCurves);
