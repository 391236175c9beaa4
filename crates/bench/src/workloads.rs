//! The workloads of the benchmarks: each at several sizes, in every suitable mode.

use crate::by_hand;
use crate::functions::loops::{LstmLoop, PENDULUM, Pendulum, PendulumLoop};
use crate::functions::lstm::BITS;
use crate::functions::{Lstm, Ode, Rosenbrock, numbers, observations, projection, text};
use crate::generated;
use crate::gradbench::gmm::{Mixture, Problem};
use crate::gradbench::{llsq, lse};
use crate::high_orders;
use crate::machine_code::with_machine_code_of_jacobians;

use crate::objective::{Objective, Summed};
use crate::scenarios::{rosenbrock_by_hand, rosenbrock_point};
use crate::sparse;
use crate::workload::{BY_HAND, GENERATED, VALUE, Workload, sound};
use dualtape::loops::Checkpoints;
use dualtape::program::{Rows, Wrt};
use dualtape::typenum::U16;
use dualtape::{Differentiable, Dual, Forward, Program};
use dualtape_nn::{Activation, Mlp, loss};

#[derive(Clone)]
struct LogSumExp;

impl Objective for LogSumExp {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let values: Vec<f64> = x.iter().map(Differentiable::value).collect();
        let shift = D::constant(lse::largest(&values));
        lse::log_total(shift, lse::total(shift, x))
    }
}

/// A polynomial fitted to points (s, t).
#[derive(Clone)]
struct LeastSquares(Vec<f64>);

impl Objective for LeastSquares {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.0.chunks(2).map(|point| llsq::residual(x, &[D::constant(point[0]), D::constant(point[1])])).sum()
    }
}

impl Summed for LeastSquares {
    fn point<D: Differentiable<Scalar = f64>>(&self, x: &[D], point: &[D]) -> D {
        llsq::residual(x, point)
    }

    fn points(&self) -> (&[f64], usize) {
        (&self.0, 2)
    }
}

#[derive(Clone)]
struct Gaussians {
    problem: Problem,
    x: Vec<f64>,
}

impl Objective for Gaussians {
    fn call<D: Differentiable<Scalar = f64>>(&self, theta: &[D]) -> D {
        let mixture = Mixture::new(self.problem, theta);
        let diagonals = mixture.diagonals();
        let observation = |x: &[f64]| {
            let x: Vec<D> = x.iter().map(|&x| D::constant(x)).collect();
            mixture.observation(&diagonals, &x)
        };
        let terms: Vec<D> = self.x.chunks(self.problem.d).map(observation).collect();
        D::sum_of(&terms) + mixture.rest()
    }
}

impl Summed for Gaussians {
    fn point<D: Differentiable<Scalar = f64>>(&self, theta: &[D], x: &[D]) -> D {
        let mixture = Mixture::new(self.problem, theta);
        mixture.observation(&mixture.diagonals(), x)
    }

    fn points(&self) -> (&[f64], usize) {
        (&self.x, self.problem.d)
    }

    fn rest<D: Differentiable<Scalar = f64>>(&self, theta: &[D]) -> D {
        Mixture::new(self.problem, theta).rest()
    }
}

/// The mean hinge loss of a small network over points (x, y, label).
#[derive(Clone)]
struct Network {
    model: Mlp,
    points: Vec<f64>,
}

impl Objective for Network {
    fn call<D: Differentiable<Scalar = f64>>(&self, parameters: &[D]) -> D {
        let point = |point: &[f64]| {
            let point: Vec<D> = point.iter().map(|&x| D::constant(x)).collect();
            self.point(parameters, &point)
        };
        self.points.chunks(3).map(point).sum()
    }
}

impl Summed for Network {
    fn point<D: Differentiable<Scalar = f64>>(&self, parameters: &[D], point: &[D]) -> D {
        loss::hinge(self.model.forward(parameters, &point[..2])[0], point[2])
    }

    fn points(&self) -> (&[f64], usize) {
        (&self.points, 3)
    }
}

