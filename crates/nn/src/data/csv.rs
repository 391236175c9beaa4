//! Data sets from text in columns.

mod cell;
mod dialect;
mod read;
mod source;

pub(crate) use cell::{canonical, cause};

use super::encoder::Missing;
use super::{Dataset, Encoder, Table, Unknown};
use crate::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How to read text in columns. By default, each line is a sample, and its label is in the last column. Whatever is not
/// specified is detected: the separator (comma, semicolon, tab or bar), whether the first line names the columns, the
/// encoding (the one that a byte-order mark declares, or UTF-8, or else windows-1252, which includes Latin-1), and whether
/// the file is compressed with gzip.
///
/// ```
/// use dualtape_nn::data::Csv;
///
/// let houses = "price,rooms,area\n100,2,40\n250,5,120\n";
/// let data = Csv::new().label("price").numbers().parse("houses", houses.as_bytes())?;
/// assert_eq!((data.input(1), data.numbers(1)), (&[5.0, 120.0][..], &[250.0][..]));
///
/// let wrong = Csv::new().label("prize").parse("houses", houses.as_bytes()).unwrap_err();
/// assert_eq!(wrong.to_string(), "houses: there is no column 'prize'; expected one of price, rooms, area");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Csv {
    header: Option<bool>,
    delimiter: Option<u8>,
    encoding: Option<&'static encoding_rs::Encoding>,
    label: Option<String>,
    /// Whether the label is the one of the training data.
    label_as_in_training: bool,
    kind: Kind,
    columns: Columns,
    categories: Categories,
    max_rows: Option<usize>,
    keep_cells: bool,
}

/// The kind of the label.
#[derive(Clone, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Classes,
    KnownClasses(Vec<String>),
    Numbers,
    None,
}

/// Which columns become features.
#[derive(Clone, Debug, Default, PartialEq)]
enum Columns {
    #[default]
    All,
    Only(Vec<String>),
    Without(Vec<String>),
    /// The columns that an encoder takes, and the label if it is there.
    Known {
        names: Vec<String>,
        have_names: bool,
        have_categories: Vec<bool>,
        label: Option<String>,
    },
}

/// Which columns hold categories.
#[derive(Clone, Debug, Default, PartialEq)]
enum Categories {
    #[default]
    None,
    Named(Vec<String>),
    /// Every column that contains a word.
    All,
}

/// Reads a CSV file with classes in its last column, as [`Csv::read`] does.
///
/// # Errors
///
/// The errors of [`Csv::read`].
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("flowers.csv");
/// std::fs::write(&path, "petal,stem,kind\n1,2,rose\n3,4,tulip\n").unwrap();
/// assert_eq!(dualtape_nn::data::read_csv(&path)?.features(), ["petal", "stem"]);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn read_csv(path: impl AsRef<Path>) -> Result<Dataset, Error> {
    Csv::new().read(path)
}

/// Parses comma-separated text with classes in its last column, as [`Csv::parse`] does.
///
/// # Errors
///
/// The errors of [`Csv::parse`].
///
/// ```
/// use dualtape_nn::data::parse_csv;
/// let flowers = parse_csv("flowers", b"petal,stem,kind\n1,2,rose\n3,4,tulip\n")?;
/// assert_eq!(flowers.classes(), ["rose", "tulip"]);
/// let wrong = parse_csv("flowers", b"1,2,rose\n3,x,tulip\n").unwrap_err();
/// assert_eq!(wrong.to_string(), "flowers: column 2 has text, such as 'x' in line 2; expected finite numbers");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn parse_csv(origin: &str, text: &[u8]) -> Result<Dataset, Error> {
    Csv::new().parse(origin, text)
}

