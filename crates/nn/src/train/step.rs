//! One step: the order of the samples, the gradient of a batch, clipping, noise, and the move.

use super::Trainer;
use crate::history::Progress;
use crate::initialize::{self, Use};
use crate::parallel::AllReduce;
use crate::recorded::Team;
use crate::{Clip, Error, Model, Reduction, Unit, clip, privacy};
use dualtape::program::{Rows, Selected};
use rand::seq::SliceRandom;

/// What came of a batch besides its clipped gradient.
struct Slope {
    loss: f64,
    /// The norm of the whole gradient, before it was clipped as a whole.
    norm: f64,
    norm_before: f64,
    norm_after: f64,
    clipped: f64,
}

impl<M: Model, R: AllReduce> Trainer<'_, M, R> {
    /// The order of the samples depends on seed and epoch only.
    fn draw_order(&mut self) {
        let epoch = self.state.epoch;
        if self.order.0 != epoch {
            let mut order: Vec<_> = (0..self.training.len()).collect();
            order.shuffle(&mut initialize::substream(self.settings.seed, Use::Shuffle, epoch as u64));
            self.order = (epoch, order);
        }
    }

    pub(super) fn step(&mut self) -> Result<Progress, Error> {
        self.draw_order();
        let (epoch, batch) = (self.state.epoch, self.state.batch + 1);
        let time = match self.settings.schedule_unit {
            Unit::Epoch => epoch as u64 - 1,
            Unit::Step => self.state.optimizer.steps(),
        };
        let schedule = &self.settings.schedule;
        let rate = schedule.rate(self.settings.rate, time);
        // Set at each step, so that it does not depend on where a schedule left it.
        let momentum = schedule.momentum(time).unwrap_or(self.settings.optimizer.momentum());
        let slope = self.slope()?;
        for (what, value) in [("loss", slope.loss), ("norm of the gradient", slope.norm)] {
            if !value.is_finite() {
                let state = &mut self.state;
                state.parameters.copy_from_slice(&state.previous);
                return Err(Error::NotFinite { what, value, epoch, batch });
            }
        }
        let progress = Progress {
            epoch,
            batches_done: batch,
            batches: self.batches(),
            loss: slope.loss,
            rate,
            gradient_norm: slope.norm_before,
            clipped_norm: slope.norm_after,
            clipped: slope.clipped,
        };
        let state = &mut self.state;
        state.previous.copy_from_slice(&state.parameters);
        state.optimizer.set_momentum(momentum);
        state.optimizer.step(rate, &mut state.parameters, &self.gradient);
        state.batch = batch;
        state.sums.add(&progress);
        Ok(progress)
    }

    /// Computes and clips the gradient of one batch.
    fn slope(&mut self) -> Result<Slope, Error> {
        let Self { settings, state, recorded, gradient, .. } = self;
        let size = settings.samples_per_step();
        let first = state.batch * size;
        let chosen = &self.order.1[first..first.saturating_add(size).min(self.order.1.len())];
        let rows = Rows::new(&self.samples, self.model.inputs() + self.model.outputs());
        let points = Selected { points: &rows, indices: chosen };
        let limit = match settings.clip {
            Clip::PerSample(limit) => Some(limit),
            _ => None,
        };
        let own_share = match settings.reduction {
            Reduction::Mean => 1.0 / chosen.len() as f64,
            Reduction::Sum => 1.0,
        };
        // With noise, a batch is divided by the size it was expected to have, not by the one it has.
        let share = match settings.reduction {
            Reduction::Mean if settings.noise > 0.0 => 1.0 / size as f64,
            _ => own_share,
        };
        let parameters = &state.parameters;
        let (ranks, pool, accumulate) = (&mut self.ranks, &self.pool, settings.accumulate);
        let team = Team { ranks, pool, accumulate, stop: self.stop };
        let found = recorded.by_team(team, share, parameters, &points, limit, gradient)?;
        self.agreed |= found.stop;
        let batch = found.batch;
        if let (Some(limit), true) = (limit, settings.noise > 0.0) {
            let step = state.optimizer.steps() + 1;
            privacy::add_noise(gradient, settings.noise * limit * share, settings.seed, step);
        }
        let penalty = settings.penalty().add(parameters, &self.weights, 1.0, gradient);
        let loss = batch.loss / share * own_share + penalty;
        let norm = clip::norm(gradient);
        let (norm_before, norm_after, clipped) = match settings.clip {
            Clip::PerSample(limit) => {
                let norms = recorded.norms();
                let count = norms.len() as f64;
                let after = norms.iter().map(|&norm| norm * clip::factor(norm, limit)).sum::<f64>() / count;
                (norms.iter().sum::<f64>() / count, after, batch.clipped as f64 / count)
            }
            Clip::None => (norm, norm, 0.0),
            Clip::Value(limit) => {
                let clipped = gradient.iter().any(|g| g.abs() > limit);
                clip::by_value(gradient, limit);
                (norm, clip::norm(gradient), f64::from(clipped))
            }
            Clip::Norm(limit) if norm.is_finite() => {
                clip::by_norm(gradient, limit)?;
                (norm, clip::norm(gradient), f64::from(clip::factor(norm, limit) < 1.0))
            }
            // The caller refuses it.
            Clip::Norm(_) => (norm, norm, 0.0),
        };
        Ok(Slope { loss, norm, norm_before, norm_after, clipped })
    }
}
