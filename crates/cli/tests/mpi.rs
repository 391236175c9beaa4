//! `dualtape train --distributed`, started with `mpirun`: it writes the same files for any number of processes, and ends in
//! bounded time if a process fails.

#![cfg(feature = "mpi")]

mod common;

use common::{said, text};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Starts this many processes, even more than there are cores, and as any user.
fn mpirun(count: usize, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["-np", &count.to_string(), env!("CARGO_BIN_EXE_dualtape"), "train"]).args(arguments);
    command.args(["--distributed", "--threads", "1"]).current_dir(folder);
    for (name, value) in [
        ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
        ("OMPI_MCA_rmaps_base_oversubscribe", "1"),
        ("OMPI_MCA_hwloc_base_binding_policy", "none"),
        // More processes than processors wait for each other: a process that waits leaves its processor to others.
        ("OMPI_MCA_mpi_yield_when_idle", "1"),
        ("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"),
        ("PRTE_MCA_hwloc_default_binding_policy", "none"),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn started(mut command: Command) -> Child {
    command.spawn().expect("mpirun is installed where the feature mpi is built")
}

fn ran(command: Command) -> Output {
    started(command).wait_with_output().unwrap()
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn alone(folder: &Path, arguments: &[&str]) {
    said(folder, &[&["train"], arguments].concat());
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    std::fs::read(folder.join(run).join("model.safetensors")).unwrap()
}

const DIGITS: [&str; 9] =
    ["digits", "--batch-size", "256", "--clip", "per-sample:1", "--noise", "0.1", "--optimizer", "adam"];

fn digits<'a>(more: &[&'a str]) -> Vec<&'a str> {
    DIGITS.iter().chain(more).copied().collect()
}

/// A file with three classes, missing values and words.
fn write_table(path: &Path) {
    let rows = (0..3000).map(|i| {
        let (angle, color) = (f64::from(i) * 0.37, ["red", "green", "blue"][i as usize % 3]);
        let gap = if i % 50 == 0 { String::new() } else { format!("{:.4}", angle.sin()) };
        format!("{gap},{:.4},{color},{}\n", angle.cos(), ["a", "b", "c"][(i as usize / 2) % 3])
    });
    let text: String = std::iter::once("x,y,color,kind\n".to_owned()).chain(rows).collect();
    std::fs::write(path, text).unwrap();
}

#[test]
fn one_two_three_and_four_processes_write_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    alone(path, &digits(&["--epochs", "3", "--output", "alone"]));
    for count in 1..=4 {
        let run = format!("by-{count}");
        succeeded(&ran(mpirun(count, path, &digits(&["--epochs", "3", "--output", &run]))));
        assert!(model(path, &run) == model(path, "alone"), "{count} processes");
    }
    // Two micro-batches per step add up to the same batch.
    let halves = digits(&["--epochs", "3", "--accumulate", "2", "--output", "halves"]);
    let halves: Vec<&str> = halves.into_iter().map(|word| if word == "256" { "128" } else { word }).collect();
    succeeded(&ran(mpirun(2, path, &halves)));
    assert!(model(path, "halves") == model(path, "alone"));
}

#[test]
fn a_file_read_by_the_first_or_in_parts_by_all_gives_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_table(&path.join("table.csv"));
    let table = |run| {
        let mut all = vec!["table.csv", "--categories", "all", "--missing", "mean", "--epochs", "2"];
        all.extend(["--batch-size", "512", "--output", run]);
        all
    };
    alone(path, &table("alone"));
    for (count, more, run) in [(2, None, "first"), (3, Some("--sharded"), "parts")] {
        let arguments: Vec<&str> = table(run).into_iter().chain(more).collect();
        succeeded(&ran(mpirun(count, path, &arguments)));
        assert!(model(path, run) == model(path, "alone"), "{run}");
    }
}

#[test]
fn a_private_training_has_the_same_noise_whoever_shares_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let private = |run| {
        let mut all = vec!["digits", "--private", "epsilon=8,delta=1e-4,repeatable", "--epochs", "3"];
        all.extend(["--batch-size", "300", "--clip", "adaptive:0.5:1", "--output", run]);
        all
    };
    alone(path, &private("alone"));
    for (count, run) in [(2, "by-2"), (4, "by-4")] {
        succeeded(&ran(mpirun(count, path, &private(run))));
        assert!(model(path, run) == model(path, "alone"), "{count} processes");
    }
    // A key drawn from the system comes from rank 0; otherwise the processes would disagree.
    let secret: Vec<&str> = private("secret")
        .into_iter()
        .map(|word| if word.ends_with("repeatable") { "epsilon=8,delta=1e-4" } else { word })
        .collect();
    succeeded(&ran(mpirun(3, path, &secret)));
    assert!(model(path, "secret") != model(path, "alone"));
}

