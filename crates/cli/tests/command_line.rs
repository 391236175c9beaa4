//! The program, run as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in a folder.
fn dualtape(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dualtape")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn digits_train_to_a_picture_a_table_and_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let output = dualtape(folder.path(), &["train", "digits", "--epochs", "3"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert!(said.contains("1438 to train on, 359 to validate"), "{said}");
    assert!(said.contains("64 -> 32") && said.contains("2410"), "{said}");
    // One line an epoch, since nobody watches on a terminal.
    assert_eq!(said.lines().filter(|line| line.starts_with("epoch ")).count(), 3, "{said}");

    let run = folder.path().join("runs/digits");
    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 4, "{metrics}");
    let accuracy: f64 = metrics.lines().last().unwrap().split(',').nth(4).unwrap().parse().unwrap();
    assert!(accuracy > 0.93, "{metrics}");
    assert_eq!(&fs::read(run.join("loss.png")).unwrap()[1..4], b"PNG");
    assert!(fs::read(run.join("model.safetensors")).unwrap().len() > 2410 * 8);
    assert_eq!(fs::read_dir(run).unwrap().count(), 3);
}

#[test]
fn a_csv_file_trains_into_a_folder_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..40).map(|i| format!("{},{},{}\n", i % 7, i, if i < 20 { "low" } else { "high" }));
    fs::write(folder.path().join("points.csv"), rows.collect::<String>()).unwrap();
    let output = dualtape(folder.path(), &["train", "points.csv", "--hidden", "none", "--epochs", "2"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(folder.path().join("runs/points/loss.png").exists());
}

#[test]
fn the_same_seed_gives_the_same_parameters_for_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = |threads: &str, clip: &str| {
        let arguments =
            ["train", "iris", "--epochs", "2", "--threads", threads, "--clip", clip, "--output", "out"];
        assert!(dualtape(folder.path(), &arguments).status.success());
        fs::read(folder.path().join("out/model.safetensors")).unwrap()
    };
    for clip in ["none", "per-sample:0.5"] {
        assert_eq!(parameters("1", clip), parameters("3", clip));
    }
}

#[test]
fn bad_input_ends_with_one_clear_line_code_2_and_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("ragged.csv", "a,b,label\n1,2,0\n1,0\n"),
        ("word.csv", "1,2,0\n1,x,0\n"),
        ("label.csv", "1,2,0\n1,2,7\n"),
        ("empty.csv", ""),
        ("one.csv", "1,2,0\n"),
        ("blocked", "a file where a folder should be"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let before = fs::read_dir(folder.path()).unwrap().count();
    let cases: [(&[&str], &str); 20] = [
        (
            &["nope"],
            "there is no data set 'nope'; expected digits, iris, moons, circles, spirals, or the path of a CSV file",
        ),
        (&["nope.csv"], "cannot read nope.csv: "),
        (&["ragged.csv"], "ragged.csv: line 3 has 2 columns; expected 3, as in line 1"),
        (&["word.csv"], "word.csv: line 2, column 2 is 'x'; expected a finite number"),
        (&["label.csv"], "label.csv: line 2 has label 7, out of range; expected a class from 0 to 1"),
        (&["empty.csv"], "empty.csv: there are no rows; expected numbers and a label"),
        (&["one.csv"], "one.csv: there is 1 sample; expected at least 2"),
        (&["digits", "--epochs", "0"], "the number of epochs is 0; expected at least 1"),
        (&["digits", "--batch", "0"], "the batch size is 0; expected at least 1"),
        (&["digits", "--rate", "0"], "the rate is 0; expected a positive number"),
        (&["digits", "--rate", "-1"], "the rate is -1; expected a positive number"),
        (&["digits", "--rate", "nan"], "the rate is NaN; expected a positive number"),
        (&["digits", "--momentum", "1"], "the momentum is 1; expected 0 or more, and less than 1"),
        (&["digits", "--clip", "norm:nan"], "expected none, value:C, norm:C or per-sample:C"),
        (&["digits", "--clip", "value:0"], "expected none, value:C, norm:C or per-sample:C"),
        (&["digits", "--hidden", "8,0"], "expected whole numbers of at least 1, separated by commas"),
        (&["digits", "--epochs", "many"], "invalid value 'many' for '--epochs <N>': expected a whole number"),
        (&["digits", "--validation", "1"], "the validation share is 1; expected a number between 0 and 1"),
        (&["digits", "--output", "blocked/out"], "cannot write blocked/out: "),
        (&["digits", "--speed", "9"], "unexpected argument '--speed'"),
    ];
    for (arguments, expected) in cases {
        let output = dualtape(folder.path(), &[&["train"], arguments].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), before, "{arguments:?}");
    }
}

#[test]
fn a_loss_that_is_not_finite_names_epoch_and_batch_and_keeps_the_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let output = dualtape(folder.path(), &["train", "digits", "--rate", "1e308", "--output", "out"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("in epoch 1, batch 2; training stopped before that step"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(folder.path().join("out/model.safetensors").exists());
}

#[test]
fn help_reads_well_and_without_colours_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--help"][..], "Commands:"),
        (&["train", "--help"], "dualtape train iris --hidden 8 --epochs 50"),
        (&["--version"], "dualtape 0."),
    ] {
        let output = dualtape(folder.path(), arguments);
        let said = text(&output.stdout);
        assert!(output.status.success() && said.contains(expected), "{said}");
        assert!(!said.contains('\x1b') && said.lines().all(|line| line.chars().count() <= 100), "{said}");
    }
    let bare = dualtape(folder.path(), &[]);
    assert_eq!(bare.status.code(), Some(2));
    assert!(text(&bare.stderr).contains("Usage: dualtape <COMMAND>"));
}
