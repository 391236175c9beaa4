//! Colourings of sparse matrices: which columns or rows can be computed in one product, and how the entries are read
//! from the products.

mod acyclic;
mod bidirectional;
mod bounds;
mod check;
mod distance_two;
mod graph;
mod neutral;
mod order;
mod recovery;
mod star;
mod substitution;

use super::Pattern;
use crate::{Error, Scalar};
pub use order::Order;
pub use recovery::{Recovery, Source};

/// The colour of a vertex without a colour; also stands for no vertex.
const NONE: u32 = u32::MAX;

/// Below this many entries, debug builds check every colouring against its definition.
const CHECKED_ENTRIES: usize = 10_000;

/// What is coloured, and how entries are read from the products.
///
/// ```
/// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
/// // An arrow: a full row, a full column and the diagonal. Only its columns or only its rows all need their own colour.
/// let arrow = Pattern::from_rows(9, (0..9).map(|i| if i == 0 { (0..9).collect() } else { vec![0, i] }))?;
/// let products = |kind| Ok(Colouring::best(&arrow, kind, &Order::ALL)?.products());
/// assert_eq!(products(ColouringKind::Columns)?, 9);
/// assert_eq!(products(ColouringKind::Rows)?, 9);
/// assert_eq!(products(ColouringKind::Bidirectional)?, 3);
/// assert_eq!(products(ColouringKind::Star)?, 2); // if the matrix is symmetric as well
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColouringKind {
    /// Columns: no two of one colour have an entry in the same row. Products of the matrix with a vector give all
    /// entries, as forward mode computes them for a Jacobian. A partial distance-2 colouring (Gebremedhin, Manne and
    /// Pothen 2005).
    Columns,
    /// Rows: no two of one colour have an entry in the same column. Products of a vector with the matrix give all
    /// entries, as reverse mode computes them for a Jacobian.
    Rows,
    /// Columns and rows: each entry is given by a product with columns or by a product with rows; some columns and
    /// rows have no colour (a star bicolouring: Montoison, Dalle and Gebremedhin 2025).
    Bidirectional,
    /// Columns of a symmetric matrix: a product gives each entry or its mirror image (star colouring: Gebremedhin,
    /// Manne and Pothen 2005).
    Star,
    /// Columns of a symmetric matrix: each entry is a number of a product minus entries known before. This needs
    /// fewer products than [`Star`](Self::Star), at the price of the subtractions, in which rounding errors
    /// accumulate (acyclic colouring: Gebremedhin, Tarafdar, Pothen and Walther 2009).
    Acyclic,
}

impl ColouringKind {
    /// All of them.
    ///
    /// ```
    /// use dualtape::sparse::ColouringKind;
    /// assert!(ColouringKind::ALL.contains(&ColouringKind::Star));
    /// ```
    pub const ALL: [Self; 5] = [Self::Columns, Self::Rows, Self::Bidirectional, Self::Star, Self::Acyclic];

    /// Whether the matrix must be symmetric.
    ///
    /// ```
    /// use dualtape::sparse::ColouringKind;
    /// assert!(ColouringKind::Acyclic.is_symmetric() && !ColouringKind::Bidirectional.is_symmetric());
    /// ```
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Star | Self::Acyclic)
    }

    /// The kinds whose colourings are also of this kind, and may need fewer colours when they are found greedily.
    fn stricter(self) -> &'static [Self] {
        match self {
            Self::Columns | Self::Rows | Self::Acyclic => &[],
            Self::Bidirectional => &[Self::Columns, Self::Rows],
            Self::Star => &[Self::Columns],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Columns => "column",
            Self::Rows => "row",
            Self::Bidirectional => "bidirectional",
            Self::Star => "star",
            Self::Acyclic => "acyclic",
        }
    }

    fn refused(self, reason: String) -> Error {
        Error::NotAColouring { kind: self.name(), reason }
    }
}

