//! `lse`: log Σ exp xᵢ, shifted by the largest x so that nothing overflows.
//!
//! The result is the same whatever the shift is, so the shift is a plain number, which has no derivative.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::program::{Points, Results, Sums};
use dualtape::{Differentiable, Program, derivative};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    x: Vec<f64>,
}

/// Σ exp(xᵢ − shift).
pub(crate) fn total<D: Differentiable>(shift: D, x: &[D]) -> D {
    let terms: Vec<D> = x.iter().map(|&x| (x - shift).exp()).collect();
    D::sum_of(&terms)
}

/// The logarithm, shifted back.
pub(crate) fn log_total<D: Differentiable>(shift: D, total: D) -> D {
    total.ln() + shift
}

/// How many x go together as one point of a batch.
const WIDTH: usize = 64;

/// The x in rows. The last row is filled up with −∞, which adds nothing.
struct Rows<'a> {
    whole: &'a [[f64; WIDTH]],
    last: [f64; WIDTH],
}

impl<'a> Rows<'a> {
    fn new(x: &'a [f64]) -> Self {
        let (whole, rest) = x.as_chunks();
        let mut last = [f64::NEG_INFINITY; WIDTH];
        last[..rest.len()].copy_from_slice(rest);
        Self { whole, last }
    }
}

impl Points<f64> for Rows<'_> {
    fn count(&self) -> usize {
        self.whole.len() + 1
    }

    fn point(&self, index: usize) -> &[f64] {
        self.whole.get(index).unwrap_or(&self.last)
    }
}

pub(crate) fn largest(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { x } = parse(input)?;
    if x.is_empty() {
        return Err(Failure("x is empty: it has no largest number".to_owned()));
    }
    match function {
        "primal" => clock.run(0.0, |y| {
            let shift = largest(&x);
            *y = log_total(shift, total(shift, &x));
            Ok(())
        }),
        // All x are alike: rows of them are the points of a batch.
        "gradient" => {
            let program = Program::record_with_data(|shift, x| total(shift[0], x), &[0.0], &[0.0; WIDTH])?;
            let mut batch = program.batch();
            let rows = Rows::new(&x);
            clock.run(vec![0.0; rows.count() * WIDTH], |gradient| {
                gradient.resize(rows.count() * WIDTH, 0.0);
                let shift = largest(&x);
                let results = Results { data_gradients: Some(gradient), ..Results::none() };
                let total = program.sum(&mut batch, &[shift], &rows, &Sums::none(), results)?.value;
                let (_, slope) = derivative(|total| log_total(shift.into(), total), total);
                gradient.truncate(x.len());
                gradient.iter_mut().for_each(|gain| *gain *= slope);
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}
