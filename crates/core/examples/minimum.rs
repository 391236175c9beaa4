//! The derivative of a validation loss with respect to a penalty, through the minimum of a ridge regression.

use dualtape::implicit::{Objective, linear_solve, minimum};
use dualtape::{Differentiable, Error, derivative};

/// Σ (z xᵢ − yᵢ)² + p z² over three points.
#[derive(Clone)]
struct Ridge;

impl Objective for Ridge {
    type Scalar = f64;
    fn unknowns(&self) -> usize {
        1
    }
    fn value<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> D {
        let miss = |(x, y): (f64, f64)| (z[0] * x - y).powi(2);
        [(1.0, 1.2), (2.0, 1.9), (3.0, 3.3)].map(miss).iter().sum::<D>() + p[0] * z[0] * z[0]
    }
    fn minimize(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        linear_solve(&[14.0 + p[0]], &[1.2 + 3.8 + 9.9])
    }
}

fn main() {
    fn validation<D: Differentiable<Scalar = f64>>(p: D) -> D {
        (minimum(&Ridge, &[p]).expect("it is convex")[0] * 4.0 - 3.8).powi(2)
    }
    println!("loss and hypergradient: {:?}", derivative(validation, 0.1));
}
