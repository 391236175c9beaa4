//! The cases: derivatives in every mode, small enough that valgrind takes only seconds for all.

use dualtape::loops::{Step, scan};
use dualtape::program::{Results, Rows, Sums, Wrt};
use dualtape::sparse::{SparseHessian, SparseJacobian};
use dualtape::typenum::{U8, U10};
use dualtape::{Differentiable, Error, Forward, Program, Reverse, SecondOrder, Tape, derivatives};
use std::hint::black_box;

/// Runs the computation once.
pub(crate) type Run = Box<dyn FnMut()>;

/// A name and a function that constructs the case. One-time work belongs into the constructor, unless it is to be counted.
pub(crate) type Case = (&'static str, fn() -> Run);

/// All cases, in the order of the record.
pub(crate) fn all() -> [Case; 20] {
    [
        ("gradient of 10 inputs, forward in 10 lanes", forward_gradient),
        ("gradient of 100 inputs, tape", tape_gradient),
        ("gradient of elementary functions, tape", elementary_on_tape),
        ("gradient of a network, tape by hand", network_on_tape),
        ("recording of 100 inputs", recording),
        ("recording of 100 inputs, optimised", optimising),
        ("gradient of 100 inputs, first replay", walk),
        ("gradient of 100 inputs, optimised replay", replay),
        ("product with a Hessian, replay", hessian_product),
        ("Hessian of 10 inputs, tape of dual numbers", hessian),
        ("Jacobian of 10 outputs, replay", jacobian),
        ("gradient of 64 points, batch", batch),
        ("clipped gradients of 64 points, batch", clipped),
        ("Jacobians of 64 points, batch", jacobians),
        ("elementary functions of 64 points, batch", elementary_in_lanes),
        ("sparse Jacobian, values", sparse_jacobian),
        ("sparse Hessian, plan and values", sparse_hessian),
        ("loop of 100 steps, tape", loop_on_tape),
        ("eighth derivative, Taylor", taylor),
        ("training step of a network, 32 points", training_step),
    ]
}

/// Pseudo-random numbers, the same in every run.
fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i + 1) as f64 * 0.7).sin()).collect()
}

/// The value of a result that must not be an error.
fn sound<T>(result: Result<T, Error>) -> T {
    result.expect("the case fits itself")
}

fn rosenbrock<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) * 100.0 + (w[0] - 1.0).powi(2)).sum()
}

/// Most kinds of elementary functions.
fn wave<D: Differentiable<Scalar = f64>>(x: D) -> D {
    (x * x + 1.0).sqrt().ln() * (x * 3.0).sin() / (x.exp() + 2.0) + (x * 0.5).tanh()
}

fn waves<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    x.iter().copied().map(wave).sum()
}

/// A function in which neighbours depend on each other: its Jacobian has three entries in each row.
fn spread<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
    let last = x.len() - 1;
    let rate = |i: usize| x[i.saturating_sub(1)] + x[(i + 1).min(last)] - x[i] * 2.0 + x[i] * x[i];
    (0..x.len()).map(rate).collect()
}

/// The squared difference between the output of a 2-8-1 network and the last number of a point.
fn network<D: Differentiable<Scalar = f64>>(parameters: &[D], point: &[D]) -> D {
    let (hidden, output) = parameters.split_at(24);
    let hidden: Vec<D> =
        D::affine(&hidden[..16], &hidden[16..], &point[..2]).iter().map(|x| x.tanh()).collect();
    (D::affine(&output[..8], &output[8..], &hidden)[0] - point[2]).powi(2)
}

/// The parameters of the network.
const PARAMETERS: usize = 33;

fn forward_gradient() -> Run {
    let (mut forward, x, mut gradient) = (Forward::<f64, U10>::with_lanes(), numbers(10), [0.0; 10]);
    Box::new(move || {
        black_box(sound(forward.gradient(rosenbrock, black_box(&x), &mut gradient)));
    })
}

