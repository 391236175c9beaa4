//! Optimisers, which change the parameters according to a gradient.
//!
//! A [`Method`] is the choice of an algorithm and its numbers. An [`Optimizer`] runs a method, and holds the state that it
//! keeps from step to step.

mod method;
mod sgd;

pub use method::Method;
pub use sgd::Sgd;

use crate::Error;
use dualtape::Scalar;

/// A running method for a number of parameters.
///
/// Its state consists of [`steps`](Self::steps) and [`buffers`](Self::buffers). An optimiser
/// [restored](Self::restore) from them continues with the same bits.
///
/// ```
/// use dualtape_nn::{Method, Optimizer};
///
/// let method: Method = "adam:beta1=0.8".parse()?;
/// let mut optimizer = Optimizer::new(method, 2)?;
/// let mut x = [3.0, -1.0];
/// for _ in 0..400 {
///     let gradient = [2.0 * x[0], 20.0 * x[1]];
///     optimizer.step(0.05, &mut x, &gradient);
/// }
/// assert!(x.iter().all(|x: &f64| x.abs() < 1e-6), "{x:?}");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer<F> {
    method: Method,
    parameters: usize,
    steps: u64,
    /// The velocity, moments or averages, as many as the method needs; see [`Method::buffers`].
    buffers: Vec<Vec<F>>,
}

