//! Progress of a training: a bar on a terminal, some lines otherwise, or a line for each epoch, or JSON, or
//! nothing. The JSON is described in `docs/guide/src/events.md`.

use crate::output::{reading, say};
use crate::private::rounded_up;
use dualtape_nn::{Metrics, Progress, Record};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::{Value, json};
use std::fmt;
use std::io::{self, IsTerminal};

/// What is printed while a training runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Style {
    /// For people: a bar on a terminal, otherwise a few lines.
    Lines,
    /// For people: a line for each epoch, and a bar on a terminal.
    EachEpoch,
    /// For programs: a JSON object on a separate line for each event.
    Json,
    /// Nothing.
    Quiet,
}

pub(crate) struct Display {
    style: Style,
    epochs: usize,
    bar: Option<ProgressBar>,
}

impl Display {
    pub(crate) fn new(style: Style, epochs: usize) -> Self {
        let for_people = matches!(style, Style::Lines | Style::EachEpoch);
        let watched = for_people && io::stdout().is_terminal() && io::stderr().is_terminal();
        Self { style, epochs, bar: watched.then(new_bar) }
    }

    /// A line for people only.
    pub(crate) fn tell(&self, line: impl std::fmt::Display) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None if matches!(self.style, Style::Lines | Style::EachEpoch) => say(line),
            None => {}
        }
    }

    /// A warning about a choice that is probably unintended.
    pub(crate) fn warn(&self, warning: &str) {
        self.tell(format_args!("warning: {warning}"));
        self.object("warning", &json!({ "message": warning }));
    }

    /// An event for programs only.
    pub(crate) fn object(&self, event: &str, about: &Value) {
        if self.style == Style::Json {
            say(event_line(event, about));
        }
    }

    pub(crate) fn batch(&self, progress: &Progress) {
        let Some(bar) = &self.bar else { return };
        if bar.length().is_none() {
            bar.set_length(steps(self.epochs, progress.batches));
            // Steps of an earlier process are not counted, since they say nothing about the remaining time.
            bar.reset_eta();
        }
        bar.set_position(
            steps(progress.epoch - 1, progress.batches).saturating_add(progress.batches_done as u64),
        );
        let Progress { epoch, loss, .. } = progress;
        bar.set_message(format!("epoch {epoch}/{}  loss {}", self.epochs, reading(*loss)));
    }

    pub(crate) fn epoch(&self, record: &Record) {
        if self.is_told(record.epoch) {
            self.tell(self.line(record));
        }
        self.object("epoch", &epoch_object(record));
    }

    /// Where no bar is shown, an occasional line shows that the training is running.
    fn is_told(&self, epoch: usize) -> bool {
        const LINES: usize = 10;
        let part = |epoch: usize| epoch as u128 * LINES as u128 / self.epochs.max(1) as u128;
        match self.style {
            Style::EachEpoch => true,
            Style::Lines => self.bar.is_none() && part(epoch) > part(epoch - 1),
            Style::Json | Style::Quiet => false,
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, record: &Record) -> String {
        let width = self.epochs.to_string().len();
        let Record { epoch, training, validation, epsilon, .. } = record;
        let spent = epsilon.map_or(String::new(), |epsilon| format!("  ε {}", rounded_up(epsilon)));
        format!(
            "epoch {epoch:>width$}/{}  training {}  validation {}{spent}",
            self.epochs,
            words(training),
            words(validation)
        )
    }
}

fn steps(epochs: usize, batches: usize) -> u64 {
    (epochs as u64).saturating_mul(batches as u64)
}

/// Loss and metrics, formatted for people.
pub(crate) fn words(metrics: &Metrics) -> String {
    let loss = format!("loss {}", reading(metrics.loss));
    match (metrics.accuracy, metrics.r_squared) {
        (Some(accuracy), _) => format!("{loss}, accuracy {:5.1} %", accuracy * 100.0),
        (_, Some(r_squared)) => format!("{loss}, R² {r_squared:7.4}"),
        _ => loss,
    }
}

/// Loss and metrics as JSON.
pub(crate) fn metrics_object(metrics: &Metrics) -> Value {
    let all = [
        ("loss", Some(metrics.loss)),
        ("accuracy", metrics.accuracy),
        ("mean_absolute_error", metrics.mean_absolute_error),
        ("r_squared", metrics.r_squared),
    ];
    all.into_iter().filter_map(|(name, number)| Some((name.to_owned(), json!(number?)))).collect()
}

/// The version of the event format.
const FORMAT: u32 = 1;

/// A line for programs: the event, the version of the format, and the data of the event.
pub(crate) fn event_line(event: &str, about: &Value) -> Value {
    let mut line = json!({ "event": event, "format": FORMAT });
    if let (Some(line), Some(about)) = (line.as_object_mut(), about.as_object()) {
        line.extend(about.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    line
}

fn epoch_object(record: &Record) -> Value {
    let mut event = json!({
        "epoch": record.epoch,
        "training": metrics_object(&record.training),
        "validation": metrics_object(&record.validation),
        "rate": record.rate,
        "batch_loss": record.batch_loss,
        "gradient_norm": record.gradient_norm,
        "clipped_norm": record.clipped_norm,
        "clipped_share": record.clipped,
        "seconds": record.elapsed.as_secs_f64(),
    });
    if let Some(epsilon) = record.epsilon {
        event["epsilon"] = json!(epsilon);
    }
    event
}

fn new_bar() -> ProgressBar {
    // Always one line: what does not fit is cut off, not wrapped.
    let template = "{bar:16} {percent:>3} %  {wide_msg}  {speed}  {eta} left";
    let style =
        ProgressStyle::with_template(template).expect("the template is well-formed, as every run confirms");
    let speed = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // If it cannot be written, it is not shown.
        let _ = write!(text, "{:.0} steps/s", state.per_sec());
    };
    let style = style.with_key("speed", speed);
    ProgressBar::no_length().with_style(style)
}
