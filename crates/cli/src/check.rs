//! `dualtape check`: compares a model's gradient on the data with finite differences and other modes.

use crate::failure::Failure;
use crate::options::Options;
use crate::output::say;
use crate::parsers;
use crate::setup::Setup;
use clap::Args;
use dualtape::program::Rows;
use dualtape::{Differentiable, check};
use dualtape_nn::{Model, Recorded, samples};
use std::path::PathBuf;

/// Check the gradient of a model's loss on data: compare the tape with dual numbers, with the recorded program that
/// training uses, and with finite differences.
///
/// It takes the same options as 'train' and checks freshly initialised parameters: write 'check' in place of 'train'.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dualtape check iris\n  \
    dualtape check moons --activation gelu --loss hinge\n  \
    dualtape check digits --parameters 0 --samples 2")]
pub(crate) struct CheckOptions {
    #[command(flatten)]
    options: Options,

    /// A TOML file of options; options on the command line override it
    #[arg(long, value_name = "FILE", help_heading = "Check")]
    config: Option<PathBuf>,

    /// Compute the mean loss of this many samples, the first of the training part
    #[arg(long, value_name = "N", default_value_t = 4, allow_negative_numbers = true, value_parser = parsers::at_least_one, help_heading = "Check")]
    samples: usize,

    /// Check this many parameters, spread evenly over all; 0 for all
    #[arg(long, value_name = "N", default_value_t = 300, allow_negative_numbers = true, value_parser = parsers::whole, help_heading = "Check")]
    parameters: usize,
}

/// The largest allowed difference between recorded program and tape, relative to the larger of the derivative and 1.
const TOLERANCE: f64 = 1e-12;

pub(crate) fn run(options: CheckOptions) -> Result<(), Failure> {
    let given = match &options.config {
        Some(file) => options.options.over(&Options::read(file)?),
        None => options.options,
    };
    let setup = Setup::new(given)?;
    let (model, loss) = (&setup.model, setup.settings.loss);
    let parameters = setup.initial_parameters();
    let width = model.inputs() + model.outputs();
    let count = options.samples.min(setup.training.len());
    let first: Vec<usize> = (0..count).collect();
    let rows = &samples(model, &setup.training.select(&first), loss)?[..];

    let chosen = spread(parameters.len(), options.parameters);
    let at: Vec<f64> = chosen.iter().map(|&i| parameters[i]).collect();
    let report = check::gradient(|p| mean_loss(&setup, &parameters, &chosen, p, rows), &at);

    let mut recorded = Recorded::new(parameters.len(), width, |p, sample| {
        let (input, targets) = sample.split_at(model.inputs());
        model.loss(loss, &model.forward(p, input), targets)
    })?;
    let mut gradient = vec![0.0; parameters.len()];
    recorded.mean(&parameters, &Rows::new(rows, width), None, &mut gradient)?;
    let distance = |(&i, component): (&usize, &check::Component)| {
        (gradient[i] - component.reverse).abs() / component.reverse.abs().max(1.0)
    };
    let furthest = chosen.iter().zip(report.components()).map(distance).fold(0.0, f64::max);

    let worst = report.components().iter().map(check::Component::to_difference).fold(0.0, f64::max);
    let modes = report.components().iter().map(check::Component::between_modes).fold(0.0, f64::max);
    say(format_args!(
        "{}: {loss} of {count} samples, {} of {} parameters\n\
         tape and dual numbers    differ by {modes:.1e} at most\n\
         tape and program         differ by {furthest:.1e} at most\n\
         tape and differences     differ by {worst:.1e} at most",
        setup.name,
        chosen.len(),
        parameters.len(),
    ));
    if report.passes() && furthest <= TOLERANCE {
        say("the gradient is right");
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "the gradient of {} may be wrong: {report}; program: {furthest:e}",
        setup.name
    )))
}

/// The indices of `wanted` parameters, evenly spread; all of them for 0.
fn spread(all: usize, wanted: usize) -> Vec<usize> {
    let wanted = if wanted == 0 { all } else { wanted.min(all) };
    (0..wanted).map(|i| (i as u128 * all as u128 / wanted as u128) as usize).collect()
}

/// The mean loss after replacing the chosen parameters.
fn mean_loss<D: Differentiable<Scalar = f64>>(
    setup: &Setup,
    parameters: &[f64],
    chosen: &[usize],
    replaced: &[D],
    rows: &[f64],
) -> D {
    let mut all: Vec<D> = parameters.iter().map(|&p| D::constant(p)).collect();
    for (&i, &p) in chosen.iter().zip(replaced) {
        all[i] = p;
    }
    let model = &setup.model;
    let losses = rows.chunks(model.inputs() + model.outputs()).map(|row| {
        let row: Vec<D> = row.iter().map(|&x| D::constant(x)).collect();
        let (input, targets) = row.split_at(model.inputs());
        model.loss(setup.settings.loss, &model.forward(&all, input), targets)
    });
    let losses: Vec<D> = losses.collect();
    D::sum_of(&losses) * D::constant(1.0 / losses.len() as f64)
}
