//! The confusion matrix of a classifier.

use crate::axis::{Axis, Reading};
use crate::chart::{Frame, bar_room, has_room_for_bar};
use crate::color::{self, Color, INK};
use crate::error::check_amount;
use crate::font;
use crate::legend::{Entry, Swatch};
use crate::picture::sealed::Draw;
use crate::range::Range;
use crate::scene::{Area, extent, units};
use crate::text::{self, grouped, percent, short_count};
use crate::{Dropped, Error, Picture, Size};
use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;

/// Counts smaller than this, in pixels to an em, nobody can read.
const LEAST_TEXT: f64 = 6.5;
/// Between the counts and the shares at their edges, in cells.
const GAP: f64 = 0.25;

/// A confusion matrix: a row for each true class, a column for each predicted one, counts in the cells.
///
/// A cell's colour is its share of its row, so that rare classes read like frequent ones; cells without a sample are
/// empty. At the edges stand the recall of each class, the share of its row on the diagonal, and its precision, that of
/// its column.
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

    /// The diagonal of each row or column, and its sum.
    fn edges(&self, columns: bool) -> impl Iterator<Item = (u128, u128)> {
        let classes = self.labels.len();
        let count = move |line: usize, place: usize| {
            let (row, column) = if columns { (place, line) } else { (line, place) };
            u128::from(self.counts[row * classes + column])
        };
        (0..classes).map(move |line| (count(line, line), (0..classes).map(|place| count(line, place)).sum()))
    }

    /// The counts as they stand in cells of a size, and their size: whole, short, or not at all.
    fn texts(&self, cell: (f64, f64)) -> Option<(Vec<String>, f64)> {
        let whole = |&count: &u64| if count == 0 { String::new() } else { grouped(count) };
        let short = |&count: &u64| if count == 0 { String::new() } else { short_count(count) };
        let ways: [Vec<String>; 2] =
            [self.counts.iter().map(whole).collect(), self.counts.iter().map(short).collect()];
        ways.into_iter().find_map(|texts| {
            let widest = texts.iter().map(|text| text::width(text, 1.0)).fold(1.3, f64::max);
            let size = (0.5 * cell.1).min(0.86 * cell.0 / widest).min(17.0);
            (size >= LEAST_TEXT).then_some((texts, size))
        })
    }

    /// Names of the classes and of what stands at their edge, and the length of an axis for both.
    fn names(&self, edge: &str) -> (Vec<(f64, String)>, f64) {
        let classes = self.labels.len() as f64;
        let names = self.labels.iter().enumerate().map(|(class, name)| (class as f64 + 0.5, name.clone()));
        (names.chain([(classes + GAP + 0.5, edge.to_owned())]).collect(), classes + GAP + 1.0)
    }

    fn score(&self) -> String {
        match (self.accuracy(), self.right_of_all()) {
            (Some(share), (right, all)) => {
                format!("accuracy {}: {} of {} on the diagonal", percent(share), grouped(right), grouped(all))
            }
            (None, _) => "no data: all counts are 0".to_owned(),
        }
    }

    /// Everything within the axes: where it is, its colour, its text.
    fn cells(&self, texts: Option<&[String]>, short: bool) -> Vec<((f64, f64), Color, String)> {
        let classes = self.labels.len();
        let rows: Vec<_> = self.edges(false).collect();
        let count = |(index, &count): (usize, &u64)| {
            let in_row = rows[index / classes].1;
            let color = shade(if in_row == 0 { 0.0 } else { count as f64 / in_row as f64 });
            let text = texts.map_or(String::new(), |texts| texts[index].clone());
            (((index % classes) as f64, (index / classes) as f64), color, text)
        };
        let edge = classes as f64 + GAP;
        let share = |(right, all): (u128, u128)| match (right as f64 / all as f64, short) {
            _ if all == 0 || texts.is_none() => String::new(),
            (share, true) => format!("{:.0}", 100.0 * share),
            (share, false) => format!("{:.0} %", 100.0 * share),
        };
        let grey = INK.tint(0.07);
        let counts = self.counts.iter().enumerate().map(count);
        let recalls = rows.iter().enumerate().map(|(row, &line)| ((edge, row as f64), grey, share(line)));
        let precisions =
            self.edges(true).enumerate().map(|(column, line)| ((column as f64, edge), grey, share(line)));
        counts.chain(recalls).chain(precisions).collect()
    }
}

fn shade(share: f64) -> Color {
    color::BLUE.tint(share)
}

impl Draw for ConfusionMatrix {
    fn draw(&self, area: &Area) -> Result<(), Error> {
        let axis = |label: &str, edge: &str| {
            let (names, length) = self.names(edge);
            Axis::names(label, names, length)
        };
        let mut frame =
            Frame::new(&self.title, axis("predicted class", "recall"), axis("true class", "precision"));
        frame.square = true;
        let shares = Axis::numbers("share of the true class", Range::default(), Reading::Percent);
        let bar = has_room_for_bar(area);
        frame.side = if bar { bar_room(&shares, 0.6 * extent(area).1) } else { 0.0 };
        frame.legend = vec![Entry::new(Swatch::None, self.score())];
        let mut plot = frame.draw(area)?;
        let length = self.labels.len() as f64 + GAP + 1.0;
        let cell = (plot.size.0 / length, plot.size.1 / length);
        let texts = self.texts(cell);
        let size = texts.as_ref().map_or(LEAST_TEXT, |texts| texts.1);
        // Shares are smaller than counts, or without their sign, where cells are narrow.
        let share = size.min(0.9 * cell.0 / text::width("100 %", 1.0));
        let (share, short) = if share < LEAST_TEXT { (size, true) } else { (share, false) };
        let cells = self.cells(texts.as_ref().map(|texts| &texts.0[..]), short);
        let gap = if cell.0.min(cell.1) > 8.0 { 5 } else { 0 };
        plot.chart.draw_series(cells.iter().map(|&((x, y), color, _)| {
            let mut cell = Rectangle::new([(x, y), (x + 1.0, y + 1.0)], color.fill());
            cell.set_margin(gap, gap, gap, gap);
            cell
        }))?;
        let inside = plot.inside();
        for ((x, y), color, text) in &cells {
            let middle = (units((x + 0.5) * cell.0), units((y + 0.5) * cell.1));
            let size = if x.max(*y) > self.labels.len() as f64 { share } else { size };
            inside.draw_text(text, &font::about(size, HPos::Center, color.text()), middle)?;
        }
        if gap > 0 {
            // Empty cells are white: lines tell them apart.
            let lines = (1..self.labels.len()).flat_map(|line| {
                let (line, end) = (line as f64, self.labels.len() as f64);
                [[(line, 0.0), (line, end)], [(0.0, line), (end, line)]]
            });
            for line in lines {
                plot.line(line.to_vec(), color::GRID, 1.0, color::SOLID)?;
            }
        }
        if bar {
            plot.color_bar(&shares, shade)?;
        }
        Ok(())
    }
}

impl Picture for ConfusionMatrix {
    /// Larger for more classes.
    fn natural_size(&self) -> Size {
        let side = (300 + 44 * self.labels.len() as u32).clamp(560, 1500);
        Size::new(side + 80, side)
    }

    /// Counts are never left out.
    fn dropped(&self) -> Dropped {
        Dropped::default()
    }
}
