//! `dualtape train`: trains a model on data, and draws its pictures.

use crate::cross_validation;
use crate::failure::Failure;
use crate::importance;
use crate::options::Options;
use crate::output::quoted;
use crate::pictures::Drawing;
use crate::private::Statement;
use crate::progress::{Display, Style, metrics_object};
use crate::ranks::Ranks;
use crate::run_folder::{self, Before, RunFolder};
use crate::scores::Scores;
use crate::setup::{Request, Setup};
use crate::summary::{Format, Summary};
use crate::{arguments, interrupt, table};
use clap::Args;
use dualtape_nn::data::{Dataset, Targets};
use dualtape_nn::metrics::mean;
use dualtape_nn::parallel::AllReduce;
use dualtape_nn::{
    Error, Event, Metrics, Mlp, Record, Settings, Trainer, checkpoint_note, confusion, evaluate, files,
    predict,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Train a network, and write its parameters, metrics and pictures.
///
/// The data are split at random (by --seed) into a training and a validation part, and standardised by the training part.
/// The output folder receives the model, its options, a report, a table of metrics, a checkpoint, and pictures: losses,
/// gradient norms, learning rates and the model's predictions. The same options give the same parameters, bit for bit, for
/// any number of threads, and also if the run was stopped or killed and then resumed.
///
/// Defaults are chosen for the data set: moons, circles, spirals, iris and regressions are trained with adam, all others
/// with sgd and a momentum of 0.9.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  \
    dualtape train moons\n  \
    dualtape train houses.csv --label price --regression --missing mean\n  \
    dualtape train moons --resume --epochs 200\n\n\
    All options: dualtape train --help-all",
    after_long_help = "Examples:\n  \
    dualtape train moons\n  \
    dualtape train digits --clip per-sample:1.0 --svg\n  \
    dualtape train iris --hidden 8,8 --activation relu --epochs 50 --patience 10\n  \
    dualtape train houses.csv --label price --regression --test new-houses.csv\n  \
    dualtape train people.csv --categories all --missing median --drop name,id --folds 5\n  \
    gunzip --stdout large.csv.gz | dualtape train - --output runs/large\n  \
    dualtape train moons --optimizer sgd:momentum=0.9,nesterov --rate 0.1 --schedule warmup:5+cosine:95\n  \
    dualtape train moons --config runs/moons/options.toml --output runs/again\n  \
    dualtape train moons --resume --epochs 200"
)]
pub(crate) struct TrainOptions {
    #[command(flatten)]
    options: Options,

    /// A TOML file of options with the same names, as in 'rate = 0.1'; options on the command line override it
    #[arg(long, value_name = "FILE", help_heading = "Run", hide_short_help = true)]
    config: Option<PathBuf>,

    /// Folder for the results [default: runs/ and the name of the data]
    ///
    /// If the default folder exists already, a number is added.
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    output: Option<PathBuf>,

    /// Continue the run in the output folder
    ///
    /// The run continues from its checkpoint, with the options it began with. Without a checkpoint, a new run begins.
    #[arg(long, help_heading = "Run")]
    resume: bool,

    /// Replace the results in the output folder
    ///
    /// This replaces a run, or files with the names that a run writes; other files are kept.
    #[arg(long, conflicts_with = "resume", help_heading = "Run")]
    overwrite: bool,

    /// Share the training among the processes started by mpirun
    ///
    /// For example: mpirun -np 4 dualtape train DATA --distributed. The result has the same bits for any number of
    /// processes.
    #[arg(long, help_heading = "Run", hide_short_help = true)]
    distributed: bool,

    /// Let each process read a part of the file and send it to the others, instead of the first reading all of it
    ///
    /// All processes need access to the file.
    #[arg(long, requires = "distributed", help_heading = "Run", hide_short_help = true)]
    sharded: bool,

    /// Also write each picture as SVG
    #[arg(long, help_heading = "Run")]
    svg: bool,

