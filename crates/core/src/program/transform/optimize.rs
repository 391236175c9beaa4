//! The optimiser: it makes graphs smaller, and never changes a value.
//!
//! Each pass reads the nodes in order, and may redirect uses of a node to another (`stands_for`) or rewrite it in
//! place; operands always come before their uses. Nodes that are no longer used are dropped at the end, when the
//! [schedule](crate::program::plan::schedule) selects what is alive. A change to a pass must keep to this, and to
//! IEEE arithmetic: `x · 1` is `x`, but `x · 0` is not 0, and `x + 0` is not `x` for `x = −0`.

use super::log_sum_exp::write_out_log_sum_exps;
use crate::ProgramScalar;
use crate::program::ir::graph::{Graph, List, Node, Reduction};
use crate::program::ir::guard::{Guard, same_bits};
use crate::rules::Op;
use hashbrown::{HashMap, HashTable};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// A chain of fewer links than this stays a sequence of single operations, which run side by side with similar ones.
const SHORTEST_CHAIN: u32 = 4;

/// Applies all passes. Returns the new places of the watched nodes.
pub(in crate::program) fn optimize<F: ProgramScalar>(graph: &mut Graph<F>, watched: &[u32]) -> Vec<u32> {
    let stands_for = drop_copies(graph);
    let watched: Vec<u32> = watched.iter().map(|&node| stands_for[node as usize]).collect();
    gather_chains(graph, &watched, Op::Mul, Reduction::MultiplyAddChain);
    lengthen_dots(graph, &watched);
    gather_chains(graph, &watched, Op::Add, Reduction::Sum);
    watched
}

/// The passes for one point: log-sum-exps are written out, and operations that change no number are dropped. The
/// places of watched nodes are updated. The graph must not be differentiated afterwards. The first outputs, of the
/// given number, keep the sign of a zero; the users of the others do not distinguish −0 from 0.
pub(in crate::program) fn for_one_point<F: ProgramScalar>(
    graph: &mut Graph<F>,
    watched: &mut Vec<u32>,
    signed: usize,
) {
    if let Some(written_out) = write_out_log_sum_exps(graph, watched) {
        *graph = written_out;
    }
    let mut follow = |stands_for: Vec<u32>| {
        watched.iter_mut().for_each(|node| *node = stands_for[*node as usize]);
    };
    follow(drop_stops(graph));
    follow(drop_copies(graph));
    follow(drop_zeros(graph, signed));
}

/// Operations that return an operand unchanged, to the bit, are replaced by that operand, and repeated operations by
/// the first one. Returns the node that stands for each node.
fn drop_copies<F: ProgramScalar>(graph: &mut Graph<F>) -> Vec<u32> {
    let mut stands_for: Vec<u32> = (0..graph.nodes.len() as u32).collect();
    let mut known = HashTable::with_capacity(graph.nodes.len());
    let mut known_reductions = HashTable::new();
    for index in 0..graph.nodes.len() {
        redirect(graph, index, &stands_for);
        // An input stays: its derivative is 1 even if it is NaN, but that of an operation is NaN there.
        let same = identity(graph, graph.nodes[index]);
        if let Some(same) = same.filter(|&same| !matches!(graph.nodes[same as usize], Node::Input)) {
            stands_for[index] = same;
        } else if matches!(graph.nodes[index], Node::Constant(_) | Node::Apply(..)) {
            let nodes = &graph.nodes;
            let equal = |&other: &u32| nodes[other as usize].computes_the_same(&nodes[index]);
            let hash = |&node: &u32| nodes[node as usize].hash();
            stands_for[index] = *known.entry(nodes[index].hash(), equal, hash).or_insert(index as u32).get();
        } else if let Node::Reduce(reduction, list) = graph.nodes[index] {
            graph.lists[list.range()].iter_mut().for_each(|node| *node = stands_for[*node as usize]);
            let Graph { nodes, lists, .. } = &*graph;
            let key = |node: u32| match nodes[node as usize] {
                Node::Reduce(reduction, list) => Some((reduction, &lists[list.range()])),
                _ => None,
            };
            let hash = |&node: &u32| FxBuildHasher.hash_one(key(node));
            let same = |&other: &u32| key(other) == Some((reduction, &lists[list.range()]));
            let index = index as u32;
            stands_for[index as usize] =
                *known_reductions.entry(hash(&index), same, hash).or_insert(index).get();
        }
    }
    graph.redirect_lists(&stands_for);
    stands_for
}

