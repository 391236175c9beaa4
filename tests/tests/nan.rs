//! A NaN value has NaN derivatives, even if the derivatives of its operands cancel.

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
