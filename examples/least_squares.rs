//! Gauss and Newton's method in a trust region of argmin finds four peaks in a noisy spectrum, two of which overlap. It
//! takes products with the Jacobian from dualtape, forward and in reverse, and no matrix. The heights, places and widths
//! that it finds are printed with their standard errors, and compared with those that the spectrum was made from. The
//! spectrum and the fit are drawn, to the path given as first argument or to the temporary directory.
//!
//! `cargo run --release -p dualtape-examples --example least_squares`

use argmin::core::{CostFunction, Executor, Hessian, IterState, State};
use argmin::solver::trustregion::{Steihaug, TrustRegion};
use dualtape::integrations::argmin::{LeastSquares, MatrixFree};
use dualtape::{Differentiable, Function};
use dualtape_plots::{Curves, Picture};
use nalgebra::DMatrix;

const CHANNELS: usize = 300;
/// The standard deviation of the noise.
const NOISE: f64 = 0.1;
/// Height, place and width of each peak, then the background.
const TRUE: [f64; 13] = [3.0, 2.0, 0.3, 2.0, 3.0, 0.4, 4.0, 6.0, 0.5, 1.0, 8.5, 0.2, 0.5];
/// What is read off the picture by eye.
const GUESS: [f64; 13] = [2.5, 1.8, 0.4, 1.5, 3.2, 0.5, 3.0, 5.5, 0.8, 1.5, 8.3, 0.4, 0.0];

fn place(channel: usize) -> f64 {
    channel as f64 * 10.0 / CHANNELS as f64
}

/// Gaussian peaks on a constant background.
fn spectrum<D: Differentiable<Scalar = f64>>(peaks: &[D], place: f64) -> D {
    let peak = |p: &[D]| p[0] * (((p[1] - place) / p[2]).powi(2) * -0.5).exp();
    peaks.chunks_exact(3).map(peak).sum::<D>() + peaks[12]
}

/// How far the peaks miss what was measured in each channel, in units of the noise.
struct Misfit(Vec<f64>);

impl Function<f64> for Misfit {
    fn outputs(&self, _inputs: usize) -> usize {
        self.0.len()
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, peaks: &[D], residuals: &mut [D]) {
        for (channel, (residual, measured)) in residuals.iter_mut().zip(&self.0).enumerate() {
            *residual = (spectrum(peaks, place(channel)) - *measured) / NOISE;
        }
    }
}

/// Noise of about a normal distribution: sums of twelve numbers of a linear congruential generator.
fn noise(state: &mut u64) -> f64 {
    let mut uniform = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut state = 5;
    let measured = (0..CHANNELS).map(|channel| spectrum(&TRUE, place(channel)) + NOISE * noise(&mut state));
    let measured: Vec<f64> = measured.collect();
    let problem = LeastSquares(Misfit(measured.clone()));
    let costs = [problem.cost(&GUESS.to_vec())?, problem.cost(&TRUE.to_vec())?];

    let solver = TrustRegion::new(Steihaug::new());
    let start = |state: IterState<_, _, _, _, _, _>| state.param(GUESS.to_vec()).max_iters(60);
    let done = Executor::new(MatrixFree::new(problem), solver).configure(start).run()?;
    let found: &Vec<f64> = done.state().get_best_param().ok_or("there was no iteration")?;
    let cost = done.state().get_best_cost();
    println!("half the sum of squares: {:.1} at the guess, {cost:.3} at the best fit", costs[0]);

    // At the minimum, the inverse of JᵀJ is the covariance of what is found.
    let information = LeastSquares(Misfit(measured.clone())).hessian(found)?.concat();
    let covariance =
        DMatrix::from_vec(13, 13, information).cholesky().ok_or("it is not a minimum")?.inverse();
    println!("              true     found   standard error");
    let mut furthest: f64 = 0.0;
    for (i, (expected, found)) in TRUE.iter().zip(found).enumerate() {
        let name = if i == 12 { "background" } else { ["height", "place", "width"][i % 3] };
        let error = covariance[(i, i)].sqrt();
        println!("{name:10} {expected:8.3} {found:9.4} ± {error:.4}");
        furthest = furthest.max((found - expected).abs() / error);
    }

    let curve =
        |peaks: &[f64]| (0..CHANNELS).map(|i| (place(i), spectrum(peaks, place(i)))).collect::<Vec<_>>();
    let picture = Curves::new("peaks of a spectrum", "place", "counts")
        .curve("measured", (0..CHANNELS).map(|i| (place(i), measured[i])))
        .curve("guess", curve(&GUESS))
        .curve("fit", curve(found));
    let default = || std::env::temp_dir().join("least_squares.png");
    let path = std::env::args_os().nth(1).map_or_else(default, Into::into);
    std::fs::write(&path, picture.png(picture.natural_size())?)?;
    println!("drawn to {}", path.display());
    // The fit is better than the truth, as it follows the noise, by about half a unit for each of the 13 unknowns. It is
    // within a few standard errors of the truth.
    assert!(cost < costs[1] && costs[1] - cost < 20.0, "{cost} {costs:?}");
    assert!(furthest < 4.0, "{furthest} standard errors");
    Ok(())
}
