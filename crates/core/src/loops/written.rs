//! A loop whose step is a user function, as a rule.
//!
//! If nothing is recorded, the function itself runs, turn after turn. If a loop is kept as one call, on a tape or in
//! a recording, its derivatives are those of the recorded step. On a tape, a step that branches is recorded again in
//! each turn.

use super::Step;
use super::checkpoints::Checkpoints;
use super::record::Storing;
use super::recorded::{RecordedLoop, Run};
use super::sweep::{Ends, Stored, sweep};
use super::turns::{Turns, parts};
use crate::program::{Graph, StepProgram};
use crate::rules::Saved;
use crate::{CustomRule, Differentiable, Dual, Error, ProgramScalar, Reverse, Scalar};
use num_traits::Zero;
use std::sync::{Arc, OnceLock};

/// A loop whose step is written by the user.
#[derive(Clone)]
pub(super) struct WrittenLoop<S: Step> {
    pub(super) step: S,
    pub(super) turns: Turns<S::Scalar>,
    pub(super) checkpoints: Checkpoints,
    /// The numbers of elements of a state and of the parameters.
    pub(super) states: usize,
    pub(super) parameters: usize,
    pub(super) recorded: Arc<Recorded<S::Scalar>>,
}

/// A step that is recorded when it is first needed.
#[derive(Debug)]
pub(super) struct Recorded<F> {
    /// The numbers of elements of a state and of the parameters in the first run.
    lengths: OnceLock<[usize; 2]>,
    /// The point where the step is recorded: the parameters, a state, and the inputs of a step.
    point: OnceLock<[Vec<F>; 2]>,
    step: OnceLock<Arc<StepProgram<F>>>,
}

impl<F> Default for Recorded<F> {
    fn default() -> Self {
        Self { lengths: OnceLock::new(), point: OnceLock::new(), step: OnceLock::new() }
    }
}

impl<F: ProgramScalar> Recorded<F> {
    /// The prepared loop for a state and parameters of the given lengths; it is empty if the first run had other
    /// lengths. In a recording, a step that branches is recorded there, and not as it branched elsewhere.
    pub(super) fn of(self: &Arc<Self>, lengths: [usize; 2], in_recording: bool) -> Arc<Self> {
        let fits = *self.lengths.get_or_init(|| lengths) == lengths;
        let known = || self.step.get().is_some_and(|step| !step.branches());
        if fits && (!in_recording || known()) { Arc::clone(self) } else { Arc::default() }
    }
}

/// With fewer turns than this, recording costs more than it saves in a sweep.
const FEW_TURNS: usize = 16;

impl<S: Step> WrittenLoop<S> {
    /// Runs the loop. Its inputs are the first state, the inputs of the steps, and the parameters; its outputs are
    /// the last state, and the outputs of the steps.
    pub(super) fn run<D: Differentiable<Scalar = S::Scalar>>(&self, x: &[D]) -> Result<Vec<D>, Error> {
        let mut z = vec![D::zero(); self.outputs()];
        self.run_visiting(x, &mut z, |_, _| {})?;
        Ok(z)
    }

    fn run_visiting<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        x: &[D],
        z: &mut [D],
        visit: impl FnMut(usize, &[D]),
    ) -> Result<usize, Error> {
        let of_turn = [self.step.inputs(), self.step.outputs(self.states)];
        let ends @ [_, _, parameters] = self.parts(x);
        let step =
            |state: &mut [D], input: &[D], output: &mut [D]| self.step.step(state, input, parameters, output);
        self.turns.run(ends, of_turn, z, visit, step)
    }

    fn parts<'a, D>(&self, x: &'a [D]) -> [&'a [D]; 3] {
        parts(x, self.states, self.parameters)
    }

    /// The loop of the recorded step. A step that fails at one point may succeed at another, so errors are not kept.
    fn recorded(&self) -> Result<RecordedLoop<S::Scalar>, Error> {
        let known = self.recorded.step.get().cloned();
        let step = match known {
            Some(step) => step,
            None => {
                let step = Arc::new(self.record()?);
                Arc::clone(self.recorded.step.get_or_init(|| step))
            }
        };
        Ok(RecordedLoop { step, turns: self.turns.clone(), checkpoints: self.checkpoints })
    }

    /// Notes where to record the step.
    fn note(&self, x: &[S::Scalar]) {
        let [state, inputs, parameters] = self.parts(x);
        // Without a turn, there is no step to record, and nothing to note.
        let Some(input) = inputs.get(..self.step.inputs()) else { return };
        self.recorded.point.get_or_init(|| [parameters.to_vec(), [state, input].concat()]);
    }

    fn record(&self) -> Result<StepProgram<S::Scalar>, Error> {
        // Values decide only about branches, which are guarded. If no values are known, any ordinary numbers will do.
        let some = |count| vec![S::Scalar::nearest(0.6180339887498949); count];
        let unknown = || [some(self.parameters), some(self.states + self.step.inputs())];
        let [parameters, data] = self.recorded.point.get().cloned().unwrap_or_else(unknown);
        let mut refused = None;
        let graph = Graph::record_with_data(
            |parameters, data| {
                let (state, input) = data.split_at(self.states);
                let (mut next, mut output) =
                    (state.to_vec(), vec![Zero::zero(); self.step.outputs(self.states)]);
                refused = self.step.step(&mut next, input, parameters, &mut output).err();
                [next, output].concat()
            },
            &parameters,
            &data,
        );
        if let Some(error) = refused {
            return Err(error);
        }
        let step = StepProgram::new(graph?, self.states);
        // Every number of a step may have derivatives, as the inputs of the loop do.
        step.equality_held().map_or(Ok(step), |guard| Err(Error::EqualityHeld { guard }))
    }

    /// The vjp, with a tape for each turn, from the stored states of the turns.
    fn vjp_by_tapes<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        x: &[D],
        cotangent: &[D],
        turns: usize,
        stored: Stored<'_, D>,
    ) -> Result<Vec<D>, Error> {
        let (inputs, outputs) = (self.step.inputs(), self.step.outputs(self.states));
        let ends = Ends { x: self.parts(x), cotangent, of_step: [inputs, outputs] };
        let [_, _, parameters] = ends.x;
        let schedule = self.checkpoints.schedule(self.states * size_of::<D>(), Some(turns))?;
        let (mut tape, mut point) = (Reverse::new(), Vec::new());
        let mut next = vec![D::zero(); self.states + outputs];
        let back = |[state, input, adjoints]: [&[D]; 3], product: &mut [D]| {
            point.clear();
            [parameters, state, input].iter().for_each(|part| point.extend_from_slice(part));
            let mut refused = None;
            tape.vjp(
                |x, next| {
                    let (parameters, rest) = x.split_at(parameters.len());
                    let (state, input) = rest.split_at(self.states);
                    let (next, output) = next.split_at_mut(self.states);
                    next.copy_from_slice(state);
                    refused = self.step.step(next, input, parameters, output).err();
                },
                &point,
                adjoints,
                &mut next,
                product,
            )?;
            if let Some(location) = tape.take_equality() {
                let guard =
                    format!("{location}: a step of a loop compared two numbers of equal value by `==`");
                return Err(Error::EqualityHeld { guard });
            }
            refused.map_or(Ok(()), Err)
        };
        sweep(&ends, schedule, turns, stored, self.forward(parameters), back)
    }

    fn jvp_of<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        x: &[D],
        z: &[D],
        t: &[D],
    ) -> Result<Vec<D>, Error> {
        let recorded = self.recorded()?;
        if D::RECORDS || !recorded.branches() {
            return recorded.jvp(x, z, t).expect("a recorded loop has a jvp");
        }
        // A step that branches runs on the outer tape, turn after turn.
        let moving = x.iter().zip(t).map(|(&x, &t)| Dual::new(x, [t].into()));
        let moved = self.run::<Dual<D>>(&moving.collect::<Vec<_>>())?;
        Ok(moved.iter().map(|z| z.derivative(0)).collect())
    }

    /// Computes a step from a state and the inputs of the step.
    fn forward<'a, D: Differentiable<Scalar = S::Scalar>>(
        &'a self,
        parameters: &'a [D],
    ) -> impl FnMut(&mut [D], &[D]) -> Result<(), Error> + 'a {
        let mut output = vec![D::zero(); self.step.outputs(self.states)];
        move |state, input| self.step.step(state, input, parameters, &mut output)
    }
}

