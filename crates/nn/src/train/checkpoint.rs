//! The state of a training in a file.

use super::state::{Best, State};
use crate::container::{self, Container, Tensor};
use crate::data::{Dataset, Targets};
use crate::history::{Record, Sums};
use crate::privacy::{NoiseKey, NoiseSource};
use crate::{Error, Model, Optimizer, Settings};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

const KIND: &str = "checkpoint";

/// The beginning of the names of all tensors that are not the model's own. No tensor of a model may begin like this.
pub(super) const OWN: &str = "trainer/";

#[derive(Serialize, Deserialize)]
struct About {
    settings: Settings,
    /// The CRC-32 of the data, to detect other data.
    training: u32,
    validation: u32,
    epoch: usize,
    batch: usize,
    steps: u64,
    buffers: usize,
    best_epoch: Option<usize>,
    /// The key for noise and Poisson samples, in hexadecimal digits, if it is not derived from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_key: Option<String>,
    /// A text that the caller wants to read again.
    #[serde(default)]
    note: String,
}

/// The training to which a state belongs.
pub(super) struct Of<'a, M> {
    pub(super) model: &'a M,
    /// The data to train on, and the data to validate.
    pub(super) data: [&'a Dataset; 2],
    pub(super) settings: &'a Settings,
}

/// The bytes of a file with the state of a training and a note.
pub(super) fn to_bytes<M: Model>(of: &Of<'_, M>, state: &State, note: &str) -> std::io::Result<Vec<u8>> {
    let &Of { model, data: [training, validation], settings } = of;
    let layout = model.tensors();
    let about = About {
        settings: settings.clone(),
        training: fingerprint(training),
        validation: fingerprint(validation),
        epoch: state.epoch,
        batch: state.batch,
        steps: state.optimizer.steps(),
        buffers: state.optimizer.buffers().len(),
        best_epoch: state.best.as_ref().map(|best| best.epoch),
        secret_key: (settings.noise_source == NoiseSource::System).then(|| state.key.to_hex()),
        note: note.to_owned(),
    };
    let own = |name: &str| format!("{OWN}{name}");
    let mut tensors = Tensor::split("", &layout, &state.parameters);
    tensors.extend(Tensor::split(&own("previous."), &layout, &state.previous));
    if let Some(best) = &state.best {
        tensors.extend(Tensor::split(&own("best."), &layout, &best.parameters));
        tensors.push(Tensor::row(&own("best_loss"), &[best.loss]));
    }
    for (i, buffer) in state.optimizer.buffers().iter().enumerate() {
        tensors.push(Tensor::row(&own(&format!("optimizer.{i}")), buffer));
    }
    tensors.push(Tensor::row(&own("sums"), &state.sums.to_row()));
    tensors.push(Tensor::row(&own("limit"), &[state.limit]));
    tensors.push(Tensor::row(&own("elapsed"), &[state.elapsed.as_secs_f64()]));
    let numbers = state.history.iter().flat_map(|record| record.to_row()).collect();
    let shape = vec![state.history.len(), Record::WIDTH];
    tensors.push(Tensor { name: own("history"), shape, numbers });
    container::to_bytes(KIND, &about, &tensors)
}

pub(super) fn note(path: &Path) -> Result<String, Error> {
    Ok(container::read::<About>(path, KIND)?.about.note)
}

/// The state of a training, and the note that was saved with it. The training may continue for longer or shorter.
pub(super) fn read<M: Model>(path: &Path, of: &Of<'_, M>) -> Result<(State, String), Error> {
    let file = container::read::<About>(path, KIND)?;
    let Settings { epochs, patience, .. } = *of.settings;
    let free = Settings { epochs, patience, ..file.about.settings.clone() };
    restore(file, &free, of)
}

/// The state of a training that another process shares, from the bytes of its file; errors name the path. The training must
/// end where that of the other process ends, because each waits for the other.
pub(super) fn from_bytes<M: Model>(
    path: &Path,
    bytes: Vec<u8>,
    of: &Of<'_, M>,
) -> Result<(State, String), Error> {
    let file = container::from_bytes::<About>(path, KIND, bytes)?;
    let strict = file.about.settings.clone();
    restore(file, &strict, of)
}

