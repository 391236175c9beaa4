//! `lse`: log Σ exp xᵢ, shifted by the largest x so that nothing overflows.
//!
//! The result is the same whatever the shift is, so the shift is a plain number, which has no derivative.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::program::{Batch, Rows};
use dualtape::{Differentiable, Dual, Program, derivative};
use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    x: Vec<f64>,
}

fn term<D: Differentiable>(shift: D, x: D) -> D {
    (x - shift).exp()
}

/// Σ exp(xᵢ − shift).
pub(crate) fn total<D: Differentiable>(shift: D, x: &[D]) -> D {
    let terms: Vec<D> = x.iter().map(|&x| term(shift, x)).collect();
    D::sum_of(&terms)
}

/// The derivatives of so many times the same. Each x moves its own term only.
fn slopes<D: Differentiable>(shift: D, factor: D, x: &[D]) -> Vec<D> {
    let slope = |&x| derivative(|x| term(Dual::lift(shift), x) * Dual::lift(factor), x).1;
    x.iter().map(slope).collect()
}

/// The logarithm, shifted back.
pub(crate) fn log_total<D: Differentiable>(shift: D, total: D) -> D {
    total.ln() + shift
}

/// The largest x, several at a time, as a maximum waits for the one before.
pub(crate) fn largest(x: &[f64]) -> f64 {
    const SIDE: usize = 16;
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let (parts, rest) = x.as_chunks::<SIDE>();
    let mut largest = [f64::NEG_INFINITY; SIDE];
    for part in parts {
        largest.iter_mut().zip(part).for_each(|(largest, &x)| *largest = larger(*largest, x));
    }
    largest.iter().chain(rest).copied().fold(f64::NEG_INFINITY, larger)
}

/// How many x go together as one point of a batch.
const WIDTH: usize = 32;

/// How many x a thread deals with at a time: they and their slopes stay in cache.
const CHUNK: usize = WIDTH << 9;

/// All x, with Σ exp of a row of them recorded. They are alike, so rows of them are the points of a batch.
struct Terms {
    x: Vec<f64>,
    total: Program<f64>,
    /// The derivatives of the same times a factor, which is a second parameter.
    slopes: Program<f64>,
    /// The memory of both.
    batches: [Batch<f64>; 2],
    /// Σ exp of each row.
    totals: Vec<f64>,
}

impl Terms {
    fn new(mut x: Vec<f64>) -> Result<Self, Failure> {
        // The last row is filled up with −∞, which adds nothing.
        x.resize(x.len().next_multiple_of(WIDTH), f64::NEG_INFINITY);
        let total = Program::record_with_data(|shift, x| total(shift[0], x), &[0.0], &[0.0; WIDTH])?;
        let slopes = Program::record_with_data(|p, x| slopes(p[0], p[1], x), &[0.0, 1.0], &[0.0; WIDTH])?;
        let batches = [total.batch(), slopes.batch()];
        let totals = vec![0.0; x.len() / WIDTH];
        Ok(Self { x, total, slopes, batches, totals })
    }

    /// How many x go through together, a chunk for each thread.
    fn together() -> usize {
        CHUNK * rayon::current_num_threads()
    }

    /// The largest x, and Σ exp of all, shifted by it.
    fn shift_and_total(&mut self) -> Result<(f64, f64), Failure> {
        let Self { x, total, batches: [batch, _], totals, .. } = self;
        let shift = x.par_chunks(CHUNK).map(largest).reduce(|| f64::NEG_INFINITY, f64::max);
        for (x, totals) in x.chunks(Self::together()).zip(totals.chunks_mut(Self::together() / WIDTH)) {
            total.values(batch, &[shift], &Rows::new(x, WIDTH), totals)?;
        }
        Ok((shift, totals.iter().sum()))
    }

    /// Writes the derivative by each x, given that by Σ exp of all.
    fn write_slopes(&mut self, shift: f64, slope: f64, gradient: &mut [f64]) -> Result<(), Failure> {
        let Self { x, slopes, batches: [_, batch], .. } = self;
        for (x, gradient) in x.chunks(Self::together()).zip(gradient.chunks_mut(Self::together())) {
            slopes.values(batch, &[shift, slope], &Rows::new(x, WIDTH), gradient)?;
        }
        Ok(())
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { x } = parse(input)?;
    if x.is_empty() {
        return Err(Failure("x is empty: it has no largest number".to_owned()));
    }
    let count = x.len();
    let mut terms = Terms::new(x)?;
    match function {
        "primal" => clock.run(0.0, |y| {
            let (shift, total) = terms.shift_and_total()?;
            *y = log_total(shift, total);
            Ok(())
        }),
        "gradient" => {
            let gradient = vec![f64::NAN; terms.x.len()];
            clock.run(Gradient { all: gradient, count }, |gradient| {
                let (shift, total) = terms.shift_and_total()?;
                let (_, slope) = derivative(|total| log_total(shift.into(), total), total);
                terms.write_slopes(shift, slope, &mut gradient.all)
            })
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}

/// The gradient, and how much of it belongs to the input; the rest belongs to what fills the last row.
struct Gradient {
    all: Vec<f64>,
    count: usize,
}

impl Serialize for Gradient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all[..self.count].serialize(serializer)
    }
}
