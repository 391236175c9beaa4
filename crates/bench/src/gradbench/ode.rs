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

/// How fast y changes.
fn slope<D: Differentiable<Scalar = f64>>(x: &[D], y: &[D]) -> Vec<D> {
    let first = x.first().copied();
    first.into_iter().chain(x.iter().skip(1).zip(y).map(|(&x, &before)| x * before)).collect()
}

/// y after a step of length h.
fn step<D: Differentiable<Scalar = f64>>(x: &[D], y: &[D], h: f64) -> Vec<D> {
    let along = |k: &[D], h: f64| -> Vec<D> { y.iter().zip(k).map(|(&y, &k)| y + k * h).collect() };
    let k1 = slope(x, y);
    let k2 = slope(x, &along(&k1, h / 2.0));
    let k3 = slope(x, &along(&k2, h / 2.0));
    let k4 = slope(x, &along(&k3, h));
    let mean = |i: usize| k1[i] + k2[i] * 2.0 + k3[i] * 2.0 + k4[i];
    (0..y.len()).map(|i| y[i] + mean(i) * (h / 6.0)).collect()
}

pub(crate) fn solve<D: Differentiable<Scalar = f64>>(x: &[D], steps: usize) -> Vec<D> {
    let start = vec![D::zero(); x.len()];
    (0..steps).fold(start, |y, _| step(x, &y, SPAN / steps as f64))
}

/// Up to so many numbers, times steps, the whole solution is recorded: some 20 operations for each.
const RECORDED: usize = 1 << 20;

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { x, s } = parse(input)?;
    match function {
        "primal" => clock.run(Vec::new(), |y| {
            *y = solve(&x, s);
            Ok(())
        }),
        "gradient" if x.is_empty() => Err(Failure("x is empty: there is no last y".to_owned())),
        // The last y hangs on few values of each step; the recording keeps no others.
        "gradient" if x.len().saturating_mul(s) <= RECORDED => {
            let last = |x: &[_]| *solve(x, s).last().expect("x is not empty");
            let program = Program::record(last, &x)?.optimized();
            let mut workspace = program.workspace();
            clock.run(vec![0.0; x.len()], |gradient| {
                program.gradient(&mut workspace, &x, gradient)?;
                Ok(())
            })
        }
        "gradient" => {
            let mut by_steps = BySteps::new(&x, s)?;
            clock.run(vec![0.0; x.len()], |gradient| by_steps.gradient(gradient))
        }
        _ => Err(Failure::function(function, "primal and gradient")),
    }
}

/// The gradient where a recording of all steps would not fit: y is kept from each step, and one recorded step
/// carries the adjoints back from the last to the first.
struct BySteps {
    program: Program<f64>,
    workspace: dualtape::program::Workspace<f64>,
    x: Vec<f64>,
    h: f64,
    /// x, followed by y before each step.
    states: Vec<Vec<f64>>,
}

impl BySteps {
    fn new(x: &[f64], steps: usize) -> Result<Self, Failure> {
        let (n, h) = (x.len(), SPAN / steps as f64);
        let program = Program::record(|both| step(&both[..n], &both[n..], h), &[x, x].concat())?.optimized();
        let workspace = program.workspace();
        Ok(Self { program, workspace, x: x.to_vec(), h, states: vec![vec![0.0; 2 * n]; steps] })
    }

    fn gradient(&mut self, gradient: &mut [f64]) -> Result<(), Failure> {
        let n = self.x.len();
        let mut y = vec![0.0; n];
        for state in &mut self.states {
            state[..n].copy_from_slice(&self.x);
            state[n..].copy_from_slice(&y);
            y = step(&self.x, &y, self.h);
        }
        gradient.fill(0.0);
        let mut adjoint = vec![0.0; n];
        adjoint[n - 1] = 1.0;
        let mut product = vec![0.0; 2 * n];
        for state in self.states.iter().rev() {
            self.program.vjp(&mut self.workspace, state, &adjoint, &mut y, &mut product)?;
            gradient.iter_mut().zip(&product[..n]).for_each(|(sum, gain)| *sum += gain);
            adjoint.copy_from_slice(&product[n..]);
        }
        Ok(())
    }
}
