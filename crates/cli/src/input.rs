//! The data of a command: a built-in data set, a file, or standard input.

use crate::failure::Failure;
use crate::ranks::Ranks;
use dualtape_nn::data::{self, Csv, Table};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

/// The name that means standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// Whether this is the name of a built-in data set rather than a file.
pub(crate) fn is_named(data: &str) -> bool {
    data::NAMES.contains(&data) && !Path::new(data).is_file()
}

/// Reads data. On a terminal, a bar shows how far it has come.
pub(crate) fn table(data: &str, csv: &Csv, seed: u64, ranks: &mut Ranks) -> Result<Table, Failure> {
    // A file of that name may be visible to some processes only.
    if ranks.ask_first(|| is_named(data))? {
        return Ok(data::named(data, seed)?.into());
    }
    if data == STANDARD_INPUT {
        let name = "standard input";
        let shared = ranks.share(|| {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        });
        return match shared.map_err(|source| Failure::read(Path::new(name), source))? {
            Some(shared) => Ok(csv.table(name, &|| Ok(shared.open()))?),
            None => Ok(csv.table(name, &standard_input())?),
        };
    }
    let path = Path::new(data);
    let looks_like_a_path = path.exists() || path.components().count() > 1 || path.extension().is_some();
    if !looks_like_a_path && ranks.leads() {
        return Err(unknown(data, seed));
    }
    if let Some(shared) = ranks.share_file(path).map_err(|source| Failure::read(path, source))? {
        return Ok(csv.table(data, &|| Ok(shared.open()))?);
    }
    let open = || -> io::Result<Box<dyn Read>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Box::new(bar(data, length).wrap_read(file)))
    };
    Ok(csv.table(data, &open)?)
}

/// Standard input can be read only once.
fn standard_input() -> impl Fn() -> io::Result<Box<dyn Read>> {
    let opened = Cell::new(false);
    move || {
        if opened.replace(true) {
            let problem = "the text is not UTF-8; expected its encoding to be given, as in --encoding latin1";
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(Box::new(bar("standard input", 0).wrap_read(io::stdin())))
    }
}

/// A progress bar: shown only on a terminal, and removed when it is dropped.
fn bar(what: &str, length: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = if length > 0 {
        "reading {msg}  {bar:25}  {bytes} of {total_bytes}  {eta} left"
    } else {
        "reading {msg}  {bytes}"
    };
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    let bar = if length > 0 { ProgressBar::new(length) } else { ProgressBar::no_length() };
    bar.with_style(style).with_message(what.to_owned()).with_finish(indicatif::ProgressFinish::AndClear)
}

/// An error for an unknown data set, with a suggestion if a similar name exists.
fn unknown(data: &str, seed: u64) -> Failure {
    let error = match data::named(data, seed) {
        Err(error) => Failure::from(error),
        Ok(_) => {
            Failure::Failed(format!("{data} is a built-in data set, but something else has that name here"))
        }
    };
    match crate::suggestion::nearest(data, data::NAMES) {
        Some(name) => Failure::Failed(format!("{}; did you mean {name}?", error.message())),
        None => error,
    }
}
