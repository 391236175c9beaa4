//! Files of the user are never overwritten unless requested, and a folder never holds parts of two runs.

mod common;

use common::{dualtape, fails, names, said, text};
use std::fs;

const USAGE: i32 = 2;

#[test]
fn a_second_run_gets_a_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for place in ["a", "b"] {
        fs::create_dir(folder.path().join(place)).unwrap();
        let rows: String = (0..40).map(|i| format!("{i},{},{}\n", place.len() + i, i % 2)).collect();
        fs::write(folder.path().join(place).join("data.csv"), rows).unwrap();
    }
    for (data, run) in
        [("a/data.csv", "runs/data"), ("b/data.csv", "runs/data-2"), ("a/data.csv", "runs/data-3")]
    {
        let said = said(folder.path(), &["train", data, "--epochs", "1"]);
        assert!(said.contains(&format!("into {run}\n")), "{said}");
        let options = fs::read_to_string(folder.path().join(run).join("options.toml")).unwrap();
        assert!(options.contains(data), "{options}");
    }
    // --resume continues the last run.
    let said = said(folder.path(), &["train", "a/data.csv", "--epochs", "3", "--resume"]);
    assert!(said.contains("into runs/data-3"), "{said}");
    assert_eq!(names(&folder.path().join("runs")), ["data", "data-2", "data-3"]);
}

#[test]
fn a_folder_with_a_run_is_refused_with_the_ways_on() {
    let folder = tempfile::tempdir().unwrap();
    let train = ["train", "iris", "--epochs", "2", "--output", "out"];
    said(folder.path(), &train);
    let model = || fs::read(folder.path().join("out/model.safetensors")).unwrap();
    let first = model();
    fails(folder.path(), &train, USAGE, &["out holds a run; expected --resume", "--overwrite", "--output"]);
    assert!(model() == first);
    let other = [&train[..], &["--seed", "2", "--overwrite"]].concat();
    said(folder.path(), &other);
    assert!(model() != first);
}

#[test]
fn files_that_no_run_made_are_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..40).map(|i| format!("{i},{},{}\n", i % 7, i % 2)).collect();
    for name in ["metrics.csv", "mine.csv", "loss.png"] {
        fs::write(folder.path().join(name), &rows).unwrap();
    }
    let unchanged = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap() == rows;
    fails(
        folder.path(),
        &["train", "metrics.csv", "--output", "."],
        USAGE,
        &["metrics.csv would be both read and written"],
    );
    let forced = ["train", "metrics.csv", "--output", ".", "--overwrite"];
    fails(folder.path(), &forced, USAGE, &["metrics.csv would be both read and written"]);
    fails(
        folder.path(),
        &["train", "mine.csv", "--output", "."],
        USAGE,
        &["exists and does not belong to a run"],
    );
    let resumed = ["train", "mine.csv", "--output", ".", "--resume"];
    fails(folder.path(), &resumed, USAGE, &["exists and does not belong to a run"]);
    assert!(unchanged("metrics.csv") && unchanged("loss.png"));

    said(folder.path(), &["train", "mine.csv", "--quiet"]);
    let predict = ["predict", "runs/mine", "mine.csv", "--output", "mine.csv"];
    fails(folder.path(), &predict, USAGE, &["mine.csv exists already; expected --overwrite to replace it"]);
    assert!(unchanged("mine.csv"));
    assert!(dualtape(folder.path(), &[&predict[..], &["--overwrite"]].concat()).status.success());
    assert!(!unchanged("mine.csv"));
}

#[test]
fn a_run_killed_early_leaves_nothing_of_the_run_before() {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["train", "iris", "--epochs", "2", "--output", "out"]);
    let second = [
        "train",
        "digits",
        "--epochs",
        "100000",
        "--checkpoint-every",
        "0",
        "--output",
        "out",
        "--overwrite",
    ];
    let mut child = common::command(folder.path(), &second);
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 100]).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let left = names(&folder.path().join("out"));
    assert!(
        left.iter().all(|name| [".lock", "checkpoint.safetensors", "options.toml"].contains(&name.as_str())
            || name.starts_with(".dualtape-")),
        "{left:?}"
    );
    let unfinished = "the run in out is not finished; 'dualtape train --resume --output out' continues it";
    fails(folder.path(), &["compare", "out"], 1, &[unfinished]);
    fails(folder.path(), &["report", "out"], 1, &[unfinished]);
    fails(folder.path(), &["predict", "out", "iris"], 1, &["cannot read out/model.safetensors"]);
}

#[test]
fn what_a_command_reads_of_a_run_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["train", "iris", "--epochs", "1", "--output", "r", "--quiet"]);
    let model = fs::read(folder.path().join("r/model.safetensors")).unwrap();
    for arguments in [
        &["predict", "r", "iris", "--output", "r/model.safetensors", "--overwrite"][..],
        &["report", "r", "--output", "r/model.safetensors", "--overwrite"],
        &["report", "r", "--output", "r/report.json", "--overwrite"],
    ] {
        fails(
            folder.path(),
            arguments,
            USAGE,
            &["would be both read and written; expected another --output"],
        );
    }
    assert!(fs::read(folder.path().join("r/model.safetensors")).unwrap() == model);
    let nowhere = ["predict", "r", "iris", "--output", "nodir/x.csv"];
    fails(folder.path(), &nowhere, 1, &["cannot write nodir/x.csv: there is no folder nodir\n"]);
}

