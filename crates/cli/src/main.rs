//! The program `dualtape`: train small networks, with their curves drawn.

#![forbid(unsafe_code)]

mod arguments;
mod check;
mod compare;
mod defaults;
mod expression;
mod failure;
mod graph;
mod interrupt;
mod options;
mod output;
mod parsers;
mod pictures;
mod plot_bench;
mod predict;
mod progress;
mod run_folder;
mod setup;
mod table;
mod text;
mod train;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) if arguments::is_help(&answer) => {
            // Nobody is left to tell if this cannot be printed.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
        Err(error) => return fail(&Failure::Usage(arguments::in_one_line(&error))),
    };
    let done = match arguments.command {
        Command::Train(options) => train::run(*options),
        Command::Predict(options) => predict::run(&options),
        Command::Compare(options) => compare::run(&options),
        Command::Check(options) => check::run(*options),
        Command::Graph(options) => graph::run(&options),
        Command::PlotBench(options) => plot_bench::run(&options),
    };
    match done.and_then(|()| output::check_said()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    output::complain(format_args!("dualtape: {}", failure.message()));
    ExitCode::from(failure.code())
}
