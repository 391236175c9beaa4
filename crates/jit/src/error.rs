//! What can go wrong.

use std::fmt::Display;

/// An error of a compilation or a call.
///
/// ```
/// let error = dualtape_jit::Error::Length { what: "inputs", expected: 2, given: 3 };
/// assert_eq!(error.to_string(), "the code needs 2 inputs, not 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No code can be made of the program, or it has no such quantity.
    #[error(transparent)]
    Program(#[from] dualtape::Error),

    /// The machine code cannot vouch for a result at this point; ask the program.
    #[error(
        "the machine code has no outcome here: the function takes another branch, or is at a singular point; ask the program"
    )]
    Refused,

    /// A slice has the wrong length.
    #[error("the code needs {expected} {what}, not {given}")]
    Length {
        /// The argument.
        what: &'static str,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        given: usize,
    },

    /// Cranelift makes no code for this processor.
    #[error("no machine code can be made for this processor: {reason}")]
    Processor {
        /// What Cranelift says.
        reason: String,
    },

    /// An operation that this crate does not know.
    #[error("no machine code is known for the operation {operation}; please report it")]
    Unknown {
        /// The operation.
        operation: String,
    },

    /// A routine reads or writes beyond its memory.
    #[error("the routine has no such place: {place}; please report it")]
    OutOfPlace {
        /// The place.
        place: String,
    },

    /// Cranelift refuses what this crate has written, or has no memory for it.
    #[error("Cranelift made no machine code: {reason}")]
    Cranelift {
        /// What it says.
        reason: String,
    },
}

impl Error {
    pub(crate) fn processor(reason: impl Display) -> Self {
        Self::Processor { reason: reason.to_string() }
    }

    pub(crate) fn cranelift(reason: impl std::fmt::Debug) -> Self {
        Self::Cranelift { reason: format!("{reason:?}") }
    }
}
