//! Data sets from CSV.

use super::Dataset;
use crate::Error;
use std::path::Path;

/// How to read comma-separated text: one sample a line. As it is, a first line without any number is taken
/// for a header, and the last column for the label.
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
    label: Option<String>,
    kind: Kind,
    /// As many columns are features only.
    features: Option<usize>,
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
/// assert_eq!(wrong.to_string(), "flowers: line 2, column 2 is 'x'; expected a finite number");
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

    /// For a model with so many features: rows of just so many columns have no label, unless its column was
    /// named.
    ///
    /// ```
    /// use dualtape_nn::data::{Csv, Targets};
    /// let csv = Csv::new().numbers().for_features(2);
    /// assert_eq!(csv.parse("new", b"1,2\n3,4\n")?.targets(), &Targets::None);
    /// assert_eq!(csv.parse("known", b"1,2,5\n3,4,6\n")?.numbers(1), [6.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    #[must_use]
    pub fn for_features(self, count: usize) -> Self {
        Self { features: Some(count), ..self }
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
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        self.parse(&path.display().to_string(), &bytes)
    }

    /// Understands text. Class labels that are all numbers count the classes from 0, of which there cannot be
    /// more than rows; otherwise they are names, and classes are numbered in the order in which they appear.
    ///
    /// # Errors
    ///
    /// [`Error::Data`], naming line and column, if a row is ragged, a cell is not a finite number, a label is
    /// not a class, the column of the label is not there, or there are no samples.
    ///
    /// ```
    /// use dualtape_nn::data::Csv;
    /// let counted = Csv::new().parse("counted", b"0.5,2\n1.5,0\n2.5,2\n")?;
    /// assert_eq!(counted.classes().len(), 3); // 0, 1 and 2
    /// let ragged = Csv::new().parse("ragged", b"1,2,rose\n3,tulip\n").unwrap_err();
    /// assert!(ragged.to_string().starts_with("ragged: line 2"));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parse(&self, origin: &str, text: &[u8]) -> Result<Dataset, Error> {
        let wrong = |problem| Error::Data { origin: origin.to_owned(), problem };
        let rows = read_rows(text).map_err(wrong)?;
        let Some(first) = rows.first() else {
            return Err(wrong("there are no rows; expected numbers and a label in each line".to_owned()));
        };
        let width = first.cells.len();
        if self.features == Some(width) && self.label.is_none() && self.kind != Kind::None {
            return self.clone().without_labels().parse(origin, text);
        }
        if let (Some(features), None) = (self.features, &self.label)
            && width != features + 1
            && self.kind != Kind::None
        {
            return Err(wrong(format!(
                "line {} has {width} columns; expected {features}, the features the model was trained on, or {}, \
                 with a label",
                first.line,
                features + 1
            )));
        }
        if width < 2 && self.kind != Kind::None {
            return Err(wrong(format!("line {} has 1 column; expected numbers and a label", first.line)));
        }
        if let Some(ragged) = rows.iter().find(|row| row.cells.len() != width) {
            let (line, columns) = (ragged.line, ragged.cells.len());
            let as_in = first.line;
            return Err(wrong(format!(
                "line {line} has {columns} columns; expected {width}, as in line {as_in}"
            )));
        }
        let guessed = || first.cells.iter().all(|cell| cell.parse::<f64>().is_err());
        let (header, samples) = rows.split_at(usize::from(self.header.unwrap_or_else(guessed)));
        let names: Vec<String> = match header {
            [header] => header.cells.clone(),
            _ => (1..=width).map(|column| format!("x{column}")).collect(),
        };
        let label = self.label_column(&names, !header.is_empty()).map_err(wrong)?;
        let features = names.iter().enumerate().filter(|(i, _)| Some(*i) != label);
        let features = features.map(|(_, name)| name.clone()).collect();
        let inputs =
            samples.iter().flat_map(|row| row.numbers(label)).collect::<Result<_, _>>().map_err(wrong)?;
        let Some(label) = label else { return Dataset::unlabelled(origin, features, inputs) };
        if self.kind == Kind::Numbers {
            let values =
                samples.iter().map(|row| row.number(label)).collect::<Result<_, _>>().map_err(wrong)?;
            let name = if header.is_empty() { "y" } else { &names[label] };
            return Dataset::regression(origin, features, vec![name.to_owned()], inputs, values);
        }
        let (classes, labels) = match &self.kind {
            Kind::KnownClasses(known) => (known.clone(), known_labels(samples, label, known).map_err(wrong)?),
            _ => read_labels(samples, label).map_err(wrong)?,
        };
        Dataset::new(origin, features, classes, inputs, labels)
    }

    /// The column of the label, counted from 0; none if there are no labels.
    fn label_column(&self, names: &[String], has_header: bool) -> Result<Option<usize>, String> {
        let Some(wanted) = &self.label else {
            return Ok(if self.kind == Kind::None { None } else { Some(names.len() - 1) });
        };
        let named = names.iter().position(|name| name == wanted).filter(|_| has_header);
        let numbered = || wanted.parse().ok().filter(|number| (1..=names.len()).contains(number));
        let column = named.or_else(|| numbered().map(|number: usize| number - 1));
        column.map(Some).ok_or_else(|| {
            let known =
                if has_header { names.join(", ") } else { format!("1 to {}, without header", names.len()) };
            format!("there is no column '{wanted}'; expected one of {known}")
        })
    }
}

