//! Runs `predict`, `compare`, `check` and `plot-bench` as a user does.

mod common;

use common::{check_png, check_svg, dualtape, fails, houses, said, text};
use std::fs;

#[test]
fn a_classifier_predicts_classes_with_shares_and_compares_them_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["train", "iris", "--quiet"]);
    let output = dualtape(folder.path(), &["predict", "runs/iris", "iris"]);
    let (table, compared) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{compared}");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].join(",").as_str()), (151, "class,setosa,versicolor,virginica"));
    let shares =
        rows[1..].iter().map(|row| row[1..].iter().map(|share| share.parse::<f64>().unwrap()).sum::<f64>());
    assert!(shares.into_iter().all(|sum| (sum - 1.0).abs() < 1e-12));
    let accuracy: f64 =
        compared.strip_prefix("accuracy ").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(accuracy > 95.0 && compared.contains("\nclass       samples  precision"), "{compared}");
    // The table agrees: the first 50 are setosas.
    let right = rows[1..=50].iter().filter(|row| row[0] == "setosa").count();
    assert_eq!(right, 50);

    // Without labels, from one file to another.
    fs::write(folder.path().join("new.csv"), "5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n").unwrap();
    let arguments =
        ["predict", "runs/iris/model.safetensors", "new.csv", "--output", "answers.csv", "--quiet"];
    assert!(said(folder.path(), &arguments).is_empty());
    let answers = fs::read_to_string(folder.path().join("answers.csv")).unwrap();
    let classes: Vec<_> = answers.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(classes, ["setosa", "virginica"]);
}

#[test]
fn a_regression_predicts_in_units_of_its_target() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    said(folder.path(), &["train", "houses.csv", "--regression", "--quiet"]);
    let output = dualtape(folder.path(), &["predict", "runs/houses", "houses.csv"]);
    assert!(text(&output.stderr).contains("\nR² 0.99"), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let first: f64 = table.lines().nth(1).unwrap().parse().unwrap();
    // One room, 40 square metres, new: 30 + 12 + 120.
    assert!(table.starts_with("price\n") && (first - 162.0).abs() < 12.0, "{first}");
}

#[test]
fn predictions_for_other_data_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["train", "iris", "--quiet", "--epochs", "1"]);
    for (name, content) in [
        ("short.csv", "1,2\n3,4\n"),
        ("unknown.csv", "1,2,3,4,setosa\n1,2,3,4,tulip\n"),
        ("swapped.csv", "sepal_width,sepal_length,petal_length,petal_width\n1,2,3,4\n"),
        ("empty.csv", ""),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    for (run, data, expected) in [
        (
            "runs/iris",
            "unknown.csv",
            "line 2 has the unknown label 'tulip'; expected one of setosa, versicolor, virginica",
        ),
        ("runs/iris", "swapped.csv", "swapped.csv: there is no column sepal_length_cm, "),
        (
            "runs/iris",
            "short.csv",
            "short.csv: line 1 has 2 columns; expected 4, the features the model was trained on, or 5, with a label",
        ),
        ("runs/iris", "empty.csv", "empty.csv: there are no rows"),
        ("runs/iris", "nope.csv", "cannot read nope.csv: "),
        ("runs/iris", "moons", "moons: it has 2 features, x, y; expected 4, "),
        ("runs/none", "iris", "cannot read runs/none: "),
        ("runs", "iris", "cannot read runs/model.safetensors: "),
    ] {
        fails(folder.path(), &["predict", run, data], 1, &[expected]);
    }
}

#[test]
fn runs_are_compared_in_a_table_and_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    for (arguments, run) in [
        (&["iris", "--epochs", "5"][..], "a"),
        (&["iris", "--epochs", "9", "--optimizer", "rmsprop"], "b"),
        (&["houses.csv", "--regression", "--epochs", "3"], "c"),
    ] {
        said(folder.path(), &[&["train"], arguments, &["--quiet", "--output", run]].concat());
    }
    let said_of = said(folder.path(), &["compare", "a", "b", "--svg", "--log-axis", "--output", "two.png"]);
    let row = |name: &str| -> Vec<&str> {
        said_of.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect()
    };
    assert_eq!((row("a ")[1], row("b ")[1]), ("5", "9"), "{said_of}");
    assert!(said_of.contains("accuracy") && !said_of.contains("R²"), "{said_of}");
    check_png(&folder.path().join("two.png"));
    check_svg(&folder.path().join("two.svg"), "validation accuracy");
    // The table agrees with the tables of the runs.
    let metrics = fs::read_to_string(folder.path().join("a/metrics.csv")).unwrap();
    let losses = metrics.lines().skip(1).map(|line| line.split(',').nth(5).unwrap().parse::<f64>().unwrap());
    assert_eq!(row("a ")[3], format!("{:.4}", losses.fold(f64::MAX, f64::min)));

    let mixed = said(folder.path(), &["compare", "a", "c"]);
    assert!(mixed.contains("R²") && mixed.contains("accuracy"), "{mixed}");
    check_png(&folder.path().join("compare.png"));

    fs::write(folder.path().join("a/metrics.csv"), "epoch,loss\n1,2\n").unwrap();
    fails(folder.path(), &["compare", "a", "--overwrite"], 1, &["metrics.csv: its columns are not those"]);
    fails(
        folder.path(),
        &["compare", "nothing", "--overwrite"],
        1,
        &["there is no run in nothing; expected the folder of a run, with its report.json"],
    );
    fails(folder.path(), &["compare"], 2, &["required arguments were not provided"]);
}

