//! The recorder: where traced numbers record each operation.
//!
//! During a recording, there is one recorder for each thread and number type. This keeps a traced number small,
//! `Copy` and `'static`, as generic code of other crates requires.

use crate::program::ir::graph::{Affine, Call, Graph, List, Node, Reduction, sorted};
use crate::program::ir::guard::{Guard, same_bits};
use crate::program::ir::rule::Recorded;
use crate::program::record::Traced;
use crate::rules::Op;
use crate::{CustomRule, Error, ProgramScalar};
use rustc_hash::FxBuildHasher;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

/// The initial and the largest number of recent nodes in the cache.
const CACHE: [usize; 2] = [1 << 6, 1 << 12];

/// Set in the number of a recording whose values are not known.
pub(in crate::program) const SYMBOLIC: u32 = 1 << 31;

/// An odd number whose products have different bits in their upper half.
const HASH_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A recording under way.
#[derive(Debug)]
pub struct Recorder<F> {
    /// Distinguishes the numbers of this recording from those of another.
    id: u32,
    graph: Graph<F>,
    /// Recent nodes, each at the place given by its hash. This finds most equal subexpressions without a search; the
    /// optimiser finds the others.
    recent: Vec<u32>,
    limit: usize,
    /// How many nodes are allowed, given the lists and guards so far.
    room: usize,
    full: bool,
}

impl<F: ProgramScalar> Recorder<F> {
    pub(in crate::program) fn new(parameters: usize, data: usize, limit: usize) -> Self {
        let mut nodes = Vec::with_capacity(parameters + data + CACHE[0]);
        nodes.resize(parameters + data, Node::Input);
        Self::resume(
            Graph {
                nodes,
                lists: Vec::new(),
                affines: Vec::new(),
                calls: Vec::new(),
                guards: Vec::new(),
                outputs: Vec::new(),
                parameters,
                data,
            },
            limit,
        )
    }

