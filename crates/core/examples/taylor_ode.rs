//! Kepler's problem over 100 periods, by Taylor series of order 20 with an adaptive step, beside a Runge–Kutta pair
//! of orders 8 and 7.
//!
//! With y″ = f(y), the coefficients of y up to order k give those of f(y) up to order k, and these the coefficients k + 1 and k + 2
//! of y. So the series of the solution is found two orders at a time; the first are found in short series, which cost less.

use dualtape::generic_array::GenericArray;
use dualtape::generic_array::sequence::GenericSequence;
use dualtape::typenum::{U4, U8, U12, U16, U20};
use dualtape::{Differentiable, Lanes, Taylor};
use std::f64::consts::TAU;
use std::time::Instant;

/// The state: a planet's place and velocity. The sun stands at the origin.
type State = [f64; 4];

const ORDER: usize = 20;

/// The largest estimated error of a step.
const TOLERANCE: f64 = 1e-16;

/// The coefficients of a planet's place, from order 0 to one more than the series go.
type Series = [[f64; 2]; ORDER + 2];

/// The pull of the sun.
fn pull<D: Differentiable<Scalar = f64>>([x, y]: [D; 2]) -> [D; 2] {
    let square = x * x + y * y;
    let factor = -(square * square.sqrt()).recip();
    [x * factor, y * factor]
}

fn derivative([x, y, vx, vy]: State) -> State {
    let [ax, ay] = pull([x, y]);
    [vx, vy, ax, ay]
}

fn energy([x, y, vx, vy]: State) -> f64 {
    (vx * vx + vy * vy) / 2.0 - 1.0 / x.hypot(y)
}

/// Finds coefficients until those up to order `N` + 1 are known, and returns the highest order that is.
fn extend<N: Lanes<f64>>(series: &mut Series, mut known: usize) -> usize {
    while known <= N::USIZE {
        let number =
            |i: usize| Taylor::<f64, N>::new(series[0][i], GenericArray::generate(|k| series[k + 1][i]));
        let pull = pull([number(0), number(1)]);
        for order in [known - 1, known] {
            let factor = ((order + 1) * (order + 2)) as f64;
            series[order + 2] = pull.map(|pull| pull.coefficient(order) / factor);
        }
        known += 2;
    }
    known
}

/// The largest number of a state.
fn size(state: &[f64]) -> f64 {
    state.iter().fold(0.0, |size, x| x.abs().max(size))
}

/// One step: the series, how far it is good for (Jorba and Zou, "A software package for the numerical integration of ODEs by
/// means of high-order Taylor methods", 2005), and its sum and derivative there.
fn taylor_step(state: &mut State, left: f64) -> f64 {
    let [x, y, vx, vy] = *state;
    let mut series = [[0.0; 2]; ORDER + 2];
    (series[0], series[1]) = ([x, y], [vx, vy]);
    let mut known = extend::<U4>(&mut series, 1);
    known = extend::<U8>(&mut series, known);
    known = extend::<U12>(&mut series, known);
    known = extend::<U16>(&mut series, known);
    extend::<U20>(&mut series, known);
    let good_for = |order: usize| (TOLERANCE / size(&series[order])).powf(1.0 / order as f64);
    let step = good_for(ORDER).min(good_for(ORDER - 1)).min(left);
    // What is added is summed on its own, so that its small terms are not lost.
    let orders = |from: usize| (from..=ORDER + 1).rev();
    for i in 0..2 {
        state[i] += orders(1).fold(0.0, |sum: f64, k| (sum + series[k][i]) * step);
        state[i + 2] += orders(2).fold(0.0, |sum: f64, k| (sum + series[k][i] * k as f64) * step);
    }
    step
}

/// Goes on for a time, and counts the steps.
fn by_taylor(state: &mut State, time: f64) -> usize {
    let (mut now, mut steps) = (0.0, 0);
    while now < time {
        now += taylor_step(state, time - now);
        steps += 1;
    }
    steps
}

