//! A root found by any solver, with its derivatives: Kepler's equation, by bisection.

use dualtape::implicit::{Equations, root};
use dualtape::{Differentiable, Error, hessian};

#[derive(Clone)]
struct Kepler;

impl Equations for Kepler {
    type Scalar = f64;
    fn unknowns(&self) -> usize {
        1
    }
    fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![z[0] - z[0].sin() * p[0] - p[1]]
    }
    fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        let (mut low, mut high) = (p[1] - p[0], p[1] + p[0]);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if middle - p[0] * middle.sin() < p[1] { low = middle } else { high = middle }
        }
        Ok(vec![low])
    }
}

fn main() {
    let (z, gradient, square) = hessian(|p| root(&Kepler, p).expect("the left side rises")[0], &[0.3, 1.0]);
    println!("{z}, derivatives {gradient:?}, second {square:?}");
}
