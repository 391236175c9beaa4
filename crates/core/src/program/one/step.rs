//! A program that is one step of a loop: run again and again, forward and back, at one point.
//!
//! Its parameters are those of the loop. Its data are a state, then what the step takes in; its outputs are the next
//! state, then what the step gives out. What depends on the parameters only is computed once for all steps.

use super::lower::{Lowered, lower};
use super::{Deferred, Executable, Memory};
use crate::program::ir::guard::Guard;
use crate::program::ir::walk::Buffers;
use crate::program::transform::derivative::{self, Inputs, Transformed};
use crate::program::transform::unroll;
use crate::program::{Graph, Program};
use crate::{CustomRule, Error, ProgramScalar};
use std::sync::{Arc, OnceLock};

/// From so many steps on, instructions are made for a step.
const MANY_STEPS: usize = 16;

/// One step of a loop.
#[derive(Debug)]
pub(crate) struct StepProgram<F> {
    program: Program<F>,
    states: usize,
    forward: Deferred<F>,
    back: Deferred<F>,
    /// The step that carries tangents along.
    jvp: OnceLock<Arc<Self>>,
}

/// The memory of steps, kept from one to the next.
#[derive(Debug)]
pub(crate) struct StepMemory<F: ProgramScalar> {
    forward: Memory<F>,
    back: Memory<F>,
    walk: Buffers<F>,
    x: Vec<F>,
}

impl<F: ProgramScalar> Default for StepMemory<F> {
    fn default() -> Self {
        Self { forward: Memory::default(), back: Memory::default(), walk: Buffers::default(), x: Vec::new() }
    }
}

impl<F: ProgramScalar> StepProgram<F> {
    /// A graph as a step with a state of a given number of numbers.
    pub(crate) fn new(graph: Graph<F>, states: usize) -> Self {
        Self {
            program: graph.into(),
            states,
            forward: Deferred::default(),
            back: Deferred::default(),
            jvp: OnceLock::new(),
        }
    }

    /// A graph as a step without a state, that takes in all the inputs.
    pub(crate) fn of_function(graph: Graph<F>) -> Self {
        let data = graph.inputs();
        Self::new(Graph { parameters: 0, data, ..graph }, 0)
    }

    /// How many numbers a state has.
    pub(crate) fn states(&self) -> usize {
        self.states
    }

    /// How many numbers a step takes in, besides state and parameters.
    pub(crate) fn inputs(&self) -> usize {
        self.program.data() - self.states
    }

    /// How many numbers a step gives out, besides the next state.
    pub(crate) fn outputs(&self) -> usize {
        self.program.outputs() - self.states
    }

    pub(crate) fn parameters(&self) -> usize {
        self.program.parameters()
    }

    /// The step as a graph, and the nodes that must not be NaN.
    pub(in crate::program) fn graph(&self) -> (&Graph<F>, &[u32]) {
        (&self.program.graph, &self.program.watched)
    }

    /// The step, and a cotangent times its Jacobian, as a graph for finite numbers, and the nodes that must not be NaN. The
    /// cotangent follows the data.
    pub(in crate::program) fn vjp_graph(&self) -> Transformed<F> {
        vjp_of(&self.program)
    }

    /// Whether the step branches, or what it calls.
    pub(crate) fn branches(&self) -> bool {
        let graph = self.program.recorded_graph();
        !graph.guards.is_empty() || graph.calls.iter().any(|call| call.rule.branches())
    }

    /// The first equality that held where the step was recorded, in words.
    pub(crate) fn equality_held(&self) -> Option<String> {
        self.program.recorded_graph().guards.iter().find(|guard| guard.is_equality_held()).map(Guard::words)
    }

    /// The step that carries tangents along. Parameters are followed by their tangents, and so are states, inputs and
    /// outputs.
    pub(crate) fn jvp(&self) -> Arc<Self> {
        let make = || {
            let mut graph =
                derivative::jvp(self.program.recorded_graph(), &[], Inputs::Step(self.states)).graph;
            // Values of states and outputs, then their tangents, become states, then outputs.
            let all = self.program.outputs();
            let outputs = &graph.outputs;
            let part = |range: std::ops::Range<usize>| {
                [&outputs[range.clone()], &outputs[all + range.start..all + range.end]].concat()
            };
            graph.outputs = [part(0..self.states), part(self.states..all)].concat();
            Arc::new(Self::new(graph, 2 * self.states))
        };
        Arc::clone(self.jvp.get_or_init(make))
    }

    /// So many turns written out, as a graph with at most a given number of operations. Its inputs are the first
    /// state, what the turns take in, and the parameters; its outputs the last state, and what the turns give out.
    pub(crate) fn unrolled(&self, turns: usize, limit: usize) -> Option<Graph<F>> {
        unroll::turns(self.program.recorded_graph(), self.states, turns, limit)
    }