/// Colours of the columns or rows of a sparse matrix, such that all entries can be read from one product for each
/// colour.
///
/// There are [`column_colours`](Self::column_colours) products with columns and then
/// [`row_colours`](Self::row_colours) products with rows; either number may be 0:
///
/// - The product of column colour c is A·s, where s is 1 in the columns of that colour and 0 elsewhere: as many numbers as A
///   has rows, number i being the sum of A\[i\]\[j\] over the columns j of the colour.
/// - The product of row colour r is sᵀ·A, where s is 1 in the rows of that colour: as many numbers as A has columns, number
///   j being the sum of A\[i\]\[j\] over the rows i of the colour.
///
/// One after the other, the products are the compressed matrix, from which [`recovery`](Self::recovery) reads the
/// entries. The colouring does not depend on how the products are computed. Columns and rows without entries have no
/// colour.
///
/// ```
/// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
/// let pattern = Pattern::from_rows(4, [vec![0, 1], vec![1, 2], vec![2, 3]])?;
/// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
/// assert_eq!((colouring.columns_of(0), colouring.columns_of(1)), (&[0, 2][..], &[1, 3][..]));
///
/// let entries = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let compressed = [1.0, 4.0, 5.0, /* and of the second colour */ 2.0, 3.0, 6.0];
/// assert_eq!(colouring.compress(&pattern, &entries)?, compressed);
/// let mut values = [0.0; 6];
/// colouring.recovery(&pattern)?.recover(&compressed, &mut values)?;
/// assert_eq!(values, entries);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colouring {
    kind: ColouringKind,
    columns: Classes,
    rows: Classes,
}

