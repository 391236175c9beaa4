//! Workloads whose loops are kept as one operation, and the same loops unrolled.

use super::lstm::{self, BITS};
use crate::objective::Objective;

use dualtape::loops::{Checkpoints, Scan, Step};
use dualtape::{Differentiable, Error};

/// A damped pendulum by Runge–Kutta steps of 45 operations each. State: angle and speed. Parameters: gravity over length
/// and friction.
#[derive(Clone)]
struct Swing;

/// The width of a step.
pub(crate) const WIDTH: f64 = 1e-3;

impl Step for Swing {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let derivative =
            |[angle, speed]: [D; 2]| [speed, -(angle.sin() * parameters[0]) - speed * parameters[1]];
        let start = [state[0], state[1]];
        let along = |derivative: [D; 2], width: f64| [0, 1].map(|i| start[i] + derivative[i] * width);
        let first = derivative(start);
        let second = derivative(along(first, WIDTH / 2.0));
        let third = derivative(along(second, WIDTH / 2.0));
        let last = derivative(along(third, WIDTH));
        for (i, state) in state.iter_mut().enumerate() {
            *state = start[i] + (first[i] + (second[i] + third[i]) * 2.0 + last[i]) * (WIDTH / 6.0);
        }
        Ok(())
    }
}

/// The angle after a number of steps, as an unrolled loop.
#[derive(Clone)]
pub(crate) struct Pendulum(pub(crate) usize);

/// The initial state and the parameters.
pub(crate) const PENDULUM: [f64; 4] = [0.5, 0.1, 9.81, 0.2];

impl Objective for Pendulum {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let (mut state, parameters) = ([x[0], x[1]], &x[2..]);
        for _ in 0..self.0 {
            Swing.step(&mut state, &[], parameters, &mut []).expect("nothing is refused");
        }
        state[0]
    }
}

/// The same as a loop.
#[derive(Clone)]
pub(crate) struct PendulumLoop(Scan<Swing>);

impl PendulumLoop {
    pub(crate) fn new(steps: usize, stored: Checkpoints) -> Self {
        Self(Scan::new(Swing, steps).checkpoints(stored))
    }
}

impl Objective for PendulumLoop {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.0.run(&x[..2], &[], &x[2..]).expect("nothing is refused").state[0]
    }
}

/// One step of a long short-term memory, which reads a character of seven bits. State: hidden and cell states of all
/// bits, and the loss so far. Inputs: a character and the next one.
#[derive(Clone)]
struct Character;

impl Step for Character {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        2 * BITS
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let (character, next) = input.split_at(BITS);
        let (memory, loss) = state.split_at_mut(2 * BITS);
        let mut says = |bit: usize| {
            let own: [D; 11] = std::array::from_fn(|which| parameters[which * BITS + bit]);
            lstm::reads(&own, &mut memory[2 * bit..2 * bit + 2], character[bit])
        };
        let said: [D; BITS] = std::array::from_fn(&mut says);
        loss[0] -= lstm::log_likelihood(&said, next);
        Ok(())
    }
}

/// The loss of a text, as a loop over its characters.
#[derive(Clone)]
pub(crate) struct LstmLoop {
    text: Vec<f64>,
    scan: Scan<Character>,
}

impl LstmLoop {
    pub(crate) fn new(characters: &[f64]) -> Self {
        let pairs = characters.windows(2 * BITS).step_by(BITS);
        let (count, text) = (pairs.len(), pairs.flatten().copied().collect());
        Self { text, scan: Scan::new(Character, count) }
    }
}

impl Objective for LstmLoop {
    fn call<D: Differentiable<Scalar = f64>>(&self, parameters: &[D]) -> D {
        let text: Vec<D> = self.text.iter().map(|&bit| D::constant(bit)).collect();
        let start = [D::zero(); 2 * BITS + 1];
        self.scan.run(&start, &text, parameters).expect("the lengths fit").state[2 * BITS]
    }
}
