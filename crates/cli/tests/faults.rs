//! Every error ends with one clear line and an exit code, and loses nothing.

mod common;

use common::{command, dualtape, fails, names, said, text};
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// Usage errors: 2.
const USAGE: i32 = 2;
/// All other errors: 1.
const FAILED: i32 = 1;

#[test]
fn wrong_data_and_options_are_named_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("ragged.csv", "a,b,label\n1,2,0\n1,0\n"),
        ("word.csv", "1,2,0\n1,x,0\n"),
        ("label.csv", "1,2,0\n1,2,7\n3,4,0\n"),
        ("gaps.csv", "a,b,label\n1,,0\n?,2,1\n"),
        ("empty.csv", ""),
        ("header.csv", "a,b,label\n"),
        ("one.csv", "1,2,0\n"),
        ("same.csv", "1,2,0\n3,4,0\n5,6,0\n"),
        ("blocked", "a file where a folder should be"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    fs::write(folder.path().join("binary.csv"), [0xff, 0xfe, 0x00, 0x80]).unwrap();
    let before = names(folder.path());
    let huge = "18446744073709551615";
    let cases: &[(&[&str], i32, &str)] = &[
        (
            &["nope"],
            FAILED,
            "there is no data set 'nope'; expected digits, iris, moons, circles, spirals, or the path",
        ),
        (&["nope.csv"], FAILED, "cannot read nope.csv: "),
        (&["."], FAILED, "cannot read .: "),
        (&["ragged.csv"], FAILED, "ragged.csv: line 3 has 2 columns; expected 3, as in line 1"),
        (
            &["word.csv"],
            FAILED,
            "word.csv: column 2 has text, such as 'x' in line 2; expected finite numbers; --categories NAMES",
        ),
        (
            &["gaps.csv"],
            FAILED,
            "2 rows of 2 have missing values: 1 in a, 1 in b; expected none; --missing drop",
        ),
        (&["empty.csv"], FAILED, "empty.csv: there are no rows; expected numbers and a label"),
        (
            &["header.csv"],
            FAILED,
            "header.csv: there are no samples; expected at least 2, to train on and to validate",
        ),
        (&["one.csv"], FAILED, "one.csv: there is 1 "),
        (&["same.csv"], FAILED, "same.csv: there is 1 class, 0; expected at least 2 (--regression"),
        (&["binary.csv"], FAILED, "binary.csv: line 1 has 1 column; expected numbers and a label"),
        (
            &["label.csv", "--label", "price"],
            FAILED,
            "there is no column 'price'; expected one of 1 to 3, without header",
        ),
        (
            &["label.csv", "--classes", "0,1"],
            FAILED,
            "line 2 has the unknown label '7'; expected one of 0, 1",
        ),
        (&["digits", "--output", "blocked/out"], FAILED, "cannot write blocked/out: "),
        (
            &["digits", "--hidden", "3000000000,3000000000"],
            FAILED,
            "has too many parameters; expected at most 268435456",
        ),
        (&["digits", "--hidden", huge], USAGE, "expected whole numbers of at least 1, separated by commas"),
        (&[], USAGE, "there is no DATA; expected the name of a data set or the path of a CSV file"),
        (
            &["digits", "--label", "3"],
            USAGE,
            "--label is for CSV files; digits is a built-in data set with its own classes",
        ),
        (
            &["label.csv", "--regression", "--loss", "hinge"],
            USAGE,
            "the loss hinge is for classes; expected mse",
        ),
        (
            &["label.csv", "--regression", "--classes", "a"],
            USAGE,
            "--classes and --regression exclude each other",
        ),
        (&["digits", "--epochs", "0"], USAGE, "the number of epochs is 0; expected at least 1"),
        (&["digits", "--batch", "0"], USAGE, "the batch size is 0; expected at least 1"),
        (&["digits", "--patience", "0"], USAGE, "the patience is 0; expected at least 1"),
        (&["digits", "--threads", "5000"], USAGE, "the number of threads is 5000; expected at most 1024"),
        (&["digits", "--rate", "-1"], USAGE, "the rate is -1; expected a positive number"),
        (&["digits", "--rate", "nan"], USAGE, "the rate is NaN; expected a positive number"),
        (&["digits", "--noise", "1"], USAGE, "the noise is 1; expected 0, or clipping for each sample"),
        (&["digits", "--momentum", "1"], USAGE, "the momentum is 1; expected 0 or more, and less than 1"),
        (&["digits", "--optimizer", "adam", "--momentum", "0.5"], USAGE, "--momentum is for sgd and rmsprop"),
        (
            &["digits", "--clip", "norm:nan"],
            USAGE,
            "expected none, value:C, norm:C, per-sample:C, per-layer:C or adaptive",
        ),
        (&["digits", "--schedule", "step:0:1"], USAGE, "expected constant, step:SIZE:GAMMA"),
        (&["digits", "--optimizer", "adam:beta3=1"], USAGE, "expected sgd, adam, adamw or rmsprop"),
        (&["digits", "--hidden", "8,0"], USAGE, "expected whole numbers of at least 1, separated by commas"),
        (
            &["digits", "--epochs", "many"],
            USAGE,
            "invalid value 'many' for '--epochs <N>': expected a whole number",
        ),
        (&["digits", "--epochs", huge], USAGE, "expected a whole number from 0 to 9223372036854775807"),
        (
            &["digits", "--validation", "1"],
            USAGE,
            "the validation share is 1; expected a number between 0 and 1",
        ),
        (
            &["digits", "--checkpoint-every", "-1"],
            USAGE,
            "--checkpoint-every is -1; expected 0 or more seconds",
        ),
        (&["digits", "--xyz", "9"], USAGE, "unexpected argument '--xyz' found; see 'dualtape train --help'"),
        (
            &["digits", "--eopchs", "9"],
            USAGE,
            "a similar argument exists: '--epochs'; see 'dualtape train --help'",
        ),
        (&["didgits"], FAILED, "did you mean digits?"),
        (
            &["digits", "--seed", "-1"],
            USAGE,
            "invalid value '-1' for '--seed <N>': expected a whole number from 0",
        ),
        (&["digits", "--missing", "zero"], USAGE, "expected refuse, drop, mean or median"),
        (&["digits", "--missing", "mean"], USAGE, "--missing is for CSV files"),
        (&["label.csv", "--max-rows", "0"], USAGE, "expected a whole number of at least 1"),
        (&["label.csv", "--folds", "1"], USAGE, "--folds is 1; expected at least 2"),
        (
            &["label.csv", "--folds", "9"],
            USAGE,
            "the number of folds is 9; expected at least 2, and at most the number",
        ),
        (&["label.csv", "--drop", "1", "--only", "2"], USAGE, "cannot be used with"),
        (
            &["label.csv", "--delimiter", "x"],
            USAGE,
            "expected comma, semicolon, tab, bar, space, or a single character",
        ),
        (
            &["label.csv", "--encoding", "klingon"],
            USAGE,
            "the encoding is 'klingon'; expected a name such as utf-8",
        ),
        (&["label.csv", "--test", "nope.csv"], FAILED, "cannot read nope.csv: "),
        (&["digits", "--resume", "--overwrite"], USAGE, "cannot be used with"),
        (&["digits", "--quiet", "--json"], USAGE, "'--quiet' cannot be used with '--json'"),
    ];
    for &(arguments, code, expected) in cases {
        fails(folder.path(), &[&["train"], arguments].concat(), code, &[expected]);
        assert_eq!(names(folder.path()), before, "{arguments:?}");
    }
}

