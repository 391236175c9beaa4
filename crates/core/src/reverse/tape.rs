//! `Tape`: creates variables and computes adjoints.

use super::call::Call;
use super::storage::{MAX_NODES, Mark, Storage};
use super::{Adjoint, Adjoints, Block, Var, WIDTH};
use crate::Differentiable;
use crate::rules::{Partial, seed};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};

/// A recording of operations, to be swept in reverse.
///
/// The drivers, such as [`gradient`](crate::gradient), use a tape internally. To use one directly:
///
/// ```
/// use dualtape::Tape;
/// use dualtape::Float;
///
/// let tape = Tape::new();
/// let x = tape.var(2.0_f64);
/// let y = (x * x).sin();
/// let adjoints = tape.gradient(y);
/// assert_eq!(adjoints[x], 4.0 * 4.0_f64.cos());
/// ```
///
/// A node takes 24 bytes for `f64`. An operation on constants records nothing. [`clear`](Self::clear) keeps the
/// memory for the next recording, and the borrow checker ensures that no variable outlives its recording:
///
/// ```compile_fail
/// let mut tape = dualtape::Tape::new();
/// let x = tape.var(2.0);
/// tape.clear();
/// let y = x * x; // x belongs to what was cleared
/// ```
pub struct Tape<T> {
    id: Cell<u64>,
    storage: RefCell<Storage<T>>,
    /// Whether the adjoints of intermediate results are never read. Then a result needs no node if it has the same
    /// derivatives as its operand, or none.
    for_inputs: bool,
    /// Where two numbers of equal values were last found unequal, because their derivatives may differ.
    equality: Cell<Option<&'static Location<'static>>>,
}

impl<T: Differentiable> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("id", &self.id.get()).finish_non_exhaustive()
    }
}

impl<T: Differentiable> Tape<T> {
    /// An empty tape.
    ///
    /// ```
    /// let tape = dualtape::Tape::new();
    /// let x = tape.var(3.0);
    /// assert_eq!(tape.gradient(x * x)[x], 6.0);
    /// ```
    pub fn new() -> Self {
        Self::with_node_limit(MAX_NODES)
    }

    /// An empty tape with room for the given number of nodes.
    ///
    /// The tape grows beyond it as needed; see [`with_node_limit`](Self::with_node_limit) for a bound.
    ///
    /// ```
    /// // One input and a thousand operations, in memory that is there from the start.
    /// let tape = dualtape::Tape::with_capacity(1001);
    /// let x = tape.var(1.0);
    /// let y = (0..1000).fold(x, |y, _| y * 0.5);
    /// assert_eq!(tape.gradient(y)[x], 0.5_f64.powi(1000));
    /// assert_eq!(tape.len(), 1001);
    /// ```
    pub fn with_capacity(nodes: usize) -> Self {
        let tape = Self::new();
        tape.storage.borrow_mut().reserve(nodes);
        tape
    }

    /// An empty tape that refuses to record more than the given number of nodes, and never more than 2³² − 1.
    /// Recording panics at the limit, so that it cannot use all memory.
    ///
    /// ```should_panic
    /// let tape = dualtape::Tape::with_node_limit(2);
    /// let x = tape.var(1.0);
    /// let _ = x + x + x; // the third node
    /// ```
    pub fn with_node_limit(nodes: usize) -> Self {
        let storage = RefCell::new(Storage::with_limit(nodes));
        Self { id: Cell::new(next_id()), storage, for_inputs: false, equality: Cell::new(None) }
    }

    /// An empty tape for a driver that needs the adjoints of inputs only.
    pub(crate) fn for_inputs() -> Self {
        Self { for_inputs: true, ..Self::new() }
    }

    #[inline(always)]
    pub(super) fn is_for_inputs(&self) -> bool {
        self.for_inputs
    }

    /// Notes that numbers of equal values were found unequal.
    #[cold]
    pub(super) fn note_equality(&self, location: &'static Location<'static>) {
        self.equality.set(Some(location));
    }

    /// Where numbers of equal values were found unequal since the last call of this function.
    pub(crate) fn take_equality(&self) -> Option<&'static Location<'static>> {
        self.equality.take()
    }

