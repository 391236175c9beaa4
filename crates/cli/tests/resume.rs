//! A run that was stopped or killed at any moment and then resumed ends with the same bits.

mod common;

use common::{check_png, command, fails, names, said, text};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The results of a run, without the times.
fn results(run: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = fs::read(run.join(&name)).unwrap();
        match name.as_str() {
            "checkpoint.safetensors" => (name, Vec::new()),
            // The last column is the time.
            "metrics.csv" => {
                let lines = text(&bytes)
                    .lines()
                    .map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n")
                    .collect::<String>();
                (name, lines.into_bytes())
            }
            _ => (name, bytes),
        }
    };
    names(run).into_iter().map(read).collect()
}

#[track_caller]
fn check_same(one: &Path, other: &Path) {
    let (one, other) = (results(one), results(other));
    assert_eq!(one.len(), other.len());
    for ((name, bytes), (same, others)) in one.iter().zip(&other) {
        assert_eq!(name, same);
        assert!(bytes == others, "{name} differs");
    }
}

/// Options that use all of a training's state: momentum, a schedule that counts steps, noise, a best epoch.
const RUN: [&str; 19] = [
    "train",
    "digits",
    "--clip",
    "per-sample:1",
    "--noise",
    "0.3",
    "--schedule",
    "one-cycle:0.2:400",
    "--schedule-unit",
    "step",
    "--epochs",
    "8",
    "--hidden",
    "16",
    "--patience",
    "6",
    "--checkpoint-every",
    "0",
    "--svg",
];

/// A random number from the clock: moments close together give numbers far apart.
fn chance() -> u64 {
    let nanos = u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
    nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

#[test]
fn killed_at_any_moments_and_resumed_it_ends_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let whole = [&RUN[..], &["--output", "whole"]].concat();
    let started = SystemTime::now();
    said(folder.path(), &whole);
    let duration = started.elapsed().unwrap();

    let resumed = [&RUN[..], &["--output", "killed", "--resume"]].concat();
    let (mut moments, mut hits) = (Vec::new(), 0);
    for _ in 0..12 {
        let micros = chance() % (duration.as_micros() as u64 / 3).max(1);
        moments.push(micros);
        let mut child = command(folder.path(), &resumed).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(micros));
        hits += usize::from(child.try_wait().unwrap().is_none());
        // SIGKILL, where there are signals.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(hits >= 3, "of the moments {moments:?}, only {hits} were before the end at {duration:?}");
    let last = said(folder.path(), &resumed);
    assert!(last.contains("continuing from epoch"), "{moments:?}: {last}");
    check_same(&folder.path().join("whole"), &folder.path().join("killed"));
}

#[test]
fn killed_while_results_are_written_they_are_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["train", "moons", "--epochs", "4"];
    said(folder.path(), &[&options[..], &["--output", "whole"]].concat());
    let killed = folder.path().join("killed");
    let arguments = [&options[..], &["--output", "killed", "--resume"]].concat();
    said(folder.path(), &arguments);
    // As if an earlier process had been killed, leaving a half-written picture.
    for name in ["model.safetensors", "loss.png", "metrics.csv"] {
        fs::remove_file(killed.join(name)).unwrap();
    }
    fs::write(killed.join(".dualtape-half.tmp"), b"half").unwrap();
    said(folder.path(), &arguments);
    check_same(&folder.path().join("whole"), &killed);
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_a_checkpoint_and_says_how_to_go_on() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let options = ["train", "digits", "--epochs", "60", "--hidden", "24", "--log-axis"];
        said(folder.path(), &[&options[..], &["--output", "whole run", "--quiet"]].concat());

        let arguments = [&options[..], &["--output", "stopped run"]].concat();
        let mut child =
            command(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 400]).unwrap();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{complaint}");
        assert!(
            complaint.starts_with("dualtape: stopped in epoch ") && complaint.lines().count() == 1,
            "{complaint}"
        );
        assert!(
            !folder.path().join("stopped run/model.safetensors").exists(),
            "the run ended before it was stopped"
        );
        let (_, resume) = complaint.trim().split_once("to continue: dualtape ").unwrap();
        assert_eq!(resume, "train digits --resume --output 'stopped run' --log-axis");

        // The line is copied into a shell, as a user would do.
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path()).args([
            "-c",
            &format!("\"$0\" {resume}"),
            env!("CARGO_BIN_EXE_dualtape"),
        ]);
        assert!(shell.output().unwrap().status.success());
        check_same(&folder.path().join("whole run"), &folder.path().join("stopped run"));
        check_png(&folder.path().join("stopped run/loss.png"));
    }
}

#[test]
fn a_run_goes_on_with_its_own_options_and_for_longer_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let start = ["train", "iris", "--hidden", "5", "--rate", "0.02", "--l2", "1e-4"];
    said(folder.path(), &[&start[..], &["--epochs", "9", "--output", "whole"]].concat());
    said(folder.path(), &[&start[..], &["--epochs", "4", "--output", "parts"]].concat());
    // The options, and even the data, are those that the run began with.
    said(folder.path(), &["train", "--resume", "--epochs", "9", "--output", "parts", "--threads", "1"]);
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("whole") == model("parts"));

    let resume = ["train", "iris", "--resume", "--output", "parts"];
    for (more, expected) in [
        (["--rate", "0.5"], "the run in parts began with rate 0.02, now it is 0.5; expected the same"),
        (["--hidden", "6"], "the run in parts began with hidden [5], now it is [6]; expected the same"),
        (["--seed", "8"], "the run in parts began with seed 1, now it is 8; expected the same"),
        (
            ["--initializer", "zeros"],
            "the run in parts began with initializer not given, now it is \"zeros\"; expected",
        ),
        (
            ["--epochs", "5"],
            "the number of epochs is 5, but parts/checkpoint.safetensors has 9; expected at least",
        ),
    ] {
        fails(folder.path(), &[&resume[..], &more].concat(), 2, &[expected]);
    }
    assert!(model("whole") == model("parts"));
}

#[test]
fn data_that_changed_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("points.csv");
    let rows =
        |shift: usize| (0..40).map(|i| format!("{},{},{}\n", i % 7, i + shift, i % 2)).collect::<String>();
    fs::write(&csv, rows(0)).unwrap();
    said(folder.path(), &["train", "points.csv", "--epochs", "2"]);
    fs::write(&csv, rows(1) + "1,2,0\n").unwrap();
    fails(folder.path(), &["train", "points.csv", "--resume"], 1, &["data; expected the same data"]);
}
