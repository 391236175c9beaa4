//! The walk over a graph: forward to the values, in reverse to the adjoints, for any number type.
//!
//! Values and derivatives are those of the eager modes, to the bit: nodes are visited in the order of the recording,
//! and adjoints are added in the order of a tape. The walk needs no plan, so it evaluates programs that were just
//! recorded, and every program over numbers that carry derivatives.

use crate::program::ir::graph::{Affine, Call, Graph, List, Node, Reduction};
use crate::program::ir::rule::Recorded;
use crate::rules::{self, Binary, Op, Partial, Saved, Ternary, Unary, Visitor, guarded, reductions};
use crate::{CustomRule, Differentiable, Error, ProgramScalar};
use std::ops::Range;

/// Values and adjoints of all nodes, for one number type.
#[derive(Clone, Debug)]
pub(crate) struct Buffers<T: Differentiable> {
    pub(crate) values: Vec<T>,
    pub(crate) adjoints: Vec<T>,
    /// What custom rules saved in the forward walk, by call.
    saved: Vec<Saved<T::Scalar>>,
    /// The vector of an affine map, and its rows.
    scratch: [Vec<T>; 2],
}

impl<T: Differentiable> Default for Buffers<T> {
    fn default() -> Self {
        let scratch = [Vec::new(), Vec::new()];
        Self { values: Vec::new(), adjoints: Vec::new(), saved: Vec::new(), scratch }
    }
}

/// Computes the value of every node from the values of the inputs, whatever the guards say. Errors come from custom
/// rules.
pub(crate) fn forward<T: Differentiable>(
    graph: &Graph<T::Scalar>,
    buffers: &mut Buffers<T>,
    input: impl Fn(usize) -> T,
) -> Result<(), Error> {
    forward_calling(graph, buffers, input, |_, rule, x| T::call(rule, x))
}

/// [`forward`], with calls computed by a given function of their number, their rule and their arguments.
#[inline]
pub(in crate::program) fn forward_calling<T: Differentiable>(
    graph: &Graph<T::Scalar>,
    buffers: &mut Buffers<T>,
    input: impl Fn(usize) -> T,
    outcome: impl FnMut(usize, &Recorded<T::Scalar>, &[T]) -> Result<Vec<T>, Error>,
) -> Result<(), Error> {
    forward_part(graph, 0..graph.nodes.len(), buffers, input, outcome)
}

/// Computes values up to the first guard that does not hold, and returns its number. What follows a guard is computed on
/// its branch only: on another branch it may fail, so it must not be computed there. With `save`, what custom rules save
/// for the reverse walk is kept.
pub(in crate::program) fn forward_guarded<F: ProgramScalar, T: Differentiable<Scalar = F>>(
    graph: &Graph<F>,
    buffers: &mut Buffers<T>,
    save: bool,
    input: impl Fn(usize) -> T,
) -> Result<Option<usize>, Error> {
    let mut all = vec![Saved::default(); if save { graph.calls.len() } else { 0 }];
    let mut outcome = |call: usize, rule: &Recorded<F>, x: &[T]| match all.get_mut(call) {
        Some(saved) => T::call_saving(rule, x, saved),
        None => T::call(rule, x),
    };
    let mut done = 0;
    for (number, guard) in graph.guards.iter().enumerate() {
        let ready = guard.ready_after(done);
        forward_part(graph, done..ready, buffers, &input, &mut outcome)?;
        done = ready;
        if !guard.holds(|node| buffers.values[node as usize].value()) {
            return Ok(Some(number));
        }
    }
    forward_part(graph, done..graph.nodes.len(), buffers, &input, &mut outcome)?;
    buffers.saved = all;
    Ok(None)
}

