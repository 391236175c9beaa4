//! Files as exported by spreadsheets and other programs are read as intended, or refused with the reason.

mod common;

use common::{check_png, dualtape, fails, houses, said, text};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const FAILED: i32 = 1;
const USAGE: i32 = 2;

/// The last event of a training.
fn end_of(folder: &Path, arguments: &[&str]) -> Value {
    let said = said(folder, &[&["train", "--json"], arguments].concat());
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

/// The first event of a training.
fn start_of(folder: &Path, arguments: &[&str]) -> Value {
    let said = said(folder, &[&["train", "--json", "--epochs", "1"], arguments].concat());
    serde_json::from_str(said.lines().next().unwrap()).unwrap()
}

/// 120 people, separated by semicolons; some ages and cities are missing.
fn people() -> String {
    let person = |i: u32| {
        let age = if i % 9 == 4 { String::new() } else { (18 + i * 37 % 60).to_string() };
        let city = if i % 13 == 5 { "?" } else { ["Oslo", "Paris", "Rome"][(i % 3) as usize] };
        let label = if 18 + i * 37 % 60 > 45 { "yes" } else { "no" };
        format!("person {i};{age};{city};{}.5;{label}\n", i * 7 % 11)
    };
    std::iter::once("name;age;city;income;label\n".to_owned()).chain((0..120).map(person)).collect()
}

#[test]
fn classes_are_the_labels_of_the_file_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    for (labels, classes) in [
        (&["3", "1", "2"][..], &["1", "2", "3"][..]),
        (&["1", "-1"], &["-1", "1"]),
        (&["50", "10"], &["10", "50"]),
        (&["2021", "2020"], &["2020", "2021"]),
        (&["no", "maybe"], &["maybe", "no"]),
    ] {
        let rows: String = (0..60).map(|i| format!("{i},{},{}\n", i % 7, labels[i % labels.len()])).collect();
        fs::write(folder.path().join("data.csv"), rows).unwrap();
        let end = end_of(folder.path(), &["data.csv", "--epochs", "1"]);
        let of_validation = end["validation"]["classes"].as_array().unwrap();
        let names: Vec<&str> = of_validation.iter().map(|class| class["class"].as_str().unwrap()).collect();
        assert_eq!(names, classes);
        // Each class has its share of the validation part.
        let share = 12 / classes.len() as u64;
        assert!(of_validation.iter().all(|class| class["samples"] == share), "{end}");
    }
    fs::write(folder.path().join("data.csv"), "1,5\n2,5\n3,5\n").unwrap();
    fails(folder.path(), &["train", "data.csv"], FAILED, &["there is 1 class, 5; expected at least 2"]);
    let prices: String = (0..50).map(|i| format!("{i},{}.25\n", i * 3)).collect();
    fs::write(folder.path().join("data.csv"), prices).unwrap();
    let expected =
        ["the labels of 50 rows are 50 different numbers; expected classes", "--regression predicts numbers"];
    fails(folder.path(), &["train", "data.csv"], FAILED, &expected);
}

