//! A custom model, trained so that it tells little of any single person: how long people stay in hospital, by age
//! and fitness. Each sample's gradient is clipped, each step gets noise, and the accountant says which epsilon was spent.
//! The private parameters are printed beside plain ones, and epsilon is compared with a bound by Rényi divergences.

use dualtape::Differentiable;
use dualtape_nn::data::Dataset;
use dualtape_nn::privacy::accountant::{Budget, noise_for};
use dualtape_nn::privacy::{NoiseSource, Sampling};
use dualtape_nn::{Clip, Method, Model, Settings, Trainer, train};

/// People leave at a rate that is the exponential of a linear function of the inputs.
struct Rate;

impl Model for Rate {
    fn inputs(&self) -> usize {
        2
    }
    fn outputs(&self) -> usize {
        1
    }
    fn parameter_count(&self) -> usize {
        3
    }
    fn forward<D: Differentiable>(&self, p: &[D], x: &[D]) -> Vec<D> {
        vec![p[0] * x[0] + p[1] * x[1] + p[2]] // the logarithm of the rate
    }
    /// The negative log-likelihood of an exponential distribution.
    fn own_loss<D: Differentiable>(&self, outputs: &[D], targets: &[D]) -> Option<D> {
        Some(outputs[0].exp() * targets[0] - outputs[0])
    }
}

/// What the data are made of: the parameters of age, of fitness, and of neither.
const TRUTH: [f64; 3] = [-0.6, 0.4, -0.5];

fn people(count: usize) -> Result<Dataset, dualtape_nn::Error> {
    let mut state = 1_u64; // of a linear congruential generator
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut inputs, mut days) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let [age, fitness] = [2.0 * uniform() - 1.0, 2.0 * uniform() - 1.0]; // in units with public bounds
        inputs.extend([age, fitness]);
        days.push(-(1.0 - uniform()).ln() / Rate.forward(&TRUTH, &[age, fitness])[0].exp());
    }
    Dataset::regression("stays", vec!["age".into(), "fitness".into()], vec!["days".into()], inputs, days)
}

/// A close bound of epsilon by Rényi divergences (Mironov, Talwar and Zhang 2019; Canonne and others 2020).
fn epsilon_by_hand(noise: f64, q: f64, steps: u64, delta: f64) -> f64 {
    let at_order = |a: i32| {
        let term = |k: i32| {
            let choose = (0..k).map(|i| f64::from(a - i) / f64::from(i + 1)).product::<f64>();
            choose
                * (1.0 - q).powi(a - k)
                * q.powi(k)
                * (f64::from(k * (k - 1)) / (2.0 * noise * noise)).exp()
        };
        let (renyi, a) = ((0..=a).map(term).sum::<f64>().ln(), f64::from(a));
        (steps as f64 * renyi - (delta * a).ln()) / (a - 1.0) + ((a - 1.0) / a).ln()
    };
    (2..100).map(at_order).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), dualtape_nn::Error> {
    let (training, validation) = people(5000)?.split(0.2, 7)?;
    // The best parameters are not kept: the choice among epochs would look at data without noise.
    let (optimizer, keep_best) = (Method::adam(), false);
    let plain = Settings { optimizer, keep_best, epochs: 10, batch_size: 250, ..Settings::default() };
    let mut parameters = vec![0.0; 3];
    train(&Rate, &mut parameters, &training, &validation, &plain, |_| {})?;
    let off = |p: &[f64]| p.iter().zip(TRUTH).map(|(p, truth)| (p - truth).abs()).fold(0.0, f64::max);
    assert!(off(&parameters) < 0.1);
    println!("made with {TRUTH:6.3?}\nplain     {parameters:6.3?}\nbudget   noise    spent  private");

    for epsilon in [0.5, 2.0, 8.0] {
        let budget = Budget { epsilon, delta: 1e-5 };
        let mut settings = Settings {
            clip: Clip::PerSample(3.0),
            sampling: Sampling::Poisson,
            noise_source: NoiseSource::Seed, // repeatable, so it protects nobody; System does
            budget: Some(budget),
            ..plain.clone()
        };
        let (probability, steps) = (settings.probability(training.len()), settings.steps(training.len()));
        settings.noise = noise_for(&budget, probability, steps, settings.accountant)?;
        let mut trainer = Trainer::new(&Rate, vec![0.0; 3], &training, &validation, &settings)?;
        while trainer.advance()?.is_some() {}
        let (spent, private) = (trainer.spent().expect("there is a budget"), trainer.parameters());
        println!("{epsilon:6.1}  {:6.3}  {:7.4}  {private:6.3?}", settings.noise, spent.epsilon);

        let bound = epsilon_by_hand(settings.noise, probability, spent.steps, budget.delta);
        assert!(spent.epsilon <= epsilon && (1.0..1.2).contains(&(bound / spent.epsilon)), "{bound}");
        assert!(off(private) < 0.15, "{private:?}");
    }
    Ok(())
}
