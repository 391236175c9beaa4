//! Times a training step, plain and private, on the three networks of the `training` program, and prints a JSON line
//! for each workload and batch size. The private step draws Poisson samples, clips each sample's gradient, and adds noise.
//!
//! Usage: `cargo run --release -p dualtape-bench --bin private [BATCH SIZES]`, on one thread.

use dualtape_bench::network::{IMAGE_LAYERS, images};
use dualtape_nn::data::{self, Dataset};
use dualtape_nn::privacy::Sampling;
use dualtape_nn::{Activation, Clip, Event, Mlp, Settings, Trainer};
use std::time::{Duration, Instant};

/// The duration of one measurement, and the number of measurements, whose median is reported.
const STRETCH: Duration = Duration::from_millis(100);
const STRETCHES: usize = 9;

fn main() {
    let sizes: Vec<usize> =
        std::env::args().skip(1).map(|text| text.parse().expect("batch sizes are whole numbers")).collect();
    let sizes = if sizes.is_empty() { vec![32, 64, 256] } else { sizes };
    for batch_size in sizes {
        report("moons", &data::moons(), &[2, 16, 16, 2], batch_size);
        report("digits", &data::digits(), &[64, 32, 10], batch_size);
        report("mnist", &images(2000), &IMAGE_LAYERS, batch_size);
    }
}

fn report(name: &str, data: &Dataset, layers: &[usize], batch_size: usize) {
    let model = Mlp::new(layers, Activation::Tanh).expect("there are layers");
    let (training, validation) = data.split(0.05, 1).expect("there are enough samples");
    let plain = Settings { epochs: usize::MAX, rate: 1e-4, threads: 1, batch_size, ..Settings::default() };
    let clipped = Settings { clip: Clip::PerSample(1.0), ..plain.clone() };
    let private = Settings { noise: 1.0, sampling: Sampling::Poisson, ..clipped.clone() };
    let mut trainers = [plain, clipped, private].map(|settings| {
        Trainer::new(&model, model.initialize(1), &training, &validation, &settings).expect("all fits")
    });
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..STRETCHES {
        for (trainer, times) in trainers.iter_mut().zip(&mut times) {
            times.push(microseconds_a_step(trainer));
        }
    }
    let [plain, clipped, private] = times.map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[STRETCHES / 2]
    });
    let line = serde_json::json!({
        "workload": name,
        "batch_size": batch_size,
        "us_per_step": plain,
        "us_per_step_clipped": clipped,
        "us_per_step_private": private,
        "ratio": private / plain,
    });
    println!("{line}");
}

/// The time without the evaluation at the end of an epoch.
fn microseconds_a_step(trainer: &mut Trainer<'_, Mlp>) -> f64 {
    let (mut spent, mut steps) = (Duration::ZERO, 0);
    while spent < STRETCH {
        let start = Instant::now();
        let event = trainer.advance().expect("the loss stays finite");
        if matches!(event, Some(Event::Batch(_))) {
            spent += start.elapsed();
            steps += 1;
        }
    }
    spent.as_secs_f64() * 1e6 / f64::from(steps)
}
