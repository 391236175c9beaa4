//! Data sets from CSV: numbers, and the label in the last column.

use super::Dataset;
use crate::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a CSV file, as [`parse_csv`] does.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read, otherwise those of [`parse_csv`].
pub fn read_csv(path: impl AsRef<Path>) -> Result<Dataset, Error> {
    let path = path.as_ref();
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(unreadable)?;
    parse_csv(&path.display().to_string(), &bytes)
}

/// Understands comma-separated text: one sample a line, its label last.
///
/// A first line without any number is taken for a header. Labels that are all numbers count the classes
/// from 0; otherwise they are names, and classes are numbered in the order in which they appear.
///
/// # Errors
///
/// [`Error::Data`], naming line and column, if a row is ragged, a cell is not a finite number, a label is
/// not a class, or there are no samples.
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
    let wrong = |problem| Error::Data { origin: origin.to_owned(), problem };
    let rows = read_rows(text).map_err(wrong)?;
    let Some(first) = rows.first() else {
        return Err(wrong("there are no rows; expected numbers and a label in each line".to_owned()));
    };
    let width = first.cells.len();
    if width < 2 {
        return Err(wrong(format!("line {} has 1 column; expected numbers and a label", first.line)));
    }
    if let Some(ragged) = rows.iter().find(|row| row.cells.len() != width) {
        let (line, columns) = (ragged.line, ragged.cells.len());
        return Err(wrong(format!(
            "line {line} has {columns} columns; expected {width}, as in line {}",
            first.line
        )));
    }
    let has_header = first.cells.iter().all(|cell| cell.parse::<f64>().is_err());
    let (header, samples) = if has_header { rows.split_at(1) } else { rows.split_at(0) };
    let features = match header {
        [header] => header.cells[..width - 1].to_vec(),
        _ => (1..width).map(|column| format!("x{column}")).collect(),
    };
    let (classes, labels) = read_labels(samples).map_err(wrong)?;
    let inputs = samples.iter().flat_map(Row::numbers).collect::<Result<_, _>>().map_err(wrong)?;
    Dataset::new(origin, features, classes, inputs, labels)
}

struct Row {
    line: u64,
    cells: Vec<String>,
}

impl Row {
    /// All cells but the last, as numbers.
    fn numbers(&self) -> impl Iterator<Item = Result<f64, String>> {
        let (_, cells) = self.cells.split_last().expect("a row has at least two cells");
        cells.iter().enumerate().map(|(i, cell)| match cell.parse() {
            Ok(number) if f64::is_finite(number) => Ok(number),
            _ => Err(format!("line {}, column {} is '{cell}'; expected a finite number", self.line, i + 1)),
        })
    }

    fn label(&self) -> &str {
        self.cells.last().map_or("", String::as_str)
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
fn read_labels(rows: &[Row]) -> Result<(Vec<String>, Vec<usize>), String> {
    if rows.iter().all(|row| row.label().parse::<f64>().is_ok()) {
        let labels = rows.iter().map(|row| numbered_label(row, rows.len())).collect::<Result<Vec<_>, _>>()?;
        let count = labels.iter().max().map_or(0, |largest| largest + 1);
        return Ok(((0..count).map(|class| class.to_string()).collect(), labels));
    }
    let mut classes: Vec<String> = Vec::new();
    let mut labels = Vec::new();
    for row in rows {
        let name = row.label();
        if name.is_empty() {
            return Err(format!("line {} has no label in its last column; expected a class", row.line));
        }
        let known = classes.iter().position(|class| class == name);
        labels.push(known.unwrap_or_else(|| {
            classes.push(name.to_owned());
            classes.len() - 1
        }));
    }
    Ok((classes, labels))
}

/// A label that is a number: a class counted from 0, of which there cannot be more than rows.
fn numbered_label(row: &Row, rows: usize) -> Result<usize, String> {
    let number: f64 = row.label().parse().map_err(|_| "not a number".to_owned())?;
    if number.fract() == 0.0 && (0.0..rows as f64).contains(&number) {
        // A whole number within range, as was just seen.
        return Ok(number as usize);
    }
    Err(format!(
        "line {} has label {}, out of range; expected a class from 0 to {}, counted in whole numbers",
        row.line,
        row.label(),
        rows - 1
    ))
}
