//! The command line.

use crate::check::CheckOptions;
use crate::compare::CompareOptions;
use crate::graph::GraphOptions;
use crate::plot_bench::PlotBenchOptions;
use crate::predict::PredictOptions;
use crate::report::ReportOptions;
use crate::shell::{CompletionsOptions, ManOptions};
use crate::train::TrainOptions;
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

/// Train small neural networks with exact derivatives, and inspect the results and the derivatives.
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
    Report(ReportOptions),
    Completions(CompletionsOptions),
    Man(ManOptions),
}

/// The message if no data are given.
pub(crate) const NO_DATA: &str = "there is no DATA; expected the name of a data set or the path of a CSV file; see 'dualtape train --help'";

/// The command line. `--help` shows the usual options, `--help-all` all of them.
pub(crate) fn command() -> clap::Command {
    let short = Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::HelpShort)
        .help("Print the usual options")
        .global(true);
    let long = Arg::new("help-all")
        .long("help-all")
        .action(ArgAction::HelpLong)
        .help("Print all options")
        .hide_short_help(true)
        .global(true);
    Arguments::command().disable_help_flag(true).disable_help_subcommand(true).arg(short).arg(long)
}

/// Parses the command line.
pub(crate) fn parse() -> Result<Arguments, clap::Error> {
    let matches = command().try_get_matches()?;
    Arguments::from_arg_matches(&matches)
}

/// Whether clap's answer is help or the version, or the help shown for a command line without a command.
pub(crate) fn is_help(answer: &clap::Error) -> bool {
    use clap::error::ErrorKind;
    matches!(
        answer.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// A usage error in one line, with a suggestion if there is one, and the command that shows help.
pub(crate) fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(in_line);
    let problem = paragraphs.next().unwrap_or_default();
    let tip = paragraphs.find_map(|paragraph| Some(paragraph.split_once("tip: ")?.1.to_owned()));
    // Clap's tip about values that begin with a dash does not help a user who mistyped an option.
    let tip = tip.filter(|tip| tip.contains("similar")).map_or(String::new(), |tip| format!("; {tip}"));
    let named = std::env::args().nth(1).filter(|name| Arguments::command().find_subcommand(name).is_some());
    let help = named.map_or("dualtape --help".to_owned(), |name| format!("dualtape {name} --help"));
    format!("{}{tip}; see '{help}'", problem.trim_start_matches("error: "))
}

/// Words separated by single spaces.
fn in_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