/// Redirects the uses of stopped gradients to their operands, in graphs that are not differentiated afterwards.
/// Returns the node that stands for each node.
fn drop_stops<F: ProgramScalar>(graph: &mut Graph<F>) -> Vec<u32> {
    let mut stands_for: Vec<u32> = (0..graph.nodes.len() as u32).collect();
    for index in 0..graph.nodes.len() {
        redirect(graph, index, &stands_for);
        if let Node::Apply(Op::StopGradient, [x, ..]) = graph.nodes[index] {
            stands_for[index] = x;
        }
    }
    graph.redirect_lists(&stands_for);
    stands_for
}

/// Redirects the uses of 0 + x to x, if x is certainly not −0, or if nothing reads the sign of a zero. Returns the
/// node that stands for each node.
fn drop_zeros<F: ProgramScalar>(graph: &mut Graph<F>, signed: usize) -> Vec<u32> {
    let shows_sign = shows_sign(graph, signed);
    let mut stands_for: Vec<u32> = (0..graph.nodes.len() as u32).collect();
    let mut not_negative_zero = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        redirect(graph, index, &stands_for);
        not_negative_zero[index] = is_no_negative_zero(graph, index, &not_negative_zero);
        let can_go = |x: u32| not_negative_zero[x as usize] || !shows_sign[index];
        if let Node::Apply(Op::Add, [a, b, _]) = graph.nodes[index] {
            if is_constant(graph, a, F::zero()) && can_go(b) {
                stands_for[index] = b;
            } else if is_constant(graph, b, F::zero()) && can_go(a) {
                stands_for[index] = a;
            }
        }
    }
    graph.redirect_lists(&stands_for);
    stands_for
}

/// Whether a node is certainly not −0, given the same for the nodes before it.
fn is_no_negative_zero<F: ProgramScalar>(graph: &Graph<F>, index: usize, known: &[bool]) -> bool {
    let sure = |node: u32| known[node as usize];
    match graph.nodes[index] {
        Node::Constant(value) => !same_bits(value, -F::zero()),
        Node::Apply(Op::Add, [a, b, _]) => sure(a) || sure(b),
        Node::Apply(Op::Sub, [a, ..]) => sure(a),
        _ => false,
    }
}

/// For each node, whether an output, a guard or a call could distinguish −0 from 0 there. Only the first outputs, of
/// the given number, do so. Sums and products pass the sign of a zero on; a sum with a term that is never −0 does
/// not.
fn shows_sign<F: ProgramScalar>(graph: &Graph<F>, signed: usize) -> Vec<bool> {
    let mut known = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        known[index] = is_no_negative_zero(graph, index, &known);
    }
    let mut shows = vec![false; graph.nodes.len()];
    let guards = graph.guards.iter().flat_map(Guard::operands);
    graph.outputs[..signed].iter().copied().chain(guards).for_each(|node| shows[node as usize] = true);
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        match *node {
            // One operand that is certainly not −0 hides the sign of the other, as long as it stays so.
            Node::Apply(Op::Add, [a, b, _]) => {
                shows[a as usize] |= shows[index] && (known[a as usize] || !known[b as usize]);
                shows[b as usize] |= shows[index] && !known[a as usize];
            }
            Node::Apply(Op::Div, [a, b, _]) => {
                shows[a as usize] |= shows[index];
                shows[b as usize] = true;
            }
            Node::Apply(Op::Select, [_, a, b]) => {
                shows[a as usize] |= shows[index];
                shows[b as usize] |= shows[index];
            }
            Node::Apply(Op::Compare(_) | Op::Abs, _) | Node::Input | Node::Constant(_) => {}
            // Operands beyond the arity of an operation are node 0, an input or a constant, which stays anyway.
            Node::Apply(op, operands) => {
                if shows[index] || !matches!(op, Op::Sub | Op::Mul | Op::Neg) {
                    operands.iter().for_each(|&operand| shows[operand as usize] = true);
                }
            }
            Node::Reduce(Reduction::Sum | Reduction::Dot | Reduction::MultiplyAddChain, _)
            | Node::Row { .. }
                if !shows[index] => {}
            Node::Reduce(..) | Node::Row { .. } | Node::Output { .. } => {
                graph.operands(node).for_each(|operand| shows[operand as usize] = true);
            }
        }
    }
    shows
}

