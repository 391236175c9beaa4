//! The program `dualtape`: train small networks, with their curves drawn.

#![forbid(unsafe_code)]

mod arguments;
mod output;
mod progress;
mod train;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

/// What every error ends with, as with other tools' usage errors.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) if arguments::is_help(&answer) => {
            // Nobody is left to tell if this cannot be printed.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::from(WRONG) } else { ExitCode::SUCCESS };
        }
        Err(error) => return fail(&arguments::in_one_line(&error)),
    };
    let done = match arguments.command {
        Command::Train(options) => train::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("dualtape: {message}");
    ExitCode::from(WRONG)
}
