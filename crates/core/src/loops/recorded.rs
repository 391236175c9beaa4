//! A loop with a recorded step, as a rule: its derivatives are also loops, of steps that carry tangents.
//!
//! Let L be the loop, J the loop of its step's jvp, and V the vjp of L. The tangent of L is that of J. The tangent of
//! V is the vjp of J, and so is its gradient. So two rules give every order of derivative, each in the memory of its
//! checkpoints.

use super::checkpoints::Checkpoints;
use super::record::{Record, Storing};
use super::sweep::{Ends, sweep};
use super::turns::{Turns, parts};
use crate::program::{Graph, StepMemory, StepProgram};
use crate::rules::Saved;
use crate::{CustomRule, Differentiable, Error, ProgramScalar};
use std::sync::Arc;

/// A loop of a recorded step. Its inputs are the first state, the inputs of each step, and the parameters; its
/// outputs are the last state, and the outputs of each step.
#[derive(Clone)]
pub(crate) struct RecordedLoop<F: ProgramScalar> {
    pub(super) step: Arc<StepProgram<F>>,
    pub(super) turns: Turns<F>,
    pub(super) checkpoints: Checkpoints,
}

impl<F: ProgramScalar> RecordedLoop<F> {
    /// One turn of a step.
    pub(crate) fn once(step: Arc<StepProgram<F>>) -> Self {
        Self { step, turns: Turns::Exactly(1), checkpoints: Checkpoints::All }
    }

    fn as_run(&self, back: bool) -> Run<F> {
        Run { step: Arc::clone(&self.step), turns: self.turns.known(), back }
    }

    /// The loop that also carries tangents: each part of its inputs and outputs is followed by its tangents.
    fn jvp_loop(&self) -> Self {
        Self { step: self.step.jvp(), ..self.clone() }
    }

    /// Whether this is the call of a program and not a loop.
    fn is_call(&self) -> bool {
        self.step.states() == 0 && self.turns.known() == Some(1)
    }

    /// The number of turns, if they can be written out. Each would be checked against the branches of the recorded
    /// turn.
    fn turns_to_write_out(&self) -> Option<usize> {
        self.turns.known().filter(|&turns| turns == 1 || !self.step.branches())
    }

