//! A differential equation: where a planet is after a year, and how that depends on its start (the discrete adjoint).

use dualtape::ode::{Flow, Method, Solver};
use dualtape::{Differentiable, Error, gradient};
#[derive(Clone)]
struct Gravity;

impl Flow for Gravity {
    type Scalar = f64;
    fn derivative<D: Differentiable<Scalar = f64>>(
        &self,
        _: D,
        y: &[D],
        _: &[D],
        derivative: &mut [D],
    ) -> Result<(), Error> {
        let cube = (y[0] * y[0] + y[1] * y[1]).powf(D::literal(1.5));
        derivative.copy_from_slice(&[y[2], y[3], -(y[0] / cube), -(y[1] / cube)]);
        Ok(())
    }
}

fn main() {
    let solver = Solver::new(Gravity, Method::DormandPrince5, 1000);
    let (x, gradient) = gradient(
        |y| solver.end([0.0.into(), std::f64::consts::TAU.into()], y, &[]).expect("it runs")[1],
        &[1.0, 0.0, 0.0, 1.0],
    );
    println!("second coordinate after a year: {x:.9}, derivatives in the start {gradient:.4?}");
}
