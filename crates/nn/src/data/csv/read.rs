//! Reads the rows of a file, one after another, into a table.

use super::cell::{self, Cell};
use super::source::{self, Open, SAMPLE, Text};
use super::{Categories, Columns, Csv, Kind, dialect};
use crate::Error;
use crate::data::table::{Column, Label, Table, UNKNOWN, order_names};
use std::collections::HashMap;
use std::io;

/// The largest number of numbers that are read: 2²⁸, which take 2 GiB.
const MOST_NUMBERS: usize = 1 << 28;

/// The largest number of different words in a column.
const MOST_WORDS: usize = 1000;

pub(super) fn table(csv: &Csv, origin: &str, open: Open<'_>) -> Result<Table, Error> {
    match attempt(csv, origin, open) {
        // Text that is not UTF-8 and has no byte-order mark comes from an older program.
        Err(Failure::NotUtf8(_)) if csv.encoding.is_none() => {
            let otherwise = Csv { encoding: Some(source::OTHERWISE), ..csv.clone() };
            let mut table =
                attempt(&otherwise, origin, open).map_err(|failure| failure.into_error(origin))?;
            table.notes.push(
                "the text is not UTF-8; it was read as windows-1252, which includes Latin-1 (any other encoding must be \
                 specified)"
                    .to_owned(),
            );
            Ok(table)
        }
        outcome => outcome.map_err(|failure| failure.into_error(origin)),
    }
}

enum Failure {
    NotUtf8(String),
    Io(io::Error),
    Is(Error),
}

impl Failure {
    fn not_utf8(line: u64) -> Self {
        Self::NotUtf8(format!("line {line} is not UTF-8; expected UTF-8, or the encoding to be specified"))
    }

