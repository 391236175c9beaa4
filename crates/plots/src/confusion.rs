//! The confusion matrix of a classifier.

use crate::axis::{Axis, Reading};
use crate::canvas::Area;
use crate::chart::{ColorBar, Frame, Plot};
use crate::error::check_amount;
use crate::legend::Swatch;
use crate::look::{BLUE, FADED, INK, ink_on, stroke, tint};
use crate::picture::sealed::Draw;
use crate::text::{self, grouped, percent, short_count};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color as _, RGBColor};

/// The least legible font size for counts, in pixels per em.
const LEAST_TEXT: f64 = 6.5;

/// A confusion matrix: a row for each true class, a column for each predicted one, counts in the cells.
///
/// The colour of a cell shows its share of the row, so that rare classes look like frequent ones; cells without samples are
/// empty. The recall of each true class is shown at the right, the precision of each predicted class at the bottom.
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

    /// A matrix of these counts, row by row: a row for each true class, with one count for each predicted class.
    ///
    /// # Errors
    ///
    /// [`Error::Amount`] without labels or with more than [`ConfusionMatrix::MOST_CLASSES`]; [`Error::Count`]
    /// unless the number of counts is the square of the number of labels.
    ///
    /// ```
    /// use dualtape_plots::{ConfusionMatrix, Error};
    /// // Nine of ten ones were recognised, and all twelve others.
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
        // One more than allowed shows that there are too many, without collecting an endless list.
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

    /// The share of the diagonal, 0 to 1; `None` if all counts are 0.
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
        let right = self.counts.iter().step_by(self.labels.len() + 1);
        (sum(right), sum(&self.counts))
    }

    /// Recall of each true class and precision of each predicted class: the diagonal's share of its row and column.
    fn shares(&self) -> [Vec<Option<f64>>; 2] {
        let classes = self.labels.len();
        let share = |class: usize, in_line: u128| {
            (in_line > 0).then(|| self.counts[class * (classes + 1)] as f64 / in_line as f64)
        };
        let recall = |class: usize| share(class, sum(&self.counts[class * classes..][..classes]));
        let precision = |class: usize| share(class, sum(self.counts[class..].iter().step_by(classes)));
        [(0..classes).map(recall).collect(), (0..classes).map(precision).collect()]
    }

    /// The texts of the counts for cells of this size in pixels, and their font size: in groups of digits,
    /// abbreviated, or none.
    fn texts(&self, cell: (f64, f64)) -> Option<(Vec<String>, f64)> {
        let ways: [fn(u64) -> String; 2] = [|count| grouped(count.into()), short_count];
        ways.into_iter().find_map(|way| {
            let write = |&count: &u64| if count == 0 { String::new() } else { way(count) };
            let texts: Vec<String> = self.counts.iter().map(write).collect();
            let widest = texts.iter().map(|text| text::width(text, 1.0)).fold(0.1, f64::max);
            let size = (0.5 * cell.1).min(0.86 * cell.0 / widest).min(17.0);
            (size >= LEAST_TEXT).then_some((texts, size))
        })
    }

    /// How many cells the recall and precision take up: as many as their texts need, if the matrix is large.
    fn edge(&self) -> f64 {
        (0.06 * self.labels.len() as f64).max(1.0)
    }

    /// The middle of the recall and precision, after a space.
    fn edge_middle(&self) -> f64 {
        let classes = self.labels.len() as f64;
        classes + (0.02 * classes).max(0.15) + self.edge() / 2.0
    }

    fn axis(&self, label: &str, edge: Option<&str>) -> Axis {
        let names = self.labels.iter().enumerate().map(|(n, name)| (n as f64 + 0.5, name.clone()));
        let edge = edge.map(|edge| (self.edge_middle(), edge.to_owned()));
        Axis::names(label, names.chain(edge).collect(), (0.0, self.edge_middle() + self.edge() / 2.0))
    }

    fn draw_cells(&self, plot: &Plot<'_>, cell: (f64, f64)) -> Result<(), Error> {
        let classes = self.labels.len();
        let texts = self.texts(cell);
        for (row, counts) in self.counts.chunks(classes).enumerate() {
            let in_row = sum(counts);
            for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                // Even one sample among a million is visible.
                let color = tint(BLUE, (count as f64 / in_row as f64).max(0.04));
                let (x, y) = (column as f64, row as f64);
                plot.draw([Rectangle::new([(x, y), (x + 1.0, y + 1.0)], color.filled())])?;
                if let Some((texts, size)) = &texts {
                    let text = &texts[row * classes + column];
                    write(plot, text, (x + 0.5, y + 0.5), *size, ink_on(color))?;
                }
            }
        }
        Ok(())
    }

    /// Draws lines between and around the cells.
    fn draw_lines(&self, plot: &Plot<'_>, cell: (f64, f64)) -> Result<(), Error> {
        let end = self.labels.len() as f64;
        let between = (1..self.labels.len()).filter(|_| cell.0.min(cell.1) > 8.0).map(|at| at as f64);
        let style = stroke(tint(FADED, 0.2), 0.6);
        plot.draw(between.flat_map(|at| {
            [[(at, 0.0), (at, end)], [(0.0, at), (end, at)]].map(|ends| PathElement::new(ends, style))
        }))?;
        plot.draw([Rectangle::new([(0.0, 0.0), (end, end)], stroke(INK, 1.0))])
    }

    /// Recall and precision, in whole percentages.
    fn draw_edges(&self, plot: &Plot<'_>, cell: f64) -> Result<(), Error> {
        let middle = self.edge_middle();
        let room = cell * self.edge();
        let size = (0.42 * cell).max(LEAST_TEXT + 1.5).min(0.86 * room / text::width("100", 1.0)).min(14.0);
        // If there is not enough room, only every second or third class shows its share.
        let every = [1.2 * size / cell, 1.1 * text::width("100", size) / cell];
        for (line, (shares, every)) in self.shares().into_iter().zip(every).enumerate() {
            for (class, share) in shares.into_iter().enumerate().step_by(every.ceil().max(1.0) as usize) {
                let text = share.map_or("–".to_owned(), |share| format!("{:.0}", 100.0 * share));
                let at = class as f64 + 0.5;
                write(plot, &text, [(middle, at), (at, middle)][line], size, INK)?;
            }
        }
        // The corner belongs to neither.
        let corner = (0.9 * room / text::width("recall", 1.0)).min(12.0);
        if corner < LEAST_TEXT { Ok(()) } else { write(plot, "recall", (middle, middle), corner, INK) }
    }
}