    /// The vjp of the same: its inputs are followed by the cotangent, its outputs are those inputs' share.
    pub(crate) fn unrolled_vjp(&self, turns: usize, limit: usize) -> Option<Graph<F>> {
        // A sweep takes about three times the operations.
        let graph = self.unrolled(turns, limit / 4)?;
        let inputs: Vec<usize> = (0..graph.inputs()).collect();
        let mut vjp = derivative::vjp::<F, true>(&graph, &inputs, &[]).graph;
        vjp.outputs.drain(..graph.outputs.len());
        Some(vjp)
    }

    /// Makes ready for so many steps with these parameters.
    pub(crate) fn start<'a>(
        &'a self,
        memory: &'a mut StepMemory<F>,
        parameters: &'a [F],
        steps: usize,
    ) -> Running<'a, F> {
        let graph = &self.program.graph;
        let ready = |kind: &'a Deferred<F>, make: &dyn Fn() -> Option<Lowered<F>>| {
            if steps < MANY_STEPS { kind.get(graph, make) } else { kind.make(make) }
        };
        Running {
            step: self,
            forward: ready(&self.forward, &|| self.lower_forward()),
            back: ready(&self.back, &|| self.lower_back()),
            loaded: [false; 2],
            parameters,
            memory,
        }
    }

    fn lower_forward(&self) -> Option<Lowered<F>> {
        let Program { graph, watched, .. } = self.program.without_calls()?;
        lower(graph.clone(), watched, graph.data)
    }

    /// Instructions for a cotangent times the Jacobian.
    fn lower_back(&self) -> Option<Lowered<F>> {
        let program = self.program.without_calls()?;
        let Transformed { graph: mut vjp, nodes } = vjp_of(program);
        vjp.outputs.drain(..program.outputs());
        lower(vjp, &nodes, program.data() + program.outputs())
    }
}

/// The outputs of a program, and a cotangent times its Jacobian, as a graph for finite numbers, and where the watched nodes went.
fn vjp_of<F: ProgramScalar>(Program { graph, watched, .. }: &Program<F>) -> Transformed<F> {
    let inputs: Vec<usize> = (0..graph.inputs()).collect();
    derivative::vjp::<F, false>(graph, &inputs, watched)
}

/// A step with its parameters, ready to be taken.
pub(crate) struct Running<'a, F: ProgramScalar> {
    step: &'a StepProgram<F>,
    forward: Option<&'a Executable<F>>,
    back: Option<&'a Executable<F>>,
    /// Whether the parameters are in the memories of both.
    loaded: [bool; 2],
    parameters: &'a [F],
    memory: &'a mut StepMemory<F>,
}

impl<F: ProgramScalar> Running<'_, F> {
    /// Takes a step from the state, and puts the next one in its place.
    pub(crate) fn forward(&mut self, state: &mut [F], input: &[F], output: &mut [F]) -> Result<(), Error> {
        let program = &self.step.program;
        if let Some(executable) = self.forward {
            let memory = &mut self.memory.forward;
            if !std::mem::replace(&mut self.loaded[0], true) {
                memory.load(executable, self.parameters);
            }
            let moving = state.iter().chain(input).copied();
            let outcome = executable.run_on(memory, self.parameters.len(), moving);
            if outcome.answers() && (program.recorded.is_none() || !outcome.outputs().any(F::is_nan)) {
                let next = state.iter_mut().chain(output);
                next.zip(outcome.outputs()).for_each(|(to, number)| *to = number);
                return Ok(());
            }
        }
        self.gather(state, input);
        let StepMemory { walk, x, .. } = &mut *self.memory;
        let program = program.evaluate_over(walk, false, |input| x[input])?;
        let next = state.iter_mut().chain(output);
        let values = program.graph.outputs.iter().map(|&node| walk.values[node as usize]);
        next.zip(values).for_each(|(to, number)| *to = number);
        Ok(())
    }

    /// Writes what the parameters, the state and the inputs of a step gain, one after the other, from the adjoints of the
    /// next state and of the outputs. With `care`, exact zeros win over infinite derivatives whatever comes out.
    pub(crate) fn back(
        &mut self,
        care: bool,
        state: &[F],
        input: &[F],
        adjoints: &[F],
        product: &mut [F],
    ) -> Result<(), Error> {
        let program = &self.step.program;
        if let Some(executable) = self.back.filter(|_| !care) {
            let memory = &mut self.memory.back;
            if !std::mem::replace(&mut self.loaded[1], true) {
                memory.load(executable, self.parameters);
            }
            let moving = state.iter().chain(input).chain(adjoints).copied();
            let outcome = executable.run_on(memory, self.parameters.len(), moving);
            if outcome.write(&mut [&mut *product]) {
                return Ok(());
            }
        }
        self.gather(state, input);
        let StepMemory { walk, x, .. } = &mut *self.memory;
        let program = program.evaluate_over(walk, true, |input| x[input])?;
        let nodes = program.graph.outputs.iter().map(|&node| node as usize);
        program.pull_back(walk, nodes.zip(adjoints.iter().copied()), product)
    }

    fn gather(&mut self, state: &[F], input: &[F]) {
        let x = &mut self.memory.x;
        x.clear();
        [self.parameters, state, input].iter().for_each(|part| x.extend_from_slice(part));
    }
}