/// The files of a run, except for the lock.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| (name.clone(), fs::read(folder.join(name)).unwrap());
    names(folder).into_iter().map(read).collect()
}

#[test]
#[cfg(unix)]
fn where_files_cannot_grow_the_old_ones_stay_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["train", "iris", "--epochs", "3", "--output", "out", "--overwrite"];
    let out = folder.path().join("out");
    for (blocks, old_stays) in [(0, true), (4, true), (16, false)] {
        said(folder.path(), &arguments);
        let before = contents(&out);
        // This acts like a full disk: no file may have more than this many blocks.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(folder.path()).args(["-c", &script, "sh", env!("CARGO_BIN_EXE_dualtape")]);
        let output = shell.args(arguments).args(["--seed", "2", "--quiet"]).output().unwrap();
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(FAILED), "{complaint}");
        assert!(complaint.starts_with("dualtape: cannot write out/"), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        let after = contents(&out);
        if old_stays {
            assert!(
                before == after,
                "with {blocks} blocks not even a checkpoint fits, so the earlier run stays intact"
            );
            continue;
        }
        // All files belong to the new run, are intact, and the run can be resumed from them.
        for file in &after {
            assert!(!before.contains(file) || file.0 == ".lock", "{} is of the earlier run", file.0);
        }
        assert!(!out.join("report.json").exists());
        fails(folder.path(), &["report", "out"], FAILED, &["the run in out is not finished"]);
        said(folder.path(), &["train", "iris", "--epochs", "3", "--output", "out", "--resume"]);
        assert!(out.join("report.json").exists());
    }
}

