//! When results are computed: stage after stage. The results of a stage do not read each other, so those of one
//! operation are computed together.

use super::items::{Computation, Item, Items};
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, Node};
use crate::rules::Op;
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::ops::Range;

/// This many results in the order of the recording form a window. Results that are far apart stay so, because the
/// caches of the processor are small.
const WINDOW: usize = 1 << 16;

/// From this many on, results of one shape run side by side.
pub(super) const SHORTEST_SLICE: usize = 6;

/// What depends on fixed inputs only comes first, then what varies; each window by window, and level by level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stage {
    pub(super) varies: bool,
    window: usize,
    level: u32,
}

/// A result, with its place in the order.
#[derive(Clone, Copy)]
pub(super) struct Scheduled {
    pub(super) item: Item,
    pub(super) stage: Stage,
    /// The same number for results that come from the same place of a loop; see [`Shapes`].
    shape: u32,
}

/// The results in the order in which they are computed. The inputs of the given range vary.
pub(super) fn schedule<F: ProgramScalar>(
    graph: &Graph<F>,
    items: &Items,
    varying: Range<usize>,
) -> Vec<Scheduled> {
    let mut shapes = Shapes::new(graph);
    let mut varies = vec![false; Items::nodes(graph)];
    varies[varying].fill(true);
    let mut schedule = Vec::with_capacity(items.all.len());
    for (index, &item) in items.all.iter().enumerate() {
        let varying = items.reads_of(&item).iter().any(|&read| varies[read as usize]);
        varies[item.node as usize] = varying;
        let stage = Stage { varies: varying, window: index / WINDOW, level: item.depth };
        schedule.push(Scheduled { item, stage, shape: shapes.of(&item, items.reads_of(&item)) });
    }
    schedule.sort_by_key(|scheduled| scheduled.stage);
    let mut number_of = Vec::new();
    let part = |stage: Stage| (stage.varies, stage.window);
    for part in schedule.chunk_by_mut(|a, b| part(a.stage) == part(b.stage)) {
        if part.iter().filter(|result| waits(result.item.kind)).nth(1).is_none() {
            continue;
        }
        number_of.resize(Items::nodes(graph), NONE);
        part.iter().zip(0..).for_each(|(result, number)| number_of[result.item.node as usize] = number);
        let levels = postponed(part, items, &number_of);
        part.iter().for_each(|result| number_of[result.item.node as usize] = NONE);
        part.iter_mut().zip(levels).for_each(|(result, level)| result.stage.level = level);
        part.sort_by_key(|result| result.stage);
    }
    schedule
}

/// Instead of the number of a result in its part: there is none, or it is in another part. Instead of a level: there
/// is none yet.
const NONE: u32 = u32::MAX;

/// Whether a result waits for others of its kind, since each group of them costs a call. Instructions need no calls, and
/// a sine is computed with its cosine.
fn waits(kind: Computation) -> bool {
    match kind {
        Computation::Multiply(_) | Computation::Chain(_) | Computation::Apply(Op::Sin | Op::Cos) => false,
        Computation::Apply(_) | Computation::Reduce(_) => true,
    }
}

/// Levels for the results of one part, which are sorted by depth. A result that waits does so until one of its kind
/// must be computed.
///
/// It goes backwards through the depths. All readers of a result are deeper, so they have levels when its turn comes;
/// other results of its kind, whose readers have levels too, join it.
fn postponed(part: &[Scheduled], items: &Items, number_of: &[u32]) -> Vec<u32> {
    let kind = |number: u32| part[number as usize].item.kind;
    let operands = |number: u32| {
        let reads = items.reads_of(&part[number as usize].item);
        reads.iter().map(|&read| number_of[read as usize]).filter(|&number| number != NONE)
    };
    let all = 0..part.len() as u32;
    let mut readers = vec![0_u32; part.len()];
    all.clone().flat_map(operands).for_each(|operand| readers[operand as usize] += 1);
    let mut waiting = Waiting::default();
    all.filter(|&number| readers[number as usize] == 0).for_each(|number| waiting.add(kind(number), number));
    let mut levels = vec![NONE; part.len()];
    let mut together = Vec::new();
    let mut end = part.len() as u32;
    for (same_depth, level) in part.chunk_by(|a, b| a.stage == b.stage).rev().zip((0..NONE).rev()) {
        let start = end - same_depth.len() as u32;
        together.extend((start..end).filter(|&number| levels[number as usize] == NONE));
        end = start;
        for index in 0..together.len() {
            waiting.take(kind(together[index]), &mut together);
        }
        together.retain(|&number| std::mem::replace(&mut levels[number as usize], level) == NONE);
        for operand in together.drain(..).flat_map(operands) {
            readers[operand as usize] -= 1;
            if readers[operand as usize] == 0 {
                waiting.add(kind(operand), operand);
            }
        }
    }
    levels
}

