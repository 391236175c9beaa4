//! Bundle adjustment: finds the positions of cameras and points from the positions of the points in pictures, by the
//! method of Levenberg and Marquardt with a sparse Jacobian that is planned once, and a sparse Cholesky
//! factorisation.
//!
//! `cargo run --release -p dualtape --features faer --example bundle_adjustment -- [FILE]`: a problem in the text
//! format of "Bundle Adjustment in the Large" (Agarwal, Snavely, Seitz and Szeliski 2010); without a file, a random
//! problem with a fixed seed, in the same format. The format is a line `cameras points observations`, for each
//! observation a line `camera point x y`, and then a number on each line: nine of each camera (a rotation as axis
//! times angle, a shift, the focal length and two numbers of its distortion) and three of each point.

use dualtape::integrations::faer::{matrix, matrix_by_columns};
use dualtape::sparse::{Columns, SparseJacobian};
use dualtape::{Differentiable, Program, program::Wrt};
use faer::prelude::{Reborrow, Solve};
use faer::sparse::linalg::matmul::sparse_sparse_matmul;
use faer::sparse::linalg::solvers::{Llt, SymbolicLlt};
use faer::{ColMut, ColRef, Par, Side};
use std::fmt::{Arguments, Write};
use std::str::FromStr;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const PER_CAMERA: usize = 9;
const PER_POINT: usize = 3;

/// Where a camera saw a point.
#[derive(Clone, Debug, PartialEq)]
struct Observation {
    camera: usize,
    point: usize,
    place: [f64; 2],
}

#[derive(Clone, Debug, PartialEq)]
struct Problem {
    cameras: usize,
    points: usize,
    observations: Vec<Observation>,
    /// Of all cameras, then of all points.
    parameters: Vec<f64>,
}

/// Where a camera sees a point. It looks along its negative z.
fn project<D: Differentiable<Scalar = f64>>(camera: &[D], point: &[D]) -> [D; 2] {
    let (turn, shift) = (&camera[..3], &camera[3..6]);
    // So little more than 0 that the angle has a derivative there, and sin(θ)/θ a value.
    let angle = (Differentiable::dot(turn, turn) + 1e-20).sqrt();
    let half = (angle * 0.5).sin() / angle;
    let (cos, sin, rest) = (angle.cos(), angle.sin() / angle, half * half * 2.0);
    // Rodrigues' formula: X·cos θ + (axis × X)·sin θ + axis·(axis·X)·(1 − cos θ).
    let along = Differentiable::dot(turn, point) * rest;
    let [x, y, z] = [0, 1, 2].map(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        point[i] * cos + (turn[j] * point[k] - turn[k] * point[j]) * sin + turn[i] * along + shift[i]
    });
    let (x, y) = (-x / z, -y / z);
    let square = x * x + y * y;
    let scale = camera[6] * (square * (camera[7] + square * camera[8]) + 1.0);
    [x * scale, y * scale]
}

impl Problem {
    /// How far off the points are in the pictures: two numbers of each observation.
    fn residuals<D: Differentiable<Scalar = f64>>(&self, parameters: &[D]) -> Vec<D> {
        let (cameras, points) = parameters.split_at(PER_CAMERA * self.cameras);
        let residuals = self.observations.iter().flat_map(|seen| {
            let camera = &cameras[PER_CAMERA * seen.camera..][..PER_CAMERA];
            let [x, y] = project(camera, &points[PER_POINT * seen.point..][..PER_POINT]);
            [x - seen.place[0], y - seen.place[1]]
        });
        residuals.collect()
    }

    fn write(&self) -> String {
        let mut text = format!("{} {} {}\n", self.cameras, self.points, self.observations.len());
        for Observation { camera, point, place: [x, y] } in &self.observations {
            writeln!(text, "{camera} {point} {x:e} {y:e}").expect("a string takes it");
        }
        self.parameters.iter().for_each(|x| writeln!(text, "{x:e}").expect("a string takes it"));
        text
    }

    fn read(text: &str) -> Result<Self, String> {
        let lines = text.lines().zip(1..);
        let mut words = Words {
            words: lines.flat_map(|(line, number)| line.split_whitespace().map(move |word| (number, word))),
            line: 1,
        };
        let mut count =
            |of: &str| words.number(format_args!("the number of {of}"), |&count: &usize| count > 0);
        let (cameras, points, observed) = (count("cameras")?, count("points")?, count("observations")?);
        let (mut observations, mut parameters) = (Vec::new(), Vec::new());
        for _ in 0..observed {
            let camera = words.number(format_args!("a camera below {cameras}"), |&i| i < cameras)?;
            let point = words.number(format_args!("a point below {points}"), |&i| i < points)?;
            let mut place =
                |axis| words.number(format_args!("{axis} of an observation"), |x: &f64| x.is_finite());
            observations.push(Observation { camera, point, place: [place("x")?, place("y")?] });
        }
        for (owner, count, each) in [("camera", cameras, PER_CAMERA), ("point", points, PER_POINT)] {
            for (index, number) in (0..count).flat_map(|index| (1..=each).map(move |number| (index, number)))
            {
                let expected = format_args!("number {number} of {each} of {owner} {index}");
                parameters.push(words.number(expected, |x: &f64| x.is_finite())?);
            }
        }
        match words.words.next() {
            Some((line, word)) => Err(format!("line {line}: expected the end, found `{word}`")),
            None => Ok(Self { cameras, points, observations, parameters }),
        }
    }
}