#[test]
fn two_runs_do_not_write_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = command(folder.path(), &["train", "digits", "--epochs", "100000", "--output", "out"]);
    let mut first = first.stdout(Stdio::piped()).spawn().unwrap();
    // It has printed something, so it has locked the folder.
    std::io::Read::read_exact(first.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    fails(
        folder.path(),
        &["train", "digits", "--output", "out"],
        USAGE,
        &[
            "out holds a run; expected --resume to continue it, --overwrite to replace it, or another --output",
        ],
    );
    for more in ["--overwrite", "--resume"] {
        let arguments = ["train", "digits", "--output", "out", more];
        fails(
            folder.path(),
            &arguments,
            FAILED,
            &["another run is writing out; wait for it, or choose another folder"],
        );
    }
    first.kill().unwrap();
    first.wait().unwrap();
    said(folder.path(), &["train", "digits", "--epochs", "1", "--output", "out", "--overwrite"]);
}

#[test]
fn a_pipe_that_was_closed_is_no_panic_and_the_run_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["train", "iris", "--epochs", "20"][..], "cannot write to standard output: "),
        (&["predict", "runs/iris", "iris"], "cannot write to standard output: "),
        (&["compare", "runs/iris"], "cannot write to standard output: "),
        (&["graph", "x*y"], "cannot write to standard output: "),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(folder.path(), arguments).stdout(writer).output().unwrap();
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(FAILED), "{arguments:?}: {complaint}");
        assert!(complaint.contains(expected) && complaint.lines().count() == 1, "{arguments:?}: {complaint}");
    }
    assert!(folder.path().join("runs/iris/model.safetensors").exists());
    assert!(folder.path().join("runs/iris/confusion.png").exists());
    assert!(folder.path().join("compare.png").exists());
}

#[test]
fn a_damaged_model_or_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["train", "iris", "--epochs", "2"]);
    let run = folder.path().join("runs/iris");
    let resume: &[&str] = &["train", "iris", "--resume"];
    let cases: [(&str, &[&str]); 2] =
        [("model.safetensors", &["predict", "runs/iris", "iris"]), ("checkpoint.safetensors", resume)];
    for (name, arguments) in cases {
        let good = fs::read(run.join(name)).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bad in [&good[..good.len() / 2], &flipped, b""] {
            fs::write(run.join(name), bad).unwrap();
            fails(folder.path(), arguments, FAILED, &[name, "cannot be used: "]);
        }
        fs::write(run.join(name), good).unwrap();
    }
    assert!(dualtape(folder.path(), resume).status.success());
}
