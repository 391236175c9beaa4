//! Loops as statements: forward, with what the sweep needs stored, and back.

use super::quantity::plain;
use super::statement::{Expression, Memory, Place, Statement, Value};
use super::write::{Checked, Leaves, Writer};
use crate::loops::Run;
use crate::program::StepProgram;
use crate::program::ir::graph::{Call, Graph, List, Node};
use crate::program::transform::derivative::Transformed;
use crate::rules::Op;
use crate::{CustomRule, Error, ProgramScalar};
use std::rc::Rc;
use std::sync::Arc;

/// Reductions of more terms than this are stored, rather than recomputed in the sweep.
const CHEAP_TERMS: u32 = 4;

/// A step as a graph.
struct StepGraph<F> {
    graph: Graph<F>,
    watched: Vec<u32>,
}

/// The vjp of a step as a graph, which starts with the step itself.
pub(super) struct Sweep<F> {
    step: StepGraph<F>,
    /// The nodes of the step that the sweep needs, and that are too expensive to recompute.
    stored: Vec<u32>,
}

/// A run of a loop that stored its states.
pub(super) struct StoredLoop<F: ProgramScalar> {
    run: Run<F>,
    x: Vec<Value>,
    pub(super) stored: Stored,
}

impl<F: ProgramScalar> StoredLoop<F> {
    pub(super) fn is_of_the_same_run(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.run.step, &other.run.step) && self.run.turns == other.run.turns && self.x == other.x
    }
}

/// Where a loop has stored what its sweep needs, for the first turn.
#[derive(Clone, Default)]
pub(super) struct Stored {
    states: Vec<usize>,
    nodes: Vec<usize>,
    /// The inputs of the turns.
    inputs: Option<Place>,
}

/// Which calls of a graph are swept by another call that is needed.
pub(super) fn swept<F: ProgramScalar>(graph: &Graph<F>, needed: &[bool]) -> Vec<bool> {
    let mut is_needed = vec![false; graph.calls.len()];
    for (node, &needed) in graph.nodes.iter().zip(needed) {
        if let Node::Output { call, .. } = *node {
            is_needed[call as usize] |= needed;
        }
    }
    let runs: Vec<_> = graph.calls.iter().map(|call| call.rule.as_loop()).collect();
    let of = |list: List| &graph.lists[list.range()];
    let is_swept = |(call, run): (&Call<F>, &Option<Run<F>>)| {
        let Some(run) = run else { return false };
        let sweeps = |((other, of_other), &needed): ((&Call<F>, &Option<Run<F>>), &bool)| {
            needed
                && of_other.as_ref().is_some_and(|other| other.back && Arc::ptr_eq(&run.step, &other.step))
                && of(other.x).starts_with(of(call.x))
        };
        !run.back && graph.calls.iter().zip(&runs).zip(&is_needed).any(sweeps)
    };
    graph.calls.iter().zip(&runs).map(is_swept).collect()
}

impl<F: ProgramScalar> Writer<F> {
    /// Writes a call: its outputs, as far as they are needed. If it is swept later, its states are stored.
    pub(super) fn call(
        &mut self,
        call: &Call<F>,
        x: &[Value],
        is_swept: bool,
        wanted: &[bool],
    ) -> Result<Vec<Value>, Error> {
        match call.rule.as_loop() {
            None => Err(Error::NotCompilable {
                reason: format!(
                    "it calls the rule `{}`, whose value is code that was not recorded; evaluate the program, or write the \
                     rule's value as generic code in its place",
                    call.rule.name()
                ),
            }),
            Some(Run { turns: None, .. }) => Err(Error::NotCompilable {
                reason: "it has a loop that ends by a condition, which is code that was not recorded; evaluate the program, \
                         or let the loop take so many turns, of which the last change nothing"
                    .to_owned(),
            }),
            Some(run @ Run { turns: Some(turns), back: false, .. }) => {
                self.forward(&run, turns, x, is_swept, wanted)
            }
            Some(run @ Run { turns: Some(turns), .. }) => self.back(&run, turns, x),
        }
    }