    fn into_error(self, origin: &str) -> Error {
        let problem = match self {
            Self::Is(error) => return error,
            Self::Io(source) if source.kind() == io::ErrorKind::InvalidData => source.to_string(),
            Self::Io(source) => return Error::Read { path: origin.into(), source },
            Self::NotUtf8(problem) => problem,
        };
        Error::Data { origin: origin.to_owned(), problem }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<::csv::Error> for Failure {
    fn from(error: ::csv::Error) -> Self {
        let position = error.position().map(::csv::Position::line);
        match error.into_kind() {
            ::csv::ErrorKind::Io(error) => Self::Io(error),
            _ => Self::not_utf8(position.unwrap_or(0)),
        }
    }
}

fn attempt(csv: &Csv, origin: &str, open: Open<'_>) -> Result<Table, Failure> {
    let text = source::open(open, csv.encoding)?;
    let is_all = text.sample.len() < SAMPLE;
    check_utf8(&text.sample)?;
    let delimiter = csv.delimiter.unwrap_or_else(|| dialect::delimiter(&text.sample, is_all));
    let sample = dialect::records(&text.sample, delimiter, is_all);
    let wrong = |problem| Failure::Is(Error::Data { origin: origin.to_owned(), problem });
    let layout = Layout::new(csv, &sample).map_err(wrong)?;
    let notes = notes(&layout, &text, delimiter);
    let mut rows = Rows::new(csv, origin, &layout);
    let Text { reader, record_bytes, quotations, .. } = text;
    quotations.borrow_mut().set_separator(delimiter);
    let mut reader = dialect::reader(delimiter).from_reader(reader);
    let mut record = ::csv::StringRecord::new();
    let mut is_header = layout.has_header;
    // Where the rows end that are used, if others follow. The reader is ahead of them.
    let mut end = None;
    while reader.read_record(&mut record)? {
        record_bytes.set(0);
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() == 1 && layout.width > 1 && record[0].is_empty() {
            continue;
        }
        if record.len() != layout.width {
            let (columns, width) = (record.len(), layout.width);
            let hint = if rows.count == 0 { no_row(&sample[0]) } else { "" };
            return Err(wrong(format!(
                "line {line} has {columns} columns; expected {width}, as in line 1{hint}"
            )));
        }
        if is_header {
            is_header = false;
            rows.keep(&record);
            continue;
        }
        if csv.max_rows == Some(rows.count) {
            rows.notes.push(format!("only the first {} rows were read, as requested", rows.count));
            end = record.position().map(::csv::Position::byte);
            break;
        }
        rows.push(&record, line).map_err(Failure::Is)?;
    }
    rows.note_lines(quotations.borrow().is_open_before(end)).map_err(Failure::Is)?;
    let mut table = rows.finish().map_err(Failure::Is)?;
    table.notes.splice(0..0, notes);
    Ok(table)
}

/// Checks the beginning of a file for UTF-8. It may end inside a character, but must not contain a wrong one before.
fn check_utf8(sample: &[u8]) -> Result<(), Failure> {
    match std::str::from_utf8(sample) {
        Err(error) if error.error_len().is_some() => {
            let line = sample[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
            Err(Failure::not_utf8(line as u64))
        }
        _ => Ok(()),
    }
}

fn notes(layout: &Layout, text: &Text, delimiter: u8) -> Vec<String> {
    let separator = match delimiter {
        b',' => "commas separate",
        b';' => "semicolons separate",
        b'\t' => "tabs separate",
        b'|' => "bars separate",
        b' ' => "spaces separate",
        _ => "the specified character separates",
    };
    let header = if layout.has_header { "the first line names the columns" } else { "there is no header" };
    let mut notes = vec![format!("{header}; {separator} cells")];
    if text.encoding != encoding_rs::UTF_8 && text.encoding != source::OTHERWISE {
        notes.push(format!("the text is {}", text.encoding.name()));
    }
    if text.is_packed {
        notes.push("the file is compressed with gzip".to_owned());
    }
    if !layout.ignored.is_empty() {
        notes.push(format!("left out: {}", layout.ignored.join(", ")));
    }
    notes
}

/// A hint at what a first line is that does not fit the lines below it, if that can be told.
fn no_row(first: &[String]) -> &'static str {
    match first {
        [cell, ..] if cell.starts_with('#') => " (comments before the table have to be removed)",
        [cell, ..] if cell.starts_with("sep=") => " (the line that names the separator has to be removed)",
        [cell] if matches!(cell::understand(cell), Cell::Word(_)) => {
            " (a title before the table has to be removed)"
        }
        _ => "",
    }
}

/// The role of each column of the file.
struct Layout {
    width: usize,
    has_header: bool,
    names: Vec<String>,
    /// The positions in the file, in the order of the features.
    features: Vec<usize>,
    /// For each feature, whether it holds categories.
    categories: Vec<Words>,
    label: Option<usize>,
    ignored: Vec<String>,
}

/// The treatment of words in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Words {
    Refused,
    /// Every cell is a category.
    Always,
    /// Every cell is a category as soon as one is a word.
    OnceSeen,
}

impl Layout {
    fn new(csv: &Csv, sample: &[Vec<String>]) -> Result<Self, String> {
        let Some(first) = sample.first() else {
            return Err("there are no rows; expected numbers and a label in each line".to_owned());
        };
        let width = first.len();
        let known: Vec<&str> = match (&csv.columns, &csv.label) {
            (Columns::Known { names, .. }, _) => names.iter().map(String::as_str).collect(),
            (_, Some(label)) if label.parse::<usize>().is_err() => vec![label],
            _ => Vec::new(),
        };
        let labelled = csv.kind != Kind::None;
        let numbered = |name: &String| name.parse().ok().filter(|number| (1..=width).contains(number));
        let guess = match &csv.label {
            Some(label) => {
                first.iter().position(|cell| cell == label).or(numbered(label).map(|n: usize| n - 1))
            }
            None => labelled.then_some(width.saturating_sub(1)),
        };
        let has_header = csv.header.unwrap_or_else(|| dialect::has_header(sample, guess, &known));
        let names = if has_header { names_of(first) } else { (1..=width).map(|i| format!("x{i}")).collect() };
        let mut layout = Self {
            width,
            has_header,
            names,
            features: Vec::new(),
            categories: Vec::new(),
            label: None,
            ignored: Vec::new(),
        };
        match &csv.columns {
            Columns::Known { names, have_names, have_categories, label } => {
                layout.categories = words_of(have_categories);
                layout.for_model(csv, names, *have_names, label.as_deref())?;
            }
            _ => layout.for_training(csv, first)?,
        }
        let used = |i: &usize| !layout.features.contains(i) && layout.label != Some(*i);
        layout.ignored = (0..width).filter(used).map(|i| layout.names[i].clone()).collect();
        Ok(layout)
    }

