//! What is printed, and how files are written.

use crate::failure::Failure;
use dualtape_nn::files;
use dualtape_plots::Picture;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The first line that could not be printed.
static UNSAID: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line. If that fails, for example because the other end of a pipe was closed, the work continues, and
/// [`check_said`] reports it at the end.
pub(crate) fn say(line: impl Display) {
    let mut unsaid = UNSAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if unsaid.is_none() {
        let mut out = io::stdout().lock();
        *unsaid = writeln!(out, "{line}").and_then(|()| out.flush()).err();
    }
}

/// Reports an error if a line could not be printed.
pub(crate) fn check_said() -> Result<(), Failure> {
    let unsaid = UNSAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    match unsaid {
        None => Ok(()),
        Some(error) => Err(Failure::Failed(format!(
            "cannot write to standard output: {error}; everything else was done"
        ))),
    }
}

/// Prints a message to standard error. If that fails, there is nobody left to tell.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a result to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Failure::Failed(format!("cannot write to standard output: {error}")))
}

/// Refuses a picture's path if it does not end in .png or .svg, or if the file exists and must not be overwritten.
pub(crate) fn check_picture(path: &Path, svg_too: bool, overwrite: bool) -> Result<(), Failure> {
    match path.extension().and_then(|end| end.to_str()) {
        Some("png") if svg_too => {
            check_free(path, overwrite)?;
            check_free(&path.with_extension("svg"), overwrite)
        }
        Some("png" | "svg") => check_free(path, overwrite),
        _ => Err(Failure::Usage(format!(
            "--output is {}; expected a file ending in .png or .svg",
            path.display()
        ))),
    }
}

/// Draws a picture into a file: as SVG if the name ends in .svg, otherwise as PNG, and with `svg_too` also as SVG beside
/// it. Returns the paths of the files.
pub(crate) fn draw(picture: &dyn Picture, path: &Path, svg_too: bool) -> Result<Vec<PathBuf>, Failure> {
    let size = picture.natural_size();
    let wrong = |path: &Path, error: dualtape_plots::Error| Failure::write(path, error.to_string());
    let svg = path.with_extension("svg");
    let mut written = Vec::new();
    if svg != path {
        let bytes = picture.png(size).map_err(|error| wrong(path, error))?;
        files::replace(path, &bytes)?;
        written.push(path.to_owned());
    }
    if svg_too || svg == path {
        let text = picture.svg(size).map_err(|error| wrong(&svg, error))?;
        files::replace(&svg, text.as_bytes())?;
        written.push(svg);
    }
    Ok(written)
}

/// A number with four digits after the point, or in scientific notation if it is very large or small.
pub(crate) fn reading(number: f64) -> String {
    if number == 0.0 || (1e-3..1e5).contains(&number.abs()) {
        format!("{number:.4}")
    } else {
        format!("{number:.3e}")
    }
}

/// A word, quoted for a shell if necessary.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Refuses a file that exists, unless it may be overwritten.
pub(crate) fn check_free(path: &Path, overwrite: bool) -> Result<(), Failure> {
    // Writing to a device or a pipe loses nothing; a dangling link counts as existing.
    let is_there = path.symlink_metadata().is_ok();
    let is_stream = path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
    if overwrite || !is_there || is_stream {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::Usage(format!(
        "{path} exists already; expected --overwrite to replace it, or another --output"
    )))
}

/// Refuses to write a file that the command also reads, even with --overwrite.
pub(crate) fn check_not_read(path: &Path, reads: &Path) -> Result<(), Failure> {
    match (path.canonicalize(), reads.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(Failure::Usage(format!(
            "{} would be both read and written; expected another --output",
            path.display()
        ))),
        _ => Ok(()),
    }
}
