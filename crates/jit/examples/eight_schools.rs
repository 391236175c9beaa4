//! Hamiltonian Monte Carlo on the eight schools (Rubin, "Estimation in parallel randomized experiments", 1981): the
//! sampler takes gradients from a program, and machine code computes them without any change to the sampler.

use dualtape::{Differentiable, Error, Program, Workspace};
use dualtape_jit::{Jit, Tier};
use std::sync::Arc;
use std::time::Instant;

/// The estimated effect of coaching in each school, and its standard error.
const EFFECTS: [[f64; 2]; 8] = [
    [28.0, 15.0],
    [8.0, 10.0],
    [-3.0, 16.0],
    [7.0, 11.0],
    [-1.0, 9.0],
    [1.0, 11.0],
    [18.0, 10.0],
    [12.0, 18.0],
];

const SIZE: usize = 2 + EFFECTS.len();

/// −ln of the posterior. Inputs: the mean effect μ, the logarithm ln τ of the spread, and for each school (θ − μ)/τ.
/// Priors: μ ~ N(0, 5), τ ~ half-Cauchy(5).
fn potential<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    let (mean, log_spread, schools) = (x[0], x[1], &x[2..]);
    let spread = log_spread.exp();
    let prior = mean * mean * (0.5 / 25.0) + (spread * 0.2).powi(2).ln_1p() - log_spread;
    let school = |(&effect, [seen, error]): (&D, [f64; 2])| {
        let off = (mean + spread * effect - seen) * error.recip();
        (off * off + effect * effect) * 0.5
    };
    prior + schools.iter().zip(EFFECTS).map(school).sum::<D>()
}

/// Pseudo-random numbers, the same in every run.
struct Chance(u64);

impl Chance {
    /// A number between 0 and 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A standard normal number, by the method of Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * self.uniform().ln()).sqrt(), std::f64::consts::TAU * self.uniform());
        radius * angle.cos()
    }
}

/// The result of a run of the sampler.
struct Run {
    /// The means of μ and τ.
    means: [f64; 2],
    accepted: f64,
    seconds: f64,
}

const DRAWS: usize = 20_000;
const LEAPS: usize = 12;
const STEP: f64 = 0.25;

/// Draws from the posterior with leapfrog steps along the gradient.
fn sample(program: &Program<f64>) -> Result<Run, Error> {
    let start = Instant::now();
    let (mut workspace, mut chance): (Workspace<f64>, _) = (program.workspace(), Chance(8));
    let (mut x, mut gradient) = ([0.0; SIZE], [0.0; SIZE]);
    let mut here = program.gradient(&mut workspace, &x, &mut gradient)?;
    let (mut sums, mut accepted) = ([0.0; 2], 0);
    for _ in 0..DRAWS {
        let mut momentum: [f64; SIZE] = std::array::from_fn(|_| chance.normal());
        let energy =
            |value: f64, momentum: &[f64; SIZE]| value + momentum.iter().map(|p| p * p * 0.5).sum::<f64>();
        let before = energy(here, &momentum);
        let (mut to, mut to_derivative, mut there) = (x, gradient, here);
        for _ in 0..LEAPS {
            (0..SIZE).for_each(|i| momentum[i] -= 0.5 * STEP * to_derivative[i]);
            (0..SIZE).for_each(|i| to[i] += STEP * momentum[i]);
            there = program.gradient(&mut workspace, &to, &mut to_derivative)?;
            (0..SIZE).for_each(|i| momentum[i] -= 0.5 * STEP * to_derivative[i]);
        }
        if chance.uniform().ln() < before - energy(there, &momentum) {
            (x, gradient, here) = (to, to_derivative, there);
            accepted += 1;
        }
        sums = [sums[0] + x[0], sums[1] + x[1].exp()];
    }
    let seconds = start.elapsed().as_secs_f64();
    let accepted = f64::from(accepted) / DRAWS as f64;
    Ok(Run { means: sums.map(|sum| sum / DRAWS as f64), accepted, seconds })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = Program::record(potential, &[0.1; SIZE])?;
    let compiled = program.clone().optimized_by(Arc::new(Jit::new(Tier::Optimised)?));
    let gradients = (DRAWS * LEAPS) as f64;
    println!("{DRAWS} draws of {LEAPS} leaps     mean of mu  of tau  accepted  ns per leap");
    for (name, program) in [("program", program.optimized()), ("machine code", compiled)] {
        let Run { means: [mean, spread], accepted, seconds } = sample(&program)?;
        let each = seconds * 1e9 / gradients;
        println!("{name:24} {mean:11.2} {spread:7.2} {accepted:9.2} {each:10.1}");
        assert!(
            (mean - 4.4).abs() < 0.3 && (spread - 3.6).abs() < 0.4,
            "the posterior means differ from the known ones"
        );
    }
    Ok(())
}
