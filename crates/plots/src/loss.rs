//! Losses of training and validation over a run.

use crate::color;
use crate::lines::{Lines, Look, Mark, Smoothing, Style};
use crate::picture::sealed::Draw;
use crate::scene::{Marker, Rect, Scene};
use crate::series::Series;
use crate::text::short;
use crate::{Dropped, Error, Picture};

/// Loss curves: raw values faint, an exponential mean bold, the best epoch marked.
///
/// Points are (epoch or step, loss), in any order; a curve is drawn from left to right. Curves of less than 40
/// points are not smoothed unless asked for.
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
    pub fn new(title: &str) -> Self {
        let style = Style::new(title, "epoch", "loss");
        Self { style, training: None, validation: None, best: Best::Unmarked }
    }

    /// The losses on the training data.
    #[must_use]
    pub fn training(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.training = Some(Series::new("training", points));
        self
    }

    /// The losses on the validation data.
    #[must_use]
    pub fn validation(mut self, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.validation = Some(Series::new("validation", points));
        self
    }

    /// Other names for the axes.
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        (self.style.x_label, self.style.y_label) = (x_label.to_owned(), y_label.to_owned());
        self
    }

    /// Whether losses stand on a logarithmic axis, where those not above 0 are left out.
    #[must_use]
    pub fn log_axis(mut self, logarithmic: bool) -> Self {
        self.style.logarithmic = logarithmic;
        self
    }

    /// The weight of the past in the bold line, 0 for none, see [`exponential_mean`](crate::exponential_mean);
    /// drawing fails with [`Error::Smoothing`] unless it is at least 0 and less than 1. By default, means go
    /// over about a twentieth of the curve.
    #[must_use]
    pub fn smoothing(mut self, weight: f64) -> Self {
        self.style.smoothing = Smoothing::Weight(weight);
        self
    }

    /// Whether the lowest raw loss is marked: that of validation, or of training if there is no validation.
    #[must_use]
    pub fn mark_best(mut self, mark: bool) -> Self {
        self.best = if mark { Best::Lowest } else { Best::Unmarked };
        self
    }

    /// Marks this epoch as the best; drawing fails with [`Error::NotFinite`] if it is none.
    #[must_use]
    pub fn best_epoch(mut self, epoch: f64) -> Self {
        self.best = Best::At(epoch);
        self
    }

    fn lines(&self) -> Lines<'_> {
        let training = Look { color: color::BLUE, dash: color::SOLID, marker: Marker::Disc };
        let validation = Look { color: color::VERMILION, dash: color::DASHED, marker: Marker::Square };
        let curves = [(&self.training, training), (&self.validation, validation)];
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

impl Draw for LossCurves {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        self.lines().draw(scene, place)
    }
}

impl Picture for LossCurves {
    fn dropped(&self) -> Dropped {
        self.lines().dropped()
    }
}
