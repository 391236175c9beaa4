//! Times of several ways to compute one thing, taken in turns, so that what slows the machine slows all.

use crate::workload::{Mode, Workload};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often each way has its turn; the median counts.
const TURNS: usize = 9;

/// What runs between two readings of the clock take at least, so that the reading itself does not count: it takes
/// some 30 nanoseconds.
const BETWEEN_READINGS: Duration = Duration::from_micros(20);

/// Threads that have slept may wake on one processor; so long it takes at most until the system has parted them.
const PARTING: Duration = Duration::from_millis(60);

/// A pool of so many threads. What is measured runs inside: were the measuring thread another pool's, it would look for work while
/// it waits, and take a processor from those that compute.
///
/// # Panics
///
/// If the threads do not start.
pub fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("the threads start")
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

/// The time of so many runs of a mode, inside a pool.
pub fn repeated(mode: &mut Mode, pool: &ThreadPool, runs: u64, result: &mut [f64]) -> Duration {
    pool.install(|| {
        let start = Instant::now();
        for _ in 0..runs {
            black_box((mode.run)(black_box(&mut *result)));
        }
        start.elapsed()
    })
}

/// Times all modes of a workload, each turn of each for about as long as given, inside a pool of as many threads as the mode has.
pub fn measure(workload: &mut Workload, turn: Duration) -> Vec<Measured> {
    let most = workload.modes.iter().map(|mode| mode.threads).max().unwrap_or(0);
    let pools: Vec<ThreadPool> = (1..=most).map(pool).collect();
    let mut result = vec![0.0; workload.results];
    let names: Vec<&'static str> = workload.modes.iter().map(|mode| mode.name).collect();
    in_turns(&names, |which| {
        let (mode, result) = (&mut workload.modes[which], &mut result);
        pools[mode.threads - 1].install(|| {
            let threads = mode.threads;
            let mut run = || {
                black_box((mode.run)(black_box(&mut *result)));
            };
            if threads > 1 {
                turn_of(PARTING, &mut run);
            }
            turn_of(turn, run)
        })
    })
}

/// Something to be timed, and its name.
pub type Timed<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Times functions in turns, on the calling thread, each turn for about as long as given.
pub fn measure_all(functions: &mut [Timed<'_>], turn: Duration) -> Vec<Measured> {
    let names: Vec<&'static str> = functions.iter().map(|&(name, _)| name).collect();
    in_turns(&names, |which| turn_of(turn, &mut functions[which].1))
}

/// Gives each of some modes its turns, of which the first warms up; `turn` says how long one run takes.
fn in_turns(names: &[&'static str], mut turn: impl FnMut(usize) -> f64) -> Vec<Measured> {
    let mut times = vec![Vec::new(); names.len()];
    for round in 0..=TURNS {
        for (which, times) in times.iter_mut().enumerate() {
            let time = turn(which);
            if round > 0 {
                times.push(time);
            }
        }
    }
    let summary = |(&mode, mut times): (&&'static str, Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        Measured { mode, nanoseconds: times[TURNS / 2], low: times[0], high: times[TURNS - 1] }
    };
    names.iter().zip(times).map(summary).collect()
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
