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

/// Prints a line. If that fails, as when the other end of a pipe was closed, what is being done goes on, and
/// [`check_said`] tells in the end.
pub(crate) fn say(line: impl Display) {
    let mut unsaid = UNSAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if unsaid.is_none() {
        let mut out = io::stdout().lock();
        *unsaid = writeln!(out, "{line}").and_then(|()| out.flush()).err();
    }
}

/// Whether all was printed.
pub(crate) fn check_said() -> Result<(), Failure> {
    let unsaid = UNSAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    match unsaid {
        None => Ok(()),
        Some(error) => {
            Err(Failure::Failed(format!("cannot write to standard output: {error}; all else was done")))
        }
    }
}

/// Prints a line for the user that is no result. Nobody is left to tell if that fails.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints text that is the result.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Failure::Failed(format!("cannot write to standard output: {error}")))
}

/// Refuses a picture's file that ends in neither .png nor .svg, or is there and not to be overwritten.
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

/// Draws a picture into a file, as SVG if its name says so and as PNG otherwise, and if asked for, as SVG beside it;
/// returns the files.
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

/// Four digits after the point while that can be read.
pub(crate) fn reading(number: f64) -> String {
    if number == 0.0 || (1e-3..1e5).contains(&number.abs()) {
        format!("{number:.4}")
    } else {
        format!("{number:.3e}")
    }
}

/// As a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Refuses a file that is there, unless it is to be overwritten.
pub(crate) fn check_free(path: &Path, overwrite: bool) -> Result<(), Failure> {
    // A device or a pipe has nothing to lose; a link that leads nowhere is there.
    let is_there = path.symlink_metadata().is_ok();
    let is_stream = path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
    if overwrite || !is_there || is_stream {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::Usage(format!(
        "{path} is there already; expected --overwrite to replace it, or another --output"
    )))
}

/// Refuses a file that a command reads and nobody means to replace, even if files are to be overwritten.
pub(crate) fn check_not_read(path: &Path, reads: &Path) -> Result<(), Failure> {
    match (path.canonicalize(), reads.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => Err(Failure::Usage(format!(
            "{} would be read and written; expected another --output",
            path.display()
        ))),
        _ => Ok(()),
    }
}
