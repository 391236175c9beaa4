//! The recorder: where traced numbers write what is done with them.
//!
//! There is one for each thread and type of number while a recording is under way. That keeps a traced
//! number small, `Copy` and `'static`, as other crates' generic code needs it.

use super::Traced;
use super::graph::{Affine, Graph, List, Node, Reduction};
use super::guard::{Guard, same_bits};
use crate::rules::Op;
use crate::{Error, Scalar};
use hashbrown::HashTable;
use rustc_hash::FxHasher;
use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

/// A recording under way.
#[derive(Debug)]
pub struct Recorder<F> {
    /// Tells the numbers of this recording from those of another.
    id: u32,
    graph: Graph<F>,
    /// The nodes that were computed, by what computes them.
    known: HashTable<u32>,
    limit: usize,
    full: bool,
}

impl<F: Scalar> Recorder<F> {
    pub(super) fn new(parameters: usize, data: usize, limit: usize) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let graph = Graph {
            nodes: vec![Node::Input; parameters + data],
            lists: Vec::new(),
            affines: Vec::new(),
            guards: Vec::new(),
            outputs: Vec::new(),
            parameters,
            data,
        };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            graph,
            known: HashTable::new(),
            limit: limit.min(u32::MAX as usize - 1),
            full: false,
        }
    }

    /// Whether the numbers of a recording are at home here.
    pub(super) fn check(&self, id: u32) {
        assert!(
            id == self.id,
            "this traced number belongs to another recording; record one computation at a time"
        );
    }

    /// The place of a constant.
    pub(super) fn constant(&mut self, value: F) -> u32 {
        self.node(Node::Constant(value))
    }

    /// The place of the result of an operation.
    pub(super) fn apply(&mut self, op: Op, operands: [u32; 3]) -> u32 {
        self.node(Node::Apply(op, operands))
    }

    /// The place of the result of a reduction.
    pub(super) fn reduce(&mut self, reduction: Reduction, operands: impl Iterator<Item = u32>) -> u32 {
        let list = self.list(operands);
        self.push(Node::Reduce(reduction, list))
    }

    /// The place of the first row of an affine map, unless its weights and biases are not parameters in
    /// order.
    pub(super) fn affine(&mut self, weights: &[u32], bias: &[u32], x: &[u32]) -> Option<u32> {
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
        let affine =
            Affine { weights: first, bias: first_bias, rows, x: no_list, in_line: false, alone: false };
        Some(self.affine_rows(affine, x.iter().copied()))
    }

    /// The place of the first row of an affine map of the given vector.
    pub(super) fn affine_rows(&mut self, affine: Affine, x: impl Iterator<Item = u32>) -> u32 {
        let x = self.list(x);
        let index = self.graph.affines.len() as u32;
        self.graph.affines.push(Affine { x, ..affine });
        let first_row = self.push(Node::Row { affine: index, row: 0 });
        for row in 1..affine.rows {
            self.push(Node::Row { affine: index, row });
        }
        first_row
    }

    /// The node at a place.
    pub(super) fn node_at(&self, place: u32) -> Node<F> {
        self.graph.nodes[place as usize]
    }

    /// What was recorded, with its outputs.
    pub(super) fn into_graph(self, outputs: Vec<u32>) -> Graph<F> {
        Graph { outputs, ..self.graph }
    }

    pub(super) fn guard(&mut self, guard: Guard<F>) {
        if self.has_room() {
            self.graph.guards.push(guard);
        }
    }

    fn list(&mut self, operands: impl Iterator<Item = u32>) -> List {
        let start = self.graph.lists.len();
        for operand in operands {
            if self.has_room() {
                self.graph.lists.push(operand);
            }
        }
        List { start: start as u32, len: (self.graph.lists.len() - start) as u32 }
    }

    /// The place of a node, which may be known already.
    fn node(&mut self, node: Node<F>) -> u32 {
        let hash = hash(&node);
        let nodes = &self.graph.nodes;
        let found = self.known.find(hash, |&index| equal(&nodes[index as usize], &node));
        if let Some(&index) = found {
            return index;
        }
        let index = self.push(node);
        if !self.full {
            let nodes = &self.graph.nodes;
            self.known.insert_unique(hash, index, |&index| self::hash(&nodes[index as usize]));
        }
        index
    }

    fn push(&mut self, node: Node<F>) -> u32 {
        if !self.has_room() {
            return 0;
        }
        self.graph.nodes.push(node);
        (self.graph.nodes.len() - 1) as u32
    }

    /// Beyond the limit, the function runs on, but nothing more is written: `finish` will say so.
    fn has_room(&mut self) -> bool {
        let graph = &self.graph;
        self.full |= graph.nodes.len() + graph.lists.len() + graph.guards.len() >= self.limit;
        !self.full
    }
}

