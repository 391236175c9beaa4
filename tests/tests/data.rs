//! Data sets: CSV with its label anywhere, generated points, standardising.

use dualtape_nn::Error;
use dualtape_nn::data::{Csv, Dataset, Standardizer, Targets, generate, moons, open};

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
