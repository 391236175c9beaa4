//! What the tests share: a picture of each kind, and ways to look at them.

#![allow(dead_code, reason = "each test file uses its part")]

use dualtape_plots::{
    Bar, Benchmarks, ConfusionMatrix, Curves, DecisionBoundary, Figure, GradientNorms, Importance,
    LearningRate, LossCurves, NormHistogram, Picture, Predictions, ProbabilityGrid, Window,
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

/// How many pixels have exactly this colour.
pub(crate) fn count(pixels: &[u8], color: [u8; 3]) -> usize {
    pixels.chunks_exact(3).filter(|pixel| *pixel == color).count()
}

/// The texts of an SVG.
pub(crate) fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or_default().trim().to_owned()).collect()
}

/// The elements of an SVG of such a name and colour, fill or stroke.
fn elements<T>(svg: &str, name: &str, color: &str, of: impl Fn(&dyn Fn(&str) -> String) -> T) -> Vec<T> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let has = |node: &roxmltree::Node<'_, '_>| {
        node.has_tag_name(name) && ["fill", "stroke"].iter().any(|key| node.attribute(*key) == Some(color))
    };
    let nodes = document.descendants().filter(has);
    nodes.map(|node| of(&|key| node.attribute(key).unwrap_or("0").to_owned())).collect()
}

/// The places along each line of a colour, in units of the SVG.
pub(crate) fn lines(svg: &str, color: &str) -> Vec<Vec<(i64, i64)>> {
    let place = |pair: &str| {
        let (x, y) = pair.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    elements(svg, "polyline", color, |of| of("points").split_whitespace().map(place).collect())
}

/// Left, top, width and height of each rectangle of a colour.
pub(crate) fn rects(svg: &str, color: &str) -> Vec<(i64, i64, i64, i64)> {
    let number = |text: String| text.parse::<i64>().unwrap();
    let all =
        elements(svg, "rect", color, |of| ["x", "y", "width", "height"].map(|key| number(of(key))).into());
    all.into_iter().filter(|rect: &(i64, i64, i64, i64)| rect.2 != 110).collect() // those of legends
}

/// The colours of all discs.
pub(crate) fn discs(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let discs = document.descendants().filter(|node| node.has_tag_name("circle"));
    discs.map(|node| node.attribute("fill").unwrap().to_owned()).collect()
}

/// Where texts stand.
pub(crate) fn places(svg: &str, text: &str) -> Vec<(i64, i64)> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let number = |node: &roxmltree::Node<'_, '_>, key| node.attribute(key).unwrap().parse().unwrap();
    let found = document.descendants().filter(|node| node.text().is_some_and(|found| found.trim() == text));
    found
        .filter(|node| node.has_tag_name("text"))
        .map(|node| (number(&node, "x"), number(&node, "y")))
        .collect()
}

/// A grid of two classes, from the score of the second.
pub(crate) fn logistic(
    window: Window,
    columns: usize,
    rows: usize,
    mut score: impl FnMut([f64; 2]) -> f64,
) -> ProbabilityGrid {
    let both = |at| {
        let second = 1.0 / (1.0 + (-score(at)).exp());
        vec![1.0 - second, second]
    };
    ProbabilityGrid::new(window, columns, rows, 2, both).unwrap()
}

/// A picture of each kind, with its name; the title is "this is" and the name.
pub(crate) fn one_of_each() -> Vec<(&'static str, Box<dyn Picture>)> {
    let falling = |rate: f64| (1..=60).map(move |epoch| (f64::from(epoch), (-rate * f64::from(epoch)).exp()));
    let loss =
        |title: &str| LossCurves::new(title).training(falling(0.1)).validation(falling(0.05)).mark_best(true);
    let norms = GradientNorms::new("this is GradientNorms").before(falling(0.05)).after(falling(0.1));
    let bars = |scale: f64| [Bar::new(scale, 0.9 * scale, 1.2 * scale), Bar::exact(2.0 * scale)];
    let benchmarks = Benchmarks::new("this is Benchmarks", "time in µs", ["forward", "reverse"]);
    let labels = ["setosa", "versicolor", "virginica"];
    let points = [([0.0, 0.0], 0), ([0.1, 0.3], 0), ([1.0, 1.0], 1), ([0.8, 0.9], 1)];
    let window = Window::around(points.iter().map(|point| point.0));
    let grid = logistic(window, 40, 30, |[x, y]| 5.0 * (x + y - 1.0));
    let figure = Figure::new("this is Figure").columns(1).with(loss("above")).with(loss("below"));
    vec![
        ("LossCurves", Box::new(loss("this is LossCurves"))),
        ("GradientNorms", Box::new(norms.threshold(0.5).log_axis(true))),
        ("LearningRate", Box::new(LearningRate::new("this is LearningRate", falling(0.03)))),
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
            Box::new(
                DecisionBoundary::new("this is DecisionBoundary", grid)
                    .training(points)
                    .validation(points.map(|([x, y], class)| ([x + 0.05, y - 0.1], class))),
            ),
        ),
        ("Predictions", Box::new(Predictions::new("this is Predictions", falling(0.02)))),
        ("Benchmarks", Box::new(benchmarks.workload("small", bars(1.0)).workload("large", bars(30.0)))),
        (
            "Importance",
            Box::new(Importance::new(
                "this is Importance",
                "loss",
                [("age", 0.2, 0.05), ("height", 0.1, 0.02)],
            )),
        ),
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
            let loss = LossCurves::new(&title("loss")).training(points.clone()).validation(validation);
            pictures.push((title("loss"), Box::new(loss.mark_best(true).log_axis(logarithmic))));
            let norms = GradientNorms::new(&title("norms")).before(points.clone()).threshold(1.0);
            pictures.push((title("norms"), Box::new(norms.smoothing(0.5).log_axis(logarithmic))));
            let rate = LearningRate::new(&title("rate"), points.clone()).log_axis(logarithmic);
            pictures.push((title("rate"), Box::new(rate)));
            let bars = points.iter().take(40).map(|&(_, y)| Bar::new(y, 0.5 * y, 2.0 * y));
            let benchmarks =
                Benchmarks::new(&title("benchmarks"), "time in ms", ["mode"]).log_axis(logarithmic);
            let benchmarks =
                bars.enumerate().fold(benchmarks, |all, (n, bar)| all.workload(&format!("load {n}"), [bar]));
            pictures.push((title("benchmarks"), Box::new(benchmarks)));
        }
        let percent = Curves::new(&format!("percent: {name}"), "epoch", "share")
            .curve(&name, points.clone())
            .percent(true);
        pictures.push((format!("percent: {name}"), Box::new(percent)));
        let histogram = NormHistogram::new(&format!("histogram: {name}"), points.iter().map(|point| point.1));
        pictures.push((format!("histogram: {name}"), Box::new(histogram.threshold(1.0))));
        let columns = points.iter().take(40).map(|&(x, y)| (format!("column {x}"), y, 0.5 * x));
        let importance = Importance::new(&format!("importance: {name}"), "loss", columns);
        pictures.push((format!("importance: {name}"), Box::new(importance)));
        let predictions = Predictions::new(&format!("predictions: {name}"), points.clone());
        pictures.push((format!("predictions: {name}"), Box::new(predictions)));
        let window = Window::around(points.iter().map(|&(x, y)| [x, y]));
        let heights: Vec<f64> = points.iter().map(|point| point.1).chain([1.0]).collect();
        let mut turn = heights.iter().cycle();
        let grid = logistic(window, 20, 20, |_| *turn.next().unwrap());
        let classed = points.iter().enumerate().map(|(n, &(x, y))| ([x, y], n % 2));
        let boundary = DecisionBoundary::new(&format!("boundary: {name}"), grid).validation(classed);
        pictures.push((format!("boundary: {name}"), Box::new(boundary)));
    }
    pictures.extend(odd_texts());
    pictures
}

