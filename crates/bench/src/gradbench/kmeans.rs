//! `kmeans`: the sum over points of the squared distance to the nearest centroid, and Newton's step for it.
//!
//! The Hessian is diagonal, and a point contributes only to the entries of its nearest centroid.

use super::measure::{Clock, Failure, Reply, flatten, parse};
use dualtape::generic_array::arr;
use dualtape::program::{BatchWorkspace, Points, Rows, Selected};
use dualtape::{Differentiable, Dual, Error, Program};
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

/// How many points form a block, in which numbers are stored coordinate by coordinate.
const BLOCK: usize = 16;

/// How many blocks a thread takes at a time.
const CHUNK: usize = 16;

/// Points and centroids, and for each point its nearest centroid and the squared distance to it.
struct Clusters {
    dimension: usize,
    points: Vec<f64>,
    /// The points once more, in blocks: a row for each coordinate.
    blocks: Vec<[f64; BLOCK]>,
    /// Padded with NaN to whole groups of `SIDE`.
    centroids: Vec<f64>,
    nearest: Vec<usize>,
    squares: Vec<f64>,
}

impl Clusters {
    fn new(points: Vec<f64>, mut centroids: Vec<f64>, dimension: usize) -> Self {
        let count = points.len() / dimension;
        // NaN is never nearest.
        centroids.resize(centroids.len().next_multiple_of(SIDE * dimension), f64::NAN);
        let mut blocks = vec![[0.0; BLOCK]; count.div_ceil(BLOCK) * dimension];
        for (points, block) in points.chunks(BLOCK * dimension).zip(blocks.chunks_mut(dimension)) {
            for (lane, point) in points.chunks(dimension).enumerate() {
                block.iter_mut().zip(point).for_each(|(row, &x)| row[lane] = x);
            }
        }
        Self { dimension, points, blocks, centroids, nearest: vec![0; count], squares: vec![0.0; count] }
    }

    /// Finds the nearest centroid of each point, the first if several are equally near. Like any branch, this choice has no
    /// derivative.
    fn choose(&mut self) {
        let Self { dimension, blocks, centroids, nearest, squares, .. } = self;
        let blocks = blocks.par_chunks(CHUNK * *dimension);
        let chosen = nearest.par_chunks_mut(CHUNK * BLOCK).zip(squares.par_chunks_mut(CHUNK * BLOCK));
        blocks.zip(chosen).for_each(|(blocks, (nearest, squares))| {
            let choice = Choice { dimension: *dimension, centroids, blocks, nearest, squares };
            pulp::Arch::new().dispatch(choice);
        });
    }

    /// The sum over all points.
    fn cost(&mut self) -> f64 {
        self.choose();
        self.squares.iter().sum()
    }
}

/// The choice for some points, compiled for the instructions of this processor, with a point in each lane.
struct Choice<'a> {
    dimension: usize,
    centroids: &'a [f64],
    blocks: &'a [[f64; BLOCK]],
    nearest: &'a mut [usize],
    squares: &'a mut [f64],
}

/// How many centroids and registers of points are computed together, so that all sums stay in registers.
const SIDE: usize = 4;
const REGISTERS: usize = 2;

impl WithSimd for Choice<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let (dimension, together) = (self.dimension, REGISTERS * S::F64_LANES);
        let chosen = self.nearest.chunks_mut(BLOCK).zip(self.squares.chunks_mut(BLOCK));
        for (block, (nearest, squares)) in self.blocks.chunks_exact(dimension).zip(chosen) {
            let chosen = nearest.chunks_mut(together).zip(squares.chunks_mut(together));
            for (start, (nearest, squares)) in (0..BLOCK).step_by(together).zip(chosen) {
                let found = nearest_in_lanes(simd, self.centroids, block, start);
                let [least, index] = [0, 1].map(|which| pulp::bytemuck::cast_slice::<_, f64>(&found[which]));
                squares.iter_mut().zip(least).for_each(|(square, &least)| *square = least);
                nearest.iter_mut().zip(index).for_each(|(nearest, &index)| *nearest = index as usize);
            }
        }
    }
}

/// For some points of a block, from the given one on: the least squared distance from a centroid, and the centroid's
/// index.
#[inline(always)]
fn nearest_in_lanes<S: pulp::Simd>(
    simd: S,
    centroids: &[f64],
    block: &[[f64; BLOCK]],
    start: usize,
) -> [[S::f64s; REGISTERS]; 2] {
    let mut least = [simd.splat_f64s(f64::INFINITY); REGISTERS];
    let mut index = [simd.splat_f64s(0.0); REGISTERS];
    let dimension = block.len();
    for (group, centroids) in centroids.chunks_exact(SIDE * dimension).enumerate() {
        let centroids: [&[f64]; SIDE] =
            std::array::from_fn(|side| &centroids[side * dimension..][..dimension]);
        let mut squares = [[simd.splat_f64s(0.0); REGISTERS]; SIDE];
        for (l, row) in block.iter().enumerate() {
            let row = S::as_simd_f64s(&row[start..start + REGISTERS * S::F64_LANES]).0;
            for (squares, centroid) in squares.iter_mut().zip(&centroids) {
                let c = simd.splat_f64s(centroid[l]);
                for (square, &x) in squares.iter_mut().zip(row) {
                    let apart = simd.sub_f64s(x, c);
                    *square = simd.mul_add_e_f64s(apart, apart, *square);
                }
            }
        }
        for (side, squares) in squares.into_iter().enumerate() {
            let own = simd.splat_f64s((group * SIDE + side) as f64);
            for ((least, index), square) in least.iter_mut().zip(&mut index).zip(squares) {
                let nearer = simd.less_than_f64s(square, *least);
                *least = simd.select_f64s(nearer, square, *least);
                *index = simd.select_f64s(nearer, own, *index);
            }
        }
    }
    [least, index]
}

