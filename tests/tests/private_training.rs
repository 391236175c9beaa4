//! Training with differential privacy: it does what accountants assume, stops at its budget, resumes from a checkpoint
//! as if it had never stopped, and an attack learns no more than the claim allows.

use dualtape_nn::data::{self, Dataset};
use dualtape_nn::privacy::accountant::{Accountant, Budget, SubsampledGaussian, epsilon_after};
use dualtape_nn::privacy::{NoiseKey, NoiseSource, Sampling, add_noise, poisson_sample};
use dualtape_nn::{
    Activation, Clip, Error, Event, Loss, Method, Mlp, Model, Progress, Reduction, Settings, Trainer,
};
use std::thread;

fn private() -> Settings {
    Settings {
        epochs: 3,
        batch_size: 40,
        rate: 0.5,
        optimizer: Method::sgd(0.0),
        clip: Clip::PerSample(0.5),
        noise: 1.0,
        sampling: Sampling::Poisson,
        keep_best: false,
        threads: 1,
        ..Settings::default()
    }
}

fn moons() -> (Dataset, Dataset) {
    data::moons().split(0.2, 3).unwrap()
}

#[test]
fn a_step_is_the_clipped_sum_over_a_poisson_sample_with_noise_over_its_expected_size() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 5, 2], Activation::Tanh).unwrap();
    let settings = Settings { rate: 1.0, epochs: 4, ..private() };
    let mut trainer = Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
    let (key, q, mut sizes) = (NoiseKey::from_seed(settings.seed), 40.0 / training.len() as f64, Vec::new());
    let mut step = 0;
    while step < 8 {
        let before = trainer.parameters().to_vec();
        let progress = match trainer.advance().unwrap() {
            Some(Event::Batch(progress)) => progress,
            Some(Event::Epoch(_)) => continue,
            None => panic!("there are eight steps"),
        };
        step += 1;
        let mut chosen = Vec::new();
        poisson_sample(&key, step, q, training.len(), &mut chosen);
        assert_eq!(chosen.len(), progress.samples);
        sizes.push(chosen.len());
        let mut sum = vec![0.0; before.len()];
        for (x, class) in chosen.iter().map(|&i| training.sample(i)) {
            let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
            let (_, gradient) = dualtape::gradient(
                |p| dualtape_nn::loss::cross_entropy(&model.forward(p, &x), class),
                &before,
            );
            let norm = gradient.iter().map(|x| x * x).sum::<f64>().sqrt();
            let factor = (0.5 / (norm + 1e-6)).min(1.0);
            sum.iter_mut().zip(&gradient).for_each(|(sum, g)| *sum += factor * g);
        }
        add_noise(&mut sum, 0.5, &key, step);
        for ((after, before), sum) in trainer.parameters().iter().zip(&before).zip(&sum) {
            assert!((before - after - sum / 40.0).abs() < 1e-12, "{before} {after} {sum}");
        }
    }
    sizes.dedup();
    assert!(sizes.len() > 1, "random batches have different sizes");
}

#[test]
fn a_batch_without_samples_is_a_step_of_noise_alone() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 2], Activation::Tanh).unwrap();
    let settings = Settings { batch_size: 1, ..private() };
    let mut trainer = Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
    let (mut empty, mut records) = (0, 0);
    loop {
        let before = trainer.parameters().to_vec();
        match trainer.advance().unwrap() {
            Some(Event::Batch(progress)) if progress.samples == 0 => {
                empty += 1;
                assert!(progress.loss.is_nan() && progress.gradient_norm.is_nan());
                assert!(before.iter().zip(trainer.parameters()).all(|(before, after)| before != after));
            }
            Some(Event::Batch(progress)) => assert!(progress.loss.is_finite()),
            Some(Event::Epoch(record)) => {
                records += 1;
                assert!(record.batch_loss.is_finite() && record.gradient_norm.is_finite());
            }
            None => break,
        }
    }
    // In 240 steps, the probability is e⁻¹.
    assert!(records == 3 && (60..120).contains(&empty), "{empty}");
}

