//! The functions of workloads that are also used by the evals of GradBench and by the build script, which generates
//! code for them.
//
// The build script includes this file by its path, so its modules have to be next to it.

pub(crate) mod loops;
pub(crate) mod lstm;
pub(crate) mod ode;
pub(crate) mod projection;

use crate::objective::Objective;
use crate::scenarios::rosenbrock;
use dualtape::Differentiable;
use lstm::BITS;

/// Pseudo-random numbers between −1 and 1, the same in every run.
pub(crate) fn numbers(count: usize, step: f64) -> Vec<f64> {
    (0..count).map(|i| ((i + 1) as f64 * step).sin()).collect()
}

/// A text with a number of characters, bit by bit.
pub(crate) fn text(characters: usize) -> Vec<f64> {
    numbers(characters * BITS, 0.9).iter().map(|&x| f64::from(u8::from(x > 0.0))).collect()
}

/// A camera, a point, a weight and a feature for each of a number of observations.
pub(crate) fn observations(count: usize) -> Vec<f64> {
    let camera = [0.1, -0.2, 0.3, 0.5, 0.4, 0.3, 500.0, 320.0, 240.0, 1e-3, 1e-5];
    let mut observations = Vec::new();
    for wobble in numbers(count, 0.7) {
        observations.extend(camera.iter().map(|x| x * (1.0 + 0.01 * wobble)));
        observations.extend([wobble, 1.0 - wobble, 5.0, 1.0, 300.0, 200.0]);
    }
    observations
}

/// Rosenbrock's function.
#[derive(Clone)]
pub(crate) struct Rosenbrock;

impl Objective for Rosenbrock {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        rosenbrock(x)
    }
}

/// The last component of a solution by a number of Runge–Kutta steps.
#[derive(Clone)]
pub(crate) struct Ode(pub(crate) usize);

impl Objective for Ode {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        *ode::solve(x, self.0).last().expect("there are numbers")
    }
}

/// A one-layer long short-term memory that reads a number of characters of seven bits.
#[derive(Clone)]
pub(crate) struct Lstm(pub(crate) Vec<f64>);

impl Objective for Lstm {
    fn call<D: Differentiable<Scalar = f64>>(&self, parameters: &[D]) -> D {
        let column = |bit: usize, of: &[D]| of[bit..].iter().step_by(BITS).copied().collect::<Vec<D>>();
        let characters: Vec<D> = self.0.iter().map(|&x| D::constant(x)).collect();
        let said: Vec<Vec<D>> = (0..BITS)
            .map(|bit| lstm::says(&column(bit, parameters), &[D::zero(); 2], &column(bit, &characters)))
            .collect();
        let next = characters.chunks(BITS).skip(1).enumerate();
        let each = next.map(|(time, bits)| {
            let said: Vec<D> = said.iter().map(|said| said[time]).collect();
            lstm::log_likelihood(&said, bits)
        });
        -each.sum::<D>()
    }
}
