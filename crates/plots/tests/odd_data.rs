//! Odd data give a sensible picture or a clear error, and never cause a hang, a panic or a huge file.

mod common;

use common::{BLUE, VERMILION, count, decode, odd_ones, texts};
use dualtape_plots::{
    Bar, Benchmarks, ConfusionMatrix, Curves, DecisionBoundary, Dropped, Error, Importance, NormHistogram,
    Picture, Predictions, ProbabilityGrid, Size, Window, centered_mean,
};

#[test]
fn odd_data_give_pictures_within_their_bounds() {
    let size = Size::new(420, 300);
    for (name, picture) in odd_ones() {
        let (width, height, pixels) =
            decode(&picture.png(size).unwrap_or_else(|error| panic!("{name}: {error}")));
        assert_eq!((width, height), (420, 300), "{name}");
        assert!(pixels.iter().any(|&channel| channel < 60), "{name}: nothing is drawn");
        let svg = picture.svg(size).unwrap();
        assert!(svg.len() < 4_000_000, "{name}: {} bytes", svg.len());
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
        for node in document.descendants() {
            for attribute in node
                .attributes()
                .filter(|attribute| ["x", "y", "cx", "cy", "points"].contains(&attribute.name()))
            {
                for number in attribute.value().split([' ', ',']).filter(|number| !number.is_empty()) {
                    let number: f64 = number.parse().unwrap();
                    assert!((-200.0..=4400.0).contains(&number), "{name}: {attribute:?}");
                }
            }
        }
    }
}

#[test]
fn a_picture_without_points_says_so() {
    let nothing = [f64::NAN, f64::INFINITY].map(|y| (1.0, y));
    let pictures: [Box<dyn Picture>; 5] = [
        Box::new(Curves::new("", "", "").curve("", nothing)),
        Box::new(Importance::new("", "", nothing.map(|(x, y)| ("feature", y, x)))),
        Box::new(Curves::new("", "", "").curve("zero", [(1.0, 0.0)]).log_axis(true)),
        Box::new(NormHistogram::new("", [])),
        Box::new(Predictions::new("", nothing)),
    ];
    for picture in pictures {
        assert!(
            texts(&picture.svg(Size::new(400, 300)).unwrap()).contains(&"no data".to_owned()),
            "{picture:?}"
        );
    }
}

#[test]
fn what_is_left_out_is_counted_and_said_in_the_picture() {
    let points = [(1.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, 1e301), (2.0, 0.0), (3.0, -1.0), (4.0, 1.0)];
    let heights = points.map(|point| point.1);
    let bar = |value: f64| [Bar::exact(value)];
    let bars = |picture: Benchmarks| heights.into_iter().fold(picture, |all, y| all.workload("load", bar(y)));
    let logarithmic: [(Box<dyn Picture>, usize); 3] = [
        (Box::new(Curves::new("", "", "").curve("", points).log_axis(true)), 3),
        (Box::new(NormHistogram::new("", heights)), 2),
        (Box::new(bars(Benchmarks::new("", "", ["mode"])).log_axis(true)), 2),
    ];
    for (picture, not_finite) in logarithmic {
        assert_eq!(picture.dropped(), Dropped { not_finite, not_positive: 2 }, "{picture:?}");
        let note = format!("left out: {not_finite} not finite, 2 not above 0 (logarithmic axis)");
        assert!(texts(&picture.svg(Size::new(600, 400)).unwrap()).contains(&note), "{picture:?}");
    }
    let window = Window::around([[0.0, 0.0], [1.0, 1.0]]);
    let known = |x: f64| if x > 1.0 { 2.0 } else { x.abs() };
    let grid = ProbabilityGrid::new(window, (10, 10), 2, |[x, _]| vec![known(x), 0.5]).unwrap();
    assert_eq!(grid.unknown(), 10);
    let linear: [Box<dyn Picture>; 3] = [
        Box::new(Curves::new("", "", "").curve("validation", points)),
        Box::new(Predictions::new("", points)),
        Box::new(DecisionBoundary::new("", grid).training(points.map(|(x, y)| ([x, y], 0)))),
    ];
    for picture in linear {
        assert_eq!(picture.dropped(), Dropped { not_finite: 3, not_positive: 0 }, "{picture:?}");
        let texts = texts(&picture.svg(Size::new(600, 400)).unwrap());
        assert!(texts.contains(&"left out: 3 not finite".to_owned()), "{texts:?}");
        if format!("{picture:?}").starts_with("DecisionBoundary") {
            assert!(texts.contains(&"grey: 10 of 100 places have no probability".to_owned()), "{texts:?}");
        }
    }
}

