//! Runs `dualtape train` as a user does: results, pictures, options, and output.

mod common;

use common::{check_png, check_svg, dualtape, fails, houses, names, said, text};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The last printed object, and the number of objects before it.
fn last_object(said: &str) -> (Value, usize) {
    let objects: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (objects.last().unwrap().clone(), objects.len() - 1)
}

#[test]
fn the_data_sets_are_learned_with_several_seeds() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, least) in
        [(&["moons"][..], 0.97), (&["digits", "--clip", "per-sample:1.0"], 0.95), (&["iris"], 0.93)]
    {
        for seed in ["1", "2", "3", "4", "5"] {
            let all = [&["train"], arguments, &["--json", "--seed", seed]].concat();
            let (end, _) = last_object(&said(folder.path(), &all));
            let accuracy = end["validation"]["accuracy"].as_f64().unwrap();
            assert!(accuracy >= least, "{arguments:?}, seed {seed}: {accuracy}");
        }
    }
}

#[test]
fn moons_leave_a_model_a_table_options_a_checkpoint_and_every_picture_that_applies() {
    let folder = tempfile::tempdir().unwrap();
    let said = said(folder.path(), &["train", "moons", "--epochs", "3", "--svg", "--clip", "norm:0.5"]);
    assert!(said.contains("320 to train on, 80 to validate") && said.contains("354"), "{said}");
    // One line per epoch, since there are few epochs and there is no terminal.
    assert_eq!(said.lines().filter(|line| line.starts_with("epoch ")).count(), 3, "{said}");
    assert!(
        said.contains("wrote model.safetensors, metrics.csv, report.json and loss.png, loss.svg"),
        "{said}"
    );
    let run = folder.path().join("runs/moons");
    let expected = "\
        .lock boundary.png boundary.svg checkpoint.safetensors confusion.png confusion.svg gradients.png gradients.svg \
        importance.png importance.svg loss.png loss.svg metrics.csv model.safetensors norms.png norms.svg options.toml \
        report.json";
    assert_eq!(names(&run).join(" "), expected);
    for (picture, says) in [
        ("boundary", "validation (80)"),
        ("confusion", "predicted class"),
        ("gradients", "threshold 0.5"),
        ("loss", "best: epoch"),
        ("norms", "320 samples"),
        ("importance", "drop in validation accuracy when the column is shuffled"),
    ] {
        check_png(&run.join(picture).with_extension("png"));
        check_svg(&run.join(picture).with_extension("svg"), says);
    }
    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 4, "{metrics}");
}

#[test]
fn a_regression_is_read_from_csv_trained_and_drawn_and_takes_the_place_of_an_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    let run = ["--output", "out", "--epochs", "80", "--overwrite"];
    let classes = [&["train", "iris", "--svg"], &run[..]].concat();
    said(folder.path(), &classes);
    assert!(folder.path().join("out/confusion.svg").exists());
    let regression = [&["train", "houses.csv", "--label", "price", "--regression"], &run[..]].concat();
    let said = said(folder.path(), &regression);
    let result = said.lines().find(|line| line.starts_with("validation R²")).unwrap();
    let r_squared: f64 = result.split_whitespace().nth(2).unwrap().trim_end_matches(',').parse().unwrap();
    assert!(r_squared > 0.98, "{said}");
    let out = folder.path().join("out");
    for picture in ["loss.png", "gradients.png", "predictions.png", "norms.png"] {
        check_png(&out.join(picture));
    }
    // Pictures of the earlier run that this one does not draw.
    assert!(
        !names(&out).iter().any(|name| name.starts_with("confusion") || name.ends_with(".svg")),
        "{said}"
    );
}

#[test]
fn a_csv_file_with_classes_trains_into_a_folder_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..60).map(|i| format!("{},{},{}\n", ["low", "mid", "high"][i / 20], i % 7, i));
    fs::write(folder.path().join("points.csv"), rows.collect::<String>()).unwrap();
    let said =
        said(folder.path(), &["train", "points.csv", "--label", "1", "--hidden", "none", "--epochs", "2"]);
    assert!(said.contains("60 samples of 2 numbers in 3 classes"), "{said}");
    for picture in ["loss.png", "boundary.png", "confusion.png"] {
        check_png(&folder.path().join("runs/points").join(picture));
    }
}

