//! How to train.

use crate::privacy::accountant::{Accountant, Budget};
use crate::privacy::{self, NoiseSource, Sampling};
use crate::{Clip, Error, Loss, Method, Penalty, Reduction, Schedule, text};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// More threads than any machine of today has cores; starting many more takes longer than training.
const MAX_THREADS: usize = 1024;

/// How to train. In files and with serde, methods, schedules and the like are the text they are parsed from.
///
/// ```
/// use dualtape_nn::{Clip, Settings};
/// let settings = Settings { epochs: 30, clip: Clip::PerSample(1.0), noise: 0.5, ..Settings::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How often to go through all samples; at least 1.
    pub epochs: usize,
    /// How many samples are gone through together; at least 1.
    pub batch_size: usize,
    /// How many batches make one step, their gradients added up; at least 1. The result has the bits of batches that are
    /// so many times as large, which would take more memory.
    pub accumulate: usize,
    /// The size of a step; positive.
    pub rate: f64,
    /// How the rate changes.
    #[serde(with = "text")]
    pub schedule: Schedule,
    /// In what the schedule counts time.
    #[serde(with = "text")]
    pub schedule_unit: Unit,
    /// What is done with gradients.
    #[serde(with = "text")]
    pub optimizer: Method,
    /// How gradients are clipped.
    #[serde(with = "text")]
    pub clip: Clip,
    /// σ: the sum of clipped gradients gets normal noise of deviation σ times the limit; needs a clip of each sample.
    /// 0 for none. [`privacy`] says what that protects.
    pub noise: f64,
    /// Where the key of the noise comes from, and of Poisson samples.
    #[serde(with = "text")]
    pub noise_source: NoiseSource,
    /// How the samples of a step are drawn.
    #[serde(with = "text")]
    pub sampling: Sampling,
    /// How much privacy may be spent: the training stops before a step that would pass it. It needs noise and Poisson
    /// sampling.
    #[serde(with = "text::optional")]
    pub budget: Option<Budget>,
    /// How privacy is counted.
    #[serde(with = "text")]
    pub accountant: Accountant,
    /// What is made small.
    #[serde(with = "text")]
    pub loss: Loss,
    /// How the losses of a batch become one. Records and metrics are means in any case.
    #[serde(with = "text")]
    pub reduction: Reduction,
    /// What the magnitude of a weight costs.
    pub l1: f64,
    /// What the square of a weight costs.
    pub l2: f64,
    /// After how many epochs without a better validation loss to stop; none for never.
    pub patience: Option<usize>,
    /// Whether the parameters with the best validation loss are the result, not the last ones.
    pub keep_best: bool,
    /// What the order of the samples, noise and dropout are drawn from.
    pub seed: u64,
    /// Worker threads; 0 for one on each core. The result has the same bits for any number.
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
    /// Whether every setting is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`], naming the first setting that is out of range.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// assert!(Settings::default().check().is_ok());
    /// // Noise needs gradients of bounded norm.
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
            let expected =
                "poisson, as there is a privacy budget: accountants do not speak for other batches";
            return Err(Error::Setting { what: "sampling", given, expected });
        }
        Ok(())
    }

    /// Whether the noise leaves something for the count of clipped samples, in batches of the expected size: its own noise
    /// grows with the batch.
    pub(crate) fn check_adaptive(&self, expected: f64) -> Result<(), Error> {
        let adapts = matches!(self.clip, Clip::Adaptive { .. });
        if adapts && privacy::noise_beside_count(self.noise, expected).is_none() {
            let expected = "less than a tenth of the samples of a step, as the clip is adaptive";
            return Err(Error::Setting { what: "noise", given: self.noise.to_string(), expected });
        }
        Ok(())
    }

    /// How many samples a step is expected to have, of so many.
    pub(crate) fn expected_samples(&self, samples: usize) -> f64 {
        match self.sampling {
            Sampling::Shuffled => self.samples_per_step() as f64,
            Sampling::Poisson => self.probability(samples) * samples as f64,
        }
    }

    /// The probability with which each of so many samples takes part in a step of Poisson sampling.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// let settings = Settings { batch_size: 10, ..Settings::default() };
    /// assert_eq!((settings.probability(100), settings.probability(5)), (0.1, 1.0));
    /// ```
    pub fn probability(&self, samples: usize) -> f64 {
        (self.samples_per_step() as f64 / samples.max(1) as f64).min(1.0)
    }

    /// How many samples make one step, unless there are not as many left.
    pub(crate) fn samples_per_step(&self) -> usize {
        self.batch_size.saturating_mul(self.accumulate)
    }

    /// How many steps make one epoch over so many samples.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// let settings = Settings { batch_size: 10, accumulate: 3, ..Settings::default() };
    /// assert_eq!(settings.batches(100), 4);
    /// ```
    pub fn batches(&self, samples: usize) -> usize {
        samples.div_ceil(self.samples_per_step())
    }

    /// How many steps all epochs make.
    ///
    /// ```
    /// use dualtape_nn::Settings;
    /// let settings = Settings { batch_size: 10, epochs: 7, ..Settings::default() };
    /// assert_eq!(settings.steps(100), 70);
    /// ```
    pub fn steps(&self, samples: usize) -> u64 {
        (self.batches(samples) as u64).saturating_mul(self.epochs as u64)
    }

    /// What large weights cost.
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

/// In what a schedule counts time.
///
/// ```
/// use dualtape_nn::{Schedule, Settings, Unit};
/// // Warmed up over the first hundred steps, wherever an epoch ends.
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