/// `then` are the settings of the file, as far as they must be the same.
fn restore<M: Model>(
    file: Container<About>,
    then: &Settings,
    of: &Of<'_, M>,
) -> Result<(State, String), Error> {
    let &Of { model, data: [training, validation], settings } = of;
    let about = &file.about;
    check_settings(&file, then, settings)?;
    for (what, data, then) in
        [("training", training, about.training), ("validation", validation, about.validation)]
    {
        if fingerprint(data) != then {
            return Err(file.wrong(format!("it was made with other {what} data; expected the same data")));
        }
    }
    let batches = settings.batches(training.len());
    if about.epoch == 0 || about.batch > batches || about.best_epoch.is_some_and(|best| best >= about.epoch) {
        let (epoch, batch) = (about.epoch, about.batch);
        return Err(file.wrong(format!(
            "it is at epoch {epoch}, batch {batch} of {batches}, which no training reaches"
        )));
    }
    let most_steps =
        (about.epoch as u64 - 1).saturating_mul(batches as u64).saturating_add(about.batch as u64);
    if about.steps > most_steps {
        let steps = about.steps;
        return Err(
            file.wrong(format!("it has made {steps} steps; expected at most {most_steps} at its position"))
        );
    }
    let layout = model.tensors();
    // Files of earlier versions have no prefix.
    let prefix = if file.has(&format!("{OWN}sums"))? { OWN } else { "" };
    let own = |name: &str| format!("{prefix}{name}");
    let parameters = file.join("", &layout)?;
    let buffers = (0..about.buffers).map(|i| file.row_of(&own(&format!("optimizer.{i}")), parameters.len()));
    let buffers = buffers.collect::<Result<Vec<_>, _>>()?;
    let optimizer = Optimizer::restore(settings.optimizer, parameters.len(), about.steps, buffers);
    let best = match about.best_epoch {
        Some(epoch) => {
            let (loss, parameters) =
                (file.row_of(&own("best_loss"), 1)?[0], file.join(&own("best."), &layout)?);
            Some(Best { epoch, loss, parameters })
        }
        None => None,
    };
    let (sums, elapsed) = (file.row_of(&own("sums"), Sums::WIDTH)?, file.row_of(&own("elapsed"), 1)?[0]);
    let key = match (settings.noise_source, &about.secret_key) {
        (NoiseSource::Seed, _) => Some(NoiseKey::from_seed(settings.seed)),
        (NoiseSource::System, text) => text.as_deref().and_then(NoiseKey::from_hex),
    };
    let state = State {
        key: key.ok_or_else(|| file.wrong("it has no key for the noise; expected 64 digits".to_owned()))?,
        limit: file.row_of(&own("limit"), 1)?[0],
        previous: file.join(&own("previous."), &layout)?,
        optimizer: optimizer.map_err(|error| file.wrong(error.to_string()))?,
        parameters,
        epoch: about.epoch,
        batch: about.batch,
        sums: Sums::from_row(sums.try_into().expect("as many as asked for")),
        history: history(&file, &own("history"))?,
        best,
        elapsed: Duration::try_from_secs_f64(elapsed).unwrap_or_default(),
    };
    Ok((state, file.about.note))
}

fn history(file: &Container<About>, name: &str) -> Result<Vec<Record>, Error> {
    let numbers = file.row_of(name, (file.about.epoch - 1).saturating_mul(Record::WIDTH))?;
    let (rows, _) = numbers.as_chunks();
    Ok(rows.iter().map(|&row| Record::from_row(row)).collect())
}

/// Checks that all settings are as before, except for the number of threads, which changes nothing.
fn check_settings(file: &Container<About>, then: &Settings, now: &Settings) -> Result<(), Error> {
    let free = Settings { threads: now.threads, ..then.clone() };
    if free == *now {
        return Ok(());
    }
    let values = |settings: &Settings| serde_json::to_value(settings).unwrap_or_default();
    let (then, now) = (values(&free), values(now));
    let named = then.as_object().into_iter().flatten().find(|(name, value)| now.get(name) != Some(value));
    let (name, value) = named.map_or(("settings", &then), |(name, value)| (name, value));
    let given = now.get(name).unwrap_or(&now);
    Err(file
        .wrong(format!("its {name} was {value}, now it is {given}; expected the same, to continue from it")))
}

/// The CRC-32 of all numbers and names.
fn fingerprint(data: &Dataset) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut names =
        |names: &[String]| names.iter().for_each(|name| hasher.update(format!("{name}\n").as_bytes()));
    names(data.features());
    names(data.classes());
    for i in 0..data.len() {
        for number in data.input(i).iter().chain(data.numbers(i)) {
            hasher.update(&number.to_le_bytes());
        }
        if let Some(label) = data.label(i) {
            hasher.update(&(label as u64).to_le_bytes());
        }
    }
    if let Targets::Numbers { names, .. } = data.targets() {
        names.iter().for_each(|name| hasher.update(name.as_bytes()));
    }
    hasher.finalize()
}
