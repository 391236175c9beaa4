//! The network of `fixtures/torch_mlp.json` gives PyTorch's numbers.

use dualtape::{Differentiable, gradient};
use dualtape_nn::{Activation, BatchGradient, Mlp, Sgd, clip, loss};
use dualtape_tests::close::assert_close;
use serde_json::Value;

const TOLERANCE: f64 = 1e-10;

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

    /// Mean and gradient of the squared loss, or the mean of clipped per-sample gradients.
    fn squared(&self, parameters: &[f64], sample_limit: Option<f64>) -> (f64, Vec<f64>) {
        let samples: Vec<_> = self.x.iter().zip(&self.y).collect();
        let mut slope = vec![0.0; parameters.len()];
        let batch = BatchGradient::new().mean(
            parameters,
            &samples,
            sample_limit,
            |parameters, (x, y)| {
                let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
                loss::mean_squared(&self.model.forward(parameters, &x), y)
            },
            &mut slope,
        );
        (batch.loss, slope)
    }

    /// The trajectory of a descent against the one recorded under the given keys.
    fn check_steps(&self, recorded: &Value, momentum: f64, clip: impl Fn(&mut [f64])) {
        let mut parameters = self.parameters.clone();
        let mut sgd = Sgd::new(self.json["learning_rate"].as_f64().unwrap(), momentum).unwrap();
        for (step, expected) in recorded["steps"].as_array().unwrap().iter().enumerate() {
            let (loss, mut slope) = self.squared(&parameters, None);
            let expected = expected["loss"].as_f64().unwrap();
            assert_close(&format!("loss before step {step}"), &[loss], &[expected], TOLERANCE);
            clip(&mut slope);
            sgd.step(&mut parameters, &slope);
        }
        assert_close("last", &parameters, &numbers(&recorded["final_parameters"]), TOLERANCE);
    }
}

#[test]
fn outputs_losses_and_gradients() {
    let fixture = Fixture::read();
    let Fixture { json, model, parameters, x, .. } = &fixture;
    for (x, expected) in x.iter().zip(rows(&json["mse"]["output"])) {
        assert_close("output", &model.forward(parameters, x), &expected, TOLERANCE);
    }
    let (value, slope) = fixture.squared(parameters, None);
    assert_close("loss", &[value], &[json["mse"]["loss"].as_f64().unwrap()], TOLERANCE);
    assert_close("gradient", &slope, &numbers(&json["mse"]["gradient"]), TOLERANCE);

    let samples: Vec<_> = x.iter().zip(numbers(&json["labels"])).collect();
    let mut slope = vec![0.0; parameters.len()];
    let batch = BatchGradient::new().mean(
        parameters,
        &samples,
        None,
        |parameters, &(x, class)| {
            let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
            loss::cross_entropy(&model.forward(parameters, &x), class as usize)
        },
        &mut slope,
    );
    let expected = &json["cross_entropy"];
    assert_close("cross-entropy", &[batch.loss], &[expected["loss"].as_f64().unwrap()], TOLERANCE);
    assert_close("gradient", &slope, &numbers(&expected["gradient"]), TOLERANCE);
}

#[test]
fn per_sample_gradients_and_their_clipped_sum() {
    let fixture = Fixture::read();
    let expected = &fixture.json["per_sample"];
    let (norms, gradients) = (numbers(&expected["norms"]), rows(&expected["gradients"]));
    for (i, (x, y)) in fixture.x.iter().zip(&fixture.y).enumerate() {
        let (_, slope) = gradient(
            |parameters| {
                let x: Vec<_> = x.iter().map(|&x| x.into()).collect();
                loss::mean_squared(&fixture.model.forward(parameters, &x), y)
            },
            &fixture.parameters,
        );
        assert_close("gradient", &slope, &gradients[i], TOLERANCE);
        assert_close("norm", &[f64::norm(&slope)], &[norms[i]], TOLERANCE);
    }
    let (_, mean) = fixture.squared(&fixture.parameters, expected["clip"].as_f64());
    let sum: Vec<_> = mean.iter().map(|g| g * fixture.x.len() as f64).collect();
    assert_close("sum of clipped", &sum, &numbers(&expected["sum_of_clipped"]), TOLERANCE);
}

#[test]
fn twenty_steps_of_each_descent() {
    let fixture = Fixture::read();
    let (optimizers, clips) = (&fixture.json["optimizers"], &fixture.json["clipping"]);
    fixture.check_steps(&optimizers["sgd"], 0.0, |_| {});
    fixture.check_steps(&optimizers["sgd_momentum_0.9"], 0.9, |_| {});
    fixture.check_steps(&clips["norm_0.3"], 0.0, |slope| {
        clip::by_norm(slope, 0.3);
    });
    fixture.check_steps(&clips["value_0.05"], 0.0, |slope| clip::by_value(slope, 0.05));
}

#[test]
fn activations_and_their_slopes() {
    let fixture = Fixture::read();
    for activation in Activation::ALL.into_iter().filter(|&a| a != Activation::Identity) {
        let expected = &fixture.json["activations"][activation.to_string()];
        let (x, y, slopes) = (numbers(&expected["x"]), numbers(&expected["y"]), numbers(&expected["dy_dx"]));
        for ((x, y), slope) in x.into_iter().zip(y).zip(slopes) {
            let (value, got) = gradient(|x| activation.apply(x[0]), &[x]);
            let what = format!("{activation} at {x}");
            assert_close(&what, &[value], &[y], TOLERANCE);
            assert_close(&what, &got, &[slope], TOLERANCE);
        }
    }
}