#[test]
fn every_option_reaches_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let plain = ["train", "moons", "--seed", "3", "--quiet", "--output", "out", "--overwrite"];
    let model = |more: &[&str]| {
        let epochs =
            if more.iter().any(|option| option.starts_with("--epochs")) { &[][..] } else { &["--epochs=3"] };
        let said = said(folder.path(), &[&plain, more, epochs].concat());
        assert!(said.is_empty(), "{said}");
        fs::read(folder.path().join("out/model.safetensors")).unwrap()
    };
    let usual = model(&[]);
    assert!(usual == model(&["--threads", "3"]));
    for option in [
        "--hidden=8",
        "--activation=gelu",
        "--initializer=normal:0.1",
        "--loss=hinge",
        "--batch-size=8",
        "--rate=0.02",
        "--schedule=warmup:2+cosine:4",
        "--schedule=one-cycle:0.1:30 --schedule-unit=step",
        "--optimizer=rmsprop:centered",
        "--momentum=0.5",
        "--clip=value:0.01",
        "--clip=per-sample:0.1",
        "--clip=per-sample:0.1 --noise=1",
        "--reduction=sum",
        "--l1=0.01",
        "--l2=0.01",
        "--validation=0.5",
        "--standardize=false",
    ] {
        let changed = model(&option.split(' ').collect::<Vec<_>>());
        assert!(usual != changed, "{option} changes nothing");
    }
    // With a rate this large, an early epoch is best, so keep-best and patience have an effect.
    let wild = ["--rate=1", "--optimizer=adam", "--epochs=40"];
    assert!(model(&wild) != model(&[&wild[..], &["--keep-best=false"]].concat()));
    model(&[&wild[..], &["--patience=2"]].concat());
    let epochs = fs::read_to_string(folder.path().join("out/metrics.csv")).unwrap().lines().count() - 1;
    assert!(epochs < 40, "{epochs}");
}

#[test]
fn options_come_from_a_file_too_and_the_command_line_wins() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| fs::write(folder.path().join("options.toml"), text).unwrap();
    let config = ["train", "--config", "options.toml", "--output", "out"];
    write("data = \"iris\"\nepochs = 4\nhidden = [7]\nrate = 1\noptimizer = \"sgd\"\nmomentum = 0.5\n");
    let said_of = said(folder.path(), &[&config[..], &["--rate", "0.25"]].concat());
    assert!(said_of.contains("4 -> 7") && said_of.contains("4 epochs"), "{said_of}");
    assert!(said_of.contains("sgd:momentum=0.5, rate 0.25"), "{said_of}");
    // The options.toml of a run gives the same run again.
    let again = ["train", "--config", "out/options.toml", "--output", "again"];
    said(folder.path(), &again);
    let model = |run: &str| fs::read(folder.path().join(run).join("model.safetensors")).unwrap();
    assert!(model("out") == model("again"));
    for (text, expected) in [
        ("epochs = 3\nepoch = 9\n", "options.toml, line 2: there is no option 'epoch'; did you mean epochs?"),
        ("xyz = 9\n", "options.toml, line 1: there is no option 'xyz'; expected one of data, label, header"),
        ("clip = \"norm:-1\"", "options.toml, line 1: the clip is 'norm:-1'; expected none, value:C"),
        ("hidden = [3, 0]", "the list of hidden layers is 3,0; expected whole numbers of at least 1"),
        (
            "epochs = \"many\"",
            "options.toml, line 1: the value is of the wrong kind: string \"many\", expected a whole number of 0 or more",
        ),
        ("hidden = true", "the list of hidden layers is true; expected whole numbers of at least 1"),
        ("epochs = ", "options.toml, line 1: "),
        ("rate = -1", "the rate is -1; expected a positive number"),
    ] {
        write(text);
        fails(
            folder.path(),
            &["train", "iris", "--config", "options.toml", "--output", "new"],
            2,
            &[expected],
        );
    }
    fails(folder.path(), &["train", "iris", "--config", "nowhere.toml"], 1, &["cannot read nowhere.toml: "]);
    assert!(!folder.path().join("new").exists());
}

#[test]
fn json_has_an_object_for_each_event() {
    let folder = tempfile::tempdir().unwrap();
    let said = said(folder.path(), &["train", "digits", "--epochs", "2", "--json", "--clip", "per-sample:1"]);
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "epoch", "epoch", "end"], "{said}");
    assert!(events.iter().all(|event| event["format"] == 1), "{said}");
    let (start, first, end) = (&events[0], &events[1], &events[3]);
    assert_eq!((&start["samples"], &start["training_samples"]), (&Value::from(1797), &Value::from(1438)));
    assert_eq!(&end["folder"], &Value::from("runs/digits"), "{end}");
    assert!(end["pictures"].as_array().unwrap().contains(&Value::from("norms.png")), "{end}");
    assert_eq!(&first["epoch"], &Value::from(1));
    for number in ["rate", "batch_loss", "gradient_norm", "clipped_norm", "clipped_share", "seconds"] {
        assert!(first[number].as_f64().unwrap() > 0.0, "{number}: {first}");
    }
    assert!(first["training"]["loss"].is_f64() && first["validation"]["accuracy"].is_f64(), "{first}");
}

