//! The reverse sweep through a loop, from the stored states.

use super::checkpoints::Schedule;
use crate::{Differentiable, Error};

/// Stored states, each with the number of the next step; the latest come last. Some were stored during the forward
/// run.
#[derive(Debug)]
pub(super) struct Stored<'a, D> {
    width: usize,
    /// From the forward run, as far as still needed.
    earlier: &'a [usize],
    earlier_states: &'a [D],
    steps: Vec<usize>,
    states: Vec<D>,
}

impl<'a, D: Copy> Stored<'a, D> {
    /// The states that the forward run stored.
    pub(super) fn new(width: usize, steps: &'a [usize], states: &'a [D]) -> Self {
        Self { width, earlier: steps, earlier_states: states, steps: Vec::new(), states: Vec::new() }
    }

    fn push(&mut self, step: usize, state: &[D]) {
        self.steps.push(step);
        self.states.extend_from_slice(state);
    }

    fn len(&self) -> usize {
        self.earlier.len() + self.steps.len()
    }

    fn last(&self) -> (usize, &[D]) {
        let (steps, states) = match &self.steps[..] {
            [] => (self.earlier, self.earlier_states),
            steps => (steps, &self.states[..]),
        };
        (*steps.last().expect("the start is stored until the end"), &states[states.len() - self.width..])
    }

    fn pop(&mut self) {
        if self.steps.pop().is_some() {
            self.states.truncate(self.states.len() - self.width);
            return;
        }
        self.earlier = &self.earlier[..self.earlier.len() - 1];
        self.earlier_states = &self.earlier_states[..self.earlier_states.len() - self.width];
    }
}

/// A loop's inputs, and the cotangent of its outputs.
pub(super) struct Ends<'a, D> {
    /// The first state, the inputs of the steps, and the parameters.
    pub(super) x: [&'a [D]; 3],
    pub(super) cotangent: &'a [D],
    /// The numbers of inputs and of outputs of a step.
    pub(super) of_step: [usize; 2],
}

/// The cotangent times the Jacobian of a given number of steps.
///
/// `forward` computes a step from a state and the inputs of the step. `back` receives a state, the inputs of the
/// step, and the adjoints of the next state and of the outputs of the step. It writes the contributions to the
/// adjoints of the parameters, of the state, and of the inputs, one after the other.
pub(super) fn sweep<D: Differentiable>(
    ends: &Ends<'_, D>,
    schedule: Schedule,
    turns: usize,
    stored: Stored<'_, D>,
    mut forward: impl FnMut(&mut [D], &[D]) -> Result<(), Error>,
    mut back: impl FnMut([&[D]; 3], &mut [D]) -> Result<(), Error>,
) -> Result<Vec<D>, Error> {
    let Ends { x: [start, taken_in, parameters], cotangent, of_step: [inputs, outputs] } = *ends;
    let (states, parameters) = (start.len(), parameters.len());
    let input = |step: usize| &taken_in[step * inputs..][..inputs];
    let (of_state, of_given) = cotangent.split_at(states);
    let mut adjoints = [of_state, &vec![D::zero(); outputs]].concat();
    let mut product = vec![D::zero(); parameters + states + inputs];
    let mut gained = vec![D::zero(); states + taken_in.len() + parameters];
    reverse(
        schedule,
        turns,
        stored,
        |step, state| forward(state, input(step)),
        |step, state| {
            adjoints[states..].copy_from_slice(&of_given[step * outputs..][..outputs]);
            back([state, input(step), &adjoints], &mut product)?;
            let (of_parameters, rest) = product.split_at(parameters);
            let sums = &mut gained[states + taken_in.len()..];
            sums.iter_mut().zip(of_parameters).for_each(|(sum, &more)| *sum += more);
            adjoints[..states].copy_from_slice(&rest[..states]);
            gained[states + step * inputs..][..inputs].copy_from_slice(&rest[states..]);
            Ok(())
        },
    )?;
    gained[..states].copy_from_slice(&adjoints[..states]);
    Ok(gained)
}

