//! Gradient descent with an adaptive step, for any type of number; the suite prescribes it for `particle` and
//! `saddle`, where the descent may itself be differentiated.

use crate::objective::Objective;
use dualtape::typenum::U4;
use dualtape::{Differentiable, gradient, gradient_lanes};

/// A way to differentiate.
pub(super) trait Mode {
    fn gradient<D: Differentiable<Scalar = f64>>(f: &impl Objective, x: &[D]) -> Vec<D>;
}

/// Forward mode: dual numbers with all directions at once.
pub(super) struct ForwardMode;

impl Mode for ForwardMode {
    fn gradient<D: Differentiable<Scalar = f64>>(f: &impl Objective, x: &[D]) -> Vec<D> {
        gradient_lanes::<D, U4, _>(|x| f.call(x), x).1
    }
}

/// Reverse mode: a tape.
pub(super) struct ReverseMode;

impl Mode for ReverseMode {
    fn gradient<D: Differentiable<Scalar = f64>>(f: &impl Objective, x: &[D]) -> Vec<D> {
        gradient(|x| f.call(x), x).1
    }
}

/// The search ends when the gradient or the step is shorter than this.
const SHORT: f64 = 1e-5;

/// The length of a vector.
fn length<D: Differentiable<Scalar = f64>>(x: impl Iterator<Item = D>) -> f64 {
    x.map(|x| x.value() * x.value()).sum::<f64>().sqrt()
}

/// A minimum of `f` near the start: the step is halved if it leads up, and doubled after ten steps that lead
/// down.
pub(super) fn argmin<D: Differentiable<Scalar = f64>>(
    f: impl Fn(&[D]) -> D,
    derivative: impl Fn(&[D]) -> Vec<D>,
    start: &[D],
) -> Vec<D> {
    let mut x = start.to_vec();
    let (mut value, mut gradient) = (f(&x), derivative(&x));
    let (mut rate, mut downhill) = (1e-5, 0);
    while length(gradient.iter().copied()) > SHORT {
        if downhill == 10 {
            rate *= 2.0;
            downhill = 0;
            continue;
        }
        let next: Vec<D> = x.iter().zip(&gradient).map(|(&x, &derivative)| x - derivative * rate).collect();
        let moved = length(x.iter().zip(&next).map(|(&x, &next)| x - next));
        if moved <= SHORT || moved.is_nan() {
            break;
        }
        let there = f(&next);
        if there < value {
            (x, value) = (next, there);
            gradient = derivative(&x);
            downhill += 1;
        } else {
            rate /= 2.0;
            downhill = 0;
        }
    }
    x
}

/// A maximum of `f` near the start.
pub(super) fn argmax<D: Differentiable<Scalar = f64>>(
    f: impl Fn(&[D]) -> D,
    derivative: impl Fn(&[D]) -> Vec<D>,
    start: &[D],
) -> Vec<D> {
    argmin(|x| -f(x), |x| derivative(x).into_iter().map(|derivative| -derivative).collect(), start)
}
