//! A pendulum swung up at least cost: optimal control by direct collocation, its conditions solved by Newton's method with sparse
//! second derivatives and a sparse LU.
//!
//! The pendulum hangs at rest, and after two seconds is to stand at rest: θ″ = u − g·sin θ, least ∫u². Angles, speeds and
//! torques at the ends of intervals, and torques at their middles, are the unknowns z; on each interval the motion is a cubic
//! that obeys the equation at both ends and in the middle (Hermite–Simpson). Where cost f and conditions c(z) = 0 balance,
//! the Lagrangian f + λ·c has no derivative in z, and Newton's method solves
//!
//! ```text
//! ⎡ 0   A ⎤ ⎡ dλ ⎤     ⎡ c                            ⎤    A: the sparse Jacobian of c
//! ⎣ Aᵀ  H ⎦ ⎣ dz ⎦ = − ⎣ derivative of the Lagrangian in z ⎦    H: the sparse Hessian of the Lagrangian in z
//! ```
//!
//! The conditions hold at a motion that no small change makes cheaper, and may hold at others; which one is found
//! depends on the guess.

use dualtape::integrations::faer::matrix;
use dualtape::sparse::{Pattern, SparseHessian, SparseJacobian, SparseWorkspace};
use dualtape::{Differentiable, Program, program::Wrt};
use faer::ColMut;
use faer::prelude::Solve;
use faer::sparse::linalg::solvers::{Lu, SymbolicLu};
use std::f64::consts::PI;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Newton's method ends when no residual is larger.
const TOLERANCE: f64 = 1e-9;

/// From rest at angle 0 to rest at another.
#[derive(Clone, Copy)]
struct Swing {
    intervals: usize,
    seconds: f64,
    gravity: f64,
    goal: f64,
}

impl Swing {
    /// How many unknowns: angle, speed and torque at the ends of intervals, one after the other, and a torque between.
    fn unknowns(self) -> usize {
        4 * self.intervals + 3
    }

    fn width(self) -> f64 {
        self.seconds / self.intervals as f64
    }

    /// ∫u², by Simpson's rule.
    fn cost<D: Differentiable<Scalar = f64>>(self, z: &[D]) -> D {
        let [begin, middle, end] = [2, 3, 6];
        let of_interval = |k: usize| {
            let square = |place: usize| z[4 * k + place] * z[4 * k + place];
            (square(begin) + square(middle) * 4.0 + square(end)) * (self.width() / 6.0)
        };
        (0..self.intervals).map(of_interval).sum()
    }

    /// What has to be zero: two equations of each interval, then the state at both ends of time.
    fn conditions<D: Differentiable<Scalar = f64>>(self, z: &[D]) -> Vec<D> {
        let h = self.width();
        let derivative = |[angle, speed]: [D; 2], torque: D| [speed, torque - angle.sin() * self.gravity];
        let mut conditions = Vec::with_capacity(2 * self.intervals + 4);
        for at in z.windows(7).step_by(4) {
            let (begin, end) = ([at[0], at[1]], [at[4], at[5]]);
            let (first, last) = (derivative(begin, at[2]), derivative(end, at[6]));
            let middle = [0, 1].map(|i| (begin[i] + end[i]) * 0.5 + (first[i] - last[i]) * (h / 8.0));
            let between = derivative(middle, at[3]);
            for i in 0..2 {
                conditions.push(end[i] - begin[i] - (first[i] + between[i] * 4.0 + last[i]) * (h / 6.0));
            }
        }
        let end = 4 * self.intervals;
        conditions.extend([z[0], z[1], z[end] - self.goal, z[end + 1]]);
        conditions
    }

    /// From the start to the goal at one speed, without torque.
    fn guess(self) -> Vec<f64> {
        let speed = self.goal / self.seconds;
        let angle = |k: usize| self.goal * k as f64 / self.intervals as f64;
        (0..=self.intervals).flat_map(|k| [angle(k), speed, 0.0, 0.0]).take(self.unknowns()).collect()
    }
}

