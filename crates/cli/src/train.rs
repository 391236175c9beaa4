//! `dualtape train`: from data to a trained model and its pictures.

use crate::failure::Failure;
use crate::options::Options;
use crate::output::reading;
use crate::pictures::Drawing;
use crate::progress::{Display, Style, metrics_object};
use crate::run_folder::{self, RunFolder};
use crate::setup::Setup;
use crate::{arguments, interrupt, table};
use clap::Args;
use dualtape_nn::data::Targets;
use dualtape_nn::{Error, Event, Metrics, Mlp, Record, Settings, Trainer, checkpoint_note, files};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Train a network, and write its pictures, metrics and parameters.
///
/// The data are split by seed into a training and a validation part, and standardised by the training part.
/// The output folder receives the model, its options, a table of metrics, a checkpoint, and pictures of
/// losses, gradient norms, rates, and of what the model gives. The same options give the same parameters, bit
/// for bit, for any number of threads, and also if the run was stopped or killed and gone on with.
///
/// Options that are left open suit the data set: moons, circles, spirals, iris and regressions train by adam,
/// the others by sgd with a momentum of 0.9.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape train moons\n  \
    dualtape train digits --clip per-sample:1.0 --svg\n  \
    dualtape train iris --hidden 8,8 --activation relu --epochs 50 --patience 10\n  \
    dualtape train houses.csv --label price --regression\n  \
    dualtape train moons --optimizer sgd:momentum=0.9,nesterov --rate 0.1 --schedule warmup:5+cosine:95\n  \
    dualtape train moons --config runs/moons/options.toml --output runs/again\n  \
    dualtape train moons --resume --epochs 200")]
pub(crate) struct TrainOptions {
    #[command(flatten)]
    options: Options,

    /// A TOML file of options, called as here, as in 'rate = 0.1'; those given here win
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    config: Option<PathBuf>,

    /// Folder for the results [default: runs/ and the name of the data]
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    output: Option<PathBuf>,

    /// Go on from the checkpoint in the output folder, with the options that the run began with; begin if there
    /// is none
    #[arg(long, help_heading = "Run")]
    resume: bool,

    /// Write each picture as SVG too
    #[arg(long, help_heading = "Run")]
    svg: bool,

    /// Draw losses and gradient norms on logarithmic axes
    #[arg(long, help_heading = "Run")]
    log_axis: bool,

    /// Print nothing but errors
    #[arg(long, conflicts_with = "json", help_heading = "Run")]
    quiet: bool,

    /// Print a JSON object for each epoch and one at the end, each in a line
    #[arg(long, help_heading = "Run")]
    json: bool,
}

/// Everything that can be wrong with the options and the data is found before the folder is made.
pub(crate) fn run(arguments: TrainOptions) -> Result<(), Failure> {
    let given = match &arguments.config {
        Some(file) => arguments.options.over(&Options::read(file)?),
        None => arguments.options.clone(),
    };
    let path = match (&arguments.output, &given.data) {
        (Some(path), _) => path.clone(),
        (None, Some(data)) => run_folder::default_for(data),
        (None, None) => return Err(Failure::Usage(arguments::NO_DATA.to_owned())),
    };
    // Taken first where there may be something to go on from, so that nobody writes it meanwhile.
    let begun = arguments.resume && run_folder::checkpoint(&path).exists();
    let taken = if begun { Some(RunFolder::take(path.clone())?) } else { None };
    let before = if begun { Some(options_before(&path)?) } else { None };
    let setup = Setup::new(match &before {
        Some(before) => given.over(before),
        None => given,
    })?;
    if let Some(before) = &before {
        setup.options.check_same(before, &path)?;
    }
    let mut trainer = trainer(&setup, begun.then(|| run_folder::checkpoint(&path)))?;
    let folder = match taken {
        Some(folder) => folder,
        None => RunFolder::take(path)?,
    };
    let note = setup.options.to_text();
    trainer.set_note(&note);
    interrupt::watch()?;
    // Shows that files can be written, and replaces what an earlier run left to go on from.
    trainer.save_checkpoint(folder.checkpoint())?;
    files::replace(run_folder::options(folder.path()), note.as_bytes())?;

    let style = match (arguments.json, arguments.quiet) {
        (true, _) => Style::Json,
        (_, true) => Style::Quiet,
        _ => Style::Lines,
    };
    let display = Display::new(style, setup.settings.epochs);
    introduce(&display, &setup, &trainer, begun);
    let run = Run { setup: &setup, folder, display, arguments };
    let end = run.go(&mut trainer);
    run.display.finish();
    match end? {
        None => run.conclude(&trainer, trainer.result()),
        // A training that had to stop keeps what it had until then.
        Some(problem) => {
            run.conclude(&trainer, trainer.parameters())?;
            Err(problem.into())
        }
    }
}

