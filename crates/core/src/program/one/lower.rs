//! From a graph to instructions for one point.
//!
//! Every value gets a slot in one memory: first constants, then inputs, then results. Results whose operands are all
//! computed form a level, and within a level results of one shape are consecutive. If their operands are consecutive
//! as well, they run as slices; the others run one by one.

use super::instruction::{Code, Instruction, MOST_SLOTS, NEGATIVE, Segment, Strided};
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use crate::program::ir::guard::Guard;
use crate::program::transform::optimize;
use crate::rules::Op;
use crate::rules::reductions::empty_sum;
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// From this many on, instructions with consecutive operands run side by side.
const SHORTEST_SLICE: usize = 6;

/// Outputs are copied slice by slice if slices have this many numbers on average.
const SHORTEST_STRETCH: usize = 8;

/// This many results in the order of the recording are sorted by levels. Results that are far apart stay so, because
/// the caches of the processor are small.
const WINDOW: u32 = 1 << 16;

/// Reductions of more terms than this are kept whole.
const LONGEST_UNROLLED: usize = 8;

/// A graph, ready to be evaluated at one point.
#[derive(Clone, Debug)]
pub(in crate::program) struct Lowered<F> {
    /// Instructions for what depends only on fixed inputs, and instructions for what depends on varying inputs.
    pub(in crate::program) code: [Code; 2],
    /// The constants, from the first slot on; the inputs follow.
    pub(in crate::program) constants: Vec<F>,
    pub(in crate::program) slots: usize,
    pub(in crate::program) outputs: Vec<u32>,
    /// The slots of the outputs, as far as they are consecutive; empty if only short stretches are.
    pub(in crate::program) stretches: Vec<Range<u32>>,
    pub(in crate::program) watched: Vec<u32>,
    pub(in crate::program) guards: Vec<Guard<F>>,
    /// Whether no output may be NaN, besides the watched values.
    pub(in crate::program) outputs_not_nan: bool,
}

/// Lowers a graph without custom rules; `None` if it has too many values, or must not be computed beyond a guard that does
/// not hold. The last inputs, of the given number, vary;
/// the others are fixed.
pub(in crate::program) fn lower<F: ProgramScalar>(
    mut graph: Graph<F>,
    watched: &[u32],
    moving: usize,
) -> Option<Lowered<F>> {
    if graph.has_guarded_clamp() {
        return None;
    }
    let mut watched = watched.to_vec();
    let outputs = graph.outputs.len();
    optimize::for_one_point(&mut graph, &mut watched, outputs);
    let items = Items::of(&graph, &watched)?;
    if items.reads.len() + graph.nodes.len() >= MOST_SLOTS {
        return None;
    }
    Some(items.place(&graph, &watched, moving))
}

/// What is computed at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Computation {
    /// An instruction, by its sign.
    Multiply(u32),
    /// Instructions that add the given number of products or terms from a start on, and perhaps a last summand.
    Chain(u32),
    Apply(Op),
    Reduce(Reduction),
}