#[test]
fn gaps_and_words_are_refused_by_column_and_learned_from_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("people.csv"), people()).unwrap();
    let train = ["train", "people.csv"];
    fails(
        folder.path(),
        &train,
        FAILED,
        &[
            "column 'name' has text, such as 'person 0' in line 2; column 'city' has text, such as 'Oslo'",
            "--categories NAMES (or all) turns words into features, --drop NAMES leaves columns out",
        ],
    );
    let more = [&train[..], &["--drop", "name", "--categories", "city"]].concat();
    fails(
        folder.path(),
        &more,
        FAILED,
        &["of 120 have missing values: 13 in age, 9 in city", "--missing drop"],
    );
    assert!(!folder.path().join("runs").exists());
    for (missing, rows) in [("drop", 99), ("mean", 120), ("median", 120)] {
        let arguments = ["people.csv", "--drop", "name", "--categories", "city", "--missing", missing];
        let end = end_of(folder.path(), &[&arguments[..], &["--output", missing]].concat());
        let samples = |part: &str| end[part]["samples"].as_u64().unwrap();
        assert_eq!(samples("training") + samples("validation"), rows, "{missing}");
        assert!(end["training"]["accuracy"].as_f64().unwrap() > 0.8, "{missing}: {end}");
    }
    // A column in which most words occur only once is not a category.
    let said = said(folder.path(), &[&train[..], &["--categories", "all", "--missing", "mean"]].concat());
    assert!(said.contains("warning: column 'name' has 120 different words in 120 rows"), "{said}");

    // The model fills gaps in new rows, and knows its categories.
    let new = "city;age\nRome;\nOslo;70\n";
    fs::write(folder.path().join("new.csv"), new).unwrap();
    let predict =
        |run: &str, more: &[&str]| dualtape(folder.path(), &[&["predict", run, "new.csv"], more].concat());
    fails(
        folder.path(),
        &["predict", "mean", "new.csv"],
        FAILED,
        &["there is no column income; expected age, city"],
    );
    fs::write(folder.path().join("new.csv"), "city;income;age\nRome;1;\nOslo;3;70\n").unwrap();
    let answer = predict("mean", &["--quiet"]);
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    assert_eq!(text(&answer.stdout).lines().count(), 3);
    let without = ["predict", "drop", "new.csv"];
    fails(
        folder.path(),
        &without,
        FAILED,
        &["1 row of 2 has missing values: 1 in age; expected none; a model trained"],
    );
    fs::write(folder.path().join("new.csv"), "city;income;age\nRome;1;30\nBonn;3;70\n").unwrap();
    let unknown = ["predict", "mean", "new.csv"];
    fails(
        folder.path(),
        &unknown,
        FAILED,
        &["row 2 has the unknown city 'Bonn'; expected one of Oslo, Paris, Rome"],
    );
    assert!(predict("mean", &["--unknown", "zero"]).status.success());
}

#[test]
fn columns_are_left_out_or_chosen_by_name_or_number() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    for (option, columns, features) in [
        ("--drop", "age", &["rooms", "area"][..]),
        ("--drop", "1,age", &["area"]),
        ("--only", "area,rooms", &["rooms", "area"]),
    ] {
        let start = start_of(folder.path(), &["houses.csv", "--regression", option, columns]);
        assert_eq!(start["features"], Value::from(features), "{option} {columns}");
    }
    for (option, columns, expected) in [
        ("--drop", "price", "the label's column, price, is left out"),
        ("--drop", "rooms,area,age", "no column is left to learn from"),
        ("--only", "size", "there is no column 'size'; expected one of rooms, area, age, price"),
        ("--categories", "size", "there is no column 'size'; expected one of rooms, area, age, price"),
    ] {
        fails(folder.path(), &["train", "houses.csv", "--regression", option, columns], FAILED, &[expected]);
    }
}