#[test]
fn a_million_points_are_thinned_without_losing_a_spike() {
    let spike = |i: u32| if i == 654_321 { 5.0 } else { (f64::from(i) * 0.01).sin() };
    let points = (0..1_000_000).map(|i| (f64::from(i), spike(i)));
    let picture = Curves::new("", "step", "value").curve("a", points).smoothing(0);
    let size = Size::new(800, 400);
    let svg = picture.svg(size).unwrap();
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
    let (width, _, pixels) = decode(&picture.png(size).unwrap());
    // The spike is the highest blue pixel below the legend, at two thirds of the width.
    let mut blue = pixels.chunks_exact(3).enumerate().filter(|(_, pixel)| *pixel == BLUE).map(|(at, _)| at);
    let top = blue.find(|at| at / (width as usize) >= 50).unwrap();
    let share = (top % width as usize) as f64 / f64::from(width);
    assert!((0.62..0.70).contains(&share), "{share}");
}

#[test]
fn parameters_that_mean_nothing_are_errors_that_name_them() {
    let points = [(1.0, 1.0), (2.0, 2.0)];
    let size = Size::new(400, 300);
    for threshold in [f64::NAN, f64::INFINITY] {
        for error in [
            Curves::new("", "", "").curve("", points).threshold(threshold).png(size).unwrap_err(),
            NormHistogram::new("", [1.0]).threshold(threshold).png(size).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), format!("threshold is {threshold}; expected a finite number"));
        }
    }
    let error = Curves::new("", "", "").curve("", points).best_at(f64::NAN).png(size).unwrap_err();
    assert_eq!(error.to_string(), "the marked place is NaN; expected a finite number");
}

#[test]
fn tables_that_do_not_fit_together_are_errors_that_say_what_was_expected() {
    let error = ConfusionMatrix::new("", ["a", "b"], [1, 2, 3]).unwrap_err();
    assert_eq!(error.to_string(), "counts of a confusion matrix of 2 classes: 3 given; expected 4");
    let error = ConfusionMatrix::new("", [""; 0], []).unwrap_err();
    assert_eq!(error.to_string(), "classes of a confusion matrix: 0 given; expected 1 to 200");
    assert!(matches!(
        ConfusionMatrix::new("", std::iter::repeat("endless"), std::iter::repeat(1)),
        Err(Error::Amount { .. })
    ));
    let size = Size::new(400, 300);
    let error = Benchmarks::new("", "", ["a", "b"]).workload("w", [Bar::exact(1.0)]).png(size).unwrap_err();
    assert_eq!(error.to_string(), "bars of the workload 'w', one for each mode: 1 given; expected 2");
    let crowd = (0..2001).fold(Benchmarks::new("", "", ["a"]), |all, _| all.workload("w", [Bar::exact(1.0)]));
    assert_eq!(crowd.png(size).unwrap_err().to_string(), "bars: 2001 given; expected 0 to 2000");

    let window = Window::around([[0.0, 0.0], [1.0, 1.0]]);
    for (columns, rows) in [(0, 10), (1, 10), (10, 1001), (usize::MAX, usize::MAX)] {
        let nodes = ProbabilityGrid::nodes(window, (columns, rows));
        assert!(matches!(nodes, Err(Error::Amount { .. })), "{columns}, {rows}");
        let grid = ProbabilityGrid::new(window, (columns, rows), 2, |_| unreachable!());
        assert!(matches!(grid, Err(Error::Amount { .. })), "{columns}, {rows}");
    }
    for classes in [0, 1, 33, usize::MAX] {
        let grid = ProbabilityGrid::new(window, (2, 2), classes, |_| unreachable!());
        assert!(matches!(grid, Err(Error::Amount { .. })), "{classes}");
    }
    let error = ProbabilityGrid::new(window, (1000, 1000), 30, |_| unreachable!()).unwrap_err();
    assert_eq!(error.to_string(), "probabilities of a grid: 30000000 given; expected 8 to 5000000");
    let error = ProbabilityGrid::new(window, (2, 2), 3, |_| vec![0.0]).unwrap_err();
    assert_eq!(error.to_string(), "probabilities at (-0.125, -0.125): 1 given; expected 3");
    let error = Window::new((1.0, 1.0), (0.0, 1.0)).unwrap_err();
    assert!(error.to_string().starts_with("the width of the window goes from 1 to 1"), "{error}");
    assert!(Window::new((0.0, f64::NAN), (0.0, 1.0)).is_err());

    let grid = || ProbabilityGrid::new(window, (5, 5), 2, |_| vec![0.5; 2]).unwrap();
    let error = DecisionBoundary::new("", grid()).training([([0.0, 0.0], 2)]).png(size).unwrap_err();
    assert_eq!(error.to_string(), "the class of a point: 2 given; expected 0 to 1");
    let error = DecisionBoundary::new("", grid()).classes(["only one"]).png(size).unwrap_err();
    assert_eq!(error.to_string(), "names of classes: 1 given; expected 2");
}

