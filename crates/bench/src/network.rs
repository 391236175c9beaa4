//! Training steps of small networks: the three workloads of the `training` program, by recorded program and
//! by a loop written by hand.

use dualtape::program::{Rows, Selected};
use dualtape::{Differentiable, ProgramScalar};
use dualtape_nn::data::Dataset;
use dualtape_nn::{Activation, Mlp, Recorded, Sgd, clip, loss};

/// The layers of a network for [`images`].
pub const IMAGE_LAYERS: [usize; 3] = [784, 128, 10];

/// Random grey images in ten classes, with the size of MNIST images.
///
/// # Panics
///
/// If the number of images is zero.
pub fn images(count: usize) -> Dataset {
    let [pixels, .., classes] = IMAGE_LAYERS;
    let pixel = |i: usize| ((i as f64 * 0.7391).sin() * 43_758.545).fract().abs();
    let names = (0..pixels).map(|i| format!("p{i}")).collect();
    let labels = (0..count).map(|i| i * 7 % classes).collect();
    let classes = (0..classes).map(|i| i.to_string()).collect();
    Dataset::classification("images", names, classes, (0..count * pixels).map(pixel).collect(), labels)
        .expect("the images are well-formed")
}

/// How gradients are clipped before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Mean,
    /// The mean gradient is clipped to norm 1.
    Clip,
    /// Each sample's gradient is clipped to norm 1 before the mean.
    PerSample,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Clip, Self::PerSample];

    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Clip => "clip",
            Self::PerSample => "persample",
        }
    }
}

/// The loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Hinge loss of a score, with a label of ±1.
    Hinge,
    /// Cross-entropy of the softmax of logits, with a one-hot target.
    Classes,
}

/// A network with one kind of hidden activation, and its training samples.
#[derive(Clone, Debug)]
pub struct Workload<F> {
    /// The name in results.
    pub name: &'static str,
    sizes: Vec<usize>,
    activation: Activation,
    goal: Goal,
    momentum: f64,
    /// Samples per step.
    batch: usize,
    /// Each sample's input and target.
    samples: Vec<F>,
}

impl Workload<f64> {
    /// Two half moons: 100 points, 2-16-16-1, relu, mean hinge loss, all points each step, plain descent.
    pub fn moons() -> Self {
        let text = include_str!("../data/moons.csv");
        let number = |text: &str| text.trim().parse::<f64>().expect("moons.csv holds numbers");
        let row = |line: &str| {
            let mut row: Vec<f64> = line.split(',').map(number).collect();
            row[2] = if row[2] > 0.0 { 1.0 } else { -1.0 };
            row
        };
        let samples: Vec<f64> = text.lines().skip(1).flat_map(row).collect();
        Self {
            name: "moons",
            sizes: vec![2, 16, 16, 1],
            activation: Activation::Relu,
            goal: Goal::Hinge,
            momentum: 0.0,
            batch: samples.len() / 3,
            samples,
        }
    }

    /// Handwritten digits: 64-32-10, tanh, cross-entropy, batches of 32, momentum.
    pub fn digits() -> Self {
        let data = dualtape_nn::data::digits();
        let row = |i: usize| {
            let (pixels, class) = data.sample(i);
            let shares = (0..10).map(move |other| f64::from(u8::from(other == class)));
            pixels.iter().map(|x| x / 16.0).chain(shares)
        };
        Self {
            name: "digits",
            sizes: vec![64, 32, 10],
            activation: Activation::Tanh,
            goal: Goal::Classes,
            momentum: 0.9,
            batch: 32,
            samples: (0..data.len()).flat_map(row).collect(),
        }
    }
}

impl Workload<f32> {
    /// Random inputs of the size of MNIST images, with random labels: 784-128-10, tanh, cross-entropy, batches of 64,
    /// momentum. It only measures speed; there is nothing to learn.
    pub fn mnist() -> Self {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u32 << 24) as f32
        };
        let mut samples = Vec::new();
        for _ in 0..640 {
            samples.extend((0..784).map(|_| uniform()));
            let class = (uniform() * 10.0) as usize;
            samples.extend((0..10).map(|other| if other == class { 1.0 } else { 0.0 }));
        }
        Self {
            name: "mnist",
            sizes: vec![784, 128, 10],
            activation: Activation::Tanh,
            goal: Goal::Classes,
            momentum: 0.9,
            batch: 64,
            samples,
        }
    }
}

