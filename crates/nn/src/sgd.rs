//! Stochastic gradient descent.

use crate::Error;
use dualtape::Scalar;

/// Stochastic gradient descent with momentum: v ← μ v + g, θ ← θ − rate · v, starting from v = 0.
///
/// ```
/// // ½x² from 1 with rate 0.1 and momentum 0.9, as worked out by hand.
/// let mut sgd = dualtape_nn::Sgd::new(0.1, 0.9)?;
/// let mut x = [1.0];
/// for _ in 0..5 {
///     let gradient = x;
///     sgd.step(&mut x, &gradient);
/// }
/// assert!((x[0] + 0.02916_f64).abs() < 1e-12);
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<F> {
    rate: F,
    momentum: F,
    velocity: Vec<F>,
}

impl<F: Scalar> Sgd<F> {
    /// # Errors
    ///
    /// [`Error::Setting`] if the rate is not positive and finite, or the momentum not in 0..1.
    pub fn new(rate: f64, momentum: f64) -> Result<Self, Error> {
        if !(rate.is_finite() && rate > 0.0) {
            return Err(Error::Setting {
                what: "rate",
                given: rate.to_string(),
                expected: "a positive number",
            });
        }
        if !(0.0..1.0).contains(&momentum) {
            let given = momentum.to_string();
            return Err(Error::Setting { what: "momentum", given, expected: "0 or more, and less than 1" });
        }
        Ok(Self { rate: F::nearest(rate), momentum: F::nearest(momentum), velocity: Vec::new() })
    }

    /// Moves the parameters against the gradient.
    ///
    /// # Panics
    ///
    /// If the gradient has not one number for each parameter, or the parameters are not as many as before.
    pub fn step(&mut self, parameters: &mut [F], gradient: &[F]) {
        let count = parameters.len();
        assert!(gradient.len() == count, "{count} parameters need as many slopes, not {}", gradient.len());
        if self.velocity.is_empty() {
            self.velocity.resize(count, F::zero());
        }
        assert!(
            self.velocity.len() == count,
            "this optimiser moved {} parameters, not {count}",
            self.velocity.len()
        );
        for ((x, &g), v) in parameters.iter_mut().zip(gradient).zip(&mut self.velocity) {
            *v = self.momentum * *v + g;
            *x -= self.rate * *v;
        }
    }
}
