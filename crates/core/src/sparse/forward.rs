//! Sparse Jacobians in forward mode, for functions that are not recorded: a few evaluations with several columns
//! seeded in each lane.

use super::dependence::function_pattern;
use super::{Colouring, ColouringKind, Order, Pattern};
use crate::{Dual, Error, Function, Scalar};
use generic_array::GenericArray;
use generic_array::sequence::GenericSequence;
use generic_array::typenum::{U8, Unsigned};

/// How many colours one evaluation seeds.
const LANES: usize = U8::USIZE;

/// The sparse Jacobian of a [`Function`] in forward mode, for loops. Columns that share no row form a group, and
/// eight groups are seeded in one evaluation. It allocates nothing once its buffers are large enough.
///
/// For a function that is recorded, or that needs many groups because one output depends on all inputs, a
/// [`Program`](crate::Program) or reverse mode may be faster.
///
/// ```
/// use dualtape::{Differentiable, Function, sparse::ForwardJacobian};
///
/// /// A chain of springs between walls: the force on each mass.
/// struct Chain;
///
/// impl Function<f64> for Chain {
///     fn outputs(&self, inputs: usize) -> usize {
///         inputs
///     }
///
///     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
///         let at = |i: usize| x.get(i).copied().unwrap_or(D::zero());
///         for i in 0..x.len() {
///             y[i] = at(i.wrapping_sub(1)) - at(i) * 2.0 + at(i + 1) - at(i) * at(i) * at(i);
///         }
///     }
/// }
///
/// let x = vec![0.5; 1000];
/// let mut jacobian = ForwardJacobian::new(&Chain, &x)?;
/// assert_eq!((jacobian.colours(), jacobian.evaluations()), (3, 1)); // of 1000 columns
/// let (mut values, mut entries) = (vec![0.0; 1000], vec![0.0; jacobian.pattern().len()]);
/// jacobian.evaluate(&Chain, &x, &mut values, &mut entries)?;
/// assert_eq!(jacobian.pattern().row(1), [0, 1, 2]);
/// assert_eq!(entries[2..5], [1.0, -2.75, 1.0]);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Debug)]
pub struct ForwardJacobian<T: Scalar> {
    pattern: Pattern,
    /// The colour of each column. Columns without entries have one further colour, to check that no output depends on
    /// them.
    colour_of: Vec<u32>,
    colours: usize,
    /// The number of colours, plus one if there are columns without entries.
    moving: usize,
    inputs: Vec<Dual<T, U8>>,
    outputs: Vec<Dual<T, U8>>,
}

