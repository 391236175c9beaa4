//! The plan of batches: the schedule, and everything that every evaluation derives from it.
//!
//! It takes a graph, and gives what evaluators need, computed once: order, slots, what is uniform and what varies,
//! which values read which, cost. It knows the order in which kernels read
//! (how many points go together, how matrices lie), and nothing else about how a run is computed.

pub(super) mod groups;
pub(super) mod schedule;
mod wrt;

pub use wrt::Wrt;

use super::ir::graph::{Graph, Node};
use super::ir::guard::Guard;
use super::simd::{L, MOST_BLOCKS};
use super::transform::optimize::optimize;
use crate::ProgramScalar;
use groups::Products;
use schedule::{Access, Accumulated, Run, Schedule, Step};
use std::fmt;
use std::ops::Range;

/// How batches of a program are evaluated.
#[derive(Clone, Debug)]
pub(in crate::program) struct Plan<F> {
    pub(in crate::program) schedule: Schedule,
    pub(in crate::program) constants: Vec<F>,
    /// The guards of the graph, in their order, over slots.
    pub(in crate::program) guards: Vec<Guard<F>>,
    /// The slots of the outputs.
    pub(in crate::program) outputs: Vec<u32>,
    /// The slots of values that must not be NaN, if the program is speculative.
    pub(in crate::program) watched: Vec<u32>,
    /// The uniform slots whose adjoints receive contributions from varying values, other than as weights and biases.
    pub(in crate::program) accumulated: Accumulated,
    /// Those of them that receive contributions not only as factors of groups; these have their own sums.
    pub(in crate::program) accumulated_outside: Accumulated,
    /// All uniform slots, except those of weights and biases that a single affine map reads, and nothing else.
    pub(in crate::program) outside_affine: Vec<Range<usize>>,
    /// Whether all parameters are such weights and biases, and no results are uniform.
    pub(in crate::program) only_exclusive_affine: bool,
    /// How many operations a point takes; elements of reductions and matrices count individually.
    pub(in crate::program) cost: usize,
    /// How many blocks of points are computed together.
    pub(in crate::program) blocks: usize,
    /// Whether only evaluation point by point is possible, because there are custom rules, or because lanes would compute
    /// a clamp beyond a guard that does not hold. Then nothing else is planned.
    pub(in crate::program) by_points: bool,
}

impl<F: ProgramScalar> Plan<F> {
    /// Optimises a graph and plans its evaluation.
    pub(in crate::program) fn new(mut graph: Graph<F>, watched: &[u32]) -> Self {
        let (size, by_points) = (graph.size(), !graph.calls.is_empty() || graph.has_guarded_clamp());
        if by_points {
            graph = graph.without_operations();
        }
        let watched = if by_points { Vec::new() } else { optimize(&mut graph, watched) };
        let mut schedule = schedule::schedule(&graph, &watched);
        let slot = |node: u32| schedule.slot_of[node as usize];
        let mut constants = vec![F::zero(); schedule.constants];
        for (node, &slot) in graph.nodes.iter().zip(&schedule.slot_of) {
            if let Node::Constant(value) = *node
                && let Some(place) = constants.get_mut(slot as usize)
            {
                *place = value;
            }
        }
        let guards: Vec<_> = graph.guards.iter().map(|guard| guard.renumbered(slot)).collect();
        let outputs: Vec<u32> = graph.outputs.iter().map(|&node| slot(node)).collect();
        let watched: Vec<u32> = watched.into_iter().map(slot).collect();
        let others = outputs.iter().chain(&watched).copied();
        let read: Vec<u32> = guards.iter().flat_map(Guard::operands).chain(others).collect();
        let [accumulated, accumulated_outside] = schedule.accumulated();
        let outside_affine = schedule.mark_exclusive(read.into_iter());
        let only_exclusive_affine = schedule.is_only_exclusive_affine();
        let cost = if by_points { size } else { schedule.cost() };
        let blocks = blocks::<F>(&schedule);
        Self {
            constants,
            guards,
            outputs,
            watched,
            accumulated,
            accumulated_outside,
            outside_affine,
            only_exclusive_affine,
            cost,
            blocks,
            by_points,
            schedule,
        }
    }

