//! `ode`: a system of differential equations, solved by Runge and Kutta's method of fourth order.
//!
//! y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁, from y = 0 at time 0 to time 2. Wanted is the gradient in x of the last y.

use super::measure::{Clock, Failure, Reply, parse};
use crate::functions::ode::{STAGES, Solver, solve};
use dualtape::Program;
use pulp::WithSimd;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    x: Vec<f64>,
    /// The number of steps.
    s: usize,
}

/// How many numbers go through all steps while they are in cache, at least.
const SEGMENT: usize = 1 << 13;

/// Some numbers and how y moves with them, compiled for the processor at hand.
struct Segment<'a> {
    solver: &'a mut Solver<f64>,
    x: &'a [f64],
    steps: usize,
    y: &'a mut [f64],
}

impl WithSimd for Segment<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.solver.solve(self.x, self.steps, self.y);
    }
}

/// Writes y after so many steps, segment by segment. A segment is solved together with the numbers before it that it
/// depends on, so that threads need not wait for each other.
fn solve_by_segments(x: &[f64], steps: usize, y: &mut [f64]) {
    let before = STAGES.saturating_mul(steps);
    let length = SEGMENT.max(before.saturating_mul(16));
    let start = || (Solver::new(x.len()), Vec::new());
    y.par_chunks_mut(length).enumerate().for_each_init(start, |(solver, whole), (index, own)| {
        let (first, end) = ((index * length).saturating_sub(before), index * length + own.len());
        whole.resize(end - first, 0.0);
        pulp::Arch::new().dispatch(Segment { solver, x: &x[first..end], steps, y: whole });
        own.copy_from_slice(&whole[end - first - own.len()..]);
    });
}

/// The numbers that the last y depends on after so many steps, which are the last ones.
fn domain<D>(x: &[D], steps: usize) -> &[D] {
    &x[x.len().saturating_sub(STAGES.saturating_mul(steps) + 1)..]
}

/// The most numbers, times steps, of which a solution is recorded: some 20 operations for each.
const RECORDED: usize = 1 << 22;

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { x, s } = parse(input)?;
    match function {
        "primal" => clock.run(vec![0.0; x.len()], |y| {
            solve_by_segments(&x, s, y);
            Ok(())
        }),
        "gradient" if x.is_empty() => Err(Failure("x is empty: there is no last y".to_owned())),
        "gradient" if domain(&x, s).len().saturating_mul(s) > RECORDED => Err(Failure(format!(
            "the last y depends on {} numbers in {s} steps: at most {RECORDED} are recorded, of all steps together",
            domain(&x, s).len()
        ))),
        // The last y hangs on the last numbers only, and on few values of each step; the recording keeps no others.
        "gradient" => {
            let own = domain(&x, s);
            let last = |x: &[_]| *solve(x, s).last().expect("x is not empty");
            let program = Program::record(last, own)?.optimized();
            let mut workspace = program.workspace();
            let others = x.len() - own.len();
            clock.run(vec![0.0; x.len()], |gradient| {
                program.gradient(&mut workspace, own, &mut gradient[others..])?;
                Ok(())
            })
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}
