//! The confusion matrix of a classifier.

use crate::axis::Axis;
use crate::color::{self, Color, FADED};
use crate::error::check_amount;
use crate::frame::Frame;
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::Range;
use crate::scene::{Anchor, Rect, Scene};
use crate::text::{self, percent, short_count};
use crate::ticks::Reading;
use crate::{Dropped, Error, Picture, Size, colorbar};

/// Counts smaller than this, in pixels to an em, nobody can read.
const LEAST_TEXT: f64 = 6.5;

/// A confusion matrix: a row for each true class, a column for each predicted one, counts in the cells.
///
/// A cell's colour is its share of its row, so that rare classes read like frequent ones.
///
/// ```
/// use dualtape_plots::{ConfusionMatrix, Picture};
///
/// let matrix = ConfusionMatrix::new("iris", ["setosa", "versicolor", "virginica"], [10, 0, 0, 0, 9, 1, 0, 2, 8])?;
/// assert_eq!(matrix.accuracy(), Some(0.9));
/// assert!(matrix.svg(matrix.natural_size())?.contains("versicolor"));
/// # Ok::<(), dualtape_plots::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConfusionMatrix {
    title: String,
    labels: Vec<String>,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// The most classes a picture shows.
    ///
    /// ```
    /// use dualtape_plots::{ConfusionMatrix, Error};
    /// let names = (0..=ConfusionMatrix::MOST_CLASSES).map(|class| class.to_string());
    /// assert!(matches!(ConfusionMatrix::new("", names, []), Err(Error::Amount { most: 200, .. })));
    /// ```
    pub const MOST_CLASSES: usize = 200;

    /// Counts row by row, true class after true class; each row has one count for each predicted class.
    ///
    /// # Errors
    ///
    /// [`Error::Amount`] without labels or with more than [`ConfusionMatrix::MOST_CLASSES`]; [`Error::Count`]
    /// unless there are as many counts as labels squared.
    ///
    /// ```
    /// use dualtape_plots::{ConfusionMatrix, Error};
    /// // Of ten ones, nine were told; all twelve others were.
    /// let matrix = ConfusionMatrix::new("ones", ["one", "other"], [9, 1, 0, 12])?;
    /// let short = ConfusionMatrix::new("ones", ["one", "other"], [9, 1]);
    /// assert!(matches!(short, Err(Error::Count { given: 2, expected: 4, .. })));
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn new(
        title: &str,
        labels: impl IntoIterator<Item = impl Into<String>>,
        counts: impl IntoIterator<Item = u64>,
    ) -> Result<Self, Error> {
        // One more than allowed tells that there are too many, without gathering an endless list.
        let labels: Vec<String> = labels.into_iter().take(Self::MOST_CLASSES + 1).map(Into::into).collect();
        check_amount("classes of a confusion matrix", labels.len(), 1, Self::MOST_CLASSES)?;
        let expected = labels.len() * labels.len();
        let counts: Vec<u64> = counts.into_iter().take(expected + 1).collect();
        if counts.len() != expected {
            let what = format!("counts of a confusion matrix of {} classes", labels.len());
            return Err(Error::Count { what, given: counts.len(), expected });
        }
        Ok(Self { title: title.to_owned(), labels, counts })
    }

    /// The share of the diagonal, 0 to 1; nothing if all counts are 0.
    ///
    /// ```
    /// use dualtape_plots::ConfusionMatrix;
    /// assert_eq!(ConfusionMatrix::new("", ["a", "b"], [3, 1, 0, 4])?.accuracy(), Some(0.875));
    /// assert_eq!(ConfusionMatrix::new("", ["a", "b"], [0; 4])?.accuracy(), None);
    /// # Ok::<(), dualtape_plots::Error>(())
    /// ```
    pub fn accuracy(&self) -> Option<f64> {
        let (right, all) = self.right_of_all();
        (all > 0).then(|| right as f64 / all as f64)
    }

    fn right_of_all(&self) -> (u128, u128) {
        let sum = |counts: &mut dyn Iterator<Item = &u64>| counts.map(|&count| u128::from(count)).sum();
        let right = sum(&mut self.counts.iter().step_by(self.labels.len() + 1));
        (right, sum(&mut self.counts.iter()))
    }

    /// The counts as they stand in cells of a size, and their size: whole, short, or not at all.
    fn texts(&self, cell: (f64, f64)) -> Option<(Vec<String>, f64)> {
        let whole = |&count: &u64| count.to_string();
        let short = |&count: &u64| short_count(count);
        let ways: [Vec<String>; 2] =
            [self.counts.iter().map(whole).collect(), self.counts.iter().map(short).collect()];
        ways.into_iter().find_map(|texts| {
            let widest = texts.iter().map(|text| text::width(text, 1.0)).fold(0.0, f64::max);
            let size = (0.5 * cell.1).min(0.86 * cell.0 / widest).min(17.0);
            (size >= LEAST_TEXT).then_some((texts, size))
        })
    }
}

fn shade(share: f64) -> Color {
    color::BLUE.tint(share)
}

impl Draw for ConfusionMatrix {
    fn draw(&self, scene: &mut Scene, place: Rect) -> Result<(), Error> {
        let classes = self.labels.len();
        let x = Axis::names("predicted class", &self.labels);
        let y = Axis::names("true class", &self.labels);
        let shares = Axis::numbers("share of the true class", Range::default(), Reading::Percent);
        let mut frame = Frame::new(&self.title, x, y);
        frame.square = true;
        let bar = colorbar::fits(place);
        frame.side = if bar { colorbar::room(&shares, 0.6 * place.height()) } else { 0.0 };
        let (right, all) = self.right_of_all();
        let score = match self.accuracy() {
            Some(accuracy) => format!("accuracy {}: {right} of {all} on the diagonal", percent(accuracy)),
            None => "no data: all counts are 0".to_owned(),
        };
        frame.legend = vec![Entry::new(Swatch::None, score)];
        let plot = frame.draw(scene, place);
        let cell = (plot.area.width() / classes as f64, plot.area.height() / classes as f64);
        let texts = self.texts(cell);
        let gap = if cell.0.min(cell.1) > 8.0 { 0.5 } else { 0.0 };
        for (index, &count) in self.counts.iter().enumerate() {
            let (row, column) = (index / classes, index % classes);
            let in_row: u128 =
                self.counts[row * classes..][..classes].iter().map(|&count| u128::from(count)).sum();
            let color = shade(if in_row == 0 { 0.0 } else { count as f64 / in_row as f64 });
            let (left, top) = (plot.area.left + cell.0 * column as f64, plot.area.top + cell.1 * row as f64);
            let rect = Rect { left, top, right: left + cell.0, bottom: top + cell.1 };
            scene.rect(rect.inset(gap), color);
            if let Some((texts, size)) = &texts {
                let ink = if count == 0 { FADED.tint(0.6) } else { color.text() };
                scene.label(&texts[index], rect.center(), Anchor::Middle, *size, ink);
            }
        }
        scene.outline(plot.area, color::INK, 1.0);
        if bar {
            colorbar::draw(scene, plot.area, &shares, shade);
        }
        Ok(())
    }
}

impl Picture for ConfusionMatrix {
    /// Larger for more classes.
    fn natural_size(&self) -> Size {
        let side = (260 + 44 * self.labels.len() as u32).clamp(520, 1400);
        Size::new(side + 60, side)
    }

    /// Counts are never left out.
    fn dropped(&self) -> Dropped {
        Dropped::default()
    }
}
