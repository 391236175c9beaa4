//! Loops whose steps are random programs.

use crate::case::{Case, Followed, INPUTS};
use dualtape::loops::{Checkpoints, RepeatWhile, Scan, Step};
use dualtape::{Differentiable, Error, ProgramScalar, Scalar};
use std::marker::PhantomData;
use std::sync::Arc;

/// A loop of random steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loop {
    pub(crate) step: Arc<Case>,
    pub(crate) turns: usize,
    /// Whether it ends by a condition, with a limit on the number of iterations.
    pub(crate) ends: bool,
    pub(crate) stored: Checkpoints,
}

pub(crate) const STORED: [Checkpoints; 5] = [
    Checkpoints::All,
    Checkpoints::Every(2),
    Checkpoints::Snapshots(1),
    Checkpoints::Snapshots(3),
    Checkpoints::Bytes(1 << 20),
];

/// The step of a loop. State: two numbers, and the count of iterations. Parameters: two numbers.
#[derive(Clone)]
struct RandomStep<F> {
    step: Arc<Case>,
    scalar: PhantomData<fn() -> F>,
}

impl<F: ProgramScalar> Step for RandomStep<F> {
    type Scalar = F;

    fn step<D: Differentiable<Scalar = F>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let x = Loop::inputs([state[0], state[1], state[2]], [parameters[0], parameters[1]]);
        let next = self.step.call(&x);
        state.copy_from_slice(&[next, state[0], state[2] + D::one()]);
        Ok(())
    }
}

impl Loop {
    /// The inputs of a step.
    fn inputs<D: Differentiable>([a, b, count]: [D; 3], [p, q]: [D; 2]) -> [D; INPUTS] {
        [a, b, p, q, count, D::literal(0.7)]
    }

    /// Whether there is another iteration.
    fn goes_on<F: Scalar>(at_most: usize, state: &[F], parameters: &[F]) -> bool {
        state[2] < F::nearest(at_most as f64) && state[0] < parameters[0]
    }

    pub(crate) fn apply<F: ProgramScalar, D: Differentiable<Scalar = F>>(&self, of: &[D]) -> D {
        let step = RandomStep { step: Arc::clone(&self.step), scalar: PhantomData };
        let (start, parameters) = ([of[0], of[1], D::zero()], &of[2..4]);
        if self.ends {
            let at_most = self.turns;
            let goes_on = move |state: &[F], p: &[F]| Self::goes_on(at_most, state, p);
            let this = RepeatWhile::new(goes_on, step, at_most).checkpoints(self.stored);
            return this.run(&start, parameters).expect("it ends")[0];
        }
        let this = Scan::new(step, self.turns).checkpoints(self.stored);
        this.run(&start, &[], parameters).expect("nothing is refused").state[0]
    }

    /// See [`Case::scale`]: the magnitudes of the contributions of the operands, iteration by iteration.
    pub(crate) fn follow<F: ProgramScalar>(&self, of: &[F], sizes: &[Vec<f64>]) -> Followed<F> {
        let none = vec![0.0; INPUTS];
        let (mut state, mut of_state) = ([of[0], of[1], F::zero()], [sizes[0].clone(), sizes[1].clone()]);
        let mut largest = 0.0_f64;
        for turn in 0..self.turns {
            if self.ends && !Self::goes_on(self.turns, &state, &of[2..4]) {
                break;
            }
            let x = Self::inputs(state, [of[2], of[3]]);
            let [a, b] = &of_state;
            let sizes = [a, b, &sizes[2], &sizes[3], &none, &none].map(Clone::clone);
            let followed = self.step.follow(&x, &sizes);
            largest = largest.max(followed.largest);
            state = [followed.value, state[0], F::nearest((turn + 1) as f64)];
            let [first, _] = of_state;
            of_state = [followed.size, first];
        }
        let [size, _] = of_state;
        Followed { value: state[0], size, largest }
    }
}