struct Row {
    line: u64,
    cells: Vec<String>,
}

impl Row {
    /// All cells but the label, as numbers.
    fn numbers(&self, label: Option<usize>) -> impl Iterator<Item = Result<f64, String>> {
        (0..self.cells.len()).filter(move |&i| Some(i) != label).map(|i| self.number(i))
    }

    fn number(&self, column: usize) -> Result<f64, String> {
        let cell = &self.cells[column];
        match cell.parse() {
            Ok(number) if f64::is_finite(number) => Ok(number),
            _ => Err(format!(
                "line {}, column {} is '{cell}'; expected a finite number",
                self.line,
                column + 1
            )),
        }
    }
}

fn read_rows(text: &[u8]) -> Result<Vec<Row>, String> {
    // A byte-order mark, which spreadsheets write, is no part of the first name.
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(text);
    let row = |record: Result<::csv::StringRecord, ::csv::Error>| match record {
        Ok(record) => {
            let line = record.position().map_or(0, ::csv::Position::line);
            Ok(Row { line, cells: record.iter().map(str::to_owned).collect() })
        }
        Err(error) => Err(format!("{error}; expected comma-separated text")),
    };
    reader.records().map(row).collect()
}

/// The names of the classes, and the class of each row.
fn read_labels(rows: &[Row], column: usize) -> Result<(Vec<String>, Vec<usize>), String> {
    if rows.iter().all(|row| row.cells[column].parse::<f64>().is_ok()) {
        let labels = rows.iter().map(|row| numbered_label(row, column, rows.len()));
        let labels = labels.collect::<Result<Vec<_>, _>>()?;
        let count = labels.iter().max().map_or(0, |largest| largest + 1);
        return Ok(((0..count).map(|class| class.to_string()).collect(), labels));
    }
    let mut classes: Vec<String> = Vec::new();
    let mut labels = Vec::new();
    for row in rows {
        let name = &row.cells[column];
        if name.is_empty() {
            let place = if column + 1 == row.cells.len() { "its last column" } else { "the label's column" };
            return Err(format!("line {} has no label in {place}; expected a class", row.line));
        }
        let known = classes.iter().position(|class| class == name);
        labels.push(known.unwrap_or_else(|| {
            classes.push(name.clone());
            classes.len() - 1
        }));
    }
    Ok((classes, labels))
}

/// The class of each row, among those a model knows.
fn known_labels(rows: &[Row], column: usize, known: &[String]) -> Result<Vec<usize>, String> {
    let label = |row: &Row| {
        let name = &row.cells[column];
        // 1.0 is the class 1.
        let number = |text: &str| text.parse::<f64>().ok();
        let same =
            |class: &String| class == name || (number(name).is_some() && number(class) == number(name));
        let place = known.iter().position(same);
        place.ok_or_else(|| {
            let known = known.join(", ");
            format!("line {} has the unknown label '{name}'; expected one of {known}", row.line)
        })
    };
    rows.iter().map(label).collect()
}

/// A label that is a number: a class counted from 0, of which there cannot be more than rows.
fn numbered_label(row: &Row, column: usize, rows: usize) -> Result<usize, String> {
    let label = &row.cells[column];
    let number: f64 = label.parse().map_err(|_| "not a number".to_owned())?;
    if number.fract() == 0.0 && (0.0..rows as f64).contains(&number) {
        // A whole number within range, as was just seen.
        return Ok(number as usize);
    }
    Err(format!(
        "line {} has label {label}, out of range; expected a class from 0 to {}, counted in whole numbers, or a \
         regression",
        row.line,
        rows - 1
    ))
}
