//! The encoder turns the columns of a table into the features of samples: it replaces missing values, and represents
//! categories by numbers.

use super::canonical;
use super::table::Label;
use super::{Dataset, Table};
use crate::{Error, metrics};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// The treatment of missing values.
///
/// ```
/// use dualtape_nn::data::Missing;
/// assert_eq!("median".parse::<Missing>()?, Missing::Median);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// They are an error.
    #[default]
    Refuse,
    /// Their rows are left out.
    Drop,
    /// They are replaced by the mean of the column's training part, or by the most frequent category in a column of
    /// categories.
    Mean,
    /// They are replaced by the median of the column's training part, or by the most frequent category in a column of
    /// categories.
    Median,
}

impl std::str::FromStr for Missing {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "refuse" => Self::Refuse,
            "drop" => Self::Drop,
            "mean" => Self::Mean,
            "median" => Self::Median,
            _ => {
                let expected = "refuse, drop, mean or median";
                return Err(Error::Setting {
                    what: "treatment of missing values",
                    given: format!("'{text}'"),
                    expected,
                });
            }
        })
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::Drop => "drop",
            Self::Mean => "mean",
            Self::Median => "median",
        })
    }
}

/// The treatment of a category that does not occur in the training data.
///
/// ```
/// assert_eq!(dualtape_nn::data::Unknown::default(), dualtape_nn::data::Unknown::Refuse);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// It is an error.
    #[default]
    Refuse,
    /// It counts as none of the known categories, so all their features are zero.
    Zero,
}

impl std::str::FromStr for Unknown {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "zero" => Ok(Self::Zero),
            _ => {
                let expected = "refuse or zero";
                Err(Error::Setting {
                    what: "treatment of unknown categories",
                    given: format!("'{text}'"),
                    expected,
                })
            }
        }
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::Zero => "zero",
        })
    }
}

/// How columns become features. Numbers stay as they are; each category becomes a feature that is 0 or 1; a missing value
/// is replaced by a value computed from the training part. The encoder is saved with a model.
///
/// ```
/// use dualtape_nn::data::{Csv, Encoder, Missing, Unknown};
/// let table = Csv::new().all_categories().parse_table("here", b"a,b,kind\n1,x,rose\n3,y,tulip\n,x,rose\n")?;
/// let encoder = Encoder::fit(&table, &[true, true, false], Missing::Mean)?;
/// assert_eq!(encoder.features(), ["a", "b=x", "b=y"]);
/// let data = encoder.encode(table, Unknown::Refuse)?;
/// assert_eq!(data.input(2), [2.0, 1.0, 0.0]); // the mean of 1 and 3 replaces the missing value
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    columns: Vec<Encoding>,
    /// Whether the columns had names in the file; without names, they are found by position.
    has_names: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Encoding {
    name: String,
    /// The categories, sorted; `None` for a column of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<String>>,
    /// The replacement for a missing value: a number, or the index of a category; `None` if there is no replacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fill: Option<f64>,
}

impl Encoding {
    /// The names of its features.
    fn features(&self) -> Vec<String> {
        match &self.categories {
            None => vec![self.name.clone()],
            Some(categories) => {
                categories.iter().map(|category| format!("{}={category}", self.name)).collect()
            }
        }
    }

    fn width(&self) -> usize {
        self.categories.as_ref().map_or(1, Vec::len)
    }

    /// Appends the features of a value. NaN counts as none of the categories.
    fn write(&self, value: f64, features: &mut Vec<f64>) {
        match &self.categories {
            None => features.push(value),
            Some(categories) => {
                features.extend((0..categories.len()).map(|i| f64::from(u8::from(value == i as f64))));
            }
        }
    }
}

