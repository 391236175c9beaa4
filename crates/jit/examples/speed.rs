//! Times gradients by machine code, in units of a gradient written by hand, and times compilations:
//! `cargo run --release -p dualtape-jit --example speed`.

use dualtape::codegen::{Quantity, Routine};
use dualtape::loops::{Scan, Step};
use dualtape::{Differentiable, Error, Program, Traced};
use dualtape_jit::{Jit, Tier};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_by_hand, rosenbrock_point};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const WIDTH: f64 = 1e-3;
const TURNS: usize = 1000;

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
        let derivative =
            |[angle, speed]: [D; 2]| [speed, -(angle.sin() * parameters[0]) - speed * parameters[1]];
        let start = [state[0], state[1]];
        let along = |derivative: [D; 2], width: f64| [0, 1].map(|i| start[i] + derivative[i] * width);
        let first = derivative(start);
        let second = derivative(along(first, WIDTH / 2.0));
        let third = derivative(along(second, WIDTH / 2.0));
        let last = derivative(along(third, WIDTH));
        for (i, state) in state.iter_mut().enumerate() {
            *state = start[i] + (first[i] + (second[i] + third[i]) * 2.0 + last[i]) * (WIDTH / 6.0);
        }
        Ok(())
    }
}

/// The angle after all steps and its gradient, by hand: states, and sines and cosines of angles, are stored in the
/// forward pass.
fn pendulum_by_hand(x: &[f64], gradient: &mut [f64], stored: &mut Vec<[f64; 12]>) -> f64 {
    let &[angle, speed, gravity, friction] = x else { unreachable!() };
    stored.clear();
    let (mut a, mut s) = (angle, speed);
    for _ in 0..TURNS {
        let (sin1, cos1) = a.sin_cos();
        let (da1, ds1) = (s, -(sin1 * gravity) - s * friction);
        let (a2, s2) = (a + da1 * (WIDTH / 2.0), s + ds1 * (WIDTH / 2.0));
        let (sin2, cos2) = a2.sin_cos();
        let (da2, ds2) = (s2, -(sin2 * gravity) - s2 * friction);
        let (a3, s3) = (a + da2 * (WIDTH / 2.0), s + ds2 * (WIDTH / 2.0));
        let (sin3, cos3) = a3.sin_cos();
        let (da3, ds3) = (s3, -(sin3 * gravity) - s3 * friction);
        let (a4, s4) = (a + da3 * WIDTH, s + ds3 * WIDTH);
        let (sin4, cos4) = a4.sin_cos();
        let (da4, ds4) = (s4, -(sin4 * gravity) - s4 * friction);
        stored.push([s, s2, s3, s4, sin1, cos1, sin2, cos2, sin3, cos3, sin4, cos4]);
        a += (da1 + (da2 + da3) * 2.0 + da4) * (WIDTH / 6.0);
        s += (ds1 + (ds2 + ds3) * 2.0 + ds4) * (WIDTH / 6.0);
    }
    let (mut ba, mut bs, mut bg, mut bf) = (1.0, 0.0, 0.0, 0.0);
    for &[s1, s2, s3, s4, sin1, cos1, sin2, cos2, sin3, cos3, sin4, cos4] in stored.iter().rev() {
        // backward through da = s, ds = -sin(a) g - s f
        let mut derivative = |bda: f64, bds: f64, s: f64, sin: f64, cos: f64| {
            bg -= bds * sin;
            bf -= bds * s;
            (-(bds * gravity * cos), bda - bds * friction)
        };
        let (sixth, third) = (WIDTH / 6.0, WIDTH / 3.0);
        let (ba4, bs4) = derivative(ba * sixth, bs * sixth, s4, sin4, cos4);
        let (ba3, bs3) = derivative(ba * third + ba4 * WIDTH, bs * third + bs4 * WIDTH, s3, sin3, cos3);
        let half = WIDTH / 2.0;
        let (ba2, bs2) = derivative(ba * third + ba3 * half, bs * third + bs3 * half, s2, sin2, cos2);
        let (ba1, bs1) = derivative(ba * sixth + ba2 * half, bs * sixth + bs2 * half, s1, sin1, cos1);
        ba += ba4 + ba3 + ba2 + ba1;
        bs += bs4 + bs3 + bs2 + bs1;
    }
    gradient.copy_from_slice(&[ba, bs, bg, bf]);
    a
}

