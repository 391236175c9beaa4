//! From a graph to instructions for one point.
//!
//! Every value gets a slot of one memory: constants first, then inputs, then results. Results that depend on
//! nothing but what is done already form a level, and within a level those of one shape stand together. Where their
//! operands are consecutive as well, they run as slices; the others run one by one.

use super::instruction::{
    Code, Instruction, MOST_SLOTS, PRODUCT_NEGATIVE, SUMMAND_NEGATIVE, Segment, Strided,
};
use crate::Scalar;
use crate::program::graph::{Graph, List, Node, Reduction};
use crate::program::guard::{Guard, same_bits};
use crate::program::optimize::drop_copies;
use crate::rules::Op;
use crate::rules::reductions::empty_sum;
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::hash::Hash;

/// From so many on, instructions with consecutive operands run side by side.
const SHORTEST_SLICE: usize = 6;

/// Reductions of more terms than this stay whole.
const LONGEST_UNROLLED: usize = 64;

/// A graph, ready to be evaluated at one point.
#[derive(Clone, Debug)]
pub(in crate::program) struct Lowered<F> {
    pub(super) code: Code,
    /// The constants, from the first slot on; the inputs follow.
    pub(super) constants: Vec<F>,
    pub(super) slots: usize,
    pub(super) outputs: Vec<u32>,
    pub(super) watched: Vec<u32>,
    pub(super) guards: Vec<Guard<F>>,
}

/// Lowers a graph; `None` if it is too large to pay.
pub(in crate::program) fn lower<F: Scalar>(mut graph: Graph<F>, watched: &[u32]) -> Option<Lowered<F>> {
    let mut watched = watched.to_vec();
    for pass in [drop_copies, drop_zeros] {
        let stands_for = pass(&mut graph);
        watched.iter_mut().for_each(|node| *node = stands_for[*node as usize]);
    }
    let items = Items::of(&graph, &watched)?;
    if items.reads.len() + graph.nodes.len() >= MOST_SLOTS {
        return None;
    }
    Some(items.place(&graph, &watched))
}

/// Sends the uses of 0 + x to x, where x is sure not to be −0. Returns what each node then stands for.
fn drop_zeros<F: Scalar>(graph: &mut Graph<F>) -> Vec<u32> {
    let mut stands_for: Vec<u32> = (0..graph.nodes.len() as u32).collect();
    let mut not_negative_zero = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        if let Node::Apply(_, operands) = &mut graph.nodes[index] {
            *operands = operands.map(|operand| stands_for[operand as usize]);
        }
        let sure = |node: u32| not_negative_zero[node as usize];
        let sure_now = match graph.nodes[index] {
            Node::Constant(value) => !same_bits(value, -F::zero()),
            Node::Apply(Op::Add, [a, b, _]) => sure(a) || sure(b),
            Node::Apply(Op::Sub, [a, ..]) => sure(a),
            _ => false,
        };
        not_negative_zero[index] = sure_now;
        let sure = |node: u32| not_negative_zero[node as usize];
        if let Node::Apply(Op::Add, [a, b, _]) = graph.nodes[index] {
            let is_zero = |node: u32| matches!(graph.nodes[node as usize], Node::Constant(value) if same_bits(value, F::zero()));
            if is_zero(a) && sure(b) {
                stands_for[index] = b;
            } else if is_zero(b) && sure(a) {
                stands_for[index] = a;
            }
        }
    }
    graph.redirect_lists(&stands_for);
    stands_for
}

/// What is computed at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// An instruction, by its signs.
    Multiply(u32),
    /// Instructions that add up so many products, or terms, from a start on; then perhaps a last summand.
    Chain(u32),
    Apply(Op),
    Reduce(Reduction),
}

/// A result: what computes it, and its operands in [`Items::reads`]. Operands of instructions are a, b and c, one after
/// the other.
#[derive(Clone, Copy)]
struct Item {
    kind: Kind,
    node: u32,
    level: u32,
    reads: List,
}

/// The constants that instructions need: places beyond all nodes.
#[derive(Clone, Copy)]
struct Extra {
    one: u32,
    negative_zero: u32,
    empty_sum: u32,
}

struct Items {
    items: Vec<Item>,
    reads: Vec<u32>,
    extra: Extra,
}

impl Items {
    /// What the outputs, guards and watched nodes need.
    fn of<F: Scalar>(graph: &Graph<F>, watched: &[u32]) -> Option<Self> {
        let uses = uses(graph, watched);
        let nodes = graph.nodes.len() as u32;
        let extra = Extra { one: nodes, negative_zero: nodes + 1, empty_sum: nodes + 2 };
        let fused = fused(graph, &uses);
        let mut levels = vec![0_u32; graph.nodes.len() + 3];
        let mut this = Self { items: Vec::with_capacity(graph.nodes.len()), reads: Vec::new(), extra };
        for (index, node) in graph.nodes.iter().enumerate() {
            if uses[index] == 0 || fused[index] {
                continue;
            }
            let start = this.reads.len();
            let Some(kind) = this.read(graph, *node, &fused) else { continue };
            let reads = &this.reads[start..];
            let level = 1 + reads.iter().map(|&read| levels[read as usize]).max().unwrap_or(0);
            levels[index] = level;
            let reads = List { start: start as u32, len: reads.len() as u32 };
            this.items.push(Item { kind, node: index as u32, level, reads });
        }
        (this.reads.len() < MOST_SLOTS).then_some(this)
    }

