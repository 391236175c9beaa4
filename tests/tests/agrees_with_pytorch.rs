//! Networks, optimisers, clips, schedules, activations and losses give the same numbers as PyTorch, which are in
//! `fixtures/torch_mlp.json`. Every entry of the fixture is checked; an unknown entry fails.

use dualtape::program::{Results, Rows, Sums, Wrt};
use dualtape::{Traced, gradient};
use dualtape_nn::data::Dataset;
use dualtape_nn::{
    Activation, BatchGradient, Clip, Event, Loss, Method, Mlp, Optimizer, Recorded, Reduction, Schedule,
    Settings, Unit, clip, train,
};
use serde_json::{Map, Value};

/// The largest allowed relative difference.
const TOLERANCE: f64 = 1e-10;

/// The rounding error left where numbers of order one cancel, or where PyTorch's formula gives 0 for a
/// number too small for it (the derivative of tanh at 20).
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// Compares numbers, and records the largest relative difference in a group.
struct Agreement {
    group: &'static str,
    worst: f64,
}

impl Agreement {
    fn of(group: &'static str) -> Self {
        Self { group, worst: 0.0 }
    }

    #[track_caller]
    fn check(&mut self, what: &str, actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len(), "{what}: lengths differ");
        for (i, (&a, &e)) in actual.iter().zip(expected).enumerate() {
            let difference = (a - e).abs();
            let relative = if a == e { 0.0 } else { difference / a.abs().max(e.abs()) };
            let fine = difference <= ROUNDING || relative <= TOLERANCE;
            assert!(fine, "{what}[{i}]: got {a:e}, expected {e:e}, off by {relative:e}");
            if difference > ROUNDING || e.abs() > 1e-3 {
                self.worst = self.worst.max(relative);
            }
        }
    }
}

impl Drop for Agreement {
    fn drop(&mut self) {
        println!("{}: largest relative difference {:.1e}", self.group, self.worst);
    }
}

struct Fixture {
    json: Value,
    model: Mlp,
    parameters: Vec<f64>,
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// The entries of a table of the fixture.
fn entries<'a>(fixture: &'a Fixture, table: &str) -> &'a Map<String, Value> {
    let entries = fixture.json[table].as_object().unwrap();
    assert!(!entries.is_empty(), "{table}");
    entries
}

/// The number that follows the given words in a name.
fn number_after(name: &str, words: &str) -> Option<f64> {
    let (_, rest) = name.split_once(words)?;
    rest.split('_').next()?.parse().ok()
}

impl Fixture {
    fn read() -> Self {
        let json: Value = serde_json::from_str(include_str!("../fixtures/torch_mlp.json")).unwrap();
        let sizes: Vec<_> = numbers(&json["sizes"]).into_iter().map(|size| size as usize).collect();
        Self {
            model: Mlp::new(&sizes, Activation::Tanh).unwrap(),
            parameters: numbers(&json["initial_parameters"]),
            x: rows(&json["x"]),
            y: rows(&json["y"]),
            json,
        }
    }

    fn classes(&self) -> Vec<Vec<f64>> {
        let one_hot = |class: f64| (0..self.model.outputs()).map(|i| f64::from(i as f64 == class)).collect();
        numbers(&self.json["labels"]).into_iter().map(one_hot).collect()
    }

    /// A recorded program for loss and gradient of one sample, and the samples, concatenated.
    fn recorded(&self, loss: Loss, targets: &[Vec<f64>]) -> (Recorded<f64>, Vec<f64>, usize) {
        let (inputs, width) = (self.model.inputs(), self.model.inputs() + self.model.outputs());
        let of_sample = |p: &[Traced<f64>], sample: &[Traced<f64>]| {
            let (x, y) = sample.split_at(inputs);
            loss.of(&self.model.forward(p, x), y)
        };
        let flat = self.x.iter().zip(targets).flat_map(|(x, y)| x.iter().chain(y).copied()).collect();
        (Recorded::new(self.parameters.len(), width, of_sample).unwrap(), flat, width)
    }

    /// Mean loss and gradient, by tape.
    fn by_tape(&self, loss: Loss, targets: &[Vec<f64>], limit: Option<f64>) -> (f64, Vec<f64>) {
        let samples: Vec<_> = self.x.iter().zip(targets).collect();
        let mut derivative = vec![0.0; self.parameters.len()];
        let batch = BatchGradient::new().mean(
            &self.parameters,
            &samples,
            limit,
            |parameters, (x, y)| {
                let constants = |x: &[f64]| x.iter().map(|&x| x.into()).collect::<Vec<_>>();
                loss.of(&self.model.forward(parameters, &constants(x)), &constants(y))
            },
            &mut derivative,
        );
        (batch.loss, derivative)
    }