/// What a run began with.
fn options_before(folder: &Path) -> Result<Options, Failure> {
    let checkpoint = run_folder::checkpoint(folder);
    let note = checkpoint_note(&checkpoint)?;
    Options::from_text(&checkpoint.display().to_string(), &note)
}

fn trainer(setup: &Setup, checkpoint: Option<PathBuf>) -> Result<Trainer<'_, Mlp>, Failure> {
    let Setup { model, training, validation, settings, .. } = setup;
    let Some(checkpoint) = checkpoint else {
        return Ok(Trainer::new(model, setup.initial_parameters(), training, validation, settings)?);
    };
    let trainer = Trainer::resume(&checkpoint, model, training, validation, settings)?;
    let (done, wanted) = (trainer.history().len(), settings.epochs);
    if done > wanted {
        let problem = format!(
            "the number of epochs is {wanted}, but {} has {done}; expected at least as many",
            checkpoint.display()
        );
        return Err(Failure::Usage(problem));
    }
    Ok(trainer)
}

/// A training under way, and where it goes.
struct Run<'a> {
    setup: &'a Setup,
    folder: RunFolder,
    display: Display,
    arguments: TrainOptions,
}

impl Run<'_> {
    /// Goes on to the end, or to the step that has no finite loss: that is what is returned.
    fn go(&self, trainer: &mut Trainer<'_, Mlp>) -> Result<Option<Error>, Failure> {
        let seconds = self.setup.options.checkpoint_every.unwrap_or(0.0);
        let every = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let checkpoint = self.folder.checkpoint();
        let mut saved = Instant::now();
        loop {
            if interrupt::asked() {
                return Err(self.interrupted(trainer));
            }
            match trainer.advance() {
                Ok(Some(Event::Batch(progress))) => self.display.batch(&progress),
                Ok(Some(Event::Epoch(record))) => self.display.epoch(&self.in_units(&record)),
                Ok(None) => break,
                Err(problem @ Error::NotFinite { .. }) => return Ok(Some(problem)),
                Err(problem) => return Err(problem.into()),
            }
            if saved.elapsed() >= every {
                trainer.save_checkpoint(&checkpoint)?;
                saved = Instant::now();
            }
        }
        trainer.save_checkpoint(&checkpoint)?;
        Ok(None)
    }

    /// Saves, and says how to go on.
    fn interrupted(&self, trainer: &Trainer<'_, Mlp>) -> Failure {
        let checkpoint = self.folder.checkpoint();
        if let Err(error) = trainer.save_checkpoint(&checkpoint) {
            return error.into();
        }
        let (epoch, batch) = trainer.position();
        let command = self.command_to_resume();
        self.display
            .object(&json!({ "event": "interrupted", "epoch": epoch, "batch": batch, "resume": command }));
        let saved = checkpoint.display();
        Failure::Interrupted(format!(
            "stopped in epoch {epoch} after batch {batch} and saved {saved}; to go on: {command}"
        ))
    }

    fn command_to_resume(&self) -> String {
        let data = self.setup.options.data.as_deref().unwrap_or_default();
        let mut command = format!("dualtape train {} --resume", quoted(data));
        if self.folder.path() != run_folder::default_for(data) {
            command += &format!(" --output {}", quoted(&self.folder.path().display().to_string()));
        }
        for (option, given) in [
            (" --svg", self.arguments.svg),
            (" --log-axis", self.arguments.log_axis),
            (" --json", self.arguments.json),
            (" --quiet", self.arguments.quiet),
        ] {
            command += if given { option } else { "" };
        }
        command
    }

    /// Writes all that a run leaves behind, and says how good it is.
    fn conclude(&self, trainer: &Trainer<'_, Mlp>, parameters: &[f64]) -> Result<(), Failure> {
        let model = self.setup.saved(parameters.to_vec());
        model.save(run_folder::model(self.folder.path()))?;
        let history: Vec<Record> = trainer.history().iter().map(|record| self.in_units(record)).collect();
        table::write(&run_folder::metrics(self.folder.path()), &history)?;
        let best = trainer.best().map(|(epoch, _)| epoch);
        let drawing = Drawing { setup: self.setup, model: &model, history: &history, best };
        let drawn = drawing.write(&self.folder, self.arguments.svg, self.arguments.log_axis)?;
        let kept = if self.setup.settings.keep_best { best } else { history.last().map(|last| last.epoch) };
        let Some(record) = history.iter().find(|record| Some(record.epoch) == kept) else { return Ok(()) };
        self.say_result(record, &history, trainer.stopped_early(), &drawn);
        Ok(())
    }

    fn say_result(&self, kept: &Record, history: &[Record], early: bool, drawn: &[String]) {
        let seconds = history.last().map_or(0.0, |last| last.elapsed.as_secs_f64());
        let folder = self.folder.path().display();
        let stopped = if early { ", stopped early" } else { "" };
        let epoch = kept.epoch;
        self.display.tell(format_args!(
            "\nvalidation {} in epoch {epoch}, which is kept; {} epochs{stopped} in {seconds:.1} s",
            result(&kept.validation),
            history.len(),
        ));
        self.display
            .tell(format_args!("wrote model.safetensors, metrics.csv and {} to {folder}", drawn.join(", ")));
        self.display.object(&json!({
            "event": "end",
            "epochs": history.len(),
            "kept_epoch": epoch,
            "stopped_early": early,
            "training": metrics_object(&kept.training),
            "validation": metrics_object(&kept.validation),
            "parameters": self.setup.model.parameter_count(),
            "seconds": seconds,
            "folder": folder.to_string(),
            "pictures": drawn,
        }));
    }

    /// Errors in the units of the targets, which the model sees standardised.
    fn in_units(&self, record: &Record) -> Record {
        let unit = self.setup.target_scale.as_ref().map_or(1.0, |scale| scale.deviations()[0]);
        let convert = |metrics: &Metrics| Metrics {
            mean_absolute_error: metrics.mean_absolute_error.map(|error| error * unit),
            ..*metrics
        };
        Record { training: convert(&record.training), validation: convert(&record.validation), ..*record }
    }
}

