//! Which outputs of a graph depend on which inputs.
//!
//! Each node has a set of inputs. The set of a result is the union of the sets of those operands with respect to
//! which the operation has a derivative.

use crate::program::ir::graph::{Graph, Node, Reduction};
use crate::program::record::recorder::Session;
use crate::rules::{Binary, Op, Partial, Ternary, Unary, Visitor, reductions};
use crate::sparse::Pattern;
use crate::sparse::index_sets::{EMPTY, IndexSets};
use crate::{Differentiable, Error, ProgramScalar};
use rustc_hash::FxHashMap;

/// For each of up to three operands, whether the operation has a derivative with respect to it.
type Derivatives = [bool; 3];

/// Where the Jacobian of a graph may have entries, for any inputs: a row for each output, a column for each requested
/// input.
pub(in crate::program) fn pattern<F: ProgramScalar>(
    graph: &Graph<F>,
    outputs: &[u32],
    wanted: &[usize],
) -> Result<Pattern, Error> {
    let mut known = FxHashMap::default();
    let mut derivatives =
        |_: usize, op: Op, _: [u32; 3]| *known.entry(op).or_insert_with(|| derivatives_of::<F>(op));
    propagate(graph, outputs, wanted, &mut |index, operands| {
        operands_that_move(graph, index, &mut derivatives, operands);
    })
}

/// The same at a point, given the values of all nodes, without entries that are zero there.
pub(in crate::program) fn pattern_at<F: ProgramScalar>(
    graph: &Graph<F>,
    wanted: &[usize],
    values: &[F],
) -> Result<Pattern, Error> {
    let mut derivatives = |index: usize, op: Op, operands: [u32; 3]| {
        let x = operands.map(|operand| values[operand as usize]);
        op.visit(NonZero { x, z: values[index] })
    };
    propagate(graph, &graph.outputs, wanted, &mut |index, operands| {
        operands_that_move(graph, index, &mut derivatives, operands);
        drop_zero_factors(graph, index, values, operands);
    })
}

/// Propagates sets of inputs through a graph. `operands` lists the operands of a node with respect to which it has a
/// derivative.
fn propagate<F: ProgramScalar>(
    graph: &Graph<F>,
    outputs: &[u32],
    wanted: &[usize],
    operands: &mut impl FnMut(usize, &mut Vec<u32>),
) -> Result<Pattern, Error> {
    // A graph has fewer inputs than the largest number of sets.
    let sets = IndexSets::new(wanted.len() as u32);
    let needed = needed(graph, outputs, operands);
    let mut of_node = vec![EMPTY; graph.nodes.len()];
    wanted.iter().zip(0..).for_each(|(&input, column)| of_node[input] = column);
    let mut places = Vec::new();
    for index in (0..graph.nodes.len()).filter(|&index| needed[index] && graph.nodes[index].is_operation()) {
        places.clear();
        operands(index, &mut places);
        of_node[index] = match places[..] {
            [] => EMPTY,
            [only] => of_node[only as usize],
            [a, b] => sets.union(of_node[a as usize], of_node[b as usize]),
            _ => sets.union_of(places.iter().map(|&place| of_node[place as usize]).collect()),
        };
    }
    let outputs: Vec<_> = outputs.iter().map(|&output| of_node[output as usize]).collect();
    sets.pattern(&outputs)
}

/// The nodes on which outputs depend.
fn needed<F: ProgramScalar>(
    graph: &Graph<F>,
    outputs: &[u32],
    operands: &mut impl FnMut(usize, &mut Vec<u32>),
) -> Vec<bool> {
    let (mut needed, mut places) = (vec![false; graph.nodes.len()], Vec::new());
    outputs.iter().for_each(|&output| needed[output as usize] = true);
    for index in (0..graph.nodes.len()).rev().filter(|&index| graph.nodes[index].is_operation()) {
        if needed[index] {
            places.clear();
            operands(index, &mut places);
            places.iter().for_each(|&operand| needed[operand as usize] = true);
        }
    }
    needed
}

