//! Optimisers, clips, schedules, losses, data and metrics: what they refuse, where they are exact, and that
//! networks learn with them.

use dualtape::{Differentiable, check, gradient};
use dualtape_nn::data::{Csv, Dataset, Standardizer, Targets, generate, iris, moons, open};
use dualtape_nn::initialize::stream;
use dualtape_nn::metrics::{Confusion, mean_absolute_error, predicted_class, r_squared};
use dualtape_nn::{
    Activation, Clip, Error, Initializer, Loss, Method, Mlp, Model, Optimizer, Penalty, Reduction, Schedule,
    Settings, Trainer, Unit, clip, confusion, evaluate, privacy, sample_norms, softmax, train,
};
use std::fmt::{Debug, Display};
use std::str::FromStr;

fn round_trip<T: FromStr<Err = Error> + Display + PartialEq + Debug>(texts: &[&str]) {
    for text in texts {
        let value: T = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(value.to_string(), *text);
        assert_eq!(value.to_string().parse::<T>().unwrap(), value);
    }
}

fn refused<T: FromStr<Err = Error> + Debug>(texts: &[&str]) {
    for text in texts {
        let error = text.parse::<T>().unwrap_err().to_string();
        assert!(error.contains("expected"), "{text}: {error}");
    }
}

#[test]
fn what_is_parsed_is_printed_the_same() {
    round_trip::<Method>(&[
        "sgd",
        "sgd:momentum=0.9,dampening=0.1,weight-decay=0.01",
        "sgd:momentum=0.9,nesterov",
        "adam",
        "adam:beta1=0.8,beta2=0.99,epsilon=0.001,weight-decay=0.1",
        "adamw",
        "adamw:weight-decay=0",
        "rmsprop",
        "rmsprop:alpha=0.9,momentum=0.5,centered",
    ]);
    round_trip::<Schedule>(&[
        "constant",
        "step:5:0.5",
        "exponential:0.9",
        "cosine:20",
        "cosine:20:0.001",
        "warmup:5",
        "one-cycle:0.1:20",
        "warmup:5+cosine:20",
        "constant@10+step:5:0.5@20+exponential:0.9",
    ]);
    round_trip::<Loss>(&["mse", "l1", "huber:0.5", "cross-entropy", "binary-cross-entropy", "hinge"]);
    round_trip::<Clip>(&["none", "value:0.5", "norm:1", "per-sample:0.1"]);
    round_trip::<Reduction>(&["mean", "sum"]);
    round_trip::<Unit>(&["epoch", "step"]);
    round_trip::<Initializer>(&["zeros", "uniform:0.5", "normal:0.1", "xavier-uniform", "kaiming-normal"]);
    let names: Vec<_> = Activation::ALL.iter().map(ToString::to_string).collect();
    round_trip::<Activation>(&names.iter().map(String::as_str).collect::<Vec<_>>());
    round_trip::<Activation>(&["leaky-relu:0.2", "elu:0.5"]);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_was_expected() {
    refused::<Method>(&[
        "",
        "sdg",
        "sgd:",
        "sgd:momentum",
        "sgd:momentum=1",
        "sgd:momentum=x",
        "sgd:nesterov",
        "sgd:beta1=0.5",
        "sgd:momentum=0.9,dampening=0.1,nesterov",
        "adam:beta2=1",
        "adam:epsilon=-1",
        "adam:epsilon=inf",
        "adamw:weight-decay=NaN",
        "rmsprop:centred",
    ]);
    refused::<Schedule>(&[
        "",
        "steps:1:2",
        "step:0:0.5",
        "step:5",
        "step:5:0",
        "step:5:inf",
        "exponential:-1",
        "cosine:0",
        "cosine:5:-1",
        "warmup:0",
        "one-cycle:0:10",
        "one-cycle:1:1",
        "constant+constant",
        "warmup:5+",
        "warmup:-1",
        "constant@5",
    ]);
    refused::<Loss>(&["", "mean", "huber:0", "huber:inf", "huber:x"]);
    refused::<Clip>(&["", "norm", "norm:0", "norm:inf", "per-sample:-1", "none:1"]);
    refused::<Activation>(&["", "Relu", "relu:1", "elu:x", "leaky-relu:inf"]);
    refused::<Initializer>(&["", "uniform", "uniform:-1", "normal:NaN", "xavier"]);
    refused::<Unit>(&["epochs"]);
    refused::<Reduction>(&["none"]);
}

/// Every method as its definition says, written down once more, step by step, for one parameter.
#[test]
fn optimisers_follow_their_definitions() {
    let (centered, momentum) = (
        Method::RmsProp { alpha: 0.9, epsilon: 1e-3, weight_decay: 0.1, momentum: 0.5, centered: true },
        0.5,
    );
    let mut optimizer = Optimizer::new(centered, 1).unwrap();
    let (mut x, mut y) = ([2.0_f64], 2.0_f64);
    let (mut square, mut mean, mut velocity) = (0.0, 0.0, 0.0);
    for _ in 0..30 {
        let slope = [4.0 * x[0].powi(3)];
        optimizer.step(0.01, &mut x, &slope);
        let g = 4.0 * y.powi(3) + 0.1 * y;
        square = 0.9 * square + 0.1 * g * g;
        mean = 0.9 * mean + 0.1 * g;
        velocity = momentum * velocity + g / ((square - mean * mean).sqrt() + 1e-3);
        y -= 0.01 * velocity;
        assert!((x[0] - y).abs() <= 1e-12 * y.abs(), "{} {y}", x[0]);
    }
    assert_eq!(optimizer.steps(), 30);
}

#[test]
fn an_optimiser_restored_goes_on_with_the_same_bits() {
    for method in ["sgd", "sgd:momentum=0.9,dampening=0.2", "adam", "adamw", "rmsprop:momentum=0.3,centered"]
    {
        let method: Method = method.parse().unwrap();
        let mut optimizer = Optimizer::new(method, 2).unwrap();
        let mut x = [1.0_f64, -2.0];
        for step in 0..20 {
            if step == 7 {
                let buffers = optimizer.buffers().to_vec();
                let restored = Optimizer::restore(method, 2, optimizer.steps(), buffers).unwrap();
                assert_eq!(restored, optimizer);
                optimizer = restored;
            }
            let slope = [x[0].sin(), x[1].cos()];
            optimizer.step(0.1, &mut x, &slope);
        }
        assert!(x.iter().all(|x| x.is_finite()));
        assert!(Optimizer::restore(method, 2, 1, vec![vec![0.0]; 5]).is_err());
        assert!(
            Optimizer::<f64>::restore(method, 3, 1, optimizer.buffers().to_vec()).is_err()
                || optimizer.buffers().is_empty()
        );
    }
}

#[test]
fn clipping_by_norm_neither_overflows_nor_passes_what_is_not_finite() {
    for scale in [1e-200, 1.0, 1e200_f64] {
        let mut gradient = [3.0 * scale, 4.0 * scale];
        let norm = clip::by_norm(&mut gradient, 1.0).unwrap();
        assert!((norm / scale - 5.0).abs() < 1e-12, "{norm}");
        let factor = (1.0 / (5.0 * scale + 1e-6)).min(1.0);
        assert!((gradient[0] / (3.0 * scale) - factor).abs() <= 1e-12 * factor, "{gradient:?}");
    }
    for wrong in [f64::NAN, f64::INFINITY] {
        let mut gradient = [wrong, 1.0];
        let error = clip::by_norm(&mut gradient, 1.0).unwrap_err().to_string();
        assert!(error.contains("expected a finite one"), "{error}");
        assert_eq!(gradient[1], 1.0);
        assert_eq!(clip::by_any_norm(&mut gradient, 1.0).is_nan(), wrong.is_nan());
    }
    assert_eq!(clip::by_norm(&mut [] as &mut [f64], 1.0).unwrap(), 0.0);
}

#[test]
fn noise_has_the_deviation_asked_for_and_a_stream_for_each_step() {
    let noise = |seed, step| {
        let mut noise = vec![0.0_f64; 20_000];
        privacy::add_noise(&mut noise, 3.0, seed, step);
        noise
    };
    let one = noise(1, 1);
    let (mean, square) = (one.iter().sum::<f64>() / 2e4, one.iter().map(|x| x * x).sum::<f64>() / 2e4);
    assert!(mean.abs() < 0.1 && (square.sqrt() - 3.0).abs() < 0.1, "{mean} {square}");
    assert_eq!(one, noise(1, 1));
    assert_ne!(one, noise(1, 2));
    assert_ne!(one, noise(2, 1));
}

#[test]
fn schedules_chain_and_stay_within_their_ends() {
    let chain: Schedule = "warmup:4+constant@3+step:2:0.5@4+exponential:0.5".parse().unwrap();
    let rates: Vec<_> = (0..14).map(|t| chain.rate(8.0, t)).collect();
    assert_eq!(rates, [2.0, 4.0, 6.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 4.0, 4.0, 8.0, 4.0, 2.0]);
    let cycle: Schedule = "one-cycle:1:2".parse().unwrap();
    for t in [0, 1, 2, 1000, u64::MAX] {
        for schedule in [&chain, &cycle] {
            let rate = schedule.rate(1.0, t);
            assert!(rate.is_finite() && rate >= 0.0, "{schedule} at {t}: {rate}");
        }
        assert!((0.85..=0.95).contains(&cycle.momentum(t).unwrap()));
    }
}

#[test]
fn losses_and_activations_have_the_slopes_of_their_values() {
    for loss in Loss::ALL {
        let targets = if loss == Loss::Hinge { [1.0, -1.0, 1.0] } else { [0.25, 0.5, 0.25] };
        for outputs in [[0.3, -1.2, 2.0], [-3.0, 0.1, 0.7]] {
            let constants = targets.map(Into::into);
            let report = check::gradient(|x| loss.of(x, &constants), &outputs);
            assert!(report.passes(), "{loss}: {report}");
        }
    }
    for activation in Activation::ALL {
        for x in [-700.0, -3.0, -0.1, 0.2, 5.0, 700.0_f64] {
            let (value, slope) = gradient(|x| activation.apply(x[0]), &[x]);
            assert!(value.is_finite() && slope[0].is_finite(), "{activation} at {x}: {value}, {slope:?}");
        }
    }
}

#[test]
fn losses_of_huge_logits_are_finite_and_exact() {
    for (logit, target, expected) in [
        (1000.0_f64, 1.0, 0.0_f64),
        (1000.0, 0.0, 1000.0),
        (-1000.0, 1.0, 1000.0),
        (40.0, 1.0, 4.248354255291589e-18),
    ] {
        let (value, slope) = gradient(|x| Loss::BinaryCrossEntropy.of(x, &[target.into()]), &[logit]);
        assert!((value - expected).abs() <= 1e-12 * expected, "{logit}: {value}");
        assert!(slope[0].is_finite() && slope[0].abs() <= 1.0);
    }
    assert_eq!(Loss::CrossEntropy.of(&[1000.0, 0.0], &[0.0, 1.0]), 1000.0);
    assert_eq!(softmax(&[-1e300, 1e300]), [0.0, 1.0]);
    let shares = softmax(&[0.5, -1.0, 3.0]);
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
}

#[test]
fn initial_weights_are_the_same_for_ever() {
    // Recorded when the streams were chosen; a change would silently change everybody's results.
    let recorded = [
        ("zeros", [0.0, 0.0]),
        ("uniform:0.5", [-0.09751433633515194, -0.41961629107021814]),
        ("normal:2", [-0.46969411711184195, -2.821635401221999]),
        ("xavier-uniform", [-0.21364320676363346, -0.9193332324632483]),
        ("xavier-normal", [-0.14853032136552882, -0.8922794594424569]),
        ("kaiming-uniform", [-0.27581219394196677, -1.1868540996483976]),
        ("kaiming-normal", [-0.19175182035184293, -1.1519278288611972]),
    ];
    let now = recorded.map(|(name, _)| {
        let mut weights: Vec<f64> = Vec::new();
        name.parse::<Initializer>().unwrap().weights(3, 2, &mut stream(1), &mut weights);
        assert_eq!(weights.len(), 6);
        (name, [weights[0], weights[1]])
    });
    assert_eq!(now, recorded);
}

#[test]
fn initial_weights_spread_as_their_names_say() {
    for (name, deviation) in [
        ("uniform:0.5", 0.5 / 3.0_f64.sqrt()),
        ("normal:2", 2.0),
        ("xavier-uniform", (2.0 / 300.0_f64).sqrt()),
        ("xavier-normal", (2.0 / 300.0_f64).sqrt()),
        ("kaiming-uniform", (2.0 / 100.0_f64).sqrt()),
        ("kaiming-normal", (2.0 / 100.0_f64).sqrt()),
    ] {
        let mut weights: Vec<f64> = Vec::new();
        name.parse::<Initializer>().unwrap().weights(100, 200, &mut stream(5), &mut weights);
        let got = (weights.iter().map(|w| w * w).sum::<f64>() / 20_000.0).sqrt();
        assert!((got / deviation - 1.0).abs() < 0.02, "{name}: {got}, expected {deviation}");
    }
}

#[test]
fn csv_has_its_label_where_it_is_said_to_be() {
    let text = b"kind,a,b\nrose,1,2\ntulip,3,4\n";
    for label in ["kind", "1"] {
        let data = Csv::new().label(label).parse("here", text).unwrap();
        assert_eq!(data.features(), ["a", "b"]);
        assert_eq!(
            (data.classes(), data.sample(1)),
            (&["rose".to_owned(), "tulip".into()][..], (&[3.0, 4.0][..], 1))
        );
    }
    // A header that looks like numbers, and a first line that looks like a header.
    let years = Csv::new().header(true).numbers().parse("here", b"2019,2020\n1,2\n").unwrap();
    assert_eq!((years.features(), years.numbers(0)), (&["2019".to_owned()][..], &[2.0][..]));
    let words = Csv::new().header(false).parse("here", b"1,yes\n2,no\n").unwrap();
    assert_eq!(words.len(), 2);
    let bare = Csv::new().without_labels().parse("here", b"a,b\n1,2\n").unwrap();
    assert_eq!((bare.targets(), bare.input(0)), (&Targets::None, &[1.0, 2.0][..]));
}

#[test]
fn csv_that_does_not_fit_is_refused_by_place() {
    let known = ["rose".to_owned(), "tulip".to_owned()];
    let cases: [(Csv, &str, &str); 7] = [
        (Csv::new().label("c"), "a,b\n1,2\n", "there is no column 'c'; expected one of a, b"),
        (Csv::new().label("c"), "1,2\n", "there is no column 'c'; expected one of 1 to 2, without header"),
        (Csv::new().label("3"), "1,2\n", "there is no column '3'; expected one of 1 to 2, without header"),
        (Csv::new().numbers(), "1,2\n3,x\n", "line 2, column 2 is 'x'; expected a finite number"),
        (
            Csv::new().classes(&known),
            "1,rose\n2,lily\n",
            "line 2 has the unknown label 'lily'; expected one of rose, tulip",
        ),
        (Csv::new().label("1"), "a,1\n,2\n", "line 2 has no label in the label's column; expected a class"),
        (Csv::new().without_labels(), "1,2\n3\n", "line 2 has 1 columns; expected 2, as in line 1"),
    ];
    for (csv, text, expected) in cases {
        let error = csv.parse("here", text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("here: {expected}"), "{text}");
    }
    let data = Csv::new().classes(&["1".into(), "0".into()]).parse("here", b"5,1.0\n6,0\n").unwrap();
    assert_eq!((data.label(0), data.label(1)), (Some(0), Some(1)));
}

#[test]
fn generated_points_lie_where_they_should() {
    type Maker = fn(usize, f64, u64) -> Result<Dataset, Error>;
    let makers: [(Maker, &str); 3] =
        [(generate::moons, "moons"), (generate::circles, "circles"), (generate::spirals, "spirals")];
    for (make, name) in makers {
        let data = make(101, 0.0, 1).unwrap();
        assert_eq!((data.name(), data.len(), data.classes().len()), (name, 101, 2));
        assert_eq!(data.samples().filter(|(_, class)| *class == 0).count(), 51);
        assert_eq!(make(101, 0.0, 2).unwrap(), data);
        assert_ne!(make(101, 0.1, 2).unwrap(), make(101, 0.1, 3).unwrap());
        for wrong in [make(1, 0.1, 1), make(usize::MAX, 0.1, 1), make(10, -1.0, 1), make(10, f64::NAN, 1)] {
            assert!(wrong.unwrap_err().to_string().contains("expected"));
        }
    }
    for (x, class) in generate::circles(50, 0.0, 1).unwrap().samples() {
        assert!((x[0].hypot(x[1]) - if class == 0 { 1.0 } else { 0.5 }).abs() < 1e-12);
    }
    assert_eq!(moons().len(), 100);
    assert_eq!(open("moons", &Csv::new(), 1).unwrap().len(), 400);
}

#[test]
fn standardising_survives_huge_numbers_and_goes_back() {
    let data =
        Dataset::regression("big", vec!["x".into()], vec!["y".into()], vec![1e200, 3e200], vec![5.0, 9.0])
            .unwrap();
    let scaled = Standardizer::fit(&data).apply(&data);
    assert_eq!((scaled.input(0), scaled.input(1)), (&[-1.0][..], &[1.0][..]));
    let targets = Standardizer::fit_targets(&data).unwrap();
    let mut values = targets.apply_to_targets(&data).numbers(1).to_vec();
    assert_eq!(values, [1.0]);
    targets.unscale(&mut values);
    assert_eq!(values, [9.0]);
    assert!(
        Standardizer::new(vec![0.0], vec![0.0]).is_err() && Standardizer::new(vec![0.0], vec![]).is_err()
    );
}

#[test]
fn metrics_at_their_edges() {
    assert_eq!(r_squared(&[1.0], &[1.0]), 1.0);
    assert_eq!(r_squared(&[2.0, 2.0], &[1.0, 1.0]), 0.0);
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
    let mut slope = [0.0; 15];
    let value = Penalty { l1: 1.0, l2: 1.0 }.add(&[2.0; 15], &model.weights(), 1.0, &mut slope);
    assert_eq!((value, slope[11], slope[12]), (72.0, 5.0, 0.0));
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
        let (_, slope) =
            gradient(|p| dualtape_nn::loss::cross_entropy(&model.forward(p, &x), class), &parameters);
        assert!((norm - f64::norm(&slope)).abs() <= 1e-10 * norm, "{i}");
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
    // The epoch is over; the workers measure.
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
    assert!(Dataset::new("here", features, vec!["a".into()], vec![1.0; 4], vec![0; 2]).is_err());
}
