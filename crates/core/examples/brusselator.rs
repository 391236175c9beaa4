//! The Brusselator in two dimensions by implicit steps: Newton's method with a sparse Jacobian that is planned once,
//! and a sparse LU whose structure is found once.
//!
//! Two substances react and spread on the unit square, and nothing flows across its edges:
//! u′ = 1 + u²v − 4.4u + αΔu and v′ = 3.4u − u²v + αΔv. The finer the grid, the shorter are the steps that an explicit method can
//! take; the trapezoidal rule takes steps as long as the reaction allows, and solves a system of equations for each.
//!
//! `cargo run --release -p dualtape --features faer --example brusselator -- [SIDE] [STEPS]`: 64 × 64 places and 3
//! steps by default. 700 × 700 places are nearly a million unknowns.

use dualtape::integrations::faer::matrix_by_columns;
use dualtape::sparse::{Columns, SparseJacobian, SparseWorkspace};
use dualtape::{Differentiable, Program, program::Wrt};
use faer::ColMut;
use faer::prelude::Solve;
use faer::sparse::linalg::solvers::{Lu, SymbolicLu};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// α, how fast the substances spread.
const SPREAD: f64 = 0.02;

/// Newton's method ends when no residual is larger.
const TOLERANCE: f64 = 1e-10;

/// The rates of all unknowns: u and v of the first place, then of the next, row after row.
fn rates<D: Differentiable<Scalar = f64>>(side: usize, x: &[D]) -> Vec<D> {
    let scale = SPREAD * ((side - 1) * (side - 1)) as f64;
    let mut rates = Vec::with_capacity(x.len());
    for place in 0..side * side {
        let (row, column) = (place / side, place % side);
        // Beyond an edge is the place itself, so that nothing flows there.
        let around = [
            row.saturating_sub(1) * side + column,
            (row + 1).min(side - 1) * side + column,
            row * side + column.saturating_sub(1),
            row * side + (column + 1).min(side - 1),
        ];
        let spread = |substance: usize| {
            let [a, b, c, d] = around.map(|neighbour| x[2 * neighbour + substance]);
            (a + b + c + d - x[2 * place + substance] * 4.0) * scale
        };
        let (u, v) = (x[2 * place], x[2 * place + 1]);
        let reaction = u * u * v;
        rates.push(reaction - u * 4.4 + 1.0 + spread(0));
        rates.push(u * 3.4 - reaction + spread(1));
    }
    rates
}

/// Uneven at first: u across rows, v across columns.
fn start(side: usize) -> Vec<f64> {
    let hill = |at: usize| {
        let t = at as f64 / (side - 1) as f64;
        t * (1.0 - t).powf(1.5)
    };
    (0..side * side).flat_map(|place| [22.0 * hill(place / side), 27.0 * hill(place % side)]).collect()
}

/// The largest absolute value.
fn size(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |size, x| x.abs().max(size))
}

/// Numbers, short.
fn short(numbers: &[f64]) -> String {
    numbers.iter().map(|x| format!("{x:.1e}")).collect::<Vec<_>>().join(", ")
}

/// What is computed once for all steps.
struct Trapezoid {
    plan: SparseJacobian<f64>,
    workspace: SparseWorkspace<f64>,
    columns: Columns,
    /// Where the diagonal is among the entries.
    diagonal: Vec<usize>,
    symbolic: SymbolicLu<u32>,
    values: Vec<f64>,
    by_columns: Vec<f64>,
    times: Vec<(&'static str, Duration)>,
}

impl Trapezoid {
    fn new(side: usize) -> Outcome<Self> {
        let (x, mut times) = (start(side), Vec::new());
        let program = timed(&mut times, "recording", || Program::record(|x| rates(side, x), &x))?;
        let plan = timed(&mut times, "planning", || SparseJacobian::new(&program, Wrt::Both))?;
        let pattern = plan.pattern();
        let columns = Columns::of(pattern);
        // Each substance is used up by itself, so that the matrix has its whole diagonal.
        let diagonal = (0..x.len()).map(|i| pattern.position(i, i).expect("it has a diagonal")).collect();
        let (values, by_columns) = (vec![0.0; pattern.len()], vec![0.0; pattern.len()]);
        let matrix = matrix_by_columns(&columns, &by_columns)?;
        let symbolic = timed(&mut times, "structure of LU", || SymbolicLu::try_new(matrix.symbolic()))?;
        let workspace = plan.workspace();
        Ok(Self { plan, workspace, columns, diagonal, symbolic, values, by_columns, times })
    }