#[test]
fn what_four_processes_began_two_go_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    alone(path, &digits(&["--epochs", "4", "--output", "alone"]));
    succeeded(&ran(mpirun(4, path, &digits(&["--epochs", "2", "--output", "shared"]))));
    succeeded(&ran(mpirun(2, path, &digits(&["--epochs", "4", "--output", "shared", "--resume"]))));
    assert!(model(path, "shared") == model(path, "alone"));
}

#[test]
fn an_error_is_told_once_and_ends_all_processes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.csv"), "x,y\n1,red\nnone,blue\n").unwrap();
    for (arguments, expected) in [
        (&["missing.csv"][..], "cannot read missing.csv: No such file"),
        (&["missing.csv", "--sharded"], "cannot read missing.csv: process 0: No such file"),
        (&["bad.csv"], "column 'x' has text, such as 'none' in line 3"),
        (&["digits", "--rate", "-1"], "the rate is -1; expected a positive number"),
        (&["nowhere"], "there is no data set 'nowhere'"),
        (&["digits", "--folds", "3"], "--folds and --distributed exclude each other"),
        (&["missing.csv", "--json"], "cannot read missing.csv: No such file"),
    ] {
        let begun = Instant::now();
        let output = ran(mpirun(3, folder.path(), arguments));
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.matches("dualtape: ").count() == 1, "{said}");
        assert!(said.contains(expected), "{said}");
        let events = text(&output.stdout);
        assert!(
            events.is_empty() || events.lines().count() == 1 && events.contains("\"event\":\"failure\""),
            "{events}"
        );
        assert!(begun.elapsed() < Duration::from_secs(20), "{arguments:?} took {:?}", begun.elapsed());
    }
}

/// The processes started by mpirun.
#[cfg(target_os = "linux")]
fn ranks_of(mpirun: &Child) -> Vec<u32> {
    let id = mpirun.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    children.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

#[cfg(target_os = "linux")]
fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap().success());
}

/// Starts a long training with four processes, and waits for its second checkpoint.
#[cfg(target_os = "linux")]
fn long_training(folder: &Path, run: &str) -> Child {
    let more = ["--epochs", "100000", "--checkpoint-every", "0.05", "--output", run];
    let begun = started(mpirun(4, folder, &digits(&more)));
    let checkpoint = folder.join(run).join("checkpoint.safetensors");
    let written = || std::fs::metadata(&checkpoint).and_then(|about| about.modified()).ok();
    let (deadline, mut first) = (Instant::now() + Duration::from_secs(60), None);
    while first.is_none() || written() == first {
        assert!(Instant::now() < deadline, "there was no second checkpoint");
        first = first.or_else(written);
        std::thread::sleep(Duration::from_millis(20));
    }
    begun
}

/// The number of epochs in a checkpoint.
#[cfg(target_os = "linux")]
fn epochs_done(folder: &Path, run: &str) -> usize {
    let note = dualtape_nn::checkpoint_note(folder.join(run).join("checkpoint.safetensors"));
    assert!(note.is_ok_and(|note| note.contains("digits")));
    let bytes = std::fs::read(folder.join(run).join("checkpoint.safetensors")).unwrap();
    let header = String::from_utf8_lossy(&bytes[8..4096.min(bytes.len())]).replace('\\', "");
    let after = header.split_once("\"epoch\":").unwrap().1;
    after.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<usize>().unwrap() - 1
}

#[test]
#[cfg(target_os = "linux")]
fn when_a_process_is_killed_all_end_and_the_checkpoint_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let training = long_training(path, "killed");
    let ranks = ranks_of(&training);
    assert_eq!(ranks.len(), 4);
    signal(ranks[2], "KILL");
    let begun = Instant::now();
    let output = training.wait_with_output().unwrap();
    assert!(!output.status.success() && begun.elapsed() < Duration::from_secs(20));
    let epochs = (epochs_done(path, "killed") + 2).to_string();
    succeeded(&ran(mpirun(2, path, &["digits", "--resume", "--epochs", &epochs, "--output", "killed"])));
    alone(path, &digits(&["--epochs", &epochs, "--output", "alone"]));
    assert!(model(path, "killed") == model(path, "alone"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_request_to_stop_at_any_process_stops_all_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let training = long_training(path, "stopped");
    signal(ranks_of(&training)[3], "TERM");
    let output = training.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert!(!output.status.success() && said.matches("dualtape: ").count() == 1, "{said}");
    let command = "to continue: mpirun -np 4 dualtape train digits --resume --distributed --output stopped";
    assert!(said.contains(command), "{said}");
    let epochs = (epochs_done(path, "stopped") + 2).to_string();
    alone(path, &["digits", "--resume", "--epochs", &epochs, "--output", "stopped"]);
    alone(path, &digits(&["--epochs", &epochs, "--output", "alone"]));
    assert!(model(path, "stopped") == model(path, "alone"));
}
