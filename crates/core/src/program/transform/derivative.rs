//! Derivatives of graphs as graphs, by a walk over traced numbers, which record its operations.
//!
//! The rules of the table run as in every mode; what they choose by a value becomes a `select` in the new graph. This
//! layer takes a graph and gives another, and does not know how either is evaluated.

use super::products::{Product, Seeds, products};
use crate::program::ir::graph::Graph;
use crate::program::record::recorder::{Recorder, Session};
use crate::program::{ir::walk, record::Traced};
use crate::{Dual, Error, ProgramScalar};
use num_traits::Zero;

/// The graph of the value and the gradient of a function: one output, then one for each input. The nodes of the
/// function itself come first.
///
/// It is for finite numbers: a zero does not win over ∞ or NaN, and one of the results is then NaN. Adjoints are
/// added in the order of the [walk](walk::reverse), so that the bits are the same.
pub(in crate::program) fn gradient<F: ProgramScalar>(graph: &Graph<F>) -> Graph<F> {
    let output = graph.outputs[0] as usize;
    let session = Session::begin(Recorder::resume(graph.clone(), usize::MAX).symbolic());
    let mut buffers = walk::Buffers::default();
    buffers.values.extend((0..graph.nodes.len()).map(|index| session.unknown(index)));
    derived(walk::reverse::<Traced<F>, false>(
        graph,
        &mut buffers,
        [(output, Traced::from(F::one()))].into_iter(),
    ));
    let mut outputs = vec![buffers.values[output]];
    outputs.extend_from_slice(&buffers.adjoints[..graph.inputs()]);
    finish(session, &outputs)
}

/// The graph of the gradient of one output with respect to the given inputs. It keeps the policy on zeros and NaN.
pub(in crate::program) fn gradient_with_policy<F: ProgramScalar>(
    graph: &Graph<F>,
    wanted: &[usize],
) -> Graph<F> {
    let mut graph = gradient_and_value(graph, wanted);
    graph.outputs.pop();
    graph
}

/// The same, with the value as the last output.
pub(in crate::program) fn gradient_and_value<F: ProgramScalar>(
    graph: &Graph<F>,
    wanted: &[usize],
) -> Graph<F> {
    let session = Session::symbolic(graph.parameters, graph.data);
    let mut buffers = copy(&session, graph);
    let output = graph.outputs[0] as usize;
    let seeds = [(output, Traced::from(F::one()))].into_iter();
    derived(walk::reverse::<Traced<F>, true>(graph, &mut buffers, seeds));
    let mut outputs: Vec<_> = wanted.iter().map(|&input| buffers.adjoints[input]).collect();
    outputs.push(buffers.values[output]);
    finish(session, &outputs)
}

/// The graph of the outputs of a function, and of a cotangent times its Jacobian with respect to the given inputs.
/// The cotangent follows the data. Also returns the new places of the given nodes. Without `POLICY`, it is for finite
/// numbers, as [`gradient`] is.
pub(in crate::program) fn vjp<F: ProgramScalar, const POLICY: bool>(
    graph: &Graph<F>,
    wanted: &[usize],
    nodes: &[u32],
) -> Transformed<F> {
    let (inputs, outputs) = (graph.inputs(), graph.outputs.len());
    let session = Session::symbolic(graph.parameters, graph.data + outputs);
    let mut buffers = copy(&session, graph);
    let cotangents = (inputs..).map(|input| session.unknown(input));
    let seeds = graph.outputs.iter().map(|&output| output as usize).zip(cotangents);
    derived(walk::reverse::<Traced<F>, POLICY>(graph, &mut buffers, seeds));
    let values = graph.outputs.iter().map(|&output| buffers.values[output as usize]);
    let products = wanted.iter().map(|&input| buffers.adjoints[input]);
    let outputs: Vec<_> = values.chain(products).collect();
    let nodes = nodes.iter().map(|&node| session.place(&buffers.values[node as usize])).collect();
    Transformed { graph: finish(session, &outputs), nodes }
}

/// A graph, and the places in it of some nodes of another graph.
pub(in crate::program) struct Transformed<F> {
    pub(in crate::program) graph: Graph<F>,
    pub(in crate::program) nodes: Vec<u32>,
}

/// How the numbers of a direction are placed among the inputs.
#[derive(Clone, Copy)]
pub(in crate::program) enum Inputs {
    /// The numbers for parameters follow the parameters, and those for data follow the data.
    Both,
    /// All after the data.
    Data,
    /// The numbers for parameters follow the parameters. The data do not move.
    #[cfg(feature = "argmin")]
    Parameters,
    /// The numbers for parameters follow the parameters, those for the first data (of the given number) follow these
    /// data, and those for the other data follow the others.
    Step(usize),
}

/// The place of an input, and the place of its number of the direction, if it moves.
type Place = (usize, Option<usize>);

