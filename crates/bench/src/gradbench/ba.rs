//! `ba`: bundle adjustment. The distances between observed points of a scene and where cameras should see them, and the
//! sparse Jacobian of these distances.

use super::measure::{Clock, Failure, Reply, check, parse};
use crate::functions::projection::{CAMERA, OBSERVATION, POINT, WIDTH, reprojection_error};
use dualtape::program::{BatchWorkspace, Rows, Wrt};
use dualtape::typenum::U16;
use dualtape::{Differentiable, Dual, Error, Forward, Program, derivative};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ops::Range;

/// One camera, point, weight and feature, which are repeated `n`, `m` and `p` times.
#[derive(Deserialize)]
struct Input {
    n: usize,
    m: usize,
    p: usize,
    cam: Vec<f64>,
    x: Vec<f64>,
    w: f64,
    feat: Vec<f64>,
}

fn weight_error<D: Differentiable<Scalar = f64>>(weight: D) -> D {
    -weight * weight + 1.0
}

/// All cameras, points, weights and features, and which camera sees which point.
struct Scene {
    cameras: Vec<[f64; CAMERA]>,
    points: Vec<[f64; POINT]>,
    weights: Vec<f64>,
    features: Vec<[f64; 2]>,
    /// The camera and the point of each observation.
    seen: Vec<[u32; 2]>,
}

fn array<const N: usize>(what: &str, numbers: &[f64]) -> Result<[f64; N], Failure> {
    check(&format!("numbers in {what}"), numbers.len(), N)?;
    Ok(std::array::from_fn(|i| numbers[i]))
}

impl Scene {
    fn new(input: &Input) -> Result<Self, Failure> {
        let Input { n, m, p, .. } = *input;
        let (camera, point) = (array("cam", &input.cam)?, array("x", &input.x)?);
        let feature = array("feat", &input.feat)?;
        if p.checked_mul(2 * WIDTH + 1).is_none_or(|entries| u32::try_from(entries).is_err()) {
            return Err(Failure(format!(
                "{p} observations are too many: their entries are numbered in 32 bits"
            )));
        }
        if n == 0 || m == 0 || p == 0 {
            return Err(Failure(format!(
                "a scene needs a camera, a point and an observation: {n}, {m}, {p}"
            )));
        }
        Ok(Self {
            cameras: vec![camera; n],
            points: vec![point; m],
            weights: vec![input.w; p],
            features: vec![feature; p],
            seen: (0..p).map(|i| [(i % n) as u32, (i % m) as u32]).collect(),
        })
    }

    fn count(&self) -> usize {
        self.seen.len()
    }

    /// Writes everything that some observations depend on, a row for each.
    fn write_observations(&self, observations: Range<usize>, rows: &mut [[f64; OBSERVATION]]) {
        let seen = self.seen[observations.clone()].iter();
        let own = self.weights[observations.clone()].iter().zip(&self.features[observations]);
        for (row, (&[camera, point], (&weight, feature))) in rows.iter_mut().zip(seen.zip(own)) {
            row[..CAMERA].copy_from_slice(&self.cameras[camera as usize]);
            row[CAMERA..][..POINT].copy_from_slice(&self.points[point as usize]);
            row[CAMERA + POINT] = weight;
            row[WIDTH..].copy_from_slice(feature);
        }
    }

    /// The residuals of one observation, recorded; all other observations compute the same function.
    fn record(&self) -> Result<Program<f64>, Failure> {
        let mut first = [0.0; OBSERVATION];
        self.write_observations(0..1, std::slice::from_mut(&mut first));
        let error = |_: &[_], observation: &[_]| reprojection_error(observation);
        Ok(Program::record_with_data(error, &[], &first)?)
    }
}

impl Scene {
    /// The column of the first weight.
    fn first_weight(&self) -> usize {
        CAMERA * self.cameras.len() + POINT * self.points.len()
    }

