//! Networks learn with every loss, trainings obey their settings, and errors leave them usable.

use dualtape::{Differentiable, gradient};
use dualtape_nn::data::{Dataset, Standardizer, generate, iris};
use dualtape_nn::metrics::{Confusion, mean, mean_absolute_error, predicted_class, r_squared};
use dualtape_nn::{
    Activation, Clip, Error, Loss, Method, Mlp, Model, Penalty, Reduction, Settings, Trainer, confusion,
    evaluate, privacy, sample_norms, train,
};

#[test]
fn metrics_at_their_edges() {
    assert_eq!(r_squared(&[1.0], &[1.0]), 1.0);
    for count in [2, 50, 800, 12_345] {
        for target in [1.0, 0.1, -1.0 / 3.0, 1e300] {
            let (targets, nan) = (vec![target; count], [vec![f64::NAN], vec![target; count - 1]].concat());
            assert_eq!(r_squared(&targets, &targets), 1.0, "{count} times {target}");
            assert_eq!(r_squared(&vec![2.0; count], &targets), 0.0, "{count} times {target}");
            assert!(r_squared(&nan, &targets).is_nan(), "{count} times {target}");
            assert!(mean(&targets) == target, "{count} times {target}");
        }
    }
    assert!(r_squared(&[f64::NAN, 2.0], &[1.0, 2.0]).is_nan());
    assert!(mean_absolute_error(&[], &[]).is_nan());
    assert_eq!(predicted_class(&[2.0, 2.0]), 0);
    let mut table = Confusion::new(vec!["cat".into(), "dog".into()]);
    table.count(0, 1);
    table.count(1, 1);
    assert_eq!(
        table.to_string(),
        "actual \\ predicted  cat  dog\ncat                   0    1\ndog                   0    1"
    );
}

#[test]
fn penalties_shrink_weights_and_leave_biases() {
    let (training, validation) = iris().split(0.2, 3).unwrap();
    let model = Mlp::new(&[4, 3], Activation::Tanh).unwrap();
    let trained = |l1, l2| {
        let settings = Settings { l1, l2, epochs: 30, ..Settings::default() };
        let mut parameters = model.initialize(3);
        train(&model, &mut parameters, &training, &validation, &settings, |_| {}).unwrap();
        parameters[..12].iter().map(|w: &f64| w.abs()).sum::<f64>()
    };
    let free = trained(0.0, 0.0);
    assert!(trained(0.05, 0.0) < 0.7 * free && trained(0.0, 0.05) < 0.7 * free);
    assert_eq!(model.weights(), std::iter::once(0..12).collect::<Vec<_>>());
    let mut derivative = [0.0; 15];
    let value = Penalty { l1: 1.0, l2: 1.0 }.add(&[2.0; 15], &model.weights(), 1.0, &mut derivative);
    assert_eq!((value, derivative[11], derivative[12]), (72.0, 5.0, 0.0));
}

/// Accuracy on the validation part after training.
fn accuracy(data: &Dataset, sizes: &[usize], settings: &Settings) -> f64 {
    let (training, validation) = data.split(0.25, 1).unwrap();
    let scale = Standardizer::fit(&training);
    let (training, validation) = (scale.apply(&training), scale.apply(&validation));
    let model = Mlp::new(sizes, Activation::Tanh).unwrap();
    let mut parameters = model.initialize(1);
    train(&model, &mut parameters, &training, &validation, settings, |_| {}).unwrap();
    let metrics = evaluate(&model, &parameters, &validation, settings.loss).unwrap();
    let table = confusion(&model, &parameters, &validation).unwrap();
    assert_eq!(metrics.accuracy, Some(table.accuracy()));
    table.accuracy()
}

#[test]
fn every_loss_for_classes_learns_moons() {
    let moons = generate::moons(400, 0.1, 1).unwrap();
    for (loss, outputs) in
        [(Loss::CrossEntropy, 2), (Loss::BinaryCrossEntropy, 1), (Loss::Hinge, 1), (Loss::MeanSquared, 2)]
    {
        let settings =
            Settings { loss, optimizer: Method::adam(), rate: 0.02, epochs: 100, ..Settings::default() };
        let got = accuracy(&moons, &[2, 16, outputs], &settings);
        assert!(got >= 0.97, "{loss}: {got}");
    }
    let hinge = Settings { loss: Loss::Hinge, epochs: 60, ..Settings::default() };
    let got = accuracy(&iris(), &[4, 8, 3], &hinge);
    assert!(got >= 0.9, "{got}");
}

#[test]
fn every_loss_for_numbers_learns_a_line() {
    let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
    let y = x.iter().map(|x| 3.0 * x - 0.5).collect();
    let line = Dataset::regression("line", vec!["x".into()], vec!["y".into()], x, y).unwrap();
    let (training, validation) = line.split(0.2, 1).unwrap();
    let model = Mlp::new(&[1, 1], Activation::Tanh).unwrap();
    for loss in [Loss::MeanSquared, Loss::L1, Loss::Huber(0.5)] {
        let schedule = "cosine:60".parse().unwrap();
        let settings = Settings { loss, epochs: 60, schedule, ..Settings::default() };
        let mut parameters = model.initialize(1);
        train(&model, &mut parameters, &training, &validation, &settings, |_| {}).unwrap();
        let metrics = evaluate(&model, &parameters, &validation, loss).unwrap();
        assert!(
            metrics.r_squared.unwrap() > 0.999 && metrics.mean_absolute_error.unwrap() < 0.03,
            "{loss}: {metrics:?}"
        );
        assert_eq!(metrics.accuracy, None);
    }
    let wrong = evaluate(&model, &[0.0; 2], &validation, Loss::Hinge).unwrap_err().to_string();
    assert_eq!(wrong, "the loss is 'hinge'; expected mse, l1 or huber, as the targets are numbers");
}

