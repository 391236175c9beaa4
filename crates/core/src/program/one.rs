//! Evaluation at one point: instructions for it, made when they will pay.

mod instruction;
mod lower;

pub(super) use lower::{Lowered, lower};

use crate::Scalar;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// After so many evaluations, instructions are made: they cost about as much as these.
const WALKS: u32 = 16;

/// Graphs of more nodes are walked, unless instructions are asked for.
pub(super) const LARGE: usize = 1 << 20;

/// What the evaluations of one kind need, made after some of them.
#[derive(Debug)]
pub(super) struct Deferred<F> {
    uses: AtomicU32,
    made: OnceLock<Option<Executable<F>>>,
}

impl<F> Default for Deferred<F> {
    fn default() -> Self {
        Self { uses: AtomicU32::new(0), made: OnceLock::new() }
    }
}

impl<F: Clone> Clone for Deferred<F> {
    fn clone(&self) -> Self {
        Self { uses: AtomicU32::new(self.uses.load(Ordering::Relaxed)), made: self.made.clone() }
    }
}

impl<F: Scalar> Deferred<F> {
    /// The instructions, if there are any by now.
    #[inline]
    pub(super) fn get(&self, make: impl FnOnce() -> Option<Lowered<F>>) -> Option<&Executable<F>> {
        match self.made.get() {
            Some(made) => made.as_ref(),
            None => self.count(make),
        }
    }

    #[cold]
    fn count(&self, make: impl FnOnce() -> Option<Lowered<F>>) -> Option<&Executable<F>> {
        let uses = self.uses.load(Ordering::Relaxed) + 1;
        // Counts that are lost between threads do no harm.
        self.uses.store(uses, Ordering::Relaxed);
        if uses > WALKS { self.make(make) } else { None }
    }

    /// The instructions, made now if need be.
    pub(super) fn make(&self, make: impl FnOnce() -> Option<Lowered<F>>) -> Option<&Executable<F>> {
        self.made.get_or_init(|| make().map(Executable::new)).as_ref()
    }
}

/// Instructions with a number of their own, by which a memory knows whose constants it holds.
#[derive(Clone, Debug)]
pub(super) struct Executable<F> {
    lowered: Lowered<F>,
    number: u64,
}

/// The memory of instructions.
#[derive(Clone, Debug)]
pub(super) struct Memory<F> {
    slots: Vec<F>,
    /// Whose constants it holds; 0 for none.
    number: u64,
}

impl<F> Default for Memory<F> {
    fn default() -> Self {
        Self { slots: Vec::new(), number: 0 }
    }
}

impl<F: Scalar> Executable<F> {
    fn new(lowered: Lowered<F>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { lowered, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Computes the outputs at `x`. They are those of the program that was recorded, if none of them and no watched
    /// value is NaN, and if all guards hold.
    #[inline]
    pub(super) fn run<'a>(&'a self, memory: &'a mut Memory<F>, x: &[F]) -> Outcome<'a, F> {
        let Lowered { code, constants, slots, .. } = &self.lowered;
        if memory.number != self.number {
            memory.slots.clear();
            memory.slots.extend_from_slice(constants);
            memory.slots.resize(*slots, F::zero());
            memory.number = self.number;
        }
        memory.slots[constants.len()..][..x.len()].copy_from_slice(x);
        code.run(&mut memory.slots);
        Outcome { lowered: &self.lowered, slots: &memory.slots }
    }
}

/// What came of a run.
#[derive(Clone, Copy)]
pub(super) struct Outcome<'a, F> {
    lowered: &'a Lowered<F>,
    slots: &'a [F],
}

impl<F: Scalar> Outcome<'_, F> {
    /// The outputs.
    #[inline]
    pub(super) fn outputs(&self) -> impl Iterator<Item = F> {
        self.lowered.outputs.iter().map(|&slot| self.slots[slot as usize])
    }

    /// Whether a watched value is NaN.
    #[inline]
    pub(super) fn speculated_in_vain(&self) -> bool {
        self.lowered.watched.iter().any(|&slot| self.slots[slot as usize].is_nan())
    }

    /// The first guard that does not hold.
    #[inline]
    pub(super) fn broken_guard(&self) -> Option<usize> {
        self.lowered.guards.iter().position(|guard| !guard.holds(|slot| self.slots[slot as usize]))
    }
}
