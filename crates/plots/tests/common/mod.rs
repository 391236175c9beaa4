//! Shared by the tests: a picture of each kind, and functions to examine them.

#![allow(dead_code, reason = "each test file uses only a part")]

use dualtape_plots::{
    Bar, Benchmarks, ConfusionMatrix, Curves, DecisionBoundary, Figure, Importance, NormHistogram, Picture,
    Predictions, ProbabilityGrid, Window,
};

pub(crate) const BLUE: [u8; 3] = [0, 114, 178];
pub(crate) const VERMILION: [u8; 3] = [213, 94, 0];
pub(crate) const WHITE: [u8; 3] = [255; 3];

/// Width, height and pixels.
pub(crate) fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

/// The number of pixels with exactly this colour.
pub(crate) fn count(pixels: &[u8], color: [u8; 3]) -> usize {
    pixels.chunks_exact(3).filter(|pixel| *pixel == color).count()
}

/// The texts of an SVG.
pub(crate) fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or_default().trim().to_owned()).collect()
}

/// A picture of each kind, with its name; the title is "this is" followed by the name.
pub(crate) fn one_of_each() -> Vec<(&'static str, Box<dyn Picture>)> {
    let falling = |rate: f64| (1..=60).map(move |epoch| (f64::from(epoch), (-rate * f64::from(epoch)).exp()));
    let loss = |title: &str| {
        let curves = Curves::new(title, "epoch", "loss").curve("training", falling(0.1));
        curves.curve("validation", falling(0.05)).mark_best(true)
    };
    let features = (0..30).map(|n| (format!("feature {n}"), 0.5 - 0.03 * f64::from(n), 0.05));
    let bars = |scale: f64| [Bar::new(scale, 0.9 * scale, 1.2 * scale), Bar::exact(2.0 * scale)];
    let benchmarks = Benchmarks::new("this is Benchmarks", "time in µs", ["forward", "reverse"]);
    let labels = ["setosa", "versicolor", "virginica"];
    let points = [([0.0, 0.0], 0), ([0.1, 0.3], 0), ([1.0, 1.0], 1), ([0.8, 0.9], 1)];
    let window = Window::around(points.iter().map(|point| point.0));
    let far = |[x, y]: [f64; 2]| 1.0 / (1.0 + (4.0 * (1.0 - x - y)).exp());
    let grid = ProbabilityGrid::new(window, (40, 30), 2, |point| vec![1.0 - far(point), far(point)]).unwrap();
    let figure = Figure::new("this is Figure").columns(1).with(loss("above")).with(loss("below"));
    vec![
        ("losses", Box::new(loss("this is losses").threshold(0.5).log_axis(true))),
        ("Importance", Box::new(Importance::new("this is Importance", "accuracy lost", features))),
        ("Curves", Box::new(Curves::new("this is Curves", "x", "y").curve("a", falling(0.1)).percent(true))),
        (
            "NormHistogram",
            Box::new(NormHistogram::new("this is NormHistogram", falling(0.1).map(|p| p.1)).threshold(0.2)),
        ),
        (
            "ConfusionMatrix",
            Box::new(
                ConfusionMatrix::new("this is ConfusionMatrix", labels, [9, 0, 0, 1, 8, 0, 0, 2, 0]).unwrap(),
            ),
        ),
        (
            "DecisionBoundary",
            Box::new(DecisionBoundary::new("this is DecisionBoundary", grid).training(points)),
        ),
        ("Predictions", Box::new(Predictions::new("this is Predictions", falling(0.02)))),
        ("Benchmarks", Box::new(benchmarks.workload("small", bars(1.0)).workload("large", bars(30.0)))),
        ("Figure", Box::new(figure)),
    ]
}

