//! A loop kept as one operation: how the height of a throw changes with its speed, over a million steps.

use dualtape::loops::{Step, scan};
use dualtape::{Differentiable, Error, gradient};

/// State: height and speed. Parameter: the width of a step.
#[derive(Clone)]
struct Fly;

impl Step for Fly {
    type Scalar = f64;
    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        s: &mut [D],
        _: &[D],
        p: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        s[0] += s[1] * p[0];
        s[1] -= (s[1] * s[1].abs() * 0.01 + 9.81) * p[0];
        Ok(())
    }
}

fn main() {
    let (value, gradient) =
        gradient(|x| scan(&Fly, 1_000_000, x, &[], &[1e-6.into()]).expect("it runs").state[0], &[0.0, 20.0]);
    println!(
        "height after a second: {value:.4}, derivatives in height and speed at the start: {gradient:.4?}"
    );
}
