//! Writes derivatives as Rust or C code from a build script.
//!
//! A function is recorded when the crate is built, and its derivatives are compiled into the crate: at run time they
//! need no dualtape, no allocation and no standard library. With `dualtape` and `dualtape-build` among the
//! `[build-dependencies]`, it takes three lines of `build.rs`:
//!
//! ```no_run
//! # use dualtape::{Differentiable, Float};
//! # fn energy<D: Differentiable<Scalar = f64>>(x: &[D]) -> D { x[0] * x[1].sin() }
//! use dualtape::{Program, codegen::Source};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let program = Program::record(|x| energy(x), &[1.0, 0.5])?;
//!     dualtape_build::rust("energy", &Source::new(&program).inputs(&["length", "angle"]))?;
//!     Ok(())
//! }
//! ```
//!
//! The crate then includes the code in a separate module:
//!
//! ```ignore
//! mod energy {
//!     include!(concat!(env!("OUT_DIR"), "/energy.rs"));
//! }
//!
//! let mut gradient = [0.0; 2];
//! let value = energy::value_and_gradient(&[1.0, 0.5], &mut gradient)?;
//! ```
//!
//! The function may be in a file that both the build script and the crate include (`#[path = "src/energy.rs"] mod
//! energy;`), so that the crate can also evaluate it with any other type of number. If the crate is built for a
//! target without a standard library, [`Source::no_std`] takes the elementary functions from the crate `libm`.

#![forbid(unsafe_code)]

use dualtape::ProgramScalar;
use dualtape::codegen::Source;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Errors that prevent code from being written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The environment names no folder to write to.
    #[error(
        "the environment variable OUT_DIR is not set, so there is no folder for `{file}`; call this in a build script, \
         where cargo sets it"
    )]
    NoFolder {
        /// The file.
        file: String,
    },

    /// The name cannot be used for a file.
    #[error(
        "`{name}` is not a valid name for a source file; use letters, digits and underscores, as for a module"
    )]
    Name {
        /// The name.
        name: String,
    },

    /// The program cannot be turned into code.
    #[error(transparent)]
    Program(#[from] dualtape::Error),

    /// The file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// Writes Rust to `NAME.rs` in the folder that cargo gives to build scripts, and returns the path.
///
/// # Errors
///
/// See the variants of [`Error`].
///
/// ```no_run
/// use dualtape::{Program, codegen::Source};
/// let product = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// dualtape_build::rust("product", &Source::new(&product))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rust<F: ProgramScalar>(name: &str, source: &Source<'_, F>) -> Result<PathBuf, Error> {
    rust_in(&folder(name)?, name, source)
}

/// Writes C to `NAME.c` and `NAME.h` in the folder that cargo gives to build scripts, and returns the path of the
/// first. Pass it to the crate `cc`, for example, with the flag `-ffp-contract=off`.
///
/// # Errors
///
/// See the variants of [`Error`].
///
/// ```no_run
/// use dualtape::{Program, codegen::Source};
/// let product = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// dualtape_build::c("product", &Source::new(&product).prefix("product"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn c<F: ProgramScalar>(name: &str, source: &Source<'_, F>) -> Result<PathBuf, Error> {
    c_in(&folder(name)?, name, source)
}

/// Writes Rust to `NAME.rs` in a folder of your choice, and returns the path.
///
/// # Errors
///
/// All variants of [`Error`] except [`Error::NoFolder`].
///
/// ```
/// use dualtape::{Program, codegen::Source};
/// let product = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// let folder = tempfile::tempdir()?;
/// let path = dualtape_build::rust_in(folder.path(), "product", &Source::new(&product))?;
/// assert!(std::fs::read_to_string(path)?.contains("x[0] * x[1]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rust_in<F: ProgramScalar>(
    folder: &Path,
    name: &str,
    source: &Source<'_, F>,
) -> Result<PathBuf, Error> {
    check(name)?;
    write(folder.join(format!("{name}.rs")), &source.rust()?)
}

/// Writes C to `NAME.c` and `NAME.h` in a folder of your choice, and returns the path of the first.
///
/// # Errors
///
/// All variants of [`Error`] except [`Error::NoFolder`].
///
/// ```
/// use dualtape::{Program, codegen::Source};
/// let product = Program::record(|x| x[0] * x[1], &[1.0_f64, 2.0])?;
/// let folder = tempfile::tempdir()?;
/// dualtape_build::c_in(folder.path(), "product", &Source::new(&product))?;
/// let header = std::fs::read_to_string(folder.path().join("product.h"))?;
/// assert!(header.contains("int value(const double x[2], double *value);"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn c_in<F: ProgramScalar>(folder: &Path, name: &str, source: &Source<'_, F>) -> Result<PathBuf, Error> {
    check(name)?;
    let (code, header) = (source.c()?, source.c_header()?);
    write(folder.join(format!("{name}.h")), &header)?;
    write(folder.join(format!("{name}.c")), &code)
}

/// The folder that cargo gives to build scripts.
fn folder(name: &str) -> Result<PathBuf, Error> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| Error::NoFolder { file: name.to_owned() })
}

fn check(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Name { name: name.to_owned() })
}

fn write(path: PathBuf, text: &str) -> Result<PathBuf, Error> {
    match fs::write(&path, text) {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::File { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dualtape::Program;

    fn product() -> Program<f64> {
        Program::record(|x| x[0] * x[1], &[1.0, 2.0]).expect("it is recorded")
    }

    #[test]
    fn names_that_are_no_module_are_refused() {
        let (folder, program) = (tempfile::tempdir().expect("there is room"), product());
        for name in ["", "a-b", "../a", "1a", "a.rs"] {
            let error = rust_in(folder.path(), name, &Source::new(&program)).expect_err(name);
            assert!(error.to_string().contains(&format!("`{name}` is not a valid name")), "{error}");
        }
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let program = product();
        let error =
            c_in(Path::new("there/is/none"), "product", &Source::new(&program)).expect_err("no folder");
        assert!(error.to_string().contains("there/is/none"), "{error}");
    }
}
