//! Odd data give a sensible picture or a clear error: never a hang, a panic, or a huge file.

mod common;

use common::{BLUE, VERMILION, count, decode, logistic, odd_ones, texts};
use dualtape_plots::{
    Bar, Benchmarks, ConfusionMatrix, Curves, DecisionBoundary, Dropped, Error, GradientNorms, Importance,
    LearningRate, LossCurves, NormHistogram, Picture, Predictions, ProbabilityGrid, Size, Window,
    centred_mean,
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
    let pictures: [Box<dyn Picture>; 6] = [
        Box::new(LossCurves::new("").training(nothing)),
        Box::new(GradientNorms::new("")),
        Box::new(Curves::new("", "", "").curve("zero", [(1.0, 0.0)]).log_axis(true)),
        Box::new(NormHistogram::new("", [])),
        Box::new(Predictions::new("", nothing)),
        Box::new(Importance::new("", "", nothing.map(|(x, y)| ("column", y, x)))),
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
    let logarithmic: [(Box<dyn Picture>, usize); 6] = [
        (Box::new(LossCurves::new("").training(points).log_axis(true)), 3),
        (Box::new(GradientNorms::new("").before(points).log_axis(true)), 3),
        (Box::new(LearningRate::new("", points).log_axis(true)), 3),
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
    let grid = logistic(window, 10, 10, |[x, _]| if x > 1.0 { f64::NAN } else { x });
    assert_eq!(grid.not_finite(), 10);
    let linear: [Box<dyn Picture>; 3] = [
        Box::new(LossCurves::new("").validation(points)),
        Box::new(Predictions::new("", points)),
        Box::new(DecisionBoundary::new("", grid).training(points.map(|(x, y)| ([x, y], 0)))),
    ];
    for picture in linear {
        assert_eq!(picture.dropped(), Dropped { not_finite: 3, not_positive: 0 }, "{picture:?}");
        let texts = texts(&picture.svg(Size::new(600, 400)).unwrap());
        assert!(texts.contains(&"left out: 3 not finite".to_owned()), "{texts:?}");
        if format!("{picture:?}").starts_with("DecisionBoundary") {
            assert!(
                texts.contains(&"grey: 10 of 100 nodes have no finite probability".to_owned()),
                "{texts:?}"
            );
        }
    }
}

#[test]
fn a_million_points_are_thinned_without_losing_a_spike() {
    let spike = |i: u32| if i == 654_321 { 5.0 } else { (f64::from(i) * 0.01).sin() };
    let points = (0..1_000_000).map(|i| (f64::from(i), spike(i)));
    let picture = Curves::new("", "step", "value").curve("a", points).smoothing(0.0);
    let size = Size::new(800, 400);
    let svg = picture.svg(size).unwrap();
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
    let (width, _, pixels) = decode(&picture.png(size).unwrap());
    // The spike is the highest blue there is under the legend, at two thirds of the width.
    let mut blue = pixels.chunks_exact(3).enumerate().filter(|(_, pixel)| *pixel == BLUE).map(|(at, _)| at);
    let top = blue.find(|at| at / (width as usize) >= 50).unwrap();
    let share = (top % width as usize) as f64 / f64::from(width);
    assert!((0.62..0.70).contains(&share), "{share}");
}

#[test]
fn parameters_that_mean_nothing_are_errors_that_name_them() {
    let points = [(1.0, 1.0), (2.0, 2.0)];
    let size = Size::new(400, 300);
    for weight in [1.0, -0.1, f64::NAN] {
        for error in [
            LossCurves::new("").training(points).smoothing(weight).png(size).unwrap_err(),
            GradientNorms::new("").after(points).smoothing(weight).svg(size).unwrap_err(),
            Curves::new("", "", "").curve("", points).smoothing(weight).png(size).unwrap_err(),
        ] {
            let expected = "expected 0 (none) or more, and less than 1";
            assert_eq!(error.to_string(), format!("the weight of smoothing is {weight}; {expected}"));
        }
    }
    for threshold in [f64::NAN, f64::INFINITY] {
        for error in [
            GradientNorms::new("").before(points).threshold(threshold).png(size).unwrap_err(),
            NormHistogram::new("", [1.0]).threshold(threshold).png(size).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), format!("threshold is {threshold}; expected a finite number"));
        }
    }
    let error = LossCurves::new("").training(points).best_epoch(f64::NAN).png(size).unwrap_err();
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
    let grid = |columns, rows, classes| {
        ProbabilityGrid::new(window, columns, rows, classes, |_| unreachable!()).unwrap_err()
    };
    for (columns, rows) in [(0, 10), (1, 10), (10, 1001), (usize::MAX, usize::MAX)] {
        assert!(matches!(grid(columns, rows, 2), Error::Amount { .. }), "{columns}, {rows}");
    }
    let error = grid(1000, 1000, 50);
    assert_eq!(error.to_string(), "probabilities of a grid: 50000000 given; expected 8 to 5000000");
    assert_eq!(grid(2, 2, 1).to_string(), "classes of a grid: 1 given; expected 2 to 100");
    let error = ProbabilityGrid::new(window, 2, 2, 3, |_| vec![0.0]).unwrap_err();
    assert_eq!(error.to_string(), "probabilities at (-0.125, -0.125): 1 given; expected 3");
    let error = ProbabilityGrid::new(window, 2, 2, 2, |[x, _]| vec![x, 1.0 - x]).unwrap_err();
    assert_eq!(error.to_string(), "the probability at (-0.125, -0.125) is -0.125; expected 0 to 1");
    let error = Window::new((1.0, 1.0), (0.0, 1.0)).unwrap_err();
    assert!(error.to_string().starts_with("the width of the window goes from 1 to 1"), "{error}");
    assert!(Window::new((0.0, f64::NAN), (0.0, 1.0)).is_err());

    let grid = || logistic(window, 5, 5, |[x, _]| x - 0.5);
    let error = DecisionBoundary::new("", grid()).validation([([0.0, 0.0], 2)]).png(size).unwrap_err();
    assert_eq!(error.to_string(), "the class of a point: 2 given; expected 0 to 1");
    let error = DecisionBoundary::new("", grid()).classes(["only one"]).png(size).unwrap_err();
    assert_eq!(error.to_string(), "names of classes: 1 given; expected 2");
}