/// Visits `turns` steps from the last to the first, each with the state before it.
///
/// The states already stored are some of those that the schedule stores on its forward run, and perhaps the state
/// before the last step.
fn reverse<D: Copy>(
    schedule: Schedule,
    turns: usize,
    mut stored: Stored<'_, D>,
    mut forward: impl FnMut(usize, &mut [D]) -> Result<(), Error>,
    mut back: impl FnMut(usize, &[D]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut state = Vec::with_capacity(stored.width);
    for end in (1..=turns).rev() {
        let (mut at, last) = stored.last();
        if at + 1 == end {
            back(at, last)?;
        } else {
            state.clear();
            state.extend_from_slice(last);
            while at + 1 < end {
                let next = schedule.next(at, end, stored.len()).unwrap_or(end - 1);
                for step in at..next {
                    forward(step, &mut state)?;
                }
                at = next;
                if at + 1 < end {
                    stored.push(at, &state);
                }
            }
            back(at, &state)?;
        }
        if stored.last().0 + 1 == end && end > 1 {
            stored.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::checkpoints::Checkpoints;
    use super::*;

    /// How many steps a sweep computes forward. The state is the number of the next step.
    fn taken(schedule: Schedule, turns: usize) -> u128 {
        let (mut taken, mut expected) = (0, turns);
        let forward = |step: usize, state: &mut [usize]| {
            assert_eq!(state, [step]);
            state[0] += 1;
            taken += 1;
            Ok(())
        };
        let back = |step: usize, state: &[usize]| {
            expected -= 1;
            assert_eq!((step, state), (expected, &[step][..]), "{schedule:?}, {turns} turns");
            Ok(())
        };
        reverse(schedule, turns, Stored::new(1, &[0], &[0]), forward, back).expect("nothing is refused");
        assert_eq!(expected, 0, "{schedule:?}, {turns} turns");
        taken
    }

    /// The least number of forward steps, found by trying all places for the next state: by turns, then by states.
    fn fewest(turns: usize, states: usize) -> Vec<Vec<u128>> {
        let mut least: Vec<Vec<u128>> = vec![vec![0; states + 1]; 2];
        for n in 2..=turns {
            let from_start = (n * (n - 1) / 2) as u128;
            let best = |s: usize| {
                let parts = (1..n).map(|m| m as u128 + least[n - m][s - 1] + least[m][s]);
                parts.min().expect("there are two parts")
            };
            // Without a stored state, no sweep is possible.
            let row = (0..=states).map(|s| if s < 2 { from_start } else { best(s) });
            least.push(row.collect());
        }
        least
    }

    #[test]
    fn binomial_schedules_take_the_fewest_steps_that_are_possible() {
        for (turns, row) in fewest(80, 10).iter().enumerate() {
            for (snapshots, &least) in row.iter().enumerate().skip(1) {
                let what = format!("{turns} turns, {snapshots} states");
                assert_eq!(taken(Schedule::Binomial(snapshots), turns), least, "{what}");
                assert_eq!(Checkpoints::forward_steps(turns, snapshots), least, "{what}");
            }
        }
    }

    #[test]
    fn long_loops_meet_the_bound() {
        for (turns, snapshots) in [(1000, 5), (10_000, 32), (100_000, 32), (5000, 2), (300, 1000)] {
            let bound = Checkpoints::forward_steps(turns, snapshots);
            assert_eq!(taken(Schedule::Binomial(snapshots), turns), bound, "{turns}, {snapshots}");
        }
    }

    #[test]
    fn equidistant_schedules_take_each_step_at_most_twice() {
        for turns in 1..=60 {
            for apart in [1, 2, 3, 7, 10, 59, 60] {
                assert!(taken(Schedule::Every(apart), turns) <= 2 * turns as u128);
            }
            assert_eq!(taken(Schedule::Every(usize::MAX), turns), turns as u128 - 1);
        }
    }
}