impl Csv {
    /// Reads text with or without a header, and with classes in the last column.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().parse("", b"1,rose\n2,tulip\n")?.classes(), ["rose", "tulip"]);
    /// assert_eq!(Csv::new().parse("", b"petal,kind\n1,rose\n")?.features(), ["petal"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Specifies whether the first line is a header, for text where this cannot be detected.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// // The names of the features are numbers, so the header looks like a row.
    /// let csv = Csv::new().header(true).parse("", b"1,2,3\n5,6,0\n7,8,1\n")?;
    /// assert_eq!((csv.len(), csv.features()), (2, &["1".to_owned(), "2".to_owned()][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn header(self, header: bool) -> Self {
        Self { header: Some(header), ..self }
    }

    /// Sets the character that separates cells.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().delimiter(b':').parse("", b"1:rose\n2:tulip\n")?.input(1), [2.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn delimiter(self, delimiter: u8) -> Self {
        Self { delimiter: Some(delimiter), ..self }
    }

    /// Sets the encoding of text without a byte-order mark, by its name: "utf-8", "latin1", "utf-16le", "shift_jis" and
    /// the others that browsers know.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if there is no encoding of that name.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let cyrillic = Csv::new().encoding("windows-1251")?;
    /// assert_eq!(cyrillic.parse("", b"1,\xE4\xE0\n2,\xED\xE5\xF2\n")?.classes(), ["да", "нет"]);
    /// assert!(Csv::new().encoding("klingon").is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn encoding(self, name: &str) -> Result<Self, Error> {
        match encoding_rs::Encoding::for_label(name.as_bytes()) {
            Some(encoding) => Ok(Self { encoding: Some(encoding), ..self }),
            None => Err(Error::Setting {
                what: "encoding",
                given: format!("'{name}'"),
                expected: "a name such as utf-8, latin1, utf-16le, windows-1251 or shift_jis",
            }),
        }
    }

    /// Sets the column of the label, by its name in the header, or by its number, counted from 1, if no column has
    /// that name.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let text = b"kind,petal,stem\nrose,1,2\ntulip,3,4\n";
    /// assert_eq!(Csv::new().label("kind").parse("", text)?.input(1), [3.0, 4.0]);
    /// assert_eq!(Csv::new().label("1").parse("", text)?.classes(), ["rose", "tulip"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn label(self, column: &str) -> Self {
        Self { label: Some(column.to_owned()), label_as_in_training: false, ..self }
    }

    /// Sets the column of the label as it was given for the training data, by its name or its number there. Where
    /// [`for_encoder`](Self::for_encoder) finds columns by name, the label is found by the name that it had in training, because
    /// the columns may have another order; otherwise, this is the same as [`label`](Self::label).
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder};
    /// let encoder = Encoder::numbers(&["a".into(), "b".into()]);
    /// // In training, the price was in the first column.
    /// let csv = Csv::new().numbers().for_encoder(&encoder, Some("price")).label_as_in_training("1");
    /// assert_eq!(csv.parse("named", b"id,a,b,price\n1,2,3,9\n")?.numbers(0), [9.0]);
    /// assert_eq!(csv.parse("bare", b"9,2,3\n8,4,5\n")?.numbers(0), [9.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn label_as_in_training(self, column: &str) -> Self {
        Self { label: Some(column.to_owned()), label_as_in_training: true, ..self }
    }

    /// Labels are classes with the given names, numbered in this order; any other label is an error. This is for data
    /// that are given to a trained model.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let known = Csv::new().classes(&["tulip".into(), "rose".into()]);
    /// assert_eq!(known.parse("new", b"1,rose\n2,rose\n")?.label(0), Some(1));
    /// assert!(known.parse("new", b"1,daisy\n").is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn classes(self, known: &[String]) -> Self {
        Self { kind: Kind::KnownClasses(known.to_vec()), ..self }
    }

    /// Labels are numbers, for regression.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let houses = Csv::new().numbers().parse("houses", b"rooms,price\n3,200\n5,350\n")?;
    /// assert_eq!((houses.input(0), houses.numbers(0)), (&[3.0][..], &[200.0][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn numbers(self) -> Self {
        Self { kind: Kind::Numbers, ..self }
    }

    /// There are no labels; all columns are features.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let new = Csv::new().without_labels().parse("new", b"1,2\n3,4\n")?;
    /// assert_eq!(new.input(1), [3.0, 4.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn without_labels(self) -> Self {
        Self { kind: Kind::None, ..self }
    }

    /// Only these columns are features, by name, or by number from 1.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let csv = Csv::new().only(&["b".into()]);
    /// assert_eq!(csv.parse("", b"a,b,kind\n1,2,rose\n3,4,tulip\n")?.features(), ["b"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn only(self, columns: &[String]) -> Self {
        Self { columns: Columns::Only(columns.to_vec()), ..self }
    }

    /// These columns are not features, by name, or by number from 1.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let csv = Csv::new().without(&["id".into()]);
    /// assert_eq!(csv.parse("", b"id,b,kind\n1,2,rose\n3,4,tulip\n")?.features(), ["b"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn without(self, columns: &[String]) -> Self {
        Self { columns: Columns::Without(columns.to_vec()), ..self }
    }

    /// These columns hold categories, by name, or by number from 1. Numbers in them count as words.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let csv = Csv::new().categories(&["color".into()]);
    /// let data = csv.parse("", b"color,kind\nred,rose\nblue,tulip\n")?;
    /// assert_eq!((data.features().join(" ").as_str(), data.input(0)), ("color=blue color=red", &[0.0, 1.0][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn categories(self, columns: &[String]) -> Self {
        Self { categories: Categories::Named(columns.to_vec()), ..self }
    }

    /// Every column that contains a word holds categories.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let data = Csv::new().all_categories().parse("", b"a,b,kind\n1,x,rose\n2,3,tulip\n")?;
    /// assert_eq!(data.features(), ["a", "b=3", "b=x"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn all_categories(self) -> Self {
        Self { categories: Categories::All, ..self }
    }

    /// Reads at most this number of rows, and adds a note if there are more.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().max_rows(1).parse("", b"1,rose\n2,tulip\n")?.len(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn max_rows(self, rows: usize) -> Self {
        Self { max_rows: Some(rows), ..self }
    }

    /// Keeps all cells exactly as they are in the file, for [`Table::kept_cells`].
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let table = Csv::new().keep_cells().parse_table("", b"01,rose\n02,tulip\n")?;
    /// assert_eq!(table.kept_cells().unwrap()[1], ["01", "rose"]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn keep_cells(self) -> Self {
        Self { keep_cells: true, ..self }
    }

    /// Reads data for a model with this encoder. If a header names the columns, they are found by name, in any order, and
    /// other columns are ignored. Without a header, they are found by position. A label is read if there is one: the column
    /// named `label`, as in training, or the last column if there is exactly one column more than the model needs.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Encoder, Targets};
    /// let encoder = Encoder::numbers(&["a".into(), "b".into()]);
    /// let csv = Csv::new().numbers().for_encoder(&encoder, Some("price"));
    /// let new = csv.parse("new", b"b,id,a\n1,7,2\n3,8,4\n")?;
    /// assert_eq!((new.input(0), new.targets()), (&[2.0, 1.0][..], &Targets::None));
    /// assert_eq!(csv.parse("known", b"b,price,a\n1,7,2\n")?.numbers(0), [7.0]);
    /// assert_eq!(csv.parse("bare", b"1,2,5\n3,4,6\n")?.numbers(1), [6.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn for_encoder(self, encoder: &Encoder, label: Option<&str>) -> Self {
        let names: Vec<String> = encoder.columns().map(str::to_owned).collect();
        let have_categories = (0..names.len()).map(|column| encoder.categories(column).is_some()).collect();
        let label = label.map(str::to_owned);
        Self {
            columns: Columns::Known { names, have_names: encoder.has_names(), have_categories, label },
            ..self
        }
    }

    /// Reads a file, as [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read, and the errors of [`parse`](Self::parse).
    ///
    /// ```
    /// use dualtape_nn::{Error, data::Csv};
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("houses.csv");
    /// assert!(matches!(Csv::new().read(&path), Err(Error::Read { .. })));
    /// std::fs::write(&path, "rooms,price\n3,200\n5,350\n").unwrap();
    /// assert_eq!(Csv::new().numbers().read(&path)?.len(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Dataset, Error> {
        let path = path.as_ref();
        let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(File::open(path)?)) };
        to_dataset(self.table(&path.display().to_string(), &open)?)
    }

    /// Parses text. The classes are the different labels, in numerical order if all are numbers, otherwise in
    /// alphabetical order.
    ///
    /// # Errors
    ///
    /// The errors of [`table`](Self::table) except [`Error::Read`]; [`Error::MissingValues`] if values are missing; and
    /// [`Error::Data`] if there are no samples.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let years = Csv::new().parse("years", b"0.5,2021\n1.5,2020\n2.5,2021\n")?;
    /// assert_eq!(years.classes(), ["2020", "2021"]);
    /// let ragged = Csv::new().parse("ragged", b"1,2,rose\n3,tulip\n").unwrap_err();
    /// assert!(ragged.to_string().starts_with("ragged: line 2"));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parse(&self, origin: &str, text: &[u8]) -> Result<Dataset, Error> {
        to_dataset(self.parse_table(origin, text)?)
    }

    /// Parses text as a table, in which values may be missing.
    ///
    /// # Errors
    ///
    /// The errors of [`table`](Self::table) except [`Error::Read`].
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().parse_table("here", b"1,rose\n?,tulip\n")?.incomplete_rows(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parse_table(&self, origin: &str, text: &[u8]) -> Result<Table, Error> {
        // The text is opened again if its encoding turns out to be another one, and each reader owns its bytes.
        self.table(origin, &|| Ok(Box::new(io::Cursor::new(text.to_vec()))))
    }

    /// Reads a table from the reader that `open` returns. It calls `open` once, or twice if the text turns out not to be
    /// UTF-8. It uses memory for the numbers and little else.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the text cannot be opened or read; [`Error::TextColumns`] if columns contain words but were not
    /// declared to hold categories; and [`Error::Data`], naming the line, if a row has too few or too many cells, a label is
    /// not a known class or not a number, a named column does not exist, there are more than 2²⁸ numbers, or the bytes are
    /// not text.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// use std::io::{Cursor, Read};
    /// let open = || Ok(Box::new(Cursor::new("1,rose\n2,tulip\n")) as Box<dyn Read>);
    /// assert_eq!(Csv::new().table("standard input", &open)?.len(), 2);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn table(&self, origin: &str, open: &dyn Fn() -> io::Result<Box<dyn Read>>) -> Result<Table, Error> {
        read::table(self, origin, open)
    }
}

/// Turns a table without missing values into samples.
fn to_dataset(table: Table) -> Result<Dataset, Error> {
    let encoder = Encoder::fit(&table, &vec![true; table.len()], Missing::Refuse)?;
    encoder.encode(table, Unknown::Refuse)
}