    /// Draw losses and gradient norms on logarithmic axes
    #[arg(long, help_heading = "Run", hide_short_help = true)]
    log_axis: bool,

    /// Print a line for each epoch
    #[arg(long, conflicts_with_all = ["json", "quiet"], help_heading = "Run")]
    verbose: bool,

    /// Print nothing but errors
    #[arg(long, conflicts_with = "json", help_heading = "Run")]
    quiet: bool,

    /// Print one JSON object per line, for each event
    #[arg(long, help_heading = "Run")]
    json: bool,
}

impl TrainOptions {
    pub(crate) fn wants_json(&self) -> bool {
        self.json
    }

    fn style(&self) -> Style {
        match (self.json, self.quiet, self.verbose) {
            (true, ..) => Style::Json,
            (_, true, _) => Style::Quiet,
            (.., true) => Style::EachEpoch,
            _ => Style::Lines,
        }
    }
}

/// Trains alone, or as one of several processes.
pub(crate) fn run(arguments: TrainOptions) -> Result<(), Failure> {
    let ranks = if arguments.distributed { Ranks::join(arguments.sharded)? } else { Ranks::alone() };
    if ranks.leads() { lead(arguments, ranks) } else { follow(ranks) }
}

/// Takes part in a training that rank 0 leads.
fn follow(mut ranks: Ranks) -> Result<(), Failure> {
    interrupt::watch()?;
    let options = Options::from_text("the options of rank 0", &ranks.hear("")?)?;
    let setup = Request::new(options, &mut ranks)?.setup()?;
    let mut trainer = trainer(&setup, None)?.over(ranks.into_engine())?;
    while !trainer.asked_to_stop() {
        if interrupt::asked() {
            trainer.ask_to_stop();
        }
        match trainer.advance() {
            Ok(Some(_)) => {}
            // Rank 0 reports this.
            Ok(None) | Err(Error::NotFinite { .. }) => break,
            Err(problem) => return Err(problem.into()),
        }
    }
    Ok(())
}

