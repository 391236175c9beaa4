//! What is computed at one point: the results that a graph needs, and how each of them is computed.

use super::instruction::{MOST_SLOTS, NEGATIVE};
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use crate::program::ir::guard::Guard;
use crate::rules::Op;

/// Reductions of more terms than this are kept whole.
const LONGEST_UNROLLED: usize = 8;

/// What is computed at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Computation {
    /// An instruction, by its sign.
    Multiply(u32),
    /// Instructions that add the given number of products or terms from a start on, and perhaps a last summand.
    Chain(u32),
    Apply(Op),
    Reduce(Reduction),
}

impl Computation {
    /// How many slots it takes; the result is in the last.
    pub(super) fn slots(self) -> u32 {
        match self {
            Self::Chain(instructions) => instructions.max(1),
            Self::Multiply(_) | Self::Apply(_) | Self::Reduce(_) => 1,
        }
    }
}

/// A result: how it is computed, and its operands in [`Items::reads`]. The operands of an instruction are a, b and c,
/// one after the other.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) kind: Computation,
    pub(super) node: u32,
    /// The number of results on the longest way from an input or constant to it.
    pub(super) depth: u32,
    pub(super) reads: List,
}

/// The constants that instructions need: nodes beyond those of the graph.
#[derive(Clone, Copy)]
pub(super) struct Extra {
    pub(super) one: u32,
    pub(super) negative_zero: u32,
    pub(super) empty_sum: u32,
}

/// All results of a graph, in the order of their nodes.
pub(super) struct Items {
    pub(super) all: Vec<Item>,
    pub(super) reads: Vec<u32>,
    pub(super) extra: Extra,
}

impl Items {
    /// The number of nodes, with the constants that instructions need.
    pub(super) fn nodes<F>(graph: &Graph<F>) -> usize {
        graph.nodes.len() + 3
    }

    /// What a result reads.
    pub(super) fn reads_of(&self, item: &Item) -> &[u32] {
        &self.reads[item.reads.range()]
    }

    /// The nodes that the outputs, guards and watched nodes need.
    pub(super) fn of<F: ProgramScalar>(graph: &Graph<F>, watched: &[u32]) -> Option<Self> {
        let uses = uses(graph, watched);
        let nodes = graph.nodes.len() as u32;
        let extra = Extra { one: nodes, negative_zero: nodes + 1, empty_sum: nodes + 2 };
        let fused = fused(graph, &uses);
        let mut depths = vec![0_u32; Self::nodes(graph)];
        let mut this = Self { all: Vec::with_capacity(graph.nodes.len()), reads: Vec::new(), extra };
        for (index, node) in graph.nodes.iter().enumerate() {
            if uses[index] == 0 || fused[index] {
                continue;
            }
            let start = this.reads.len();
            let Some(kind) = this.read(graph, *node, &fused, &depths) else { continue };
            let reads = &this.reads[start..];
            depths[index] = 1 + reads.iter().map(|&read| depths[read as usize]).max().unwrap_or(0);
            let reads = List { start: start as u32, len: reads.len() as u32 };
            this.all.push(Item { kind, node: index as u32, depth: depths[index], reads });
        }
        if this.reads.len() >= MOST_SLOTS {
            return None;
        }
        this.drop_unread(graph, watched);
        Some(this)
    }

    /// Drops results that nothing reads: negations that became signs.
    fn drop_unread<F: ProgramScalar>(&mut self, graph: &Graph<F>, watched: &[u32]) {
        let mut read = vec![false; Self::nodes(graph)];
        roots(graph, watched).for_each(|node| read[node as usize] = true);
        for item in self.all.iter().rev() {
            if read[item.node as usize] {
                self.reads[item.reads.range()].iter().for_each(|&node| read[node as usize] = true);
            }
        }
        self.all.retain(|item| read[item.node as usize]);
    }

