//! `Var`: a number that records each operation on it.

use super::Tape;
use super::call::Call;
use crate::predicate::{Property, Relation};
use crate::rules::reductions::{self, Statement};
use crate::rules::{Binary, Partial, Saved, Ternary, Unary, guarded, statements};
use crate::{CustomRule, Differentiable, Error};
use num_traits::Zero;
use std::fmt;
use std::panic::Location;

/// A number on a [`Tape`], or a constant, which records nothing.
///
/// Operations between variables of two tapes panic. `T` is a plain number, or itself a number that carries
/// derivatives.
///
/// ```
/// use dualtape::Tape;
/// let tape = Tape::new();
/// let x = tape.var(3.0_f64);
/// let y = 2.0 * x * x + 1.0;
/// assert_eq!(y.primal(), 19.0);
/// assert_eq!(tape.gradient(y)[x], 12.0);
/// ```
pub struct Var<'t, T> {
    tape: Option<&'t Tape<T>>,
    primal: T,
    /// The place on the tape; unused for a constant.
    index: u32,
}

impl<T: Copy> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy> Copy for Var<'_, T> {}

impl<'t, T: Differentiable> Var<'t, T> {
    /// A number of an outer level, as a constant of this one.
    ///
    /// ```
    /// use dualtape::{Dual, Tape, Var};
    /// let tape = Tape::new();
    /// let outer: Dual<f64> = Dual::variable(3.0);
    /// let y = tape.var(Dual::lift(2.0));
    /// let gradient = tape.gradient(y * Var::lift(outer))[y];
    /// assert_eq!((gradient.primal(), gradient.derivative(0)), (3.0, 1.0)); // d(xy)/dy is x, and moves with it
    /// ```
    #[inline]
    pub fn lift(primal: T) -> Self {
        Self { tape: None, primal, index: 0 }
    }

    /// The value at the level below, which may itself carry derivatives.
    ///
    /// ```
    /// use dualtape::{Dual, Tape};
    /// let tape = Tape::new();
    /// let x = tape.var(Dual::<f64>::variable(3.0));
    /// let y = (x * x).primal();
    /// assert_eq!((y.primal(), y.derivative(0)), (9.0, 6.0));
    /// ```
    #[inline]
    pub fn primal(&self) -> T {
        self.primal
    }

    #[inline(always)]
    pub(super) fn on_tape(tape: &'t Tape<T>, index: u32, primal: T) -> Self {
        Self { tape: Some(tape), primal, index }
    }

    #[inline(always)]
    pub(super) fn tape(&self) -> Option<&'t Tape<T>> {
        self.tape
    }

    #[inline(always)]
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// Whether both are constants, or have the same place on the same tape.
    #[inline]
    fn moves_as(&self, other: &Self) -> bool {
        match (self.tape, other.tape) {
            (None, None) => true,
            (Some(tape), Some(others)) => std::ptr::eq(tape, others) && self.index == other.index,
            _ => false,
        }
    }

    /// The result of an operation whose other operands are constants.
    #[inline(always)]
    fn alone(&self, value: T, partial: impl FnOnce() -> Partial<T>) -> Self {
        let Some(tape) = self.tape else { return Self::lift(value) };
        if T::RECORDS {
            return match partial() {
                // No guard is needed: if the value is NaN, everything computed from it is NaN too.
                Partial::One if tape.is_for_inputs() => Self { primal: value, ..*self },
                partial => tape.record_one(value, self.index, guarded(&value, || partial)),
            };
        }
        match guarded(&value, partial) {
            // Its adjoint would be passed on unchanged, or not at all; a node is needed only if someone reads the
            // adjoint.
            Partial::One if tape.is_for_inputs() => Self { primal: value, ..*self },
            Partial::Zero if tape.is_for_inputs() => Self::lift(value),
            partial => tape.record_one(value, self.index, partial),
        }
    }
}