#[test]
fn every_encoding_and_separator_gives_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let plain: String = people().replace("name;age", "naïve;age").replace("Oslo", "Tromsø");
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF).chain(plain.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = plain.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let files = [
        ("plain", plain.clone().into_bytes()),
        ("mark", [b"\xEF\xBB\xBF", plain.as_bytes()].concat()),
        ("utf16", utf16),
        ("latin1", latin1),
        ("tabs", plain.replace(';', "\t").into_bytes()),
        ("bars", plain.replace(';', "|").into_bytes()),
        ("commas", plain.replace(';', ",").into_bytes()),
    ];
    let options =
        ["--drop", "naïve", "--categories", "city", "--missing", "mean", "--epochs", "2", "--quiet"];
    let mut models = Vec::new();
    for (name, bytes) in &files {
        fs::write(folder.path().join("people.csv"), bytes).unwrap();
        said(folder.path(), &[&["train", "people.csv", "--output", name], &options[..]].concat());
        models.push(fs::read(folder.path().join(name).join("model.safetensors")).unwrap());
    }
    // Standard input works like a file.
    let arguments = [&["train", "-", "--output", "stdin"], &options[..]].concat();
    let mut child = common::command(folder.path(), &arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(plain.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    models.push(fs::read(folder.path().join("stdin/model.safetensors")).unwrap());
    for (model, name) in models.iter().zip(files.iter().map(|file| file.0).chain(["stdin"])) {
        assert!(*model == models[0], "{name}");
    }
    // What was detected is reported.
    let latin1 = &files[3].1;
    fs::write(folder.path().join("people.csv"), latin1).unwrap();
    let told = said(folder.path(), &[&["train", "people.csv"], &options[..8]].concat());
    for note in [
        "the first line names the columns; semicolons separate cells",
        "the text is not UTF-8; it was read as windows-1252",
        "left out: naïve",
    ] {
        assert!(told.contains(note), "{note}: {told}");
    }
    fails(folder.path(), &["train", "people.csv", "--encoding", "utf-8"], FAILED, &["line 1 is not UTF-8"]);
}

#[test]
fn a_header_of_numbers_is_known_by_its_label_and_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String =
        (0..40).map(|i| format!("{},{},{},{}\n", i, i % 5, i % 3, ["no", "yes"][i % 2])).collect();
    let path = folder.path().join("years.csv");
    for (header, more, samples) in [
        ("2020,2021,2022,label\n", &[][..], 40),
        ("2020,2021,2022,label\n", &["--header", "no"], 41),
        ("", &[], 40),
        ("", &["--header", "yes"], 39),
    ] {
        fs::write(&path, header.to_owned() + &rows).unwrap();
        let start = start_of(folder.path(), &[&["years.csv"], more].concat());
        assert_eq!(start["samples"], samples, "{header:?} {more:?}: {start}");
        let is_named = samples < 41 && start["features"][0] == "2020";
        assert_eq!(is_named, header.len() > 1 && more.is_empty(), "{start}");
        assert!(start["notes"][0].as_str().unwrap().contains("commas separate cells"), "{start}");
    }
    fails(folder.path(), &["train", "years.csv", "--header", "perhaps"], USAGE, &["expected yes or no"]);
}

#[test]
fn predictions_take_columns_by_name_and_stand_beside_them_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    said(folder.path(), &["train", "houses.csv", "--label", "price", "--regression", "--quiet"]);
    let plain = dualtape(folder.path(), &["predict", "runs/houses", "houses.csv"]);
    // The columns in a different order, with one more.
    let swapped: String = houses()
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            let id = if i == 0 { "id".to_owned() } else { format!("h{i}") };
            format!("{},{id},{},{}\n", cells[2], cells[1], cells[0])
        })
        .collect();
    fs::write(folder.path().join("swapped.csv"), swapped).unwrap();
    let by_name = dualtape(folder.path(), &["predict", "runs/houses", "swapped.csv"]);
    assert_eq!(text(&plain.stdout), text(&by_name.stdout));
    assert!(text(&plain.stderr).contains("R² 0.9"), "{}", text(&plain.stderr));
    assert!(text(&by_name.stderr).contains("left out: id") && !text(&by_name.stderr).contains("R²"));
    let kept = dualtape(folder.path(), &["predict", "runs/houses", "houses.csv", "--keep", "--quiet"]);
    let (first, second) = (text(&kept.stdout), houses());
    let mut lines = first.lines().zip(second.lines());
    assert_eq!(lines.next().unwrap().0, "rooms,area,age,price,predicted price");
    assert!(
        lines.all(|(kept, house)| kept.starts_with(&format!("{house},")) && kept.split(',').count() == 5)
    );
}

#[test]
fn a_test_file_is_scored_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let all = houses();
    let lines: Vec<&str> = all.lines().collect();
    fs::write(folder.path().join("houses.csv"), lines[..201].join("\n")).unwrap();
    fs::write(folder.path().join("later.csv"), [&lines[..1], &lines[201..]].concat().join("\n")).unwrap();
    let train = ["houses.csv", "--regression", "--output"];
    let with = end_of(folder.path(), &[&train[..], &["with", "--test", "later.csv"]].concat());
    let without = end_of(folder.path(), &[&train[..], &["without"]].concat());
    assert_eq!(with["test"]["samples"], 100, "{with}");
    assert!(with["test"]["r_squared"].as_f64().unwrap() > 0.9, "{with}");
    assert!(without["test"].is_null());
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("with") == model("without"));
    // --max-rows limits the training file, not the test file, and what was detected is reported.
    let few = ["houses.csv", "--regression", "--output", "few", "--max-rows", "50", "--test", "later.csv"];
    let few = end_of(folder.path(), &few);
    assert_eq!((&few["test"]["samples"], &few["training"]["samples"]), (&100.into(), &40.into()), "{few}");
    let start =
        start_of(folder.path(), &["houses.csv", "--regression", "--output", "told", "--test", "later.csv"]);
    assert!(start["notes"].to_string().contains("later.csv: the first line names the columns"), "{start}");
    let same = ["train", "houses.csv", "--regression", "--test", "./houses.csv"];
    fails(
        folder.path(),
        &same,
        USAGE,
        &["--test is ./houses.csv, which is also the training data; expected a file with other samples"],
    );
    fs::write(folder.path().join("later.csv"), "rooms,area,age\n1,2,3\n").unwrap();
    let bare = ["train", "houses.csv", "--regression", "--test", "later.csv"];
    fails(folder.path(), &bare, FAILED, &["later.csv: there is no label; expected price"]);
}