/// The residuals of camera observations, with their Jacobians.
fn bundle_adjustment(count: usize) -> Workload {
    let observations = observations(count);
    let results = count * 2 * projection::WIDTH;
    let workload = Workload::new("bundle adjustment", format!("{count} observations"), results);
    let plain = observations.clone();
    let workload = workload.mode(VALUE, move |_| {
        plain.chunks(projection::OBSERVATION).map(|row| projection::reprojection_error(row)[0]).sum()
    });
    let by_hand = observations.clone();
    let workload = workload.mode(BY_HAND, move |derivatives| {
        let rows = by_hand.chunks(projection::OBSERVATION).zip(derivatives.chunks_mut(2 * projection::WIDTH));
        rows.map(|(row, derivatives)| by_hand::reprojection(row, derivatives)[0]).sum()
    });
    let (by_code, mut jacobian) = (observations.clone(), [0.0; 2 * projection::OBSERVATION]);
    let workload = workload.mode(GENERATED, move |derivatives| {
        let rows = by_code.chunks(projection::OBSERVATION).zip(derivatives.chunks_mut(2 * projection::WIDTH));
        let each = rows.map(|(row, derivatives)| {
            let mut x = [0.0; projection::OBSERVATION];
            let (feature, rest) = x.split_at_mut(2);
            rest.copy_from_slice(&row[..projection::WIDTH]);
            feature.copy_from_slice(&row[projection::WIDTH..]);
            let values = generated::projection(&x, &mut jacobian);
            let rows =
                jacobian.chunks(projection::OBSERVATION).zip(derivatives.chunks_mut(projection::WIDTH));
            rows.for_each(|(all, derivatives)| derivatives.copy_from_slice(&all[2..]));
            values[0]
        });
        each.sum()
    });
    let (singly, mut forward, mut values) =
        (observations.clone(), Forward::<f64, U16>::with_lanes(), [0.0; 2]);
    let workload = workload.mode("lanes: 16", move |derivatives| {
        let rows = singly.chunks(projection::OBSERVATION).zip(derivatives.chunks_mut(2 * projection::WIDTH));
        let each = rows.map(|(row, derivatives)| {
            let (x, feature) = row.split_at(projection::WIDTH);
            let error = |x: &[Dual<f64, U16>], y: &mut [Dual<f64, U16>]| {
                let all = [x, &[Dual::constant(feature[0]), Dual::constant(feature[1])]].concat();
                y.copy_from_slice(&projection::reprojection_error(&all));
            };
            sound(forward.jacobian(error, x, &mut values, derivatives));
            values[0]
        });
        each.sum()
    });
    let first = &observations[..projection::OBSERVATION];
    let program =
        sound(Program::record_with_data(|_, row: &[_]| projection::reprojection_error(row), &[], first));
    let workload = with_machine_code_of_jacobians(workload, &program, &observations);
    let (mut batch, mut values) = (program.batch_workspace(), vec![0.0; 2 * count]);
    workload.mode("batch", move |derivatives| {
        let (rows, wrt) =
            (Rows::new(&observations, projection::OBSERVATION), Wrt::FirstData(projection::WIDTH));
        sound(program.jacobians(&mut batch, &[], &rows, wrt, &mut values, derivatives));
        values.iter().step_by(2).sum()
    })
}

/// A small network as a function of its input.
#[derive(Clone)]
struct Field {
    model: Mlp,
    parameters: Vec<f64>,
}

impl Objective for Field {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let parameters: Vec<D> = self.parameters.iter().map(|&p| D::constant(p)).collect();
        self.model.forward(&parameters, x)[0]
    }
}

/// A function that constructs a workload. Recordings and buffers take memory, so not all of them exist at once.
pub type Make = Box<dyn Fn() -> Workload + Send>;