/// A result: how it is computed, and its operands in [`Items::reads`]. The operands of an instruction are a, b and c,
/// one after the other.
#[derive(Clone, Copy)]
struct Item {
    kind: Computation,
    node: u32,
    level: u32,
    /// The part of the recording to which it belongs.
    window: u32,
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
    /// The nodes that the outputs, guards and watched nodes need.
    fn of<F: ProgramScalar>(graph: &Graph<F>, watched: &[u32]) -> Option<Self> {
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
            let Some(kind) = this.read(graph, *node, &fused, &levels) else { continue };
            let reads = &this.reads[start..];
            levels[index] = 1 + reads.iter().map(|&read| levels[read as usize]).max().unwrap_or(0);
            let reads = List { start: start as u32, len: reads.len() as u32 };
            this.items.push(Item { kind, node: index as u32, level: levels[index], window: 0, reads });
        }
        if this.reads.len() >= MOST_SLOTS {
            return None;
        }
        this.drop_unread(graph, watched);
        Some(this)
    }

    /// Drops results that nothing reads: negations that became signs.
    fn drop_unread<F: ProgramScalar>(&mut self, graph: &Graph<F>, watched: &[u32]) {
        let mut read = vec![false; graph.nodes.len() + 3];
        roots(graph, watched).for_each(|node| read[node as usize] = true);
        for item in self.items.iter().rev() {
            if read[item.node as usize] {
                self.reads[item.reads.range()].iter().for_each(|&node| read[node as usize] = true);
            }
        }
        self.items.retain(|item| read[item.node as usize]);
    }

    /// How a node is computed; appends what it reads.
    fn read<F: ProgramScalar>(
        &mut self,
        graph: &Graph<F>,
        node: Node<F>,
        fused: &[bool],
        levels: &[u32],
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
            |y: u32, x: u32| is_negation(y) || (!is_negation(x) && levels[x as usize] > levels[y as usize]);
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
                self.reads.push(empty_sum);
                for (weight, x) in affine.row(row).zip(graph.list(affine.x)) {
                    self.reads.extend([weight as u32, x as u32]);
                }
                self.reads.extend([affine.bias + row, one]);
                return Some(Computation::Chain(affine.x.len + 1));
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

    /// Which nodes depend on the given inputs.
    fn moves(&self, nodes: usize, inputs: Range<usize>) -> Vec<bool> {
        let mut moves = vec![false; nodes + 3];
        moves[inputs].fill(true);
        for item in &self.items {
            moves[item.node as usize] =
                self.reads[item.reads.range()].iter().any(|&read| moves[read as usize]);
        }
        moves
    }

    /// Gives each value a slot, and each result an instruction.
    fn place<F: ProgramScalar>(mut self, graph: &Graph<F>, watched: &[u32], moving: usize) -> Lowered<F> {
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
        let first_input = constants.len() as u32;
        (0..graph.inputs()).zip(first_input..).for_each(|(node, slot)| slot_of[node] = slot);
        let mut slots = first_input + graph.inputs() as u32;
        let mut shapes = Shapes::new(graph);
        let keys = shapes.of(&self);
        let (mut code, mut kinds) = ([Code::default(), Code::default()], HashMap::default());
        let moves = self.moves(graph.nodes.len(), graph.inputs() - moving..graph.inputs());
        let mut level: Vec<Ranked> = Vec::new();
        let mut items = std::mem::take(&mut self.items).into_iter().zip(keys).collect::<Vec<_>>();
        items.iter_mut().zip(0..).for_each(|((item, _), index)| item.window = index / WINDOW);
        let stage = |item: &Item| (moves[item.node as usize], item.window, item.level);
        items.sort_by_key(|(item, _)| stage(item));
        for same in items.chunk_by(|(a, _), (b, _)| stage(a) == stage(b)) {
            let code = &mut code[usize::from(moves[same[0].0.node as usize])];
            level.clear();
            for &(item, shape) in same {
                let reads = &mut self.reads[item.reads.range()];
                reads.iter_mut().for_each(|read| *read = slot_of[*read as usize]);
                // For a reverse sweep, loops were recorded backwards.
                let mut varying = reads.iter().copied().filter(|&slot| slot >= first_input);
                let first = [varying.next().unwrap_or(0), varying.next().unwrap_or(0)];
                level.push(Ranked { rank: shape, first, item });
            }
            arrange(&mut level, &mut kinds);
            for group in level.chunk_by(|a, b| a.rank == b.rank) {
                code.push(group, &self.reads, slots);
                for ranked in group {
                    slot_of[ranked.item.node as usize] = slots;
                    slots += 1;
                }
            }
        }
        let slot = |node: u32| slot_of[node as usize];
        Lowered {
            code,
            constants,
            slots: slots as usize,
            stretches: stretches(graph.outputs.iter().map(|&node| slot(node))),
            outputs: graph.outputs.iter().map(|&node| slot(node)).collect(),
            watched: watched.iter().map(|&node| slot(node)).collect(),
            guards: graph.guards.iter().map(|guard| guard.renumbered(slot)).collect(),
            outputs_not_nan: false,
        }
    }
}