/// The graph of the outputs of a function, and of their derivatives along a direction. Also returns the new places of
/// the given nodes.
pub(in crate::program) fn jvp<F: ProgramScalar>(
    graph: &Graph<F>,
    nodes: &[u32],
    inputs: Inputs,
) -> Transformed<F> {
    let (parameters, data) = (graph.parameters, graph.data);
    let all = parameters + data;
    let (counts, place): (_, Box<dyn Fn(usize) -> Place>) = match inputs {
        Inputs::Data => ([parameters, data + all], Box::new(|input| (input, Some(all + input)))),
        #[cfg(feature = "argmin")]
        Inputs::Parameters => (
            [2 * parameters, data],
            Box::new(|input| {
                if input < parameters {
                    (input, Some(parameters + input))
                } else {
                    (parameters + input, None)
                }
            }),
        ),
        Inputs::Both => (
            [2 * parameters, 2 * data],
            Box::new(|input| {
                if input < parameters {
                    (input, Some(parameters + input))
                } else {
                    (parameters + input, Some(all + input))
                }
            }),
        ),
        Inputs::Step(states) => (
            [2 * parameters, 2 * data],
            Box::new(move |input| {
                let [start, len] = match input {
                    _ if input < parameters => [0, parameters],
                    _ if input < parameters + states => [parameters, states],
                    _ => [parameters + states, data - states],
                };
                (start + input, Some(start + len + input))
            }),
        ),
    };
    let session = Session::symbolic(counts[0], counts[1]);
    let mut buffers = walk::Buffers::<Dual<Traced<F>>>::default();
    derived(walk::forward(graph, &mut buffers, |input| {
        let (x, tangent) = place(input);
        let tangent = tangent.map_or_else(Traced::zero, |place| session.unknown(place));
        Dual::new(session.unknown(x), [tangent].into())
    }));
    copy_guards(&session, graph, |node| buffers.values[node as usize].primal());
    let output = |&node: &u32| buffers.values[node as usize];
    let values = graph.outputs.iter().map(output).map(|number| number.primal());
    let derivatives = graph.outputs.iter().map(output).map(|number| number.derivative(0));
    let outputs: Vec<_> = values.chain(derivatives).collect();
    let place = |&node: &u32| session.place(&buffers.values[node as usize].primal());
    let nodes = nodes.iter().map(place).collect();
    Transformed { graph: finish(session, &outputs), nodes }
}

/// The graph of a Jacobian, with a row for each output, with respect to the given inputs.
pub(in crate::program) fn jacobian<F: ProgramScalar>(graph: &Graph<F>, wanted: &[usize]) -> Graph<F> {
    let directions = 0..wanted.len() as u32;
    let entries: Vec<_> = (0..graph.outputs.len() as u32)
        .flat_map(|row| directions.clone().map(move |colour| Product::Forward { colour, row }))
        .collect();
    let inputs: Vec<_> = wanted.iter().copied().zip(directions).collect();
    let mut graph = products(graph, &Seeds { inputs: &inputs, outputs: &[] }, &entries, usize::MAX)
        .expect("there is no limit but that of places");
    graph.outputs.drain(..graph.outputs.len() - entries.len());
    graph
}

/// The graph of one function followed by another on its outputs.
pub(in crate::program) fn compose<F: ProgramScalar>(first: &Graph<F>, second: &Graph<F>) -> Graph<F> {
    let session = Session::symbolic(first.parameters, first.data);
    let between = copy(&session, first);
    let mut buffers = walk::Buffers::default();
    derived(walk::forward(second, &mut buffers, |input| between.values[first.outputs[input] as usize]));
    copy_guards(&session, second, |node| buffers.values[node as usize]);
    let outputs: Vec<_> = second.outputs.iter().map(|&output| buffers.values[output as usize]).collect();
    finish(session, &outputs)
}

/// Writes a graph again, with its guards.
fn copy<F: ProgramScalar>(session: &Session<F>, graph: &Graph<F>) -> walk::Buffers<Traced<F>> {
    let mut buffers = walk::Buffers::default();
    derived(walk::forward(graph, &mut buffers, |input| session.unknown(input)));
    copy_guards(session, graph, |node| buffers.values[node as usize]);
    buffers
}

pub(super) fn copy_guards<F: ProgramScalar>(
    session: &Session<F>,
    graph: &Graph<F>,
    value: impl Fn(u32) -> Traced<F>,
) {
    let place = |node: u32| session.place(&value(node));
    let guards: Vec<_> = graph.guards.iter().map(|guard| guard.renumbered(place)).collect();
    session.guard(guards.into_iter());
}

/// The end of a walk: panics if a custom rule could not be differentiated.
pub(super) fn derived(walk: Result<(), Error>) {
    walk.unwrap_or_else(|error| panic!("a rule's derivative cannot be recorded: {error}"));
}

fn finish<F: ProgramScalar>(session: Session<F>, outputs: &[Traced<F>]) -> Graph<F> {
    session.finish(outputs).expect("there is no limit but that of places")
}