#[test]
fn the_best_epoch_is_the_lowest_of_validation_or_the_one_named() {
    let training = [(1.0, 0.9), (2.0, 0.2), (3.0, 0.1)];
    let validation = [(1.0, 0.9), (2.0, 0.25), (3.0, 0.4)];
    let both = || LossCurves::new("").training(training).validation(validation);
    let cases = [
        (both().mark_best(true), "best: epoch 2 (0.25)"),
        (LossCurves::new("").training(training).mark_best(true), "best: epoch 3 (0.1)"),
        (both().best_epoch(1.0), "best: epoch 1 (0.9)"),
        (both().best_epoch(7.0), "best: epoch 7"),
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
fn a_boundary_is_coloured_by_the_class_that_wins() {
    let window = Window::new((0.0, 1.0), (0.0, 1.0)).unwrap();
    let grid = logistic(window, 50, 50, |[x, _]| 9.0 * (x - 0.5));
    let (width, height, pixels) = decode(&DecisionBoundary::new("", grid).png(Size::new(600, 400)).unwrap());
    let at = |x: f64, y: f64| {
        let at = (f64::from(height) * y) as usize * width as usize + (f64::from(width) * x) as usize;
        &pixels[3 * at..][..3]
    };
    let (left, right) = (at(0.15, 0.5), at(0.75, 0.5));
    assert!(left[2] > left[0] && right[0] > right[2], "{left:?}, {right:?}");
}

#[test]
fn the_centred_mean_is_the_sum_it_stands_for_and_does_not_lag() {
    let values: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17) - 4.0).collect();
    for weight in [0.0, 0.3, 0.9, 0.999] {
        for (here, mean) in centred_mean(&values, weight).into_iter().enumerate() {
            let weights: Vec<f64> = (0..50).map(|i: usize| weight.powi(i.abs_diff(here) as i32)).collect();
            let sum: f64 = weights.iter().zip(&values).map(|(w, x)| w * x).sum();
            let expected = sum / weights.iter().sum::<f64>();
            assert!((mean - expected).abs() < 1e-11, "{weight}, {here}: {mean}, {expected}");
        }
        // Where a valley is, its mean has its valley, too.
        let valley: Vec<f64> = (0..101).map(|i| f64::from(i - 50).abs()).collect();
        let smooth = centred_mean(&valley, weight);
        assert!(smooth.iter().all(|&mean| mean >= smooth[50]), "{weight}");
    }
}

