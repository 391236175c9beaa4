//! The program `dualtape`: trains small networks, draws their curves, and differentiates expressions.

#![forbid(unsafe_code)]

mod arguments;
mod check;
mod compare;
mod cross_validation;
mod defaults;
mod expression;
mod failure;
mod graph;
mod importance;
mod input;
mod interrupt;
mod options;
mod output;
mod parsers;
mod pictures;
mod plot_bench;
mod predict;
mod private;
mod progress;
mod ranks;
mod report;
mod run_folder;
mod scores;
mod setup;
mod shell;
mod suggestion;
mod summary;
mod table;
mod text;
mod train;

use arguments::Command;
use failure::Failure;
use serde_json::json;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(answer) if arguments::is_help(&answer) => {
            // If this cannot be printed, there is nobody left to tell.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
        Err(error) => return fail(&Failure::Usage(arguments::in_one_line(&error))),
    };
    let in_json = matches!(&arguments.command, Command::Train(options) if options.wants_json());
    let _end = ranks::EndWithPanic;
    let done = match arguments.command {
        Command::Train(options) => train::run(*options),
        Command::Predict(options) => predict::run(&options),
        Command::Compare(options) => compare::run(&options),
        Command::Check(options) => check::run(*options),
        Command::Graph(options) => graph::run(&options),
        Command::PlotBench(options) => plot_bench::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Completions(options) => shell::completions(&options),
        Command::Man(options) => shell::man(&options),
    };
    match done.and_then(|()| output::check_said()) {
        Ok(()) => {
            ranks::end(None);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            if in_json && ranks::leads() && !matches!(failure, Failure::Interrupted(_)) {
                let about = json!({ "message": failure.message(), "code": failure.code() });
                output::say(progress::event_line("failure", &about));
            }
            fail(&failure)
        }
    }
}

fn fail(failure: &Failure) -> ExitCode {
    let speaker = ranks::let_the_first_speak();
    output::complain(format_args!("dualtape: {speaker}{}", failure.message()));
    // A requested stop is known to all processes, and each ends by itself.
    let stopped = matches!(failure, Failure::Interrupted(_));
    ranks::end((!stopped).then_some(failure.code()));
    ExitCode::from(failure.code())
}
