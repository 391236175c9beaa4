//! Reads entries from products, by tables that are made once.

use super::substitution::{self, Step};
use super::{Colouring, ColouringKind, NONE, Repeats, check_symmetric};
use crate::sparse::Pattern;
use crate::{Error, Scalar};

/// The number of a product from which an entry is read.
///
/// ```
/// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, Source};
/// let pattern = Pattern::from_entries(1, 2, [(0, 1)])?;
/// let colouring = Colouring::new(&pattern, ColouringKind::Rows, Order::Natural)?;
/// assert_eq!(colouring.recovery(&pattern)?.source(0), Source::Rows { colour: 0, column: 1 });
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The number for a row, in the product with the columns of a colour.
    Columns {
        /// The column colour.
        colour: usize,
        /// The row.
        row: usize,
    },
    /// The number for a column, in the product with the rows of a colour.
    Rows {
        /// The row colour.
        colour: usize,
        /// The column.
        column: usize,
    },
}

/// How the entries of a pattern are read from the products of a [`Colouring`], as tables: a loop that reads a number
/// for each entry, and for acyclic colourings a loop that subtracts known entries.
///
/// Entries that mirror each other in a symmetric matrix get the same bits, because both are read from one place.
///
/// ```
/// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
/// // Three numbers in a row, each joined with the next: two products, one subtraction.
/// let chain = Pattern::from_rows(3, [vec![0, 1], vec![0, 1, 2], vec![1, 2]])?;
/// let colouring = Colouring::new(&chain, ColouringKind::Acyclic, Order::Natural)?;
/// let recovery = colouring.recovery(&chain)?;
/// let entries = [1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0];
/// let mut values = [0.0; 7];
/// recovery.recover(&colouring.compress(&chain, &entries)?, &mut values)?;
/// assert_eq!((colouring.products(), values), (2, entries));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    layout: Layout,
    /// For each entry, its place among all products, one after the other.
    positions: Vec<u32>,
    /// What is subtracted afterwards, in this order.
    steps: Vec<Step>,
    /// The entries that steps subtract.
    terms: Vec<u32>,
}

impl Recovery {
    /// The total length of all products: the number of rows for each column colour, plus the number of columns for
    /// each row colour.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::dense(4, 2)?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
    /// assert_eq!(colouring.recovery(&pattern)?.compressed_len(), 2 * 4);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn compressed_len(&self) -> usize {
        self.layout.len()
    }

    /// For each entry of the pattern, its place in the compressed matrix, which is the products one after the other.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::dense(2, 2)?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
    /// assert_eq!(colouring.recovery(&pattern)?.positions(), [0, 2, 1, 3]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// Which number of which product an entry is read from.
    ///
    /// # Panics
    ///
    /// If there is no such entry.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, Source};
    /// let pattern = Pattern::dense(2, 2)?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
    /// assert_eq!(colouring.recovery(&pattern)?.source(3), Source::Columns { colour: 1, row: 1 });
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn source(&self, entry: usize) -> Source {
        self.source_at(self.positions[entry])
    }

    /// Which number of which product is at a position.
    pub(crate) fn source_at(&self, position: u32) -> Source {
        self.layout.source(position as usize)
    }

    /// The number of subtractions: 0 unless the colouring is acyclic.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::dense(2, 2)?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Star, Order::Natural)?;
    /// assert_eq!(colouring.recovery(&pattern)?.subtractions(), 0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn subtractions(&self) -> usize {
        self.terms.len()
    }

    /// Writes the entries of the matrix, in the order of the pattern, from its products, one after the other.
    /// Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there are not [`compressed_len`](Self::compressed_len) numbers, or not as many values as
    /// entries.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::from_entries(2, 2, [(0, 0), (1, 1)])?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
    /// let mut values = [0.0; 2];
    /// colouring.recovery(&pattern)?.recover(&[3.0, 4.0], &mut values)?;
    /// assert_eq!(values, [3.0, 4.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn recover<T: Scalar>(&self, compressed: &[T], values: &mut [T]) -> Result<(), Error> {
        Error::check_length("compressed matrix", "place of a product", self.layout.len(), compressed.len())?;
        self.recover_by(|entry| compressed[self.positions[entry] as usize], values)
    }

    /// The same, given a function for the number from which each entry is read.
    #[inline]
    pub(crate) fn recover_by<T: Scalar>(
        &self,
        read: impl Fn(usize) -> T,
        values: &mut [T],
    ) -> Result<(), Error> {
        Error::check_length("matrix", "entry of the pattern", self.positions.len(), values.len())?;
        values.iter_mut().enumerate().for_each(|(entry, value)| *value = read(entry));
        let mut start = 0;
        for step in &self.steps {
            let mut value = values[step.entry as usize];
            for &term in &self.terms[start..step.end as usize] {
                value -= values[term as usize];
            }
            (values[step.entry as usize], values[step.mirror as usize]) = (value, value);
            start = step.end as usize;
        }
        Ok(())
    }
}

/// The places of products in the compressed matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    rows: usize,
    columns: usize,
    column_colours: usize,
    row_colours: usize,
}

