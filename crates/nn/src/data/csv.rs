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

/// How to read text in columns: one sample a line, its label last. What is not said is found out: the separator
/// (comma, semicolon, tab or bar), whether the first line names the columns, the encoding (UTF-8, or that of a
/// byte-order mark, or else windows-1252, which holds Latin-1), and whether the file is compressed with gzip.
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
    kind: Kind,
    columns: Columns,
    categories: Categories,
    max_rows: Option<usize>,
    keep_cells: bool,
}

/// What the label is.
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
    /// Those that an encoder takes, and the label if it is there.
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
    /// Every column with a word in it.
    All,
}

/// Reads a CSV file with classes in its last column, as [`Csv::read`] does.
///
/// # Errors
///
/// Those of [`Csv::read`].
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

/// Understands comma-separated text with classes in its last column, as [`Csv::parse`] does.
///
/// # Errors
///
/// Those of [`Csv::parse`].
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
    /// With or without header, classes in the last column.
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

    /// Whether the first line is a header, for text where that cannot be seen.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// // The features are called by numbers, and so look like a row.
    /// let csv = Csv::new().header(true).parse("", b"1,2,3\n5,6,0\n7,8,1\n")?;
    /// assert_eq!((csv.len(), csv.features()), (2, &["1".to_owned(), "2".to_owned()][..]));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn header(self, header: bool) -> Self {
        Self { header: Some(header), ..self }
    }

    /// What separates cells.
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

    /// The encoding of text without a byte-order mark, by its name: "utf-8", "latin1", "utf-16le", "shift_jis" and
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

    /// The column of the label, by its name in the header, or by its number, counted from 1, if none has
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
        Self { label: Some(column.to_owned()), ..self }
    }

    /// Labels are classes, all of them of the given names, numbered in this order: for data that go to a
    /// model that was trained. Others are an error.
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

    /// These columns are no features, by name, or by number from 1.
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

    /// These columns hold categories, by name, or by number from 1; numbers in them are words, too.
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

    /// Every column that has a word in it holds categories.
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

    /// Reads so many rows at most, and says so if there are more.
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

    /// Keeps all cells as they stand in the file, for [`Table::kept_cells`].
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

    /// For a model with these features. Where a header names the columns, they are taken by name, in any order,
    /// and others are passed over; without header they are taken by place. A label is taken if there is one: by
    /// `label`, the name that it had, or as the last of one column more than there are features.
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
    /// [`Error::Read`] if the file cannot be read, otherwise those of [`parse`](Self::parse).
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

    /// Understands text. Classes are the different labels, in the order of numbers if all are numbers, otherwise of
    /// the alphabet.
    ///
    /// # Errors
    ///
    /// Those of [`table`](Self::table) but for [`Error::Read`], [`Error::MissingValues`] if there are gaps, and
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

    /// Understands text as a table, which may have gaps.
    ///
    /// # Errors
    ///
    /// Those of [`table`](Self::table), but for [`Error::Read`].
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// assert_eq!(Csv::new().parse_table("here", b"1,rose\n?,tulip\n")?.incomplete_rows(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parse_table(&self, origin: &str, text: &[u8]) -> Result<Table, Error> {
        // Text is opened anew where its encoding turns out to be another, and what is opened owns what it reads.
        self.table(origin, &|| Ok(Box::new(io::Cursor::new(text.to_vec()))))
    }

    /// Reads a table from what `open` opens: once, or a second time if the text turns out to be no UTF-8.
    /// Memory is taken for the numbers and little else.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if it cannot be opened or read; [`Error::TextColumns`] if columns have words that were not
    /// said to be categories; and [`Error::Data`], naming the line, if a row is ragged, a label is no class or no
    /// number, a column that was named is not there, there are more numbers than 2²⁸, or it is no text.
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

/// Samples of a table without gaps.
fn to_dataset(table: Table) -> Result<Dataset, Error> {
    let encoder = Encoder::fit(&table, &vec![true; table.len()], Missing::Refuse)?;
    encoder.encode(table, Unknown::Refuse)
}