    /// The columns of the Jacobian that belong to an observation.
    fn columns(&self, index: usize) -> [u32; WIDTH] {
        let [camera, point] = self.seen[index].map(|index| index as usize);
        let (first_point, first_weight) = (CAMERA * self.cameras.len(), self.first_weight());
        let mut columns = [(first_weight + index) as u32; WIDTH];
        let (of_camera, rest) = columns.split_at_mut(CAMERA);
        of_camera.iter_mut().zip((camera * CAMERA) as u32..).for_each(|(column, next)| *column = next);
        let of_point = rest[..POINT].iter_mut();
        of_point.zip((first_point + point * POINT) as u32..).for_each(|(column, next)| *column = next);
        columns
    }
}

/// How many observations are computed together: their rows and Jacobians stay in the cache.
const CHUNK: usize = 256;

/// The working memory of a thread.
struct Worker<'a> {
    scene: &'a Scene,
    program: &'a Program<f64>,
    batch: BatchWorkspace<f64>,
    forward: Forward<f64, U16>,
    rows: Vec<f64>,
    values: Vec<f64>,
}

impl<'a> Worker<'a> {
    fn new(scene: &'a Scene, program: &'a Program<f64>) -> Self {
        let (batch, forward) = (program.batch_workspace(), Forward::with_lanes());
        Self { scene, program, batch, forward, rows: Vec::new(), values: Vec::new() }
    }

    /// Gathers the inputs of some observations, a row for each.
    fn gather(&mut self, observations: Range<usize>) {
        self.rows.resize(observations.len() * OBSERVATION, 0.0);
        let (rows, _) = self.rows.as_chunks_mut();
        self.scene.write_observations(observations, rows);
    }

    /// Writes both residuals of each observation, starting with the given one.
    fn residuals(&mut self, first: usize, residuals: &mut [[f64; 2]]) -> Result<(), Error> {
        self.gather(first..first + residuals.len());
        let points = Rows::new(&self.rows, OBSERVATION);
        match self.program.values(&mut self.batch, &[], &points, residuals.as_flattened_mut()) {
            // A camera without rotation takes the other branch, so these observations are computed one at a time.
            Err(Error::BranchChanged { .. }) => {
                let rows = self.rows.chunks(OBSERVATION).map(reprojection_error);
                residuals.iter_mut().zip(rows).for_each(|(residual, computed)| *residual = computed);
                Ok(())
            }
            done => done,
        }
    }

    /// Writes the entries of both rows of each observation, starting with the given one.
    fn blocks(&mut self, first: usize, entries: &mut [f64]) -> Result<(), Error> {
        let count = entries.len() / (2 * WIDTH);
        self.gather(first..first + count);
        self.values.resize(2 * count, 0.0);
        let (points, wrt) = (Rows::new(&self.rows, OBSERVATION), Wrt::FirstData(WIDTH));
        match self.program.jacobians(&mut self.batch, &[], &points, wrt, &mut self.values, entries) {
            Err(Error::BranchChanged { .. }) => self.singly(entries),
            done => done,
        }
    }

    fn singly(&mut self, entries: &mut [f64]) -> Result<(), Error> {
        let outputs = self.values.chunks_mut(2).zip(entries.chunks_mut(2 * WIDTH));
        for (row, (values, entries)) in self.rows.chunks(OBSERVATION).zip(outputs) {
            let (x, feature) = row.split_at(WIDTH);
            let error = |x: &[Dual<f64, U16>], y: &mut [Dual<f64, U16>]| {
                let mut observation = x.to_vec();
                observation.extend(feature.iter().map(|&x| Dual::constant(x)));
                y.copy_from_slice(&reprojection_error(&observation));
            };
            self.forward.jacobian(error, x, values, entries)?;
        }
        Ok(())
    }
}

/// The Jacobian in compressed rows: the rows of all observations, two each, then those of the weights.
struct Sparse {
    rows: Vec<u32>,
    columns: Vec<u32>,
    entries: Vec<f64>,
}

impl Sparse {
    /// Room for all entries, allocated before the runs.
    fn new(scene: &Scene) -> Self {
        let (count, entries) = (scene.count(), scene.count() * (2 * WIDTH + 1));
        Self {
            rows: vec![u32::MAX; 3 * count + 1],
            columns: vec![u32::MAX; entries],
            entries: vec![f64::NAN; entries],
        }
    }

