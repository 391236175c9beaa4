//! `--private`: its meaning, and the privacy statement of a private run.

use crate::failure::Failure;
use crate::options::Options;
use dualtape_nn::data::{Dataset, Missing};
use dualtape_nn::privacy::accountant::{Accountant, Budget, SubsampledGaussian, noise_for};
use dualtape_nn::privacy::{NoiseSource, Sampling};
use dualtape_nn::{Clip, Error, Settings, Spent};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A training within a privacy budget: `epsilon=E,delta=D[,clip=C][,accountant=pld|rdp][,repeatable]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Private {
    budget: Budget,
    /// The norm to which each sample's gradient is clipped, unless `--clip` is given.
    clip: Option<f64>,
    accountant: Option<Accountant>,
    /// Whether noise and samples are drawn from the seed.
    repeatable: bool,
}

const EXPECTED: &str = "epsilon=E,delta=D, with a finite E above 0 and D between 0 and 1, and optionally clip=C, \
                        accountant=rdp or pld, and repeatable";

impl FromStr for Private {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        read(text).ok_or_else(|| Error::Setting {
            what: "private training",
            given: format!("'{text}'"),
            expected: EXPECTED,
        })
    }
}

fn read(text: &str) -> Option<Private> {
    let (mut epsilon, mut delta, mut clip, mut accountant, mut repeatable) = (None, None, None, None, false);
    for part in text.split(',') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let slot = match name {
            "epsilon" => &mut epsilon,
            "delta" => &mut delta,
            "clip" => &mut clip,
            "accountant" if accountant.is_none() => {
                accountant = Some(value.parse::<Accountant>().ok()?);
                continue;
            }
            "repeatable" if value.is_empty() && !repeatable => {
                repeatable = true;
                continue;
            }
            _ => return None,
        };
        let number: f64 = value.parse().ok()?;
        if slot.replace(number).is_some() {
            return None;
        }
    }
    let budget = Budget { epsilon: epsilon.filter(|epsilon| *epsilon > 0.0)?, delta: delta? };
    budget.check().ok()?;
    if let Some(norm) = clip {
        Clip::PerSample(norm).check().ok()?;
    }
    Some(Private { budget, clip, accountant, repeatable })
}

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.budget)?;
        if let Some(clip) = self.clip {
            write!(f, ",clip={clip}")?;
        }
        if let Some(accountant) = self.accountant {
            write!(f, ",accountant={accountant}")?;
        }
        f.write_str(if self.repeatable { ",repeatable" } else { "" })
    }
}

impl Private {
    /// The default options of a private training.
    pub(crate) fn options(&self) -> Options {
        Options {
            clip: Some(Clip::PerSample(self.clip.unwrap_or(1.0))),
            // Keep the last parameters: choosing the best ones would use validation data, which are not protected.
            keep_best: Some(false),
            // Means and deviations depend on every sample, and every scaled sample depends on them.
            standardize: Some(false),
            ..Options::default()
        }
    }

    /// Puts the budget into the settings.
    ///
    /// # Errors
    ///
    /// If another option contradicts the budget.
    pub(crate) fn apply(&self, given: &Options, settings: &mut Settings) -> Result<(), Failure> {
        let clash = |problem: String| Err(Failure::Usage(format!("--private and {problem}")));
        if given.folds.is_some() {
            return clash(
                "--folds exclude each other: each fold would spend the budget once more".to_owned(),
            );
        }
        match (self.clip, settings.clip) {
            (Some(norm), clip) if clip != Clip::PerSample(norm) => {
                return clash(format!("--clip say different things: clip={norm} and {clip}"));
            }
            (_, clip) if clip.of_samples().is_none() => {
                return clash(format!(
                    "--clip {clip} exclude each other; expected per-sample:C, per-layer:C or adaptive:QUANTILE:C"
                ));
            }
            _ => {}
        }
        settings.sampling = Sampling::Poisson;
        settings.budget = Some(self.budget);
        settings.accountant = self.accountant.unwrap_or_default();
        settings.noise_source = if self.repeatable { NoiseSource::Seed } else { NoiseSource::System };
        Ok(())
    }

    /// The least noise that keeps all steps within the budget.
    pub(crate) fn solve_noise(&self, settings: &Settings, samples: usize) -> Result<f64, Failure> {
        let (probability, steps) = (settings.probability(samples), settings.steps(samples));
        Ok(noise_for(&self.budget, probability, steps, settings.accountant)?)
    }
}

/// Warnings about choices that are probably unintended in a training with noise.
pub(crate) fn warnings(settings: &Settings, options: &Options, training: &Dataset) -> Vec<String> {
    let mut all = Vec::new();
    let learned = learned_from_data(options);
    if settings.budget.is_some() && !learned.is_empty() {
        all.push(format!(
            "{} are taken from the training part, without noise; the privacy claim holds only if they are public",
            learned.join(" and ")
        ));
    }
    match settings.budget {
        Some(budget) => {
            let samples = training.len() as f64;
            if budget.delta * samples > 1.0 {
                all.push(format!(
                    "δ is {:e}, more than one over the number of samples to train on; with such a δ, publishing some of \
                     the samples would count as private",
                    budget.delta
                ));
            }
            if settings.patience.is_some() || settings.keep_best {
                all.push(
                    "the validation part determines which epoch is kept, without noise; the privacy claim does not \
                     cover its samples"
                        .to_owned(),
                );
            }
            if settings.noise_source == NoiseSource::Seed {
                all.push(
                    "noise and samples are drawn from the seed, so that the run can be repeated; whoever knows the seed can \
                     remove the noise"
                        .to_owned(),
                );
            }
        }
        None if settings.noise > 0.0 => all.push(
            "noise is added, but batches are shuffled rather than drawn at random, so no (ε, δ) can be claimed; \
             --private makes such a claim"
                .to_owned(),
        ),
        None => {}
    }
    all
}

/// An ε with three digits after the point, rounded up.
pub(crate) fn rounded_up(epsilon: f64) -> String {
    format!("{:.3}", (epsilon * 1000.0).ceil() / 1000.0)
}

/// What the model takes from the training part, apart from its parameters.
fn learned_from_data(options: &Options) -> Vec<&'static str> {
    let fills = matches!(options.missing, Some(Missing::Mean | Missing::Median));
    let all = [
        (options.standardize.unwrap_or(true), "means and deviations of columns"),
        (fills, "replacements of missing values"),
    ];
    all.into_iter().filter(|(used, _)| *used).map(|(_, what)| what).collect()
}

/// The privacy statement of a private run, in `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statement {
    mechanism: String,
    /// The probability that a sample takes part in a step.
    probability: f64,
    /// σ, in multiples of the norm to which samples are clipped.
    noise: f64,
    clip: String,
    pub(crate) steps: u64,
    pub(crate) epsilon: f64,
    delta: f64,
    budget_epsilon: f64,
    accountant: String,
    noise_from: String,
    assumptions: Vec<String>,
    not_private: Vec<String>,
}