#[test]
fn a_batch_without_samples_has_no_loss_and_no_norms() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 2], Activation::Tanh).unwrap();
    let plain = Settings { batch_size: 1, noise: 0.0, epochs: 1, ..private() };
    for clip in [Clip::None, Clip::Value(0.1), Clip::Norm(0.1), Clip::PerSample(0.1)] {
        for reduction in [Reduction::Mean, Reduction::Sum] {
            let settings = Settings { clip, reduction, l2: 0.1, ..plain.clone() };
            let mut trainer =
                Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
            let mut empty = 0;
            while let Some(event) = trainer.advance().unwrap() {
                let Event::Batch(Progress { samples, loss, gradient_norm, clipped_norm, clipped, .. }) =
                    event
                else {
                    continue;
                };
                let all = [loss, gradient_norm, clipped_norm, clipped];
                assert!(all.iter().all(|x| x.is_nan() == (samples == 0)), "{clip}, {reduction}: {all:?}");
                empty += usize::from(samples == 0);
            }
            assert!(empty > 10, "{empty}");
        }
    }
}

#[test]
fn training_stops_before_a_step_that_would_pass_the_budget() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 2], Activation::Tanh).unwrap();
    for (accountant, clip) in [
        (Accountant::LossDistribution, Clip::PerSample(0.5)),
        (Accountant::Renyi, Clip::PerLayer(0.5)),
        (Accountant::Renyi, Clip::Adaptive { quantile: 0.5, first: 1.0, rate: 0.2 }),
    ] {
        let budget = Budget { epsilon: 4.0, delta: 1e-3 };
        let settings =
            Settings { epochs: 1000, budget: Some(budget), accountant, clip, noise: 1.5, ..private() };
        let mut trainer =
            Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
        assert_eq!(trainer.spent().unwrap().epsilon, 0.0);
        let (mut steps, mut last) = (0, 0.0);
        while let Some(event) = trainer.advance().unwrap() {
            match event {
                Event::Batch(_) => steps += 1,
                Event::Epoch(record) => {
                    let epsilon = record.epsilon.unwrap();
                    assert!(last < epsilon && epsilon <= 4.0);
                    last = epsilon;
                }
            }
        }
        let spent = trainer.spent().unwrap();
        assert!(
            trainer.budget_is_spent() && trainer.is_over() && spent.steps == steps && spent.epsilon == last
        );
        let mechanism = SubsampledGaussian { probability: 0.5, noise: 1.5 };
        assert_eq!(spent.mechanism, mechanism);
        assert_eq!(spent.epsilon, epsilon_after(&mechanism, steps, 1e-3, accountant).unwrap());
        assert!(epsilon_after(&mechanism, steps + 1, 1e-3, accountant).unwrap() > 4.0);
    }
}

#[test]
fn a_budget_is_spent_only_where_it_allows_no_further_step() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 2], Activation::Tanh).unwrap();
    // Two steps make an epoch.
    let of_steps = |steps| {
        let mechanism = SubsampledGaussian { probability: 0.5, noise: 1.5 };
        epsilon_after(&mechanism, steps, 1e-3, Accountant::Renyi).unwrap()
    };
    for (epsilon, within, is_spent) in [
        (of_steps(3) + 1e-9, 3, true),
        (of_steps(6) + 1e-9, 6, true),
        (of_steps(7) + 1e-9, 6, false),
        (100.0, 6, false),
    ] {
        let budget = Some(Budget { epsilon, delta: 1e-3 });
        let settings = Settings { budget, accountant: Accountant::Renyi, noise: 1.5, ..private() };
        let mut trainer =
            Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
        while trainer.advance().unwrap().is_some() {}
        assert_eq!(trainer.steps_within_budget(), Some(within), "{epsilon}");
        assert_eq!(trainer.spent().unwrap().steps, within, "{epsilon}");
        assert_eq!(trainer.budget_is_spent(), is_spent, "{epsilon}");
    }
}