/// The words of a text with their lines, and the line of the last.
struct Words<I> {
    words: I,
    line: usize,
}

impl<'a, I: Iterator<Item = (usize, &'a str)>> Words<I> {
    fn number<T: FromStr>(
        &mut self,
        expected: Arguments<'_>,
        holds: impl Fn(&T) -> bool,
    ) -> Result<T, String> {
        let Some((line, word)) = self.words.next() else {
            return Err(format!("line {}: expected {expected} after it, found the end", self.line));
        };
        self.line = line;
        let number = word.parse().ok().filter(holds);
        number.ok_or_else(|| format!("line {line}: expected {expected}, found `{word}`"))
    }
}

/// Random numbers from a seed: a linear congruential generator (with Knuth's constants), whose upper bits are used.
struct Random(u64);

impl Random {
    /// Evenly from −1 to 1.
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Nearly normal with mean 0 and variance 1: twelve numbers of variance ⅓ have together 4.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() / 2.0
    }
}

const SEED: u64 = 17;

/// The standard deviation of observations, in pixels.
const NOISE: f64 = 0.5;

/// Cameras on half a circle around a cloud of points, which they see with noise; then everything is moved from its
/// place.
fn generated() -> Problem {
    let (cameras, points, mut random) = (16, 400, Random(SEED));
    let mut parameters = Vec::new();
    for camera in 0..cameras {
        let angle = std::f64::consts::PI * (camera as f64 / cameras as f64 - 0.5);
        let mut near = |x: f64, spread: f64| x + spread * random.even();
        // Turned about y, it looks at the cloud from ten away.
        parameters.extend([near(0.0, 0.1), near(angle, 0.1), near(0.0, 0.1)]);
        parameters.extend([near(0.0, 0.5), near(0.0, 0.5), near(-10.0, 1.0)]);
        parameters.extend([near(500.0, 50.0), near(-0.1, 0.05), near(0.01, 0.01)]);
    }
    parameters.extend((0..PER_POINT * points).map(|_| 2.0 * random.even()));
    let mut observations = Vec::new();
    for (point, camera) in (0..points).flat_map(|point| (0..cameras).map(move |camera| (point, camera))) {
        // Every point is seen by every fourth camera, and by each other one more often than not.
        if (point + camera) % 4 == 0 || random.even() < 0.2 {
            let at = &parameters[PER_CAMERA * cameras + PER_POINT * point..][..PER_POINT];
            let place = project(&parameters[PER_CAMERA * camera..][..PER_CAMERA], at);
            observations.push(Observation {
                camera,
                point,
                place: place.map(|x| x + NOISE * random.normal()),
            });
        }
    }
    let (of_cameras, of_points) = parameters.split_at_mut(PER_CAMERA * cameras);
    for camera in of_cameras.chunks_mut(PER_CAMERA) {
        let off = [0.02, 0.02, 0.02, 0.1, 0.1, 0.1, 10.0, 0.02, 0.005];
        camera.iter_mut().zip(off).for_each(|(x, off)| *x += off * random.normal());
    }
    of_points.iter_mut().for_each(|x| *x += 0.1 * random.normal());
    Problem { cameras, points, observations, parameters }
}

/// The result of the solver.
struct Solution {
    parameters: Vec<f64>,
    /// Half the sum of squares of residuals, before and after.
    costs: [f64; 2],
    /// The length of its gradient, before and after.
    derivatives: [f64; 2],
}