/// Leads a training. All errors in the options and the data are found before the folder is created.
fn lead(arguments: TrainOptions, mut ranks: Ranks) -> Result<(), Failure> {
    let given = match &arguments.config {
        Some(file) => arguments.options.over(&Options::read(file)?),
        None => arguments.options.clone(),
    };
    let asked = match (arguments.resume, arguments.overwrite) {
        (true, _) => Before::Resume,
        (_, true) => Before::Overwrite,
        _ => Before::Refuse,
    };
    let path = match (&arguments.output, &given.data) {
        (Some(path), _) => path.clone(),
        (None, Some(data)) => run_folder::default_for(data, asked),
        (None, None) => return Err(Failure::Usage(arguments::NO_DATA.to_owned())),
    };
    // If there is a run to resume, the folder is locked first, so that no other process writes to it meanwhile.
    let begun = arguments.resume && run_folder::checkpoint(&path).exists();
    let taken = if begun { Some(RunFolder::take(path.clone())?) } else { None };
    let before = if begun { Some(options_before(&path)?) } else { None };
    let given = match &before {
        Some(before) => given.over(before),
        None => given,
    };
    let allowed = if arguments.resume && !begun { Before::Refuse } else { asked };
    let reads: Vec<PathBuf> = [&given.data, &given.test]
        .into_iter()
        .flatten()
        .map(PathBuf::from)
        .chain(arguments.config.clone())
        .collect();
    let reads: Vec<&Path> = reads.iter().map(PathBuf::as_path).collect();
    run_folder::check(&path, allowed, &reads)?;

    if ranks.size() > 1 {
        ranks.hear(&given.to_text())?;
    }
    let processes = ranks.size();
    if processes > 1 && given.folds.is_some() {
        let problem = "--folds and --distributed exclude each other: folds cannot be shared among processes; expected \
                       one of them";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let request = Request::new(given, &mut ranks)?;
    if let Some(before) = &before {
        request.options().check_same(before, &path)?;
    }
    // Cross-validation needs the data as read, so it comes before the training, which consumes them.
    let folded = match request.options().folds {
        Some(count) => Some(request.folds(count)?.collect::<Result<Vec<_>, _>>()?),
        None => None,
    };
    let mut setup = request.setup()?;
    let test = setup.test()?;
    let setup = setup;
    let trainer = trainer(&setup, begun.then(|| run_folder::checkpoint(&path)))?;
    let folder = match (taken, &arguments.output, &setup.options.data) {
        (Some(folder), ..) => folder,
        (None, None, Some(data)) if asked == Before::Refuse => RunFolder::take_free(data)?,
        _ => RunFolder::take(path)?,
    };
    // Another process may have written to the folder meanwhile.
    run_folder::check(folder.path(), allowed, &reads)?;
    let note = setup.options.to_text();
    let mut trainer = trainer.over(ranks.into_engine())?;
    trainer.set_note(&note);
    interrupt::watch()?;
    begin(&folder, &trainer, begun)?;
    files::replace(run_folder::options(folder.path()), note.as_bytes())?;

    let display = Display::new(arguments.style(), setup.settings.epochs);
    introduce(&display, &setup, &trainer, begun, folder.path());
    let wanted = setup.settings.steps(setup.training.len());
    if let Some(most) = trainer.steps_within_budget().filter(|&most| most < wanted) {
        display.warn(&format!("with this noise, the privacy budget ends after {most} of {wanted} steps"));
    }
    if processes > 1 {
        display.tell(format_args!("shared by {processes} processes\n"));
    }
    let mut run = Run { setup: &setup, folder, display, arguments, processes, test, folds: Vec::new() };
    if let Some(folded) = &folded {
        run.folds = match cross_validation::scores(folded, &run.display)? {
            Some(folds) => folds,
            None => return Err(run.interrupted(&trainer)),
        };
    }
    let end = run.go(&mut trainer);
    run.display.finish();
    let problem = end?;
    run.conclude(&trainer, problem.is_some())?;
    problem.map_or(Ok(()), |problem| Err(problem.into()))
}

/// Writes the first checkpoint. Files of an earlier run are removed only after it has been written.
fn begin(folder: &RunFolder, trainer: &Shared<'_>, begun: bool) -> Result<(), Failure> {
    if begun {
        return Ok(trainer.save_checkpoint(folder.checkpoint())?);
    }
    // Named like a temporary file, so that the next start removes it if this one is killed here.
    let first = folder.join(".dualtape-first.tmp");
    trainer.save_checkpoint(&first)?;
    folder.clear()?;
    std::fs::rename(&first, folder.checkpoint()).map_err(|error| Failure::write(&folder.checkpoint(), error))
}

/// The options a run began with.
fn options_before(folder: &Path) -> Result<Options, Failure> {
    let checkpoint = run_folder::checkpoint(folder);
    let note = checkpoint_note(&checkpoint)?;
    Options::from_text(&checkpoint.display().to_string(), &note)
}

/// A training shared by one or more processes.
type Shared<'a> = Trainer<'a, Mlp, Box<dyn AllReduce>>;

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

/// A training in progress, and where its results go.
struct Run<'a> {
    setup: &'a Setup,
    folder: RunFolder,
    display: Display,
    arguments: TrainOptions,
    /// How many processes share the training.
    processes: usize,
    /// The test samples, if there are any.
    test: Option<Dataset>,
    /// The scores of cross-validation, if there was one.
    folds: Vec<Scores>,
}

