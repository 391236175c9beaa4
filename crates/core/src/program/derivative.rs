//! Derivatives of graphs as graphs: a walk over traced numbers, which writes down what it computes.
//!
//! The rules of the table run as in every mode; what they choose by a value, they select in the new graph. The nodes
//! and the guards of the function come first, so its values are shared.

use super::graph::Graph;
use super::recorder::{Recorder, Session};
use super::{Traced, walk};
use crate::Scalar;

/// The graph of a function's value and of its gradient: of one output, then of all inputs.
///
/// It is for numbers that are finite: a zero does not win over ∞ or NaN, and there is then a NaN among the results.
/// Adjoints are added up in the order of the [walk](walk::reverse), so that the bits are the same.
pub(super) fn gradient<F: Scalar>(graph: &Graph<F>) -> Graph<F> {
    let output = graph.outputs[0] as usize;
    extend(graph, |buffers| {
        walk::reverse::<Traced<F>, false>(graph, buffers, [(output, Traced::from(F::one()))].into_iter());
        let mut outputs = vec![buffers.values[output]];
        outputs.extend_from_slice(&buffers.adjoints[..graph.inputs()]);
        outputs
    })
}

/// Goes on with a graph: given its values, `more` computes new outputs.
fn extend<F: Scalar>(
    graph: &Graph<F>,
    more: impl FnOnce(&mut walk::Buffers<Traced<F>>) -> Vec<Traced<F>>,
) -> Graph<F> {
    let session = Session::begin(Recorder::resume(graph.clone(), usize::MAX));
    let mut buffers = walk::Buffers::default();
    // No value is known, and none is asked for.
    buffers.values.extend((0..graph.nodes.len() as u32).map(|index| session.number(F::nan(), index)));
    let outputs = more(&mut buffers);
    session.finish(&outputs).expect("there is no limit")
}