/// Results that could be computed next, going backwards, by their kinds.
#[derive(Default)]
struct Waiting(HashMap<Computation, Vec<u32>, FxBuildHasher>);

impl Waiting {
    fn add(&mut self, kind: Computation, number: u32) {
        if waits(kind) {
            self.0.entry(kind).or_default().push(number);
        }
    }

    fn take(&mut self, kind: Computation, to: &mut Vec<u32>) {
        if waits(kind)
            && let Some(numbers) = self.0.get_mut(&kind)
        {
            to.append(numbers);
        }
    }
}

/// A result, with its position in its stage.
#[derive(Clone, Copy)]
pub(super) struct Ranked {
    pub(super) rank: u32,
    /// The slots of its first two operands that are not constants.
    first: [u32; 2],
    pub(super) item: Item,
}

impl Ranked {
    /// The reads are slots, and those before the first input are constants.
    pub(super) fn new(scheduled: &Scheduled, reads: &[u32], first_input: u32) -> Self {
        // For a reverse sweep, loops were recorded backwards.
        let mut varying = reads.iter().copied().filter(|&slot| slot >= first_input);
        let first = [varying.next().unwrap_or(0), varying.next().unwrap_or(0)];
        Self { rank: scheduled.shape, first, item: scheduled.item }
    }
}

/// Numbers for kinds of results.
pub(super) type Kinds = HashMap<Computation, u32, FxBuildHasher>;

/// Orders a stage: results of one shape together if they are enough for slices, others by kind; and each group by its
/// operands.
pub(super) fn arrange(stage: &mut [Ranked], kinds: &mut Kinds) {
    stage.sort_by_key(|ranked| (ranked.rank, ranked.first));
    let few = |group: &&mut [Ranked]| group.len() < SHORTEST_SLICE;
    for group in stage.chunk_by_mut(|a, b| a.rank == b.rank).filter(few) {
        for ranked in group {
            let (kind, second) = beside(ranked.item.kind);
            let next = 2 * kinds.len() as u32;
            ranked.rank = (1 << 31) + *kinds.entry(kind).or_insert(next) + second;
        }
    }
    stage.sort_by_key(|ranked| (ranked.rank, ranked.first));
}

/// The sine and the cosine of an angle are consecutive: this gives the kind by which they are recognised, and which
/// of the two it is.
fn beside(kind: Computation) -> (Computation, u32) {
    if kind == Computation::Apply(Op::Cos) { (Computation::Apply(Op::Sin), 1) } else { (kind, 0) }
}

/// Numbers for the shapes of results: results that come from the same place of a loop have the same operation, over
/// operands of the same shapes. A cosine has the number after that of a sine.
struct Shapes {
    of_node: Vec<u32>,
    known: HashMap<(Computation, [u32; 3]), u32, FxBuildHasher>,
}

impl Shapes {
    /// All inputs have one shape, and each constant has its own.
    fn new<F: ProgramScalar>(graph: &Graph<F>) -> Self {
        let mut of_node = vec![0; Items::nodes(graph)];
        let mut next = 1;
        for (index, shape) in of_node.iter_mut().enumerate() {
            if graph.nodes.get(index).is_none_or(|node| matches!(node, Node::Constant(_))) {
                *shape = next;
                next += 1;
            }
        }
        Self { of_node, known: HashMap::default() }
    }

    /// The shape of a result; those of its operands are known.
    fn of(&mut self, item: &Item, reads: &[u32]) -> u32 {
        let mut operands = [0; 3];
        for (shape, &read) in operands.iter_mut().zip(reads) {
            *shape = self.of_node[read as usize];
        }
        let (kind, second) = beside(item.kind);
        let next = self.of_node.len() as u32 + 1 + 2 * self.known.len() as u32;
        let shape = *self.known.entry((kind, operands)).or_insert(next) + second;
        self.of_node[item.node as usize] = shape;
        shape
    }
}
