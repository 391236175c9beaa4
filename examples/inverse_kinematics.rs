//! A robot arm of four joints reaches for a point in space. Forward kinematics are a chain of nalgebra's rotations in
//! generic numbers, and their Jacobian comes from dual numbers. Damped least squares (Levenberg–Marquardt) finds the
//! angles; each step is printed with the distance that is left and the damping.

use dualtape::{Differentiable, jacobian_forward};
use nalgebra::{Matrix3x4, Matrix4, RealField, Rotation3, Vector3, Vector4};

/// The length of the upper arm, the forearm and the hand.
const LENGTHS: [f64; 3] = [0.5, 0.4, 0.2];
/// The height of the shoulder above the floor.
const SHOULDER: f64 = 0.3;

/// Where the tip of the hand is: the base turns about the vertical axis, the other joints bend the arm.
fn tip<D: RealField + Differentiable<Scalar = f64>>(angles: &[D]) -> Vector3<D> {
    let mut position = Vector3::z() * D::constant(SHOULDER);
    let mut orientation = Rotation3::from_axis_angle(&Vector3::z_axis(), angles[0]);
    for (&angle, length) in angles[1..].iter().zip(LENGTHS) {
        orientation *= Rotation3::from_axis_angle(&Vector3::y_axis(), angle);
        position += orientation * Vector3::x() * D::constant(length);
    }
    position
}

/// The position of the tip, and its Jacobian.
fn linearise(angles: &Vector4<f64>) -> (Vector3<f64>, Matrix3x4<f64>) {
    let (position, jacobian) = jacobian_forward(|a| tip(a).as_slice().to_vec(), angles.as_slice());
    (Vector3::from_column_slice(&position), Matrix3x4::from_row_slice(&jacobian))
}

fn main() {
    let target = Vector3::new(-0.35, 0.5, 0.65);
    let (mut angles, mut damping) = (Vector4::new(1.0, -0.5, 1.0, 0.2), 1e-1);
    println!("step   distance   damping    x        y        z");
    for step in 0..50 {
        let (position, jacobian) = linearise(&angles);
        let miss = target - position;
        let [x, y, z] = position.into();
        println!("{step:4}  {:9.2e}  {damping:8.1e} {x:8.4} {y:8.4} {z:8.4}", miss.norm());
        if miss.norm() < 1e-13 {
            break;
        }
        // There are more joints than coordinates, so JᵀJ is singular: the damping makes it regular.
        let normal = jacobian.tr_mul(&jacobian) + Matrix4::identity() * damping;
        let change = normal.cholesky().expect("it is positive definite").solve(&jacobian.tr_mul(&miss));
        if (target - tip((angles + change).as_slice())).norm() < miss.norm() {
            angles += change;
            damping *= 0.1;
        } else {
            damping *= 10.0;
        }
    }
    println!("angles in degrees: {:.2?}", angles.map(f64::to_degrees).as_slice());

    // The same position from the angles by trigonometry, and the Jacobian by differences.
    let bends = [angles[1], angles[1] + angles[2], angles[1] + angles[2] + angles[3]];
    let reach: f64 = bends.iter().zip(LENGTHS).map(|(bend, length)| length * bend.cos()).sum();
    let drop: f64 = bends.iter().zip(LENGTHS).map(|(bend, length)| length * bend.sin()).sum();
    let by_hand = Vector3::new(reach * angles[0].cos(), reach * angles[0].sin(), SHOULDER - drop);
    assert!((by_hand - target).norm() < 1e-12, "{by_hand}");

    let jacobian = linearise(&angles).1;
    for joint in 0..4 {
        let small = Vector4::ith(joint, 1e-6);
        let difference = (tip((angles + small).as_slice()) - tip((angles - small).as_slice())) / 2e-6;
        assert!((jacobian.column(joint) - difference).norm() < 1e-8, "joint {joint}");
    }
}
