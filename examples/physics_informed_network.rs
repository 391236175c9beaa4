//! A small network learns the solution of −Δu = λ exp(u) in the unit disc, u = 0 at its edge: the temperature in a
//! cylinder that heats itself (Frank-Kamenetskii). The residual contains the Laplacian of the network with respect to
//! its input, and is recorded once; its Jacobian in the weights serves steps of Levenberg and Marquardt. The losses are
//! printed, then the network beside the exact solution.

use dualtape::program::{Rows, Wrt};
use dualtape::{Differentiable, ForwardLaplacian, Program, laplacian};
use nalgebra::{DMatrix, DVector};

const NEURONS: usize = 16;
const WEIGHTS: usize = 4 * NEURONS;
/// How fast heat is made; beyond 2, the cylinder explodes.
const LAMBDA: f64 = 16.0 / 9.0;

/// A network of one hidden layer, times a factor that vanishes at the edge.
fn solution<D: Differentiable<Scalar = f64>>(weights: &[D], point: &[D]) -> D {
    let [x, y] = [point[0], point[1]];
    let neuron = |w: &[D]| (w[0] * x + w[1] * y + w[2]).tanh() * w[3];
    weights.chunks_exact(4).map(neuron).sum::<D>() * (-x * x - y * y + 1.0)
}

/// Δu + λ exp(u) at a point.
fn residual<D: Differentiable<Scalar = f64>>(weights: &[D], point: &[D]) -> D {
    let weights: Vec<_> = weights.iter().map(|&w| ForwardLaplacian::lift(w)).collect();
    let (u, _, spread) = laplacian(|x| solution(&weights, x), point);
    spread + u.exp() * LAMBDA
}

/// The exact solution: 2 ln((1 + a) / (1 + a r²)), where λ = 8a / (1 + a)², which a = ½ fulfils.
fn exact(x: f64, y: f64) -> f64 {
    2.0 * (1.5 / (1.0 + 0.5 * (x * x + y * y))).ln()
}

fn main() -> Result<(), dualtape::Error> {
    // Points spread over the disc like the seeds of a sunflower.
    let seed = |i: f64| ((i / 150.0).sqrt(), 2.4 * i);
    let points: Vec<[f64; 2]> = (0..150)
        .map(|i| seed(f64::from(i) + 0.5))
        .map(|(r, angle)| [r * angle.cos(), r * angle.sin()])
        .collect();
    let rows = Rows::new(points.as_flattened(), 2);

    let program = Program::record_with_data(residual, &[0.5; WEIGHTS], &[0.5; 2])?;
    let mut workspace = program.batch_workspace();
    let (mut residuals, mut jacobian) = (vec![0.0; points.len()], vec![0.0; points.len() * WEIGHTS]);
    let mut at = |weights: &DVector<f64>| -> Result<_, dualtape::Error> {
        let weights = weights.as_slice();
        program.jacobians(&mut workspace, weights, &rows, Wrt::Parameters, &mut residuals, &mut jacobian)?;
        let jacobian = DMatrix::from_row_slice(points.len(), WEIGHTS, &jacobian);
        Ok((DVector::from_column_slice(&residuals), jacobian))
    };

    let mut state = 7_u64; // of a linear congruential generator
    let uniform = |_, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    let mut weights = DVector::from_fn(WEIGHTS, uniform);
    let (mut residuals, mut jacobian) = at(&weights)?;
    let mut damping = 1.0;
    println!("step  mean square of the residuals");
    for step in 0..=100 {
        let loss = residuals.norm_squared() / points.len() as f64;
        if step % 10 == 0 {
            println!("{step:4}  {loss:.3e}");
        }
        let normal = jacobian.tr_mul(&jacobian) + DMatrix::identity(WEIGHTS, WEIGHTS) * damping;
        let Some(factor) = normal.cholesky() else { break };
        let candidate = &weights - factor.solve(&jacobian.tr_mul(&residuals));
        let next = at(&candidate)?;
        if next.0.norm() < residuals.norm() {
            (weights, (residuals, jacobian)) = (candidate, next);
            damping *= 0.3;
        } else {
            damping *= 4.0;
        }
    }

    println!("   r   network     exact");
    let mut worst: f64 = 0.0;
    for i in 0..=10 {
        let r = f64::from(i) / 10.0;
        println!("{r:4.1}  {:.6}  {:.6}", solution(weights.as_slice(), &[r, 0.0]), exact(r, 0.0));
        for angle in (0..40).map(|j| f64::from(j) * std::f64::consts::TAU / 40.0) {
            let (x, y) = (r * angle.cos(), r * angle.sin());
            worst = worst.max((solution(weights.as_slice(), &[x, y]) - exact(x, y)).abs());
        }
    }
    println!("largest difference: {worst:.1e}");
    assert!(worst < 3e-4);
    Ok(())
}