    /// A new independent variable.
    ///
    /// # Panics
    ///
    /// If the tape is full; this holds for every operation on its variables too.
    ///
    /// ```
    /// use dualtape::Float;
    /// let tape = dualtape::Tape::new();
    /// let (x, y) = (tape.var(0.0_f64), tape.var(4.0));
    /// let adjoints = tape.gradient(x.sin() * y);
    /// assert_eq!((adjoints[x], adjoints[y]), (4.0, 0.0));
    /// ```
    pub fn var(&self, value: T) -> Var<'_, T> {
        let index = self.storage.borrow_mut().inputs(1);
        self.numbered(value, index)
    }

    /// New independent variables, one for each value.
    ///
    /// # Panics
    ///
    /// If the tape is full.
    ///
    /// ```
    /// let tape = dualtape::Tape::new();
    /// let x = tape.vars(&[3.0, 4.0]);
    /// assert_eq!(tape.gradient(x[0] * x[1]).of(&x), [4.0, 3.0]);
    /// ```
    pub fn vars(&self, values: &[T]) -> Vec<Var<'_, T>> {
        let mut variables = Vec::with_capacity(values.len());
        self.vars_into(values, &mut variables);
        variables
    }

    /// New independent variables, appended to a vector.
    pub(crate) fn vars_into<'t>(&'t self, values: &[T], variables: &mut Vec<Var<'t, T>>) {
        let first = self.storage.borrow_mut().inputs(values.len());
        variables.extend(values.iter().zip(first..).map(|(&value, index)| self.numbered(value, index)));
    }

    /// The number of nodes recorded: variables, and results of operations on them.
    ///
    /// ```
    /// let tape = dualtape::Tape::new();
    /// let x = tape.var(3.0);
    /// let _ = x * x + 1.0;
    /// assert_eq!(tape.len(), 3); // a variable, a product, a sum
    /// ```
    pub fn len(&self) -> usize {
        self.storage.borrow().len()
    }

    /// Whether nothing is recorded.
    ///
    /// ```
    /// let tape = dualtape::Tape::new();
    /// assert!(tape.is_empty());
    /// tape.var(1.0);
    /// assert!(!tape.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the recording and keeps its memory.
    ///
    /// ```
    /// let mut tape = dualtape::Tape::new();
    /// for step in 1..4 {
    ///     let x = tape.var(f64::from(step));
    ///     assert_eq!(tape.gradient(x * x)[x], 2.0 * f64::from(step));
    ///     tape.clear();
    /// }
    /// assert!(tape.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.storage.get_mut().rewind(Mark::default());
        self.id.set(next_id());
    }

    /// The derivatives of `output` with respect to everything that it depends on.
    ///
    /// # Panics
    ///
    /// If `output` belongs to another tape.
    ///
    /// ```
    /// let tape = dualtape::Tape::new();
    /// let (x, y) = (tape.var(3.0), tape.var(4.0));
    /// let adjoints = tape.gradient(x * y + x);
    /// assert_eq!((adjoints[x], adjoints[y]), (5.0, 3.0));
    /// ```
    pub fn gradient(&self, output: Var<'_, T>) -> Adjoints<T> {
        self.weighted_gradient(&[output], &[T::one()])
    }

    /// The adjoints of the weighted sum of all outputs. Both slices have the same length.
    pub(crate) fn weighted_gradient(&self, outputs: &[Var<'_, T>], weights: &[T]) -> Adjoints<T> {
        let places: Vec<_> = outputs.iter().map(|y| self.index_of(y)).collect();
        let nodes = self.extent(places.iter().copied(), 0);
        let mut adjoints = vec![T::zero(); nodes];
        for (place, (output, &weight)) in places.iter().zip(outputs.iter().zip(weights)) {
            if let Some(index) = *place {
                adjoints[index] += seed(&output.primal(), weight);
            }
        }
        self.storage.borrow().sweep::<true, T>(&mut adjoints, 0);
        Adjoints::new(self.id(), adjoints)
    }

    /// Writes the Jacobian of the outputs, a row for each, in one sweep for every `WIDTH` of them.
    pub(crate) fn jacobian_of(&self, outputs: &[Var<'_, T>], inputs: &[Var<'_, T>], jacobian: &mut [T]) {
        if inputs.is_empty() {
            return;
        }
        for (outputs, rows) in outputs.chunks(WIDTH).zip(jacobian.chunks_mut(WIDTH * inputs.len())) {
            self.gradients_of(outputs, inputs, rows);
        }
    }

    /// Writes the gradients of at most `WIDTH` outputs, row after row, in one sweep.
    fn gradients_of(&self, outputs: &[Var<'_, T>], inputs: &[Var<'_, T>], rows: &mut [T]) {
        let places = outputs.iter().map(|y| self.index_of(y));
        let nodes = self.extent(places.clone(), inputs.len());
        let mut blocks = vec![Block::zero(); nodes];
        for (lane, (place, output)) in places.zip(outputs).enumerate() {
            if let Some(place) = place {
                blocks[place].0[lane] = seed(&output.primal(), T::one());
            }
        }
        self.storage.borrow().sweep::<true, Block<T>>(&mut blocks, 0);
        for (column, x) in inputs.iter().enumerate() {
            for (lane, row) in rows.chunks_mut(inputs.len()).enumerate() {
                row[column] = blocks[x.index() as usize].0[lane];
            }
        }
    }

    /// Propagates adjoints to the nodes before `mark`, and leaves zeros after it.
    pub(crate) fn sweep_down_to<A: Adjoint<T>>(&self, mark: Mark, adjoints: &mut [A]) {
        self.storage.borrow().sweep::<false, A>(adjoints, mark.nodes());
    }

    /// How many adjoints a sweep from the given places needs; at least one for each input.
    pub(crate) fn extent(&self, places: impl Iterator<Item = Option<usize>>, inputs: usize) -> usize {
        let last = places.flatten().max();
        last.map_or(0, |last| self.storage.borrow().swept_with(last) + 1).max(inputs)
    }

    pub(crate) fn mark(&self) -> Mark {
        self.storage.borrow().mark()
    }

    /// Drops what was recorded since the mark. The caller must not use any variable recorded since.
    pub(crate) fn rewind(&self, mark: Mark) {
        self.storage.borrow_mut().rewind(mark);
    }

    pub(crate) fn id(&self) -> u64 {
        self.id.get()
    }

    /// The place of an output on this tape; `None` for a constant.
    ///
    /// # Panics
    ///
    /// If it belongs to another tape.
    pub(crate) fn index_of(&self, output: &Var<'_, T>) -> Option<usize> {
        let tape = output.tape()?;
        self.check_same(tape);
        Some(output.index() as usize)
    }

    #[inline(always)]
    pub(super) fn check_same(&self, other: &Self) {
        if !std::ptr::eq(self, other) {
            mixed_tapes();
        }
    }

    #[inline(always)]
    pub(super) fn numbered(&self, value: T, index: u32) -> Var<'_, T> {
        Var::on_tape(self, index, value)
    }

    #[inline(always)]
    pub(super) fn record_one(&self, value: T, parent: u32, partial: Partial<T>) -> Var<'_, T> {
        let index = self.storage.borrow_mut().one(parent, partial);
        self.numbered(value, index)
    }

    #[inline(always)]
    pub(super) fn record_two(&self, value: T, parents: [u32; 2], partials: [Partial<T>; 2]) -> Var<'_, T> {
        let index = self.storage.borrow_mut().two(parents, partials);
        self.numbered(value, index)
    }

    /// Records a call; returns the place of its first output.
    pub(super) fn record_call(&self, call: Call<T>) -> u32 {
        self.storage.borrow_mut().call(call)
    }

    #[inline]
    pub(super) fn record_many<E>(&self, value: T, edges: E) -> Var<'_, T>
    where
        E: Iterator<Item = (Option<u32>, Partial<T>)> + Clone,
    {
        let index = self.storage.borrow_mut().many(edges);
        self.numbered(value, index)
    }
}

/// Distinguishes tapes, and the recordings of one tape.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cold]
#[inline(never)]
fn mixed_tapes() -> ! {
    panic!("these variables belong to two different tapes; record one computation on one tape");
}
