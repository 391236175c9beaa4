//! Training: epochs, batches, steps, and the measurements made meanwhile.

mod accounting;
mod checkpoint;
mod samples;
mod state;
mod step;

pub use accounting::Spent;

use crate::data::Dataset;
use crate::evaluate::{self, check_sizes};
use crate::history::{Event, Record};
use crate::parallel::{AllReduce, Local};
use crate::privacy::NoiseSource;
use crate::{Error, Model, Recorded, Settings, files, parameters};
use accounting::Accounting;
use samples::Samples;
use state::State;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;

/// Trains a model from beginning to end, and returns a record of each epoch. It calls `report` for every step and
/// every epoch. A [`Trainer`] can also be stopped, saved and resumed.
///
/// The same settings give the same parameters, bit for bit, for any number of threads.
///
/// # Errors
///
/// [`Error::Setting`] and [`Error::Shape`] before anything is changed; [`Error::NotFinite`] if the loss or the
/// gradient is no longer finite. Then `parameters` holds the last parameters for which both were finite.
///
/// ```
/// use dualtape_nn::{Activation, Event, Mlp, Settings, data, train};
/// let (training, validation) = data::moons().split(0.2, 7)?;
/// let model = Mlp::new(&[2, 8, 2], Activation::Tanh)?;
/// let mut parameters = model.initialize(7);
/// let mut losses = Vec::new();
/// let history = train(&model, &mut parameters, &training, &validation, &Settings::default(), |event| {
///     if let Event::Epoch(record) = event {
///         losses.push(record.training.loss);
///     }
/// })?;
/// assert!(history.len() == losses.len() && losses.last() < losses.first());
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn train<M: Model>(
    model: &M,
    parameters: &mut [f64],
    training: &Dataset,
    validation: &Dataset,
    settings: &Settings,
    mut report: impl FnMut(Event),
) -> Result<Vec<Record>, Error> {
    let mut trainer = Trainer::new(model, parameters.to_vec(), training, validation, settings)?;
    let outcome = loop {
        match trainer.advance() {
            Ok(Some(event)) => report(event),
            Ok(None) => break Ok(trainer.history().to_vec()),
            Err(error) => break Err(error),
        }
    };
    parameters.copy_from_slice(if outcome.is_ok() { trainer.result() } else { trainer.parameters() });
    outcome
}

/// Reads the note in a checkpoint, for a caller that does not know yet which model and data it needs to
/// [`resume`](Trainer::resume). The note is empty if none was [set](Trainer::set_note).
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be read, [`Error::Checkpoint`] if it is damaged or not a checkpoint.
///
/// ```
/// use dualtape_nn::{Activation, Mlp, Settings, Trainer, checkpoint_note, data};
///
/// let (training, validation) = data::iris().split(0.2, 7)?;
/// let model = Mlp::new(&[4, 3], Activation::Tanh)?;
/// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &Settings::default())?;
/// trainer.set_note("iris, split by seed 7");
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("checkpoint.safetensors");
/// trainer.save_checkpoint(&path)?;
/// assert_eq!(checkpoint_note(&path)?, "iris, split by seed 7");
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub fn checkpoint_note(path: impl AsRef<Path>) -> Result<String, Error> {
    checkpoint::note(path.as_ref())
}

/// A training that goes one step at a time, so that the caller can inspect, save or stop it in between.
///
/// ```
/// use dualtape_nn::{Activation, Event, Mlp, Settings, Trainer, data};
///
/// let (training, validation) = data::iris().split(0.2, 7)?;
/// let model = Mlp::new(&[4, 8, 3], Activation::Tanh)?;
/// let settings = Settings { epochs: 5, ..Settings::default() };
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("checkpoint.safetensors");
///
/// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
/// for _ in 0..9 {
///     trainer.advance()?;
/// }
/// trainer.save_checkpoint(&path)?;
///
/// // Later, perhaps in another process, the training continues with the same bits.
/// let mut resumed = Trainer::resume(&path, &model, &training, &validation, &settings)?;
/// for trainer in [&mut trainer, &mut resumed] {
///     while let Some(event) = trainer.advance()? {
///         if let Event::Epoch(record) = event {
///             println!("epoch {}: loss {}", record.epoch, record.validation.loss);
///         }
///     }
/// }
/// assert_eq!(trainer.result(), resumed.result());
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer<'a, M: Model, R: AllReduce = Local> {
    model: &'a M,
    training: &'a Dataset,
    validation: &'a Dataset,
    settings: Settings,
    pool: rayon::ThreadPool,
    /// The processes that share each batch.
    ranks: R,
    /// Whether this process was asked to stop.
    stop: bool,
    /// Whether all processes know that one of them was asked to stop.
    agreed: bool,
    recorded: Recorded<f64>,
    samples: Samples,
    /// The parameters that a penalty applies to.
    weights: Vec<Range<usize>>,
    gradient: Vec<f64>,
    /// How many parameters each layer has.
    layers: Vec<usize>,
    /// The order of the samples, and the epoch for which it was drawn.
    order: (usize, Vec<usize>),
    /// The samples of the step.
    chosen: Vec<usize>,
    accounting: Option<Accounting>,
    /// The state after each step, which checkpoints save.
    state: State,
    /// A note that checkpoints save as well; see [`set_note`](Self::set_note).
    note: String,
    failed: bool,
    /// When this process began, minus the time that earlier processes spent.
    since: Instant,
}