    /// The column with this name, or with this number, counted from 1, if no column has that name.
    fn find(&self, wanted: &str) -> Result<usize, String> {
        let named = self.names.iter().position(|name| name == wanted).filter(|_| self.has_header);
        let number = || wanted.parse().ok().filter(|number| (1..=self.width).contains(number));
        named.or_else(|| number().map(|number: usize| number - 1)).ok_or_else(|| {
            let known = match self.has_header {
                true => self.names.join(", "),
                false => format!("1 to {}, without header", self.width),
            };
            format!("there is no column '{wanted}'; expected one of {known}")
        })
    }

    fn find_all(&self, wanted: &[String]) -> Result<Vec<usize>, String> {
        wanted.iter().map(|name| self.find(name)).collect()
    }

    fn for_training(&mut self, csv: &Csv, first: &[String]) -> Result<(), String> {
        let labelled = csv.kind != Kind::None;
        if self.width < 2 && labelled {
            return Err(format!("line 1 has 1 column; expected numbers and a label{}", no_row(first)));
        }
        self.label = match &csv.label {
            Some(label) => Some(self.find(label)?),
            None if labelled
                && self.has_header
                && self.names[self.width - 1] == format!("column {}", self.width) =>
            {
                return Err(format!(
                    "the last column has no name, so it is hardly the label; expected the label's column to be \
                     specified{}",
                    no_row(first)
                ));
            }
            None => labelled.then(|| self.width - 1),
        };
        let candidates = match &csv.columns {
            Columns::Only(wanted) => {
                let mut columns = self.find_all(wanted)?;
                columns.sort_unstable();
                columns.dedup();
                columns
            }
            Columns::Without(left_out) => {
                let left_out = self.find_all(left_out)?;
                if let Some(label) = self.label.filter(|label| left_out.contains(label)) {
                    let name = &self.names[label];
                    return Err(format!(
                        "the label's column, {name}, is left out; expected another label, or to keep it"
                    ));
                }
                (0..self.width).filter(|column| !left_out.contains(column)).collect()
            }
            _ => (0..self.width).collect(),
        };
        self.features = candidates.into_iter().filter(|&column| Some(column) != self.label).collect();
        if self.features.is_empty() {
            return Err("no column is left to learn from; expected at least one besides the label".to_owned());
        }
        self.categories = match &csv.categories {
            Categories::None => vec![Words::Refused; self.features.len()],
            Categories::All => vec![Words::OnceSeen; self.features.len()],
            Categories::Named(names) => {
                let named = self.find_all(names)?;
                let is_used = |column: &usize| self.features.contains(column) || self.label == Some(*column);
                if let Some(&unused) = named.iter().find(|column| !is_used(column)) {
                    let name = &self.names[unused];
                    return Err(format!(
                        "column '{name}' is listed among the columns of categories, and left out; expected one of the two"
                    ));
                }
                let words = |column| if named.contains(column) { Words::Always } else { Words::Refused };
                self.features.iter().map(words).collect()
            }
        };
        Ok(())
    }

