//! Turns options into data, a model and settings, for both training and checking.

use crate::arguments::NO_DATA;
use crate::failure::Failure;
use crate::options::{Delimiter, Options};
use crate::ranks::Ranks;
use crate::{input, private};
use dualtape_nn::data::{Csv, Dataset, Encoder, Missing, Standardizer, Table, Targets, Unknown};
use dualtape_nn::{Activation, Error, Loss, Method, Mlp, SavedModel, Settings, Unit};

/// Everything a training starts from.
pub(crate) struct Setup {
    /// All options, with defaults filled in.
    pub(crate) options: Options,
    pub(crate) settings: Settings,
    /// Where the data come from.
    pub(crate) name: String,
    /// The data as the model sees them.
    pub(crate) training: Dataset,
    pub(crate) validation: Dataset,
    /// The label's column.
    label: Option<String>,
    pub(crate) encoder: Encoder,
    input_scale: Option<Standardizer>,
    pub(crate) target_scale: Option<Standardizer>,
    pub(crate) model: Mlp,
    /// How the data were read.
    pub(crate) notes: Vec<String>,
    /// Warnings about choices that are probably unintended.
    pub(crate) warnings: Vec<String>,
}

/// The requested options and settings, with the data as read.
pub(crate) struct Request {
    options: Options,
    settings: Settings,
    table: Table,
    /// Whether the noise has to be computed from a privacy budget.
    solve_noise: bool,
    notes: Vec<String>,
}

impl Request {
    /// Checks the options and reads the data.
    pub(crate) fn new(mut given: Options, ranks: &mut Ranks) -> Result<Self, Failure> {
        let Some(name) = given.data.clone() else { return Err(Failure::Usage(NO_DATA.to_owned())) };
        if given.momentum.is_some() {
            given.optimizer = given.optimizer.or(Some(Method::default()));
        }
        let regression = given.regression.unwrap_or(false);
        let usual = crate::defaults::of(&name, regression);
        let usual = given.private.map_or_else(Options::default, |private| private.options()).over(&usual);
        let solved = given.noise.is_none_or(|noise| noise == 0.0);
        let mut options = given.over(&usual);
        let mut settings = settings(&options)?;
        if let Some(private) = options.private {
            private.apply(&options, &mut settings)?;
            // A placeholder until the number of samples is known. It is tiny, so that no check refuses it for being too large;
            // the noise that is then computed is checked again.
            settings.noise = if solved { f64::MIN_POSITIVE } else { settings.noise };
        }
        settings.check()?;
        check_numbers(&options)?;
        // The momentum becomes part of the optimizer, so that options can be compared.
        (options.optimizer, options.momentum) = (Some(settings.optimizer), None);
        let csv = csv(&options, &name)?;
        let mut table = input::table(&name, &csv, settings.seed, ranks).map_err(for_training)?;
        let mut notes = if input::is_named(&name) { Vec::new() } else { table.notes().to_vec() };
        notes.extend(drop_rows(&mut table, options.missing.unwrap_or_default()));
        let solve_noise = options.private.is_some() && solved;
        Ok(Self { options, settings, table, solve_noise, notes })
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// The requested training.
    pub(crate) fn setup(self) -> Result<Setup, Failure> {
        let share = self.options.validation.unwrap_or(0.2);
        let training = self.table.draw_training(share, self.settings.seed)?;
        self.split_by(&training)
    }

    /// The trainings of cross-validation; each validates on a different fold.
    pub(crate) fn folds(
        &self,
        count: usize,
    ) -> Result<impl Iterator<Item = Result<Setup, Failure>>, Failure> {
        let fold_of = self.table.draw_folds(count, self.settings.seed)?;
        let fold = move |fold: usize| {
            let training: Vec<bool> = fold_of.iter().map(|&other| other != fold).collect();
            let Self { options, settings, table, solve_noise, .. } = self;
            let (options, settings, table) = (options.clone(), settings.clone(), table.clone());
            Self { options, settings, table, solve_noise: *solve_noise, notes: Vec::new() }
                .split_by(&training)
        };
        Ok((0..count).map(fold))
    }

    /// Splits the data: the marked rows are for training, the others for validation.
    fn split_by(self, training: &[bool]) -> Result<Setup, Failure> {
        let Self { mut options, mut settings, table, solve_noise, mut notes } = self;
        let encoder = Encoder::fit(&table, training, options.missing.unwrap_or_default());
        let encoder = encoder.map_err(|error| for_training(error.into()))?;
        notes.extend(fills(&table, &encoder));
        let label = table.label().map(str::to_owned);
        let all = encoder.encode(table, Unknown::Refuse)?;
        let (name, has_classes) = (all.name().to_owned(), !all.classes().is_empty());
        check_loss(settings.loss, &all)?;
        let numbered = row_numbers(&all);
        let (training, validation) = all.partition(training);
        if let (Some(private), true) = (options.private, solve_noise) {
            settings.noise = private.solve_noise(&settings, training.len())?;
            settings.check()?;
            options.noise = Some(settings.noise);
        }
        let mut warnings = private::warnings(&settings, &options, &training);
        if has_classes {
            warnings.extend(similar_classes(training.classes()));
            warnings.extend(rare_classes(&training, &validation));
        }
        warnings.extend(rare_categories(&encoder, training.len() + validation.len()));
        warnings.extend(numbered);
        warnings.extend(constant_targets(&training));
        warnings.extend(rising_schedule(&settings, training.len()));
        let standardize = options.standardize.unwrap_or(true);
        if options.private.is_some() && !standardize {
            notes.push(
                "columns are not standardised, because their means and deviations would reveal something about the \
                 samples; --standardize true standardises them anyway"
                    .to_owned(),
            );
        }
        let input_scale = standardize.then(|| Standardizer::fit(&training));
        let target_scale = if standardize { Standardizer::fit_targets(&training) } else { None };
        let mut parts = [training, validation];
        for part in &mut parts {
            scale(part, input_scale.as_ref(), target_scale.as_ref());
        }
        let [training, validation] = parts;
        let model = model(&options, &training, settings.loss)?;
        Ok(Setup {
            options,
            settings,
            name,
            training,
            validation,
            label,
            encoder,
            input_scale,
            target_scale,
            model,
            notes,
            warnings,
        })
    }
}

/// Scales data to what the model sees.
fn scale(data: &mut Dataset, inputs: Option<&Standardizer>, targets: Option<&Standardizer>) {
    if let Some(inputs) = inputs {
        inputs.apply_in_place(data);
    }
    if let Some(targets) = targets {
        targets.apply_to_targets_in_place(data);
    }
}

impl Setup {
    pub(crate) fn new(given: Options) -> Result<Self, Failure> {
        Request::new(given, &mut Ranks::alone())?.setup()
    }

