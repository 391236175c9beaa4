//! Tables as they come from files: columns of numbers and of categories, in which values may be missing.

use super::{Dataset, Targets, split};
use crate::Error;

/// The rows of a file before they become samples: numbers and categories, some of which may be missing, and the target
/// of each row.
///
/// An [`Encoder`](super::Encoder) turns them into samples.
///
/// ```
/// use dualtape_nn::data::{Csv, Encoder, Missing, Unknown};
/// let text = b"size,color,kind\n1,red,rose\n,blue,tulip\n3,red,rose\n";
/// let mut table = Csv::new().all_categories().parse_table("flowers", text)?;
/// assert_eq!((table.len(), table.incomplete_rows()), (3, 1));
/// table.drop_incomplete();
/// let encoder = Encoder::fit(&table, &[true; 2], Missing::Refuse)?;
/// let data = encoder.encode(table, Unknown::Refuse)?;
/// assert_eq!((data.features().len(), data.input(1)), (3, &[3.0, 0.0, 1.0][..])); // size, color=blue, color=red
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The values, row after row: NaN if a value is missing, and the index of the category in a column of categories.
    pub(super) cells: Vec<f64>,
    pub(super) label: Label,
    pub(super) rows: usize,
    /// Whether the columns had names in the file.
    pub(super) has_names: bool,
    pub(super) notes: Vec<String>,
    /// The cells exactly as they are in the file, if they are kept: first the names of the columns, then each row.
    pub(super) kept: Option<Vec<Vec<String>>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The categories, sorted; `None` for a column of numbers.
    pub(super) categories: Option<Vec<String>>,
}

/// The targets of the rows, some of which may be missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Label {
    None,
    Classes {
        name: String,
        /// The names of the classes, in their order.
        classes: Vec<String>,
        /// The index of each row's class; [`UNKNOWN`] if it is missing.
        labels: Vec<usize>,
    },
    Numbers {
        names: Vec<String>,
        /// The target of each row; NaN if it is missing.
        values: Vec<f64>,
    },
}

/// The index that stands for a missing class.
pub(super) const UNKNOWN: usize = usize::MAX;

