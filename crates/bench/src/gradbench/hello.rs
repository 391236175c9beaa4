//! `hello`: the square of a number. It shows whether harness and tool understand each other.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::{Differentiable, derivative};
use serde_json::Value;

fn square<D: Differentiable>(x: D) -> D {
    x * x
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let x: f64 = parse(input)?;
    match function {
        "square" => clock.run(0.0, |y| {
            *y = square(x);
            Ok(())
        }),
        // One input, one output: a dual number with one lane.
        "double" => clock.run(0.0, |y| {
            (_, *y) = derivative(square, x);
            Ok(())
        }),
        _ => Err(Failure::function(function, "square and double")),
    }
}
