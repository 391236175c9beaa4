//! Derivatives of graphs as graphs: a walk over traced numbers, which writes down what it computes.
//!
//! The rules of the table run as in every mode; what they choose by a value, they select in the new graph.

use super::graph::Graph;
use super::recorder::{Recorder, Session};
use super::{Traced, walk};
use crate::{Dual, Scalar};

/// The graph of a function's value and of its gradient: of one output, then of all inputs. The function's own nodes come
/// first.
///
/// It is for numbers that are finite: a zero does not win over ∞ or NaN, and there is then a NaN among the results.
/// Adjoints are added up in the order of the [walk](walk::reverse), so that the bits are the same.
pub(super) fn gradient<F: Scalar>(graph: &Graph<F>) -> Graph<F> {
    let output = graph.outputs[0] as usize;
    let session = Session::begin(Recorder::resume(graph.clone(), usize::MAX));
    let mut buffers = walk::Buffers::default();
    buffers.values.extend((0..graph.nodes.len() as u32).map(|index| number(&session, index)));
    walk::reverse::<Traced<F>, false>(graph, &mut buffers, [(output, Traced::from(F::one()))].into_iter());
    let mut outputs = vec![buffers.values[output]];
    outputs.extend_from_slice(&buffers.adjoints[..graph.inputs()]);
    session.finish(&outputs).expect("there is no limit")
}

/// A graph, and where some nodes of another one went.
pub(super) struct Moved<F> {
    pub(super) graph: Graph<F>,
    pub(super) nodes: Vec<u32>,
}

/// The graph of a function's outputs, and of their slopes along a direction: so many numbers more, which follow the
/// data. Says where the given nodes went.
pub(super) fn jvp<F: Scalar>(graph: &Graph<F>, nodes: &[u32]) -> Moved<F> {
    let inputs = graph.inputs();
    let session = Session::begin(Recorder::new(graph.parameters, graph.data + inputs, usize::MAX));
    let mut buffers = walk::Buffers::<Dual<Traced<F>>>::default();
    walk::forward(graph, &mut buffers, |input| {
        let tangent = number(&session, (inputs + input) as u32);
        Dual::new(number(&session, input as u32), [tangent].into())
    });
    let value = |&node: &u32| buffers.values[node as usize];
    let places: Vec<u32> = buffers.values.iter().map(|number| session.place(&number.primal())).collect();
    session.guard(graph.guards.iter().map(|guard| guard.renumbered(|node| places[node as usize])));
    let values = graph.outputs.iter().map(value).map(|number| number.primal());
    let slopes = graph.outputs.iter().map(value).map(|number| number.slope(0));
    let outputs: Vec<_> = values.chain(slopes).collect();
    let nodes = nodes.iter().map(|&node| places[node as usize]).collect();
    Moved { graph: session.finish(&outputs).expect("there is no limit"), nodes }
}

/// A number of which the value is not known, and not asked for.
fn number<F: Scalar>(session: &Session<F>, index: u32) -> Traced<F> {
    session.number(F::nan(), index)
}