    /// How a node is computed; appends what it reads.
    fn read<F: Scalar>(&mut self, graph: &Graph<F>, node: Node<F>, fused: &[bool]) -> Option<Kind> {
        let Extra { one, negative_zero, empty_sum } = self.extra;
        let product = |node: u32| match graph.nodes[node as usize] {
            Node::Apply(Op::Mul, [a, b, _]) if fused[node as usize] => [a, b],
            _ => [node, one],
        };
        let is_product = |node: u32| fused[node as usize];
        let (signs, [a, b], c) = match node {
            Node::Input | Node::Constant(_) => return None,
            Node::Apply(Op::Add, [x, y, _]) if is_product(y) => (0, product(y), x),
            Node::Apply(Op::Add, [x, y, _]) => (0, product(x), y),
            Node::Apply(Op::Sub, [x, y, _]) if is_product(y) => (PRODUCT_NEGATIVE, product(y), x),
            Node::Apply(Op::Sub, [x, y, _]) => (SUMMAND_NEGATIVE, product(x), y),
            Node::Apply(Op::Mul, [x, y, _]) => (0, [x, y], negative_zero),
            Node::Apply(Op::Powi(2), [x, ..]) => (0, [x, x], negative_zero),
            Node::Apply(Op::Neg, [x, ..]) => (PRODUCT_NEGATIVE, [x, one], negative_zero),
            Node::Apply(op, operands) => {
                self.reads.extend(&operands[..op.arity()]);
                return Some(Kind::Apply(op));
            }
            Node::Reduce(reduction, list) => return Some(self.reduction(graph, reduction, list)),
            Node::Row { affine, row } => {
                let affine = &graph.affines[affine as usize];
                self.reads.push(empty_sum);
                for (weight, x) in affine.row(row).zip(graph.list(affine.x)) {
                    self.reads.extend([weight as u32, x as u32]);
                }
                self.reads.extend([affine.bias + row, one]);
                return Some(Kind::Chain(affine.x.len + 1));
            }
        };
        self.reads.extend([a, b, c]);
        Some(Kind::Multiply(signs))
    }

    fn reduction<F: Scalar>(&mut self, graph: &Graph<F>, reduction: Reduction, list: List) -> Kind {
        let terms = graph.list(list).map(|node| node as u32);
        let Extra { one, empty_sum, .. } = self.extra;
        let short = list.len as usize <= LONGEST_UNROLLED;
        match reduction {
            Reduction::Sum if short => {
                self.reads.push(empty_sum);
                self.reads.extend(terms.flat_map(|term| [term, one]));
                Kind::Chain(list.len)
            }
            Reduction::Dot if short => {
                self.reads.push(empty_sum);
                self.reads.extend(terms);
                Kind::Chain(list.len / 2)
            }
            Reduction::Chain if short => {
                self.reads.extend(terms);
                Kind::Chain(list.len / 2)
            }
            _ => {
                self.reads.extend(terms);
                Kind::Reduce(reduction)
            }
        }
    }

    /// Gives every value its slot, and every result its instruction.
    fn place<F: Scalar>(mut self, graph: &Graph<F>, watched: &[u32]) -> Lowered<F> {
        self.sort();
        let mut slot_of = vec![u32::MAX; graph.nodes.len() + 3];
        let mut constants = vec![F::one(), -F::zero(), empty_sum()];
        let extra = [self.extra.one, self.extra.negative_zero, self.extra.empty_sum];
        extra.into_iter().zip(0..).for_each(|(node, slot)| slot_of[node as usize] = slot);
        for (slot, node) in slot_of.iter_mut().zip(&graph.nodes) {
            if let Node::Constant(value) = *node {
                *slot = constants.len() as u32;
                constants.push(value);
            }
        }
        let mut slots = constants.len() as u32;
        let results = self.items.iter().map(|item| item.node as usize);
        for node in (0..graph.inputs()).chain(results) {
            slot_of[node] = slots;
            slots += 1;
        }
        for read in &mut self.reads {
            *read = slot_of[*read as usize];
        }
        let slot = |node: u32| slot_of[node as usize];
        let mut code = Code::default();
        for group in self.items.chunk_by(|a, b| a.kind == b.kind && a.level == b.level) {
            code.push(group, &self.reads, slot(group[0].node));
        }
        Lowered {
            code,
            constants,
            slots: slots as usize,
            outputs: graph.outputs.iter().map(|&node| slot(node)).collect(),
            watched: watched.iter().map(|&node| slot(node)).collect(),
            guards: graph.guards.iter().map(|guard| guard.renumbered(slot)).collect(),
        }
    }