impl<F: ProgramScalar> Workload<F> {
    /// The number of samples in a step.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The number of parameters.
    pub(crate) fn parameters(&self) -> usize {
        self.network().parameter_count()
    }

    /// The number of weights of the first layer, and of all other layers.
    pub(crate) fn weights(&self) -> (usize, usize) {
        let layers: Vec<usize> = self.sizes.windows(2).map(|pair| pair[0] * pair[1]).collect();
        (layers[0], layers[1..].iter().sum())
    }

    /// The length of a sample, including its target.
    pub(crate) fn width(&self) -> usize {
        let targets = self.sizes[self.sizes.len() - 1];
        self.sizes[0] + targets
    }

    /// The number of full batches; an incomplete last batch is left out.
    fn batches(&self) -> usize {
        self.samples.len() / self.width() / self.batch
    }

    fn network(&self) -> Mlp {
        Mlp::new(&self.sizes, self.activation).expect("the sizes make a network")
    }
}

/// The loss of one sample.
fn sample_loss<D: Differentiable>(network: &Mlp, goal: Goal, parameters: &[D], sample: &[D]) -> D {
    let (input, target) = sample.split_at(network.inputs());
    let outputs = network.forward(parameters, input);
    match goal {
        Goal::Hinge => loss::hinge(outputs[0], target[0]),
        Goal::Classes => loss::cross_entropy_of_shares(&outputs, target),
    }
}

/// Computes the gradient of a batch.
pub trait Engine<F> {
    /// Writes the mean gradient of the given samples, each clipped to `limit` if given; returns the mean loss.
    fn gradient(&mut self, parameters: &[F], samples: &[usize], limit: Option<F>, gradient: &mut [F]) -> F;
}

/// A training run.
pub struct Training<E, F> {
    engine: E,
    mode: Mode,
    sgd: Sgd<F>,
    parameters: Vec<F>,
    gradient: Vec<F>,
    indices: Vec<usize>,
    batch: usize,
    batches: usize,
    steps: usize,
}

impl<E: Engine<F>, F: ProgramScalar> Training<E, F> {
    /// A run that starts from the workload's seeded parameters.
    pub fn new(workload: &Workload<F>, mode: Mode, engine: E) -> Self {
        let parameters: Vec<F> = workload.network().initialize(7);
        Self {
            engine,
            mode,
            sgd: Sgd::new(0.05, workload.momentum).expect("the rate and the momentum are in range"),
            gradient: vec![F::zero(); parameters.len()],
            parameters,
            indices: (0..workload.batches() * workload.batch).collect(),
            batch: workload.batch,
            batches: workload.batches(),
            steps: 0,
        }
    }

    /// Gradient, clipping and update; returns the mean loss before the update.
    pub fn step(&mut self) -> F {
        let start = self.steps % self.batches * self.batch;
        self.steps += 1;
        let samples = &self.indices[start..start + self.batch];
        let limit = (self.mode == Mode::PerSample).then(F::one);
        let loss = self.engine.gradient(&self.parameters, samples, limit, &mut self.gradient);
        if self.mode == Mode::Clip {
            clip::by_norm(&mut self.gradient, F::one()).expect("the gradient is finite");
        }
        self.sgd.step(&mut self.parameters, &self.gradient);
        loss
    }
}

/// The workload's loss as a recorded program.
pub struct Replayed<'a, F: ProgramScalar> {
    recorded: Recorded<F>,
    points: Rows<'a, F>,
}

impl<'a, F: ProgramScalar> Replayed<'a, F> {
    /// Records the loss.
    pub fn new(workload: &'a Workload<F>) -> Self {
        let (network, goal) = (workload.network(), workload.goal);
        let loss = |parameters: &[_], sample: &[_]| sample_loss(&network, goal, parameters, sample);
        let recorded = Recorded::new(network.parameter_count(), workload.width(), loss);
        Self {
            recorded: recorded.expect("the network is small"),
            points: Rows::new(&workload.samples, workload.width()),
        }
    }
}

impl<F: ProgramScalar> Engine<F> for Replayed<'_, F> {
    fn gradient(&mut self, parameters: &[F], samples: &[usize], limit: Option<F>, gradient: &mut [F]) -> F {
        let chosen = Selected { points: &self.points, indices: samples };
        self.recorded
            .mean(parameters, &chosen, limit, gradient)
            .expect("the workload fits its recording")
            .loss
    }
}

/// Backpropagation as written by hand, sample by sample.
pub struct ByHand<'a, F> {
    workload: &'a Workload<F>,
    /// The outputs of each layer, and their adjoints.
    signals: Vec<Vec<F>>,
    adjoints: Vec<Vec<F>>,
    own: Vec<F>,
}