#[test]
fn a_resumed_run_spends_and_draws_what_one_does_that_was_never_stopped() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 5, 2], Activation::Tanh).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    for (noise_source, clip) in [
        (NoiseSource::System, Clip::Adaptive { quantile: 0.3, first: 2.0, rate: 0.5 }),
        (NoiseSource::System, Clip::PerSample(0.5)),
        (NoiseSource::Seed, Clip::PerLayer(0.5)),
    ] {
        let budget = Some(Budget { epsilon: 3.0, delta: 1e-3 });
        let settings = Settings { epochs: 100, noise_source, clip, budget, noise: 2.0, ..private() };
        let mut trainer =
            Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
        for _ in 0..10 {
            trainer.advance().unwrap();
        }
        trainer.save_checkpoint(&path).unwrap();
        let mut resumed = Trainer::resume(&path, &model, &training, &validation, &settings).unwrap();
        assert_eq!(resumed.spent(), trainer.spent());
        for trainer in [&mut trainer, &mut resumed] {
            while trainer.advance().unwrap().is_some() {}
        }
        assert_eq!(resumed.spent(), trainer.spent());
        assert_eq!(resumed.parameters(), trainer.parameters());
        // Another run does not know a key from the system.
        let mut other = Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
        while other.advance().unwrap().is_some() {}
        assert_eq!(other.parameters() == trainer.parameters(), noise_source == NoiseSource::Seed, "{clip}");
        // The key is in the checkpoint, unless it is derived from the seed.
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert_eq!(text.contains("secret_key"), noise_source == NoiseSource::System);
    }
}

#[test]
fn an_adaptive_norm_follows_the_quantile_of_the_samples_norms() {
    let (training, validation) = data::digits().split(0.2, 3).unwrap();
    let model = Mlp::new(&[64, 10], Activation::Tanh).unwrap();
    for noise in [0.0, 1.0] {
        for first in [0.01, 1000.0] {
            let clip = Clip::Adaptive { quantile: 0.6, first, rate: 0.2 };
            let settings = Settings { clip, noise, batch_size: 200, epochs: 30, rate: 1e-9, ..private() };
            let mut trainer =
                Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
            while trainer.advance().unwrap().is_some() {}
            let left_alone: Vec<f64> =
                trainer.history().iter().rev().take(5).map(|record| 1.0 - record.clipped).collect();
            let mean = left_alone.iter().sum::<f64>() / 5.0;
            assert!((mean - 0.6).abs() < 0.06, "from {first}, noise {noise}: {mean}");
        }
    }
}

#[test]
fn shuffled_batches_count_the_samples_that_they_have() {
    let (training, validation) = moons();
    let count = training.len();
    let model = Mlp::new(&[2, 5, 2], Activation::Tanh).unwrap();
    let shuffled = Settings { sampling: Sampling::Shuffled, rate: 0.1, ..private() };
    let new = |settings: Settings| {
        Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap()
    };
    // With noise, the sum over a batch that is larger than the data is divided by the number of samples.
    for batch_size in [count, count + 1, 1000] {
        let [with, without] = [1e-12, 0.0].map(|noise| {
            let mut trainer = new(Settings { batch_size, noise, ..shuffled.clone() });
            trainer.advance().unwrap();
            trainer.parameters().to_vec()
        });
        let near = with.iter().zip(&without).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near, "batches of {batch_size}: {with:?} {without:?}");
    }
    // Without noise, an adaptive norm follows the share of the samples in a batch, however many these are.
    let clip = Clip::Adaptive { quantile: 0.6, first: 1e-9, rate: 0.2 };
    for (batch_size, accumulate) in [(1000, 1), (30, 1), (10, 3), (count - 1, 1)] {
        let settings = Settings { batch_size, accumulate, noise: 0.0, clip, epochs: 4, ..shuffled.clone() };
        let (mut trainer, mut limits) = (new(settings), Vec::new());
        while let Some(event) = trainer.advance().unwrap() {
            if let Event::Batch(progress) = event {
                assert_eq!(progress.clipped, 1.0);
                // As all samples are clipped, this is the norm.
                limits.push(progress.clipped_norm);
            }
        }
        let expected = f64::exp(0.2 * 0.6);
        for (i, pair) in limits.windows(2).enumerate() {
            let grown = pair[1] / pair[0];
            assert!((grown / expected - 1.0).abs() < 1e-3, "batches of {batch_size}, step {i}: {grown}");
        }
    }
}

