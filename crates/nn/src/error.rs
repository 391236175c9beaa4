//! What can go wrong, each naming what was given and what was expected.

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
    /// A recorded loss does not fit, or was evaluated with something of the wrong size.
    #[error(transparent)]
    Program(#[from] dualtape::Error),
    /// A setting is out of its range.
    #[error("the {what} is {given}; expected {expected}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// What was given.
        given: String,
        /// What would do.
        expected: &'static str,
    },
    /// Layer sizes that make no network.
    #[error("the layer sizes are {given:?}; expected at least two sizes, none of them 0")]
    Sizes {
        /// What was given.
        given: Vec<usize>,
    },
    /// A network with more parameters than make sense here.
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
    /// A data set that is not embedded.
    #[error(
        "there is no data set '{name}'; expected digits, iris, moons, circles, spirals, or the path of a CSV \
             file"
    )]
    UnknownDataset {
        /// What was asked for.
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
    /// A folder that another run writes.
    #[error("another run is writing {}; wait for it, or choose another folder", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// Data that cannot be understood.
    #[error("{origin}: {problem}")]
    Data {
        /// The file or data set.
        origin: String,
        /// Where and what, and what was expected.
        problem: String,
    },
    /// A file of a model or checkpoint that is damaged, or does not fit.
    #[error("{} cannot be used: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A gradient that cannot be clipped by its norm.
    #[error("the norm of the gradient is {norm}; expected a finite one, to clip by")]
    NonFiniteNorm {
        /// The norm.
        norm: f64,
    },
    /// The loss or its gradient became NaN or infinite. The parameters are the last for which it was finite.
    #[error(
        "the {what} became {value} in epoch {epoch}, batch {batch}; training stopped before that step and keeps \
         the last parameters with a finite one (a lower rate or a clip may help)"
    )]
    NotFinite {
        /// Loss or gradient.
        what: &'static str,
        /// What it became.
        value: f64,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch in that epoch, counted from 1.
        batch: usize,
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
        /// How many were asked for.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
}
