//! `Graph`: the result of a recording, in static single assignment form.
//!
//! A node is computed once, from nodes before it. The inputs come first, parameters before data, so the place of an
//! input is its number.

use crate::ProgramScalar;
use crate::program::ir::guard::{Guard, same_bits};
use crate::program::ir::rule::Recorded;
use crate::rules::Op;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// A recorded function, as it was written, except that equal subexpressions appear once.
///
/// A [`Program`](crate::program::Program) is made from it to be evaluated; [`expression`](Self::expression) and
/// [`dot`](Self::dot) show it.
///
/// ```
/// use dualtape::program::Graph;
/// let graph = Graph::record(|x| (x[0] + x[1]) * (x[0] + x[1]), &[1.0_f64, 2.0])?;
/// assert_eq!(graph.len(), 4); // two inputs, one sum, one product
/// # Ok::<(), dualtape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph<F> {
    pub(crate) nodes: Vec<Node<F>>,
    /// The operands of reductions and affine maps, one list after the other.
    pub(in crate::program) lists: Vec<u32>,
    pub(in crate::program) affines: Vec<Affine>,
    pub(in crate::program) calls: Vec<Call<F>>,
    pub(in crate::program) guards: Vec<Guard<F>>,
    pub(crate) outputs: Vec<u32>,
    pub(in crate::program) parameters: usize,
    pub(in crate::program) data: usize,
}

/// One value of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Node<F> {
    Input,
    Constant(F),
    /// An operation of the rule table; operands beyond its arity are 0.
    Apply(Op, [u32; 3]),
    Reduce(Reduction, List),
    /// One row of an affine map.
    Row {
        affine: u32,
        row: u32,
    },
    /// One output of a custom rule.
    Output {
        call: u32,
        output: u32,
    },
}

impl<F: ProgramScalar> Node<F> {
    /// Whether it computes something, and is neither an input nor a constant.
    pub(in crate::program) fn is_operation(&self) -> bool {
        !matches!(self, Self::Input | Self::Constant(_))
    }

    /// A hash of what it computes.
    #[inline(always)]
    pub(in crate::program) fn hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        match *self {
            Self::Constant(value) => value.wide().to_bits().hash(&mut hasher),
            Self::Apply(op, operands) => (op, sorted(op, operands)).hash(&mut hasher),
            // These are never looked up.
            Self::Input | Self::Reduce(..) | Self::Row { .. } | Self::Output { .. } => {}
        }
        hasher.finish()
    }

    /// Whether another node certainly has the same value, to the bit.
    #[inline(always)]
    pub(in crate::program) fn computes_the_same(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Constant(a), Self::Constant(b)) => same_bits(a, b),
            (Self::Apply(f, a), Self::Apply(g, b)) => f == g && sorted(f, a) == sorted(g, b),
            _ => false,
        }
    }
}

/// The order of the operands of a commutative operation does not matter.
#[inline(always)]
pub(in crate::program) fn sorted(op: Op, [a, b, c]: [u32; 3]) -> [u32; 3] {
    if matches!(op, Op::Add | Op::Mul) { [a.min(b), a.max(b), c] } else { [a, b, c] }
}

/// An operation of any number of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reduction {
    Sum,
    /// The operands go in pairs.
    Dot,
    /// A start, then pairs.
    MultiplyAddChain,
    LogSumExp,
    Norm,
    /// A value, then pairs of its partial derivatives and tangents: see
    /// [`chain_rule`](crate::Differentiable::chain_rule).
    ChainRule,
}

impl Reduction {
    /// The name of the method or of the kind of node.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum_of",
            Self::Dot => "dot",
            Self::MultiplyAddChain => "multiply-add chain",
            Self::LogSumExp => "log_sum_exp",
            Self::Norm => "norm",
            Self::ChainRule => "chain_rule",
        }
    }
}

/// A stretch of [`Graph::lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct List {
    pub(in crate::program) start: u32,
    pub(in crate::program) len: u32,
}

