//! A network is trained to solve a differential equation: its second derivative is part of the loss, which is
//! differentiated again, all recorded as one program.

use dualtape::program::Rows;
use dualtape::typenum::U1;
use dualtape::{Differentiable, Dual, Program, Reverse};
use dualtape_nn::{Activation, Mlp};
use std::time::{Duration, Instant};

const POINTS: usize = 100;

/// The interval from 0 to π, on which u″ = −u with u(0) = 0 and u′(0) = 1 has the solution sin x.
fn points() -> Vec<f64> {
    (0..POINTS).map(|k| std::f64::consts::PI * k as f64 / (POINTS - 1) as f64).collect()
}

fn solution<D: Differentiable<Scalar = f64>>(model: &Mlp, parameters: &[D], x: D) -> D {
    model.forward(parameters, &[x])[0]
}

/// The square of u″ + u at a point, plus the squared errors of the value 0 and the derivative 1 at the origin.
fn loss<D: Differentiable<Scalar = f64>>(model: &Mlp, parameters: &[D], x: &[D]) -> D {
    let twice = |x: D| Dual::<Dual<D, U1>, U1>::variable(Dual::variable(x));
    let lifted: Vec<_> = parameters.iter().map(|&p| Dual::lift(Dual::lift(p))).collect();
    let u = solution(model, &lifted, twice(x[0]));
    let residual = u.derivative(0).derivative(0) + u.primal().primal();
    let at_zero = solution(model, &lifted, twice(D::zero()));
    let (value, derivative) = (at_zero.primal().primal(), at_zero.primal().derivative(0) - 1.0);
    residual * residual + (value * value + derivative * derivative) * 5.0
}

/// Adam steps with a decreasing rate.
fn train(parameters: &mut [f64], steps: usize, mut gradient: impl FnMut(&[f64], &mut [f64])) -> Duration {
    let start = Instant::now();
    let n = parameters.len();
    let (mut derivative, mut mean, mut square) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for step in 1..=steps {
        gradient(parameters, &mut derivative);
        let rate = 0.03 * (1.0 - step as f64 / steps as f64) + 1e-4;
        for i in 0..n {
            mean[i] = 0.9 * mean[i] + 0.1 * derivative[i];
            square[i] = 0.99 * square[i] + 0.01 * derivative[i] * derivative[i];
            let corrected = mean[i] / (1.0 - 0.9_f64.powi(step as i32));
            parameters[i] -=
                rate * corrected / ((square[i] / (1.0 - 0.99_f64.powi(step as i32))).sqrt() + 1e-8);
        }
    }
    start.elapsed()
}

#[test]
fn a_network_learns_the_sine_from_its_differential_equation() {
    let model = Mlp::new(&[1, 16, 16, 1], Activation::Tanh).unwrap();
    let points = points();
    let rows = Rows::new(&points, 1);
    let mut parameters = model.initialize(7);
    let program = Program::record_with_data(|p, x| loss(&model, p, x), &parameters, &[0.3]).unwrap();
    assert_eq!(program.guards(), 0);

    let mut batch = program.batch_workspace();
    let by_program = train(&mut parameters, 500, |p, gradient| {
        program.mean_gradient(&mut batch, p, &rows, gradient).unwrap();
    });
    let worst =
        points.iter().map(|&x| (solution(&model, &parameters, x) - x.sin()).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-2, "off by {worst}");

    // The same gradients by tape, at the trained parameters.
    let mut reverse = Reverse::new();
    let mut expected = vec![0.0; parameters.len()];
    let mut by_tape = |p: &[f64], gradient: &mut [f64]| {
        reverse.sum_gradient(p, &points, |p, &x| loss(&model, p, &[x.into()]), gradient).unwrap();
        gradient.iter_mut().for_each(|gradient| *gradient /= POINTS as f64);
    };
    by_tape(&parameters, &mut expected);
    let mut got = vec![0.0; parameters.len()];
    program.mean_gradient(&mut batch, &parameters, &rows, &mut got).unwrap();
    let scale = expected.iter().fold(1e-3_f64, |scale, gradient| scale.max(gradient.abs()));
    assert!(
        got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-9 * scale),
        "{got:?}, not {expected:?}"
    );

    let by_tape = train(&mut model.initialize(7), 25, by_tape) * 20;
    let ratio = by_tape.as_secs_f64() / by_program.as_secs_f64();
    println!(
        "500 steps: {by_program:?} by program, {by_tape:?} by tape, {ratio:.1} times; off by {worst:.1e}"
    );
    // Without compiler optimisation, the times say nothing.
    assert!(cfg!(debug_assertions) || ratio > 10.0, "by program only {ratio:.1} times as fast as by tape");
}
