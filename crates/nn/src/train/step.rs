//! One step: choosing the samples, the gradient of a batch, clipping, noise, and the change of the parameters.

use super::Trainer;
use crate::history::Progress;
use crate::parallel::AllReduce;
use crate::privacy::{self, Sampling};
use crate::recorded::{SampleClip, Team};
use crate::{Batch, Clip, Error, Model, Reduction, Settings, Unit, clip, data};
use dualtape::program::Selected;

/// The results of a batch besides its clipped gradient.
struct Derivative {
    samples: usize,
    loss: f64,
    /// The norm of the batch gradient before it was clipped. With per-sample clipping, it is 0, or the norm of a sample
    /// whose norm is not finite.
    norm: f64,
    norm_before: f64,
    norm_after: f64,
    clipped: f64,
}

impl<M: Model, R: AllReduce> Trainer<'_, M, R> {
    /// Chooses the samples of the next step. They depend only on the seed or key, the epoch and the step.
    fn choose(&mut self) {
        let Self { settings, state, order, chosen, .. } = self;
        let (epoch, count) = (state.epoch, self.training.len());
        if settings.sampling == Sampling::Poisson {
            let step = state.optimizer.steps() + 1;
            return privacy::poisson_sample(&state.key, step, settings.probability(count), count, chosen);
        }
        if order.0 != epoch {
            *order = (epoch, data::shuffled(count, settings.seed, epoch));
        }
        let size = settings.samples_per_step();
        let first = state.batch * size;
        chosen.clear();
        chosen.extend_from_slice(&order.1[first..first.saturating_add(size).min(count)]);
    }

    pub(super) fn step(&mut self) -> Result<Progress, Error> {
        self.choose();
        let step = self.state.optimizer.steps() + 1;
        self.samples.draw_dropout(self.settings.seed, step, &self.chosen);
        let (epoch, batch) = (self.state.epoch, self.state.batch + 1);
        let time = match self.settings.schedule_unit {
            Unit::Epoch => epoch as u64 - 1,
            Unit::Step => self.state.optimizer.steps(),
        };
        let schedule = &self.settings.schedule;
        let rate = schedule.rate(self.settings.rate, time);
        // The momentum is set at each step, so that it does not depend on where a schedule left it.
        let momentum = schedule.momentum(time).unwrap_or(self.settings.optimizer.momentum());
        let (gradient, limit) = self.derivative()?;
        for (what, value) in [("loss", gradient.loss), ("norm of the gradient", gradient.norm)] {
            // A batch without samples has no loss. With noise, a loss never stops the training: a stop would reveal a sample.
            let tells = gradient.samples > 0 && self.settings.noise == 0.0;
            if !value.is_finite() && (tells || what != "loss") {
                let state = &mut self.state;
                state.parameters.copy_from_slice(&state.previous);
                return Err(Error::NotFinite { what, value, epoch, batch });
            }
        }
        let progress = Progress {
            epoch,
            batches_done: batch,
            batches: self.batches(),
            samples: gradient.samples,
            loss: gradient.loss,
            rate,
            gradient_norm: gradient.norm_before,
            clipped_norm: gradient.norm_after,
            clipped: gradient.clipped,
        };
        let state = &mut self.state;
        state.previous.copy_from_slice(&state.parameters);
        state.optimizer.set_momentum(momentum);
        state.optimizer.step(rate, &mut state.parameters, &self.gradient);
        state.limit = limit;
        state.batch = batch;
        state.sums.add(&progress);
        Ok(progress)
    }

    /// Computes and clips the gradient of one batch. It also returns the norm to which samples are clipped in the next step.
    fn derivative(&mut self) -> Result<(Derivative, f64), Error> {
        let Self { settings, state, recorded, gradient, chosen, .. } = self;
        let samples = chosen.len();
        let rows = self.samples.rows();
        let points = Selected { points: &rows, indices: chosen };
        // With noise, or with random batches, sums over a batch are divided by its expected size, not by its actual size.
        let is_private = settings.noise > 0.0 || settings.sampling == Sampling::Poisson;
        let expected =
            if is_private { settings.expected_samples(self.training.len()) } else { samples as f64 };
        let [share, own_share] = match settings.reduction {
            Reduction::Mean => [expected, samples as f64].map(f64::recip),
            Reduction::Sum => [1.0; 2],
        };
        let (ranks, pool, accumulate) = (&mut self.ranks, &self.pool, settings.accumulate);
        let team = Team { ranks, pool, accumulate, stop: self.stop };
        let held = sample_clip(settings, state.limit, &self.layers);
        let found = recorded.by_team(team, share, &state.parameters, &points, held, gradient)?;
        self.agreed |= found.stop;
        let batch = found.batch;
        let step = state.optimizer.steps() + 1;
        if settings.noise > 0.0 {
            let noise = match settings.clip {
                Clip::Adaptive { .. } => privacy::noise_beside_count(settings.noise, expected)
                    .expect("the settings were checked for these data"),
                _ => settings.noise,
            };
            let deviation = noise * state.limit * share;
            // For a short slice, waking threads would take longer than the work.
            if gradient.len() < privacy::SHARED_FROM {
                privacy::add_noise(gradient, deviation, &state.key, step);
            } else {
                pool.install(|| privacy::add_noise(gradient, deviation, &state.key, step));
            }
        }
        let limit = match settings.clip {
            Clip::Adaptive { quantile, rate, .. } => {
                let key = (settings.noise > 0.0).then_some(&state.key);
                let within = privacy::share_within(samples - batch.clipped, samples, expected, key, step);
                (state.limit * (-rate * (within - quantile)).exp()).clamp(f64::MIN_POSITIVE, f64::MAX)
            }
            _ => state.limit,
        };
        let penalty = settings.penalty().add(&state.parameters, &self.weights, 1.0, gradient);
        let mut loss = batch.loss / share * own_share + penalty;
        let (norm, mut measured) = match settings.clip.of_samples() {
            Some(_) => {
                let norm = match settings.noise > 0.0 {
                    // The noisy sum: nothing else may stop a private training.
                    true => first_non_finite(gradient),
                    // A sum of clipped gradients is finite if their norms are.
                    false => first_non_finite(recorded.norms()),
                };
                (norm, of_samples(recorded.norms(), &batch, state.limit))
            }
            None => of_batch(settings.clip, gradient)?,
        };
        if samples == 0 {
            (loss, measured) = (f64::NAN, [f64::NAN; 3]);
        }
        let [norm_before, norm_after, clipped] = measured;
        Ok((Derivative { samples, loss, norm, norm_before, norm_after, clipped }, limit))
    }
}

