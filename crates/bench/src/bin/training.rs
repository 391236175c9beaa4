//! Times one optimiser step of three small networks, and prints a JSON line for each workload and mode.
//!
//! Usage: `cargo run --release -p dualtape-bench --bin training [THREADS]`, with one thread by default.

use dualtape::ProgramScalar;
use dualtape_bench::network::{ByHand, Engine, Mode, Replayed, Training, Workload};
use std::time::{Duration, Instant};

/// The duration of one measurement, and the number of measurements, whose median is reported.
const STRETCH: Duration = Duration::from_millis(60);
const STRETCHES: usize = 7;

fn main() {
    let threads = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 1,
        Some(Ok(threads)) => threads,
        Some(Err(_)) => {
            eprintln!("usage: training [THREADS]");
            std::process::exit(2);
        }
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("the threads start");
    pool.install(|| {
        report(&Workload::moons(), threads);
        report(&Workload::digits(), threads);
        report(&Workload::mnist(), threads);
    });
}

fn report<F: ProgramScalar>(workload: &Workload<F>, threads: usize) {
    for mode in Mode::ALL {
        let mut replayed = Training::new(workload, mode, Replayed::new(workload));
        let mut by_hand = Training::new(workload, mode, ByHand::new(workload));
        let (ours, loss) = microseconds(&mut replayed);
        let (theirs, _) = microseconds(&mut by_hand);
        let line = serde_json::json!({
            "workload": workload.name,
            "mode": mode.name(),
            "threads": threads,
            "us_per_step": ours,
            "us_per_step_by_hand": theirs,
            "loss": loss,
        });
        println!("{line}");
    }
}

/// The median time of a step in microseconds, and the last loss.
fn microseconds<E: Engine<F>, F: ProgramScalar>(training: &mut Training<E, F>) -> (f64, f64) {
    let mut times: Vec<f64> = (0..STRETCHES)
        .map(|_| {
            let start = Instant::now();
            let mut steps = 0;
            while start.elapsed() < STRETCH {
                training.step();
                steps += 1;
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(steps)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    ((times[STRETCHES / 2] * 10.0).round() / 10.0, training.step().wide())
}
