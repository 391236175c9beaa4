//! Data sets: CSV with the label in any column, generated points, standardisation.

use dualtape_nn::Error;
use dualtape_nn::data::{
    Csv, Dataset, Encoder, Missing, Standardizer, Table, Targets, Unknown, generate, iris, moons, named,
};
use std::io::{Read, Write};

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
    let cases: [(Csv, &str, &str); 10] = [
        (Csv::new().label("c"), "a,b\n1,2\n", "there is no column 'c'; expected one of a, b"),
        (Csv::new().label("c"), "1,2\n", "there is no column 'c'; expected one of 1 to 2, without header"),
        (Csv::new().label("3"), "1,2\n", "there is no column '3'; expected one of 1 to 2, without header"),
        (
            Csv::new().numbers(),
            "1,2\n3,x\n",
            "line 2 has the label 'x' in column 'y'; expected a finite number",
        ),
        (
            Csv::new().classes(&known),
            "1,rose\n2,lily\n",
            "line 2 has the unknown label 'lily'; expected one of rose, tulip",
        ),
        (Csv::new().label("1"), "a,1\n,2\n", "1 row of 2 has missing values: 1 in label; expected none"),
        (Csv::new().only(&["b".into()]), "a,kind\n1,x\n", "there is no column 'b'; expected one of a, kind"),
        (
            Csv::new().without(&["kind".into()]),
            "a,kind\n1,x\n",
            "the label's column, kind, is left out; expected another label, or to keep it",
        ),
        (
            Csv::new().without(&["1".into()]),
            "a,kind\n1,x\n",
            "no column is left to learn from; expected at least one besides the label",
        ),
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
    assert_eq!(named("moons", 1).unwrap().len(), 400);
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

#[test]
fn constant_columns_have_their_value_as_mean_and_deviation_1_in_any_number_of_rows() {
    let beside = |x: f64| f64::from_bits(x.to_bits() + 1);
    let constant = |x: f64| move |_: usize| x;
    for count in [1, 2, 49, 50, 97, 800, 12_345] {
        for x in [1.0, 0.1, -0.3, 1e-300, 1e300, 1.0 / 3.0, -0.0] {
            check_constant(&(0..count).map(constant(x)).collect::<Vec<_>>(), x);
        }
        // Numbers that differ by rounding: 0.1 + 0.2 beside 0.3.
        for x in [0.3, 1e200] {
            let almost: Vec<f64> = (0..count).map(|i| if i % 3 == 0 { beside(x) } else { x }).collect();
            let data = Dataset::unlabelled("", vec!["x".into()], almost).unwrap();
            let scale = Standardizer::fit(&data);
            assert_eq!(scale.deviations(), [1.0], "{count} rows of {x}");
            assert!((scale.means()[0] / x - 1.0).abs() < 1e-15, "{count} rows of {x}");
        }
    }
    // A small deviation that is no rounding error stays one.
    let small = (0..800).map(|i| 1.0 + 1e-12 * f64::from(i % 2)).collect();
    let scale = Standardizer::fit(&Dataset::unlabelled("", vec!["x".into()], small).unwrap());
    assert!((scale.deviations()[0] / 5e-13 - 1.0).abs() < 1e-3, "{scale:?}");
}

#[track_caller]
fn check_constant(values: &[f64], x: f64) {
    let rows = values.len();
    let data = Dataset::unlabelled("", vec!["x".into()], values.to_vec()).unwrap();
    let targets =
        Dataset::regression("", vec!["i".into()], vec!["y".into()], vec![0.5; rows], values.to_vec());
    for scale in [Standardizer::fit(&data), Standardizer::fit_targets(&targets.unwrap()).unwrap()] {
        assert_eq!((scale.means(), scale.deviations()), (&[x][..], &[1.0][..]), "{rows} rows of {x}");
    }
    // The replacement for a missing value is that value as well.
    let text: String = values.iter().map(|x| format!("{x},0\n")).chain(["?,1\n".to_owned()]).collect();
    let table = Csv::new().header(false).parse_table("here", text.as_bytes()).unwrap();
    let encoder = Encoder::fit(&table, &vec![true; rows + 1], Missing::Mean).unwrap();
    assert_eq!(encoder.fill(0).unwrap().parse::<f64>().unwrap(), x, "{rows} rows of {x}");
}

#[test]
fn classes_are_the_different_labels_in_their_order() {
    for (labels, classes, expected) in [
        ("1 2 3 2", &["1", "2", "3"][..], [0, 1, 2, 1]),
        ("1 -1 1 -1", &["-1", "1"], [1, 0, 1, 0]),
        ("50 10 50 10", &["10", "50"], [1, 0, 1, 0]),
        ("2021 2020 2020 2021", &["2020", "2021"], [1, 0, 0, 1]),
        ("9 10 9 10", &["9", "10"], [0, 1, 0, 1]),
        ("1.0 1 0 0.0", &["0", "1"], [1, 1, 0, 0]),
        ("b a c a", &["a", "b", "c"], [1, 0, 2, 0]),
        ("0.5 1 0.5 1", &["0.5", "1"], [0, 1, 0, 1]),
        ("5 5 5 5", &["5"], [0; 4]),
    ] {
        let text: String = labels.split(' ').map(|label| format!("7,{label}\n")).collect();
        let data = Csv::new().header(false).parse("here", text.as_bytes()).unwrap();
        assert_eq!(data.classes(), classes, "{labels}");
        assert_eq!(data.samples().map(|(_, class)| class).collect::<Vec<_>>(), expected, "{labels}");
    }
}

#[test]
fn the_same_table_comes_from_every_encoding_separator_and_from_gzip() {
    let plain = "größe,art\n1.5,Löwenzahn\n2.5,Rose\n3.5,Löwenzahn\n";
    let expected = Csv::new().parse("here", plain.as_bytes()).unwrap();
    let utf16 = |little: bool| -> Vec<u8> {
        let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        std::iter::once(0xFEFF).chain(plain.encode_utf16()).flat_map(unit).collect()
    };
    let latin1: Vec<u8> = plain.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    let with = |separator: &str| plain.replace(',', separator).into_bytes();
    for (how, bytes) in [
        ("UTF-8 with a mark", [b"\xEF\xBB\xBF", plain.as_bytes()].concat()),
        ("UTF-16, little-endian", utf16(true)),
        ("UTF-16, big-endian", utf16(false)),
        ("Latin-1", latin1.clone()),
        ("gzip", gzip.finish().unwrap()),
        ("semicolons", with(";")),
        ("tabs", with("\t")),
        ("bars", with("|")),
        ("Windows line ends", plain.replace('\n', "\r\n").into_bytes()),
    ] {
        assert_eq!(Csv::new().parse("here", &bytes).unwrap(), expected, "{how}");
    }
    assert_eq!(Csv::new().encoding("latin1").unwrap().parse("here", &latin1).unwrap(), expected);
    let unmarked = &utf16(true)[2..];
    let wrong = Csv::new().parse("here", unmarked).unwrap_err().to_string();
    assert!(wrong.contains("looks like UTF-16 (little-endian) without a byte-order mark"), "{wrong}");
    assert_eq!(Csv::new().encoding("utf-16le").unwrap().parse("here", unmarked).unwrap(), expected);
}

#[test]
fn missing_values_are_filled_from_the_training_part_alone() {
    let text = b"a,b,kind\n1,x,0\n2,y,1\n9,y,0\n,?,1\n1000,x,1\n";
    let table = || Csv::new().all_categories().parse_table("here", text).unwrap();
    assert_eq!((table().incomplete_rows(), table().unlabelled_rows()), (1, 0));
    // The last row is for validation, so its 1000 must not count.
    let training = [true, true, true, true, false];
    for (missing, expected) in [(Missing::Mean, 4.0), (Missing::Median, 2.0)] {
        let encoder = Encoder::fit(&table(), &training, missing).unwrap();
        let data = encoder.encode(table(), Unknown::Refuse).unwrap();
        // y is the most frequent category.
        assert_eq!(data.input(3), [expected, 0.0, 1.0], "{missing}");
    }
    let mut dropped = table();
    dropped.drop_incomplete();
    let encoder = Encoder::fit(&dropped, &[true; 4], Missing::Drop).unwrap();
    assert_eq!(encoder.encode(dropped, Unknown::Refuse).unwrap().len(), 4);
    let wrong = encoder.encode(table(), Unknown::Refuse).unwrap_err().to_string();
    assert_eq!(wrong, "here: 1 row of 5 has missing values: 1 in a, 1 in b; expected none");
    let empty = Csv::new().parse_table("here", b"a,kind\n?,0\n?,1\n3,0\n").unwrap();
    let wrong = Encoder::fit(&empty, &[true, true, false], Missing::Mean).unwrap_err().to_string();
    assert_eq!(wrong, "here: column 'a' has no value in the training part; expected some");
}

#[test]
fn a_column_becomes_one_of_categories_once_a_word_is_seen() {
    let csv = Csv::new().all_categories();
    let data = csv.parse("here", b"a,zip,kind\n1,7,0\n2,10,1\n3,north,0\n4,7,1\n").unwrap();
    assert_eq!(data.features(), ["a", "zip=10", "zip=7", "zip=north"]);
    assert_eq!((data.input(0), data.input(1)), (&[1.0, 0.0, 1.0, 0.0][..], &[2.0, 1.0, 0.0, 0.0][..]));
    // A column that is named as categorical contains words from the first cell on.
    let named = Csv::new().categories(&["zip".into()]);
    let data = named.parse("here", b"zip,kind\n01,0\n1,1\n").unwrap();
    assert_eq!(data.features(), ["zip=01", "zip=1"]);
    let many: String = (0..2000).map(|i| format!("w{i},{}\n", i % 2)).collect();
    let wrong = csv.header(false).parse("here", many.as_bytes()).unwrap_err().to_string();
    assert!(wrong.contains("column 'x1' has more than 1000 different words"), "{wrong}");
}

#[test]
fn columns_are_found_by_name_for_a_model_and_by_place_without_names() {
    let table = Csv::new().parse_table("old", b"a,b,kind\n1,2,x\n3,4,y\n").unwrap();
    let encoder = Encoder::fit(&table, &[true; 2], Missing::Refuse).unwrap();
    let csv = Csv::new().classes(&["x".into(), "y".into()]).for_encoder(&encoder, Some("kind"));
    for (text, expected_label) in [
        ("b,id,a\n2,7,1\n4,8,3\n", None),
        ("kind,b,a\nx,2,1\ny,4,3\n", Some(0)),
        ("1,2\n3,4\n", None),
        ("1,2,x\n3,4,y\n", Some(0)),
    ] {
        let data = csv.parse("new", text.as_bytes()).unwrap();
        assert_eq!((data.input(0), data.input(1)), (&[1.0, 2.0][..], &[3.0, 4.0][..]), "{text}");
        assert_eq!(data.label(0), expected_label, "{text}");
    }
    for (text, expected) in [
        ("a,c\n1,2\n", "there is no column b; expected a, b, as in training; it has a, c"),
        (
            "1,2,3,4\n",
            "line 1 has 4 columns; expected 2, the features the model was trained on, or 3, with a label",
        ),
    ] {
        assert_eq!(csv.parse("new", text.as_bytes()).unwrap_err().to_string(), format!("new: {expected}"));
    }
}

#[test]
fn gaps_are_filled_by_place_where_names_differ() {
    let named = Csv::new().parse_table("named", b"a,b,kind\n1,2,x\n3,4,y\n").unwrap();
    let bare = Csv::new().parse_table("bare", b"1,2,x\n3,4,y\n").unwrap();
    for table in [named, bare] {
        let filling = Encoder::fit(&table, &[true; 2], Missing::Mean).unwrap();
        let refusing = Encoder::fit(&table, &[true; 2], Missing::Refuse).unwrap();
        for text in ["a,b,kind\n,4,x\n1,?,y\n", ",4,x\n1,?,y\n"] {
            let read = |encoder: &Encoder| {
                let csv = Csv::new().classes(&["x".into(), "y".into()]).for_encoder(encoder, Some("kind"));
                csv.parse_table("new", text.as_bytes()).unwrap()
            };
            let data = filling.encode(read(&filling), Unknown::Refuse).unwrap();
            assert_eq!((data.input(0), data.input(1)), (&[2.0, 4.0][..], &[1.0, 3.0][..]), "{text}");
            let wrong = refusing.encode(read(&refusing), Unknown::Refuse).unwrap_err().to_string();
            assert!(wrong.starts_with("new: 2 rows of 2 have missing values: 1 in "), "{wrong}");
        }
        // A label is never filled in, whatever the columns are named.
        let csv = Csv::new().classes(&["x".into(), "y".into()]).for_encoder(&filling, Some("kind"));
        let wrong = filling.encode(csv.parse_table("new", b"1,2,x\n3,4,\n").unwrap(), Unknown::Refuse);
        assert!(matches!(wrong, Err(Error::MissingValues { .. })), "{wrong:?}");
    }
}

#[test]
fn names_like_those_of_columns_without_names_are_names_where_a_header_has_them() {
    let table = Csv::new().parse_table("old", b"x1,x2,y\n1,2,a\n3,4,b\n").unwrap();
    let encoder = Encoder::fit(&table, &[true; 2], Missing::Refuse).unwrap();
    let csv = Csv::new().classes(&["a".into(), "b".into()]).for_encoder(&encoder, Some("y"));
    for text in [
        "id,x1,x2\n9,1,2\n8,3,4\n",
        "y,x2,x1\na,2,1\nb,4,3\n",
        "x2,x1\n2,1\n4,3\n",
        "x1,x2,y,z\n1,2,a,0\n3,4,b,0\n",
    ] {
        let data = csv.parse("new", text.as_bytes()).unwrap();
        assert_eq!((data.input(0), data.input(1)), (&[1.0, 2.0][..], &[3.0, 4.0][..]), "{text}");
    }
    assert!(csv.parse("new", b"x3,x4,y\n1,2,a\n").is_err());
    // Another data set with two features is refused.
    let wrong = encoder.encode(moons().into(), Unknown::Refuse).unwrap_err().to_string();
    assert!(wrong.contains("it has 2 features, x, y; expected 2, x1, x2, as in training"), "{wrong}");
}

#[test]
fn a_quotation_mark_that_is_not_closed_is_noticed_in_any_column() {
    let rows =
        |from: u32, to: u32| (from..to).map(|i| format!("{i},{},note {i}\n", i % 2)).collect::<String>();
    let csv = Csv::new().label("label").without(&["note".into()]);
    let header = "a,label,note\n";
    let open = format!("{header}{}9,1,\"open\n{}", rows(0, 20), rows(20, 40));
    let wrong = csv.parse("here", open.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        wrong,
        "here: a quotation mark is not closed, so a cell takes several lines; expected marks in pairs"
    );
    let meant = format!("{header}{}9,1,\"two\nlines\"\n{}", rows(0, 20), rows(20, 40));
    let table = csv.parse_table("here", meant.as_bytes()).unwrap();
    assert_eq!(table.len(), 41);
    let note = "1 row has a cell of several lines, in columns that are not used".to_owned();
    assert!(table.notes().contains(&note), "{:?}", table.notes());
    let wrong = Csv::new().parse("here", b"1,a\r2,b\r3,\"a\r4,b\r").unwrap_err();
    assert!(wrong.to_string().contains("cell of several lines"), "{wrong}");
}

#[test]
fn a_quotation_mark_is_open_only_in_a_cell_that_begins_with_it_and_among_the_rows_that_are_used() {
    let csv = Csv::new().label("label").without(&["note".into()]);
    let header = "a,label,note\n";
    let rows =
        |count: usize, note: &str| (0..count).map(|i| format!("{i},{},{note}\n", i % 2)).collect::<String>();
    let (plain, lines) = (rows(20, "plain"), "8,0,\"two\nlines\"\n");
    let (pipe, open) = ("9,1,12\" pipe\n", "9,1,\"open\n");
    // The reader takes 8 KiB at a time, so it is far ahead of a row at which reading stops.
    let long = rows(3000, "\"two\nlines\"");
    let is_open = |text: &str, most: Option<usize>| {
        let csv = most.map_or(csv.clone(), |most| csv.clone().max_rows(most));
        match csv.parse_table("here", text.as_bytes()) {
            Ok(table) => {
                assert!(table.notes().iter().any(|note| note.contains("of several lines")), "{text}");
                false
            }
            Err(error) => {
                assert!(error.to_string().contains("a quotation mark is not closed"), "{error}");
                true
            }
        }
    };
    for (text, most, expected) in [
        (format!("{header}{plain}{lines}{pipe}{plain}"), None, false),
        (format!("{header}{pipe}{lines}{plain}"), None, false),
        (format!("{header}{plain}{lines}{open}{plain}"), None, true),
        // Two marks that are not closed, in two cells; each ends at the next mark.
        (format!("{header}{open}5,1,\"a\"\n{plain}{open}5,1,\"a\"\n{plain}"), None, true),
        (format!("{header}{long}"), Some(10), false),
        (format!("{header}{long}"), Some(2999), false),
        (format!("{header}{long}{open}{plain}"), Some(2999), false),
        (format!("{header}{long}{open}{plain}"), Some(3000), false),
        (format!("{header}{long}{open}{plain}"), Some(3001), true),
        (format!("{header}{open}5,1,\"a\"\n{long}"), Some(2), true),
        (format!("{header}8,0,\"says \"\"yes\"\"\nand no\"\n{plain}"), None, false),
        (format!("{header}{lines}{plain}").replace('\n', "\r\n"), None, false),
    ] {
        assert_eq!(is_open(&text, most), expected, "{most:?} rows of {}", &text[..text.len().min(300)]);
    }
}

#[test]
fn a_number_is_one_category_and_one_class_however_many_zeros_end_it() {
    let text = b"c,kind\n1,1\n1.0,1.0\n2.50,2\n2.5,2.0\n007,1e0\n7,1\n";
    let data = Csv::new().categories(&["c".into()]).parse("here", text).unwrap();
    assert_eq!(data.features(), ["c=1", "c=2.5", "c=007", "c=7"]);
    assert_eq!(data.classes(), ["1", "1e0", "2"]);
    // The same with a word late in the column; if 007 came before it, it is unclear whether that is a number.
    let all = Csv::new().all_categories();
    let data = all.parse("here", b"c,kind\n1,a\n1.0,b\n2.50,a\nword,b\n2.5,a\n").unwrap();
    assert_eq!(data.features(), ["c=1", "c=2.5", "c=word"]);
    let wrong = all.parse("here", b"c,kind\n007,a\n7,b\nword,b\n").unwrap_err().to_string();
    assert!(
        wrong.contains("column 'c' has words, and numbers such as '007' that may be words as well"),
        "{wrong}"
    );
}

#[test]
fn a_missing_label_is_named_before_parts_are_drawn() {
    let table = Csv::new().parse_table("here", b"a,b,label\n1,2,x\n2,3,y\n3,4,\n4,5,x\n").unwrap();
    let training = table.draw_training(0.5, 1).unwrap();
    let wrong = Encoder::fit(&table, &training, Missing::Refuse).unwrap_err().to_string();
    assert_eq!(wrong, "here: 1 row of 4 has missing values: 1 in label; expected none");
    assert_eq!(table.draw_folds(2, 1).unwrap().len(), 4);
}

#[test]
fn lines_of_blanks_are_passed_over_and_a_last_column_without_name_is_no_label() {
    let data = Csv::new().parse("here", b"a,label\n1,x\n   \n2,y\n").unwrap();
    assert_eq!(data.len(), 2);
    let wrong = Csv::new().parse("here", b"a,label,\n1,x,\n2,y,\n").unwrap_err().to_string();
    assert!(wrong.contains("the last column has no name, so it is hardly the label"), "{wrong}");
}

#[test]
fn endless_input_ends_in_an_error_or_at_the_rows_asked_for() {
    let rows = || -> std::io::Result<Box<dyn Read>> { Ok(Box::new(Endless(b"1,2,0\n3,4,1\n", 0))) };
    assert_eq!(Csv::new().max_rows(1000).table("here", &rows).unwrap().len(), 1000);
    let line = || -> std::io::Result<Box<dyn Read>> { Ok(Box::new(Endless(b"1,2,", 0))) };
    let wrong = Csv::new().table("here", &line).unwrap_err().to_string();
    assert!(wrong.starts_with("here: a line has more than 64 MiB; expected shorter ones"), "{wrong}");
}

/// A reader that repeats the same bytes, continuing where the last read ended.
struct Endless(&'static [u8], usize);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in &mut *buffer {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn a_split_gives_each_class_its_share_and_keeps_the_order() {
    let data = iris();
    for (share, seed) in [(0.2, 1), (0.5, 2), (0.1, 3)] {
        let (training, validation) = data.split(share, seed).unwrap();
        for class in 0..3 {
            let count = |part: &Dataset| part.samples().filter(|sample| sample.1 == class).count();
            assert_eq!(count(&validation), (50.0 * share) as usize, "class {class} of {share}");
            assert_eq!(count(&training) + count(&validation), 50);
        }
        let labels: Vec<usize> = training.samples().map(|sample| sample.1).collect();
        assert!(labels.is_sorted(), "the file is sorted by class, and so are its parts");
    }
    assert_eq!(Table::from(iris()).draw_folds(10, 1).unwrap().len(), 150);
}

/// A data set for classification as it was given: names of features and classes, inputs, labels.
type Given = (&'static [&'static str], &'static [&'static str], Vec<f64>, Vec<usize>);

