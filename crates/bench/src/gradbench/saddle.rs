//! `saddle`: minₓ max_y of |x|² − |y|², where the inner search is inside the
//! function that the outer one differentiates.

use super::descent::{ForwardMode, Mode, ReverseMode, argmax, argmin};
use super::measure::{Clock, Failure, Reply, parse};
use crate::objective::Objective;
use dualtape::Differentiable;
use serde::Deserialize;
use serde_json::Value;
use std::marker::PhantomData;

#[derive(Deserialize)]
struct Input {
    start: [f64; 2],
}

/// |x|² − |y|², with x and y concatenated.
struct Saddle;

impl Objective for Saddle {
    fn call<D: Differentiable<Scalar = f64>>(&self, both: &[D]) -> D {
        (both[0] * both[0] + both[1] * both[1]) - (both[2] * both[2] + both[3] * both[3])
    }
}

/// The y that maximises the saddle at x.
fn highest<Search: Mode, D: Differentiable<Scalar = f64>>(x: &[D], start: [f64; 2]) -> Vec<D> {
    let with = |y: &[D]| [x[0], x[1], y[0], y[1]];
    argmax(
        |y| Saddle.call(&with(y)),
        |y| Search::gradient(&Saddle, &with(y)).split_off(2),
        &start.map(D::constant),
    )
}

/// The maximum of the saddle at x, found by `Search`.
struct Ridge<Search> {
    start: [f64; 2],
    search: PhantomData<Search>,
}

impl<Search: Mode> Objective for Ridge<Search> {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let y = highest::<Search, D>(x, self.start);
        Saddle.call(&[x[0], x[1], y[0], y[1]])
    }
}

/// x, followed by y.
fn saddle<Outer: Mode, Inner: Mode>(start: [f64; 2]) -> Vec<f64> {
    let ridge = Ridge { start, search: PhantomData::<Inner> };
    let mut x = argmin(|x| ridge.call(x), |x| Outer::gradient(&ridge, x), &start);
    let y = highest::<Outer, f64>(&x, start);
    x.extend(y);
    x
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { start } = parse(input)?;
    // The first letter is the mode of the minimum, the second that of the maximum inside.
    let saddle = match function {
        "ff" => saddle::<ForwardMode, ForwardMode>,
        "fr" => saddle::<ForwardMode, ReverseMode>,
        "rf" => saddle::<ReverseMode, ForwardMode>,
        "rr" => saddle::<ReverseMode, ReverseMode>,
        _ => return Err(Failure::function(function, "ff, fr, rf and rr")),
    };
    clock.run(Vec::new(), |output| {
        *output = saddle(start);
        Ok(())
    })
}