impl<T: Scalar> ForwardJacobian<T> {
    /// Finds the pattern of the Jacobian by one evaluation at `x` (see
    /// [`jacobian_pattern`](super::jacobian_pattern)), and groups of columns that can be seeded together.
    ///
    /// # Errors
    ///
    /// The errors of [`jacobian_pattern`](super::jacobian_pattern).
    ///
    /// ```
    /// # use dualtape::{Differentiable, Function};
    /// # struct Squares;
    /// # impl Function<f64> for Squares {
    /// #     fn outputs(&self, inputs: usize) -> usize { inputs }
    /// #     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
    /// #         for (y, &x) in y.iter_mut().zip(x) { *y = x * x; }
    /// #     }
    /// # }
    /// use dualtape::sparse::ForwardJacobian;
    /// // `Squares` squares each input: all columns can move together.
    /// assert_eq!(ForwardJacobian::new(&Squares, &[1.0; 50])?.colours(), 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn new(f: &impl Function<T>, x: &[T]) -> Result<Self, Error> {
        Self::of_pattern(function_pattern(f, x)?)
    }

    /// For functions whose Jacobian has entries in your own pattern.
    ///
    /// # Errors
    ///
    /// None at present; colourings of other kinds than this one can have errors.
    ///
    /// ```
    /// use dualtape::sparse::{ForwardJacobian, Pattern};
    /// let pattern = Pattern::from_rows(4, [vec![0, 1], vec![1, 2], vec![2, 3]])?;
    /// assert_eq!(ForwardJacobian::<f64>::of_pattern(pattern)?.colours(), 2);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn of_pattern(pattern: Pattern) -> Result<Self, Error> {
        let mut colouring = Colouring::new(&pattern, ColouringKind::Columns, Order::Natural)?;
        // Fewer colours than lanes save nothing.
        if colouring.column_colours() > LANES {
            colouring = Colouring::best(&pattern, ColouringKind::Columns, &Order::ALL)?;
        }
        let colours = colouring.column_colours();
        let colour = |column| colouring.column_colour(column).unwrap_or(colours) as u32;
        let colour_of: Vec<u32> = (0..pattern.columns()).map(colour).collect();
        let moving = colour_of.iter().max().map_or(0, |&last| last as usize + 1);
        Ok(Self { pattern, colour_of, colours, moving, inputs: Vec::new(), outputs: Vec::new() })
    }

    /// The positions of the entries, in the order in which [`evaluate`](Self::evaluate) writes them.
    ///
    /// ```
    /// use dualtape::sparse::{ForwardJacobian, Pattern};
    /// let pattern = Pattern::dense(2, 3)?;
    /// assert_eq!(ForwardJacobian::<f64>::of_pattern(pattern.clone())?.pattern(), &pattern);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// How many groups of columns are seeded.
    ///
    /// ```
    /// use dualtape::sparse::{ForwardJacobian, Pattern};
    /// assert_eq!(ForwardJacobian::<f64>::of_pattern(Pattern::dense(2, 17)?)?.colours(), 17);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn colours(&self) -> usize {
        self.colours
    }

    /// How often [`evaluate`](Self::evaluate) calls the function: once for every eight colours, and once if there are
    /// none. All columns without entries count as one further colour, to check that no output depends on them.
    ///
    /// ```
    /// use dualtape::sparse::{ForwardJacobian, Pattern};
    /// assert_eq!(ForwardJacobian::<f64>::of_pattern(Pattern::dense(2, 17)?)?.evaluations(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn evaluations(&self) -> usize {
        self.moving.div_ceil(LANES).max(1)
    }

    /// Writes the values of `f` at `x` into `values`, and the entries of its Jacobian into `entries`, in the order of
    /// the [pattern](Self::pattern). Values and derivatives have the bits that [`Forward`](crate::Forward) gives
    /// them.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `x` does not have a number for each column of the pattern, the function does not have an
    /// output for each row, `values` does not have a number for each output, or `entries` does not have one for each
    /// entry. [`Error::NotAPattern`] if an output depends on columns of a colour in which it has no entry: the
    /// function takes another branch than where its pattern was found, or the pattern belongs to another function.
    /// This does not find every missing entry: one may be hidden by another entry of its colour.
    ///
    /// ```
    /// # use dualtape::{Differentiable, Function};
    /// # struct Squares;
    /// # impl Function<f64> for Squares {
    /// #     fn outputs(&self, inputs: usize) -> usize { inputs }
    /// #     fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
    /// #         for (y, &x) in y.iter_mut().zip(x) { *y = x * x; }
    /// #     }
    /// # }
    /// use dualtape::{Error, sparse::{ForwardJacobian, Pattern}};
    /// // `Squares` squares each input.
    /// let mut jacobian = ForwardJacobian::new(&Squares, &[1.0; 3])?;
    /// let (mut values, mut entries) = ([0.0; 3], [0.0; 3]);
    /// jacobian.evaluate(&Squares, &[1.0, 2.0, 3.0], &mut values, &mut entries)?;
    /// assert_eq!((values, entries), ([1.0, 4.0, 9.0], [2.0, 4.0, 6.0]));
    ///
    /// let mut wrong = ForwardJacobian::of_pattern(Pattern::from_entries(2, 2, [(0, 0), (0, 1)])?)?;
    /// let refused = wrong.evaluate(&Squares, &[1.0, 2.0], &mut values[..2], &mut entries[..2]);
    /// assert!(matches!(refused, Err(Error::NotAPattern { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn evaluate(
        &mut self,
        f: &impl Function<T>,
        x: &[T],
        values: &mut [T],
        entries: &mut [T],
    ) -> Result<(), Error> {
        let (rows, columns) = (self.pattern.rows(), self.pattern.columns());
        Error::check_length("point", "column of the pattern", columns, x.len())?;
        Error::check_length("pattern: its rows", "output", f.outputs(x.len()), rows)?;
        Error::check_length("slice of values", "output", rows, values.len())?;
        self.pattern.check_values(entries.len())?;
        for first in (0..self.moving.max(1)).step_by(LANES) {
            self.hold(x, first as u32);
            self.outputs.clear();
            self.outputs.resize(rows, Dual::lift(T::zero()));
            f.call(&self.inputs, &mut self.outputs);
            self.read(first as u32, entries)?;
        }
        for (value, y) in values.iter_mut().zip(&self.outputs) {
            *value = y.primal();
        }
        Ok(())
    }

    /// Copies the inputs: the columns of eight colours are seeded, each in the lane of its colour.
    fn hold(&mut self, x: &[T], first: u32) {
        let input = |(&x, &colour): (&T, &u32)| {
            // A colour outside the eight has no lane, and the subtraction may wrap.
            let moving = colour.wrapping_sub(first) as usize;
            Dual::new(x, GenericArray::generate(|lane| if lane == moving { T::one() } else { T::zero() }))
        };
        self.inputs.clear();
        self.inputs.extend(x.iter().zip(&self.colour_of).map(input));
    }

    /// Writes the entries of the columns of eight colours.
    fn read(&self, first: u32, entries: &mut [T]) -> Result<(), Error> {
        let starts = self.pattern.starts().windows(2);
        for (row, (y, ends)) in self.outputs.iter().zip(starts).enumerate() {
            let (derivatives, places) = (y.tangent(), ends[0] as usize..ends[1] as usize);
            let mut unread = [true; LANES];
            for (entry, &column) in entries[places.clone()].iter_mut().zip(&self.pattern.indices()[places]) {
                let lane = self.colour_of[column as usize].wrapping_sub(first) as usize;
                if lane < LANES {
                    (*entry, unread[lane]) = (derivatives[lane], false);
                }
            }
            // For a NaN value, even `floor` and similar functions have the derivative NaN; these are not entries.
            let moves = |lane: &usize| {
                unread[*lane] && !(derivatives[*lane] == T::zero() || derivatives[*lane].is_nan())
            };
            if let Some(lane) = (0..LANES).find(moves) {
                return Err(self.lacks_entry(row, first + lane as u32));
            }
        }
        Ok(())
    }

    #[cold]
    fn lacks_entry(&self, row: usize, colour: u32) -> Error {
        let columns = (0..self.colour_of.len()).filter(|&column| self.colour_of[column] == colour);
        let some: Vec<String> = columns.take(4).map(|column| column.to_string()).collect();
        let others = if some.len() < 4 { "" } else { " and others" };
        Error::NotAPattern {
            reason: format!(
                "output {row} moves with one of the columns {}{others}, where it has no entry; find the pattern where the \
                 function takes the same branches, or unite patterns of several points",
                some.join(", ")
            ),
        }
    }
}
