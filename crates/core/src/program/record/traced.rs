//! `Traced`: a number that records each operation on it, for a program to replay.

use crate::differentiable::{affine_rows, check_affine};
use crate::predicate::{Property, Relation};
use crate::program::ir::graph::Reduction;
use crate::program::ir::guard::{Guard, Origin, Predicate};
use crate::program::record::recorder::{Recorder, SYMBOLIC, with};
use crate::program::record::rule::recorded;
use crate::rules::{Binary, Compare, Op, Select, Ternary, Unary, check_inputs, reductions, values};
use crate::{CustomRule, Differentiable, Error, ProgramScalar};
use std::fmt;
use std::panic::Location;

/// A number of the current recording of this thread, or a constant, which records nothing.
///
/// It is `Copy` and `'static`, so any generic code can be recorded. It knows its value at the point of recording, and
/// the function branches on this value; each comparison is noted as a guard. Reading the plain value
/// ([`value`](Differentiable::value), a conversion to an integer, printing) is also noted: such a program is valid
/// only where the value is the same again. If two numbers with derivatives were equal, recording is an error
/// ([`Error::EqualityHeld`](crate::Error::EqualityHeld)).
///
/// ```
/// use dualtape::{Float, Program};
/// let program = Program::record(|x| x[0].sin() * x[1], &[1.0_f64, 2.0])?;
/// assert_eq!(program.value(&mut program.workspace(), &[0.0, 5.0])?, 0.0);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Traced<T> {
    value: T,
    /// The recording and the place in it, or [`CONSTANT`]. Both share one number of 64 bits, so that a traced number
    /// fits into two registers.
    place: u64,
}

