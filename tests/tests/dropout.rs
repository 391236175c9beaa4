//! Dropout: what a training draws follows from seed and step, has the probability that was asked for, and leaves everything
//! but the training alone.

use dualtape::program::Rows;
use dualtape::{Differentiable, Traced, gradient};
use dualtape_nn::data::{Dataset, moons};
use dualtape_nn::privacy::Sampling;
use dualtape_nn::{
    Activation, Clip, Event, Layer, Loss, Method, Mlp, Model, Module, Recorded, Sequential, Settings,
    Trainer, evaluate, sample_norms,
};

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

fn sequential(modules: Vec<Module>) -> Sequential {
    Sequential::new(modules).unwrap()
}

/// Dropout of a row of biases: the loss is the sum of what it leaves, so each bias moves by its factor.
struct Biases {
    model: Sequential,
    outputs: usize,
}

impl Biases {
    fn new(outputs: usize, p: f64) -> Self {
        Self { model: sequential(vec![Layer::linear(1, outputs).into(), Module::Dropout(p)]), outputs }
    }
}

impl Model for Biases {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        2 * self.outputs
    }
    fn forward<D: Differentiable>(&self, parameters: &[D], input: &[D]) -> Vec<D> {
        vec![self.model.forward(parameters, input).into_iter().sum()]
    }
    fn forward_training<D: Differentiable>(&self, parameters: &[D], input: &[D], factors: &[D]) -> Vec<D> {
        vec![self.model.forward_training(parameters, input, factors).into_iter().sum()]
    }
    fn dropout(&self) -> Vec<f64> {
        self.model.dropout()
    }
    fn own_loss<D: Differentiable>(&self, outputs: &[D], _: &[D]) -> Option<D> {
        Some(outputs[0])
    }
}

fn numbers(inputs: Vec<f64>) -> Dataset {
    let values = vec![0.0; inputs.len()];
    Dataset::regression("here", vec!["x".into()], vec!["y".into()], inputs, values).unwrap()
}

/// By how much each step moves the parameters, divided by the rate.
fn moves<M: Model>(model: &M, data: &Dataset, settings: &Settings) -> Vec<Vec<f64>> {
    let start = vec![0.0; model.parameter_count()];
    let mut trainer = Trainer::new(model, start.clone(), data, data, settings).unwrap();
    let (mut last, mut moves) = (start, Vec::new());
    while let Some(event) = trainer.advance().unwrap() {
        if matches!(event, Event::Batch(_)) {
            let now = trainer.parameters().to_vec();
            moves.push(last.iter().zip(&now).map(|(a, b)| (a - b) / settings.rate).collect());
            last = now;
        }
    }
    moves
}

#[test]
fn factors_are_0_with_the_probability_asked_for_and_otherwise_its_complement_inverted() {
    let outputs = 2000;
    for p in [0.0, 0.1, 0.5, 0.9] {
        let model = Biases::new(outputs, p);
        let optimizer = Method::sgd(0.0);
        let settings = Settings { epochs: 3, batch_size: 1, rate: 1.0, optimizer, ..Settings::default() };
        let steps = moves(&model, &numbers(vec![0.0]), &settings);
        let factors: Vec<Vec<f64>> = steps.iter().map(|step| step[outputs..].to_vec()).collect();
        for (i, factors) in factors.iter().enumerate() {
            let zeros = factors.iter().filter(|&&factor| factor == 0.0).count() as f64;
            let kept = 1.0 / (1.0 - p);
            assert!(factors.iter().all(|f| *f == 0.0 || (f - kept).abs() < 1e-12 * kept), "{p}");
            // Five standard deviations.
            let spread = 5.0 * (outputs as f64 * p * (1.0 - p)).sqrt();
            assert!((zeros - outputs as f64 * p).abs() <= spread, "{p}: {zeros} zeros");
            assert!(p == 0.0 || factors[..] != steps[(i + 1) % 3][outputs..], "each step draws anew");
        }
    }
}

