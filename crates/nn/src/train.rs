//! Training a classifier: epochs, batches, steps, and what is measured on the way.

use crate::data::Dataset;
use crate::{Clip, Error, Mlp, Recorded, Sgd, clip, initialize, loss};
use dualtape::Differentiable;
use dualtape::program::{Rows, Selected};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// More threads than any machine of today has cores; starting many more takes longer than training.
const MAX_THREADS: usize = 1024;

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How often to go through all samples; at least 1.
    pub epochs: usize,
    /// How many samples make one step; at least 1.
    pub batch_size: usize,
    /// The size of a step; positive.
    pub rate: f64,
    /// The share of the last step that is kept; from 0 to less than 1.
    pub momentum: f64,
    /// How gradients are clipped.
    pub clip: Clip,
    /// What the order of the samples is drawn from.
    pub seed: u64,
    /// Worker threads; 0 for one on each core. The result has the same bits for any number.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { epochs: 20, batch_size: 32, rate: 0.05, momentum: 0.9, clip: Clip::None, seed: 1, threads: 0 }
    }
}

impl Settings {
    /// # Errors
    ///
    /// [`Error::Setting`], naming the first setting that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        for (what, count) in [("number of epochs", self.epochs), ("batch size", self.batch_size)] {
            if count == 0 {
                return Err(Error::Setting { what, given: "0".to_owned(), expected: "at least 1" });
            }
        }
        if self.threads > MAX_THREADS {
            let given = self.threads.to_string();
            return Err(Error::Setting { what: "number of threads", given, expected: "at most 1024" });
        }
        self.clip.check()?;
        Sgd::<f64>::new(self.rate, self.momentum).map(drop)
    }
}

/// How a model does on a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// The mean loss.
    pub loss: f64,
    /// The share of samples whose largest output is their class.
    pub accuracy: f64,
}

/// One epoch of the history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Measured on the training part, after the epoch.
    pub training: Metrics,
    /// Measured on the validation part, after the epoch.
    pub validation: Metrics,
    /// The mean norm of the gradients of the batches, before clipping by value or norm.
    pub gradient_norm: f64,
    /// Time since the training began.
    pub elapsed: Duration,
}

/// How far an epoch has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The batches done in it.
    pub batches_done: usize,
    /// The batches it has.
    pub batches: usize,
    /// The mean loss of the batch just done.
    pub loss: f64,
}

/// What a training reports while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A step was made.
    Batch(Progress),
    /// An epoch is over.
    Epoch(Record),
}

/// Trains a classifier by stochastic gradient descent on the softmax cross-entropy, and returns a record of
/// each epoch.
///
/// The same settings give the same parameters, bit for bit, for any number of threads.
///
/// # Errors
///
/// [`Error::Setting`] and [`Error::Shape`] before anything is changed; [`Error::NotFinite`] where loss or
/// gradient is no longer finite, with the last parameters for which both were left in `parameters`.
pub fn train(
    model: &Mlp,
    parameters: &mut [f64],
    training: &Dataset,
    validation: &Dataset,
    settings: &Settings,
    mut report: impl FnMut(Event),
) -> Result<Vec<Record>, Error> {
    settings.check()?;
    check_shapes(model, parameters, training)?;
    check_shapes(model, parameters, validation)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(settings.threads).build();
    let pool = pool.map_err(|source| Error::Threads { threads: settings.threads, source })?;
    let mut descent = Descent::new(model, training, settings)?;
    let start = Instant::now();
    let mut history = Vec::new();
    for epoch in 1..=settings.epochs {
        let gradient_norm = descent.epoch(epoch, parameters, &pool, &mut report)?;
        let (training, validation) =
            pool.install(|| (evaluate(model, parameters, training), evaluate(model, parameters, validation)));
        let record = Record { epoch, training, validation, gradient_norm, elapsed: start.elapsed() };
        history.push(record);
        report(Event::Epoch(record));
    }
    Ok(history)
}

/// Loss and accuracy of a model on a data set, on rayon's current thread pool.
///
/// # Panics
///
/// If model, parameters and data do not fit.
pub fn evaluate(model: &Mlp, parameters: &[f64], data: &Dataset) -> Metrics {
    let measure = |i| {
        let (input, class) = data.sample(i);
        let outputs = model.forward(parameters, input);
        let best = (0..outputs.len()).fold(0, |best, i| if outputs[i] > outputs[best] { i } else { best });
        (loss::cross_entropy(&outputs, class), best == class)
    };
    // Collected before they are added up, so that the order of the sum does not depend on the threads.
    let measured: Vec<_> = (0..data.len()).into_par_iter().map(measure).collect();
    let count = data.len() as f64;
    Metrics {
        loss: measured.iter().map(|&(loss, _)| loss).sum::<f64>() / count,
        accuracy: measured.iter().filter(|&&(_, right)| right).count() as f64 / count,
    }
}

