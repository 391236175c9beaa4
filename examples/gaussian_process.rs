//! Gaussian process regression, with the hyperparameters of the kernel by maximum marginal likelihood. The likelihood
//! contains a Cholesky decomposition, written out in generic numbers, so that a recorded program differentiates it like
//! any function. Steps of gradient descent are printed, and the prediction is drawn to the path given as first argument,
//! or to the temporary directory. The gradient is compared with its closed form by traces.

use dualtape::{Differentiable, Program};
use dualtape_plots::{Curves, Picture};
use nalgebra::{DMatrix, DVector};

/// A smooth function with a disturbance, at irregular places.
fn data() -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (0..30).map(|i| f64::from(i) / 3.0 + 0.2 * (f64::from(i) * 2.3).sin()).collect();
    let y = x.iter().enumerate().map(|(i, x)| x.sin() + 0.3 * x + 0.15 * (i as f64 * 17.1).sin());
    (x.clone(), y.collect())
}

/// The squared exponential kernel. The hyperparameters are the logarithms of amplitude, length and noise.
fn kernel<D: Differentiable<Scalar = f64>>(log: &[D], distance: f64) -> D {
    let scaled = (-log[1]).exp() * distance;
    (log[0] * 2.0 - scaled * scaled * 0.5).exp()
}

/// ½ yᵀK⁻¹y + ½ ln det K + ½ n ln 2π: the negative logarithm of the marginal likelihood.
fn cost<D: Differentiable<Scalar = f64>>(log: &[D], x: &[f64], y: &[f64]) -> D {
    let n = x.len();
    let mut lower = vec![vec![D::zero(); n]; n]; // the Cholesky factor of K
    let mut whitened: Vec<D> = Vec::with_capacity(n); // the solution z of L z = y
    let mut cost = D::constant(0.5 * n as f64 * std::f64::consts::TAU.ln());
    for i in 0..n {
        for j in 0..=i {
            let noise = if i == j { (log[2] * 2.0).exp() } else { D::zero() };
            let entry = kernel(log, x[i] - x[j]) + noise - D::dot(&lower[i][..j], &lower[j][..j]);
            lower[i][j] = if i == j { entry.sqrt() } else { entry / lower[j][j] };
        }
        let z = (D::constant(y[i]) - D::dot(&lower[i][..i], &whitened)) / lower[i][i];
        whitened.push(z);
        cost += z * z * 0.5 + lower[i][i].ln();
    }
    cost
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (x, y) = data();
    let program = Program::record(|log| cost(log, &x, &y), &[0.0; 3])?;
    let (mut workspace, mut log, mut gradient) = (program.workspace(), [0.0; 3], [0.0; 3]);
    println!("step  log likelihood  amplitude   length    noise");
    for step in 0..=400 {
        let value = program.gradient(&mut workspace, &log, &mut gradient)?;
        if step % 40 == 0 {
            let [amplitude, length, noise] = log.map(f64::exp);
            println!("{step:4}  {:14.8}  {amplitude:9.5} {length:8.5} {noise:8.5}", -value);
        }
        log = std::array::from_fn(|i| log[i] - 0.006 * gradient[i]);
    }
    assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");

    // Mean and deviation of the prediction, by nalgebra.
    let matrix = |f: &dyn Fn(f64) -> f64| DMatrix::from_fn(x.len(), x.len(), |i, j| f(x[i] - x[j]));
    let covariance = |log: &[f64; 3]| {
        matrix(&|d| kernel(log, d)) + DMatrix::identity(x.len(), x.len()) * (2.0 * log[2]).exp()
    };
    let cholesky = covariance(&log).cholesky().ok_or("K is not positive definite")?;
    let weights = cholesky.solve(&DVector::from_column_slice(&y));
    let predict = |at: f64| {
        let k = DVector::from_iterator(x.len(), x.iter().map(|x| kernel(&log, at - x)));
        (k.dot(&weights), (kernel(&log, 0.0) - k.dot(&cholesky.solve(&k))).max(0.0).sqrt())
    };
    let line = |deviations: f64| {
        (0..=150).map(|i| f64::from(i) * 0.08).map(move |at| (at, predict(at).0 + deviations * predict(at).1))
    };
    let picture = Curves::new("Gaussian process", "x", "y")
        .curve("mean", line(0.0))
        .curve("two deviations above", line(2.0))
        .curve("two deviations below", line(-2.0))
        .curve("data", x.iter().copied().zip(y.iter().copied()));
    let default = || std::env::temp_dir().join("gaussian_process.png");
    let path = std::env::args_os().nth(1).map_or_else(default, Into::into);
    std::fs::write(&path, picture.png(picture.natural_size())?)?;
    println!("drawn to {}", path.display());

    // Away from the maximum, the closed form ½ tr((K⁻¹ − K⁻¹y yᵀK⁻¹) ∂K/∂p) for each hyperparameter p.
    let log = [0.3, -0.2, -1.0];
    program.gradient(&mut workspace, &log, &mut gradient)?;
    let inverse = covariance(&log).try_inverse().ok_or("K is singular")?;
    let weights = &inverse * DVector::from_column_slice(&y);
    let factor = inverse - &weights * weights.transpose();
    let length = log[1].exp();
    let derivatives = [
        matrix(&|d| 2.0 * kernel(&log, d)),
        matrix(&|d| kernel(&log, d) * (d / length).powi(2)),
        DMatrix::identity(x.len(), x.len()) * (2.0 * (2.0 * log[2]).exp()),
    ];
    for (by_program, derivative) in gradient.iter().zip(derivatives) {
        let closed = 0.5 * (&factor * derivative).trace();
        assert!((by_program - closed).abs() < 1e-9 * closed.abs(), "{by_program} against {closed}");
    }
    Ok(())
}