#[test]
fn a_label_given_by_number_is_found_by_its_name_in_a_test_file_with_another_order() {
    let folder = tempfile::tempdir().unwrap();
    let all = houses();
    let reordered = |lines: &[&str], order: [usize; 4]| -> String {
        let line = |line: &&str| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{}\n", order.map(|place| cells[place]).join(","))
        };
        lines.iter().map(line).collect()
    };
    let lines: Vec<&str> = all.lines().collect();
    let (first, others) = (&lines[..201], [&lines[..1], &lines[201..]].concat());
    let (first_place, last_place) = ([3, 0, 1, 2], [0, 1, 2, 3]);
    fs::write(folder.path().join("houses.csv"), reordered(first, first_place)).unwrap();
    let train =
        ["houses.csv", "--regression", "--label", "1", "--overwrite", "--output", "run", "--test", "new.csv"];
    for (how, test) in [
        ("the same order", reordered(&others, first_place)),
        ("another order", reordered(&others, last_place)),
        ("no header", reordered(&others[1..], first_place)),
        // A column that the model does not use is in the first place.
        ("an identifier", reordered(&others, last_place).replace("rooms", "id,rooms").replace("\n", "\n7,")),
    ] {
        let test = test.trim_end_matches("7,");
        fs::write(folder.path().join("new.csv"), test).unwrap();
        let end = end_of(folder.path(), &train);
        assert!(end["test"]["r_squared"].as_f64().unwrap() > 0.9, "{how}: {end}");
    }
    // A header without that name has no label, whatever is in the first column.
    let other = reordered(&others, last_place).replace("price", "value").replace("rooms", "id,rooms");
    fs::write(folder.path().join("new.csv"), other.replace('\n', "\n7,").trim_end_matches("7,")).unwrap();
    let expected = "new.csv: there is no label; expected price";
    fails(folder.path(), &[&["train"], &train[..]].concat(), FAILED, &[expected]);
}

#[test]
fn gaps_are_filled_by_place_where_the_training_or_the_new_file_has_no_header() {
    let folder = tempfile::tempdir().unwrap();
    let named = houses();
    let bare = named.split_once('\n').unwrap().1.to_owned();
    for (how, old, new) in [
        ("to a file without header", &named, "3,,20\n,90,10\n"),
        ("from a file without header", &bare, "rooms,area,age\n3,,20\n,90,10\n"),
    ] {
        fs::write(folder.path().join("houses.csv"), old).unwrap();
        fs::write(folder.path().join("new.csv"), new).unwrap();
        for (missing, fills) in [("mean", true), ("refuse", false)] {
            let train = ["train", "houses.csv", "--regression", "--quiet", "--overwrite", "--output", "run"];
            said(folder.path(), &[&train[..], &["--missing", missing, "--epochs", "1"]].concat());
            if fills {
                let answer = dualtape(folder.path(), &["predict", "run", "new.csv", "--quiet"]);
                let complaint = text(&answer.stderr);
                assert!(answer.status.success(), "{how}: {complaint}");
                assert_eq!(text(&answer.stdout).lines().count(), 3, "{how}");
            } else {
                let expected = "new.csv: 2 rows of 2 have missing values: 1 in ";
                fails(folder.path(), &["predict", "run", "new.csv"], FAILED, &[expected]);
            }
        }
    }
}

