//! The No-U-Turn sampler of the crate nuts-rs draws lines through points, two of which are far off. The errors have
//! Student's t distribution, so that these count little. The logarithm of the posterior is a recorded program, summed
//! over the points; its gradient comes from dualtape. Means and deviations are printed beside integrals by quadrature, and
//! the slope by least squares, which the two pull up: `cargo run --release -p dualtape-examples --example no_u_turn`.

use dualtape::program::{BatchWorkspace, Rows};
use dualtape::{Differentiable, Program};
use nuts_rs::rand::{Rng, SeedableRng, rngs::ChaCha8Rng};
use nuts_rs::{
    CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, sample_sequentially,
};

/// What is measured at 0, 1, 2, …: near the line 1 + x/2, but for two.
const HEIGHTS: [f64; 12] = [1.1, 1.4, 2.2, 2.3, 3.1, 3.4, 3.9, 4.6, 14.0, 5.3, 15.0, 6.6];

/// The share of one point in the logarithm of the posterior. Unknowns: the line at 0, its slope, and the logarithm of the
/// scale of errors, which have two degrees of freedom. Each has a normal prior, of deviations 10, 10 and 2.
fn share<D: Differentiable<Scalar = f64>>(z: &[D], point: &[D]) -> D {
    let error = (point[1] - z[0] - z[1] * point[0]) / z[2].exp();
    let prior = ((z[0] / 10.0).powi(2) + (z[1] / 10.0).powi(2) + (z[2] / 2.0).powi(2)) * 0.5;
    -z[2] - (error * error / 2.0).ln_1p() * 1.5 - prior / HEIGHTS.len() as f64
}

struct Posterior(Program<f64>, BatchWorkspace<f64>, Vec<f64>);

/// An error of dualtape, as nuts-rs takes it. If the function branched, another branch might be recoverable.
#[derive(Debug)]
struct Failure(dualtape::Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl LogpError for Failure {
    fn is_recoverable(&self) -> bool {
        false
    }
}

impl HasDims for Posterior {
    fn dim_sizes(&self) -> std::collections::HashMap<String, u64> {
        std::collections::HashMap::from([("unconstrained_parameter".into(), 3), ("dim".into(), 3)])
    }
}

impl CpuLogpFunc for Posterior {
    type LogpError = Failure;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        3
    }

    fn logp(&mut self, z: &[f64], gradient: &mut [f64]) -> Result<f64, Failure> {
        self.0.sum_gradient(&mut self.1, z, &Rows::new(&self.2, 2), gradient).map_err(Failure)
    }

    fn expand_vector<R: Rng + ?Sized>(&mut self, _: &mut R, z: &[f64]) -> Result<Vec<f64>, CpuMathError> {
        Ok(z.to_vec())
    }
}

/// Means and deviations of the unknowns under weights.
fn moments(weighted: impl Iterator<Item = (f64, [f64; 3])>) -> [(f64, f64); 3] {
    let sums = weighted.fold([[0.0; 3]; 3], |[total, first, second], (weight, z)| {
        let add = |sum: [f64; 3], term: [f64; 3]| std::array::from_fn(|i| sum[i] + weight * term[i]);
        [add(total, [1.0; 3]), add(first, z), add(second, z.map(|z| z * z))]
    });
    let means: [f64; 3] = std::array::from_fn(|i| sums[1][i] / sums[0][i]);
    std::array::from_fn(|i| (means[i], (sums[2][i] / sums[0][i] - means[i].powi(2)).sqrt()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = Program::record_with_data(share, &[0.0; 3], &[0.0; 2])?.optimized();
    let points: Vec<[f64; 2]> = HEIGHTS.iter().enumerate().map(|(x, &y)| [x as f64, y]).collect();
    let posterior = Posterior(program, BatchWorkspace::default(), points.concat());
    let (settings, mut random) = (DiagNutsSettings::default(), ChaCha8Rng::seed_from_u64(3));
    let chain = sample_sequentially(CpuMath::new(posterior), settings, &[0.0; 3], 8400, 0, &mut random)?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let samples = chain.iter().filter(|(_, progress)| !progress.tuning);
    let sampled = moments(samples.map(|(z, _)| (1.0, std::array::from_fn(|i| z[i]))));
    let cell = |i: usize| [i / 6400, i / 80 % 80, i % 80].map(|i| (i as f64 + 0.5) / 80.0);
    let grid = (0..80 * 80 * 80).map(cell).map(|[a, b, c]| [4.0 * a - 1.0, b, 6.0 * c - 4.0]);
    let weight = |z: [f64; 3]| (points.iter().map(|point| share(&z, point)).sum::<f64>().exp(), z);
    let exact = moments(grid.map(weight));
    for (i, name) in ["line at 0", "slope", "ln scale"].into_iter().enumerate() {
        let ((mean, deviation), (by_samples, spread)) = (exact[i], sampled[i]);
        println!("{name:9} {by_samples:7.3} ± {spread:.3}, by quadrature {mean:7.3} ± {deviation:.3}");
        assert!((by_samples - mean).abs() < 0.1 * deviation && (spread / deviation - 1.0).abs() < 0.2);
    }
    let covariance: f64 = points.iter().map(|[x, y]| (x - 5.5) * y).sum();
    println!("slope by least squares {:.3}", covariance / 143.0); // the sum of the squares of x − 5.5
    Ok(())
}