    /// Sorts results by level, and within a level by their shape: those that come from one place of a loop have the same
    /// kind, and read constants at the same places.
    fn sort(&mut self) {
        let mut ranks: HashMap<(Kind, u8), u32, FxBuildHasher> = HashMap::default();
        let (reads, extra) = (&self.reads, self.extra);
        let keys = self.items.iter().map(|item| {
            let mut constant = 0_u8;
            if let Kind::Multiply(_) = item.kind {
                for &read in &reads[item.reads.range()] {
                    constant = constant << 2 | u8::from(read == extra.one) | u8::from(read == extra.negative_zero) << 1;
                }
            }
            let rank = ranks.len() as u32;
            let rank = *ranks.entry((item.kind, constant)).or_insert(rank);
            u64::from(item.level) << 32 | u64::from(rank)
        });
        let mut order: Vec<(u64, u32)> = keys.zip(0..).collect();
        order.sort_unstable();
        self.items = order.into_iter().map(|(_, index)| self.items[index as usize]).collect();
    }
}

/// How often each node is read, by what is alive; of those that are not, 0.
fn uses<F: Scalar>(graph: &Graph<F>, watched: &[u32]) -> Vec<u32> {
    let mut uses = vec![0_u32; graph.nodes.len()];
    let guards = graph.guards.iter().flat_map(Guard::operands);
    // Twice, so that a root is never taken for a part of its only reader.
    guards.chain(graph.outputs.iter().chain(watched).copied()).for_each(|node| uses[node as usize] += 2);
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if uses[index] > 0 {
            graph.operands(node).for_each(|operand| uses[operand as usize] += 1);
        }
    }
    uses
}

/// The products that are computed together with the only sum that reads them.
fn fused<F: Scalar>(graph: &Graph<F>, uses: &[u32]) -> Vec<bool> {
    let mut fused = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let Node::Apply(Op::Add | Op::Sub, [x, y, _]) = *node else { continue };
        let is_product = |node: u32| {
            uses[node as usize] == 1 && matches!(graph.nodes[node as usize], Node::Apply(Op::Mul, _))
        };
        if uses[index] == 0 {
            continue;
        }
        if is_product(y) {
            fused[y as usize] = true;
        } else if is_product(x) {
            fused[x as usize] = true;
        }
    }
    fused
}

impl Code {
    /// Appends results of one kind and level, which do not read each other.
    fn push(&mut self, group: &[Item], reads: &[u32], z: u32) {
        match group[0].kind {
            Kind::Multiply(signs) => self.multiply(group, reads, signs, z),
            Kind::Chain(_) => {
                for (item, z) in group.iter().zip(z..) {
                    let (start, pairs) = reads[item.reads.range()].split_first().expect("a chain has a start");
                    let mut summand = *start;
                    for &[a, b] in pairs.as_chunks().0 {
                        self.instruction(Instruction { a, b, c: summand, z });
                        summand = z;
                    }
                    if pairs.is_empty() {
                        // 1 · start − 0: the constants of an instruction are in the first slots.
                        self.instruction(Instruction { a: *start, b: 0, c: 1, z });
                    }
                }
            }
            Kind::Apply(op) => {
                let list = self.lists.len() as u32;
                self.lists.extend(group.iter().flat_map(|item| &reads[item.reads.range()]));
                self.segments.push(Segment::Apply { op, list, z, count: group.len() as u32 });
            }
            Kind::Reduce(reduction) => {
                for (item, z) in group.iter().zip(z..) {
                    let start = self.lists.len() as u32;
                    self.lists.extend(&reads[item.reads.range()]);
                    let list = List { start, len: item.reads.len };
                    self.segments.push(Segment::Reduce { reduction, list, z });
                }
            }
        }
    }

    /// Appends instructions that do not read each other: as slices where operands are consecutive.
    fn multiply(&mut self, group: &[Item], reads: &[u32], signs: u32, z: u32) {
        let operands = |index: usize| -> [u32; 3] {
            reads[group[index].reads.range()].try_into().expect("an instruction reads three slots")
        };
        let mut start = 0;
        while start < group.len() {
            let first = operands(start);
            let moves = match group.get(start + 1) {
                None => [false; 3],
                Some(_) => std::array::from_fn(|which| operands(start + 1)[which] != first[which]),
            };
            let follows = |index: usize| {
                let step = (index - start) as u32;
                let expected = |which: usize| first[which] + if moves[which] { step } else { 0 };
                operands(index) == [expected(0), expected(1), expected(2)]
            };
            let end = (start + 1..group.len()).find(|&index| !follows(index)).unwrap_or(group.len());
            let (count, z) = (end - start, z + start as u32);
            if count >= SHORTEST_SLICE {
                let operands =
                    std::array::from_fn(|which| Strided { first: first[which], moves: moves[which] });
                self.segments.push(Segment::Slices { operands, signs, z, count: count as u32 });
            } else {
                for (index, z) in (start..end).zip(z..) {
                    let [a, b, c] = operands(index);
                    self.instruction(Instruction { a, b, c, z: z | signs });
                }
            }
            start = end;
        }
    }

    fn instruction(&mut self, instruction: Instruction) {
        self.instructions.push(instruction);
        match self.segments.last_mut() {
            Some(Segment::Instructions(count)) => *count += 1,
            _ => self.segments.push(Segment::Instructions(1)),
        }
    }
}
