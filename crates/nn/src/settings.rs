//! How to train.

use crate::privacy::accountant::{Accountant, Budget};
use crate::privacy::{self, NoiseSource, Sampling};
use crate::{Clip, Error, Loss, Method, Penalty, Reduction, Schedule, text};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The largest number of threads. No machine of today has more cores, and starting many more threads takes longer than
/// training.
const MAX_THREADS: usize = 1024;

/// How to train. With serde, and so in files, a method, a schedule and similar settings are written as the text from which
/// they are parsed.
///
/// ```
/// use dualtape_nn::{Clip, Settings};
/// let settings = Settings { epochs: 30, clip: Clip::PerSample(1.0), noise: 0.5, ..Settings::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How many times to go through all samples; at least 1.
    pub epochs: usize,
    /// How many samples are in a batch; at least 1.
    pub batch_size: usize,
    /// How many batches make one step, for which their gradients are added up; at least 1. The result has the same bits as
    /// with a batch size that is larger by this factor, but needs less memory.
    pub accumulate: usize,
    /// The size of a step; positive.
    pub rate: f64,
    /// How the rate changes.
    #[serde(with = "text")]
    pub schedule: Schedule,
    /// The unit in which the schedule counts time.
    #[serde(with = "text")]
    pub schedule_unit: Unit,
    /// The optimiser, which computes steps from gradients.
    #[serde(with = "text")]
    pub optimizer: Method,
    /// How gradients are clipped.
    #[serde(with = "text")]
    pub clip: Clip,
    /// The noise multiplier σ. Normal noise whose standard deviation is σ times the clipping limit is added to the sum of
    /// clipped gradients. It requires per-sample clipping; 0 means no noise. [`privacy`] explains what the noise protects.
    pub noise: f64,
    /// Where the key comes from that generates the noise and the Poisson samples.
    #[serde(with = "text")]
    pub noise_source: NoiseSource,
    /// How the samples of a step are drawn.
    #[serde(with = "text")]
    pub sampling: Sampling,
    /// How much privacy may be spent. The training stops before a step that would exceed this budget. It requires noise
    /// and Poisson sampling.
    #[serde(with = "text::optional")]
    pub budget: Option<Budget>,
    /// How the spent privacy is computed.
    #[serde(with = "text")]
    pub accountant: Accountant,
    /// The loss to minimise.
    #[serde(with = "text")]
    pub loss: Loss,
    /// How the losses of a batch are combined into one. Records and metrics are always means.
    #[serde(with = "text")]
    pub reduction: Reduction,
    /// The penalty for the magnitude of a weight.
    pub l1: f64,
    /// The penalty for the square of a weight.
    pub l2: f64,
    /// The training stops after this many epochs without a better validation loss; `None` means that it never does.
    pub patience: Option<usize>,
    /// Whether the result is the parameters with the best validation loss instead of the last ones.
    pub keep_best: bool,
    /// The seed from which the order of the samples, the noise and the factors of dropout are drawn.
    pub seed: u64,
    /// The number of worker threads; 0 means one for each core. The result has the same bits for any number.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 32,
            accumulate: 1,
            rate: 0.05,
            schedule: Schedule::Constant,
            schedule_unit: Unit::Epoch,
            optimizer: Method::default(),
            clip: Clip::None,
            noise: 0.0,
            noise_source: NoiseSource::Seed,
            sampling: Sampling::Shuffled,
            budget: None,
            accountant: Accountant::default(),
            loss: Loss::CrossEntropy,
            reduction: Reduction::Mean,
            l1: 0.0,
            l2: 0.0,
            patience: None,
            keep_best: true,
            seed: 1,
            threads: 0,
        }
    }
}

