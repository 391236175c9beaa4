//! Writes calls of loops out, if the result stays small. Lanes and instructions do not support calls, and run a short
//! loop faster when it is written out than turn by turn.

use super::derivative::copy_guards;
use crate::program::ir::graph::Graph;
use crate::program::ir::walk;
use crate::program::record::{Traced, recorder::Session};
use crate::{CustomRule, Differentiable, Error, ProgramScalar};

/// Loops of more operations than this are not written out: above this size, instructions leave the caches, and a loop
/// is faster.
pub(in crate::program) const MOST: usize = 1 << 16;

/// A graph with all its calls written out; `None` if some cannot be, or if there are too many operations.
pub(in crate::program) fn unroll<F: ProgramScalar>(graph: &Graph<F>, limit: usize) -> Option<Graph<F>> {
    unroll_calls(graph, limit, false)
}

/// A graph with its calls written out as far as possible: custom rules, and calls with too many operations, stay
/// calls.
pub(in crate::program) fn unroll_what_can_be<F: ProgramScalar>(graph: &Graph<F>, limit: usize) -> Graph<F> {
    unroll_calls(graph, limit, true).unwrap_or_else(|| graph.clone())
}

fn unroll_calls<F: ProgramScalar>(graph: &Graph<F>, limit: usize, keep: bool) -> Option<Graph<F>> {
    let session = Session::symbolic(graph.parameters, graph.data);
    let inputs: Vec<_> = (0..graph.inputs()).map(|input| session.unknown(input)).collect();
    let mut room = limit.saturating_add(graph.size());
    let outputs = write(&session, graph, &inputs, &mut room, keep)?;
    session.finish(&outputs).ok()
}

/// The given number of turns of a step, one after the other, as a graph of data. Its inputs are the first state, the
/// inputs of the turns, and the parameters; its outputs are the last state, and the outputs of the turns.
pub(in crate::program) fn turns<F: ProgramScalar>(
    step: &Graph<F>,
    states: usize,
    turns: usize,
    limit: usize,
) -> Option<Graph<F>> {
    if turns.checked_mul(step.size())? > limit {
        return None;
    }
    let inputs = step.data - states;
    let all = states + turns * inputs + step.parameters;
    let session = Session::symbolic(0, all);
    let x: Vec<_> = (0..all).map(|input| session.unknown(input)).collect();
    let (start, rest) = x.split_at(states);
    let (taken_in, parameters) = rest.split_at(turns * inputs);
    let (mut state, mut given, mut room) = (start.to_vec(), Vec::new(), limit);
    for turn in 0..turns {
        let input = &taken_in[turn * inputs..][..inputs];
        let outputs = write(&session, step, &[parameters, &state, input].concat(), &mut room, false)?;
        given.extend_from_slice(&outputs[states..]);
        state.copy_from_slice(&outputs[..states]);
    }
    state.append(&mut given);
    session.finish(&state).ok()
}

/// Writes a graph on the given inputs, with its calls written out, or kept if they cannot be. Subtracts the
/// operations from the room left.
fn write<F: ProgramScalar>(
    session: &Session<F>,
    graph: &Graph<F>,
    inputs: &[Traced<F>],
    room: &mut usize,
    keep: bool,
) -> Option<Vec<Traced<F>>> {
    *room = room.checked_sub(graph.size())?;
    let mut buffers = walk::Buffers::default();
    let mut left = *room;
    let none = Error::TooLarge { limit: left };
    let written = walk::forward_calling(
        graph,
        &mut buffers,
        |input| inputs[input],
        |_, rule, x| {
            let called = rule.as_graph(left);
            match called.and_then(|called| write(session, &called, x, &mut left, keep)) {
                Some(outputs) => Ok(outputs),
                None if keep => Traced::call(rule, x),
                None => Err(none.clone()),
            }
        },
    );
    *room = left;
    written.ok()?;
    copy_guards(session, graph, |node| buffers.values[node as usize]);
    Some(graph.outputs.iter().map(|&output| buffers.values[output as usize]).collect())
}
