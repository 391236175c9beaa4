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

/// This sum, and after it its derivative with respect to each x, which affects only its own term.
fn total_and_derivatives<D: Differentiable>(shift: D, x: &[D]) -> Vec<D> {
    let derivative = |&x| derivative(|x| term(Dual::lift(shift), x), x).1;
    std::iter::once(total(shift, x)).chain(x.iter().map(derivative)).collect()
}

/// The logarithm, shifted back.
pub(crate) fn log_total<D: Differentiable>(shift: D, total: D) -> D {
    total.ln() + shift
}

fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// The largest x, and at least the smallest finite number, so that x may be −∞ throughout. Several maxima are computed
/// at a time, since each one waits for the previous.
pub(crate) fn largest(x: &[f64]) -> f64 {
    const SIDE: usize = 16;
    let (parts, rest) = x.as_chunks::<SIDE>();
    let mut largest = [f64::MIN; SIDE];
    for part in parts {
        largest.iter_mut().zip(part).for_each(|(largest, &x)| *largest = larger(*largest, x));
    }
    largest.iter().chain(rest).copied().fold(f64::MIN, larger)
}

/// How many x form one point of a batch.
const WIDTH: usize = 32;

/// How many x a thread processes at a time: they and their derivatives stay in the cache.
const CHUNK: usize = WIDTH << 7;

/// What is known of a chunk: its largest x, and Σ exp of all its x, shifted by that.
///
/// Each chunk has a shift of its own, so that memory is read once.
#[derive(Clone, Copy, Default)]
struct Part {
    shift: f64,
    total: f64,
}

/// The logarithm of the sum over all chunks, given their totals.
fn log_of_parts<D: Differentiable<Scalar = f64>>(parts: &[Part], totals: &[D]) -> D {
    let shift = parts.iter().map(|part| part.shift).fold(f64::NEG_INFINITY, larger);
    let shifted = parts.iter().zip(totals).map(|(part, &total)| total * term(shift, part.shift));
    log_total(shift.into(), D::sum_of(&shifted.collect::<Vec<_>>()))
}

/// All x, with recordings of Σ exp over a row of them, and of its derivatives. The rows are the points of a batch.
struct Terms {
    x: Vec<f64>,
    total: Program<f64>,
    total_and_derivatives: Program<f64>,
    /// One workspace for each thread.
    workers: Vec<Worker>,
    parts: Vec<Part>,
}

impl Terms {
    fn new(mut x: Vec<f64>) -> Result<Self, Failure> {
        // The last row is padded with −∞, which adds nothing.
        x.resize(x.len().next_multiple_of(WIDTH), f64::NEG_INFINITY);
        let total = Program::record_with_data(|shift, x| total(shift[0], x), &[0.0], &[0.0; WIDTH])?;
        let total_and_derivatives =
            Program::record_with_data(|shift, x| total_and_derivatives(shift[0], x), &[0.0], &[0.0; WIDTH])?;
        let worker = |_| Worker {
            x: Vec::new(),
            outputs: Vec::new(),
            total: total.batch_workspace(),
            total_and_derivatives: total_and_derivatives.batch_workspace(),
        };
        let workers = (0..rayon::current_num_threads()).map(worker).collect();
        let parts = vec![Part::default(); x.len().div_ceil(CHUNK)];
        Ok(Self { x, total, total_and_derivatives, workers, parts })
    }

    /// How many chunks each thread takes.
    fn share(&self) -> usize {
        self.parts.len().div_ceil(self.workers.len())
    }

    fn totals(&self) -> Vec<f64> {
        self.parts.iter().map(|part| part.total).collect()
    }

    fn primal(&mut self) -> Result<f64, Failure> {
        let share = self.share();
        let Self { x, total, workers, parts, .. } = self;
        let shares = x.par_chunks(share * CHUNK).zip(parts.par_chunks_mut(share)).zip(workers);
        shares.try_for_each(|((x, parts), worker)| {
            x.chunks(CHUNK).zip(parts).try_for_each(|(x, part)| {
                *part = worker.part(total, x)?;
                Ok::<_, Error>(())
            })
        })?;
        Ok(log_of_parts(&self.parts, &self.totals()))
    }

    fn gradient(&mut self, gradient: &mut [f64]) -> Result<(), Failure> {
        let share = self.share();
        let Self { x, total_and_derivatives, workers, parts, .. } = self;
        let of_x = x.par_chunks(share * CHUNK).zip(gradient.par_chunks_mut(share * CHUNK));
        of_x.zip(parts.par_chunks_mut(share)).zip(workers).try_for_each(
            |(((x, gradient), parts), worker)| {
                let mut chunks = x.chunks(CHUNK).zip(gradient.chunks_mut(CHUNK)).zip(parts);
                chunks.try_for_each(|((x, gradient), part)| {
                    *part = worker.part_and_derivatives(total_and_derivatives, x, gradient)?;
                    Ok::<_, Error>(())
                })
            },
        )?;
        let (_, factors) = dualtape::gradient(|totals| log_of_parts(&self.parts, totals), &self.totals());
        gradient.par_chunks_mut(CHUNK).zip(&factors).for_each(|(gradient, factor)| {
            gradient.iter_mut().for_each(|derivative| *derivative *= factor);
        });
        Ok(())
    }
}

/// The working memory of a thread.
struct Worker {
    x: Vec<f64>,
    outputs: Vec<f64>,
    total: BatchWorkspace<f64>,
    total_and_derivatives: BatchWorkspace<f64>,
}

impl Worker {
    fn part(&mut self, total: &Program<f64>, x: &[f64]) -> Result<Part, Error> {
        let shift = largest(x);
        self.outputs.resize(x.len() / WIDTH, 0.0);
        let rows = near(&mut self.x, x);
        total.values(&mut self.total, &[shift], &rows, &mut self.outputs)?;
        Ok(Part { shift, total: self.outputs.iter().sum() })
    }

    /// Also writes the derivative of the part's total with respect to each x.
    fn part_and_derivatives(
        &mut self,
        total_and_derivatives: &Program<f64>,
        x: &[f64],
        derivatives: &mut [f64],
    ) -> Result<Part, Error> {
        let shift = largest(x);
        self.outputs.resize(x.len() / WIDTH * (1 + WIDTH), 0.0);
        let rows = near(&mut self.x, x);
        total_and_derivatives.values(&mut self.total_and_derivatives, &[shift], &rows, &mut self.outputs)?;
        let mut total = 0.0;
        for (row, derivatives) in
            self.outputs.chunks_exact(1 + WIDTH).zip(derivatives.chunks_exact_mut(WIDTH))
        {
            total += row[0];
            derivatives.copy_from_slice(&row[1..]);
        }
        Ok(Part { shift, total })
    }
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
            *y = terms.primal()?;
            Ok(())
        }),
        "gradient" => {
            let gradient = vec![f64::NAN; terms.x.len()];
            clock.run(Gradient { all: gradient, count }, |gradient| terms.gradient(&mut gradient.all))
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
