//! Generates code for some workloads, to be timed against gradients written by hand.

// The build script uses only part of these files.
#![allow(dead_code, unreachable_pub)]

#[path = "src/functions/mod.rs"]
mod functions;
#[path = "src/objective.rs"]
mod objective;
#[path = "../../tests/src/scenarios.rs"]
mod scenarios;

use dualtape::Program;
use dualtape::codegen::{Quantity, Source};
use dualtape::loops::Checkpoints;
use functions::loops::{LstmLoop, PENDULUM, PendulumLoop};
use functions::lstm::BITS;
use functions::projection::{OBSERVATION, WIDTH, reprojection_error};
use functions::{Ode, Rosenbrock, numbers, observations, text};
use objective::Objective;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    for file in [
        "build.rs",
        "src/functions",
        "src/functions/mod.rs",
        "src/objective.rs",
        "../../tests/src/scenarios.rs",
    ] {
        println!("cargo::rerun-if-changed={file}");
    }
    for n in [2, 10, 100, 1000] {
        gradient(&format!("rosenbrock_{n}"), &Rosenbrock, &scenarios::rosenbrock_point(n))?;
    }
    for steps in [10, 1000] {
        let pendulum = PendulumLoop::new(steps, Checkpoints::default());
        gradient(&format!("pendulum_{steps}"), &pendulum, &PENDULUM)?;
    }
    for characters in [16, 128] {
        let lstm = LstmLoop::new(&text(characters));
        gradient(&format!("lstm_{characters}"), &lstm, &numbers(11 * BITS, 0.7))?;
    }
    gradient("ode_10", &Ode(10), &numbers(10, 0.7))?;
    let row = &observations(1)[..OBSERVATION];
    // The feature is constant in the residual: it is an input, but derivatives with respect to it are not needed.
    let program = Program::record_with_data(
        |feature, x| reprojection_error(&[x, feature].concat()),
        &row[WIDTH..],
        &row[..WIDTH],
    )?;
    dualtape_build::rust("projection", &Source::new(&program).quantities(&[Quantity::Jacobian]))?;
    Ok(())
}

fn gradient(name: &str, f: &impl Objective, x: &[f64]) -> Outcome {
    let program = Program::record(|x| f.call(x), x)?;
    dualtape_build::rust(name, &Source::new(&program).quantities(&[Quantity::Gradient]))?;
    Ok(())
}
