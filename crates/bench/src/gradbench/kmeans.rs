//! `kmeans`: the sum over points of the squared distance to the nearest centroid, and Newton's step for it.
//!
//! The Hessian is diagonal, and a point adds only to the entries of its nearest centroid.

use super::measure::{Clock, Failure, Reply, flatten, parse};
use dualtape::program::{Batch, Rows};
use dualtape::{Differentiable, Program, Traced, hessian_diagonal};
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Input {
    points: Vec<Vec<f64>>,
    centroids: Vec<Vec<f64>>,
}

fn squared_distance<D: Differentiable>(centroid: &[D], point: &[D]) -> D {
    let apart: Vec<D> = centroid.iter().zip(point).map(|(&c, &p)| c - p).collect();
    D::dot(&apart, &apart)
}

/// Centroids stand side by side, so that distances to several are computed at once.
const SIDE: usize = 8;

/// The centroids, `SIDE` by `SIDE`: the first numbers of all, the second numbers of all, and so on.
struct Shelves {
    dimension: usize,
    numbers: Vec<[f64; SIDE]>,
}

impl Shelves {
    fn new(centroids: &[f64], dimension: usize) -> Self {
        let shelf = |centroids: &[f64]| {
            (0..dimension)
                .map(|i| {
                    std::array::from_fn(|side| {
                        centroids.get(side * dimension + i).copied().unwrap_or(f64::NAN)
                    })
                })
                .collect::<Vec<[f64; SIDE]>>()
        };
        Self { dimension, numbers: centroids.chunks(SIDE * dimension).flat_map(shelf).collect() }
    }

    /// The nearest centroid of a point. It is a choice, like any branch, and has no derivative.
    fn nearest(&self, point: &[f64]) -> usize {
        let mut best = [f64::INFINITY; SIDE];
        let mut places = [0_usize; SIDE];
        for (shelf, numbers) in self.numbers.chunks(self.dimension).enumerate() {
            let mut squares = [0.0; SIDE];
            for (numbers, &x) in numbers.iter().zip(point) {
                for (square, number) in squares.iter_mut().zip(numbers) {
                    *square += (number - x) * (number - x);
                }
            }
            for side in 0..SIDE {
                let nearer = squares[side] < best[side];
                best[side] = if nearer { squares[side] } else { best[side] };
                places[side] = if nearer { shelf } else { places[side] };
            }
        }
        let side = (1..SIDE).fold(0, |least, side| {
            let (a, b) = ((best[side], places[side]), (best[least], places[least]));
            if a < b { side } else { least }
        });
        places[side] * SIDE + side
    }
}

/// The sum over all points.
fn cost<D: Differentiable<Scalar = f64>>(points: &[f64], centroids: &[D], dimension: usize) -> D {
    let values: Vec<f64> = centroids.iter().map(Differentiable::value).collect();
    let shelves = Shelves::new(&values, dimension);
    let least = |point: &[f64]| {
        let nearest = &centroids[shelves.nearest(point) * dimension..][..dimension];
        let point: Vec<D> = point.iter().map(|&x| D::constant(x)).collect();
        squared_distance(nearest, &point)
    };
    points.chunks(dimension).map(least).sum()
}

/// Of a centroid followed by a point: the derivatives of their squared distance by the centroid's numbers,
/// then the second derivatives.
fn slopes_and_curvatures(both: &[Traced<f64>]) -> Vec<Traced<f64>> {
    let dimension = both.len() / 2;
    let (_, mut slopes, curvatures) =
        hessian_diagonal(|x| squared_distance(&x[..dimension], &x[dimension..]), both);
    slopes.truncate(dimension);
    slopes.extend(&curvatures[..dimension]);
    slopes
}

/// Newton's step: the gradient divided by the diagonal of the Hessian.
struct Newton {
    dimension: usize,
    points: Vec<f64>,
    centroids: Vec<f64>,
    /// Records what one point and its nearest centroid contribute.
    program: Program<f64>,
    batch: Batch<f64>,
    nearest: Vec<usize>,
    rows: Vec<f64>,
    contributions: Vec<f64>,
}

impl Newton {
    fn new(points: Vec<f64>, centroids: Vec<f64>, dimension: usize) -> Result<Self, Failure> {
        let program =
            Program::record_with_data(|_, both| slopes_and_curvatures(both), &[], &vec![1.0; 2 * dimension])?;
        let (batch, nearest) = (program.batch(), vec![0; points.len() / dimension]);
        let (rows, contributions) = (vec![0.0; 2 * points.len()], vec![0.0; 2 * points.len()]);
        Ok(Self { dimension, points, centroids, program, batch, nearest, rows, contributions })
    }

    fn step(&mut self, steps: &mut [Vec<f64>]) -> Result<(), Failure> {
        let d = self.dimension;
        let shelves = Shelves::new(&self.centroids, d);
        let centroids = &self.centroids;
        let points = self.points.par_chunks(d).zip(self.rows.par_chunks_mut(2 * d));
        points.zip(&mut self.nearest).for_each(|((point, row), nearest)| {
            *nearest = shelves.nearest(point);
            row[..d].copy_from_slice(&centroids[*nearest * d..][..d]);
            row[d..].copy_from_slice(point);
        });
        self.program.values(&mut self.batch, &[], &Rows::new(&self.rows, 2 * d), &mut self.contributions)?;
        let mut sums = vec![0.0; 2 * self.centroids.len()];
        for (&nearest, contribution) in self.nearest.iter().zip(self.contributions.chunks(2 * d)) {
            let sums = &mut sums[nearest * 2 * d..][..2 * d];
            sums.iter_mut().zip(contribution).for_each(|(sum, &x)| *sum += x);
        }
        for (step, sums) in steps.iter_mut().zip(sums.chunks(2 * d)) {
            let (slopes, curvatures) = sums.split_at(d);
            step.clear();
            step.extend(slopes.iter().zip(curvatures).map(|(slope, curvature)| slope / curvature));
        }
        Ok(())
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { points, centroids } = parse(input)?;
    let (count, dimension) = (centroids.len(), centroids.first().map_or(0, Vec::len));
    if dimension == 0 {
        return Err(Failure("there is no centroid, or one without numbers".to_owned()));
    }
    let points = flatten("numbers of a point", &points, dimension)?;
    let centroids = flatten("numbers of a centroid", &centroids, dimension)?;
    match function {
        "cost" => clock.run(0.0, |y| {
            *y = cost(&points, &centroids, dimension);
            Ok(())
        }),
        // Gradient and curvature of one distance, recorded as a function; its batch are all points.
        "dir" => {
            let mut newton = Newton::new(points, centroids, dimension)?;
            clock.run(vec![Vec::new(); count], |steps| newton.step(steps))
        }
        _ => Err(Failure::function(function, "cost and dir")),
    }
}
