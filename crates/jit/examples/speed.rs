//! Times gradients of machine code in units of a gradient written by hand, and compilations.

use dualtape::codegen::{Quantity, Routine};
use dualtape::loops::{Scan, Step};
use dualtape::{Differentiable, Error, Program};
use dualtape_jit::{Jit, Tier};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_by_hand, rosenbrock_point};
use std::hint::black_box;
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
        let slope = |[angle, speed]: [D; 2]| [speed, -(angle.sin() * parameters[0]) - speed * parameters[1]];
        let start = [state[0], state[1]];
        let along = |slope: [D; 2], width: f64| [0, 1].map(|i| start[i] + slope[i] * width);
        let first = slope(start);
        let second = slope(along(first, WIDTH / 2.0));
        let third = slope(along(second, WIDTH / 2.0));
        let last = slope(along(third, WIDTH));
        for (i, state) in state.iter_mut().enumerate() {
            *state = start[i] + (first[i] + (second[i] + third[i]) * 2.0 + last[i]) * (WIDTH / 6.0);
        }
        Ok(())
    }
}

/// The angle after all steps and its gradient, by hand: states, angles' sines and cosines are stored on the way forward.
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
        // back through da = s, ds = -sin(a) g - s f
        let mut slope = |bda: f64, bds: f64, s: f64, sin: f64, cos: f64| {
            bg -= bds * sin;
            bf -= bds * s;
            (-(bds * gravity * cos), bda - bds * friction)
        };
        let (sixth, third) = (WIDTH / 6.0, WIDTH / 3.0);
        let (ba4, bs4) = slope(ba * sixth, bs * sixth, s4, sin4, cos4);
        let (ba3, bs3) = slope(ba * third + ba4 * WIDTH, bs * third + bs4 * WIDTH, s3, sin3, cos3);
        let half = WIDTH / 2.0;
        let (ba2, bs2) = slope(ba * third + ba3 * half, bs * third + bs3 * half, s2, sin2, cos2);
        let (ba1, bs1) = slope(ba * sixth + ba2 * half, bs * sixth + bs2 * half, s1, sin1, cos1);
        ba += ba4 + ba3 + ba2 + ba1;
        bs += bs4 + bs3 + bs2 + bs1;
    }
    gradient.copy_from_slice(&[ba, bs, bg, bf]);
    a
}

fn time(mut f: impl FnMut()) -> f64 {
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

/// Medians of each, taken in turns.
fn medians(fs: &mut [Box<dyn FnMut() + '_>]) -> Vec<f64> {
    let mut times = vec![Vec::new(); fs.len()];
    for _ in 0..31 {
        for (f, times) in fs.iter_mut().zip(&mut times) {
            times.push(time(f));
        }
    }
    times.into_iter().map(median).collect()
}

fn report(name: &str, program: &Program<f64>, x: &[f64], mut by_hand: impl FnMut(&mut [f64]) -> f64) {
    let routine = Routine::new(program, Quantity::Gradient).unwrap();
    let n = x.len();
    let mut compiled: Vec<_> = [Tier::SinglePass, Tier::Optimised]
        .map(|tier| Jit::new(tier).unwrap().compile(program, Quantity::Gradient).unwrap())
        .into();
    let (mut g1, mut g2, mut o1, mut o2) = (vec![0.0; n], vec![0.0; n], vec![0.0; n + 1], vec![0.0; n + 1]);
    let optimized = program.clone().optimized();
    let mut workspace = optimized.workspace();
    let by_machine = program.clone().optimized_by(std::sync::Arc::new(Jit::new(Tier::Optimised).unwrap()));
    let (mut machine_workspace, mut g3) = (by_machine.workspace(), vec![0.0; n]);
    let [mut b, mut a] = [compiled.pop().unwrap(), compiled.pop().unwrap()];
    let times = medians(&mut [
        Box::new(|| {
            black_box(by_hand(black_box(&mut g1)));
        }),
        Box::new(|| {
            let _ = black_box(optimized.gradient(&mut workspace, black_box(x), black_box(&mut g2)));
        }),
        Box::new(|| {
            let _ = black_box(by_machine.gradient(&mut machine_workspace, black_box(x), black_box(&mut g3)));
        }),
        Box::new(|| a.call(black_box(x), black_box(&mut o1)).unwrap()),
        Box::new(|| b.call(black_box(x), black_box(&mut o2)).unwrap()),
    ]);
    assert!(g1.iter().zip(&o2[1..]).all(|(a, b)| (a - b).abs() <= 1e-9 * a.abs().max(1.0)), "{g1:?} {o2:?}");
    print!(
        "{name:>16}: {:>6} ops, by hand {:>9.1} ns; program {:.2}",
        routine.operations(),
        times[0] * 1e9,
        times[1] / times[0]
    );
    println!(
        ", optimized_by {:.2}, single pass {:.2}, optimised {:.2}",
        times[2] / times[0],
        times[3] / times[0],
        times[4] / times[0]
    );
    for tier in [Tier::SinglePass, Tier::Optimised] {
        let jit = Jit::new(tier).unwrap();
        let times: Vec<f64> = (0..9)
            .map(|_| {
                let routine = routine.clone();
                let start = Instant::now();
                black_box(jit.compile_routine(routine).unwrap());
                start.elapsed().as_secs_f64()
            })
            .collect();
        let t = median(times);
        println!(
            "{:>16}  {tier:?}: {:.1} µs, {:.2} µs an operation",
            "",
            t * 1e6,
            t * 1e6 / routine.operations() as f64
        );
    }
    let start = Instant::now();
    let _ = Routine::new(program, Quantity::Gradient).unwrap();
    println!("{:>16}  routine {:.1} µs", "", start.elapsed().as_secs_f64() * 1e6);
}

fn main() {
    for n in [2, 10, 100, 1000] {
        let x = rosenbrock_point(n);
        let program = Program::record(|x| rosenbrock(x), &x).unwrap();
        report(&format!("rosenbrock {n}"), &program, &x, |g| rosenbrock_by_hand(black_box(&x), g));
    }
    let x = [0.5, 0.1, 9.81, 0.2];
    let f =
        |x: &[dualtape::Traced<f64>]| Scan::new(Swing, TURNS).run(&x[..2], &[], &x[2..]).unwrap().state[0];
    let program = Program::record(f, &x).unwrap();
    let mut stored = Vec::new();
    report("pendulum", &program, &x, |g| pendulum_by_hand(black_box(&x), g, &mut stored));
}
