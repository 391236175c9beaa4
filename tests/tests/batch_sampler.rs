//! Batches of an epoch: each sample once, the same from the same seed, and those that a trainer takes.

use dualtape::Differentiable;
use dualtape::program::{Rows, Selected};
use dualtape_nn::data::{BatchSampler, iris};
use dualtape_nn::{
    Activation, Event, Loss, Method, Mlp, Model, Optimizer, Recorded, Settings, Trainer, samples,
};

fn batches(sampler: BatchSampler, epoch: usize) -> Vec<Vec<usize>> {
    sampler.epoch(epoch).collect()
}

#[test]
fn each_sample_comes_once_in_batches_of_the_size_asked_for() {
    for (count, size) in [(0, 3), (1, 1), (1, 5), (6, 3), (7, 3), (1000, 32), (5, usize::MAX)] {
        let in_order = BatchSampler::new(count, size).unwrap();
        let all: Vec<usize> = (0..count).collect();
        assert_eq!(batches(in_order, 3).concat(), all);
        for sampler in [in_order, in_order.shuffle(1)] {
            let kept = batches(sampler, 3);
            let mut sorted = kept.concat();
            sorted.sort_unstable();
            assert_eq!(sorted, all, "{count} by {size}");
            assert_eq!((kept.len(), sampler.epoch(3).len()), (sampler.batches(), sampler.batches()));
            let short = kept.iter().rposition(|batch| batch.len() < size);
            assert!(short.is_none_or(|at| at + 1 == kept.len()), "only the last is short");
            // What is dropped is the last batch, and nothing else changes.
            let dropped = batches(sampler.drop_last(), 3);
            assert_eq!(dropped, kept[..count / size]);
            assert_eq!(sampler.drop_last().batches(), count / size);
        }
    }
}

#[test]
fn seed_and_epoch_decide_the_order_and_nothing_else_does() {
    let order =
        |seed, epoch, size| batches(BatchSampler::new(50, size).unwrap().shuffle(seed), epoch).concat();
    assert_eq!(order(1, 1, 7), order(1, 1, 50));
    assert_ne!(order(1, 1, 7), order(1, 2, 7));
    assert_ne!(order(1, 1, 7), order(2, 1, 7));
    // Recorded when the stream was chosen; a change would silently change everybody's results.
    let recorded = batches(BatchSampler::new(8, 8).unwrap().shuffle(1), 1).concat();
    assert_eq!(recorded, RECORDED, "{recorded:?}");
}

const RECORDED: [usize; 8] = [7, 1, 6, 4, 3, 5, 2, 0];

#[test]
fn a_batch_size_of_0_and_an_epoch_0_are_refused() {
    let error = BatchSampler::new(3, 0).unwrap_err().to_string();
    assert_eq!(error, "the batch size is 0; expected at least 1");
    let sampler = BatchSampler::new(3, 2).unwrap();
    assert!(std::panic::catch_unwind(|| sampler.epoch(0).count()).is_err());
}

/// A training by hand over these batches makes the trainer's steps, bit for bit.
#[test]
fn a_trainer_with_the_same_seed_takes_the_same_batches() {
    let data = iris();
    let model = Mlp::new(&[4, 5, 3], Activation::Tanh).unwrap();
    let settings = Settings { epochs: 3, seed: 9, optimizer: Method::sgd(0.9), ..Settings::default() };
    let mut trainer = Trainer::new(&model, model.initialize(3), &data, &data, &settings).unwrap();

    let rows = samples(&model, &data, Loss::CrossEntropy).unwrap();
    let rows = Rows::new(&rows, 7);
    let mut recorded = Recorded::new(model.parameter_count(), 7, |p, s| {
        let (x, y) = s.split_at(4);
        loss_of(&model, p, x, y)
    })
    .unwrap();
    let mut parameters: Vec<f64> = model.initialize(3);
    let mut gradient = vec![0.0; parameters.len()];
    let mut optimizer = Optimizer::new(settings.optimizer, parameters.len()).unwrap();
    let sampler = BatchSampler::new(data.len(), settings.batch_size).unwrap().shuffle(settings.seed);
    for epoch in 1..=settings.epochs {
        for batch in sampler.epoch(epoch) {
            let samples = Selected { points: &rows, indices: &batch };
            recorded.mean(&parameters, &samples, None, &mut gradient).unwrap();
            optimizer.step(settings.rate, &mut parameters, &gradient);
            assert!(matches!(trainer.advance().unwrap(), Some(Event::Batch(_))));
            assert_eq!(trainer.parameters(), parameters);
        }
        assert!(matches!(trainer.advance().unwrap(), Some(Event::Epoch(_))));
    }
    assert!(trainer.is_over());
}

fn loss_of<D: Differentiable>(model: &Mlp, parameters: &[D], x: &[D], y: &[D]) -> D {
    model.loss(Loss::CrossEntropy, &model.forward(parameters, x), y)
}
