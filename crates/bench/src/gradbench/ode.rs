//! `ode`: a system of differential equations, solved with the fourth-order Runge–Kutta method.
//!
//! y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁, from y = 0 at time 0 to time 2. The result is the gradient of the last y with respect to x.

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

/// The least number of components that go through all steps while they are in the cache.
const SEGMENT: usize = 1 << 13;

/// Solves for some components, compiled for the instructions of this processor.
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

/// Writes y after a number of steps, segment by segment. A segment is solved together with the components before it that it
/// depends on, so threads need not wait for each other.
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

/// The components that the last y depends on after a number of steps; they are the last ones.
fn domain<D>(x: &[D], steps: usize) -> &[D] {
    &x[x.len().saturating_sub(STAGES.saturating_mul(steps) + 1)..]
}

/// The most components, times steps, for which a solution is recorded, with about 20 operations for each.
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
            "the last y depends on {} numbers in {s} steps; expected at most {RECORDED} over all steps",
            domain(&x, s).len()
        ))),
        // The last y depends only on the last components and on few values of each step; the recording contains no others.
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