    /// Compares a descent on the squared loss with one from the fixture. `clip` returns the norm before clipping.
    fn check_steps(
        &self,
        agreement: &mut Agreement,
        name: &str,
        method: Method,
        base: f64,
        schedule: &Schedule,
        clip: impl Fn(&mut [f64]) -> Option<f64>,
    ) {
        let recorded =
            ["optimizers", "clipping", "schedules"].iter().find_map(|table| self.json[table].get(name));
        let recorded = recorded.unwrap();
        let (mut program, samples, width) = self.recorded(Loss::MeanSquared, &self.y);
        let samples = Rows::new(&samples, width);
        let mut parameters = self.parameters.clone();
        let mut derivative = parameters.clone();
        let mut optimizer = Optimizer::new(method, parameters.len()).unwrap();
        let steps = recorded["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 20);
        for (step, expected) in steps.iter().enumerate() {
            let batch = program.mean(&parameters, &samples, None, &mut derivative).unwrap();
            let what = format!("{name}, step {step}");
            let rate = schedule.rate(base, step as u64);
            let norm = clip(&mut derivative);
            agreement.check(&what, &[batch.loss], &[expected["loss"].as_f64().unwrap()]);
            agreement.check(&what, &[rate], &[expected["lr"].as_f64().unwrap()]);
            assert_eq!(norm.is_some(), expected["norm_before_clip"].is_f64(), "{what}");
            if let (Some(norm), Some(expected)) = (norm, expected["norm_before_clip"].as_f64()) {
                agreement.check(&what, &[norm], &[expected]);
            }
            if let Some(momentum) = schedule.momentum(step as u64) {
                optimizer.set_momentum(momentum);
            }
            optimizer.step(rate, &mut parameters, &derivative);
        }
        agreement.check(name, &parameters, &numbers(&recorded["final_parameters"]));
    }

    fn rate(&self) -> f64 {
        self.json["learning_rate"].as_f64().unwrap()
    }
}

#[test]
fn outputs_losses_and_gradients() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("outputs, losses, gradients");
    for (x, expected) in fixture.x.iter().zip(rows(&fixture.json["mse"]["output"])) {
        agreement.check("output", &fixture.model.forward(&fixture.parameters, x), &expected);
    }
    for (name, loss, targets) in [
        ("mse", Loss::MeanSquared, fixture.y.clone()),
        ("cross_entropy", Loss::CrossEntropy, fixture.classes()),
    ] {
        let expected = &fixture.json[name];
        let value = [expected["loss"].as_f64().unwrap()];
        let (mut program, samples, width) = fixture.recorded(loss, &targets);
        let mut gradient = vec![0.0; fixture.parameters.len()];
        let batch =
            program.mean(&fixture.parameters, &Rows::new(&samples, width), None, &mut gradient).unwrap();
        let by_tape = fixture.by_tape(loss, &targets, None);
        for (mode, (got, gradient)) in [("recorded", (batch.loss, gradient)), ("tape", by_tape)] {
            agreement.check(&format!("{name} {mode}"), &[got], &value);
            agreement.check(&format!("{name} {mode}"), &gradient, &numbers(&expected["gradient"]));
        }
    }
}

#[test]
fn per_sample_gradients_norms_and_their_clipped_sum() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("per-sample gradients and clipped sum");
    let expected = &fixture.json["per_sample"];
    let (count, limit) = (fixture.x.len(), expected["clip"].as_f64());
    let (program, samples, width) = fixture.recorded(Loss::MeanSquared, &fixture.y);
    let (program, samples) = (program.program(), Rows::new(&samples, width));
    let mut batch = program.batch_workspace();

    let (mut losses, mut gradients) = (vec![0.0; count], vec![0.0; count * fixture.parameters.len()]);
    program
        .jacobians(&mut batch, &fixture.parameters, &samples, Wrt::Parameters, &mut losses, &mut gradients)
        .unwrap();
    agreement.check("gradients", &gradients, &rows(&expected["gradients"]).concat());

    let (mut norms, mut sum) = (vec![0.0; count], vec![0.0; fixture.parameters.len()]);
    let sums = Sums { clip: limit, ..Sums::none() };
    let results = Results { norms: Some(&mut norms), gradient: Some(&mut sum), ..Results::none() };
    program.sum(&mut batch, &fixture.parameters, &samples, &sums, results).unwrap();
    agreement.check("norms", &norms, &numbers(&expected["norms"]));
    agreement.check("clipped sum", &sum, &numbers(&expected["sum_of_clipped"]));

    let (_, mean) = fixture.by_tape(Loss::MeanSquared, &fixture.y, limit);
    let sum: Vec<_> = mean.iter().map(|g| g * count as f64).collect();
    agreement.check("clipped sum by tape", &sum, &numbers(&expected["sum_of_clipped"]));
}

