//! Three bodies of equal mass attract each other. They move along a figure of eight, and on a circle at the corners of a
//! triangle. The Jacobian of the end with respect to the start tells the two orbits apart: a disturbance grows slowly on
//! the first, and exponentially on the second. The growth is drawn, to the path given as first argument or to the
//! temporary directory; that on the circle is compared with its closed form.

use std::f64::consts::{PI, TAU};

use dualtape::ode::{Flow, Method, Solver};
use dualtape::{Differentiable, Error, jacobian_forward};
use dualtape_plots::{Curves, Picture};
use nalgebra::SMatrix;

type Matrix = SMatrix<f64, 12, 12>;

/// Newton's law with unit masses. The state is three positions in the plane, then three velocities.
#[derive(Clone)]
struct Gravity;

impl Flow for Gravity {
    type Scalar = f64;
    fn derivative<D: Differentiable<Scalar = f64>>(
        &self,
        _time: D,
        state: &[D],
        _parameters: &[D],
        derivative: &mut [D],
    ) -> Result<(), Error> {
        let (positions, velocities) = state.split_at(6);
        derivative[..6].copy_from_slice(velocities);
        derivative[6..].fill(D::zero());
        for (i, j) in [(0, 1), (1, 2), (2, 0)] {
            let x = positions[2 * j] - positions[2 * i];
            let y = positions[2 * j + 1] - positions[2 * i + 1];
            let inverse_cube = x.hypot(y).powi(-3);
            for (axis, pull) in [x * inverse_cube, y * inverse_cube].into_iter().enumerate() {
                derivative[6 + 2 * i + axis] += pull;
                derivative[6 + 2 * j + axis] -= pull;
            }
        }
        Ok(())
    }
}

/// Follows an orbit for three periods, a hundredth of a period at a time. Gives each state with its Jacobian with respect
/// to the start.
fn follow(start: &[f64; 12], period: f64) -> Vec<(Vec<f64>, Matrix)> {
    let solver = Solver::new(Gravity, Method::DormandPrince5, 20);
    let mut path = vec![(start.to_vec(), Matrix::identity())];
    for _ in 0..300 {
        let (state, total) = path.last().expect("it begins with the start");
        let advance = |state: &[_]| {
            solver.end([0.0.into(), (period / 100.0).into()], state, &[]).expect("nothing is refused")
        };
        let (end, jacobian) = jacobian_forward(advance, state);
        path.push((end, Matrix::from_row_slice(&jacobian) * total)); // the chain rule
    }
    path
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ([x, y], [u, v]) = ([0.970_004_36, -0.243_087_53], [0.466_203_685, 0.432_365_73]);
    let eight = [x, y, -x, -y, 0.0, 0.0, u, v, u, v, -2.0 * u, -2.0 * v];
    let speed = 3.0_f64.powf(-0.25); // on a circle of radius 1, where it is also the angular velocity
    let mut triangle = [0.0; 12];
    for body in 0..3 {
        let (sin, cos) = (TAU / 3.0 * body as f64).sin_cos();
        triangle[2 * body..2 * body + 2].copy_from_slice(&[cos, sin]);
        triangle[6 + 2 * body..8 + 2 * body].copy_from_slice(&[-speed * sin, speed * cos]);
    }

    let picture = Curves::new("growth of disturbances", "periods", "largest singular value");
    let (mut picture, mut multipliers) = (picture.log_axis(true), Vec::new());
    for (name, start, period) in [("eight", eight, 6.325_913_98), ("triangle", triangle, TAU / speed)] {
        let path = follow(&start, period);
        let (end, jacobian) = &path[100];
        let largest = jacobian.complex_eigenvalues().iter().map(|z| z.norm()).fold(0.0, f64::max);
        let gap = end.iter().zip(start).map(|(end, start)| (end - start).abs()).fold(0.0, f64::max);
        println!("{name:8}: closes within {gap:.0e}, largest eigenvalue of the Jacobian {largest:.4}");
        let growth = path.iter().map(|(_, jacobian)| jacobian.singular_values().max());
        picture = picture.curve(name, (0..).map(|i| f64::from(i) / 100.0).zip(growth));
        multipliers.push(largest);

        // The flow is symplectic: Jᵀ Ω J = Ω, whatever the orbit.
        let omega = Matrix::from_fn(|i, j| f64::from(i + 6 == j) - f64::from(j + 6 == i));
        assert!((jacobian.transpose() * omega * jacobian - omega).amax() < 1e-6 && gap < 1e-6);
    }
    let default = || std::env::temp_dir().join("three_bodies.png");
    let path = std::env::args_os().nth(1).map_or_else(default, Into::into);
    std::fs::write(&path, picture.png(picture.natural_size())?)?;
    println!("drawn to {}", path.display());

    // The eight is stable. On the triangle, disturbances grow as exp(ωt/√2) at most (Routh, 1875).
    assert!((multipliers[0] - 1.0).abs() < 1e-2, "{multipliers:?}");
    assert!((multipliers[1] / (PI * 2.0_f64.sqrt()).exp() - 1.0).abs() < 1e-6, "{multipliers:?}");
    Ok(())
}
