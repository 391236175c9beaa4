//! The fixed point of a map, with its derivative: the cosine of p z.

use dualtape::implicit::{Map, fixed_point};
use dualtape::{Differentiable, second_derivative};

#[derive(Clone)]
struct Cosine;

impl Map for Cosine {
    type Scalar = f64;
    fn image<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![(z[0] * p[0]).cos()]
    }
}

fn rest<D: Differentiable<Scalar = f64>>(p: D) -> D {
    fixed_point(&Cosine, &[0.5], &[p]).expect("it contracts")[0]
}

fn main() {
    println!("place, derivative and curvature at 1: {:?}", second_derivative(rest, 1.0));
}