/// How each sample's gradient is limited to the norm.
fn sample_clip<'a>(settings: &Settings, limit: f64, layers: &'a [usize]) -> Option<SampleClip<'a>> {
    settings.clip.of_samples()?;
    let (norm, groups) = match settings.clip {
        Clip::PerLayer(_) => (limit / (layers.len() as f64).sqrt(), layers),
        _ => (limit, &[][..]),
    };
    Some(SampleClip { norm, groups, skip_non_finite: settings.noise > 0.0 })
}

/// The first number that is not finite, or 0 if all are finite.
fn first_non_finite(numbers: &[f64]) -> f64 {
    numbers.iter().copied().find(|number| !number.is_finite()).unwrap_or(0.0)
}

/// The mean norm of samples before and after clipping, and the share of those that were clipped.
fn of_samples(norms: &[f64], batch: &Batch<f64>, limit: f64) -> [f64; 3] {
    // If a norm is not finite and the training continues nevertheless, the sample was skipped.
    let finite = || norms.iter().copied().filter(|norm| norm.is_finite());
    let count = finite().count() as f64;
    let after = finite().map(|norm| norm * clip::factor(norm, limit)).sum::<f64>() / count;
    [finite().sum::<f64>() / count, after, batch.clipped as f64 / norms.len() as f64]
}

/// Clips the gradient as a whole. Returns its norm; and the norms before and after clipping, and whether it was clipped.
fn of_batch(clip: Clip, gradient: &mut [f64]) -> Result<(f64, [f64; 3]), Error> {
    let norm = clip::norm(gradient);
    let measured = match clip {
        Clip::Value(limit) => {
            let clipped = gradient.iter().any(|g| g.abs() > limit);
            clip::by_value(gradient, limit);
            [norm, clip::norm(gradient), f64::from(clipped)]
        }
        Clip::Norm(limit) if norm.is_finite() => {
            clip::by_norm(gradient, limit)?;
            [norm, clip::norm(gradient), f64::from(clip::factor(norm, limit) < 1.0)]
        }
        // The caller refuses a norm that is not finite.
        _ => [norm, norm, 0.0],
    };
    Ok((norm, measured))
}
