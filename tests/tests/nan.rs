//! A NaN value has NaN derivatives, even if the derivatives of its operands cancel.

use dualtape::rules::Op;
use dualtape::{Differentiable, gradient, gradient_forward};
use dualtape_tests::points::EDGES;

fn sum<D: Differentiable>(x: &[D]) -> D {
    D::sum_of(&[x[0], x[1], -x[1]])
}

fn dot<D: Differentiable>(x: &[D]) -> D {
    D::dot(&[x[0], x[1], -x[1]], &[x[1], x[0], x[0]])
}

fn affine<D: Differentiable>(x: &[D]) -> D {
    D::affine(&[x[0], x[1]], &[x[0]], &[-D::one(), D::zero()])[0] + x[1]
}

fn norm<D: Differentiable>(x: &[D]) -> D {
    D::norm(&[x[0], x[1], x[0] - x[1]])
}

fn log_sum_exp<D: Differentiable>(x: &[D]) -> D {
    D::log_sum_exp(&[x[0], x[1], x[0] - x[1]])
}

#[test]
fn sums_of_nan_value_have_nan_derivatives_in_both_modes() {
    macro_rules! check {
        ($($f:ident)*) => { $(
            for x in EDGES.into_iter().flat_map(|a| EDGES.map(|b| [a, b])).filter(|x| $f(x).is_nan()) {
                for (mode, derivatives) in
                    [("Dual", gradient_forward(|x| $f(x), &x).1), ("Var", gradient(|x| $f(x), &x).1)]
                {
                    assert!(derivatives.iter().all(|gradient| gradient.is_nan()), "{} at {x:?}, {mode}: {derivatives:?}", stringify!($f));
                }
            }
        )* };
    }
    check! { sum dot affine norm log_sum_exp }
}

#[test]
fn every_operation_of_one_number_passes_nan_on_as_speculation_relies_on() {
    let mut count = 0;
    for op in Op::ALL.iter().filter(|op| op.arity() == 1 && **op != Op::Powi(0)) {
        assert!(op.apply(&[f64::NAN]).is_nan() && op.apply(&[f32::NAN]).is_nan(), "{op:?}");
        count += 1;
    }
    assert!(count > 40, "{count} operations of one number");
    assert_eq!(Op::Powi(0).apply(&[f64::NAN]), 1.0);
}