    /// One step of a width: solves x − ½h·f(x) = x₀ + ½h·f(x₀) by Newton's method from x = x₀. Returns the largest residual
    /// before each iteration and after the last.
    fn step(&mut self, x: &mut [f64], width: f64) -> Outcome<Vec<f64>> {
        let (half, mut rates, mut residuals) = (width / 2.0, vec![0.0; x.len()], Vec::new());
        let mut goal = Vec::new();
        loop {
            // The rates come along with their Jacobian.
            let (plan, workspace, values) = (&self.plan, &mut self.workspace, &mut self.values);
            timed(&mut self.times, "evaluating", || plan.evaluate(workspace, x, &mut rates, values))?;
            if goal.is_empty() {
                goal = x.iter().zip(&rates).map(|(x, rate)| x + half * rate).collect();
            }
            let residual = |i: usize| x[i] - half * rates[i] - goal[i];
            let mut change: Vec<f64> = (0..x.len()).map(residual).collect();
            residuals.push(size(&change));
            if size(&change) < TOLERANCE {
                return Ok(residuals);
            }
            if residuals.len() > 10 {
                return Err(format!("Newton's method does not converge: {residuals:?}").into());
            }
            // The residual's Jacobian, I − ½h·J, in place of the rates'.
            self.values.iter_mut().for_each(|value| *value *= -half);
            self.diagonal.iter().for_each(|&entry| self.values[entry] += 1.0);
            self.columns.gather(&self.values, &mut self.by_columns)?;
            let matrix = matrix_by_columns(&self.columns, &self.by_columns)?;
            let symbolic = self.symbolic.clone();
            let lu = timed(&mut self.times, "factorising", || Lu::try_new_with_symbolic(symbolic, matrix))?;
            timed(&mut self.times, "solving", || lu.solve_in_place(ColMut::from_slice_mut(&mut change)));
            x.iter_mut().zip(&change).for_each(|(x, change)| *x -= change);
        }
    }
}

fn timed<T>(times: &mut Vec<(&'static str, Duration)>, name: &'static str, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let made = work();
    times.push((name, begin.elapsed()));
    made
}

/// The classical Runge–Kutta method of order 4, by equal steps.
fn runge_kutta(side: usize, x: &mut [f64], time: f64, steps: usize) {
    let width = time / steps as f64;
    for _ in 0..steps {
        let begin = x.to_vec();
        let mut derivative = vec![0.0; x.len()];
        for (part, weight) in [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)] {
            let there: Vec<f64> = begin.iter().zip(&derivative).map(|(x, k)| x + part * width * k).collect();
            derivative = rates(side, &there);
            x.iter_mut().zip(&derivative).for_each(|(x, k)| *x += weight * width / 6.0 * k);
        }
    }
}

/// On a small grid, compared with an explicit integration whose steps are so short that its errors do not matter:
/// halving the steps divides the error of the trapezoidal rule by four.
fn compare(side: usize) -> Outcome<()> {
    let (time, mut exact, mut method) = (0.5, start(side), Trapezoid::new(side)?);
    runge_kutta(side, &mut exact, time, 2000);
    let mut error = |steps: usize| -> Outcome<f64> {
        let mut x = start(side);
        for _ in 0..steps {
            method.step(&mut x, time / steps as f64)?;
        }
        Ok(size(&x.iter().zip(&exact).map(|(x, exact)| x - exact).collect::<Vec<_>>()))
    };
    let (coarse, fine) = (error(100)?, error(200)?);
    println!(
        "{side} × {side}, against small explicit steps: off by {coarse:.1e}, by half the steps {fine:.1e}"
    );
    assert!(fine < 1e-3, "the solution is off by {fine:e}");
    assert!((3.8..4.2).contains(&(coarse / fine)), "{coarse:e} became {fine:e}, not a quarter");
    Ok(())
}

fn main() -> Outcome<()> {
    let mut numbers = std::env::args().skip(1).map(|word| {
        let number = word.parse::<usize>().ok().filter(|number| (1..=10_000).contains(number));
        number.ok_or(format!("`{word}` is not a whole number from 1 to 10000"))
    });
    let side = numbers.next().transpose()?.unwrap_or(64).max(2);
    let steps = numbers.next().transpose()?.unwrap_or(3);
    compare(12)?;

    let mut method = Trapezoid::new(side)?;
    let (unknowns, entries) = (2 * side * side, method.plan.pattern().len());
    let products = method.plan.colouring().products();
    println!("{side} × {side}: {unknowns} unknowns, {entries} entries by {products} products");
    let mut x = start(side);
    for step in 1..=steps {
        let residuals = method.step(&mut x, 0.05)?;
        println!("step {step}, residuals: {}", short(&residuals));
        // Once below 1, each is at most the square of the one before, as far as rounding lets see.
        for pair in residuals.windows(2).filter(|pair| pair[0] < 1.0) {
            assert!(pair[1] < pair[0] * pair[0] + TOLERANCE, "not quadratic: {residuals:?}");
        }
    }
    for name in ["recording", "planning", "structure of LU", "evaluating", "factorising", "solving"] {
        let times: Vec<_> = method.times.iter().filter(|time| time.0 == name).map(|time| time.1).collect();
        let mean = times.iter().sum::<Duration>() / times.len() as u32;
        println!("{name:<16} {mean:>9.1?}, {} times", times.len());
    }
    Ok(())
}
