//! The command line.

use crate::check::CheckOptions;
use crate::compare::CompareOptions;
use crate::graph::GraphOptions;
use crate::plot_bench::PlotBenchOptions;
use crate::predict::PredictOptions;
use crate::train::TrainOptions;
use clap::{Parser, Subcommand};

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