impl Run<'_> {
    /// Trains to the end, or to the first step whose loss is not finite; returns that error.
    fn go(&self, trainer: &mut Shared<'_>) -> Result<Option<Error>, Failure> {
        let seconds = self.setup.options.checkpoint_every.unwrap_or(0.0);
        let every = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let checkpoint = self.folder.checkpoint();
        let mut saved = Instant::now();
        loop {
            if interrupt::asked() {
                trainer.ask_to_stop();
            }
            if trainer.asked_to_stop() {
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

    /// Saves a checkpoint, and says how to continue.
    fn interrupted(&self, trainer: &Shared<'_>) -> Failure {
        let checkpoint = self.folder.checkpoint();
        if let Err(error) = trainer.save_checkpoint(&checkpoint) {
            return error.into();
        }
        let (epoch, batch) = trainer.position();
        let command = self.command_to_resume();
        self.display.object("interrupted", &json!({ "epoch": epoch, "batch": batch, "resume": command }));
        let saved = checkpoint.display();
        Failure::Interrupted(format!(
            "stopped in epoch {epoch} after batch {batch} and saved {saved}; to continue: {command}"
        ))
    }

    fn command_to_resume(&self) -> String {
        let data = self.setup.options.data.as_deref().unwrap_or_default();
        let mut command = match self.processes {
            1 => format!("dualtape train {} --resume", quoted(data)),
            count => format!("mpirun -np {count} dualtape train {} --resume --distributed", quoted(data)),
        };
        if self.folder.path() != run_folder::default_for(data, Before::Resume) {
            command += &format!(" --output {}", quoted(&self.folder.path().display().to_string()));
        }
        for (option, given) in [
            (" --svg", self.arguments.svg),
            (" --log-axis", self.arguments.log_axis),
            (" --json", self.arguments.json),
            (" --quiet", self.arguments.quiet),
            (" --verbose", self.arguments.verbose),
        ] {
            command += if given { option } else { "" };
        }
        command
    }

    /// Writes all results of the run, its report last, and prints the scores. A training that failed keeps the parameters it
    /// had before the failing step.
    fn conclude(&self, trainer: &Shared<'_>, failed: bool) -> Result<(), Failure> {
        let parameters = if failed { trainer.parameters() } else { trainer.result() };
        // A report must belong to the same finished run as all other files, so an old one is removed first.
        self.folder.remove(&run_folder::report(self.folder.path()))?;
        self.folder.remove(&run_folder::page(self.folder.path()))?;
        let model = self.setup.saved(parameters.to_vec());
        model.save(run_folder::model(self.folder.path()))?;
        let history: Vec<Record> = trainer.history().iter().map(|record| self.in_units(record)).collect();
        table::write(&run_folder::metrics(self.folder.path()), &history)?;
        let best = trainer.best().map(|(epoch, _)| epoch);
        let last = history.last().map(|last| last.epoch);
        let kept_epoch = match (failed, self.setup.settings.keep_best) {
            // These parameters were never measured at the end of an epoch.
            (true, _) => None,
            (false, true) => best.or(last),
            (false, false) => last,
        };
        let kept = match history.iter().find(|record| Some(record.epoch) == kept_epoch) {
            Some(record) => [record.training, record.validation],
            None => [
                self.measure(parameters, &self.setup.training)?,
                self.measure(parameters, &self.setup.validation)?,
            ],
        };
        let importance = importance::of_columns(self.setup, parameters)?;
        let drawing = Drawing {
            setup: self.setup,
            model: &model,
            history: &history,
            best,
            validation: &kept[1],
            importance: &importance,
        };
        let pictures = drawing.write(&self.folder, self.arguments.svg, self.arguments.log_axis)?;
        let Setup { training, validation, model: shape, options, notes, warnings, .. } = self.setup;
        let score = |data: &Dataset| score(self.setup, parameters, data);
        let sizes = shape.layers().iter().map(|layer| layer.outputs);
        let summary = Summary {
            format: Format::default(),
            data: options.data.clone().unwrap_or_default(),
            layers: std::iter::once(shape.inputs()).chain(sizes).collect(),
            parameters: shape.parameter_count(),
            features: training.features().len(),
            epochs: history.len(),
            kept_epoch,
            stopped_early: trainer.stopped_early(),
            training: score(training)?,
            validation: score(validation)?,
            test: self.test.as_ref().map(score).transpose()?,
            folds: self.folds.clone(),
            importance,
            notes: notes.clone(),
            warnings: warnings.clone(),
            pictures,
            privacy: trainer
                .spent()
                .map(|spent| Statement::new(&spent, &self.setup.settings, &self.setup.options)),
        };
        summary.write(self.folder.path())?;
        let seconds = history.last().map(|last| last.elapsed.as_secs_f64());
        self.say_result(&kept, seconds, &summary, trainer.budget_is_spent());
        Ok(())
    }

    /// The metrics of parameters on a part of the data, in the units of the data.
    fn measure(&self, parameters: &[f64], data: &Dataset) -> Result<Metrics, Failure> {
        Ok(self.metrics_in_units(&evaluate(&self.setup.model, parameters, data, self.setup.settings.loss)?))
    }

    /// Prints the results; `kept` are the metrics of the kept parameters on the training and the validation part.
    fn say_result(
        &self,
        kept: &[Metrics; 2],
        seconds: Option<f64>,
        summary: &Summary,
        budget_is_spent: bool,
    ) {
        let folder = self.folder.path().display();
        let stopped = if summary.stopped_early { ", stopped early" } else { "" };
        let (of_epochs, time) =
            (summary.epochs, seconds.map_or(String::new(), |seconds| format!(", in {seconds:.1} s")));
        match summary.kept_epoch {
            Some(epoch) => {
                let which = if self.setup.settings.keep_best {
                    "the one with the lowest validation loss"
                } else {
                    "the last one"
                };
                self.display
                    .tell(format_args!("\nkept: epoch {epoch}, {which}, of {of_epochs}{stopped}{time}"));
            }
            None => {
                let epochs = if of_epochs == 1 { "epoch" } else { "epochs" };
                self.display.tell(format_args!(
                    "\nkept: the parameters before the step that failed, after {of_epochs} whole {epochs}{time}"
                ));
            }
        }
        self.display.tell(format_args!("training {}", first_line(&summary.training)));
        self.display.tell(format_args!("validation {}", summary.validation));
        if let Some(test) = &summary.test {
            self.display.tell(format_args!("\ntest {test}"));
        }
        if let Some(line) = cross_validation::in_words(&summary.folds) {
            self.display.tell(line);
        }
        if !summary.importance.is_empty() {
            const MOST: usize = 5;
            let names: Vec<String> = summary
                .importance
                .iter()
                .take(MOST)
                .filter_map(|one| Some(format!("{} {:.3} ± {:.3}", one.column, one.mean?, one.deviation?)))
                .collect();
            let what = summary.validation.main().map_or("", |(name, _)| name);
            let names = if names.is_empty() { "not finite".to_owned() } else { names.join(", ") };
            self.display.tell(format_args!("\ndrop in validation {what} when a column is shuffled: {names}"));
        }
        if let Some(privacy) = &summary.privacy {
            let (done, wanted) = (privacy.steps, self.setup.settings.steps(self.setup.training.len()));
            if budget_is_spent && done < wanted {
                self.display.tell(format_args!(
                    "\nthe privacy budget is spent, and training ended after {done} of {wanted} steps"
                ));
            }
            self.display.tell(format_args!("\n{}", privacy.in_words()));
            for (what, lines) in privacy.lists() {
                self.display.tell(format_args!("{what}:"));
                lines.iter().for_each(|line| self.display.tell(format_args!("  - {line}")));
            }
        }
        let pictures = summary.pictures.join(", ");
        self.display.tell(format_args!(
            "\nwrote model.safetensors, metrics.csv, report.json and {pictures} to {folder}"
        ));
        self.display.object(
            "end",
            &json!({
                "epochs": of_epochs,
                "kept_epoch": summary.kept_epoch,
                "stopped_early": summary.stopped_early,
                "training": merged(&metrics_object(&kept[0]), &summary.training),
                "validation": merged(&metrics_object(&kept[1]), &summary.validation),
                "test": summary.test,
                "folds": summary.folds,
                "importance": summary.importance,
                "parameters": summary.parameters,
                "seconds": seconds,
                "folder": folder.to_string(),
                "pictures": summary.pictures,
                "privacy": summary.privacy,
            }),
        );
    }

    /// Converts errors to the units of the targets, which the model sees standardised.
    fn in_units(&self, record: &Record) -> Record {
        let [training, validation] = [record.training, record.validation].map(|m| self.metrics_in_units(&m));
        Record { training, validation, ..*record }
    }

    fn metrics_in_units(&self, metrics: &Metrics) -> Metrics {
        let unit = self.setup.target_scale.as_ref().map_or(1.0, |scale| scale.deviations()[0]);
        let mean_absolute_error = metrics.mean_absolute_error.map(|error| error * unit);
        Metrics { mean_absolute_error, ..*metrics }
    }
}

/// The scores of parameters on data, which must be scaled as for the model.
pub(crate) fn score(setup: &Setup, parameters: &[f64], data: &Dataset) -> Result<Scores, Failure> {
    let Targets::Numbers { values, .. } = data.targets() else {
        return Ok(Scores::of_classes(&confusion(&setup.model, parameters, data)?));
    };
    let outputs = predict(&setup.model, parameters, data)?;
    let [outputs, targets] = [outputs, values.clone()].map(|values| setup.unscaled_targets(values));
    let known = (0..setup.training.len()).flat_map(|i| setup.training.numbers(i)).copied().collect();
    let baseline = mean(&setup.unscaled_targets(known));
    Ok(Scores::of_numbers(&outputs, &targets, Some(baseline)))
}

fn first_line(scores: &Scores) -> String {
    scores.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The metrics of an epoch together with all scores.
fn merged(metrics: &serde_json::Value, scores: &Scores) -> serde_json::Value {
    let mut all = json!(scores);
    if let (Some(all), Some(metrics)) = (all.as_object_mut(), metrics.as_object()) {
        metrics.iter().for_each(|(name, value)| {
            all.entry(name.clone()).or_insert_with(|| value.clone());
        });
    }
    all
}

fn introduce(display: &Display, setup: &Setup, trainer: &Shared<'_>, resumed: bool, folder: &Path) {
    let Setup { name, training, validation, model, settings, notes, warnings, .. } = setup;
    let targets = match training.targets() {
        Targets::Numbers { names, .. } => format!("to predict {}", names.join(", ")),
        _ => format!("in {} classes", training.classes().len()),
    };
    let samples = training.len() + validation.len();
    display.tell(format_args!(
        "{name}: {samples} samples of {} numbers {targets}; {} to train on, {} to validate",
        training.features().len(),
        training.len(),
        validation.len(),
    ));
    display.object(
        "start",
        &json!({
            "data": name,
            "samples": samples,
            "features": training.features(),
            "classes": training.classes(),
            "training_samples": training.len(),
            "validation_samples": validation.len(),
            "parameters": model.parameter_count(),
            "epochs": settings.epochs,
            "folder": folder.display().to_string(),
            "notes": notes,
            "resumed": resumed,
        }),
    );
    notes.iter().for_each(|note| display.tell(note));
    warnings.iter().for_each(|warning| display.warn(warning));
    display.tell(format_args!("\n{model}\n"));
    let Settings { epochs, batch_size, rate, schedule, optimizer, loss, clip, seed, .. } = settings;
    display.tell(format_args!(
        "{epochs} epochs in batches of {batch_size}; {loss} by {optimizer}, rate {rate:?} {schedule}, clip {clip}, \
         seed {seed}; into {}\n",
        folder.display()
    ));
    if resumed {
        let (epoch, batch) = trainer.position();
        display.tell(format_args!(
            "continuing from epoch {epoch}, after batch {batch} of {}\n",
            trainer.batches()
        ));
    }
}
