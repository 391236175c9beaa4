//! The command line.

use crate::check::CheckOptions;
use crate::compare::CompareOptions;
use crate::graph::GraphOptions;
use crate::options::Sizes;
use crate::plot_bench::PlotBenchOptions;
use crate::predict::PredictOptions;
use crate::train::TrainOptions;
use clap::{Parser, Subcommand};
use dualtape_nn::Error;
use std::str::FromStr;

/// Train small neural networks by exact derivatives, look at what came of it, and at the derivatives.
#[derive(Debug, Parser)]
#[command(
    name = "dualtape",
    version,
    arg_required_else_help = true,
    after_help = "Start with 'dualtape train moons', then look into runs/moons."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Train(Box<TrainOptions>),
    Predict(PredictOptions),
    Compare(CompareOptions),
    Check(Box<CheckOptions>),
    Graph(GraphOptions),
    PlotBench(PlotBenchOptions),
}

/// What is said to who trains on nothing.
pub(crate) const NO_DATA: &str = "there is no DATA; expected the name of a data set or the path of a CSV file; see 'dualtape train --help'";

pub(crate) fn parse_sizes(text: &str) -> Result<Sizes, String> {
    expected(text)
}

/// A value whose own error says what it is and what was expected; the option already says what it is.
pub(crate) fn expected<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        Error::Setting { expected, .. } => format!("expected {expected}"),
        other => other.to_string(),
    })
}

/// A number that fits into a file of options as well, where whole numbers have a sign.
pub(crate) fn whole(text: &str) -> Result<usize, String> {
    seed(text).and_then(|number| usize::try_from(number).map_err(|error| error.to_string()))
}

/// As [`whole`], for seeds.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let fits = |&number: &u64| i64::try_from(number).is_ok();
    text.parse().ok().filter(fits).ok_or_else(|| format!("expected a whole number from 0 to {}", i64::MAX))
}

pub(crate) fn number(text: &str) -> Result<f64, String> {
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
