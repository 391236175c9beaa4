//! The command line.

use clap::{Args, Parser, Subcommand};
use dualtape_nn::{Activation, Clip, Error, Method, Settings};
use std::path::PathBuf;
use std::str::FromStr;

/// Train small neural networks by exact derivatives, and draw their curves.
#[derive(Debug, Parser)]
#[command(name = "dualtape", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a classifier, and write its curves, metrics and parameters.
    Train(TrainOptions),
}

/// Train a classifier, and write its curves, metrics and parameters.
///
/// The data are split by seed into a training and a validation part and standardised by the training part.
/// The output folder receives loss.png, metrics.csv and model.safetensors. The same options give the same
/// parameters, bit for bit, for any number of threads.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape train digits\n  \
    dualtape train iris --hidden 8 --epochs 50\n  \
    dualtape train flowers.csv --clip per-sample:1 --output runs/clipped")]
pub(crate) struct TrainOptions {
    /// A data set (digits, iris, moons, circles or spirals), or a CSV file: one sample a line, numbers first, its label last
    pub(crate) data: String,

    /// Sizes of the hidden layers, separated by commas; 'none' for a linear model
    #[arg(long, value_name = "SIZES", default_value = "32", value_parser = parse_sizes)]
    pub(crate) hidden: Sizes,

    /// What hidden neurons do with their sum: identity, tanh, relu, leaky-relu, elu, gelu, gelu-tanh, silu, sigmoid, softplus
    #[arg(long, value_name = "NAME", default_value = "tanh", value_parser = expected::<Activation>)]
    pub(crate) activation: Activation,

    /// How often to go through the training part
    #[arg(long, value_name = "N", default_value_t = defaults().epochs, value_parser = whole::<usize>)]
    pub(crate) epochs: usize,

    /// Samples in each step
    #[arg(long, value_name = "N", default_value_t = defaults().batch_size, value_parser = whole::<usize>)]
    pub(crate) batch: usize,

    /// Size of a step
    #[arg(long, value_name = "X", default_value_t = defaults().rate, allow_negative_numbers = true, value_parser = number)]
    pub(crate) rate: f64,

    /// Share of the last step that is kept, from 0 to less than 1
    #[arg(long, value_name = "X", default_value_t = 0.9, allow_negative_numbers = true, value_parser = number)]
    pub(crate) momentum: f64,

    /// Gradient clipping: none, value:C, norm:C (the batch) or per-sample:C
    #[arg(long, value_name = "CLIP", default_value_t = defaults().clip, value_parser = expected::<Clip>)]
    pub(crate) clip: Clip,

    /// Share of the samples to validate on, between 0 and 1
    #[arg(long, value_name = "X", default_value_t = 0.2, allow_negative_numbers = true, value_parser = number)]
    pub(crate) validation: f64,

    /// What split, initial weights and order are drawn from
    #[arg(long, value_name = "N", default_value_t = defaults().seed, value_parser = whole::<u64>)]
    pub(crate) seed: u64,

    /// Worker threads; 0 for one on each core
    #[arg(long, value_name = "N", default_value_t = defaults().threads, value_parser = whole::<usize>)]
    pub(crate) threads: usize,

    /// Folder for the results [default: runs/ and the name of the data]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
}

/// Sizes of hidden layers.
#[derive(Clone, Debug)]
pub(crate) struct Sizes(pub(crate) Vec<usize>);

impl TrainOptions {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            epochs: self.epochs,
            batch_size: self.batch,
            rate: self.rate,
            optimizer: Method::sgd(self.momentum),
            clip: self.clip,
            seed: self.seed,
            threads: self.threads,
            ..Settings::default()
        }
    }
}

fn defaults() -> Settings {
    Settings::default()
}

fn parse_sizes(text: &str) -> Result<Sizes, String> {
    if text == "none" {
        return Ok(Sizes(Vec::new()));
    }
    let size = |part: &str| part.trim().parse().ok().filter(|&size| size > 0);
    let sizes = text.split(',').map(size).collect::<Option<_>>();
    sizes
        .map(Sizes)
        .ok_or_else(|| "expected whole numbers of at least 1, separated by commas, or 'none'".to_owned())
}

/// A value whose own error says what it is and what was expected; the option already says what it is.
fn expected<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        Error::Setting { expected, .. } => format!("expected {expected}"),
        other => other.to_string(),
    })
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

/// Whether clap answers a request for help or for the version, or a command line without a command.
pub(crate) fn is_help(answer: &clap::Error) -> bool {
    use clap::error::ErrorKind;
    matches!(
        answer.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// What is wrong with the command line, without the usage that follows it.
pub(crate) fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}; see 'dualtape --help'", line.trim_start_matches("error: "))
}
