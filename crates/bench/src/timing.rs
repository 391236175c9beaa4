//! Times several ways to compute the same thing, in turns, so that a slow phase of the machine affects all of them.

use crate::workload::{Mode, Workload};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The number of turns of each way; the median is reported.
const TURNS: usize = 9;

/// The least time between two readings of the clock, so that the reading itself is negligible: it takes
/// about 30 nanoseconds.
const BETWEEN_READINGS: Duration = Duration::from_micros(20);

/// Threads that were asleep may wake on the same processor; the system separates them within this time.
const PARTING: Duration = Duration::from_millis(60);

/// A pool with this many threads. Measured code runs inside the pool: a measuring thread of another pool would search
/// for work while it waits, and so take a processor from the computing threads.
///
/// # Panics
///
/// If the threads do not start.
pub fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("the threads start")
}

/// The measurement of one mode, in nanoseconds.
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

/// Runs a function repeatedly for about the given time. Returns the time of one run in nanoseconds.
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

/// The time of a number of runs of a mode, inside a pool.
pub fn repeated(mode: &mut Mode, pool: &ThreadPool, runs: u64, result: &mut [f64]) -> Duration {
    pool.install(|| {
        let start = Instant::now();
        for _ in 0..runs {
            black_box((mode.run)(black_box(&mut *result)));
        }
        start.elapsed()
    })
}

/// Times all modes of a workload, each in a pool with the threads of that mode; each turn takes about as long as given.
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

/// A function to time, and its name.
pub type Timed<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Times functions in turns, on the calling thread; each turn takes about as long as given.
pub fn measure_all(functions: &mut [Timed<'_>], turn: Duration) -> Vec<Measured> {
    let names: Vec<&'static str> = functions.iter().map(|&(name, _)| name).collect();
    in_turns(&names, |which| turn_of(turn, &mut functions[which].1))
}

/// Gives each mode its turns, the first of which is a warm-up; `turn` returns the time of one run.
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
