//! Every operation of the rule table has the same value and derivatives in every mode, inside its domain and at
//! the edges, and inside its domain they agree with finite differences.

use dualtape::rules::Op;
use dualtape_tests::close::{close, near};
use dualtape_tests::modes::{first_order, second_order};
use dualtape_tests::points::{edges, within};

fn same_bits(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn the_value_has_the_same_bits_in_every_mode() {
    for &op in Op::ALL {
        for x in within(op).chain(edges(op)) {
            let value = op.apply(&x);
            for got in first_order(&op, &x) {
                assert!(same_bits(got.value, value), "{op:?} at {x:?}: {got:?}, not {value:?}");
            }
        }
    }
}

#[test]
fn gradients_agree_in_every_mode_also_at_the_edges() {
    for &op in Op::ALL {
        for x in within(op).chain(edges(op)) {
            let all = first_order(&op, &x);
            for got in &all[1..] {
                assert_near(op, &x, (got.mode, &got.gradient), (all[0].mode, &all[0].gradient), 2.0);
            }
        }
    }
}

#[test]
fn a_nan_value_has_nan_derivatives() {
    // The side that is not selected has no effect, and no derivative passes through a stop.
    for &op in Op::ALL.iter().filter(|op| !matches!(op, Op::Select | Op::StopGradient)) {
        for x in edges(op).filter(|x| op.apply(x).is_nan()) {
            for got in first_order(&op, &x) {
                assert!(got.gradient.iter().all(|g| g.is_nan()), "{op:?} at {x:?}: {got:?}");
            }
        }
    }
}

/// Whether two modes agree within this many units in the last place, however small or large the numbers.
fn assert_near(op: Op, x: &[f64], got: (&str, &[f64]), expected: (&str, &[f64]), ulps: f64) {
    let near = got.1.iter().zip(expected.1).all(|(&a, &b)| near(a, b, ulps));
    assert!(near, "{op:?} at {x:?}: {got:?}, {expected:?}");
}

fn assert_hessians_agree(op: Op, x: &[f64], ulps: f64) {
    let all = second_order(&op, x);
    for got in &all[1..] {
        assert_near(op, x, (got.mode, &got.hessian), (all[0].mode, &all[0].hessian), ulps);
    }
}

/// If nothing is singular, an entry may be the difference of larger numbers that cancel.
fn assert_moderate_hessians_agree(op: Op, x: &[f64]) {
    let all = second_order(&op, x);
    let largest = all[0].hessian.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for got in &all[1..] {
        let scale = |a: f64, b: f64| a.abs().max(b.abs()).max(1.0).min(largest);
        let near = |(&a, &b): (&f64, &f64)| (a - b).abs() <= 1e-14 * scale(a, b);
        let close = got.hessian.iter().zip(&all[0].hessian).all(near);
        assert!(close, "{op:?} at {x:?}: {got:?}, {:?}", all[0]);
    }
}

#[test]
fn hessians_agree_in_every_nesting() {
    for &op in Op::ALL {
        for x in within(op) {
            assert_moderate_hessians_agree(op, &x);
        }
    }
}

/// Where powers, logarithms to a base, angles and norms are singular in two arguments, mixed second
/// derivatives depend on which argument comes first.
#[test]
fn hessians_agree_at_the_edges_except_where_the_order_matters() {
    let singular = [Op::Powf, Op::Log, Op::Atan2, Op::Hypot];
    for &op in Op::ALL.iter().filter(|op| op.arity() < 3 && !singular.contains(op)) {
        for x in edges(op) {
            assert_hessians_agree(op, &x, 64.0);
        }
    }
}

#[test]
fn derivatives_agree_with_central_differences() {
    for &op in Op::ALL.iter().filter(|&&op| op != Op::StopGradient) {
        for x in within(op) {
            let got = &first_order(&op, &x)[0].gradient;
            let derivatives = &second_order(&op, &x)[0].hessian;
            for i in 0..x.len() {
                let moved = |step: f64| {
                    let mut x = x.clone();
                    x[i] += step;
                    x
                };
                let difference =
                    |f: &dyn Fn(&[f64]) -> f64, h: f64| (f(&moved(h)) - f(&moved(-h))) / (2.0 * h);
                // Two step sizes: a wrong derivative fails at both, but a finite difference spoilt by rounding fails
                // at only one.
                let agree = |f: &dyn Fn(&[f64]) -> f64, gradient| {
                    [1e-5, 1e-4].into_iter().any(|h| close(difference(f, h), gradient, 1e-6))
                };
                assert!(agree(&|x| op.apply(x), got[i]), "{op:?} at {x:?}: gradient {i} is {}", got[i]);
                for j in 0..x.len() {
                    let gradient = |x: &[f64]| first_order(&op, x)[0].gradient[j];
                    let got = derivatives[i * x.len() + j];
                    assert!(agree(&gradient, got), "{op:?} at {x:?}: second gradient {i},{j} is {got}");
                }
            }
        }
    }
}

#[test]
fn every_operation_has_a_domain_for_each_operand() {
    for &op in Op::ALL {
        assert!((1..=3).contains(&op.arity()), "{op:?}");
        assert!(op.domain().iter().all(|(low, high)| low < high), "{op:?}");
    }
}