impl Colouring {
    /// Colours a pattern greedily, in the given order.
    ///
    /// The time is about that of visiting all pairs of entries that share a row (for columns) or a column (for rows);
    /// for star and acyclic colourings, that of visiting the colours around each neighbour.
    ///
    /// # Errors
    ///
    /// [`Error::NotSymmetric`] for a star or acyclic colouring of a pattern that is not symmetric.
    ///
    /// ```
    /// use dualtape::{Error, sparse::{Colouring, ColouringKind, Order, Pattern}};
    /// let pattern = Pattern::from_entries(2, 2, [(0, 0), (0, 1), (1, 1)])?;
    /// assert_eq!(Colouring::new(&pattern, ColouringKind::Rows, Order::Natural)?.products(), 2);
    /// let star = Colouring::new(&pattern, ColouringKind::Star, Order::Natural);
    /// assert!(matches!(star, Err(Error::NotSymmetric { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(pattern: &Pattern, kind: ColouringKind, order: Order) -> Result<Self, Error> {
        Ok(Self::of_prepared(&Prepared::new(pattern, kind)?, kind, order))
    }

    /// The colouring with the fewest colours among the given orders, the first of them if there are ties.
    ///
    /// A colouring of columns is also a star colouring, and a colouring of columns or of rows is also a bidirectional
    /// one: if these kinds may need fewer colours, they are tried too. It stops when fewer colours are not possible,
    /// for example if a row has as many entries as there are column colours. Without orders, it uses the natural one.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let band = Pattern::from_rows(9, (0..9_usize).map(|i| i.saturating_sub(2)..9.min(i + 3)))?;
    /// assert_eq!(Colouring::best(&band, ColouringKind::Star, &Order::ALL)?.products(), 5);
    /// assert_eq!(Colouring::best(&band, ColouringKind::Acyclic, &Order::ALL)?.products(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn best(pattern: &Pattern, kind: ColouringKind, orders: &[Order]) -> Result<Self, Error> {
        let orders = if orders.is_empty() { &[Order::Natural] } else { orders };
        let prepared = Prepared::new(pattern, kind)?;
        let first = Self::of_prepared(&prepared, kind, orders[0]);
        let best = first.improved(&prepared, kind, &orders[1..]);
        Ok(kind.stricter().iter().fold(best, |best, &stricter| best.improved(&prepared, stricter, orders)))
    }

    /// This colouring, or the first with fewer colours from the given orders; they are tried while fewer colours are
    /// possible.
    fn improved(self, prepared: &Prepared<'_>, stricter: ColouringKind, orders: &[Order]) -> Self {
        let mut best = self;
        if orders.is_empty() {
            return best;
        }
        let bound = bounds::lower_bound(prepared.pattern, stricter);
        for &order in orders {
            if best.products() <= bound {
                break;
            }
            let other = Self::of_prepared(prepared, stricter, order);
            if other.products() < best.products() {
                best = other;
            }
        }
        best
    }

    /// A colouring in the given order, of a kind that may be stricter than the kind prepared for.
    fn of_prepared(prepared: &Prepared<'_>, stricter: ColouringKind, order: Order) -> Self {
        let [columns, rows] = prepared.colours(stricter, order);
        let (columns, rows) = (Classes::new(columns), Classes::new(rows));
        let colouring = Self { kind: prepared.kind, columns, rows };
        if cfg!(debug_assertions) && prepared.pattern.len() < CHECKED_ENTRIES {
            let checked = colouring.check(prepared.pattern);
            debug_assert_eq!(checked, Ok(()), "{order:?}");
        }
        colouring
    }

    /// Your own colouring: the colour of each column and of each row, counted from 0. A column or row without a
    /// colour has `None`; if only columns are coloured, all rows have `None`, and the other way round.
    ///
    /// # Errors
    ///
    /// [`Error::NotAColouring`] if the colours do not determine all entries, as [`check`](Self::check) finds, or are
    /// not below the number of columns and rows; [`Error::NotSymmetric`] as for [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::{Error, sparse::{Colouring, ColouringKind, Pattern}};
    /// let pattern = Pattern::from_rows(3, [vec![0, 1], vec![1, 2]])?;
    /// let colours = |third| [Some(0), Some(1), Some(third)];
    /// let own = Colouring::from_colours(&pattern, ColouringKind::Columns, &colours(0), &[None; 2])?;
    /// assert_eq!(own.products(), 2);
    /// let wrong = Colouring::from_colours(&pattern, ColouringKind::Columns, &colours(1), &[None; 2]);
    /// assert_eq!(
    ///     wrong.unwrap_err().to_string(),
    ///     "these colours are no column colouring of this pattern: columns 1 and 2 of colour 1 meet in row 1"
    /// );
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_colours(
        pattern: &Pattern,
        kind: ColouringKind,
        columns: &[Option<usize>],
        rows: &[Option<usize>],
    ) -> Result<Self, Error> {
        let number = |colours: &[Option<usize>]| {
            let number = |colour: &Option<usize>| match *colour {
                Some(colour) if colour >= colours.len() => {
                    let vertices = colours.len();
                    Err(kind.refused(format!("colour {colour} is more than {vertices} columns or rows need")))
                }
                colour => Ok(colour.map_or(NONE, |colour| colour as u32)),
            };
            colours.iter().map(number).collect::<Result<Vec<u32>, Error>>()
        };
        let (columns, rows) = (Classes::new(number(columns)?), Classes::new(number(rows)?));
        let colouring = Self { kind, columns, rows };
        colouring.check(pattern)?;
        Ok(colouring)
    }

    /// Checks the colouring against its definition, entry by entry, however it was made.
    ///
    /// # Errors
    ///
    /// [`Error::NotAColouring`] if the products do not give some entry of the pattern, or the pattern has another
    /// shape; [`Error::NotSymmetric`] as for [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let diagonal = Pattern::from_entries(2, 2, [(0, 0), (1, 1)])?;
    /// let colouring = Colouring::new(&diagonal, ColouringKind::Columns, Order::Natural)?;
    /// assert!(colouring.check(&diagonal).is_ok() && colouring.check(&Pattern::dense(2, 2)?).is_err());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn check(&self, pattern: &Pattern) -> Result<(), Error> {
        check::check(self, pattern)
    }

    /// How the entries of the pattern are read from the products.
    ///
    /// # Errors
    ///
    /// [`Error::NotAColouring`] if this is not a colouring of the pattern, or the products have 2³² or more numbers;
    /// [`Error::NotSymmetric`] as for [`new`](Self::new).
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, Source};
    /// let pattern = Pattern::from_entries(2, 3, [(0, 0), (1, 1), (1, 2)])?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
    /// let recovery = colouring.recovery(&pattern)?;
    /// assert_eq!(recovery.source(2), Source::Columns { colour: 1, row: 1 });
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn recovery(&self, pattern: &Pattern) -> Result<Recovery, Error> {
        recovery::recovery(self, pattern)
    }

    /// The products of a matrix, one after the other, summed from its entries in the order of the pattern.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if there is not one value for each entry; [`Error::NotAColouring`] if the pattern has
    /// another shape.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::dense(1, 2)?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Rows, Order::Natural)?;
    /// assert_eq!(colouring.compress(&pattern, &[3.0, 4.0])?, [3.0, 4.0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn compress<T: Scalar>(&self, pattern: &Pattern, values: &[T]) -> Result<Vec<T>, Error> {
        self.check_shape(pattern)?;
        Error::check_length("matrix", "entry of the pattern", pattern.len(), values.len())?;
        let (rows, columns) = (pattern.rows(), pattern.columns());
        let first_row_product = self.column_colours() * rows;
        let mut compressed = vec![T::zero(); first_row_product + self.row_colours() * columns];
        for ((row, column), &value) in pattern.entries().zip(values) {
            if let Some(colour) = self.column_colour(column) {
                compressed[colour * rows + row] += value;
            }
            if let Some(colour) = self.row_colour(row) {
                compressed[first_row_product + colour * columns + column] += value;
            }
        }
        Ok(compressed)
    }

    /// What is coloured.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let colouring = Colouring::new(&Pattern::dense(1, 2)?, ColouringKind::Rows, Order::Natural)?;
    /// assert_eq!(colouring.kind(), ColouringKind::Rows);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn kind(&self) -> ColouringKind {
        self.kind
    }

    /// The number of products: column colours and row colours together.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let dense = Pattern::dense(2, 3)?;
    /// assert_eq!(Colouring::new(&dense, ColouringKind::Columns, Order::Natural)?.products(), 3);
    /// assert_eq!(Colouring::new(&dense, ColouringKind::Rows, Order::Natural)?.products(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn products(&self) -> usize {
        self.column_colours() + self.row_colours()
    }

    /// The number of column colours.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let colouring = Colouring::new(&Pattern::dense(2, 3)?, ColouringKind::Columns, Order::Natural)?;
    /// assert_eq!(colouring.column_colours(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn column_colours(&self) -> usize {
        self.columns.len()
    }

    /// The number of row colours.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let colouring = Colouring::new(&Pattern::dense(2, 3)?, ColouringKind::Columns, Order::Natural)?;
    /// assert_eq!(colouring.row_colours(), 0);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn row_colours(&self) -> usize {
        self.rows.len()
    }

    /// The colour of a column, if it has one.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::from_entries(1, 3, [(0, 0), (0, 2)])?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
    /// assert_eq!([0, 1, 2].map(|column| colouring.column_colour(column)), [Some(0), None, Some(1)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn column_colour(&self, column: usize) -> Option<usize> {
        self.columns.colour(column)
    }

    /// The colour of a row, if it has one.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::from_entries(2, 1, [(0, 0), (1, 0)])?;
    /// let colouring = Colouring::new(&pattern, ColouringKind::Rows, Order::Natural)?;
    /// assert_eq!([0, 1].map(|row| colouring.row_colour(row)), [Some(0), Some(1)]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn row_colour(&self, row: usize) -> Option<usize> {
        self.rows.colour(row)
    }

    /// The columns of a colour, in increasing order.
    ///
    /// # Panics
    ///
    /// If there is no such column colour.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::from_entries(2, 2, [(0, 0), (1, 1)])?;
    /// assert_eq!(Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?.columns_of(0), [0, 1]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn columns_of(&self, colour: usize) -> &[u32] {
        self.columns.members(colour)
    }

    /// The rows of a colour, in increasing order.
    ///
    /// # Panics
    ///
    /// If there is no such row colour.
    ///
    /// ```
    /// use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
    /// let pattern = Pattern::from_entries(2, 2, [(0, 0), (1, 1)])?;
    /// assert_eq!(Colouring::new(&pattern, ColouringKind::Rows, Order::Natural)?.rows_of(0), [0, 1]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn rows_of(&self, colour: usize) -> &[u32] {
        self.rows.members(colour)
    }

    fn check_shape(&self, pattern: &Pattern) -> Result<(), Error> {
        let coloured = (self.rows.colours.len(), self.columns.colours.len());
        if coloured == (pattern.rows(), pattern.columns()) {
            return Ok(());
        }
        let (rows, columns) = coloured;
        let (given_rows, given_columns) = (pattern.rows(), pattern.columns());
        let shape = format!("they are for {rows} rows and {columns} columns");
        Err(self.kind.refused(format!("{shape}, but it has {given_rows} and {given_columns}")))
    }
}

