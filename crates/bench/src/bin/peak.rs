//! Prints a JSON line for each workload: its arithmetic operations, the least bytes it moves, the median time of a
//! run on one thread, and its share of the peak, which is measured with a small kernel before and after.
//!
//! Usage: `cargo run --release -p dualtape-bench --bin peak [NAME]`; without a name, all workloads are measured.

use dualtape_bench::peak::{Networks, Task, tasks};
use std::time::{Duration, Instant};

/// How long a workload is measured, and the least number of runs.
const STRETCH: Duration = Duration::from_millis(400);
const RUNS: usize = 9;

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread starts");
    pool.install(|| {
        let networks = Networks::new();
        tasks(&networks).filter(|task| task.name.contains(&wanted)).for_each(report);
    });
}

fn report(mut task: Task<'_>) {
    (task.run)();
    let before = (task.peak)();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < RUNS || start.elapsed() < STRETCH {
        let begin = Instant::now();
        (task.run)();
        times.push(begin.elapsed().as_secs_f64());
    }
    let peak = before.max((task.peak)());
    times.sort_by(f64::total_cmp);
    let seconds = times[times.len() / 2];
    let line = serde_json::json!({
        "workload": task.name,
        "operations": task.operations,
        "bytes": task.bytes,
        "us": (seconds * 1e7).round() / 10.0,
        "gigaflops": (task.operations / seconds / 1e7).round() / 100.0,
        "peak_gigaflops": (peak / 1e7).round() / 100.0,
        "share_of_peak": (task.operations / seconds / peak * 1e3).round() / 1e3,
    });
    println!("{line}");
}