/// Numbers, short.
fn short(numbers: &[f64]) -> String {
    numbers.iter().map(|x| format!("{x:.1e}")).collect::<Vec<_>>().join(", ")
}

/// The plans of the Hessian and the Jacobian, and the places of their entries in the matrix of both.
struct Conditions {
    hessian: SparseHessian<f64>,
    jacobian: SparseJacobian<f64>,
    workspace: SparseWorkspace<f64>,
    pattern: Pattern,
    /// For each entry of the Hessian, its place.
    of_hessian: Vec<usize>,
    /// For each entry of the Jacobian, its place and that of its mirror image.
    of_jacobian: Vec<[usize; 2]>,
    hessian_values: Vec<f64>,
    jacobian_values: Vec<f64>,
    values: Vec<f64>,
}

impl Conditions {
    fn new(swing: Swing) -> Outcome<Self> {
        let (z, n) = (swing.guess(), swing.unknowns());
        let conditions = Program::record(|z| swing.conditions(z), &z)?;
        let m = conditions.outputs();
        // The multipliers are its parameters, in which it is not differentiated.
        let lagrangian = Program::record_with_data(
            |multipliers, z| swing.cost(z) + Differentiable::dot(multipliers, &swing.conditions(z)),
            &vec![1.0; m],
            &z,
        )?;
        let hessian = SparseHessian::new(&lagrangian, Wrt::Data)?;
        let jacobian = SparseJacobian::new(&conditions, Wrt::Both)?;
        let of_hessian: Vec<_> = hessian.pattern().entries().map(|(i, j)| (m + i, m + j)).collect();
        let of_jacobian: Vec<_> =
            jacobian.pattern().entries().map(|(i, j)| [(i, m + j), (m + j, i)]).collect();
        let entries = of_hessian.iter().chain(of_jacobian.as_flattened()).copied();
        let pattern = Pattern::from_entries(m + n, m + n, entries)?;
        let place = |(i, j)| pattern.position(i, j).expect("it is made of these entries");
        let of_hessian = of_hessian.into_iter().map(place).collect();
        let of_jacobian = of_jacobian.into_iter().map(|both| both.map(place)).collect();
        Ok(Self {
            workspace: hessian.workspace(),
            hessian_values: vec![0.0; hessian.pattern().len()],
            jacobian_values: vec![0.0; jacobian.pattern().len()],
            values: vec![0.0; pattern.len()],
            hessian,
            jacobian,
            pattern,
            of_hessian,
            of_jacobian,
        })
    }

    /// Writes what has to be zero at the multipliers and the unknowns after them, and the values of the matrix.
    fn evaluate(&mut self, point: &[f64], residual: &mut [f64]) -> Outcome<()> {
        let multipliers = self.jacobian.pattern().rows();
        let (conditions, gradient) = residual.split_at_mut(multipliers);
        let z = &point[multipliers..];
        self.hessian.evaluate(&mut self.workspace, point, gradient, &mut self.hessian_values)?;
        self.jacobian.evaluate(&mut self.workspace, z, conditions, &mut self.jacobian_values)?;
        for (value, &place) in self.hessian_values.iter().zip(&self.of_hessian) {
            self.values[place] = *value;
        }
        for (value, places) in self.jacobian_values.iter().zip(&self.of_jacobian) {
            places.iter().for_each(|&place| self.values[place] = *value);
        }
        Ok(())
    }
}

/// The solution, and the steps of Newton's method.
struct Solution {
    z: Vec<f64>,
    cost: f64,
    /// The largest condition before each iteration and after the last.
    residuals: Vec<f64>,
}

