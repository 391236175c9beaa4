//! From a graph to instructions for one point.
//!
//! Every value gets a slot in one memory: first constants, then inputs, then results, in the order in which they are
//! computed. Within a stage, results of one shape are consecutive. If their operands are consecutive as well, they run
//! as slices; the others run one by one.

use super::instruction::{Code, Instruction, MOST_SLOTS, Segment, Strided};
use super::items::{Computation, Items};
use super::order::{Kinds, Ranked, SHORTEST_SLICE, arrange, schedule};
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use crate::program::ir::guard::Guard;
use crate::program::transform::optimize;
use crate::rules::Op;
use crate::rules::reductions::empty_sum;
use std::ops::Range;

/// Outputs are copied slice by slice if slices have this many numbers on average.
const SHORTEST_STRETCH: usize = 8;

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
    varying: usize,
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
    Some(place(items, &graph, &watched, varying))
}

/// Gives each value a slot, and each result an instruction. The last inputs, of the given number, vary.
fn place<F: ProgramScalar>(
    mut items: Items,
    graph: &Graph<F>,
    watched: &[u32],
    varying: usize,
) -> Lowered<F> {
    let schedule = schedule(graph, &items, graph.inputs() - varying..graph.inputs());
    let mut slot_of = vec![u32::MAX; Items::nodes(graph)];
    let mut constants = vec![F::one(), -F::zero(), empty_sum()];
    let extra = [items.extra.one, items.extra.negative_zero, items.extra.empty_sum];
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
    let (mut code, mut kinds) = ([Code::default(), Code::default()], Kinds::default());
    let mut stage: Vec<Ranked> = Vec::new();
    for same in schedule.chunk_by(|a, b| a.stage == b.stage) {
        let code = &mut code[usize::from(same[0].stage.varies)];
        stage.clear();
        for scheduled in same {
            let reads = &mut items.reads[scheduled.item.reads.range()];
            reads.iter_mut().for_each(|read| *read = slot_of[*read as usize]);
            stage.push(Ranked::new(scheduled, reads, first_input));
        }
        arrange(&mut stage, &mut kinds);
        for group in stage.chunk_by(|a, b| a.rank == b.rank) {
            code.push(group, &items.reads, slots);
            for ranked in group {
                slots += ranked.item.kind.slots();
                slot_of[ranked.item.node as usize] = slots - 1;
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
                let mut z = z;
                for Ranked { item, .. } in group {
                    let (start, pairs) =
                        reads[item.reads.range()].split_first().expect("a chain has a start");
                    let mut summand = *start;
                    for &[a, b] in pairs.as_chunks().0 {
                        self.instruction(z, Instruction { a, b, c: summand });
                        (summand, z) = (z, z + 1);
                    }
                    if pairs.is_empty() {
                        // 1 · start − 0: the constants of an instruction are in the first slots.
                        self.instruction(z, Instruction { a: *start, b: 0, c: 1 });
                        z += 1;
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
                    self.instruction(z, Instruction { a, b, c: c | sign });
                }
            }
            start = end;
        }
    }

    /// Appends an instruction with its result in slot `z`.
    fn instruction(&mut self, z: u32, instruction: Instruction) {
        self.instructions.push(instruction);
        match self.segments.last_mut() {
            Some(Segment::Instructions { z: first, count }) if *first + *count == z => *count += 1,
            _ => self.segments.push(Segment::Instructions { z, count: 1 }),
        }
    }
}