#[test]
fn values_are_the_primary_line_and_only_long_curves_have_a_faint_one_through_means() {
    let values = |count: i32| (0..count).map(|i| (f64::from(i), f64::from(i * i % 17)));
    let size = Size::new(600, 400);
    for (count, is_smoothed) in [(2, false), (60, false), (199, false), (200, true), (5000, true)] {
        let svg = Curves::new("", "step", "loss").curve("a", values(count)).svg(size).unwrap();
        assert_eq!(texts(&svg).iter().any(|text| text.starts_with("faint")), is_smoothed, "{count}");
        // The line in the full colour goes through the highest value, whether or not there are means.
        let highest = |svg: &str| {
            let longest = common::lines(svg, "#0072B2").into_iter().max_by_key(Vec::len).unwrap();
            longest.into_iter().map(|place| place.1).min()
        };
        let bare =
            Curves::new("", "step", "loss").curve("a", values(count)).smoothing(0.0).svg(size).unwrap();
        let (top, expected) = (highest(&svg), highest(&bare));
        assert!(count < 17 || top == expected, "{count}: {top:?}, {expected:?}");
    }
}

#[test]
fn norms_stand_in_logarithmic_bins_over_the_range_that_has_samples() {
    // As many norms in each decade: on logarithmic bins, bars of one height.
    let norms = (0..4000).map(|i| 10f64.powf(f64::from(i) / 1000.0 - 2.0));
    let svg = NormHistogram::new("", norms).svg(Size::new(600, 400)).unwrap();
    for reading in ["0.01", "0.1", "1", "10"] {
        assert!(texts(&svg).contains(&reading.to_owned()), "{reading}");
    }
    let bars = common::rects(&svg, "#0072B2");
    assert!(bars.len() >= 40, "{}", bars.len());
    let heights: Vec<i64> = bars[1..bars.len() - 1].iter().map(|bar| bar.3).collect();
    let (low, high) = (heights.iter().min().unwrap(), heights.iter().max().unwrap());
    assert!(high - low <= high / 20, "{heights:?}");
}

#[test]
fn a_confusion_matrix_leaves_zeros_empty_and_groups_digits_and_shows_recall_and_precision() {
    let counts = [12_345, 5, 0, 0, 90, 10, 0, 5, 0];
    let matrix = ConfusionMatrix::new("", ["a", "b", "c"], counts).unwrap();
    let said = texts(&matrix.svg(matrix.natural_size()).unwrap());
    for text in ["12,345", "90", "recall", "precision", "100 %", "90 %", "0 %"] {
        assert!(said.contains(&text.to_owned()), "{text}: {said:?}");
    }
    assert!(!said.contains(&"0".to_owned()), "{said:?}");
    assert!(said.contains(&"accuracy 99.8 %: 12,435 of 12,455 on the diagonal".to_owned()), "{said:?}");

    let classes = 30;
    let counts = (0..classes * classes).map(|cell| if cell % (classes + 1) == 0 { 12_345 } else { 0 });
    let matrix =
        ConfusionMatrix::new("", (0..classes).map(|class| format!("class {class}")), counts).unwrap();
    let said = texts(&matrix.svg(matrix.natural_size()).unwrap());
    assert_eq!(said.iter().filter(|text| text.starts_with("12")).count(), classes, "{said:?}");
    for class in 0..classes {
        assert_eq!(said.iter().filter(|text| **text == format!("class {class}")).count(), 2, "{class}");
    }
}

#[test]
fn points_of_validation_look_unlike_those_of_training() {
    let window = Window::new((0.0, 1.0), (0.0, 1.0)).unwrap();
    let picture = || DecisionBoundary::new("", logistic(window, 9, 9, |[x, _]| 9.0 * (x - 0.5)));
    let point = [([0.3, 0.3], 0), ([0.7, 0.7], 1)];
    let size = Size::new(600, 500);
    let [training, validation] =
        [picture().training(point), picture().validation(point)].map(|p| p.svg(size).unwrap());
    assert!(texts(&training).contains(&"training (2)".to_owned()));
    assert!(texts(&validation).contains(&"validation (2)".to_owned()));
    let marks = |svg: &str| common::discs(svg).into_iter().filter(|color| color == "#282828").count();
    // Besides the entry of the legend, the point itself has a dark rim.
    assert_eq!((marks(&training), marks(&validation)), (0, 2));
}

