//! The number of turns of a loop.

use crate::{Differentiable, Error, Scalar};
use std::sync::Arc;

/// Whether a loop continues from a state, given the parameters.
pub(super) type Condition<F> = Arc<dyn Fn(&[F], &[F]) -> bool + Send + Sync>;

/// The number of turns of a loop.
#[derive(Clone)]
pub(super) enum Turns<F> {
    Exactly(usize),
    While {
        condition: Condition<F>,
        /// How many numbers of a state and of the parameters the condition sees.
        shown: [usize; 2],
        at_most: usize,
    },
}

impl<F: Scalar> Turns<F> {
    pub(super) fn most(&self) -> usize {
        match *self {
            Self::Exactly(turns) => turns,
            Self::While { at_most, .. } => at_most,
        }
    }

    /// The number of turns, if it does not depend on a state.
    pub(super) fn known(&self) -> Option<usize> {
        match *self {
            Self::Exactly(turns) => Some(turns),
            Self::While { .. } => None,
        }
    }

    /// The number of turns that have inputs and outputs.
    pub(super) fn listed(&self) -> usize {
        self.known().unwrap_or(0)
    }

    /// Runs all turns, from a first state to the last state in `z`; the outputs of the turns follow there. `of_turn`
    /// gives the numbers of inputs and outputs of a turn. Passes each state to `visit`, with the number of the next
    /// turn, and then to `step`, with the inputs of the turn and the places for its outputs. Returns the number of
    /// turns.
    pub(super) fn run<D: Differentiable<Scalar = F>>(
        &self,
        [start, taken_in, parameters]: [&[D]; 3],
        [inputs, outputs]: [usize; 2],
        z: &mut [D],
        mut visit: impl FnMut(usize, &[D]),
        mut step: impl FnMut(&mut [D], &[D], &mut [D]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let (state, given) = z.split_at_mut(start.len());
        state.copy_from_slice(start);
        let mut watch = self.watch(parameters);
        let mut turn = 0;
        while watch.goes_on(turn, state)? {
            visit(turn, state);
            step(state, &taken_in[turn * inputs..][..inputs], &mut given[turn * outputs..][..outputs])?;
            turn += 1;
        }
        Ok(turn)
    }

    /// Evaluates the condition of the loop.
    fn watch<D: Differentiable<Scalar = F>>(&self, parameters: &[D]) -> Watch<'_, F> {
        let shown = if let Self::While { shown: [_, shown], .. } = *self { shown } else { 0 };
        let parameters = parameters[..shown].iter().map(Differentiable::value).collect();
        Watch { turns: self, state: Vec::new(), parameters }
    }
}

/// The plain numbers that a condition sees.
struct Watch<'a, F> {
    turns: &'a Turns<F>,
    state: Vec<F>,
    parameters: Vec<F>,
}

impl<F: Scalar> Watch<'_, F> {
    /// Whether there is another turn after `turn` turns.
    fn goes_on<D: Differentiable<Scalar = F>>(&mut self, turn: usize, state: &[D]) -> Result<bool, Error> {
        let (condition, shown, at_most) = match self.turns {
            Turns::Exactly(turns) => return Ok(turn < *turns),
            Turns::While { condition, shown: [shown, _], at_most } => (condition, *shown, *at_most),
        };
        self.state.clear();
        self.state.extend(state[..shown].iter().map(Differentiable::value));
        let goes_on = condition(&self.state, &self.parameters);
        if goes_on && turn == at_most {
            let reason = format!(
                "it would go on after {at_most} turns, the most that it may take; its state is {:?}",
                self.state
            );
            return Err(Error::Rule { rule: "loop", reason });
        }
        Ok(goes_on)
    }
}

/// The first state, the inputs of the turns, and the parameters.
pub(super) fn parts<D>(x: &[D], states: usize, parameters: usize) -> [&[D]; 3] {
    let (state, rest) = x.split_at(states);
    let (inputs, parameters) = rest.split_at(rest.len() - parameters);
    [state, inputs, parameters]
}