/// Curves that plotters, left alone, would hang on, panic on, or draw badly.
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
        ("one beside 1e15", vec![(1e15 - 1.0, 1e15 + 1.0), (1e15, 1e15 - 1.0), (1e15 + 1.0, 1e15)]),
        ("a picometre", (0..20).map(|i| (1e-12 * f64::from(i), 2e-12 * f64::from(i))).collect()),
        ("almost flat", vec![(1.0, 1.0), (2.0, 1.0 + f64::EPSILON), (3.0, 1.0)]),
        ("last digits", vec![(1e8, 1_000_000.0), (1e8 + 1.0, 1_000_000.5), (1e8 + 2.0, 1_000_001.25)]),
        ("vertical", vec![(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]),
        ("outlier", (0..100).map(|i| (f64::from(i), if i == 50 { 1e6 } else { 1.0 })).collect()),
        ("far threshold", (0..50).map(|i| (f64::from(i), 1e-5 + 1e-7 * f64::from(i))).collect()),
        ("long", wave(50_000)),
    ];
    cases.into_iter().map(|(name, points)| (name.to_owned(), points)).collect()
}

/// Names and titles of odd lengths and letters; many classes, bars, curves.
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
        let three = |[x, y]: [f64; 2]| [x, y, 0.4].map(|p| p.clamp(0.0, 1.0)).to_vec();
        let unit = Window::around([[0.0, 0.0], [1.0, 1.0]]);
        let grid = ProbabilityGrid::new(unit, 9, 9, 3, three).unwrap();
        let boundary = DecisionBoundary::new(text, grid).classes([text, text, text]).axes(text, text);
        pictures.push((format!("boundary: {name}"), Box::new(boundary)));
        pictures.push((
            format!("predictions: {name}"),
            Box::new(Predictions::new(text, rising()).axes(text, text).note(text)),
        ));
        let columns = (0..25).map(|n| (format!("{text}{n}"), f64::from(n), 1.0));
        pictures.push((format!("importance: {name}"), Box::new(Importance::new(text, text, columns))));
        let figure = Figure::new(text).with(LossCurves::new(text).training(rising()).axes(text, text));
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
    let classes = 30;
    let corners = |[x, y]: [f64; 2]| {
        let share =
            |class: usize| (-(x - 0.2 * (class % 6) as f64).hypot(y - 0.25 * (class / 6) as f64) * 9.0).exp();
        (0..classes).map(share).collect()
    };
    let grid =
        ProbabilityGrid::new(Window::around([[0.0, 0.0], [1.0, 1.0]]), 60, 60, classes, corners).unwrap();
    let points = (0..classes).map(|n| ([0.2 * (n % 6) as f64, 0.25 * (n / 6) as f64], n));
    let boundary = DecisionBoundary::new("30 classes", grid).training(points);
    pictures.push(("boundary: 30 classes".to_owned(), Box::new(boundary)));
    let unknown = logistic(Window::around([[0.0, 0.0], [1.0, 1.0]]), 50, 50, |[x, y]| (x * y).ln());
    pictures.push(("boundary: unknown".to_owned(), Box::new(DecisionBoundary::new("unknown", unknown))));
    let many =
        (0..100_000u32).map(|i| (f64::from(i).sin(), f64::from(i).sin() + 0.1 * (f64::from(i) * 1.3).cos()));
    pictures.push(("predictions: many".to_owned(), Box::new(Predictions::new("many", many))));
    pictures
}