/// All workloads, in the order of the tables.
pub fn all() -> Vec<Make> {
    let mut all: Vec<Make> = Vec::new();
    for n in [2, 10, 100, 1000] {
        all.push(Box::new(move || {
            let x = rosenbrock_point(n);
            let by_hand = |_: &Rosenbrock, x: &[f64], gradient: &mut [f64]| rosenbrock_by_hand(x, gradient);
            let workload = Workload::of("rosenbrock", format!("n = {n}"), &Rosenbrock, &x, Some(by_hand));
            with_peers(workload.generated(generated::gradient("rosenbrock", n), &x), &x)
        }));
    }
    for n in [10, 1000, 100_000] {
        all.push(Box::new(move || {
            let x = numbers(n, 0.7);
            let by_hand = |_: &LogSumExp, x: &[f64], gradient: &mut [f64]| by_hand::log_sum_exp(x, gradient);
            let workload = Workload::of("log-sum-exp", format!("n = {n}"), &LogSumExp, &x, Some(by_hand));
            with_peers(workload, &x)
        }));
    }
    for (n, m) in [(64, 16), (1024, 128)] {
        all.push(Box::new(move || {
            let mut points = Vec::new();
            llsq::write_points(n, &mut points);
            let (f, x) = (LeastSquares(points), numbers(m, 0.7));
            let by_hand =
                |f: &LeastSquares, x: &[f64], gradient: &mut [f64]| by_hand::least_squares(x, &f.0, gradient);
            Workload::of("least squares", format!("n = {n}, m = {m}"), &f, &x, Some(by_hand)).batched(&f, &x)
        }));
    }
    for (d, k) in [(2, 5), (10, 25)] {
        all.push(Box::new(move || {
            let problem = Problem { d, k, n: 1000, m: 0, gamma: 1.0 };
            let f = Gaussians { problem, x: numbers(1000 * d, 0.3) };
            let theta = numbers(k + 2 * k * d + k * problem.triangle(), 0.7);
            let by_hand = |f: &Gaussians, theta: &[f64], gradient: &mut [f64]| {
                by_hand::mixture(f.problem, theta, &f.x, gradient)
            };
            let size = format!("d = {d}, k = {k}, n = 1000");
            Workload::of("gaussian mixture", size, &f, &theta, Some(by_hand)).batched(&f, &theta)
        }));
    }
    for (n, s) in [(10, 10), (1000, 10)] {
        all.push(Box::new(move || {
            let size = format!("n = {n}, {s} steps");
            let by_hand = |f: &Ode, x: &[f64], gradient: &mut [f64]| by_hand::ode(x, f.0, gradient);
            let x = numbers(n, 0.7);
            Workload::of("ode", size, &Ode(s), &x, Some(by_hand)).generated(generated::gradient("ode", n), &x)
        }));
    }
    for characters in [16, 128] {
        all.push(Box::new(move || {
            let bits = text(characters);
            let (size, x) = (format!("{characters} characters"), numbers(11 * BITS, 0.7));
            let looped = LstmLoop::new(&bits);
            let by_hand = |f: &Lstm, x: &[f64], gradient: &mut [f64]| by_hand::lstm(x, &f.0, gradient);
            let code = generated::gradient("lstm", characters);
            Workload::of("lstm", size, &Lstm(bits), &x, Some(by_hand)).looped(&looped, &x).generated(code, &x)
        }));
    }
    for steps in [10, 1000] {
        all.push(Box::new(move || {
            let looped = PendulumLoop::new(steps, Checkpoints::default());
            let by_hand = |f: &Pendulum, x: &[f64], gradient: &mut [f64]| by_hand::pendulum(x, f.0, gradient);
            let size = format!("{steps} steps");
            let workload = Workload::of("pendulum", size, &Pendulum(steps), &PENDULUM, Some(by_hand));
            let code = generated::gradient("pendulum", steps);
            workload.looped(&looped, &PENDULUM).generated(code, &PENDULUM)
        }));
    }
    for (stored, words) in [(Checkpoints::default(), "all stored"), (Checkpoints::Snapshots(32), "32 stored")]
    {
        all.push(Box::new(move || {
            let (steps, size) = (1_000_000, format!("1000000 steps, {words}"));
            let workload = Workload::new("pendulum", size, PENDULUM.len());
            let workload = workload.mode(VALUE, move |_| Pendulum(steps).call(&PENDULUM));
            workload.looped(&PendulumLoop::new(steps, stored), &PENDULUM)
        }));
    }
    for count in [100, 2000] {
        all.push(Box::new(move || bundle_adjustment(count)));
    }
    all.push(Box::new(|| sparse::brusselator(32)));
    all.push(Box::new(|| sparse::chained_rosenbrock(10_000)));
    all.push(Box::new(|| sparse::five_points(1000)));
    for count in [10, 100] {
        all.push(Box::new(move || {
            let model = Mlp::new(&[2, 16, 16, 1], Activation::Relu).expect("the sizes make a network");
            let mut points = numbers(3 * count, 0.7);
            points.chunks_mut(3).for_each(|point| point[2] = point[2].signum());
            let parameters = model.initialize(7);
            let f = Network { model, points };
            let size = format!("2-16-16-1, {count} points");
            let by_hand =
                |f: &Network, x: &[f64], gradient: &mut [f64]| by_hand::network(x, &f.points, gradient);
            Workload::of("network", size, &f, &parameters, Some(by_hand)).batched(&f, &parameters)
        }));
    }
    for order in [2, 4, 8, 16, 32] {
        all.push(Box::new(move || high_orders::orders(order)));
    }
    for n in [4, 32] {
        all.push(Box::new(move || {
            let model = Mlp::new(&[n, 32, 32, 1], Activation::Tanh).expect("the sizes make a network");
            let f = Field { parameters: model.initialize(7), model };
            high_orders::laplacian(format!("{n}-32-32-1"), &f, &numbers(n, 0.7))
        }));
    }
    all
}

#[cfg(feature = "peers")]
use crate::peers::with_peers;

/// Without the feature `peers`, there are no other crates.
#[cfg(not(feature = "peers"))]
fn with_peers(workload: Workload, _: &[f64]) -> Workload {
    workload
}