impl List {
    pub(in crate::program) fn range(self) -> Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// A matrix of parameters, row after row, times a vector, plus a vector.
#[derive(Clone, Copy, Debug)]
pub(in crate::program) struct Affine {
    /// The first weight; the others follow.
    pub(in crate::program) weights: u32,
    /// The first bias, a parameter; the others follow.
    pub(in crate::program) bias: u32,
    pub(in crate::program) rows: u32,
    pub(in crate::program) x: List,
}

/// A call of a custom rule. Its outputs are consecutive nodes.
#[derive(Clone, Debug)]
pub(in crate::program) struct Call<F> {
    pub(in crate::program) rule: Recorded<F>,
    pub(in crate::program) x: List,
}

impl Affine {
    /// The places of the weights, and those of the biases.
    pub(in crate::program) fn parameters(&self) -> [Range<u32>; 2] {
        [self.weights..self.weights + self.rows * self.x.len, self.bias..self.bias + self.rows]
    }
}

impl<F: ProgramScalar> Graph<F> {
    /// The number of nodes: inputs, constants and operations.
    ///
    /// ```
    /// use dualtape::program::Graph;
    /// let graph = Graph::record(|x| x[0] * x[0] + 1.0, &[3.0_f64])?;
    /// assert_eq!(graph.len(), 4); // an input, a product, a constant, a sum
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing, not even an input.
    ///
    /// ```
    /// use dualtape::{Traced, program::Graph};
    /// let nothing = Graph::record(|_| Vec::<Traced<f64>>::new(), &[])?;
    /// assert!(nothing.is_empty());
    /// assert!(!Graph::record(|x| x[0], &[1.0_f64])?.is_empty());
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of inputs, parameters and data together.
    ///
    /// ```
    /// use dualtape::program::Graph;
    /// let graph = Graph::record_with_data(|line, x| line[0] * x[0] + line[1], &[1.0; 2], &[1.0_f64])?;
    /// assert_eq!(graph.inputs(), 3);
    /// # Ok::<(), dualtape::Error>(())
    /// ```
    pub fn inputs(&self) -> usize {
        self.parameters + self.data
    }

    /// How many nodes and operands an evaluation visits; the elements of matrices count individually.
    pub(in crate::program) fn size(&self) -> usize {
        let matrices = self.affines.iter().map(|map| map.rows as usize * map.x.len as usize);
        self.nodes.len() + self.lists.len() + matrices.sum::<usize>()
    }

    /// Whether a clamp may panic where a guard does not hold, because its bounds are in the wrong order there.
    pub(in crate::program) fn has_guarded_clamp(&self) -> bool {
        let is_constant = |&node: &u32| matches!(self.nodes[node as usize], Node::Constant(_));
        let may_panic = |node: &Node<F>| match node {
            Node::Apply(Op::Clamp, operands) => !operands[1..].iter().all(is_constant),
            _ => false,
        };
        !self.guards.is_empty() && self.nodes.iter().any(may_panic)
    }

    /// An empty graph with the same inputs and room for as many outputs.
    pub(in crate::program) fn without_operations(self) -> Self {
        let zero = self.inputs() as u32;
        let mut nodes = vec![Node::Input; self.inputs()];
        nodes.push(Node::Constant(F::zero()));
        Self {
            nodes,
            lists: Vec::new(),
            affines: Vec::new(),
            calls: Vec::new(),
            guards: Vec::new(),
            outputs: vec![zero; self.outputs.len()],
            ..self
        }
    }

    /// Replaces each node that lists, outputs and guards read by the node that stands for it.
    pub(in crate::program) fn redirect_lists(&mut self, stands_for: &[u32]) {
        for place in self.lists.iter_mut().chain(&mut self.outputs) {
            *place = stands_for[*place as usize];
        }
        for guard in &mut self.guards {
            *guard = guard.renumbered(|place| stands_for[place as usize]);
        }
    }

    /// The places of a node's operands, in order.
    pub(crate) fn operands(&self, node: &Node<F>) -> impl Iterator<Item = u32> + '_ {
        let (list, weights, bias) = match *node {
            Node::Input | Node::Constant(_) => (0..0, 0..0, 0..0),
            Node::Apply(op, operands) => return Operands::Few(operands.into_iter().take(op.arity())),
            Node::Reduce(_, list) => (list.range(), 0..0, 0..0),
            Node::Row { affine, row } => {
                let affine = &self.affines[affine as usize];
                let first = affine.weights + row * affine.x.len;
                (affine.x.range(), first..first + affine.x.len, affine.bias + row..affine.bias + row + 1)
            }
            Node::Output { call, .. } => (self.calls[call as usize].x.range(), 0..0, 0..0),
        };
        Operands::Many(self.lists[list].iter().copied().chain(weights).chain(bias))
    }
}

/// The operands of a node, few or many.
enum Operands<A, B> {
    Few(A),
    Many(B),
}

impl<A: Iterator<Item = u32>, B: Iterator<Item = u32>> Iterator for Operands<A, B> {
    type Item = u32;
    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Few(few) => few.next(),
            Self::Many(many) => many.next(),
        }
    }
}
