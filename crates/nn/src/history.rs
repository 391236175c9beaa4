//! The reports during a training, and the records that are kept.

use crate::Metrics;
use std::time::Duration;

/// The record of one epoch.
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
    /// The metrics on the training part, after the epoch.
    pub training: Metrics,
    /// The metrics on the validation part, after the epoch.
    pub validation: Metrics,
    /// The rate of the last step.
    pub rate: f64,
    /// The mean loss of the batches, each measured before its step, penalties included.
    pub batch_loss: f64,
    /// The mean norm before clipping: of the gradients of batches, or of per-sample gradients if each sample is clipped.
    pub gradient_norm: f64,
    /// The same after clipping.
    pub clipped_norm: f64,
    /// The share of samples whose gradient was clipped, or of batches if samples are not clipped.
    pub clipped: f64,
    /// The ε spent until then, at the δ of the privacy budget, if there is a budget.
    pub epsilon: Option<f64>,
    /// The time spent on training until then.
    pub elapsed: Duration,
}

/// The report of one step.
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
    /// The number of batches done in it.
    pub batches_done: usize,
    /// The number of batches that it has.
    pub batches: usize,
    /// The number of samples in this batch. A Poisson sample may be empty; then the loss, the norms before and after clipping,
    /// and the share of clipped samples are NaN.
    pub samples: usize,
    /// The loss of this batch, penalties included.
    pub loss: f64,
    /// The rate of the step.
    pub rate: f64,
    /// The norm before clipping: of the gradient of the batch, or the mean over per-sample gradients if each sample is clipped.
    pub gradient_norm: f64,
    /// The same after clipping; an upper bound if layers are clipped separately.
    pub clipped_norm: f64,
    /// The share of the samples whose gradient was clipped. If samples are not clipped, 1 if the gradient of the batch was
    /// clipped, otherwise 0.
    pub clipped: f64,
}

/// An event that a training reports while it runs.
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

/// Sums over the batches of the current epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// The number of batches that were not empty.
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
    /// NaN stands for values that are not measured.
    fn to_row(self) -> [f64; 4] {
        let or_nan = |x: Option<f64>| x.unwrap_or(f64::NAN);
        [self.loss, or_nan(self.accuracy), or_nan(self.mean_absolute_error), or_nan(self.r_squared)]
    }

    fn from_row([loss, accuracy, error, r_squared]: [f64; 4]) -> Self {
        let some = |x: f64| (!x.is_nan()).then_some(x);
        // It is the record of a classifier, or of a regression whose error is itself NaN.
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

    /// The whole record as numbers, for files.
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