fn sum<'a>(counts: impl IntoIterator<Item = &'a u64>) -> u128 {
    counts.into_iter().map(|&count| u128::from(count)).sum()
}

/// Writes a text of this size around a point.
fn write(plot: &Plot<'_>, text: &str, point: (f64, f64), size: f64, color: RGBColor) -> Result<(), Error> {
    plot.write(text, plot.place(point), (size, color, HPos::Center))
}

impl Draw for ConfusionMatrix {
    fn draw(&self, area: &Area<'_>) -> Result<(), Error> {
        let mut frame = Frame::new(
            &self.title,
            self.axis("predicted class", None),
            self.axis("true class", Some("precision")),
        );
        // True classes come from the top to the bottom.
        frame.y.ends = (frame.y.ends.1, frame.y.ends.0);
        frame.square = true;
        let axis = Axis::numbers("share of the true class", (0.0, 1.0), Reading::Percent);
        let colors = (0..20).map(|n| tint(BLUE, (f64::from(n) + 0.5) / 20.0)).collect();
        frame.bar = Some(ColorBar { axis, colors });
        let (right, all) = self.right_of_all();
        let score = match self.accuracy() {
            Some(accuracy) => {
                let (right, all) = (grouped(right), grouped(all));
                format!("accuracy {}: {right} of {all} on the diagonal", percent(accuracy))
            }
            None => "no data: all counts are 0".to_owned(),
        };
        frame.legend = vec![(Swatch::None, score)];
        frame.notes.push("at the edges: recall (right) and precision (foot), in %".to_owned());
        let plot = frame.draw(area)?;
        let (width, height) = plot.size();
        let cell = (width / plot.x.ends.1, height / plot.x.ends.1);
        self.draw_cells(&plot, cell)?;
        self.draw_lines(&plot, cell)?;
        self.draw_edges(&plot, cell.1)
    }
}

impl Picture for ConfusionMatrix {
    /// The size grows with the number of classes.
    fn natural_size(&self) -> Size {
        let side = (300 + 44 * self.labels.len() as u32).clamp(520, 1600);
        Size::new(side + 60, side)
    }

    /// Counts are never left out.
    fn dropped(&self) -> Dropped {
        Dropped::default()
    }
}