fn check_shapes(model: &Mlp, parameters: &[f64], data: &Dataset) -> Result<(), Error> {
    let sizes = [
        ("parameters of the model", parameters.len(), model.parameter_count()),
        ("features of the data, for the model's inputs", data.features().len(), model.inputs()),
        ("classes of the data, for the model's outputs", data.classes().len(), model.outputs()),
    ];
    match sizes.into_iter().find(|(_, given, expected)| given != expected) {
        Some((what, given, expected)) => Err(Error::Shape { what: what.to_owned(), given, expected }),
        None => Ok(()),
    }
}

/// What is kept from step to step.
struct Descent<'a> {
    settings: &'a Settings,
    sgd: Sgd<f64>,
    recorded: Recorded<f64>,
    /// Each sample's input, followed by its class as a one-hot row.
    samples: Vec<f64>,
    width: usize,
    gradient: Vec<f64>,
    /// The last parameters that gave a finite loss.
    good: Vec<f64>,
    order: Vec<usize>,
    shuffles: rand_chacha::ChaCha8Rng,
}

impl<'a> Descent<'a> {
    fn new(model: &'a Mlp, data: &'a Dataset, settings: &'a Settings) -> Result<Self, Error> {
        Ok(Self {
            settings,
            sgd: Sgd::new(settings.rate, settings.momentum)?,
            recorded: Recorded::new(
                model.parameter_count(),
                model.inputs() + model.outputs(),
                |parameters, sample| {
                    let (input, shares) = sample.split_at(model.inputs());
                    loss::cross_entropy_of_shares(&model.forward(parameters, input), shares)
                },
            )?,
            samples: samples(data),
            width: model.inputs() + model.outputs(),
            gradient: vec![0.0; model.parameter_count()],
            good: Vec::new(),
            order: (0..data.len()).collect(),
            shuffles: initialize::stream(settings.seed),
        })
    }

    /// Goes through all samples once; returns the mean norm of the batches' gradients.
    fn epoch(
        &mut self,
        epoch: usize,
        parameters: &mut [f64],
        pool: &rayon::ThreadPool,
        report: &mut impl FnMut(Event),
    ) -> Result<f64, Error> {
        self.order.shuffle(&mut self.shuffles);
        let order = std::mem::take(&mut self.order);
        let batches = order.len().div_ceil(self.settings.batch_size);
        let mut norms = 0.0;
        for (samples, done) in order.chunks(self.settings.batch_size).zip(1..) {
            let (loss, norm) = pool.install(|| self.slope(parameters, samples))?;
            for (what, value) in [("loss", loss), ("norm of the gradient", norm)] {
                if !value.is_finite() {
                    if !self.good.is_empty() {
                        parameters.copy_from_slice(&self.good);
                    }
                    return Err(Error::NotFinite { what, value, epoch, batch: done });
                }
            }
            self.good.clear();
            self.good.extend_from_slice(parameters);
            self.sgd.step(parameters, &self.gradient);
            norms += norm;
            report(Event::Batch(Progress { epoch, batches_done: done, batches, loss }));
        }
        self.order = order;
        Ok(norms / batches as f64)
    }

    /// Computes and clips the gradient of one batch; returns the mean loss, and the norm before clipping.
    fn slope(&mut self, parameters: &[f64], samples: &[usize]) -> Result<(f64, f64), Error> {
        let sample_limit = match self.settings.clip {
            Clip::PerSample(limit) => Some(limit),
            _ => None,
        };
        let points = Rows::new(&self.samples, self.width);
        let chosen = Selected { points: &points, indices: samples };
        let batch = self.recorded.mean(parameters, &chosen, sample_limit, &mut self.gradient)?;
        let norm = f64::norm(&self.gradient);
        match self.settings.clip {
            Clip::Value(limit) => clip::by_value(&mut self.gradient, limit),
            Clip::Norm(limit) => drop(clip::by_norm(&mut self.gradient, limit)),
            Clip::None | Clip::PerSample(_) => {}
        }
        Ok((batch.loss, norm))
    }
}

/// Each sample's input, followed by its class as a one-hot row.
fn samples(data: &Dataset) -> Vec<f64> {
    let row = |i| {
        let (input, class) = data.sample(i);
        let share = move |other| if other == class { 1.0 } else { 0.0 };
        input.iter().copied().chain((0..data.classes().len()).map(share))
    };
    (0..data.len()).flat_map(row).collect()
}