/// The derivative of the squared distance of a point from a centroid, with the centroid moving along given directions.
///
/// Its gradient with respect to the directions is the gradient of the squared distance. Its gradient with respect to
/// the centroid, if all directions are 1, is the sum of the rows of the Hessian, which is its diagonal, since the
/// Hessian is diagonal.
fn speed<D: Differentiable>(centroid_and_directions: &[D], point: &[D]) -> D {
    let (centroid, directions) = centroid_and_directions.split_at(point.len());
    let moving = centroid.iter().zip(directions).map(|(&c, &direction)| Dual::<D>::new(c, arr![direction]));
    let point = point.iter().map(|&x| Dual::lift(x));
    squared_distance(&moving.collect::<Vec<_>>(), &point.collect::<Vec<_>>()).derivative(0)
}

/// Newton's step: the gradient divided by the diagonal of the Hessian. The points of a centroid are a batch.
struct Newton {
    clusters: Clusters,
    program: Program<f64>,
    /// The points, sorted by centroid, and the end of each centroid's points.
    sorted: Vec<usize>,
    ends: Vec<usize>,
    /// One workspace for each thread.
    workers: Vec<Worker>,
}

/// The working memory of a thread.
struct Worker {
    batch: BatchWorkspace<f64>,
    /// A centroid, and all directions.
    parameters: Vec<f64>,
    gradient: Vec<f64>,
}

impl Newton {
    fn new(clusters: Clusters, count: usize) -> Result<Self, Failure> {
        let d = clusters.dimension;
        let program = Program::record_with_data(speed, &vec![1.0; 2 * d], &vec![0.0; d])?;
        let worker = |_| Worker {
            batch: program.batch_workspace(),
            parameters: vec![1.0; 2 * d],
            gradient: vec![0.0; 2 * d],
        };
        let workers = (0..rayon::current_num_threads()).map(worker).collect();
        let sorted = vec![0; clusters.nearest.len()];
        Ok(Self { clusters, program, sorted, ends: vec![0; count], workers })
    }

    /// Sorts the points by centroid; the points of a centroid keep their order.
    fn sort(&mut self) {
        self.ends.fill(0);
        self.clusters.nearest.iter().for_each(|&nearest| self.ends[nearest] += 1);
        let mut total = 0;
        for end in &mut self.ends {
            (*end, total) = (total, total + *end);
        }
        // Each entry is now the beginning of its centroid's points, and moves to their end below.
        for (point, &nearest) in self.clusters.nearest.iter().enumerate() {
            self.sorted[self.ends[nearest]] = point;
            self.ends[nearest] += 1;
        }
    }

    fn step(&mut self, steps: &mut [Vec<f64>]) -> Result<(), Failure> {
        self.clusters.choose();
        self.sort();
        let Self { clusters: Clusters { dimension, points, centroids, .. }, program, sorted, ends, workers } =
            self;
        let points = Rows::new(points, *dimension);
        let share = steps.len().div_ceil(workers.len());
        let shares = steps.par_chunks_mut(share).zip(centroids.par_chunks(share * *dimension)).enumerate();
        let stepped: Result<(), Error> =
            workers.par_iter_mut().zip(shares).try_for_each(|(worker, (index, share_of))| {
                let (steps, centroids) = share_of;
                let of_each = steps.iter_mut().zip(centroids.chunks(*dimension)).zip(index * share..);
                for ((step, centroid), index) in of_each {
                    let first = if index == 0 { 0 } else { ends[index - 1] };
                    let own = Selected { points: &points, indices: &sorted[first..ends[index]] };
                    worker.step(program, centroid, &own, step)?;
                }
                Ok(())
            });
        Ok(stepped?)
    }
}

impl Worker {
    /// Writes the step of one centroid, given its points.
    fn step(
        &mut self,
        program: &Program<f64>,
        centroid: &[f64],
        points: &impl Points<f64>,
        step: &mut [f64],
    ) -> Result<(), Error> {
        let Self { batch, parameters, gradient } = self;
        parameters[..centroid.len()].copy_from_slice(centroid);
        program.sum_gradient(batch, parameters, points, gradient)?;
        let (curvatures, derivatives) = gradient.split_at(centroid.len());
        let quotients =
            derivatives.iter().zip(curvatures).map(|(derivative, curvature)| derivative / curvature);
        step.iter_mut().zip(quotients).for_each(|(place, quotient)| *place = quotient);
        Ok(())
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let Input { points, centroids } = parse(input)?;
    let (count, dimension) = (centroids.len(), centroids.first().map_or(0, Vec::len));
    if dimension == 0 {
        return Err(Failure("there is no centroid, or a centroid without coordinates".to_owned()));
    }
    let points = flatten("numbers of a point", &points, dimension)?;
    let centroids = flatten("numbers of a centroid", &centroids, dimension)?;
    let mut clusters = Clusters::new(points, centroids, dimension);
    match function {
        "cost" => clock.run(0.0, |y| {
            *y = clusters.cost();
            Ok(())
        }),
        "dir" => {
            let mut newton = Newton::new(clusters, count)?;
            clock.run(vec![vec![0.0; dimension]; count], |steps| newton.step(steps))
        }
        _ => Err(Failure::function(function, "cost and dir")),
    }
}
