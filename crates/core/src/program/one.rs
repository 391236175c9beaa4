//! Evaluation at one point: by a walk over the graph, and after some evaluations by instructions made for it.
//!
//! It takes a graph and a point, and gives values and derivatives. Nothing here knows of
//! batches. `one/functions.rs` makes programs of programs: derivatives, compositions, files.

mod evaluate;
mod functions;
mod instruction;
mod items;
mod lower;
mod machine;
mod order;
mod step;
mod workspace;

pub(in crate::program) use machine::Machines;
pub use machine::{Compiler, INPUTS, MachineCode, OUTPUTS};
pub(crate) use step::{StepMemory, StepProgram};
pub use workspace::Workspace;

use crate::ProgramScalar;
use crate::program::ir::graph::Graph;
use lower::Lowered;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// After this many evaluations, instructions are made: making them costs about as much as these evaluations.
const WALKS: u32 = 16;

/// Larger graphs are evaluated by the walk, unless instructions are requested.
const LARGE: usize = 1 << 21;

/// What the evaluations of one kind need; made after some of them.
#[derive(Debug)]
pub(in crate::program) struct Deferred<F> {
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

impl<F: ProgramScalar> Deferred<F> {
    /// The instructions for a graph, if they exist by now.
    #[inline]
    pub(in crate::program) fn get(
        &self,
        graph: &Graph<F>,
        make: impl FnOnce() -> Option<Lowered<F>>,
    ) -> Option<&Executable<F>> {
        match self.made.get() {
            Some(made) => made.as_ref(),
            None => self.count(graph, make),
        }
    }

    #[cold]
    fn count(&self, graph: &Graph<F>, make: impl FnOnce() -> Option<Lowered<F>>) -> Option<&Executable<F>> {
        if graph.size() > LARGE {
            return None;
        }
        let uses = self.uses.load(Ordering::Relaxed) + 1;
        // Counts that are lost between threads do no harm.
        self.uses.store(uses, Ordering::Relaxed);
        if uses > WALKS { self.make(make) } else { None }
    }

    /// The instructions, made now if necessary; `None` if there are none for this graph.
    pub(in crate::program) fn make(
        &self,
        make: impl FnOnce() -> Option<Lowered<F>>,
    ) -> Option<&Executable<F>> {
        self.made.get_or_init(|| make().map(Executable::new)).as_ref()
    }
}

/// Instructions with an identity, by which a memory knows whose constants it holds.
#[derive(Clone, Debug)]
pub(in crate::program) struct Executable<F> {
    lowered: Lowered<F>,
    number: u64,
}

/// The memory of instructions.
#[derive(Clone, Debug)]
pub(in crate::program) struct Memory<F> {
    slots: Vec<F>,
    /// The identity of the instructions whose constants it holds; 0 for none.
    number: u64,
}

impl<F> Default for Memory<F> {
    fn default() -> Self {
        Self { slots: Vec::new(), number: 0 }
    }
}

impl<F: ProgramScalar> Executable<F> {
    fn new(lowered: Lowered<F>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { lowered, number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Computes the outputs at `x`. They are those of the recorded program if none of them and no watched value is
    /// NaN, and if all guards hold.
    #[inline(always)]
    pub(in crate::program) fn run<'a>(&'a self, memory: &'a mut Memory<F>, x: &[F]) -> Outcome<'a, F> {
        memory.load(self, x);
        Outcome { lowered: &self.lowered, slots: &memory.slots }
    }

    /// Computes the outputs at `x` along a direction.
    pub(in crate::program) fn run_along<'a>(
        &'a self,
        memory: &'a mut Memory<F>,
        x: &[F],
        direction: &[F],
    ) -> Outcome<'a, F> {
        memory.load(self, x);
        self.run_on(memory, x.len(), direction.iter().copied())
    }

    /// Computes the outputs with these values for the varying inputs; the fixed inputs stay as loaded.
    pub(in crate::program) fn run_on<'a>(
        &'a self,
        memory: &'a mut Memory<F>,
        first: usize,
        varying: impl Iterator<Item = F>,
    ) -> Outcome<'a, F> {
        let Lowered { code: [_, code], constants, .. } = &self.lowered;
        memory.slots[constants.len() + first..].iter_mut().zip(varying).for_each(|(slot, x)| *slot = x);
        code.run(&mut memory.slots);
        Outcome { lowered: &self.lowered, slots: &memory.slots }
    }
}

impl<F: ProgramScalar> Memory<F> {
    /// Computes the values that depend only on fixed inputs.
    #[inline(always)]
    pub(in crate::program) fn load(&mut self, executable: &Executable<F>, x: &[F]) {
        let Lowered { code: [code, _], constants, slots, .. } = &executable.lowered;
        if self.number != executable.number {
            self.slots.clear();
            self.slots.extend_from_slice(constants);
            self.slots.resize(*slots, F::zero());
            self.number = executable.number;
        }
        self.slots[constants.len()..][..x.len()].copy_from_slice(x);
        code.run(&mut self.slots);
    }
}

/// The result of a run.
#[derive(Clone, Copy)]
pub(in crate::program) struct Outcome<'a, F> {
    lowered: &'a Lowered<F>,
    slots: &'a [F],
}

impl<F: ProgramScalar> Outcome<'_, F> {
    /// The outputs.
    #[inline]
    pub(in crate::program) fn outputs(&self) -> impl Iterator<Item = F> {
        self.lowered.outputs.iter().map(|&slot| self.slots[slot as usize])
    }

    /// Writes the outputs to the given slices, one after the other. Returns whether they are valid: whether no
    /// watched value is NaN, all guards hold, and all outputs are finite.
    #[inline(always)]
    pub(in crate::program) fn write(&self, parts: &mut [&mut [F]]) -> bool {
        if !self.answers() {
            return false;
        }
        if !self.lowered.stretches.is_empty() {
            return self.write_stretches(parts);
        }
        let mut outputs = self.outputs();
        let mut finite = true;
        for part in parts {
            for (to, number) in part.iter_mut().zip(&mut outputs) {
                *to = number;
                finite &= number.is_finite();
            }
        }
        finite
    }

    fn write_stretches(&self, parts: &mut [&mut [F]]) -> bool {
        let slots = |slots: &Range<u32>| &self.slots[slots.start as usize..slots.end as usize];
        let (mut stretches, mut from) = (self.lowered.stretches.iter().map(slots), [].as_slice());
        let mut finite = true;
        for part in parts {
            let mut to = &mut **part;
            while !to.is_empty() {
                if from.is_empty() {
                    from = stretches.next().expect("the parts are no longer than the outputs");
                }
                let (now, later) = to.split_at_mut(to.len().min(from.len()));
                let (these, others) = from.split_at(now.len());
                now.copy_from_slice(these);
                finite &= these.iter().fold(true, |finite, number| finite & number.is_finite());
                (to, from) = (later, others);
            }
        }
        finite
    }

    /// Whether these outputs may be: of a speculative program, none may be NaN.
    #[inline(always)]
    pub(in crate::program) fn accepts(&self, mut outputs: impl Iterator<Item = F>) -> bool {
        !self.lowered.outputs_not_nan || !outputs.any(F::is_nan)
    }

    /// Whether no watched value is NaN, and all guards hold. Otherwise, the walk computes the result, or reports the
    /// broken guard.
    #[inline(always)]
    pub(in crate::program) fn answers(&self) -> bool {
        let Lowered { watched, guards, .. } = self.lowered;
        let value = |slot: u32| self.slots[slot as usize];
        watched.iter().all(|&slot| !value(slot).is_nan()) && guards.iter().all(|guard| guard.holds(value))
    }
}
