//! Records a step of the pendulum and writes it, with its Jacobian, as code without the standard library.

use dualtape::codegen::{Quantity, Source};
use dualtape::{Differentiable, Program};

/// Seconds between two measurements.
const STEP: f64 = 0.01;

/// Angle and speed of a damped pendulum after a step. Inputs: angle, speed, and the torque of a motor.
fn step<D: Differentiable<Scalar = f32>>(x: &[D]) -> [D; 2] {
    let acceleration = -x[0].sin() * D::literal(9.81) - x[1] * D::literal(0.2) + x[2];
    let speed = x[1] + acceleration * D::literal(STEP);
    [x[0] + speed * D::literal(STEP), speed]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let program = Program::record(step, &[0.5_f32, 0.0, 0.0])?;
    let source =
        Source::new(&program).inputs(&["angle", "speed", "torque"]).quantities(&[Quantity::Jacobian]);
    dualtape_build::rust("pendulum", &source.no_std())?;
    Ok(())
}