    /// Goes on with a graph.
    pub(in crate::program) fn resume(graph: Graph<F>, limit: usize) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let limit = limit.min(u32::MAX as usize - 1);
        let room = limit.saturating_sub(graph.lists.len() + graph.guards.len());
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed) & (SYMBOLIC - 1),
            graph,
            recent: vec![0; CACHE[0]],
            limit,
            room,
            full: false,
        }
    }

    /// A recording in which no value is known, used to derive one graph from another.
    pub(in crate::program) fn symbolic(self) -> Self {
        Self { id: self.id | SYMBOLIC, ..self }
    }

    /// Whether a number with this identity belongs to this recording.
    pub(in crate::program) fn check(&self, id: u32) {
        assert!(
            id == self.id,
            "this traced number belongs to another recording; record one computation at a time"
        );
    }

    /// The place of a constant.
    pub(in crate::program) fn constant(&mut self, value: F) -> u32 {
        let (place, known) = self.recall(value.wide().to_bits().wrapping_mul(HASH_MULTIPLIER));
        if let Some(&Node::Constant(other)) = self.graph.nodes.get(known as usize)
            && same_bits(other, value)
        {
            return known;
        }
        let index = self.push(Node::Constant(value));
        self.recent[place] = index;
        index
    }

    /// The place of the result of an operation, which may exist already. `hash` is the hash of the operation.
    // The node stays in registers: if it were built in memory, it would be stored in parts and loaded whole, which
    // stalls the processor.
    #[inline(never)]
    pub(in crate::program) fn apply(&mut self, op: Op, operands: [u32; 3], hash: u64) -> u32 {
        let [a, b, c] = sorted(op, operands);
        let pair = u64::from(a) << 32 | u64::from(b);
        let (place, known) = self
            .recall((pair.wrapping_mul(HASH_MULTIPLIER) ^ u64::from(c) ^ hash).wrapping_mul(HASH_MULTIPLIER));
        if let Some(&Node::Apply(other, others)) = self.graph.nodes.get(known as usize)
            && sorted(other, others) == [a, b, c]
            && other == op
        {
            return known;
        }
        let index = self.push(Node::Apply(op, operands));
        self.recent[place] = index;
        index
    }

    /// The place of the result of an operation that is not known at compile time.
    pub(in crate::program) fn operation(&mut self, op: Op, operands: [u32; 3]) -> u32 {
        self.apply(op, operands, op.hash_code())
    }

    /// The place of the result of a reduction.
    pub(in crate::program) fn reduce(
        &mut self,
        reduction: Reduction,
        operands: impl Iterator<Item = u32>,
    ) -> u32 {
        let list = self.list(operands);
        self.push(Node::Reduce(reduction, list))
    }

    /// The place of the first row of an affine map, unless its weights and biases are not parameters in
    /// order.
    pub(in crate::program) fn affine(&mut self, weights: &[u32], bias: &[u32], x: &[u32]) -> Option<u32> {
        let (&first, &first_bias) = (weights.first()?, bias.first()?);
        let consecutive = |places: &[u32]| places.iter().zip(places[0]..).all(|(&place, next)| place == next);
        let parameters = self.graph.parameters;
        let at_home = |first: u32, len: usize| first as usize + len <= parameters;
        let fits = at_home(first, weights.len()) && at_home(first_bias, bias.len());
        if !(fits && consecutive(weights) && consecutive(bias)) {
            return None;
        }
        let rows = bias.len() as u32;
        let no_list = List { start: 0, len: 0 };
        let affine = Affine { weights: first, bias: first_bias, rows, x: no_list };
        Some(self.affine_rows(affine, x.iter().copied()))
    }

    /// The place of the first row of an affine map of the given vector.
    pub(in crate::program) fn affine_rows(&mut self, affine: Affine, x: impl Iterator<Item = u32>) -> u32 {
        let x = self.list(x);
        let index = self.graph.affines.len() as u32;
        self.graph.affines.push(Affine { x, ..affine });
        let first_row = self.push(Node::Row { affine: index, row: 0 });
        for row in 1..affine.rows {
            self.push(Node::Row { affine: index, row });
        }
        first_row
    }

    /// The place of the first output of a custom rule.
    pub(in crate::program) fn call(&mut self, rule: Recorded<F>, x: impl Iterator<Item = u32>) -> u32 {
        let x = self.list(x);
        let (call, outputs) = (self.graph.calls.len() as u32, rule.outputs() as u32);
        self.graph.calls.push(Call { rule, x });
        let first = self.push(Node::Output { call, output: 0 });
        for output in 1..outputs {
            self.push(Node::Output { call, output });
        }
        first
    }

    /// The node at a place.
    pub(in crate::program) fn node_at(&self, place: u32) -> Node<F> {
        self.graph.nodes[place as usize]
    }

    /// The recorded graph, with its outputs; each guard appears once.
    pub(in crate::program) fn into_graph(mut self, outputs: Vec<u32>) -> Graph<F> {
        let mut known = HashSet::with_hasher(FxBuildHasher);
        self.graph.guards.retain(|guard| known.insert(guard.key()));
        Graph { outputs, ..self.graph }
    }

    pub(in crate::program) fn guard(&mut self, guard: Guard<F>) {
        if self.takes_room() {
            self.graph.guards.push(guard);
        }
    }

    fn list(&mut self, operands: impl Iterator<Item = u32>) -> List {
        let start = self.graph.lists.len();
        for operand in operands {
            if self.takes_room() {
                self.graph.lists.push(operand);
            }
        }
        List { start: start as u32, len: (self.graph.lists.len() - start) as u32 }
    }

    /// The node that the cache holds for a hash, and its place in the cache.
    #[inline(always)]
    fn recall(&self, hash: u64) -> (usize, u32) {
        let place = (hash >> 32) as usize & (self.recent.len() - 1);
        (place, self.recent[place])
    }

    #[inline(always)]
    fn push(&mut self, node: Node<F>) -> u32 {
        let index = self.graph.nodes.len();
        if index >= self.room {
            self.full = true;
            return 0;
        }
        if index == self.graph.nodes.capacity() {
            self.grow();
        }
        self.graph.nodes.push(node);
        index as u32
    }

    /// Makes room for more nodes, and enlarges the cache.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let nodes = &mut self.graph.nodes;
        nodes.reserve(nodes.len().max(CACHE[0]));
        let cached = nodes.capacity().next_power_of_two().clamp(CACHE[0], CACHE[1]);
        if cached > self.recent.len() {
            self.recent = vec![0; cached];
        }
    }

    /// Counts an operand or a guard. Above the limit, the function runs on, but nothing more is recorded, and
    /// `finish` returns the error.
    fn takes_room(&mut self) -> bool {
        self.full |= self.graph.nodes.len() >= self.room;
        if !self.full {
            self.room -= 1;
        }
        !self.full
    }
}