/// Redirects the operands of an operation to the nodes that stand for them.
fn redirect<F: ProgramScalar>(graph: &mut Graph<F>, index: usize, stands_for: &[u32]) {
    if let Node::Apply(_, operands) = &mut graph.nodes[index] {
        *operands = operands.map(|operand| stands_for[operand as usize]);
    }
}

fn is_constant<F: ProgramScalar>(graph: &Graph<F>, place: u32, number: F) -> bool {
    matches!(graph.nodes[place as usize], Node::Constant(constant) if same_bits(constant, number))
}

/// The operand that a node returns unchanged, if there is one.
fn identity<F: ProgramScalar>(graph: &Graph<F>, node: Node<F>) -> Option<u32> {
    let is = |place: u32, number: F| is_constant(graph, place, number);
    match node {
        Node::Apply(Op::Mul, [x, one, _]) if is(one, F::one()) => Some(x),
        Node::Apply(Op::Mul, [one, x, _]) if is(one, F::one()) => Some(x),
        Node::Apply(Op::Div, [x, one, _]) if is(one, F::one()) => Some(x),
        Node::Apply(Op::Sub, [x, zero, _]) if is(zero, F::zero()) => Some(x),
        Node::Apply(Op::Add, [x, zero, _]) if is(zero, -F::zero()) => Some(x),
        Node::Apply(Op::Add, [zero, x, _]) if is(zero, -F::zero()) => Some(x),
        Node::Apply(Op::Powi(1), [x, ..]) => Some(x),
        Node::Apply(Op::Neg, [x, ..]) => match graph.nodes[x as usize] {
            Node::Apply(Op::Neg, [same, ..]) => Some(same),
            _ => None,
        },
        Node::Reduce(Reduction::Sum, List { start, len: 1 }) => Some(graph.lists[start as usize]),
        _ => None,
    }
}

/// Chains `((s + a·b) + c·d) + …` and `((s + a) + b) + …`, whose links nothing else uses, become one reduction each:
/// one store instead of many, and a sweep that does not wait from link to link.
fn gather_chains<F: ProgramScalar>(graph: &mut Graph<F>, watched: &[u32], link: Op, reduction: Reduction) {
    let uses = count_uses(graph, watched);
    // For each node that ends a chain so far: the start of the chain, and its number of links.
    let mut chains: Vec<(u32, u32)> = vec![(0, 0); graph.nodes.len()];
    let mut swallowed = vec![false; graph.nodes.len()];
    for index in 0..graph.nodes.len() {
        let Some((before, _)) = chain_link(graph, &uses, link, index) else { continue };
        let (start, links) = chains[before as usize];
        let goes_on = links > 0 && uses[before as usize] == 1;
        chains[index] = if goes_on { (start, links + 1) } else { (before, 1) };
        swallowed[before as usize] |= goes_on;
    }
    for index in 0..graph.nodes.len() {
        let (start, links) = chains[index];
        if links < SHORTEST_CHAIN || swallowed[index] {
            continue;
        }
        let mut terms = Vec::with_capacity(links as usize);
        let mut end = index;
        for _ in 0..links {
            let (before, term) = chain_link(graph, &uses, link, end).expect("the chain was followed before");
            terms.push(term);
            end = before as usize;
        }
        let first = graph.lists.len() as u32;
        graph.lists.push(start);
        for term in terms.into_iter().rev() {
            match graph.nodes[term as usize] {
                Node::Apply(Op::Mul, [a, b, _]) if link == Op::Mul => graph.lists.extend([a, b]),
                _ => graph.lists.push(term),
            }
        }
        let list = List { start: first, len: graph.lists.len() as u32 - first };
        graph.nodes[index] = Node::Reduce(reduction, list);
    }
}