impl Settings {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`], naming the first setting that is out of range.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// assert!(Settings::default().check().is_ok());
    /// // Noise requires gradients of bounded norm.
    /// assert!(Settings { noise: 1.0, ..Settings::default() }.check().is_err());
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        let at_least_one = [
            ("number of epochs", self.epochs),
            ("batch size", self.batch_size),
            ("number of batches to accumulate", self.accumulate),
            ("patience", self.patience.unwrap_or(1)),
        ];
        for (what, count) in at_least_one {
            if count == 0 {
                return Err(Error::Setting { what, given: "0".to_owned(), expected: "at least 1" });
            }
        }
        if self.threads > MAX_THREADS {
            let given = self.threads.to_string();
            return Err(Error::Setting { what: "number of threads", given, expected: "at most 1024" });
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            let given = self.rate.to_string();
            return Err(Error::Setting { what: "rate", given, expected: "a positive number" });
        }
        self.optimizer.check()?;
        self.schedule.check()?;
        self.clip.check()?;
        self.loss.check()?;
        self.penalty().check()?;
        self.check_privacy()
    }

    fn check_privacy(&self) -> Result<(), Error> {
        let wrong = |expected| Error::Setting { what: "noise", given: self.noise.to_string(), expected };
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(wrong("a number of 0 or more"));
        }
        if self.noise > 0.0 && self.clip.of_samples().is_none() {
            return Err(wrong("0, or clipping for each sample, as in per-sample:1"));
        }
        self.check_adaptive(self.samples_per_step() as f64)?;
        let Some(budget) = self.budget else { return Ok(()) };
        budget.check()?;
        if self.noise == 0.0 {
            return Err(wrong("a positive number, as there is a privacy budget"));
        }
        if self.sampling != Sampling::Poisson {
            let given = self.sampling.to_string();
            let expected = "poisson, as there is a privacy budget: accountants do not cover other batches";
            return Err(Error::Setting { what: "sampling", given, expected });
        }
        Ok(())
    }

    /// Checks that σ is small enough for a noisy count of clipped samples beside the sum of gradients. The noise on the count
    /// grows with the expected size of a batch.
    pub(crate) fn check_adaptive(&self, expected: f64) -> Result<(), Error> {
        let adapts = matches!(self.clip, Clip::Adaptive { .. });
        if adapts && privacy::noise_beside_count(self.noise, expected).is_none() {
            let expected = "less than a tenth of the samples of a step, as the clip is adaptive";
            return Err(Error::Setting { what: "noise", given: self.noise.to_string(), expected });
        }
        Ok(())
    }

    /// The expected number of samples in a step, if the data set has `samples` of them.
    pub(crate) fn expected_samples(&self, samples: usize) -> f64 {
        match self.sampling {
            // No step has more samples than there are.
            Sampling::Shuffled => self.samples_per_step().min(samples) as f64,
            Sampling::Poisson => self.probability(samples) * samples as f64,
        }
    }

    /// The probability that each sample takes part in a step under Poisson sampling, if the data set has `samples` of them.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// let settings = Settings { batch_size: 10, ..Settings::default() };
    /// assert_eq!((settings.probability(100), settings.probability(5)), (0.1, 1.0));
    /// ```
    pub fn probability(&self, samples: usize) -> f64 {
        (self.samples_per_step() as f64 / samples.max(1) as f64).min(1.0)
    }

    /// How many samples make one step; the last step of an epoch may have fewer.
    pub(crate) fn samples_per_step(&self) -> usize {
        self.batch_size.saturating_mul(self.accumulate)
    }

    /// How many steps make one epoch over `samples` samples.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// let settings = Settings { batch_size: 10, accumulate: 3, ..Settings::default() };
    /// assert_eq!(settings.batches(100), 4);
    /// ```
    pub fn batches(&self, samples: usize) -> usize {
        samples.div_ceil(self.samples_per_step())
    }

    /// How many steps all epochs take together.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// let settings = Settings { batch_size: 10, epochs: 7, ..Settings::default() };
    /// assert_eq!(settings.steps(100), 70);
    /// ```
    pub fn steps(&self, samples: usize) -> u64 {
        (self.batches(samples) as u64).saturating_mul(self.epochs as u64)
    }

    /// The penalty for large weights.
    ///
    /// ```
    /// use dualtape_nn::{Penalty, Settings};
    /// let settings = Settings { l2: 0.01, ..Settings::default() };
    /// assert_eq!(settings.penalty(), Penalty { l1: 0.0, l2: 0.01 });
    /// ```
    pub fn penalty(&self) -> Penalty {
        Penalty { l1: self.l1, l2: self.l2 }
    }
}

/// The unit in which a schedule counts time.
///
/// ```
/// use dualtape_nn::{Schedule, Settings, Unit};
/// // The rate warms up over the first hundred steps, wherever an epoch ends.
/// let schedule = Schedule::Warmup { length: 100 };
/// let settings = Settings { schedule, schedule_unit: Unit::Step, ..Settings::default() };
/// assert_eq!(settings.schedule_unit.to_string(), "step");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Epochs: the rate changes between them.
    #[default]
    Epoch,
    /// Steps: the rate changes with each batch.
    Step,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Epoch => "epoch",
            Self::Step => "step",
        })
    }
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "epoch" => Ok(Self::Epoch),
            "step" => Ok(Self::Step),
            _ => {
                let given = format!("'{text}'");
                Err(Error::Setting { what: "schedule unit", given, expected: "epoch or step" })
            }
        }
    }
}