/// A recording on this thread, which ends when this is dropped, even by a panic.
#[derive(Debug)]
pub(in crate::program) struct Session<F: ProgramScalar> {
    id: u32,
    /// The recording that this one interrupts.
    outer: Option<Recorder<F>>,
}

impl<F: ProgramScalar> Session<F> {
    pub(in crate::program) fn begin(recorder: Recorder<F>) -> Self {
        let id = recorder.id;
        Self { id, outer: F::recorder().with_borrow_mut(|current| current.replace(recorder)) }
    }

    /// A recording with the given numbers of parameters and data, whose values are not known.
    pub(in crate::program) fn symbolic(parameters: usize, data: usize) -> Self {
        Self::begin(Recorder::new(parameters, data, usize::MAX).symbolic())
    }

    /// A number whose value is not known and not needed.
    pub(in crate::program) fn unknown(&self, place: usize) -> Traced<F> {
        self.number(F::nan(), u32::try_from(place).expect("a recording has fewer than 2³² places"))
    }

    /// A number of this recording: an input, or an earlier result.
    pub(in crate::program) fn number(&self, value: F, index: u32) -> Traced<F> {
        Traced::node(value, index, self.id)
    }

    /// The place of a number.
    pub(in crate::program) fn place(&self, number: &Traced<F>) -> u32 {
        with(self.id, |recorder| number.place(recorder))
    }

    /// Adds guards over places.
    pub(in crate::program) fn guard(&self, guards: impl Iterator<Item = Guard<F>>) {
        with(self.id, |recorder: &mut Recorder<F>| guards.for_each(|guard| recorder.guard(guard)));
    }

    /// Ends the recording.
    pub(in crate::program) fn finish(self, outputs: &[Traced<F>]) -> Result<Graph<F>, Error> {
        let places: Vec<u32> = outputs.iter().map(|y| self.place(y)).collect();
        let recorder = F::recorder().with_borrow_mut(Option::take).expect("the session is open");
        if recorder.full {
            return Err(Error::TooLarge { limit: recorder.limit });
        }
        Ok(recorder.into_graph(places))
    }
}

impl<F: ProgramScalar> Drop for Session<F> {
    fn drop(&mut self) {
        let outer = self.outer.take();
        F::recorder().with_borrow_mut(|current| *current = outer);
    }
}

/// Gives access to the recorder of the given recording.
///
/// # Panics
///
/// If that recording is not the current one of this thread.
pub(in crate::program) fn with<F: ProgramScalar, R>(id: u32, work: impl FnOnce(&mut Recorder<F>) -> R) -> R {
    F::recorder().with_borrow_mut(|current| match current {
        Some(recorder) => {
            recorder.check(id);
            work(recorder)
        }
        None => panic!("this traced number has outlived its recording; return it from the recorded function"),
    })
}

/// Where the recorder of a thread and number type is kept.
pub(crate) type Place<F> = std::thread::LocalKey<RefCell<Option<Recorder<F>>>>;

macro_rules! recorded_here {
    ($($F:ty)*) => { $(
        impl ProgramScalar for $F {
            fn recorder() -> &'static Place<Self> {
                std::thread_local! {
                    static RECORDER: RefCell<Option<Recorder<$F>>> = const { RefCell::new(None) };
                }
                &RECORDER
            }
        }
    )* };
}

recorded_here!(f32 f64);