    fn forward(
        &mut self,
        run: &Run<F>,
        turns: usize,
        x: &[Value],
        is_swept: bool,
        wanted: &[bool],
    ) -> Result<Vec<Value>, Error> {
        let Counts { states, inputs, outputs, parameters } = Counts::of(&run.step);
        let (start, rest) = x.split_at(states);
        let (taken_in, of_loop) = rest.split_at(rest.len() - parameters);
        if turns == 0 {
            return Ok(start.to_vec());
        }
        if turns == 1 {
            let StepGraph { graph, watched } = step_graph(&run.step);
            let values = [of_loop, start, taken_in].concat();
            let checked = Checked { guards: true, watched: &watched };
            return self.graph(&graph, checked, &graph.outputs, leaves(&values));
        }
        let sweep = is_swept.then(|| self.sweep_of(&run.step));
        let owned;
        let (step, more) = match &sweep {
            Some(sweep) => (&sweep.step, &sweep.stored[..]),
            None => {
                owned = step_graph(&run.step);
                (&owned, [].as_slice())
            }
        };
        let all = states + outputs;
        let roots = [&step.graph.outputs[..all], more].concat();
        let input = self.indexed(taken_in)?;
        let group = self.group();
        let mut regions = |count: usize| -> Result<Vec<usize>, Error> {
            (0..if is_swept { count } else { 0 }).map(|_| self.region(turns, group)).collect()
        };
        let (of_states, of_nodes) = (regions(states)?, regions(more.len())?);
        let given = self.own_region(turns * outputs)?;
        self.open();
        let inside: Vec<Value> = start.iter().map(|_| self.carried()).collect();
        self.store_each(&of_states, &inside);
        let taken = self.loads(input, inputs);
        let values = [of_loop, &inside, &taken].concat();
        let checked = Checked { guards: true, watched: &step.watched };
        let results = self.graph(&step.graph, checked, &roots, leaves(&values))?;
        for (output, &value) in results[states..all].iter().enumerate() {
            let to = Place { memory: Memory::Workspace, first: given + output, stride: outputs };
            self.push(Statement::Store { to, value });
        }
        self.store_each(&of_nodes, &results[all..]);
        let carried = carried(start, &inside, &results[..states]);
        let mut z = self.close(turns, false, &carried);
        let unread = self.constant(F::zero());
        for output in 0..turns * outputs {
            z.push(if wanted[states + output] { self.load(given + output, 0) } else { unread });
        }
        if is_swept {
            let stored = Stored { states: of_states, nodes: of_nodes, inputs: input };
            self.note_stored(StoredLoop { run: run.clone(), x: x.to_vec(), stored });
        }
        Ok(z)
    }