    /// Whether a slot's value is the same at every point.
    pub(in crate::program) fn is_uniform(&self, slot: u32) -> bool {
        (slot as usize) < self.schedule.first_varying
    }
}

/// How many bytes the values and adjoints of blocks that are computed together may take, to stay in the first-level
/// cache, or in the second.
const BLOCK_BYTES: [usize; 2] = [1 << 15, 1 << 19];

/// With fewer operations than this in a run, calls of kernels cost more than a first-level cache saves.
const SHORT_RUN: usize = 8;

/// How many blocks of a program are computed together.
fn blocks<F>(schedule: &Schedule) -> usize {
    let bytes = 2 * (schedule.slots - schedule.first_varying) * L * size_of::<F>();
    let runs = &schedule.runs[schedule.varying_runs()];
    let with_groups = runs.iter().any(|run| matches!(run.step, Step::Products(..)));
    let with_matrix = runs.iter().any(|run| matches!(run.step, Step::Affine(..)));
    let far = with_groups || with_matrix || schedule.cost() < SHORT_RUN * runs.len();
    let blocks = (BLOCK_BYTES[usize::from(far)] / bytes.max(1)).clamp(1, MOST_BLOCKS);
    // Tiles of groups take two at a time.
    if with_groups { blocks.next_power_of_two().max(2) } else { blocks }
}

impl<F: ProgramScalar> fmt::Display for Plan<F> {
    /// Writes the counts of slots, then a line for each run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { constants, first_varying, slots, .. } = self.schedule;
        writeln!(
            f,
            "slots: {constants} constants, {} uniform, {} varying",
            first_varying - constants,
            slots - first_varying
        )?;
        for (index, run) in self.schedule.runs.iter().enumerate() {
            let rate = if index < self.schedule.first_varying_run { "uniform" } else { "varying" };
            writeln!(f, "{rate} {}", self.words(run))?;
        }
        write!(f, "outputs: {:?}", self.outputs)
    }
}

impl<F: ProgramScalar> Plan<F> {
    /// A run in readable form.
    fn words(&self, run: &Run) -> String {
        let results = match run.count {
            1 => format!("v{}", run.first),
            count => format!("v{}..{}", run.first, run.first + count),
        };
        match run.step {
            Step::Apply(op, operands) => {
                let operands = operands[..op.arity()].iter().map(|operand| match operand.access {
                    Access::Range(slot) if run.count > 1 => format!("v{slot}.."),
                    Access::List => "gathered".to_owned(),
                    Access::Range(slot) | Access::One(slot) => format!("v{slot}"),
                    Access::None => String::new(),
                });
                format!("{results} = {} {}", op.name(), operands.collect::<Vec<_>>().join(", "))
            }
            Step::Reduce(reduction, first, ..) => {
                format!("{results} = {} of {} operands", reduction.name(), self.sizes(first, run.count))
            }
            Step::Products(Products { terms, groups, .. }, _) => {
                let groups = if groups == 1 { "a group".to_owned() } else { format!("{groups} groups") };
                format!("{results} = {groups} of products of {} operands", self.sizes(terms, run.count))
            }
            Step::Affine(affine, _) => {
                format!(
                    "{results} = affine v{}.. {}×{}, v{}..",
                    affine.weights, affine.rows, affine.x.len, affine.bias
                )
            }
        }
    }

    /// How many operands some reductions have, in readable form.
    fn sizes(&self, first: u32, count: u32) -> String {
        let sizes =
            self.schedule.terms[first as usize..][..count as usize].iter().map(|terms| terms.list.len);
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        if least == most { format!("{most}") } else { format!("{least} to {most}") }
    }
}