impl<T: Differentiable> Differentiable for Var<'_, T> {
    type Scalar = T::Scalar;

    #[inline(always)]
    fn constant(value: T::Scalar) -> Self {
        Self::lift(T::constant(value))
    }

    #[inline(always)]
    fn value(&self) -> T::Scalar {
        self.primal.value()
    }

    #[inline(always)]
    #[track_caller]
    fn relates(&self, relation: Relation, other: &Self) -> bool {
        if relation == Relation::Equal && !self.moves_as(other) {
            if let Some(tape) = self.tape.or(other.tape)
                && self.primal.relates(relation, &other.primal)
            {
                tape.note_equality(Location::caller());
            }
            return false;
        }
        self.primal.relates(relation, &other.primal)
    }

    #[inline(always)]
    fn has(&self, property: Property) -> bool {
        self.primal.has(property)
    }

    fn call<R: CustomRule<Scalar = T::Scalar>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        let primals: Vec<T> = x.iter().map(|x| x.primal).collect();
        if !rule.stays_whole() {
            let z = T::call(rule, &primals)?;
            return statements(rule, x, &primals, &z);
        }
        let mut saved = Saved::default();
        let z = T::call_saving(rule, &primals, &mut saved)?;
        let Some(tape) = x.iter().find_map(|x| x.tape).filter(|_| !z.is_empty()) else {
            return Ok(z.into_iter().map(Self::lift).collect());
        };
        let places = x.iter().map(|x| {
            x.tape.map(|own| {
                tape.check_same(own);
                x.index
            })
        });
        let first = tape.record_call(Call::new(rule, places.collect(), primals, z.clone(), saved));
        Ok(z.into_iter().zip(first..).map(|(z, index)| tape.numbered(z, index)).collect())
    }

    const RETAINS: bool = true;
    const RECORDS: bool = T::RECORDS;
    const KNOWS_ZEROS: bool = true;

    #[inline]
    fn is_identically_zero(&self) -> bool {
        self.tape.is_none() && self.primal.is_identically_zero()
    }

    #[inline(always)]
    fn is_same(&self, other: &Self) -> bool {
        self.moves_as(other) && self.primal.is_same(&other.primal)
    }

    #[inline(always)]
    fn predicate(relation: Relation, a: Self, b: Self) -> Self {
        Self::lift(T::predicate(relation, a.primal, b.primal))
    }

    #[inline(always)]
    fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self {
        let predicate = predicate.primal;
        if T::RECORDS {
            return select_recorded(predicate, then, otherwise);
        }
        if predicate.value() == T::Scalar::zero() { otherwise } else { then }
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        reductions::chain_rule(value, pairs)
    }

    #[inline(always)]
    fn unary<O: Unary>(self, op: O) -> Self {
        let x = self.primal;
        let z = x.unary(op);
        if O::STOPS {
            return Self::lift(z);
        }
        self.alone(z, || op.partial(x, z))
    }

    #[inline(always)]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        let (x, y) = (self.primal, right.primal);
        let z = x.binary(op, y);
        match (self.tape, right.tape) {
            (Some(tape), Some(other)) => {
                tape.check_same(other);
                let partials = [guarded(&z, || op.left(x, y, z)), guarded(&z, || op.right(x, y, z))];
                tape.record_two(z, [self.index, right.index], partials)
            }
            (_, None) => self.alone(z, || op.left(x, y, z)),
            (None, _) => right.alone(z, || op.right(x, y, z)),
        }
    }

    #[inline(always)]
    fn binary_right<O: Binary>(self, op: O, right: T::Scalar) -> Self {
        let x = self.primal;
        let z = x.binary_right(op, right);
        self.alone(z, || op.left(x, T::constant(right), z))
    }

    #[inline(always)]
    fn binary_left<O: Binary>(op: O, left: T::Scalar, right: Self) -> Self {
        let y = right.primal;
        let z = T::binary_left(op, left, y);
        right.alone(z, || op.right(T::constant(left), y, z))
    }

    #[inline(always)]
    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        if O::SELECTS {
            let [predicate, then, otherwise] = operands;
            return Self::select_by(predicate, then, otherwise);
        }
        let primals = operands.map(|x| x.primal);
        let z = T::ternary(op, primals);
        Self::statement(z, operands.into_iter().zip(op.partials(primals, z)))
    }

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reductions::sum(terms)
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        reductions::dot(pairs, bias)
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reductions::log_sum_exp(terms)
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        reductions::norm(terms)
    }
}