/// Writes `2.0 * x` for both types of literals.
macro_rules! literals_on_the_left {
    ({} operators { $($(#[$doc:meta])* $Name:ident $method:ident $body:tt)* } $($others:tt)*) => { $(
        impl_literal_left!([] Traced<f32>, $Name $method, f32 []);
        impl_literal_left!([] Traced<f64>, $Name $method, f64 []);
    )* };
}

const CONSTANT: u64 = u64::MAX;

const NO_VALUE: &str = "a rule of the table branches on a value; it has to select";

impl<T: ProgramScalar> Traced<T> {
    #[inline(always)]
    pub(in crate::program) fn node(value: T, index: u32, recording: u32) -> Self {
        Self { value, place: u64::from(recording) << 32 | u64::from(index) }
    }

    #[inline(always)]
    pub(crate) fn is_constant(&self) -> bool {
        self.place == CONSTANT
    }

    /// Whether its value is not known, as in graphs that are derived from others. Nothing may depend on the value
    /// then.
    fn is_symbolic(&self) -> bool {
        !self.is_constant() && self.recording() & SYMBOLIC != 0
    }

    #[inline(always)]
    fn recording(&self) -> u32 {
        (self.place >> 32) as u32
    }

    #[inline(always)]
    fn index(&self) -> u32 {
        self.place as u32
    }

    /// The place in a recording; a constant gets a place when it is first used.
    #[inline(always)]
    pub(in crate::program) fn place(&self, recorder: &mut Recorder<T>) -> u32 {
        if self.is_constant() {
            return recorder.constant(self.value);
        }
        recorder.check(self.recording());
        self.index()
    }

    /// The result of an operation with the given value; a constant if all operands are.
    #[inline(always)]
    fn apply<const N: usize>(op: Op, value: T, operands: [Self; N]) -> Self {
        let Some(one) = operands.iter().find(|x| !x.is_constant()) else { return Self::constant(value) };
        let (recording, hash) = (one.recording(), op.hash_code());
        let index = with(recording, |recorder| {
            let mut places = [0; 3];
            for (place, operand) in places.iter_mut().zip(operands) {
                *place = operand.place(recorder);
            }
            recorder.apply(op, places, hash)
        });
        Self::node(value, index, recording)
    }

    /// The place in the source where a predicate was evaluated, and the values of its operands.
    #[track_caller]
    fn origin(operands: [&Self; 2]) -> Option<Origin<T>> {
        Some(Origin { location: Location::caller(), values: operands.map(|x| x.value) })
    }

    /// The result of a reduction with the given value; a constant if all operands are.
    fn reduce(reduction: Reduction, value: T, operands: impl Iterator<Item = Self> + Clone) -> Self {
        let Some(one) = operands.clone().find(|x| !x.is_constant()) else { return Self::constant(value) };
        let recording = one.recording();
        let index = with(recording, |recorder| {
            let places: Vec<u32> = operands.map(|x| x.place(recorder)).collect();
            recorder.reduce(reduction, places.into_iter())
        });
        Self::node(value, index, recording)
    }
}

impl<T: ProgramScalar> Differentiable for Traced<T> {
    type Scalar = T;

    #[inline]
    fn constant(value: T) -> Self {
        Self { value, place: CONSTANT }
    }

    #[track_caller]
    fn value(&self) -> T {
        assert!(!self.is_symbolic(), "{NO_VALUE}");
        if !self.is_constant() {
            let origin = Self::origin([self, self]);
            with(self.recording(), |recorder| {
                let predicate = Predicate::Value { operand: self.index(), value: self.value };
                recorder.guard(Guard { predicate, origin });
            });
        }
        self.value
    }

    #[track_caller]
    fn relates(&self, relation: Relation, other: &Self) -> bool {
        assert!(!self.is_symbolic() && !other.is_symbolic(), "{NO_VALUE}");
        let outcome = relation.holds(self.value, other.value);
        let origin = Self::origin([self, other]);
        if let Some(one) = [self, other].into_iter().find(|x| !x.is_constant()) {
            with(one.recording(), |recorder| {
                let operands = [self.place(recorder), other.place(recorder)];
                let predicate = Predicate::Relation { relation, operands, outcome };
                recorder.guard(Guard { predicate, origin });
            });
        }
        outcome
    }

    #[track_caller]
    fn has(&self, property: Property) -> bool {
        assert!(!self.is_symbolic(), "{NO_VALUE}");
        let outcome = property.holds(self.value);
        let origin = Self::origin([self, self]);
        if !self.is_constant() {
            with(self.recording(), |recorder: &mut Recorder<T>| {
                let predicate = Predicate::Property { property, operand: self.index(), outcome };
                recorder.guard(Guard { predicate, origin });
            });
        }
        outcome
    }

    fn call<R: CustomRule<Scalar = T>>(rule: &R, x: &[Self]) -> Result<Vec<Self>, Error> {
        check_inputs(rule, x.len())?;
        let values = if x.iter().any(Self::is_symbolic) {
            vec![T::nan(); rule.outputs()]
        } else {
            values(rule, &x.iter().map(|x| x.value).collect::<Vec<_>>())?
        };
        let one = x.iter().find(|x| !x.is_constant()).filter(|_| !values.is_empty());
        let Some(one) = one else { return Ok(values.into_iter().map(Self::constant).collect()) };
        let recording = one.recording();
        let first = with(recording, |recorder| {
            let places: Vec<u32> = x.iter().map(|x| x.place(recorder)).collect();
            recorder.call(recorded(rule), places.into_iter())
        });
        Ok(values
            .into_iter()
            .zip(first..)
            .map(|(value, place)| Self::node(value, place, recording))
            .collect())
    }

    const RETAINS: bool = true;
    const RECORDS: bool = true;
    const KNOWS_ZEROS: bool = true;

    #[inline]
    fn is_identically_zero(&self) -> bool {
        self.is_constant() && self.value == T::zero()
    }

    fn is_same(&self, other: &Self) -> bool {
        if self.is_constant() && other.is_constant() {
            return self.value == other.value;
        }
        self.place == other.place
    }

    fn predicate(relation: Relation, a: Self, b: Self) -> Self {
        a.binary(Compare(relation), b)
    }

    fn select_by(predicate: Self, then: Self, otherwise: Self) -> Self {
        if predicate.is_constant() {
            return if predicate.value == T::zero() { otherwise } else { then };
        }
        let value = Select.value([predicate.value, then.value, otherwise.value]);
        Self::apply(Op::Select, value, [predicate, then, otherwise])
    }

    fn chain_rule(value: Self, pairs: &[(Self, Self)]) -> Self {
        let moving = pairs.iter().filter(|(_, tangent)| !tangent.is_identically_zero());
        let values: Vec<_> =
            moving.clone().map(|(partial, tangent)| (partial.value, tangent.value)).collect();
        let sum = reductions::scalar_chain_rule(value.value, &values);
        if values.is_empty() {
            return Self::constant(sum);
        }
        let operands = moving.flat_map(|&(partial, tangent)| [partial, tangent]);
        Self::reduce(Reduction::ChainRule, sum, std::iter::once(value).chain(operands))
    }

    #[inline]
    fn unary<O: Unary>(self, op: O) -> Self {
        Self::apply(op.code(), op.value(self.value), [self])
    }

    #[inline]
    fn binary<O: Binary>(self, op: O, right: Self) -> Self {
        Self::apply(op.code(), op.value(self.value, right.value), [self, right])
    }

    fn binary_right<O: Binary>(self, op: O, right: T) -> Self {
        self.binary(op, Self::constant(right))
    }

    fn binary_left<O: Binary>(op: O, left: T, right: Self) -> Self {
        Self::constant(left).binary(op, right)
    }

    fn ternary<O: Ternary>(op: O, operands: [Self; 3]) -> Self {
        if O::SELECTS {
            let [predicate, then, otherwise] = operands;
            return Self::select_by(predicate, then, otherwise);
        }
        // Values that are not known might be refused.
        let value = if operands.iter().any(Self::is_symbolic) {
            T::nan()
        } else {
            op.value(operands.map(|x| x.value))
        };
        Self::apply(op.code(), value, operands)
    }

    fn affine_into(weights: &[Self], bias: &[Self], x: &[Self], out: &mut Vec<Self>) {
        check_affine(weights.len(), bias.len(), x.len());
        let varying = x.iter().find(|x| !x.is_constant());
        let all_recorded = weights.iter().chain(bias).all(|w| !w.is_constant());
        let recording = varying.filter(|_| all_recorded && !bias.is_empty()).map(Self::recording);
        let rows = recording.and_then(|recording| {
            with(recording, |recorder| {
                let mut places = |numbers: &[Self]| -> Vec<u32> {
                    numbers.iter().map(|number| number.place(recorder)).collect()
                };
                let (weights, bias, x) = (places(weights), places(bias), places(x));
                recorder.affine(&weights, &bias, &x).map(|row| (row, recording))
            })
        });
        let Some((row, recording)) = rows else { return affine_rows(weights, bias, x, out) };
        for (row, (bias, weights)) in (row..).zip(bias.iter().zip(weights.chunks(x.len()))) {
            let pairs = weights.iter().zip(x).map(|(w, x)| (w.value, x.value));
            let value = reductions::scalar_dot(pairs, Some(bias.value));
            out.push(Self::node(value, row, recording));
        }
    }

    fn sum_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        Self::reduce(Reduction::Sum, terms.clone().map(|x| x.value).sum(), terms)
    }

    fn dot_pairs<I: Iterator<Item = (Self, Self)> + Clone>(pairs: I, bias: Option<Self>) -> Self {
        let value = reductions::scalar_dot(pairs.clone().map(|(a, b)| (a.value, b.value)), None);
        let dot = Self::reduce(Reduction::Dot, value, pairs.flat_map(|(a, b)| [a, b]));
        bias.map_or(dot, |bias| dot + bias)
    }

    fn log_sum_exp_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        let value = reductions::scalar_log_sum_exp(terms.clone().map(|x| x.value));
        Self::reduce(Reduction::LogSumExp, value, terms)
    }

    fn norm_terms<I: Iterator<Item = Self> + Clone>(terms: I) -> Self {
        let value = reductions::scalar_norm(terms.clone().map(|x| x.value));
        Self::reduce(Reduction::Norm, value, terms)
    }
}

