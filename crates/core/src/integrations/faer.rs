//! faer: sparse matrices of derivatives as faer matrices, without a copy.
//!
//! A [`Pattern`] is in compressed rows, and so is [`matrix`], but faer's sparse solvers take compressed columns. In a
//! symmetric matrix, such as a Hessian, the rows are also the columns, and `matrix(…)?.transpose()` is the matrix
//! itself in compressed columns. For other matrices, such as a Jacobian, [`Columns`] first copies the values into the
//! order of the columns, and [`matrix_by_columns`] is a view of them. For JᵀJ, `matrix(…)?.transpose()` is Jᵀ.
//!
//! The feature provides faer's matrices. To factorise them, depend on faer with its feature `sparse-linalg`, as the
//! examples `brusselator`, `bundle_adjustment` and `optimal_control` do.

use crate::Error;
use crate::sparse::{Columns, Pattern};
use faer::sparse::{SparseColMatRef, SparseRowMatRef, SymbolicSparseRowMatRef};

/// The pattern as faer's type. faer requires a check of all entries: in a loop, keep the result, and give it values
/// with faer's `SparseRowMatRef::new`.
///
/// ```
/// use dualtape::{integrations::faer::symbolic, sparse::Pattern};
/// use faer::sparse::SparseRowMatRef;
///
/// let pattern = Pattern::from_entries(2, 3, [(0, 2), (1, 0)])?;
/// let symbolic = symbolic(&pattern);
/// for values in [[1.0, 2.0], [3.0, 4.0]] {
///     let matrix = SparseRowMatRef::new(symbolic, &values);
///     assert_eq!(matrix.get(0, 2), Some(&values[0]));
/// }
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn symbolic(pattern: &Pattern) -> SymbolicSparseRowMatRef<'_, u32> {
    let (rows, columns) = (pattern.rows(), pattern.columns());
    SymbolicSparseRowMatRef::new_checked(rows, columns, pattern.starts(), None, pattern.indices())
}

/// The matrix with these values at the entries of the pattern, in its order. Both are borrowed.
///
/// # Errors
///
/// [`Error::Length`] if there is not one value for each entry.
///
/// ```
/// use dualtape::{integrations::faer::matrix, sparse::Pattern};
/// let pattern = Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 0)])?;
/// let values = [1.0, 2.0, 2.0];
/// let matrix = matrix(&pattern, &values)?;
/// assert_eq!((matrix.get(0, 1), matrix.get(1, 1)), (Some(&2.0), None));
/// // It is symmetric, so this is the same in compressed columns.
/// assert_eq!(matrix.transpose().get(0, 1), Some(&2.0));
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn matrix<'a, T>(pattern: &'a Pattern, values: &'a [T]) -> Result<SparseRowMatRef<'a, u32, T>, Error> {
    pattern.check_values(values.len())?;
    Ok(SparseRowMatRef::new(symbolic(pattern), values))
}

/// The matrix in compressed columns, with these values in the order of its columns; see [`Columns::gather`]. Both are
/// borrowed.
///
/// # Errors
///
/// [`Error::Length`] if there is not one value for each entry.
///
/// ```
/// use dualtape::{integrations::faer::matrix_by_columns, sparse::{Columns, Pattern}};
/// let pattern = Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 0)])?;
/// let (columns, mut by_columns) = (Columns::of(&pattern), [0.0; 3]);
/// columns.gather(&[1.0, 2.0, 3.0], &mut by_columns)?;
/// let matrix = matrix_by_columns(&columns, &by_columns)?;
/// assert_eq!((matrix.get(0, 1), matrix.get(1, 0)), (Some(&2.0), Some(&3.0)));
/// assert_eq!(matrix.val_of_col(0), [1.0, 3.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
pub fn matrix_by_columns<'a, T>(
    columns: &'a Columns,
    values: &'a [T],
) -> Result<SparseColMatRef<'a, u32, T>, Error> {
    Ok(matrix(columns.transposed(), values)?.transpose())
}