/// What a user wants to know first.
fn result(metrics: &Metrics) -> String {
    match (metrics.accuracy, metrics.mean_absolute_error, metrics.r_squared) {
        (Some(accuracy), _, _) => format!("accuracy {:.1} %", accuracy * 100.0),
        (_, Some(error), Some(r_squared)) => {
            format!("R² {r_squared:.4}, mean absolute error {}", reading(error))
        }
        _ => format!("loss {}", reading(metrics.loss)),
    }
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn introduce(display: &Display, setup: &Setup, trainer: &Trainer<'_, Mlp>, resumed: bool) {
    let Setup { all, training, validation, model, settings, .. } = setup;
    let targets = match all.targets() {
        Targets::Numbers { names, .. } => format!("to predict {}", names.join(", ")),
        _ => format!("in {} classes", all.classes().len()),
    };
    display.tell(format_args!(
        "{}: {} samples of {} numbers {targets}; {} to train on, {} to validate\n\n{model}\n",
        all.name(),
        all.len(),
        all.features().len(),
        training.len(),
        validation.len(),
    ));
    let Settings { epochs, batch_size, rate, schedule, optimizer, loss, clip, seed, .. } = settings;
    display.tell(format_args!(
        "{epochs} epochs in batches of {batch_size}; {loss} by {optimizer}, rate {rate:?} {schedule}, clip {clip}, \
         seed {seed}\n"
    ));
    if resumed {
        let (epoch, batch) = trainer.position();
        display.tell(format_args!(
            "going on from epoch {epoch}, after batch {batch} of {}\n",
            trainer.batches()
        ));
    }
}
