//! Predictions of a regression against what they should be.

use crate::axis::Axis;
use crate::color::{self, INK};
use crate::frame::{self, Frame};
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range;
use crate::scene::{Marker, Rect, Scene};
use crate::series::Series;
use crate::ticks::Reading;
use crate::{Dropped, Error, Picture, Size, scatter};

/// Predictions against targets, with the diagonal on which they would be right.
///
/// ```
/// use dualtape_plots::{Picture, Predictions};
///
/// let pairs = (0..50).map(|i| (f64::from(i), f64::from(i) + (f64::from(i) * 1.7).sin()));
/// let picture = Predictions::new("validation", pairs).note("R² = 0.998, mean absolute error 0.63");
/// assert!(picture.svg(picture.natural_size())?.contains("R² = 0.998"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    title: String,
    axes: (String, String),
    pairs: Series,
    notes: Vec<String>,
}

impl Predictions {
    /// Pairs of target and prediction; the axes are called "target" and "prediction".
    ///
    /// ```
    /// use dualtape_plots::{Picture, Predictions};
    /// let picture = Predictions::new("houses", [(1.0, 1.1), (2.0, 1.9), (3.0, f64::NAN)]);
    /// assert_eq!(picture.dropped().not_finite, 1);
    /// assert!(picture.svg(picture.natural_size())?.contains("predictions (2)"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(title: &str, pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let axes = ("target".to_owned(), "prediction".to_owned());
        Self { title: title.to_owned(), axes, pairs: Series::new("", pairs), notes: Vec::new() }
    }

    /// Other names for the axes.
    ///
    /// ```
    /// use dualtape_plots::{Picture, Predictions};
    /// let picture = Predictions::new("houses", [(1.0, 1.1)]).axes("price paid", "price predicted");
    /// assert!(picture.svg(picture.natural_size())?.contains("price paid"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn axes(mut self, x_label: &str, y_label: &str) -> Self {
        self.axes = (x_label.to_owned(), y_label.to_owned());
        self
    }

    /// A line above the axes, for a score.
    ///
    /// ```
    /// use dualtape_plots::{Picture, Predictions};
    /// let picture = Predictions::new("houses", [(1.0, 1.1)]).note("mean absolute error 0.1");
    /// assert!(picture.svg(picture.natural_size())?.contains("mean absolute error 0.1"));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    #[must_use]
    pub fn note(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }
}

impl Draw for Predictions {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        let points = self.pairs.points();
        let range = range::bounds(points.iter().flat_map(|&(x, y)| [x, y]));
        let range = range.map(|range| range.with_air(0.05)).unwrap_or_default();
        let axis = |label: &str| Axis::numbers(label, range, Reading::Plain);
        let mut frame = Frame::new(&self.title, axis(&self.axes.0), axis(&self.axes.1));
        frame.square = true;
        let look = (Marker::Disc, color::BLUE);
        let dots = Swatch::Marker { marker: look.0, color: look.1 };
        let diagonal = Swatch::Line { color: INK, width: 1.4, dash: color::DASHED, marker: None };
        frame.legend.push(Entry::new(dots, format!("predictions ({})", points.len())));
        frame.legend.push(Entry::new(diagonal, "exactly right"));
        frame.legend.extend(self.notes.iter().map(|note| Entry::new(Swatch::None, note)));
        frame.notes.extend(self.dropped().note());
        let plot = frame.draw(scene, place);
        let Rect { left, top, right, bottom } = plot.area;
        if points.is_empty() {
            frame::nothing(scene, plot.area);
            return Ok(());
        }
        scatter::draw(scene, &plot, points, look);
        scene.line(vec![(left, bottom), (right, top)], INK, 1.4, color::DASHED);
        Ok(())
    }
}

impl Picture for Predictions {
    fn natural_size(&self) -> Size {
        Size::new(640, 680)
    }

    fn dropped(&self) -> Dropped {
        self.pairs.dropped(false)
    }
}
