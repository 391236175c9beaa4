//! How close batches come to the limits of the machine: their arithmetic operations, the bytes they have to move, and
//! the most multiply-adds per second that the machine can do, in registers and with the widest instructions of the
//! processor.

use crate::gradbench::gmm::{Mixture, Problem};
use crate::gradbench::llsq;
use crate::network::{Mode, Replayed, Training, Workload};
use dualtape::program::Rows;
use dualtape::{Differentiable, Program, ProgramScalar};
use pulp::{Arch, Simd, WithSimd};
use std::time::{Duration, Instant};

/// Enough independent sums that none waits for the previous one.
const SUMS: usize = 12;
const ROUNDS: usize = 1 << 14;

/// A type of number for the peak kernel, which multiplies and adds in registers.
trait Registers: Copy {
    /// Computes sums of products in registers; returns the number of operations, and a number that depends on all of them.
    fn work<S: Simd>(simd: S, start: Self) -> (usize, Self);
}

macro_rules! registers {
    ($F:ty, $splat:ident, $multiply_add:ident, $add:ident, $reduce:ident, $LANES:ident) => {
        impl Registers for $F {
            #[inline(always)]
            fn work<S: Simd>(simd: S, start: Self) -> (usize, Self) {
                let factor = simd.$splat(start);
                let mut sums = [simd.$splat(start); SUMS];
                for _ in 0..ROUNDS {
                    for sum in &mut sums {
                        *sum = simd.$multiply_add(factor, *sum, factor);
                    }
                }
                let total = sums.into_iter().fold(simd.$splat(0.0), |total, sum| simd.$add(total, sum));
                (2 * S::$LANES * SUMS * ROUNDS, simd.$reduce(total))
            }
        }
    };
}

registers!(f32, splat_f32s, mul_add_e_f32s, add_f32s, reduce_sum_f32s, F32_LANES);
registers!(f64, splat_f64s, mul_add_e_f64s, add_f64s, reduce_sum_f64s, F64_LANES);

/// [`Registers::work`], compiled for the instructions of this processor.
struct Work<F>(F);

impl<F: Registers> WithSimd for Work<F> {
    type Output = (usize, F);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (usize, F) {
        F::work(simd, self.0)
    }
}

/// Operations per second on one thread, the best of several short measurements.
fn operations_per_second<F: Registers>(start: F) -> f64 {
    let arch = Arch::new();
    let stretch = || {
        let (begin, mut operations) = (Instant::now(), 0);
        while begin.elapsed() < Duration::from_millis(5) {
            let (done, sum) = arch.dispatch(Work(std::hint::black_box(start)));
            std::hint::black_box(sum);
            operations += done;
        }
        operations as f64 / begin.elapsed().as_secs_f64()
    };
    (0..20).map(|_| stretch()).fold(0.0, f64::max)
}

/// The most operations per second of one thread, in `f64`; a product and a sum count as two.
pub fn double_precision() -> f64 {
    operations_per_second(0.5_f64)
}

/// The same in `f32`.
pub fn single_precision() -> f64 {
    operations_per_second(0.5_f32)
}

/// A workload to measure.
pub struct Task<'a> {
    /// The name in results.
    pub name: String,
    /// The operations of a run: sums, differences, products, quotients, and elementary functions, each counted as one.
    pub operations: f64,
    /// The least number of bytes that a run reads and writes: points, parameters, and gradients.
    pub bytes: f64,
    /// Measures the most operations per second of one thread, for this type of number.
    pub peak: fn() -> f64,
    /// Runs it.
    pub run: Box<dyn FnMut() + 'a>,
}

/// Pseudo-random numbers between −1 and 1, the same in every run.
fn numbers(count: usize, step: f64) -> Vec<f64> {
    (0..count).map(|i| ((i + 1) as f64 * step).sin()).collect()
}

/// The sum of a program's gradients over points.
fn summed(
    name: String,
    program: Program<f64>,
    parameters: Vec<f64>,
    points: Vec<f64>,
    operations: usize,
    peak: fn() -> f64,
) -> Task<'static> {
    let width = program.data();
    let bytes = size_of::<f64>() * (points.len() + 2 * parameters.len());
    let (mut batch, mut gradient) = (program.batch_workspace(), vec![0.0; parameters.len()]);
    let run = move || {
        let rows = Rows::new(&points, width);
        let value = program.sum_gradient(&mut batch, &parameters, &rows, &mut gradient);
        std::hint::black_box(value.expect("the points fit the program"));
    };
    Task { name, operations: operations as f64, bytes: bytes as f64, peak, run: Box::new(run) }
}