/// Seconds per call, measured over two milliseconds of calls.
fn time(f: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    f();
    let once = start.elapsed().as_secs_f64();
    let count = (2e-3 / once.max(1e-9)).ceil() as usize;
    let start = Instant::now();
    (0..count).for_each(|_| f());
    start.elapsed().as_secs_f64() / count as f64
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// The median times of all functions, timed alternately.
fn medians(fs: &mut [Box<dyn FnMut() + '_>]) -> Vec<f64> {
    let mut times = vec![Vec::new(); fs.len()];
    for _ in 0..31 {
        for (f, times) in fs.iter_mut().zip(&mut times) {
            times.push(time(f));
        }
    }
    times.into_iter().map(median).collect()
}

/// A function that computes a gradient with a program, into its own memory.
fn evaluated(program: Program<f64>, x: &[f64]) -> Box<dyn FnMut() + '_> {
    let (mut workspace, mut gradient) = (program.workspace(), vec![0.0; x.len()]);
    Box::new(move || {
        let value = program.gradient(&mut workspace, black_box(x), black_box(&mut gradient));
        black_box(value.expect("it is smooth"));
    })
}

/// The same with the machine code of a tier.
fn called<'x>(program: &Program<f64>, tier: Tier, x: &'x [f64]) -> Box<dyn FnMut() + 'x> {
    let mut gradient = jit(tier).compile(program, Quantity::Gradient).expect("it has code");
    let mut outputs = vec![0.0; x.len() + 1];
    Box::new(move || gradient.call(black_box(x), black_box(&mut outputs)).expect("it is smooth"))
}

fn jit(tier: Tier) -> Jit {
    Jit::new(tier).expect("there is code for this processor")
}

/// Times all ways to compute the gradient, and compilations.
fn report<'x>(
    name: &str,
    program: &Program<f64>,
    x: &'x [f64],
    mut by_hand: impl FnMut(&mut [f64]) -> f64 + 'x,
) {
    let mut derivative = vec![0.0; x.len()];
    let by_machine = program.clone().optimized_by(Arc::new(jit(Tier::Optimised)));
    let times = medians(&mut [
        Box::new(|| {
            black_box(by_hand(black_box(&mut derivative)));
        }),
        evaluated(program.clone().optimized(), x),
        evaluated(by_machine, x),
        called(program, Tier::SinglePass, x),
        called(program, Tier::Optimised, x),
    ]);
    let ratios: Vec<String> = times[1..].iter().map(|time| format!("{:6.2}", time / times[0])).collect();
    println!("{name:>16} {:>10.1} {}", times[0] * 1e9, ratios.join(" "));
    for tier in [Tier::SinglePass, Tier::Optimised] {
        report_compilation(program, tier);
    }
}

fn report_compilation(program: &Program<f64>, tier: Tier) {
    let (jit, mut operations) = (jit(tier), 0);
    let times = (0..9).map(|_| {
        let start = Instant::now();
        let routine = Routine::new(program, Quantity::Gradient).expect("it has code");
        let written = start.elapsed().as_secs_f64();
        operations = routine.operations();
        black_box(jit.compile_routine(routine).expect("it has code"));
        [written, start.elapsed().as_secs_f64() - written]
    });
    let (written, compiled): (Vec<f64>, Vec<f64>) =
        times.map(|[written, compiled]| (written, compiled)).unzip();
    let [written, compiled] = [written, compiled].map(|times| median(times) * 1e6);
    println!(
        "{:>20} {tier:?}: {operations} operations, routine {written:.0} µs, code {compiled:.0} µs, {:.2} µs per operation",
        "",
        compiled / operations as f64
    );
}

fn main() {
    println!(
        "{:>16} {:>10}   in units of that: program, program with machine code, single pass, optimised",
        "", "by hand/ns"
    );
    for n in [2, 10, 100, 1000] {
        let x = rosenbrock_point(n);
        let program = Program::record(rosenbrock, &x).expect("it branches nowhere");
        report(&format!("rosenbrock {n}"), &program, &x, |derivative| {
            rosenbrock_by_hand(black_box(&x), derivative)
        });
    }
    let x = [0.5, 0.1, 9.81, 0.2];
    let swing = |x: &[Traced<f64>]| {
        Scan::new(Swing, TURNS).run(&x[..2], &[], &x[2..]).expect("nothing is refused").state[0]
    };
    let program = Program::record(swing, &x).expect("it branches nowhere");
    let mut stored = Vec::new();
    report("pendulum", &program, &x, |derivative| pendulum_by_hand(black_box(&x), derivative, &mut stored));
}