#[test]
fn a_loss_that_is_not_finite_names_epoch_and_batch_and_keeps_the_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["train", "digits", "--rate", "1e308", "--output", "out", "--quiet"];
    fails(folder.path(), &arguments, 1, &["in epoch 1, batch 2; training stopped before that step"]);
    assert!(folder.path().join("out/model.safetensors").exists());
}

#[test]
fn help_reads_well_and_without_colours_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--help"][..], "Commands:"),
        (&["train", "--help"], "dualtape train moons --resume --epochs 200"),
        (&["predict", "--help"], "dualtape predict runs/iris iris"),
        (&["compare", "--help"], "dualtape compare runs/moons runs/clipped"),
        (&["check", "--help"], "dualtape check iris"),
        (&["graph", "--help"], "dualtape graph \"max(x, 0)\" x=0"),
        (&["plot-bench", "--help"], "dualtape plot-bench ratios.jsonl"),
        (&["--version"], "dualtape 0."),
    ] {
        let said = said(folder.path(), arguments);
        assert!(said.contains(expected), "{said}");
        let widest = said.lines().map(|line| line.chars().count()).max();
        assert!(!said.contains('\x1b') && widest <= Some(110), "{widest:?}: {said}");
    }
    let bare = dualtape(folder.path(), &[]);
    assert_eq!(bare.status.code(), Some(2));
    assert!(text(&bare.stderr).contains("Usage: dualtape <COMMAND>"));
    assert!(names(Path::new(folder.path())).is_empty());
}

#[test]
fn a_training_that_fails_keeps_parameters_of_no_epoch_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    let first = ["digits", "--rate", "1e308"];
    // From the second epoch on, the rate is absurd.
    let second = ["--optimizer", "sgd", "--rate", "0.01", "--schedule", "step:1:1e200"];
    let [moons, houses] =
        [&["moons"][..], &["houses.csv", "--regression"]].map(|data| [data, &second].concat());
    for (epochs, arguments) in [(0, &first[..]), (2, &moons), (1, &houses)] {
        let all = [&["train"], arguments, &["--output", "run", "--overwrite", "--svg"]].concat();
        let output = dualtape(folder.path(), &[&all[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let objects: Vec<Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [.., end, failure] = &objects[..] else { panic!("{objects:?}") };
        assert_eq!((&end["event"], &failure["event"]), (&"end".into(), &"failure".into()), "{arguments:?}");
        assert_eq!((&end["epochs"], &end["kept_epoch"]), (&epochs.into(), &Value::Null), "{end}");
        // The losses are those of the parameters that are kept, and so are the scores.
        for part in ["training", "validation"] {
            assert!(end[part]["loss"].is_number() && end[part]["samples"].as_u64().unwrap() > 0, "{end}");
        }
        let report: Value =
            serde_json::from_slice(&fs::read(folder.path().join("run/report.json")).unwrap()).unwrap();
        assert_eq!(report["kept_epoch"], Value::Null);
        if let Some(error) = report["validation"]["mean_absolute_error"].as_f64() {
            let note = format!("mean absolute error {}", reading(error));
            check_svg(&folder.path().join("run/predictions.svg"), &note);
        }
        said(folder.path(), &["report", "run", "--overwrite"]);
        let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
        assert!(page.contains("A step then failed, and the parameters before it are kept."), "{page}");
        let output = dualtape(folder.path(), &all);
        let words = text(&output.stdout);
        assert!(words.contains("kept: the parameters before the step that failed, after "), "{words}");
    }
    // A training that ends as it should names the epoch.
    let (end, _) = last_object(&said(folder.path(), &["train", "moons", "--epochs", "2", "--json"]));
    assert!(end["kept_epoch"].is_number(), "{end}");
}

/// As the program writes errors: four digits after the point, or in scientific notation.
fn reading(number: f64) -> String {
    if (1e-3..1e5).contains(&number) { format!("{number:.4}") } else { format!("{number:.3e}") }
}

#[test]
fn scores_that_are_not_finite_are_null_and_every_command_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("houses.csv"), houses()).unwrap();
    // The outputs are so large that the square of an error overflows, but its magnitude does not.
    let huge = ["--loss", "l1", "--optimizer", "sgd", "--rate", "1e200", "--epochs", "1", "--output", "run"];
    said(folder.path(), &[&["train", "houses.csv", "--regression"], &huge[..]].concat());
    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("run/report.json")).unwrap()).unwrap();
    assert_eq!(
        (&report["validation"]["r_squared"], &report["importance"][0]["mean"]),
        (&Value::Null, &Value::Null)
    );
    said(folder.path(), &["report", "run"]);
    said(folder.path(), &["compare", "run"]);
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains("Importance of columns") && page.contains("<td>–</td>"), "{page}");
}