fn classification((features, classes, inputs, labels): Given) -> Result<Dataset, Error> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Dataset::classification("here", names(features), names(classes), inputs, labels)
}

#[test]
fn classification_keeps_rows_and_class_indices_as_given() {
    let data = classification((&["x", "y"], &["a", "b", "c"], vec![1.0, 2.0, 3.0, 4.0], vec![2, 0])).unwrap();
    assert_eq!((data.len(), data.classes().len()), (2, 3));
    // The second class has no rows, which is no mistake: a part of a data set may be so.
    assert_eq!((data.sample(0), data.sample(1)), ((&[1.0, 2.0][..], 2), (&[3.0, 4.0][..], 0)));
    let one = classification((&["x"], &["only"], vec![-0.0], vec![0])).unwrap();
    assert_eq!((one.input(0)[0].to_bits(), one.label(0)), ((-0.0_f64).to_bits(), Some(0)));
}

#[test]
fn classification_that_does_not_fit_is_refused_by_place() {
    let rows = "expected at least one row with a number and a label";
    let cases: [(Given, String); 10] = [
        ((&["x"], &["a"], vec![], vec![]), format!("there are 0 rows of 1 numbers; {rows}")),
        ((&[], &["a"], vec![], vec![0]), format!("there are 1 rows of 0 numbers; {rows}")),
        ((&["x"], &[], vec![], vec![]), format!("there are 0 rows of 1 numbers; {rows}")),
        ((&["x"], &[], vec![1.0], vec![0]), "there are no classes; expected at least one".to_owned()),
        (
            (&["x"], &["a", "b", "a"], vec![1.0], vec![0]),
            "two classes are named 'a'; expected a different name for each".to_owned(),
        ),
        (
            (&["x"], &["a", "b"], vec![1.0, 2.0], vec![1, usize::MAX]),
            format!("sample 2 has label {}; expected a class from 0 to 1", usize::MAX),
        ),
        (
            (&["x"], &["a"], vec![1.0, 2.0, 3.0], vec![0, 0]),
            "there are 3 numbers; expected 1 for each of 2 rows".to_owned(),
        ),
        (
            (&["x", "y"], &["a"], vec![1.0, 2.0, 3.0], vec![0, 0]),
            "there are 3 numbers; expected 2 for each of 2 rows".to_owned(),
        ),
        (
            (&["x", "y"], &["a"], vec![1.0, 2.0, 3.0, f64::NAN], vec![0, 0]),
            "sample 2, feature 2 is NaN; expected a finite number".to_owned(),
        ),
        (
            (&["x"], &["a"], vec![f64::NEG_INFINITY], vec![0]),
            "sample 1, feature 1 is -inf; expected a finite number".to_owned(),
        ),
    ];
    for (given, expected) in cases {
        let error = classification(given.clone()).unwrap_err().to_string();
        assert_eq!(error, format!("here: {expected}"), "{given:?}");
    }
}
