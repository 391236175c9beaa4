//! The continuous adjoint of y′ = −p y²: the adjoint equation λ′ = 2 p y λ, solved backwards beside y, as a custom
//! rule.

use dualtape::ode::{Flow, Method, Solver};
use dualtape::{CustomRule, Differentiable, Error, gradient};

/// The flow of y alone, or of y, the adjoint λ, and the share of p, ∫ −λ y² dt.
#[derive(Clone)]
struct Decay;

impl Flow for Decay {
    type Scalar = f64;
    fn derivative<D: Differentiable<Scalar = f64>>(
        &self,
        _: D,
        y: &[D],
        p: &[D],
        derivative: &mut [D],
    ) -> Result<(), Error> {
        let all = |y: &[D]| [-(p[0] * y[0] * y[0]), p[0] * y[0] * y[1] * 2.0, y[1] * y[0] * y[0]];
        derivative.copy_from_slice(&all(&[y[0], *y.get(1).unwrap_or(&y[0])])[..y.len()]);
        Ok(())
    }
}

#[derive(Clone)]
struct AtTwo;

impl CustomRule for AtTwo {
    type Scalar = f64;
    fn inputs(&self) -> usize {
        2
    }
    fn outputs(&self) -> usize {
        1
    }
    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        z.copy_from_slice(&solver().end([0.0, 2.0], &x[..1], &x[1..])?);
        Ok(())
    }
    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        let back = solver().end([2.0.into(), D::zero()], &[z[0], w[0], D::zero()], &x[1..])?;
        Ok(vec![back[1], back[2]])
    }
}

fn solver() -> Solver<Decay> {
    Solver::new(Decay, Method::RungeKutta4, 200)
}

fn main() {
    // y(2) = y₀ / (1 + 2 p y₀)
    println!(
        "{:?}",
        gradient(|x| Differentiable::call(&AtTwo, x).expect("nothing is refused")[0], &[1.0, 0.5])
    );
}
