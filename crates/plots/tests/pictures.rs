//! Every chart is a picture of its size with something on it, or a clear error; never a hang.

use dualtape_plots::{Chart, Error, Panel, Scale, Series};

/// Width, height and pixels.
fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

/// How many pixels have exactly this colour.
fn count(pixels: &[u8], color: [u8; 3]) -> usize {
    pixels.chunks_exact(3).filter(|pixel| *pixel == color).count()
}

const BLUE: [u8; 3] = [0, 114, 178];
const ORANGE: [u8; 3] = [213, 94, 0];
const WHITE: [u8; 3] = [255; 3];

fn one_panel(series: Vec<Series>, scale: Scale) -> Chart {
    let panel = series.into_iter().fold(Panel::new("loss", "epoch", "loss"), Panel::with);
    Chart::new("a run").with(panel.scale(scale))
}

#[test]
fn two_panels_of_two_series_show_both_colours() {
    let series = || {
        let training = Series::new("training", (1..=20).map(|i| (f64::from(i), 1.0 / f64::from(i))));
        let validation = Series::new("validation", (1..=20).map(|i| (f64::from(i), 1.2 / f64::from(i))));
        [training, validation]
    };
    let panel = |title| series().into_iter().fold(Panel::new(title, "epoch", "y"), Panel::with);
    let chart = Chart::new("a run").with(panel("loss")).with(panel("accuracy").scale(Scale::Percent));
    let (width, height, pixels) = decode(&chart.png().unwrap());
    assert_eq!((width, height), (1200, 500));
    for color in [BLUE, ORANGE] {
        assert!(count(&pixels, color) > 1000, "{color:?}: {}", count(&pixels, color));
    }
    assert!(count(&pixels, WHITE) > pixels.len() / 3 / 2);
}

#[test]
fn odd_series_give_sensible_pictures() {
    let cases: Vec<(&str, Vec<(f64, f64)>)> = vec![
        ("empty", vec![]),
        ("single", vec![(1.0, 0.5)]),
        ("flat", vec![(1.0, 0.5), (2.0, 0.5), (3.0, 0.5)]),
        ("flat zero", vec![(1.0, 0.0), (2.0, 0.0)]),
        ("all NaN", vec![(1.0, f64::NAN), (2.0, f64::INFINITY)]),
        ("enormous", vec![(1.0, 1e300), (2.0, 1e99), (3.0, -1e99)]),
        ("tiny", vec![(1.0, 1e-300), (2.0, 2e-300)]),
        ("subnormal", vec![(1.0, 0.0), (2.0, 5e-324)]),
        ("almost flat", vec![(1.0, 1.0), (2.0, 1.0 + f64::EPSILON)]),
        ("vertical", vec![(1.0, 1.0), (1.0, 2.0)]),
        ("long", (0..100_000).map(|i| (f64::from(i), f64::from(i).sin())).collect()),
    ];
    for (name, points) in cases {
        for scale in [Scale::Plain, Scale::Percent] {
            let shown = points.iter().any(|(_, y)| y.abs() <= 1e100);
            let (_, _, pixels) =
                decode(&one_panel(vec![Series::new(name, points.clone())], scale).png().unwrap());
            // The legend always shows a little of the colour.
            let least = if shown { 60 } else { 10 };
            assert!(count(&pixels, BLUE) >= least, "{name}, {scale:?}: {}", count(&pixels, BLUE));
        }
    }
}

#[test]
fn points_left_out_are_counted() {
    let series = Series::new("loss", [(1.0, f64::NAN), (f64::INFINITY, 1.0), (1.0, 1e200), (2.0, 1.0)]);
    assert_eq!(series.dropped(), 3);
}

#[test]
fn a_chart_without_panels_or_of_no_size_is_an_error_that_says_so() {
    let error = Chart::new("nothing").png().unwrap_err();
    assert_eq!(error.to_string(), "the chart 'nothing' has no panel; expected at least one");
    for (width, height) in [(0, 0), (0, 500), (500, 10), (u32::MAX, u32::MAX), (10_001, 500)] {
        let error = one_panel(vec![], Scale::Plain).size(width, height).png().unwrap_err();
        assert!(matches!(error, Error::Size { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            format!("the picture is {width} x {height} pixels; expected 200 to 10000 each way")
        );
    }
    for size in [200, 10_000] {
        let (width, _, _) = decode(&one_panel(vec![], Scale::Plain).size(size, 200).png().unwrap());
        assert_eq!(width, size);
    }
}

#[test]
fn odd_titles_are_drawn() {
    for title in [
        "",
        "ε → 0, ünïcode",
        "a very long title that does not fit into the picture at all ".repeat(5).as_str(),
    ] {
        assert!(one_panel(vec![], Scale::Plain).size(300, 300).png().is_ok());
        assert!(Chart::new(title).with(Panel::new(title, title, title)).png().is_ok(), "{title}");
    }
}
