//! nalgebra-sparse: sparse matrices of derivatives as nalgebra-sparse matrices; the values are moved into them.
//!
//! nalgebra-sparse counts in `usize` and owns its matrices, so a [`Pattern`] is converted, once. In a loop, keep the matrix
//! and write the next values into its `values_mut()`, which are in the pattern's order:
//!
//! ```
//! use dualtape::{Forward, integrations::nalgebra_sparse::matrix, sparse::jacobian_pattern};
//!
//! // Two functions of one number each: a diagonal, found in one direction.
//! let (_, pattern) = jacobian_pattern(|x| vec![x[0] * x[0], x[1] * 3.0], &[1.0, 2.0])?;
//! let mut jacobian = matrix(&pattern, vec![0.0; pattern.len()])?;
//! let mut forward: Forward<f64> = Forward::new();
//! for x in [[1.0, 2.0], [5.0, 6.0]] {
//!     let f = |x: &[_], y: &mut [_]| y.copy_from_slice(&[x[0] * x[0], x[1] * 3.0]);
//!     forward.jvp(f, &x, &[1.0; 2], &mut [0.0; 2], jacobian.values_mut())?;
//!     assert_eq!(jacobian.values(), [2.0 * x[0], 3.0]);
//! }
//! # Ok::<(), dualtape::Error>(())
//! ```

use crate::Error;
use crate::sparse::{Columns, Pattern};
use nalgebra_sparse::pattern::SparsityPattern;
use nalgebra_sparse::{CscMatrix, CsrMatrix};

/// The pattern as a nalgebra-sparse type.
///
/// ```
/// use dualtape::{integrations::nalgebra_sparse::sparsity, sparse::Pattern};
/// let sparsity = sparsity(&Pattern::from_entries(2, 3, [(0, 2), (1, 0)])?);
/// assert_eq!((sparsity.major_dim(), sparsity.minor_dim(), sparsity.lane(0)), (2, 3, &[2][..]));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn sparsity(pattern: &Pattern) -> SparsityPattern {
    let wide = |numbers: &[u32]| numbers.iter().map(|&number| number as usize).collect();
    let (rows, columns) = (pattern.rows(), pattern.columns());
    let made = SparsityPattern::try_from_offsets_and_indices(
        rows,
        columns,
        wide(pattern.starts()),
        wide(pattern.indices()),
    );
    made.expect("a pattern has what this type requires: increasing offsets and indices, within bounds")
}

/// The matrix with these values at the entries of the pattern, in its order. The values are moved.
///
/// # Errors
///
/// [`Error::Length`] if there is not one value for each entry.
///
/// ```
/// use dualtape::{integrations::nalgebra_sparse::matrix, sparse::Pattern};
/// let pattern = Pattern::from_entries(2, 3, [(0, 2), (1, 0)])?;
/// let matrix = matrix(&pattern, vec![1.0, 2.0])?;
/// assert_eq!(matrix.get_entry(0, 2).unwrap().into_value(), 1.0);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn matrix<T>(pattern: &Pattern, values: Vec<T>) -> Result<CsrMatrix<T>, Error> {
    pattern.check_values(values.len())?;
    Ok(CsrMatrix::try_from_pattern_and_values(sparsity(pattern), values).expect("a value for each entry"))
}

/// The matrix in compressed columns, with these values in the order of its columns; see [`Columns::gather`]. The values are
/// moved.
///
/// # Errors
///
/// [`Error::Length`] if there is not one value for each entry.
///
/// ```
/// use dualtape::{integrations::nalgebra_sparse::matrix_by_columns, sparse::{Columns, Pattern}};
/// let pattern = Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 0)])?;
/// let (columns, mut by_columns) = (Columns::of(&pattern), vec![0.0; 3]);
/// columns.gather(&[1.0, 2.0, 3.0], &mut by_columns)?;
/// let matrix = matrix_by_columns(&columns, by_columns)?;
/// assert_eq!(matrix.col(0).values(), [1.0, 3.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn matrix_by_columns<T>(columns: &Columns, values: Vec<T>) -> Result<CscMatrix<T>, Error> {
    let by_columns = columns.transposed();
    by_columns.check_values(values.len())?;
    Ok(CscMatrix::try_from_pattern_and_values(sparsity(by_columns), values).expect("a value for each entry"))
}
