//! `particle`: a charged particle flies past two others; where must one of them be so that the particle crosses the
//! axis at the origin?
//!
//! The force is a gradient, inside a function that is itself minimised by gradient descent.

use super::descent::{ForwardMode, Mode, ReverseMode, argmin};
use super::measure::{Clock, Failure, Reply, parse};
use crate::objective::Objective;
use dualtape::Differentiable;
use serde::Deserialize;
use serde_json::Value;
use std::marker::PhantomData;

#[derive(Deserialize)]
struct Input {
    w: f64,
}

/// The potential at (x, y) of charges at (10, 0) and (10, 10 − w).
struct Potential;

impl Objective for Potential {
    fn call<D: Differentiable<Scalar = f64>>(&self, place: &[D]) -> D {
        let [x, y, w] = [place[0], place[1], place[2]];
        let inverse_distance = |height: D| D::norm(&[x - 10.0, y - height]).recip();
        inverse_distance(D::zero()) + inverse_distance(-w + 10.0)
    }
}

/// The square of the coordinate where the particle crosses the axis, by Euler's method, with forces from `Force`.
struct Crossing<Force>(PhantomData<Force>);

/// The length of a step in time.
const STEP: f64 = 0.1;

/// The longest time of a flight.
const MOST_STEPS: usize = 1_000_000;

impl<Force: Mode> Objective for Crossing<Force> {
    fn call<D: Differentiable<Scalar = f64>>(&self, w: &[D]) -> D {
        let mut place = [0.0, 8.0].map(D::constant);
        let mut speed = [0.75, 0.0].map(D::constant);
        for _ in 0..MOST_STEPS {
            let gradient = Force::gradient(&Potential, &[place[0], place[1], w[0]]);
            let next = [place[0] + speed[0] * STEP, place[1] + speed[1] * STEP];
            if next[1] < D::zero() {
                break;
            }
            place = next;
            speed = [speed[0] - gradient[0] * STEP, speed[1] - gradient[1] * STEP];
        }
        let crossing = place[0] - place[1] / speed[1] * speed[0];
        crossing * crossing
    }
}

/// The control that brings the particle to the origin.
fn control<Descent: Mode, Force: Mode>(start: f64) -> f64 {
    let crossing = Crossing(PhantomData::<Force>);
    argmin(|w| crossing.call(w), |w| Descent::gradient(&crossing, w), &[start])[0]
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { w } = parse(input)?;
    // The first letter is the mode of the descent, the second that of the force.
    let control = match function {
        "ff" => control::<ForwardMode, ForwardMode>,
        "fr" => control::<ForwardMode, ReverseMode>,
        "rf" => control::<ReverseMode, ForwardMode>,
        "rr" => control::<ReverseMode, ReverseMode>,
        _ => return Err(Failure::function(function, "ff, fr, rf and rr")),
    };
    clock.run(0.0, |output| {
        *output = control(w);
        Ok(())
    })
}
