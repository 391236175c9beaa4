//! Hamiltonian Monte Carlo samples the posterior of eight schools (Rubin, 1981): how much coaching raised the scores in
//! each, where the schools share an unknown mean and an unknown spread. The gradient of the posterior comes from a
//! recorded program. Means and deviations of the samples are printed, and compared with integrals by quadrature.

use dualtape::{Differentiable, Program};

/// Measured effects, and their standard errors.
const EFFECTS: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// The negative logarithm of the posterior. Unknowns: the mean μ, ln τ of the spread, and the effects (θ − μ)/τ of the
/// schools in units of the spread. Priors: μ ~ N(0, 5²), ln τ ~ N(1, 1), and standard normal ones.
fn potential<D: Differentiable<Scalar = f64>>(z: &[D]) -> D {
    let (mean, spread) = (z[0], z[1].exp());
    let misfit = |i: usize| ((mean + spread * z[2 + i] - EFFECTS[i]) / ERRORS[i]).powi(2);
    let schools = (0..8).map(|i| misfit(i) + z[2 + i] * z[2 + i]).sum::<D>();
    ((mean / 5.0).powi(2) + (z[1] - 1.0).powi(2) + schools) * 0.5
}

/// Random numbers, by SplitMix64 and the method of Box and Muller.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// The means of μ and ln τ by quadrature. Given both, an effect is measured with the variance τ² + error².
fn quadrature() -> [f64; 2] {
    let (mut total, mut moments) = (0.0, [0.0; 2]);
    for (i, j) in (0..400).flat_map(|i| (0..400).map(move |j| (i, j))) {
        let (mean, log) = (-25.0 + 0.15 * f64::from(i), -5.0 + 0.03 * f64::from(j));
        let density = |(effect, error): (&f64, f64)| {
            let variance = (2.0 * log).exp() + error * error;
            (effect - mean).powi(2) / variance + variance.ln()
        };
        let schools: f64 = EFFECTS.iter().zip(ERRORS).map(density).sum();
        let weight = (-0.5 * ((mean / 5.0).powi(2) + (log - 1.0).powi(2) + schools)).exp();
        total += weight;
        moments = [moments[0] + weight * mean, moments[1] + weight * log];
    }
    moments.map(|moment| moment / total)
}

fn main() -> Result<(), dualtape::Error> {
    let program = Program::record(potential, &[0.0; 10])?.optimized();
    let (mut workspace, mut random) = (program.workspace(), Random(3));
    let (mut z, mut gradient) = ([0.0; 10], [0.0; 10]);
    let mut energy = program.gradient(&mut workspace, &z, &mut gradient)?;
    let (mut samples, mut accepted) = (Vec::new(), 0);
    for round in 0..21_000 {
        // Leapfrog steps from a random momentum, of random length so that no orbit closes.
        let start: [f64; 10] = std::array::from_fn(|_| random.normal());
        let step = 0.2 + 0.2 * random.uniform();
        let (mut position, mut force, mut potential, mut momentum) = (z, gradient, energy, start);
        for _ in 0..12 {
            momentum = std::array::from_fn(|i| momentum[i] - 0.5 * step * force[i]);
            position = std::array::from_fn(|i| position[i] + step * momentum[i]);
            potential = program.gradient(&mut workspace, &position, &mut force)?;
            momentum = std::array::from_fn(|i| momentum[i] - 0.5 * step * force[i]);
        }
        let kinetic = |momentum: [f64; 10]| momentum.iter().map(|p| 0.5 * p * p).sum::<f64>();
        let change = potential + kinetic(momentum) - energy - kinetic(start);
        if random.uniform() < (-change).exp() {
            (z, gradient, energy) = (position, force, potential);
            accepted += 1;
        }
        if round >= 1000 {
            samples.push(z);
        }
    }

    let count = samples.len() as f64;
    let moments = |of: &dyn Fn(&[f64; 10]) -> f64| {
        let mean = samples.iter().map(of).sum::<f64>() / count;
        (mean, (samples.iter().map(|z| (of(z) - mean).powi(2)).sum::<f64>() / count).sqrt())
    };
    println!("accepted {:.1} %\n          measured      posterior", 100.0 * f64::from(accepted) / 21_000.0);
    for (i, (effect, error)) in EFFECTS.iter().zip(ERRORS).enumerate() {
        let (mean, deviation) = moments(&|z| z[0] + z[1].exp() * z[2 + i]);
        println!("school {} {effect:4.0} ± {error:4.1}  {mean:5.2} ± {deviation:4.2}", i + 1);
    }
    let ((mean, _), (log, _)) = (moments(&|z| z[0]), moments(&|z| z[1]));
    let exact = quadrature();
    println!(
        "mean {mean:.3}, by quadrature {:.3}; ln spread {log:.3}, by quadrature {:.3}",
        exact[0], exact[1]
    );
    assert!((mean - exact[0]).abs() < 0.15 && (log - exact[1]).abs() < 0.1);
    Ok(())
}