fn tape_gradient() -> Run {
    let (mut reverse, x, mut gradient) = (Reverse::new(), numbers(100), [0.0; 100]);
    Box::new(move || {
        black_box(sound(reverse.gradient(|x| rosenbrock(x), black_box(&x), &mut gradient)));
    })
}

fn elementary_on_tape() -> Run {
    let (mut reverse, x, mut gradient) = (Reverse::new(), numbers(20), [0.0; 20]);
    Box::new(move || {
        black_box(sound(reverse.gradient(|x| waves(x), black_box(&x), &mut gradient)));
    })
}

fn network_on_tape() -> Run {
    let (parameters, point) = (numbers(PARAMETERS), numbers(3));
    Box::new(move || {
        let tape = Tape::new();
        let x: Vec<_> = black_box(&parameters).iter().map(|&x| tape.var(x)).collect();
        let point: Vec<_> = point.iter().map(|&x| Differentiable::constant(x)).collect();
        black_box(tape.gradient(network(&x, &point))[x[0]]);
    })
}

fn recording() -> Run {
    let x = numbers(100);
    Box::new(move || {
        black_box(sound(Program::record(rosenbrock, black_box(&x))));
    })
}

fn optimising() -> Run {
    let x = numbers(100);
    Box::new(move || {
        black_box(sound(Program::record(rosenbrock, black_box(&x))).optimized());
    })
}

fn walk() -> Run {
    let x = numbers(100);
    let (program, mut gradient) = (sound(Program::record(rosenbrock, &x)), [0.0; 100]);
    Box::new(move || {
        black_box(sound(program.gradient(&mut program.workspace(), black_box(&x), &mut gradient)));
    })
}

fn replay() -> Run {
    let x = numbers(100);
    let (program, mut gradient) = (sound(Program::record(rosenbrock, &x)).optimized(), [0.0; 100]);
    let mut workspace = program.workspace();
    Box::new(move || {
        black_box(sound(program.gradient(&mut workspace, black_box(&x), &mut gradient)));
    })
}

fn hessian_product() -> Run {
    let (x, direction) = (numbers(100), numbers(100));
    let program = sound(Program::record(rosenbrock, &x)).optimized();
    let (mut workspace, mut gradient, mut product) = (program.workspace(), [0.0; 100], [0.0; 100]);
    Box::new(move || {
        black_box(sound(program.hvp(&mut workspace, black_box(&x), &direction, &mut gradient, &mut product)));
    })
}

fn hessian() -> Run {
    let (mut second, x) = (SecondOrder::<f64, U8>::with_lanes(), numbers(10));
    let (mut gradient, mut hessian) = ([0.0; 10], [0.0; 100]);
    Box::new(move || {
        black_box(sound(second.hessian(|x| rosenbrock(x), black_box(&x), &mut gradient, &mut hessian)));
    })
}

fn jacobian() -> Run {
    let x = numbers(10);
    let program = sound(Program::record(spread, &x)).optimized();
    let (mut workspace, mut values, mut entries) = (program.workspace(), [0.0; 10], [0.0; 100]);
    Box::new(move || {
        sound(program.jacobian(&mut workspace, black_box(&x), &mut values, &mut entries));
        black_box(&mut entries);
    })
}

/// A recorded network, its parameters, and points for it.
fn recorded_network(points: usize) -> (Program<f64>, Vec<f64>, Vec<f64>) {
    let (parameters, points) = (numbers(PARAMETERS), numbers(3 * points));
    (sound(Program::record_with_data(network, &parameters, &points[..3])), parameters, points)
}

fn batch() -> Run {
    let (program, parameters, points) = recorded_network(64);
    let (mut batch, mut gradient) = (program.batch_workspace(), [0.0; PARAMETERS]);
    Box::new(move || {
        let points = Rows::new(&points, 3);
        black_box(sound(program.mean_gradient(&mut batch, black_box(&parameters), &points, &mut gradient)));
    })
}

