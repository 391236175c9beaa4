//! How the program ends when it does not succeed.

use dualtape_nn::Error;
use std::io;
use std::path::Path;

/// What went wrong, in one line, by the code that the program ends with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for cannot be: code 2, as with other tools' usage errors.
    Usage(String),
    /// What was asked for could not be done: code 1.
    Failed(String),
    /// So it is with data, which somebody may know more about.
    Data(Error),
    /// Somebody stopped it, and was told how to go on: code 130, as shells have it.
    Interrupted(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) | Self::Data(_) => 1,
            Self::Interrupted(_) => 130,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message) | Self::Failed(message) | Self::Interrupted(message) => message.clone(),
            Self::Data(error) => error.to_string(),
        }
    }

    /// A file that cannot be written.
    pub(crate) fn write(path: &Path, problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Write { path: path.to_owned(), source: io::Error::other(problem) }.into()
    }

    /// A file that cannot be read.
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Error::Read { path: path.to_owned(), source }.into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Setting { .. } => Self::Usage(error.to_string()),
            Error::TextColumns { .. } | Error::MissingValues { .. } | Error::LabelsLikeNumbers { .. } => {
                Self::Data(error)
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<dualtape_plots::Error> for Failure {
    fn from(error: dualtape_plots::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<dualtape::Error> for Failure {
    fn from(error: dualtape::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