impl<S: Step> CustomRule for WrittenLoop<S> {
    type Scalar = S::Scalar;

    fn name(&self) -> &'static str {
        "loop"
    }

    fn inputs(&self) -> usize {
        self.states + self.turns.listed() * self.step.inputs() + self.parameters
    }

    fn outputs(&self) -> usize {
        self.states + self.turns.listed() * self.step.outputs(self.states)
    }

    fn value(&self, x: &[S::Scalar], z: &mut [S::Scalar]) -> Result<(), Error> {
        self.run_visiting(x, z, |_, _| {})?;
        self.note(x);
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = S::Scalar>>(&self, x: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        if D::RETAINS {
            let recorded = self.recorded()?;
            // A step that branches is recorded by the outer tape, turn after turn; a recording has guards for it.
            if D::RECORDS || !recorded.branches() {
                return recorded.vjp(x, z, w);
            }
        }
        let turns = match self.turns.known() {
            Some(turns) => turns,
            None => self.run_visiting(x, &mut vec![D::zero(); self.outputs()], |_, _| {})?,
        };
        self.vjp_by_tapes(x, w, turns, Stored::new(self.states, &[0], &x[..self.states]))
    }

    fn jvp<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        x: &[D],
        z: &[D],
        t: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        Some(self.jvp_of(x, z, t))
    }

    fn branches(&self) -> bool {
        self.recorded().map_or(true, |recorded| recorded.branches())
    }

    fn stays_whole(&self) -> bool {
        true
    }

    fn as_graph(&self, limit: usize) -> Option<Graph<S::Scalar>> {
        // A step that cannot be recorded is an error of the call of the loop.
        self.recorded().ok()?.as_graph(limit)
    }

    fn as_loop(&self) -> Option<Run<S::Scalar>> {
        self.recorded().ok()?.as_loop()
    }

    fn in_any_numbers<D: Differentiable<Scalar = S::Scalar>>(
        &self,
        x: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        Some(self.run(x))
    }

    fn value_saving(
        &self,
        x: &[S::Scalar],
        z: &mut [S::Scalar],
        saved: &mut Saved<S::Scalar>,
    ) -> Result<(), Error> {
        let mut storing = Storing::new(self.checkpoints, self.states, self.turns.known())?;
        let turns = self.run_visiting(x, z, |step, state| storing.visit(step, state))?;
        self.note(x);
        *saved = Saved(Some(storing.finish(turns, z)));
        Ok(())
    }

    fn vjp_of_saved(
        &self,
        x: &[S::Scalar],
        z: &[S::Scalar],
        w: &[S::Scalar],
        saved: &Saved<S::Scalar>,
    ) -> Result<Vec<S::Scalar>, Error> {
        let Saved(Some(record)) = saved else { return self.vjp(x, z, w) };
        if record.turns >= FEW_TURNS {
            let recorded = self.recorded()?;
            if !recorded.branches() {
                return recorded.sweep(x, w, record, self.forward(self.parts(x)[2]));
            }
        }
        self.vjp_by_tapes(x, w, record.turns, record.stored(self.states))
    }
}
