//! Training: the same bits for any number of threads, clear errors, and parameters that survive errors.

use dualtape_nn::data::{Standardizer, digits, iris, named, parse_csv, read_csv};
use dualtape_nn::{
    Activation, BatchGradient, Clip, Error, Event, Loss, Method, Mlp, Settings, evaluate, train,
};

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// The parameters of a short training on the irises.
fn trained(settings: &Settings) -> Vec<f64> {
    let (training, validation) = iris().split(0.2, 3).unwrap();
    let model = Mlp::new(&[4, 8, 3], Activation::Tanh).unwrap();
    let mut parameters = model.initialize(3);
    train(&model, &mut parameters, &training, &validation, settings, |_| {}).unwrap();
    parameters
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for clip in [Clip::None, Clip::Value(0.1), Clip::Norm(0.5), Clip::PerSample(0.5)] {
        let with = |threads| bits(&trained(&Settings { epochs: 3, clip, threads, ..Settings::default() }));
        let one = with(1);
        for threads in [2, 3, 8] {
            assert_eq!(with(threads), one, "{clip}, {threads} threads");
        }
    }
}

#[test]
fn another_seed_gives_another_order() {
    let with = |seed| trained(&Settings { epochs: 1, seed, ..Settings::default() });
    assert_eq!(bits(&with(1)), bits(&with(1)));
    assert_ne!(bits(&with(1)), bits(&with(2)));
}

#[test]
fn a_batch_of_any_size_is_the_mean_of_its_samples() {
    for count in [0, 1, 7, 8, 9, 40] {
        let samples: Vec<_> = (0..count).map(f64::from).collect();
        let mut derivative = [0.0];
        let loss = |p: &[f64]| samples.iter().map(|x| (p[0] * x) * (p[0] * x)).sum::<f64>();
        let batch = BatchGradient::new().mean(
            &[3.0],
            &samples,
            None,
            |p, &x| (p[0] * x) * (p[0] * x),
            &mut derivative,
        );
        let share = f64::from(count.max(1));
        assert!((batch.loss - loss(&[3.0]) / share).abs() <= 1e-12 * batch.loss, "{count}");
        let expected = samples.iter().map(|x| 6.0 * x * x).sum::<f64>() / share;
        assert!((derivative[0] - expected).abs() <= 1e-12 * expected, "{count}");
    }
}

#[test]
fn per_sample_clipping_reports_what_it_clipped() {
    let mut derivative = [0.0_f64];
    let batch =
        BatchGradient::new().mean(&[1.0], &[0.5, 2.0, 4.0], Some(1.0), |p, &x| p[0] * x, &mut derivative);
    assert_eq!((batch.clipped, batch.mean_norm), (2, Some(6.5 / 3.0)));
    assert!((derivative[0] - 2.5 / 3.0).abs() < 1e-5, "{derivative:?}");
}

#[test]
fn a_panic_in_a_worker_leaves_the_batch_usable() {
    let mut batches = BatchGradient::new();
    let mut derivative = [0.0];
    let samples: Vec<_> = (0..20).collect();
    let mut run = |fail: bool| {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            batches.mean(
                &[2.0],
                &samples,
                None,
                |p, &i| {
                    assert!(!(fail && i == 13), "on purpose");
                    p[0] * p[0]
                },
                &mut derivative,
            )
        }));
        outcome.map(|_| derivative[0])
    };
    assert_eq!(run(false).unwrap(), 4.0);
    assert!(run(true).is_err());
    assert_eq!(run(false).unwrap(), 4.0);
}

