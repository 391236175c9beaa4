//! How far a training has come: a bar on a terminal, one line an epoch otherwise.

use crate::output::{accuracy, say};
use dualtape_nn::{Event, Metrics, Record};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};

pub(crate) struct Display {
    epochs: usize,
    bar: Option<ProgressBar>,
}

impl Display {
    /// Chooses by whether somebody watches.
    pub(crate) fn new(epochs: usize) -> Self {
        let watched = io::stdout().is_terminal() && io::stderr().is_terminal();
        Self { epochs, bar: watched.then(|| new_bar(epochs)) }
    }

    pub(crate) fn show(&self, event: Event) {
        match (event, &self.bar) {
            (Event::Batch(progress), Some(bar)) => {
                if progress.batches_done == 1 {
                    bar.set_length((self.epochs * progress.batches) as u64);
                }
                bar.set_position(((progress.epoch - 1) * progress.batches + progress.batches_done) as u64);
                bar.set_message(format!("epoch {}, loss {}", progress.epoch, loss_reading(progress.loss)));
            }
            (Event::Batch(_), None) => {}
            (Event::Epoch(record), Some(bar)) => bar.println(self.line(&record)),
            (Event::Epoch(record), None) => say(self.line(&record)),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, record: &Record) -> String {
        let width = self.epochs.to_string().len();
        format!(
            "epoch {:>width$}/{}  training {}  validation {}",
            record.epoch,
            self.epochs,
            reading(&record.training),
            reading(&record.validation),
        )
    }
}

fn reading(metrics: &Metrics) -> String {
    format!("loss {}, accuracy {:5.1} %", loss_reading(metrics.loss), accuracy(metrics) * 100.0)
}

/// Four digits after the point while that can be read.
fn loss_reading(loss: f64) -> String {
    if loss < 1e5 { format!("{loss:.4}") } else { format!("{loss:.3e}") }
}

fn new_bar(epochs: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {per_sec}  {eta} left")
        .expect("the template is well-formed, as every run confirms");
    ProgressBar::new(epochs as u64).with_style(style)
}