/// A pattern with everything that all orders need from it.
struct Prepared<'a> {
    kind: ColouringKind,
    pattern: &'a Pattern,
    transposed: Pattern,
    /// For each entry of the transposed pattern, its number in this pattern; in a symmetric pattern, this gives its
    /// mirror image.
    order: Vec<u32>,
}

impl<'a> Prepared<'a> {
    fn new(pattern: &'a Pattern, kind: ColouringKind) -> Result<Self, Error> {
        let (transposed, order) = pattern.transposed_with_order();
        if kind.is_symmetric() {
            check_symmetric(pattern, &transposed)?;
        }
        Ok(Self { kind, pattern, transposed, order })
    }

    /// The colours of columns and of rows.
    fn colours(&self, kind: ColouringKind, order: Order) -> bidirectional::Both {
        let (pattern, transposed) = (self.pattern, &self.transposed);
        let no_columns = || vec![NONE; pattern.columns()];
        let no_rows = || vec![NONE; pattern.rows()];
        match kind {
            ColouringKind::Columns => {
                let mut colours = distance_two::colour(transposed, pattern, order);
                if self.kind.is_symmetric() {
                    neutral::thin_symmetric(pattern, &self.order, &mut colours);
                }
                [colours, no_rows()]
            }
            ColouringKind::Rows => [no_columns(), distance_two::colour(pattern, transposed, order)],
            ColouringKind::Bidirectional => bidirectional::colour(pattern, transposed, &self.order, order),
            ColouringKind::Star => [self.symmetric(star::colour, order), no_rows()],
            ColouringKind::Acyclic => [self.symmetric(acyclic::colour, order), no_rows()],
        }
    }