    /// The first state, the inputs of the steps, and the parameters.
    fn parts<'a, D>(&self, x: &'a [D]) -> [&'a [D]; 3] {
        parts(x, self.step.states(), self.step.parameters())
    }

    fn counts(&self) -> [usize; 3] {
        [self.step.states(), self.step.inputs(), self.step.outputs()]
    }

    /// Inputs, or one number for each input, and their tangents, in the order of the inputs of
    /// [`jvp_loop`](Self::jvp_loop).
    fn with_tangents<D: Copy>(&self, x: &[D], tangent: &[D]) -> Vec<D> {
        let [[state, inputs, parameters], tangents] = [self.parts(x), self.parts(tangent)];
        let steps = paired(inputs, tangents[1], self.step.inputs());
        [state, tangents[0], &steps, parameters, tangents[2]].concat()
    }

    /// The first of each pair of parts that [`with_tangents`](Self::with_tangents) makes.
    fn without_tangents<D: Copy>(&self, x: &[D]) -> Vec<D> {
        let [states, inputs, _] = self.counts();
        let (state, rest) = x.split_at(2 * states);
        let (steps, parameters) = rest.split_at(rest.len() - 2 * self.step.parameters());
        let steps = firsts(steps, inputs);
        [&state[..states], &steps, &parameters[..parameters.len() / 2]].concat()
    }

    /// Outputs, or one number for each output, and their tangents, in the order of the outputs of
    /// [`jvp_loop`](Self::jvp_loop).
    fn outputs_with_tangents<D: Copy>(&self, z: &[D], tangent: &[D]) -> Vec<D> {
        let [states, _, outputs] = self.counts();
        let ([state, given], [tangents, of_given]) = (halves(z, states), halves(tangent, states));
        let steps = paired(given, of_given, outputs);
        [state, tangents, &steps].concat()
    }

    /// The tangents of the outputs of [`jvp_loop`](Self::jvp_loop).
    fn tangents<D: Copy>(&self, z: &[D]) -> Vec<D> {
        let [states, _, outputs] = self.counts();
        let (state, steps) = z.split_at(2 * states);
        let seconds = steps.get(outputs..).map_or(Vec::new(), |shifted| firsts(shifted, outputs));
        [&state[states..], &seconds].concat()
    }

    /// Runs the loop from the state in `z`; the outputs of its steps follow there. Passes each state to `visit`, with
    /// the number of the next step. Returns the number of turns.
    fn run(&self, x: &[F], z: &mut [F], visit: impl FnMut(usize, &[F])) -> Result<usize, Error> {
        let [_, inputs, outputs] = self.counts();
        let ends @ [_, _, parameters] = self.parts(x);
        let mut memory = StepMemory::default();
        let mut running = self.step.start(&mut memory, parameters, self.turns.most());
        let step = |state: &mut [F], input: &[F], output: &mut [F]| running.forward(state, input, output);
        self.turns.run(ends, [inputs, outputs], z, visit, step)
    }

    /// Runs the loop and stores the states from which its sweep starts.
    fn run_storing(&self, x: &[F], z: &mut [F]) -> Result<Record<F>, Error> {
        let mut storing = Storing::new(self.checkpoints, self.step.states(), self.turns.known())?;
        let turns = self.run(x, z, |step, state| storing.visit(step, state))?;
        Ok(storing.finish(turns, z))
    }

    /// The cotangent times the Jacobian, by a sweep from the stored states. `forward` computes a step from a state
    /// and the inputs of the step.
    pub(super) fn sweep(
        &self,
        x: &[F],
        cotangent: &[F],
        record: &Record<F>,
        forward: impl FnMut(&mut [F], &[F]) -> Result<(), Error>,
    ) -> Result<Vec<F>, Error> {
        let [states, inputs, outputs] = self.counts();
        let ends = Ends { x: self.parts(x), cotangent, of_step: [inputs, outputs] };
        let schedule = self.checkpoints.schedule(states * size_of::<F>(), Some(record.turns))?;
        let mut memory = StepMemory::default();
        let mut running = self.step.start(&mut memory, ends.x[2], record.turns);
        let back = |[state, input, adjoints]: [&[F]; 3], product: &mut [F]| {
            running.back(!record.finite, state, input, adjoints, product)
        };
        sweep(&ends, schedule, record.turns, record.stored(states), forward, back)
    }

    /// The same sweep with the recorded step.
    fn sweep_recorded(&self, x: &[F], cotangent: &[F], record: &Record<F>) -> Result<Vec<F>, Error> {
        let mut memory = StepMemory::default();
        let mut running = self.step.start(&mut memory, self.parts(x)[2], record.turns);
        let mut output = vec![F::zero(); self.step.outputs()];
        self.sweep(x, cotangent, record, |state, input| running.forward(state, input, &mut output))
    }

    /// The record of a run on these inputs, computed if no run has stored it.
    fn record(&self, x: &[F]) -> Result<Record<F>, Error> {
        self.run_storing(x, &mut vec![F::zero(); self.outputs()])
    }
}

impl<F: ProgramScalar> CustomRule for RecordedLoop<F> {
    type Scalar = F;

    fn name(&self) -> &'static str {
        if self.is_call() { "program" } else { "loop" }
    }

    fn inputs(&self) -> usize {
        self.step.states() + self.turns.listed() * self.step.inputs() + self.step.parameters()
    }

    fn outputs(&self) -> usize {
        self.step.states() + self.turns.listed() * self.step.outputs()
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        self.run(x, z, |_, _| {}).map(|_| ())
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        D::call(&LoopVjp(self.clone()), &[x, w].concat())
    }

    fn jvp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], t: &[D]) -> Option<Result<Vec<D>, Error>> {
        let outputs = D::call(&self.jvp_loop(), &self.with_tangents(x, t));
        Some(outputs.map(|outputs| self.tangents(&outputs)))
    }

    fn branches(&self) -> bool {
        self.step.branches()
    }

    fn as_loop(&self) -> Option<Run<F>> {
        Some(self.as_run(false))
    }

    fn as_graph(&self, limit: usize) -> Option<Graph<F>> {
        self.step.unrolled(self.turns_to_write_out()?, limit)
    }

    fn stays_whole(&self) -> bool {
        true
    }

    fn value_saving(&self, x: &[F], z: &mut [F], saved: &mut Saved<F>) -> Result<(), Error> {
        *saved = Saved(Some(self.run_storing(x, z)?));
        Ok(())
    }

    fn vjp_of_saved(&self, x: &[F], _: &[F], w: &[F], saved: &Saved<F>) -> Result<Vec<F>, Error> {
        match saved {
            Saved(Some(record)) => self.sweep_recorded(x, w, record),
            Saved(None) => self.sweep_recorded(x, w, &self.record(x)?),
        }
    }
}

