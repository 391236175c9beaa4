//! The order of a matrix by columns.

use super::Pattern;
use crate::Error;

/// How the values of a matrix in compressed rows, the order of its [`Pattern`], are reordered to compressed columns
/// (CSC), which many solvers require.
///
/// It is computed once; [`gather`](Self::gather) then reorders values without allocation.
///
/// ```
/// use dualtape::sparse::{Columns, Pattern};
/// let pattern = Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 0)])?;
/// let columns = Columns::of(&pattern);
/// let mut by_columns = [' '; 3];
/// columns.gather(&['a', 'b', 'c'], &mut by_columns)?;
/// assert_eq!(by_columns, ['a', 'c', 'b']);
/// assert_eq!(columns.transposed(), &pattern.transposed());
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Columns {
    transposed: Pattern,
    /// For each entry in the order of columns, its number in the order of rows.
    order: Vec<u32>,
}

impl Columns {
    /// The order of a matrix with this pattern.
    ///
    /// ```
    /// use dualtape::sparse::{Columns, Pattern};
    /// assert_eq!(Columns::of(&Pattern::dense(2, 3)?).transposed().rows(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn of(pattern: &Pattern) -> Self {
        let (transposed, order) = pattern.transposed_with_order();
        Self { transposed, order }
    }

    /// The pattern of the transposed matrix, whose rows are the columns of this one: the start of each, and the rows
    /// of its entries.
    ///
    /// ```
    /// use dualtape::sparse::{Columns, Pattern};
    /// let columns = Columns::of(&Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 0)])?);
    /// assert_eq!(columns.transposed().row(0), [0, 1]); // the rows of the entries of column 0
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn transposed(&self) -> &Pattern {
        &self.transposed
    }

    /// Writes values in the order of rows into `by_columns`, in the order of columns.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `values` or `by_columns` does not have a number for each entry.
    ///
    /// ```
    /// use dualtape::{Error, sparse::{Columns, Pattern}};
    /// let columns = Columns::of(&Pattern::dense(2, 2)?);
    /// let mut by_columns = [0.0; 4];
    /// columns.gather(&[1.0, 2.0, 3.0, 4.0], &mut by_columns)?;
    /// assert_eq!(by_columns, [1.0, 3.0, 2.0, 4.0]);
    /// assert!(matches!(columns.gather(&[1.0], &mut by_columns), Err(Error::Length { expected: 4, given: 1, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn gather<T: Copy>(&self, values: &[T], by_columns: &mut [T]) -> Result<(), Error> {
        self.transposed.check_values(values.len())?;
        self.transposed.check_values(by_columns.len())?;
        for (value, &entry) in by_columns.iter_mut().zip(&self.order) {
            *value = values[entry as usize];
        }
        Ok(())
    }
}
