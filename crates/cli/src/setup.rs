//! From options to data, a model and settings: what training and checking share.

use crate::arguments::NO_DATA;
use crate::failure::Failure;
use crate::options::Options;
use dualtape_nn::data::{self, Csv, Dataset, Standardizer, Targets};
use dualtape_nn::{Activation, Loss, Method, Mlp, SavedModel, Settings};

/// All that a training starts from.
pub(crate) struct Setup {
    /// All options, none of them left open.
    pub(crate) options: Options,
    pub(crate) settings: Settings,
    /// As they came.
    pub(crate) all: Dataset,
    /// As the model sees them.
    pub(crate) training: Dataset,
    pub(crate) validation: Dataset,
    pub(crate) input_scale: Option<Standardizer>,
    pub(crate) target_scale: Option<Standardizer>,
    pub(crate) model: Mlp,
}

/// The names that [`data::open`] knows.
const NAMED: [&str; 5] = ["digits", "iris", "moons", "circles", "spirals"];

impl Setup {
    pub(crate) fn new(mut given: Options) -> Result<Self, Failure> {
        let Some(name) = given.data.clone() else { return Err(Failure::Usage(NO_DATA.to_owned())) };
        if given.momentum.is_some() {
            given.optimizer = given.optimizer.or(Some(Method::default()));
        }
        let regression = given.regression.unwrap_or(false);
        let mut options = given.over(&crate::defaults::of(&name, regression));
        let settings = settings(&options)?;
        settings.check()?;
        let seconds = options.checkpoint_every.unwrap_or(0.0);
        if !(seconds.is_finite() && seconds >= 0.0) {
            return Err(Failure::Usage(format!(
                "--checkpoint-every is {seconds}; expected 0 or more seconds"
            )));
        }
        // One way to say it, so that options can be compared.
        (options.optimizer, options.momentum) = (Some(settings.optimizer), None);
        let seed = settings.seed;
        let all = data::open(&name, &csv(&options, &name)?, seed)?;
        check_loss(settings.loss, &all)?;
        let (training, validation) = all.split(options.validation.unwrap_or(0.2), seed)?;
        let standardize = options.standardize.unwrap_or(true);
        let input_scale = standardize.then(|| Standardizer::fit(&training));
        let target_scale = if standardize { Standardizer::fit_targets(&training) } else { None };
        let scaled = |data: Dataset| {
            let data = input_scale.as_ref().map_or(data.clone(), |scale| scale.apply(&data));
            target_scale.as_ref().map_or(data.clone(), |scale| scale.apply_to_targets(&data))
        };
        let (training, validation) = (scaled(training), scaled(validation));
        let model = model(&options, &all, settings.loss)?;
        Ok(Self { settings, training, validation, input_scale, target_scale, model, all, options })
    }

    /// Fresh parameters.
    pub(crate) fn initial_parameters(&self) -> Vec<f64> {
        match self.options.initializer {
            Some(chosen) => self.model.initialize_with(self.settings.seed, |_| chosen),
            None => self.model.initialize(self.settings.seed),
        }
    }

    /// The model with these parameters, for rows as they are in the data.
    pub(crate) fn saved(&self, parameters: Vec<f64>) -> SavedModel {
        let saved = SavedModel::new(self.model.clone(), parameters, &self.all, self.settings.loss);
        SavedModel { input_scale: self.input_scale.clone(), target_scale: self.target_scale.clone(), ..saved }
    }
}

fn settings(options: &Options) -> Result<Settings, Failure> {
    let usual = Settings::default();
    Ok(Settings {
        epochs: options.epochs.unwrap_or(usual.epochs),
        batch_size: options.batch_size.unwrap_or(usual.batch_size),
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
    })
}

fn csv(options: &Options, name: &str) -> Result<Csv, Failure> {
    let regression = options.regression.unwrap_or(false);
    let about_files = [
        ("label", options.label.is_some()),
        ("header", options.header.is_some()),
        ("classes", options.classes.is_some()),
        ("regression", regression),
    ];
    if let (true, Some((option, _))) = (NAMED.contains(&name), about_files.iter().find(|(_, given)| *given)) {
        return Err(Failure::Usage(format!(
            "--{option} is for CSV files; {name} is a data set with classes of its own"
        )));
    }
    if regression && options.classes.is_some() {
        return Err(Failure::Usage(
            "--classes and --regression exclude each other: a regression has no classes".to_owned(),
        ));
    }
    let mut csv = Csv::new();
    if let Some(header) = options.header {
        csv = csv.header(header);
    }
    if let Some(label) = &options.label {
        csv = csv.label(label);
    }
    if let Some(classes) = &options.classes {
        csv = csv.classes(classes);
    }
    Ok(if regression { csv.numbers() } else { csv })
}

/// Quantities of classes would be compared with ones and zeros, which nobody means who forgot `--regression`.
fn check_loss(loss: Loss, data: &Dataset) -> Result<(), Failure> {
    match data.targets() {
        Targets::Classes { names, .. } if names.len() < 2 => Err(Failure::Failed(format!(
            "{}: there is 1 class, {}; expected at least 2, or --regression for numbers",
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
