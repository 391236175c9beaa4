//! `lse`: log Σ exp xᵢ, shifted by the largest x so that nothing overflows.
//!
//! The result does not depend on the shift, so the shift is a plain number without a derivative.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::program::{BatchWorkspace, Rows};
use dualtape::{Differentiable, Dual, Error, Program, derivative};
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

/// The derivatives of this sum, times a factor. Each x affects only its own term.
fn derivatives<D: Differentiable>(shift: D, factor: D, x: &[D]) -> Vec<D> {
    let derivative = |&x| derivative(|x| term(Dual::lift(shift), x) * Dual::lift(factor), x).1;
    x.iter().map(derivative).collect()
}

/// The logarithm, shifted back.
pub(crate) fn log_total<D: Differentiable>(shift: D, total: D) -> D {
    total.ln() + shift
}

/// The largest x. Several maxima are computed at a time, since each one waits for the previous.
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

/// How many x form one point of a batch.
const WIDTH: usize = 32;

/// How many x a thread processes at a time: they and their derivatives stay in the cache.
const CHUNK: usize = WIDTH << 7;

/// All x, with a recording of Σ exp over a row of them. The rows are the points of a batch.
struct Terms {
    x: Vec<f64>,
    total: Program<f64>,
    /// The derivatives of this sum times a factor, which is a second parameter.
    derivatives: Program<f64>,
    /// One workspace for each thread.
    workers: Vec<Worker>,
    /// Σ exp of each row.
    totals: Vec<f64>,
}

impl Terms {
    fn new(mut x: Vec<f64>) -> Result<Self, Failure> {
        // The last row is padded with −∞, which adds nothing.
        x.resize(x.len().next_multiple_of(WIDTH), f64::NEG_INFINITY);
        let total = Program::record_with_data(|shift, x| total(shift[0], x), &[0.0], &[0.0; WIDTH])?;
        let derivatives =
            Program::record_with_data(|p, x| derivatives(p[0], p[1], x), &[0.0, 1.0], &[0.0; WIDTH])?;
        let worker = |_| Worker {
            x: Vec::new(),
            total: total.batch_workspace(),
            derivatives: derivatives.batch_workspace(),
        };
        let workers = (0..rayon::current_num_threads()).map(worker).collect();
        let totals = vec![0.0; x.len() / WIDTH];
        Ok(Self { x, total, derivatives, workers, totals })
    }

    /// How many x each thread takes.
    fn share(&self) -> usize {
        self.totals.len().div_ceil(self.workers.len()) * WIDTH
    }

    /// The largest x, and Σ exp of all x, shifted by it.
    fn shift_and_total(&mut self) -> Result<(f64, f64), Failure> {
        let share = self.share();
        let Self { x, total, workers, totals, .. } = self;
        let shift = x.par_chunks(CHUNK).map(largest).reduce(|| f64::NEG_INFINITY, f64::max);
        let shares = x.par_chunks(share).zip(totals.par_chunks_mut(share / WIDTH)).zip(workers);
        let summed: Result<(), Error> = shares.try_for_each(|((x, totals), worker)| {
            let mut chunks = x.chunks(CHUNK).zip(totals.chunks_mut(CHUNK / WIDTH));
            chunks.try_for_each(|(x, totals)| {
                let rows = near(&mut worker.x, x);
                total.values(&mut worker.total, &[shift], &rows, totals)
            })
        });
        summed?;
        Ok((shift, totals.iter().sum()))
    }

    /// Writes the derivative with respect to each x, given the derivative with respect to Σ exp of all.
    fn write_derivatives(
        &mut self,
        shift: f64,
        derivative: f64,
        gradient: &mut [f64],
    ) -> Result<(), Failure> {
        let share = self.share();
        let Self { x, derivatives, workers, .. } = self;
        let shares = x.par_chunks(share).zip(gradient.par_chunks_mut(share)).zip(workers);
        let written: Result<(), Error> = shares.try_for_each(|((x, gradient), worker)| {
            let mut chunks = x.chunks(CHUNK).zip(gradient.chunks_mut(CHUNK));
            chunks.try_for_each(|(x, gradient)| {
                let rows = near(&mut worker.x, x);
                derivatives.values(&mut worker.derivatives, &[shift, derivative], &rows, gradient)
            })
        });
        Ok(written?)
    }
}

/// The working memory of a thread.
struct Worker {
    x: Vec<f64>,
    total: BatchWorkspace<f64>,
    derivatives: BatchWorkspace<f64>,
}

/// A copy of rows of x: lanes read many rows alternately, but memory is fast only when read in order.
fn near<'a>(copy: &'a mut Vec<f64>, x: &[f64]) -> Rows<'a, f64> {
    copy.clear();
    copy.extend_from_slice(x);
    Rows::new(copy, WIDTH)
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
                let (_, derivative) = derivative(|total| log_total(shift.into(), total), total);
                terms.write_derivatives(shift, derivative, &mut gradient.all)
            })
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}

/// The gradient, and how much of it belongs to the input; the rest belongs to the padding of the last row.
struct Gradient {
    all: Vec<f64>,
    count: usize,
}

impl Serialize for Gradient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all[..self.count].serialize(serializer)
    }
}