#[test]
fn norms_of_samples_are_those_of_their_own_gradients() {
    let (data, model) = (iris(), Mlp::new(&[4, 3, 3], Activation::Silu).unwrap());
    let parameters: Vec<f64> = model.initialize(2);
    let norms = sample_norms(&model, &parameters, &data, Loss::CrossEntropy).unwrap();
    for (i, norm) in norms.iter().enumerate().step_by(17) {
        let (x, class) = data.sample(i);
        let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
        let (_, gradient) =
            gradient(|p| dualtape_nn::loss::cross_entropy(&model.forward(p, &x), class), &parameters);
        assert!((norm - f64::norm(&gradient)).abs() <= 1e-10 * norm, "{i}");
    }
}

#[test]
fn a_sum_steps_as_far_as_a_mean_times_the_batch() {
    let data = iris();
    let model = Mlp::new(&[4, 3], Activation::Tanh).unwrap();
    let trained = |reduction, rate| {
        let optimizer = Method::sgd(0.0);
        let settings = Settings {
            reduction,
            rate,
            optimizer,
            batch_size: 50,
            epochs: 1,
            keep_best: false,
            ..Settings::default()
        };
        let mut parameters = model.initialize(3);
        train(&model, &mut parameters, &data, &data, &settings, |_| {}).unwrap();
        parameters
    };
    for (a, b) in trained(Reduction::Mean, 0.05).iter().zip(trained(Reduction::Sum, 0.001)) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
}

#[test]
fn a_private_step_is_the_clipped_sum_and_noise_over_the_expected_size() {
    let data = iris();
    let model = Mlp::new(&[4, 3], Activation::Tanh).unwrap();
    let start: Vec<f64> = model.initialize(3);
    // A batch of 200 has all 150 samples, and no more can be expected of it.
    let settings = Settings {
        clip: Clip::PerSample(0.5),
        noise: 2.0,
        batch_size: 200,
        rate: 1.0,
        optimizer: Method::sgd(0.0),
        seed: 9,
        ..Settings::default()
    };
    let mut trainer = Trainer::new(&model, start.clone(), &data, &data, &settings).unwrap();
    trainer.advance().unwrap();
    let mut sum = vec![0.0; start.len()];
    for (x, class) in data.samples() {
        let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
        let (_, gradient) =
            gradient(|p| dualtape_nn::loss::cross_entropy(&model.forward(p, &x), class), &start);
        let factor = (0.5 / (f64::norm(&gradient) + 1e-6)).min(1.0);
        sum.iter_mut().zip(&gradient).for_each(|(sum, g)| *sum += factor * g);
    }
    privacy::add_noise(&mut sum, 2.0 * 0.5, &privacy::NoiseKey::from_seed(9), 1);
    for ((after, before), sum) in trainer.parameters().iter().zip(&start).zip(&sum) {
        assert!((before - after - sum / 150.0).abs() < 1e-12, "{before} {after} {sum}");
    }
    assert_eq!(trainer.last_sample_norms().len(), 150);
}

/// A model that panics when asked to.
struct Fragile(std::sync::atomic::AtomicBool);

impl Model for Fragile {
    fn inputs(&self) -> usize {
        4
    }
    fn outputs(&self) -> usize {
        3
    }
    fn parameter_count(&self) -> usize {
        3
    }
    fn forward<D: Differentiable>(&self, parameters: &[D], _: &[D]) -> Vec<D> {
        assert!(!self.0.load(std::sync::atomic::Ordering::Relaxed), "on purpose");
        parameters.to_vec()
    }
}

#[test]
fn a_panic_in_a_worker_leaves_the_training_usable() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};
    let (data, model) = (iris(), Fragile(AtomicBool::new(false)));
    let settings = Settings { epochs: 2, batch_size: 50, ..Settings::default() };
    let mut trainer = Trainer::new(&model, vec![0.0; 3], &data, &data, &settings).unwrap();
    for _ in 0..3 {
        trainer.advance().unwrap();
    }
    let before = trainer.parameters().to_vec();
    // The epoch is over; the workers compute the metrics.
    model.0.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| trainer.advance().is_ok())).is_err());
    assert_eq!(trainer.parameters(), before);
    model.0.store(false, Ordering::Relaxed);
    while trainer.advance().unwrap().is_some() {}
    assert_eq!(trainer.history().len(), 2);
}

#[test]
fn sizes_that_overflow_are_refused_before_anything_is_allocated() {
    let huge = usize::MAX / 2;
    for sizes in [[huge, huge], [1 << 28, 1], [1 << 40, 1 << 40]] {
        let error = Mlp::new(&sizes, Activation::Tanh).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    let layer = |inputs, outputs| dualtape_nn::Layer { inputs, outputs, activation: Activation::Tanh };
    assert!(matches!(Mlp::from_layers(vec![layer(huge, huge)]), Err(Error::TooLarge { .. })));
    assert!(matches!(Mlp::from_layers(vec![layer(2, 0)]), Err(Error::Sizes { .. })));
    let features = vec!["x".to_owned(); 3];
    assert!(Dataset::classification("here", features, vec!["a".into()], vec![1.0; 4], vec![0; 2]).is_err());
}
