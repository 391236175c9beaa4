//! `kmeans`: the sum over points of the squared distance to the nearest centroid, and Newton's step for it.
//!
//! The Hessian is diagonal, and a point adds only to the entries of its nearest centroid.

use super::measure::{Clock, Failure, Reply, flatten, parse};
use dualtape::program::{Batch, Rows};
use dualtape::{Differentiable, Program, Traced, hessian_diagonal};
use pulp::WithSimd;
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
const SIDE: usize = 16;

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

    /// The nearest centroid of a point, the first of several.
    #[inline(always)]
    fn nearest(&self, point: &[f64]) -> usize {
        let (mut least, mut nearest) = (f64::INFINITY, 0);
        for (shelf, numbers) in self.numbers.chunks(self.dimension).enumerate() {
            let squares = squared_distances(numbers, point);
            // Seldom true, and so better asked of all sides together.
            if squares.iter().fold(false, |any, &square| any | (square < least)) {
                for (side, square) in squares.into_iter().enumerate() {
                    if square < least {
                        (least, nearest) = (square, shelf * SIDE + side);
                    }
                }
            }
        }
        nearest
    }

    /// The nearest centroid of each point. It is a choice, like any branch, and has no derivative.
    fn choose(&self, points: &[f64], nearest: &mut [usize]) {
        const TOGETHER: usize = 64;
        let points = points.par_chunks(TOGETHER * self.dimension);
        points.zip(nearest.par_chunks_mut(TOGETHER)).for_each(|(points, nearest)| {
            pulp::Arch::new().dispatch(Choice { shelves: self, points, nearest });
        });
    }
}

/// The choice for some points, compiled for the processor at hand.
struct Choice<'a> {
    shelves: &'a Shelves,
    points: &'a [f64],
    nearest: &'a mut [usize],
}

impl WithSimd for Choice<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (point, nearest) in self.points.chunks(self.shelves.dimension).zip(self.nearest) {
            *nearest = self.shelves.nearest(point);
        }
    }
}

/// The squared distances of a point from the centroids of a shelf.
#[inline(always)]
fn squared_distances(shelf: &[[f64; SIDE]], point: &[f64]) -> [f64; SIDE] {
    let mut squares = [0.0; SIDE];
    for (numbers, &x) in shelf.iter().zip(point) {
        for side in 0..SIDE {
            let apart = numbers[side] - x;
            squares[side] += apart * apart;
        }
    }
    squares
}

/// The sum over all points.
fn cost<D: Differentiable<Scalar = f64>>(points: &[f64], centroids: &[D], dimension: usize) -> D {
    let values: Vec<f64> = centroids.iter().map(Differentiable::value).collect();
    let shelves = Shelves::new(&values, dimension);
    let mut nearest = vec![0; points.len() / dimension];
    shelves.choose(points, &mut nearest);
    let squared_distance = |(point, &nearest): (&[f64], &usize)| {
        let point: Vec<D> = point.iter().map(|&x| D::constant(x)).collect();
        squared_distance(&centroids[nearest * dimension..][..dimension], &point)
    };
    points.chunks(dimension).zip(&nearest).map(squared_distance).sum()
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
    /// Of some points: each with its nearest centroid, and what they contribute.
    rows: Vec<f64>,
    contributions: Vec<f64>,
    /// For each centroid the sums of its points' contributions.
    sums: Vec<f64>,
}

/// How many points go through together: all of them that stay in cache.
const CHUNK: usize = 1024;

impl Newton {
    fn new(points: Vec<f64>, centroids: Vec<f64>, dimension: usize) -> Result<Self, Failure> {
        let program =
            Program::record_with_data(|_, both| slopes_and_curvatures(both), &[], &vec![1.0; 2 * dimension])?;
        let (batch, sums) = (program.batch(), vec![0.0; 2 * centroids.len()]);
        let (nearest, rows, contributions) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { dimension, points, centroids, program, batch, nearest, rows, contributions, sums })
    }

    fn step(&mut self, steps: &mut [Vec<f64>]) -> Result<(), Failure> {
        let d = self.dimension;
        let shelves = Shelves::new(&self.centroids, d);
        self.sums.fill(0.0);
        for points in self.points.chunks(CHUNK * d) {
            self.nearest.resize(points.len() / d, 0);
            shelves.choose(points, &mut self.nearest);
            self.rows.clear();
            for (point, &nearest) in points.chunks(d).zip(&self.nearest) {
                self.rows.extend(&self.centroids[nearest * d..][..d]);
                self.rows.extend(point);
            }
            self.contributions.resize(self.rows.len(), 0.0);
            let rows = Rows::new(&self.rows, 2 * d);
            self.program.values(&mut self.batch, &[], &rows, &mut self.contributions)?;
            for (&nearest, contribution) in self.nearest.iter().zip(self.contributions.chunks(2 * d)) {
                let sums = &mut self.sums[nearest * 2 * d..][..2 * d];
                sums.iter_mut().zip(contribution).for_each(|(sum, &x)| *sum += x);
            }
        }
        for (step, sums) in steps.iter_mut().zip(self.sums.chunks(2 * d)) {
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