impl Table {
    /// The number of rows; it may be 0.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().parse_table("here", b"1,rose\n2,tulip\n")?.len(), 2);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert!(Csv::new().header(true).parse_table("here", b"size,kind\n")?.is_empty());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Notes for people on how the file was read: its separator, its header, and which columns were left out.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let table = Csv::new().parse_table("here", b"size;kind\n1;rose\n2;tulip\n")?;
    /// assert_eq!(table.notes()[0], "the first line names the columns; semicolons separate cells");
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The name of the label's column; `None` if there is no label, or more than one.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().parse_table("here", b"size,kind\n1,rose\n")?.label(), Some("kind"));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn label(&self) -> Option<&str> {
        match &self.label {
            Label::Classes { name, .. } => Some(name),
            Label::Numbers { names, .. } if names.len() == 1 => Some(&names[0]),
            _ => None,
        }
    }

    /// The cells of the file, if [`Csv::keep_cells`](super::Csv::keep_cells) requested them: the names of the
    /// columns, then the cells of each row.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let table = Csv::new().keep_cells().parse_table("here", b"size,kind\n1.50,rose\n")?;
    /// assert_eq!(table.kept_cells().unwrap()[1], ["1.50", "rose"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn kept_cells(&self) -> Option<&[Vec<String>]> {
        self.kept.as_deref()
    }

    /// The number of rows in which a value or the label is missing.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let table = Csv::new().parse_table("here", b"1,5,rose\n,?,tulip\n3,4,rose\n")?;
    /// assert_eq!(table.incomplete_rows(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn incomplete_rows(&self) -> usize {
        (0..self.rows).filter(|&row| !self.is_complete(row)).count()
    }

    /// The number of rows without a label.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let table = Csv::new().parse_table("here", b"1,rose\n2,\n3,rose\n")?;
    /// assert_eq!(table.unlabelled_rows(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn unlabelled_rows(&self) -> usize {
        (0..self.rows).filter(|&row| !self.is_labelled(row)).count()
    }

    /// The columns with missing values, and how many are missing in each. The label's column comes last.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let table = Csv::new().parse_table("here", b"a,b,kind\n1,?,rose\n?,?,\n3,4,rose\n")?;
    /// assert_eq!(table.gaps(), [("a".to_owned(), 1), ("b".to_owned(), 2), ("kind".to_owned(), 1)]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn gaps(&self) -> Vec<(String, usize)> {
        let names = self.columns.iter().map(|column| column.name.clone());
        let mut gaps: Vec<_> = names.zip(self.gaps_of_columns()).chain(self.gaps_of_label()).collect();
        gaps.retain(|(_, count)| *count > 0);
        gaps
    }

    /// How many values are missing in each column.
    pub(super) fn gaps_of_columns(&self) -> Vec<usize> {
        let width = self.columns.len();
        let mut counts = vec![0; width];
        for row in self.cells.chunks(width.max(1)) {
            row.iter().zip(&mut counts).for_each(|(cell, count)| *count += usize::from(cell.is_nan()));
        }
        counts
    }

    /// How many labels are missing: nothing if there is no label, otherwise a number for each target.
    pub(super) fn gaps_of_label(&self) -> Vec<(String, usize)> {
        match &self.label {
            Label::None => Vec::new(),
            Label::Classes { name, labels, .. } => {
                vec![(name.clone(), labels.iter().filter(|&&label| label == UNKNOWN).count())]
            }
            Label::Numbers { names, values } => {
                let of = |i: usize| values.iter().skip(i).step_by(names.len());
                let missing = |i| of(i).filter(|value| value.is_nan()).count();
                names.iter().cloned().enumerate().map(|(i, name)| (name, missing(i))).collect()
            }
        }
    }

    /// Removes the rows in which anything is missing.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let mut table = Csv::new().parse_table("here", b"1,rose\n?,tulip\n3,\n")?;
    /// table.drop_incomplete();
    /// assert_eq!(table.len(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn drop_incomplete(&mut self) {
        let keep: Vec<bool> = (0..self.rows).map(|row| self.is_complete(row)).collect();
        self.retain(&keep);
    }

    /// Removes the rows without a label.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let mut table = Csv::new().parse_table("here", b"1,rose\n?,tulip\n3,\n")?;
    /// table.drop_unlabelled();
    /// assert_eq!(table.len(), 2);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn drop_unlabelled(&mut self) {
        let keep: Vec<bool> = (0..self.rows).map(|row| self.is_labelled(row)).collect();
        self.retain(&keep);
    }

    /// For each row, whether it is for training, drawn by the seed. The other rows are for validation; they are the given
    /// share of all rows. Each class has its share of both parts, as nearly as its number of rows allows.
    ///
    /// # Errors
    ///
    /// The errors of [`Dataset::split`].
    ///
    /// ```
    /// use dualtape_nn::data::{Table, iris};
    /// let training = Table::from(iris()).draw_training(0.2, 7)?;
    /// assert_eq!(training.iter().filter(|&&trains| trains).count(), 120);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn draw_training(&self, validation_share: f64, seed: u64) -> Result<Vec<bool>, Error> {
        split::draw_training(&self.name, self.rows, self.classes_of_rows(), validation_share, seed)
    }

    /// For each row, the fold in which it is used for validation, drawn by the seed. Each class is spread evenly over the
    /// folds.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if there are fewer than two folds, or more folds than rows.
    ///
    /// ```
    /// use dualtape_nn::data::{Table, iris};
    /// let folds = Table::from(iris()).draw_folds(5, 7)?;
    /// assert!((0..5).all(|fold| folds.iter().filter(|&&other| other == fold).count() == 30));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn draw_folds(&self, folds: usize, seed: u64) -> Result<Vec<usize>, Error> {
        split::draw_folds(self.rows, self.classes_of_rows(), folds, seed)
    }

    /// Removes the labels.
    ///
    /// ```
    /// use dualtape_nn::data::{Table, iris};
    /// let mut table = Table::from(iris());
    /// table.remove_label();
    /// assert_eq!(table.label(), None);
    /// ```
    pub fn remove_label(&mut self) {
        self.label = Label::None;
    }

    fn classes_of_rows(&self) -> Option<&[usize]> {
        match &self.label {
            Label::Classes { labels, .. } => Some(labels),
            _ => None,
        }
    }

    fn is_labelled(&self, row: usize) -> bool {
        match &self.label {
            Label::None => true,
            Label::Classes { labels, .. } => labels[row] != UNKNOWN,
            Label::Numbers { names, values } => {
                values[row * names.len()..][..names.len()].iter().all(|value| !value.is_nan())
            }
        }
    }

    fn is_complete(&self, row: usize) -> bool {
        self.row(row).iter().all(|cell| !cell.is_nan()) && self.is_labelled(row)
    }

    /// The cells of one row.
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.columns.len()..][..self.columns.len()]
    }

    fn retain(&mut self, keep: &[bool]) {
        split::retain_rows(&mut self.cells, self.columns.len(), keep);
        match &mut self.label {
            Label::None => {}
            Label::Classes { labels, .. } => split::retain_rows(labels, 1, keep),
            Label::Numbers { names, values } => split::retain_rows(values, names.len(), keep),
        }
        if let Some(kept) = &mut self.kept {
            let mut row = 0;
            // The first row is the names.
            kept.retain(|_| {
                row += 1;
                row == 1 || keep[row - 2]
            });
        }
        self.rows = keep.iter().filter(|&&keep| keep).count();
    }

    /// An error about these data.
    pub(super) fn wrong(&self, problem: String) -> Error {
        Error::Data { origin: self.name.clone(), problem }
    }
}

/// A table of complete rows of numbers.
impl From<Dataset> for Table {
    fn from(data: Dataset) -> Self {
        let rows = data.len();
        let label = match data.targets {
            Targets::None => Label::None,
            Targets::Classes { names, labels } => {
                Label::Classes { name: "class".to_owned(), classes: names, labels }
            }
            Targets::Numbers { names, values } => Label::Numbers { names, values },
        };
        let column = |name| Column { name, categories: None };
        let columns = data.features.into_iter().map(column).collect();
        let (notes, kept) = (Vec::new(), None);
        Self { name: data.name, columns, cells: data.inputs, label, rows, has_names: true, notes, kept }
    }
}

/// The order of names: numerical if all are numbers, otherwise alphabetical. Returns the position of each name in
/// that order.
pub(super) fn order_names(names: &[String]) -> Vec<usize> {
    let numbers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    match numbers {
        Some(numbers) => order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b])),
        None => order.sort_by(|&a, &b| names[a].cmp(&names[b])),
    }
    order
}
