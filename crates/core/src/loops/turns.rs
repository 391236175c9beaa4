//! How many turns a loop takes.

use crate::{Differentiable, Error, Scalar};
use std::sync::Arc;

/// Whether a loop goes on from a state, given the parameters.
pub(super) type Condition<F> = Arc<dyn Fn(&[F], &[F]) -> bool + Send + Sync>;

/// How many turns a loop takes.
#[derive(Clone)]
pub(super) enum Turns<F> {
    Exactly(usize),
    While {
        condition: Condition<F>,
        /// How many numbers of a state and of the parameters the condition is shown.
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

    /// How many it takes, where that does not depend on a state.
    pub(super) fn known(&self) -> Option<usize> {
        match *self {
            Self::Exactly(turns) => Some(turns),
            Self::While { .. } => None,
        }
    }

    /// For how many turns there are inputs and outputs.
    pub(super) fn listed(&self) -> usize {
        self.known().unwrap_or(0)
    }

    /// Takes all turns, from a first state to that in `z`; what the turns give out follows there. `of_turn` says how many
    /// numbers a turn takes in and gives out. Hands each state to `visit`, with the number of the turn that comes next, and
    /// then to `step`, with what the turn takes in and the places for what it gives out. Says how many turns it took.
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

    /// Watches the loop for its condition.
    fn watch<D: Differentiable<Scalar = F>>(&self, parameters: &[D]) -> Watch<'_, F> {
        let shown = if let Self::While { shown: [_, shown], .. } = *self { shown } else { 0 };
        let parameters = parameters[..shown].iter().map(Differentiable::value).collect();
        Watch { turns: self, state: Vec::new(), parameters }
    }
}

/// The plain numbers that a condition is shown.
struct Watch<'a, F> {
    turns: &'a Turns<F>,
    state: Vec<F>,
    parameters: Vec<F>,
}

impl<F: Scalar> Watch<'_, F> {
    /// Whether there is another turn after so many.
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

/// The first state, what the turns take in, and the parameters.
pub(super) fn parts<D>(x: &[D], states: usize, parameters: usize) -> [&[D]; 3] {
    let (state, rest) = x.split_at(states);
    let (inputs, parameters) = rest.split_at(rest.len() - parameters);
    [state, inputs, parameters]
}
