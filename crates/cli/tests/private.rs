//! `dualtape train --private`: its privacy statement, the budget it spends, and what it refuses.

mod common;

use common::{fails, said};
use serde_json::Value;
use std::path::Path;

fn report(folder: &Path, run: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(run).join("report.json")).unwrap()).unwrap()
}

fn model(folder: &Path, run: &str) -> Vec<u8> {
    std::fs::read(folder.join(run).join("model.safetensors")).unwrap()
}

#[test]
fn a_private_run_states_what_it_spent_how_and_under_which_assumptions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (accountant, named) in [("pld", "privacy loss distributions"), ("rdp", "Rényi")] {
        let private = format!("epsilon=3,delta=1e-4,accountant={accountant}");
        let words =
            said(path, &["train", "moons", "--epochs", "20", "--private", &private, "--output", accountant]);
        assert!(
            words.contains("  ε ") && words.contains("private: ε = ") && words.contains(named),
            "{words}"
        );
        assert!(words.contains("This assumes that:") && words.contains("Not private are:"), "{words}");
        let stated = &report(path, accountant)["privacy"];
        let epsilon = stated["epsilon"].as_f64().unwrap();
        assert!(2.98 < epsilon && epsilon <= 3.0, "{epsilon}");
        assert_eq!((&stated["steps"], &stated["probability"]), (&200.into(), &0.1.into()));
        assert_eq!((&stated["delta"], &stated["clip"]), (&1e-4.into(), &"per-sample:1".into()));
        assert!(stated["noise"].as_f64().unwrap() > 1.0);
        assert!(stated["assumptions"].as_array().unwrap().len() >= 4);
        let metrics = std::fs::read_to_string(path.join(accountant).join("metrics.csv")).unwrap();
        let mut lines = metrics.lines();
        assert!(lines.next().unwrap().ends_with("clipped_share,epsilon,seconds"));
        let spent = |line: &str| line.rsplit(',').nth(1).unwrap().parse::<f64>().unwrap();
        let spent: Vec<f64> = lines.map(spent).collect();
        assert!(spent.len() == 20 && spent.windows(2).all(|two| two[0] < two[1]) && spent[19] == epsilon);
        let page = path.join(accountant).join("report.html");
        said(path, &["report", accountant]);
        assert!(std::fs::read_to_string(page).unwrap().contains("<h2>Privacy</h2>"));
    }
    // `compare` accepts tables with and without the column of ε.
    said(path, &["train", "moons", "--epochs", "2", "--output", "plain"]);
    said(path, &["compare", "plain", "rdp", "pld"]);
    assert!(report(path, "plain").get("privacy").is_none());
}

#[test]
fn noise_of_the_system_differs_from_run_to_run_and_that_of_the_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let train = |private: &str, run: &str| {
        said(path, &["train", "iris", "--epochs", "3", "--private", private, "--output", run])
    };
    for run in ["a", "b"] {
        train("epsilon=5,delta=1e-3", run);
    }
    assert!(model(path, "a") != model(path, "b"));
    for run in ["c", "d"] {
        let said = train("epsilon=5,delta=1e-3,repeatable", run);
        assert!(said.contains("warning: noise and samples are drawn from the seed"), "{said}");
    }
    assert!(model(path, "c") == model(path, "d"));
}

#[test]
fn a_run_that_goes_on_keeps_its_noise_and_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let private = ["--private", "epsilon=2,delta=1e-3,accountant=rdp"];
    let begin = ["train", "iris", "--epochs", "5", "--output", "run"];
    said(path, &[&begin[..], &private].concat());
    let (first, noise) = (report(path, "run"), |report: &Value| report["privacy"]["noise"].clone());
    // The budget was for five epochs; further epochs have nothing left to spend.
    said(path, &["train", "iris", "--resume", "--epochs", "50", "--output", "run"]);
    let then = report(path, "run");
    assert_eq!(noise(&first), noise(&then));
    assert_eq!(first["epochs"], then["epochs"]);
    assert!(then["privacy"]["epsilon"].as_f64().unwrap() <= 2.0);
    // With less noise than the budget requires, the run ends early.
    let noisy = ["train", "iris", "--noise", "1", "--epochs", "500", "--output", "early"];
    let noisy = [&noisy[..], &private].concat();
    let said = said(path, &noisy);
    let early = report(path, "early");
    assert!(early["epochs"].as_u64().unwrap() < 500 && early["privacy"]["epsilon"].as_f64().unwrap() <= 2.0);
    assert!(said.contains("the privacy budget is spent, and training ended after"), "{said}");
    assert!(said.contains("warning: with this noise, the privacy budget ends after"), "{said}");
}

#[test]
fn what_cannot_be_claimed_is_refused_or_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--private", "3"][..], "expected epsilon=E,delta=D"),
        (&["--private", "epsilon=3,delta=2"], "expected epsilon=E,delta=D"),
        (&["--private", "epsilon=3,delta=1e-4", "--folds", "3"], "--private and --folds exclude each other"),
        (
            &["--private", "epsilon=3,delta=1e-4", "--clip", "norm:1"],
            "--private and --clip norm:1 exclude each other",
        ),
        (
            &["--private", "epsilon=3,delta=1e-4,clip=2", "--clip", "per-layer:1"],
            "--private and --clip say different things",
        ),
    ] {
        let all = [&["train", "iris", "--output", "run"], arguments].concat();
        fails(folder.path(), &all, 2, &[expected]);
        assert!(!folder.path().join("run").exists());
    }
    for (arguments, expected) in [
        (
            &["--noise", "1", "--clip", "per-sample:1"][..],
            "warning: noise is added, but batches are shuffled",
        ),
        (
            &["--private", "epsilon=3,delta=0.1"],
            "warning: δ is 1e-1, more than one over the number of samples",
        ),
        (
            &["--private", "epsilon=3,delta=1e-4", "--keep-best", "true"],
            "warning: the validation part determines which epoch",
        ),
        (
            &["--private", "epsilon=3,delta=1e-4", "--standardize", "true"],
            "warning: means and deviations of columns are taken from the training part, without noise",
        ),
        (&["--private", "epsilon=3,delta=1e-4"], "columns are not standardised"),
    ] {
        let all = [&["train", "iris", "--epochs", "2", "--overwrite", "--output", "run"], arguments].concat();
        let said = said(folder.path(), &all);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn small_batches_suit_an_adaptive_norm_if_the_noise_of_the_budget_does() {
    let folder = tempfile::tempdir().unwrap();
    let train = [
        "train",
        "moons",
        "--epochs",
        "2",
        "--clip",
        "adaptive:0.5:1",
        "--batch-size",
        "8",
        "--output",
        "run",
    ];
    // This budget needs noise below a tenth of a batch, the next one does not.
    said(folder.path(), &[&train[..], &["--private", "epsilon=30,delta=1e-3"]].concat());
    let noise = report(folder.path(), "run")["privacy"]["noise"].as_f64().unwrap();
    assert!(0.0 < noise && noise < 0.8, "{noise}");
    let expected = "expected less than a tenth of the samples of a step, as the clip is adaptive";
    let strict = [&train[..9], &["other", "--private", "epsilon=1,delta=1e-3"]].concat();
    fails(folder.path(), &strict, 2, &["the noise is ", expected]);
    assert!(!folder.path().join("other").exists());
}
