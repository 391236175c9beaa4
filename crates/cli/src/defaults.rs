//! Default options for each data set.

use crate::options::{Options, Sizes};
use dualtape_nn::{Activation, Loss, Method, Schedule, Settings};

/// The default options: everything a training needs.
pub(crate) fn of(data: &str, regression: bool) -> Options {
    let Settings {
        epochs,
        batch_size,
        accumulate,
        rate,
        optimizer,
        clip,
        reduction,
        seed,
        threads,
        schedule_unit,
        ..
    } = Settings::default();
    let usual = Options {
        header: None,
        validation: Some(0.2),
        standardize: Some(true),
        hidden: Some(Sizes(vec![32])),
        activation: Some(Activation::Tanh),
        loss: Some(if regression { Loss::MeanSquared } else { Loss::CrossEntropy }),
        epochs: Some(epochs),
        batch_size: Some(batch_size),
        accumulate: Some(accumulate),
        rate: Some(rate),
        schedule: Some(Schedule::Constant),
        schedule_unit: Some(schedule_unit),
        optimizer: Some(optimizer),
        clip: Some(clip),
        noise: Some(0.0),
        reduction: Some(reduction),
        l1: Some(0.0),
        l2: Some(0.0),
        keep_best: Some(true),
        seed: Some(seed),
        threads: Some(threads),
        checkpoint_every: Some(5.0),
        ..Options::default()
    };
    special(data, regression).over(&usual)
}

/// Defaults that suit particular data better than the usual ones.
fn special(data: &str, regression: bool) -> Options {
    let adam = |hidden: &[usize], rate, epochs| Options {
        hidden: Some(Sizes(hidden.to_vec())),
        optimizer: Some(Method::adam()),
        rate: Some(rate),
        epochs: Some(epochs),
        ..Options::default()
    };
    match data {
        "digits" => Options { epochs: Some(20), ..Options::default() },
        "iris" => adam(&[16], 0.01, 60),
        "moons" | "circles" => adam(&[16, 16], 0.01, 100),
        // Tanh needs more epochs, and fails with some seeds.
        "spirals" => Options { activation: Some(Activation::Relu), ..adam(&[32, 32], 0.01, 300) },
        _ if regression => adam(&[32], 0.01, 100),
        _ => Options::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_help_says_what_holds_unless_something_else_is_given() {
        let command = crate::arguments::Arguments::command();
        let train = command.find_subcommand("train").unwrap();
        let defaults = of("points.csv", false).table();
        assert!(defaults.len() > 15);
        for (name, value) in &defaults {
            let argument = train.get_arguments().find(|argument| argument.get_long() == Some(name)).unwrap();
            let help = argument.get_help().unwrap().to_string();
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Float(number) => number.to_string(),
                other => other.to_string().trim_matches(['[', ']']).to_owned(),
            };
            let said = [",", "]"].map(|end| help.contains(&format!("[default: {value}{end}")));
            assert!(said.contains(&true), "--{name} is {value} by default; its help says: {help}");
        }
    }
}