/// Computes some nodes, after all before them.
#[inline]
pub(in crate::program) fn forward_part<T: Differentiable>(
    graph: &Graph<T::Scalar>,
    nodes: Range<usize>,
    buffers: &mut Buffers<T>,
    input: impl Fn(usize) -> T,
    mut outcome: impl FnMut(usize, &Recorded<T::Scalar>, &[T]) -> Result<Vec<T>, Error>,
) -> Result<(), Error> {
    let Buffers { values, saved, scratch, .. } = buffers;
    if nodes.start == 0 {
        values.resize(graph.nodes.len(), T::zero());
        saved.clear();
    }
    for (index, node) in nodes.clone().zip(&graph.nodes[nodes]) {
        let (before, rest) = values.split_at_mut(index);
        rest[0] = match *node {
            Node::Input => input(index),
            Node::Constant(value) => T::constant(value),
            Node::Apply(op, operands) => apply(op, before, operands),
            Node::Reduce(reduction, list) => reduce(reduction, graph.list(list).map(|node| before[node])),
            // The first row computes all rows.
            Node::Row { row: 1.., .. } => continue,
            Node::Row { affine, .. } => {
                let affine = &graph.affines[affine as usize];
                let [x, rows] = &mut *scratch;
                x.clear();
                x.extend(graph.list(affine.x).map(|node| before[node]));
                rows.clear();
                let [weights, bias] =
                    affine.parameters().map(|range| &before[range.start as usize..range.end as usize]);
                T::affine_into(weights, bias, x, rows);
                rest[..rows.len()].copy_from_slice(rows);
                continue;
            }
            // The first output computes all outputs.
            Node::Output { output: 1.., .. } => continue,
            Node::Output { call, .. } => {
                let Call { rule, x } = &graph.calls[call as usize];
                let x: Vec<T> = graph.list(*x).map(|node| before[node]).collect();
                let outputs = outcome(call as usize, rule, &x)?;
                rest[..outputs.len()].copy_from_slice(&outputs);
                continue;
            }
        };
    }
    Ok(())
}

/// Appends the results of one node, given its operands: one number, or the results of all rows of an affine map or of
/// all outputs of a rule.
pub(in crate::program) fn results<T: Differentiable>(
    graph: &Graph<T::Scalar>,
    node: &Node<T::Scalar>,
    of: impl Fn(u32) -> T + Clone,
    results: &mut Vec<T>,
) -> Result<(), Error> {
    let list = |list: List| graph.lists[list.range()].iter().copied().map(of.clone());
    match *node {
        Node::Input | Node::Constant(_) => unreachable!("inputs and constants are not computed"),
        Node::Apply(op, operands) => {
            let first = of(operands[0]);
            let operand = |which: usize| if which < op.arity() { of(operands[which]) } else { first };
            results.push(apply(op, &[first, operand(1), operand(2)], [0, 1, 2]));
        }
        Node::Reduce(reduction, terms) => results.push(reduce(reduction, list(terms))),
        Node::Row { affine, .. } => {
            let affine = &graph.affines[affine as usize];
            let [weights, bias] = affine.parameters().map(|range| range.map(&of).collect::<Vec<T>>());
            T::affine_into(&weights, &bias, &list(affine.x).collect::<Vec<T>>(), results);
        }
        Node::Output { call, .. } => {
            let Call { rule, x } = &graph.calls[call as usize];
            results.extend(T::call(rule, &list(*x).collect::<Vec<T>>())?);
        }
    }
    Ok(())
}

/// Visits all operands of a node; of an affine map, the operands of all rows, and of a rule, those of all outputs.
pub(in crate::program) fn operands_of_all<F: crate::ProgramScalar>(
    graph: &Graph<F>,
    node: &Node<F>,
    show: impl FnMut(u32),
) {
    match *node {
        Node::Row { affine, .. } => {
            let affine = &graph.affines[affine as usize];
            let [weights, bias] = affine.parameters();
            graph.lists[affine.x.range()].iter().copied().chain(weights).chain(bias).for_each(show);
        }
        ref node => graph.operands(node).for_each(show),
    }
}