    fn fill(&mut self, scene: &Scene, program: &Program<f64>) -> Result<(), Failure> {
        let Self { rows, columns, entries } = self;
        let (count, blocks) = (scene.count(), scene.count() * 2 * WIDTH);
        let (width, blocks_) = (WIDTH as u32, blocks as u32);
        let ends = (0..=2 * count as u32).map(|row| row * width);
        let ends = ends.chain((1..=count as u32).map(|row| blocks_ + row));
        rows.iter_mut().zip(ends).for_each(|(row, end)| *row = end);
        let (entries, of_weights) = entries.split_at_mut(blocks);
        let (columns, columns_of_weights) = columns.split_at_mut(blocks);
        entries.par_chunks_mut(2 * WIDTH * CHUNK).enumerate().try_for_each_init(
            || Worker::new(scene, program),
            |worker, (chunk, entries)| worker.blocks(chunk * CHUNK, entries),
        )?;
        columns.par_chunks_mut(2 * WIDTH * CHUNK).enumerate().for_each(|(chunk, columns)| {
            for (columns, index) in columns.as_chunks_mut::<WIDTH>().0.chunks_mut(2).zip(chunk * CHUNK..) {
                columns.fill(scene.columns(index));
            }
        });
        let first_weight = scene.first_weight() as u32;
        let of_weights = of_weights.iter_mut().zip(columns_of_weights).zip(&scene.weights);
        for (((entry, column), &weight), index) in of_weights.zip(first_weight..) {
            (_, *entry) = derivative(weight_error, weight);
            *column = index;
        }
        Ok(())
    }
}

impl Serialize for Sparse {
    /// The first thirty of each list, and the last; this is enough, since the input is one repeated observation.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn ends<T: Copy + Serialize>(list: &[T]) -> Value {
            json!(list.iter().take(2 * WIDTH).chain(list.last()).collect::<Vec<_>>())
        }
        json!({ "rows": ends(&self.rows), "cols": ends(&self.columns), "vals": ends(&self.entries) })
            .serialize(serializer)
    }
}

/// The residuals.
struct Residuals {
    reprojection: Vec<[f64; 2]>,
    weights: Vec<f64>,
}

impl Residuals {
    fn fill(&mut self, scene: &Scene, program: &Program<f64>) -> Result<(), Failure> {
        self.reprojection.par_chunks_mut(CHUNK).enumerate().try_for_each_init(
            || Worker::new(scene, program),
            |worker, (chunk, residuals)| worker.residuals(chunk * CHUNK, residuals),
        )?;
        let weights = self.weights.par_chunks_mut(CHUNK).zip(scene.weights.par_chunks(CHUNK));
        weights.for_each(|(errors, weights)| {
            errors.iter_mut().zip(weights).for_each(|(error, &weight)| *error = weight_error(weight));
        });
        Ok(())
    }
}

impl Serialize for Residuals {
    /// The first of each, and how many there are.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "reproj_error": { "elements": self.reprojection.first(), "repeated": self.reprojection.len() },
            "w_err": { "element": self.weights.first(), "repeated": self.weights.len() },
        })
        .serialize(serializer)
    }
}

pub(super) fn evaluate(function: &str, input: &Value) -> Result<Reply, Failure> {
    let clock = Clock::start(input);
    let scene = Scene::new(&parse(input)?)?;
    let program = scene.record()?;
    match function {
        // All observations compute the same function of few numbers: a batch of values.
        "objective" => {
            let reprojection = vec![[f64::NAN; 2]; scene.count()];
            let residuals = Residuals { reprojection, weights: vec![f64::NAN; scene.count()] };
            clock.run(residuals, |residuals| residuals.fill(&scene, &program))
        }
        // Likewise a batch of small dense Jacobians.
        "jacobian" => clock.run(Sparse::new(&scene), |jacobian| jacobian.fill(&scene, &program)),
        _ => Err(Failure::function(function, "objective and jacobian")),
    }
}