    /// Finds the columns by name if there are names, otherwise by position.
    fn for_model(
        &mut self,
        csv: &Csv,
        names: &[String],
        have_names: bool,
        label: Option<&str>,
    ) -> Result<(), String> {
        let are_all_there = names.iter().all(|name| self.names.contains(name));
        let by_name = self.has_header && (have_names || are_all_there);
        let named_label = match &csv.label {
            // A number of the training data may be another column here.
            Some(label) if !(by_name && csv.label_as_in_training) => Some(self.find(label)?),
            _ => None,
        };
        if by_name {
            let found = |name: &String| self.names.iter().position(|own| own == name);
            let absent: Vec<&str> = names.iter().filter(|n| found(n).is_none()).map(String::as_str).collect();
            if !absent.is_empty() {
                return Err(format!(
                    "there is no column {}; expected {}, as in training; it has {}",
                    absent.join(", "),
                    names.join(", "),
                    self.names.join(", ")
                ));
            }
            self.features = names.iter().filter_map(found).collect();
            let own = label.and_then(|label| self.names.iter().position(|name| name == label));
            self.label = named_label.or(own);
        } else if self.width == names.len() && named_label.is_none() {
            self.features = (0..self.width).collect();
        } else if self.width == names.len() + 1 {
            let label = named_label.unwrap_or(self.width - 1);
            self.features = (0..self.width).filter(|&column| column != label).collect();
            self.label = Some(label);
        } else {
            return Err(format!(
                "line 1 has {} columns; expected {}, the features the model was trained on, or {}, with a label",
                self.width,
                names.len(),
                names.len() + 1
            ));
        }
        if self.label.is_some_and(|label| self.features.contains(&label)) {
            return Err("the label's column is a feature of the model; expected another".to_owned());
        }
        if csv.kind == Kind::None {
            self.label = None;
        }
        Ok(())
    }
}

fn words_of(have_categories: &[bool]) -> Vec<Words> {
    have_categories.iter().map(|&has| if has { Words::Always } else { Words::Refused }).collect()
}

/// Different names for all columns: those of a header, with a number if a name is empty or occurs again.
fn names_of(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (i, cell) in header.iter().enumerate() {
        // Names are put on one line, for messages.
        let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
        let base = if cell.is_empty() { format!("column {}", i + 1) } else { cell };
        let mut name = base.clone();
        let mut again = 2;
        while names.contains(&name) {
            name = format!("{base}.{again}");
            again += 1;
        }
        names.push(name);
    }
    names
}

/// Words, numbered in the order of their first occurrence.
#[derive(Default)]
struct Dictionary {
    words: Vec<String>,
    places: HashMap<String, usize>,
}

impl Dictionary {
    fn place(&mut self, word: &str) -> usize {
        if let Some(&place) = self.places.get(word) {
            return place;
        }
        self.places.insert(word.to_owned(), self.words.len());
        self.words.push(word.to_owned());
        self.words.len() - 1
    }
}

/// The column of a feature while it is read.
struct Feature {
    words: Words,
    dictionary: Option<Dictionary>,
    /// A number that would differ as a word, such as 007, in a column in which words may still follow.
    odd: Option<String>,
    /// The first word that was refused, and its line.
    refused: Option<(u64, String)>,
}

/// A table while it is read.
struct Rows<'a> {
    csv: &'a Csv,
    origin: &'a str,
    layout: &'a Layout,
    features: Vec<Feature>,
    cells: Vec<f64>,
    classes: Dictionary,
    labels: Vec<usize>,
    values: Vec<f64>,
    count: usize,
    rows_of_several_lines: usize,
    kept: Option<Vec<Vec<String>>>,
    notes: Vec<String>,
}

impl<'a> Rows<'a> {
    fn new(csv: &'a Csv, origin: &'a str, layout: &'a Layout) -> Self {
        let feature = |&words: &Words| Feature {
            words,
            dictionary: (words == Words::Always).then(Dictionary::default),
            odd: None,
            refused: None,
        };
        let kept =
            csv.keep_cells.then(|| if layout.has_header { Vec::new() } else { vec![layout.names.clone()] });
        Self {
            csv,
            origin,
            layout,
            features: layout.categories.iter().map(feature).collect(),
            cells: Vec::new(),
            classes: Dictionary::default(),
            labels: Vec::new(),
            values: Vec::new(),
            count: 0,
            rows_of_several_lines: 0,
            kept,
            notes: Vec::new(),
        }
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Data { origin: self.origin.to_owned(), problem }
    }

    fn keep(&mut self, record: &::csv::StringRecord) {
        if let Some(kept) = &mut self.kept {
            kept.push(record.iter().map(str::to_owned).collect());
        }
    }

    fn push(&mut self, record: &::csv::StringRecord, line: u64) -> Result<(), Error> {
        let width = self.features.len();
        if self.cells.len() + width > MOST_NUMBERS {
            return Err(self.wrong(format!(
                "there are more than {} rows of {width} numbers, which take {} GiB; expected fewer (the number of rows \
                 to read can be limited)",
                self.count,
                (MOST_NUMBERS * 8) >> 30
            )));
        }
        // The memory grows by a quarter, not by doubling: a large table should not take twice its size.
        if self.cells.capacity() - self.cells.len() < width {
            self.cells.reserve_exact((self.cells.len() / 4).max(width.max(1 << 12)));
        }
        self.check_lines(record, line)?;
        for (i, &column) in self.layout.features.iter().enumerate() {
            let value = self.value(i, &record[column], line)?;
            self.cells.push(value);
        }
        if let Some(label) = self.layout.label {
            self.push_label(&record[label], line)?;
        }
        self.keep(record);
        self.count += 1;
        Ok(())
    }