/// A mixture of Gaussians.
fn mixture(d: usize, k: usize, n: usize, peak: fn() -> f64) -> Task<'static> {
    let problem = Problem { d, k, n, m: 0, gamma: 1.0 };
    let theta = numbers(k * (1 + 2 * d + problem.triangle()), 0.37);
    let observation = |theta: &[_], x: &[_]| {
        let mixture = Mixture::new(problem, theta);
        mixture.observation(&mixture.diagonals(), x)
    };
    let program =
        Program::record_with_data(observation, &theta, &vec![0.0; d]).expect("the mixture is recorded");
    // A triangular matrix times a vector, and both adjoints; differences and squares with their adjoints; a sum of
    // exponentials.
    let component = 6 * (problem.triangle() + d) + (1 + 1) * d + (2 + 2) * d + 8;
    summed(format!("gmm d{d} k{k} n{n}"), program, theta, numbers(n * d, 0.73), n * k * component, peak)
}

/// A polynomial fitted by least squares.
fn polynomial(n: usize, m: usize, peak: fn() -> f64) -> Task<'static> {
    let (parameters, mut points) = (numbers(m, 0.29), Vec::new());
    llsq::write_points(n, &mut points);
    let residual = |x: &[_], point: &[_]| llsq::residual(x, point);
    let program =
        Program::record_with_data(residual, &parameters, &[0.0; 2]).expect("the residual is recorded");
    // Powers, their sum with coefficients, and the adjoints of these.
    summed(format!("llsq n{n} m{m}"), program, parameters, points, n * (5 * m + 4), peak)
}

/// Ten operations, one of them an exponential.
fn ten<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
    let score = p[0] * x[0] + p[1] * x[1] + p[2];
    let share = ((-score).exp() + 1.0).recip();
    let miss = share - x[2];
    miss * miss
}

fn ten_operations(n: usize, peak: fn() -> f64) -> Task<'static> {
    let program = Program::record_with_data(ten, &[0.1; 3], &[0.1; 3]).expect("ten operations are recorded");
    // The value, and two operations per operation in the backward pass.
    summed(format!("ten operations n{n}"), program, numbers(3, 0.41), numbers(3 * n, 0.57), 30 * n, peak)
}

/// A training step.
fn step<F: ProgramScalar>(workload: &Workload<F>, peak: fn() -> f64) -> Task<'_> {
    let (first, others) = workload.weights();
    let parameters = workload.parameters();
    // Forward, then backward to the weights and, except in the first layer, to the signals; momentum takes four
    // operations per parameter.
    let operations = workload.batch() * (4 * first + 6 * others) + 4 * parameters;
    let bytes = size_of::<F>() * (workload.batch() * workload.width() + 6 * parameters);
    let mut training = Training::new(workload, Mode::Mean, Replayed::new(workload));
    let run = move || {
        std::hint::black_box(training.step());
    };
    let name = format!("step {}", workload.name);
    Task { name, operations: operations as f64, bytes: bytes as f64, peak, run: Box::new(run) }
}

/// Networks to train.
pub struct Networks {
    double: [Workload<f64>; 2],
    single: Workload<f32>,
}

impl Networks {
    /// The networks of the program `training`.
    #[must_use]
    pub fn new() -> Self {
        Self { double: [Workload::moons(), Workload::digits()], single: Workload::mnist() }
    }
}

impl Default for Networks {
    fn default() -> Self {
        Self::new()
    }
}

/// All workloads, each constructed when it is measured.
pub fn tasks(networks: &Networks) -> impl Iterator<Item = Task<'_>> {
    let mixtures = [(10, 25), (20, 50), (32, 100), (64, 100)];
    let mixtures = mixtures.into_iter().map(|(d, k)| mixture(d, k, 1000, double_precision));
    let small = std::iter::once_with(|| polynomial(4096, 128, double_precision));
    let steps = networks.double.iter().map(|workload| step(workload, double_precision));
    let single = std::iter::once_with(|| step(&networks.single, single_precision));
    let ten = std::iter::once_with(|| ten_operations(1 << 14, double_precision));
    mixtures.chain(small).chain(steps).chain(single).chain(ten)
}