/// Appends the operands of a node with respect to which it has a derivative.
fn operands_that_move<F: ProgramScalar>(
    graph: &Graph<F>,
    index: usize,
    derivatives: &mut impl FnMut(usize, Op, [u32; 3]) -> Derivatives,
    operands: &mut Vec<u32>,
) {
    match graph.nodes[index] {
        Node::Apply(op, places) => {
            let derivatives = derivatives(index, op, places);
            operands.extend(
                places.into_iter().zip(derivatives).filter(|&(_, moves)| moves).map(|(place, _)| place),
            );
        }
        // The value of a chain rule only decides about NaN, and has no derivative.
        Node::Reduce(Reduction::ChainRule, list) => operands.extend(&graph.lists[list.range()][1..]),
        // All outputs of a rule depend on all its inputs, as far as is known here: the first output has the union.
        Node::Output { output: output @ 1.., .. } => operands.push(index as u32 - output),
        ref node => operands.extend(graph.operands(node)),
    }
}

/// Drops operands whose partial derivative is a factor that is zero.
fn drop_zero_factors<F: ProgramScalar>(
    graph: &Graph<F>,
    index: usize,
    values: &[F],
    operands: &mut Vec<u32>,
) {
    let moves = |factor: u32| values[factor as usize] != F::zero();
    match graph.nodes[index] {
        Node::Reduce(Reduction::Dot | Reduction::ChainRule, _) => {
            let pairs = std::mem::take(operands);
            for &[a, b] in pairs.as_chunks().0 {
                operands.extend(
                    [(a, b), (b, a)].iter().filter(|(_, factor)| moves(*factor)).map(|(place, _)| place),
                );
            }
        }
        Node::Reduce(Reduction::Norm, _) => {
            let derivative =
                |&place: &u32| reductions::norm_derivative(values[place as usize], values[index]).number();
            operands.retain(|place| derivative(place) != F::zero());
        }
        Node::Row { affine, row } => {
            let affine = &graph.affines[affine as usize];
            operands.clear();
            operands.push(affine.bias + row);
            for (weight, x) in affine.row(row).zip(graph.list(affine.x)) {
                let pair = [(weight as u32, x as u32), (x as u32, weight as u32)];
                operands.extend(pair.iter().filter(|(_, factor)| moves(*factor)).map(|(place, _)| place));
            }
        }
        _ => {}
    }
}

/// The operands with respect to which an operation has a derivative anywhere: all those for which its row does not
/// state `Zero`.
fn derivatives_of<F: ProgramScalar>(op: Op) -> Derivatives {
    let session = Session::<F>::symbolic(0, 4);
    let [x, y, w, z] = [0, 1, 2, 3].map(|input| session.unknown(input));
    op.visit(NonZero { x: [x, y, w], z })
}

/// Records which partial derivatives are not zero.
struct NonZero<T> {
    x: [T; 3],
    z: T,
}

impl<T: Differentiable> Visitor for NonZero<T> {
    type Output = Derivatives;

    fn unary<O: Unary>(self, op: O) -> Derivatives {
        [!O::STOPS && is_not_zero(op.partial(self.x[0], self.z)), false, false]
    }

    fn binary<O: Binary>(self, op: O) -> Derivatives {
        let Self { x: [x, y, _], z } = self;
        [is_not_zero(op.left(x, y, z)), is_not_zero(op.right(x, y, z)), false]
    }

    fn ternary<O: Ternary>(self, op: O) -> Derivatives {
        if O::SELECTS && !T::RECORDS {
            let then = self.x[0].value() != num_traits::Zero::zero();
            return [false, then, !then];
        }
        if O::SELECTS {
            return [false, true, true];
        }
        op.partials(self.x, self.z).map(is_not_zero)
    }
}

fn is_not_zero<T: Differentiable>(partial: Partial<T>) -> bool {
    match partial {
        Partial::Zero => false,
        Partial::Of(derivative) => !derivative.is_identically_zero(),
        Partial::One | Partial::MinusOne => true,
    }
}
