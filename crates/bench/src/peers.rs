//! The same functions with other crates: value and gradient, with tapes reused where the crate supports it.

use crate::workload::Workload;
use nalgebra::{DVector, SVector};
use num_dual::{DualDVec64, DualNum, DualSVec64};

/// Rosenbrock's function, for types of numbers without a common trait.
macro_rules! rosenbrock {
    ($x:expr) => {
        $x.windows(2).map(|w| {
            (w[1].clone() - w[0].clone() * w[0].clone()).powi(2) * 100.0 + (w[0].clone() - 1.0).powi(2)
        })
    };
}

/// The terms of a log-sum-exp, shifted.
macro_rules! exponentials {
    ($x:expr, $shift:expr) => {
        $x.iter().map(|x| (x.clone() - $shift).exp())
    };
}

/// Adds the other crates that can compute a workload.
pub(crate) fn with_peers(workload: Workload, x: &[f64]) -> Workload {
    let logarithm = match workload.name {
        "rosenbrock" => false,
        "log-sum-exp" => true,
        _ => return workload,
    };
    // The shift need not be the largest number, since nothing overflows here.
    let shift = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let workload = with_echidna(workload, x.to_vec(), logarithm, shift);
    let workload = with_reverse(workload, x.to_vec(), logarithm, shift);
    if x.len() <= 100 { with_num_dual(workload, x, logarithm, shift) } else { workload }
}

fn with_echidna(workload: Workload, x: Vec<f64>, logarithm: bool, shift: f64) -> Workload {
    use dualtape::Float;
    type Number = echidna::Reverse<f64>;
    let sum = |terms: &mut dyn Iterator<Item = Number>| terms.fold(Number::constant(0.0), |sum, y| sum + y);
    let f = move |x: &[Number]| match logarithm {
        true => sum(&mut exponentials!(x, shift)).ln() + shift,
        false => sum(&mut rosenbrock!(x)),
    };
    workload.mode("echidna", move |derivative| {
        derivative.copy_from_slice(&echidna::grad(f, &x));
        derivative[0]
    })
}

fn with_reverse(workload: Workload, x: Vec<f64>, logarithm: bool, shift: f64) -> Workload {
    use reverse::Gradient;
    let tape = reverse::Tape::new();
    workload.mode("reverse", move |derivative| {
        tape.clear();
        let x = tape.add_vars(&x);
        let y: reverse::Var<'_> = match logarithm {
            true => exponentials!(x, shift).sum::<reverse::Var<'_>>().ln() + shift,
            false => rosenbrock!(x).sum(),
        };
        derivative.copy_from_slice(&y.grad().wrt(&x));
        y.val()
    })
}

fn with_num_dual(workload: Workload, x: &[f64], logarithm: bool, shift: f64) -> Workload {
    let all = DVector::from_column_slice(x);
    let workload = workload.mode("num-dual, dynamic", move |derivative| {
        let f = |x: DVector<DualDVec64>| {
            let sum = |terms: &mut dyn Iterator<Item = DualDVec64>| {
                terms.fold(DualDVec64::from_re(0.0), |sum, y| sum + y)
            };
            let x = x.as_slice();
            match logarithm {
                true => sum(&mut exponentials!(x, shift)).ln() + shift,
                false => sum(&mut rosenbrock!(x)),
            }
        };
        let (value, gradient) = num_dual::gradient(f, &all);
        derivative.copy_from_slice(gradient.as_slice());
        value
    });
    if x.len() != 10 {
        return workload;
    }
    let ten = SVector::<f64, 10>::from_column_slice(x);
    workload.mode("num-dual, static", move |derivative| {
        let f = |x: SVector<DualSVec64<10>, 10>| {
            let sum = |terms: &mut dyn Iterator<Item = DualSVec64<10>>| {
                terms.fold(DualSVec64::<10>::from_re(0.0), |sum, y| sum + y)
            };
            let x = x.as_slice();
            match logarithm {
                true => sum(&mut exponentials!(x, shift)).ln() + shift,
                false => sum(&mut rosenbrock!(x)),
            }
        };
        let (value, gradient) = num_dual::gradient(f, &ten);
        derivative.copy_from_slice(gradient.as_slice());
        value
    })
}