    /// Freshly initialised parameters.
    pub(crate) fn initial_parameters(&self) -> Vec<f64> {
        match self.options.initializer {
            Some(chosen) => self.model.initialize_with(self.settings.seed, |_| chosen),
            None => self.model.initialize(self.settings.seed),
        }
    }

    /// The model with these parameters, ready for rows in the original units of the data.
    pub(crate) fn saved(&self, parameters: Vec<f64>) -> SavedModel {
        let saved = SavedModel::new(self.model.clone(), parameters, &self.training, self.settings.loss);
        SavedModel {
            label: self.label.clone(),
            encoder: self.encoder.clone(),
            input_scale: self.input_scale.clone(),
            target_scale: self.target_scale.clone(),
            ..saved
        }
    }

    /// The features of a sample in the original units of the data.
    pub(crate) fn unscaled_input(&self, data: &Dataset, i: usize) -> Vec<f64> {
        let mut row = data.input(i).to_vec();
        if let Some(scale) = &self.input_scale {
            scale.unscale(&mut row);
        }
        row
    }

    /// Targets in the original units of the data.
    pub(crate) fn unscaled_targets(&self, mut targets: Vec<f64>) -> Vec<f64> {
        if let Some(scale) = &self.target_scale {
            scale.unscale(&mut targets);
        }
        targets
    }

