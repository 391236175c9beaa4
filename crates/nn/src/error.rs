//! Errors. Each says what was given and what was expected.

use std::io;
use std::path::PathBuf;

/// An error of this crate.
///
/// ```
/// let wrong = dualtape_nn::Mlp::new(&[4], dualtape_nn::Activation::Tanh);
/// assert_eq!(wrong.unwrap_err().to_string(), "the layer sizes are [4]; expected at least two sizes, none of them 0");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A loss is too large to record, or a recorded loss was evaluated with an argument of the wrong size.
    #[error(transparent)]
    Program(#[from] dualtape::Error),
    /// A setting is out of its range.
    #[error("the {what} is {given}; expected {expected}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Layer sizes that do not make a network.
    #[error("the layer sizes are {given:?}; expected at least two sizes, none of them 0")]
    Sizes {
        /// What was given.
        given: Vec<usize>,
    },
    /// A network with more parameters than this crate allows.
    #[error("a network of sizes {given:?} has too many parameters; expected at most {most}")]
    TooLarge {
        /// The sizes.
        given: Vec<usize>,
        /// The largest number of parameters.
        most: usize,
    },
    /// Something has the wrong number of elements.
    #[error("{what}: {given} given, {expected} expected")]
    Shape {
        /// What has the wrong size.
        what: String,
        /// The size it has.
        given: usize,
        /// The size it should have.
        expected: usize,
    },
    /// The name of a data set that does not exist.
    #[error(
        "there is no data set '{name}'; expected digits, iris, moons, circles, spirals, or the path of a CSV \
             file"
    )]
    UnknownDataset {
        /// The name that was given.
        name: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder to which another run is writing.
    #[error("another run is writing {}; wait for it, or choose another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// Data that cannot be parsed or used.
    #[error("{origin}: {problem}")]
    Data {
        /// The file or data set.
        origin: String,
        /// Where the problem is, what it is, and what was expected.
        problem: String,
    },

    /// Columns of a table contain words, but were not declared to hold categories.
    #[error("{origin}: {}; expected finite numbers", text_columns(columns))]
    TextColumns {
        /// Where the data come from.
        origin: String,
        /// The name of each column, quoted, or its number; the line of its first word; and that word.
        columns: Vec<(String, u64, String)>,
    },

    /// The labels are numbers, and too many of them differ for them to be classes.
    #[error(
        "{origin}: the labels of {rows} rows are {different} different numbers; expected classes, or a regression"
    )]
    LabelsLikeNumbers {
        /// Where the data come from.
        origin: String,
        /// How many different labels there are.
        different: usize,
        /// How many rows there are.
        rows: usize,
    },

    /// Values are missing, and no treatment for them was chosen.
    #[error("{origin}: {rows} row{} of {of} {} missing values: {}; expected none", if *rows == 1 { "" } else { "s" },
            if *rows == 1 { "has" } else { "have" }, counts(columns))]
    MissingValues {
        /// Where the data come from.
        origin: String,
        /// How many rows have a missing value.
        rows: usize,
        /// How many rows there are.
        of: usize,
        /// The columns, and how many values are missing in each.
        columns: Vec<(String, usize)>,
    },
    /// A file with a model or a checkpoint that is damaged, or does not fit.
    #[error("{} cannot be used: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A model whose tensors cannot be saved in one file, because of their names.
    #[error(
        "the model has a tensor named '{name}'; expected a different name for each, other than '__metadata__', and none that \
         begins with 'trainer/'"
    )]
    TensorName {
        /// The name.
        name: String,
    },
    /// A gradient that cannot be clipped by its norm.
    #[error("the norm of the gradient is {norm}; expected a finite one, to clip the gradient by it")]
    NonFiniteNorm {
        /// The norm.
        norm: f64,
    },
    /// The loss or its gradient became NaN or infinite. The parameters are the last ones for which both were finite.
    #[error(
        "the {what} became {value} in epoch {epoch}, batch {batch}; training stopped before that step and kept \
         the last parameters for which it was finite (a lower rate or clipping may help)"
    )]
    NotFinite {
        /// The loss or the gradient.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch in that epoch, counted from 1.
        batch: usize,
    },
    /// Several processes failed to work together.
    #[error("{problem}")]
    Parallel {
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// A minimisation failed.
    #[error("the minimisation failed: {problem}")]
    Minimize {
        /// Why.
        problem: String,
    },
    /// Worker threads could not be started.
    #[error("cannot start {threads} worker threads: {source}")]
    Threads {
        /// How many were requested.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
}

/// The largest number of columns that a message names.
const NAMED: usize = 8;

fn text_columns(columns: &[(String, u64, String)]) -> String {
    let place = |(column, line, word): &(String, u64, String)| {
        let short: String = word.chars().take(40).collect();
        let cause = crate::data::cause(word);
        format!("column {column} has text, such as '{short}' in line {line}{cause}")
    };
    let mut named: Vec<String> = columns.iter().take(NAMED).map(place).collect();
    if columns.len() > NAMED {
        named.push(format!("and so have {} more", columns.len() - NAMED));
    }
    named.join("; ")
}

fn counts(columns: &[(String, usize)]) -> String {
    let mut named: Vec<String> =
        columns.iter().take(NAMED).map(|(name, count)| format!("{count} in {name}")).collect();
    if columns.len() > NAMED {
        named.push(format!("and some in {} more columns", columns.len() - NAMED));
    }
    named.join(", ")
}
