//! `kmeans`: the sum over points of the squared distance to the nearest centroid, and Newton's step for it.
//!
//! The Hessian is diagonal, and a point adds only to the entries of its nearest centroid.

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

/// How many points a thread takes at a time.
const CHUNK: usize = 256;

/// Points and centroids, and for each point which centroid is nearest, and the square of how far it is.
struct Clusters {
    dimension: usize,
    points: Vec<f64>,
    /// Filled up with NaN to whole groups of `SIDE`.
    centroids: Vec<f64>,
    nearest: Vec<usize>,
    squares: Vec<f64>,
}

impl Clusters {
    fn new(points: Vec<f64>, mut centroids: Vec<f64>, dimension: usize) -> Self {
        let count = points.len() / dimension;
        // NaN is nearest to nothing.
        centroids.resize(centroids.len().next_multiple_of(SIDE * dimension), f64::NAN);
        Self { dimension, points, centroids, nearest: vec![0; count], squares: vec![0.0; count] }
    }

    /// Finds the nearest centroid of each point, the first of several. It is a choice, like any branch, and has no
    /// derivative.
    fn choose(&mut self) {
        let Self { dimension, points, centroids, nearest, squares } = self;
        let points = points.par_chunks(CHUNK * *dimension);
        let chosen = nearest.par_chunks_mut(CHUNK).zip(squares.par_chunks_mut(CHUNK));
        points.zip(chosen).for_each_init(Vec::new, |columns, (points, (nearest, squares))| {
            let choice = Choice { dimension: *dimension, centroids, points, columns, nearest, squares };
            pulp::Arch::new().dispatch(choice);
        });
    }

    /// The sum over all points.
    fn cost(&mut self) -> f64 {
        self.choose();
        self.squares.iter().sum()
    }
}

/// The choice for some points, compiled for the processor at hand: a point in each lane.
struct Choice<'a> {
    dimension: usize,
    centroids: &'a [f64],
    points: &'a [f64],
    /// The first numbers of the points that go through together, the second ones, and so on.
    columns: &'a mut Vec<f64>,
    nearest: &'a mut [usize],
    squares: &'a mut [f64],
}

/// How many centroids, and registers of points, go through together: so many sums stay in registers.
const SIDE: usize = 4;
const REGISTERS: usize = 2;

impl WithSimd for Choice<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let (dimension, together) = (self.dimension, REGISTERS * S::F64_LANES);
        self.columns.resize(dimension * together, 0.0);
        let chosen = self.nearest.chunks_mut(together).zip(self.squares.chunks_mut(together));
        for (points, (nearest, squares)) in self.points.chunks(together * dimension).zip(chosen) {
            for (lane, point) in points.chunks_exact(dimension).enumerate() {
                let places = self.columns[lane..].iter_mut().step_by(together);
                places.zip(point).for_each(|(place, &x)| *place = x);
            }
            let columns = S::as_simd_f64s(self.columns).0.as_chunks().0;
            let found = nearest_in_lanes(simd, self.centroids, columns);
            let [least, index] = [0, 1].map(|which| pulp::bytemuck::cast_slice::<_, f64>(&found[which]));
            squares.iter_mut().zip(least).for_each(|(square, &least)| *square = least);
            nearest.iter_mut().zip(index).for_each(|(nearest, &index)| *nearest = index as usize);
        }
    }
}

/// For each lane the least squared distance from a centroid, and the centroid's index.
#[inline(always)]
fn nearest_in_lanes<S: pulp::Simd>(
    simd: S,
    centroids: &[f64],
    columns: &[[S::f64s; REGISTERS]],
) -> [[S::f64s; REGISTERS]; 2] {
    let mut least = [simd.splat_f64s(f64::INFINITY); REGISTERS];
    let mut index = [simd.splat_f64s(0.0); REGISTERS];
    let dimension = columns.len();
    for (group, centroids) in centroids.chunks_exact(SIDE * dimension).enumerate() {
        let centroids: [&[f64]; SIDE] =
            std::array::from_fn(|side| &centroids[side * dimension..][..dimension]);
        let mut squares = [[simd.splat_f64s(0.0); REGISTERS]; SIDE];
        for (l, column) in columns.iter().enumerate() {
            for (squares, centroid) in squares.iter_mut().zip(&centroids) {
                let c = simd.splat_f64s(centroid[l]);
                for (square, &x) in squares.iter_mut().zip(column) {
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

/// How fast the squared distance of a point from a centroid moves, with the centroid along given directions.
///
/// Its gradient by the directions is that of the squared distance. Its gradient by the centroid, where all directions
/// are 1, sums up the rows of the Hessian: as the Hessian is diagonal, that is its diagonal.
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
    /// The points, sorted by centroid, and where those of each centroid end.
    sorted: Vec<usize>,
    ends: Vec<usize>,
    /// One for each thread.
    workers: Vec<Worker>,
}

/// What a thread works with.
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

    /// Sorts the points by centroid, in their order otherwise.
    fn sort(&mut self) {
        self.ends.fill(0);
        self.clusters.nearest.iter().for_each(|&nearest| self.ends[nearest] += 1);
        let mut total = 0;
        for end in &mut self.ends {
            (*end, total) = (total, total + *end);
        }
        // Each is now where the points of its centroid begin, and moves on to where they end.
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
        return Err(Failure("there is no centroid, or one without numbers".to_owned()));
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
