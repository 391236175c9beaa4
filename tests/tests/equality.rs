//! Numbers that are equal by chance are not differentiated as if they were always equal: see `Differentiable`, Equality.

use dualtape::program::Recording;
use dualtape::{Differentiable, Dual, Error, Float, Program, Tape, Traced, derivative, gradient};
#[cfg(feature = "integrations")]
use dualtape_tests::close::assert_close;

/// A root of x² = a by Newton's method, which stops when the residual is zero.
fn root<D: Differentiable<Scalar = f64>>(a: D, start: f64) -> D {
    let mut x = D::constant(start);
    for _ in 0..8 {
        let residual = x * x - a;
        if residual.is_zero() {
            break;
        }
        x = x - residual / (x * 2.0);
    }
    x
}

#[test]
fn a_search_that_starts_at_its_root_has_the_derivative_of_the_root() {
    assert_eq!(derivative(|a| root(a, 3.0), 9.0), (3.0, 1.0 / 6.0));
    let (value, gradient) = gradient(|a| root(a[0], 3.0), &[9.0]);
    assert_eq!((value, gradient), (3.0, vec![1.0 / 6.0]));
    let refused = Program::record(|a| root(a[0], 3.0), &[9.0]).unwrap_err();
    assert!(matches!(&refused, Error::EqualityHeld { guard } if guard.contains("==")), "{refused}");
    // Elsewhere, it is an ordinary recording, which refuses points at which the equality holds.
    let program = Program::record(|a| root(a[0], 3.0), &[10.0]).unwrap();
    assert!(matches!(program.value(&mut program.workspace(), &[9.0]), Err(Error::BranchChanged { .. })));
}

#[test]
fn numbers_that_do_not_move_compare_by_value() {
    fn loss<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        let label = x[1];
        if label == D::one() { p[0] * x[0] } else { -(p[0] * x[0]) }
    }
    for (label, sign) in [(1.0, 1.0), (0.0, -1.0)] {
        let constant = |x| [Dual::lift(3.0), Dual::lift(x)];
        assert_eq!(derivative(|p| loss(&[p], &constant(label)), 2.0), (sign * 6.0, sign * 3.0));
        let tape = Tape::new();
        let p = tape.var(2.0);
        let y = loss(&[p], &[3.0.into(), label.into()]);
        assert_eq!(tape.gradient(y)[p], sign * 3.0);
        let program = Program::record_with_data(loss, &[2.0], &[3.0, label]).unwrap();
        let (mut workspace, mut derivatives) = (program.workspace(), [0.0; 3]);
        program.gradient(&mut workspace, &[2.0, 3.0, label], &mut derivatives).unwrap();
        assert_eq!(derivatives[0], sign * 3.0);
        let other = program.gradient(&mut workspace, &[2.0, 3.0, 1.0 - label], &mut derivatives);
        assert!(matches!(other, Err(Error::BranchChanged { .. })));
    }
}

#[test]
fn what_has_no_derivative_may_be_equal_in_a_recording() {
    let steps = |x: &[Traced<f64>]| if x[0].floor() == 2.0.into() { x[0] * x[0] } else { x[0] };
    let program = Program::record(steps, &[2.5]).unwrap();
    let mut gradient = [0.0];
    program.gradient(&mut program.workspace(), &[2.25], &mut gradient).unwrap();
    assert_eq!(gradient, [4.5]);
    // A number always equals itself.
    assert!(Program::record(|x| if x[0] == x[0] { x[0] } else { -x[0] }, &[1.0]).is_ok());
}

#[test]
fn equalities_can_be_allowed() {
    let f = |x: &[Traced<f64>]| if x[0] == x[1] { x[0] } else { x[0].max(x[1]) };
    assert!(matches!(Program::record(f, &[1.0, 1.0]), Err(Error::EqualityHeld { .. })));
    let program = Recording::new().allow_equalities().program(|_, x| f(x), &[], &[1.0, 1.0]).unwrap();
    assert_eq!(program.value(&mut program.workspace(), &[3.0, 3.0]), Ok(3.0));
    assert!(program.value(&mut program.workspace(), &[3.0, 4.0]).is_err());
}

#[test]
fn numbers_can_be_sorted_whatever_moves() {
    let median = |x: &[Dual<f64>]| {
        let mut sorted = x.to_vec();
        sorted.sort_by(|a, b| a.partial_cmp(b).expect("no number is NaN"));
        sorted[sorted.len() / 2]
    };
    let x = [Dual::variable(1.0), Dual::lift(1.0), Dual::lift(0.0)];
    assert_eq!(median(&x).value(), 1.0);
    let tape = Tape::new();
    let vars = tape.vars(&[1.0, 1.0]);
    assert!(vars[0] != vars[1] && vars[0] == vars[0]);
    assert_eq!(vars[0].partial_cmp(&vars[1]), Some(std::cmp::Ordering::Equal));
}

/// The position of the hand of an arm with two joints about different axes.
#[cfg(feature = "integrations")]
mod arm {
    use super::*;
    use dualtape::check;
    use nalgebra::{RealField, Rotation3, Vector3};

    fn hand<D: RealField + Differentiable<Scalar = f64>>(angles: &[D]) -> Vec<D> {
        let link = Vector3::new(D::zero(), D::zero(), D::one());
        let shoulder = Rotation3::from_axis_angle(&Vector3::x_axis(), angles[0]);
        let elbow = Rotation3::from_axis_angle(&Vector3::y_axis(), angles[1]);
        let hand = shoulder * (link + elbow * link);
        hand.iter().copied().collect()
    }

    #[test]
    fn has_the_right_jacobian_at_its_zero_pose() {
        for pose in [[0.0, 0.0], [0.0, 0.5], [0.3, 0.0], [0.3, 0.5]] {
            let report = check::jacobian_forward(hand, &pose);
            assert!(report.passes(), "at {pose:?}: {report}");
        }
        let (_, jacobian) = dualtape::jacobian_forward(hand, &[0.0, 0.0]);
        assert_close("zero pose", &jacobian, &[0.0, 1.0, -2.0, 0.0, 0.0, 0.0], 1e-15);
    }

    #[test]
    fn recorded_at_its_zero_pose_is_an_error_and_elsewhere_is_checked() {
        let refused = Program::record(hand, &[0.0, 0.0]).unwrap_err();
        assert!(matches!(refused, Error::EqualityHeld { .. }), "{refused}");
        let program = Program::record(hand, &[0.3, 0.5]).unwrap();
        let report = check::program(&program, &[-0.2, 1.0]).unwrap();
        assert!(report.passes(), "{report}");
        assert!(matches!(check::program(&program, &[0.0, 0.5]), Err(Error::BranchChanged { .. })));
    }
}
