//! The confusion matrix of a classifier.

use crate::axis::{Axis, Reading};
use crate::chart::{ColorBar, Frame, Plot};
use crate::error::check_amount;
use crate::legend::Swatch;
use crate::look::{BLUE, FADED, INK, ink_on, stroke, tint};
use crate::picture::sealed::Draw;
use crate::sheet::{Area, UNITS};
use crate::text::{self, grouped, percent, short_count};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::{IntoDynElement, PathElement, Rectangle};
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
        let sum = |counts: &mut dyn Iterator<Item = &u64>| counts.map(|&count| u128::from(count)).sum();
        let right = sum(&mut self.counts.iter().step_by(self.labels.len() + 1));
        (right, sum(&mut self.counts.iter()))
    }

    /// Recall of each true class and precision of each predicted class: the diagonal's share of its row and column.
    fn shares(&self) -> [Vec<Option<f64>>; 2] {
        let classes = self.labels.len();
        let share = |class: usize, in_line: u128| {
            (in_line > 0).then(|| self.counts[class * (classes + 1)] as f64 / in_line as f64)
        };
        let sum = |counts: &mut dyn Iterator<Item = &u64>| counts.map(|&count| u128::from(count)).sum();
        let row = |class: usize| share(class, sum(&mut self.counts[class * classes..][..classes].iter()));
        let column = |class: usize| share(class, sum(&mut self.counts[class..].iter().step_by(classes)));
        [(0..classes).map(row).collect(), (0..classes).map(column).collect()]
    }

    /// The texts of the counts for cells of this size in pixels, and their font size: in groups of digits,
    /// abbreviated, or none.
    fn texts(&self, cell: (f64, f64)) -> Option<(Vec<String>, f64)> {
        let write = |of: &dyn Fn(u64) -> String| {
            self.counts.iter().map(|&count| if count == 0 { String::new() } else { of(count) }).collect()
        };
        let ways: [Vec<String>; 2] = [write(&|count| grouped(count.into())), write(&short_count)];
        ways.into_iter().find_map(|texts| {
            let widest = texts.iter().map(|text| text::width(text, 1.0)).fold(0.1, f64::max);
            let size = (0.5 * cell.1).min(0.86 * cell.0 / widest).min(17.0);
            (size >= LEAST_TEXT).then_some((texts, size))
        })
    }

    /// The space between the matrix and the recall and precision, in cells.
    fn gap(&self) -> f64 {
        (0.02 * self.labels.len() as f64).max(0.15)
    }

    /// How many cells the recall and precision take up: as many as their texts need, if the matrix is large.
    fn edge(&self) -> f64 {
        (0.06 * self.labels.len() as f64).max(1.0)
    }

    fn axis(&self, label: &str, edge: Option<&str>) -> Axis {
        let classes = self.labels.len() as f64;
        let names = self.labels.iter().enumerate().map(|(n, name)| (n as f64 + 0.5, name.clone()));
        let edge = edge.map(|edge| (self.edge_middle(), edge.to_owned()));
        Axis::names(label, names.chain(edge).collect(), (0.0, classes + self.gap() + self.edge()))
    }

    fn edge_middle(&self) -> f64 {
        self.labels.len() as f64 + self.gap() + self.edge() / 2.0
    }

    fn draw_cells(&self, plot: &Plot) -> Result<(), Error> {
        let classes = self.labels.len();
        let (width, height) = plot.size();
        let cells = (classes as f64 + self.gap() + self.edge()) * f64::from(UNITS);
        let cell = (f64::from(width) / cells, f64::from(height) / cells);
        let texts = self.texts(cell);
        for (row, counts) in self.counts.chunks(classes).enumerate() {
            let in_row: u128 = counts.iter().map(|&count| u128::from(count)).sum();
            for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                // Even one sample among a million is visible.
                let color = shade((count as f64 / in_row as f64).max(0.04));
                let (x, y) = (column as f64, row as f64);
                plot.draw([Rectangle::new([(x, y), (x + 1.0, y + 1.0)], color.filled()).into_dyn()])?;
                if let Some((texts, size)) = &texts {
                    let middle = plot.place((x + 0.5, y + 0.5));
                    let text = &texts[row * classes + column];
                    plot.write(text, middle, (*size, ink_on(color), HPos::Center))?;
                }
            }
        }
        self.draw_lines(plot, cell)?;
        self.draw_edges(plot, cell.1)
    }

    /// Draws lines between and around the cells.
    fn draw_lines(&self, plot: &Plot, cell: (f64, f64)) -> Result<(), Error> {
        let end = self.labels.len() as f64;
        for at in 1..self.labels.len() {
            let at = at as f64;
            for ends in [[(at, 0.0), (at, end)], [(0.0, at), (end, at)]] {
                if cell.0.min(cell.1) > 8.0 {
                    plot.draw([PathElement::new(ends.to_vec(), stroke(tint(FADED, 0.2), 0.6)).into_dyn()])?;
                }
            }
        }
        plot.draw([Rectangle::new([(0.0, 0.0), (end, end)], stroke(INK, 1.0)).into_dyn()])
    }

    /// Recall and precision, in whole percentages.
    fn draw_edges(&self, plot: &Plot, cell: f64) -> Result<(), Error> {
        let middle = self.edge_middle();
        let room = cell * self.edge();
        let size = (0.42 * cell).max(LEAST_TEXT + 1.5).min(0.86 * room / text::width("100", 1.0)).min(14.0);
        // If there is not enough room, only every second or third class shows its share.
        let every = [1.1 * text::width("100", size) / cell, 1.2 * size / cell]
            .map(|cells| cells.ceil().max(1.0) as usize);
        let write = |share: Option<f64>, place| {
            let reading = share.map_or("–".to_owned(), |share| format!("{:.0}", 100.0 * share));
            plot.write(&reading, plot.place(place), (size, INK, HPos::Center))
        };
        let [recall, precision] = self.shares();
        for (class, share) in precision.into_iter().enumerate().step_by(every[0]) {
            write(share, (class as f64 + 0.5, middle))?;
        }
        for (class, share) in recall.into_iter().enumerate().step_by(every[1]) {
            write(share, (middle, class as f64 + 0.5))?;
        }
        // The corner belongs to neither.
        let corner = (0.9 * room / text::width("recall", 1.0)).min(12.0);
        if corner < LEAST_TEXT {
            return Ok(());
        }
        plot.write("recall", plot.place((middle, middle)), (corner, INK, HPos::Center))
    }
}

fn shade(share: f64) -> RGBColor {
    tint(BLUE, share)
}

impl Draw for ConfusionMatrix {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        let mut frame = Frame::new(
            &self.title,
            self.axis("predicted class", None),
            self.axis("true class", Some("precision")),
        );
        // True classes come from the top to the bottom.
        frame.y.ends = (frame.y.ends.1, frame.y.ends.0);
        (frame.square, frame.grid) = (true, false);
        let axis = Axis::numbers("share of the true class", (0.0, 1.0), Reading::Percent);
        frame.bar =
            Some(ColorBar { axis, colors: (0..20).map(|n| shade((f64::from(n) + 0.5) / 20.0)).collect() });
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
        self.draw_cells(&frame.draw(area)?)
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
