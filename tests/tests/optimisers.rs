//! Optimisers, clips, schedules, losses, activations and initialisers: their text form, what they refuse, and where
//! they are exact.

use dualtape::{check, gradient};
use dualtape_nn::initialize::stream;
use dualtape_nn::{
    Activation, Clip, Error, Initializer, Loss, Method, Optimizer, Reduction, Schedule, Unit, clip, privacy,
    softmax,
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

/// An independent implementation of every method from its definition, step by step, for one parameter.
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
        let derivative = [4.0 * x[0].powi(3)];
        optimizer.step(0.01, &mut x, &derivative);
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
            let derivative = [x[0].sin(), x[1].cos()];
            optimizer.step(0.1, &mut x, &derivative);
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
        privacy::add_noise(&mut noise, 3.0, &privacy::NoiseKey::from_seed(seed), step);
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
fn losses_and_activations_have_the_derivatives_of_their_values() {
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
            let (value, gradient) = gradient(|x| activation.apply(x[0]), &[x]);
            assert!(
                value.is_finite() && gradient[0].is_finite(),
                "{activation} at {x}: {value}, {gradient:?}"
            );
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
        let (value, gradient) = gradient(|x| Loss::BinaryCrossEntropy.of(x, &[target.into()]), &[logit]);
        assert!((value - expected).abs() <= 1e-12 * expected, "{logit}: {value}");
        assert!(gradient[0].is_finite() && gradient[0].abs() <= 1.0);
    }
    assert_eq!(Loss::CrossEntropy.of(&[1000.0, 0.0], &[0.0, 1.0]), 1000.0);
    assert_eq!(softmax(&[-1e300, 1e300]), [0.0, 1.0]);
    let shares = softmax(&[0.5, -1.0, 3.0]);
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
}

#[test]
fn initial_weights_are_the_same_for_ever() {
    // Recorded when the random streams were chosen; a change would silently change the results of all users.
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