fn clipped() -> Run {
    let (program, parameters, points) = recorded_network(64);
    let (mut batch, mut derivative) = (program.batch_workspace(), [0.0; PARAMETERS]);
    Box::new(move || {
        let sums = Sums { clip: Some(0.5), ..Sums::none() };
        let results = Results { gradient: Some(&mut derivative), ..Results::none() };
        let points = Rows::new(&points, 3);
        black_box(sound(program.sum(&mut batch, black_box(&parameters), &points, &sums, results)));
    })
}

fn jacobians() -> Run {
    let points = numbers(4 * 64);
    let program = sound(Program::record_with_data(|_, x: &[_]| spread(x), &[], &points[..4]));
    let (mut batch, mut values, mut entries) =
        (program.batch_workspace(), vec![0.0; 4 * 64], vec![0.0; 16 * 64]);
    Box::new(move || {
        let points = Rows::new(black_box(&points), 4);
        sound(program.jacobians(&mut batch, &[], &points, Wrt::Data, &mut values, &mut entries));
        black_box(&mut entries);
    })
}

fn elementary_in_lanes() -> Run {
    let points = numbers(64);
    let program = sound(Program::record_with_data(|_, x: &[_]| wave(x[0]), &[], &points[..1]));
    let (mut batch, mut values) = (program.batch_workspace(), [0.0; 64]);
    Box::new(move || {
        sound(program.values(&mut batch, &[], &Rows::new(black_box(&points), 1), &mut values));
        black_box(&mut values);
    })
}

fn sparse_jacobian() -> Run {
    let x = numbers(100);
    let plan = sound(SparseJacobian::new(&sound(Program::record(spread, &x)), Wrt::Both));
    let mut workspace = plan.workspace();
    let (mut values, mut entries) = (vec![0.0; 100], vec![0.0; plan.pattern().len()]);
    Box::new(move || {
        sound(plan.evaluate(&mut workspace, black_box(&x), &mut values, &mut entries));
        black_box(&mut entries);
    })
}

fn sparse_hessian() -> Run {
    let x = numbers(50);
    let program = sound(Program::record(rosenbrock, &x));
    let mut gradient = vec![0.0; 50];
    Box::new(move || {
        let plan = sound(SparseHessian::new(&program, Wrt::Both));
        let mut entries = vec![0.0; plan.pattern().len()];
        black_box(sound(plan.evaluate(&mut plan.workspace(), black_box(&x), &mut gradient, &mut entries)));
    })
}

/// One step of a pendulum. State: angle and speed; parameters: gravity and friction.
#[derive(Clone)]
struct Swing;

impl Step for Swing {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let pull = state[0].sin() * parameters[0] + state[1] * parameters[1];
        state[1] -= pull * 1e-2;
        state[0] += state[1] * 1e-2;
        Ok(())
    }
}

/// The angle after a hundred steps, as one operation.
fn angle<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    sound(scan(&Swing, 100, &x[..2], &[], &x[2..])).state[0]
}

fn loop_on_tape() -> Run {
    let (mut reverse, x, mut gradient) = (Reverse::new(), [0.5, 0.1, 9.81, 0.2], [0.0; 4]);
    Box::new(move || {
        black_box(sound(reverse.gradient(|x| angle(x), black_box(&x), &mut gradient)));
    })
}

fn taylor() -> Run {
    Box::new(|| {
        black_box(derivatives::<U8, f64>(wave, black_box(0.7)));
    })
}

fn training_step() -> Run {
    let (program, mut parameters, points) = recorded_network(32);
    let (mut batch, mut gradient) = (program.batch_workspace(), [0.0; PARAMETERS]);
    Box::new(move || {
        black_box(sound(program.mean_gradient(
            &mut batch,
            &parameters,
            &Rows::new(&points, 3),
            &mut gradient,
        )));
        parameters.iter_mut().zip(&gradient).for_each(|(parameter, gradient)| *parameter -= 0.01 * gradient);
    })
}