    /// The cotangent times the Jacobian; its inputs are those of the loop, then the cotangent.
    fn back(&mut self, run: &Run<F>, turns: usize, x: &[Value]) -> Result<Vec<Value>, Error> {
        let Counts { states, inputs, outputs, parameters } = Counts::of(&run.step);
        let (x, cotangent) = x.split_at(states + turns * inputs + parameters);
        let (of_state, of_given) = cotangent.split_at(states);
        let of_loop = &x[x.len() - parameters..];
        let zero = self.constant(F::zero());
        if turns == 0 {
            return Ok([of_state, &vec![zero; parameters]].concat());
        }
        let sweep = self.sweep_of(&run.step);
        let Sweep { step: StepGraph { graph, watched }, stored: nodes } = &*sweep;
        let products = &graph.outputs[states + outputs..];
        if turns == 1 {
            let values = [of_loop, &x[..states + inputs], cotangent].concat();
            let gained = self.graph(graph, Checked { guards: true, watched }, products, leaves(&values))?;
            let (of_parameters, of_rest) = gained.split_at(parameters);
            let sums: Vec<Value> =
                of_parameters.iter().map(|&more| self.apply(Op::Add, &[zero, more])).collect();
            return Ok([of_rest, &sums].concat());
        }
        let wanted = StoredLoop { run: run.clone(), x: x.to_vec(), stored: Stored::default() };
        let stored = match self.stored(&wanted) {
            Some(stored) => stored,
            None => {
                let forward = Run { back: false, ..run.clone() };
                self.forward(&forward, turns, x, true, &vec![false; states + turns * outputs])?;
                self.stored(&wanted).expect("the loop has stored its states")
            }
        };
        let seeds = self.indexed(of_given)?;
        let gained = self.own_region(turns * inputs)?;
        self.open();
        let adjoints: Vec<Value> = of_state.iter().map(|_| self.carried()).collect();
        let sums: Vec<Value> = of_loop.iter().map(|_| self.carried()).collect();
        let state: Vec<Value> = stored.states.iter().map(|&first| self.load(first, 1)).collect();
        let (taken, seeds) = (self.loads(stored.inputs, inputs), self.loads(seeds, outputs));
        let mut known = leaves(&[of_loop, &state, &taken, &adjoints, &seeds].concat());
        for (&node, &first) in nodes.iter().zip(&stored.nodes) {
            known.insert(node, self.load(first, 1));
        }
        let results = self.graph(graph, Checked { guards: false, watched: &[] }, products, known)?;
        let (of_parameters, rest) = results.split_at(parameters);
        let next_sums: Vec<Value> =
            sums.iter().zip(of_parameters).map(|(&sum, &more)| self.apply(Op::Add, &[sum, more])).collect();
        for (input, &value) in rest[states..].iter().enumerate() {
            let to = Place { memory: Memory::Workspace, first: gained + input, stride: inputs };
            self.push(Statement::Store { to, value });
        }
        let start = [of_state, &vec![zero; parameters]].concat();
        let next = [&rest[..states], &next_sums].concat();
        let after = self.close(turns, true, &carried(&start, &[adjoints, sums].concat(), &next));
        let of_inputs: Vec<Value> = (0..turns * inputs).map(|input| self.load(gained + input, 0)).collect();
        Ok([&after[..states], &of_inputs, &after[states..]].concat())
    }

    fn sweep_of(&mut self, step: &Arc<StepProgram<F>>) -> Rc<Sweep<F>> {
        if let Some((_, known)) = self.sweeps.iter().find(|(known, _)| Arc::ptr_eq(known, step)) {
            return Rc::clone(known);
        }
        let Counts { states, inputs, outputs, parameters } = Counts::of(step);
        let Transformed { graph, nodes: watched } = step.vjp_graph();
        // Contributions to the adjoints of inputs are added to a sum, which starts with 0.
        let (graph, watched) = plain(graph, watched, states + outputs);
        let first_seed = (parameters + states + inputs) as u32;
        let stored = to_be_stored(&graph, states + outputs, parameters as u32..first_seed);
        let sweep = Rc::new(Sweep { step: StepGraph { graph, watched }, stored });
        self.sweeps.push((Arc::clone(step), Rc::clone(&sweep)));
        sweep
    }

    /// Values in memory, one after the other; `None` if there are none.
    fn indexed(&mut self, values: &[Value]) -> Result<Option<Place>, Error> {
        let Some(&first) = values.first() else { return Ok(None) };
        if let Some(place) = self.input_place(first)
            && (place.first..)
                .zip(values)
                .all(|(first, &value)| self.input_place(value) == Some(Place { first, ..place }))
        {
            return Ok(Some(place));
        }
        let start = self.own_region(values.len())?;
        for (first, &value) in (start..).zip(values) {
            let to = Place { memory: Memory::Workspace, first, stride: 0 };
            self.push(Statement::Store { to, value });
        }
        Ok(Some(Place { memory: Memory::Workspace, first: start, stride: 0 }))
    }