#[test]
fn endless_input_stops_at_the_rows_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["train", "-", "--max-rows", "1000", "--epochs", "1", "--output", "out", "--json"];
    let mut child = common::command(folder.path(), &arguments);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // Write until the program closes its end.
    while input.write_all(b"1,2,0\n3,4,1\n").is_ok() {}
    let said = text(&child.wait_with_output().unwrap().stdout);
    let start: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(start["samples"], 1000, "{start}");
    assert!(start["notes"].to_string().contains("only the first 1000 rows were read"), "{start}");
}

#[test]
#[cfg(target_os = "linux")]
fn reading_takes_little_more_than_the_numbers_that_a_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, columns) = (250_000, 20);
    let row = |i: usize| (0..columns).map(|j| format!("{}.{},", i % 97, (i + j) % 1000)).collect::<String>();
    let text: String = (0..rows).map(|i| row(i) + ["0\n", "1\n"][i % 2]).collect();
    fs::write(folder.path().join("large.csv"), text).unwrap();
    let peak_of = |arguments: &[&str]| -> usize {
        let mut child = common::command(folder.path(), arguments).stdout(Stdio::null()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            let now = fs::read_to_string(&status).unwrap_or_default();
            let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(peak);
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        peak * 1024
    };
    // With a small file, the peak is that of the program itself.
    let itself = peak_of(&["check", "iris", "--samples", "1"]);
    let peak = peak_of(&["check", "large.csv", "--samples", "1"]);
    let numbers = rows * (columns + 1) * 8;
    assert!(peak - itself <= numbers * 3 / 2, "{} bytes for {numbers} of numbers", peak - itself);
}

#[test]
fn figures_stand_beside_what_saying_always_the_same_gives() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String =
        (0..200).map(|i| format!("{},{},{}\n", i % 10, i % 7, u8::from(i % 10 == 3))).collect();
    fs::write(folder.path().join("rare.csv"), rows).unwrap();
    let said_of =
        said(folder.path(), &["train", "rare.csv", "--epochs", "1", "--rate", "1e-6", "--folds", "4"]);
    for part in [
        "(always predicting 0: 90.0 %); balanced ",
        "class  samples  precision  recall     F1",
        "fold 4/4",
        "4 folds:",
    ] {
        assert!(said_of.contains(part), "{part}: {said_of}");
    }
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("runs/rare/report.json")).unwrap())
            .unwrap();
    let validation = &report["validation"];
    assert_eq!(validation["most_frequent"]["share"], 0.9, "{report}");
    let confusion = validation["confusion"].as_array().unwrap();
    let at = |actual: usize, predicted: usize| confusion[actual][predicted].as_u64().unwrap() as f64;
    // Computed from the counts, by definition.
    let recalls = [at(0, 0) / (at(0, 0) + at(0, 1)), at(1, 1) / (at(1, 0) + at(1, 1))];
    assert_eq!(validation["balanced_accuracy"].as_f64().unwrap(), f64::midpoint(recalls[0], recalls[1]));
    assert_eq!(validation["classes"][1]["recall"].as_f64().unwrap(), recalls[1]);
    assert_eq!(report["folds"].as_array().unwrap().len(), 4);
    assert!(report["importance"].as_array().unwrap().len() == 2, "{report}");

    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    let end = end_of(folder.path(), &["houses.csv", "--regression"]);
    let number = |name: &str| end["validation"][name].as_f64().unwrap();
    assert!(number("mean_absolute_error") * 3.0 < number("baseline_mean_absolute_error"), "{end}");
    assert!(number("root_mean_square_error") >= number("mean_absolute_error"), "{end}");
    // The data were made so that the area matters most, then the rooms.
    let important: Vec<&str> =
        end["importance"].as_array().unwrap().iter().map(|one| one["column"].as_str().unwrap()).collect();
    assert_eq!(important[0], "area", "{end}");

    let few: String = (0..30).map(|i| format!("{i},{}\n", if i == 7 { "rare" } else { "usual" })).collect();
    fs::write(folder.path().join("few.csv"), few).unwrap();
    let said_of = said(folder.path(), &["train", "few.csv", "--epochs", "1"]);
    assert!(said_of.contains("warning: fewer than 5 samples to train on are of class rare"), "{said_of}");
    assert!(said_of.contains("warning: no sample to validate on is of class rare"), "{said_of}");
}