/// The coefficients of Fehlberg's pair of orders 7 and 8 with 13 stages: Fehlberg, "Classical fifth-, sixth-, seventh-, and
/// eighth-order Runge–Kutta formulas with stepsize control", NASA TR R-287, 1968, table X.
const STAGES: [&[f64]; 13] = [
    &[],
    &[2.0 / 27.0],
    &[1.0 / 36.0, 1.0 / 12.0],
    &[1.0 / 24.0, 0.0, 1.0 / 8.0],
    &[5.0 / 12.0, 0.0, -25.0 / 16.0, 25.0 / 16.0],
    &[1.0 / 20.0, 0.0, 0.0, 1.0 / 4.0, 1.0 / 5.0],
    &[-25.0 / 108.0, 0.0, 0.0, 125.0 / 108.0, -65.0 / 27.0, 125.0 / 54.0],
    &[31.0 / 300.0, 0.0, 0.0, 0.0, 61.0 / 225.0, -2.0 / 9.0, 13.0 / 900.0],
    &[2.0, 0.0, 0.0, -53.0 / 6.0, 704.0 / 45.0, -107.0 / 9.0, 67.0 / 90.0, 3.0],
    &[
        -91.0 / 108.0,
        0.0,
        0.0,
        23.0 / 108.0,
        -976.0 / 135.0,
        311.0 / 54.0,
        -19.0 / 60.0,
        17.0 / 6.0,
        -1.0 / 12.0,
    ],
    &[
        2383.0 / 4100.0,
        0.0,
        0.0,
        -341.0 / 164.0,
        4496.0 / 1025.0,
        -301.0 / 82.0,
        2133.0 / 4100.0,
        45.0 / 82.0,
        45.0 / 164.0,
        18.0 / 41.0,
    ],
    &[3.0 / 205.0, 0.0, 0.0, 0.0, 0.0, -6.0 / 41.0, -3.0 / 205.0, -3.0 / 41.0, 3.0 / 41.0, 6.0 / 41.0, 0.0],
    &[
        -1777.0 / 4100.0,
        0.0,
        0.0,
        -341.0 / 164.0,
        4496.0 / 1025.0,
        -289.0 / 82.0,
        2193.0 / 4100.0,
        51.0 / 82.0,
        33.0 / 164.0,
        12.0 / 41.0,
        0.0,
        1.0,
    ],
];

/// The weights of order 8.
const WEIGHTS: [f64; 13] = [
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
    34.0 / 105.0,
    9.0 / 35.0,
    9.0 / 35.0,
    9.0 / 280.0,
    9.0 / 280.0,
    0.0,
    41.0 / 840.0,
    41.0 / 840.0,
];

/// One step by the method of order 8, and an estimate of its error: the difference from that of order 7.
fn runge_kutta_step(state: &State, step: f64) -> (State, f64) {
    let mut derivatives = [[0.0; 4]; 13];
    for (stage, coefficients) in STAGES.iter().enumerate() {
        let sum = |i: usize| {
            coefficients.iter().zip(&derivatives).map(|(a, derivative)| a * derivative[i]).sum::<f64>()
        };
        derivatives[stage] = derivative(std::array::from_fn(|i| state[i] + step * sum(i)));
    }
    let sum =
        |i: usize| WEIGHTS.iter().zip(&derivatives).map(|(b, derivative)| b * derivative[i]).sum::<f64>();
    let apart: State = std::array::from_fn(|i| {
        derivatives[0][i] + derivatives[10][i] - derivatives[11][i] - derivatives[12][i]
    });
    (std::array::from_fn(|i| state[i] + step * sum(i)), size(&apart) * step * 41.0 / 840.0)
}

/// Goes on for a time, and counts the steps taken.
fn by_runge_kutta(state: &mut State, time: f64) -> usize {
    let (mut now, mut step, mut steps) = (0.0, 1e-3, 0);
    while now < time {
        let width = f64::min(step, time - now);
        let (next, error) = runge_kutta_step(state, width);
        if error <= TOLERANCE * 10.0 {
            (*state, now, steps) = (next, now + width, steps + 1);
        }
        let factor = 0.9 * (TOLERANCE * 10.0 / error.max(1e-30)).powf(1.0 / 8.0);
        step = width * factor.clamp(0.2, 4.0);
    }
    steps
}

fn main() {
    // An ellipse of half axis 1 and eccentricity 0.3, from its nearest point; a period is 2π.
    let eccentricity: f64 = 0.3;
    let start = [1.0 - eccentricity, 0.0, 0.0, ((1.0 + eccentricity) / (1.0 - eccentricity)).sqrt()];
    let run = |name: &str, integrate: fn(&mut State, f64) -> usize| {
        let (mut state, mut off, mut steps, begin) = (start, 0.0_f64, 0, Instant::now());
        for _ in 0..100 {
            steps += integrate(&mut state, TAU);
            off = off.max((energy(state) - energy(start)).abs());
        }
        let (time, apart) = (begin.elapsed(), (state[0] - start[0]).hypot(state[1] - start[1]));
        println!("{name:<22} {steps:>6} steps, {time:>9.2?}: energy off by {off:.1e}, place by {apart:.1e}");
        off
    };
    let off = run("Taylor, order 20", by_taylor);
    run("Runge–Kutta 8(7)", by_runge_kutta);
    assert!(off < 1e-13, "the energy is off by {off:e}");
}
