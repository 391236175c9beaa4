//! Times of several ways to compute one thing, taken in turns, so that what slows the machine slows all.

use crate::workload::Workload;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often each way has its turn; the median counts.
const TURNS: usize = 5;

/// What runs between two readings of the clock take at least, so that the reading itself does not count: it takes
/// some 30 nanoseconds.
const BETWEEN_READINGS: Duration = Duration::from_micros(20);

/// Makes the calling thread rayon's only one, so that nothing is handed to another and back.
///
/// # Panics
///
/// If rayon's global pool is already there.
pub fn on_one_thread() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("the pool is not there yet");
}

/// What was measured of one mode, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The mode.
    pub mode: &'static str,
    /// The median of the turns.
    pub nanoseconds: f64,
    /// The fastest turn.
    pub low: f64,
    /// The slowest turn.
    pub high: f64,
}

/// Runs something for about as long as given. Returns the time of one run in nanoseconds.
fn turn_of(turn: Duration, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let (mut runs, mut together, mut elapsed) = (0_u64, 1_u64, Duration::ZERO);
    while runs == 0 || elapsed < turn {
        let before = elapsed;
        (0..together).for_each(|_| run());
        runs += together;
        elapsed = start.elapsed();
        if elapsed - before < BETWEEN_READINGS {
            together *= 2;
        }
    }
    elapsed.as_secs_f64() * 1e9 / runs as f64
}

/// Times all modes of a workload, each turn of each for about as long as given.
pub fn measure(workload: &mut Workload, turn: Duration) -> Vec<Measured> {
    let mut result = vec![0.0; workload.results];
    let mut times = vec![Vec::new(); workload.modes.len()];
    // The first turn warms up.
    for round in 0..=TURNS {
        for (mode, times) in workload.modes.iter_mut().zip(&mut times) {
            let time = turn_of(turn, || {
                black_box((mode.run)(black_box(&mut result)));
            });
            if round > 0 {
                times.push(time);
            }
        }
    }
    let sort = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times
    };
    let summary = |(mode, times): (&crate::workload::Mode, Vec<f64>)| {
        let times = sort(times);
        Measured { mode: mode.name, nanoseconds: times[TURNS / 2], low: times[0], high: times[TURNS - 1] }
    };
    workload.modes.iter().zip(times).map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::turn_of;
    use std::hint::black_box;
    use std::time::Duration;

    #[test]
    fn reading_the_clock_is_no_part_of_a_short_run() {
        // An addition takes far less than a reading of the clock.
        let mut sum = 0_u64;
        let time = turn_of(Duration::from_millis(5), || sum = black_box(sum.wrapping_add(1)));
        assert!(time < 15.0, "{time} ns");
    }
}