/// The slots in their order, as far as they are consecutive; empty if most stretches would be short.
fn stretches(slots: impl ExactSizeIterator<Item = u32>) -> Vec<Range<u32>> {
    let outputs = slots.len();
    let mut stretches: Vec<Range<u32>> = Vec::new();
    for slot in slots {
        match stretches.last_mut() {
            Some(last) if last.end == slot => last.end += 1,
            _ => stretches.push(slot..slot + 1),
        }
    }
    if stretches.len() * SHORTEST_STRETCH > outputs {
        stretches.clear();
    }
    stretches
}

/// A result, with its position in its level.
#[derive(Clone, Copy)]
struct Ranked {
    rank: u32,
    /// The slots of its first two operands that are not constants.
    first: [u32; 2],
    item: Item,
}

/// Orders a level: results of one shape together if they are enough for slices, others by kind; and each group by its
/// operands.
fn arrange(level: &mut [Ranked], kinds: &mut HashMap<Computation, u32, FxBuildHasher>) {
    level.sort_by_key(|ranked| (ranked.rank, ranked.first));
    let few = |group: &&mut [Ranked]| group.len() < SHORTEST_SLICE;
    for group in level.chunk_by_mut(|a, b| a.rank == b.rank).filter(few) {
        for ranked in group {
            let (kind, second) = beside(ranked.item.kind);
            let next = 2 * kinds.len() as u32;
            ranked.rank = (1 << 31) + *kinds.entry(kind).or_insert(next) + second;
        }
    }
    level.sort_by_key(|ranked| (ranked.rank, ranked.first));
}

/// The sine and the cosine of an angle are consecutive: this gives the kind by which they are recognised, and which
/// of the two it is.
fn beside(kind: Computation) -> (Computation, u32) {
    if kind == Computation::Apply(Op::Cos) { (Computation::Apply(Op::Sin), 1) } else { (kind, 0) }
}

/// Numbers for the shapes of results: results that come from the same place of a loop have the same operation, over
/// operands of the same shapes.
struct Shapes {
    of_node: Vec<u32>,
    known: HashMap<(Computation, [u32; 3]), u32, FxBuildHasher>,
}

impl Shapes {
    /// All inputs have one shape, and each constant has its own.
    fn new<F: ProgramScalar>(graph: &Graph<F>) -> Self {
        let mut of_node = vec![0; graph.nodes.len() + 3];
        let mut next = 1;
        for (index, shape) in of_node.iter_mut().enumerate() {
            if graph.nodes.get(index).is_none_or(|node| matches!(node, Node::Constant(_))) {
                *shape = next;
                next += 1;
            }
        }
        Self { of_node, known: HashMap::default() }
    }

