//! A custom model and a custom loss, trained like any other: `cargo run -p dualtape-nn --example own_model`.

use dualtape::Differentiable;
use dualtape_nn::data::Dataset;
use dualtape_nn::{Error, Method, Model, Settings, train};

/// a · sin(b x + c), with one input and three parameters.
struct Wave;

impl Model for Wave {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        3
    }
    fn forward<D: Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> {
        vec![p[0] * (p[1] * x[0] + p[2]).sin()]
    }
    /// ln cosh of the difference: quadratic when small, linear when large.
    fn own_loss<D: Differentiable>(&self, outputs: &[D], targets: &[D]) -> Option<D> {
        Some((outputs[0] - targets[0]).cosh().ln())
    }
}

fn main() -> Result<(), Error> {
    let x: Vec<f64> = (0..100).map(|i| f64::from(i) / 20.0).collect();
    let y = x.iter().map(|x| 1.5 * (2.0 * x + 0.3).sin()).collect();
    let data = Dataset::regression("wave", vec!["t".into()], vec!["height".into()], x, y)?;
    let (training, validation) = data.split(0.2, 1)?;

    let mut parameters = vec![1.0, 1.8, 0.0];
    let optimizer = Method::adam();
    let settings = Settings { optimizer, epochs: 200, ..Settings::default() };
    let history = train(&Wave, &mut parameters, &training, &validation, &settings, |_| {})?;
    let last = history.last().expect("there was an epoch");
    println!("found {parameters:.3?}, expected [1.500, 2.000, 0.300]");
    println!(
        "validation loss {:.2e}, R² {:.4}",
        last.validation.loss,
        last.validation.r_squared.unwrap_or(f64::NAN)
    );
    Ok(())
}
