//! Writes one picture of each kind, as PNG and as SVG, into the folder named by the first argument.
//!
//! `cargo run --release -p dualtape-plots --example gallery -- pictures`

use dualtape_plots::{
    Bar, Benchmarks, ConfusionMatrix, Curves, DecisionBoundary, Figure, Importance, NormHistogram, Picture,
    Predictions, ProbabilityGrid, Window,
};
use std::error::Error;
use std::f64::consts::PI;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected a folder to write into")?);
    std::fs::create_dir_all(&folder)?;
    for (name, picture) in pictures()? {
        let size = picture.natural_size();
        std::fs::write(folder.join(format!("{name}.png")), picture.png(size)?)?;
        std::fs::write(folder.join(format!("{name}.svg")), picture.svg(size)?)?;
    }
    Ok(())
}

type Named = (&'static str, Box<dyn Picture>);

fn pictures() -> Result<Vec<Named>, Box<dyn Error>> {
    let figure = Figure::new("digits, adam, 120 epochs")
        .with(loss(true))
        .with(accuracy())
        .with(norms())
        .with(rate())
        .with(histogram())
        .with(confusion()?);
    Ok(vec![
        ("loss", Box::new(loss(false))),
        ("loss-log", Box::new(loss(true))),
        ("gradient-norms", Box::new(norms())),
        ("learning-rate", Box::new(rate())),
        ("sample-norms", Box::new(histogram())),
        ("confusion", Box::new(confusion()?)),
        ("boundary", Box::new(boundary()?)),
        ("regions", Box::new(regions()?)),
        ("predictions", Box::new(predictions())),
        ("density", Box::new(density())),
        ("benchmarks", Box::new(benchmarks())),
        ("importance", Box::new(importance())),
        ("runs", Box::new(runs())),
        ("figure", Box::new(figure)),
    ])
}

/// Noise of about unit size, the same in every run.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        (0..6).map(|_| uniform()).sum::<f64>() * 2f64.sqrt() - 3.0 * 2f64.sqrt()
    }
}

fn epochs(count: i32, of: impl FnMut(f64) -> f64) -> Vec<(f64, f64)> {
    let mut of = of;
    (1..=count).map(f64::from).map(|epoch| (epoch, of(epoch))).collect()
}

fn loss(logarithmic: bool) -> Curves {
    let (mut first, mut second) = (noise(1), noise(2));
    let training = epochs(120, |t| (2.3 * (-t / 12.0).exp() + 0.03) * (0.12 * first()).exp());
    let validation = epochs(120, |t| (2.2 * (-t / 13.0).exp() + 0.12 + 0.0006 * t) * (0.08 * second()).exp());
    Curves::new("loss", "epoch", "cross-entropy")
        .curve("training", training)
        .curve("validation", validation)
        .mark_best(true)
        .log_axis(logarithmic)
}

fn accuracy() -> Curves {
    let mut noise = noise(3);
    Curves::new("accuracy", "epoch", "right answers")
        .curve("training", epochs(120, |t| 1.0 - 0.9 * (-t / 9.0).exp()))
        .curve("validation", epochs(120, |t| 0.96 - 0.86 * (-t / 10.0).exp() + 0.004 * noise()))
        .percent(true)
}

fn norms() -> Curves {
    let mut noise = noise(4);
    let before = epochs(2000, |t| (6.0 * (-t / 400.0).exp() + 0.4) * (0.4 * noise()).exp());
    let after = before.iter().map(|&(step, norm)| (step, norm.min(1.0)));
    Curves::new("gradient norm", "step", "norm of the batch")
        .curve("before clipping", before.clone())
        .curve("after clipping", after)
        .threshold(1.0)
}

fn rate() -> Curves {
    let rate =
        |t: f64| if t < 200.0 { 1e-3 * t / 200.0 } else { 5e-4 * (1.0 + (PI * (t - 200.0) / 1800.0).cos()) };
    Curves::new("warm-up and cosine", "step", "learning rate").curve("", epochs(2000, rate)).smoothing(0)
}

fn histogram() -> NormHistogram {
    let mut noise = noise(5);
    NormHistogram::new("per-sample gradient norms, epoch 12", (0..1437).map(|_| (0.8 * noise() - 0.4).exp()))
        .threshold(1.0)
}

fn confusion() -> Result<ConfusionMatrix, dualtape_plots::Error> {
    let mut noise = noise(6);
    let counts = (0..100).map(|cell| match (cell / 10, cell % 10) {
        (row, column) if row == column => 33 + row % 4,
        _ if noise() > 1.2 => 1 + (noise().abs() * 1.3) as u64,
        _ => 0,
    });
    let counts: Vec<u64> = counts.collect();
    ConfusionMatrix::new("validation, epoch 97", (0..10).map(|digit| digit.to_string()), counts)
}

/// Two half moons.
fn moons(count: i32) -> Vec<([f64; 2], usize)> {
    let mut noise = noise(7);
    let point = |i: i32| {
        let angle = PI * f64::from(i / 2) / f64::from(count / 2);
        let (x, y) =
            if i % 2 == 0 { (angle.cos(), angle.sin()) } else { (1.0 - angle.cos(), 0.5 - angle.sin()) };
        ([x + 0.1 * noise(), y + 0.1 * noise()], (i % 2) as usize)
    };
    (0..count).map(point).collect()
}