    /// Refuses cells of several lines: an unclosed quotation mark makes one cell of all lines that follow.
    fn check_lines(&mut self, record: &::csv::StringRecord, line: u64) -> Result<(), Error> {
        if !record.as_slice().contains(['\n', '\r']) {
            return Ok(());
        }
        self.rows_of_several_lines += 1;
        let used = self.layout.features.iter().copied().chain(self.layout.label);
        match used.into_iter().find(|&column| record[column].contains(['\n', '\r'])) {
            None => Ok(()),
            Some(column) => {
                let name = &self.layout.names[column];
                Err(self.wrong(format!(
                    "line {line} has a cell of several lines in column '{name}'; expected one line (is a quotation \
                     mark not closed?)"
                )))
            }
        }
    }

    /// Checks cells of several lines in columns that are not used: either a quotation mark is not closed, or they are
    /// intended.
    fn note_lines(&mut self, is_open: bool) -> Result<(), Error> {
        let count = self.rows_of_several_lines;
        if count == 0 {
            return Ok(());
        }
        if is_open {
            let problem =
                "a quotation mark is not closed, so a cell takes several lines; expected marks in pairs";
            return Err(self.wrong(problem.to_owned()));
        }
        let rows =
            if count == 1 { "1 row has a cell".to_owned() } else { format!("{count} rows have cells") };
        self.notes.push(format!("{rows} of several lines, in columns that are not used"));
        Ok(())
    }

    /// The value of a cell in the column of a feature.
    fn value(&mut self, feature: usize, text: &str, line: u64) -> Result<f64, Error> {
        let own = &mut self.features[feature];
        if let Some(dictionary) = &mut own.dictionary {
            if cell::is_missing(text) {
                return Ok(f64::NAN);
            }
            let place = dictionary.place(&cell::canonical(text));
            return if place < MOST_WORDS { Ok(place as f64) } else { Err(self.too_many_words(feature)) };
        }
        match cell::understand(text) {
            Cell::Number(number) => {
                if own.words == Words::OnceSeen
                    && own.odd.is_none()
                    && number.to_string() != cell::canonical(text)
                {
                    own.odd = Some(text.to_owned());
                }
                Ok(number)
            }
            Cell::Missing => Ok(f64::NAN),
            Cell::Word(word) if own.words == Words::OnceSeen => {
                self.turn_to_categories(feature)?;
                self.value(feature, word, line)
            }
            Cell::Word(word) => {
                own.refused.get_or_insert_with(|| (line, word.to_owned()));
                Ok(f64::NAN)
            }
        }
    }

    /// Makes a column one of categories from now on. The numbers read so far become words.
    fn turn_to_categories(&mut self, feature: usize) -> Result<(), Error> {
        let (width, mut dictionary) = (self.features.len(), Dictionary::default());
        if let Some(odd) = &self.features[feature].odd {
            let name = &self.layout.names[self.layout.features[feature]];
            return Err(self.wrong(format!(
                "column '{name}' has words, and numbers such as '{odd}' that may be words as well; expected it to be \
                 listed among the columns of categories"
            )));
        }
        for cell in self.cells.iter_mut().skip(feature).step_by(width).filter(|cell| !cell.is_nan()) {
            *cell = dictionary.place(&cell.to_string()) as f64;
        }
        let many = dictionary.words.len() > MOST_WORDS;
        self.features[feature].dictionary = Some(dictionary);
        if many { Err(self.too_many_words(feature)) } else { Ok(()) }
    }

    fn too_many_words(&self, feature: usize) -> Error {
        let name = &self.layout.names[self.layout.features[feature]];
        self.wrong(format!(
            "column '{name}' has more than {MOST_WORDS} different words; expected fewer, or the column to be left out"
        ))
    }

    fn push_label(&mut self, text: &str, line: u64) -> Result<(), Error> {
        match &self.csv.kind {
            Kind::None => {}
            Kind::Numbers => self.values.push(match cell::understand(text) {
                Cell::Number(number) => number,
                Cell::Missing => f64::NAN,
                Cell::Word(word) => {
                    let (name, cause) = (self.label_name(), cell::cause(word));
                    let problem = format!(
                        "line {line} has the label '{word}' in column '{name}'{cause}; expected a finite number"
                    );
                    return Err(self.wrong(problem));
                }
            }),
            Kind::KnownClasses(known) => {
                let class = match cell::is_missing(text) && !known.iter().any(|class| class == text) {
                    true => UNKNOWN,
                    false => known_class(text, known).ok_or_else(|| {
                        let known = known.join(", ");
                        self.wrong(format!("line {line} has the unknown label '{text}'; expected one of {known}"))
                    })?,
                };
                self.labels.push(class);
            }
            Kind::Classes => {
                let missing = cell::is_missing(text);
                self.labels.push(if missing { UNKNOWN } else { self.classes.place(&cell::canonical(text)) });
            }
        }
        Ok(())
    }