    fn symmetric(&self, colour: fn(&graph::Graph, Order) -> Vec<u32>, order: Order) -> Vec<u32> {
        let mut colours = colour(&graph::Graph::of_symmetric(self.pattern), order);
        for (vertex, colour) in colours.iter_mut().enumerate() {
            // On the diagonal only: it has no conflicts.
            if *colour == NONE && !self.pattern.row(vertex).is_empty() {
                *colour = 0;
            }
        }
        neutral::thin_symmetric(self.pattern, &self.order, &mut colours);
        colours
    }
}

fn check_symmetric(pattern: &Pattern, transposed: &Pattern) -> Result<(), Error> {
    let (rows, columns) = (pattern.rows(), pattern.columns());
    let reason = if rows != columns {
        "it is not square".into()
    } else if let Some((row, column)) = pattern.first_missing(transposed) {
        format!("there is an entry at row {column}, column {row}, and none at row {row}, column {column}")
    } else {
        return Ok(());
    };
    Err(Error::NotSymmetric { rows, columns, reason })
}

/// Vertices by colour.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Classes {
    /// For each vertex.
    colours: Vec<u32>,
    /// The start of each colour among the members; a last number gives the end of all.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Classes {
    fn new(colours: Vec<u32>) -> Self {
        let mut starts = vec![0; count(&colours) + 1];
        let coloured = || colours.iter().enumerate().filter(|&(_, &colour)| colour != NONE);
        coloured().for_each(|(_, &colour)| starts[colour as usize + 1] += 1);
        for colour in 1..starts.len() {
            starts[colour] += starts[colour - 1];
        }
        let (mut next, mut members) = (starts.clone(), vec![0; starts[starts.len() - 1] as usize]);
        for (vertex, &colour) in coloured() {
            members[next[colour as usize] as usize] = vertex as u32;
            next[colour as usize] += 1;
        }
        Self { colours, starts, members }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn colour(&self, vertex: usize) -> Option<usize> {
        Some(self.colours[vertex]).filter(|&colour| colour != NONE).map(|colour| colour as usize)
    }

    fn members(&self, colour: usize) -> &[u32] {
        &self.members[self.starts[colour] as usize..self.starts[colour + 1] as usize]
    }
}

/// The number of colours, if all colours below the highest are used.
fn count(colours: &[u32]) -> usize {
    colours.iter().filter(|&&colour| colour != NONE).max().map_or(0, |&colour| colour as usize + 1)
}

/// Finds the lowest colour that a vertex may have.
#[derive(Default)]
struct FirstFree {
    /// For each colour so far, the last vertex that must not have it.
    forbidden: Vec<u32>,
}

impl FirstFree {
    /// The value for no colour forbids nothing.
    fn forbid(&mut self, colour: u32, vertex: u32) {
        if let Some(last) = self.forbidden.get_mut(colour as usize) {
            *last = vertex;
        }
    }

    fn take(&mut self, vertex: u32) -> u32 {
        let free = self.forbidden.iter().position(|&last| last != vertex);
        free.unwrap_or_else(|| {
            self.forbidden.push(NONE);
            self.forbidden.len() - 1
        }) as u32
    }
}

/// Which colours were met more than once on a walk from a vertex.
#[derive(Default)]
struct Repeats {
    /// For each colour, the last vertex that met it, and the last that met it again.
    met: Vec<[u32; 2]>,
}

impl Repeats {
    fn count(&mut self, colour: u32, vertex: u32) {
        if self.met.len() <= colour as usize {
            self.met.resize(colour as usize + 1, [NONE; 2]);
        }
        let [once, again] = &mut self.met[colour as usize];
        if std::mem::replace(once, vertex) == vertex {
            *again = vertex;
        }
    }

    fn several(&self, colour: u32, vertex: u32) -> bool {
        self.met[colour as usize][1] == vertex
    }
}