fn boundary() -> Result<DecisionBoundary, dualtape_plots::Error> {
    let points = moons(400);
    let window = Window::around(points.iter().map(|point| point.0));
    let score = |[x, y]: [f64; 2]| 6.0 * ((PI * (x - 0.5)).sin() * 0.75 + 0.25 - y) + 1.5 * (x - 0.5).powi(3);
    let lower = |point| 1.0 / (1.0 + (-score(point)).exp());
    let grid = ProbabilityGrid::new(window, (100, 100), 2, |point| vec![1.0 - lower(point), lower(point)])?;
    let (training, validation) = points.split_at(300);
    Ok(DecisionBoundary::new("moons", grid)
        .training(training.iter().copied())
        .validation(validation.iter().copied())
        .classes(["upper", "lower"]))
}

fn regions() -> Result<DecisionBoundary, dualtape_plots::Error> {
    let mut noise = noise(8);
    let centers = [[0.0, 0.0], [2.0, 0.5], [0.8, 2.0]];
    let point = |i: usize| (centers[i % 3].map(|x| x + 0.45 * noise()), i % 3);
    let points: Vec<_> = (0..150).map(point).collect();
    let window = Window::around(points.iter().map(|point| point.0));
    let near = |[x, y]: [f64; 2]| {
        let far = |(i, [a, b]): (usize, &[f64; 2])| 2.5 * (x - a).hypot(y - b) * (1.0 + 0.3 * i as f64);
        let weights: Vec<f64> = centers.iter().enumerate().map(far).map(|far| (-far).exp()).collect();
        weights.iter().map(|weight| weight / weights.iter().sum::<f64>()).collect()
    };
    let grid = ProbabilityGrid::new(window, (100, 100), 3, near)?;
    let (training, validation) = points.split_at(100);
    Ok(DecisionBoundary::new("three blobs", grid)
        .training(training.iter().copied())
        .validation(validation.iter().copied())
        .classes(["setosa", "versicolor", "virginica"])
        .axes("petal length (standardised)", "petal width (standardised)"))
}

fn predictions() -> Predictions {
    let mut noise = noise(9);
    let pairs = (0..300).map(|i| (f64::from(i) / 10.0, f64::from(i) / 10.0 * 0.96 + 0.4 + 1.4 * noise()));
    Predictions::new("house prices, validation", pairs.collect::<Vec<_>>())
        .note("R² = 0.971, mean absolute error 1.1")
}

fn density() -> Predictions {
    let mut noise = noise(10);
    let pairs = (0..40_000).map(|_| {
        let target = 20.0 + 6.0 * noise();
        (target, target + 0.1 * target * noise())
    });
    Predictions::new("many houses", pairs.collect::<Vec<_>>()).axes("price paid", "price predicted")
}

fn importance() -> Importance {
    let items = [
        ("sepal length", 0.004, 0.009),
        ("sepal width", 0.011, 0.012),
        ("petal length", 0.243, 0.031),
        ("petal width", 0.321, 0.027),
    ];
    Importance::new("importance of the features, validation", "accuracy lost by shuffling", items)
}

fn benchmarks() -> Benchmarks {
    let bar = |value: f64, spread: f64| Bar::new(value, value * (1.0 - spread), value * (1.0 + 1.4 * spread));
    Benchmarks::new(
        "gradient: time for one evaluation",
        "time in µs",
        ["forward", "reverse", "program", "by hand"],
    )
    .workload("rosenbrock, n = 2", [bar(0.02, 0.05), bar(0.11, 0.04), bar(0.03, 0.1), bar(0.008, 0.02)])
    .workload("rosenbrock, n = 100", [bar(14.0, 0.1), bar(3.1, 0.2), bar(0.9, 0.1), bar(0.31, 0.1)])
    .workload("log-density, n = 1000", [bar(4100.0, 0.1), bar(61.0, 0.1), bar(12.3, 0.3), bar(7.4, 0.1)])
    .workload("network 64-32-10", [Bar::exact(f64::NAN), bar(240.0, 0.05), bar(31.0, 0.08), bar(18.5, 0.1)])
    .log_axis(true)
}

fn runs() -> Curves {
    let runs = [
        ("sgd, rate 0.1", 60.0, 0.3),
        ("sgd with momentum", 35.0, 0.2),
        ("adam", 12.0, 0.14),
        ("adamw", 13.0, 0.12),
        ("rmsprop", 15.0, 0.17),
    ];
    let mut picture = Curves::new("validation loss of five runs", "epoch", "cross-entropy")
        .log_axis(true)
        .mark_lowest(true);
    for (seed, (name, time, floor)) in runs.into_iter().enumerate() {
        let mut noise = noise(20 + seed as u32);
        picture =
            picture.curve(name, epochs(150, |t| (2.3 * (-t / time).exp() + floor) * (0.06 * noise()).exp()));
    }
    picture
}