    /// The test samples as the model sees them, or `None` without a test file. Adds notes on how the file was read.
    pub(crate) fn test(&mut self) -> Result<Option<Dataset>, Failure> {
        let Some(file) = &self.options.test.clone() else { return Ok(None) };
        let canonical = |file: &str| std::path::Path::new(file).canonicalize().ok();
        if canonical(file).is_some() && canonical(file) == self.options.data.as_deref().and_then(canonical) {
            return Err(Failure::Usage(format!(
                "--test is {file}, which is also the training data; expected a file with other samples"
            )));
        }
        let Options { header, delimiter, encoding, label, .. } = &self.options;
        let mut csv = csv_like(self.training.classes(), &self.encoder, self.label.as_deref(), None);
        if let Some(label) = label {
            csv = csv.label_as_in_training(label);
        }
        let csv = dialect(csv, *header, *delimiter, encoding.as_deref())?;
        let mut table =
            input::table(file, &csv, self.settings.seed, &mut Ranks::alone()).map_err(for_training)?;
        let dropped = drop_rows(&mut table, self.options.missing.unwrap_or_default());
        self.notes.extend(table.notes().iter().cloned().chain(dropped).map(|note| format!("{file}: {note}")));
        let data = self.encoder.encode(table, self.options.unknown.unwrap_or_default());
        let mut data = data.map_err(|error| for_training(error.into()))?;
        if data.targets() == &Targets::None {
            let problem =
                format!("{file}: there is no label; expected {}", self.label.as_deref().unwrap_or("one"));
            return Err(Failure::Failed(problem));
        }
        scale(&mut data, self.input_scale.as_ref(), self.target_scale.as_ref());
        Ok(Some(data))
    }
}

/// Leaves out the rows that cannot be used, and says how many.
fn drop_rows(table: &mut Table, missing: Missing) -> Option<String> {
    let before = table.len();
    match missing {
        Missing::Refuse => {}
        Missing::Drop => table.drop_incomplete(),
        // A label is never filled in: an unknown answer cannot be learned.
        Missing::Mean | Missing::Median => table.drop_unlabelled(),
    }
    let dropped = before - table.len();
    let what = if missing == Missing::Drop { "missing values" } else { "no label" };
    let rows = if dropped == 1 { "row has" } else { "rows have" };
    (dropped > 0).then(|| format!("{dropped} of {before} {rows} {what} and will not be used"))
}

/// Adds a hint to an error about training data.
fn for_training(failure: Failure) -> Failure {
    with_hint(failure, |error| match error {
        Error::TextColumns { .. } => {
            "--categories NAMES (or all) turns words into features, --drop NAMES leaves columns out"
        }
        Error::MissingValues { .. } => "--missing drop, mean or median chooses how to treat them",
        _ => "--regression predicts numbers",
    })
}

/// Adds a hint to an error about data for predictions.
pub(crate) fn for_predictions(failure: Failure) -> Failure {
    with_hint(failure, |error| match error {
        Error::MissingValues { .. } => "a model trained with --missing mean or median can fill them in",
        _ => "the model was trained on numbers in this column",
    })
}

fn with_hint(failure: Failure, hint: fn(&Error) -> &'static str) -> Failure {
    match failure {
        Failure::Data(error) => Failure::Failed(format!("{error}; {}", hint(&error))),
        other => other,
    }
}

/// Warnings about classes with too few samples to learn or to validate.
fn rare_classes(training: &Dataset, validation: &Dataset) -> Vec<String> {
    const FEW: usize = 5;
    let names = training.classes();
    let count = |data: &Dataset| {
        let mut counts = vec![0; names.len()];
        data.samples().for_each(|(_, class)| counts[class] += 1);
        counts
    };
    let (in_training, in_validation) = (count(training), count(validation));
    let named = |counts: &[usize], which: fn(usize) -> bool| {
        let all: Vec<&str> = names
            .iter()
            .zip(counts)
            .filter(|(_, count)| which(**count))
            .map(|(name, _)| name.as_str())
            .collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    [
        named(&in_training, |count| count == 0).map(|all| format!("no sample to train on is of class {all}")),
        named(&in_training, |count| (1..FEW).contains(&count))
            .map(|all| format!("fewer than {FEW} samples to train on are of class {all}")),
        named(&in_validation, |count| count == 0)
            .map(|all| format!("no sample to validate on is of class {all}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A warning about classes that differ only in capital letters.
fn similar_classes(classes: &[String]) -> Option<String> {
    let lower: Vec<String> = classes.iter().map(|class| class.to_lowercase()).collect();
    let (later, earlier) = (0..lower.len())
        .find_map(|later| Some((later, lower[..later].iter().position(|class| *class == lower[later])?)))?;
    let (a, b) = (&classes[earlier], &classes[later]);
    Some(format!("the classes {a} and {b} differ only in capital letters"))
}

/// Warnings about columns of categories in which most words occur only once, such as names.
fn rare_categories(encoder: &Encoder, rows: usize) -> Vec<String> {
    let count = |column| encoder.categories(column).map_or(0, <[String]>::len);
    let rare = |(column, name): (usize, &str)| {
        let count = count(column);
        (count > 2 && count * 2 > rows).then(|| {
            format!("column '{name}' has {count} different words in {rows} rows; use --drop to leave it out")
        })
    };
    encoder.columns().enumerate().filter_map(rare).collect()
}

/// Warnings about columns that number the rows, as programs write them beside a table.
fn row_numbers(all: &Dataset) -> Vec<String> {
    const LEAST: usize = 10;
    let numbers_rows = |column: usize| {
        let start = all.input(0)[column];
        (0..all.len()).all(|row| all.input(row)[column] == start + row as f64)
    };
    let columns = all.features().iter().enumerate();
    columns
        .filter(|(column, _)| all.len() >= LEAST && numbers_rows(*column))
        .map(|(_, name)| format!("column '{name}' numbers the rows; use --drop to leave it out"))
        .collect()
}

/// Warnings about numbers to predict that are the same in all samples to train on.
fn constant_targets(training: &Dataset) -> Vec<String> {
    let Targets::Numbers { names, .. } = training.targets() else { return Vec::new() };
    if training.len() < 2 {
        return Vec::new();
    }
    let constant = |(i, name): (usize, &String)| {
        let first = training.numbers(0)[i];
        let is_constant = (1..training.len()).all(|row| training.numbers(row)[i] == first);
        is_constant
            .then(|| format!("'{name}' is {first} in all samples to train on, so there is nothing to learn"))
    };
    names.iter().enumerate().filter_map(constant).collect()
}

/// A note on what missing values are replaced with.
fn fills(table: &Table, encoder: &Encoder) -> Option<String> {
    const MOST: usize = 8;
    let gaps = table.gaps();
    let fill = |(column, name): (usize, &str)| {
        let (_, count) = gaps.iter().find(|(gap, _)| gap == name)?;
        Some(format!("{} for {count} in {name}", encoder.fill(column)?))
    };
    let fills: Vec<String> = encoder.columns().enumerate().filter_map(fill).collect();
    let more =
        if fills.len() > MOST { format!(" and {} more columns", fills.len() - MOST) } else { String::new() };
    (!fills.is_empty())
        .then(|| format!("missing values are filled in: {}{more}", fills[..fills.len().min(MOST)].join(", ")))
}

/// A warning if the rate rises again, as a cosine schedule does when training continues after its end.
fn rising_schedule(settings: &Settings, samples: usize) -> Option<String> {
    let (unit, all) = match settings.schedule_unit {
        Unit::Epoch => ("epoch", settings.epochs as u64),
        Unit::Step => ("step", settings.steps(samples)),
    };
    let end = settings.schedule.rises_again(all)?;
    Some(format!(
        "the schedule {} ends after {end} {unit}s of {all}, and the rate rises again after that",
        settings.schedule
    ))
}

/// Checks the numbers that the library's settings do not check.
fn check_numbers(options: &Options) -> Result<(), Failure> {
    let seconds = options.checkpoint_every.unwrap_or(0.0);
    if !(seconds.is_finite() && seconds >= 0.0) {
        return Err(Failure::Usage(format!("--checkpoint-every is {seconds}; expected 0 or more seconds")));
    }
    match options.folds {
        Some(folds @ (0 | 1)) => Err(Failure::Usage(format!("--folds is {folds}; expected at least 2"))),
        _ => Ok(()),
    }
}

fn settings(options: &Options) -> Result<Settings, Failure> {
    let usual = Settings::default();
    Ok(Settings {
        epochs: options.epochs.unwrap_or(usual.epochs),
        batch_size: options.batch_size.unwrap_or(usual.batch_size),
        accumulate: options.accumulate.unwrap_or(usual.accumulate),
        rate: options.rate.unwrap_or(usual.rate),
        schedule: options.schedule.clone().unwrap_or(usual.schedule),
        schedule_unit: options.schedule_unit.unwrap_or(usual.schedule_unit),
        optimizer: options.method(usual.optimizer)?,
        clip: options.clip.unwrap_or(usual.clip),
        noise: options.noise.unwrap_or(usual.noise),
        loss: options.loss.unwrap_or(usual.loss),
        reduction: options.reduction.unwrap_or(usual.reduction),
        l1: options.l1.unwrap_or(usual.l1),
        l2: options.l2.unwrap_or(usual.l2),
        patience: options.patience,
        keep_best: options.keep_best.unwrap_or(usual.keep_best),
        seed: options.seed.unwrap_or(usual.seed),
        threads: options.threads.unwrap_or(usual.threads),
        ..usual
    })
}

fn csv(options: &Options, name: &str) -> Result<Csv, Failure> {
    let regression = options.regression.unwrap_or(false);
    let about_files = [
        ("label", options.label.is_some()),
        ("header", options.header.is_some()),
        ("classes", options.classes.is_some()),
        ("regression", regression),
        ("missing", options.missing.is_some()),
        ("categories", options.categories.is_some()),
        ("drop", options.drop.is_some()),
        ("only", options.only.is_some()),
        ("delimiter", options.delimiter.is_some()),
        ("encoding", options.encoding.is_some()),
        ("max-rows", options.max_rows.is_some()),
    ];
    if let (true, Some((option, _))) = (input::is_named(name), about_files.iter().find(|(_, given)| *given)) {
        return Err(Failure::Usage(format!(
            "--{option} is for CSV files; {name} is a built-in data set with its own classes"
        )));
    }
    let classes = options.classes.as_deref().unwrap_or_default();
    if let Some((_, twice)) = classes.iter().enumerate().find(|(i, class)| classes[..*i].contains(class)) {
        return Err(Failure::Usage(format!("--classes names '{twice}' twice; expected different classes")));
    }
    for (clash, problem) in [
        (
            regression && options.classes.is_some(),
            "--classes and --regression exclude each other: a regression has no classes",
        ),
        (
            options.drop.is_some() && options.only.is_some(),
            "--drop and --only exclude each other; expected one of them",
        ),
    ] {
        if clash {
            return Err(Failure::Usage(problem.to_owned()));
        }
    }
    let Options { header, delimiter, encoding, .. } = options;
    let mut csv = dialect(Csv::new(), *header, *delimiter, encoding.as_deref())?;
    if let Some(rows) = options.max_rows {
        csv = csv.max_rows(rows);
    }
    if let Some(label) = &options.label {
        csv = csv.label(label);
    }
    if let Some(classes) = &options.classes {
        csv = csv.classes(classes);
    }
    csv = match options.categories.as_deref() {
        None => csv,
        Some([all]) if all == "all" => csv.all_categories(),
        Some(names) => csv.categories(names),
    };
    if let Some(left_out) = &options.drop {
        csv = csv.without(left_out);
    }
    if let Some(only) = &options.only {
        csv = csv.only(only);
    }
    Ok(if regression { csv.numbers() } else { csv })
}

/// Fixes header, delimiter and encoding where they are given; the others are detected from the file.
pub(crate) fn dialect(
    mut csv: Csv,
    header: Option<bool>,
    delimiter: Option<Delimiter>,
    encoding: Option<&str>,
) -> Result<Csv, Failure> {
    if let Some(header) = header {
        csv = csv.header(header);
    }
    if let Some(delimiter) = delimiter {
        csv = csv.delimiter(delimiter.0);
    }
    Ok(match encoding {
        Some(encoding) => csv.encoding(encoding)?,
        None => csv,
    })
}

/// A reader for a file with the columns that a model was trained on. `learned` is the name of the label's column in
/// training, `named` its name in this file, if given.
pub(crate) fn csv_like(
    classes: &[String],
    encoder: &Encoder,
    learned: Option<&str>,
    named: Option<&str>,
) -> Csv {
    let csv = if classes.is_empty() { Csv::new().numbers() } else { Csv::new().classes(classes) };
    let csv = csv.for_encoder(encoder, learned);
    match named {
        Some(label) => csv.label(label),
        None => csv,
    }
}

/// Checks that there are at least two classes, and that the loss suits the targets. A single class often means that
/// the user forgot `--regression`.
fn check_loss(loss: Loss, data: &Dataset) -> Result<(), Failure> {
    match data.targets() {
        Targets::Classes { names, .. } if names.len() < 2 => Err(Failure::Failed(format!(
            "{}: there is 1 class, {}; expected at least 2 (--regression predicts numbers)",
            data.name(),
            names.first().map_or("", String::as_str),
        ))),
        Targets::Numbers { .. } if loss.is_for_classes() => Err(Failure::Usage(format!(
            "the loss {loss} is for classes; expected mse, l1 or huber for a regression"
        ))),
        _ => Ok(()),
    }
}

fn model(options: &Options, data: &Dataset, loss: Loss) -> Result<Mlp, Failure> {
    let outputs = match data.targets() {
        Targets::Numbers { names, .. } => names.len(),
        _ => loss.outputs_for(data.classes().len()),
    };
    let hidden = options.hidden.iter().flat_map(|sizes| sizes.0.iter().copied());
    let sizes: Vec<_> = std::iter::once(data.features().len()).chain(hidden).chain([outputs]).collect();
    Ok(Mlp::new(&sizes, options.activation.unwrap_or(Activation::Tanh))?)
}
