//! A loop that ends by a condition: the arithmetic-geometric mean, with as many turns as each point needs.

use dualtape::loops::{Step, repeat_while};
use dualtape::{Differentiable, Error, gradient};

#[derive(Clone)]
struct Means;

impl Step for Means {
    type Scalar = f64;
    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        s: &mut [D],
        _: &[D],
        _: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        s.copy_from_slice(&[(s[0] + s[1]) * 0.5, (s[0] * s[1]).sqrt()]);
        Ok(())
    }
}

fn main() {
    let apart = |s: &[f64], _: &[f64]| (s[0] - s[1]).abs() > 1e-15 * s[0];
    for start in [[1.0, 2.0], [1.0, 1e6]] {
        let mean = gradient(|x| repeat_while(apart, &Means, x, &[], 50).expect("they meet")[0], &start);
        println!("the mean of {start:?} and its derivatives: {mean:?}");
    }
}