    fn of(&mut self, items: &Items) -> Vec<u32> {
        let first = self.of_node.len() as u32 + 1;
        let shape = |item: &Item| {
            let mut operands = [0; 3];
            for (shape, &read) in operands.iter_mut().zip(&items.reads[item.reads.range()]) {
                *shape = self.of_node[read as usize];
            }
            let (kind, second) = beside(item.kind);
            let next = first + 2 * self.known.len() as u32;
            let shape = *self.known.entry((kind, operands)).or_insert(next) + second;
            self.of_node[item.node as usize] = shape;
            shape
        };
        items.items.iter().map(shape).collect()
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

/// The operands of an operation with one or two of them, if each is one number or consecutive numbers, and there are
/// enough results. A missing operand counts as one number. Sines and cosines stay lists, because those of the same
/// angles are computed together.
fn slices(op: Op, group: &[Ranked], reads: &[u32]) -> Option<[Strided; 2]> {
    if group.len() < SHORTEST_SLICE || op.arity() > 2 || matches!(op, Op::Sin | Op::Cos) {
        return None;
    }
    let operand = |index: usize, which: usize| -> u32 {
        reads[group[index].item.reads.range()].get(which).copied().unwrap_or(0)
    };
    let strided = |which: usize| {
        let first = operand(0, which);
        let step = operand(1, which).wrapping_sub(first);
        let holds = |index: usize| operand(index, which) == first + step * index as u32;
        (step <= 1 && (0..group.len()).all(holds)).then_some(Strided { first, step })
    };
    let operands = [strided(0)?, strided(1)?];
    operands.iter().any(|operand| operand.step == 1).then_some(operands)
}

impl Code {
    /// Appends results of one kind and level, which do not read each other.
    fn push(&mut self, group: &[Ranked], reads: &[u32], z: u32) {
        match group[0].item.kind {
            Computation::Multiply(sign) => self.multiply(group, reads, sign, z),
            Computation::Chain(_) => {
                for (Ranked { item, .. }, z) in group.iter().zip(z..) {
                    let (start, pairs) =
                        reads[item.reads.range()].split_first().expect("a chain has a start");
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
            Computation::Apply(op) => {
                let operands = || group.iter().flat_map(|Ranked { item, .. }| &reads[item.reads.range()]);
                if op == Op::Cos
                    && let Some(&Segment::Apply { op: Op::Sin, list, z: sines, count }) = self.segments.last()
                    && self.lists[list as usize..].iter().eq(operands())
                {
                    self.segments.pop();
                    self.segments.push(Segment::SineAndCosine { list, sines, cosines: z, count });
                    return;
                }
                let count = group.len() as u32;
                if let Some(operands) = slices(op, group, reads) {
                    self.segments.push(Segment::ApplySlices { op, operands, z, count });
                    return;
                }
                let list = self.lists.len() as u32;
                self.lists.extend(operands());
                self.segments.push(Segment::Apply { op, list, z, count });
            }
            Computation::Reduce(reduction @ (Reduction::Sum | Reduction::Dot)) => {
                let mut z = z;
                for alike in group.chunk_by(|a, b| a.item.reads.len == b.item.reads.len) {
                    let (list, count) = (self.lists.len() as u32, alike.len() as u32);
                    self.lists
                        .extend(alike.iter().flat_map(|Ranked { item, .. }| &reads[item.reads.range()]));
                    let (products, reads) = (reduction == Reduction::Dot, alike[0].item.reads.len);
                    self.segments.push(Segment::Sums { products, list, reads, z, count });
                    z += count;
                }
            }
            Computation::Reduce(reduction) => {
                for (Ranked { item, .. }, z) in group.iter().zip(z..) {
                    let start = self.lists.len() as u32;
                    self.lists.extend(&reads[item.reads.range()]);
                    let list = List { start, len: item.reads.len };
                    self.segments.push(Segment::Reduce { reduction, list, z });
                }
            }
        }
    }

    /// Appends instructions that do not read each other, as slices if operands are consecutive.
    fn multiply(&mut self, group: &[Ranked], reads: &[u32], sign: u32, z: u32) {
        let operands = |index: usize| -> [u32; 3] {
            reads[group[index].item.reads.range()].try_into().expect("an instruction reads three slots")
        };
        let mut start = 0;
        while start < group.len() {
            let first = operands(start);
            let steps = match group.get(start + 1) {
                None => [0; 3],
                Some(_) => std::array::from_fn(|which| operands(start + 1)[which].wrapping_sub(first[which])),
            };
            let follows = |index: usize| {
                let far = (index - start) as u32;
                let expected = |which: usize| first[which].wrapping_add(steps[which].wrapping_mul(far));
                operands(index) == [expected(0), expected(1), expected(2)]
            };
            let end = (start + 1..group.len()).find(|&index| !follows(index)).unwrap_or(group.len());
            let (count, z) = (end - start, z + start as u32);
            if count >= SHORTEST_SLICE {
                let operands =
                    std::array::from_fn(|which| Strided { first: first[which], step: steps[which] });
                self.segments.push(Segment::Slices { operands, sign, z, count: count as u32 });
            } else {
                for (index, z) in (start..end).zip(z..) {
                    let [a, b, c] = operands(index);
                    self.instruction(Instruction { a, b, c, z: z | sign });
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
