//! What can be wrong with what a caller passes.

/// An error of a driver.
///
/// ```
/// use dualtape::{Error, jvp};
/// let wrong = jvp(|x| vec![x[0] * x[1]], &[1.0, 2.0], &[1.0]);
/// assert_eq!(wrong.unwrap_err().to_string(), "the tangent needs 2 numbers, one for each input, not 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice has the wrong length.
    #[error("the {what} needs {expected} numbers, one for each {per}, not {given}")]
    Length {
        /// The argument.
        what: &'static str,
        /// What it must match in number.
        per: &'static str,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        given: usize,
    },
}

impl Error {
    pub(crate) fn check_length(
        what: &'static str,
        per: &'static str,
        expected: usize,
        given: usize,
    ) -> Result<(), Self> {
        if given == expected { Ok(()) } else { Err(Self::Length { what, per, expected, given }) }
    }
}