#[test]
fn many_predictions_are_a_density_and_residuals_have_a_panel() {
    let pairs =
        |count: u32| (0..count).map(|i| (f64::from(i).sin(), f64::from(i).sin() + 0.1 * f64::from(i % 7)));
    let size = Size::new(1000, 500);
    let few = Predictions::new("", pairs(500)).svg(size).unwrap();
    let many = Predictions::new("", pairs(100_000)).svg(size).unwrap();
    assert!(common::discs(&few).len() > 900 && common::discs(&many).is_empty());
    for svg in [&few, &many] {
        let panel = "residual (prediction − target)".to_owned();
        assert!(texts(svg).contains(&panel), "{:?}", texts(svg));
    }
    assert!(texts(&many).contains(&"pairs".to_owned()));
    assert!(many.len() < 2_000_000, "{} bytes", many.len());
    // A range that differs in its last digits only is read from an offset, a tiny one in powers.
    for (numbers, expected) in [([1e15, 1e15 + 2.0], "target − 10¹⁵"), ([1e-12, 2e-12], "target (×10⁻¹²)")]
    {
        let svg = Predictions::new("", numbers.map(|x| (x, x))).svg(size).unwrap();
        assert!(texts(&svg).iter().any(|text| text.starts_with(expected)), "{:?}", texts(&svg));
    }
}

#[test]
fn the_most_important_column_is_on_top_and_long_names_are_cut() {
    let names =
        ["short", "a name that is so long that no picture of this size could hold it beside its bars, or so"];
    let columns = names.iter().zip([0.1, 0.4]).map(|(name, mean)| (*name, mean, 0.02));
    let svg = Importance::new("", "loss", columns).svg(Size::new(600, 300)).unwrap();
    let said = texts(&svg);
    let place = |start: &str| said.iter().position(|text| text.starts_with(start)).unwrap();
    assert!(place("a name") < place("short"), "{said:?}");
    assert!(said[place("a name")].ends_with('…'), "{said:?}");
    let bars = common::rects(&svg, "#0072B2");
    assert!(bars.len() == 2 && bars[0].1 < bars[1].1 && bars[0].2 > 3 * bars[1].2, "{bars:?}");
}

#[test]
fn a_run_and_a_mode_look_the_same_in_every_panel() {
    let falling = |scale: f64| (1..40).map(move |x| (f64::from(x), scale / f64::from(x)));
    let all =
        Curves::new("", "x", "y").curve("a", falling(1.0)).curve("b", falling(2.0)).curve("c", falling(3.0));
    let some = Curves::new("", "x", "y").curve("a", []).curve("b", []).curve("c", falling(3.0));
    let size = Size::new(600, 400);
    let (all, some) = (all.svg(size).unwrap(), some.svg(size).unwrap());
    assert_eq!(texts(&some).iter().filter(|text| ["a", "b", "c"].contains(&text.as_str())).count(), 1);
    assert!(!common::lines(&some, "#009E73").is_empty() && common::lines(&some, "#0072B2").is_empty());
    assert!(!common::lines(&all, "#009E73").is_empty() && !common::lines(&all, "#0072B2").is_empty());

    let modes = || Benchmarks::new("", "ns", ["forward", "reverse"]);
    let svg = modes().workload("w", [Bar::unmeasured(), Bar::exact(3.0)]).svg(size).unwrap();
    assert!(!texts(&svg).contains(&"forward".to_owned()));
    assert!(!common::rects(&svg, "#D55E00").is_empty() && common::rects(&svg, "#0072B2").is_empty());
}

#[test]
fn a_legend_lies_above_the_axes() {
    for (name, picture) in common::one_of_each() {
        let svg = picture.svg(Size::new(700, 500)).unwrap();
        let Some(axes) =
            common::lines(&svg, "#282828").into_iter().find(|line| line.len() == 2 && line[0].0 == line[1].0)
        else {
            panic!("{name} has no axis")
        };
        let top = axes.iter().map(|place| place.1).min().unwrap();
        for text in ["training", "validation", "before clipping", "forward", "lowest", "exactly right"] {
            for at in common::places(&svg, text) {
                assert!(name == "Figure" || at.1 < top, "{name}: {text} at {at:?}, axis from {top}");
            }
        }
    }
}