/// Pictures of odd data, each with a name.
pub(crate) fn odd_ones() -> Vec<(String, Box<dyn Picture>)> {
    let mut pictures: Vec<(String, Box<dyn Picture>)> = Vec::new();
    for (name, points) in odd_curves() {
        for logarithmic in [false, true] {
            let title =
                |kind: &str| format!("{kind}: {name}{}", if logarithmic { ", logarithmic" } else { "" });
            let validation = points.iter().map(|&(x, y)| (x, 0.5 * y));
            let loss = Curves::new(&title("loss"), "epoch", "loss").curve("training", points.clone());
            let loss = loss.curve("validation", validation).mark_best(true).log_axis(logarithmic);
            pictures.push((title("loss"), Box::new(loss)));
            let norms = Curves::new(&title("norms"), "step", "norm").curve("before", points.clone());
            pictures
                .push((title("norms"), Box::new(norms.threshold(1.0).smoothing(2).log_axis(logarithmic))));
            let bars = points.iter().take(40).map(|&(_, y)| Bar::new(y, 0.5 * y, 2.0 * y));
            let benchmarks =
                Benchmarks::new(&title("benchmarks"), "time in ms", ["mode"]).log_axis(logarithmic);
            let benchmarks =
                bars.enumerate().fold(benchmarks, |all, (n, bar)| all.workload(&format!("load {n}"), [bar]));
            pictures.push((title("benchmarks"), Box::new(benchmarks)));
        }
        let histogram = NormHistogram::new(&format!("histogram: {name}"), points.iter().map(|point| point.1));
        pictures.push((format!("histogram: {name}"), Box::new(histogram.threshold(1.0))));
        let features = points.iter().take(40).map(|&(x, y)| (format!("feature {x}"), y, 0.1 * y));
        let importance = Importance::new(&format!("importance: {name}"), "accuracy lost", features);
        pictures.push((format!("importance: {name}"), Box::new(importance)));
        let percent = Curves::new(&format!("percent: {name}"), "epoch", "share")
            .curve(&name, points.clone())
            .percent(true);
        pictures.push((format!("percent: {name}"), Box::new(percent)));
        let predictions = Predictions::new(&format!("predictions: {name}"), points.clone());
        pictures.push((format!("predictions: {name}"), Box::new(predictions)));
        let window = Window::around(points.iter().map(|&(x, y)| [x, y]));
        let heights: Vec<f64> = points.iter().map(|point| point.1).chain([1.0]).collect();
        let mut turn = heights.iter().cycle();
        let mut share = || turn.next().unwrap().clamp(0.0, 1.0);
        let grid = ProbabilityGrid::new(window, (20, 20), 2, |_| {
            let share = share();
            vec![share, 1.0 - share]
        })
        .unwrap();
        let classed = points.iter().enumerate().map(|(n, &(x, y))| ([x, y], n % 2));
        let boundary = DecisionBoundary::new(&format!("boundary: {name}"), grid)
            .training(classed.clone())
            .validation(classed);
        pictures.push((format!("boundary: {name}"), Box::new(boundary)));
    }
    pictures.extend(odd_texts());
    pictures
}

