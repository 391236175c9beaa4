//! `ode`: a system of differential equations, solved by Runge and Kutta's method of fourth order.
//!
//! y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁, from y = 0 at time 0 to time 2. Wanted is the gradient in x of the last y.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::{Differentiable, Program};
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

/// The time the solution spans.
const SPAN: f64 = 2.0;

/// The stages of a step, and so how many places on a step carries a value of y.
const STAGES: usize = 4;

/// How many numbers go through all stages of a step while they are in cache.
const BLOCK: usize = 512;

/// Solves in blocks, with memory kept between steps: the slopes of a block, and of the places before it that it depends
/// on, at each stage.
struct Solver<D> {
    slopes: [Vec<D>; STAGES],
}

impl<D: Differentiable<Scalar = f64>> Solver<D> {
    /// For so many numbers at most.
    fn new(count: usize) -> Self {
        let most = count.min(BLOCK) + STAGES;
        Self { slopes: std::array::from_fn(|_| vec![D::zero(); most]) }
    }

    /// Writes y after so many steps.
    #[inline(always)]
    fn solve(&mut self, x: &[D], steps: usize, y: &mut [D]) {
        y.fill(D::zero());
        // Loops rather than closures, which would not be compiled for the processor at hand.
        for _ in 0..steps {
            self.step(x, y, SPAN / steps as f64);
        }
    }

    /// Moves y on by a step of length h. The last block goes first, since the others depend on nothing behind them.
    #[inline(always)]
    fn step(&mut self, x: &[D], y: &mut [D], h: f64) {
        for start in (0..x.len()).step_by(BLOCK).rev() {
            let (first, end) = (start.saturating_sub(STAGES), x.len().min(start + BLOCK));
            self.find_slopes(&x[first..end], &y[first..end], h, start == 0);
            self.advance(start - first, &mut y[start..end], h);
        }
    }

    /// The slopes at the four stages. Where a block is not the first, those at its first places are not right, and needed
    /// for none of its own.
    #[inline(always)]
    fn find_slopes(&mut self, x: &[D], y: &[D], h: f64, is_first: bool) {
        let [k1, k2, k3, k4] = &mut self.slopes;
        if is_first {
            for k in [&mut *k1, k2, k3, k4] {
                k[0] = x[0];
            }
        }
        for (k, (&y, &x)) in k1[1..].iter_mut().zip(y.iter().zip(&x[1..])) {
            *k = x * y;
        }
        later_stage(x, y, k1, k2, h / 2.0);
        later_stage(x, y, k2, k3, h / 2.0);
        later_stage(x, y, k3, k4, h);
    }

    /// Moves the block on, along the mean of the slopes. So many places come before it.
    #[inline(always)]
    fn advance(&self, before: usize, y: &mut [D], h: f64) {
        let [k1, k2, k3, k4] = &self.slopes;
        let [k1, k2, k3, k4] = [&k1[before..], &k2[before..], &k3[before..], &k4[before..]];
        let (outer, inner) = (k1.iter().zip(k4), k2.iter().zip(k3));
        for (y, ((&k1, &k4), (&k2, &k3))) in y.iter_mut().zip(outer.zip(inner)) {
            *y += (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0);
        }
    }
}

pub(crate) fn solve<D: Differentiable<Scalar = f64>>(x: &[D], steps: usize) -> Vec<D> {
    let mut y = vec![D::zero(); x.len()];
    Solver::new(x.len()).solve(x, steps, &mut y);
    y
}

/// How many numbers go through all steps while they are in cache, at least.
const SEGMENT: usize = 1 << 13;

/// The slopes at a stage, given those at the stage before and how far along them it is.
#[inline(always)]
fn later_stage<D: Differentiable<Scalar = f64>>(x: &[D], y: &[D], before: &[D], after: &mut [D], h: f64) {
    for ((after, &k), (&y, &x)) in after[1..].iter_mut().zip(before).zip(y.iter().zip(&x[1..])) {
        *after = x * (y + k * h);
    }
}

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
