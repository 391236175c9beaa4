//! The positions of the entries of a sparse matrix.

use crate::Error;

/// The places of a sparse matrix that may hold a nonzero number: row after row, with increasing columns in each.
///
/// It is the structure of the compressed-row format (CSR) that sparse matrix crates share: the columns of row i are
/// `indices()[starts()[i]..starts()[i + 1]]`. A value goes with each place, in this order.
///
/// ```
/// use dualtape::sparse::Pattern;
/// let arrow = Pattern::from_entries(3, 3, [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2)])?;
/// assert_eq!((arrow.row(0), arrow.row(1)), (&[0, 1, 2][..], &[1][..]));
/// assert_eq!((arrow.starts(), arrow.indices()), (&[0, 3, 4, 5][..], &[0, 1, 2, 1, 2][..]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    columns: usize,
    starts: Vec<u32>,
    indices: Vec<u32>,
}

impl Pattern {
    /// The pattern of a matrix given by the columns of each row, in any order and with repetitions.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] if a column is not below `columns`, or there are 2³² or more entries.
    ///
    /// ```
    /// use dualtape::{Error, sparse::Pattern};
    /// let pattern = Pattern::from_rows(4, [vec![3, 0], vec![], vec![1, 1]])?;
    /// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(0, 0), (0, 3), (2, 1)]);
    /// assert!(matches!(Pattern::from_rows(4, [[4]]), Err(Error::NotAPattern { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_rows<R: IntoIterator<Item = usize>>(
        columns: usize,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Self, Error> {
        let mut pattern = Self::without_rows(columns)?;
        for row in rows {
            let first = pattern.indices.len();
            for column in row {
                if column >= columns {
                    let place = format!("column {column} of row {}", pattern.rows());
                    return Err(not_a_pattern(format!("{place} is outside of {columns} columns")));
                }
                pattern.indices.push(column as u32);
            }
            pattern.indices[first..].sort_unstable();
            let kept = first + dedup(&mut pattern.indices[first..]);
            pattern.indices.truncate(kept);
            pattern.end_row()?;
        }
        Ok(pattern)
    }

