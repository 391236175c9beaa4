//! The state of a training between two steps. The state, the model, the data and the settings together determine
//! everything that follows. The seed, the epoch and the step determine the order of samples and the noise.

use crate::history::{Record, Sums};
use crate::privacy::{NoiseKey, NoiseSource};
use crate::{Error, Optimizer, Settings};
use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) parameters: Vec<f64>,
    /// The parameters before the last step. They are the last ones known to give finite numbers.
    pub(super) previous: Vec<f64>,
    pub(super) optimizer: Optimizer<f64>,
    /// The key from which noise and Poisson samples are drawn.
    pub(super) key: NoiseKey,
    /// The norm to which samples are clipped, if they are clipped; it may adapt.
    pub(super) limit: f64,
    /// The current epoch, counted from 1.
    pub(super) epoch: usize,
    /// The number of batches done in it.
    pub(super) batch: usize,
    pub(super) sums: Sums,
    pub(super) history: Vec<Record>,
    pub(super) best: Option<Best>,
    /// The time that earlier processes spent.
    pub(super) elapsed: Duration,
}

/// The best epoch so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) epoch: usize,
    pub(super) loss: f64,
    pub(super) parameters: Vec<f64>,
}

impl State {
    pub(super) fn new(parameters: Vec<f64>, settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            previous: parameters.clone(),
            optimizer: Optimizer::new(settings.optimizer, parameters.len())?,
            key: match settings.noise_source {
                NoiseSource::Seed => NoiseKey::from_seed(settings.seed),
                NoiseSource::System => NoiseKey::from_system()?,
            },
            limit: settings.clip.of_samples().unwrap_or(f64::INFINITY),
            parameters,
            epoch: 1,
            batch: 0,
            sums: Sums::default(),
            history: Vec::new(),
            best: None,
            elapsed: Duration::ZERO,
        })
    }

    /// An epoch whose loss is NaN is never the best.
    pub(super) fn finish_epoch(&mut self, record: Record) {
        let loss = record.validation.loss;
        if !loss.is_nan() && self.best.as_ref().is_none_or(|best| loss < best.loss) {
            let parameters = self.parameters.clone();
            self.best = Some(Best { epoch: record.epoch, loss, parameters });
        }
        self.history.push(record);
        self.epoch += 1;
        self.batch = 0;
        self.sums = Sums::default();
    }
}