/// The optimiser with this name in the fixture, and its rate, if the fixture gives one.
fn method(name: &str) -> Method {
    let decay = number_after(name, "weight_decay_").unwrap_or(0.0);
    let [nesterov, momentum, dampening] =
        ["nesterov_", "momentum_", "dampening_"].map(|words| number_after(name, words));
    match name.split('_').next() {
        Some("sgd") => Method::Sgd {
            momentum: momentum.or(nesterov).unwrap_or(0.0),
            dampening: dampening.unwrap_or(0.0),
            nesterov: nesterov.is_some(),
            weight_decay: decay,
        },
        Some("adam") => match Method::adam() {
            Method::Adam { beta1, beta2, epsilon, .. } => {
                Method::Adam { beta1, beta2, epsilon, weight_decay: decay }
            }
            other => panic!("{other}"),
        },
        Some("adamw") => Method::adamw(),
        Some("rmsprop") => {
            assert_eq!(number_after(name, "alpha_"), Some(0.99));
            Method::rmsprop()
        }
        _ => panic!("an unknown optimiser: {name}"),
    }
}

#[test]
fn twenty_steps_of_each_optimiser() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("optimisers");
    for (name, recorded) in entries(&fixture, "optimizers") {
        let rate = recorded["steps"][0]["lr"].as_f64().unwrap();
        fixture.check_steps(&mut agreement, name, method(name), rate, &Schedule::Constant, |_| None);
    }
}

#[test]
fn twenty_steps_with_each_clip() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("clips");
    for name in entries(&fixture, "clipping").keys() {
        let clip = |derivative: &mut [f64]| match name.split_once('_') {
            Some(("norm", limit)) => Some(clip::by_norm(derivative, limit.parse().unwrap()).unwrap()),
            Some(("value", limit)) => {
                clip::by_value(derivative, limit.parse().unwrap());
                None
            }
            _ => panic!("an unknown clip: {name}"),
        };
        fixture.check_steps(
            &mut agreement,
            name,
            Method::sgd(0.0),
            fixture.rate(),
            &Schedule::Constant,
            clip,
        );
    }
}

#[test]
fn twenty_steps_with_each_schedule() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("schedules");
    for name in entries(&fixture, "schedules").keys() {
        let number = |words: &str| number_after(name, words).unwrap();
        let text = match name.as_str() {
            _ if name.starts_with("step_size_") => format!("step:{}:{}", number("size_"), number("gamma_")),
            _ if name.starts_with("exponential_") => format!("exponential:{}", number("exponential_")),
            _ if name.starts_with("cosine_") => format!("cosine:{}:{}", number("t_max_"), number("eta_min_")),
            _ if name.starts_with("linear_warmup_") => format!("warmup:{}", number("warmup_")),
            // The fixture counts the steps, PyTorch the rates, which are one more.
            _ if name.starts_with("one_cycle_") => {
                format!("one-cycle:{}:{}", number("max_"), number("total_") + 1.0)
            }
            _ => panic!("an unknown schedule: {name}"),
        };
        let schedule: Schedule = text.parse().unwrap();
        // One-cycle also changes the momentum; the other schedules were recorded with plain descent.
        let method = Method::sgd(schedule.momentum(0).unwrap_or(0.0));
        fixture.check_steps(&mut agreement, name, method, fixture.rate(), &schedule, |_| None);
    }
}

