//! sprs: sparse matrices of derivatives as sprs matrices, without a copy.

use crate::Error;
use crate::sparse::{Columns, Pattern};
use sprs::CsMatViewI;

/// The matrix with these values at the entries of the pattern, in its order: a view in compressed rows that borrows
/// both. sprs checks all entries.
///
/// For a symmetric matrix, such as a Hessian, `transpose_view` is the matrix itself in compressed columns.
///
/// # Errors
///
/// [`Error::Length`] if there is not one value for each entry.
///
/// ```
/// use dualtape::{integrations::sprs::matrix, sparse::Pattern};
/// let pattern = Pattern::from_entries(2, 3, [(0, 2), (1, 0)])?;
/// let values = [1.0, 2.0];
/// let matrix = matrix(&pattern, &values)?;
/// assert_eq!((matrix.shape(), matrix.get(0, 2), matrix.get(0, 0)), ((2, 3), Some(&1.0), None));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn matrix<'a, T>(pattern: &'a Pattern, values: &'a [T]) -> Result<CsMatViewI<'a, T, u32>, Error> {
    pattern.check_values(values.len())?;
    let shape = (pattern.rows(), pattern.columns());
    Ok(CsMatViewI::new(shape, pattern.starts(), pattern.indices(), values))
}

/// The matrix in compressed columns, with these values in the order of its columns (see [`Columns::gather`]): a view that
/// borrows both.
///
/// # Errors
///
/// [`Error::Length`] if there is not one value for each entry.
///
/// ```
/// use dualtape::{integrations::sprs::matrix_by_columns, sparse::{Columns, Pattern}};
/// let pattern = Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 0)])?;
/// let (columns, mut by_columns) = (Columns::of(&pattern), [0.0; 3]);
/// columns.gather(&[1.0, 2.0, 3.0], &mut by_columns)?;
/// let matrix = matrix_by_columns(&columns, &by_columns)?;
/// assert!(matrix.is_csc() && matrix.get(0, 1) == Some(&2.0) && matrix.get(1, 0) == Some(&3.0));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn matrix_by_columns<'a, T>(
    columns: &'a Columns,
    values: &'a [T],
) -> Result<CsMatViewI<'a, T, u32>, Error> {
    let by_columns = columns.transposed();
    by_columns.check_values(values.len())?;
    let shape = (by_columns.columns(), by_columns.rows());
    Ok(CsMatViewI::new_csc(shape, by_columns.starts(), by_columns.indices(), values))
}
