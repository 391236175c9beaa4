//! Writes log-sum-exps out, so that their derivatives share their exponentials.

use super::rewrite::Rewrite;
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use crate::rules::Op;

/// Writes every log-sum-exp as max + ln Σ exp(xᵢ − max), operation by operation, with the same bits if the largest
/// term is finite. Otherwise the result is NaN, so it becomes a watched node. The places of watched nodes are
/// updated. `None` if there are no log-sum-exps.
pub(in crate::program) fn write_out_log_sum_exps<F: ProgramScalar>(
    graph: &Graph<F>,
    watched: &mut Vec<u32>,
) -> Option<Graph<F>> {
    let is_one = |node: &Node<F>| matches!(node, Node::Reduce(Reduction::LogSumExp, List { len: 1.., .. }));
    if !graph.nodes.iter().any(is_one) {
        return None;
    }
    let mut written = Vec::new();
    let rewrite = Rewrite::nodes(graph, |rewrite, node| match node {
        Node::Reduce(Reduction::LogSumExp, list @ List { len: 1.., .. }) => {
            let terms: Vec<u32> = graph.lists[list.range()].iter().map(|&node| rewrite.place(node)).collect();
            let place = write_out(rewrite, &terms);
            written.push(place);
            Some(place)
        }
        _ => None,
    });
    watched.iter_mut().for_each(|node| *node = rewrite.place(*node));
    watched.extend(written);
    Some(rewrite.finish())
}

/// The operations are those of the recorded derivatives, so that the optimiser finds the same ones.
fn write_out<F: ProgramScalar>(rewrite: &mut Rewrite<'_, F>, terms: &[u32]) -> u32 {
    let to = &mut rewrite.to;
    let mut largest: Vec<u32> = terms.iter().map(|&x| to.operation(Op::StopGradient, [x, 0, 0])).collect();
    while largest.len() > 1 {
        let second = largest.split_off(largest.len().div_ceil(2));
        largest.iter_mut().zip(second).for_each(|(a, b)| *a = to.operation(Op::Max, [*a, b, 0]));
    }
    let max = largest[0];
    let mut power = |&x: &u32| {
        let difference = to.operation(Op::Sub, [x, max, 0]);
        to.operation(Op::Exp, [difference, 0, 0])
    };
    let powers: Vec<u32> = terms.iter().map(&mut power).collect();
    let total = to.reduce(Reduction::Sum, powers.into_iter());
    let logarithm = to.operation(Op::Ln, [total, 0, 0]);
    to.operation(Op::Add, [max, logarithm, 0])
}