    /// How a node is computed; appends what it reads.
    fn read<F: ProgramScalar>(
        &mut self,
        graph: &Graph<F>,
        node: Node<F>,
        fused: &[bool],
        depths: &[u32],
    ) -> Option<Computation> {
        let Extra { one, negative_zero, empty_sum } = self.extra;
        let product = |node: u32| match graph.nodes[node as usize] {
            Node::Apply(Op::Mul, [a, b, _]) if fused[node as usize] => [a, b],
            _ => [node, one],
        };
        let is_product = |node: u32| fused[node as usize];
        let is_negation = |node: u32| matches!(graph.nodes[node as usize], Node::Apply(Op::Neg, _));
        // Which of two terms to multiply by 1: a negated one, whose sign the instruction absorbs, or the one computed
        // first.
        let is_factor =
            |y: u32, x: u32| is_negation(y) || (!is_negation(x) && depths[x as usize] > depths[y as usize]);
        let (mut sign, mut factors, c) = match node {
            Node::Input | Node::Constant(_) => return None,
            Node::Output { .. } => unreachable!("graphs with rules are not lowered"),
            Node::Apply(Op::Add, [x, y, _]) if is_product(y) => (0, product(y), x),
            Node::Apply(Op::Add, [x, y, _]) if !is_product(x) && is_factor(y, x) => (0, [y, one], x),
            Node::Apply(Op::Add, [x, y, _]) => (0, product(x), y),
            Node::Apply(Op::Sub, [x, y, _]) if is_product(y) => (NEGATIVE, product(y), x),
            Node::Apply(Op::Sub, [x, y, _]) => (NEGATIVE, [y, one], x),
            Node::Apply(Op::Mul, [x, y, _]) => (0, [x, y], negative_zero),
            Node::Apply(Op::Powi(2), [x, ..]) => (0, [x, x], negative_zero),
            Node::Apply(Op::Neg, [x, ..]) => (NEGATIVE, [x, one], negative_zero),
            Node::Apply(op, operands) => {
                self.reads.extend(&operands[..op.arity()]);
                return Some(Computation::Apply(op));
            }
            Node::Reduce(reduction, list) => return Some(self.reduction(graph, reduction, list)),
            Node::Row { affine, row } => {
                let affine = &graph.affines[affine as usize];
                let terms = affine.x.len as usize + 1;
                let short = terms <= LONGEST_UNROLLED;
                if short {
                    self.reads.push(empty_sum);
                }
                for (weight, x) in affine.row(row).zip(graph.list(affine.x)) {
                    self.reads.extend([weight as u32, x as u32]);
                }
                self.reads.extend([affine.bias + row, one]);
                return Some(if short {
                    Computation::Chain(terms as u32)
                } else {
                    Computation::Reduce(Reduction::Dot)
                });
            }
        };
        // A negated operand becomes a sign of the instruction.
        for factor in &mut factors {
            while let Some(Node::Apply(Op::Neg, [x, ..])) = graph.nodes.get(*factor as usize) {
                (*factor, sign) = (*x, sign ^ NEGATIVE);
            }
        }
        self.reads.extend([factors[0], factors[1], c]);
        Some(Computation::Multiply(sign))
    }

    fn reduction<F: ProgramScalar>(
        &mut self,
        graph: &Graph<F>,
        reduction: Reduction,
        list: List,
    ) -> Computation {
        let terms = graph.list(list).map(|node| node as u32);
        let Extra { one, empty_sum, .. } = self.extra;
        let short = list.len as usize <= LONGEST_UNROLLED;
        match reduction {
            Reduction::Sum if short => {
                self.reads.push(empty_sum);
                self.reads.extend(terms.flat_map(|term| [term, one]));
                Computation::Chain(list.len)
            }
            Reduction::Dot if short => {
                self.reads.push(empty_sum);
                self.reads.extend(terms);
                Computation::Chain(list.len / 2)
            }
            Reduction::MultiplyAddChain if short => {
                self.reads.extend(terms);
                Computation::Chain(list.len / 2)
            }
            _ => {
                self.reads.extend(terms);
                Computation::Reduce(reduction)
            }
        }
    }
}

/// The nodes that must be computed: those that outputs, guards and watched nodes need.
fn roots<'a, F: ProgramScalar>(graph: &'a Graph<F>, watched: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    let guards = graph.guards.iter().flat_map(Guard::operands);
    guards.chain(graph.outputs.iter().chain(watched).copied())
}

/// How often nodes that are needed read each node; 0 for nodes that are not needed.
fn uses<F: ProgramScalar>(graph: &Graph<F>, watched: &[u32]) -> Vec<u32> {
    let mut uses = vec![0_u32; graph.nodes.len()];
    // Counted twice, so that an output is never merged into its only reader.
    roots(graph, watched).for_each(|node| uses[node as usize] += 2);
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if uses[index] > 0 {
            graph.operands(node).for_each(|operand| uses[operand as usize] += 1);
        }
    }
    uses
}

/// The products that are computed together with the only sum that reads them.
fn fused<F: ProgramScalar>(graph: &Graph<F>, uses: &[u32]) -> Vec<bool> {
    let mut fused = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        let Node::Apply(op @ (Op::Add | Op::Sub), [x, y, _]) = *node else { continue };
        let is_product = |node: u32| {
            uses[node as usize] == 1 && matches!(graph.nodes[node as usize], Node::Apply(Op::Mul, _))
        };
        if uses[index] == 0 {
            continue;
        }
        if is_product(y) {
            fused[y as usize] = true;
        } else if is_product(x) && op == Op::Add {
            fused[x as usize] = true;
        }
    }
    fused
}