#[test]
fn each_layer_is_held_to_its_share_of_the_norm() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 5, 2], Activation::Tanh).unwrap();
    let settings = Settings {
        clip: Clip::PerLayer(1e-3),
        noise: 0.0,
        sampling: Sampling::Shuffled,
        batch_size: 80,
        rate: 1.0,
        ..private()
    };
    let start = model.initialize(3);
    let mut trainer = Trainer::new(&model, start.clone(), &training, &validation, &settings).unwrap();
    trainer.advance().unwrap();
    let moved: Vec<f64> =
        trainer.parameters().iter().zip(&start).map(|(after, before)| after - before).collect();
    // All samples are far above the norm, so each contributes a vector of this length to each layer's mean.
    let share = 1e-3 / 2.0_f64.sqrt();
    let mut expected = vec![0.0; start.len()];
    for (x, class) in training.samples() {
        let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
        let (_, gradient) =
            dualtape::gradient(|p| dualtape_nn::loss::cross_entropy(&model.forward(p, &x), class), &start);
        for layer in [0..15, 15..27] {
            let norm = gradient[layer.clone()].iter().map(|x| x * x).sum::<f64>().sqrt();
            layer.for_each(|i| expected[i] -= gradient[i] * (share / (norm + 1e-6)).min(1.0) / 80.0);
        }
    }
    for (moved, expected) in moved.iter().zip(&expected) {
        assert!((moved - expected).abs() < 1e-15, "{moved} {expected}");
    }
}

#[test]
fn settings_that_cannot_be_vouched_for_are_refused_by_name() {
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 2], Activation::Tanh).unwrap();
    let budget = Some(Budget { epsilon: 1.0, delta: 1e-5 });
    let adaptive = Clip::Adaptive { quantile: 0.5, first: 1.0, rate: 0.2 };
    for (settings, expected) in [
        (
            Settings { budget, sampling: Sampling::Shuffled, ..private() },
            "the sampling is shuffled; expected poisson, as there is a privacy budget",
        ),
        (
            Settings { budget, noise: 0.0, ..private() },
            "the noise is 0; expected a positive number, as there is a privacy budget",
        ),
        (
            Settings { budget, noise: 0.1, ..private() },
            "the privacy budget is 'epsilon=1,delta=1e-5', less than a single step with noise 0.1 spends",
        ),
        (
            Settings { budget: Some(Budget { epsilon: 1.0, delta: 0.0 }), ..private() },
            "the delta is 0; expected a number between 0 and 1",
        ),
        (
            Settings { clip: Clip::Norm(1.0), ..private() },
            "the noise is 1; expected 0, or clipping for each sample",
        ),
        (
            Settings { clip: adaptive, batch_size: 10, ..private() },
            "the noise is 1; expected less than a tenth of the samples of a step, as the clip is adaptive",
        ),
        (
            Settings { clip: adaptive, batch_size: 1000, noise: 20.0, ..private() },
            "the noise is 20; expected less than a tenth of the samples of a step, as the clip is adaptive",
        ),
        (
            Settings { clip: Clip::Adaptive { quantile: 1.5, first: 1.0, rate: 0.2 }, ..private() },
            "the clip is 'adaptive:1.5:1:0.2'; expected",
        ),
    ] {
        let refused = Trainer::new(&model, model.initialize(3), &training, &validation, &settings);
        let message = refused.err().map(|error: Error| error.to_string()).unwrap_or_default();
        assert!(message.starts_with(expected), "{message}");
    }
}

/// p x², whose derivative is not finite for a large sample.
struct Square;

impl Model for Square {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn forward<D: dualtape::Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> {
        vec![p[0] * x[0] * x[0]]
    }
}