/// A selection whose predicate may change: both operands are kept, with the partial derivatives 1 and 0.
fn select_recorded<'t, T: Differentiable>(
    predicate: T,
    then: Var<'t, T>,
    otherwise: Var<'t, T>,
) -> Var<'t, T> {
    let value = T::select_by(predicate, then.primal, otherwise.primal);
    let share = |then, otherwise| Partial::Of(T::select_by(predicate, then, otherwise));
    let shares = [share(T::one(), T::zero()), share(T::zero(), T::one())];
    match (then.tape, otherwise.tape) {
        (Some(tape), Some(other)) => {
            tape.check_same(other);
            tape.record_two(value, [then.index, otherwise.index], shares)
        }
        (Some(tape), None) => tape.record_one(value, then.index, shares[0]),
        (None, Some(tape)) => tape.record_one(value, otherwise.index, shares[1]),
        (None, None) => Var::lift(value),
    }
}

impl<T: Differentiable> Statement for Var<'_, T> {
    type Inner = T;

    #[inline(always)]
    fn inner(&self) -> T {
        self.primal
    }

    #[inline(always)]
    fn statement<E>(value: T, edges: E) -> Self
    where
        E: Iterator<Item = (Self, Partial<T>)> + Clone,
    {
        let Some(tape) = edges.clone().find_map(|(x, _)| x.tape) else { return Self::lift(value) };
        let on_tape = edges.map(|(x, partial)| {
            let place = x.tape.map(|own| {
                tape.check_same(own);
                x.index
            });
            (place, guarded(&value, || partial))
        });
        if T::RECORDS {
            // Collected first, because adjusting a partial derivative records operations.
            let on_tape: Vec<_> = on_tape.filter(|(place, _)| place.is_some()).collect();
            return tape.record_many(value, on_tape.into_iter());
        }
        tape.record_many(value, on_tape)
    }
}

impl<T: Differentiable> std::iter::Sum for Var<'_, T> {
    /// Collects terms in blocks, and records each block as one statement. The iterator may itself record, so a
    /// statement is recorded when its block is complete.
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        let mut total = Self::constant(reductions::empty_sum());
        let mut block = [0; 32];
        let mut filled = 0;
        for x in terms {
            total.primal += x.primal;
            let Some(tape) = x.tape else { continue };
            total.tape.get_or_insert(tape).check_same(tape);
            if filled == block.len() {
                block[0] = flush(tape, total.primal, &block).index;
                filled = 1;
            }
            block[filled] = x.index;
            filled += 1;
        }
        match total.tape {
            Some(tape) => flush(tape, total.primal, &block[..filled]),
            None => total,
        }
    }
}

/// A value with the size of a `Var` but without its borrow. It lets the memory of a vector of variables be kept, and
/// sent to another thread, while no tape is borrowed.
#[derive(Debug)]
pub(crate) struct Spare<T> {
    _tape: usize,
    _primal: T,
    _index: u32,
}

/// An empty vector in the memory of another vector whose elements have the same layout.
///
/// Collecting in place keeps the allocation; `tests/no_allocation.rs` checks this.
pub(crate) fn recycle<A, B>(mut used: Vec<A>) -> Vec<B> {
    used.clear();
    used.into_iter().map(|_| unreachable!("the vector is empty")).collect()
}

/// Records the sum of the numbers at the given places.
fn flush<'t, T: Differentiable>(tape: &'t Tape<T>, value: T, block: &[u32]) -> Var<'t, T> {
    tape.record_many(value, block.iter().map(|&parent| (Some(parent), Partial::One)))
}

impl_operators!(over ['t, T: Differentiable] Var<'t, T>);
impl_float!(['t, T: Differentiable] Var<'t, T>);

impl<T: fmt::Debug> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut var = f.debug_struct("Var");
        var.field("primal", &self.primal);
        if self.tape.is_some() {
            var.field("index", &self.index);
        }
        var.finish_non_exhaustive()
    }
}

impl<T: fmt::Display> fmt::Display for Var<'_, T> {
    /// Writes the primal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.primal.fmt(f)
    }
}

impl<T: fmt::LowerExp> fmt::LowerExp for Var<'_, T> {
    /// Writes the primal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.primal.fmt(f)
    }
}