/// The samples in one batch, shuffled, so that only the order of the sum differs.
#[test]
fn the_trainer_makes_the_same_steps() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("trainer");
    let names = |first: &str, width| (0..width).map(|i| format!("{first}{i}")).collect::<Vec<_>>();
    let (inputs, outputs) = (fixture.model.inputs(), fixture.model.outputs());
    let (x, y) = (fixture.x.concat(), fixture.y.concat());
    let data = Dataset::regression("fixture", names("x", inputs), names("y", outputs), x, y).unwrap();
    let settings = Settings {
        epochs: 20,
        batch_size: fixture.x.len(),
        rate: fixture.rate(),
        loss: Loss::MeanSquared,
        optimizer: Method::sgd(0.0),
        keep_best: false,
        ..Settings::default()
    };
    let cases = [
        (
            "optimizers",
            "sgd_momentum_0.9_dampening_0.1",
            Settings { optimizer: method("sgd_momentum_0.9_dampening_0.1"), ..settings.clone() },
        ),
        ("optimizers", "adamw", Settings { optimizer: Method::adamw(), ..settings.clone() }),
        ("clipping", "norm_0.3", Settings { clip: Clip::Norm(0.3), ..settings.clone() }),
        ("clipping", "value_0.05", Settings { clip: Clip::Value(0.05), ..settings.clone() }),
        (
            "schedules",
            "linear_warmup_5",
            Settings { schedule: "warmup:5".parse().unwrap(), ..settings.clone() },
        ),
        (
            "schedules",
            "one_cycle_max_0.1_total_20",
            Settings {
                schedule: "one-cycle:0.1:21".parse().unwrap(),
                schedule_unit: Unit::Step,
                optimizer: Method::sgd(0.9),
                ..settings
            },
        ),
    ];
    for (table, name, settings) in cases {
        let expected = &fixture.json[table][name];
        let mut parameters = fixture.parameters.clone();
        let mut steps = Vec::new();
        train(&fixture.model, &mut parameters, &data, &data, &settings, |event| {
            if let Event::Batch(progress) = event {
                steps.push(progress);
            }
        })
        .unwrap();
        for (step, expected) in steps.iter().zip(expected["steps"].as_array().unwrap()) {
            let expected = ["loss", "lr"].map(|what| expected[what].as_f64().unwrap());
            agreement.check(name, &[step.loss, step.rate], &expected);
        }
        assert_eq!(steps.len(), 20);
        agreement.check(name, &parameters, &numbers(&expected["final_parameters"]));
    }
}

#[test]
fn activations_and_their_derivatives() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("activations");
    let known = entries(&fixture, "activations");
    for (name, expected) in known {
        let activation: Activation = match name.as_str() {
            "leaky_relu_0.01" => Activation::LeakyRelu(0.01),
            _ => name.replace('_', "-").parse().unwrap(),
        };
        let recorded = Recorded::new(1, 0, |x, _| activation.apply(x[0])).unwrap();
        let (x, y, derivatives) =
            (numbers(&expected["x"]), numbers(&expected["y"]), numbers(&expected["dy_dx"]));
        for ((x, y), expected) in x.into_iter().zip(y).zip(derivatives) {
            let what = format!("{activation} at {x}");
            let (value, got) = gradient(|x| activation.apply(x[0]), &[x]);
            agreement.check(&what, &[value, got[0]], &[y, expected]);
            let mut got = [0.0];
            let point = Rows::without_data(1);
            let program = recorded.program();
            let value = program.sum_gradient(&mut program.batch_workspace(), &[x], &point, &mut got).unwrap();
            agreement.check(&format!("{what}, recorded"), &[value, got[0]], &[y, expected]);
        }
    }
    // All activations except the identity.
    assert_eq!(known.len(), Activation::ALL.len() - 1);
}

#[test]
fn losses_and_their_derivatives() {
    let fixture = Fixture::read();
    let mut agreement = Agreement::of("losses");
    for (name, expected) in entries(&fixture, "losses") {
        let loss = match name.as_str() {
            "mse" => Loss::MeanSquared,
            "l1" => Loss::L1,
            "bce_with_logits" => Loss::BinaryCrossEntropy,
            "hinge" => Loss::Hinge,
            _ => Loss::Huber(number_after(name, "huber_delta_").expect("a known loss")),
        };
        let (prediction, target) = (numbers(&expected["prediction"]), numbers(&expected["target"]));
        let (value, derivatives) =
            ([expected["mean_loss"].as_f64().unwrap()], numbers(&expected["gradient"]));
        let constants: Vec<_> = target.iter().map(|&t| t.into()).collect();
        let (got, gradient) = gradient(|p| loss.of(p, &constants), &prediction);
        agreement.check(name, &[got], &value);
        agreement.check(name, &gradient, &derivatives);

        // Recorded with each pair as a sample; the reductions of a batch are the mean and the sum over samples.
        let mut recorded =
            Recorded::new(1, 2, |shift, pair| loss.of(&[pair[0] + shift[0]], &[pair[1]])).unwrap();
        let pairs: Vec<_> = prediction.iter().zip(&target).flat_map(|(&p, &t)| [p, t]).collect();
        for (reduction, times) in [(Reduction::Mean, 1.0), (Reduction::Sum, prediction.len() as f64)] {
            let mut shift = [0.0];
            let batch = recorded.reduce(reduction, &[0.0], &Rows::new(&pairs, 2), None, &mut shift).unwrap();
            agreement.check(&format!("{name}, {reduction}"), &[batch.loss], &[value[0] * times]);
            agreement.check(
                &format!("{name}, {reduction}"),
                &shift,
                &[derivatives.iter().sum::<f64>() * times],
            );
        }
    }
}