    fn own_region(&mut self, len: usize) -> Result<usize, Error> {
        let group = self.group();
        self.region(len, group)
    }

    fn load(&mut self, first: usize, stride: usize) -> Value {
        self.value(Expression::Load(Place { memory: Memory::Workspace, first, stride }))
    }

    /// The given number of values in each turn.
    fn loads(&mut self, place: Option<Place>, count: usize) -> Vec<Value> {
        let Some(place) = place else { return Vec::new() };
        let load = |number| Place { first: place.first + number, stride: count, ..place };
        (0..count).map(|number| self.value(Expression::Load(load(number)))).collect()
    }

    /// Stores a value in each turn.
    fn store_each(&mut self, regions: &[usize], values: &[Value]) {
        for (&first, &value) in regions.iter().zip(values) {
            let to = Place { memory: Memory::Workspace, first, stride: 1 };
            self.push(Statement::Store { to, value });
        }
    }
}

/// How many numbers of each kind a step has.
struct Counts {
    states: usize,
    inputs: usize,
    outputs: usize,
    parameters: usize,
}

impl Counts {
    fn of<F: ProgramScalar>(step: &StepProgram<F>) -> Self {
        let (states, inputs) = (step.states(), step.inputs());
        Self { states, inputs, outputs: step.outputs(), parameters: step.parameters() }
    }
}

fn step_graph<F: ProgramScalar>(step: &StepProgram<F>) -> StepGraph<F> {
    let (graph, watched) = step.graph();
    let (graph, watched) = plain(graph.clone(), watched, graph.outputs.len());
    StepGraph { graph, watched }
}

/// The inputs of a graph, given as these values.
fn leaves(values: &[Value]) -> Leaves {
    (0..).zip(values.iter().copied()).collect()
}

fn carried(start: &[Value], inside: &[Value], next: &[Value]) -> Vec<[Value; 3]> {
    start.iter().zip(inside).zip(next).map(|((&start, &inside), &next)| [start, inside, next]).collect()
}

/// For a vjp, whose first outputs are those of the function: the nodes of the function that the products need, that
/// depend on the varying inputs, and that are too expensive to recompute. Inputs after the varying ones are seeds.
fn to_be_stored<F: ProgramScalar>(
    graph: &Graph<F>,
    outputs: usize,
    moving: std::ops::Range<u32>,
) -> Vec<u32> {
    let inputs = graph.inputs() as u32;
    let depends = |on: &dyn Fn(u32) -> bool| {
        let mut depends = vec![false; graph.nodes.len()];
        for (index, node) in (0..).zip(&graph.nodes) {
            depends[index as usize] = (index < inputs && on(index))
                || graph.operands(node).any(|operand| depends[operand as usize]);
        }
        depends
    };
    let of_seeds = depends(&|input| input >= moving.end);
    let moves = depends(&|input| moving.contains(&input));
    let mut wanted = vec![false; graph.nodes.len()];
    graph.outputs[outputs..].iter().for_each(|&product| wanted[product as usize] = true);
    let mut stored = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if !wanted[index] {
            continue;
        }
        if !of_seeds[index] && moves[index] && is_dear(node) {
            stored.push(index as u32);
        } else {
            graph.operands(node).for_each(|operand| wanted[operand as usize] = true);
        }
    }
    stored
}

/// Whether a node takes longer to compute than to store and to load.
fn is_dear<F>(node: &Node<F>) -> bool {
    match *node {
        Node::Input | Node::Constant(_) | Node::Apply(Op::Add | Op::Sub | Op::Mul | Op::Neg, _) => false,
        Node::Apply(..) | Node::Row { .. } | Node::Output { .. } => true,
        Node::Reduce(_, list) => list.len > CHEAP_TERMS,
    }
}
