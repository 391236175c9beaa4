//! `ode`: a system of differential equations, solved by Runge and Kutta's method of fourth order.
//!
//! y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁, from y = 0 at time 0 to time 2. Wanted is the gradient in x of the last y.

use super::measure::{Clock, Failure, Reply, parse};
use dualtape::{Differentiable, Program};
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
    fn new() -> Self {
        let most = BLOCK + STAGES;
        Self { slopes: std::array::from_fn(|_| vec![D::zero(); most]) }
    }

    /// Writes y after so many steps.
    fn solve(&mut self, x: &[D], steps: usize, y: &mut [D]) {
        y.fill(D::zero());
        (0..steps).for_each(|_| self.step(x, y, SPAN / steps as f64));
    }

    /// Moves y on by a step of length h. The last block goes first, since the others depend on nothing behind them.
    fn step(&mut self, x: &[D], y: &mut [D], h: f64) {
        for start in (0..x.len()).step_by(BLOCK).rev() {
            let (first, end) = (start.saturating_sub(STAGES), x.len().min(start + BLOCK));
            self.find_slopes(&x[first..end], &y[first..end], h, start == 0);
            self.advance(start - first, &mut y[start..end], h);
        }
    }

    /// The slopes at the four stages. Where a block is not the first, those at its first places are not right, and needed
    /// for none of its own.
    fn find_slopes(&mut self, x: &[D], y: &[D], h: f64, is_first: bool) {
        let [k1, k2, k3, k4] = &mut self.slopes;
        if is_first {
            [&mut *k1, k2, k3, k4].into_iter().for_each(|k| k[0] = x[0]);
        }
        // yᵢ₋₁ and xᵢ.
        let pairs = || y.iter().zip(&x[1..]);
        k1[1..].iter_mut().zip(pairs()).for_each(|(k, (&y, &x))| *k = x * y);
        let later = |before: &[D], after: &mut [D], h: f64| {
            let places = after[1..].iter_mut().zip(before).zip(pairs());
            places.for_each(|((after, &k), (&y, &x))| *after = x * (y + k * h));
        };
        later(k1, k2, h / 2.0);
        later(k2, k3, h / 2.0);
        later(k3, k4, h);
    }

    /// Moves the block on, along the mean of the slopes. So many places come before it.
    fn advance(&self, before: usize, y: &mut [D], h: f64) {
        let [k1, k2, k3, k4] = self.slopes.each_ref().map(|slopes| &slopes[before..]);
        let (outer, inner) = (k1.iter().zip(k4), k2.iter().zip(k3));
        for (y, ((&k1, &k4), (&k2, &k3))) in y.iter_mut().zip(outer.zip(inner)) {
            *y += (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0);
        }
    }
}

pub(crate) fn solve<D: Differentiable<Scalar = f64>>(x: &[D], steps: usize) -> Vec<D> {
    let mut y = vec![D::zero(); x.len()];
    Solver::new().solve(x, steps, &mut y);
    y
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
        "primal" => {
            let mut solver = Solver::new();
            clock.run(vec![0.0; x.len()], |y| {
                solver.solve(&x, s, y);
                Ok(())
            })
        }
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