#[test]
fn each_sample_of_a_batch_has_factors_of_its_own() {
    let outputs = 500;
    let model = Biases::new(outputs, 0.5);
    // A weight moves by the sum of the factors times the inputs, so that the moves tell them apart.
    let settings = Settings {
        epochs: 1,
        batch_size: 2,
        rate: 1.0,
        reduction: "sum".parse().unwrap(),
        ..Settings::default()
    };
    let steps = moves(&model, &numbers(vec![1.0, 10.0]), &settings);
    assert_eq!(steps.len(), 1);
    for expected in [0.0, 2.0, 20.0, 22.0] {
        let share = steps[0][..outputs].iter().filter(|&&w| w == expected).count();
        assert!((80..170).contains(&share), "{share} of {expected}");
    }
}

fn network() -> Sequential {
    sequential(vec![
        Layer::linear(2, 8).into(),
        Activation::Tanh.into(),
        Module::Dropout(0.3),
        Module::Residual(sequential(vec![Layer::linear(8, 8).into(), Module::Dropout(0.2)])),
        Layer::linear(8, 2).into(),
    ])
}

fn trained(settings: &Settings) -> Vec<u64> {
    let (training, validation) = moons().split(0.2, 7).unwrap();
    let model = network();
    let mut trainer = Trainer::new(&model, model.initialize(7), &training, &validation, settings).unwrap();
    while trainer.advance().unwrap().is_some() {}
    bits(trainer.parameters())
}