#[test]
fn a_sample_without_a_finite_gradient_counts_for_nothing_and_stops_nothing() {
    let trained = |odd: f64, clip: Clip, noise: f64| {
        let mut x: Vec<f64> = (0..50).map(|i| f64::from(i) / 50.0).collect();
        // A sample that must not contribute: its derivative is 0, or is not finite.
        x[20] = odd;
        let data = Dataset::regression("x", vec!["x".into()], vec!["y".into()], x, vec![0.0; 50]).unwrap();
        let settings = Settings { loss: Loss::MeanSquared, clip, noise, batch_size: 20, ..private() };
        let mut trainer = Trainer::new(&Square, vec![1.0], &data, &data, &settings).unwrap();
        let mut steps = 0;
        while let Some(event) = trainer.advance()? {
            steps += usize::from(matches!(event, Event::Batch(_)));
        }
        Ok::<_, Error>((steps, trainer.parameters().to_vec()))
    };
    let adaptive = Clip::Adaptive { quantile: 0.5, first: 1.0, rate: 0.0 };
    for clip in [Clip::PerSample(1.0), Clip::PerLayer(1.0), adaptive] {
        let (steps, without) = trained(0.0, clip, 1.0).unwrap();
        let (steps_with, with) = trained(1e200, clip, 1.0).unwrap();
        assert_eq!((steps, steps_with), (9, 9), "{clip}");
        assert!((with[0] - without[0]).abs() < 1e-12, "{clip}: {with:?} {without:?}");
        // Without noise, it is an error as usual.
        let error = trained(1e200, clip, 0.0).unwrap_err();
        assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    }
}

#[test]
#[cfg(unix)]
fn a_checkpoint_with_a_secret_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (training, validation) = moons();
    let model = Mlp::new(&[2, 2], Activation::Tanh).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    for noise_source in [NoiseSource::System, NoiseSource::Seed] {
        let settings = Settings { noise_source, ..private() };
        let trainer = Trainer::new(&model, model.initialize(3), &training, &validation, &settings).unwrap();
        trainer.save_checkpoint(&path).unwrap();
        let others = path.metadata().unwrap().permissions().mode() & 0o077;
        assert!(others == 0 || noise_source == NoiseSource::Seed, "{others:o}");
    }
}

/// One parameter, whose derivative at a sample is the sample.
struct Derivative;

impl Model for Derivative {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn forward<D: dualtape::Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> {
        vec![p[0] * x[0]]
    }
    fn loss<D: dualtape::Differentiable>(&self, _: Loss, outputs: &[D], _: &[D]) -> D {
        outputs[0]
    }
}

/// How far a training moves the parameter, in a number of runs with independent noise. Nine of ten samples have
/// derivative 0, and the last has derivative 0 or one that is clipped: in a sum, a derivative of 0 has the same
/// effect as an absent sample.
fn moves(with_one_more: bool, settings: &Settings) -> Vec<f64> {
    const RUNS: u64 = 10_000;
    let mut derivatives = vec![0.0; 10];
    derivatives[9] = if with_one_more { -1e6 } else { 0.0 };
    let targets = vec![0.0; derivatives.len()];
    let data =
        Dataset::regression("derivatives", vec!["x".into()], vec!["y".into()], derivatives, targets).unwrap();
    let train = |run: u64| {
        let settings = Settings { seed: 2 * run + u64::from(with_one_more), ..settings.clone() };
        let mut trainer = Trainer::new(&Derivative, vec![0.0], &data, &data, &settings).unwrap();
        while trainer.advance().unwrap().is_some() {}
        // In units of the clipping norm: the sum was divided by the expected size of a batch.
        trainer.parameters()[0] * settings.batch_size as f64
    };
    thread::scope(|scope| {
        let second = scope.spawn(|| (RUNS / 2..RUNS).map(train).collect::<Vec<_>>());
        let first: Vec<f64> = (0..RUNS / 2).map(train).collect();
        [first, second.join().expect("it does not panic")].concat()
    })
}