#[test]
fn gradients_of_models_are_checked_on_data() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["iris"][..],
        &["moons", "--activation", "gelu", "--loss", "hinge"],
        &["iris", "--activation", "relu", "--loss", "binary-cross-entropy", "--parameters", "0"],
        &["digits", "--samples", "2", "--parameters", "40"],
    ] {
        let said = said(folder.path(), &[&["check"], arguments].concat());
        assert!(said.contains("tape and differences") && said.ends_with("the gradient is right\n"), "{said}");
    }
    fails(folder.path(), &["check", "nope"], 1, &["there is no data set 'nope'"]);
}

#[test]
fn measurements_are_drawn_as_bars() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| fs::write(folder.path().join("m.jsonl"), text).unwrap();
    let line = |workload: &str, size: u32, mode: &str, time: f64| {
        format!(
            "{{\"workload\":\"{workload}\",\"size\":{size},\"mode\":\"{mode}\",\"nanoseconds\":{time},\"low\":{},\"high\":{}}}\n",
            time * 0.9,
            time * 1.1
        )
    };
    let all = [("sum", 10, "forward", 90.0), ("sum", 10, "reverse", 150.0), ("sum", 100, "reverse", 1500.0)];
    let text: String =
        all.iter().map(|&(workload, size, mode, time)| line(workload, size, mode, time)).collect();
    write(&text);
    let said_of = said(folder.path(), &["plot-bench", "m.jsonl", "--svg"]);
    assert!(said_of.contains("3 measurements of 1 workloads; wrote m.png and m.svg"), "{said_of}");
    check_png(&folder.path().join("m.png"));
    check_svg(&folder.path().join("m.svg"), "time in ns");
    let about = "{\"machine\":null,\"cores\":2}\n";
    write(&(about.to_owned() + &text + "\n" + &line("dot", 1000, "reverse", 3e6)));
    said(folder.path(), &["plot-bench", "m.jsonl", "--log-axis", "--svg", "--output", "two.png"]);
    check_png(&folder.path().join("two.png"));
    check_svg(&folder.path().join("two.svg"), "time in µs");
    for (text, expected) in [
        ("", "m.jsonl: there is no measurement; expected a JSON object in each line"),
        ("{\"workload\":\"sum\"}\n", "m.jsonl: line 1: it has no \"size\"; expected {\"workload\":"),
        ("{\"workload\":\"sum\",\"size\":[],\"mode\":\"a\"}\n", "line 1: \"size\" is []; expected {"),
        (
            "{\"workload\":\"sum\",\"size\":1,\"mode\":\"a\",\"nanoseconds\":\"x\"}\n",
            "\"nanoseconds\" is \"x\"",
        ),
        ("nonsense\n", "m.jsonl: line 1: it is not a JSON object; expected {"),
    ] {
        write(text);
        fails(folder.path(), &["plot-bench", "m.jsonl", "--overwrite"], 1, &[expected]);
    }
    fails(folder.path(), &["plot-bench", "nowhere.jsonl"], 1, &["cannot read nowhere.jsonl: "]);
}

#[test]
fn a_picture_named_svg_is_an_svg_and_one_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = r#"{"workload":"w","size":1,"mode":"a","nanoseconds":5}"#;
    std::fs::write(folder.path().join("m.jsonl"), line).unwrap();
    said(folder.path(), &["plot-bench", "m.jsonl", "--output", "x.svg"]);
    check_svg(&folder.path().join("x.svg"), "time in ns");
    assert!(!folder.path().join("x.png").exists());
    for command in [["plot-bench", "m.jsonl"], ["compare", "no-run"]] {
        let arguments = [&command[..], &["--output", "x.jpg"]].concat();
        fails(folder.path(), &arguments, 2, &["--output is x.jpg; expected a file ending in .png or .svg"]);
        let arguments = [&command[..], &["--output", "x.svg"]].concat();
        fails(folder.path(), &arguments, 2, &["x.svg exists already; expected --overwrite to replace it"]);
    }
}