/// How many parameters each layer has. Tensors belong to one layer if their names differ only after the last dot.
fn layers(model: &impl Model) -> Vec<usize> {
    let mut layers: Vec<(String, usize)> = Vec::new();
    for (name, shape) in model.tensors() {
        let layer = name.rsplit_once('.').map_or(name.clone(), |(layer, _)| layer.to_owned());
        let length = shape.iter().product();
        match layers.last_mut() {
            Some((last, count)) if *last == layer => *count += length,
            _ => layers.push((layer, length)),
        }
    }
    layers.into_iter().map(|(_, count)| count).collect()
}

/// Checks that a checkpoint can hold the tensors of a model beside those of the training, and that they are all its
/// parameters.
fn check_tensors(model: &impl Model) -> Result<(), Error> {
    match parameters::layout(model)?.into_iter().find(|(name, _)| name.starts_with(checkpoint::OWN)) {
        Some((name, _)) => Err(Error::TensorName { name }),
        None => Ok(()),
    }
}

impl<'a, M: Model> Trainer<'a, M> {
    /// A training before its first step.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] if a setting is out of range or does not suit the data; [`Error::Shape`] if the model, the
    /// parameters and the data do not fit together, or if the model's [`tensors`](Model::tensors) do not hold all its
    /// parameters; [`Error::TensorName`] if two of them have the same name, or a name that checkpoints reserve, which begins
    /// with `trainer/`; [`Error::Threads`] if threads cannot be started.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Error, Mlp, Settings, Trainer, data};
    /// let (training, validation) = data::moons().split(0.2, 7)?;
    /// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// let settings = Settings { epochs: 2, ..Settings::default() };
    /// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert_eq!(trainer.position(), (1, 0));
    /// let short = Trainer::new(&model, vec![0.0; 3], &training, &validation, &settings);
    /// assert!(matches!(short, Err(Error::Shape { given: 3, .. })));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn new(
        model: &'a M,
        parameters: Vec<f64>,
        training: &'a Dataset,
        validation: &'a Dataset,
        settings: &Settings,
    ) -> Result<Self, Error> {
        settings.check()?;
        check_tensors(model)?;
        let state = State::new(parameters, settings)?;
        Self::at(state, model, training, validation, settings)
    }

    /// A training in any state.
    fn at(
        state: State,
        model: &'a M,
        training: &'a Dataset,
        validation: &'a Dataset,
        settings: &Settings,
    ) -> Result<Self, Error> {
        for data in [training, validation] {
            check_sizes(model, &state.parameters, data)?;
            evaluate::samples(model, data, settings.loss)?;
        }
        settings.check_adaptive(settings.expected_samples(training.len()))?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build();
        let pool = pool.map_err(|source| Error::Threads { threads: settings.threads, source })?;
        Ok(Self {
            model,
            training,
            validation,
            recorded: evaluate::record_training(model, settings.loss)?,
            samples: Samples::new(model, evaluate::samples(model, training, settings.loss)?)?,
            weights: model.weights(),
            gradient: vec![0.0; model.parameter_count()],
            layers: layers(model),
            order: (0, Vec::new()),
            chosen: Vec::new(),
            accounting: Accounting::new(settings, training.len())?,
            failed: false,
            since: Instant::now(),
            settings: settings.clone(),
            pool,
            ranks: Local,
            stop: false,
            agreed: false,
            state,
            note: String::new(),
        })
    }

    /// Continues from a checkpoint, with the same bits as if there had been no interruption. Only the number of
    /// epochs, the patience and the number of threads may differ from before.
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new); [`Error::Read`] if the file cannot be read; [`Error::Checkpoint`] if it is
    /// damaged, or belongs to another model, other settings or other data.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// let (training, validation) = data::moons().split(0.2, 7)?;
    /// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// let settings = Settings { epochs: 2, ..Settings::default() };
    /// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// trainer.advance()?;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("checkpoint.safetensors");
    /// trainer.save_checkpoint(&path)?;
    /// // More epochs are allowed; another rate is refused.
    /// let longer = Settings { epochs: 9, ..settings.clone() };
    /// assert_eq!(Trainer::resume(&path, &model, &training, &validation, &longer)?.position(), (1, 1));
    /// let faster = Settings { rate: 0.5, ..settings.clone() };
    /// assert!(Trainer::resume(&path, &model, &training, &validation, &faster).is_err());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn resume(
        path: impl AsRef<Path>,
        model: &'a M,
        training: &'a Dataset,
        validation: &'a Dataset,
        settings: &Settings,
    ) -> Result<Self, Error> {
        settings.check()?;
        check_tensors(model)?;
        let of = checkpoint::Of { model, data: [training, validation], settings };
        let (state, note) = checkpoint::read(path.as_ref(), &of)?;
        Ok(Self { note, ..Self::at(state, model, training, validation, settings)? })
    }

    /// Shares each batch with other processes from now on. All processes must call it, with the same model, data and
    /// settings. They take over the state of rank 0, so only rank 0 needs to [resume](Self::resume) from a checkpoint. The
    /// result has the same bits for any number of processes.
    ///
    /// From then on, [`advance`](Trainer::advance) waits for the other processes, so all of them must call it equally often.
    /// Each process sees the same events and has the same parameters. Each may save; usually only rank 0 does.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if a process cannot be reached; [`Error::Checkpoint`] on a process whose model, data or settings
    /// (other than the number of threads) differ from rank 0's. The other processes then wait for this one, so end all of them, as `Mpi::abort` does.
    ///
    /// ```
    /// use dualtape_nn::{Activation, Mlp, Settings, Trainer, data, parallel::Local};
    /// let (training, validation) = data::moons().split(0.2, 7)?;
    /// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// let settings = Settings { epochs: 2, ..Settings::default() };
    /// let trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// // With the feature `mpi`, in a program started by mpirun, use Mpi::start()? here.
    /// let mut trainer = trainer.over(Local)?;
    /// while trainer.advance()?.is_some() {}
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn over<R: AllReduce>(mut self, mut ranks: R) -> Result<Trainer<'a, M, R>, Error> {
        let rank = ranks.rank();
        if ranks.size() > 1 {
            let wrong = |error| Error::Parallel { problem: format!("the state cannot be sent: {error}") };
            let mut bytes = if rank == 0 { self.to_bytes().map_err(wrong)? } else { Vec::new() };
            ranks.broadcast(&mut bytes)?;
            if rank > 0 {
                let path = Path::new("the training of rank 0");
                (self.state, self.note) = checkpoint::from_bytes(path, bytes, &self.of())?;
            }
        }
        let Self {
            model, training, validation, settings, pool, recorded, samples, weights, gradient, ..
        } = self;
        let Self { layers, order, chosen, accounting, state, note, failed, since, stop, agreed, .. } = self;
        Ok(Trainer {
            model,
            training,
            validation,
            settings,
            pool,
            recorded,
            samples,
            weights,
            gradient,
            layers,
            order,
            chosen,
            accounting,
            state,
            note,
            failed,
            since,
            stop,
            agreed,
            ranks,
        })
    }
}