/// Propagates adjoints to the inputs: the seeds, given by node, times the Jacobian.
///
/// Without `POLICY`, a zero does not win over ∞ or NaN: the result then contains a NaN, which the caller must look
/// for.
pub(crate) fn reverse<T: Differentiable, const POLICY: bool>(
    graph: &Graph<T::Scalar>,
    buffers: &mut Buffers<T>,
    seeds: impl Iterator<Item = (usize, T)>,
) -> Result<(), Error> {
    let Buffers { values, adjoints, saved, .. } = buffers;
    adjoints.clear();
    adjoints.resize(graph.nodes.len(), T::zero());
    for (node, seed) in seeds {
        adjoints[node] += if POLICY { rules::seed(&values[node], seed) } else { seed };
    }
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let (before, rest) = adjoints.split_at_mut(index);
        let (own, z) = (rest[0], values[index]);
        if own.is_identically_zero() && !matches!(node, Node::Output { .. }) {
            continue;
        }
        match *node {
            Node::Input | Node::Constant(_) => {}
            // The first output propagates the adjoints of all.
            Node::Output { output: 1.., .. } => {}
            Node::Output { call, .. } => {
                let none = Saved::default();
                let saved = saved.get(call as usize).unwrap_or(&none);
                let call = &graph.calls[call as usize];
                pull_back_call(graph, call, &values[index..], rest, values, saved, before)?;
            }
            Node::Apply(op, operands) => {
                let operation = PullBack::<T, POLICY> { graph, values, operands, z, own, adjoints: before };
                match op {
                    Op::Add => operation.binary(rules::Add),
                    Op::Sub => operation.binary(rules::Sub),
                    Op::Mul => operation.binary(rules::Mul),
                    _ => operation.rare(op),
                }
            }
            Node::Reduce(reduction, list) => {
                pull_back_reduction::<T, POLICY>(reduction, graph.list(list), values, z, own, before);
            }
            Node::Row { affine, row } => {
                let affine = &graph.affines[affine as usize];
                pull_back_row::<T, POLICY>(affine, row, graph.list(affine.x), values, z, own, before);
            }
        }
    }
    Ok(())
}

impl<F> Graph<F> {
    /// The nodes of a list.
    pub(crate) fn list(&self, list: List) -> impl Iterator<Item = usize> + Clone + '_ {
        self.lists[list.range()].iter().map(|&node| node as usize)
    }
}

/// The value of an operation of the table. The frequent ones are computed in place; all operations in one function
/// would exhaust the registers of the loop over nodes.
#[inline(always)]
fn apply<T: Differentiable>(op: Op, values: &[T], operands: [u32; 3]) -> T {
    let x = |which: usize| values[operands[which] as usize];
    match op {
        Op::Add => x(0) + x(1),
        Op::Sub => x(0) - x(1),
        Op::Mul => x(0) * x(1),
        _ => op.visit(Value { values, operands }),
    }
}

struct Value<'a, T> {
    values: &'a [T],
    operands: [u32; 3],
}

impl<T: Differentiable> Visitor for Value<'_, T> {
    type Output = T;

    #[inline(never)]
    fn unary<O: Unary>(self, op: O) -> T {
        self.values[self.operands[0] as usize].unary(op)
    }

    #[inline(never)]
    fn binary<O: Binary>(self, op: O) -> T {
        let [x, y] = [0, 1].map(|which| self.values[self.operands[which] as usize]);
        x.binary(op, y)
    }

    #[inline(never)]
    fn ternary<O: Ternary>(self, op: O) -> T {
        T::ternary(op, self.operands.map(|operand| self.values[operand as usize]))
    }
}