/// A loop, or its vjp, in the form that is written as statements.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Run<F> {
    pub(crate) step: Arc<StepProgram<F>>,
    /// The number of turns, if it does not depend on a state.
    pub(crate) turns: Option<usize>,
    /// Whether it is the vjp.
    pub(crate) back: bool,
}

/// The vjp of a loop. Its inputs are those of the loop, followed by the cotangent.
#[derive(Clone)]
struct LoopVjp<F: ProgramScalar>(RecordedLoop<F>);

impl<F: ProgramScalar> CustomRule for LoopVjp<F> {
    type Scalar = F;

    fn name(&self) -> &'static str {
        if self.0.is_call() { "program vjp" } else { "loop vjp" }
    }

    fn inputs(&self) -> usize {
        self.0.inputs() + self.0.outputs()
    }

    fn outputs(&self) -> usize {
        self.0.inputs()
    }

    fn value(&self, x: &[F], z: &mut [F]) -> Result<(), Error> {
        let (x, cotangent) = x.split_at(self.0.inputs());
        z.copy_from_slice(&self.0.sweep_recorded(x, cotangent, &self.0.record(x)?)?);
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], v: &[D]) -> Result<Vec<D>, Error> {
        // v · V(x, w) is w times the tangent of L along v.
        let (x, w) = x.split_at(self.0.inputs());
        let (moving, inputs) = (self.0.jvp_loop(), self.0.with_tangents(x, v));
        let of_cotangent = self.0.tangents(&D::call(&moving, &inputs)?);
        let cotangent = self.0.outputs_with_tangents(&vec![D::zero(); w.len()], w);
        let of_inputs = D::call(&Self(moving), &[inputs, cotangent].concat())?;
        Ok([self.0.without_tangents(&of_inputs), of_cotangent].concat())
    }

    fn jvp<D: Differentiable<Scalar = F>>(&self, x: &[D], _: &[D], t: &[D]) -> Option<Result<Vec<D>, Error>> {
        let ((x, w), (t, of_w)) = (x.split_at(self.0.inputs()), t.split_at(self.0.inputs()));
        let inputs = [self.0.with_tangents(x, t), self.0.outputs_with_tangents(of_w, w)].concat();
        let product = D::call(&Self(self.0.jvp_loop()), &inputs);
        Some(product.map(|product| self.0.without_tangents(&product)))
    }

    fn branches(&self) -> bool {
        self.0.step.branches()
    }

    fn as_loop(&self) -> Option<Run<F>> {
        Some(self.0.as_run(true))
    }

    fn as_graph(&self, limit: usize) -> Option<Graph<F>> {
        self.0.step.unrolled_vjp(self.0.turns_to_write_out()?, limit)
    }

    fn stays_whole(&self) -> bool {
        true
    }
}

fn halves<D>(numbers: &[D], first: usize) -> [&[D]; 2] {
    let (first, second) = numbers.split_at(first);
    [first, second]
}

/// Takes `width` numbers of one list, then as many of the other, and so on.
fn paired<D: Copy>(a: &[D], b: &[D], width: usize) -> Vec<D> {
    let width = width.max(1);
    a.chunks(width).zip(b.chunks(width)).flat_map(|(a, b)| a.iter().chain(b).copied()).collect()
}

/// The first `width` of every 2 · `width` numbers.
fn firsts<D: Copy>(numbers: &[D], width: usize) -> Vec<D> {
    numbers.chunks(2 * width.max(1)).flat_map(|pair| &pair[..width.min(pair.len())]).copied().collect()
}