/// Curves on which plotters by itself would hang, panic or draw badly.
pub(crate) fn odd_curves() -> Vec<(String, Vec<(f64, f64)>)> {
    let wave = |count: u32| (0..count).map(|i| (f64::from(i), f64::from(i).sin() + 1.5)).collect::<Vec<_>>();
    let cases = vec![
        ("empty", vec![]),
        ("single", vec![(1.0, 0.5)]),
        ("flat", vec![(1.0, 0.5), (2.0, 0.5), (3.0, 0.5)]),
        ("flat zero", vec![(1.0, 0.0), (2.0, 0.0)]),
        ("negative", vec![(1.0, -3.0), (2.0, -1.0)]),
        ("not finite", vec![(1.0, f64::NAN), (2.0, f64::INFINITY), (f64::NEG_INFINITY, 1.0)]),
        (
            "some not finite",
            vec![(1.0, 2.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, f64::INFINITY), (5.0, 0.0), (6.0, 0.5)],
        ),
        ("enormous", vec![(1.0, 1e300), (2.0, 1e299), (3.0, -1e300), (1e300, 1.0)]),
        ("beyond", vec![(1.0, f64::MAX), (2.0, f64::MIN), (3.0, 1.0)]),
        ("tiny", vec![(1.0, 1e-300), (2.0, 2e-300)]),
        ("subnormal", vec![(1.0, 0.0), (2.0, 5e-324)]),
        ("all magnitudes", vec![(1.0, 1e-300), (2.0, 1.0), (3.0, 1e300)]),
        ("almost flat", vec![(1.0, 1.0), (2.0, 1.0 + f64::EPSILON), (3.0, 1.0)]),
        ("last digits", vec![(1e8, 1_000_000.0), (1e8 + 1.0, 1_000_000.5), (1e8 + 2.0, 1_000_001.25)]),
        ("narrow", vec![(1.0, 1e15 - 1.0), (2.0, 1e15), (3.0, 1e15 + 1.0)]),
        ("minute", vec![(1.0, 1e-12), (2.0, 3e-12)]),
        ("vertical", vec![(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]),
        ("outlier", (0..100).map(|i| (f64::from(i), if i == 50 { 1e6 } else { 1.0 })).collect()),
        ("far threshold", (0..50).map(|i| (f64::from(i), 1e-5 + 1e-7 * f64::from(i))).collect()),
        ("long", wave(50_000)),
    ];
    cases.into_iter().map(|(name, points)| (name.to_owned(), points)).collect()
}

/// Names and titles with unusual lengths and letters; many classes, bars and curves.
fn odd_texts() -> Vec<(String, Box<dyn Picture>)> {
    let mut pictures: Vec<(String, Box<dyn Picture>)> = Vec::new();
    let long = "a name that is much too long for any picture of this kind ".repeat(20);
    for (name, text) in
        [("no text", ""), ("odd text", "ε → 0 <&>\"'\n\u{0}\u{1b} ünï 漢字"), ("long text", long.as_str())]
    {
        let rising = || (0..5).map(|x| (f64::from(x), f64::from(x)));
        let curves = (0..3).fold(Curves::new(text, text, text), |curves, _| curves.curve(text, rising()));
        pictures.push((format!("curves: {name}"), Box::new(curves)));
        let matrix = ConfusionMatrix::new(text, [text, text, text], [1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        pictures.push((format!("confusion: {name}"), Box::new(matrix)));
        let benchmarks = Benchmarks::new(text, text, [text, text])
            .workload(text, [Bar::exact(1.0), Bar::new(3.0, 2.0, 5.0)]);
        pictures.push((format!("benchmarks: {name}"), Box::new(benchmarks)));
        let shares = |[x, y]: [f64; 2]| vec![0.3 + 0.2 * x, 0.3 + 0.2 * y, 0.4 - 0.2 * x - 0.2 * y];
        let grid = ProbabilityGrid::new(Window::around([[0.0, 0.0], [1.0, 1.0]]), (9, 9), 3, shares).unwrap();
        pictures.push((
            format!("importance: {name}"),
            Box::new(Importance::new(text, text, [(text, 0.2, 0.1), (text, 0.4, 0.3)])),
        ));
        let boundary = DecisionBoundary::new(text, grid).classes([text, text, text]).axes(text, text);
        pictures.push((format!("boundary: {name}"), Box::new(boundary)));
        pictures.push((
            format!("predictions: {name}"),
            Box::new(Predictions::new(text, rising()).axes(text, text).note(text)),
        ));
        let figure = Figure::new(text).with(Curves::new(text, text, text).curve("training", rising()));
        pictures.push((format!("figure: {name}"), Box::new(figure)));
    }
    for classes in [1, 2, 20, 30, 60, 200] {
        let counts = (0..classes * classes)
            .map(|cell| if cell % (classes + 1) == 0 { 12_345 } else { cell as u64 % 7 });
        let labels = (0..classes).map(|class| format!("class {class}"));
        let matrix = ConfusionMatrix::new(&format!("{classes} classes"), labels, counts).unwrap();
        pictures.push((format!("confusion: {classes} classes"), Box::new(matrix)));
    }
    let largest = ConfusionMatrix::new("largest counts", ["a", "b"], [u64::MAX, u64::MAX, 0, 0]).unwrap();
    pictures.push(("confusion: largest counts".to_owned(), Box::new(largest)));
    let none = ConfusionMatrix::new("no counts", ["a", "b"], [0; 4]).unwrap();
    pictures.push(("confusion: no counts".to_owned(), Box::new(none)));
    let crowd = (0..300).fold(Benchmarks::new("300 workloads", "ns", ["a", "b", "c"]), |all, n| {
        all.workload(&format!("workload {n}"), [1.0, 2.0, 3.0].map(|x| Bar::exact(x + f64::from(n % 10))))
    });
    pictures.push(("benchmarks: 300 workloads".to_owned(), Box::new(crowd)));
    let negative = Benchmarks::new("differences", "ns", ["a"])
        .workload("less", [Bar::new(-2.0, -3.0, -1.0)])
        .workload("more", [Bar::new(1.0, f64::NAN, 2.0)]);
    pictures.push(("benchmarks: differences".to_owned(), Box::new(negative)));
    pictures.push(("benchmarks: none".to_owned(), Box::new(Benchmarks::new("none", "ns", ["a"]))));
    let runs = (0..40).fold(Curves::new("40 runs", "epoch", "loss"), |all, n| {
        all.curve(
            &format!("run number {n}"),
            (0..50).map(move |x| (f64::from(x), f64::from(n) + (f64::from(x) / 9.0).cos())),
        )
    });
    pictures.push(("curves: 40 runs".to_owned(), Box::new(runs)));
    let unknown = |[x, y]: [f64; 2]| vec![(x * y).sqrt(), 1.0 - (x * y).sqrt()];
    let unknown =
        ProbabilityGrid::new(Window::around([[0.0, 0.0], [1.0, 1.0]]), (50, 50), 2, unknown).unwrap();
    pictures.push(("boundary: unknown".to_owned(), Box::new(DecisionBoundary::new("unknown", unknown))));
    let point = |n: usize| ([(n % 6) as f64, (n / 6) as f64], n);
    let crowd = |[x, y]: [f64; 2]| {
        let weights: Vec<f64> =
            (0..32).map(|n| (-(point(n).0[0] - x).hypot(point(n).0[1] - y)).exp()).collect();
        weights.iter().map(|weight| weight / weights.iter().sum::<f64>()).collect()
    };
    let window = Window::around((0..32).map(|n| point(n).0));
    let grid = ProbabilityGrid::new(window, (60, 60), 32, crowd).unwrap();
    let boundary = DecisionBoundary::new("32 classes", grid).training((0..32).map(point));
    let aside = |n| ([point(n).0[0] + 0.2, point(n).0[1]], n);
    pictures.push(("boundary: 32 classes".to_owned(), Box::new(boundary.validation((0..32).map(aside)))));
    let many =
        (0..100_000u32).map(|i| (f64::from(i).sin(), f64::from(i).sin() + 0.1 * (f64::from(i) * 1.3).cos()));
    pictures.push(("predictions: many".to_owned(), Box::new(Predictions::new("many", many))));
    pictures
}