    /// The pattern of a matrix with the given numbers of rows and columns, given by the places (row, column) of its
    /// entries, in any order and with repetitions.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] if a place is outside the matrix, or there are 2³² or more entries.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// let corners = Pattern::from_entries(3, 3, [(2, 2), (0, 0)])?;
    /// assert_eq!(corners.entries().collect::<Vec<_>>(), [(0, 0), (2, 2)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn from_entries(
        rows: usize,
        columns: usize,
        entries: impl IntoIterator<Item = (usize, usize)>,
    ) -> Result<Self, Error> {
        let mut by_row = vec![Vec::new(); rows];
        for (row, column) in entries {
            let Some(columns) = by_row.get_mut(row) else {
                return Err(not_a_pattern(format!("row {row} is outside of {rows} rows")));
            };
            columns.push(column);
        }
        Self::from_rows(columns, by_row)
    }

    /// The pattern in compressed-row format: the start of each row, a last number for the end of all rows, and the
    /// columns.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] unless the starts begin at 0, never decrease and end at the number of indices, and the
    /// columns of each row increase and are below `columns`.
    ///
    /// ```
    /// use dualtape::{Error, sparse::Pattern};
    /// let pattern = Pattern::from_compressed(3, vec![0, 2, 3], vec![0, 2, 1])?;
    /// assert_eq!((pattern.rows(), pattern.len()), (2, 3));
    /// let falling = Pattern::from_compressed(3, vec![0, 2], vec![2, 0]);
    /// assert_eq!(
    ///     falling.unwrap_err().to_string(),
    ///     "this is not the pattern of a sparse matrix: the columns of row 0 do not rise"
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_compressed(columns: usize, starts: Vec<u32>, indices: Vec<u32>) -> Result<Self, Error> {
        Self::without_rows(columns)?;
        let ends = (starts.first().copied(), starts.last().map(|&last| last as usize));
        if ends != (Some(0), Some(indices.len())) || !starts.is_sorted() {
            let numbers = indices.len();
            return Err(not_a_pattern(format!(
                "its row offsets must start at 0, never decrease and end at {numbers}"
            )));
        }
        let pattern = Self { columns, starts, indices };
        for row in 0..pattern.rows() {
            if !pattern.row(row).is_sorted_by(|a, b| a < b) {
                return Err(not_a_pattern(format!("the columns of row {row} do not rise")));
            }
            if let Some(column) = pattern.row(row).last().filter(|&&column| column as usize >= columns) {
                let place = format!("column {column} of row {row}");
                return Err(not_a_pattern(format!("{place} is outside of {columns} columns")));
            }
        }
        Ok(pattern)
    }

    /// All places of a matrix.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] for 2³² or more entries.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::dense(2, 3)?.len(), 6);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn dense(rows: usize, columns: usize) -> Result<Self, Error> {
        if rows as u128 * columns as u128 > u128::from(u32::MAX) {
            return Err(not_a_pattern(format!("{rows} times {columns} entries are more than 2³² − 1")));
        }
        Self::from_rows(columns, (0..rows).map(|_| 0..columns))
    }

    /// No rows so far, and the given number of columns.
    pub(crate) fn without_rows(columns: usize) -> Result<Self, Error> {
        if u32::try_from(columns).is_err() {
            return Err(not_a_pattern(format!("{columns} columns are more than 2³² − 1")));
        }
        Ok(Self { columns, starts: vec![0], indices: Vec::new() })
    }

    /// Appends a row of increasing columns.
    pub(crate) fn push_row(&mut self, columns: impl IntoIterator<Item = u32>) -> Result<(), Error> {
        self.indices.extend(columns);
        debug_assert!(self.indices[self.starts[self.rows()] as usize..].is_sorted_by(|a, b| a < b));
        self.end_row()
    }

    fn end_row(&mut self) -> Result<(), Error> {
        let Ok(end) = u32::try_from(self.indices.len()) else {
            return Err(not_a_pattern("it has 2³² entries or more".into()));
        };
        self.starts.push(end);
        Ok(())
    }

    /// The number of rows.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::from_entries(3, 4, [])?.rows(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of columns.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::from_entries(3, 4, [])?.columns(), 4);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of entries.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::from_entries(3, 4, [(0, 1), (2, 0)])?.len(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are no entries.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert!(Pattern::from_entries(3, 4, [])?.is_empty());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The columns of the entries of a row, in increasing order.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::from_entries(1, 4, [(0, 3), (0, 1)])?.row(0), [1, 3]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn row(&self, row: usize) -> &[u32] {
        &self.indices[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// The start of each row among the indices; a last number gives the end of all rows.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::from_entries(2, 4, [(0, 3), (0, 1)])?.starts(), [0, 2, 2]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The columns of all entries, row after row.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::from_entries(2, 4, [(1, 0), (0, 3), (0, 1)])?.indices(), [1, 3, 0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The places (row, column) of the entries, in order.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// let pattern = Pattern::from_entries(2, 4, [(1, 0), (0, 3)])?;
    /// assert_eq!(pattern.entries().collect::<Vec<_>>(), [(0, 3), (1, 0)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.rows()).flat_map(|row| self.row(row).iter().map(move |&column| (row, column as usize)))
    }

    /// The number of the entry at a place, which is also the index of its value; `None` if there is no entry.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// let pattern = Pattern::from_entries(2, 4, [(1, 0), (0, 3)])?;
    /// assert_eq!((pattern.position(1, 0), pattern.position(0, 0)), (Some(1), None));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn position(&self, row: usize, column: usize) -> Option<usize> {
        if row >= self.rows() {
            return None;
        }
        let column = u32::try_from(column).ok()?;
        let within = self.row(row).binary_search(&column).ok()?;
        Some(self.starts[row] as usize + within)
    }

    /// The pattern of the transposed matrix. Its rows are the columns of this one, as in the compressed-column format
    /// (CSC).
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// let pattern = Pattern::from_entries(2, 3, [(0, 2), (1, 2), (1, 0)])?;
    /// assert_eq!(pattern.transposed().entries().collect::<Vec<_>>(), [(0, 1), (2, 0), (2, 1)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    #[must_use]
    pub fn transposed(&self) -> Self {
        self.transposed_with_order().0
    }

    /// The transposed pattern, and for each of its entries the number of the entry of this one.
    pub(crate) fn transposed_with_order(&self) -> (Self, Vec<u32>) {
        let mut starts = vec![0; self.columns + 1];
        for &column in &self.indices {
            starts[column as usize + 1] += 1;
        }
        for column in 0..self.columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let (mut indices, mut order) = (vec![0; self.len()], vec![0; self.len()]);
        for (entry, (row, column)) in self.entries().enumerate() {
            let place = next[column] as usize;
            next[column] += 1;
            (indices[place], order[place]) = (row as u32, entry as u32);
        }
        (Self { columns: self.rows(), starts, indices }, order)
    }

    /// Whether the pattern is that of a symmetric matrix.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert!(Pattern::from_entries(2, 2, [(0, 1), (1, 0)])?.is_symmetric());
    /// assert!(!Pattern::from_entries(2, 2, [(0, 1)])?.is_symmetric());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn is_symmetric(&self) -> bool {
        self.rows() == self.columns && *self == self.transposed()
    }

    /// The pattern of all places that are entries of this pattern, or of its transpose.
    pub(crate) fn symmetric(self) -> Result<Self, Error> {
        let transposed = self.transposed();
        if self == transposed { Ok(self) } else { self.union(&transposed) }
    }

    /// The places on the diagonal of a matrix with the given number of rows and columns.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] for 2³² or more rows.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// assert_eq!(Pattern::diagonal(2)?.entries().collect::<Vec<_>>(), [(0, 0), (1, 1)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn diagonal(n: usize) -> Result<Self, Error> {
        Self::from_rows(n, (0..n).map(|row| [row]))
    }

    /// The places that are entries of this pattern or of another pattern of the same shape.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if the other pattern has another number of rows or columns, and [`Error::NotAPattern`] for
    /// 2³² or more entries.
    ///
    /// ```
    /// use dualtape::{Program, program::Wrt, sparse::{Pattern, SparseJacobian}};
    /// // With room for a shift of the diagonal, which the Jacobian has not all of.
    /// let program = Program::record(|x| [x[1], x[0] * x[0]], &[1.0_f64; 2])?;
    /// let pattern = program.jacobian_pattern(Wrt::Both)?.union(&Pattern::diagonal(2)?)?;
    /// let plan = SparseJacobian::plan(&program, Wrt::Both, pattern)?;
    /// let mut values = [0.0; 4];
    /// plan.evaluate(&mut plan.workspace(), &[3.0, 4.0], &mut [0.0; 2], &mut values)?;
    /// assert_eq!(values, [0.0, 1.0, 6.0, 0.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn union(&self, other: &Self) -> Result<Self, Error> {
        Error::check_length("other pattern: its rows", "row", self.rows(), other.rows())?;
        Error::check_length("list of columns of the other pattern", "column", self.columns, other.columns)?;
        let both = |row: usize| [self.row(row), other.row(row)].concat();
        let rows = (0..self.rows()).map(|row| both(row).into_iter().map(|column| column as usize));
        Self::from_rows(self.columns, rows)
    }

    /// Whether all entries of another pattern of the same shape are entries of this one.
    ///
    /// ```
    /// use dualtape::sparse::Pattern;
    /// let diagonal = Pattern::from_entries(2, 2, [(0, 0), (1, 1)])?;
    /// assert!(Pattern::dense(2, 2)?.contains(&diagonal) && !diagonal.contains(&Pattern::dense(2, 2)?));
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn contains(&self, other: &Self) -> bool {
        self.first_missing(other).is_none() && (self.rows(), self.columns) == (other.rows(), other.columns)
    }

    /// Refuses values unless there is one for each entry.
    pub(crate) fn check_values(&self, given: usize) -> Result<(), Error> {
        Error::check_length("slice of values", "entry", self.len(), given)
    }

    /// The first place of another pattern that is not an entry of this one.
    pub(crate) fn first_missing(&self, other: &Self) -> Option<(usize, usize)> {
        other.entries().find(|&(row, column)| self.position(row, column).is_none())
    }
}

fn not_a_pattern(reason: String) -> Error {
    Error::NotAPattern { reason }
}

/// Moves the first of equal neighbours to the front, and returns how many there are.
pub(super) fn dedup(sorted: &mut [u32]) -> usize {
    let mut kept = 0;
    for index in 0..sorted.len() {
        if kept == 0 || sorted[kept - 1] != sorted[index] {
            sorted[kept] = sorted[index];
            kept += 1;
        }
    }
    kept
}