fn solve(swing: Swing) -> Outcome<Solution> {
    let mut conditions = Conditions::new(swing)?;
    let multipliers = conditions.jacobian.pattern().rows();
    let mut point = [vec![0.0; multipliers], swing.guess()].concat();
    let (mut residual, mut residuals) = (vec![0.0; point.len()], Vec::new());
    conditions.evaluate(&point, &mut residual)?;
    // The matrix is symmetric: its rows are its columns.
    let symbolic =
        SymbolicLu::try_new(matrix(&conditions.pattern, &conditions.values)?.transpose().symbolic())?;
    loop {
        residuals.push(residual.iter().fold(0.0, |size: f64, x| size.max(x.abs())));
        if residuals[residuals.len() - 1] < TOLERANCE {
            let z = point.split_off(multipliers);
            return Ok(Solution { cost: swing.cost(&z), z, residuals });
        }
        if residuals.len() > 50 {
            return Err(format!("Newton's method does not converge: {}", short(&residuals)).into());
        }
        let matrix = matrix(&conditions.pattern, &conditions.values)?.transpose();
        let lu = Lu::try_new_with_symbolic(symbolic.clone(), matrix)?;
        let mut change = residual.clone();
        lu.solve_in_place(ColMut::from_slice_mut(&mut change));
        // Half as far until the sum of squares falls, as it does along Newton's direction if the step is short enough.
        let squares = |residual: &[f64]| residual.iter().map(|x| x * x).sum::<f64>();
        let (before, begin, mut part) = (squares(&residual), point.clone(), 1.0);
        loop {
            point.iter_mut().zip(begin.iter().zip(&change)).for_each(|(x, (begin, c))| *x = begin - part * c);
            conditions.evaluate(&point, &mut residual)?;
            if squares(&residual) <= (1.0 - 1e-4 * part) * before {
                break;
            }
            part /= 2.0;
            if part < 1e-6 {
                return Err(format!("no step makes the conditions hold better than {before:e}").into());
            }
        }
    }
}

/// Without gravity the solution is known: torque falls evenly from 6·goal/seconds² to its negative and costs
/// 12·goal²/seconds³. Cubics describe that motion exactly, and the conditions are linear, so that one step solves them.
fn known() -> Outcome<()> {
    let swing = Swing { intervals: 100, seconds: 2.0, gravity: 0.0, goal: PI };
    let Solution { z, cost, residuals } = solve(swing)?;
    let (torque, exact) = (6.0 * PI / 4.0, 12.0 * PI * PI / 8.0);
    let at = |k: usize| torque * (1.0 - 2.0 * k as f64 / 100.0);
    let off = (0..=100).map(|k| (z[4 * k + 2] - at(k)).abs()).fold(0.0, f64::max);
    println!("without gravity, 1 step: cost {cost:.12}, known {exact:.12}; torque off by {off:.1e} at most");
    assert_eq!(residuals.len(), 2, "{residuals:?}");
    assert!((cost - exact).abs() < 1e-10 * exact && off < 1e-8, "{cost} is not {exact}, or {off:e} is much");
    Ok(())
}

fn main() -> Outcome<()> {
    known()?;
    let swing = |intervals| Swing { intervals, seconds: 2.0, gravity: 9.81, goal: PI };
    let plans = Conditions::new(swing(400))?;
    let (unknowns, entries) = (plans.pattern.rows(), plans.pattern.len());
    let products = [plans.hessian.colouring().products(), plans.jacobian.colouring().products()];
    println!("400 intervals: {unknowns} equations, {entries} entries by {products:?} products");
    let mut costs = Vec::new();
    for intervals in [100, 200, 400] {
        let Solution { z, cost, residuals } = solve(swing(intervals))?;
        println!("{intervals} intervals: cost {cost:.9}, conditions: {}", short(&residuals));
        let missed = swing(intervals).conditions(&z).iter().fold(0.0, |most: f64, c| most.max(c.abs()));
        assert!(missed < TOLERANCE, "the motion misses its equations by {missed:e}");
        costs.push(cost);
    }
    // The method is of order 4: on intervals half as wide, the error is a sixteenth.
    let ratio = (costs[0] - costs[1]) / (costs[1] - costs[2]);
    println!(
        "each time half as wide: the cost moves by {:.1e}, then {ratio:.1} times less",
        costs[1] - costs[0]
    );
    assert!((14.0..18.0).contains(&ratio), "{costs:?}");
    Ok(())
}
