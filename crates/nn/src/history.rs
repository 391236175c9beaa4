//! What is reported while a training goes on, and kept of it.

use crate::Metrics;
use std::time::Duration;

/// One epoch of the history.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, Settings, data, train};
/// let (training, validation) = data::moons().split(0.2, 7)?;
/// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
/// let settings = Settings { epochs: 2, rate: 0.1, ..Settings::default() };
/// let history = train(&model, &mut model.initialize(7), &training, &validation, &settings, |_| {})?;
/// assert_eq!((history.len(), history[1].epoch, history[1].rate), (2, 2, 0.1));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Measured on the training part, after the epoch.
    pub training: Metrics,
    /// Measured on the validation part, after the epoch.
    pub validation: Metrics,
    /// The rate of the last step.
    pub rate: f64,
    /// The mean loss of the batches as they came, penalties included.
    pub batch_loss: f64,
    /// The mean norm before clipping: of the batches' gradients, or of the samples' where each is clipped.
    pub gradient_norm: f64,
    /// The same after clipping.
    pub clipped_norm: f64,
    /// The share of samples whose gradient was clipped, or of batches where samples are not.
    pub clipped: f64,
    /// The ε that was spent until then, at the δ of the privacy budget, if there is one.
    pub epsilon: Option<f64>,
    /// Time spent training until then.
    pub elapsed: Duration,
}

/// One step.
///
/// ```
/// use dualtape_nn::{Activation, Event, Mlp, Settings, Trainer, data};
/// let (training, validation) = data::moons().split(0.2, 7)?;
/// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
/// let settings = Settings { epochs: 2, ..Settings::default() };
/// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
/// let Some(Event::Batch(first)) = trainer.advance()? else { panic!("a training begins with a step") };
/// assert_eq!((first.epoch, first.batches_done, first.batches), (1, 1, 3)); // 80 samples, 32 at a time
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The batches done in it.
    pub batches_done: usize,
    /// The batches it has.
    pub batches: usize,
    /// The samples of the batch just done. A Poisson sample may have none: then loss, norms before and after clipping, and
    /// the share of clipped samples are NaN.
    pub samples: usize,
    /// The loss of the batch just done, penalties included.
    pub loss: f64,
    /// The rate of the step.
    pub rate: f64,
    /// The norm before clipping: of the batch's gradient, or the mean of the samples' where each is clipped.
    pub gradient_norm: f64,
    /// The same after clipping; where layers are clipped by themselves, an upper bound.
    pub clipped_norm: f64,
    /// The share of the samples whose gradient was clipped; where samples are not, 1 if the batch's was.
    pub clipped: f64,
}

/// What a training reports while it runs.
///
/// ```
/// use dualtape_nn::{Activation, Event, Mlp, Settings, Trainer, data};
/// let (training, validation) = data::moons().split(0.2, 7)?;
/// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
/// let settings = Settings { epochs: 2, ..Settings::default() };
/// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
/// let (mut steps, mut epochs) = (0, 0);
/// while let Some(event) = trainer.advance()? {
///     match event {
///         Event::Batch(_) => steps += 1,
///         Event::Epoch(_) => epochs += 1,
///     }
/// }
/// assert_eq!((steps, epochs), (6, 2));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A step was made.
    Batch(Progress),
    /// An epoch is over.
    Epoch(Record),
}

/// Sums over the batches of an epoch that is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// Those that were not empty.
    batches: f64,
    loss: f64,
    gradient_norm: f64,
    clipped_norm: f64,
    clipped: f64,
    rate: f64,
}

impl Sums {
    pub(crate) fn add(&mut self, progress: &Progress) {
        self.rate = progress.rate;
        if progress.samples == 0 {
            return;
        }
        self.batches += 1.0;
        self.loss += progress.loss;
        self.gradient_norm += progress.gradient_norm;
        self.clipped_norm += progress.clipped_norm;
        self.clipped += progress.clipped;
    }

    pub(crate) fn record(
        &self,
        epoch: usize,
        training: Metrics,
        validation: Metrics,
        epsilon: Option<f64>,
        elapsed: Duration,
    ) -> Record {
        let mean = |sum: f64| sum / self.batches;
        Record {
            epoch,
            training,
            validation,
            rate: self.rate,
            batch_loss: mean(self.loss),
            gradient_norm: mean(self.gradient_norm),
            clipped_norm: mean(self.clipped_norm),
            clipped: mean(self.clipped),
            epsilon,
            elapsed,
        }
    }

    pub(crate) const WIDTH: usize = 6;

    pub(crate) fn to_row(self) -> [f64; Self::WIDTH] {
        [self.batches, self.loss, self.gradient_norm, self.clipped_norm, self.clipped, self.rate]
    }

    pub(crate) fn from_row(row: [f64; Self::WIDTH]) -> Self {
        let [batches, loss, gradient_norm, clipped_norm, clipped, rate] = row;
        Self { batches, loss, gradient_norm, clipped_norm, clipped, rate }
    }
}

impl Metrics {
    /// NaN stands for what is not measured.
    fn to_row(self) -> [f64; 4] {
        let or_nan = |x: Option<f64>| x.unwrap_or(f64::NAN);
        [self.loss, or_nan(self.accuracy), or_nan(self.mean_absolute_error), or_nan(self.r_squared)]
    }

    fn from_row([loss, accuracy, error, r_squared]: [f64; 4]) -> Self {
        let some = |x: f64| (!x.is_nan()).then_some(x);
        // Of a classifier, or of a regression with an error that is NaN itself.
        let is_classifier = !accuracy.is_nan();
        let of_regression = |x| if is_classifier { some(x) } else { Some(x) };
        Self {
            loss,
            accuracy: some(accuracy),
            mean_absolute_error: of_regression(error),
            r_squared: of_regression(r_squared),
        }
    }
}

impl Record {
    pub(crate) const WIDTH: usize = 16;

    /// All of it as numbers, for files.
    pub(crate) fn to_row(self) -> [f64; Self::WIDTH] {
        let ([a, b, c, d], [e, f, g, h]) = (self.training.to_row(), self.validation.to_row());
        let Self { rate, batch_loss, gradient_norm, clipped_norm, clipped, epsilon, elapsed, .. } = self;
        let (epsilon, seconds) = (epsilon.unwrap_or(f64::NAN), elapsed.as_secs_f64());
        [
            self.epoch as f64,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            rate,
            batch_loss,
            gradient_norm,
            clipped_norm,
            clipped,
            epsilon,
            seconds,
        ]
    }

    pub(crate) fn from_row(row: [f64; Self::WIDTH]) -> Self {
        let [epoch, a, b, c, d, e, f, g, h, rest @ ..] = row;
        let [rate, batch_loss, gradient_norm, clipped_norm, clipped, epsilon, seconds] = rest;
        Self {
            epoch: epoch as usize,
            training: Metrics::from_row([a, b, c, d]),
            validation: Metrics::from_row([e, f, g, h]),
            rate,
            batch_loss,
            gradient_norm,
            clipped_norm,
            clipped,
            epsilon: (!epsilon.is_nan()).then_some(epsilon),
            elapsed: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
        }
    }
}