impl<T: ProgramScalar> std::iter::Sum for Traced<T> {
    /// Collects the terms first: the iterator may itself record.
    fn sum<I: Iterator<Item = Self>>(terms: I) -> Self {
        let terms: Vec<Self> = terms.collect();
        Self::sum_of(&terms)
    }
}

impl_operators!(of [T: ProgramScalar] Traced<T>);
rule_table!(literals_on_the_left);
impl_float!([T: ProgramScalar] Traced<T>);

impl<T: fmt::Debug> fmt::Debug for Traced<T> {
    /// Writes the value of a constant, and the place of a recorded number: to print its value would let the value
    /// leave the recording unnoticed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut traced = f.debug_struct("Traced");
        if self.place == CONSTANT {
            traced.field("value", &self.value);
        } else {
            traced.field("index", &(self.place as u32));
        }
        traced.finish_non_exhaustive()
    }
}

impl<T: ProgramScalar> fmt::Display for Traced<T> {
    /// Writes the value at the point of recording, and notes that it was read.
    #[track_caller]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value(), f)
    }
}

impl<T: ProgramScalar> fmt::LowerExp for Traced<T> {
    /// Writes the value at the point of recording, and notes that it was read.
    #[track_caller]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerExp::fmt(&self.value(), f)
    }
}