impl<F: Scalar> Optimizer<F> {
    /// A method before its first step.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a number of the method is out of its range.
    ///
    /// ```
    /// use dualtape_nn::{Method, Optimizer};
    /// let mut adam = Optimizer::new(Method::adam(), 2)?;
    /// let mut x = [1.0, -1.0];
    /// adam.step(0.1, &mut x, &[5.0, -5.0]); // the first step has the length of the rate
    /// assert!((x[0] - 0.9_f64).abs() < 1e-8 && (x[1] + 0.9).abs() < 1e-8);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new(method: Method, parameters: usize) -> Result<Self, Error> {
        method.check()?;
        let buffers = vec![vec![F::zero(); parameters]; method.buffers()];
        Ok(Self { method, parameters, steps: 0, buffers })
    }

    /// A method after some steps, from a saved state.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] as for [`new`](Self::new), and [`Error::Shape`] if the number of buffers is not the one of the
    /// method, or if the length of a buffer is not the number of parameters.
    ///
    /// ```
    /// use dualtape_nn::{Method, Optimizer};
    /// let mut first = Optimizer::new(Method::adam(), 1)?;
    /// first.step(0.1, &mut [1.0_f64], &[5.0]);
    /// let again = Optimizer::restore(first.method(), 1, first.steps(), first.buffers().to_vec())?;
    /// assert_eq!(again, first);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn restore(
        method: Method,
        parameters: usize,
        steps: u64,
        buffers: Vec<Vec<F>>,
    ) -> Result<Self, Error> {
        method.check()?;
        let shape = |what: &str, given, expected| Error::Shape { what: what.to_owned(), given, expected };
        if buffers.len() != method.buffers() {
            return Err(shape("buffers of the optimiser", buffers.len(), method.buffers()));
        }
        if let Some(buffer) = buffers.iter().find(|buffer| buffer.len() != parameters) {
            return Err(shape("numbers in a buffer of the optimiser", buffer.len(), parameters));
        }
        Ok(Self { method, parameters, steps, buffers })
    }

    /// The method.
    ///
    /// ```
    /// # use dualtape_nn::{Method, Optimizer};
    /// assert_eq!(Optimizer::<f64>::new(Method::adam(), 2)?.method(), Method::adam());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn method(&self) -> Method {
        self.method
    }

    /// How many steps were made.
    ///
    /// ```
    /// # use dualtape_nn::{Method, Optimizer};
    /// let mut sgd = Optimizer::new(Method::sgd(0.0), 1)?;
    /// sgd.step(0.1, &mut [1.0_f64], &[5.0]);
    /// assert_eq!(sgd.steps(), 1);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The numbers that are kept from step to step. Each buffer has one number for each parameter.
    ///
    /// ```
    /// # use dualtape_nn::{Method, Optimizer};
    /// let adam = Optimizer::<f64>::new(Method::adam(), 3)?;
    /// assert_eq!(adam.buffers(), [[0.0; 3], [0.0; 3]]); // first and second moments
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn buffers(&self) -> &[Vec<F>] {
        &self.buffers
    }

    /// Changes the momentum (Adam's β₁), for schedules that cycle it. It has no effect on a method without momentum.
    ///
    /// # Panics
    ///
    /// If the momentum is less than 0, or not less than 1.
    ///
    /// ```
    /// # use dualtape_nn::{Method, Optimizer};
    /// let mut sgd = Optimizer::<f64>::new(Method::sgd(0.9), 1)?;
    /// sgd.set_momentum(0.85);
    /// assert_eq!(sgd.method(), Method::sgd(0.85));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn set_momentum(&mut self, new: f64) {
        assert!((0.0..1.0).contains(&new), "a momentum is 0 or more, and less than 1, not {new}");
        match &mut self.method {
            Method::Adam { beta1: momentum, .. } | Method::AdamW { beta1: momentum, .. } => *momentum = new,
            Method::Sgd { momentum, .. } | Method::RmsProp { momentum, .. } if *momentum > 0.0 => {
                *momentum = new;
            }
            Method::Sgd { .. } | Method::RmsProp { .. } => {}
        }
    }

    /// Moves the parameters against the gradient.
    ///
    /// # Panics
    ///
    /// If the gradient does not have one number for each parameter, or if the number of parameters differs from the one
    /// given at the start.
    ///
    /// ```
    /// # use dualtape_nn::{Method, Optimizer};
    /// let mut x = [1.0, 2.0];
    /// Optimizer::new(Method::sgd(0.0), 2)?.step(0.5, &mut x, &[2.0, -4.0]);
    /// assert_eq!(x, [0.0, 4.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn step(&mut self, rate: F, parameters: &mut [F], gradient: &[F]) {
        let count = self.parameters;
        assert!(
            parameters.len() == count,
            "this optimiser moves {count} parameters, not {}",
            parameters.len()
        );
        assert!(
            gradient.len() == count,
            "{count} parameters need as many derivatives, not {}",
            gradient.len()
        );
        self.steps += 1;
        pulp::Arch::new().dispatch(|| self.step_by_method(rate, parameters, gradient));
    }

    /// One step, in loops that are compiled for each instruction set.
    #[inline(always)]
    fn step_by_method(&mut self, rate: F, parameters: &mut [F], gradient: &[F]) {
        match self.method {
            Method::Sgd { momentum, dampening, nesterov, weight_decay } => {
                let [momentum, dampening, decay] = [momentum, dampening, weight_decay].map(F::nearest);
                self.sgd(rate, [momentum, dampening, decay], nesterov, parameters, gradient);
            }
            Method::Adam { beta1, beta2, epsilon, weight_decay } => {
                let numbers = [beta1, beta2, epsilon, weight_decay];
                self.adam(rate, numbers, false, parameters, gradient);
            }
            Method::AdamW { beta1, beta2, epsilon, weight_decay } => {
                let numbers = [beta1, beta2, epsilon, weight_decay];
                self.adam(rate, numbers, true, parameters, gradient);
            }
            Method::RmsProp { alpha, epsilon, weight_decay, momentum, centered } => {
                let numbers = [alpha, epsilon, weight_decay, momentum].map(F::nearest);
                self.rmsprop(rate, numbers, centered, parameters, gradient);
            }
        }
    }

    #[inline(always)]
    fn sgd(&mut self, rate: F, numbers: [F; 3], nesterov: bool, parameters: &mut [F], gradient: &[F]) {
        let [momentum, dampening, decay] = numbers;
        // The first velocity is the whole gradient, for any dampening.
        let share = if self.steps == 1 { F::one() } else { F::one() - dampening };
        let Some(velocity) = self.buffers.first_mut() else {
            for (x, &g) in parameters.iter_mut().zip(gradient) {
                *x -= rate * (g + decay * *x);
            }
            return;
        };
        for ((x, &g), v) in parameters.iter_mut().zip(gradient).zip(velocity) {
            let g = g + decay * *x;
            *v = momentum * *v + share * g;
            *x -= rate * if nesterov { g + momentum * *v } else { *v };
        }
    }

    #[inline(always)]
    fn adam(&mut self, rate: F, numbers: [f64; 4], decoupled: bool, parameters: &mut [F], gradient: &[F]) {
        let remaining = |beta: f64| F::nearest(1.0 - beta.powf(self.steps as f64));
        let (first_share, second_share) = (remaining(numbers[0]), remaining(numbers[1]));
        let [beta1, beta2, epsilon, decay] = numbers.map(F::nearest);
        let [first, second] = &mut self.buffers[..] else { unreachable!("Adam has two buffers") };
        for (((x, &g), m), v) in parameters.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = if decoupled {
                *x *= F::one() - rate * decay;
                g
            } else {
                g + decay * *x
            };
            *m += (g - *m) * (F::one() - beta1);
            *v = beta2 * *v + (F::one() - beta2) * g * g;
            *x -= rate / first_share * *m / ((*v / second_share).sqrt() + epsilon);
        }
    }

    #[inline(always)]
    fn rmsprop(&mut self, rate: F, numbers: [F; 4], centered: bool, parameters: &mut [F], gradient: &[F]) {
        let [alpha, epsilon, decay, momentum] = numbers;
        let mut buffers = self.buffers.iter_mut();
        let squares = buffers.next().expect("RMSprop averages squares");
        let mut means = if centered { buffers.next() } else { None };
        let mut velocity = buffers.next();
        for (i, (x, &g)) in parameters.iter_mut().zip(gradient).enumerate() {
            let g = g + decay * *x;
            let square = &mut squares[i];
            *square = alpha * *square + (F::one() - alpha) * g * g;
            let spread = match &mut means {
                Some(means) => {
                    let mean = &mut means[i];
                    *mean += (g - *mean) * (F::one() - alpha);
                    // Rounding may make the variance negative.
                    (*square - *mean * *mean).max(F::zero())
                }
                None => *square,
            };
            let step = g / (spread.sqrt() + epsilon);
            *x -= rate
                * match &mut velocity {
                    Some(velocity) => {
                        velocity[i] = momentum * velocity[i] + step;
                        velocity[i]
                    }
                    None => step,
                };
        }
    }
}