/// The order of a commutative operation's operands is no difference.
fn sorted(op: Op, [a, b, c]: [u32; 3]) -> [u32; 3] {
    if matches!(op, Op::Add | Op::Mul) { [a.min(b), a.max(b), c] } else { [a, b, c] }
}

fn hash<F: Scalar>(node: &Node<F>) -> u64 {
    let mut hasher = FxHasher::default();
    match *node {
        Node::Constant(value) => value.wide().to_bits().hash(&mut hasher),
        Node::Apply(op, operands) => (op, sorted(op, operands)).hash(&mut hasher),
        // These are never looked up.
        Node::Input | Node::Reduce(..) | Node::Row { .. } => {}
    }
    hasher.finish()
}

fn equal<F: Scalar>(a: &Node<F>, b: &Node<F>) -> bool {
    match (*a, *b) {
        (Node::Constant(a), Node::Constant(b)) => same_bits(a, b),
        (Node::Apply(f, a), Node::Apply(g, b)) => f == g && sorted(f, a) == sorted(g, b),
        _ => false,
    }
}

/// A recording on this thread, which ends when this is dropped, also by a panic.
#[derive(Debug)]
pub(super) struct Session<F: Scalar> {
    id: u32,
    /// The recording that this one interrupts.
    outer: Option<Recorder<F>>,
}

impl<F: Scalar> Session<F> {
    pub(super) fn begin(recorder: Recorder<F>) -> Self {
        let id = recorder.id;
        Self { id, outer: F::recorder().with_borrow_mut(|current| current.replace(recorder)) }
    }

    pub(super) fn input(&self, value: F, index: u32) -> Traced<F> {
        Traced::node(value, index, self.id)
    }

    /// Ends the recording.
    pub(super) fn finish(self, outputs: &[Traced<F>]) -> Result<Graph<F>, Error> {
        let places: Vec<u32> = outputs.iter().map(|y| with(self.id, |recorder| y.place(recorder))).collect();
        let recorder = F::recorder().with_borrow_mut(Option::take).expect("the session is open");
        if recorder.full {
            return Err(Error::TooLarge { limit: recorder.limit });
        }
        Ok(recorder.into_graph(places))
    }
}

impl<F: Scalar> Drop for Session<F> {
    fn drop(&mut self) {
        let outer = self.outer.take();
        F::recorder().with_borrow_mut(|current| *current = outer);
    }
}

/// Lets the recorder of the given recording work.
///
/// # Panics
///
/// If that recording is not the one under way on this thread.
pub(super) fn with<F: Scalar, R>(id: u32, work: impl FnOnce(&mut Recorder<F>) -> R) -> R {
    F::recorder().with_borrow_mut(|current| match current {
        Some(recorder) => {
            recorder.check(id);
            work(recorder)
        }
        None => panic!("this traced number has outlived its recording; return it from the recorded function"),
    })
}

/// Where the recorder of one thread and type of number lives.
pub(crate) type Place<F> = std::thread::LocalKey<RefCell<Option<Recorder<F>>>>;
