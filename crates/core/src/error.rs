//! Errors in what a caller passes.

/// An error of a driver, a recording or a replay.
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
        /// What the length must match: there must be one number for each.
        per: &'static str,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        given: usize,
    },

    /// A structure does not have the tensors that are expected; see [`parameters`](crate::parameters).
    #[error("{}", tensor_message(what, name, expected.as_deref(), given.as_deref()))]
    Tensor {
        /// The structure.
        what: &'static str,
        /// The name of the first tensor that differs.
        name: String,
        /// The shape it should have; `None` if there should be no tensor of this name.
        expected: Option<Vec<usize>>,
        /// The shape it has; `None` if there is no tensor of this name.
        given: Option<Vec<usize>>,
    },

    /// The orders of a mixed derivative do not add up to the order of its series.
    #[error(
        "the orders of a mixed derivative must add up to the order of the series, {expected}, not to {given}"
    )]
    Order {
        /// The order of the series.
        expected: usize,
        /// The sum of the given orders.
        given: usize,
    },

    /// At this point, the function takes another branch than where it was recorded. The guard names its place in the
    /// source, unless the program was saved.
    #[error(
        "at point {point}, the function takes another branch than where it was recorded: {guard}; write the choice \
         with `select`, which records both sides, or keep a program for each path with `Compiled`"
    )]
    BranchChanged {
        /// The point, counted from 0.
        point: usize,
        /// The number of the guard, counted from 0 in the order of recording.
        number: usize,
        /// The recorded predicate and its outcome, and the present values.
        guard: String,
    },

    /// The recording is larger than allowed.
    #[error(
        "the recording takes more than {limit} nodes and operands; record a part of it, or raise the limit"
    )]
    TooLarge {
        /// The limit.
        limit: usize,
    },

    /// A dense matrix of derivatives takes more memory than allowed.
    #[error(
        "a dense {what} of {rows} rows and {columns} columns takes {bytes} bytes, more than the limit of {limit}; compute \
         only the entries that are not zero, by `sparse::Sparse{what}`, or allow more by the driver's `_within` form"
    )]
    DenseTooLarge {
        /// The matrix: a Jacobian or a Hessian.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// The bytes it would take.
        bytes: u128,
        /// The bytes it may take.
        limit: usize,
    },

    /// The bound for clipping gradients is not positive.
    #[error("gradients can be clipped to a positive norm only, not to {given}")]
    Bound {
        /// The bound.
        given: String,
    },

    /// Two numbers with derivatives were equal when a function was recorded, and the function branched on that.
    #[error(
        "the function was recorded where {guard}, and the two numbers may differ elsewhere: what holds only for equal \
         numbers would be differentiated as if it held around them; record at another point, use `select`, compare plain \
         values (`x.value() == y.value()`), or allow it with `Recording::allow_equalities`"
    )]
    EqualityHeld {
        /// The comparison.
        guard: String,
    },

    /// A recorded function is too large to be written out or drawn.
    #[error("the function is too large to show: more than {limit} {what}; show a part of it")]
    TooLargeToShow {
        /// What there is too much of: nodes or characters.
        what: &'static str,
        /// The largest number allowed.
        limit: usize,
    },

    /// Bytes that are not a program, or are damaged.
    #[error("these bytes are not a saved program: {reason}")]
    NotAProgram {
        /// What is wrong with them.
        reason: String,
    },

    /// No code can be generated from a program.
    #[error("no code can be made of this program: {reason}")]
    NotCompilable {
        /// What prevents it.
        reason: String,
    },

    /// A custom rule has no value at this point.
    #[error("the rule `{rule}` has no value here: {reason}")]
    Rule {
        /// The name of the rule.
        rule: &'static str,
        /// What prevented it.
        reason: String,
    },

    /// These points do not define a function.
    #[error("this table does not define a function: {reason}")]
    NotATable {
        /// What is wrong with them.
        reason: String,
    },

    /// A pattern lacks an entry that may be nonzero.
    #[error(
        "the pattern has no entry at row {row}, column {column}, where the derivative may be other than zero; add it, or \
         plan with `trusting` if you know that it is zero"
    )]
    OutsidePattern {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
    },

    /// These places are not the pattern of a sparse matrix.
    #[error("this is not the pattern of a sparse matrix: {reason}")]
    NotAPattern {
        /// What is wrong with them.
        reason: String,
    },

    /// A pattern for a symmetric colouring is not symmetric.
    #[error(
        "star and acyclic colourings need a symmetric pattern, and this one of {rows} rows and {columns} columns is \
         not symmetric: {reason}; colour its columns, its rows or both, or add the missing entries to the pattern"
    )]
    NotSymmetric {
        /// The number of rows.
        rows: usize,
        /// The number of columns.
        columns: usize,
        /// What is wrong with it.
        reason: String,
    },

    /// These colours do not determine all entries of a pattern.
    #[error("these colours are no {kind} colouring of this pattern: {reason}")]
    NotAColouring {
        /// The kind of colouring.
        kind: &'static str,
        /// What is wrong with them.
        reason: String,
    },

    /// A program with custom rules cannot be saved.
    #[error(
        "a program that calls the rule `{rule}` cannot be saved, as the rule is code; record it again instead"
    )]
    NotSavable {
        /// The name of the rule.
        rule: &'static str,
    },

    /// A driver for functions of one output was given a program with another number of outputs.
    #[error("this needs a program with one output, not {given}")]
    NotOneOutput {
        /// The number of outputs.
        given: usize,
    },
}

fn tensor_message(what: &str, name: &str, expected: Option<&[usize]>, given: Option<&[usize]>) -> String {
    match (expected, given) {
        (Some(expected), Some(given)) => {
            format!("the tensor `{name}` of the {what} needs the shape {expected:?}, not {given:?}")
        }
        (Some(expected), None) => {
            format!("the {what} needs a tensor `{name}` of shape {expected:?}, and has none of that name")
        }
        (None, given) => {
            let shape = given.unwrap_or_default();
            format!("the {what} has a tensor `{name}` of shape {shape:?}, where no such tensor is expected")
        }
    }
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

    /// The same, with another number for the point of a batch.
    pub(crate) fn with_point(self, renumbered: impl FnOnce(usize) -> usize) -> Self {
        match self {
            Self::BranchChanged { point, number, guard } => {
                Self::BranchChanged { point: renumbered(point), number, guard }
            }
            other => other,
        }
    }

    /// The same, at another point of a batch.
    pub(crate) fn at_point(self, point: usize) -> Self {
        self.with_point(|_| point)
    }

    /// The same, after the given number of earlier points.
    pub(crate) fn later(self, points: usize) -> Self {
        self.with_point(|point| points + point)
    }
}