/// The value of a reduction.
pub(in crate::program) fn reduce<T: Differentiable>(
    reduction: Reduction,
    mut terms: impl Iterator<Item = T> + Clone,
) -> T {
    match reduction {
        Reduction::Sum => T::sum_terms(terms),
        Reduction::Dot => T::dot_pairs(Pairs(terms), None),
        Reduction::MultiplyAddChain => {
            let start = terms.next().expect("a chain has a start");
            Pairs(terms).fold(start, |sum, (a, b)| sum + a * b)
        }
        Reduction::LogSumExp => T::log_sum_exp_terms(terms),
        Reduction::Norm => T::norm_terms(terms),
        Reduction::ChainRule => {
            let value = terms.next().expect("a chain rule has a value");
            T::chain_rule(value, &Pairs(terms).collect::<Vec<_>>())
        }
    }
}

/// Takes items two by two.
#[derive(Clone)]
struct Pairs<I>(I);

impl<I: Iterator> Iterator for Pairs<I> {
    type Item = (I::Item, I::Item);
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}

/// Propagates the adjoint of one operation of the table to its operands.
struct PullBack<'a, T: Differentiable, const POLICY: bool> {
    graph: &'a Graph<T::Scalar>,
    values: &'a [T],
    operands: [u32; 3],
    z: T,
    own: T,
    adjoints: &'a mut [T],
}

impl<T: Differentiable, const POLICY: bool> PullBack<'_, T, POLICY> {
    #[inline(always)]
    fn x(&self, which: usize) -> T {
        self.values[self.operands[which] as usize]
    }

    /// Adds to the adjoint of one operand. The adjoint of a constant is not needed.
    #[inline(always)]
    fn add(&mut self, which: usize, partial: impl FnOnce() -> Partial<T>) {
        let operand = self.operands[which] as usize;
        if !matches!(self.graph.nodes[operand], Node::Constant(_)) {
            self.adjoints[operand] += contribution::<T, POLICY>(&self.z, self.own, partial);
        }
    }

    #[inline(never)]
    fn rare(self, op: Op) {
        op.visit(self);
    }
}

impl<T: Differentiable, const POLICY: bool> Visitor for PullBack<'_, T, POLICY> {
    type Output = ();

    #[inline(always)]
    fn unary<O: Unary>(mut self, op: O) {
        let (x, z) = (self.x(0), self.z);
        if !O::STOPS {
            self.add(0, || op.partial(x, z));
        }
    }

    #[inline(always)]
    fn binary<O: Binary>(mut self, op: O) {
        let (x, y, z) = (self.x(0), self.x(1), self.z);
        if self.operands[0] == self.operands[1] {
            // One operand has one partial derivative: terms that cancel in it do not contribute to an infinite
            // adjoint.
            self.add(0, || Partial::Of(op.left(x, x, z).number() + op.right(x, x, z).number()));
        } else {
            self.add(0, || op.left(x, y, z));
            self.add(1, || op.right(x, y, z));
        }
    }

    #[inline(always)]
    fn ternary<O: Ternary>(mut self, op: O) {
        if O::SELECTS {
            // The operand that is not selected has no effect, even if the result is NaN.
            let [_, then, otherwise] = self.operands;
            let (predicate, zero) = (self.x(0), T::zero());
            self.adjoints[then as usize] += T::select_by(predicate, self.own, zero);
            self.adjoints[otherwise as usize] += T::select_by(predicate, zero, self.own);
            return;
        }
        let partials = op.partials([self.x(0), self.x(1), self.x(2)], self.z);
        for (which, partial) in partials.into_iter().enumerate() {
            self.add(which, || partial);
        }
    }
}

/// A partial derivative times an adjoint.
#[inline(always)]
pub(in crate::program) fn contribution<T: Differentiable, const POLICY: bool>(
    z: &T,
    own: T,
    partial: impl FnOnce() -> Partial<T>,
) -> T {
    if POLICY { guarded(z, partial).times(own) } else { partial().scale(own) }
}

