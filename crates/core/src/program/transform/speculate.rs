//! Speculation: a recorded derivative without its care for exact zeros and NaN.
//!
//! The chain rule of a recording ([`Reduction::ChainRule`]) lets an exact zero win over ∞, and is NaN if a value is.
//! Nearly always it equals a plain sum of products, and often even less: a partial derivative of 1 leaves the tangent
//! itself. So such a recording becomes two programs. The speculative one has plain products, and a list of values to
//! watch: if none of them is NaN, it computes the same as the recording. Otherwise, the recording itself is
//! evaluated.
//!
//! Why this suffices: a plain product differs from the chain rule only where a zero meets ∞ or NaN, and is NaN there.
//! So the results of chain rules are watched, and the values whose NaN they would adopt. If a NaN certainly
//! propagates to another watched value or to an output, only that one is watched.

use super::rewrite::Rewrite;
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, Node, Reduction};
use crate::program::ir::guard::same_bits;
use crate::rules::Op;

/// A speculative graph.
pub(in crate::program) struct Speculation<F> {
    pub(in crate::program) graph: Graph<F>,
    /// The nodes that must not be NaN; no output may be NaN either.
    pub(in crate::program) watched: Vec<u32>,
}

/// The speculative form of a graph with chain rules; `None` if there are none. The places of the given nodes are
/// updated.
pub(in crate::program) fn speculate<F: ProgramScalar>(
    graph: &Graph<F>,
    nodes: &mut [u32],
) -> Option<Speculation<F>> {
    let is_chain_rule = |node: &Node<F>| matches!(node, Node::Reduce(Reduction::ChainRule, _));
    if !graph.nodes.iter().any(is_chain_rule) {
        return None;
    }
    let mut watched = Vec::new();
    let rewrite = Rewrite::nodes(graph, |rewrite, node| match node {
        Node::Reduce(Reduction::ChainRule, list) => {
            Some(rewrite.chain_rule(&graph.lists[list.range()], &mut watched))
        }
        Node::Apply(op, operands) => rewrite.of_constants(op, &operands[..op.arity()]),
        _ => None,
    });
    nodes.iter_mut().for_each(|node| *node = rewrite.place(*node));
    let graph = rewrite.finish();
    let watched = least_watched(&graph, &watched);
    Some(Speculation { graph, watched })
}

/// A term of a chain rule.
#[derive(Clone, Copy)]
enum Term {
    /// A tangent as it is.
    Plain(u32),
    Negative(u32),
    Product(u32, u32),
}

impl<F: ProgramScalar> Rewrite<'_, F> {
    fn chain_rule(&mut self, operands: &[u32], watched: &mut Vec<u32>) -> u32 {
        let (value, pairs) = operands.split_first().expect("a chain rule has a value");
        let value = self.place(*value);
        let terms: Vec<Term> = pairs
            .as_chunks::<2>()
            .0
            .iter()
            .filter_map(|pair| self.term(pair.map(|node| self.place(node))))
            .collect();
        let sum = self.sum(&terms);
        watched.extend([value, sum]);
        sum
    }

    /// A partial derivative times a tangent, unless it is certainly zero.
    fn term(&mut self, [partial, tangent]: [u32; 2]) -> Option<Term> {
        let constants = [partial, tangent].map(|factor| self.constant(factor));
        let [p, t] = constants.map(|known| move |number| known.is_some_and(|value| same_bits(value, number)));
        let (one, zero) = (F::one(), F::zero());
        Some(match constants {
            _ if [zero, -zero].into_iter().any(|zero| p(zero) || t(zero)) => return None,
            _ if p(one) => Term::Plain(tangent),
            _ if t(one) => Term::Plain(partial),
            [Some(p), Some(t)] => Term::Plain(self.to.constant(p * t)),
            _ if p(-one) => Term::Negative(tangent),
            _ if t(-one) => Term::Negative(partial),
            _ => Term::Product(partial, tangent),
        })
    }

    /// An operation whose operands have become constants, computed here.
    fn of_constants(&mut self, op: Op, operands: &[u32]) -> Option<u32> {
        let mut values = [F::zero(); 3];
        for (value, &operand) in values.iter_mut().zip(operands) {
            *value = self.constant(self.place(operand))?;
        }
        Some(self.to.constant(op.apply(&values[..operands.len()])))
    }

    fn constant(&self, place: u32) -> Option<F> {
        match self.to.node_at(place) {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// An operation on two numbers, computed here if both are constants.
    fn two(&mut self, op: Op, a: u32, b: u32) -> u32 {
        match ([a, b].map(|operand| self.constant(operand)), op) {
            ([Some(a), Some(b)], Op::Add) => self.to.constant(a + b),
            ([Some(a), Some(b)], Op::Sub) => self.to.constant(a - b),
            _ => self.to.operation(op, [a, b, 0]),
        }
    }

    fn sum(&mut self, terms: &[Term]) -> u32 {
        if terms.len() > 2 && terms.iter().all(|term| matches!(term, Term::Product(..))) {
            let factors = terms.iter().flat_map(|term| match *term {
                Term::Product(a, b) => [a, b],
                Term::Plain(_) | Term::Negative(_) => unreachable!("all terms are products"),
            });
            return self.to.reduce(Reduction::Dot, factors);
        }
        let mut sum = None;
        for &term in terms {
            let (op, place) = match term {
                Term::Plain(place) => (Op::Add, place),
                Term::Negative(place) => (Op::Sub, place),
                Term::Product(a, b) => (Op::Add, self.to.operation(Op::Mul, [a, b, 0])),
            };
            sum = Some(match (sum, op) {
                (Some(sum), op) => self.two(op, sum, place),
                (None, Op::Sub) => match self.constant(place) {
                    Some(value) => self.to.constant(-value),
                    None => self.to.operation(Op::Neg, [place, 0, 0]),
                },
                (None, _) => place,
            });
        }
        sum.unwrap_or_else(|| self.to.constant(F::zero()))
    }
}

/// Those of the given nodes whose NaN does not certainly reach another of them, or an output.
fn least_watched<F: ProgramScalar>(graph: &Graph<F>, nodes: &[u32]) -> Vec<u32> {
    let mut wanted = vec![false; graph.nodes.len()];
    nodes.iter().for_each(|&node| wanted[node as usize] = true);
    let mut shows = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|&node| shows[node as usize] = true);
    let mut watched = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if wanted[index] && !shows[index] && !matches!(node, Node::Constant(value) if !value.is_nan()) {
            watched.push(index as u32);
            shows[index] = true;
        }
        if shows[index] && passes_nan_on(node) {
            graph.operands(node).for_each(|operand| shows[operand as usize] = true);
        }
    }
    watched
}

/// Whether a NaN among the operands certainly makes the result NaN.
fn passes_nan_on<F: ProgramScalar>(node: &Node<F>) -> bool {
    match *node {
        Node::Input | Node::Constant(_) | Node::Output { .. } => false,
        Node::Apply(Op::Powi(0), _) => false,
        Node::Apply(Op::Add | Op::Sub | Op::Mul | Op::Div | Op::MulAdd, _) => true,
        Node::Apply(op, _) => op.arity() == 1,
        Node::Reduce(reduction, _) => match reduction {
            Reduction::Sum
            | Reduction::Dot
            | Reduction::MultiplyAddChain
            | Reduction::LogSumExp
            | Reduction::Norm => true,
            Reduction::ChainRule => false,
        },
        Node::Row { .. } => true,
    }
}