impl<'a, F: ProgramScalar> ByHand<'a, F> {
    /// Buffers for the workload.
    pub fn new(workload: &'a Workload<F>) -> Self {
        let rows: Vec<Vec<F>> = workload.sizes.iter().map(|&size| vec![F::zero(); size]).collect();
        let own = vec![F::zero(); workload.network().parameter_count()];
        Self { workload, signals: rows.clone(), adjoints: rows, own }
    }

    fn forward(&mut self, parameters: &[F], input: &[F]) {
        self.signals[0].copy_from_slice(input);
        let mut rest = parameters;
        let layers = self.workload.sizes.len() - 1;
        for layer in 0..layers {
            let (before, after) = self.signals.split_at_mut(layer + 1);
            let (x, y) = (&before[layer], &mut after[0]);
            let (weights, others) = rest.split_at(x.len() * y.len());
            let (bias, others) = others.split_at(y.len());
            rest = others;
            for ((y, row), &bias) in y.iter_mut().zip(weights.chunks(x.len())).zip(bias) {
                let z = row.iter().zip(x).fold(bias, |sum, (&w, &x)| sum + w * x);
                *y = if layer + 1 < layers { self.workload.activation.apply(z) } else { z };
            }
        }
    }

    /// The loss at the output; stores the adjoint of the output.
    fn loss(&mut self, target: &[F]) -> F {
        let outputs = self.signals.last().expect("there is an output");
        let adjoint = self.adjoints.last_mut().expect("there is an output");
        match self.workload.goal {
            Goal::Hinge => {
                let short = F::one() - outputs[0] * target[0];
                adjoint[0] = if short > F::zero() { -target[0] } else { F::zero() };
                short.max(F::zero())
            }
            Goal::Classes => {
                let max = outputs.iter().copied().fold(F::neg_infinity(), F::max);
                let total = outputs.iter().fold(F::zero(), |sum, &z| sum + (z - max).exp());
                let mut loss = max + total.ln();
                for ((adjoint, &z), &share) in adjoint.iter_mut().zip(outputs).zip(target) {
                    *adjoint = (z - max).exp() / total - share;
                    loss -= share * z;
                }
                loss
            }
        }
    }

    /// Writes the gradient of the sample of the last forward pass.
    fn backward(&mut self, parameters: &[F]) {
        let mut end = parameters.len();
        for layer in (0..self.workload.sizes.len() - 1).rev() {
            let x = &self.signals[layer];
            let (before, after) = self.adjoints.split_at_mut(layer + 1);
            let (back, own) = (&mut before[layer], &after[0]);
            let bias = end - own.len();
            let start = bias - own.len() * x.len();
            self.own[bias..end].copy_from_slice(own);
            let weights = parameters[start..bias].chunks(x.len());
            back.fill(F::zero());
            for ((derivatives, row), &own) in self.own[start..bias].chunks_mut(x.len()).zip(weights).zip(own)
            {
                for (derivative, &x) in derivatives.iter_mut().zip(x) {
                    *derivative = own * x;
                }
                if layer > 0 {
                    for (back, &w) in back.iter_mut().zip(row) {
                        *back += own * w;
                    }
                }
            }
            if layer > 0 {
                for (back, &x) in back.iter_mut().zip(x) {
                    let derivative = match self.workload.activation {
                        Activation::Relu if x > F::zero() => F::one(),
                        Activation::Relu => F::zero(),
                        _ => F::one() - x * x,
                    };
                    *back *= derivative;
                }
            }
            end = start;
        }
    }
}

impl<F: ProgramScalar> Engine<F> for ByHand<'_, F> {
    fn gradient(&mut self, parameters: &[F], samples: &[usize], limit: Option<F>, gradient: &mut [F]) -> F {
        gradient.fill(F::zero());
        let mut total = F::zero();
        let width = self.workload.width();
        let share = F::nearest(samples.len() as f64).recip();
        for &sample in samples {
            let row = &self.workload.samples[sample * width..][..width];
            let (input, target) = row.split_at(self.workload.sizes[0]);
            self.forward(parameters, input);
            total += self.loss(target);
            self.backward(parameters);
            let factor = limit.map_or(F::one(), |limit| clip::factor(F::norm(&self.own), limit)) * share;
            for (sum, &own) in gradient.iter_mut().zip(&self.own) {
                *sum += factor * own;
            }
        }
        total * share
    }
}
