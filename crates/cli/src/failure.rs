//! Errors and the exit codes they lead to.

use dualtape_nn::Error;
use std::io;
use std::path::Path;

/// What went wrong, as a message of one line. The variant determines the exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request makes no sense: code 2, as for usage errors of other tools.
    Usage(String),
    /// The request could not be carried out: code 1.
    Failed(String),
    /// The data are at fault: code 1. A caller may add a hint to the message.
    Data(Error),
    /// The user stopped the program, and the message says how to continue: code 130, as is usual in shells.
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

    /// An error for a file that cannot be written.
    pub(crate) fn write(path: &Path, problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Write { path: path.to_owned(), source: io::Error::other(problem) }.into()
    }

    /// An error for a file that cannot be read.
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
