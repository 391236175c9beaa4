//! Stochastic gradient descent with a constant rate.

use super::{Method, Optimizer};
use crate::Error;
use dualtape::Scalar;

/// Stochastic gradient descent at a constant rate, with momentum: v ← μ v + g, θ ← θ − rate · v, starting
/// from v = 0. An [`Optimizer`] offers more methods.
///
/// ```
/// // ½x² from 1 with rate 0.1 and momentum 0.9; the results were computed by hand.
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
    method: Method,
    optimizer: Option<Optimizer<F>>,
}

impl<F: Scalar> Sgd<F> {
    /// A method before its first step.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if the rate is not positive and finite, or the momentum is not in 0..1.
    ///
    /// ```
    /// use dualtape_nn::Sgd;
    /// assert!(Sgd::<f64>::new(0.1, 0.9).is_ok());
    /// assert!(Sgd::<f64>::new(-0.1, 0.9).is_err());
    /// ```
    pub fn new(rate: f64, momentum: f64) -> Result<Self, Error> {
        check_rate(rate)?;
        let method = Method::sgd(momentum);
        method.check()?;
        Ok(Self { rate: F::nearest(rate), method, optimizer: None })
    }

    /// Moves the parameters against the gradient.
    ///
    /// # Panics
    ///
    /// If the gradient does not have one number for each parameter, or if the number of parameters changed.
    ///
    /// ```
    /// use dualtape_nn::Sgd;
    /// let (mut sgd, mut x) = (Sgd::new(0.5, 0.5)?, [8.0]);
    /// sgd.step(&mut x, &[4.0]);
    /// sgd.step(&mut x, &[4.0]); // half of the last step is kept
    /// assert_eq!(x, [3.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn step(&mut self, parameters: &mut [F], gradient: &[F]) {
        let method = self.method;
        let start = || Optimizer::new(method, parameters.len()).expect("the method was checked");
        self.optimizer.get_or_insert_with(start).step(self.rate, parameters, gradient);
    }
}

/// # Errors
///
/// [`Error::Setting`] if the rate is not positive and finite.
pub(super) fn check_rate(rate: f64) -> Result<(), Error> {
    if rate.is_finite() && rate > 0.0 {
        return Ok(());
    }
    Err(Error::Setting { what: "rate", given: rate.to_string(), expected: "a positive number" })
}
