//! The derivative of the solution of a linear system with respect to its matrix: a dense matrix, and one given by its
//! products only.

use dualtape::implicit::{LinearOperator, conjugate_gradients, linear_solve};
use dualtape::{Differentiable, gradient};

/// A chain of springs of one stiffness between two walls.
#[derive(Clone)]
struct Chain;

impl LinearOperator for Chain {
    type Scalar = f64;
    fn apply<D: Differentiable<Scalar = f64>>(&self, x: &[D], p: &[D]) -> Vec<D> {
        let at = |i: usize| x.get(i).copied().unwrap_or(D::zero());
        (0..x.len()).map(|i| (at(i) * 2.0 - at(i + 1) - at(i.wrapping_sub(1))) * p[0]).collect()
    }
}

fn main() {
    let dense = gradient(
        |p| linear_solve(&[p[0], p[1], p[1], p[0]], &[1.0.into(), 0.0.into()]).expect("it is regular")[0],
        &[3.0, 1.0],
    );
    println!("dense: {dense:?}");
    let pull = [1.0.into(); 999];
    let middle =
        gradient(|p| conjugate_gradients(&Chain, &pull, p).expect("it is positive definite")[499], &[2.0]);
    println!("middle of 999 springs, and its gradient in their stiffness: {middle:?}");
}