impl<M: Model, R: AllReduce> Trainer<'_, M, R> {
    /// Sets a text that checkpoints contain from now on, such as how the data and the model were made. It is saved in
    /// the same file as the state, so the two cannot be separated. [`checkpoint_note`] reads it.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, checkpoint_note, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("checkpoint.safetensors");
    /// trainer.set_note("moons, split by seed 7");
    /// trainer.save_checkpoint(&path)?;
    /// assert_eq!(checkpoint_note(&path)?, "moons, split by seed 7");
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn set_note(&mut self, note: &str) {
        note.clone_into(&mut self.note);
    }

    /// Saves everything needed to continue. It replaces the file only when the new one is complete. It can be called
    /// between any two steps. If the file contains a secret key for the noise, only its owner may read it.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] if the file cannot be written; an old file then stays unchanged.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("checkpoint.safetensors");
    /// trainer.advance()?;
    /// trainer.save_checkpoint(&path)?;
    /// let resumed = Trainer::resume(&path, &model, &training, &validation, &settings)?;
    /// assert_eq!(resumed.parameters(), trainer.parameters());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn save_checkpoint(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = self.to_bytes().map_err(|source| Error::Write { path: path.to_owned(), source })?;
        match self.settings.noise_source {
            NoiseSource::Seed => files::replace(path, &bytes),
            NoiseSource::System => files::replace_secret(path, &bytes),
        }
    }

    /// The contents of a checkpoint.
    fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut state = self.state.clone();
        state.elapsed = self.elapsed();
        checkpoint::to_bytes(&self.of(), &state, &self.note)
    }

    fn of(&self) -> checkpoint::Of<'_, M> {
        checkpoint::Of { model: self.model, data: [self.training, self.validation], settings: &self.settings }
    }

    /// Asks the training to stop. All processes that share it make one more step; after that step,
    /// [`asked_to_stop`](Self::asked_to_stop) is true on each of them. Nothing is lost: save a checkpoint, and resume from
    /// it to continue.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// trainer.ask_to_stop();
    /// while !trainer.asked_to_stop() {
    ///     trainer.advance()?;
    /// }
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn ask_to_stop(&mut self) {
        self.stop = true;
        self.agreed |= self.ranks.size() == 1;
    }

    /// Whether all processes know that one was [asked to stop](Self::ask_to_stop).
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// trainer.advance()?;
    /// assert!(!trainer.asked_to_stop());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn asked_to_stop(&self) -> bool {
        self.agreed
    }

    /// Makes a step, or measures at the end of an epoch. It returns `None` if the training is over. If it panics or
    /// fails, the state stays as it was before.
    ///
    /// # Errors
    ///
    /// [`Error::NotFinite`] if the loss or the gradient is no longer finite. The parameters are then the last ones for
    /// which both were finite, and the training is over. [`Error::Program`] if the model branches.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Event, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 1, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// for _ in 0..trainer.batches() {
    ///     assert!(matches!(trainer.advance()?, Some(Event::Batch(_))));
    /// }
    /// assert!(matches!(trainer.advance()?, Some(Event::Epoch(_))));
    /// assert_eq!(trainer.advance()?, None); // there was one epoch
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn advance(&mut self) -> Result<Option<Event>, Error> {
        if self.is_over() {
            return Ok(None);
        }
        if self.state.batch == self.batches() || self.budget_is_spent() {
            return self.measure().map(|record| Some(Event::Epoch(record)));
        }
        let step = self.step();
        if step.is_err() {
            self.failed = true;
        }
        step.map(|progress| Some(Event::Batch(progress)))
    }

    /// Whether all epochs are done, the patience has run out, or a step failed.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// while !trainer.is_over() {
    ///     trainer.advance()?;
    /// }
    /// assert_eq!(trainer.history().len(), 2);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn is_over(&self) -> bool {
        let ended = self.state.epoch > self.settings.epochs || self.stopped_early();
        self.failed || ended || (self.budget_is_spent() && self.state.batch == 0)
    }

    /// Whether another step would exceed the privacy budget. It is false after all epochs if the budget allows more.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert!(!trainer.budget_is_spent()); // there is no budget
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn budget_is_spent(&self) -> bool {
        self.accounting
            .as_ref()
            .is_some_and(|accounting| self.state.optimizer.steps() >= accounting.most_steps())
    }

    /// How many of the steps of all epochs the privacy budget allows; `None` if there is no budget.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert_eq!(trainer.steps_within_budget(), None);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn steps_within_budget(&self) -> Option<u64> {
        let all = self.settings.steps(self.training.len());
        self.accounting.as_ref().map(|accounting| accounting.most_steps().min(all))
    }

    /// How much of its privacy budget the training has spent; `None` if there is no budget.
    ///
    /// ```
    /// use dualtape_nn::privacy::Sampling;
    /// use dualtape_nn::{Activation, Clip, Mlp, Settings, Trainer, data};
    /// let (training, validation) = data::moons().split(0.2, 7)?;
    /// let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// let settings = Settings {
    ///     epochs: 100,
    ///     clip: Clip::PerSample(1.0),
    ///     noise: 4.0,
    ///     sampling: Sampling::Poisson,
    ///     budget: Some("epsilon=3,delta=1e-3".parse()?),
    ///     ..Settings::default()
    /// };
    /// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// while trainer.advance()?.is_some() {}
    /// let spent = trainer.spent().unwrap();
    /// assert!(trainer.budget_is_spent() && 2.9 < spent.epsilon && spent.epsilon <= 3.0);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn spent(&self) -> Option<Spent> {
        Some(self.accounting.as_ref()?.spent(self.state.optimizer.steps()))
    }

    /// Whether the training ended because the patience had run out. It is false if all epochs were done by then.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, patience: Some(1), rate: 1e-9, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert!(!trainer.stopped_early());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn stopped_early(&self) -> bool {
        let last_better = self.state.best.as_ref().map_or(0, |best| best.epoch);
        let waited = (self.state.epoch - 1).saturating_sub(last_better);
        let is_before_end = self.state.epoch <= self.settings.epochs;
        is_before_end && self.settings.patience.is_some_and(|patience| waited >= patience)
    }

    /// The records of the epochs so far.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// while trainer.advance()?.is_some() {}
    /// assert_eq!(trainer.history().iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn history(&self) -> &[Record] {
        &self.state.history
    }

    /// The parameters after the last step.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert_eq!(trainer.parameters(), model.initialize::<f64>(7));
    /// trainer.advance()?;
    /// assert_ne!(trainer.parameters(), model.initialize::<f64>(7));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn parameters(&self) -> &[f64] {
        &self.state.parameters
    }

    /// The epoch with the best validation loss, and its parameters; `None` before the first epoch is over.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert_eq!(trainer.best(), None);
    /// while trainer.advance()?.is_some() {}
    /// let losses: Vec<f64> = trainer.history().iter().map(|record| record.validation.loss).collect();
    /// assert_eq!(trainer.best().map(|(epoch, _)| epoch), Some(if losses[1] < losses[0] { 2 } else { 1 }));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn best(&self) -> Option<(usize, &[f64])> {
        self.state.best.as_ref().map(|best| (best.epoch, &best.parameters[..]))
    }

    /// The best parameters if the settings choose them and they exist, otherwise the last ones.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// let settings = Settings { epochs: 2, keep_best: false, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// while trainer.advance()?.is_some() {}
    /// assert_eq!(trainer.result(), trainer.parameters());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn result(&self) -> &[f64] {
        match self.best() {
            Some((_, best)) if self.settings.keep_best => best,
            _ => self.parameters(),
        }
    }

    /// The norms of the per-sample gradients of the last batch, before clipping; empty unless each sample is clipped.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Clip, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// let settings = Settings { clip: Clip::PerSample(1.0), ..Settings::default() };
    /// let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// trainer.advance()?;
    /// assert_eq!(trainer.last_sample_norms().len(), settings.batch_size);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn last_sample_norms(&self) -> &[f64] {
        self.recorded.norms()
    }

    /// The settings.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// assert_eq!(trainer.settings().epochs, 2);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The current epoch, counted from 1, and the number of batches done in it.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// trainer.advance()?;
    /// assert_eq!(trainer.position(), (1, 1));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn position(&self) -> (usize, usize) {
        (self.state.epoch, self.state.batch)
    }

    /// How many steps an epoch has.
    ///
    /// ```
    /// # use dualtape_nn::{Activation, Mlp, Settings, Trainer, data};
    /// # let (training, validation) = data::moons().split(0.2, 7)?;
    /// # let model = Mlp::new(&[2, 4, 2], Activation::Tanh)?;
    /// # let settings = Settings { epochs: 2, ..Settings::default() };
    /// # let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, &settings)?;
    /// // 80 samples, 32 at a time.
    /// assert_eq!((trainer.batches(), settings.batch_size), (3, 32));
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn batches(&self) -> usize {
        self.settings.batches(self.training.len())
    }

    fn elapsed(&self) -> std::time::Duration {
        self.state.elapsed + self.since.elapsed()
    }

    /// Ends an epoch.
    fn measure(&mut self) -> Result<Record, Error> {
        let Self { model, settings, state, ranks, pool, .. } = self;
        let mut on =
            |data| evaluate::evaluate_by_ranks(*model, &state.parameters, data, settings.loss, ranks, pool);
        let (training, validation) = (on(self.training), on(self.validation));
        let (spent, elapsed) = (self.spent().map(|spent| spent.epsilon), self.elapsed());
        let record = self.state.sums.record(self.state.epoch, training?, validation?, spent, elapsed);
        self.state.finish_epoch(record);
        Ok(record)
    }
}