/// A product added to a dot product becomes its last pair, if nothing else uses either. An example is the diagonal of
/// a triangle, which then is a row of a matrix. Each pair must have one factor that differs from point to point,
/// because products that are the same at all points are computed once. Rows that share their vector with others are
/// left alone: they already form a matrix.
fn lengthen_dots<F: ProgramScalar>(graph: &mut Graph<F>, watched: &[u32]) {
    let uses = count_uses(graph, watched);
    let varies = varying(graph);
    let vector = |graph: &Graph<F>, list: List| {
        let pairs = graph.lists[list.range()].as_chunks::<2>().0.iter();
        let factor = |&[a, b]: &[u32; 2]| one_varying(&varies, a, b);
        pairs.map(factor).collect::<Option<Vec<u32>>>().map(|vector| FxBuildHasher.hash_one(vector))
    };
    let mut rows: HashMap<u64, u32, FxBuildHasher> = HashMap::default();
    for node in &graph.nodes {
        if let Node::Reduce(Reduction::Dot, list) = *node
            && let Some(vector) = vector(graph, list)
        {
            *rows.entry(vector).or_default() += 1;
        }
    }
    for index in 0..graph.nodes.len() {
        let Some((before, product)) = chain_link(graph, &uses, Op::Mul, index) else { continue };
        let (Node::Reduce(Reduction::Dot, list), Node::Apply(_, [a, b, _])) =
            (graph.nodes[before as usize], graph.nodes[product as usize])
        else {
            continue;
        };
        let alone = vector(graph, list).is_some_and(|vector| rows.get(&vector) == Some(&1));
        if uses[before as usize] == 1 && alone && one_varying(&varies, a, b).is_some() {
            let start = graph.lists.len() as u32;
            graph.lists.extend_from_within(list.range());
            graph.lists.extend([a, b]);
            graph.nodes[index] = Node::Reduce(Reduction::Dot, List { start, len: list.len + 2 });
        }
    }
}

/// Which nodes depend on data.
fn varying<F: ProgramScalar>(graph: &Graph<F>) -> Vec<bool> {
    let mut varies = Vec::with_capacity(graph.nodes.len());
    for (index, node) in graph.nodes.iter().enumerate() {
        let on_data = match node {
            Node::Input => index >= graph.parameters,
            _ => graph.operands(node).any(|operand| varies[operand as usize]),
        };
        varies.push(on_data);
    }
    varies
}

/// The factor that depends on data, if exactly one does.
fn one_varying(varies: &[bool], a: u32, b: u32) -> Option<u32> {
    match (varies[a as usize], varies[b as usize]) {
        (true, false) => Some(a),
        (false, true) => Some(b),
        _ => None,
    }
}

/// If a node adds one more link to a chain: the chain so far, and the term.
fn chain_link<F: ProgramScalar>(
    graph: &Graph<F>,
    uses: &[u32],
    link: Op,
    index: usize,
) -> Option<(u32, u32)> {
    let Node::Apply(Op::Add, [left, right, _]) = graph.nodes[index] else { return None };
    if link == Op::Add {
        return Some((left, right));
    }
    let is_product = |place: u32| {
        uses[place as usize] == 1 && matches!(graph.nodes[place as usize], Node::Apply(Op::Mul, _))
    };
    if is_product(right) {
        Some((left, right))
    } else if is_product(left) {
        Some((right, left))
    } else {
        None
    }
}

/// How often each node is read: by nodes, as an output, by a guard, or as a watched node.
fn count_uses<F: ProgramScalar>(graph: &Graph<F>, watched: &[u32]) -> Vec<u32> {
    let mut uses = vec![0; graph.nodes.len()];
    let readers = graph.nodes.iter().flat_map(|node| graph.operands(node));
    let guards = graph.guards.iter().flat_map(Guard::operands);
    let others = graph.outputs.iter().chain(watched).copied();
    for place in readers.chain(guards).chain(others) {
        uses[place as usize] += 1;
    }
    uses
}
