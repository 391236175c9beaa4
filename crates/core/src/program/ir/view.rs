//! A graph as other code reads it: compilers, drawings, analyses.

use super::graph::{Graph, Node, Reduction};
use super::guard::Predicate;
use crate::predicate::Relation;
use crate::rules::Op;
use crate::{CustomRule, ProgramScalar};
use std::fmt;

/// What a node of a graph computes from its operands.
///
/// ```
/// use dualtape::{Float, program::{Graph, Kind}, rules::Op};
/// let graph = Graph::record(|x| (x[0] * 2.0).sin(), &[1.0_f64])?;
/// let kinds: Vec<_> = graph.nodes().map(|node| node.kind()).collect();
/// let [sine, product] = [Kind::Operation(Op::Sin), Kind::Operation(Op::Mul)];
/// assert_eq!(kinds, [Kind::Datum(0), Kind::Constant(2.0), product, sine]);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind<F> {
    /// The parameter of that number.
    Parameter(usize),
    /// The datum of that number.
    Datum(usize),
    /// A constant.
    Constant(F),
    /// An operation of the rule table.
    Operation(Op),
    /// Σ xᵢ, from left to right.
    Sum,
    /// Σ aᵢbᵢ, from left to right; operands are a₀, b₀, a₁, b₁, …
    Dot,
    /// ln Σ exp xᵢ
    LogSumExp,
    /// √Σ xᵢ²
    Norm,
    /// Σ pᵢtᵢ of partial derivatives and tangents; operands are a value, then p₀, t₀, p₁, t₁, … An exact zero wins
    /// over ∞ and NaN; if the value is NaN, so is the sum, unless all tᵢ are zero.
    ChainRule,
    /// A row of a matrix of parameters times a vector, plus a parameter; operands are the vector, the row and the
    /// bias.
    AffineRow,
    /// An output of a custom rule, counted from 0; operands are the inputs of the rule.
    Rule {
        /// The name of the rule.
        name: &'static str,
        /// The number of the output.
        output: usize,
    },
}

/// One node of a graph.
///
/// ```
/// use dualtape::program::Graph;
/// let graph = Graph::record(|x| x[0] * x[1] + x[0], &[1.0_f64, 2.0])?;
/// let last = graph.nodes().last().unwrap();
/// assert_eq!((last.index(), last.operands().collect::<Vec<_>>()), (3, vec![2, 0]));
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct NodeView<'g, F> {
    graph: &'g Graph<F>,
    index: usize,
}

impl<F: ProgramScalar> fmt::Debug for NodeView<'_, F> {
    /// Writes the node without its graph.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeView")
            .field("index", &self.index)
            .field("kind", &self.kind())
            .field("operands", &self.operands().collect::<Vec<_>>())
            .finish()
    }
}

impl<'g, F: ProgramScalar> NodeView<'g, F> {
    /// Its place in the graph, by which other nodes refer to it as an operand.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What it computes.
    pub fn kind(&self) -> Kind<F> {
        let graph = self.graph;
        match graph.nodes[self.index] {
            Node::Input => match self.index.checked_sub(graph.parameters) {
                None => Kind::Parameter(self.index),
                Some(datum) => Kind::Datum(datum),
            },
            Node::Constant(value) => Kind::Constant(value),
            Node::Apply(op, _) => Kind::Operation(op),
            Node::Reduce(Reduction::Sum, _) => Kind::Sum,
            Node::Reduce(Reduction::Dot, _) => Kind::Dot,
            Node::Reduce(Reduction::LogSumExp, _) => Kind::LogSumExp,
            Node::Reduce(Reduction::Norm, _) => Kind::Norm,
            Node::Reduce(Reduction::ChainRule, _) => Kind::ChainRule,
            Node::Reduce(Reduction::MultiplyAddChain, _) => {
                unreachable!("only the plan of batches has chains")
            }
            Node::Row { .. } => Kind::AffineRow,
            Node::Output { call, output } => {
                Kind::Rule { name: graph.calls[call as usize].rule.name(), output: output as usize }
            }
        }
    }

    /// The places of its operands, all before its own place.
    pub fn operands(&self) -> impl Iterator<Item = usize> + use<'g, F> {
        self.graph.operands(&self.graph.nodes[self.index]).map(|operand| operand as usize)
    }
}

/// A predicate that a function evaluated while it was recorded, and its outcome. If the outcome is different, the
/// graph does not represent the function.
///
/// ```
/// use dualtape::{Relation, program::{Graph, GuardView}};
/// let graph = Graph::record(|x| if x[0] < x[1] { x[0] } else { x[1] }, &[1.0_f64, 2.0])?;
/// let guards: Vec<_> = graph.guards().collect();
/// let asked = GuardView::Comparison { relation: Relation::Less, operands: [0, 1], outcome: true };
/// assert_eq!(guards, [asked]);
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum GuardView<F> {
    /// Whether a relation holds between two nodes.
    Comparison {
        /// The relation.
        relation: Relation,
        /// The nodes.
        operands: [usize; 2],
        /// Whether it held.
        outcome: bool,
    },
    /// Whether a node's value has a property.
    Property {
        /// The property, in words: `is NaN`.
        property: &'static str,
        /// The node.
        operand: usize,
        /// Whether it had it.
        outcome: bool,
    },
    /// The plain value of a node was read: the value must be this, to the bit.
    Value {
        /// The node.
        operand: usize,
        /// The value.
        value: F,
    },
}

impl<F: ProgramScalar> Graph<F> {
    /// The nodes in order: each is computed from nodes before it. The inputs come first, parameters before data.
    ///
    /// ```
    /// use dualtape::program::{Graph, Kind};
    /// let graph = Graph::record_with_data(|p, x| p[0] * x[0], &[1.0], &[2.0_f64])?;
    /// assert_eq!(graph.nodes().filter(|node| matches!(node.kind(), Kind::Operation(_))).count(), 1);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeView<'_, F>> + DoubleEndedIterator {
        (0..self.nodes.len()).map(|index| NodeView { graph: self, index })
    }

    /// The places of the outputs.
    ///
    /// ```
    /// use dualtape::program::Graph;
    /// let graph = Graph::record(|x| [x[0] + x[1], x[0]], &[1.0_f64, 2.0])?;
    /// assert_eq!(graph.outputs().collect::<Vec<_>>(), [2, 0]);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = usize> {
        self.outputs.iter().map(|&output| output as usize)
    }

    /// The guards in the order of recording, each once.
    pub fn guards(&self) -> impl ExactSizeIterator<Item = GuardView<F>> {
        self.guards.iter().map(|guard| match guard.predicate {
            Predicate::Relation { relation, operands, outcome } => {
                GuardView::Comparison { relation, operands: operands.map(|place| place as usize), outcome }
            }
            Predicate::Property { property, operand, outcome } => {
                GuardView::Property { property: property.words(), operand: operand as usize, outcome }
            }
            Predicate::Value { operand, value } => GuardView::Value { operand: operand as usize, value },
        })
    }

    /// For each node, whether it depends on data and so varies from point to point in a batch; the others are
    /// uniform.
    ///
    /// ```
    /// use dualtape::{Float, program::Graph};
    /// let graph = Graph::record_with_data(|p, x| p[0].exp() * x[0], &[1.0], &[2.0_f64])?;
    /// assert_eq!(graph.varying(), [false, true, false, true]); // p, x, exp p, the product
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn varying(&self) -> Vec<bool> {
        let mut varying: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes() {
            let datum = matches!(node.kind(), Kind::Datum(_));
            varying.push(datum || node.operands().any(|operand| varying[operand]));
        }
        varying
    }
}