#[test]
fn a_loss_that_is_not_finite_stops_and_keeps_good_parameters() {
    let (training, validation) = iris().split(0.2, 3).unwrap();
    let model = Mlp::new(&[4, 8, 3], Activation::Softplus).unwrap();
    let mut parameters = model.initialize(3);
    let settings = Settings { rate: 1e200, ..Settings::default() };
    let mut steps = 0;
    let count = |event| steps += usize::from(matches!(event, Event::Batch(_)));
    let error = train(&model, &mut parameters, &training, &validation, &settings, count).unwrap_err();
    let Error::NotFinite { epoch, batch, .. } = error else { panic!("{error}") };
    assert_eq!((epoch, batch), (1, steps + 1), "{error}");
    assert!(evaluate(&model, &parameters, &training, Loss::CrossEntropy).unwrap().loss.is_finite());
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let default = Settings::default();
    let cases = [
        (Settings { epochs: 0, ..default.clone() }, "the number of epochs is 0; expected at least 1"),
        (Settings { batch_size: 0, ..default.clone() }, "the batch size is 0; expected at least 1"),
        (Settings { rate: 0.0, ..default.clone() }, "the rate is 0; expected a positive number"),
        (Settings { rate: f64::NAN, ..default.clone() }, "the rate is NaN; expected a positive number"),
        (
            Settings { optimizer: Method::sgd(1.0), ..default.clone() },
            "the momentum is 1; expected 0 or more, and less than 1",
        ),
        (Settings { patience: Some(0), ..default.clone() }, "the patience is 0; expected at least 1"),
        (Settings { l2: -1.0, ..default.clone() }, "the L2 penalty is -1; expected a number of 0 or more"),
        (
            Settings { noise: 1.0, ..default.clone() },
            "the noise is 1; expected 0, or clipping for each sample, as in per-sample:1",
        ),
        (
            Settings { loss: Loss::Huber(0.0), ..default.clone() },
            "the loss is 'huber:0'; expected mse, l1, huber, huber:DELTA with a positive number DELTA, cross-entropy, binary-cross-entropy or hinge",
        ),
        (
            Settings { threads: 5000, ..default.clone() },
            "the number of threads is 5000; expected at most 1024",
        ),
        (
            Settings { clip: Clip::Norm(f64::NAN), ..default },
            "the clip is 'norm:NaN'; expected none, value:C, norm:C, per-sample:C, per-layer:C or adaptive:QUANTILE:C[:RATE] with a positive number C and a quantile between 0 and 1",
        ),
    ];
    for (settings, expected) in cases {
        assert_eq!(settings.check().unwrap_err().to_string(), expected);
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused_by_name() {
    let (training, validation) = iris().split(0.2, 3).unwrap();
    let refused = |sizes: &[usize], count| {
        let model = Mlp::new(sizes, Activation::Tanh).unwrap();
        let mut parameters = vec![0.0; count];
        train(&model, &mut parameters, &training, &validation, &Settings::default(), |_| {})
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(&[4, 3], 14), "parameters of the model: 14 given, 15 expected");
    assert_eq!(
        refused(&[5, 3], 18),
        "features of the data, for the inputs of layer 1 (5 -> 3): 4 given, 5 expected"
    );
    assert_eq!(
        refused(&[4, 2], 10),
        "classes of the data, for the outputs of layer 1 (4 -> 2): 3 given, 2 expected"
    );
    let huge = Mlp::new(&[usize::MAX, 2], Activation::Tanh).unwrap_err().to_string();
    assert!(huge.contains("too many parameters"), "{huge}");
}

#[test]
fn malformed_data_are_refused_by_line_and_column() {
    let cases: [(&[u8], &str); 13] = [
        (b"", "there are no rows; expected numbers and a label in each line"),
        (
            b"a,b,label\n",
            "there are 0 rows of 2 numbers; expected at least one row with a number and a label",
        ),
        (b"1\n2\n", "line 1 has 1 column; expected numbers and a label"),
        (b"1,2,0\n3,0\n", "line 2 has 2 columns; expected 3, as in line 1"),
        (b"a,b,label\n1,2,0\n3,x,1\n", "column 'b' has text, such as 'x' in line 3; expected finite numbers"),
        (
            b"a,b,label\n1,y,0\nz,x,1\n",
            "column 'a' has text, such as 'z' in line 3; column 'b' has text, such as 'y' in line 2; expected finite \
             numbers",
        ),
        (
            b"a;b;label\n1;2,5;0\n3;4;1\n",
            "column 'b' has text, such as '2,5' in line 2 (a decimal comma; expected a decimal point); expected finite \
             numbers",
        ),
        (b"1,2,0\n3,,1\n", "1 row of 2 has missing values: 1 in x2; expected none"),
        (
            b"1,2,0\nnan,?,1\n3,4,NA\n",
            "2 rows of 3 have missing values: 1 in x1, 1 in x2, 1 in label; expected none",
        ),
        (
            b"1,2,0\n3,inf,1\n",
            "column 2 has text, such as 'inf' in line 2 (expected a finite number); expected finite numbers",
        ),
        (b"1,a\n2,\n", "1 row of 2 has missing values: 1 in label; expected none"),
        (
            b"1,\"0\n2,1\n",
            "line 1 has a cell of several lines in column 'x2'; expected one line (is a quotation mark not closed?)",
        ),
        (b"1,0\0\n", "it contains zero bytes, so it is not text; expected comma-separated text"),
    ];
    for (text, expected) in cases {
        let error = parse_csv("here", text).unwrap_err().to_string();
        assert_eq!(error, format!("here: {expected}"), "{}", String::from_utf8_lossy(text));
    }
    let prices: String = (0..30).map(|i| format!("{i},{}.5\n", i * 7)).collect();
    assert_eq!(
        parse_csv("here", prices.as_bytes()).unwrap_err().to_string(),
        "here: the labels of 30 rows are 30 different numbers; expected classes, or a regression"
    );
}

#[test]
fn well_formed_data_may_have_a_header_names_and_odd_line_ends() {
    let plain = parse_csv("here", b"1,2,0\n3,4,1\n").unwrap();
    assert_eq!(
        (plain.features(), plain.classes()),
        (&["x1".into(), "x2".into()][..], &["0".into(), "1".into()][..])
    );
    let named =
        parse_csv("here", b"\xEF\xBB\xBFa, b ,kind\r\n1,2,rose\r\n\r\n3,4,tulip\r\n5,6,rose").unwrap();
    assert_eq!(
        (named.features(), named.classes()),
        (&["a".into(), "b".into()][..], &["rose".into(), "tulip".into()][..])
    );
    let labels: Vec<_> = named.samples().map(|(_, class)| class).collect();
    assert_eq!(labels, [0, 1, 0]);
    assert_eq!(digits().classes().len(), 10);
    assert_eq!(iris().classes(), ["setosa", "versicolor", "virginica"]);
}

#[test]
fn data_that_are_not_there_are_named() {
    assert_eq!(
        named("nope", 1).unwrap_err().to_string(),
        "there is no data set 'nope'; expected digits, iris, moons, circles, spirals, or the path of a CSV file"
    );
    assert!(read_csv("no/such.csv").unwrap_err().to_string().starts_with("cannot read no/such.csv: "));
}

#[test]
fn a_split_is_a_partition() {
    let data = iris();
    let (training, validation) = data.split(0.2, 5).unwrap();
    assert_eq!((training.len(), validation.len()), (120, 30));
    let sorted = |parts: &[&dualtape_nn::data::Dataset]| {
        let mut all: Vec<_> =
            parts.iter().flat_map(|part| part.samples()).map(|(x, y)| (bits(x), y)).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(&[&training, &validation]), sorted(&[&data]));
    for share in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(data.split(share, 5).is_err());
    }
    let one = parse_csv("one", b"1,0\n").unwrap();
    assert_eq!(
        one.split(0.5, 1).unwrap_err().to_string(),
        "one: there is 1 sample; expected at least 2, to train on and to validate"
    );
}

#[test]
fn constant_features_survive_standardising() {
    let data = parse_csv("here", b"1,5,0\n3,5,1\n").unwrap();
    let scaled = Standardizer::fit(&data).apply(&data);
    let inputs: Vec<_> = scaled.samples().flat_map(|(x, _)| x.to_vec()).collect();
    assert_eq!(inputs, [-1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_summary_counts_what_there_is() {
    let model = Mlp::new(&[64, 32, 10], Activation::Tanh).unwrap();
    let summary = model.summary();
    for part in ["64 -> 32", "tanh", "2080", "32 -> 10", "identity", "330", "2410"] {
        assert!(summary.contains(part), "{part} in\n{summary}");
    }
}

#[test]
fn initial_weights_are_the_same_everywhere() {
    let weights: Vec<f64> = Mlp::new(&[2, 1], Activation::Tanh).unwrap().initialize(1);
    assert_eq!(weights.len(), 3);
    // Recorded when the random stream was chosen; a change would silently change the results of all users.
    let recorded = [-0.27581219394196677, -1.1868540996483976, 0.0];
    assert_eq!(bits(&weights), bits(&recorded), "{weights:?}");
}
