//! A function with a custom derivative: the gamma function of another library, whose derivative is known.

use dualtape::{CustomRule, Differentiable, Error, second_derivative};

/// ln Γ, whose derivative is the digamma function.
#[derive(Clone)]
struct LnGamma;

impl CustomRule for LnGamma {
    type Scalar = f64;
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        z[0] = libm::lgamma(x[0]);
        Ok(())
    }
    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] * x[0].digamma()])
    }
}

fn main() {
    let ln_gamma = |x| Differentiable::call(&LnGamma, &[x]).expect("it has a value")[0];
    println!("value, derivative and curvature at 3: {:?}", second_derivative(ln_gamma, 3.0));
}