#[test]
fn the_best_epoch_is_the_lowest_of_validation_or_the_one_named() {
    let training = [(1.0, 0.9), (2.0, 0.2), (3.0, 0.1)];
    let validation = [(1.0, 0.9), (2.0, 0.25), (3.0, 0.4)];
    let losses = || Curves::new("", "epoch", "loss").curve("training", training);
    let both = || losses().curve("validation", validation);
    let cases = [
        (both().mark_best(true), "best: epoch 2 (0.25)"),
        (losses().mark_best(true), "best: epoch 3 (0.1)"),
        (losses().curve("validation", []).mark_best(true), "best: epoch 3 (0.1)"),
        (both().best_at(1.0), "best: epoch 1 (0.9)"),
        (both().best_at(7.0), "best: epoch 7"),
    ];
    for (picture, expected) in cases {
        let texts = texts(&picture.svg(Size::new(600, 400)).unwrap());
        assert!(texts.contains(&expected.to_owned()), "{expected}: {texts:?}");
    }
}

#[test]
fn norms_above_the_threshold_have_a_colour_and_a_share_of_their_own() {
    let picture = NormHistogram::new("", (1..=100).map(|i| f64::from(i) / 100.0)).threshold(0.75);
    assert_eq!(picture.share_above(), Some(0.25));
    let (_, _, pixels) = decode(&picture.png(Size::new(600, 400)).unwrap());
    let share = count(&pixels, VERMILION) as f64 / (count(&pixels, VERMILION) + count(&pixels, BLUE)) as f64;
    assert!((share - 0.25).abs() < 0.03, "{share}");
}

#[test]
fn a_boundary_is_coloured_by_the_likelier_class() {
    let window = Window::new((0.0, 1.0), (0.0, 1.0)).unwrap();
    let grid = ProbabilityGrid::new(window, (50, 50), 2, |[x, _]| vec![1.0 - x, x]).unwrap();
    let (width, height, pixels) = decode(&DecisionBoundary::new("", grid).png(Size::new(600, 400)).unwrap());
    let at = |x: f64, y: f64| {
        let at = (f64::from(height) * y) as usize * width as usize + (f64::from(width) * x) as usize;
        &pixels[3 * at..][..3]
    };
    let (left, right) = (at(0.15, 0.5), at(0.8, 0.5));
    assert!(left[2] > left[0] && right[0] > right[2], "{left:?}, {right:?}");
}

#[test]
fn the_centered_mean_is_the_mean_of_as_many_values_before_as_after() {
    let values: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17) - 4.0).collect();
    for reach in [0, 1, 3, 100] {
        let means = centered_mean(&values, reach);
        assert_eq!(means.len(), values.len());
        for (at, mean) in means.into_iter().enumerate() {
            let near: Vec<f64> = (0..values.len())
                .filter(|&i| i.abs_diff(at) <= reach.min(at).min(values.len() - 1 - at))
                .map(|i| values[i])
                .collect();
            let expected = near.iter().sum::<f64>() / near.len() as f64;
            assert!((mean - expected).abs() < 1e-12, "{reach}, {at}: {mean}, {expected}");
        }
    }
    assert!(centered_mean(&[], 3).is_empty());
}