impl Layout {
    fn len(&self) -> usize {
        self.column_colours * self.rows + self.row_colours * self.columns
    }

    /// For a layout whose length fits.
    pub(crate) fn in_columns(&self, colour: u32, row: usize) -> u32 {
        (colour as usize * self.rows + row) as u32
    }

    fn in_rows(&self, colour: u32, column: usize) -> u32 {
        (self.column_colours * self.rows + colour as usize * self.columns + column) as u32
    }

    fn source(&self, position: usize) -> Source {
        match position.checked_sub(self.column_colours * self.rows) {
            None => Source::Columns { colour: position / self.rows, row: position % self.rows },
            Some(place) => Source::Rows { colour: place / self.columns, column: place % self.columns },
        }
    }
}

pub(crate) fn recovery(colouring: &Colouring, pattern: &Pattern) -> Result<Recovery, Error> {
    colouring.check_shape(pattern)?;
    let (rows, columns) = (pattern.rows(), pattern.columns());
    let (column_colours, row_colours) = (colouring.column_colours(), colouring.row_colours());
    let layout = Layout { rows, columns, column_colours, row_colours };
    let numbers = column_colours as u128 * rows as u128 + row_colours as u128 * columns as u128;
    if numbers > u128::from(u32::MAX) {
        let reason = format!("its products have {numbers} numbers, more than the limit of 2³² − 1");
        return Err(colouring.kind().refused(reason));
    }
    let (transposed, order) = pattern.transposed_with_order();
    if colouring.kind().is_symmetric() {
        check_symmetric(pattern, &transposed)?;
    }
    let colours = &colouring.columns.colours;
    if colouring.kind() == ColouringKind::Acyclic {
        let (positions, steps, terms) = substitution::plan(pattern, &order, colours, layout)?;
        return Ok(Recovery { layout, positions, steps, terms });
    }
    let alone = alone_in_rows(pattern, colours);
    let positions = if colouring.kind() == ColouringKind::Star {
        mirrored(pattern, &order, colours, &alone, layout)
    } else {
        from_both(pattern, (&transposed, &order), colouring, &alone, layout)
    };
    let positions = positions.map_err(|place| unread(colouring.kind(), place))?;
    Ok(Recovery { layout, positions, steps: Vec::new(), terms: Vec::new() })
}

/// The error for an entry that no product gives.
pub(crate) fn unread(kind: ColouringKind, (row, column): (usize, usize)) -> Error {
    kind.refused(format!("no product shows the entry at row {row}, column {column}"))
}

/// An entry that is alone with its column's colour in its row is read there, and any other as its mirror image. `Err`
/// has the place of an entry that is in neither.
fn mirrored(
    pattern: &Pattern,
    mirrors: &[u32],
    colours: &[u32],
    alone: &[bool],
    layout: Layout,
) -> Result<Vec<u32>, (usize, usize)> {
    let source = |(entry, (row, column)): (usize, (usize, usize))| {
        // The same place for both entries of a pair.
        let (first, second) = (entry.min(mirrors[entry] as usize), entry.max(mirrors[entry] as usize));
        let (low, high) = (row.min(column), row.max(column));
        // The first of a pair is above the diagonal, in the row with the lower number.
        match (alone[first], alone[second]) {
            (true, _) => Ok(layout.in_columns(colours[high], low)),
            (_, true) => Ok(layout.in_columns(colours[low], high)),
            _ => Err((row, column)),
        }
    };
    pattern.entries().enumerate().map(source).collect()
}

/// An entry that is alone with its column's colour in its row is read there, and any other in the product with its
/// row's colour. `Err` has the place of an entry that is in neither.
fn from_both(
    pattern: &Pattern,
    (transposed, order): (&Pattern, &[u32]),
    colouring: &Colouring,
    alone_in_row: &[bool],
    layout: Layout,
) -> Result<Vec<u32>, (usize, usize)> {
    let (columns, rows) = (&colouring.columns.colours, &colouring.rows.colours);
    let mut alone_in_column = vec![false; pattern.len()];
    if colouring.row_colours() > 0 {
        for (place, alone) in alone_in_rows(transposed, rows).into_iter().enumerate() {
            alone_in_column[order[place] as usize] = alone;
        }
    }
    let source = |(entry, (row, column)): (usize, (usize, usize))| {
        if alone_in_row[entry] {
            Ok(layout.in_columns(columns[column], row))
        } else if alone_in_column[entry] {
            Ok(layout.in_rows(rows[row], column))
        } else {
            Err((row, column))
        }
    };
    pattern.entries().enumerate().map(source).collect()
}

/// For each entry, whether its column has a colour that no other entry of its row has.
pub(crate) fn alone_in_rows(pattern: &Pattern, colours: &[u32]) -> Vec<bool> {
    let mut met = Repeats::default();
    let mut alone = Vec::with_capacity(pattern.len());
    for row in 0..pattern.rows() {
        let coloured = pattern.row(row).iter().map(|&column| colours[column as usize]);
        coloured.clone().filter(|&colour| colour != NONE).for_each(|colour| met.count(colour, row as u32));
        alone.extend(coloured.map(|colour| colour != NONE && !met.several(colour, row as u32)));
    }
    alone
}
