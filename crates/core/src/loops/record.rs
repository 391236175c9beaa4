//! What a run of a loop on plain numbers stores for its sweep.

use super::checkpoints::{Checkpoints, Schedule};
use super::sweep::Stored;
use crate::{Error, Scalar};

/// What a run stores for its sweep.
#[derive(Clone, Debug)]
pub(crate) struct Record<F> {
    pub(super) turns: usize,
    /// Whether all states and outputs are finite.
    pub(super) finite: bool,
    /// The stored states, each with the number of the next step.
    steps: Vec<usize>,
    states: Vec<F>,
}

impl<F: Scalar> Record<F> {
    /// The stored states, of `states` numbers each.
    pub(super) fn stored(&self, states: usize) -> Stored<'_, F> {
        Stored::new(states, &self.steps, &self.states)
    }
}

/// Stores states while a loop runs.
pub(super) struct Storing<F> {
    schedule: Schedule,
    width: usize,
    /// The number of turns, if it is known.
    turns: Option<usize>,
    /// The step before which the next state is stored.
    next: Option<usize>,
    record: Record<F>,
}

impl<F: Scalar> Storing<F> {
    pub(super) fn new(checkpoints: Checkpoints, width: usize, turns: Option<usize>) -> Result<Self, Error> {
        let schedule = checkpoints.schedule(width * size_of::<F>(), turns)?;
        let most = turns.map_or(0, |turns| schedule.most(turns) + 1);
        let (steps, states) = (Vec::with_capacity(most), Vec::with_capacity(most * width));
        let record = Record { turns: 0, finite: true, steps, states };
        Ok(Self { schedule, width, turns, next: Some(0), record })
    }

    /// Notes the state before a step.
    #[inline]
    pub(super) fn visit(&mut self, step: usize, state: &[F]) {
        let Record { finite, steps, states, .. } = &mut self.record;
        *finite &= state.iter().fold(true, |finite, x| finite & x.is_finite());
        let due = self.next == Some(step);
        // The sweep begins with the state before the last step.
        if due || Some(step + 1) == self.turns {
            steps.push(step);
            states.extend_from_slice(state);
        }
        if due {
            self.next = match self.turns {
                Some(turns) if step + 1 < turns => self.schedule.next(step, turns, steps.len()),
                Some(_) => None,
                None => self.schedule.next_of_many(step, steps.len()),
            };
        }
    }

    /// The record of a run of `turns` turns with the outputs `z`.
    pub(super) fn finish(self, turns: usize, z: &[F]) -> Record<F> {
        let mut record = Record { turns, ..self.record };
        record.finite &= z.iter().all(|x| x.is_finite());
        if self.turns.is_none() && self.next.is_none() && turns > record.steps.len() {
            // Not all states fitted, and the first ones are not those that the schedule would store.
            record.steps.truncate(1);
            record.states.truncate(self.width);
        }
        record
    }
}