/// Lowers the sum of squares until its gradient is shorter by the given factor, or no step lowers it.
fn solve(problem: &Problem, shorter: f64) -> Outcome<Solution> {
    let mut x = problem.parameters.clone();
    let program = Program::record(|x| problem.residuals(x), &x)?;
    let plan = SparseJacobian::new(&program, Wrt::Both)?;
    let (pattern, colouring, columns) = (plan.pattern(), plan.colouring(), Columns::of(plan.pattern()));
    let (rows, entries, products) = (pattern.rows(), pattern.len(), colouring.products());
    println!("{rows} residuals of {} numbers: {entries} entries by {products} products", x.len());
    if let Some(unseen) = (0..x.len()).find(|&i| columns.transposed().row(i).is_empty()) {
        return Err(format!("no observation depends on parameter {unseen}").into());
    }

    let (mut workspace, mut replay) = (plan.workspace(), program.workspace());
    let (mut residuals, mut values, mut by_columns) =
        (vec![0.0; rows], vec![0.0; entries], vec![0.0; entries]);
    let mut there = vec![0.0; rows];
    let cost = |residuals: &[f64]| residuals.iter().map(|r| r * r).sum::<f64>() / 2.0;
    let (mut damping, mut symbolic, mut costs, mut derivatives) = (1e-3, None, Vec::new(), Vec::new());
    'steps: for step in 0.. {
        plan.evaluate(&mut workspace, &x, &mut residuals, &mut values)?;
        columns.gather(&values, &mut by_columns)?;
        let jacobian = matrix_by_columns(&columns, &by_columns)?;
        // In compressed rows, the Jacobian is its transpose in compressed columns.
        let transposed = matrix(plan.pattern(), &values)?.transpose();
        let gradient = transposed * ColRef::from_slice(&residuals);
        costs.push(cost(&residuals));
        derivatives.push(gradient.norm_l2());
        println!(
            "step {step}: cost {:.6e}, gradient {:.1e}, damping {damping:.0e}",
            costs[step], derivatives[step]
        );
        if derivatives[step] * shorter < derivatives[0] || step == 60 {
            break;
        }
        let normal = sparse_sparse_matmul(transposed, jacobian, 1.0, Par::Seq)?;
        let symbolic = match &symbolic {
            Some(symbolic) => symbolic,
            // The structure is the same at each step.
            None => symbolic.insert(SymbolicLlt::try_new(normal.symbolic(), Side::Lower)?),
        };
        loop {
            let mut damped = normal.clone();
            for i in 0..x.len() {
                *damped.get_mut(i, i).expect("each parameter has a residual") *= 1.0 + damping;
            }
            let factor = Llt::try_new_with_symbolic(symbolic.clone(), damped.rb(), Side::Lower);
            // Rounding may leave a matrix that is hardly damped with a negative pivot: that calls for more damping, too.
            if let Ok(factor) = factor {
                let mut change: Vec<f64> = gradient.iter().copied().collect();
                factor.solve_in_place(ColMut::from_slice_mut(&mut change));
                let moved: Vec<f64> = x.iter().zip(&change).map(|(x, change)| x - change).collect();
                program.evaluate(&mut replay, &moved, &mut there)?;
                if cost(&there) < costs[step] {
                    x = moved;
                    damping = f64::max(damping / 10.0, 1e-10);
                    break;
                }
            }
            damping *= 5.0;
            if damping > 1e10 {
                println!("no step lowers the cost further");
                break 'steps;
            }
        }
    }
    let ends = |numbers: &[f64]| [numbers[0], numbers[numbers.len() - 1]];
    Ok(Solution { parameters: x, costs: ends(&costs), derivatives: ends(&derivatives) })
}

/// Errors in a text name the line.
fn refused() {
    let table = [
        ("2 x 3\n", "line 1: expected the number of points, found `x`"),
        ("1 1 1\n0 1 0 0\n", "line 2: expected a point below 1, found `1`"),
        ("1 1 1\n0 0 0 nan\n", "line 2: expected y of an observation, found `nan`"),
        ("1 1 1\n0 0 0.5 0.5\n1\n2\n", "line 4: expected number 3 of 9 of camera 0 after it, found the end"),
    ];
    for (text, error) in table {
        assert_eq!(Problem::read(text).unwrap_err(), error);
    }
}

fn main() -> Outcome<()> {
    refused();
    if let Some(file) = std::env::args().nth(1) {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        let problem = Problem::read(&text).map_err(|error| format!("{file}: {error}"))?;
        let Solution { costs: [before, after], .. } = solve(&problem, 1e6)?;
        println!("cost {before:.6e} fell to {after:.6e}");
        return Ok(());
    }
    let made = generated();
    let problem = Problem::read(&made.write())?;
    assert_eq!(problem, made, "numbers come back from text as they were");
    let Solution { parameters, costs: [before, after], derivatives } = solve(&problem, 1e8)?;

    // The residuals have the noise's variance, less what the parameters fit of it: all but seven, as nothing shows where the
    // whole lies, how it is turned and how large it is.
    let fitted = parameters.len() - 7;
    let deviation = (2.0 * after / (2 * problem.observations.len() - fitted) as f64).sqrt();
    println!("cost {before:.3e} fell to {after:.3e}: noise of {deviation:.4} pixels, made with {NOISE}");
    assert!((0.95..1.05).contains(&(deviation / NOISE)), "{deviation} is not the noise of {NOISE}");
    assert!(
        derivatives[1] * 1e8 < derivatives[0],
        "the gradient is still {:e} of {:e}",
        derivatives[1],
        derivatives[0]
    );
    Ok(())
}