#[test]
fn the_seed_decides_what_is_drawn_and_threads_parts_and_interruptions_do_not() {
    let base = Settings { epochs: 3, batch_size: 20, ..Settings::default() };
    let clipped = Settings { clip: Clip::PerSample(0.5), ..base.clone() };
    let private = Settings { noise: 0.5, sampling: Sampling::Poisson, ..clipped.clone() };
    for base in [base, clipped, private] {
        let expected = trained(&base);
        for threads in [1, 2, 5] {
            assert_eq!(trained(&Settings { threads, ..base.clone() }), expected, "{threads} threads");
        }
        let parts = Settings { batch_size: 10, accumulate: 2, ..base.clone() };
        assert_eq!(trained(&parts), expected, "{base:?}");
        assert_ne!(trained(&Settings { seed: 2, ..base.clone() }), expected, "{base:?}");
    }
    let (training, validation) = moons().split(0.2, 7).unwrap();
    let (model, settings) = (network(), Settings { epochs: 3, batch_size: 20, ..Settings::default() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    for stop in [0, 1, 5, 7] {
        let mut first = Trainer::new(&model, model.initialize(7), &training, &validation, &settings).unwrap();
        for _ in 0..stop {
            first.advance().unwrap();
        }
        first.save_checkpoint(&path).unwrap();
        let mut second = Trainer::resume(&path, &model, &training, &validation, &settings).unwrap();
        while second.advance().unwrap().is_some() {}
        assert_eq!(bits(second.parameters()), trained(&settings), "stopped after {stop}");
    }
}

#[test]
fn outside_of_training_dropout_changes_nothing() {
    let with = network();
    let without = sequential(vec![
        Layer::linear(2, 8).into(),
        Activation::Tanh.into(),
        Module::Residual(sequential(vec![Layer::linear(8, 8).into()])),
        Layer::linear(8, 2).into(),
    ]);
    let (data, parameters): (_, Vec<f64>) = (moons(), with.initialize(3));
    assert_eq!(parameters, without.initialize::<f64>(3));
    let measured = |model: &Sequential| {
        let metrics = evaluate(model, &parameters, &data, Loss::CrossEntropy).unwrap();
        (metrics, sample_norms(model, &parameters, &data, Loss::CrossEntropy).unwrap())
    };
    assert_eq!(measured(&with), measured(&without));
    // What a training measures at the end of an epoch is measured so, too.
    let settings = Settings { epochs: 1, ..Settings::default() };
    let mut trainer = Trainer::new(&with, parameters.clone(), &data, &data, &settings).unwrap();
    while trainer.advance().unwrap().is_some() {}
    let expected = evaluate(&with, trainer.parameters(), &data, Loss::CrossEntropy).unwrap();
    assert_eq!(trainer.history()[0].validation, expected);
}

#[test]
fn a_probability_of_0_trains_as_if_there_were_no_dropout() {
    let (training, validation) = moons().split(0.2, 7).unwrap();
    let settings = Settings { epochs: 3, ..Settings::default() };
    let layers = |dropout: bool| {
        let mut modules = vec![Layer::linear(2, 8).into(), Activation::Tanh.into()];
        modules.extend(dropout.then_some(Module::Dropout(0.0)));
        modules.push(Layer::linear(8, 2).into());
        sequential(modules)
    };
    let run = |model: &Sequential| {
        let mut trainer =
            Trainer::new(model, model.initialize(7), &training, &validation, &settings).unwrap();
        while trainer.advance().unwrap().is_some() {}
        trainer.parameters().to_vec()
    };
    for (a, b) in run(&layers(true)).iter().zip(run(&layers(false))) {
        assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn given_factors_multiply_in_every_mode() {
    let model = sequential(vec![
        Module::Dropout(0.5),
        Layer { inputs: 2, outputs: 3, activation: Activation::Tanh }.into(),
        Module::Dropout(0.25),
        Layer::linear(3, 1).into(),
    ]);
    assert_eq!(model.dropout(), [0.5, 0.5, 0.25, 0.25, 0.25]);
    let parameters: Vec<f64> = model.initialize(1);
    let (x, factors) = ([0.3, -0.7], [2.0, 0.0, 0.0, 4.0 / 3.0, 4.0 / 3.0]);
    // By hand: the second input and the first hidden number are gone.
    let p = &parameters;
    let hidden = |j: usize| (p[2 * j] * x[0] * 2.0 + p[6 + j]).tanh() * factors[2 + j];
    let expected = p[10] * hidden(1) + p[11] * hidden(2) + p[12];
    let output = model.forward_training(&parameters, &x, &factors)[0];
    assert!((output - expected).abs() < 1e-15, "{output} {expected}");

    let constants = |row: &[f64]| row.iter().map(|&x| x.into()).collect::<Vec<_>>();
    let (value, by_tape) =
        gradient(|p| model.forward_training(p, &constants(&x), &constants(&factors))[0], &parameters);
    assert_eq!(value, output);
    assert_eq!((by_tape[1], by_tape[3], by_tape[5]), (0.0, 0.0, 0.0)); // weights of the second input
    let of = |p: &[Traced<f64>], s: &[Traced<f64>]| model.forward_training(p, &s[..2], &s[2..])[0];
    let mut recorded = Recorded::new(parameters.len(), 7, of).unwrap();
    let (row, mut by_program) = ([&x[..], &factors].concat(), vec![0.0; parameters.len()]);
    recorded.mean(&parameters, &Rows::new(&row, 7), None, &mut by_program).unwrap();
    for (a, b) in by_tape.iter().zip(&by_program) {
        assert!((a - b).abs() < 1e-15, "{by_tape:?} {by_program:?}");
    }
}

/// Dropout with a probability that no module would have.
#[derive(Debug)]
struct Impossible(f64);

impl Model for Impossible {
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        1
    }
    fn forward<D: Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> {
        vec![p[0] * x[0]]
    }
    fn forward_training<D: Differentiable>(&self, p: &[D], x: &[D], factors: &[D]) -> Vec<D> {
        vec![p[0] * x[0] * factors[0]]
    }
    fn dropout(&self) -> Vec<f64> {
        vec![self.0]
    }
}

#[test]
fn a_probability_out_of_its_range_is_refused_before_the_first_step() {
    let (data, settings) = (numbers(vec![1.0]), Settings { loss: Loss::L1, ..Settings::default() });
    for p in [1.0, -0.1, f64::NAN, f64::INFINITY] {
        let error = Trainer::new(&Impossible(p), vec![1.0], &data, &data, &settings).unwrap_err();
        let expected = format!("the dropout is {p}; expected a probability of 0 or more, and less than 1");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn more_or_fewer_factors_panic() {
    let model = sequential(vec![Layer::linear(1, 2).into(), Module::Dropout(0.5)]);
    let mlp = Mlp::new(&[1, 2], Activation::Tanh).unwrap();
    let run = |model: &dyn Fn(&[f64]) -> Vec<f64>, count: usize| {
        let factors = vec![1.0; count];
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| model(&factors))).is_ok()
    };
    let parameters = [1.0, 2.0, 3.0, 4.0];
    for count in 0..5 {
        assert_eq!(run(&|factors| model.forward_training(&parameters, &[1.0], factors), count), count == 2);
        assert_eq!(run(&|factors| mlp.forward_training(&parameters, &[1.0], factors), count), count == 0);
    }
}
