//! The plan of batches: the schedule, and what follows from it for every evaluation.

use super::graph::{Graph, Node};
use super::guard::Guard;
use super::schedule::{Access, Run, Schedule, Step, schedule};
use super::{lanes, optimize};
use crate::Scalar;
use std::fmt;
use std::ops::Range;

/// How batches of a program are evaluated.
#[derive(Clone, Debug)]
pub(super) struct Plan<F> {
    pub(super) schedule: Schedule,
    pub(super) constants: Vec<F>,
    /// The guards of the graph, in its order, over slots.
    pub(super) guards: Vec<Guard<F>>,
    /// The slots of the outputs.
    pub(super) outputs: Vec<u32>,
    /// The slots of values that must not be NaN, if the program is speculative.
    pub(super) watched: Vec<u32>,
    /// The uniform slots that gain from varying values, other than as weights and biases.
    pub(super) wide_slots: Vec<u32>,
    /// The place of each uniform slot among them; beyond the last for those that are not.
    pub(super) wide_of: Vec<u32>,
    /// The uniform slots of all but the weights and biases that one affine map reads, and nothing else.
    pub(super) loose: Vec<Range<usize>>,
    /// Whether there are no other parameters, and no results are uniform.
    pub(super) affine_alone: bool,
    /// How many operations a point takes, those of reductions and matrices counted singly.
    pub(super) cost: usize,
    /// How many blocks of points go through together.
    pub(super) blocks: usize,
}

impl<F: Scalar> Plan<F> {
    /// Optimises a graph and plans its evaluation.
    pub(super) fn new(mut graph: Graph<F>, watched: &[u32]) -> Self {
        let watched = optimize::optimize(&mut graph, watched);
        let mut schedule = schedule(&graph, &watched);
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
        let (wide_slots, wide_of) = schedule.wide_slots();
        let loose = schedule.mark_alone(read.into_iter());
        let (affine_alone, cost) = (schedule.is_affine_alone(), schedule.cost());
        let blocks = lanes::blocks::<F>(&schedule);
        Self {
            constants,
            guards,
            outputs,
            watched,
            wide_slots,
            wide_of,
            loose,
            affine_alone,
            cost,
            blocks,
            schedule,
        }
    }

    /// Whether a slot's value is the same at every point.
    pub(super) fn is_uniform(&self, slot: u32) -> bool {
        (slot as usize) < self.schedule.first_varying
    }
}

impl<F: Scalar> fmt::Display for Plan<F> {
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

impl<F: Scalar> Plan<F> {
    /// A run, for people.
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
            Step::Reduce(reduction, first, _) => {
                let terms = &self.schedule.terms[first as usize..][..run.count as usize];
                let sizes = terms.iter().map(|terms| terms.list.len);
                let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
                let size = if least == most { format!("{most}") } else { format!("{least} to {most}") };
                format!("{results} = {} of {size} operands", reduction.name())
            }
            Step::Affine(affine, _) => {
                format!(
                    "{results} = affine v{}.. {}×{}, v{}..",
                    affine.weights, affine.rows, affine.x.len, affine.bias
                )
            }
        }
    }
}