    fn label_name(&self) -> String {
        match self.layout.label {
            Some(column) if self.layout.has_header => self.layout.names[column].clone(),
            _ if self.csv.kind == Kind::Numbers => "y".to_owned(),
            _ => "label".to_owned(),
        }
    }

    fn finish(mut self) -> Result<Table, Error> {
        self.check_words()?;
        let label = self.label()?;
        let width = self.features.len();
        let mut columns = Vec::new();
        for (i, feature) in self.features.into_iter().enumerate() {
            let name = self.layout.names[self.layout.features[i]].clone();
            let categories = feature.dictionary.map(|dictionary| {
                let (categories, places) = in_order(&dictionary.words);
                let column = self.cells.iter_mut().skip(i).step_by(width).filter(|cell| !cell.is_nan());
                column.for_each(|cell| *cell = places[*cell as usize] as f64);
                categories
            });
            columns.push(Column { name, categories });
        }
        self.cells.shrink_to_fit();
        Ok(Table {
            name: self.origin.to_owned(),
            columns,
            cells: self.cells,
            label,
            rows: self.count,
            has_names: self.layout.has_header,
            notes: self.notes,
            kept: self.kept,
        })
    }

    /// An error for all columns that contain words but were not declared to hold categories.
    fn check_words(&self) -> Result<(), Error> {
        let name = |column: usize| match self.layout.has_header {
            true => format!("'{}'", self.layout.names[column]),
            false => (column + 1).to_string(),
        };
        let refused = self.features.iter().zip(&self.layout.features);
        let columns: Vec<_> = refused
            .filter_map(|(feature, &column)| {
                let (line, word) = feature.refused.as_ref()?;
                Some((name(column), *line, word.clone()))
            })
            .collect();
        if columns.is_empty() {
            return Ok(());
        }
        Err(Error::TextColumns { origin: self.origin.to_owned(), columns })
    }

    fn label(&mut self) -> Result<Label, Error> {
        let name = self.label_name();
        if self.layout.label.is_none() {
            return Ok(Label::None);
        }
        let mut labels = std::mem::take(&mut self.labels);
        match &self.csv.kind {
            Kind::None => Ok(Label::None),
            Kind::Numbers => {
                Ok(Label::Numbers { names: vec![name], values: std::mem::take(&mut self.values) })
            }
            Kind::KnownClasses(known) => Ok(Label::Classes { name, classes: known.clone(), labels }),
            Kind::Classes => {
                let (classes, places) = in_order(&self.classes.words);
                let known = labels.iter_mut().filter(|label| **label != UNKNOWN);
                known.for_each(|label| *label = places[*label]);
                check_classes(self.origin, &classes, labels.len())?;
                Ok(Label::Classes { name, classes, labels })
            }
        }
    }
}

/// The class of a label among the known classes; 1.0 is the class 1.
fn known_class(text: &str, known: &[String]) -> Option<usize> {
    let same = |class: &String| cell::canonical(class) == cell::canonical(text);
    known.iter().position(|class| class == text).or_else(|| known.iter().position(same))
}

/// Words in the order of classes and categories, and the position of each word in that order.
fn in_order(words: &[String]) -> (Vec<String>, Vec<usize>) {
    let order = order_names(words);
    let mut places = vec![0; words.len()];
    order.iter().enumerate().for_each(|(place, &word)| places[word] = place);
    (order.into_iter().map(|word| words[word].clone()).collect(), places)
}

/// Refuses labels that are unlikely to be classes.
fn check_classes(origin: &str, classes: &[String], rows: usize) -> Result<(), Error> {
    const FEW: usize = 20;
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| class.parse().ok()).collect();
    let different = classes.len();
    let has_fractions = |numbers: &[f64]| numbers.iter().any(|number| number.fract() != 0.0);
    match numbers {
        Some(numbers) if different > FEW && (different * 5 > rows || has_fractions(&numbers)) => {
            Err(Error::LabelsLikeNumbers { origin: origin.to_owned(), different, rows })
        }
        _ if different > MOST_WORDS => {
            let problem =
                format!("there are {different} different labels; expected at most {MOST_WORDS} classes");
            Err(Error::Data { origin: origin.to_owned(), problem })
        }
        _ => Ok(()),
    }
}