impl Encoder {
    /// An encoder that keeps columns of numbers as they are, without replacing missing values.
    ///
    /// ```
    /// use dualtape_nn::data::Encoder;
    /// assert_eq!(Encoder::numbers(&["x".to_owned()]).features(), ["x"]);
    /// ```
    pub fn numbers(names: &[String]) -> Self {
        let column = |name: &String| Encoding { name: name.clone(), categories: None, fill: None };
        // These are the names that columns without names get.
        let has_names = names.iter().enumerate().any(|(i, name)| *name != format!("x{}", i + 1));
        Self { columns: names.iter().map(column).collect(), has_names }
    }

    /// The encoder for a table. The replacements for missing values are computed from the rows of the training part.
    /// Columns without missing values get a replacement as well, for later data.
    ///
    /// # Errors
    ///
    /// [`Error::MissingValues`] if a label is missing, or if values are missing that `missing` does not replace and that
    /// were not [dropped](Table::drop_incomplete) before; [`Error::Data`] if a column has no value at all in the training
    /// part.
    ///
    /// # Panics
    ///
    /// If `training` does not have one value for each row.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder, Missing};
    /// let table = Csv::new().parse_table("here", b"a,b,kind\n1,5,rose\n,?,tulip\n")?;
    /// let wrong = Encoder::fit(&table, &[true; 2], Missing::Refuse).unwrap_err();
    /// assert_eq!(wrong.to_string(), "here: 1 row of 2 has missing values: 1 in a, 1 in b; expected none");
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn fit(table: &Table, training: &[bool], missing: Missing) -> Result<Self, Error> {
        assert_eq!(training.len(), table.len(), "each row needs a part");
        let fills = matches!(missing, Missing::Mean | Missing::Median);
        // If gaps are filled, only the label must be present.
        let mut gaps = if fills { table.gaps_of_label() } else { table.gaps() };
        gaps.retain(|(_, count)| *count > 0);
        if !gaps.is_empty() {
            let rows = if fills { table.unlabelled_rows() } else { table.incomplete_rows() };
            return Err(Error::MissingValues {
                origin: table.name.clone(),
                rows,
                of: table.len(),
                columns: gaps,
            });
        }
        let width = table.columns.len();
        let column = |(i, column): (usize, &super::table::Column)| {
            let known = || {
                let cells = table.cells.iter().skip(i).step_by(width).zip(training);
                cells.filter(|(cell, trains)| **trains && !cell.is_nan()).map(|(cell, _)| *cell)
            };
            let fill = match (&column.categories, missing) {
                (_, Missing::Refuse | Missing::Drop) => None,
                (Some(categories), _) => most_frequent(known(), categories.len()),
                (None, Missing::Mean) => mean(&known().collect::<Vec<_>>()),
                (None, Missing::Median) => median(known().collect()),
            };
            if fills && fill.is_none() {
                let problem =
                    format!("column '{}' has no value in the training part; expected some", column.name);
                return Err(table.wrong(problem));
            }
            Ok(Encoding { name: column.name.clone(), categories: column.categories.clone(), fill })
        };
        let columns = table.columns.iter().enumerate().map(column).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { columns, has_names: table.has_names })
    }

    /// A description of the replacement for a missing value in the column with this index; `None` if there is none.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder, Missing};
    /// let table = Csv::new().all_categories().parse_table("here", b"1,x,0\n2,y,1\n?,y,0\n")?;
    /// let encoder = Encoder::fit(&table, &[true; 3], Missing::Mean)?;
    /// assert_eq!([0, 1].map(|column| encoder.fill(column).unwrap()), ["1.5", "y"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn fill(&self, column: usize) -> Option<String> {
        let Encoding { categories, fill, .. } = &self.columns[column];
        let fill = (*fill)?;
        Some(match categories {
            Some(categories) => categories[fill as usize].clone(),
            None => fill.to_string(),
        })
    }

    /// Whether the columns had names in the file; without names, they are found by position.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder, Missing};
    /// let table = Csv::new().parse_table("here", b"1,x\n2,y\n")?;
    /// assert!(!Encoder::fit(&table, &[true; 2], Missing::Refuse)?.has_names());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn has_names(&self) -> bool {
        self.has_names
    }

    /// The names of the columns that it takes.
    ///
    /// ```
    /// use dualtape_nn::data::{Encoder, iris};
    /// let encoder = Encoder::numbers(iris().features());
    /// assert!(encoder.columns().eq(iris().features().iter().map(String::as_str)));
    /// ```
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The categories of the column with this index, sorted; `None` if it holds numbers.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder, Missing};
    /// let table = Csv::new().all_categories().parse_table("here", b"1,x,0\n2,y,1\n")?;
    /// let encoder = Encoder::fit(&table, &[true; 2], Missing::Refuse)?;
    /// assert_eq!((encoder.categories(0), encoder.categories(1).unwrap().len()), (None, 2));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn categories(&self, column: usize) -> Option<&[String]> {
        self.columns[column].categories.as_deref()
    }

    /// The names of the features that it makes: the name of a column, or `column=category`.
    ///
    /// ```
    /// use dualtape_nn::data::Encoder;
    /// assert_eq!(Encoder::numbers(&["x".to_owned(), "y".to_owned()]).features(), ["x", "y"]);
    /// ```
    pub fn features(&self) -> Vec<String> {
        self.columns.iter().flat_map(Encoding::features).collect()
    }

    /// The features that each column becomes.
    ///
    /// ```
    /// use dualtape_nn::data::Encoder;
    /// assert_eq!(Encoder::numbers(&["x".to_owned(), "y".to_owned()]).features_of_columns(), [0..1, 1..2]);
    /// ```
    pub fn features_of_columns(&self) -> Vec<Range<usize>> {
        let mut end = 0;
        let range = |column: &Encoding| {
            let start = end;
            end += column.width();
            start..end
        };
        self.columns.iter().map(range).collect()
    }

    /// Makes samples of a table.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if the table has other columns, or an unknown category that is to be refused;
    /// [`Error::MissingValues`] if a value is missing that has no replacement, or if some labels are missing; and the errors
    /// of the constructors of [`Dataset`].
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder, Missing, Unknown};
    /// let csv = Csv::new().all_categories();
    /// let old = csv.parse_table("old", b"color,kind\nred,rose\nblue,tulip\ngreen,rose\n")?;
    /// let encoder = Encoder::fit(&old, &[true; 3], Missing::Refuse)?;
    /// let new = || csv.parse_table("new", b"color,kind\nwhite,rose\nred,rose\n").unwrap();
    /// let wrong = encoder.encode(new(), Unknown::Refuse).unwrap_err().to_string();
    /// assert_eq!(wrong, "new: row 1 has the unknown color 'white'; expected one of blue, green, red");
    /// assert_eq!(encoder.encode(new(), Unknown::Zero)?.input(0), [0.0, 0.0, 0.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn encode(&self, table: Table, unknown: Unknown) -> Result<Dataset, Error> {
        self.check_columns(&table)?;
        let translations = self.translations(&table);
        // Columns are matched by place, as their names may differ from those in training.
        let columns = self.columns.iter().zip(&table.columns).zip(table.gaps_of_columns());
        let unfilled = columns.filter(|((own, _), _)| own.fill.is_none());
        let unfilled = unfilled.map(|((_, column), count)| (column.name.clone(), count));
        let gaps: Vec<_> = unfilled.chain(table.gaps_of_label()).filter(|(_, count)| *count > 0).collect();
        if !gaps.is_empty() {
            return Err(Error::MissingValues {
                origin: table.name.clone(),
                rows: table.incomplete_rows(),
                of: table.len(),
                columns: gaps,
            });
        }
        if let (Unknown::Refuse, Some(problem)) = (unknown, self.unknown_category(&table, &translations)) {
            return Err(table.wrong(problem));
        }
        let as_they_are = self.columns.iter().all(|column| column.categories.is_none())
            && !table.cells.iter().any(|cell| cell.is_nan());
        let Table { name, columns, cells, label, .. } = table;
        let inputs = if as_they_are { cells } else { self.features_of(&cells, columns.len(), &translations) };
        let features = self.features();
        match label {
            Label::None => Dataset::unlabelled(&name, features, inputs),
            Label::Classes { classes, labels, .. } => {
                Dataset::classification(&name, features, classes, inputs, labels)
            }
            Label::Numbers { names, values } => Dataset::regression(&name, features, names, inputs, values),
        }
    }

    /// Checks the columns: in another order, they would silently give other predictions.
    fn check_columns(&self, table: &Table) -> Result<(), Error> {
        let given = || table.columns.iter().map(|column| column.name.as_str());
        let by_place = !table.has_names || !self.has_names;
        if given().len() == self.columns.len() && (given().eq(self.columns()) || by_place) {
            return Ok(());
        }
        Err(table.wrong(format!(
            "it has {} features, {}; expected {}, {}, as in training",
            given().len(),
            list(given()),
            self.columns.len(),
            list(self.columns())
        )))
    }

    /// For each column of categories, the index in this encoder of each of the table's categories.
    fn translations(&self, table: &Table) -> Vec<Option<Vec<Option<f64>>>> {
        let translation = |(own, given): (&Encoding, &super::table::Column)| {
            let (own, given) = (own.categories.as_ref()?, given.categories.as_ref()?);
            let places: HashMap<&str, usize> = own.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
            let place = |category: &String| {
                let same = || own.iter().position(|known| canonical(known) == canonical(category));
                places.get(category.as_str()).copied().or_else(same).map(|place| place as f64)
            };
            Some(given.iter().map(place).collect())
        };
        self.columns.iter().zip(&table.columns).map(translation).collect()
    }

    /// A message about the first category that does not occur in training.
    fn unknown_category(&self, table: &Table, translations: &[Option<Vec<Option<f64>>>]) -> Option<String> {
        for row in 0..table.len() {
            for (i, &cell) in table.row(row).iter().enumerate() {
                if let Some(translation) = &translations[i]
                    && !cell.is_nan()
                    && translation[cell as usize].is_none()
                {
                    let column = &self.columns[i];
                    let category = &table.columns[i].categories.as_ref()?[cell as usize];
                    let known = column.categories.iter().flatten().map(String::as_str);
                    return Some(format!(
                        "row {} has the unknown {} '{category}'; expected one of {}",
                        row + 1,
                        column.name,
                        list(known)
                    ));
                }
            }
        }
        None
    }

    fn features_of(
        &self,
        cells: &[f64],
        width: usize,
        translations: &[Option<Vec<Option<f64>>>],
    ) -> Vec<f64> {
        let features: usize = self.columns.iter().map(Encoding::width).sum();
        let mut inputs = Vec::with_capacity(cells.len() / width.max(1) * features);
        for row in cells.chunks(width.max(1)) {
            for ((column, translation), &cell) in self.columns.iter().zip(translations).zip(row) {
                let value = match (cell.is_nan(), translation) {
                    (true, _) => column.fill.unwrap_or(f64::NAN),
                    // Unknown categories have passed `unknown_category`, so they become zeros.
                    (false, Some(places)) => places[cell as usize].unwrap_or(f64::NAN),
                    (false, None) => cell,
                };
                column.write(value, &mut inputs);
            }
        }
        inputs
    }
}

/// Names for a sentence; only the first few if there are many.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 8;
    let names: Vec<&str> = names.collect();
    let first = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST { format!("{first} ...") } else { first }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| metrics::mean(values))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let (low, high) = (values[(values.len() - 1) / 2], values[middle]);
    Some(if values.len() % 2 == 1 { high } else { low / 2.0 + high / 2.0 })
}

fn most_frequent(values: impl Iterator<Item = f64>, count: usize) -> Option<f64> {
    let mut counts = vec![0_usize; count];
    values.for_each(|value| counts[value as usize] += 1);
    let most = counts.iter().copied().max().filter(|&most| most > 0)?;
    // Of equally frequent ones, the first is taken, so that the result does not depend on their order in the file.
    counts.iter().position(|&count| count == most).map(|place| place as f64)
}