/// The least that a probability may be, given an observed count; wrong with probability 2.5 %. Clopper and Pearson, 1934.
fn least_probability(seen: usize, of: usize) -> f64 {
    if seen == 0 { 0.0 } else { bisected(|p| 1.0 - probability_of_at_most(seen - 1, of, p) < 0.025) }
}

/// The most that it may be.
fn most_probability(seen: usize, of: usize) -> f64 {
    if seen == of { 1.0 } else { bisected(|p| probability_of_at_most(seen, of, p) > 0.025) }
}

/// The tail of the binomial distribution, summed in logarithms.
fn probability_of_at_most(count: usize, of: usize, p: f64) -> f64 {
    let odds = p.ln() - (-p).ln_1p();
    let (mut term, mut sum) = (of as f64 * (-p).ln_1p(), 0.0);
    for k in 0..=count {
        sum += f64::exp(term);
        term += ((of - k) as f64 / (k + 1) as f64).ln() + odds;
    }
    sum
}

/// Where the answer changes, between 0 and 1.
fn bisected(is_low: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        *(if is_low(middle) { &mut low } else { &mut high }) = middle;
    }
    f64::midpoint(low, high)
}

/// The largest ε that the runs demonstrate at this δ, over all tests that ask whether the parameter is above a
/// threshold. Half of the runs are used to choose the threshold, the others are counted.
fn shown_epsilon(with: &[f64], without: &[f64], delta: f64) -> f64 {
    let (choosing, counted) = (with.len() / 2, with.len() - with.len() / 2);
    let shown = |threshold: f64, [with, without]: [&[f64]; 2]| {
        let above = |runs: &[f64]| runs.iter().filter(|&&x| x > threshold).count();
        let hits = least_probability(above(with), with.len());
        let alarms = most_probability(above(without), without.len());
        ((hits - delta) / alarms).ln()
    };
    let first = [&with[..choosing], &without[..choosing]];
    let thresholds = (0..60).map(|i| f64::from(i) * 0.1 - 1.0);
    let shown_first = thresholds.map(|threshold| (shown(threshold, first).max(-1.0), threshold));
    let (_, best) = shown_first.max_by(|(a, _), (b, _)| a.total_cmp(b)).unwrap();
    shown(best, [&with[with.len() - counted..], &without[without.len() - counted..]])
}

#[test]
fn an_attack_learns_less_than_was_claimed_and_of_one_step_more_than_half_of_it() {
    let delta = 0.01;
    let one_step = Settings {
        epochs: 1,
        batch_size: 10,
        rate: 1.0,
        clip: Clip::PerSample(1.0),
        noise: 1.0,
        loss: Loss::MeanSquared,
        ..private()
    };
    for (name, settings, steps, least_share) in [
        ("one step with all samples", one_step.clone(), 1, 0.5),
        ("four steps with all samples", Settings { epochs: 4, noise: 2.0, ..one_step.clone() }, 4, 0.4),
        (
            "four steps with half of the samples",
            Settings { epochs: 2, batch_size: 5, ..one_step.clone() },
            4,
            0.0,
        ),
    ] {
        let probability = settings.probability(10);
        let mechanism = SubsampledGaussian { probability, noise: settings.noise };
        let claimed = epsilon_after(&mechanism, steps, delta, Accountant::LossDistribution).unwrap();
        let shown = shown_epsilon(&moves(true, &settings), &moves(false, &settings), delta);
        println!("{name}: the attack shows ε of at least {shown:.3}; {claimed:.3} is claimed");
        assert!(shown <= claimed, "{name}: {shown} of {claimed}");
        assert!(shown >= least_share * claimed, "{name}: {shown} of {claimed}");
        // With half of the noise, the same attack would exceed the claim.
        if steps == 1 {
            let careless = Settings { noise: settings.noise / 2.0, ..settings.clone() };
            let shown = shown_epsilon(&moves(true, &careless), &moves(false, &careless), delta);
            println!("{name}: with half of the noise, the attack shows {shown:.3}");
            assert!(shown > claimed, "{name}: {shown} of {claimed}");
        }
    }
}
