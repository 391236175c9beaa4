//! A loop of one's own in `f32`, which trainers do not take: `cargo run -p dualtape-nn --example single_precision`.
//!
//! It has what a trainer does in each step: a batch, the mean gradient of its losses, and the optimiser's move.

use dualtape::program::{Rows, Selected};
use dualtape_nn::data::{self, BatchSampler};
use dualtape_nn::{
    Activation, Error, Layer, LayerNorm, Loss, Method, Model, Module, Optimizer, Recorded, Sequential,
    evaluate, samples,
};

fn main() -> Result<(), Error> {
    let (training, validation) = data::moons().split(0.2, 7)?;
    let block =
        Sequential::new(vec![LayerNorm::new(8).into(), Layer::linear(8, 8).into(), Activation::Gelu.into()])?;
    let model = Sequential::new(vec![
        Layer::linear(2, 8).into(),
        Module::Residual(block),
        Layer::linear(8, 2).into(),
    ])?;

    let width = model.inputs() + model.outputs();
    let rows = samples(&model, &training, Loss::CrossEntropy)?;
    let rows: Vec<f32> = rows.into_iter().map(|x| x as f32).collect();
    let rows = Rows::new(&rows, width);
    let mut recorded = Recorded::<f32>::new(model.parameter_count(), width, |parameters, sample| {
        let (inputs, targets) = sample.split_at(model.inputs());
        model.loss(Loss::CrossEntropy, &model.forward(parameters, inputs), targets)
    })?;

    let mut parameters: Vec<f32> = model.initialize(7);
    let mut gradient = vec![0.0; parameters.len()];
    let mut optimizer = Optimizer::new(Method::adam(), parameters.len())?;
    let sampler = BatchSampler::new(training.len(), 16)?.shuffle(7);
    for epoch in 1..=100 {
        for batch in sampler.epoch(epoch) {
            let samples = Selected { points: &rows, indices: &batch };
            recorded.mean(&parameters, &samples, None, &mut gradient)?;
            optimizer.step(0.01, &mut parameters, &gradient);
        }
    }

    let parameters: Vec<f64> = parameters.into_iter().map(f64::from).collect();
    let metrics = evaluate(&model, &parameters, &validation, Loss::CrossEntropy)?;
    println!("validation loss {:.4}, accuracy {:?}", metrics.loss, metrics.accuracy);
    Ok(())
}