impl Statement {
    pub(crate) fn new(spent: &Spent, settings: &Settings, options: &Options) -> Self {
        let learned = learned_from_data(options);
        let scaling = match learned.is_empty() {
            true => {
                "features go into the model unscaled, so nothing about the training part is revealed by a scale"
            }
            false => "the means, deviations and replacement values taken from the columns are public",
        };
        let SubsampledGaussian { probability, noise } = spent.mechanism;
        let lines = |all: &[&str]| all.iter().map(|&line| line.to_owned()).collect();
        Self {
            mechanism: "Gaussian mechanism on Poisson samples of the training part".to_owned(),
            probability,
            noise,
            clip: settings.clip.to_string(),
            steps: spent.steps,
            epsilon: spent.epsilon,
            delta: spent.budget.delta,
            budget_epsilon: spent.budget.epsilon,
            accountant: match spent.accountant {
                Accountant::Renyi => "Rényi differential privacy (rdp)".to_owned(),
                Accountant::LossDistribution => "privacy loss distributions (pld), an upper bound".to_owned(),
            },
            noise_from: settings.noise_source.to_string(),
            assumptions: lines(&[
                "neighbouring data sets differ in one sample of the training part, which is present in one and absent in the other",
                "each sample takes part in each step with the same probability, independently of the others",
                "noise consists of real numbers, although floating-point numbers have gaps",
                "names, categories and classes of columns, the number of samples, and the options are public",
                scaling,
                "the key of the noise stays secret: checkpoint.safetensors must not be shared",
            ]),
            not_private: lines(&[
                "losses, metrics, gradient norms and samples of the training part, wherever they are printed or drawn: \
                 metrics.csv, report.json, report.html, loss.png, gradients.png, norms.png, boundary.png, \
                 checkpoint.safetensors",
                "means and deviations that standardise columns, replacements of missing values, and categories, which are in \
                 model.safetensors where they are used",
                "everything computed from the validation and test parts",
            ]),
        }
    }

    /// The statement in one line.
    pub(crate) fn in_words(&self) -> String {
        format!(
            "private: ε = {} at δ = {:e}, of a budget of {}, after {} steps with q = {:.4}, σ = {:.4}, clip {}; by {}",
            rounded_up(self.epsilon),
            self.delta,
            self.budget_epsilon,
            self.steps,
            self.probability,
            self.noise,
            self.clip,
            self.accountant
        )
    }

    /// The assumptions of the claim, and what it does not cover.
    pub(crate) fn lists(&self) -> [(&'static str, &[String]); 2] {
        [("This assumes that", &self.assumptions), ("Not private are", &self.not_private)]
    }
}

#[cfg(test)]
mod tests {
    use super::Private;

    #[test]
    fn text_and_back_is_the_same() {
        for text in [
            "epsilon=3,delta=1e-5",
            "epsilon=0.5,delta=1e-6,clip=2",
            "epsilon=8,delta=1e-5,clip=0.1,accountant=rdp,repeatable",
        ] {
            assert_eq!(text.parse::<Private>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_budget_is_refused_with_what_was_expected() {
        for text in [
            "",
            "epsilon=3",
            "delta=1e-5",
            "epsilon=0,delta=1e-5",
            "epsilon=inf,delta=1e-5",
            "epsilon=3,delta=1",
            "epsilon=3,delta=0",
            "epsilon=3,delta=1e-5,clip=0",
            "epsilon=3,delta=1e-5,epsilon=4",
            "epsilon=3,delta=1e-5,accountant=none",
            "epsilon=3,delta=1e-5,repeatable=yes",
            "epsilon=NaN,delta=1e-5",
            "3,1e-5",
        ] {
            let error = text.parse::<Private>().unwrap_err().to_string();
            assert!(error.contains("expected epsilon=E,delta=D") && error.contains(text), "{error}");
        }
    }
}