/// Adds to the adjoints of the operands of a reduction.
pub(in crate::program) fn pull_back_reduction<T: Differentiable, const POLICY: bool>(
    reduction: Reduction,
    mut places: impl Iterator<Item = usize> + Clone,
    values: &[T],
    z: T,
    own: T,
    adjoints: &mut [T],
) {
    let gain = |partial: Partial<T>| contribution::<T, POLICY>(&z, own, || partial);
    match reduction {
        Reduction::Sum => {
            let gain = gain(Partial::One);
            places.for_each(|place| adjoints[place] += gain);
        }
        Reduction::Dot | Reduction::MultiplyAddChain | Reduction::ChainRule => {
            if reduction == Reduction::MultiplyAddChain {
                adjoints[places.next().expect("a chain has a start")] += gain(Partial::One);
            }
            if reduction == Reduction::ChainRule {
                let value = places.next().expect("a chain rule has a value");
                adjoints[value] += contribution::<T, POLICY>(&values[value], own, || Partial::Zero);
            }
            for (a, b) in Pairs(places) {
                adjoints[a] += gain(Partial::Of(values[b]));
                adjoints[b] += gain(Partial::Of(values[a]));
            }
        }
        Reduction::LogSumExp if T::RECORDS && !POLICY => {
            let derivative =
                reductions::finite_log_sum_exp_derivatives(places.clone().map(|place| values[place]));
            places.for_each(|place| adjoints[place] += gain(derivative(values[place])));
        }
        Reduction::LogSumExp if T::RECORDS => {
            let derivative =
                reductions::recorded_log_sum_exp_derivatives(places.clone().map(|place| values[place]));
            places.for_each(|place| adjoints[place] += gain(derivative(values[place])));
        }
        Reduction::LogSumExp => {
            let (_, derivative) =
                reductions::log_sum_exp_and_derivatives(places.clone().map(|place| values[place]));
            places.for_each(|place| adjoints[place] += gain(derivative(values[place])));
        }
        Reduction::Norm => {
            places.for_each(|place| adjoints[place] += gain(reductions::norm_derivative(values[place], z)));
        }
    }
}

/// Adds to the adjoints of the arguments of a custom rule, given its outputs and their adjoints.
fn pull_back_call<T: Differentiable>(
    graph: &Graph<T::Scalar>,
    Call { rule, x }: &Call<T::Scalar>,
    z: &[T],
    own: &[T],
    values: &[T],
    saved: &Saved<T::Scalar>,
    adjoints: &mut [T],
) -> Result<(), Error> {
    let (z, own) = (&z[..rule.outputs()], &own[..rule.outputs()]);
    if own.iter().all(T::is_identically_zero) {
        return Ok(());
    }
    let arguments: Vec<T> = graph.list(*x).map(|node| values[node]).collect();
    let product = T::pull_back(rule, &arguments, z, own, saved)?;
    graph.list(*x).zip(product).for_each(|(node, product)| adjoints[node] += product);
    Ok(())
}

/// Adds to the adjoints of the weights, the bias and the vector of a row of an affine map.
pub(in crate::program) fn pull_back_row<T: Differentiable, const POLICY: bool>(
    affine: &Affine,
    row: u32,
    x: impl Iterator<Item = usize>,
    values: &[T],
    z: T,
    own: T,
    adjoints: &mut [T],
) {
    let gain = |partial: Partial<T>| contribution::<T, POLICY>(&z, own, || partial);
    adjoints[(affine.bias + row) as usize] += gain(Partial::One);
    for (weight, x) in affine.row(row).zip(x) {
        adjoints[weight] += gain(Partial::Of(values[x]));
        adjoints[x] += gain(Partial::Of(values[weight]));
    }
}

impl Affine {
    /// The places of a row of weights.
    pub(in crate::program) fn row(&self, row: u32) -> Range<usize> {
        let first = (self.weights + row * self.x.len) as usize;
        first..first + self.x.len as usize
    }
}