#[test]
fn what_is_probably_unintended_is_refused_or_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let rows = |start: &str| {
        let row = |i: u32| format!("{i},{},{},{}\n", i * 7 % 5, ["a", "b"][(i % 2) as usize], i * 3 % 4);
        std::iter::once(start.to_owned()).chain((0..40).map(row)).collect::<String>()
    };
    // The index that pandas writes has no name.
    write("indexed.csv", &rows(",x,word,y\n"));
    let train = ["train", "indexed.csv", "--categories", "word", "--epochs", "1"];
    let said_of = said(folder.path(), &train);
    assert!(said_of.contains("warning: column 'column 1' numbers the rows; use --drop"), "{said_of}");
    let without = said(folder.path(), &[&train[..], &["--drop", "column 1"]].concat());
    assert!(!without.contains("numbers the rows"), "{without}");
    write("constant.csv", &(0..40).map(|i| format!("{},{},2.5\n", i % 7, i % 3)).collect::<String>());
    let constant = said(folder.path(), &["train", "constant.csv", "--regression", "--epochs", "1"]);
    assert!(constant.contains("warning: 'y' is 2.5 in all samples to train on"), "{constant}");

    write(
        "capitals.csv",
        &(0..40).map(|i| format!("{},{}\n", i % 7, ["True", "TRUE"][i % 2])).collect::<String>(),
    );
    let capitals = said(folder.path(), &["train", "capitals.csv", "--epochs", "1"]);
    assert!(
        capitals.contains("warning: the classes TRUE and True differ only in capital letters"),
        "{capitals}"
    );

    let both = ["--drop", "word", "--categories", "word"];
    let expected =
        ["column 'word' is listed among the columns of categories, and left out; expected one of the two"];
    fails(folder.path(), &[&["train", "indexed.csv"], &both[..]].concat(), FAILED, &expected);
    let twice = ["train", "indexed.csv", "--classes", "1,2,1"];
    fails(folder.path(), &twice, USAGE, &["--classes names '1' twice; expected different classes"]);
    for (start, hint) in [
        ("# written on Monday\nn,x,word,y\n", "(comments before the table have to be removed)"),
        ("# on Monday, late\nn,x,word,y\n", "(comments before the table have to be removed)"),
        ("sep=,\nn,x,word,y\n", "(the line that names the separator has to be removed)"),
        ("All measurements\nn,x,word,y\n", "(a title before the table has to be removed)"),
    ] {
        write("headed.csv", &rows(start));
        fails(folder.path(), &["train", "headed.csv"], FAILED, &["headed.csv: ", hint]);
    }
}

#[test]
fn a_report_is_one_page_that_needs_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    said(folder.path(), &["train", "houses.csv", "--regression", "--quiet", "--epochs", "5"]);
    assert_eq!(said(folder.path(), &["report", "runs/houses"]), "wrote runs/houses/report.html\n");
    let page = fs::read_to_string(folder.path().join("runs/houses/report.html")).unwrap();
    let pictures = page.matches("src=\"data:image/png;base64,").count();
    assert!(pictures >= 4, "{pictures} pictures");
    for part in ["<!DOCTYPE html>", "mean absolute error", "Importance of columns", "regression = true"] {
        assert!(page.contains(part), "{part}");
    }
    // Nothing is loaded from elsewhere, and there is no script.
    for part in ["<script", "http://", "https://", "<link", "src=\"/", "url("] {
        assert!(!page.contains(part), "{part}");
    }
    fails(
        folder.path(),
        &["report", "runs/houses"],
        USAGE,
        &["report.html exists already; expected --overwrite"],
    );
    said(folder.path(), &["report", "runs/houses", "--overwrite"]);
    fails(
        folder.path(),
        &["report", "runs"],
        FAILED,
        &["there is no run in runs; expected the folder of a run"],
    );
    check_png(&folder.path().join("runs/houses/loss.png"));
}