#[test]
#[cfg(unix)]
fn links_are_followed_and_devices_written_to() {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["train", "iris", "--epochs", "1", "--output", "r", "--quiet"]);
    fs::write(folder.path().join("target.csv"), "old").unwrap();
    std::os::unix::fs::symlink("target.csv", folder.path().join("link.csv")).unwrap();
    let predict = ["predict", "r", "iris", "--quiet", "--output"];
    fails(folder.path(), &[&predict[..], &["link.csv"]].concat(), USAGE, &["link.csv exists already"]);
    said(folder.path(), &[&predict[..], &["link.csv", "--overwrite"]].concat());
    assert!(folder.path().join("link.csv").is_symlink());
    assert!(fs::read_to_string(folder.path().join("target.csv")).unwrap().starts_with("class,"));
    let printed = said(folder.path(), &[&predict[..], &["/dev/stdout"]].concat());
    assert!(printed.starts_with("class,"), "{printed}");
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling.csv")).unwrap();
    fails(
        folder.path(),
        &[&predict[..], &["dangling.csv"]].concat(),
        USAGE,
        &["dangling.csv exists already"],
    );
}

#[test]
fn starts_at_one_moment_get_folders_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let start = |_| {
        let mut child = common::command(folder.path(), &["train", "iris", "--epochs", "1", "--quiet"]);
        child.stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert_eq!(names(&folder.path().join("runs")), ["iris", "iris-2", "iris-3", "iris-4"]);
}

#[test]
fn a_drawing_that_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("graph.svg"), "mine").unwrap();
    let draw = ["graph", "x*y", "--output", "graph.svg"];
    fails(folder.path(), &draw, USAGE, &["graph.svg exists already; expected --overwrite to replace it"]);
    assert_eq!(fs::read_to_string(folder.path().join("graph.svg")).unwrap(), "mine");
    said(folder.path(), &[&draw[..], &["--overwrite"]].concat());
}

#[test]
fn help_has_the_usual_options_on_one_screen_and_all_of_them_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (short, long) =
        (said(folder.path(), &["train", "--help"]), said(folder.path(), &["train", "--help-all"]));
    assert!(short.lines().count() <= 50, "{short}");
    assert!(short.contains("All options: dualtape train --help-all"), "{short}");
    for option in ["--initializer", "--encoding", "--max-rows", "--checkpoint-every"] {
        assert!(long.contains(option) && !short.contains(option), "{option}");
    }
    assert_eq!(short, said(folder.path(), &["train", "-h"]));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = said(folder.path(), &["completions", shell]);
        assert!(script.contains("plot-bench") && script.contains("regression"), "{shell}");
    }
    fails(
        folder.path(),
        &["completions", "csh"],
        USAGE,
        &["invalid value 'csh'", "dualtape completions --help"],
    );
    said(folder.path(), &["man", "man1"]);
    let pages = names(&folder.path().join("man1"));
    assert!(
        pages.contains(&"dualtape.1".to_owned()) && pages.contains(&"dualtape-train.1".to_owned()),
        "{pages:?}"
    );
    let page = fs::read_to_string(folder.path().join("man1/dualtape-train.1")).unwrap();
    assert!(page.contains(".TH dualtape-train") && page.contains("missing"), "{page}");
    fails(folder.path(), &["man", "man1"], USAGE, &["exists already; expected --overwrite"]);
}

#[test]
fn every_end_of_a_training_is_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let last = |arguments: &[&str]| -> serde_json::Value {
        let output = dualtape(folder.path(), arguments);
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap()
    };
    let failed = last(&["train", "nope.csv", "--json"]);
    assert_eq!((&failed["event"], &failed["code"]), (&"failure".into(), &1.into()), "{failed}");
    assert!(failed["message"].as_str().unwrap().starts_with("cannot read nope.csv"), "{failed}");
    let diverged = last(&["train", "digits", "--rate", "1e308", "--json"]);
    assert_eq!((&diverged["event"], &diverged["format"]), (&"failure".into(), &1.into()), "{diverged}");
    let warned = dualtape(
        folder.path(),
        &["train", "iris", "--json", "--schedule", "warmup:2+cosine:3", "--epochs", "9"],
    );
    let warning =
        "the schedule warmup:2+cosine:3 ends after 5 epochs of 9, and the rate rises again after that";
    assert!(text(&warned.stdout).contains(warning), "{}", text(&warned.stdout));
}

#[test]
fn many_epochs_leave_a_summary_unless_each_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let lines = |more: &[&str]| {
        let said = said(folder.path(), &[&["train", "iris", "--epochs", "600"], more].concat());
        said.lines().filter(|line| line.starts_with("epoch ")).count()
    };
    assert_eq!((lines(&[]), lines(&["--verbose"]), lines(&["--quiet"])), (10, 600, 0));
}
