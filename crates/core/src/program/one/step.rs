//! A program as one step of a loop: run repeatedly, forward and in reverse, at one point.
//!
//! Its parameters are those of the loop. Its data are a state, then the inputs of the step; its outputs are the next
//! state, then the outputs of the step. Values that depend on parameters only are computed once for all steps.

use super::lower::{Lowered, lower};
use super::{Deferred, Executable, Memory};
use crate::program::ir::guard::Guard;
use crate::program::ir::walk::Buffers;
use crate::program::transform::derivative::{self, Inputs, Transformed};
use crate::program::transform::unroll;
use crate::program::{Graph, Program};
use crate::{CustomRule, Error, ProgramScalar};
use std::sync::{Arc, OnceLock};

/// From this many steps on, instructions are made for a step.
const MANY_STEPS: usize = 16;

/// One step of a loop.
#[derive(Debug)]
pub(crate) struct StepProgram<F> {
    program: Program<F>,
    states: usize,
    forward: Deferred<F>,
    back: Deferred<F>,
    /// The step that also carries tangents.
    jvp: OnceLock<Arc<Self>>,
}

/// The memory of steps, reused by each step.
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
    /// A graph as a step with a state of the given length.
    pub(crate) fn new(graph: Graph<F>, states: usize) -> Self {
        Self {
            program: graph.into(),
            states,
            forward: Deferred::default(),
            back: Deferred::default(),
            jvp: OnceLock::new(),
        }
    }

    /// A graph as a step without a state; all its inputs are inputs of the step.
    pub(crate) fn of_function(graph: Graph<F>) -> Self {
        let data = graph.inputs();
        Self::new(Graph { parameters: 0, data, ..graph }, 0)
    }

    /// How many numbers a state has.
    pub(crate) fn states(&self) -> usize {
        self.states
    }

    /// How many inputs a step has, besides the state and the parameters.
    pub(crate) fn inputs(&self) -> usize {
        self.program.data() - self.states
    }

    /// How many outputs a step has, besides the next state.
    pub(crate) fn outputs(&self) -> usize {
        self.program.outputs() - self.states
    }

    pub(crate) fn parameters(&self) -> usize {
        self.program.parameters()
    }

    /// The step as a graph, and the nodes that must not be NaN.
    pub(in crate::program) fn graph(&self) -> (&Graph<F>, Vec<u32>) {
        (&self.program.graph, self.program.not_nan().collect())
    }

    /// The step, and a cotangent times its Jacobian, as a graph for finite numbers, and the nodes that must not be NaN. The
    /// cotangent follows the data.
    pub(in crate::program) fn vjp_graph(&self) -> Transformed<F> {
        vjp_of(&self.program)
    }

    /// Whether the step, or what it calls, branches.
    pub(crate) fn branches(&self) -> bool {
        let graph = self.program.recorded_graph();
        !graph.guards.is_empty() || graph.calls.iter().any(|call| call.rule.branches())
    }

    /// The first equality that held where the step was recorded, in words.
    pub(crate) fn equality_held(&self) -> Option<String> {
        self.program.recorded_graph().guards.iter().find(|guard| guard.is_equality_held()).map(Guard::words)
    }

    /// The step that also carries tangents. Parameters are followed by their tangents, and so are states, inputs and
    /// outputs.
    pub(crate) fn jvp(&self) -> Arc<Self> {
        let make = || {
            let mut graph =
                derivative::jvp(self.program.recorded_graph(), &[], Inputs::Step(self.states)).graph;
            // The values of states and outputs, then their tangents, are reordered: first states, then outputs.
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

    /// The given number of turns written out, as a graph with at most `limit` operations. Its inputs are the first
    /// state, the inputs of the turns, and the parameters; its outputs are the last state, and the outputs of the
    /// turns.
    pub(crate) fn unrolled(&self, turns: usize, limit: usize) -> Option<Graph<F>> {
        unroll::turns(self.program.recorded_graph(), self.states, turns, limit)
    }

    /// The vjp of the same: its inputs are followed by the cotangent, and its outputs are the adjoints of those
    /// inputs.
    pub(crate) fn unrolled_vjp(&self, turns: usize, limit: usize) -> Option<Graph<F>> {
        // A sweep takes about three times the operations.
        let graph = self.unrolled(turns, limit / 4)?;
        let inputs: Vec<usize> = (0..graph.inputs()).collect();
        let mut vjp = derivative::vjp::<F, true>(&graph, &inputs, &[]).graph;
        vjp.outputs.drain(..graph.outputs.len());
        Some(vjp)
    }

    /// Prepares for the given number of steps with these parameters.
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
        self.program.lower_outputs(self.program.data())
    }

    /// Instructions for a cotangent times the Jacobian.
    fn lower_back(&self) -> Option<Lowered<F>> {
        let program = self.program.without_calls()?;
        let Transformed { graph: mut vjp, nodes } = vjp_of(program);
        vjp.outputs.drain(..program.outputs());
        lower(vjp, &nodes, program.data() + program.outputs())
    }
}

/// The outputs of a program, and a cotangent times its Jacobian, as a graph for finite numbers, and the new places of
/// the watched nodes.
fn vjp_of<F: ProgramScalar>(program: &Program<F>) -> Transformed<F> {
    let inputs: Vec<usize> = (0..program.inputs()).collect();
    derivative::vjp::<F, false>(&program.graph, &inputs, &program.not_nan().collect::<Vec<_>>())
}

/// A step with its parameters, ready to run.
pub(crate) struct Running<'a, F: ProgramScalar> {
    step: &'a StepProgram<F>,
    forward: Option<&'a Executable<F>>,
    back: Option<&'a Executable<F>>,
    /// Whether the parameters are in both memories.
    loaded: [bool; 2],
    parameters: &'a [F],
    memory: &'a mut StepMemory<F>,
}

impl<F: ProgramScalar> Running<'_, F> {
    /// Runs a step from the state, and replaces the state by the next one.
    pub(crate) fn forward(&mut self, state: &mut [F], input: &[F], output: &mut [F]) -> Result<(), Error> {
        let program = &self.step.program;
        if let Some(executable) = self.forward {
            let memory = &mut self.memory.forward;
            if !std::mem::replace(&mut self.loaded[0], true) {
                memory.load(executable, self.parameters);
            }
            let varying = state.iter().chain(input).copied();
            let outcome = executable.run_on(memory, self.parameters.len(), varying);
            if outcome.answers() && outcome.accepts(outcome.outputs()) {
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

    /// Writes the adjoints of the parameters, the state and the inputs of a step, one after the other, from the
    /// adjoints of the next state and of the outputs. With `care`, exact zeros win over infinite derivatives in every
    /// case.
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
            let varying = state.iter().chain(input).chain(adjoints).copied();
            let outcome = executable.run_on(memory, self.parameters.len(), varying);
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
