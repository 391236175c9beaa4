//! What a reader sees: one look for each run, empty cells for zeros, recall and precision, residuals, order, offsets.

mod common;

use common::{BLUE, VERMILION, count, decode, texts};
use dualtape_plots::{
    Bar, Benchmarks, ConfusionMatrix, Curves, DecisionBoundary, Error, Importance, NormHistogram, Picture,
    Predictions, ProbabilityGrid, Size, Window,
};

fn elements(picture: &dyn Picture, tag: &str) -> usize {
    let svg = picture.svg(picture.natural_size()).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    document.descendants().filter(|node| node.has_tag_name(tag)).count()
}

fn natural_texts(picture: &dyn Picture) -> Vec<String> {
    texts(&picture.svg(picture.natural_size()).unwrap())
}

#[test]
fn a_run_or_mode_that_is_missing_in_a_panel_keeps_its_look_for_the_others() {
    let line = [(1.0, 1.0), (2.0, 3.0)];
    let curves = Curves::new("", "", "").curve("first", []).curve("second", line);
    let bars =
        Benchmarks::new("", "ns", ["first", "second"]).workload("w", [Bar::exact(f64::NAN), Bar::exact(2.0)]);
    let pictures: [Box<dyn Picture>; 2] = [Box::new(curves), Box::new(bars)];
    for picture in pictures {
        let (_, _, pixels) = decode(&picture.png(Size::new(600, 400)).unwrap());
        assert!(count(&pixels, VERMILION) > 100 && count(&pixels, BLUE) == 0, "{picture:?}");
        let texts = natural_texts(&*picture);
        assert!(texts.contains(&"second".to_owned()) && !texts.contains(&"first".to_owned()), "{texts:?}");
    }
}

#[test]
fn more_curves_than_looks_are_refused() {
    let all = |count: usize| (0..count).fold(Curves::new("", "", ""), |all, _| all.curve("a", [(1.0, 1.0)]));
    assert!(all(Curves::MOST).png(Size::new(600, 400)).is_ok());
    assert!(matches!(all(Curves::MOST + 1).png(Size::new(600, 400)), Err(Error::Amount { .. })));
}

#[test]
fn a_mean_is_drawn_for_long_curves_only_or_where_it_is_asked_for() {
    let curve = |count: u32| Curves::new("", "", "").curve("a", (0..count).map(|i| (f64::from(i), 1.0)));
    let says = |picture: Curves| natural_texts(&picture).iter().any(|text| text.starts_with("mean over"));
    let cases = [
        (curve(499), false),
        (curve(500), true),
        (curve(500).smoothing(0), false),
        (curve(50).smoothing(2), true),
    ];
    for (picture, expected) in cases {
        assert_eq!(says(picture.clone()), expected, "{picture:?}");
    }
}

#[test]
fn a_confusion_matrix_leaves_zeros_empty_groups_digits_and_says_recall_and_precision() {
    let matrix = ConfusionMatrix::new("", ["a", "b"], [12_345, 0, 4115, 0]).unwrap();
    let texts = natural_texts(&matrix);
    assert!(texts.contains(&"12,345".to_owned()) && texts.contains(&"4,115".to_owned()), "{texts:?}");
    // Recall is 100 % and 0 %, precision 75 % and undefined. The only 0 is the recall of b.
    for (expected, times) in [("100", 1), ("75", 1), ("–", 1), ("0", 1), ("recall", 1), ("precision", 1)] {
        assert_eq!(texts.iter().filter(|text| *text == expected).count(), times, "{expected}: {texts:?}");
    }
}

#[test]
fn thirty_classes_have_all_their_counts_and_rates() {
    let counts = (0..900).map(|cell| if cell % 31 == 0 { 1234 } else { 0 });
    let matrix = ConfusionMatrix::new("", (0..30).map(|n| format!("c{n}")), counts).unwrap();
    let texts = natural_texts(&matrix);
    assert_eq!(texts.iter().filter(|text| *text == "1,234").count(), 30);
    assert_eq!(texts.iter().filter(|text| *text == "100").count(), 60);
    for class in 0..30 {
        assert_eq!(texts.iter().filter(|text| **text == format!("c{class}")).count(), 2, "{class}");
    }
}

#[test]
fn validation_points_have_another_marker_than_training_points() {
    let window = Window::new((0.0, 1.0), (0.0, 1.0)).unwrap();
    let grid = ProbabilityGrid::new(window, (9, 9), 2, |[x, _]| vec![1.0 - x, x]).unwrap();
    let plain = DecisionBoundary::new("", grid);
    let points = [([0.2, 0.2], 0), ([0.8, 0.3], 1), ([0.7, 0.7], 1)];
    let marks = |picture: &DecisionBoundary| (elements(picture, "circle"), elements(picture, "polygon"));
    let (none, training, validation) =
        (marks(&plain), marks(&plain.clone().training(points)), marks(&plain.clone().validation(points)));
    // Each point is a mark with a rim, and so is the symbol in the legend.
    assert_eq!((training.0 - none.0, training.1 - none.1), (8, 0));
    assert_eq!((validation.0 - none.0, validation.1 - none.1), (0, 8));
}

#[test]
fn many_predictions_are_hexagons_and_residuals_stand_beside_them() {
    let pairs = |count: u32| {
        (0..count).map(|i| (f64::from(i).sin(), f64::from(i).sin() + 0.1 * (1.3 * f64::from(i)).cos()))
    };
    let (few, many) = (Predictions::new("", pairs(200)), Predictions::new("", pairs(100_000)));
    assert!(elements(&few, "circle") > 400 && elements(&few, "polygon") == 0);
    let hexagons = elements(&many, "polygon");
    assert!(hexagons > 300 && hexagons < 10_000 && elements(&many, "circle") == 0, "{hexagons}");
    for picture in [few, many] {
        assert!(natural_texts(&picture).contains(&"residual: prediction − target".to_owned()));
    }
}

#[test]
fn norms_stand_in_bins_of_equal_ratio_with_the_share_above_their_bound() {
    let norms =
        NormHistogram::new("", (0..=600).map(|i| 10f64.powf(f64::from(i) / 100.0 - 3.0))).threshold(1.0);
    let texts = natural_texts(&norms);
    for expected in ["0.001", "0.01", "0.1", "1", "10", "100", "1000", "threshold 1", "above: 49.9 %"] {
        assert!(texts.contains(&expected.to_owned()), "{expected}: {texts:?}");
    }
}

#[test]
fn features_stand_in_the_order_of_their_importance() {
    let picture =
        Importance::new("", "lost", [("low", 0.1, 0.01), ("high", 0.3, 0.02), ("none", -0.1, 0.01)]);
    let texts = natural_texts(&picture);
    let place = |name: &str| texts.iter().position(|text| text == name).unwrap();
    assert!(place("high") < place("low") && place("low") < place("none"), "{texts:?}");
}

#[test]
fn ranges_far_from_zero_and_tiny_ones_are_labelled_with_offsets_and_powers() {
    for (points, expected) in [
        ([(1.0, 1e15 - 1.0), (2.0, 1e15 + 1.0)], "loss + 1×10¹⁵"),
        ([(1.0, 1e-12), (2.0, 3e-12)], "loss (×10⁻¹²)"),
    ] {
        let texts = natural_texts(&Curves::new("", "epoch", "loss").curve("a", points));
        assert!(texts.contains(&expected.to_owned()), "{expected}: {texts:?}");
    }
}
